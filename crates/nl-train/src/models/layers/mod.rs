//! Any network of layers, from a list in a file.

mod config;
mod contrast;
mod findings;
mod network;
mod parts;
mod sections;
mod supervise;

use std::path::Path;

use nl_layers::Parameters;
use nl_layers::graph::{Form, Line};
use nl_layers::loss::{LossKind, TargetForm};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{ContrastConfig, LayersModelConfig, LayersStage, ProjectorConfig, SuperviseConfig};

use self::contrast::Contrasting;
use self::network::{Network, Purpose};
use self::supervise::Supervising;
use crate::Error;
use crate::gradient::{Budget, Gradient, GradientStage, LearnConfig, check_finite};
use crate::run::{Findings, Learner, Model, Prediction, Progress, Setting, Shown, Story, Tensor};

/// Images of a shard where nothing is learned.
const SHARD: usize = 16;

/// A network of layers and its weights.
pub struct LayersModel {
    network: Network,
    parameters: Parameters<f32>,
    /// The weights at the end of the last `contrast` stage; empty before.
    contrasted: Vec<f32>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct LayersState {
    parameters: Vec<f32>,
    contrasted: Vec<f32>,
}

/// The loss of the last `supervise` stage: what the outputs mean.
fn loss<'a>(setting: &Setting<'a, LayersModel>) -> Option<&'a LossKind> {
    setting.config.stages.iter().rev().find_map(|stage| match stage {
        LayersStage::Supervise(stage) => Some(&stage.loss),
        LayersStage::Contrast(_) => None,
    })
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
    const IMAGES: bool = true;
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/layers.json"));
    type Config = LayersModelConfig;
    type Stage = LayersStage;
    type State = LayersState;

    fn check_images(setting: Setting<'_, Self>) -> Result<Vec<String>, Error> {
        let data = setting.images()?;
        if data.learn.is_empty() {
            return Err(Error::config("there are no images to learn from"));
        }
        setting.config.model.evaluate.check_images(setting.images()?)?;
        let mut words = Vec::new();
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let labelled = matches!(stage, LayersStage::Supervise(_));
            let images = if labelled { data.labelled.len() } else { data.learn.len() };
            let wanted = learn(stage).wanted();
            words.extend(Budget::new(images, wanted)?.differs(&format!("stages[{i}]"), images, &wanted));
        }
        Ok(words)
    }

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let images = &setting.images()?.split.train;
        let target = TargetForm::Classes(images.classes());
        let (mut width, mut projector) = (None, None);
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let under = |error: Error| error.under(&format!("stages[{i}]"));
            match stage {
                LayersStage::Supervise(stage) => {
                    let wanted = stage.loss.outputs(&target).map_err(|e| under(e.into()))?;
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
        let purpose = Purpose {
            input: Form::image(1, images.height(), images.width()),
            loss: loss(&setting),
            target,
            projector,
            seed: setting.config.seed,
        };
        let (network, parameters) = Network::new(&setting.config.model, &purpose).map_err(|e| e.under("model"))?;
        Ok(Self { network, parameters, contrasted: Vec::new() })
    }

    fn parts(&self) -> Vec<Line> {
        self.network.lines().to_vec()
    }

    fn shown(&self, setting: Setting<'_, Self>) -> Result<Shown, Error> {
        parts::shown(self, setting.images()?)
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let data = setting.images()?;
        // Odd multiples of the golden ratio spread consecutive numbers over the 64-bit seeds.
        let streams = |number: u64| Streams::new(setting.config.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let number = setting.occurrence(stage) + 1;
        let gradient = |name: &str, learn: &LearnConfig, labelled: bool, streams: Streams| {
            let learns = self.network.learns(labelled);
            let items = if labelled { &data.labelled } else { &data.learn };
            Gradient::new(name, learn, &self.parameters, &learns, items.clone(), streams)
        };
        Ok(match setting.config.stages.get(stage) {
            Some(LayersStage::Contrast(config)) => {
                let views = [streams((1 << 32) + 2 * number), streams((1 << 32) + 2 * number + 1)];
                let gradient = gradient(contrast::NAME, &config.learn, false, views[0])?;
                Box::new(GradientStage::new(contrast::NAME, Contrasting::new(config, data, views), gradient))
            }
            Some(LayersStage::Supervise(config)) => {
                let streams = streams(number);
                let gradient = gradient(supervise::NAME, &config.learn, true, streams)?;
                Box::new(GradientStage::new(supervise::NAME, Supervising::new(config, data, streams), gradient))
            }
            None => return Err(Error::config("no such stage")),
        })
    }

    fn state(&mut self, _: &Path) -> Result<LayersState, Error> {
        Ok(LayersState { parameters: self.parameters.values().to_vec(), contrasted: self.contrasted.clone() })
    }

    fn restore(&mut self, state: LayersState, _: &Path) -> Result<(), Error> {
        let LayersState { parameters, contrasted } = state;
        self.parameters.set_values(&parameters)?;
        if !contrasted.is_empty() && contrasted.len() != parameters.len() {
            let (got, expected) = (contrasted.len(), parameters.len());
            return Err(Error::config(format!("the checkpoint has {got} weights after `contrast`, not {expected}")));
        }
        self.contrasted = contrasted;
        Ok(())
    }

    fn check_finite(&mut self, place: &str) -> Result<(), Error> {
        check_finite(&self.parameters, || place.to_owned())
    }

    fn tensors(&self) -> Vec<Tensor> {
        Tensor::of(&self.parameters)
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

    fn predict(&self, setting: Setting<'_, Self>, images: &nl_data::Images) -> Result<Vec<Prediction>, Error> {
        findings::predict(self, setting, images)
    }
}
