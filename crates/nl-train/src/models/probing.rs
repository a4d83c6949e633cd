//! How good an embedding is, before anything else has learned from it: k-NN and a linear probe.

use nl_brain::{BrainConfig, Hippocampus, HippocampusConfig, Metric, RecallBatch, Scratch};
use nl_data::Images;
use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use crate::Error;
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
    let spread = |n: usize, most: usize| -> Vec<u32> {
        let m = n.min(most);
        (0..m).map(|i| (i as u64 * n as u64 / m as u64) as u32).collect()
    };
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
    let scale = Scale::of(train.embedding, dim);
    let (seen, new) = (scale.apply(train.embedding), scale.apply(test.embedding));
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

fn numbers(labels: &[u8]) -> Vec<u32> {
    labels.iter().map(|&label| u32::from(label)).collect()
}

/// (x − mean) / std of each unit; units that never vary, or by no more than the rounding of their own values, become 0.
///
/// Moments are those of x − x₀ with x₀ the first row: a unit that is constant has exactly none, whatever its value, and
/// nothing depends on the unit in which the rows are measured.
struct Scale {
    mean: Vec<f64>,
    factor: Vec<f64>,
}

impl Scale {
    fn of(rows: &[f32], dim: usize) -> Self {
        let n = (rows.len() / dim).max(1) as f64;
        let first = rows.get(..dim).unwrap_or_default();
        let (mut shift, mut square) = (vec![0.0; dim], vec![0.0; dim]);
        for row in rows.chunks_exact(dim) {
            for (((shift, square), &x), &first) in shift.iter_mut().zip(&mut square).zip(row).zip(first) {
                let d = f64::from(x) - f64::from(first);
                *shift += d / n;
                *square += d * d / n;
            }
        }
        let mean: Vec<f64> = shift.iter().zip(first).map(|(shift, &first)| f64::from(first) + shift).collect();
        let factor = |((shift, square), mean): ((&f64, &f64), &f64)| {
            let variance = square - shift * shift;
            let rounding = f64::from(f32::EPSILON).powi(2) * (mean * mean + square);
            if variance > rounding { variance.sqrt().recip() } else { 0.0 }
        };
        Self { factor: shift.iter().zip(&square).zip(&mean).map(factor).collect(), mean }
    }

    fn apply(&self, rows: &[f32]) -> Vec<f32> {
        let units = self.mean.iter().zip(&self.factor).cycle();
        rows.iter().zip(units).map(|(&x, (mean, factor))| ((f64::from(x) - mean) * factor) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    /// Any unit of measure, and constants of any value among units that vary.
    #[test]
    fn standardising_knows_no_unit_and_no_constant() {
        let mut rng = Streams::new(6).rng("scale test", 0, 0);
        for size in [1e-12_f32, 1e-6, 1.0, 1e6, 1e12] {
            for constant in [0.0, 0.1, 1.0 / 3.0, 1e-3, 7e4] {
                let rows: Vec<f32> =
                    (0..300).flat_map(|_| [size * (rng.random::<f32>() + 3.0), constant * size]).collect();
                let scale = Scale::of(&rows, 2);
                assert_eq!(scale.factor[1], 0.0, "a constant {constant} in units of {size}");
                let scaled = scale.apply(&rows);
                let moment = |power| scaled.iter().step_by(2).map(|&x| f64::from(x).powi(power)).sum::<f64>() / 300.0;
                // Rounded to f32 at the end.
                approx::assert_abs_diff_eq!(moment(1), 0.0, epsilon = 1e-6);
                approx::assert_relative_eq!(moment(2), 1.0, max_relative = 1e-6);
            }
        }
    }

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
