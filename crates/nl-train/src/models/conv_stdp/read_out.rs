//! The linear read-out: logistic regression on features of one byte each.

use nl_data::Batches;
use nl_layers::Parameters;
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, OptimizerState, Schedule};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::config::ReadOutConfig;
use crate::Error;
use crate::engine::Engine;
use crate::evaluate::Evaluator;
use crate::objective::{Inputs, Probe};

/// Images of a shard: what one thread takes at a time.
const SHARD: usize = 64;
/// Images whose features are numbers at the same time.
const PIECE: usize = 1024;

/// Features `[n, width]` and labels `[n]`.
#[derive(Clone, Copy)]
pub(super) struct Features<'a> {
    pub(super) values: &'a [u8],
    pub(super) labels: &'a [u8],
    pub(super) width: usize,
}

/// (x − mean) · factor of each feature.
pub(super) struct Scale {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl Scale {
    /// factor = 1 / √(variance + ε); sums of bytes are exact.
    pub(super) fn of(features: Features<'_>, epsilon: f64) -> Self {
        let (mut sum, mut square) = (vec![0_u64; features.width], vec![0_u64; features.width]);
        for row in features.values.chunks_exact(features.width) {
            for ((sum, square), &x) in sum.iter_mut().zip(&mut square).zip(row) {
                *sum += u64::from(x);
                *square += u64::from(x) * u64::from(x);
            }
        }
        let n = features.labels.len().max(1) as f64;
        let mean: Vec<f64> = sum.iter().map(|&s| s as f64 / n).collect();
        let factor = |(&square, mean): (&u64, &f64)| 1.0 / (square as f64 / n - mean * mean + epsilon).sqrt();
        Self {
            factor: square.iter().zip(&mean).map(|x| factor(x) as f32).collect(),
            mean: mean.iter().map(|&m| m as f32).collect(),
        }
    }

    /// Mean and factor of each feature.
    pub(super) fn parts(&self) -> (&[f32], &[f32]) {
        (&self.mean, &self.factor)
    }

    fn inputs<'a>(&'a self, values: &'a [u8]) -> Inputs<'a> {
        Inputs::Bytes { values, mean: &self.mean, factor: &self.factor }
    }
}

/// Where the regression stands; what a checkpoint holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ReadOutState {
    /// Passes that are complete.
    pub(super) epoch: u64,
    parameters: Vec<f32>,
    optimizer: OptimizerState,
}

/// The regression.
pub(super) struct ReadOut<'a> {
    probe: Probe<'a>,
    pub(super) parameters: Parameters<f32>,
    engine: Engine,
    batches: Batches,
    optimizer: Optimizer,
    state: OptimizerState,
    streams: Streams,
    pub(super) epoch: u64,
}

impl<'a> ReadOut<'a> {
    /// From zero, or from `state`.
    pub(super) fn new(
        config: &ReadOutConfig,
        train: Features<'a>,
        scale: &'a Scale,
        classes: usize,
        seed: u64,
        state: Option<&ReadOutState>,
    ) -> Result<Self, Error> {
        let (probe, mut parameters) = Probe::new(scale.inputs(train.values), train.labels, train.width, classes)?;
        let streams = Streams::new(seed);
        let batch = config.batch.min(train.labels.len());
        let engine = Engine::new(&parameters, &[""], batch, SHARD, streams)?;
        let batches = Batches::new(train.labels.len(), batch, true, &streams, 0)?;
        let steps = (batches.len() as u64 * config.epochs).max(1);
        let schedule = Schedule::Cosine { rate: config.rate, steps, floor: 0.0 };
        let mut optimizer = OptimizerConfig::new(Algorithm::Adam(Adam::default()), schedule);
        optimizer.l2 = config.l2;
        let weights = parameters.ranges(|entry| entry.role == nl_layers::Role::Weight);
        let optimizer = Optimizer::new(optimizer, Mask::ranges(weights)?)?;
        let mut at = optimizer.init(parameters.values())?;
        let mut epoch = 0;
        if let Some(state) = state {
            parameters.set_values(&state.parameters)?;
            at = state.optimizer.clone();
            epoch = state.epoch;
        }
        Ok(Self { probe, parameters, engine, batches, optimizer, state: at, streams, epoch })
    }

    /// One pass; the mean loss.
    pub(super) fn pass(&mut self) -> Result<f64, Error> {
        self.batches.start_epoch(&self.streams, self.epoch);
        let steps = self.batches.len() as u64;
        let (mut sum, mut step) = (0.0, self.epoch * steps);
        while let Some(samples) = self.batches.next_batch() {
            sum += self.engine.step(samples, self.epoch, &self.parameters, &self.probe)?;
            let (values, gradient) = (self.parameters.values_mut(), self.engine.gradient());
            self.optimizer.step(values, gradient, &mut self.state, step)?;
            step += 1;
        }
        self.epoch += 1;
        Ok(sum / steps.max(1) as f64)
    }

    /// What a checkpoint holds.
    pub(super) fn state(&self) -> ReadOutState {
        let (parameters, optimizer) = (self.parameters.values().to_vec(), self.state.clone());
        ReadOutState { epoch: self.epoch, parameters, optimizer }
    }

    /// Logits `[n, classes]` of other features.
    pub(super) fn logits(&self, features: Features<'_>, scale: &Scale, classes: usize) -> Result<Vec<f32>, Error> {
        let (mut logits, mut rows, mut evaluator) = (Vec::new(), Vec::new(), Evaluator::new(SHARD));
        let probe = &self.probe;
        for piece in features.values.chunks(PIECE * features.width) {
            rows.clear();
            rows.resize(piece.len(), 0.0);
            let inputs = scale.inputs(piece);
            for (i, row) in rows.chunks_exact_mut(features.width).enumerate() {
                inputs.row(i, row);
            }
            let part =
                evaluator.rows(&rows, features.width, classes, &self.parameters, |x, ctx| probe.logits(x, ctx))?;
            logits.extend_from_slice(&part);
        }
        Ok(logits)
    }
}
