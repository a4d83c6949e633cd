//! Learning without labels: two views of an image are to be embedded alike.

use nl_autodiff::Var;
use nl_data::{Augment, Corruption, Samples, Targets};
use nl_layers::loss::JointEmbeddingKind;
use nl_layers::{Context, Parameters};
use nl_random::Streams;

use super::config::ContrastConfig;
use super::input::{Change, Input, corrupted};
use super::network::Network;
use super::supervise::Ask;
use super::{LayersModel, SHARD};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, Objective, RowEvaluator, Shard, Stepped, Task};
use crate::models::probing::{Embedded, knn_accuracy};
use crate::run::Measures;

pub(super) const NAME: &str = "Contrast";
/// Training samples that samples held out are compared with, to watch the learning by.
const COMPARED: usize = 5_000;
/// Classes that an embedding is probed by, at most.
pub(super) const MOST_PROBED: usize = 256;

/// ℓ(project(view₁(x)), project(view₂(x))), x the images of a shard
struct Contrast<'a> {
    network: &'a Network,
    input: Input<'a>,
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
        let (input, epoch) = (&self.input, shard.epoch);
        let change = Change { augment: &self.augment, streams, epoch };
        let work = &mut *shard.workspace;
        input.batch(ctx.tape(), shard.samples, |to, i| {
            input.changed(i, &change, work, to)?;
            if self.corruption != Corruption::None {
                corrupted(input.samples, i, &self.corruption, (streams, epoch), &mut work.transform, to)?;
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
    data: &'a Dataset<Samples>,
    streams: [Streams; 2],
    watched: Neighbours,
}

impl<'a> Contrasting<'a> {
    pub(super) fn new(config: &'a ContrastConfig, data: &'a Dataset<Samples>, streams: [Streams; 2]) -> Self {
        Self { config, data, streams, watched: Neighbours::of(data) }
    }
}

impl Task<LayersModel> for Contrasting<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ContrastConfig { loss, augment, corruption, .. } = self.config;
        let (network, streams) = (&model.network, self.streams);
        let input = Input { samples: &self.data.split.train, standard: &model.inputs };
        let (augment, corruption) = (*augment, *corruption);
        gradient.step(&mut model.parameters, &Contrast { network, input, loss, augment, corruption, streams })
    }

    /// Labels are looked at to watch the learning, and for nothing else.
    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        let episodes = model.recall_by(parameters, self.data)?;
        let accuracy = self.watched.accuracy(&model.ask_with(parameters).reading(episodes.as_ref()))?;
        Ok(Measures::none().and_some("validation_accuracy", accuracy))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// Samples held out and some to compare them with, to watch the learning of an embedding by.
pub(super) struct Neighbours {
    compared: Samples,
    held_out: Samples,
}

impl Neighbours {
    /// Those of `data`.
    pub(super) fn of(data: &Dataset<Samples>) -> Self {
        let compared = data.split.train.select(&data.labelled[..data.labelled.len().min(COMPARED)]);
        Self { compared, held_out: data.held_out() }
    }

    /// The samples held out.
    pub(super) fn held_out(&self) -> &Samples {
        &self.held_out
    }

    /// Share of the samples held out whose class their nearest among the others name rightly; none without any, or for values.
    pub(super) fn accuracy(&self, ask: &Ask<'_>) -> Result<Option<f64>, Error> {
        let (true, Some((known, classes)), Some((new_labels, _))) =
            (!self.held_out.is_empty(), probed(&self.compared), probed(&self.held_out))
        else {
            return Ok(None);
        };
        let (seen, new) = (embeddings(ask, &self.compared)?, embeddings(ask, &self.held_out)?);
        let dim = ask.network.features();
        let train = Embedded { embedding: &seen, labels: &known, dim, classes };
        let new = Embedded { embedding: &new, labels: &new_labels, dim, classes };
        knn_accuracy(5, train, new, &mut || Ok(())).map(Some)
    }
}

/// What the last layer gives for all samples, `[N, features]`.
pub(super) fn embeddings(ask: &Ask<'_>, samples: &Samples) -> Result<Vec<f32>, Error> {
    let mut rows = RowEvaluator::<()>::new(SHARD);
    let input = Input { samples, standard: ask.inputs };
    rows.map(samples.len(), ask.network.features(), ask.parameters, |samples, ctx, (), out| {
        let view = input.plain(ctx.tape(), samples)?;
        ask.lend(ctx);
        out.copy_from_slice(ask.network.embed(view, ctx)?.value().as_slice());
        Ok(())
    })
}

/// Labels and number of classes, as an embedding is probed by; none for values, or for more classes than [`MOST_PROBED`].
pub(super) fn probed(samples: &Samples) -> Option<(Vec<u8>, usize)> {
    match samples.targets() {
        Targets::Classes { labels, classes, .. } if *classes <= MOST_PROBED => {
            // Below it, since each is below the number of classes.
            Some((labels.iter().map(|&label| label as u8).collect(), *classes))
        }
        _ => None,
    }
}
