//! What can be trained: the table of models. A new one is a folder here and a line in [`MODELS`].

mod ablate;
mod asking;
mod associative;
pub mod brain;
mod competitive;
mod conv_stdp;
mod images;
mod layers;
mod probing;
mod saliency;
mod shown;
mod simulation;
mod standard;

use std::path::Path;

use nl_data::{Lookup, Source};

pub use associative::{
    AssociativeConfig, AssociativeModel, AssociativeStage, ClassicalConfig, DigitsConfig, ModernConfig,
};
pub use brain::BrainModel;
pub use competitive::{
    CompeteConfig, CompetitiveModel, CompetitiveModelConfig, CompetitiveStage, LabelConfig, competitive_network,
};
pub use conv_stdp::{
    ConvStdpModel, ConvStdpModelConfig, ConvStdpStage, EyeConfig, FeaturesConfig, MapsConfig, ReadOutConfig,
    RewardStageConfig,
};
pub use layers::{
    ContrastConfig, DecoderConfig, FeedbackAlignmentConfig, LayersModel, LayersModelConfig, LayersStage, Pixels,
    PredictiveCodingConfig, ProjectorConfig, ReconstructConfig, RotationConfig, SuperviseConfig, SuperviseTarget,
};
pub use simulation::{
    Network, SimulateConfig, SimulationConfig, SimulationModel, SimulationStage, SpikeFiles, SpikeFormat,
};

use crate::Error;
use crate::config::{DataConfig, Document, inline};
use crate::data::{Dataset, SampleForm, Set};
use crate::evaluate::Robustness;
use crate::run::{
    ConfigOf, DryRun, Estimate, Model, Observer, Prediction, Robust, Run, RunFolder, Stage, StageKind, Summary, Trained,
};
use crate::yaml::nearest::nearest;

/// All kinds of models.
pub const MODELS: [Kind; 6] = [
    Kind::of::<BrainModel>(),
    Kind::of::<LayersModel>(),
    Kind::of::<CompetitiveModel>(),
    Kind::of::<ConvStdpModel>(),
    Kind::of::<SimulationModel>(),
    Kind::of::<AssociativeModel>(),
];

/// A kind of model: what it is called, and how its runs begin.
#[derive(Clone, Copy)]
pub struct Kind {
    /// `model: {kind: …}`
    pub kind: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// What it learns from, in the plural; none for one that learns from nothing.
    pub learns_from: Option<&'static str>,
    /// The kinds of its stages.
    pub stages: &'static [StageKind],
    schema: Option<&'static str>,
    start: StartFn,
    plan: PlanFn,
    resume: ResumeFn,
    open: fn(&Path) -> Result<Box<dyn AnyTrained>, Error>,
}

/// Makes the folder of a run of this name.
type MakeFolder<'f> = dyn FnMut(&str) -> Result<RunFolder, Error> + 'f;
type StartFn = fn(&Document, &Lookup, &mut MakeFolder<'_>) -> Result<Box<dyn AnyRun>, Error>;
type PlanFn = fn(&Document, &Lookup) -> Result<DryRun, Error>;
type ResumeFn = fn(&Document, &Lookup, RunFolder) -> Result<Box<dyn AnyRun>, Error>;

/// A run of a model whose kind is known only when the program runs.
pub trait AnyRun: Send {
    /// The folder.
    fn folder(&self) -> &Path;
    /// Which data.
    fn source(&self) -> Option<&Source>;
    /// Runs to the end; see [`Run::run`].
    ///
    /// # Errors
    /// Those of [`Run::run`].
    fn run(self: Box<Self>, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error>;
}

/// A trained model whose kind is known only when the program runs.
pub trait AnyTrained: Send {
    /// What a sample is like that it learned.
    fn form(&self) -> SampleForm;
    /// What data the run used.
    fn data(&self) -> Option<&DataConfig>;
    /// It, beside the test samples that `asked` names: those that the run was divided into, if `asked` is of its own data.
    ///
    /// # Errors
    /// Samples that are not there, or not what it learned.
    fn beside(&self, asked: &Asked, lookup: &Lookup) -> Result<Box<dyn AnyEvaluation + '_>, Error>;
    /// What it says about the samples of one file.
    ///
    /// # Errors
    /// A file that cannot be read, or of something else than it learned; those of [`Trained::predict`].
    fn predict(&self, file: &Path) -> Result<Said, Error>;
}

/// Which test samples a trained model is asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// Those of the data that the run used.
    Own(DataConfig),
    /// Those of other data; all of them, where nothing is set apart for the test.
    Other(DataConfig),
}

/// What a trained model says about each sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Its class.
    Classes(Vec<Prediction>),
    /// Its values.
    Values(Vec<Vec<Estimate>>),
}

/// A trained model beside the samples it is asked about.
pub trait AnyEvaluation {
    /// Which samples.
    fn source(&self) -> &Source;
    /// See [`Trained::evaluate`].
    ///
    /// # Errors
    /// Those of [`Trained::evaluate`].
    fn evaluate(&self, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error>;
    /// See [`Trained::robustness`].
    ///
    /// # Errors
    /// Those of [`Trained::robustness`].
    fn robustness(&self, tried: &Robustness, observer: &mut (dyn Observer + Send)) -> Result<Robust, Error>;
}

impl<M: Model> AnyRun for Run<M> {
    fn folder(&self) -> &Path {
        self.folder()
    }

    fn source(&self) -> Option<&Source> {
        self.source()
    }

    fn run(self: Box<Self>, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error> {
        Self::run(*self, observer)
    }
}

impl<M: Model> AnyTrained for Trained<M> {
    fn form(&self) -> SampleForm {
        self.form()
    }

    fn data(&self) -> Option<&DataConfig> {
        self.config().data.as_ref()
    }

    fn beside(&self, asked: &Asked, lookup: &Lookup) -> Result<Box<dyn AnyEvaluation + '_>, Error> {
        // A draw of the test set does not depend on the seed of the run.
        let data = match asked {
            Asked::Own(config) => Dataset::find(config, 0, lookup)?,
            Asked::Other(config) => Dataset::find_test(config, lookup, &self.form())?,
        };
        Ok(Box::new(Beside { trained: self, data }))
    }

    fn predict(&self, file: &Path) -> Result<Said, Error> {
        let samples = M::Set::open(file, &self.form())?;
        match self.estimates() {
            true => Ok(Said::Values(self.estimate(&samples)?)),
            false => Ok(Said::Classes(self.predict(&samples)?)),
        }
    }
}

struct Beside<'a, M: Model> {
    trained: &'a Trained<M>,
    data: Dataset<M::Set>,
}

impl<M: Model> AnyEvaluation for Beside<'_, M> {
    fn source(&self) -> &Source {
        &self.data.source
    }

    fn evaluate(&self, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error> {
        self.trained.evaluate(&self.data, observer)
    }

    fn robustness(&self, tried: &Robustness, observer: &mut (dyn Observer + Send)) -> Result<Robust, Error> {
        self.trained.robustness(&self.data, tried, observer)
    }
}

impl Kind {
    /// The kind of `M`.
    #[must_use]
    pub const fn of<M: Model + 'static>() -> Self {
        Self {
            kind: M::KIND,
            about: M::ABOUT,
            learns_from: M::Set::WHAT,
            stages: <M::Stage as Stage>::KINDS,
            schema: M::SCHEMA,
            start: start::<M>,
            plan: plan::<M>,
            resume: resume::<M>,
            open: open::<M>,
        }
    }

    /// The kind of the model of a configuration.
    ///
    /// # Errors
    /// [`Error::Faults`] with the names there are.
    pub fn of_document(document: &Document) -> Result<&'static Self, Error> {
        let kind = document.kind()?;
        MODELS.iter().find(|known| known.kind == kind).ok_or_else(|| {
            let known = || MODELS.iter().map(|known| known.kind);
            let meant = nearest(kind, known()).map_or(String::new(), |meant| format!("did you mean {meant:?}? "));
            let known: Vec<&str> = known().collect();
            document.unknown_kind(format!("unknown kind {kind:?}; {meant}known here: {}", known.join(", ")))
        })
    }

    /// The JSON Schema of its configurations, the model in the same file; none for a kind without one.
    #[must_use]
    pub fn schema(&self) -> Option<serde_json::Value> {
        self.schema.and_then(|text| inline(text).ok())
    }

    /// A new run; the images are found before `folder` is asked for one of the configuration's name.
    ///
    /// # Errors
    /// A faulty configuration, images that are not there or do not fit, or a folder that cannot be written.
    pub fn start(
        &self,
        document: &Document,
        lookup: &Lookup,
        folder: &mut dyn FnMut(&str) -> Result<RunFolder, Error>,
    ) -> Result<Box<dyn AnyRun>, Error> {
        (self.start)(document, lookup, folder)
    }

    /// What a new run would be of, without running it.
    ///
    /// # Errors
    /// Those of [`start`](Self::start), but for the folder.
    pub fn dry_run(&self, document: &Document, lookup: &Lookup) -> Result<DryRun, Error> {
        (self.plan)(document, lookup)
    }

    /// The run in `folder`, whose configuration is `document`.
    ///
    /// # Errors
    /// Those of [`Run::resume`].
    pub fn resume(&self, document: &Document, lookup: &Lookup, folder: RunFolder) -> Result<Box<dyn AnyRun>, Error> {
        (self.resume)(document, lookup, folder)
    }

    /// What the run in `folder` has learned, to be asked.
    ///
    /// # Errors
    /// Those of [`Trained::open`].
    pub fn open(&self, folder: &Path) -> Result<Box<dyn AnyTrained>, Error> {
        (self.open)(folder)
    }
}

/// A configuration, and the data that it names.
type Found<M> = (ConfigOf<M>, Option<Dataset<<M as Model>::Set>>);

/// The configuration of a model of this kind, and the data that it names.
fn found<M: Model>(document: &Document, lookup: &Lookup) -> Result<Found<M>, Error> {
    let config = document.config::<M>()?;
    let data = config.data.as_ref().filter(|_| M::Set::WHAT.is_some());
    let data = data.map(|data| Dataset::find(data, config.seed, lookup)).transpose();
    let data = data.map_err(|error| match error {
        fault @ Error::Config { .. } => document.misfit(fault.under("data")),
        other => other,
    })?;
    Ok((config, data))
}

fn start<M: Model + 'static>(
    document: &Document,
    lookup: &Lookup,
    folder: &mut MakeFolder<'_>,
) -> Result<Box<dyn AnyRun>, Error> {
    // A folder should not be left behind for a run that could not begin.
    let (config, data) = found::<M>(document, lookup)?;
    let run = Run::<M>::start_in(config, data, |name| folder(name));
    Ok(Box::new(run.map_err(|error| document.misfit(error))?))
}

fn plan<M: Model>(document: &Document, lookup: &Lookup) -> Result<DryRun, Error> {
    let (config, data) = found::<M>(document, lookup)?;
    DryRun::of::<M>(&config, data.as_ref()).map_err(|error| document.misfit(error))
}

fn resume<M: Model + 'static>(
    document: &Document,
    lookup: &Lookup,
    folder: RunFolder,
) -> Result<Box<dyn AnyRun>, Error> {
    let (config, data) = found::<M>(document, lookup)?;
    Ok(Box::new(Run::<M>::resume(config, data, folder)?))
}

fn open<M: Model + 'static>(folder: &Path) -> Result<Box<dyn AnyTrained>, Error> {
    Ok(Box::new(Trained::<M>::open(folder)?))
}
