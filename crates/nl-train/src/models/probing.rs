//! How good an embedding is, before anything else has learned from it: k-NN and a linear probe.

use nl_brain::{BrainConfig, Hippocampus, HippocampusConfig, Metric, RecallBatch, Scratch};
use nl_data::Images;
use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::standard::Standard;
use crate::Error;
use crate::data::spread;
use crate::gradient::{Gradient, LearnConfig, Probe, RowEvaluator};
use crate::metrics::{accuracy, argmax};
use crate::run::Settings;

/// How an embedding is probed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ProbeConfig {
    /// Neighbours of the k-NN probe (cosine distance, distance-weighted votes).
    pub neighbours: usize,
    /// How the linear probe learns, on standardised embeddings.
    pub learn: LearnConfig,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        let schedule = Schedule::Cosine { rate: 5e-3, steps: 0, floor: 0.0 };
        let optimizer = OptimizerConfig::new(Algorithm::Adam(Adam::default()), schedule);
        Self { neighbours: 5, learn: LearnConfig { shard: 32, ..LearnConfig::new(20, 500, optimizer) } }
    }
}

impl Settings for ProbeConfig {
    fn check(&self) -> Result<(), Error> {
        self.learn.check().map_err(|e| e.under("learn"))?;
        if self.learn.early_stopping.is_some() {
            return Err(Error::config("learn.early_stopping: a probe holds nothing out; leave it out"));
        }
        let (neighbours, most) = (self.neighbours, HippocampusConfig::MAX_NEIGHBOURS);
        if !(1..=most).contains(&neighbours) {
            return Err(Error::config(format!("neighbours is {neighbours}, but must be 1 to {most}")));
        }
        Ok(())
    }
}

/// Embeddings `[N, dim]` and their classes.
#[derive(Clone, Copy)]
pub(super) struct Embedded<'a> {
    pub(super) embedding: &'a [f32],
    pub(super) labels: &'a [u8],
    /// Length of a row.
    pub(super) dim: usize,
    pub(super) classes: usize,
}

impl Embedded<'_> {
    /// A memory's sizes, as nl-brain has them.
    fn sizes(&self) -> BrainConfig {
        BrainConfig { embedding: self.dim, classes: self.classes, ..BrainConfig::default() }
    }
}

/// Share of `test` whose k nearest neighbours in `train` (cosine, votes weighed by distance) name the right class.
pub(super) fn knn_accuracy(
    neighbours: usize,
    train: Embedded<'_>,
    test: Embedded<'_>,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<f64, Error> {
    let named = nearest(neighbours, train, test.embedding, check)?;
    Ok(accuracy(&named, &numbers(test.labels)).unwrap_or(0.0))
}

/// The class that the nearest rows of `train` name for each of `rows`.
fn nearest(
    neighbours: usize,
    train: Embedded<'_>,
    rows: &[f32],
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Vec<u32>, Error> {
    let config = HippocampusConfig {
        capacity: train.labels.len().max(1),
        neighbours: neighbours.min(train.labels.len()).max(1),
        metric: Metric::Cosine,
        ..HippocampusConfig::default()
    };
    let mut memory = Hippocampus::new(&train.sizes(), config)?;
    let ids: Vec<u64> = (0..train.labels.len() as u64).collect();
    memory.store(train.embedding, &numbers(train.labels), &ids)?;
    let (mut recall, mut decided) = (RecallBatch::default(), Vec::new());
    let mut scratches: Vec<Scratch> = (0..rayon::current_num_threads()).map(|_| Scratch::new()).collect();
    for part in rows.chunks((1024 * train.dim).max(1)) {
        memory.recall(part, None, &mut recall, &mut scratches)?;
        decided.extend(argmax(&recall.log_probs, train.classes));
        check()?;
    }
    Ok(decided)
}

/// Training images that are compared pixel by pixel, and test images that are asked about: enough to tell which is better.
const STORED: usize = 5_000;
const ASKED: usize = 1_000;

/// Whether the five nearest of some training images, pixel by pixel, name some test images correctly: which test images,
/// evenly spread, and the outcome of each.
pub(super) fn pixels_right(
    train: &Images,
    test: &Images,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<(Vec<u32>, Vec<bool>), Error> {
    let pixels = |images: &Images| images.pixels().iter().map(|&p| f32::from(p) / 255.0).collect::<Vec<f32>>();
    let places = spread(test.len(), ASKED);
    let (stored, asked) = (train.select(&spread(train.len(), STORED)), test.select(&places));
    let (seen, truth) = (pixels(&stored), numbers(asked.labels()));
    let (labels, dim, classes) = (stored.labels(), train.area(), train.classes());
    let named = nearest(5, Embedded { embedding: &seen, labels, dim, classes }, &pixels(&asked), check)?;
    let right = named.iter().zip(&truth).map(|(a, b)| a == b).collect();
    Ok((places, right))
}

/// Share of `test` that multinomial logistic regression on the embeddings of `train`, each unit standardised, names
/// correctly.
pub(super) fn linear_accuracy(
    config: &ProbeConfig,
    streams: Streams,
    train: Embedded<'_>,
    test: Embedded<'_>,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<f64, Error> {
    let (dim, classes) = (train.dim, train.classes);
    let scale = standard(train.embedding, dim);
    let (seen, new) = (scale.applied(train.embedding), scale.applied(test.embedding));
    let (probe, mut parameters) = Probe::new(&seen[..], train.labels, dim, classes)?;
    let n = train.labels.len();
    let learn = LearnConfig { batch: config.learn.batch.min(n), ..config.learn.clone() };
    let mut gradient = Gradient::new("linear probe", &learn, &parameters, &[""], (0..n as u32).collect(), streams)?;
    while !gradient.is_over() {
        if gradient.step(&mut parameters, &probe)?.epoch_ended {
            check()?;
        }
    }
    gradient.finish(&mut parameters)?;
    let logits = RowEvaluator::<()>::new(256).rows(&new, dim, classes, &parameters, |x, ctx| probe.logits(x, ctx))?;
    Ok(accuracy(&argmax(&logits, classes), &numbers(test.labels)).unwrap_or(0.0))
}

/// What standardises rows of `dim` units.
fn standard(rows: &[f32], dim: usize) -> Standard {
    Standard::of(rows.len() / dim.max(1), dim, dim, |i, to| to.copy_from_slice(&rows[i * dim..][..dim]))
}

fn numbers(labels: &[u8]) -> Vec<u32> {
    labels.iter().map(|&label| u32::from(label)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    /// Two classes on either side of a hyperplane: both probes find them, and shuffled labels cannot be found.
    #[test]
    fn separable_classes_are_found_and_shuffled_ones_are_not() {
        let mut rng = Streams::new(5).rng("probe test", 0, 0);
        let rows: Vec<f32> = (0..8 * 600).map(|_| rng.random_range(-1.0..1.0)).collect();
        let side = |row: &[f32]| u8::from(row[0] + row[3] > 0.0);
        let labels: Vec<u8> = rows.chunks_exact(8).map(side).collect();
        let coin: Vec<u8> = (0..600).map(|_| rng.random_range(0..2)).collect();
        let mut config = ProbeConfig::default();
        (config.learn.batch, config.learn.epochs) = (50, 100);
        let score = |labels: &[u8]| {
            let set = |embedding, labels| Embedded { embedding, labels, dim: 8, classes: 2 };
            let (train, test) = (set(&rows[..8 * 400], &labels[..400]), set(&rows[8 * 400..], &labels[400..]));
            let linear = linear_accuracy(&config, Streams::new(1), train, test, &mut || Ok(())).unwrap();
            (linear, knn_accuracy(5, train, test, &mut || Ok(())).unwrap())
        };
        let (linear, knn) = score(&labels);
        assert!(linear > 0.95 && knn > 0.8, "linear {linear}, knn {knn}");
        // 200 fair coins: five standard deviations are 0.18.
        let (linear, knn) = score(&coin);
        approx::assert_abs_diff_eq!(linear, 0.5, epsilon = 0.18);
        approx::assert_abs_diff_eq!(knn, 0.5, epsilon = 0.18);
    }
}
