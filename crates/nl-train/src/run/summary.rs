//! The result of a run, as `--json` prints it and `summary.json` keeps it.

use std::collections::BTreeMap;

use nl_data::Source;
use serde::{Deserialize, Serialize};

use crate::metrics::argmax;
use crate::page::class_name;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Kind of the model.
    pub model: String,
    /// The configuration's name.
    pub preset: String,
    /// Which images, for a model that learns from images.
    pub dataset: Option<Source>,
    /// The seed of everything random.
    pub seed: u64,
    /// Worker threads; the result is the same for any number.
    pub threads: usize,
    /// Scores by name; accuracies are shares from 0 to 1.
    pub scores: BTreeMap<String, f64>,
    /// Wall time of the parts, and `total`.
    pub seconds: BTreeMap<String, f64>,
    /// SHA-256 of weights.safetensors: the same for the same configuration, images and SIMD level. None for a model without
    /// weights.
    pub weights_sha256: Option<String>,
    /// The report.
    pub report: String,
    /// What only this kind of model has to say.
    #[serde(flatten)]
    pub details: serde_json::Map<String, serde_json::Value>,
    /// For a table of two columns: names and values as shown to people.
    #[serde(skip)]
    pub rows: Vec<(String, String)>,
    /// The table's title.
    #[serde(skip)]
    pub subject: String,
}

/// A score as people read it: a share in per cent, a likelihood or an error in its own unit.
#[must_use]
pub(crate) fn score_text(name: &str, value: f64) -> String {
    const OWN: [&str; 8] = ["negative_log_likelihood", "mse", "mae", "r2", "pinball", "width", "overlap", "load"];
    let own = OWN.iter().any(|unit| name.ends_with(unit));
    if own { format!("{value:9.5}") } else { format!("{:6.2} %", 100.0 * value) }
}

/// What a model says about one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The class it decides for.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// Probability of each class.
    pub probabilities: Vec<f64>,
    /// What each adviser says by itself: class and its probability.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub advisers: BTreeMap<String, Opinion>,
    /// The nearest memories, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
    /// Trust in memory against cortex, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<f64>,
}

impl Prediction {
    /// What rows of log-probabilities say, one class for each of `names`, with nobody else asked.
    pub(crate) fn of_rows(log_probs: &[f32], names: &[String]) -> Vec<Self> {
        let one = |row: &[f32]| {
            let class = argmax(row, names.len())[0] as usize;
            Self {
                class,
                name: class_name(names, class).to_owned(),
                probabilities: row.iter().map(|&p| f64::from(p).exp()).collect(),
                advisers: BTreeMap::new(),
                neighbours: Vec::new(),
                trust: None,
            }
        };
        log_probs.chunks_exact(names.len().max(1)).map(one).collect()
    }
}

/// What a model says about one value of a sample, in the unit of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What the value is called.
    pub name: String,
    /// The best guess.
    pub value: f64,
    /// Standard deviation, of a model that learned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// Quantiles in ascending order, each its share of probability and its value, of a model that learned some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<(f64, f64)>,
}

/// What one adviser says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// The class.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// Its probability.
    pub probability: f64,
}

/// A memory that an image recalls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its number among the training images.
    pub image: u64,
    /// Its class.
    pub class: usize,
    /// The class's name.
    pub name: String,
    /// How far away it is, in the memory's metric.
    pub distance: f64,
}
