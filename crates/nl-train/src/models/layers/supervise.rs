//! Learning from classes or values.

use std::sync::Arc;

use nl_autodiff::Var;
use nl_data::Samples;
use nl_layers::loss::{LossKind, TargetRows};
use nl_layers::{Context, Episodes, Lesion, Mode, Parameters};

use super::aim::{Aim, labels, truth};
use super::config::SuperviseConfig;
use super::input::Input;
use super::labelled::Labelled;
use super::network::Network;
use super::shown::Shown;
use super::{LayersModel, SHARD, mixup, values};
use crate::Error;
use crate::gradient::{Gradient, Objective, RowEvaluator, Shard, Stepped, Task};
use crate::metrics::{accuracy, argmax, negative_log_likelihood};
use crate::models::standard::Standard;
use crate::run::Measures;

pub(super) const NAME: &str = "Supervised";

/// Σ_samples ℓ(network(augment(x)), y)
struct Supervise<'a> {
    network: &'a Network,
    shown: Shown<'a>,
    config: &'a SuperviseConfig,
}

impl Objective for Supervise<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let Self { network, shown, config } = self;
        let view = shown.batch(shard, ctx)?;
        let (Some(alpha), LossKind::CrossEntropy(loss)) = (config.mixup, &config.loss) else {
            let output = network.forward(view, ctx)?;
            let targets = shown.aim.targets(&shard.workspace.labels, &shard.workspace.values).on(ctx.tape(), "loss")?;
            return Ok(config.loss.loss("loss", output, &targets)?);
        };
        let (plain, of, work) = (view.value(), (shard.samples, shard.epoch), &mut *shard.workspace);
        let mixed = ctx.tape().constant_with(view.shape().dims(), |to| {
            mixup::mix(plain.as_slice(), of, alpha, &shown.streams, to, &mut work.shares);
        })?;
        work.others.clone_from(&work.labels);
        work.others.rotate_left(1);
        let output = network.forward(mixed, ctx)?;
        Ok(loss.mixed("loss", output, [&work.labels, &work.others], &work.shares)?)
    }
}

/// The stage.
pub(super) struct Supervising<'a> {
    pub(super) config: &'a SuperviseConfig,
    pub(super) of: Labelled<'a>,
}

impl Task<LayersModel> for Supervising<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let (network, shown) = (&model.network, self.of.shown(&model.inputs));
        gradient.step(&mut model.parameters, &Supervise { network, shown, config: self.config })
    }

    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        self.of.measures(model, parameters, &self.config.loss)
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// A network with some weights, to be asked.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) network: &'a Network,
    pub(super) parameters: &'a Parameters<f32>,
    pub(super) inputs: &'a Standard,
    /// What episodic layers read; without it, what they read now.
    pub(super) episodes: Option<&'a Arc<[Episodes]>>,
}

impl<'a> Ask<'a> {
    /// The same, reading these episodes.
    pub(super) fn reading(self, episodes: Option<&'a Arc<[Episodes]>>) -> Self {
        Self { episodes, ..self }
    }

    /// Lends a context what is to be read in it.
    pub(super) fn lend(&self, ctx: &mut Context<'_, f32>) {
        if let Some(episodes) = self.episodes {
            ctx.set_episodes(Arc::clone(episodes));
        }
    }

    /// The network's outputs for all samples, `[N, outputs]`.
    pub(super) fn outputs(&self, samples: &Samples) -> Result<Vec<f32>, Error> {
        self.outputs_without(samples, &[])
    }

    /// As [`outputs`](Self::outputs), with parts cut out.
    pub(super) fn outputs_without(&self, samples: &Samples, lesions: &[Lesion<f32>]) -> Result<Vec<f32>, Error> {
        let mut rows = RowEvaluator::<()>::new(SHARD);
        let input = Input { samples, standard: self.inputs };
        rows.map(samples.len(), self.network.outputs(), self.parameters, |samples, ctx, (), out| {
            let view = input.plain(ctx.tape(), samples)?;
            let mut ctx = Context::new(ctx.tape(), self.parameters, Mode::Eval).with_lesions(lesions);
            self.lend(&mut ctx);
            out.copy_from_slice(self.network.forward(view, &mut ctx)?.value().as_slice());
            Ok(())
        })
    }

    /// How well the network does on samples held out, as `validation_…`: nothing if there are none.
    pub(super) fn measures(&self, held_out: &Samples, aim: &Aim, loss: &LossKind) -> Result<Measures, Error> {
        if held_out.is_empty() {
            return Ok(Measures::none());
        }
        if aim.values() > 0 {
            let (outputs, mean) = self.outputs_and_loss(held_out, aim, loss)?;
            let (values, _) = aim.estimates(loss, &outputs)?;
            let scores = values::scores(&values, truth(held_out)?, aim.values())?;
            return Ok(Measures::of("validation_loss", mean)
                .and("validation_mae", scores.mae)
                .and("validation_rmse", scores.rmse)
                .and_some("validation_r2", scores.r2));
        }
        let (classes, truth) = (aim.names.len(), labels(held_out)?);
        let log_probs = aim.log_probabilities(loss, &self.outputs(held_out)?)?;
        Ok(Measures::none()
            .and_some("validation_loss", negative_log_likelihood(&log_probs, classes, truth))
            .and_some("validation_accuracy", accuracy(&argmax(&log_probs, classes), truth)))
    }

    /// The same for samples with values, and the mean loss of one.
    fn outputs_and_loss(&self, samples: &Samples, aim: &Aim, loss: &LossKind) -> Result<(Vec<f32>, f64), Error> {
        let (n, width, values) = (samples.len(), self.network.outputs(), truth(samples)?);
        let mut rows = RowEvaluator::<Vec<f32>>::new(SHARD);
        let input = Input { samples, standard: self.inputs };
        // Outputs of a shard, then its loss.
        let all = rows.map(n, width + 1, self.parameters, |samples, ctx, wanted, out| {
            self.lend(ctx);
            let output = self.network.forward(input.plain(ctx.tape(), samples)?, ctx)?;
            aim.given(values, samples, wanted);
            let targets = TargetRows::Values { rows: &*wanted, width: aim.values() };
            let sum = loss.loss("loss", output, &targets.on(ctx.tape(), "loss")?)?;
            let (outputs, losses) = out.split_at_mut(samples.len() * width);
            outputs.copy_from_slice(output.value().as_slice());
            losses[0] = sum.item()?;
            Ok(())
        })?;
        let (mut outputs, mut sum) = (Vec::with_capacity(n * width), 0.0);
        for shard in all.chunks(SHARD * (width + 1)) {
            let (rows, losses) = shard.split_at(shard.len() / (width + 1) * width);
            outputs.extend_from_slice(rows);
            sum += f64::from(losses[0]);
        }
        Ok((outputs, sum / n.max(1) as f64))
    }
}
