//! Any network of layers, from a list in a file.

mod config;
mod findings;
mod network;
mod sections;
mod supervise;

use std::path::Path;

use nl_layers::Parameters;
use nl_layers::graph::{Form, Line};
use nl_layers::loss::{LossKind, TargetForm};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{LayersModelConfig, LayersStage, SuperviseConfig};

use self::network::Network;
use self::supervise::Supervising;
use crate::Error;
use crate::gradient::{Budget, Gradient, GradientStage, check_finite};
use crate::run::{Findings, Learner, Model, Prediction, Progress, Setting, Story, Tensor};

/// Images of a shard where nothing is learned.
const SHARD: usize = 16;

/// A network of layers and its weights.
pub struct LayersModel {
    network: Network,
    parameters: Parameters<f32>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct LayersState {
    parameters: Vec<f32>,
}

/// The loss of the last `supervise` stage: what the outputs mean.
fn loss<'a>(setting: &Setting<'a, LayersModel>) -> Result<&'a LossKind, Error> {
    let last = setting.config.stages.last().map(|stage| match stage {
        LayersStage::Supervise(stage) => &stage.loss,
    });
    last.ok_or_else(|| {
        Error::config("stages: there is no stage `supervise`, so nothing says what the network is to answer")
    })
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
        let images = setting.images()?.learn.len();
        if images == 0 {
            return Err(Error::config("there are no images to learn from"));
        }
        let mut words = Vec::new();
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let LayersStage::Supervise(stage) = stage;
            let wanted = stage.learn.wanted();
            words.extend(Budget::new(images, wanted)?.differs(&format!("stages[{i}]"), images, &wanted));
        }
        Ok(words)
    }

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let images = &setting.images()?.split.train;
        let target = TargetForm::Classes(images.classes());
        let widths = setting.config.stages.iter().enumerate().map(|(i, stage)| match stage {
            LayersStage::Supervise(stage) => {
                stage.loss.outputs(&target).map_err(|e| Error::from(e).under(&format!("stages[{i}]")))
            }
        });
        let widths = widths.collect::<Result<Vec<_>, _>>()?;
        if let Some(at) = (1..widths.len()).find(|&i| widths[i] != widths[0]) {
            let (first, other) = (widths[0], widths[at]);
            return Err(Error::config(format!(
                "stages[{at}].loss wants {other} numbers of the read-out, stages[0].loss {first}; one network has one read-out"
            )));
        }
        let input = Form::image(1, images.height(), images.width());
        let built = Network::new(&setting.config.model, &input, loss(&setting)?, &target, setting.config.seed);
        let (network, parameters) = built.map_err(|e| e.under("model"))?;
        Ok(Self { network, parameters })
    }

    fn parts(&self) -> Vec<Line> {
        self.network.lines().to_vec()
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let data = setting.images()?;
        let Some(LayersStage::Supervise(config)) = setting.config.stages.get(stage) else {
            return Err(Error::config("no such stage"));
        };
        // Odd multiples of the golden ratio spread consecutive numbers over the 64-bit seeds.
        let number = setting.occurrence(stage) + 1;
        let streams = Streams::new(setting.config.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let items = data.learn.clone();
        let gradient = Gradient::new(supervise::NAME, &config.learn, &self.parameters, &[""], items, streams)?;
        Ok(Box::new(GradientStage::new(supervise::NAME, Supervising::new(config, data, streams), gradient)))
    }

    fn state(&mut self, _: &Path) -> Result<LayersState, Error> {
        Ok(LayersState { parameters: self.parameters.values().to_vec() })
    }

    fn restore(&mut self, state: LayersState, _: &Path) -> Result<(), Error> {
        Ok(self.parameters.set_values(&state.parameters)?)
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
        Ok(findings::decide(self, setting, &setting.images()?.split.test, progress)?.scores)
    }

    fn predict(&self, setting: Setting<'_, Self>, images: &nl_data::Images) -> Result<Vec<Prediction>, Error> {
        findings::predict(self, setting, images)
    }
}
