//! Cerebellum: predicts what the senses report.
//!
//! Its uniform circuit is thought to learn internal models that predict the sensory consequences of what the rest of
//! the brain does, from the errors that climbing fibres carry. Here it predicts the image from the embedding, and the
//! error of the prediction teaches the cortex without labels; that the target is a whole image is this model's choice.
//!
//! Source: Marr, J. Physiol. 202, 1969; Albus, Math. Biosci. 10, 1971; Wolpert, Miall & Kawato, "Internal models in the
//! cerebellum", Trends in Cognitive Sciences 2, 1998.

use nl_autodiff::{Scalar, Var};
use nl_layers::{Builder, Context, ConvTranspose2d, Initializer, Layer, Linear};

use crate::{BrainConfig, Error};

/// The decoder: h₀ = max(0, W z + b) as an image of a quarter of the side, h₁ = max(0, convᵀ(h₀)), logits = convᵀ(h₁);
/// both transposed convolutions have 4 × 4 kernels, stride 2 and padding 1, and undo one pooling each.
///
/// | | shape |
/// |---|---|
/// | embedding z | `[N, embedding]` |
/// | h₀ | `[N, cerebellum[0], ⌊H/4⌋, ⌊W/4⌋]` |
/// | h₁ | `[N, cerebellum[1], ⌊H/2⌋, ⌊W/2⌋]` |
/// | output | `[N, channels, H, W]`, logits; [`Cerebellum::image`] gives values in (0, 1) |
///
/// Where a pooling dropped an odd row or column, the output padding of 1 puts it back.
#[derive(Debug, Clone)]
pub struct Cerebellum {
    coarse_shape: [usize; 3],
    expand: Linear,
    coarse: ConvTranspose2d,
    fine: ConvTranspose2d,
}

impl Cerebellum {
    /// Parameters `expand/…`, `coarse/…` and `fine/…` under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        let [full, half, quarter] = config.pyramid();
        let [coarse, fine] = config.cerebellum;
        let doubled = |name, inputs, outputs, from: [usize; 2], to: [usize; 2], initializer| -> Result<_, Error> {
            let odd = [to[0] - 2 * from[0], to[1] - 2 * from[1]];
            let scope = builder.child(name)?;
            Ok(ConvTranspose2d::new(&scope, inputs, outputs, [4, 4], [2, 2], [1, 1], odd, initializer)?)
        };
        let units = coarse * quarter[0] * quarter[1];
        Ok(Self {
            coarse_shape: [coarse, quarter[0], quarter[1]],
            expand: Linear::new(&builder.child("expand")?, config.embedding, units, Initializer::HE_NORMAL)?,
            coarse: doubled("coarse", coarse, fine, quarter, half, Initializer::HE_NORMAL)?,
            fine: doubled("fine", fine, config.channels, half, full, Initializer::XavierUniform)?,
        })
    }

    /// Predicts images, as logits: the form that the cross-entropy of pixels takes.
    ///
    /// # Errors
    /// [`Error::Layer`] for an embedding of another shape.
    pub fn forward<'t, S: Scalar>(&self, embedding: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let [channels, height, width] = self.coarse_shape;
        let expanded = self.expand.forward(embedding, ctx)?.relu()?;
        let maps = expanded.reshape(&[expanded.shape().dims()[0], channels, height, width])?;
        let maps = self.coarse.forward(maps, ctx)?.relu()?;
        Ok(self.fine.forward(maps, ctx)?)
    }

    /// Values in (0, 1) from logits: x = σ(logits).
    ///
    /// # Errors
    /// None in practice: every shape is allowed.
    pub fn image<S: Scalar>(logits: Var<'_, S>) -> Result<Var<'_, S>, Error> {
        Ok(logits.sigmoid()?)
    }
}
