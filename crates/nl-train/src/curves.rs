//! What a run keeps of its way, for the page: curves and times.

use serde::{Deserialize, Serialize};

/// How one stage of learning went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StageCurve {
    /// Its name: `"Self-supervised"`.
    pub(crate) name: String,
    /// What the loss is, with its unit: `"mean squared error of a pixel"`, `"cross-entropy, nats"`.
    pub(crate) loss: String,
    /// One sentence for the reader on what is learned here.
    pub(crate) explanation: String,
    /// Training steps (all of them, or a sample), in order.
    pub(crate) steps: Vec<StepPoint>,
    /// Ends of epochs, in order.
    pub(crate) epochs: Vec<EpochPoint>,
}

/// One training step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepPoint {
    /// Time within the stage, epochs (1.5 = middle of the second).
    pub(crate) epoch: f64,
    /// Loss of the batch, or its mean over the steps since the last point.
    pub(crate) loss: f64,
    /// Learning rate.
    pub(crate) learning_rate: f64,
}

/// The end of an epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EpochPoint {
    /// Epochs done.
    pub(crate) epoch: f64,
    /// Loss on the validation images.
    pub(crate) validation_loss: Option<f64>,
    /// Accuracy on the validation images, 0 to 1.
    pub(crate) validation_accuracy: Option<f64>,
}

/// One part of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timing {
    /// What was done.
    pub(crate) name: String,
    /// Wall time, seconds.
    pub(crate) seconds: f64,
    /// Images worked through, if the part works on images.
    pub(crate) images: Option<u64>,
}
