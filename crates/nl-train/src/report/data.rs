//! Everything the report shows, as plain data: no tensors, no files. Empty lists leave their section out.

use serde::{Deserialize, Serialize};

/// All that a report page is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was run, when, and how to run it again.
    pub run: RunInfo,
    /// The data it learned from.
    pub data: DataInfo,
    /// The result.
    pub scores: Scores,
    /// The regions of the brain, from the retina to the decision.
    pub regions: Vec<Region>,
    /// The stages of learning, in order.
    pub stages: Vec<StageCurve>,
    /// Test images by true class (rows) and decision (columns).
    pub confusion: Vec<Vec<u64>>,
    /// Images and what the cerebellum made of their embeddings.
    pub reconstructions: Vec<Reconstruction>,
    /// Mean thalamic gate, 0 to 1: one row a class, one column a channel.
    pub gates: Vec<Vec<f32>>,
    /// The basal ganglia's trust in memory for each test image.
    pub trust: Vec<TrustSample>,
    /// Some test images and the memories nearest to them.
    pub recalls: Vec<RecallExample>,
    /// Test images decided wrongly, the most confident first.
    pub mistakes: Vec<Mistake>,
    /// Maps of the embedding in two dimensions, for example before and after the labels.
    pub maps: Vec<EmbeddingMap>,
    /// Where the time went, in order.
    pub timings: Vec<Timing>,
    /// The whole configuration, as YAML.
    pub config: String,
}

/// What was run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Name of the experiment: `"mnist"`.
    pub name: String,
    /// Start, as text: `"2026-11-21 19:55 UTC"`.
    pub started: String,
    /// Version of the program.
    pub version: String,
    /// The command that repeats the run.
    pub command: String,
    /// The seed of all randomness.
    pub seed: u64,
    /// Threads used; the result does not depend on it.
    pub threads: usize,
    /// SIMD level of the kernels: `"avx512"`.
    pub simd: String,
    /// Trained parameters of the whole brain.
    pub parameters: u64,
    /// SHA-256 of the weights file.
    pub weights_sha256: String,
    /// Wall time of the run, seconds.
    pub seconds: f64,
}

/// The data of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataInfo {
    /// Name: `"MNIST"`.
    pub name: String,
    /// `true` for generated images: the page says so loudly.
    pub synthetic: bool,
    /// Where the images came from, one sentence.
    pub source: String,
    /// Images trained on.
    pub train: u64,
    /// Images held back to watch the training.
    pub validation: u64,
    /// Images looked at once, at the end.
    pub test: u64,
    /// Height of an image, pixels.
    pub height: usize,
    /// Width of an image, pixels.
    pub width: usize,
    /// Name of each class, in label order.
    pub classes: Vec<String>,
}

/// The result of a run; accuracies are shares from 0 to 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Test accuracy of the gated mixture of cortex and memory.
    pub mixed: f64,
    /// Test accuracy of the cortex alone.
    pub cortex: f64,
    /// Test accuracy of the memory alone.
    pub memory: f64,
    /// k-NN accuracy on the embedding after the stage without labels.
    pub ssl_knn: Option<f64>,
    /// Accuracy of a linear probe on the embedding after the stage without labels.
    pub ssl_linear_probe: Option<f64>,
    /// Mean squared error of a pixel (0 to 1) of the reconstructions.
    pub reconstruction_mse: Option<f64>,
    /// Expected calibration error of the mixture.
    pub calibration_error: Option<f64>,
    /// Images per second of self-supervised training.
    pub ssl_images_per_second: Option<f64>,
    /// Images per second of supervised training.
    pub sup_images_per_second: Option<f64>,
    /// Images per second of inference.
    pub infer_images_per_second: Option<f64>,
}

/// One region of the brain. The wiring diagram knows where these ids belong: `retina`, `thalamus`, `v1`, `v2`, `v4`,
/// `it`, `pfc`, `hippocampus`, `basal_ganglia`, `cerebellum`; regions it does not know appear in the table only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Which region it is (see above).
    pub id: String,
    /// Its name in full: `"Inferotemporal cortex"`.
    pub name: String,
    /// What it does here, half a sentence: `"3 × 3 convolution, ReLU, 2 × 2 max-pool"`.
    pub role: String,
    /// Size of what it puts out: `"32 × 14 × 14"`.
    pub output: String,
    /// Its trained parameters.
    pub parameters: u64,
}

/// How one stage of learning went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageCurve {
    /// Its name: `"Self-supervised"`.
    pub name: String,
    /// What the loss is, with its unit: `"mean squared error of a pixel"`, `"cross-entropy, nats"`.
    pub loss: String,
    /// One sentence for the reader on what is learned here.
    pub explanation: String,
    /// Training steps (all of them, or a sample), in order.
    pub steps: Vec<StepPoint>,
    /// Ends of epochs, in order.
    pub epochs: Vec<EpochPoint>,
}

/// One training step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct StepPoint {
    /// Time within the stage, epochs (1.5 = middle of the second).
    pub epoch: f64,
    /// Loss of the batch, or its mean over the steps since the last point.
    pub loss: f64,
    /// Learning rate.
    pub learning_rate: f64,
}

/// The end of an epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochPoint {
    /// Epochs done.
    pub epoch: f64,
    /// Loss on the validation images.
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation images, 0 to 1.
    pub validation_accuracy: Option<f64>,
}

/// A grey picture, row by row, 0 black to 255 white.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width · height` grey values.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// From values of 0 (black) to 1 (white); others are clamped.
    #[must_use]
    pub fn from_unit(width: usize, height: usize, values: &[f32]) -> Self {
        let pixels = values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        Self { width, height, pixels }
    }
}

/// An image, what the retina got of it, and what came back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reconstruction {
    /// The image.
    pub original: Picture,
    /// What was shown instead, if noise or masking was added.
    pub shown: Option<Picture>,
    /// What the cerebellum drew from the embedding.
    pub drawn: Picture,
    /// True class.
    pub class: u32,
}

/// How one test image was decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TrustSample {
    /// Trust in memory, 0 (cortex alone) to 1 (memory alone).
    pub trust: f32,
    /// True class.
    pub class: u32,
    /// Whether the decision was right.
    pub right: bool,
}

/// A test image and the memories nearest to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecallExample {
    /// The test image.
    pub query: Picture,
    /// Its true class.
    pub class: u32,
    /// Nearest first.
    pub neighbours: Vec<Neighbour>,
}

/// One memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// The training image that was stored.
    pub picture: Picture,
    /// Its class.
    pub class: u32,
    /// Its distance from the query in the embedding.
    pub distance: f32,
}

/// A test image that was decided wrongly.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The image.
    pub picture: Picture,
    /// True class.
    pub truth: u32,
    /// The decision.
    pub decision: u32,
    /// Probability of the decision, 0 to 1.
    pub confidence: f32,
    /// The cortex's class and its probability.
    pub cortex: (u32, f32),
    /// The memory's class and its probability.
    pub memory: (u32, f32),
    /// Trust in memory, 0 to 1.
    pub trust: f32,
}

/// Embeddings laid out in the plane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingMap {
    /// What is shown: `"After stage 1, before any label"`.
    pub title: String,
    /// How the plane was made: `"t-SNE, perplexity 30"`.
    pub method: String,
    /// One point an image.
    pub points: Vec<MapPoint>,
}

/// One image on the map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MapPoint {
    /// Position, arbitrary unit.
    pub x: f32,
    /// Position, arbitrary unit.
    pub y: f32,
    /// True class.
    pub class: u32,
}

/// One part of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// What was done.
    pub name: String,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Images worked through, if the part works on images.
    pub images: Option<u64>,
}
