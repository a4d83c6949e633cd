//! The configuration of a run: everything that decides its result, except the images.

use nl_brain::{BrainConfig, Hippocampus, HippocampusConfig};
use nl_data::{Augment, Choice, Corruption};
use nl_optim::{Adam, Algorithm};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::gate::GateConfig;
use crate::learn::{LearnConfig, Pace};
use crate::objective::{ReconstructionLoss, ReconstructionTarget};

/// A run of the brain pipeline. The presets are `configs/mnist-quick.yaml` and `configs/mnist-full.yaml`; a run's folder
/// holds the one it used as `config.yaml`.
///
/// ```
/// let mut config = nl_train::RunConfig::preset(nl_train::Preset::Quick)?;
/// config.seed = 7;
/// config.validate()?;
/// let text = config.to_yaml()?;
/// assert_eq!(nl_train::RunConfig::from_yaml(&text)?, config);
/// # Ok::<(), nl_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Name of the run's folder.
    pub name: String,
    /// The seed of everything random.
    pub seed: u64,
    /// Which images.
    pub data: Choice,
    /// Images split off the training set to watch the learning, a stratified draw.
    pub validation: usize,
    /// The most of the training set that is split off, a share in (0, 0.5]: of a small set that is less.
    #[serde(default = "default_validation_share")]
    pub validation_share: f64,
    /// The shorter side of the images, in pixels, for which the lengths of all `augment` below are meant (shift, elastic and
    /// elastic_sigma): of larger and smaller images they grow and shrink with the side. Without it, they are pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment_side: Option<usize>,
    /// Images of a shard: the unit of work of a thread. Changes results in the last bits only; the number of threads
    /// does not change them at all.
    pub shard: usize,
    /// Sizes of the regions; height, width and classes follow the images.
    #[serde(default)]
    pub brain: BrainConfig,
    /// Stage 1.
    pub self_supervised: SelfSupervised,
    /// How the embedding is probed after stage 1.
    #[serde(default)]
    pub probe: ProbeConfig,
    /// Stage 2.
    pub supervised: Supervised,
    /// The memory.
    #[serde(default)]
    pub hippocampus: HippocampusConfig,
    /// The last stage: whom to trust, from the images split off.
    #[serde(default)]
    pub basal_ganglia: GateConfig,
}

/// Stage 1: give the image back, without labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfSupervised {
    /// How it learns.
    pub learn: LearnConfig,
    /// Geometry of what is shown.
    #[serde(default)]
    pub augment: Augment,
    /// Noise on what is shown.
    #[serde(default)]
    pub corruption: Corruption,
    /// What is to be given back.
    #[serde(default)]
    pub target: ReconstructionTarget,
    /// How the distance is measured.
    #[serde(default)]
    pub loss: ReconstructionLoss,
}

/// Stage 2: name the class, starting from stage 1's weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervised {
    /// How it learns.
    pub learn: LearnConfig,
    /// Geometry of what is shown.
    #[serde(default)]
    pub augment: Augment,
    /// Share of the target spread over all classes, in [0, 1).
    #[serde(default)]
    pub label_smoothing: f64,
}

const fn default_validation_share() -> f64 {
    0.15
}

/// How an embedding is probed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeConfig {
    /// Neighbours of the k-NN probe (cosine distance, distance-weighted votes).
    pub neighbours: usize,
    /// Passes of the linear probe over the training embeddings.
    pub epochs: u64,
    /// Mini-batch of the linear probe.
    pub batch: usize,
    /// Learning rate of the linear probe (Adam), falling to zero along a cosine.
    pub learning_rate: f64,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self { neighbours: 5, epochs: 20, batch: 500, learning_rate: 5e-3 }
    }
}

impl ProbeConfig {
    /// How the linear probe learns.
    pub(crate) fn learn(&self) -> LearnConfig {
        LearnConfig {
            epochs: self.epochs,
            min_images: 0,
            batch: self.batch,
            min_batches: 0,
            algorithm: Algorithm::Adam(Adam::default()),
            rate: Pace::Cosine { rate: self.learning_rate },
            weight_decay: 0.0,
            clip_norm: None,
            average: None,
        }
    }
}

/// The prepared configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// About a minute on two cores.
    Quick,
    /// The best accuracy that fits in ten minutes on two cores.
    Full,
}

impl RunConfig {
    /// A prepared configuration.
    ///
    /// # Errors
    /// Never for the presets as they are shipped: a test reads them.
    pub fn preset(preset: Preset) -> Result<Self, Error> {
        Self::from_yaml(match preset {
            Preset::Quick => include_str!("../configs/mnist-quick.yaml"),
            Preset::Full => include_str!("../configs/mnist-full.yaml"),
        })
    }

    /// Reads YAML; unknown and missing keys are errors that name line and key.
    ///
    /// # Errors
    /// [`Error::Config`] with the reader's message.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        serde_saphyr::from_str(text).map_err(|e| Error::config(e.to_string()))
    }

    /// Writes YAML.
    ///
    /// # Errors
    /// [`Error::Config`] if a value has no YAML form.
    pub fn to_yaml(&self) -> Result<String, Error> {
        serde_saphyr::to_string(self).map_err(|e| Error::config(e.to_string()))
    }

    /// Checks every value that can be checked without the images.
    ///
    /// # Errors
    /// The first value out of range.
    pub fn validate(&self) -> Result<(), Error> {
        self.brain.validate()?;
        self.self_supervised.augment.validate()?;
        self.self_supervised.corruption.validate()?;
        self.supervised.augment.validate()?;
        self.basal_ganglia.validate()?;
        let smoothing = self.supervised.label_smoothing;
        if !(0.0..1.0).contains(&smoothing) {
            return Err(Error::config(format!("supervised.label_smoothing is {smoothing}, but must be in [0, 1)")));
        }
        let positive = [
            ("validation", self.validation as u64),
            ("shard", self.shard as u64),
            ("augment_side", self.augment_side.unwrap_or(1) as u64),
            ("self_supervised.learn.batch", self.self_supervised.learn.batch as u64),
            ("supervised.learn.batch", self.supervised.learn.batch as u64),
            ("probe.neighbours", self.probe.neighbours as u64),
            ("probe.batch", self.probe.batch as u64),
        ];
        for (field, value) in positive {
            if value == 0 {
                return Err(Error::config(format!("{field} is 0, but must be at least 1")));
            }
        }
        for (field, learn) in [("self_supervised", &self.self_supervised.learn), ("supervised", &self.supervised.learn)]
        {
            learn.validate(self.shard).map_err(|e| Error::config(format!("{field}.learn: {e}")))?;
        }
        self.probe
            .learn()
            .validate(self.shard.max(self.probe.batch))
            .map_err(|e| Error::config(format!("probe: {e}")))?;
        let (neighbours, most) = (self.probe.neighbours, HippocampusConfig::MAX_NEIGHBOURS);
        if neighbours > most {
            return Err(Error::config(format!("probe.neighbours is {neighbours}, but must be at most {most}")));
        }
        // Refuses what the memory would refuse after hours of training.
        Hippocampus::new(&self.brain, self.hippocampus)?;
        let name = &self.name;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(Error::config(format!("name is {name:?}, but must be letters, digits, '-' and '_'")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_are_valid() {
        for preset in [Preset::Quick, Preset::Full] {
            let config = RunConfig::preset(preset).unwrap();
            config.validate().unwrap();
            assert_eq!(RunConfig::from_yaml(&config.to_yaml().unwrap()).unwrap(), config);
        }
    }

    #[test]
    fn nonsense_is_named() {
        let good = RunConfig::preset(Preset::Quick).unwrap();
        let text = good.to_yaml().unwrap().replace("validation:", "validaton:");
        let error = RunConfig::from_yaml(&text).unwrap_err().to_string();
        assert!(error.contains("validaton"), "{error}");

        let error = RunConfig { shard: 0, ..good.clone() }.validate().unwrap_err().to_string();
        assert!(error.contains("shard is 0"), "{error}");
        let broken = |change: fn(&mut RunConfig)| {
            let mut config = good.clone();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        for (error, part) in [
            (broken(|c| c.supervised.learn.epochs = u64::MAX), "supervised.learn: "),
            (broken(|c| c.supervised.learn.rate = Pace::Cosine { rate: -1.0 }), "supervised.learn: "),
            (broken(|c| c.supervised.learn.average = Some(1.5)), "supervised.learn: "),
            (broken(|c| c.self_supervised.learn.batch = 16 * 65), "self_supervised.learn: "),
            (broken(|c| c.probe.learning_rate = f64::NAN), "probe: "),
            (broken(|c| c.hippocampus.capacity = 0), "capacity"),
            (broken(|c| c.hippocampus.temperature = f32::NAN), "temperature"),
            (broken(|c| c.hippocampus.neighbours = 0), "neighbour"),
            (broken(|c| c.hippocampus.neighbours = 1_000_000_000), "hippocampus.neighbours is 1000000000"),
            (broken(|c| c.probe.neighbours = 1_000_000_000), "probe.neighbours is 1000000000"),
            (broken(|c| c.basal_ganglia.ridge = f64::NAN), "basal_ganglia.ridge is NaN"),
            (broken(|c| c.basal_ganglia.folds = 1), "basal_ganglia.folds is 1"),
            (broken(|c| c.basal_ganglia.lead = 1.0), "basal_ganglia.lead is 1"),
            (broken(|c| c.supervised.learn.min_images = u64::MAX), "min_images is 18446744073709551615"),
            (broken(|c| c.augment_side = Some(0)), "augment_side is 0"),
            (broken(|c| c.supervised.learn.weight_decay = 1e4), "weight_decay = 10000; it must be at most 1 /"),
            (broken(|c| c.supervised.learn.clip_norm = Some(1e-300)), "supervised.learn: "),
            (broken(|c| c.supervised.learn.rate = Pace::Constant { rate: 1e39 }), "supervised.learn: "),
            (broken(|c| (c.brain.retina, c.brain.retina_kernel) = (16_000, 16_383)), "weights"),
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error = RunConfig { name: "../x".into(), ..good }.validate().unwrap_err().to_string();
        assert!(error.contains("name is \"../x\""), "{error}");
    }
}
