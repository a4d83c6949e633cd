//! Labelled images as a stage shows them.

use nl_autodiff::Var;
use nl_data::{Augment, Images};
use nl_layers::Context;
use nl_random::Streams;

use crate::Error;
use crate::gradient::Shard;
use crate::models::images::{augmented_image, image_batch};

/// Images, distorted; what is drawn depends on (epoch, sample).
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) images: &'a Images,
    pub(super) augment: Augment,
    pub(super) streams: Streams,
}

impl Shown<'_> {
    /// The images of a shard; their classes are then in its workspace.
    pub(super) fn batch<'t>(&self, shard: &mut Shard<'_>, ctx: &Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let (images, epoch) = (self.images, shard.epoch);
        let work = &mut *shard.workspace;
        let view = image_batch(ctx.tape(), images, shard.samples, |to, i| {
            augmented_image(images, i, &self.augment, &self.streams, epoch, &mut work.image, &mut work.transform, to)
        })?;
        work.labels.clear();
        work.labels.extend(shard.samples.iter().map(|&i| u32::from(images.labels()[i as usize])));
        Ok(view)
    }
}
