//! A convolutional network that learns its features by STDP, without labels, and is read out linearly.

mod config;
mod features;
mod findings;
mod network;
mod read_out;
mod reward;
mod sections;
mod view;

use std::path::Path;

use nl_data::Images;
use nl_network::conv_stdp::{ConvStdpState, RewardStdp, RewardStdpState};
use nl_random::Streams;
use rand::RngExt;
use serde::{Deserialize, Serialize};

pub use config::{
    ConvStdpModelConfig, ConvStdpStage, EyeConfig, FeaturesConfig, MapsConfig, ReadOutConfig, RewardStageConfig,
};

use self::features::Learning;
use self::network::Network;
use self::read_out::{ReadOut, ReadOutState, Reading};
use self::reward::Rewarding;
use crate::Error;
use crate::gradient::{Gradient, GradientStage, LearnConfig};
use crate::run::{Findings, Learner, Model, Prediction, Progress, Setting, Story, Tensor};

/// Images whose features are computed between two looks at Ctrl-C.
const ROWS: usize = 2000;

/// The eye, the layers, and what reads them.
pub struct ConvStdpModel {
    network: Network,
    /// Layers that have learned.
    learned: usize,
    read_out: ReadOut,
    /// The rewarded layer, for a configuration with a stage `reward`; and whether it has learned.
    reward: Option<(RewardStdp, bool)>,
    /// Features of the training images, once computed; not part of a checkpoint.
    rows: Option<Vec<u8>>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct ConvStdpModelState {
    layers: Vec<ConvStdpState>,
    learned: usize,
    read_out: ReadOutState,
    reward: Option<RewardStdpState>,
}

impl Model for ConvStdpModel {
    const KIND: &'static str = "conv-stdp";
    const ABOUT: &'static str = "feature maps learned by STDP and read out linearly (Kheradpisheh et al. 2018)";
    const ACCURACIES: &'static [&'static str] = &["linear", "reward"];
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/conv-stdp.json"));
    type Set = Images;
    type Config = ConvStdpModelConfig;
    type Stage = ConvStdpStage;
    type State = ConvStdpModelState;

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let (images, config) = (&setting.images()?.split.train, &setting.config.model);
        let network = Network::new(config, setting.config.seed, images.height(), images.width())?;
        let (mut learned, mut reward, mut read) = (0, None, 0);
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let place = |message: String| Err(Error::config(format!("stages[{i}]: {message}")));
            match stage {
                ConvStdpStage::Features(stage) if stage.layer > config.layers.len() => {
                    return place(format!("layer is {}, but there are {}", stage.layer, config.layers.len()));
                }
                ConvStdpStage::Features(stage) if stage.layer > learned + 1 => {
                    return place(format!("layer {} needs layer {} to have learned before", stage.layer, learned + 1));
                }
                ConvStdpStage::Features(stage) => learned = learned.max(stage.layer),
                ConvStdpStage::Reward(_) if reward.is_some() => {
                    return place("there is a stage `reward` already".into());
                }
                ConvStdpStage::Reward(stage) => {
                    let streams = Streams::new(setting.config.seed);
                    reward = Some((reward::untrained(stage, images.classes(), &streams, &network)?, false));
                }
                ConvStdpStage::ReadOut(_) if read > 0 => return place("there is a stage `read-out` already".into()),
                ConvStdpStage::ReadOut(_) => read += 1,
            }
        }
        let read_out = ReadOut::new(network.width(), images.classes())?;
        Ok(Self { network, learned: 0, read_out, reward, rows: None })
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let data = setting.images()?;
        let streams = Streams::new(setting.config.seed);
        Ok(match &setting.config.stages[stage] {
            ConvStdpStage::Features(config) => Box::new(Learning::new(*config, data, streams)),
            ConvStdpStage::Reward(config) => {
                Box::new(Rewarding::new(config, data, streams, self.reward.as_ref().map(|reward| reward.0.clone()))?)
            }
            ConvStdpStage::ReadOut(config) => {
                let n = data.labelled.len();
                let learn = LearnConfig { batch: config.learn.batch.min(n), ..config.learn.clone() };
                let (parameters, items) = (self.read_out.parameters(), (0..n as u32).collect());
                let gradient = Gradient::new(read_out::READ_OUT, &learn, parameters, &[""], items, streams)?;
                Box::new(GradientStage::new(read_out::READ_OUT, Reading::new(config, data), gradient))
            }
        })
    }

    fn state(&mut self, _: &Path) -> Result<ConvStdpModelState, Error> {
        Ok(ConvStdpModelState {
            layers: self.network.layers.iter().map(|stacked| stacked.layer.state()).collect(),
            learned: self.learned,
            read_out: self.read_out.state(),
            reward: self.reward.as_ref().filter(|reward| reward.1).map(|reward| reward.0.state()),
        })
    }

    fn restore(&mut self, state: ConvStdpModelState, _: &Path) -> Result<(), Error> {
        let (found, expected) = (state.layers.len(), self.network.layers.len());
        if found != expected || state.learned > expected {
            return Err(Error::config(format!("the checkpoint is of {found} layers, not {expected}")));
        }
        for (stacked, state) in self.network.layers.iter_mut().zip(&state.layers) {
            stacked.layer.restore(state)?;
        }
        self.learned = state.learned;
        self.read_out.restore(state.read_out)?;
        match (&mut self.reward, &state.reward) {
            (_, None) => Ok(()),
            (Some((layer, learned)), Some(state)) => {
                layer.restore(state)?;
                *learned = true;
                Ok(())
            }
            (None, Some(_)) => Err(Error::config("the checkpoint has a rewarded layer, the configuration has none")),
        }
    }

    fn check_finite(&mut self, place: &str) -> Result<(), Error> {
        let spiking = |error: nl_units::Error| Error::Spiking { stage: place.to_owned(), what: error.to_string() };
        for (l, stacked) in self.network.layers.iter().enumerate() {
            let place = format!("{place}, layer {}", l + 1);
            let finite = stacked.layer.check_finite();
            finite.map_err(|error| Error::Spiking { stage: place, what: error.to_string() })?;
        }
        if let Some((reward, _)) = &self.reward {
            reward.check_finite().map_err(spiking)?;
        }
        self.read_out.check_finite(place)
    }

    fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        for (i, stacked) in self.network.layers.iter().enumerate() {
            let (config, channels) = (stacked.layer.config(), stacked.layer.input().channels);
            let shape = vec![config.maps, channels, config.kernel, config.kernel];
            let (name, values) = (format!("layer{}.weight", i + 1), stacked.layer.state().weights);
            tensors.push(Tensor { name, shape, values });
        }
        tensors.extend(self.read_out.tensors());
        if let Some((layer, true)) = &self.reward {
            let values = layer.state().weights;
            tensors.push(Tensor { name: "reward.weight".into(), shape: vec![values.len()], values });
        }
        tensors
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
        let test = &setting.images()?.split.test;
        Ok(findings::decide(self, setting, test, progress)?.scores)
    }

    fn predict(&self, setting: Setting<'_, Self>, images: &Images) -> Result<Vec<Prediction>, Error> {
        findings::predict(self, setting, images)
    }
}

/// 0 to `n` - 1 in the order of a pass (Fisher & Yates).
fn shuffled(n: u32, streams: &Streams, name: &str, pass: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    let mut rng = streams.rng(name, pass, 0);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}
