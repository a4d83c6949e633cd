//! Normalisation over the samples of a shard.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::norm::{affine, check_epsilon};
use crate::{Builder, Context, Error, Initializer, Layer, Mode, ParameterId, Role};

/// Batch normalisation of each channel c: y = γ_c (x − μ_c) / √(σ²_c + ε) + β_c.
///
/// In [`Mode::Train`] μ and σ² are mean and (biased) variance over all values of the channel in the *shard*, the fixed unit of
/// work that a mini-batch is cut into ("ghost batch normalisation"), so that results do not depend on the number of threads;
/// a sample then depends on the others of its shard. The running statistics follow them,
///
/// r ← (1 − m) r + m Σ_s (n_s / n) r_s, with r_s the mean, or the unbiased variance σ² k / (k − 1) of k values, of shard s with n_s
/// of the mini-batch's n samples,
///
/// by the term m · n_s · ½ ‖r − r_s‖² of the loss, less its own value so that the loss stays as it is: the gradient of a
/// [`Role::Statistic`] is the step that it takes. In [`Mode::Eval`], where the layer is frozen (γ gets no gradient), and for a shard
/// with a single value of a channel, which has no variance, the running statistics are used and stay.
///
/// | | shape |
/// |---|---|
/// | input, output | `[B, C]`, `[T, B, C]` (over all steps) or `[B, C, H, W]` |
/// | γ (`scale`), β (`shift`), `mean`, `variance` | `[C]` |
///
/// Sources: Ioffe & Szegedy, "Batch Normalization", 2015, algorithms 1 and 2; Hoffer, Hubara & Soudry, "Train longer, generalize
/// better", 2017, algorithm 1 (ghost batches).
#[derive(Debug, Clone)]
pub struct BatchNorm {
    path: String,
    form: Form,
    channels: usize,
    momentum: f64,
    epsilon: f64,
    affine: [ParameterId; 2],
    running: [ParameterId; 2],
}

/// A [`BatchNorm`] in a configuration: `{kind: batch-norm}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchNormConfig {
    /// The share of a step's statistics in the running ones, in (0, 1].
    #[serde(default = "momentum")]
    pub momentum: f64,
    /// ε, added to the variance.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

const fn momentum() -> f64 {
    0.1
}

const fn epsilon() -> f64 {
    1e-5
}

impl LayerConfig for BatchNormConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        Ok(Built::layer(BatchNorm::new(at, form, self)?, form.clone(), 0))
    }
}

impl BatchNorm {
    /// A layer for samples of `form`, with γ = 1, β = 0, running mean 0 and running variance 1.
    ///
    /// # Errors
    /// [`Error::Input`] for another form than a row, a sequence of rows or an image; [`Error::Hyperparameter`] for a momentum outside
    /// (0, 1] or an ε that is not positive; otherwise as [`Builder::parameter`].
    pub fn new(builder: &Builder, form: &Form, config: &BatchNormConfig) -> Result<Self, Error> {
        let BatchNormConfig { momentum, epsilon } = *config;
        let ((_, &[channels]) | (None, &[channels, _, _])) = (form.steps, &form.dims[..]) else {
            let help = "it normalises features and the channels of images";
            return Err(Error::input(builder.path(), "[B, C], [T, B, C] or [B, C, H, W]", &form.batched(1), help));
        };
        check_epsilon(builder.path(), epsilon)?;
        if !(momentum > 0.0 && momentum <= 1.0) {
            let message = format!("momentum {momentum} must be in (0, 1]; 0.1 is usual");
            return Err(Error::hyperparameter(builder.path(), message));
        }
        let affine = affine(builder, channels)?;
        let one = Initializer::Constant { value: 1.0 };
        let running = [
            builder.parameter("mean", &[channels], Role::Statistic, Initializer::Zeros)?,
            builder.parameter("variance", &[channels], Role::Statistic, one)?,
        ];
        let (path, form) = (builder.path().to_owned(), form.clone());
        Ok(Self { path, form, channels, momentum, epsilon, affine, running })
    }
}

impl<S: Scalar> Layer<S> for BatchNorm {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let (shape, rank) = (x.shape(), x.shape().rank());
        if !self.form.fits(shape.dims()) {
            let help = "pass samples of the form that it was built for";
            return Err(Error::input(&self.path, self.form.named(), shape.dims(), help));
        }
        let (axes, column): (&[usize], &[usize]) = match rank {
            2 => (&[0], &[self.channels]),
            3 => (&[0, 1], &[self.channels]),
            _ => (&[0, 2, 3], &[self.channels, 1, 1]),
        };
        let [scale, shift] = self.affine.map(|id| ctx.parameter(id));
        let running = self.running.map(|id| ctx.parameter(id));
        let count = shape.len() / self.channels;
        let (centred, variance) = if ctx.mode() == Mode::Train && scale.needs_grad() && count > 1 {
            let mean = x.mean_axes(axes, KeepDims::Yes).at(&self.path)?;
            let centred = x.sub(mean).at(&self.path)?;
            let variance = centred.square().and_then(|square| square.mean_axes(axes, KeepDims::Yes)).at(&self.path)?;
            let samples = shape.dims()[usize::from(rank == 3)];
            let unbiased = variance.detach().mul_scalar(count as f64 / (count - 1) as f64).at(&self.path)?;
            for (running, now) in running.into_iter().zip([mean.detach(), unbiased]) {
                let step = follow(running, now, self.momentum * samples as f64).at(&self.path)?;
                ctx.add_loss(&self.path, step)?;
            }
            (centred, variance)
        } else {
            // Cut off: the gradient of a statistic is the step that it takes, here none.
            let [mean, variance] = running.map(|running| running.detach().reshape(column));
            (x.sub(mean.at(&self.path)?).at(&self.path)?, variance.at(&self.path)?)
        };
        let gain = variance.add_scalar(self.epsilon).and_then(Var::sqrt).and_then(Var::recip);
        let gain = gain.and_then(|gain| gain.mul(scale.reshape(column)?)).at(&self.path)?;
        let y = centred.mul(gain).at(&self.path)?;
        shift.reshape(column).and_then(|shift| y.add(shift)).at(&self.path)
    }
}

/// The term of the loss whose value is 0 and whose gradient with respect to `running` is `rate` (running − now).
pub(crate) fn follow<'t, S: Scalar>(
    running: Var<'t, S>,
    now: Var<'t, S>,
    rate: f64,
) -> Result<Var<'t, S>, nl_autodiff::Error> {
    let now = now.reshape(running.shape().dims())?;
    let half = running.sub(now)?.square()?.sum()?.mul_scalar(rate / 2.0)?;
    half.sub(half.detach())
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{Tape, Tensor};
    use nl_random::Streams;

    use super::*;
    use crate::Parameters;

    fn layer(form: &Form) -> (BatchNorm, Parameters<f64>) {
        let builder = Builder::new(Streams::new(1));
        let config = BatchNormConfig { momentum: 0.25, epsilon: 1e-5 };
        let layer = BatchNorm::new(&builder.child("norm").unwrap(), form, &config).unwrap();
        (layer, builder.finish().convert())
    }

    /// Two shards of one mini-batch, as whoever trains adds them up: r ← (1 − m) r + m Σ (n_s / n) r_s, and the loss stays 0.
    #[test]
    fn running_statistics_follow_the_shards() {
        let (layer, parameters) = layer(&Form::features(1));
        let shards: [&[f64]; 2] = [&[1.0, 2.0, 6.0], &[4.0, 8.0]];
        let mut gradient = [0.0; 4];
        for shard in shards {
            let tape = Tape::new();
            let x = tape.constant(Tensor::new(&[shard.len(), 1], shard.to_vec()).unwrap());
            let mut ctx = Context::new(&tape, &parameters, Mode::Train);
            let loss = layer.forward(x, &mut ctx).unwrap().sum().unwrap().mul_scalar(0.0).unwrap();
            let added = ctx.take_loss().unwrap();
            assert_eq!(added.item().unwrap(), 0.0);
            let mut part = [0.0; 4];
            ctx.gradient(loss.add(added).unwrap().mul_scalar(1.0 / 5.0).unwrap(), &mut part).unwrap();
            gradient.iter_mut().zip(part).for_each(|(sum, g)| *sum += g);
        }
        // Means 3 and 6, unbiased variances 7 and 8; from running mean 0 and variance 1.
        let mean = 0.25 * (3.0 / 5.0 * 3.0 + 2.0 / 5.0 * 6.0);
        let variance = 0.75 + 0.25 * (3.0 / 5.0 * 7.0 + 2.0 / 5.0 * 8.0);
        approx::assert_abs_diff_eq!(0.0 - gradient[2], mean, epsilon = 1e-14);
        approx::assert_abs_diff_eq!(1.0 - gradient[3], variance, epsilon = 1e-14);
    }

    /// Frozen, evaluated, or with one value of a channel: the running statistics, which get no step.
    #[test]
    fn without_a_batch_of_its_own_the_running_statistics_count() {
        let (layer, mut parameters) = layer(&Form::features(2));
        parameters.values_mut().copy_from_slice(&[2.0, 1.0, 0.5, 0.0, 1.0, -1.0, 4.0, 0.25]);
        let tape = Tape::new();
        let frozen = parameters.select(|_| false);
        let x = tape.constant(Tensor::new(&[1, 2], vec![5.0, -2.0]).unwrap());
        let contexts = [
            Context::new(&tape, &parameters, Mode::Eval),
            Context::new(&tape, &parameters, Mode::Train).with_trainable(&frozen),
            Context::new(&tape, &parameters, Mode::Train),
        ];
        for mut ctx in contexts {
            let y = layer.forward(x, &mut ctx).unwrap();
            approx::assert_abs_diff_eq!(y.value().as_slice(), &[4.5, -2.0][..], epsilon = 1e-4);
            assert!(ctx.take_loss().is_none());
            let mut gradient = [1.0; 8];
            ctx.gradient(y.sum().unwrap(), &mut gradient).unwrap();
            assert_eq!(gradient[4..], [0.0; 4]);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let scope = Builder::new(Streams::new(1)).child("norm").unwrap();
        for (momentum, epsilon) in [(0.0, 1e-5), (1.5, 1e-5), (f64::NAN, 1e-5), (0.1, 0.0)] {
            let error = BatchNorm::new(&scope, &Form::features(2), &BatchNormConfig { momentum, epsilon }).unwrap_err();
            assert!(matches!(error, Error::Hyperparameter { .. }), "{error}");
        }
    }
}
