//! Spiking neurons that compete for images, and learn them by STDP without labels.

mod compete;
mod config;
mod findings;
mod label;
mod respond;
mod sections;
mod view;

use std::path::Path;

use nl_data::Images;
use nl_network::competitive::{CompetitiveConfig, CompetitiveNetwork, CompetitiveState};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{CompeteConfig, CompetitiveModelConfig, CompetitiveStage, LabelConfig, competitive_network};

use self::compete::Competing;
use self::label::Labelling;
use self::respond::Decoders;
use crate::Error;
use crate::run::{Findings, Learner, Model, Prediction, Progress, Setting, Story, Tensor};

/// A network, and what its neurons are called.
pub struct CompetitiveModel {
    network: CompetitiveNetwork,
    decoders: Option<Decoders>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct CompetitiveModelState {
    network: CompetitiveState,
    decoders: Option<Decoders>,
}

impl Model for CompetitiveModel {
    const KIND: &'static str = "competitive";
    const ABOUT: &'static str = "spiking neurons that compete for images and learn by STDP (Diehl & Cook 2015)";
    const ACCURACIES: &'static [&'static str] = &["all_activity", "proportion", "log_likelihood", "bigram"];
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/competitive.json"));
    type Set = Images;
    type Config = CompetitiveModelConfig;
    type Stage = CompetitiveStage;
    type State = CompetitiveModelState;

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let inputs = setting.images()?.split.train.area();
        let config = CompetitiveConfig { inputs, ..setting.config.model.network };
        let network = CompetitiveNetwork::new(config, &Streams::new(setting.config.seed))?;
        Ok(Self { network, decoders: None })
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        Ok(match setting.config.stages[stage] {
            CompetitiveStage::Compete(config) => {
                Box::new(Competing::new(self, config, setting.occurrence(stage), setting)?)
            }
            CompetitiveStage::Label(config) => Box::new(Labelling::new(config, setting)?),
        })
    }

    fn state(&mut self, _: &Path) -> Result<CompetitiveModelState, Error> {
        Ok(CompetitiveModelState { network: self.network.state(), decoders: self.decoders.clone() })
    }

    fn restore(&mut self, state: CompetitiveModelState, _: &Path) -> Result<(), Error> {
        self.network.restore(&state.network)?;
        if let Some(decoders) = &state.decoders {
            decoders.check(self.network.config().neurons)?;
        }
        self.decoders = state.decoders;
        Ok(())
    }

    fn check_finite(&mut self, place: &str) -> Result<(), Error> {
        let finite = self.network.check_finite();
        finite.map_err(|error| Error::Spiking { stage: place.to_owned(), what: error.to_string() })
    }

    fn tensors(&self) -> Vec<Tensor> {
        let CompetitiveConfig { inputs, neurons, .. } = *self.network.config();
        let state = self.network.state();
        vec![
            Tensor { name: "weights".into(), shape: vec![inputs, neurons], values: state.weights },
            Tensor { name: "theta".into(), shape: vec![neurons], values: state.theta },
        ]
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
        Ok(findings::told(self, setting, test, progress)?.1)
    }

    fn predict(&self, setting: Setting<'_, Self>, images: &Images) -> Result<Vec<Prediction>, Error> {
        findings::predict(self, setting, images)
    }
}
