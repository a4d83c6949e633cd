//! Prefrontal cortex: which class it is.
//!
//! The lateral prefrontal cortex receives from inferotemporal cortex and its cells respect the borders of learned
//! categories, where inferotemporal cells follow the looks of the object. It turns what is seen into what it counts as
//! for the task at hand.
//!
//! Source: Freedman et al., "Categorical representation of visual stimuli in the primate prefrontal cortex", Science
//! 291, 2001; Miller & Cohen, Annu. Rev. Neurosci. 24, 2001.

use nl_autodiff::{Scalar, Var};
use nl_layers::{Builder, Context, Dropout, Initializer, Layer, Linear};

use crate::{BrainConfig, Error};

/// The classifier: logits = W dropout(z) + b.
///
/// | | shape |
/// |---|---|
/// | embedding z | `[N, embedding]` |
/// | output | `[N, classes]`, logits |
#[derive(Debug, Clone)]
pub struct PrefrontalCortex {
    dropout: Dropout,
    category: Linear,
}

impl PrefrontalCortex {
    /// Parameters `weight` and `bias` under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        Ok(Self {
            dropout: Dropout::new(builder, config.dropout)?,
            category: Linear::new(builder, config.embedding, config.classes, Initializer::XavierUniform)?,
        })
    }

    /// Logits of the classes; the embedding's units are dropped in training mode only.
    ///
    /// # Errors
    /// [`Error::Layer`] for an embedding of another shape, or without noise in training mode.
    pub fn forward<'t, S: Scalar>(&self, embedding: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let embedding = self.dropout.forward(embedding, ctx)?;
        Ok(self.category.forward(embedding, ctx)?)
    }
}
