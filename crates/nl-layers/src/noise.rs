//! Gaussian noise on activations, and what layers that draw random numbers share.

use nl_autodiff::{Scalar, Shape, Var};
use nl_random::Rng;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::initializers::standard_normal_pair;
use crate::{Builder, Context, Error, Layer, Mode};

/// Gaussian noise while learning: y = x + σ ε or y = x (1 + σ ε), ε ~ N(0, 1) for each unit; y = x in [`Mode::Eval`].
///
/// | | shape |
/// |---|---|
/// | input, output | `[N, …]`, of sequences `[T, N, …]` |
///
/// The noise of a sample comes from the stream `noise/<path>` at (epoch, sample id): the same for every batch, thread and precision.
///
/// Sources: additive, Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995; multiplicative, Srivastava
/// et al., "Dropout", JMLR 15, 2014, sec. 10 (Gaussian dropout).
#[derive(Debug, Clone)]
pub struct GaussianNoise {
    path: String,
    stream: String,
    std: f64,
    combine: Combine,
    sequence: bool,
}

/// How noise meets what it is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// y = x + σ ε
    #[default]
    Add,
    /// y = x (1 + σ ε)
    Multiply,
}

/// A [`GaussianNoise`] in a configuration: `{kind: noise, std: 0.1}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoiseConfig {
    /// σ, the standard deviation.
    pub std: f64,
    /// Whether it is added, or multiplies.
    #[serde(default)]
    pub combine: Combine,
}

impl LayerConfig for NoiseConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let Self { std, combine } = *self;
        if !(std >= 0.0 && std.is_finite()) {
            return Err(Error::hyperparameter(at.path(), format!("std {std} must not be negative, and finite")));
        }
        let path = at.path().to_owned();
        let layer =
            GaussianNoise { stream: format!("noise/{path}"), path, std, combine, sequence: form.steps.is_some() };
        Ok(Built::layer(layer, form.clone(), 0))
    }
}

impl<S: Scalar> Layer<S> for GaussianNoise {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        if ctx.mode() == Mode::Eval || self.std == 0.0 {
            return Ok(x);
        }
        let samples = usize::from(self.sequence);
        let noise = per_sample(
            &self.path,
            &self.stream,
            ctx,
            x.shape(),
            samples,
            |_| false,
            |rng, noise| {
                fill_normal(self.std, rng, noise);
            },
        )?;
        match self.combine {
            Combine::Add => x.add(noise),
            Combine::Multiply => noise.mul(x).and_then(|noise| x.add(noise)),
        }
        .at(&self.path)
    }
}

/// A constant that broadcasts to `shape`, filled for each sample from its own stream. Samples lie on axis `samples` (0, or 1 behind
/// steps); along an axis that is `shared`, which samples never are, it has length 1.
pub(crate) fn per_sample<'t, S: Scalar>(
    path: &str,
    stream: &str,
    ctx: &Context<'t, S>,
    shape: Shape,
    samples: usize,
    shared: impl Fn(usize) -> bool,
    fill: impl Fn(&mut Rng, &mut [S]),
) -> Result<Var<'t, S>, Error> {
    let Some(&rows) = shape.dims().get(samples) else {
        let expected = if samples == 1 { "[T, N, …]" } else { "[N, …]" };
        return Err(Error::input(path, expected, shape.dims(), "give each sample a row"));
    };
    let mut dims = [1; Shape::MAX_RANK];
    for (axis, (dim, &len)) in dims.iter_mut().zip(shape.dims()).enumerate() {
        *dim = if shared(axis) { 1 } else { len };
    }
    let noise = ctx.noise(path, rows)?;
    let steps = if samples == 1 { dims[0] } else { 1 };
    let drawn = ctx.tape().constant_with(&dims[..shape.rank()], |drawn| {
        let width = drawn.len() / (steps * rows).max(1);
        if width == 0 {
            return;
        }
        for (row, &sample) in noise.samples.iter().enumerate() {
            let mut rng = noise.streams.rng(stream, noise.epoch, sample);
            for step in drawn.chunks_mut(rows * width) {
                fill(&mut rng, &mut step[row * width..][..width]);
            }
        }
    });
    drawn.at(path)
}

/// 0 with probability `p`, else 1 / (1 − p): a 32-bit draw below p · 2³² drops.
pub(crate) fn fill_kept<S: Scalar>(p: f64, rng: &mut Rng, mask: &mut [S]) {
    let kept = S::from_f64(1.0 / (1.0 - p));
    let threshold = (p * 4_294_967_296.0) as u32;
    for m in mask {
        *m = if rng.next_u32() < threshold { S::ZERO } else { kept };
    }
}

/// N(0, σ²)
pub(crate) fn fill_normal<S: Scalar>(sigma: f64, rng: &mut Rng, out: &mut [S]) {
    for pair in out.chunks_mut(2) {
        for (x, z) in pair.iter_mut().zip(standard_normal_pair(rng)) {
            *x = S::from_f64(sigma * z);
        }
    }
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{Tape, Tensor};
    use nl_random::Streams;

    use super::*;
    use crate::{Noise, Parameters};

    fn noisy(x: f64, combine: Combine, samples: &[u64], epoch: u64) -> Vec<f64> {
        let builder = Builder::new(Streams::new(1)).child("here").unwrap();
        let config = NoiseConfig { std: 0.5, combine };
        let built: Built<f64> = config.build(&builder, &[Form::features(2000)]).unwrap();
        let crate::graph::Node::Layer(layer) = built.node else { panic!("one input") };
        let (tape, parameters) = (Tape::new(), Parameters::new(vec![], vec![]).unwrap());
        let noise = Noise { streams: Streams::new(9), epoch, samples };
        let x = tape.constant(Tensor::full(&[samples.len(), 2000], x).unwrap());
        let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise);
        layer.forward(x, &mut ctx).unwrap().value().as_slice().to_vec()
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_belongs_to_the_sample() {
        for (x, combine, sigma) in [(3.0, Combine::Add, 0.5), (3.0, Combine::Multiply, 1.5)] {
            let y = noisy(x, combine, &[5], 0);
            let mean = y.iter().sum::<f64>() / 2000.0;
            let variance = y.iter().map(|y| (y - x).powi(2)).sum::<f64>() / 2000.0;
            // Five standard errors: of a mean 5 σ / √2000, of a variance 5 σ² √(2 / 2000).
            approx::assert_abs_diff_eq!(mean, x, epsilon = 0.112 * sigma);
            approx::assert_abs_diff_eq!(variance, sigma * sigma, epsilon = 0.159 * sigma * sigma);
        }
        let batch = noisy(0.0, Combine::Add, &[7, 5], 0);
        assert_eq!(batch[2000..], noisy(0.0, Combine::Add, &[5], 0));
        assert_ne!(batch[..2000], batch[2000..]);
        assert_ne!(batch[2000..], noisy(0.0, Combine::Add, &[5], 1));
    }
}
