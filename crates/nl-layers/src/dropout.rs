//! Random silencing of units while learning.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::noise::{fill_kept, per_sample};
use crate::{Builder, Context, Error, Layer, Mode};

/// Dropout ("inverted"): y = x · m / (1 − p) with m ~ Bernoulli(1 − p) for each unit, channel or sample; y = x in
/// [`Mode::Eval`].
///
/// | | shape |
/// |---|---|
/// | input, output | `[N, …]`, one row per sample; [over steps](Self::over_steps) `[T, N, …]` |
/// | m | one number for each of [`Dropped`] |
///
/// The mask of a row comes from the stream `dropout/<path>` at (epoch, sample id): the same for every batch, thread
/// and precision.
///
/// Sources: Srivastava et al., "Dropout", JMLR 15, 2014, sec. 10 (scaling at training time); channels: Tompson et al., "Efficient
/// Object Localization Using Convolutional Networks", CVPR 2015, sec. 3.2; depth: Huang et al., "Deep Networks with Stochastic
/// Depth", ECCV 2016, eq. 2 (they scale when they test, by the same factor).
#[derive(Debug, Clone)]
pub struct Dropout {
    path: String,
    stream: String,
    probability: f64,
    dropped: Dropped,
    /// Samples lie on the second axis, steps on the first.
    sequence: bool,
}

/// What is silenced together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Dropped {
    /// Each unit on its own; of a sequence, in each step.
    #[default]
    Units,
    /// A channel of an image with all its pixels, a feature of a sequence in all steps (spatial dropout).
    Channels,
    /// All of a sample: the last layer of a residual branch that is left out at random (stochastic depth).
    Depth,
}

impl Dropout {
    /// Drops each unit with `probability`.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the probability is not in [0, 1).
    pub fn new(builder: &Builder, probability: f64) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        if !(0.0..1.0).contains(&probability) {
            let message = format!("dropout probability {probability} must be in [0, 1)");
            return Err(Error::Hyperparameter { path, message });
        }
        let stream = format!("dropout/{path}");
        Ok(Self { stream, path, probability, dropped: Dropped::Units, sequence: false })
    }

    /// The same for sequences `[T, B, …]`.
    #[must_use]
    pub fn over_steps(self) -> Self {
        Self { sequence: true, ..self }
    }

    /// The same for whole channels or samples.
    #[must_use]
    pub fn of(self, dropped: Dropped) -> Self {
        Self { dropped, ..self }
    }
}

impl<S: Scalar> Layer<S> for Dropout {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        if ctx.mode() == Mode::Eval || self.probability == 0.0 {
            return Ok(x);
        }
        // Axes that share a number of the mask have length 1 in it.
        let (shape, samples) = (x.shape(), usize::from(self.sequence));
        let channels = samples + 1;
        let shared = |axis: usize| match self.dropped {
            Dropped::Units => false,
            Dropped::Channels => axis != samples && axis != channels,
            Dropped::Depth => axis != samples,
        };
        let mask = per_sample(&self.path, &self.stream, ctx, shape, samples, shared, |rng, mask| {
            fill_kept(self.probability, rng, mask);
        })?;
        x.mul(mask).at(&self.path)
    }
}

/// A [`Dropout`] in a configuration: `{kind: dropout, probability: 0.5}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DropoutConfig {
    /// The share of units that are silenced, in [0, 1).
    pub probability: f64,
    /// What is silenced together.
    #[serde(default)]
    pub drop: Dropped,
}

impl LayerConfig for DropoutConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let layer = Dropout::new(at, self.probability)?.of(self.drop);
        let layer = if form.steps.is_some() { layer.over_steps() } else { layer };
        Ok(Built::layer(layer, form.clone(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Noise, Parameters};
    use nl_autodiff::{Tape, Tensor};
    use nl_random::Streams;

    fn dropout(probability: f64) -> Dropout {
        Dropout::new(&Builder::new(Streams::new(1)).child("pfc").unwrap(), probability).unwrap()
    }

    /// Rows of ones, `width` long, after dropout.
    fn masks<S: Scalar>(probability: f64, width: usize, epoch: u64, samples: &[u64]) -> Vec<Vec<f64>> {
        let (tape, parameters) = (Tape::<S>::new(), Parameters::new(vec![], vec![]).unwrap());
        let noise = Noise { streams: Streams::new(9), epoch, samples };
        let x = tape.constant(Tensor::full(&[samples.len(), width], S::ONE).unwrap());
        let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise);
        let y = dropout(probability).forward(x, &mut ctx).unwrap().value();
        y.as_slice().chunks_exact(width).map(|row| row.iter().map(|v| v.to_f64()).collect()).collect()
    }

    #[test]
    fn drops_the_right_share_and_keeps_the_mean() {
        let p = 0.3;
        let mask = &masks::<f64>(p, 40_000, 0, &[5])[0];
        let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64 / 40_000.0;
        // Five standard errors of a share: 5 √(0.3 · 0.7 / 40000) ≈ 0.0115.
        approx::assert_abs_diff_eq!(dropped, p, epsilon = 0.0115);
        assert!(mask.iter().all(|&m| m == 0.0 || approx::relative_eq!(m, 1.0 / 0.7)));
    }

    /// A sample's mask is its own: whatever the batch around it, in either precision; another epoch, another mask.
    #[test]
    fn masks_belong_to_samples() {
        let batch = masks::<f32>(0.5, 64, 2, &[7, 3, 11]);
        assert_eq!(batch[1], masks::<f32>(0.5, 64, 2, &[3])[0]);
        assert_eq!(batch[1], masks::<f64>(0.5, 64, 2, &[3])[0]);
        assert_ne!(batch[0], batch[1]);
        assert_ne!(batch[1], masks::<f32>(0.5, 64, 3, &[3])[0]);
    }

    /// What is dropped together has one number: a channel of an image, a feature of all steps, a sample.
    #[test]
    fn channels_and_samples_are_silenced_whole() {
        let parameters = Parameters::<f64>::new(vec![], vec![]).unwrap();
        let mask = |dropped: Dropped, sequence: bool, shape: &[usize]| {
            let tape = Tape::new();
            let noise = Noise { streams: Streams::new(9), epoch: 0, samples: &[4, 8, 1, 2, 7, 6] };
            let layer = dropout(0.5).of(dropped);
            let layer = if sequence { layer.over_steps() } else { layer };
            let x = tape.constant(Tensor::full(shape, 1.0).unwrap());
            let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise);
            layer.forward(x, &mut ctx).unwrap().value().as_slice().to_vec()
        };
        let one = |numbers: &[f64]| numbers.iter().all(|m| m == &numbers[0]);
        let images = mask(Dropped::Channels, false, &[6, 3, 2, 2]);
        assert!(images.chunks(4).all(one) && !images.chunks(12).all(one));
        let samples = mask(Dropped::Depth, false, &[6, 3, 2, 2]);
        assert!(samples.chunks(12).all(one) && !one(&samples));
        let steps = mask(Dropped::Channels, true, &[3, 6, 5]);
        assert!(steps.chunks(30).all(|step| step == &steps[..30]) && !steps.chunks(5).all(one));
        let samples = mask(Dropped::Depth, true, &[3, 6, 5]);
        assert!(samples.chunks(5).all(one) && samples.chunks(30).all(|step| step == &samples[..30]) && !one(&samples));
    }

    #[test]
    fn does_nothing_in_evaluation_and_complains_without_noise() {
        let (tape, parameters) = (Tape::<f32>::new(), Parameters::new(vec![], vec![]).unwrap());
        let x = tape.constant(Tensor::full(&[2, 3], 1.0).unwrap());
        let layer = dropout(0.9);
        let y = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap();
        assert_eq!(y.value().as_slice(), [1.0; 6]);
        let without = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Train)).err();
        assert_eq!(without, Some(Error::Noise { path: "pfc".into(), rows: 2, samples: 0 }));
        let noise = Noise { streams: Streams::new(9), epoch: 0, samples: &[1] };
        let short = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Train).with_noise(noise)).err();
        assert_eq!(short, Some(Error::Noise { path: "pfc".into(), rows: 2, samples: 1 }));
        let scope = Builder::new(Streams::new(1)).child("pfc").unwrap();
        for p in [1.0, -0.1, f64::NAN] {
            assert!(matches!(Dropout::new(&scope, p), Err(Error::Hyperparameter { .. })));
        }
    }
}
