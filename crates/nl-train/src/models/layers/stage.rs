//! What the kinds of stages have in common: how a stage begins, what it leaves, what it is called.

use nl_layers::Parameters;
use nl_layers::loss::LossKind;

use super::network::{DECODER, OUTPUT, PROJECTOR};
use super::{LayersModel, LayersStage, contrast, predictive_coding, reconstruct, supervise};
use crate::Error;
use crate::gradient::{Gradient, LearnConfig, Stepped, Task};
use crate::run::{Measures, Progress, Setting, Stage};

impl LayersStage {
    /// How it learns.
    pub(super) fn learn(&self) -> &LearnConfig {
        match self {
            Self::Contrast(stage) => &stage.learn,
            Self::Reconstruct(stage) => &stage.learn,
            Self::Supervise(stage) => &stage.learn,
            Self::PredictiveCoding(stage) => &stage.learn,
            Self::FeedbackAlignment(stage) => &stage.learn,
        }
    }

    /// What it compares outputs with classes by; none without labels.
    pub(super) fn loss(&self) -> Option<&LossKind> {
        match self {
            Self::Contrast(_) | Self::Reconstruct(_) => None,
            Self::Supervise(stage) => Some(&stage.loss),
            Self::PredictiveCoding(stage) => Some(&stage.loss),
            Self::FeedbackAlignment(stage) => Some(&stage.loss),
        }
    }

    /// What its curve of losses shows.
    pub(super) fn curve(&self) -> String {
        match self {
            Self::Contrast(stage) => format!("{}, of a sample", stage.loss.name()),
            Self::Reconstruct(_) => "squared error of a pixel".to_owned(),
            Self::PredictiveCoding(_) => "energy, of a sample".to_owned(),
            Self::Supervise(_) | Self::FeedbackAlignment(_) => {
                format!("{}, of a sample", self.loss().map_or("loss", LossKind::name))
            }
        }
    }

    /// What learns behind the layers.
    pub(super) const fn behind(&self) -> &'static str {
        match self {
            Self::Contrast(_) => PROJECTOR,
            Self::Reconstruct(_) => DECODER,
            Self::Supervise(_) | Self::PredictiveCoding(_) | Self::FeedbackAlignment(_) => OUTPUT,
        }
    }

    /// Whether all weights begin again.
    pub(super) fn fresh(&self) -> bool {
        match self {
            Self::Contrast(stage) => stage.fresh,
            Self::Reconstruct(stage) => stage.fresh,
            Self::Supervise(stage) => stage.fresh,
            Self::PredictiveCoding(stage) => stage.fresh,
            Self::FeedbackAlignment(stage) => stage.fresh,
        }
    }

    /// As shown to people.
    fn plain_title(&self) -> &'static str {
        match self {
            Self::Contrast(_) => contrast::NAME,
            Self::Reconstruct(_) => reconstruct::NAME,
            Self::Supervise(_) => supervise::NAME,
            Self::PredictiveCoding(_) => predictive_coding::NAME,
            Self::FeedbackAlignment(stage) => stage.name(),
        }
    }
}

/// What stage `stage` is called: by its kind, and from the second of a name on by its number among them.
pub(super) fn title(setting: &Setting<'_, LayersModel>, stage: usize) -> String {
    let stages = &setting.config.stages;
    let Some(name) = stages.get(stage).map(LayersStage::plain_title) else { return String::new() };
    match stages[..stage].iter().filter(|other| other.plain_title() == name).count() {
        0 => name.to_owned(),
        before => format!("{name} {}", before + 1),
    }
}

/// `supervise`; from the second of a kind on `supervise-2`: a stage in the summary.
pub(super) fn key(setting: &Setting<'_, LayersModel>, stage: usize) -> String {
    let kind = setting.config.stages.get(stage).map_or("", Stage::kind);
    match setting.occurrence(stage) {
        0 => kind.to_owned(),
        before => format!("{kind}-{}", before + 1),
    }
}

/// A task that begins with fresh weights, if it is to, and leaves its last ones behind.
pub(super) struct Kept<T> {
    pub(super) task: T,
    pub(super) fresh: bool,
}

impl<T: Task<LayersModel>> Task<LayersModel> for Kept<T> {
    fn begin(&mut self, model: &mut LayersModel) -> Result<(), Error> {
        if self.fresh {
            model.parameters.clone_from(&model.first);
        }
        self.task.begin(model)
    }

    fn preparation(&self) -> &'static str {
        self.task.preparation()
    }

    fn prepare(&mut self, model: &mut LayersModel, progress: &mut Progress<'_>) -> Result<(), Error> {
        self.task.prepare(model, progress)
    }

    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        self.task.step(model, gradient)
    }

    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        self.task.validate(model, parameters)
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        self.task.parameters(model)
    }

    fn finish(&mut self, model: &mut LayersModel) -> Result<(), Error> {
        self.task.finish(model)?;
        model.left.push(model.parameters.clone());
        Ok(())
    }
}
