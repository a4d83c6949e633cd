//! The result of a run, as `--json` prints it and `summary.json` keeps it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nl_data::Source;
use serde::{Deserialize, Serialize};

/// The result of a run; accuracies are shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Which images.
    pub dataset: Source,
    /// The seed of everything random.
    pub seed: u64,
    /// Worker threads; the result is the same for any number.
    pub threads: usize,
    /// Accuracy on the test set, touched once.
    pub test_accuracy: TestAccuracy,
    /// What stage 1 learned without a label.
    pub ssl: SslSummary,
    /// Throughput of the stages.
    pub images_per_second: Throughput,
    /// Wall time of the parts, and `total`.
    pub seconds: BTreeMap<String, f64>,
    /// SHA-256 of weights.safetensors: the same for the same configuration, images and SIMD level.
    pub weights_sha256: String,
    /// The report.
    pub report: PathBuf,
}

/// Accuracy of the three ways to decide.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestAccuracy {
    /// Prefrontal cortex alone.
    pub cortex: f64,
    /// Hippocampus alone.
    pub memory: f64,
    /// Both, weighed by the basal ganglia.
    pub mixed: f64,
}

/// Scores of the embedding and the decoder after stage 1, on the test set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SslSummary {
    /// k nearest training embeddings.
    pub knn_accuracy: f64,
    /// Multinomial logistic regression on the embedding.
    pub linear_probe_accuracy: f64,
    /// Mean squared error of a pixel, pixels from 0 to 1.
    pub reconstruction_mse: f64,
}

/// Images per second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Self-supervised training.
    pub ssl: f64,
    /// Supervised training.
    pub sup: f64,
    /// Inference on the test set.
    pub infer: f64,
}
