//! Learning from classes or values.

use nl_autodiff::{Tape, Var};
use nl_data::{Samples, Targets as Given};
use nl_layers::loss::{LossKind, Targets};
use nl_layers::{Context, Parameters};
use nl_random::Streams;

use super::aim::{Aim, labels, truth};
use super::config::SuperviseConfig;
use super::input::{Change, Input};
use super::network::Network;
use super::{LayersModel, SHARD, rotation, values};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, Objective, RowEvaluator, Shard, Stepped, Task};
use crate::metrics::{accuracy, argmax, negative_log_likelihood};
use crate::models::standard::Standard;
use crate::run::Measures;

pub(super) const NAME: &str = "Supervised";
/// Stream of the angles of the samples held out.
const HELD_OUT: &str = "rotation-validation";

/// Σ_samples ℓ(network(augment(x)), y)
struct Supervise<'a> {
    network: &'a Network,
    input: Input<'a>,
    aim: &'a Aim,
    config: &'a SuperviseConfig,
    streams: Streams,
}

impl Objective for Supervise<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let Self { input, aim, .. } = self;
        let change = Change { augment: &self.config.augment, streams: &self.streams, epoch: shard.epoch };
        let work = &mut *shard.workspace;
        let view = input.batch(ctx.tape(), shard.samples, |to, i| match aim.degrees {
            Some(degrees) => rotation::shown(input, i, &change, degrees, work, to),
            None => input.changed(i, &change, work, to),
        })?;
        let output = self.network.forward(view, ctx)?;
        let loss = &self.config.loss;
        match (aim.degrees, input.samples.targets()) {
            (Some(degrees), _) => {
                let angle = |i: u32, to: &mut [f32]| to[0] = rotation::learning_angle(&change, i, degrees);
                let angles = wanted(ctx.tape(), aim, shard.samples, angle)?;
                Ok(loss.loss("loss", output, &Targets::Values(angles))?)
            }
            (None, Given::Classes { labels, .. }) => {
                work.labels.clear();
                work.labels.extend(shard.samples.iter().map(|&i| labels[i as usize]));
                Ok(loss.loss("loss", output, &Targets::Classes(&work.labels))?)
            }
            (None, Given::Values { values, .. }) => {
                Ok(loss.loss("loss", output, &Targets::Values(given(ctx.tape(), aim, values, shard.samples)?))?)
            }
        }
    }
}

/// What is to be learned of `samples`, `[samples, values]`, in the unit in which it is learned.
fn wanted<'t>(
    tape: &'t Tape<f32>,
    aim: &Aim,
    samples: &[u32],
    fill: impl Fn(u32, &mut [f32]),
) -> Result<Var<'t, f32>, Error> {
    let width = aim.values();
    Ok(tape.constant_with(&[samples.len(), width], |all| {
        for (to, &i) in all.chunks_exact_mut(width.max(1)).zip(samples) {
            fill(i, to);
            aim.standard.apply(to);
        }
    })?)
}

/// [`wanted`], of the values of all samples.
fn given<'t>(tape: &'t Tape<f32>, aim: &Aim, values: &[f32], samples: &[u32]) -> Result<Var<'t, f32>, Error> {
    let width = aim.values();
    wanted(tape, aim, samples, |i, to| to.copy_from_slice(&values[i as usize * width..][..width]))
}

/// The stage.
pub(super) struct Supervising<'a> {
    config: &'a SuperviseConfig,
    data: &'a Dataset<Samples>,
    aim: Aim,
    streams: Streams,
    held_out: Samples,
}

impl<'a> Supervising<'a> {
    pub(super) fn new(
        config: &'a SuperviseConfig,
        data: &'a Dataset<Samples>,
        aim: Aim,
        streams: Streams,
    ) -> Result<Self, Error> {
        let held_out = data.held_out();
        let held_out = match data.validation.is_empty() {
            true => held_out,
            false => aim.set(&held_out, &streams, HELD_OUT)?.into_owned(),
        };
        Ok(Self { config, data, aim, streams, held_out })
    }
}

impl Task<LayersModel> for Supervising<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let input = Input { samples: &self.data.split.train, standard: &model.inputs };
        let (network, aim, config, streams) = (&model.network, &self.aim, self.config, self.streams);
        gradient.step(&mut model.parameters, &Supervise { network, input, aim, config, streams })
    }

    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        if self.held_out.is_empty() {
            return Ok(Measures::none());
        }
        let (loss, aim, held_out) = (&self.config.loss, &self.aim, &self.held_out);
        let ask = Ask { network: &model.network, parameters, inputs: &model.inputs };
        if aim.values() > 0 {
            let (outputs, mean) = ask.outputs_and_loss(held_out, aim, loss)?;
            let (values, _) = aim.estimates(loss, &outputs)?;
            let scores = values::scores(&values, truth(held_out)?, aim.values())?;
            return Ok(Measures::of("validation_loss", mean)
                .and("validation_mae", scores.mae)
                .and("validation_rmse", scores.rmse)
                .and_some("validation_r2", scores.r2));
        }
        let (classes, truth) = (aim.names.len(), labels(held_out)?);
        let log_probs = aim.log_probabilities(loss, &ask.outputs(held_out)?)?;
        Ok(Measures::none()
            .and_some("validation_loss", negative_log_likelihood(&log_probs, classes, truth))
            .and_some("validation_accuracy", accuracy(&argmax(&log_probs, classes), truth)))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// A network with some weights, to be asked.
pub(super) struct Ask<'a> {
    pub(super) network: &'a Network,
    pub(super) parameters: &'a Parameters<f32>,
    pub(super) inputs: &'a Standard,
}

impl Ask<'_> {
    /// The network's outputs for all samples, `[N, outputs]`.
    pub(super) fn outputs(&self, samples: &Samples) -> Result<Vec<f32>, Error> {
        let mut rows = RowEvaluator::<()>::new(SHARD);
        let input = Input { samples, standard: self.inputs };
        rows.map(samples.len(), self.network.outputs(), self.parameters, |samples, ctx, (), out| {
            let view = input.plain(ctx.tape(), samples)?;
            out.copy_from_slice(self.network.forward(view, ctx)?.value().as_slice());
            Ok(())
        })
    }

    /// The same for samples with values, and the mean loss of one.
    fn outputs_and_loss(&self, samples: &Samples, aim: &Aim, loss: &LossKind) -> Result<(Vec<f32>, f64), Error> {
        let (n, width, values) = (samples.len(), self.network.outputs(), truth(samples)?);
        let mut rows = RowEvaluator::<()>::new(SHARD);
        let input = Input { samples, standard: self.inputs };
        // Outputs of a shard, then its loss.
        let all = rows.map(n, width + 1, self.parameters, |samples, ctx, (), out| {
            let output = self.network.forward(input.plain(ctx.tape(), samples)?, ctx)?;
            let sum = loss.loss("loss", output, &Targets::Values(given(ctx.tape(), aim, values, samples)?))?;
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
