//! What learns, and what a stage of learning is: all that a new model has to say.

use std::collections::BTreeMap;
use std::path::Path;

use nl_data::Images;
use nl_layers::graph::Line;
use nl_layers::{Entry, Parameters};
use nl_report::{Banner, Headline, Section, Tile};
use serde::{Serialize, de::DeserializeOwned};

use super::{History, Measures, Progress, RunFolder, Timings};
use crate::config::RunConfig;
use crate::data::{Dataset, Set};
use crate::{Error, Estimate, Prediction};

/// A part of a configuration: what serde reads and writes, and what must hold of the values.
pub trait Settings: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync {
    /// `Ok` if every value can be used, as far as that can be known without the images.
    ///
    /// # Errors
    /// The first value out of range, by its name.
    fn check(&self) -> Result<(), Error>;
}

/// A kind of stage, as `cargo xtask list stages` shows it and as the order of stages is checked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageKind {
    /// `kind: …` in the configuration.
    pub kind: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// What must have been given by an earlier stage, in words: `"a filled hippocampus"`.
    pub needs: &'static [&'static str],
    /// What it gives to later ones.
    pub gives: &'static [&'static str],
}

/// An entry of `stages:`, an enum over the kinds of stages that a model knows.
pub trait Stage: Settings {
    /// All kinds.
    const KINDS: &'static [StageKind];

    /// The kind of this one.
    fn kind(&self) -> &'static str;

    /// Fields of its YAML that may change between a stop and a resume while this stage is under way: a longer run, but not
    /// another one.
    fn may_grow(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The configuration of a model's runs.
pub type ConfigOf<M> = RunConfig<<M as Model>::Config, <M as Model>::Stage>;

/// What a stage or an evaluation is given.
pub struct Setting<'a, M: Model> {
    /// The whole configuration.
    pub config: &'a ConfigOf<M>,
    /// What it learns from, for a model that learns from anything.
    pub data: Option<&'a Dataset<M::Set>>,
}

impl<M: Model> Clone for Setting<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Model> Copy for Setting<'_, M> {}

impl<'a, M: Model<Set = Images>> Setting<'a, M> {
    /// The images.
    ///
    /// # Errors
    /// [`Error::Config`] if there are none.
    pub fn images(&self) -> Result<&'a Dataset, Error> {
        self.dataset()
    }
}

impl<'a, M: Model> Setting<'a, M> {
    /// The data.
    ///
    /// # Errors
    /// [`Error::Config`] if there are none.
    pub fn dataset(&self) -> Result<&'a Dataset<M::Set>, Error> {
        let what = M::Set::WHAT.unwrap_or("nothing");
        self.data.ok_or_else(|| Error::config(format!("a model of kind {} learns from {what}; give some", M::KIND)))
    }

    /// How many stages of the kind of stage `stage` come before it.
    #[must_use]
    pub fn occurrence(&self, stage: usize) -> u64 {
        let stages = &self.config.stages;
        let Some(this) = stages.get(stage) else { return 0 };
        stages[..stage].iter().filter(|other| other.kind() == this.kind()).count() as u64
    }
}

/// What learns. Knows no clock and no page layout, and of a folder only where to put what would make checkpoints grow.
pub trait Model: Sized + Send {
    /// `model: {kind: …}`
    const KIND: &'static str;
    /// What it is, in one sentence.
    const ABOUT: &'static str;
    /// The scores of [`evaluate`](Self::evaluate) that are accuracies: those that are compared on spoilt images.
    const ACCURACIES: &'static [&'static str] = &["accuracy"];
    /// The JSON Schema of its configurations, made from the types: what finds the place of each fault. Without one, faults
    /// have no more than a place to begin at.
    const SCHEMA: Option<&'static str> = None;
    /// What it learns from: [`Images`], [`Samples`](nl_data::Samples) or [`Nothing`](crate::Nothing).
    type Set: Set;
    /// `model:` without its kind. Values that follow from the images are not in it.
    type Config: Settings;
    /// An entry of `stages:`.
    type Stage: Stage;
    /// What a checkpoint holds of it.
    type State: Serialize + DeserializeOwned;

    /// `Ok` if there are images enough for what the configuration asks for; what of it will be done otherwise, as sentences.
    ///
    /// # Errors
    /// What is asked for and what there is.
    fn check_images(setting: Setting<'_, Self>) -> Result<Vec<String>, Error> {
        let _ = setting;
        Ok(Vec::new())
    }

    /// The model before it has learned. Of the images it needs no more than their size and number of classes: a trained model
    /// is built without any.
    ///
    /// # Errors
    /// A configuration that does not fit itself or the images.
    fn build(setting: Setting<'_, Self>) -> Result<Self, Error>;

    /// Its parts, from the input to the answer, and what each costs; empty for a model that cannot say.
    fn parts(&self) -> Vec<Line> {
        Vec::new()
    }

    /// What does stage `stage` of the configuration, at its beginning.
    ///
    /// # Errors
    /// A stage that does not fit the model or the images.
    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error>;

    /// What a checkpoint holds; what grows with the run is appended to a file in `folder` first.
    ///
    /// # Errors
    /// The folder cannot be written, or there is no memory.
    fn state(&mut self, folder: &Path) -> Result<Self::State, Error>;

    /// Takes back what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// A state of another model, or one that no model can be in.
    fn restore(&mut self, state: Self::State, folder: &Path) -> Result<(), Error>;

    /// Every number is one: looked at before each checkpoint and at the end of each stage.
    ///
    /// # Errors
    /// The first that is not, by its name, with `place`.
    fn check_finite(&mut self, place: &str) -> Result<(), Error>;

    /// What it has learned, by name: weights.safetensors. Empty for a model without weights.
    fn tensors(&self) -> Vec<Tensor>;

    /// What there is to say after the last stage, the test images looked at once.
    ///
    /// # Errors
    /// [`Error::Stopped`], or whatever failed.
    fn findings(
        &mut self,
        setting: Setting<'_, Self>,
        story: Story<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Findings, Error>;

    /// Files of the run besides weights and report that its configuration asks for, written once the findings are there; each
    /// as [`RunFolder::write_file_with`], so that it is there whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be written.
    fn write_files(&self, setting: Setting<'_, Self>, folder: &RunFolder) -> Result<(), Error> {
        let (_, _) = (setting, folder);
        Ok(())
    }

    /// The scores of [`findings`](Self::findings) on the test images of `setting`, and nothing else.
    ///
    /// # Errors
    /// [`Error::Stopped`], a model that names no classes, or whatever failed.
    fn evaluate(
        &self,
        setting: Setting<'_, Self>,
        progress: &mut Progress<'_>,
    ) -> Result<BTreeMap<String, f64>, Error> {
        let (_, _) = (setting, progress);
        Err(Error::config(format!("a model of kind {} names no classes: there is nothing to evaluate", Self::KIND)))
    }

    /// What it says about samples of the form it was trained on: the class of each.
    ///
    /// # Errors
    /// A model that names no classes, or one that has not learned to yet.
    fn predict(&self, setting: Setting<'_, Self>, samples: &Self::Set) -> Result<Vec<Prediction>, Error> {
        let (_, _) = (setting, samples);
        Err(Error::config(format!("a model of kind {} names no classes: it cannot be asked about images", Self::KIND)))
    }

    /// Whether it learned values, so that it is asked for an [`estimate`](Self::estimate) and names no class.
    fn estimates(&self) -> bool {
        false
    }

    /// What it says about samples of the form it was trained on: the values of each.
    ///
    /// # Errors
    /// A model that learned no values.
    fn estimate(&self, setting: Setting<'_, Self>, samples: &Self::Set) -> Result<Vec<Vec<Estimate>>, Error> {
        let (_, _) = (setting, samples);
        Err(Error::config(format!("a model of kind {} estimates no values: it names classes", Self::KIND)))
    }
}

/// A tensor by its path.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its path: `cortex/v1/weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

impl Tensor {
    /// All parameters, each under its path.
    pub(crate) fn of(parameters: &Parameters<f32>) -> Vec<Self> {
        let tensor = |entry: &Entry| Self {
            name: entry.path.clone(),
            shape: entry.shape.clone(),
            values: parameters.values()[entry.range()].to_vec(),
        };
        parameters.entries().iter().map(tensor).collect()
    }
}

/// What has happened so far.
#[derive(Clone, Copy)]
pub struct Story<'a> {
    /// What was measured when.
    pub history: &'a History,
    /// Where the time went.
    pub timings: &'a Timings,
}

/// What there is to say about a run, as numbers, as lines and as a page.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Scores by name: accuracies are shares from 0 to 1.
    pub scores: BTreeMap<String, f64>,
    /// What else the summary holds: names and JSON values.
    pub details: serde_json::Map<String, serde_json::Value>,
    /// For a table of two columns.
    pub rows: Vec<(String, String)>,
    /// Title of the table.
    pub subject: String,
    /// Title of the page.
    pub title: String,
    /// What the page begins with.
    pub headline: Option<Headline>,
    /// Which images.
    pub banner: Option<Banner>,
    /// Figures in a row.
    pub tiles: Vec<Tile>,
    /// The page.
    pub sections: Vec<Section>,
    /// Below the page: names and values.
    pub facts: Vec<(&'static str, String)>,
}

/// What a stage is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// As shown to people: `"Self-supervised"`.
    pub name: String,
    /// What it counts, in the plural: `"images"`.
    pub unit: &'static str,
    /// Units in all; a stage of none is over at once.
    pub total: u64,
}

/// What one piece of work brought.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    /// Units done in this stage, this piece included.
    pub done: u64,
    /// The stage is over, perhaps before its planned end.
    pub finished: bool,
    /// The part of the run that the time goes to; empty: the stage.
    pub part: &'static str,
    /// What is shown while it runs: the loss of this step.
    pub measures: Measures,
    /// What is kept.
    pub record: Option<Moment>,
}

/// Measures that are kept: in the history and in metrics.jsonl.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// The unit of `at`, in the singular: `"epoch"`.
    pub unit: &'static str,
    /// When.
    pub at: f64,
    /// What was measured.
    pub measures: Measures,
    /// Said aloud, with these words before the measures: `"epoch 1 of 2"`.
    pub told: Option<String>,
}

/// One stage under way. The driver loops: advance, record, ask to stop, save when due.
pub trait Learner<M: Model>: Send {
    /// What it is about to do; does not change.
    fn plan(&self) -> Plan;

    /// Units that are done: 0, unless it was [restored](Self::restore).
    fn done(&self, model: &M) -> u64;

    /// The next piece of work: some tens of milliseconds, a second at most.
    ///
    /// # Errors
    /// Whatever failed.
    fn advance(&mut self, model: &mut M, progress: &mut Progress<'_>) -> Result<Advance, Error>;

    /// What a checkpoint holds besides the model: optimiser, average, order.
    ///
    /// # Errors
    /// The state cannot be encoded.
    fn state(&self) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }

    /// Takes back what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// A state of another stage, or one that this stage cannot be in.
    fn restore(&mut self, model: &mut M, state: &[u8]) -> Result<(), Error> {
        let (_, _) = (model, state);
        Ok(())
    }

    /// The end of the stage: what it leaves in the model.
    ///
    /// # Errors
    /// Whatever failed.
    fn finish(&mut self, model: &mut M) -> Result<(), Error> {
        let _ = model;
        Ok(())
    }
}
