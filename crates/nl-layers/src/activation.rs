//! Pointwise nonlinearities.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::{Builder, Context, Error, Layer};

/// An [`Activation`] in a configuration: `{kind: activation, function: relu}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActivationConfig {
    /// Which nonlinearity.
    pub function: Activation,
}

impl LayerConfig for ActivationConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        Ok(Built::layer(self.function, only(at, inputs)?.clone(), 0))
    }
}

/// A pointwise nonlinearity; input and output have the same shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// tanh x
    Tanh,
    /// ln(1 + eˣ)
    Softplus,
    /// x Φ(x), with the normal distribution function Φ (not its tanh approximation): Hendrycks & Gimpel, 2016.
    Gelu,
}

impl<S: Scalar> Layer<S> for Activation {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        match self {
            Self::Relu => x.relu(),
            Self::Sigmoid => x.sigmoid(),
            Self::Tanh => x.tanh(),
            Self::Softplus => x.softplus(),
            Self::Gelu => x.gelu(),
        }
        .at("activation")
    }
}
