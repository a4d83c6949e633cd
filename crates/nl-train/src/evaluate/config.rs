//! What is looked at besides the scores, once a model has learned.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::data::Dataset;

/// What is looked at besides the scores, when all learning is over. Nothing of it changes what was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateConfig {
    /// Test images, evenly spread, on which each part is cut out in turn, to see what it adds; 0: nothing is cut out.
    pub ablation: usize,
    /// Mistakes, the surest first, of which the page shows what the decision hangs on, beside one right image a class; 0: of no
    /// image.
    pub saliency: usize,
    /// Whether a temperature is fitted on the images held out, to see how sure the answers should have been.
    pub temperature: bool,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        Self { ablation: 1000, saliency: 10, temperature: false }
    }
}

impl EvaluateConfig {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// `Ok` if there are the images that it needs.
    pub(crate) fn check_images<S>(&self, data: &Dataset<S>) -> Result<(), Error> {
        if self.temperature && data.validation.is_empty() {
            return Err(Error::config(
                "model.evaluate.temperature is fitted on images that nothing has learned from; hold some out \
                 (data.validation: 2000)",
            ));
        }
        Ok(())
    }
}
