//! Learning without labels: two views of an image are to be embedded alike.

use nl_autodiff::Var;
use nl_data::{Augment, Corruption, Images};
use nl_layers::loss::JointEmbeddingKind;
use nl_layers::{Context, Parameters};
use nl_random::Streams;

use super::config::ContrastConfig;
use super::network::Network;
use super::{LayersModel, SHARD};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, Objective, RowEvaluator, Shard, Stepped, Task};
use crate::models::images::{augmented_image, image_batch, plain_batch};
use crate::models::probing::{Embedded, knn_accuracy};
use crate::run::Measures;

pub(super) const NAME: &str = "Contrast";
/// Training images that images held out are compared with, to watch the learning by.
const COMPARED: usize = 5_000;

/// ℓ(project(view₁(x)), project(view₂(x))), x the images of a shard
struct Contrast<'a> {
    network: &'a Network,
    images: &'a Images,
    loss: &'a JointEmbeddingKind,
    augment: Augment,
    corruption: Corruption,
    /// Of each view its own.
    streams: [Streams; 2],
}

impl Contrast<'_> {
    fn view<'t>(
        &self,
        streams: &Streams,
        shard: &mut Shard<'_>,
        ctx: &Context<'t, f32>,
    ) -> Result<Var<'t, f32>, Error> {
        let (images, epoch) = (self.images, shard.epoch);
        let (height, width) = (images.height(), images.width());
        let work = &mut *shard.workspace;
        image_batch(ctx.tape(), images, shard.samples, |to, i| {
            augmented_image(images, i, &self.augment, streams, epoch, &mut work.image, &mut work.transform, to)?;
            if self.corruption != Corruption::None {
                let mut rng = streams.rng("corrupt", epoch, u64::from(i));
                self.corruption.apply(to, height, width, &mut work.transform, &mut rng)?;
            }
            Ok(())
        })
    }
}

impl Objective for Contrast<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let [first, second] = &self.streams;
        let (first, second) = (self.view(first, shard, ctx)?, self.view(second, shard, ctx)?);
        let (first, second) = (self.network.project(first, ctx)?, self.network.project(second, ctx)?);
        Ok(self.loss.loss("loss", first, second)?)
    }
}

/// The stage.
pub(super) struct Contrasting<'a> {
    config: &'a ContrastConfig,
    data: &'a Dataset,
    streams: [Streams; 2],
    held_out: Images,
}

impl<'a> Contrasting<'a> {
    pub(super) fn new(config: &'a ContrastConfig, data: &'a Dataset, streams: [Streams; 2]) -> Self {
        Self { config, data, streams, held_out: data.held_out() }
    }
}

impl Task<LayersModel> for Contrasting<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ContrastConfig { loss, augment, corruption, .. } = self.config;
        let (network, images, streams) = (&model.network, &self.data.split.train, self.streams);
        let (augment, corruption) = (*augment, *corruption);
        gradient.step(&mut model.parameters, &Contrast { network, images, loss, augment, corruption, streams })
    }

    /// Labels are looked at to watch the learning, and for nothing else.
    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        if self.held_out.is_empty() {
            return Ok(Measures::none());
        }
        let accuracy = neighbours(&model.network, parameters, self.data, &self.held_out)?;
        Ok(Measures::of("validation_accuracy", accuracy))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// Share of `held_out` that their nearest among some training images name rightly.
pub(super) fn neighbours(
    network: &Network,
    parameters: &Parameters<f32>,
    data: &Dataset,
    held_out: &Images,
) -> Result<f64, Error> {
    let compared = data.split.train.select(&data.learn[..data.learn.len().min(COMPARED)]);
    let (dim, classes) = (network.features(), data.split.train.classes());
    let (seen, new) = (embeddings(network, parameters, &compared)?, embeddings(network, parameters, held_out)?);
    let train = Embedded { embedding: &seen, labels: compared.labels(), dim, classes };
    let new = Embedded { embedding: &new, labels: held_out.labels(), dim, classes };
    knn_accuracy(5, train, new, &mut || Ok(()))
}

/// What the last layer gives for all images, `[N, features]`.
pub(super) fn embeddings(network: &Network, parameters: &Parameters<f32>, images: &Images) -> Result<Vec<f32>, Error> {
    let mut rows = RowEvaluator::<()>::new(SHARD);
    rows.map(images.len(), network.features(), parameters, |samples, ctx, (), out| {
        let view = plain_batch(ctx.tape(), images, samples)?;
        out.copy_from_slice(network.embed(view, ctx)?.value().as_slice());
        Ok(())
    })
}
