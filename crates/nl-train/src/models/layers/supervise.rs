//! Learning from labels.

use nl_autodiff::Var;
use nl_data::{Augment, Images};
use nl_layers::loss::{Answer, LossKind, TargetForm, Targets};
use nl_layers::{Context, Parameters};
use nl_random::Streams;

use super::config::SuperviseConfig;
use super::network::Network;
use super::{LayersModel, SHARD, mixup};
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
    mixup: Option<f64>,
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
        let (Some(alpha), LossKind::CrossEntropy(loss)) = (self.mixup, self.loss) else {
            let output = self.network.forward(view, ctx)?;
            return Ok(self.loss.loss("loss", output, &Targets::Classes(&work.labels))?);
        };
        let (plain, shown) = (view.value(), (shard.samples, epoch));
        let mixed = ctx.tape().constant_with(view.shape().dims(), |to| {
            mixup::mix(plain.as_slice(), shown, alpha, &self.streams, to, &mut work.shares);
        })?;
        work.others.clone_from(&work.labels);
        work.others.rotate_left(1);
        let output = self.network.forward(mixed, ctx)?;
        Ok(loss.mixed("loss", output, [&work.labels, &work.others], &work.shares)?)
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
        let SuperviseConfig { loss, augment, mixup, .. } = self.config;
        let (augment, mixup) = (*augment, *mixup);
        let (network, images, streams) = (&model.network, &self.data.split.train, self.streams);
        gradient.step(&mut model.parameters, &Supervise { network, images, loss, augment, mixup, streams })
    }

    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        scores(&model.network, parameters, &self.config.loss, &self.held_out)
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// `validation_loss` (the negative logarithm of the likelihood) and `validation_accuracy`, if there are any images.
pub(super) fn scores(
    network: &Network,
    parameters: &Parameters<f32>,
    loss: &LossKind,
    images: &Images,
) -> Result<Measures, Error> {
    if images.is_empty() {
        return Ok(Measures::none());
    }
    let classes = images.classes();
    let outputs = outputs(network, parameters, images)?;
    let log_probs = log_probabilities(loss, &outputs, classes)?;
    let truth = labels(images);
    Ok(Measures::none()
        .and_some("validation_loss", negative_log_likelihood(&log_probs, classes, &truth))
        .and_some("validation_accuracy", accuracy(&argmax(&log_probs, classes), &truth)))
}

/// The network's outputs for all images, `[N, outputs]`.
pub(super) fn outputs(network: &Network, parameters: &Parameters<f32>, images: &Images) -> Result<Vec<f32>, Error> {
    let mut rows = RowEvaluator::<()>::new(SHARD);
    rows.map(images.len(), network.outputs(), parameters, |samples, ctx, (), out| {
        let view = plain_batch(ctx.tape(), images, samples)?;
        out.copy_from_slice(network.forward(view, ctx)?.value().as_slice());
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
