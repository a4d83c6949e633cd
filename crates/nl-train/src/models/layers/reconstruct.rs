//! Learning without labels: what was spoilt or hidden of an image is to be restored.

use nl_autodiff::Var;
use nl_data::{Augment, Corruption, Images};
use nl_layers::{Context, Parameters};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::contrast::neighbours;
use super::network::Network;
use super::{LayersModel, SHARD};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, LearnConfig, Objective, RowEvaluator, Shard, Stepped, Task, Workspace};
use crate::models::images::{augmented_image, image_batch};
use crate::run::{Measures, Settings};

pub(super) const NAME: &str = "Reconstruct";

/// Learns without labels to restore images: all layers and a decoder behind the last (one hidden layer with ReLU, then a number
/// for each pixel), which is not used for anything else. With noise it is a denoising autoencoder, with hidden patches
/// (`corruption: {kind: mask-patches, fraction: 0.75, size: 4, fill: 0.0}`) a masked one.
///
/// Sources: Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008, sec. 2.3; He et
/// al., "Masked autoencoders are scalable vision learners", CVPR 2022, sec. 3 (loss on what is hidden; there the encoder is shown
/// only the other patches, here it is shown the image with `fill` in their place).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReconstructConfig {
    /// How it learns.
    pub learn: LearnConfig,
    /// Whether all weights begin again, as they were before the first stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// What is done to an image that is to be restored.
    pub corruption: Corruption,
    /// Geometry of what is shown and restored.
    #[serde(default)]
    pub augment: Augment,
    /// Of which pixels the error counts.
    #[serde(default)]
    pub on: Pixels,
    /// What stands behind the last layer.
    #[serde(default)]
    pub decoder: DecoderConfig,
}

/// Pixels of an image that is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Pixels {
    /// All of them.
    #[default]
    All,
    /// Those that were hidden.
    Masked,
}

/// Sizes of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DecoderConfig {
    /// Units of its hidden layer.
    pub hidden: usize,
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self { hidden: 256 }
    }
}

impl Settings for ReconstructConfig {
    fn check(&self) -> Result<(), Error> {
        self.learn.check().map_err(|e| e.under("learn"))?;
        self.corruption.validate()?;
        self.augment.validate()?;
        if self.decoder.hidden == 0 {
            return Err(Error::config("decoder has hidden 0; use at least 1"));
        }
        if self.on == Pixels::Masked && fill(&self.corruption).is_none() {
            return Err(Error::config(
                "on is masked, but corruption hides no pixels; use {kind: mask-patches} or {kind: mask-pixels}, or `on: all`",
            ));
        }
        Ok(())
    }
}

/// What a corruption writes over the pixels that it hides.
const fn fill(corruption: &Corruption) -> Option<f32> {
    match corruption {
        Corruption::MaskPixels { fill, .. } | Corruption::MaskPatches { fill, .. } => Some(*fill),
        _ => None,
    }
}

/// How images are spoilt, and which of their pixels count.
#[derive(Clone, Copy)]
struct Spoil<'a> {
    images: &'a Images,
    corruption: Corruption,
    on: Pixels,
    streams: Streams,
}

impl Spoil<'_> {
    /// Image `sample`, in place.
    fn apply(&self, image: &mut [f32], sample: u32, epoch: u64, work: &mut Workspace) -> Result<(), Error> {
        let mut rng = self.streams.rng("corrupt", epoch, u64::from(sample));
        let (height, width) = (self.images.height(), self.images.width());
        Ok(self.corruption.apply(image, height, width, &mut work.transform, &mut rng)?)
    }

    /// The weight of each pixel's squared error: together they are 1, or 0 if none was hidden.
    fn weights(&self, to: &mut [f32], sample: u32, epoch: u64, work: &mut Workspace) -> Result<(), Error> {
        let (Pixels::Masked, Some(fill)) = (self.on, fill(&self.corruption)) else {
            to.fill(1.0 / to.len() as f32);
            return Ok(());
        };
        // What is hidden does not depend on the image: it is seen on one without any pixel of that value.
        to.fill(if fill == 0.0 { 1.0 } else { 0.0 });
        self.apply(to, sample, epoch, work)?;
        let hidden = to.iter().filter(|&&x| x == fill).count();
        let weight = 1.0 / hidden.max(1) as f32;
        to.iter_mut().for_each(|x| *x = if *x == fill { weight } else { 0.0 });
        Ok(())
    }
}

/// Σ_samples Σ_p w_p (decode(embed(spoilt x))_p − x_p)²
struct Reconstruct<'a> {
    network: &'a Network,
    augment: Augment,
    spoil: Spoil<'a>,
}

impl Objective for Reconstruct<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let Self { network, augment, spoil } = self;
        let (images, epoch) = (spoil.images, shard.epoch);
        let work = &mut *shard.workspace;
        let augmented = |to: &mut [f32], i: u32, work: &mut Workspace| {
            augmented_image(images, i, augment, &spoil.streams, epoch, &mut work.image, &mut work.transform, to)
        };
        let target = image_batch(ctx.tape(), images, shard.samples, |to, i| augmented(to, i, work))?;
        let spoilt = image_batch(ctx.tape(), images, shard.samples, |to, i| {
            augmented(to, i, work)?;
            spoil.apply(to, i, epoch, work)
        })?;
        let weights = image_batch(ctx.tape(), images, shard.samples, |to, i| spoil.weights(to, i, epoch, work))?;
        let flat = [shard.samples.len(), images.area()];
        let error = network.restore(spoilt, ctx)?.sub(target.reshape(&flat)?)?;
        Ok(error.square()?.mul(weights.reshape(&flat)?)?.sum()?)
    }
}

/// The stage.
pub(super) struct Reconstructing<'a> {
    config: &'a ReconstructConfig,
    data: &'a Dataset,
    streams: Streams,
    held_out: Images,
}

impl<'a> Reconstructing<'a> {
    pub(super) fn new(config: &'a ReconstructConfig, data: &'a Dataset, streams: Streams) -> Self {
        Self { config, data, streams, held_out: data.held_out() }
    }

    /// The mean error on images held out, each spoilt in the same way whenever it is asked for.
    fn error(&self, network: &Network, parameters: &Parameters<f32>) -> Result<f64, Error> {
        let ReconstructConfig { corruption, on, .. } = *self.config;
        let images = &self.held_out;
        let spoil = Spoil { images, corruption, on, streams: self.streams };
        let mut rows = RowEvaluator::<Workspace>::new(SHARD);
        let errors = rows.map(images.len(), 1, parameters, |samples, ctx, work, out| {
            let mut plain = vec![0.0; images.area()];
            let spoilt = image_batch(ctx.tape(), images, samples, |to, i| {
                crate::models::images::unit_image(images, i, to);
                spoil.apply(to, i, 0, work)
            })?;
            let restored = network.restore(spoilt, ctx)?.value();
            let mut weights = vec![0.0; images.area()];
            for ((&i, restored), out) in samples.iter().zip(restored.as_slice().chunks(images.area())).zip(out) {
                crate::models::images::unit_image(images, i, &mut plain);
                spoil.weights(&mut weights, i, 0, work)?;
                *out = weights.iter().zip(restored).zip(&plain).map(|((w, y), x)| w * (y - x) * (y - x)).sum();
            }
            Ok(())
        })?;
        Ok(errors.iter().map(|&error| f64::from(error)).sum::<f64>() / errors.len().max(1) as f64)
    }
}

impl Task<LayersModel> for Reconstructing<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ReconstructConfig { augment, corruption, on, .. } = *self.config;
        let spoil = Spoil { images: &self.data.split.train, corruption, on, streams: self.streams };
        gradient.step(&mut model.parameters, &Reconstruct { network: &model.network, augment, spoil })
    }

    /// Labels are looked at to watch the learning, and for nothing else.
    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        if self.held_out.is_empty() {
            return Ok(Measures::none());
        }
        let error = self.error(&model.network, parameters)?;
        let accuracy = neighbours(&model.network, parameters, self.data, &self.held_out)?;
        Ok(Measures::of("validation_loss", error).and("validation_accuracy", accuracy))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Images {
        Images::new((0..128).map(|i| (i * 2) as u8).collect(), vec![0, 1], 8, 8, 2).unwrap()
    }

    /// Weights stand on the pixels that were hidden and nowhere else, whatever the image shows there.
    #[test]
    fn hidden_pixels_count_and_no_others() {
        let images = images();
        for fill in [0.0, 0.25, 1e9] {
            let corruption = Corruption::MaskPatches { fraction: 0.5, size: 4, fill };
            for on in [Pixels::All, Pixels::Masked] {
                let spoil = Spoil { images: &images, corruption, on, streams: Streams::new(3) };
                let (mut work, mut weights) = (Workspace::default(), vec![9.0; 64]);
                spoil.weights(&mut weights, 1, 4, &mut work).unwrap();
                approx::assert_relative_eq!(weights.iter().sum::<f32>(), 1.0, max_relative = 1e-6);
                let mut image: Vec<f32> = (0..64).map(|i| 0.5 + i as f32 / 1000.0).collect();
                let plain = image.clone();
                spoil.apply(&mut image, 1, 4, &mut work).unwrap();
                for ((w, x), plain) in weights.iter().zip(&image).zip(&plain) {
                    assert_eq!(*w > 0.0, on == Pixels::All || x != plain);
                }
            }
        }
        // Nothing hidden: nothing counts.
        let corruption = Corruption::MaskPixels { fraction: 0.0, fill: 0.0 };
        let spoil = Spoil { images: &images, corruption, on: Pixels::Masked, streams: Streams::new(3) };
        let mut weights = vec![9.0; 64];
        spoil.weights(&mut weights, 0, 0, &mut Workspace::default()).unwrap();
        assert!(weights.iter().all(|&w| w == 0.0));
    }
}
