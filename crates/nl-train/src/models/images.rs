//! Images on a tape.

use nl_autodiff::{Tape, Var};
use nl_data::{Augment, Images, Scratch};
use nl_random::Streams;

use crate::Error;

/// Copies image `index` to `to`, bytes scaled to [0, 1].
pub(crate) fn unit_image(images: &Images, index: u32, to: &mut [f32]) {
    for (to, &byte) in to.iter_mut().zip(images.image(index as usize)) {
        *to = f32::from(byte) * (1.0 / 255.0);
    }
}

/// Image `index`, augmented, to `to`; what is drawn depends on (epoch, index) only.
pub(crate) fn augmented_image(
    images: &Images,
    index: u32,
    augment: &Augment,
    streams: &Streams,
    epoch: u64,
    image: &mut Vec<f32>,
    scratch: &mut Scratch,
    to: &mut [f32],
) -> Result<(), Error> {
    image.resize(images.area(), 0.0);
    unit_image(images, index, image);
    let mut rng = streams.rng("augment", epoch, u64::from(index));
    augment.apply(image, images.height(), images.width(), to, scratch, &mut rng)?;
    Ok(())
}

/// A constant `[samples, 1, height, width]` whose images are written one by one by `fill(image, sample)`.
pub(crate) fn image_batch<'t>(
    tape: &'t Tape<f32>,
    images: &Images,
    samples: &[u32],
    mut fill: impl FnMut(&mut [f32], u32) -> Result<(), Error>,
) -> Result<Var<'t, f32>, Error> {
    let dims = [samples.len(), 1, images.height(), images.width()];
    let mut outcome = Ok(());
    let batch = tape.constant_with(&dims, |all| {
        outcome = all.chunks_exact_mut(images.area()).zip(samples).try_for_each(|(to, &i)| fill(to, i));
    })?;
    outcome.map(|()| batch)
}

/// Images as they are, bytes scaled to [0, 1].
pub(crate) fn plain_batch<'t>(tape: &'t Tape<f32>, images: &Images, samples: &[u32]) -> Result<Var<'t, f32>, Error> {
    image_batch(tape, images, samples, |to, i| {
        unit_image(images, i, to);
        Ok(())
    })
}
