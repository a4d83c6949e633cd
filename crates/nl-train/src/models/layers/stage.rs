//! What the kinds of stages have in common: how a stage begins, what it leaves, what it is called.

use nl_data::{Augment, Samples};
use nl_layers::Parameters;
use nl_layers::loss::LossKind;

use super::aim::Aim;
use super::config::{RotationConfig, SuperviseConfig, SuperviseTarget};
use super::contrast::MOST_PROBED;
use super::network::{DECODER, OUTPUT, PROJECTOR};
use super::{LayersModel, LayersStage, contrast, predictive_coding, reconstruct, supervise};
use crate::Error;
use crate::data::{Dataset, SampleForm, Set};
use crate::gradient::{Gradient, LearnConfig, Stepped, Task, Watched};
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

    /// What it compares outputs with classes or values by; none without labels.
    pub(super) fn loss(&self) -> Option<&LossKind> {
        match self {
            Self::Contrast(_) | Self::Reconstruct(_) => None,
            Self::Supervise(stage) => Some(&stage.loss),
            Self::PredictiveCoding(stage) => Some(&stage.loss),
            Self::FeedbackAlignment(stage) => Some(&stage.loss),
        }
    }

    /// Whether it learns from samples whose classes or values are known, and from no others.
    pub(super) fn labelled(&self) -> bool {
        self.loss().is_some()
    }

    /// By how many degrees at most it turns pictures, if the angle is what it learns.
    pub(super) const fn degrees(&self) -> Option<f32> {
        match self {
            Self::Supervise(SuperviseConfig {
                target: SuperviseTarget::Rotation(RotationConfig { degrees }), ..
            }) => Some(*degrees),
            _ => None,
        }
    }

    /// What a stage with labels learns of each sample.
    pub(super) fn aim(&self, setting: Setting<'_, LayersModel>) -> Result<Aim, Error> {
        match self {
            Self::Supervise(stage) => Aim::of(&stage.target, setting),
            _ => Aim::of(&SuperviseTarget::Given, setting),
        }
    }

    /// Geometry of what it shows.
    const fn augment(&self) -> &Augment {
        match self {
            Self::Contrast(stage) => &stage.augment,
            Self::Reconstruct(stage) => &stage.augment,
            Self::Supervise(stage) => &stage.augment,
            Self::PredictiveCoding(stage) => &stage.augment,
            Self::FeedbackAlignment(stage) => &stage.augment,
        }
    }

    /// `Ok` if what it does to samples can be done to those of `data`, and if what it watches can be measured on them.
    pub(super) fn check_samples(&self, data: &Dataset<Samples>) -> Result<(), Error> {
        let form = data.split.train.form();
        check_pictures(self, &form)?;
        if let Self::Supervise(SuperviseConfig { mixup: Some(_), .. }) = self
            && form.bytes
            && form.picture().is_none()
        {
            let size = form.size();
            return Err(Error::config(format!(
                "mixup mixes pictures or floats, and these are samples of {size} bytes; leave it out"
            )));
        }
        let Some(stopping) = self.learn().early_stopping else { return Ok(()) };
        if data.validation.is_empty() {
            return Err(Error::config(
                "learn.early_stopping watches samples held out, and there are none; hold some out (data.validation)",
            ));
        }
        let classes = if self.degrees().is_some() { 0 } else { form.targets.classes() };
        let named = if self.labelled() { classes > 0 } else { (1..=MOST_PROBED).contains(&classes) };
        if stopping.measure == Watched::ValidationAccuracy && !named {
            return Err(Error::config(
                "learn.early_stopping watches validation-accuracy, and no classes are named here; watch another measure or leave \
                 it out",
            ));
        }
        Ok(())
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

/// `Ok` if what is done to pictures is asked of pictures only.
fn check_pictures(stage: &LayersStage, form: &SampleForm) -> Result<(), Error> {
    let what = match stage {
        _ if form.picture().is_some() => return Ok(()),
        LayersStage::Contrast(_) => "contrast compares views of pictures",
        LayersStage::Reconstruct(_) => "reconstruct restores pictures",
        _ if *stage.augment() != Augment::default() => "augment changes pictures",
        _ => return Ok(()),
    };
    let size = form.size();
    Err(Error::config(format!(
        "{what}, and these are samples of {size}, neither [height, width] nor [3, height, width]"
    )))
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
pub(super) struct Kept<'a, T> {
    pub(super) task: T,
    pub(super) data: &'a Dataset<Samples>,
    /// Stages that are over before it.
    pub(super) stage: usize,
    pub(super) fresh: bool,
}

impl<T: Task<LayersModel>> Task<LayersModel> for Kept<'_, T> {
    fn begin(&mut self, model: &mut LayersModel) -> Result<(), Error> {
        if self.fresh {
            model.parameters.clone_from(&model.first);
        }
        self.task.begin(model)
    }

    fn preparation(&self) -> &'static str {
        self.task.preparation()
    }

    /// The first of all, after a resume too: a checkpoint of another stage goes no further.
    fn prepare(&mut self, model: &mut LayersModel, progress: &mut Progress<'_>) -> Result<(), Error> {
        model.check_over(self.stage)?;
        self.task.prepare(model, progress)
    }

    /// Episodic layers are filled anew at the beginning of each epoch, by the weights that the stage would end with then.
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let now = Some((self.stage, gradient.epoch()));
        if model.filled != now && model.reads() {
            let current = gradient.current(&model.parameters)?.into_owned();
            model.remember(&current, self.data)?;
            model.filled = now;
        }
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
        let last = model.parameters.clone();
        model.remember(&last, self.data)?;
        model.left.push(last);
        Ok(())
    }
}
