//! Visual cortex: V1, V2 and V4, from edges to parts of shapes.
//!
//! Cells of V1 answer to oriented edges, and its complex cells do so wherever the edge lies within a small field;
//! V2 adds contours and textures, V4 curvature and parts of shapes. From stage to stage of this ventral stream the
//! receptive fields grow and the answers depend less on the exact position.
//!
//! Source: Hubel & Wiesel, J. Physiol. 160, 1962; Felleman & Van Essen, Cerebral Cortex 1, 1991; Pasupathy & Connor,
//! J. Neurophysiol. 86, 2001.

use nl_autodiff::{Scalar, Var};
use nl_layers::{BlockPool, Builder, Context, ConvBlock, Layer};

use crate::{BrainConfig, Error};

/// Three stages of 3 × 3 filters, each y = max(0, conv(x, w) + b), the first two followed by 2 × 2 max-pooling.
///
/// | | shape |
/// |---|---|
/// | input | `[N, retina, H, W]` |
/// | V1 | `[N, v1, ⌊H/2⌋, ⌊W/2⌋]` |
/// | V2 | `[N, v2, ⌊H/4⌋, ⌊W/4⌋]` |
/// | V4, the output | `[N, v4, ⌊H/4⌋, ⌊W/4⌋]` |
///
/// Max-pooling as a model of complex cells: Riesenhuber & Poggio, Nature Neuroscience 2, 1999. Recorded as
/// `cortex/v1`, `cortex/v2` and `cortex/v4`.
#[derive(Debug, Clone)]
pub struct VisualCortex {
    stages: [(String, ConvBlock); 3],
}

impl VisualCortex {
    /// Parameters `v1/…`, `v2/…` and `v4/…` under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        let stage = |name, inputs, outputs, pool| -> Result<_, Error> {
            let scope = builder.child(name)?;
            Ok((scope.path().to_owned(), ConvBlock::new(&scope, inputs, outputs, 3, pool)?))
        };
        Ok(Self {
            stages: [
                stage("v1", config.retina, config.v1, BlockPool::Max2x2)?,
                stage("v2", config.v1, config.v2, BlockPool::Max2x2)?,
                stage("v4", config.v2, config.v4, BlockPool::None)?,
            ],
        })
    }

    /// Runs the three stages.
    ///
    /// # Errors
    /// [`Error::Layer`] for maps of another shape.
    pub fn forward<'t, S: Scalar>(&self, maps: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        self.stages.iter().try_fold(maps, |maps, (path, stage)| {
            let maps = stage.forward(maps, ctx)?;
            Ok(ctx.relay(path, maps)?)
        })
    }
}
