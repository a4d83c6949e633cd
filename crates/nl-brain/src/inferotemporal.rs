//! Inferotemporal cortex: what is seen, in one compact code.
//!
//! At the end of the ventral stream, cells answer to whole objects and tolerate changes of position, size and view.
//! The joint activity of a few hundred of them tells objects apart by a weighted sum.
//!
//! Source: DiCarlo, Zoccolan & Rust, "How does the brain solve visual object recognition?", Neuron 73, 2012.

use nl_autodiff::{Scalar, Var};
use nl_layers::{Builder, Context, Flatten, Initializer, Layer, Linear};

use crate::{BrainConfig, Error};

/// The embedding: z = max(0, W vec(x) + b).
///
/// | | shape |
/// |---|---|
/// | input | `[N, v4, ⌊H/4⌋, ⌊W/4⌋]` |
/// | output, recorded as `cortex/it` | `[N, embedding]` |
#[derive(Debug, Clone)]
pub struct InferotemporalCortex {
    path: String,
    code: Linear,
}

impl InferotemporalCortex {
    /// Parameters `weight` and `bias` under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        let [_, _, [height, width]] = config.pyramid();
        let inputs = config.v4 * height * width;
        Ok(Self {
            path: builder.path().to_owned(),
            code: Linear::new(builder, inputs, config.embedding, Initializer::HE_NORMAL)?,
        })
    }

    /// The embedding of V4's maps.
    ///
    /// # Errors
    /// [`Error::Layer`] for maps of another shape.
    pub fn forward<'t, S: Scalar>(&self, maps: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let rows = Flatten.forward(maps, ctx)?;
        let embedding = self.code.forward(rows, ctx)?.relu()?;
        Ok(ctx.relay(&self.path, embedding)?)
    }
}
