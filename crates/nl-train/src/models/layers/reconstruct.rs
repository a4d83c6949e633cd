//! Learning without labels: what was spoilt or hidden of a picture is to be restored.

use nl_autodiff::{Tape, Var};
use nl_data::{Augment, Corruption, Samples};
use nl_layers::{Context, Parameters};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::contrast::Neighbours;
use super::input::{Change, Input, corrupted};
use super::network::Network;
use super::supervise::Ask;
use super::{LayersModel, SHARD};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, LearnConfig, Objective, RowEvaluator, Shard, Stepped, Task, Workspace};
use crate::run::{Measures, Settings};

pub(super) const NAME: &str = "Reconstruct";

/// Learns without labels to restore pictures: all layers and a decoder behind the last (one hidden layer with ReLU, then a number
/// for each pixel of each channel), which is not used for anything else. With noise it is a denoising autoencoder, with hidden patches
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
    /// What is done to a picture that is to be restored, the same to all of its channels.
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

/// Pixels of a picture that is restored.
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

/// How pictures are spoilt, and which of their pixels count.
#[derive(Clone, Copy)]
struct Spoil<'a> {
    input: Input<'a>,
    corruption: Corruption,
    on: Pixels,
    streams: Streams,
}

impl Spoil<'_> {
    /// Picture `sample`, in place.
    fn apply(&self, picture: &mut [f32], sample: u32, epoch: u64, work: &mut Workspace) -> Result<(), Error> {
        let drawn = (&self.streams, epoch);
        corrupted(self.input.samples, sample, &self.corruption, drawn, &mut work.transform, picture)
    }

    /// Pictures of `samples` in the unit of the network, each spoilt, `[samples, pixels]`.
    fn batch<'t>(&self, tape: &'t Tape<f32>, samples: &[u32], work: &mut Workspace) -> Result<Var<'t, f32>, Error> {
        self.input.batch(tape, samples, |to, i| {
            self.input.unit(i, to);
            self.apply(to, i, 0, work)
        })
    }

    /// The weight of each pixel's squared error: together they are 1, or 0 if none was hidden.
    fn weights(&self, to: &mut [f32], sample: u32, epoch: u64, work: &mut Workspace) -> Result<(), Error> {
        let (Pixels::Masked, Some(fill)) = (self.on, fill(&self.corruption)) else {
            to.fill(1.0 / to.len() as f32);
            return Ok(());
        };
        // What is hidden does not depend on the picture: it is seen on one without any pixel of that value.
        to.fill(if fill == 0.0 { 1.0 } else { 0.0 });
        self.apply(to, sample, epoch, work)?;
        let hidden = to.iter().filter(|&&x| x == fill).count();
        let weight = 1.0 / hidden.max(1) as f32;
        to.iter_mut().for_each(|x| *x = if *x == fill { weight } else { 0.0 });
        Ok(())
    }

    /// The weights of several samples, `[samples, pixels]`.
    fn weights_of<'t>(
        &self,
        tape: &'t Tape<f32>,
        samples: &[u32],
        epoch: u64,
        work: &mut Workspace,
    ) -> Result<Var<'t, f32>, Error> {
        let width = self.input.samples.width();
        let mut outcome = Ok(());
        let weights = tape.constant_with(&[samples.len(), width], |all| {
            let mut rows = all.chunks_exact_mut(width).zip(samples);
            outcome = rows.try_for_each(|(to, &i)| self.weights(to, i, epoch, work));
        })?;
        outcome.map(|()| weights)
    }
}

/// Σ_samples Σ_p w_p (decode(embed(spoilt x))_p − x_p)², x in the unit in which it is shown
struct Reconstruct<'a> {
    network: &'a Network,
    augment: Augment,
    spoil: Spoil<'a>,
}

impl Objective for Reconstruct<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let Self { network, augment, spoil } = self;
        let (input, epoch) = (spoil.input, shard.epoch);
        let change = Change { augment, streams: &spoil.streams, epoch };
        let work = &mut *shard.workspace;
        let target = input.batch(ctx.tape(), shard.samples, |to, i| input.changed(i, &change, work, to))?;
        let spoilt = input.batch(ctx.tape(), shard.samples, |to, i| {
            input.changed(i, &change, work, to)?;
            spoil.apply(to, i, epoch, work)
        })?;
        let weights = spoil.weights_of(ctx.tape(), shard.samples, epoch, work)?;
        let target = target.reshape(&[shard.samples.len(), input.samples.width()])?;
        let error = network.restore(spoilt, ctx)?.sub(target)?;
        Ok(error.square()?.mul(weights)?.sum()?)
    }
}

/// The stage.
pub(super) struct Reconstructing<'a> {
    config: &'a ReconstructConfig,
    data: &'a Dataset<Samples>,
    streams: Streams,
    watched: Neighbours,
}

impl<'a> Reconstructing<'a> {
    pub(super) fn new(config: &'a ReconstructConfig, data: &'a Dataset<Samples>, streams: Streams) -> Self {
        Self { config, data, streams, watched: Neighbours::of(data) }
    }

    /// The mean error on samples held out, each spoilt in the same way whenever it is asked for.
    fn error(&self, ask: &Ask<'_>) -> Result<f64, Error> {
        let ReconstructConfig { corruption, on, .. } = *self.config;
        let input = Input { samples: self.watched.held_out(), standard: ask.inputs };
        let spoil = Spoil { input, corruption, on, streams: self.streams };
        let width = input.samples.width();
        let mut rows = RowEvaluator::<Workspace>::new(SHARD);
        let errors = rows.map(input.samples.len(), 1, ask.parameters, |samples, ctx, work, out| {
            let spoilt = spoil.batch(ctx.tape(), samples, work)?;
            ask.lend(ctx);
            let (restored, plain) =
                (ask.network.restore(spoilt, ctx)?.value(), input.plain(ctx.tape(), samples)?.value());
            let pictures = restored.as_slice().chunks_exact(width).zip(plain.as_slice().chunks_exact(width));
            let mut weights = vec![0.0; width];
            for ((&i, (restored, plain)), out) in samples.iter().zip(pictures).zip(out) {
                spoil.weights(&mut weights, i, 0, work)?;
                *out = weights.iter().zip(restored).zip(plain).map(|((w, y), x)| w * (y - x) * (y - x)).sum();
            }
            Ok(())
        })?;
        Ok(errors.iter().map(|&error| f64::from(error)).sum::<f64>() / errors.len().max(1) as f64)
    }
}

/// Samples as they are, as they are spoilt and as they are restored, in the unit of the data (bytes as 0 to 1), row by row.
pub(super) fn restore(
    config: &ReconstructConfig,
    ask: &Ask<'_>,
    samples: &Samples,
    streams: Streams,
) -> Result<[Vec<f32>; 3], Error> {
    let input = Input { samples, standard: ask.inputs };
    let spoil = Spoil { input, corruption: config.corruption, on: config.on, streams };
    let width = samples.width();
    let mut rows = RowEvaluator::<Workspace>::new(SHARD);
    let all = rows.map(samples.len(), 3 * width, ask.parameters, |samples, ctx, work, out| {
        let plain = input.plain(ctx.tape(), samples)?;
        let spoilt = spoil.batch(ctx.tape(), samples, work)?;
        ask.lend(ctx);
        let restored = ask.network.restore(spoilt, ctx)?.value();
        let rows = [plain.value(), spoilt.value(), restored];
        for (i, out) in out.chunks_exact_mut(3 * width).enumerate() {
            for (to, row) in out.chunks_exact_mut(width).zip(&rows) {
                to.copy_from_slice(&row.as_slice()[i * width..][..width]);
                ask.inputs.undo(to, 1);
            }
        }
        Ok(())
    })?;
    let part = |which: usize| all.chunks_exact(width).skip(which).step_by(3).flatten().copied().collect();
    Ok([part(0), part(1), part(2)])
}

impl Task<LayersModel> for Reconstructing<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ReconstructConfig { augment, corruption, on, .. } = *self.config;
        let input = Input { samples: &self.data.split.train, standard: &model.inputs };
        let spoil = Spoil { input, corruption, on, streams: self.streams };
        gradient.step(&mut model.parameters, &Reconstruct { network: &model.network, augment, spoil })
    }

    /// Labels are looked at to watch the learning, and for nothing else.
    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        if self.watched.held_out().is_empty() {
            return Ok(Measures::none());
        }
        let episodes = model.recall_by(parameters, self.data)?;
        let ask = model.ask_with(parameters).reading(episodes.as_ref());
        let measures = Measures::of("validation_loss", self.error(&ask)?);
        Ok(measures.and_some("validation_accuracy", self.watched.accuracy(&ask)?))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

#[cfg(test)]
mod tests {
    use nl_data::{Targets, Values};

    use super::*;
    use crate::models::standard::Standard;

    /// Two pictures of 8 × 8, grey or of three channels.
    fn pictures(channels: usize) -> Samples {
        let shape = if channels == 1 { vec![8, 8] } else { vec![channels, 8, 8] };
        let values = Values::U8((0..128 * channels).map(|i| (i % 128 * 2) as u8).collect());
        Samples::new(shape, values, Targets::Classes { labels: vec![0, 1], classes: 2, names: Vec::new() }).unwrap()
    }

    /// Weights stand on the pixels that were hidden and nowhere else, whatever the picture shows there, in all channels alike.
    #[test]
    fn hidden_pixels_count_and_no_others() {
        let standard = Standard::default();
        for (channels, fill) in [(1, 0.0), (1, 0.25), (1, 1e9), (3, 0.0), (3, 0.25)] {
            let samples = pictures(channels);
            let input = Input { samples: &samples, standard: &standard };
            let corruption = Corruption::MaskPatches { fraction: 0.5, size: 4, fill };
            for on in [Pixels::All, Pixels::Masked] {
                let spoil = Spoil { input, corruption, on, streams: Streams::new(3) };
                let (mut work, mut weights) = (Workspace::default(), vec![9.0; 64 * channels]);
                spoil.weights(&mut weights, 1, 4, &mut work).unwrap();
                approx::assert_relative_eq!(weights.iter().sum::<f32>(), 1.0, max_relative = 1e-5);
                let mut picture: Vec<f32> = (0..64 * channels).map(|i| 0.5 + i as f32 / 1000.0).collect();
                let plain = picture.clone();
                spoil.apply(&mut picture, 1, 4, &mut work).unwrap();
                for ((w, x), plain) in weights.iter().zip(&picture).zip(&plain) {
                    assert_eq!(*w > 0.0, on == Pixels::All || x != plain);
                }
                for channel in weights.chunks(64) {
                    assert_eq!(channel, &weights[..64]);
                }
            }
        }
        // Nothing hidden: nothing counts.
        let samples = pictures(1);
        let input = Input { samples: &samples, standard: &standard };
        let corruption = Corruption::MaskPixels { fraction: 0.0, fill: 0.0 };
        let spoil = Spoil { input, corruption, on: Pixels::Masked, streams: Streams::new(3) };
        let mut weights = vec![9.0; 64];
        spoil.weights(&mut weights, 0, 0, &mut Workspace::default()).unwrap();
        assert!(weights.iter().all(|&w| w == 0.0));
    }

    /// Of pictures that are standardised, weights are what they were: they are no pixels.
    #[test]
    fn weights_are_not_standardised() {
        let (samples, tape) = (pictures(3), Tape::new());
        let known = Standard::known(0.3, 0.1);
        let input = Input { samples: &samples, standard: &known };
        let spoil = Spoil { input, corruption: Corruption::None, on: Pixels::All, streams: Streams::new(3) };
        let weights = spoil.weights_of(&tape, &[1, 0], 0, &mut Workspace::default()).unwrap();
        assert_eq!(weights.shape().dims(), [2, 192]);
        assert!(weights.value().as_slice().iter().all(|&w| w == 1.0 / 192.0));
    }
}
