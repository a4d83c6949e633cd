//! Normalisations, each with a learned scale and shift.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, image, only};
use crate::{Builder, Context, Error, Initializer, Layer, ParameterId, Role};

/// Scale and shift, at 1 and 0.
pub(crate) fn affine(builder: &Builder, len: usize) -> Result<[ParameterId; 2], Error> {
    let scale = builder.parameter("scale", &[len], Role::Norm, Initializer::Constant { value: 1.0 })?;
    let shift = builder.parameter("shift", &[len], Role::Norm, Initializer::Zeros)?;
    Ok([scale, shift])
}

pub(crate) fn check_epsilon(path: &str, epsilon: f64) -> Result<(), Error> {
    if epsilon > 0.0 && epsilon.is_finite() {
        return Ok(());
    }
    Err(Error::hyperparameter(path, format!("epsilon {epsilon} must be positive and finite; 1e-5 is usual")))
}

/// Layer normalisation over the last axis: y = γ (x − μ) / √(σ² + ε) + β, with mean μ and (biased) variance σ² of
/// each row.
///
/// | | shape |
/// |---|---|
/// | input, output | `[…, D]` |
/// | γ (`scale`), β (`shift`) | `[D]` |
///
/// Source: Ba, Kiros & Hinton, "Layer Normalization", 2016, eq. 4.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    path: String,
    features: usize,
    epsilon: f64,
    affine: [ParameterId; 2],
}

impl LayerNorm {
    /// A layer with γ = 1 and β = 0.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if ε is not positive and finite; otherwise as [`Builder::parameter`].
    pub fn new(builder: &Builder, features: usize, epsilon: f64) -> Result<Self, Error> {
        check_epsilon(builder.path(), epsilon)?;
        Ok(Self { path: builder.path().to_owned(), features, epsilon, affine: affine(builder, features)? })
    }
}

impl<S: Scalar> Layer<S> for LayerNorm {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if shape.dims().last() != Some(&self.features) {
            let help = "the last axis is the one that is normalised";
            return Err(Error::input(&self.path, format!("[…, {}]", self.features), shape.dims(), help));
        }
        let [scale, shift] = self.affine.map(|id| ctx.parameter(id));
        x.layer_norm(shape.rank() - 1, Some(scale), Some(shift), self.epsilon).at(&self.path)
    }
}

/// Group normalisation: channels in `groups` equal groups, mean and (biased) variance over a group's channels and
/// pixels; y = γ_c (x − μ_g) / √(σ_g² + ε) + β_c.
///
/// | | shape |
/// |---|---|
/// | input, output | `[N, C, H, W]` |
/// | γ (`scale`), β (`shift`) | `[C]` |
///
/// One group is layer normalisation of images, C groups are instance normalisation.
///
/// Source: Wu & He, "Group Normalization", 2018, eq. 1 to 7.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    path: String,
    groups: usize,
    channels: usize,
    epsilon: f64,
    affine: [ParameterId; 2],
}

impl GroupNorm {
    /// A layer with γ = 1 and β = 0.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if `groups` does not divide `channels` or ε is not positive and finite; otherwise as
    /// [`Builder::parameter`].
    pub fn new(builder: &Builder, groups: usize, channels: usize, epsilon: f64) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        check_epsilon(&path, epsilon)?;
        if groups == 0 || !channels.is_multiple_of(groups) {
            let message = format!("{channels} channels cannot be cut into {groups} equal groups; choose a divisor");
            return Err(Error::Hyperparameter { path, message });
        }
        Ok(Self { path, groups, channels, epsilon, affine: affine(builder, channels)? })
    }
}

impl<S: Scalar> Layer<S> for GroupNorm {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if !matches!(*shape.dims(), [_, c, _, _] if c == self.channels) {
            let expected = format!("[N, {}, H, W]", self.channels);
            return Err(Error::input(&self.path, expected, shape.dims(), "pass images of that many channels"));
        }
        let [scale, shift] = self.affine.map(|id| ctx.parameter(id));
        x.group_norm(self.groups, Some(scale), Some(shift), self.epsilon).at(&self.path)
    }
}

/// A [`LayerNorm`] in a configuration: `{kind: layer-norm}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayerNormConfig {
    /// ε, added to the variance.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

const fn epsilon() -> f64 {
    1e-5
}

impl LayerConfig for LayerNormConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let [features] = form.dims[..] else {
            let help = "of images, use group-norm with one group";
            return Err(Error::input(at.path(), "[B, F] or [T, B, F]", &form.batched(1), help));
        };
        Ok(Built::layer(LayerNorm::new(at, features, self.epsilon)?, form.clone(), 0))
    }
}

/// A [`GroupNorm`] in a configuration: `{kind: group-norm, groups: 8}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupNormConfig {
    /// Groups of channels; one: all together, as many as channels: each on its own.
    pub groups: usize,
    /// ε, added to the variance.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

impl LayerConfig for GroupNormConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [channels, ..] = image(at, inputs)?;
        let layer = GroupNorm::new(at, self.groups, channels, self.epsilon)?;
        Ok(Built::layer(layer, inputs[0].clone(), 0))
    }
}
