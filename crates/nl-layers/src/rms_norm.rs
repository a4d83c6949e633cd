//! Normalisation by the root of the mean square.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::norm::check_epsilon;
use crate::{Builder, Context, Error, Initializer, Layer, ParameterId, Role};

/// Each row of features over the root of its mean square: y_i = γ_i x_i / √(1/D Σ_j x_j² + ε).
///
/// | | shape |
/// |---|---|
/// | input, output | `[…, D]` |
/// | γ (`scale`) | `[D]` |
///
/// Source: Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019, eq. 4 (ε as in its implementations).
#[derive(Debug, Clone)]
pub struct RmsNorm {
    path: String,
    features: usize,
    epsilon: f64,
    scale: ParameterId,
}

/// An [`RmsNorm`] in a configuration: `{kind: rms-norm}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RmsNormConfig {
    /// ε, added to the mean square.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

const fn epsilon() -> f64 {
    1e-5
}

impl LayerConfig for RmsNormConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let [features] = form.dims[..] else {
            let help = "of images, use group-norm or divisive-norm";
            return Err(Error::input(at.path(), "[B, F] or [T, B, F]", &form.batched(1), help));
        };
        Ok(Built::layer(RmsNorm::new(at, features, self.epsilon)?, form.clone(), 0))
    }
}

impl RmsNorm {
    /// A layer with γ = 1.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if ε is not positive and finite; otherwise as [`Builder::parameter`].
    pub fn new(builder: &Builder, features: usize, epsilon: f64) -> Result<Self, Error> {
        check_epsilon(builder.path(), epsilon)?;
        let scale = builder.parameter("scale", &[features], Role::Norm, Initializer::Constant { value: 1.0 })?;
        Ok(Self { path: builder.path().to_owned(), features, epsilon, scale })
    }
}

impl<S: Scalar> Layer<S> for RmsNorm {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if shape.dims().last() != Some(&self.features) {
            let help = "the last axis is the one that is normalised";
            return Err(Error::input(&self.path, format!("[…, {}]", self.features), shape.dims(), help));
        }
        let mean_square = x.square().and_then(|square| square.mean_axes(&[shape.rank() - 1], KeepDims::Yes));
        let gain = mean_square.and_then(|square| square.add_scalar(self.epsilon)?.sqrt()?.recip()).at(&self.path)?;
        x.mul(gain).and_then(|y| y.mul(ctx.parameter(self.scale))).at(&self.path)
    }
}
