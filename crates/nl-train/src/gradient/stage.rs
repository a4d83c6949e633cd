//! A stage that learns by gradient: steps, and at the end of each epoch a look at the images held out.

use nl_layers::Parameters;

use super::{Gradient, Stepped};
use crate::Error;
use crate::run::{Advance, Learner, Measures, Model, Moment, Plan, Progress, pack, unpack};

/// What a gradient stage of a model minimises, and how it is looked at.
pub trait Task<M: Model>: Send {
    /// The part of the run that the time of [`prepare`](Self::prepare) goes to.
    fn preparation(&self) -> &'static str {
        "Preparation"
    }

    /// What is done to the model once, before the first step; not again after a resume.
    ///
    /// # Errors
    /// Whatever failed.
    fn begin(&mut self, model: &mut M) -> Result<(), Error> {
        let _ = model;
        Ok(())
    }

    /// Work before the first step, the same after a resume; nothing for most.
    ///
    /// # Errors
    /// [`Error::Stopped`], or whatever failed.
    fn prepare(&mut self, model: &mut M, progress: &mut Progress<'_>) -> Result<(), Error> {
        let (_, _) = (model, progress);
        Ok(())
    }

    /// One step of `gradient` on the model's parameters.
    ///
    /// # Errors
    /// Those of [`Gradient::step`].
    fn step(&mut self, model: &mut M, gradient: &mut Gradient) -> Result<Stepped, Error>;

    /// `validation_loss`, `validation_accuracy` …: on what is held out, with the weights the stage would end with now.
    ///
    /// # Errors
    /// Whatever failed.
    fn validate(&mut self, model: &M, parameters: &Parameters<f32>) -> Result<Measures, Error>;

    /// The parameters.
    fn parameters<'m>(&self, model: &'m mut M) -> &'m mut Parameters<f32>;

    /// The end of the stage; `model` has its last weights.
    ///
    /// # Errors
    /// Whatever failed.
    fn finish(&mut self, model: &mut M) -> Result<(), Error> {
        let _ = model;
        Ok(())
    }
}

/// A [`Task`] under way.
pub struct GradientStage<T> {
    name: String,
    unit: &'static str,
    task: T,
    gradient: Gradient,
    begun: bool,
    prepared: bool,
    /// An epoch has ended and nobody has looked yet.
    unseen: bool,
}

impl<T> GradientStage<T> {
    /// A stage called `name`, at its start.
    pub fn new(name: impl Into<String>, task: T, gradient: Gradient) -> Self {
        Self { name: name.into(), unit: "images", task, gradient, begun: false, prepared: false, unseen: false }
    }

    /// The same, of what is called otherwise than images: `"samples"`.
    #[must_use]
    pub fn counting(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }
}

impl<M: Model, T: Task<M>> Learner<M> for GradientStage<T> {
    fn plan(&self) -> Plan {
        Plan { name: self.name.clone(), unit: self.unit, total: self.gradient.total() }
    }

    fn done(&self, _: &M) -> u64 {
        // The last epoch still wants to be looked at.
        let done = self.gradient.done();
        if self.unseen { done.saturating_sub(1) } else { done }
    }

    fn advance(&mut self, model: &mut M, progress: &mut Progress<'_>) -> Result<Advance, Error> {
        if !std::mem::replace(&mut self.prepared, true) {
            if !std::mem::replace(&mut self.begun, true) {
                self.task.begin(model)?;
            }
            self.task.prepare(model, progress)?;
            return Ok(Advance {
                done: self.gradient.done(),
                finished: self.gradient.is_over() && !self.unseen,
                part: self.task.preparation(),
                ..Advance::default()
            });
        }
        if !std::mem::take(&mut self.unseen) {
            let Stepped { loss, epoch_ended, point } = self.task.step(model, &mut self.gradient)?;
            self.unseen = epoch_ended && self.gradient.validates();
            let record = point.map(|(at, measures)| Moment { unit: "epoch", at, measures, told: None });
            let measures = Measures::of("loss", loss);
            return Ok(Advance { done: self.gradient.done(), measures, record, ..Advance::default() });
        }
        let parameters = self.task.parameters(model).clone();
        let current = self.gradient.current(&parameters)?;
        let measures = self.task.validate(model, &current)?;
        self.gradient.observe(&measures, &current)?;
        let (epoch, epochs) = (self.gradient.epoch(), self.gradient.epochs());
        let stopped = if self.gradient.is_stopped() { ", stopped: nothing better" } else { "" };
        let told = (!measures.is_empty()).then(|| format!("epoch {epoch} of {epochs}{stopped}"));
        Ok(Advance {
            done: self.gradient.done(),
            finished: self.gradient.is_over(),
            part: "Validation",
            measures: Measures::none(),
            record: (!measures.is_empty()).then_some(Moment { unit: "epoch", at: epoch as f64, measures, told }),
        })
    }

    fn state(&self) -> Result<Vec<u8>, Error> {
        pack(&(self.unseen, self.gradient.state()?))
    }

    fn restore(&mut self, model: &mut M, state: &[u8]) -> Result<(), Error> {
        let (unseen, gradient): (bool, Vec<u8>) = unpack(state)?;
        (self.unseen, self.begun) = (unseen, true);
        self.gradient.restore(&gradient, self.task.parameters(model))
    }

    fn finish(&mut self, model: &mut M) -> Result<(), Error> {
        // A stage of no epochs was never begun.
        if !std::mem::replace(&mut self.begun, true) {
            self.task.begin(model)?;
        }
        self.gradient.finish(self.task.parameters(model))?;
        self.task.finish(model)
    }
}
