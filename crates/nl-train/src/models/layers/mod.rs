//! Any network of layers, from a list in a file.

mod aim;
mod alignment;
mod areas;
mod config;
mod contrast;
mod episodes;
mod feedback_alignment;
mod findings;
mod input;
mod labelled;
mod mixup;
mod network;
mod parts;
mod predictive_coding;
mod reconstruct;
mod restored;
mod rotation;
mod sections;
mod shown;
mod side_by_side;
mod stage;
mod supervise;
mod values;

use std::path::Path;
use std::sync::Arc;

use nl_data::Samples;
use nl_layers::graph::Line;
use nl_layers::loss::{LossKind, TargetForm};
use nl_layers::{Episodes, Parameters};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{
    ContrastConfig, LayersModelConfig, LayersStage, ProjectorConfig, RotationConfig, SuperviseConfig, SuperviseTarget,
};
pub use feedback_alignment::FeedbackAlignmentConfig;
pub use predictive_coding::PredictiveCodingConfig;
pub use reconstruct::{DecoderConfig, Pixels, ReconstructConfig};

use self::aim::Aim;
use self::areas::Places;
use self::contrast::Contrasting;
use self::episodes::EpisodesState;
use self::feedback_alignment::Aligning;
use self::labelled::Labelled;
use self::network::{Network, Purpose};
use self::predictive_coding::Coding;
use self::reconstruct::Reconstructing;
use self::stage::Kept;
use self::supervise::{Ask, Supervising};
use crate::Error;
use crate::data::{Dataset, SampleForm, Set};
use crate::gradient::{Budget, Gradient, GradientStage, Task, check_finite};
use crate::models::standard::Standard;
use crate::run::{Estimate, Findings, Learner, Model, Prediction, Progress, Setting, Shown, Story, Tensor};

/// Samples of a shard where nothing is learned.
const SHARD: usize = 16;

/// A network of layers and its weights.
pub struct LayersModel {
    network: Network,
    parameters: Parameters<f32>,
    /// The weights before the first stage.
    first: Parameters<f32>,
    /// What each stage that is over left, in order.
    left: Vec<Parameters<f32>>,
    /// By whose weights episodic layers were filled: the stage, and how many of its epochs were over.
    filled: Option<(usize, u64)>,
    /// What a sample is like.
    form: SampleForm,
    /// In which unit inputs are shown.
    inputs: Standard,
    /// What the last stage with labels learns.
    aim: Option<Aim>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct LayersState {
    parameters: Vec<f32>,
    left: Vec<Vec<f32>>,
    episodes: Vec<EpisodesState>,
    filled: Option<(usize, u64)>,
    inputs: Standard,
    targets: Standard,
}

/// The last stage with labels, and its loss: what the outputs mean.
fn last<'a>(setting: &Setting<'a, LayersModel>) -> Option<(&'a LayersStage, &'a LossKind)> {
    setting.config.stages.iter().rev().find_map(|stage| Some((stage, stage.loss()?)))
}

/// The loss of the last stage with labels: what the outputs mean.
fn loss<'a>(setting: &Setting<'a, LayersModel>) -> Option<&'a LossKind> {
    last(setting).map(|(_, loss)| loss)
}

impl Model for LayersModel {
    const KIND: &'static str = "layers";
    const ABOUT: &'static str = "any network from a list of layers, with branches by name, that learns by gradient";
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/layers.json"));
    type Set = Samples;
    type Config = LayersModelConfig;
    type Stage = LayersStage;
    type State = LayersState;

    fn check_images(setting: Setting<'_, Self>) -> Result<Vec<String>, Error> {
        let data = setting.dataset()?;
        if data.learn.is_empty() {
            return Err(Error::config("there are no samples to learn from"));
        }
        setting.config.model.evaluate.check_images(data)?;
        let mut words = Vec::new();
        for (i, stage) in setting.config.stages.iter().enumerate() {
            stage.check_samples(data).map_err(|e| e.under(&format!("stages[{i}]")))?;
            let images = if stage.labelled() { data.labelled.len() } else { data.learn.len() };
            let wanted = stage.learn().wanted();
            words.extend(Budget::new(images, wanted)?.differs(&format!("stages[{i}]"), images, &wanted));
        }
        Ok(words)
    }

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let data = setting.dataset()?;
        let form = data.split.train.form();
        let (mut width, mut projector, mut decoder) = (None, None, None);
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let under = |error: Error| error.under(&format!("stages[{i}]"));
            if let Some(loss) = stage.loss() {
                let aim = stage.aim(setting).map_err(under)?;
                let wanted = loss.outputs(&aim.form).map_err(|e| under(e.into()))?;
                let first = *width.get_or_insert(wanted);
                if first != wanted {
                    return Err(under(Error::config(format!(
                        "loss wants {wanted} numbers of the read-out, that of an earlier stage {first}; one network has one \
                         read-out"
                    ))));
                }
            }
            if let LayersStage::Contrast(stage) = stage {
                let first = *projector.get_or_insert(stage.projector);
                if first != stage.projector {
                    return Err(under(Error::config(
                        "projector is another one than that of an earlier stage; use one",
                    )));
                }
            }
            if let LayersStage::Reconstruct(stage) = stage {
                let first = *decoder.get_or_insert(stage.decoder);
                if first != stage.decoder {
                    return Err(under(Error::config("decoder is another one than that of an earlier stage; use one")));
                }
            }
        }
        let aim = last(&setting).map(|(stage, _)| stage.aim(setting)).transpose()?;
        let normalize = setting.config.data.as_ref().map(|data| data.normalize).unwrap_or_default();
        let inputs = input::standard(&data.split.train, &data.learn, normalize);
        let purpose = Purpose {
            input: input::network_form(&form),
            loss: loss(&setting),
            target: aim.as_ref().map_or(TargetForm::Classes(form.targets.classes()), |aim| aim.form),
            known: aim.as_ref().is_none_or(|aim| aim.degrees.is_none()).then_some(form.targets.numbers()),
            projector,
            decoder,
            seed: setting.config.seed,
        };
        let model = &setting.config.model;
        let (network, parameters) = Network::new(model, &purpose).map_err(|e| e.under("model"))?;
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let suits = match stage {
                LayersStage::PredictiveCoding(_) => Places::of(&network).map(drop),
                LayersStage::FeedbackAlignment(stage) => stage.suits(&model.layers, &network),
                LayersStage::Contrast(_) | LayersStage::Reconstruct(_) | LayersStage::Supervise(_) => Ok(()),
            };
            let suits = suits.and_then(|()| episodes::suits(stage, network.readers()));
            suits.map_err(|e| e.under(&format!("stages[{i}]")))?;
        }
        Ok(Self { network, first: parameters.clone(), parameters, left: Vec::new(), filled: None, form, inputs, aim })
    }

    fn parts(&self) -> Vec<Line> {
        self.network.lines().to_vec()
    }

    fn shown(&self, setting: Setting<'_, Self>) -> Result<Shown, Error> {
        parts::shown(self, setting.dataset()?)
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let data = setting.dataset()?;
        let Some(of) = setting.config.stages.get(stage) else { return Err(Error::config("no such stage")) };
        // Odd multiples of the golden ratio spread consecutive numbers over the 64-bit seeds.
        let streams = |number: u64| Streams::new(setting.config.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // Of each kind of stage its own.
        let number = |kind: u64| (kind << 32) + setting.occurrence(stage) + 1;
        let items = if of.labelled() { &data.labelled } else { &data.learn };
        let start = Start { model: self, of, stage, title: stage::title(&setting, stage), data, items };
        let first = (&self.network, &self.first);
        let labelled = |augment, streams| Labelled::new(data, of.aim(setting)?, augment, streams);
        Ok(match of {
            LayersStage::Contrast(config) => {
                let views = [2 * number(0), 2 * number(0) + 1].map(|view| streams((1 << 32) + view));
                start.learner(Contrasting::new(config, data, views), views[0])?
            }
            LayersStage::Reconstruct(config) => {
                let streams = streams(number(4));
                start.learner(Reconstructing::new(config, data, streams), streams)?
            }
            LayersStage::Supervise(config) => {
                let streams = streams(number(0));
                start.learner(Supervising { config, of: labelled(config.augment, streams)? }, streams)?
            }
            LayersStage::PredictiveCoding(config) => {
                let streams = streams(number(2));
                start.learner(Coding::new(config, labelled(config.augment, streams)?, first)?, streams)?
            }
            LayersStage::FeedbackAlignment(config) => {
                let streams = streams(number(3));
                start.learner(Aligning::new(config, labelled(config.augment, streams)?, first)?, streams)?
            }
        })
    }

    fn state(&mut self, _: &Path) -> Result<LayersState, Error> {
        let values = |parameters: &Parameters<f32>| parameters.values().to_vec();
        Ok(LayersState {
            parameters: values(&self.parameters),
            left: self.left.iter().map(values).collect(),
            episodes: EpisodesState::of(&self.network.episodes)?,
            filled: self.filled,
            inputs: self.inputs.clone(),
            targets: self.aim.as_ref().map(|aim| aim.standard.clone()).unwrap_or_default(),
        })
    }

    fn restore(&mut self, state: LayersState, _: &Path) -> Result<(), Error> {
        let LayersState { parameters, left, episodes, filled, inputs, targets } = state;
        let width: usize = self.form.shape.iter().product();
        let values = self.aim.as_ref().map_or(0, Aim::values);
        if ![0, 1, width].contains(&inputs.len()) || ![0, values].contains(&targets.len()) {
            let (inputs, targets) = (inputs.len(), targets.len());
            return Err(Error::config(format!(
                "the checkpoint scales {inputs} inputs and {targets} values; it is another's"
            )));
        }
        if !inputs.is_sound() || !targets.is_sound() {
            return Err(Error::config("the checkpoint scales inputs or values by what is no mean and no deviation"));
        }
        self.parameters.set_values(&parameters)?;
        let mut kept = Vec::with_capacity(left.len());
        for (i, values) in left.iter().enumerate() {
            let mut of = self.first.clone();
            of.set_values(values).map_err(|e| Error::config(format!("what stage {} left: {e}", i + 1)))?;
            check_finite(&of, || format!("the checkpoint, what stage {} left", i + 1))?;
            kept.push(of);
        }
        self.network.episodes = EpisodesState::restored(&episodes, self.network.readers())?;
        (self.left, self.inputs, self.filled) = (kept, inputs, filled);
        if let Some(aim) = &mut self.aim {
            aim.standard = targets;
        }
        Ok(())
    }

    fn check_finite(&mut self, place: &str) -> Result<(), Error> {
        check_finite(&self.parameters, || place.to_owned())
    }

    fn tensors(&self) -> Vec<Tensor> {
        let mut all = Tensor::of(&self.parameters);
        let targets = self.aim.as_ref().map(|aim| &aim.standard);
        for (of, standard) in [("input", Some(&self.inputs)), ("output", targets)] {
            for (name, values) in
                ["mean", "deviation"].into_iter().zip(standard.map(Standard::moments).into_iter().flatten())
            {
                if !values.is_empty() {
                    all.push(Tensor { name: format!("{of}/{name}"), shape: vec![values.len()], values });
                }
            }
        }
        all
    }

    fn findings(
        &mut self,
        setting: Setting<'_, Self>,
        story: Story<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Findings, Error> {
        findings::findings(self, setting, story, progress)
    }

    fn evaluate(
        &self,
        setting: Setting<'_, Self>,
        progress: &mut Progress<'_>,
    ) -> Result<std::collections::BTreeMap<String, f64>, Error> {
        findings::evaluate(self, setting, progress)
    }

    fn predict(&self, setting: Setting<'_, Self>, samples: &Samples) -> Result<Vec<Prediction>, Error> {
        findings::predict(self, setting, samples)
    }

    fn estimates(&self) -> bool {
        self.aim.as_ref().is_some_and(|aim| aim.values() > 0)
    }

    fn estimate(&self, setting: Setting<'_, Self>, samples: &Samples) -> Result<Vec<Vec<Estimate>>, Error> {
        findings::estimate(self, setting, samples)
    }
}

impl LayersModel {
    /// The network with the weights that it has.
    fn ask(&self) -> Ask<'_> {
        self.ask_with(&self.parameters)
    }

    /// The network with other weights.
    fn ask_with<'a>(&'a self, parameters: &'a Parameters<f32>) -> Ask<'a> {
        Ask { network: &self.network, parameters, inputs: &self.inputs, episodes: None }
    }

    /// Whether it has episodic layers.
    fn reads(&self) -> bool {
        !self.network.readers().is_empty()
    }

    /// What its episodic layers would read with these weights; none if it has no such layers.
    fn recall_by(
        &self,
        parameters: &Parameters<f32>,
        data: &Dataset<Samples>,
    ) -> Result<Option<Arc<[Episodes]>>, Error> {
        if !self.reads() {
            return Ok(None);
        }
        episodes::fill(&self.ask_with(parameters), data, self.aim.as_ref(), self.network.readers()).map(Some)
    }

    /// Its episodic layers read what these weights make of the samples that are known.
    fn remember(&mut self, parameters: &Parameters<f32>, data: &Dataset<Samples>) -> Result<(), Error> {
        if let Some(episodes) = self.recall_by(parameters, data)? {
            self.network.episodes = episodes;
        }
        Ok(())
    }

    /// `Ok` if so many stages are over.
    fn check_over(&self, over: usize) -> Result<(), Error> {
        match self.left.len() {
            left if left == over => Ok(()),
            left => Err(Error::config(format!("the model holds what {left} stages left, but {over} are over"))),
        }
    }
}

/// A stage about to begin.
struct Start<'m, 'a> {
    model: &'m LayersModel,
    of: &'m LayersStage,
    stage: usize,
    title: String,
    data: &'a Dataset<Samples>,
    items: &'m [u32],
}

impl<'a> Start<'_, 'a> {
    fn learner(
        self,
        task: impl Task<LayersModel> + 'a,
        streams: Streams,
    ) -> Result<Box<dyn Learner<LayersModel> + 'a>, Error> {
        let Self { model, of, stage, title, data, items } = self;
        let learns = model.network.learns(of.behind());
        let gradient = Gradient::new(&title, of.learn(), &model.parameters, &learns, items.to_vec(), streams)?;
        let kept = Kept { task, data, stage, fresh: of.fresh() };
        Ok(Box::new(GradientStage::new(title, kept, gradient).counting(model.form.unit())))
    }
}
