//! Attention over places, and over channels and places.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, image, product};
use crate::{Builder, Context, Conv2d, Error, Initializer, Layer, Linear};

/// Attention over places in a configuration: `{kind: spatial-gate}`; each place of an image is scaled by a gate in (0, 1) that sees
/// the mean and the maximum over channels around it.
///
/// g = σ(K ⋆ \[mean_c x; max_c x\] + b); y_{c,i,j} = g_{i,j} x_{c,i,j}
///
/// | | shape |
/// |---|---|
/// | input, output | `[B, C, H, W]` |
/// | K (`weight`), b (`bias`) | `[1, 2, kernel, kernel]`, `[1]` |
/// | g, recorded as `<path>/gate` | `[B, 1, H, W]` |
///
/// Source: Woo et al., "CBAM: Convolutional block attention module", 2018, eq. 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpatialGateConfig {
    /// Height and width of the window a gate sees; odd.
    #[serde(default = "seven")]
    pub kernel: usize,
}

const fn seven() -> usize {
    7
}

struct SpatialGate {
    path: String,
    record: String,
    channels: usize,
    map: Conv2d,
}

impl SpatialGate {
    fn new(at: &Builder, channels: usize, kernel: usize) -> Result<Self, Error> {
        let path = at.path().to_owned();
        if kernel.is_multiple_of(2) {
            return Err(Error::hyperparameter(&path, format!("kernel {kernel} has no centre; use an odd number")));
        }
        let map = Conv2d::new(at, 2, 1, [kernel; 2], [1; 2], [kernel / 2; 2], Initializer::XavierUniform)?;
        Ok(Self { record: format!("{path}/gate"), path, channels, map })
    }
}

impl LayerConfig for SpatialGateConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [channels, height, width] = image(at, inputs)?;
        let layer = SpatialGate::new(at, channels, self.kernel)?;
        Ok(Built::layer(layer, inputs[0].clone(), spatial_macs(self.kernel, channels, height, width)))
    }
}

fn spatial_macs(kernel: usize, channels: usize, height: usize, width: usize) -> u64 {
    product(&[2, kernel, kernel, height, width]).saturating_add(product(&[channels, height, width]))
}

impl<S: Scalar> Layer<S> for SpatialGate {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        check(&self.path, self.channels, x)?;
        let (mean, max) = (x.mean_axes(&[1], KeepDims::Yes), x.max_axes(&[1], KeepDims::Yes));
        let both = Var::concat(&[mean.at(&self.path)?, max.at(&self.path)?], 1).at(&self.path)?;
        let gate = self.map.forward(both, ctx)?.sigmoid().at(&self.path)?;
        let gate = ctx.relay(&self.record, gate)?;
        x.mul(gate).at(&self.path)
    }
}

/// Images of so many channels, with a pixel or more.
fn check<S: Scalar>(path: &str, channels: usize, x: Var<'_, S>) -> Result<[usize; 4], Error> {
    let shape = x.shape();
    match *shape.dims() {
        [batch, c, h, w] if c == channels && h * w > 0 => Ok([batch, c, h, w]),
        _ => {
            let help = "pass images of that many channels and at least one pixel";
            Err(Error::input(path, format!("[B, {channels}, H, W]"), shape.dims(), help))
        }
    }
}

/// The convolutional block attention module in a configuration: `{kind: cbam, hidden: 8}`; first channels are scaled by gates that
/// see the mean and the maximum of each, then places as in `spatial-gate`.
///
/// g = σ(M(mean_{i,j} x) + M(max_{i,j} x)) with M(s) = W₂ max(0, W₁ s + b₁) + b₂; x' = g x; y = spatial-gate(x')
///
/// | | shape |
/// |---|---|
/// | input, output | `[B, C, H, W]` |
/// | W₁, b₁ (`squeeze`), W₂, b₂ (`excite`) | `[hidden, C]`, `[hidden]`, `[C, hidden]`, `[C]` |
/// | g, recorded as `<path>/gate` | `[B, C]` |
/// | of the places | under `spatial` |
///
/// Source: Woo et al., "CBAM: Convolutional block attention module", 2018, eq. 1 to 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CbamConfig {
    /// Units between the channels' means and their gates.
    pub hidden: usize,
    /// Height and width of the window that the gate of a place sees; odd.
    #[serde(default = "seven")]
    pub kernel: usize,
}

struct Cbam {
    path: String,
    record: String,
    channels: usize,
    squeeze: Linear,
    excite: Linear,
    spatial: SpatialGate,
}

impl LayerConfig for CbamConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [channels, height, width] = image(at, inputs)?;
        let layer = Cbam {
            path: at.path().to_owned(),
            record: format!("{}/gate", at.path()),
            channels,
            squeeze: Linear::new(&at.child("squeeze")?, channels, self.hidden, Initializer::HE_NORMAL)?,
            excite: Linear::new(&at.child("excite")?, self.hidden, channels, Initializer::XavierUniform)?,
            spatial: SpatialGate::new(&at.child("spatial")?, channels, self.kernel)?,
        };
        let macs = product(&[4, channels, self.hidden])
            .saturating_add(product(&[channels, height, width]))
            .saturating_add(spatial_macs(self.kernel, channels, height, width));
        Ok(Built::layer(layer, inputs[0].clone(), macs))
    }
}

impl<S: Scalar> Layer<S> for Cbam {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let [batch, channels, ..] = check(&self.path, self.channels, x)?;
        let (mean, max) = (x.mean_axes(&[2, 3], KeepDims::No), x.max_axes(&[2, 3], KeepDims::No));
        // Both through the same map, at once.
        let both = Var::concat(&[mean.at(&self.path)?, max.at(&self.path)?], 0).at(&self.path)?;
        let hidden = self.squeeze.forward(both, ctx)?.relu().at(&self.path)?;
        let scores = self.excite.forward(hidden, ctx)?;
        let parts = (scores.slice(0, 0..batch), scores.slice(0, batch..2 * batch));
        let gate = parts.0.and_then(|mean| mean.add(parts.1?)?.sigmoid()).at(&self.path)?;
        let gate = ctx.relay(&self.record, gate)?;
        let x = x.mul(gate.reshape(&[batch, channels, 1, 1]).at(&self.path)?).at(&self.path)?;
        self.spatial.forward(x, ctx)
    }
}
