//! Affine map of the last axis.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only, product};
use crate::noise::{fill_kept, fill_normal};
use crate::{Builder, Context, Error, Initializer, Layer, Mode, ParameterId, Role};

/// A [`Linear`] layer in a configuration: `{kind: linear, units: 10}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LinearConfig {
    /// Length of the output's last axis.
    pub units: usize,
    /// Whether there is a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// How the weights begin.
    #[serde(default = "xavier")]
    pub initializer: Initializer,
    /// The share of connections that are silenced while learning (`DropConnect`), in [0, 1).
    #[serde(default)]
    pub drop_connections: f64,
    /// Standard deviation of Gaussian noise on the weights while learning.
    #[serde(default)]
    pub weight_noise: f64,
}

const fn yes() -> bool {
    true
}

const fn xavier() -> Initializer {
    Initializer::XavierUniform
}

impl LayerConfig for LinearConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        if form.dims.len() != 1 {
            let help = "place `flatten` before it, to make a row of an image";
            return Err(Error::input(at.path(), "[B, F] or [T, B, F]", &form.batched(1), help));
        }
        let (from, to) = (form.dims[0], self.units);
        let layer = if self.bias { Linear::new } else { Linear::without_bias }(at, from, to, self.initializer)?;
        let layer = layer.with_noise(self.drop_connections, self.weight_noise)?;
        let macs = product(&[form.steps.unwrap_or(1), from, to]);
        Ok(Built::layer(layer, form.with_last(to), macs))
    }
}

/// Affine map y = x Wᵀ + b, with W `[out, in]` and b `[out]`.
///
/// | | shape |
/// |---|---|
/// | input | `[…, in]` |
/// | output | `[…, out]` |
///
/// [With noise](Self::with_noise), in [`Mode::Train`], y = x ((W + ε) ⊙ m / (1 − p))ᵀ + b with ε ~ N(0, s²) and
/// m ~ Bernoulli(1 − p) for each connection: weight noise and `DropConnect`. Both are drawn once for a shard, from the streams
/// `weight-noise/<path>` and `drop-connections/<path>` at (epoch, smallest sample id of the shard), so that they do not depend
/// on the number of threads. (Wan et al. draw m for each sample, which costs a matrix a sample.) In [`Mode::Eval`] W is used, the mean.
///
/// Sources: Wan, Zeiler, Zhang, LeCun & Fergus, "Regularization of Neural Networks using DropConnect", ICML 2013, sec. 3; Graves,
/// "Practical Variational Inference for Neural Networks", 2011 (Gaussian noise of a fixed deviation).
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::{Builder, Context, Initializer, Layer, Linear, Mode, Parameters};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let layer = Linear::new(&builder.child("it")?, 2, 3, Initializer::Constant { value: 0.5 })?;
/// let parameters: Parameters<f32> = builder.finish();
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::new(&[1, 2], vec![1.0, 3.0])?);
/// let y = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval))?;
/// assert_eq!(y.value().as_slice(), [2.0, 2.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Linear {
    path: String,
    inputs: usize,
    outputs: usize,
    weight: ParameterId,
    bias: Option<ParameterId>,
    noise: Option<WeightNoise>,
}

/// Noise on the weights while learning.
#[derive(Debug, Clone)]
struct WeightNoise {
    drop: f64,
    std: f64,
    /// Names of their streams.
    streams: [String; 2],
}

impl Linear {
    /// A layer with bias; the bias starts at 0.
    ///
    /// # Errors
    /// As [`Builder::parameter`].
    pub fn new(builder: &Builder, inputs: usize, outputs: usize, initializer: Initializer) -> Result<Self, Error> {
        let mut layer = Self::without_bias(builder, inputs, outputs, initializer)?;
        layer.bias = Some(builder.parameter("bias", &[outputs], Role::Bias, Initializer::Zeros)?);
        Ok(layer)
    }

    /// A layer without bias: y = x Wᵀ.
    ///
    /// # Errors
    /// As [`Builder::parameter`].
    pub fn without_bias(
        builder: &Builder,
        inputs: usize,
        outputs: usize,
        initializer: Initializer,
    ) -> Result<Self, Error> {
        let weight = builder.parameter("weight", &[outputs, inputs], Role::Weight, initializer)?;
        Ok(Self { path: builder.path().to_owned(), inputs, outputs, weight, bias: None, noise: None })
    }

    /// While learning, silences connections with probability `drop` and adds Gaussian noise of standard deviation `std` to the
    /// weights.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the probability is not in [0, 1) or the deviation is negative or not finite.
    pub fn with_noise(self, drop: f64, std: f64) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&drop) {
            return Err(Error::hyperparameter(&self.path, format!("drop_connections {drop} must be in [0, 1)")));
        }
        if !(std >= 0.0 && std.is_finite()) {
            let message = format!("weight_noise {std} must not be negative, and finite");
            return Err(Error::hyperparameter(&self.path, message));
        }
        let streams = ["drop-connections", "weight-noise"].map(|name| format!("{name}/{}", self.path));
        let noise = (drop > 0.0 || std > 0.0).then_some(WeightNoise { drop, std, streams });
        Ok(Self { noise, ..self })
    }

    /// Length of the output's last axis.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

impl<S: Scalar> Layer<S> for Linear {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if shape.dims().last() != Some(&self.inputs) {
            let help = "flatten or reshape so that the last axis has this length";
            return Err(Error::input(&self.path, format!("[…, {}]", self.inputs), shape.dims(), help));
        }
        let bias = self.bias.map(|bias| ctx.parameter(bias));
        let mut weight = ctx.parameter(self.weight);
        if let Some(noise) = self.noise.as_ref().filter(|_| ctx.mode() == Mode::Train) {
            weight = noise.apply(weight, &self.path, ctx)?;
        }
        match ctx.feedback(self.weight) {
            None => x.linear(weight, bias),
            Some(feedback) => x.linear_with_feedback(weight, bias, feedback),
        }
        .at(&self.path)
    }
}

impl WeightNoise {
    /// (W + ε) ⊙ m / (1 − p)
    fn apply<'t, S: Scalar>(&self, weight: Var<'t, S>, path: &str, ctx: &Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let (shape, mut weight) = (weight.shape(), weight);
        if self.std > 0.0 {
            let mut rng = ctx.shared_noise(path, &self.streams[1])?;
            let noise = ctx.tape().constant_with(shape.dims(), |noise| fill_normal(self.std, &mut rng, noise));
            weight = noise.and_then(|noise| weight.add(noise)).at(path)?;
        }
        if self.drop > 0.0 {
            let mut rng = ctx.shared_noise(path, &self.streams[0])?;
            let mask = ctx.tape().constant_with(shape.dims(), |mask| fill_kept(self.drop, &mut rng, mask));
            weight = mask.and_then(|mask| weight.mask_mul(mask)).at(path)?;
        }
        Ok(weight)
    }
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{Tape, Tensor};
    use nl_random::Streams;

    use super::*;
    use crate::{Noise, Parameters};

    /// y = x Wᵀ for x the identity and W ones: Wᵀ as it was drawn.
    fn drawn(drop: f64, std: f64, epoch: u64, samples: &[u64], mode: Mode) -> Vec<f64> {
        let builder = Builder::new(Streams::new(1));
        let ones = Initializer::Constant { value: 1.0 };
        let layer = Linear::without_bias(&builder.child("it").unwrap(), samples.len(), 400, ones).unwrap();
        let layer = layer.with_noise(drop, std).unwrap();
        let parameters: Parameters<f64> = builder.finish().convert();
        let tape = Tape::new();
        let n = samples.len();
        let x = Tensor::from_fn(&[n, n], |i| if i / n == i % n { 1.0 } else { 0.0 }).unwrap();
        let noise = Noise { streams: Streams::new(9), epoch, samples };
        let mut ctx = Context::new(&tape, &parameters, mode).with_noise(noise);
        layer.forward(tape.constant(x), &mut ctx).unwrap().value().as_slice().to_vec()
    }

    #[test]
    fn connections_are_silenced_and_noisy_as_often_as_said() {
        let weights = drawn(0.25, 0.0, 0, &[3, 4, 5, 6, 7], Mode::Train);
        assert!(weights.iter().all(|&w| w == 0.0 || approx::relative_eq!(w, 1.0 / 0.75)));
        let dropped = weights.iter().filter(|&&w| w == 0.0).count() as f64 / 2000.0;
        // Five standard errors of a share: 5 √(0.25 · 0.75 / 2000) ≈ 0.048.
        approx::assert_abs_diff_eq!(dropped, 0.25, epsilon = 0.048);
        let weights = drawn(0.0, 0.5, 0, &[3, 4, 5, 6, 7], Mode::Train);
        let (mean, square) =
            weights.iter().fold((0.0, 0.0), |(m, s), w| (m + w / 2000.0, s + (w - 1.0).powi(2) / 2000.0));
        // Five standard errors: of a mean 5 · 0.5 / √2000, of a variance 5 · 0.25 √(2 / 2000).
        approx::assert_abs_diff_eq!(mean, 1.0, epsilon = 0.056);
        approx::assert_abs_diff_eq!(square, 0.25, epsilon = 0.04);
        assert_eq!(drawn(0.25, 0.5, 0, &[3, 4], Mode::Eval), [1.0; 800]);
    }

    /// One draw for a shard, whatever the order of its samples; another epoch or shard, another draw.
    #[test]
    fn a_draw_belongs_to_the_shard() {
        let one = drawn(0.5, 0.1, 2, &[7, 3], Mode::Train);
        assert_eq!(one, drawn(0.5, 0.1, 2, &[3, 7], Mode::Train));
        assert_ne!(one, drawn(0.5, 0.1, 3, &[7, 3], Mode::Train));
        assert_ne!(one, drawn(0.5, 0.1, 2, &[7, 4], Mode::Train));
    }

    #[test]
    fn noise_out_of_range_or_without_a_source_is_refused() {
        let builder = Builder::new(Streams::new(1));
        let layer = Linear::without_bias(&builder, 2, 2, Initializer::Zeros).unwrap();
        for (drop, std) in [(1.0, 0.0), (-0.1, 0.0), (f64::NAN, 0.0), (0.0, -1.0), (0.0, f64::INFINITY)] {
            assert!(matches!(layer.clone().with_noise(drop, std), Err(Error::Hyperparameter { .. })));
        }
        let parameters: Parameters<f32> = builder.finish();
        let tape = Tape::new();
        let x = tape.constant(Tensor::zeros(&[1, 2]).unwrap());
        let layer = layer.with_noise(0.5, 0.0).unwrap();
        let error = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Train)).err();
        assert!(matches!(error, Some(Error::Noise { .. })));
    }
}
