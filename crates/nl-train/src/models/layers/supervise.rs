//! Learning from labels.

use nl_autodiff::Var;
use nl_data::{Augment, Images};
use nl_layers::loss::{Answer, LossKind, TargetForm, Targets};
use nl_layers::{Context, Lesion, Mode, Parameters};
use nl_random::Streams;

use super::config::SuperviseConfig;
use super::network::Network;
use super::{LayersModel, SHARD};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, Objective, RowEvaluator, Shard, Stepped, Task};
use crate::metrics::{accuracy, argmax, labels, negative_log_likelihood};
use crate::models::images::{augmented_image, image_batch, plain_batch};
use crate::run::Measures;

pub(super) const NAME: &str = "Supervised";

/// Σ_samples ℓ(network(augment(x)), y)
struct Supervise<'a> {
    network: &'a Network,
    images: &'a Images,
    loss: &'a LossKind,
    augment: Augment,
    streams: Streams,
}

impl Objective for Supervise<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let (images, epoch) = (self.images, shard.epoch);
        let work = &mut *shard.workspace;
        let view = image_batch(ctx.tape(), images, shard.samples, |to, i| {
            augmented_image(images, i, &self.augment, &self.streams, epoch, &mut work.image, &mut work.transform, to)
        })?;
        work.labels.clear();
        work.labels.extend(shard.samples.iter().map(|&i| u32::from(images.labels()[i as usize])));
        let output = self.network.forward(view, ctx)?;
        Ok(self.loss.loss("loss", output, &Targets::Classes(&work.labels))?)
    }
}

/// The stage.
pub(super) struct Supervising<'a> {
    config: &'a SuperviseConfig,
    data: &'a Dataset,
    streams: Streams,
    held_out: Images,
}

impl<'a> Supervising<'a> {
    pub(super) fn new(config: &'a SuperviseConfig, data: &'a Dataset, streams: Streams) -> Self {
        Self { config, data, streams, held_out: data.held_out() }
    }
}

impl Task<LayersModel> for Supervising<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let SuperviseConfig { loss, augment, .. } = self.config;
        let (network, images, streams) = (&model.network, &self.data.split.train, self.streams);
        gradient.step(&mut model.parameters, &Supervise { network, images, loss, augment: *augment, streams })
    }

    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        if self.held_out.is_empty() {
            return Ok(Measures::none());
        }
        let classes = self.data.split.train.classes();
        let outputs = outputs(&model.network, parameters, &self.held_out)?;
        let log_probs = log_probabilities(&self.config.loss, &outputs, classes)?;
        let truth = labels(&self.held_out);
        Ok(Measures::none()
            .and_some("validation_loss", negative_log_likelihood(&log_probs, classes, &truth))
            .and_some("validation_accuracy", accuracy(&argmax(&log_probs, classes), &truth)))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// The network's outputs for all images, `[N, outputs]`.
pub(super) fn outputs(network: &Network, parameters: &Parameters<f32>, images: &Images) -> Result<Vec<f32>, Error> {
    outputs_without(network, parameters, images, &[])
}

/// As [`outputs`], with parts cut out.
pub(super) fn outputs_without(
    network: &Network,
    parameters: &Parameters<f32>,
    images: &Images,
    lesions: &[Lesion<f32>],
) -> Result<Vec<f32>, Error> {
    let mut rows = RowEvaluator::<()>::new(SHARD);
    rows.map(images.len(), network.outputs(), parameters, |samples, ctx, (), out| {
        let view = plain_batch(ctx.tape(), images, samples)?;
        let mut ctx = Context::new(ctx.tape(), parameters, Mode::Eval).with_lesions(lesions);
        out.copy_from_slice(network.forward(view, &mut ctx)?.value().as_slice());
        Ok(())
    })
}

/// Log-probabilities of the classes, `[N, classes]`: what the outputs mean by the loss they were learned with.
pub(super) fn log_probabilities(loss: &LossKind, outputs: &[f32], classes: usize) -> Result<Vec<f32>, Error> {
    match loss.answer(outputs, &TargetForm::Classes(classes))? {
        // The smallest positive number has a logarithm.
        Answer::Classes(p) => Ok(p.iter().map(|p| p.max(f32::MIN_POSITIVE).ln()).collect()),
        _ => Err(Error::config(format!("loss {} names no classes", loss.name()))),
    }
}
