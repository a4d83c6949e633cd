//! Self-supervised learning: give the image back.

use nl_autodiff::{Reduction, Var};
use nl_brain::Brain;
use nl_data::{Augment, Corruption, Images};
use nl_layers::Context;
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::gradient::{Objective, Shard};
use crate::models::images::{augmented_image, image_batch, unit_image};

/// How the distance between the image and its reconstruction is measured; both are means over pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReconstructionLoss {
    /// (σ(logit) − x)²
    #[default]
    Mse,
    /// −x log σ(logit) − (1 − x) log(1 − σ(logit)): steeper where the output saturates.
    Bce,
}

/// What is to be given back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReconstructionTarget {
    /// The image that was shown, before corruption: a denoising autoencoder.
    #[default]
    Shown,
    /// The image of the training set, before augmentation and corruption: what distinguishes two views of one image must
    /// not survive in the embedding.
    Original,
}

/// The cerebellum's task in stage 1: loss = (1/P) Σ_p ℓ(σ(decode(encode(corrupt(augment(x)))))_p, target_p).
///
/// Source: Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008, §2.3; the
/// geometric corruption of [`ReconstructionTarget::Original`] is ours.
pub struct Reconstruct<'a> {
    /// The model.
    pub brain: &'a Brain,
    /// The training set.
    pub images: &'a Images,
    /// Where augmentation and corruption draw from.
    pub streams: Streams,
    /// Geometry of the view.
    pub augment: Augment,
    /// Noise on top of it.
    pub corruption: Corruption,
    /// What is to be given back.
    pub target: ReconstructionTarget,
    /// How the distance is measured.
    pub loss: ReconstructionLoss,
}

impl Objective for Reconstruct<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let (tape, images, epoch) = (ctx.tape(), self.images, shard.epoch);
        let (height, width) = (images.height(), images.width());
        let work = &mut *shard.workspace;

        let shown = image_batch(tape, images, shard.samples, |to, i| {
            augmented_image(images, i, &self.augment, &self.streams, epoch, &mut work.image, &mut work.transform, to)
        })?;
        let input = match self.corruption {
            Corruption::None => shown,
            corruption => {
                let views = shown.value();
                let mut rows = views.as_slice().chunks_exact(images.area());
                image_batch(tape, images, shard.samples, |to, i| {
                    if let Some(row) = rows.next() {
                        to.copy_from_slice(row);
                    }
                    let mut rng = self.streams.rng("corrupt", epoch, u64::from(i));
                    Ok(corruption.apply(to, height, width, &mut work.transform, &mut rng)?)
                })?
            }
        };
        let target = match self.target {
            ReconstructionTarget::Shown => shown,
            ReconstructionTarget::Original => image_batch(tape, images, shard.samples, |to, i| {
                unit_image(images, i, to);
                Ok(())
            })?,
        };

        let embedding = self.brain.encode(input, ctx)?;
        let logits = self.brain.reconstruct(embedding, ctx)?;
        let sum = match self.loss {
            ReconstructionLoss::Mse => logits.sigmoid()?.mse(target, Reduction::Sum)?,
            ReconstructionLoss::Bce => logits.bce_with_logits(target, Reduction::Sum)?,
        };
        Ok(sum.div_scalar(images.area() as f64)?)
    }
}
