//! Retina: the first filters.
//!
//! Photoreceptors converge through bipolar onto ganglion cells, whose receptive fields are local, overlapping and
//! alike across the retina, with a centre and an opposed surround. About twenty types of ganglion cells tile the
//! retina side by side and send as many filtered copies of the image down the optic nerve.
//!
//! Source: Kuffler, J. Neurophysiol. 16, 1953; Masland, "The neuronal organization of the retina", Neuron 76, 2012.

use nl_autodiff::{Scalar, Var};
use nl_layers::{BlockPool, Builder, Context, ConvBlock, Layer};

use crate::{BrainConfig, Error};

/// One shared, local filter per feature map and a rectification: y = max(0, conv(x, w) + b).
///
/// | | shape |
/// |---|---|
/// | image | `[N, channels, H, W]`, values in [0, 1] |
/// | output | `[N, retina, H, W]` |
///
/// Unlike the cells, the filters are learned and need not be centre-surround. Recorded as `cortex/retina`.
#[derive(Debug, Clone)]
pub struct Retina {
    path: String,
    ganglion: ConvBlock,
}

impl Retina {
    /// Parameters `weight` and `bias` under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        let ganglion = ConvBlock::new(builder, config.channels, config.retina, config.retina_kernel, BlockPool::None)?;
        Ok(Self { path: builder.path().to_owned(), ganglion })
    }

    /// Filters a batch of images.
    ///
    /// # Errors
    /// [`Error::Layer`] for images of another shape.
    pub fn forward<'t, S: Scalar>(&self, images: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let maps = self.ganglion.forward(images, ctx)?;
        Ok(ctx.relay(&self.path, maps)?)
    }
}
