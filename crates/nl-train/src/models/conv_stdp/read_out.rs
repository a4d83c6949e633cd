//! The linear read-out: logistic regression on features of one byte each.

use nl_layers::{Linear, Parameters};
use serde::{Deserialize, Serialize};

use super::config::ReadOutConfig;
use super::network::FEATURES;
use super::{ConvStdpModel, ROWS};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, Inputs, Probe, RowEvaluator, Stepped, Task, check_finite};
use crate::run::{Measures, Progress, Tensor};

/// The name of the stage, and of its part of the time.
pub(super) const READ_OUT: &str = "Read-out";
/// Images of a shard: what one thread takes at a time.
const SHARD: usize = 64;
/// Images whose features are numbers at the same time.
const PIECE: usize = 1024;

/// (x − mean) · factor of each feature.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Scale {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl Scale {
    /// factor = 1 / √(variance + ε) of `rows` of `width` bytes; sums of bytes are exact.
    fn of(rows: &[u8], width: usize, epsilon: f64) -> Self {
        let (mut sum, mut square) = (vec![0_u64; width], vec![0_u64; width]);
        for row in rows.chunks_exact(width) {
            for ((sum, square), &x) in sum.iter_mut().zip(&mut square).zip(row) {
                *sum += u64::from(x);
                *square += u64::from(x) * u64::from(x);
            }
        }
        let n = (rows.len() / width.max(1)).max(1) as f64;
        let mean: Vec<f64> = sum.iter().map(|&s| s as f64 / n).collect();
        let factor = |(&square, mean): (&u64, &f64)| 1.0 / (square as f64 / n - mean * mean + epsilon).sqrt();
        Self {
            factor: square.iter().zip(&mean).map(|x| factor(x) as f32).collect(),
            mean: mean.iter().map(|&m| m as f32).collect(),
        }
    }

    fn inputs<'a>(&'a self, values: &'a [u8]) -> Inputs<'a> {
        Inputs::Bytes { values, mean: &self.mean, factor: &self.factor }
    }
}

/// Weights and scale; what it reads is not its own.
pub(super) struct ReadOut {
    layer: Linear,
    parameters: Parameters<f32>,
    width: usize,
    classes: usize,
    /// Once it has begun to learn.
    scale: Option<Scale>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub(super) struct ReadOutState {
    parameters: Vec<f32>,
    scale: Option<Scale>,
}

impl ReadOut {
    /// A read-out of `width` features that has not learned.
    pub(super) fn new(width: usize, classes: usize) -> Result<Self, Error> {
        let (probe, parameters) = Probe::new(&[][..], &[], width, classes)?;
        Ok(Self { layer: probe.layer().clone(), parameters, width, classes, scale: None })
    }

    pub(super) fn parameters(&self) -> &Parameters<f32> {
        &self.parameters
    }

    /// Whether it can be asked.
    pub(super) fn is_learned(&self) -> bool {
        self.scale.is_some()
    }

    pub(super) fn state(&self) -> ReadOutState {
        ReadOutState { parameters: self.parameters.values().to_vec(), scale: self.scale.clone() }
    }

    pub(super) fn restore(&mut self, state: ReadOutState) -> Result<(), Error> {
        let ReadOutState { parameters, scale } = state;
        self.parameters.set_values(&parameters)?;
        if let Some(Scale { mean, factor }) = &scale {
            let finite = mean.iter().chain(factor).all(|x| x.is_finite());
            if mean.len() != self.width || factor.len() != self.width || !finite {
                return Err(Error::config("the checkpoint's read-out is of other features"));
            }
        }
        self.scale = scale;
        Ok(())
    }

    pub(super) fn check_finite(&self, place: &str) -> Result<(), Error> {
        check_finite(&self.parameters, || place.to_owned())
    }

    /// `read_out.…`; none before it has learned.
    pub(super) fn tensors(&self) -> Vec<Tensor> {
        let Some(Scale { mean, factor }) = &self.scale else { return Vec::new() };
        let entries = Tensor::of(&self.parameters).into_iter();
        let entries = entries.map(|tensor| Tensor { name: format!("read_out.{}", tensor.name), ..tensor });
        let vector = |name: &str, values: &[f32]| Tensor {
            name: format!("read_out.{name}"),
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        entries.chain([vector("mean", mean), vector("factor", factor)]).collect()
    }

    /// Logits `[n, classes]` of rows of features.
    pub(super) fn logits(&self, rows: &[u8]) -> Result<Vec<f32>, Error> {
        let Some(scale) = &self.scale else {
            return Err(Error::config("nothing reads the features yet: a stage `read-out` has to come first"));
        };
        let (width, classes) = (self.width, self.classes);
        let (mut logits, mut numbers, mut evaluator) = (Vec::new(), Vec::new(), RowEvaluator::<()>::new(SHARD));
        let probe = Probe::over(&self.layer, Inputs::Floats(&[]), &[], width);
        for piece in rows.chunks(PIECE * width) {
            numbers.clear();
            numbers.resize(piece.len(), 0.0);
            let inputs = scale.inputs(piece);
            for (i, row) in numbers.chunks_exact_mut(width).enumerate() {
                inputs.row(i, row);
            }
            logits.extend(evaluator.rows(&numbers, width, classes, &self.parameters, |x, ctx| probe.logits(x, ctx))?);
        }
        Ok(logits)
    }
}

/// The stage in which it learns.
pub(super) struct Reading<'a> {
    config: &'a ReadOutConfig,
    data: &'a Dataset,
    labels: Vec<u8>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(config: &'a ReadOutConfig, data: &'a Dataset) -> Self {
        let labels = data.labelled.iter().map(|&i| data.split.train.labels()[i as usize]).collect();
        Self { config, data, labels }
    }
}

impl Task<ConvStdpModel> for Reading<'_> {
    fn preparation(&self) -> &'static str {
        FEATURES
    }

    fn prepare(&mut self, model: &mut ConvStdpModel, progress: &mut Progress<'_>) -> Result<(), Error> {
        if model.rows.is_none() {
            model.compute_rows(self.data, progress)?;
        }
        let rows = model.rows.as_deref().unwrap_or_default();
        model.read_out.scale = Some(Scale::of(rows, model.read_out.width, self.config.epsilon));
        Ok(())
    }

    fn step(&mut self, model: &mut ConvStdpModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ReadOut { layer, parameters, width, scale, .. } = &mut model.read_out;
        let (Some(scale), Some(rows)) = (scale, &model.rows) else {
            return Err(Error::config("the read-out has no features to read"));
        };
        gradient.step(parameters, &Probe::over(layer, scale.inputs(rows), &self.labels, *width))
    }

    fn validate(&mut self, _: &ConvStdpModel, _: &Parameters<f32>) -> Result<Measures, Error> {
        Ok(Measures::none())
    }

    fn parameters<'m>(&self, model: &'m mut ConvStdpModel) -> &'m mut Parameters<f32> {
        &mut model.read_out.parameters
    }
}

impl ConvStdpModel {
    /// Features of the images learned from whose labels are known.
    pub(super) fn compute_rows(&mut self, data: &Dataset, progress: &mut Progress<'_>) -> Result<(), Error> {
        let width = self.network.width();
        let mut rows = vec![0; data.labelled.len() * width];
        for (samples, out) in data.labelled.chunks(ROWS).zip(rows.chunks_mut(ROWS * width)) {
            self.network.features_of(&data.split.train, samples, out)?;
            progress.check()?;
        }
        self.rows = Some(rows);
        Ok(())
    }
}
