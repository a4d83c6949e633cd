//! A brain learns images without labels, then with them, then remembers, then whom to trust.

pub mod alarm;
mod config;
mod evaluator;
mod findings;
pub mod gate;
mod keys;
pub mod objective;
mod parts;
mod predict;
mod recall;
mod sections;
mod stages;

use std::path::Path;

use nl_brain::{Brain, Hippocampus};
use nl_data::Images;
use nl_layers::Parameters;
use nl_layers::graph::Line;
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use crate::models::probing::ProbeConfig;
pub use config::{BrainModelConfig, BrainStage, ClassifyConfig, ReconstructConfig, Regions, RememberConfig};
pub use evaluator::{Decided, Encoded, Evaluator};
pub use keys::{Cortex, Region};

use crate::gradient::check_finite;
use crate::run::{Findings, Learner, Model, Prediction, Progress, Setting, Shown, Story, Tensor, sha256_hex};
use crate::{Error, read_capped, write_atomic};

/// The memory, beside the weights.
const MEMORY: &str = "hippocampus.nlm";
/// No memory file may be larger: 4 GiB.
const MEMORY_CAP: u64 = 1 << 32;
/// Images of a shard where nothing is learned.
const SHARD: usize = 16;

/// Retina to decision: an [`nl_brain::Brain`], what it has learned, and what it remembers.
pub struct BrainModel {
    pub(crate) brain: Brain,
    pub(crate) parameters: Parameters<f32>,
    pub(crate) hippocampus: Option<Hippocampus>,
    /// SHA-256 of the memory as it lies in the folder.
    memory: Option<String>,
    /// Episodes recalled for a query.
    neighbours: usize,
    /// Episodes that are held once all is learned.
    episodes: usize,
    /// The weights at the end of the last `reconstruct` stage; empty before.
    pub(crate) reconstructed: Vec<f32>,
    /// What the memory holds of an image.
    remembered: RememberConfig,
    seed: u64,
}

/// What a checkpoint holds of a brain; the memory lies beside the weights, in a file of its own.
#[derive(Serialize, Deserialize)]
pub struct BrainState {
    parameters: Vec<f32>,
    reconstructed: Vec<f32>,
    memory: Option<String>,
    /// Field by field: a configuration leaves out what is usual, which a checkpoint must not.
    remembered: (Region, Cortex),
}

impl Model for BrainModel {
    const KIND: &'static str = "brain";
    const ABOUT: &'static str = "retina, thalamus, V1, V2, V4, inferotemporal and prefrontal cortex, hippocampus, basal ganglia, \
                                 cerebellum: images, without labels and with them";
    const ACCURACIES: &'static [&'static str] = &["cortex", "memory", "mixed"];
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/brain.json"));
    type Set = Images;
    type Config = BrainModelConfig;
    type Stage = BrainStage;
    type State = BrainState;

    fn check_images(setting: Setting<'_, Self>) -> Result<Vec<String>, Error> {
        stages::check_sizes(setting)?;
        stages::differences(setting)
    }

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let data = setting.images()?;
        let sizes = setting.config.model.regions.for_images(&data.split.train);
        sizes.validate()?;
        let (brain, parameters) = Brain::new(sizes, Streams::new(setting.config.seed))?;
        let config = setting.config.model.hippocampus;
        let remembers = setting.config.stages.iter().any(|stage| matches!(stage, BrainStage::Remember(_)));
        Ok(Self {
            brain,
            parameters,
            hippocampus: None,
            memory: None,
            neighbours: config.neighbours,
            episodes: if remembers { config.capacity.min(data.labelled.len()) } else { 0 },
            reconstructed: Vec::new(),
            remembered: RememberConfig::default(),
            seed: setting.config.seed,
        })
    }

    fn parts(&self) -> Vec<Line> {
        let episodes = self.hippocampus.as_ref().map_or(self.episodes, |hippocampus| hippocampus.memory().len());
        self.brain.lines(&self.parameters, episodes)
    }

    fn shown(&self, setting: Setting<'_, Self>) -> Result<Shown, Error> {
        parts::shown(self, setting.images()?)
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        stages::learner(self, stage, setting)
    }

    fn state(&mut self, folder: &Path) -> Result<BrainState, Error> {
        if let (Some(hippocampus), None) = (&self.hippocampus, &self.memory) {
            let mut bytes = Vec::new();
            hippocampus.memory().write_to(&mut bytes)?;
            write_atomic(&folder.join(MEMORY), &bytes)?;
            self.memory = Some(sha256_hex(&bytes));
        }
        Ok(BrainState {
            parameters: self.parameters.values().to_vec(),
            reconstructed: self.reconstructed.clone(),
            memory: self.memory.clone(),
            remembered: (self.remembered.region, self.remembered.cortex),
        })
    }

    fn restore(&mut self, state: BrainState, folder: &Path) -> Result<(), Error> {
        let BrainState { parameters, reconstructed, memory, remembered: (region, cortex) } = state;
        let remembered = RememberConfig { region, cortex };
        self.parameters.set_values(&parameters)?;
        if !reconstructed.is_empty() && reconstructed.len() != parameters.len() {
            let (got, expected) = (reconstructed.len(), parameters.len());
            return Err(Error::config(format!("the checkpoint has {got} weights after `reconstruct`, not {expected}")));
        }
        self.reconstructed = reconstructed;
        if remembered.cortex == Cortex::Unlabelled && self.reconstructed.is_empty() {
            return Err(Error::config(
                "the checkpoint remembers by a cortex of a stage `reconstruct`, which it has not got",
            ));
        }
        self.remembered = remembered;
        if let Some(expected) = memory {
            self.hippocampus = Some(self.read_memory(&folder.join(MEMORY), &expected)?);
            self.memory = Some(expected);
        }
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

    fn predict(&self, setting: Setting<'_, Self>, images: &Images) -> Result<Vec<Prediction>, Error> {
        predict::predict(self, setting, images)
    }
}

impl BrainModel {
    fn read_memory(&self, path: &Path, expected: &str) -> Result<Hippocampus, Error> {
        let bytes = read_capped(path, MEMORY_CAP)?;
        if sha256_hex(&bytes) != expected {
            return Err(Error::config(format!(
                "`{}` is not the memory that the checkpoint was written with; put it back, or start a new run",
                path.display()
            )));
        }
        let memory = nl_memory::EpisodicMemory::read_from(bytes.as_slice(), MEMORY_CAP)?;
        let (sizes, config) = (self.brain.config(), memory.config());
        if config.dim != sizes.embedding || config.classes != sizes.classes {
            let (dim, classes) = (config.dim, config.classes);
            return Err(Error::config(format!(
                "`{}` holds episodes of {dim} units and {classes} classes, which are not this brain's",
                path.display()
            )));
        }
        let neighbours = self.neighbours.min(memory.len().max(1));
        Ok(Hippocampus::over(memory, neighbours)?)
    }
}
