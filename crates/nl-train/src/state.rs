//! Where a run stands: all of it, as one value that a checkpoint holds.

use nl_optim::{OptimizerState, WeightAverage};
use serde::{Deserialize, Serialize};

use crate::curves::{StageCurve, Timing};

/// The stages of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Give the image back, without labels.
    SelfSupervised,
    /// Name the class.
    Supervised,
    /// Whom to trust: cortex or memory.
    BasalGanglia,
    /// The test set, once.
    Evaluation,
}

impl Stage {
    /// As shown to people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelfSupervised => "Self-supervised",
            Self::Supervised => "Supervised",
            Self::BasalGanglia => "Basal ganglia",
            Self::Evaluation => "Evaluation",
        }
    }

    /// The stage after this one; the last one stays.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::SelfSupervised => Self::Supervised,
            Self::Supervised => Self::BasalGanglia,
            Self::BasalGanglia | Self::Evaluation => Self::Evaluation,
        }
    }
}

/// Everything a run needs to go on bit for bit. Random numbers are keyed by (epoch, sample), so the position in the data
/// is the position of every stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunState {
    /// SHA-256 of the data the run was started on.
    pub(crate) data_sha256: String,
    /// The stage under way.
    pub(crate) stage: Stage,
    /// Epochs of this stage that are complete.
    pub(crate) epoch: u64,
    /// Steps of the epoch under way that are complete.
    pub(crate) step: u64,
    /// Steps of the whole run that are complete, one more for each stage that has ended: the number of a checkpoint.
    pub(crate) steps: u64,
    /// All weights.
    pub(crate) parameters: Vec<f32>,
    /// The weights at the end of stage 1.
    pub(crate) after_stage_1: Vec<f32>,
    /// The optimiser of the stage under way; `None` before its first step.
    pub(crate) optimizer: Option<OptimizerState>,
    /// Moving average of the weights, for a stage that keeps one.
    pub(crate) average: Option<WeightAverage>,
    /// Loss summed over the steps since the last point of the curve, and their number.
    pub(crate) pending: (f64, u64),
    /// Learning curves so far.
    pub(crate) curves: Vec<StageCurve>,
    /// Wall time so far.
    pub(crate) timings: Vec<Timing>,
    /// Bytes of metrics.jsonl.
    pub(crate) metrics_len: u64,
    /// When the run was started, as text.
    pub(crate) started: String,
}

impl RunState {
    /// Adds wall time (and images) to the part called `name`.
    pub(crate) fn add_time(&mut self, name: &str, seconds: f64, images: Option<u64>) {
        if let Some(part) = self.timings.iter_mut().find(|t| t.name == name) {
            part.seconds += seconds;
            part.images = part.images.zip(images).map(|(a, b)| a + b);
        } else {
            self.timings.push(Timing { name: name.to_owned(), seconds, images });
        }
    }

    /// Wall time of all parts.
    pub(crate) fn seconds(&self) -> f64 {
        self.timings.iter().map(|t| t.seconds).sum()
    }

    /// Images per second of the part called `name`.
    pub(crate) fn throughput(&self, name: &str) -> Option<f64> {
        let part = self.timings.iter().find(|t| t.name == name)?;
        part.images.filter(|_| part.seconds > 0.0).map(|n| n as f64 / part.seconds)
    }
}
