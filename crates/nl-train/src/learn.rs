//! One stage of gradient learning: epochs of shuffled mini-batches, an optimiser, a schedule, checkpoints on the way.

use std::time::Instant;

use nl_data::Batches;
use nl_layers::{Parameters, Role};
use nl_optim::{Algorithm, Mask, Optimizer, OptimizerConfig, OptimizerState, Schedule, WeightAverage};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use crate::budget::{Budget, Wanted};
use crate::curves::{EpochPoint, StageCurve, StepPoint};
use crate::engine::{Engine, Objective, check_shards};
use crate::observer::{Event, Observer};
use crate::state::{RunState, Stage};
use crate::{CheckpointStore, Error, RunFolder};

/// How a stage learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnConfig {
    /// Passes over the training images.
    pub epochs: u64,
    /// The fewest images shown, those shown again among them: of a set so small that the epochs are fewer, there are more
    /// epochs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub min_images: u64,
    /// Images of a mini-batch; of fewer images than that, all of them.
    pub batch: usize,
    /// The fewest mini-batches of an epoch: of a set so small that there are fewer, the batch is smaller, down to a shard.
    #[serde(default, skip_serializing_if = "is_default")]
    pub min_batches: usize,
    /// The rule that turns gradients into steps.
    pub algorithm: Algorithm,
    /// The learning rate over the stage.
    pub rate: Pace,
    /// Decoupled weight decay of weights (not biases), per unit of learning rate.
    #[serde(default)]
    pub weight_decay: f64,
    /// Largest norm of the gradient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Decay of the moving average of the weights that the stage ends with; none: it ends with the last weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The learning rate over a stage, whatever its length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pace {
    /// Always the same.
    Constant {
        /// The learning rate.
        rate: f64,
    },
    /// Half a cosine from `rate` to zero. Source: Loshchilov & Hutter, "SGDR", ICLR 2017, eq 5, one period.
    Cosine {
        /// The learning rate at the start.
        rate: f64,
    },
    /// Up to `peak` in the first 30 % of the steps, then down to (nearly) zero; see [`Schedule::OneCycle`].
    OneCycle {
        /// The highest learning rate.
        peak: f64,
    },
}

impl Pace {
    /// The schedule for a stage of `steps` steps.
    #[must_use]
    pub fn schedule(self, steps: u64) -> Schedule {
        let steps = steps.max(1);
        match self {
            Self::Constant { rate } => Schedule::Constant { rate },
            Self::Cosine { rate } => Schedule::Cosine { rate, steps, floor: 0.0 },
            Self::OneCycle { peak } => Schedule::one_cycle(peak, steps),
        }
    }
}

/// More epochs than anybody can wait for; few enough that no counter overflows.
const MAX_EPOCHS: u64 = 1_000_000;
const MAX_IMAGES: u64 = 1_000_000_000_000;

impl LearnConfig {
    /// Checks every value that can be checked without the images.
    pub(crate) fn validate(&self, shard: usize) -> Result<(), Error> {
        if self.epochs > MAX_EPOCHS {
            return Err(Error::config(format!("epochs is {}, but must be at most {MAX_EPOCHS}", self.epochs)));
        }
        if self.min_images > MAX_IMAGES {
            return Err(Error::config(format!("min_images is {}, but must be at most {MAX_IMAGES}", self.min_images)));
        }
        check_shards(self.batch, shard)?;
        self.optimizer(1, Mask::all())?;
        if let Some(decay) = self.average {
            WeightAverage::new(decay, 0)?;
        }
        Ok(())
    }

    /// What it asks of a set of images, for [`Budget::new`].
    #[must_use]
    pub fn wanted(&self, shard: usize) -> Wanted {
        let Self { epochs, min_images, batch, min_batches, average, .. } = *self;
        Wanted { epochs, min_images, batch, min_batches, shard, average }
    }

    /// The optimiser of a stage of `steps` steps; decay falls on `decayed` only.
    pub(crate) fn optimizer(&self, steps: u64, decayed: Mask) -> Result<Optimizer, Error> {
        let mut config = OptimizerConfig::new(self.algorithm, self.rate.schedule(steps));
        config.weight_decay = self.weight_decay;
        config.clip_norm = self.clip_norm;
        Ok(Optimizer::new(config, decayed)?)
    }
}

/// Seconds between two checkpoints within an epoch; another one is written at the end of each epoch.
const CHECKPOINT_SECONDS: f64 = 15.0;
/// Points of a learning curve.
const CURVE_POINTS: u64 = 400;

/// What a stage needs besides its objective.
pub(crate) struct StagePlan<'a> {
    pub(crate) stage: Stage,
    pub(crate) learn: &'a LearnConfig,
    /// Path prefixes of what learns.
    pub(crate) learns: &'a [&'a str],
    /// Samples to learn from.
    pub(crate) items: &'a [u32],
    pub(crate) shard: usize,
    pub(crate) seed: u64,
    /// For the curve in the report.
    pub(crate) loss: &'a str,
    pub(crate) explanation: &'a str,
}

/// What a stage writes to.
pub(crate) struct Sinks<'a> {
    pub(crate) folder: &'a mut RunFolder,
    pub(crate) store: &'a CheckpointStore,
    pub(crate) observer: &'a mut (dyn Observer + Send),
}

/// Scores of the validation set at the end of an epoch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Validation {
    pub(crate) loss: Option<f64>,
    pub(crate) accuracy: Option<f64>,
}

/// One line of metrics.jsonl.
#[derive(Serialize)]
struct Line<'a> {
    stage: &'a str,
    epoch: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_accuracy: Option<f64>,
}

/// Streams of a stage: the same epoch of two stages must not draw the same numbers.
pub(crate) fn stage_streams(seed: u64, stage: Stage) -> Streams {
    // Odd multiples of the golden ratio spread consecutive stages over the 64-bit seeds.
    Streams::new(seed ^ (stage as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Runs the stage from wherever `state` stands to its end; `parameters` are then the stage's result (the average, if it
/// keeps one).
///
/// # Errors
/// [`Error::Stopped`] after a clean stop; else whatever failed.
pub(crate) fn run_stage(
    plan: &StagePlan<'_>,
    objective: &dyn Objective,
    parameters: &mut Parameters<f32>,
    state: &mut RunState,
    sinks: &mut Sinks<'_>,
    mut validate: impl FnMut(&Parameters<f32>) -> Result<Validation, Error>,
) -> Result<(), Error> {
    let streams = stage_streams(plan.seed, plan.stage);
    let learn = plan.learn;
    let budget = Budget::new(plan.items.len(), learn.wanted(plan.shard))?;
    let mut engine = Engine::new(parameters, plan.learns, budget.batch, plan.shard, streams)?;
    let mut batches = Batches::over(plan.items.to_vec(), budget.batch, true, &streams, state.epoch)?;
    let steps = budget.steps;
    let total = steps * budget.epochs;

    let decayed = parameters.ranges(|e| e.role == Role::Weight && plan.learns.iter().any(|p| e.is_under(p)));
    let optimizer = learn.optimizer(total, Mask::ranges(decayed)?)?;
    if state.optimizer.is_none() {
        state.optimizer = Some(optimizer.init(parameters.values())?);
    }
    if let (Some(decay), None) = (budget.average, &state.average) {
        state.average = Some(WeightAverage::new(decay, parameters.len())?);
    }
    if state.curves.last().is_none_or(|curve| curve.name != plan.stage.name()) {
        let (name, loss, explanation) = (plan.stage.name().into(), plan.loss.into(), plan.explanation.into());
        state.curves.push(StageCurve { name, loss, explanation, ..StageCurve::default() });
        state.pending = (0.0, 0);
    }

    let name = plan.stage.name().to_owned();
    let batch = budget.batch as u64;
    let done = state.epoch * steps + state.step;
    sinks.observer.on_event(&Event::StageStarted {
        stage: name.clone(),
        done: done * batch,
        total: total * batch,
        unit: "images",
    });
    let stage_start = Instant::now();
    let mut clock = Clock { started: Instant::now(), images: 0 };
    let mut saved = Instant::now();
    let every = total.div_ceil(CURVE_POINTS).max(1);

    let place = |state: &RunState| format!("stage {name}, epoch {}, step {}", state.epoch + 1, state.step + 1);
    let after = |state: &RunState| format!("stage {name}, epoch {}, after step {}", state.epoch + 1, state.step);
    while state.epoch < budget.epochs {
        if state.step == 0 {
            batches.start_epoch(&streams, state.epoch);
        } else {
            batches.seek(state.step as usize)?;
        }
        while let Some(samples) = batches.next_batch() {
            let step_start = Instant::now();
            let loss = engine.step(samples, state.epoch, parameters, objective).map_err(|e| match e {
                Error::Diverged { loss, .. } => Error::Diverged { loss, place: place(state) },
                other => other,
            })?;
            let index = state.epoch * steps + state.step;
            let rate = update(&optimizer, parameters, engine.gradient(), &mut state.optimizer, index)
                .map_err(|e| located(e, "the gradient of", parameters, || place(state)))?;
            if let Some(average) = &mut state.average {
                let taken = average.update(parameters.values());
                taken.map_err(|e| located(e.into(), "parameter", parameters, || place(state)))?;
            }
            state.step += 1;
            state.steps += 1;
            clock.images += batch;
            state.pending = (state.pending.0 + loss, state.pending.1 + 1);
            if (index + 1).is_multiple_of(every) {
                let mean = state.pending.0 / state.pending.1 as f64;
                state.pending = (0.0, 0);
                let epoch = (index + 1) as f64 / steps as f64;
                if let Some(curve) = state.curves.last_mut() {
                    curve.steps.push(StepPoint { epoch, loss: mean, learning_rate: rate });
                }
                let (loss, learning_rate) = (Some(mean), Some(rate));
                let (validation_loss, validation_accuracy) = (None, None);
                let line = Line { stage: &name, epoch, loss, learning_rate, validation_loss, validation_accuracy };
                sinks.folder.append_metrics(&line)?;
            }
            sinks.observer.on_event(&Event::Step {
                done: (index + 1) * batch,
                total: total * batch,
                loss,
                images_per_second: batch as f64 / step_start.elapsed().as_secs_f64(),
            });
            let stop = sinks.observer.stop_requested();
            if stop || saved.elapsed().as_secs_f64() > CHECKPOINT_SECONDS {
                clock.stop(&name, state);
                check_finite(parameters, || after(state))?;
                save_state(parameters, state, sinks)?;
                if stop {
                    return Err(Error::Stopped { folder: sinks.folder.path().to_owned() });
                }
                (clock.started, saved) = (Instant::now(), Instant::now());
            }
        }
        clock.stop(&name, state);
        check_finite(parameters, || after(state))?;
        state.epoch += 1;
        state.step = 0;
        if !budget.validates(state.epoch) {
            clock.started = Instant::now();
            continue;
        }

        let started = Instant::now();
        let validation = match &state.average {
            Some(average) => {
                let mut averaged = parameters.clone();
                averaged.set_values(average.values())?;
                validate(&averaged)?
            }
            None => validate(parameters)?,
        };
        state.add_time("Validation", started.elapsed().as_secs_f64(), None);
        for (what, value) in
            [("the validation loss", validation.loss), ("the validation accuracy", validation.accuracy)]
        {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                let place = format!("stage {name}, after epoch {}", state.epoch);
                return Err(Error::NotFinite { what: what.into(), value, place });
            }
        }
        let epoch = state.epoch as f64;
        let (validation_loss, validation_accuracy) = (validation.loss, validation.accuracy);
        if let Some(curve) = state.curves.last_mut() {
            curve.epochs.push(EpochPoint { epoch, validation_loss, validation_accuracy });
        }
        let (loss, learning_rate) = (None, None);
        let line = Line { stage: &name, epoch, loss, learning_rate, validation_loss, validation_accuracy };
        sinks.folder.append_metrics(&line)?;
        let named = [("validation loss", validation.loss), ("validation accuracy", validation.accuracy)];
        let metrics = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        sinks.observer.on_event(&Event::EpochEnded { epoch: state.epoch, epochs: budget.epochs, metrics });
        if state.epoch < budget.epochs {
            save_state(parameters, state, sinks)?;
        }
        (clock.started, saved) = (Instant::now(), Instant::now());
    }

    if let Some(average) = state.average.take() {
        parameters.set_values(average.values())?;
    }
    check_finite(parameters, || format!("stage {name}, at its end"))?;
    state.optimizer = None;
    let seconds = stage_start.elapsed().as_secs_f64();
    sinks.observer.on_event(&Event::StageEnded { stage: name, seconds });
    Ok(())
}

/// Time and images since the last look.
struct Clock {
    started: Instant,
    images: u64,
}

impl Clock {
    fn stop(&mut self, name: &str, state: &mut RunState) {
        state.add_time(name, self.started.elapsed().as_secs_f64(), Some(self.images));
        self.images = 0;
    }
}

/// One step of the optimiser; returns the learning rate.
fn update(
    optimizer: &Optimizer,
    parameters: &mut Parameters<f32>,
    gradient: &mut [f32],
    state: &mut Option<OptimizerState>,
    step: u64,
) -> Result<f64, Error> {
    let Some(state) = state else { return Err(Error::config("the optimiser has no state")) };
    let rate = optimizer.rate(state, step);
    optimizer.step(parameters.values_mut(), gradient, state, step)?;
    Ok(rate)
}

/// Every parameter is a number: looked at whenever a checkpoint is due, before it is written, and at the end of an epoch
/// and of a stage.
///
/// # Errors
/// [`Error::NotFinite`] with the path and index of the first that is not.
pub(crate) fn check_finite(parameters: &Parameters<f32>, place: impl Fn() -> String) -> Result<(), Error> {
    match parameters.values().iter().position(|x| !x.is_finite()) {
        Some(at) => {
            let what = format!("parameter {}", element(parameters, at));
            Err(Error::NotFinite { what, value: f64::from(parameters.values()[at]), place: place() })
        }
        None => Ok(()),
    }
}

/// `cortex/v1/weight[3, 0, 1, 2]`: the path and index of an element of the flat vector.
fn element(parameters: &Parameters<f32>, at: usize) -> String {
    let Some(entry) = parameters.entries().iter().find(|entry| entry.range().contains(&at)) else {
        return format!("number {at}");
    };
    let mut rest = at - entry.offset;
    let mut index = vec![0; entry.shape.len()];
    for (i, &size) in index.iter_mut().zip(&entry.shape).rev() {
        (*i, rest) = (rest % size, rest / size);
    }
    format!("{}{index:?}", entry.path)
}

/// What the optimiser or the average refused, with the parameter's path in place of a position in the flat vector.
fn located(error: Error, what: &str, parameters: &Parameters<f32>, place: impl Fn() -> String) -> Error {
    match error {
        Error::Optim(nl_optim::Error::NotFinite { at, value, .. }) => {
            let what = format!("{what} {}", element(parameters, at));
            Error::NotFinite { what, value: f64::from(value), place: place() }
        }
        other => other,
    }
}

/// Writes the next checkpoint: the state as it is, with these parameters.
pub(crate) fn save_state(
    parameters: &Parameters<f32>,
    state: &mut RunState,
    sinks: &mut Sinks<'_>,
) -> Result<(), Error> {
    let started = Instant::now();
    sinks.folder.sync_metrics()?;
    state.metrics_len = sinks.folder.metrics_len();
    state.parameters.clear();
    state.parameters.extend_from_slice(parameters.values());
    let path = sinks.store.save(state.steps, state)?;
    state.add_time("Checkpoints", started.elapsed().as_secs_f64(), None);
    sinks.observer.on_event(&Event::CheckpointWritten { path });
    Ok(())
}
