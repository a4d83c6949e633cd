//! Any network of layers, from a list in a file.

mod aim;
mod config;
mod contrast;
mod findings;
mod input;
mod network;
mod rotation;
mod sections;
mod supervise;
mod values;

use std::path::Path;

use nl_data::{Augment, Samples};
use nl_layers::Parameters;
use nl_layers::graph::Line;
use nl_layers::loss::{LossKind, TargetForm};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{
    ContrastConfig, LayersModelConfig, LayersStage, ProjectorConfig, RotationConfig, SuperviseConfig, SuperviseTarget,
};

use self::aim::Aim;
use self::contrast::Contrasting;
use self::network::{Network, Purpose};
use self::supervise::Supervising;
use crate::Error;
use crate::data::{SampleForm, Set};
use crate::gradient::{Budget, Gradient, GradientStage, LearnConfig, check_finite};
use crate::models::standard::Standard;
use crate::run::{Estimate, Findings, Learner, Model, Prediction, Progress, Setting, Story, Tensor};

/// Samples of a shard where nothing is learned.
const SHARD: usize = 16;

/// A network of layers and its weights.
pub struct LayersModel {
    network: Network,
    parameters: Parameters<f32>,
    /// The weights at the end of the last `contrast` stage; empty before.
    contrasted: Vec<f32>,
    /// What a sample is like.
    form: SampleForm,
    /// In which unit inputs are shown.
    inputs: Standard,
    /// What the last `supervise` stage learns.
    aim: Option<Aim>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct LayersState {
    parameters: Vec<f32>,
    contrasted: Vec<f32>,
    inputs: Standard,
    targets: Standard,
}

/// The last `supervise` stage.
fn last<'a>(setting: &Setting<'a, LayersModel>) -> Option<(usize, &'a SuperviseConfig)> {
    setting.config.stages.iter().enumerate().rev().find_map(|(i, stage)| match stage {
        LayersStage::Supervise(stage) => Some((i, stage)),
        LayersStage::Contrast(_) => None,
    })
}

/// The loss of the last `supervise` stage: what the outputs mean.
fn loss<'a>(setting: &Setting<'a, LayersModel>) -> Option<&'a LossKind> {
    last(setting).map(|(_, stage)| &stage.loss)
}

/// `Ok` if what a stage does to pictures is asked of pictures only.
fn check_pictures(stage: &LayersStage, form: &SampleForm) -> Result<(), Error> {
    let what = match stage {
        _ if form.picture().is_some() => return Ok(()),
        LayersStage::Contrast(_) => "contrast compares views of pictures",
        LayersStage::Supervise(stage) if stage.augment != Augment::default() => "augment changes pictures",
        LayersStage::Supervise(_) => return Ok(()),
    };
    let size = form.size();
    Err(Error::config(format!(
        "{what}, and these are samples of {size}, neither [height, width] nor [3, height, width]"
    )))
}

/// How a stage learns.
fn learn(stage: &LayersStage) -> &LearnConfig {
    match stage {
        LayersStage::Contrast(stage) => &stage.learn,
        LayersStage::Supervise(stage) => &stage.learn,
    }
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
        let images = data.learn.len();
        if images == 0 {
            return Err(Error::config("there are no samples to learn from"));
        }
        let form = data.split.train.form();
        let mut words = Vec::new();
        for (i, stage) in setting.config.stages.iter().enumerate() {
            check_pictures(stage, &form).map_err(|e| e.under(&format!("stages[{i}]")))?;
            let wanted = learn(stage).wanted();
            words.extend(Budget::new(images, wanted)?.differs(&format!("stages[{i}]"), images, &wanted));
        }
        Ok(words)
    }

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let data = setting.dataset()?;
        let form = data.split.train.form();
        let (mut width, mut projector) = (None, None);
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let under = |error: Error| error.under(&format!("stages[{i}]"));
            match stage {
                LayersStage::Supervise(stage) => {
                    let aim = Aim::of(stage, setting).map_err(under)?;
                    let wanted = stage.loss.outputs(&aim.form).map_err(|e| under(e.into()))?;
                    let first = *width.get_or_insert(wanted);
                    if first != wanted {
                        return Err(under(Error::config(format!(
                            "loss wants {wanted} numbers of the read-out, that of an earlier stage {first}; one network has one \
                             read-out"
                        ))));
                    }
                }
                LayersStage::Contrast(stage) => {
                    let first = *projector.get_or_insert(stage.projector);
                    if first != stage.projector {
                        return Err(under(Error::config(
                            "projector is another one than that of an earlier stage; use one",
                        )));
                    }
                }
            }
        }
        let aim = last(&setting).map(|(_, stage)| Aim::of(stage, setting)).transpose()?;
        let normalize = setting.config.data.as_ref().map(|data| data.normalize).unwrap_or_default();
        let inputs = input::standard(&data.split.train, &data.learn, normalize);
        let purpose = Purpose {
            input: input::network_form(&form),
            loss: loss(&setting),
            target: aim.as_ref().map_or(TargetForm::Classes(form.targets.classes()), |aim| aim.form),
            projector,
            seed: setting.config.seed,
        };
        let (network, parameters) = Network::new(&setting.config.model, &purpose).map_err(|e| e.under("model"))?;
        Ok(Self { network, parameters, contrasted: Vec::new(), form, inputs, aim })
    }

    fn parts(&self) -> Vec<Line> {
        self.network.lines().to_vec()
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let data = setting.dataset()?;
        let unit = self.form.unit();
        // Odd multiples of the golden ratio spread consecutive numbers over the 64-bit seeds.
        let streams = |number: u64| Streams::new(setting.config.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let number = setting.occurrence(stage) + 1;
        let gradient = |name: &str, learn: &LearnConfig, labelled: bool, streams: Streams| {
            let learns = self.network.learns(labelled);
            Gradient::new(name, learn, &self.parameters, &learns, data.learn.clone(), streams)
        };
        Ok(match setting.config.stages.get(stage) {
            Some(LayersStage::Contrast(config)) => {
                let views = [streams((1 << 32) + 2 * number), streams((1 << 32) + 2 * number + 1)];
                let gradient = gradient(contrast::NAME, &config.learn, false, views[0])?;
                Box::new(
                    GradientStage::new(contrast::NAME, Contrasting::new(config, data, views), gradient).counting(unit),
                )
            }
            Some(LayersStage::Supervise(config)) => {
                let streams = streams(number);
                let gradient = gradient(supervise::NAME, &config.learn, true, streams)?;
                let task = Supervising::new(config, data, Aim::of(config, setting)?, streams)?;
                Box::new(GradientStage::new(supervise::NAME, task, gradient).counting(unit))
            }
            None => return Err(Error::config("no such stage")),
        })
    }

    fn state(&mut self, _: &Path) -> Result<LayersState, Error> {
        Ok(LayersState {
            parameters: self.parameters.values().to_vec(),
            contrasted: self.contrasted.clone(),
            inputs: self.inputs.clone(),
            targets: self.aim.as_ref().map(|aim| aim.standard.clone()).unwrap_or_default(),
        })
    }

    fn restore(&mut self, state: LayersState, _: &Path) -> Result<(), Error> {
        let LayersState { parameters, contrasted, inputs, targets } = state;
        let width: usize = self.form.shape.iter().product();
        let values = self.aim.as_ref().map_or(0, Aim::values);
        if ![0, 1, width].contains(&inputs.len()) || ![0, values].contains(&targets.len()) {
            let (inputs, targets) = (inputs.len(), targets.len());
            return Err(Error::config(format!(
                "the checkpoint scales {inputs} inputs and {targets} values; it is another's"
            )));
        }
        self.parameters.set_values(&parameters)?;
        if !contrasted.is_empty() && contrasted.len() != parameters.len() {
            let (got, expected) = (contrasted.len(), parameters.len());
            return Err(Error::config(format!("the checkpoint has {got} weights after `contrast`, not {expected}")));
        }
        (self.contrasted, self.inputs) = (contrasted, inputs);
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
