//! Epochs of shuffled mini-batches, an optimiser, a schedule, a moving average: what every gradient stage does.

use std::borrow::Cow;
use std::ops::Range;

use nl_data::Batches;
use nl_layers::{Entry, Parameters, Role};
use nl_optim::{Mask, MaxNorm, Optimizer, OptimizerConfig, OptimizerState, WeightAverage};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::budget::{Budget, Wanted};
use super::early_stopping::{Best, EarlyStopping, Watch};
use super::engine::{Engine, Objective, check_shards};
use crate::Error;
use crate::run::{Measures, Settings, pack, unpack};

/// How a stage learns by gradient.
///
/// ```
/// use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
/// use nl_train::LearnConfig;
///
/// let optimizer = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 1e-3 });
/// let learn = LearnConfig { average: Some(0.99), ..LearnConfig::new(2, 128, optimizer) };
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LearnConfig {
    /// Passes over what is learned from.
    pub epochs: u64,
    /// The fewest samples shown, those shown again among them: of a set so small that the epochs are fewer, there are more
    /// epochs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub min_images: u64,
    /// Samples of a mini-batch; of fewer samples than that, all of them. A batch is computed shard by shard, and its gradients
    /// are accumulated over them: no more of it is in memory at a time than a shard for each thread, so that there is no other
    /// option to accumulate gradients.
    pub batch: usize,
    /// The fewest mini-batches of an epoch: of a set so small that there are fewer, the batch is smaller, down to a shard.
    #[serde(default, skip_serializing_if = "is_default")]
    pub min_batches: usize,
    /// Samples of a shard: the unit of work of a thread. Changes results in the last bits only; the number of threads does
    /// not change them at all.
    #[serde(default = "sixteen")]
    pub shard: usize,
    /// Algorithm, learning rate, penalties, clipping. A schedule without a length lasts as long as the stage; penalties and
    /// decay fall on weights, not on biases.
    pub optimizer: OptimizerConfig,
    /// Decay of the moving average of the weights that the stage ends with; none: it ends with the last weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// The largest norm of the weights that lead to one unit: after each step longer ones are made so long
    /// ([`MaxNorm`](nl_optim::MaxNorm)). A unit's weights are a row of a weight's first axis: a unit of `linear`, a channel of
    /// `conv2d`, a gate's unit of a recurrent layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub max_norm: Option<f64>,
    /// Ends when what is held out is no longer learned better, with the weights that were best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
}

const fn sixteen() -> usize {
    16
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// More epochs than anybody can wait for; few enough that no counter overflows.
const MAX_EPOCHS: u64 = 1_000_000;
const MAX_IMAGES: u64 = 1_000_000_000_000;
/// Points of a learning curve.
const CURVE_POINTS: u64 = 400;

impl Settings for LearnConfig {
    fn check(&self) -> Result<(), Error> {
        if self.epochs > MAX_EPOCHS {
            return Err(Error::config(format!("epochs is {}, but must be at most {MAX_EPOCHS}", self.epochs)));
        }
        if self.min_images > MAX_IMAGES {
            return Err(Error::config(format!("min_images is {}, but must be at most {MAX_IMAGES}", self.min_images)));
        }
        check_shards(self.batch, self.shard)?;
        self.optimizer(1, Mask::all())?;
        if let Some(decay) = self.average {
            WeightAverage::new(decay, 0)?;
        }
        self.max_norm.map(MaxNorm::new).transpose()?;
        if let Some(stopping) = &self.early_stopping {
            stopping.check().map_err(|e| e.under("early_stopping"))?;
        }
        Ok(())
    }
}

impl LearnConfig {
    /// This many epochs, batches of so many, shards of sixteen, and no more than that.
    #[must_use]
    pub const fn new(epochs: u64, batch: usize, optimizer: OptimizerConfig) -> Self {
        Self {
            epochs,
            min_images: 0,
            batch,
            min_batches: 0,
            shard: sixteen(),
            optimizer,
            average: None,
            max_norm: None,
            early_stopping: None,
        }
    }

    /// What it asks of a set of samples, for [`Budget::new`].
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let Self { epochs, min_images, batch, min_batches, shard, average, .. } = *self;
        Wanted { epochs, min_images, batch, min_batches, shard, average }
    }

    /// The optimiser of a stage of `steps` steps.
    fn optimizer(&self, steps: u64, penalised: Mask) -> Result<Optimizer, Error> {
        let schedule = self.optimizer.schedule.over(steps.max(1));
        Ok(Optimizer::new(OptimizerConfig { schedule, ..self.optimizer.clone() }, penalised)?)
    }
}

/// Gradient learning under way. A step allocates nothing after the first.
///
/// ```
/// use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
/// use nl_random::Streams;
/// use nl_train::{Gradient, LearnConfig, Probe};
///
/// // Logistic regression: the sign of the first of two numbers.
/// let rows: Vec<f32> = (0..200).map(|i| ((i * 37) % 100) as f32 / 50.0 - 1.0).collect();
/// let labels: Vec<u8> = rows.chunks_exact(2).map(|row| u8::from(row[0] > 0.0)).collect();
/// let (probe, mut parameters) = Probe::new(&rows[..], &labels, 2, 2)?;
/// let optimizer = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 0.1 });
/// let learn = LearnConfig { shard: 5, ..LearnConfig::new(20, 20, optimizer) };
/// let mut gradient = Gradient::new("sign", &learn, &parameters, &[""], (0..100).collect(), Streams::new(1))?;
/// let mut losses = Vec::new();
/// while !gradient.is_over() {
///     losses.push(gradient.step(&mut parameters, &probe)?.loss);
/// }
/// assert!(losses[losses.len() - 1] < 0.3 * losses[0]);
/// # Ok::<(), nl_train::Error>(())
/// ```
pub struct Gradient {
    /// The stage, for messages.
    name: String,
    budget: Budget,
    engine: Engine,
    batches: Batches,
    optimizer: Optimizer,
    state: OptimizerState,
    average: Option<WeightAverage>,
    bound: Option<MaxNorm>,
    /// Weights that are bounded, and the length of a row.
    rows: Vec<(Range<usize>, usize)>,
    watch: Option<Watch>,
    /// Where running statistics lie in the flat vector.
    statistics: Vec<Range<usize>>,
    streams: Streams,
    epoch: u64,
    step: u64,
    /// Loss summed over the steps since the last point of the curve, and their number.
    pending: (f64, u64),
    /// Steps between two points of the curve.
    every: u64,
}

/// What one step brought.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stepped {
    /// Mean loss of the mini-batch.
    pub loss: f64,
    /// It was the last step of its epoch.
    pub epoch_ended: bool,
    /// A point of the curve: the epoch, and `loss` (the mean since the last point) and `learning_rate`.
    pub point: Option<(f64, Measures)>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct State<'a> {
    epoch: u64,
    step: u64,
    pending: (f64, u64),
    optimizer: Cow<'a, OptimizerState>,
    average: Option<Cow<'a, WeightAverage>>,
    best: Option<Cow<'a, Best>>,
}

impl Gradient {
    /// Learning at its start: `learns` are the path prefixes of what learns, `items` the samples to learn from, in the order
    /// from which shuffling begins.
    ///
    /// # Errors
    /// [`Error::Config`] if the samples do not fill a mini-batch, or a setting is out of range.
    pub fn new(
        name: &str,
        learn: &LearnConfig,
        parameters: &Parameters<f32>,
        learns: &[&str],
        items: Vec<u32>,
        streams: Streams,
    ) -> Result<Self, Error> {
        let budget = Budget::new(items.len(), learn.wanted())?;
        let Budget { batch, steps, epochs, .. } = budget;
        let engine = Engine::new(parameters, learns, batch, learn.shard, streams)?;
        let batches = Batches::over(items, batch, true, &streams, 0)?;
        let total = steps * epochs;
        let decayed = parameters.ranges(|e| e.role == Role::Weight && learns.iter().any(|p| e.is_under(p)));
        let optimizer = learn.optimizer(total, Mask::ranges(decayed)?)?;
        let state = optimizer.init(parameters.values())?;
        let average = budget.average.map(|decay| WeightAverage::new(decay, parameters.len())).transpose()?;
        let weighs = |e: &&Entry| e.role == Role::Weight && e.shape.len() > 1 && learns.iter().any(|p| e.is_under(p));
        let rows = parameters.entries().iter().filter(weighs).map(|e| (e.range(), e.len() / e.shape[0].max(1)));
        Ok(Self {
            name: name.to_owned(),
            budget,
            engine,
            batches,
            optimizer,
            state,
            average,
            bound: learn.max_norm.map(MaxNorm::new).transpose()?,
            rows: rows.filter(|_| learn.max_norm.is_some()).collect(),
            watch: learn.early_stopping.map(Watch::new),
            statistics: parameters.ranges(|e| e.role == Role::Statistic),
            streams,
            epoch: 0,
            step: 0,
            pending: (0.0, 0),
            every: total.div_ceil(CURVE_POINTS).max(1),
        })
    }

    /// Samples that were learned from, each time counted.
    #[must_use]
    pub fn done(&self) -> u64 {
        (self.epoch * self.budget.steps + self.step) * self.budget.batch as u64
    }

    /// Samples in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.budget.steps * self.budget.epochs * self.budget.batch as u64
    }

    /// Whether all epochs are complete, or it was stopped early.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.epoch >= self.budget.epochs || self.is_stopped()
    }

    /// Whether nothing has become better for as long as `early_stopping` says.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_over)
    }

    /// Epochs that are complete.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Epochs in all.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.budget.epochs
    }

    /// Whether the epoch that ended last is one to look at what is held out.
    #[must_use]
    pub fn validates(&self) -> bool {
        self.budget.validates(self.epoch)
    }

    /// One step on the next mini-batch; nothing after the last.
    ///
    /// # Errors
    /// Those of the objective; a loss, a gradient or a weight that is no number, with its place.
    pub fn step(&mut self, parameters: &mut Parameters<f32>, objective: &dyn Objective) -> Result<Stepped, Error> {
        if self.is_over() {
            return Ok(Stepped::default());
        }
        if self.step == 0 {
            self.batches.start_epoch(&self.streams, self.epoch);
        }
        let (epoch, step) = (self.epoch, self.step);
        let index = epoch * self.budget.steps + step;
        let name = &self.name;
        let place = || format!("stage {name}, epoch {}, step {}", epoch + 1, step + 1);
        let after = || format!("stage {name}, epoch {}, after step {}", epoch + 1, step + 1);
        let samples = self.batches.next_batch().unwrap_or_default();
        let loss = self.engine.step(samples, epoch, parameters, objective).map_err(|e| match e {
            Error::Diverged { loss, .. } => Error::Diverged { loss, place: place() },
            other => other,
        })?;
        step_statistics(&self.statistics, parameters, self.engine.gradient());
        let rate = self.optimizer.rate(&self.state, index);
        self.optimizer
            .step(parameters.values_mut(), self.engine.gradient(), &mut self.state, index)
            .map_err(|e| located(e.into(), "the gradient of", parameters, place))?;
        if let Some(bound) = &self.bound {
            let weights = parameters.values_mut();
            self.rows.iter().for_each(|(range, inputs)| bound.project(&mut weights[range.clone()], *inputs));
        }
        if let Some(average) = &mut self.average {
            let taken = average.update(parameters.values());
            taken.map_err(|e| located(e.into(), "parameter", parameters, place))?;
        }
        self.step += 1;
        self.pending = (self.pending.0 + loss, self.pending.1 + 1);
        let mut stepped = Stepped { loss, ..Stepped::default() };
        if (index + 1).is_multiple_of(self.every) {
            let mean = self.pending.0 / self.pending.1 as f64;
            self.pending = (0.0, 0);
            let at = (index + 1) as f64 / self.budget.steps as f64;
            stepped.point = Some((at, Measures::of("loss", mean).and("learning_rate", rate)));
        }
        if self.step == self.budget.steps {
            check_finite(parameters, after)?;
            (self.epoch, self.step, stepped.epoch_ended) = (self.epoch + 1, 0, true);
        }
        Ok(stepped)
    }

    /// The weights that the stage would end with now: the average, if it keeps one.
    ///
    /// # Errors
    /// Never: the average is of these parameters.
    pub fn current<'p>(&self, parameters: &'p Parameters<f32>) -> Result<Cow<'p, Parameters<f32>>, Error> {
        Ok(match &self.average {
            Some(average) if average.updates() > 0 => {
                let mut averaged = parameters.clone();
                averaged.set_values(average.values())?;
                Cow::Owned(averaged)
            }
            _ => Cow::Borrowed(parameters),
        })
    }

    /// The end: parameters become the average, if one was kept, or those that were best, if they were watched.
    ///
    /// # Errors
    /// A weight that is no number.
    pub fn finish(&mut self, parameters: &mut Parameters<f32>) -> Result<(), Error> {
        if let Some(average) = self.average.take().filter(|average| average.updates() > 0) {
            parameters.set_values(average.values())?;
        }
        if let Some(best) = self.watch.as_ref().and_then(Watch::weights) {
            parameters.set_values(best)?;
        }
        check_finite(parameters, || format!("stage {}, at its end", self.name))
    }

    /// Measures on what is held out, of these weights (those that the stage would end with now): for a plateau schedule, which
    /// watches `validation_loss`, and for early stopping.
    ///
    /// # Errors
    /// [`Error::Config`] if early stopping watches what was not measured.
    pub fn observe(&mut self, measures: &Measures, weights: &Parameters<f32>) -> Result<(), Error> {
        if let Some(loss) = measures.get("validation_loss").filter(|loss| loss.is_finite()) {
            self.optimizer.observe(&mut self.state, loss);
        }
        let epoch = self.epoch;
        match &mut self.watch {
            Some(watch) => watch.look(epoch, measures, weights).map_err(|e| e.under(&format!("stage {}", self.name))),
            None => Ok(()),
        }
    }

    /// What a checkpoint holds.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn state(&self) -> Result<Vec<u8>, Error> {
        pack(&State {
            epoch: self.epoch,
            step: self.step,
            pending: self.pending,
            optimizer: Cow::Borrowed(&self.state),
            average: self.average.as_ref().map(Cow::Borrowed),
            best: self.watch.as_ref().and_then(|watch| watch.best.as_ref()).map(Cow::Borrowed),
        })
    }

    /// Takes back what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// [`Error::Config`] for a state that this stage cannot be in.
    pub fn restore(&mut self, state: &[u8], parameters: &Parameters<f32>) -> Result<(), Error> {
        let State { epoch, step, pending, optimizer, average, best } = unpack(state)?;
        let crooked = |what: &str| Error::config(format!("the checkpoint does not fit stage {}: {what}", self.name));
        let Budget { steps, epochs, .. } = self.budget;
        if epoch > epochs || step >= steps.max(1) || (epoch == epochs && step > 0) {
            return Err(crooked(&format!("epoch {epoch}, step {step}")));
        }
        if !self.state.fits(&optimizer) {
            return Err(crooked("its optimiser is another one"));
        }
        let average = average.map(Cow::into_owned);
        let same = match (&self.average, &average) {
            (None, None) => true,
            (Some(own), Some(other)) => own.fits(other) && other.values().len() == parameters.len(),
            _ => false,
        };
        if !same {
            return Err(crooked("its moving average is another one"));
        }
        let best = best.map(Cow::into_owned);
        let watched = match &mut self.watch {
            Some(watch) => watch.restore(best, epoch, parameters.len()),
            None => best.is_none(),
        };
        if !watched {
            return Err(crooked("its best weights are those of another one"));
        }
        (self.epoch, self.step, self.pending) = (epoch, step, pending);
        (self.state, self.average) = (optimizer.into_owned(), average);
        self.batches.start_epoch(&self.streams, epoch);
        self.batches.seek(step as usize)?;
        Ok(())
    }
}

/// r ← r − g for running statistics, whose windows of the gradient are then 0, so that no optimiser sees them.
fn step_statistics(ranges: &[Range<usize>], parameters: &mut Parameters<f32>, gradient: &mut [f32]) {
    if ranges.is_empty() {
        return;
    }
    let values = parameters.values_mut();
    for range in ranges {
        for (value, g) in values[range.clone()].iter_mut().zip(&mut gradient[range.clone()]) {
            *value -= *g;
            *g = 0.0;
        }
    }
}

/// Every parameter is a number: looked at before each checkpoint, and at the end of an epoch and of a stage.
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
