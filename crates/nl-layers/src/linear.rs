//! Affine map of the last axis.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only, product};
use crate::{Builder, Context, Error, Initializer, Layer, ParameterId, Role};

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
        Ok(Self { path: builder.path().to_owned(), inputs, outputs, weight, bias: None })
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
        x.linear(ctx.parameter(self.weight), bias).at(&self.path)
    }
}
