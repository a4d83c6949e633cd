//! Supervised learning: name the class.

use nl_autodiff::{Reduction, Var};
use nl_brain::Brain;
use nl_data::{Augment, Images};
use nl_layers::Context;
use nl_random::Streams;

use crate::Error;
use crate::gradient::{Objective, Shard};
use crate::models::images::{augmented_image, image_batch};

/// The prefrontal cortex's task in stage 2: cross-entropy of the class with label smoothing,
/// −Σ_c q_c log softmax(classify(encode(augment(x))))_c, q = (1 − s)·onehot(y) + s/C.
///
/// Source: Szegedy et al., "Rethinking the inception architecture", CVPR 2016, §7 (label smoothing).
pub struct Classify<'a> {
    /// The model.
    pub brain: &'a Brain,
    /// The training set.
    pub images: &'a Images,
    /// Where the augmentation draws from.
    pub streams: Streams,
    /// Geometry of the view.
    pub augment: Augment,
    /// s, in [0, 1).
    pub label_smoothing: f64,
}

impl Objective for Classify<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let (tape, images, epoch) = (ctx.tape(), self.images, shard.epoch);
        let work = &mut *shard.workspace;
        let view = image_batch(tape, images, shard.samples, |to, i| {
            augmented_image(images, i, &self.augment, &self.streams, epoch, &mut work.image, &mut work.transform, to)
        })?;
        work.labels.clear();
        work.labels.extend(shard.samples.iter().map(|&i| u32::from(images.labels()[i as usize])));
        let embedding = self.brain.encode(view, ctx)?;
        let logits = self.brain.classify(embedding, ctx)?;
        Ok(logits.cross_entropy(&work.labels, self.label_smoothing, Reduction::Sum)?)
    }
}
