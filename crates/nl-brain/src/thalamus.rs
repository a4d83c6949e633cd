//! Thalamus: the gate to the cortex.
//!
//! The lateral geniculate nucleus relays the retina's maps to V1, map by map; inhibition from the thalamic reticular
//! nucleus and feedback from the cortex set the gain of each relay. Attention changes these gains before the cortex
//! sees the signal.
//!
//! Source: Sherman & Guillery, "The role of the thalamus in the flow of information to the cortex", Phil. Trans. R.
//! Soc. B 357, 2002; O'Connor et al., "Attention modulates responses in the human lateral geniculate nucleus", Nature
//! Neuroscience 5, 2002.

use nl_autodiff::{Scalar, Var};
use nl_layers::{Builder, ChannelGate, Context, Layer};

use crate::{BrainConfig, Error};

/// A gain in (0, 1) per map, from the mean activity of all maps: y_c = g_c x_c, g = σ(W₂ max(0, W₁ mean(x) + b₁) + b₂).
///
/// | | shape |
/// |---|---|
/// | input, output, recorded as `cortex/thalamus` | `[N, retina, H, W]` |
/// | g, recorded as [`Thalamus::GATE`] | `[N, retina]` |
///
/// Form of the gate: Hu, Shen & Sun, "Squeeze-and-Excitation Networks", CVPR 2018.
#[derive(Debug, Clone)]
pub struct Thalamus {
    path: String,
    relay: ChannelGate,
}

impl Thalamus {
    /// Where a brain's recording keeps the gains.
    pub const GATE: &'static str = "cortex/thalamus/gate";

    /// Parameters `squeeze/…` and `excite/…` under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        Ok(Self {
            path: builder.path().to_owned(),
            relay: ChannelGate::new(builder, config.retina, config.thalamus_hidden)?,
        })
    }

    /// Relays the retina's maps, each scaled by its gain.
    ///
    /// # Errors
    /// [`Error::Layer`] for maps of another shape.
    pub fn forward<'t, S: Scalar>(&self, maps: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let maps = self.relay.forward(maps, ctx)?;
        Ok(ctx.relay(&self.path, maps)?)
    }
}
