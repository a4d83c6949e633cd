//! What a run writes besides metrics.jsonl.

use serde::{Deserialize, Serialize};

/// What a run writes while it learns, besides the lines of metrics.jsonl.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Event files for TensorBoard in the run's folder, `tensorboard/<stage>`: every measure; at the end of
    /// epochs, histograms of the weights and of what layers or regions answer, and pictures; the scores, and pictures of what
    /// decisions hang on.
    pub tensorboard: bool,
}

impl LogConfig {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
