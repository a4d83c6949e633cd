//! Attention over channels.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, image, product};
use crate::{Builder, Context, Error, Initializer, Layer, Linear};

/// Squeeze-and-excitation: each channel is scaled by a gate in (0, 1) computed from all channels' means.
///
/// s_c = mean_{i,j} x_{c,i,j};  g = σ(W₂ max(0, W₁ s + b₁) + b₂);  y_{c,i,j} = g_c x_{c,i,j}
///
/// | | shape |
/// |---|---|
/// | input, output | `[N, C, H, W]` |
/// | W₁, b₁ (`squeeze`) | `[hidden, C]`, `[hidden]` |
/// | W₂, b₂ (`excite`) | `[C, hidden]`, `[C]` |
/// | g, recorded as `<path>/gate` | `[N, C]` |
///
/// Source: Hu, Shen & Sun, "Squeeze-and-Excitation Networks", CVPR 2018, eq. 2 to 4.
#[derive(Debug, Clone)]
pub struct ChannelGate {
    path: String,
    record: String,
    channels: usize,
    squeeze: Linear,
    excite: Linear,
}

impl ChannelGate {
    /// A gate over `channels` with a hidden layer of `hidden` units.
    ///
    /// # Errors
    /// As [`Builder::parameter`].
    pub fn new(builder: &Builder, channels: usize, hidden: usize) -> Result<Self, Error> {
        Ok(Self {
            path: builder.path().to_owned(),
            record: format!("{}/gate", builder.path()),
            channels,
            squeeze: Linear::new(&builder.child("squeeze")?, channels, hidden, Initializer::HE_NORMAL)?,
            excite: Linear::new(&builder.child("excite")?, hidden, channels, Initializer::XavierUniform)?,
        })
    }
}

impl<S: Scalar> Layer<S> for ChannelGate {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let &[rows, channels, height, width] = shape.dims() else {
            return Err(self.shape_error(shape.dims()));
        };
        if channels != self.channels || height * width == 0 {
            return Err(self.shape_error(shape.dims()));
        }
        let means = x.mean_axes(&[2, 3], KeepDims::No).at(&self.path)?;
        let hidden = self.squeeze.forward(means, ctx)?.relu().at(&self.path)?;
        let gate = self.excite.forward(hidden, ctx)?.sigmoid().at(&self.path)?;
        let gate = ctx.relay(&self.record, gate)?;
        x.mul(gate.reshape(&[rows, channels, 1, 1]).at(&self.path)?).at(&self.path)
    }
}

impl ChannelGate {
    fn shape_error(&self, got: &[usize]) -> Error {
        let expected = format!("[N, {}, H, W]", self.channels);
        Error::input(&self.path, expected, got, "pass images of that many channels and at least one pixel")
    }
}

/// A [`ChannelGate`] in a configuration: `{kind: channel-gate, hidden: 8}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChannelGateConfig {
    /// Units between the channels' means and their gates.
    pub hidden: usize,
}

impl LayerConfig for ChannelGateConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [channels, height, width] = image(at, inputs)?;
        let layer = ChannelGate::new(at, channels, self.hidden)?;
        let macs = product(&[2, channels, self.hidden]).saturating_add(product(&[channels, height, width]));
        Ok(Built::layer(layer, inputs[0].clone(), macs))
    }
}
