//! What is learned, in which order, from which images.

use nl_data::Choice;
use nl_data::encode::{Encoder, RankOrder};
use nl_data::front_end::{CentreSurround, FrontEnd};
use nl_layers::conv_stdp::{ConvStdpConfig as Maps, RewardConfig};
use serde::{Deserialize, Serialize};

use crate::{Error, Preset};

/// A run of [`ConvStdpRun`](super::ConvStdpRun): `config.yaml` of its folder.
///
/// ```
/// use nl_train::{ConvStdpConfig, Preset};
/// let config = ConvStdpConfig::preset(Preset::Full, 1)?;
/// assert_eq!((config.layers.len(), config.layers[0].stdp.maps), (1, 64));
/// assert_eq!(ConvStdpConfig::from_yaml(&config.to_yaml()?)?, config);
/// # Ok::<(), nl_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvStdpConfig {
    /// Name of the run's folder.
    pub name: String,
    /// The seed of everything random.
    pub seed: u64,
    /// Which images.
    #[serde(default)]
    pub data: Choice,
    /// Training images, at most; without it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Test images, at most; without it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// From pixels to spikes.
    #[serde(default)]
    pub eye: EyeConfig,
    /// The layers, from the eye up; each learns when those below it have learned.
    pub layers: Vec<MapsConfig>,
    /// Logistic regression on all layers' features.
    #[serde(default)]
    pub read_out: ReadOutConfig,
    /// A last layer that learns from right and wrong, on the last layer's features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<RewardStage>,
}

/// ON and OFF cells, local normalisation, ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EyeConfig {
    /// The cells.
    pub cells: CentreSurround,
    /// Responses below it are silent; pixels are in 0..255.
    pub threshold: f32,
    /// Radius of the local mean that responses are divided by.
    pub radius: Option<usize>,
    /// Bins of spikes.
    pub latency: RankOrder,
}

impl Default for EyeConfig {
    fn default() -> Self {
        Self { cells: CentreSurround::default(), threshold: 50.0, radius: Some(8), latency: RankOrder::default() }
    }
}

impl EyeConfig {
    /// The filters.
    pub(super) fn front_end(&self) -> Result<FrontEnd, Error> {
        Ok(FrontEnd::new(self.cells.bank()?, self.threshold, self.radius)?)
    }
}

/// A layer, how long it learns, and what leaves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapsConfig {
    /// The maps, and how they learn.
    #[serde(default)]
    pub stdp: Maps,
    /// Images it learns from, at most.
    pub images: u64,
    /// It has learned when mean w (1 − w) is below this; looked at every 1000 images.
    pub converged: f64,
    /// Its features: the earliest spike of each map in windows of so many rows and columns.
    pub pool: usize,
    /// The same for the spikes that the next layer gets.
    pub next: usize,
}

/// Multinomial logistic regression on standardised features, by Adam, its rate falling to 0 along a cosine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOutConfig {
    /// Passes over the training images.
    pub epochs: u64,
    /// Images of a step.
    pub batch: usize,
    /// Learning rate at the start.
    pub rate: f64,
    /// λ of ½ λ Σ w².
    pub l2: f64,
    /// ε: a feature x becomes (x − mean) / √(variance + ε).
    pub epsilon: f64,
}

impl Default for ReadOutConfig {
    fn default() -> Self {
        Self { epochs: 20, batch: 250, rate: 1e-3, l2: 3e-3, epsilon: 0.1 }
    }
}

/// Reward-modulated STDP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardStage {
    /// The layer.
    #[serde(default)]
    pub layer: RewardConfig,
    /// Passes over the training images.
    pub epochs: u64,
}

/// More passes or images than anybody can wait for.
const MOST: u64 = 1_000_000_000;

impl ConvStdpConfig {
    /// A prepared configuration of one or two layers.
    ///
    /// # Errors
    /// [`Error::Config`] for another number of layers.
    pub fn preset(preset: Preset, layers: usize) -> Result<Self, Error> {
        Self::from_yaml(match (preset, layers) {
            (Preset::Quick, 1) => include_str!("../../configs/conv-stdp-quick.yaml"),
            (Preset::Full, 1) => include_str!("../../configs/conv-stdp.yaml"),
            (Preset::Quick, 2) => include_str!("../../configs/conv-stdp-two-layers-quick.yaml"),
            (Preset::Full, 2) => include_str!("../../configs/conv-stdp-two-layers.yaml"),
            _ => return Err(Error::config(format!("{layers} layers; the presets have 1 or 2"))),
        })
    }

    /// A configuration as written in a run's folder.
    ///
    /// # Errors
    /// [`Error::Config`] if it is no such configuration, naming line and key.
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

    /// `Ok` if every value that can be checked without the images can be used.
    ///
    /// # Errors
    /// [`Error::Config`], or the front end's or a layer's error, naming the value.
    pub fn validate(&self) -> Result<(), Error> {
        let number = |name: &str, value: f64, low: f64, high: f64| {
            if value.is_finite() && value >= low && value <= high {
                return Ok(());
            }
            Err(Error::config(format!("{name} is {value}; use a number from {low} to {high}")))
        };
        let count = |name: &str, n: u64, low: u64, high: u64| {
            let fits = (low..=high).contains(&n);
            if fits { Ok(()) } else { Err(Error::config(format!("{name} is {n}; use {low} to {high}"))) }
        };
        let name = &self.name;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(Error::config(format!("name is {name:?}, but must be letters, digits, '-' and '_'")));
        }
        for (name, n) in [("train", self.train), ("test", self.test)] {
            count(name, n.unwrap_or(1) as u64, 1, MOST)?;
        }
        self.eye.front_end()?;
        self.eye.latency.validate()?;
        count("eye.latency.steps", self.eye.latency.steps as u64, 1, 254)?;
        count("the number of layers", self.layers.len() as u64, 1, 16)?;
        for layer in &self.layers {
            layer.stdp.validate()?;
            count("images", layer.images, 1, MOST)?;
            number("converged", layer.converged, 0.0, 0.25)?;
            count("pool", layer.pool as u64, 1, 65_536)?;
            count("next", layer.next as u64, 1, 65_536)?;
        }
        let ReadOutConfig { epochs, batch, rate, l2, epsilon } = self.read_out;
        count("read_out.epochs", epochs, 1, 1_000_000)?;
        count("read_out.batch", batch as u64, 1, 4096)?;
        number("read_out.rate", rate, 1e-9, 1.0)?;
        number("read_out.l2", l2, 0.0, 1e6)?;
        number("read_out.epsilon", epsilon, 1e-9, 1e9)?;
        if let Some(reward) = &self.reward {
            reward.layer.validate()?;
            count("reward.epochs", reward.epochs, 1, 1_000_000)?;
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
            for layers in [1, 2] {
                let config = ConvStdpConfig::preset(preset, layers).unwrap();
                config.validate().unwrap();
                assert_eq!(config.layers.len(), layers);
            }
            assert!(ConvStdpConfig::preset(preset, 3).unwrap_err().to_string().contains("3 layers"));
        }
    }

    #[test]
    fn nonsense_is_named() {
        let good = ConvStdpConfig::preset(Preset::Full, 2).unwrap();
        let broken = |change: fn(&mut ConvStdpConfig)| {
            let mut config = good.clone();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        for (error, part) in [
            (broken(|c| c.name = "a/b".into()), "name is"),
            (broken(|c| c.train = Some(0)), "train is 0"),
            (broken(|c| c.eye.threshold = f32::NAN), "threshold"),
            (broken(|c| c.eye.radius = Some(0)), "radius"),
            (broken(|c| c.eye.cells.window = 4), "window"),
            (broken(|c| c.eye.latency.steps = 255), "eye.latency.steps is 255"),
            (broken(|c| c.layers.clear()), "the number of layers is 0"),
            (broken(|c| c.layers[1].stdp.threshold = -1.0), "threshold"),
            (broken(|c| c.layers[0].images = 0), "images is 0"),
            (broken(|c| c.layers[0].converged = f64::NAN), "converged is NaN"),
            (broken(|c| c.layers[0].pool = 0), "pool is 0"),
            (broken(|c| c.layers[0].next = 0), "next is 0"),
            (broken(|c| c.read_out.epochs = 0), "read_out.epochs is 0"),
            (broken(|c| c.read_out.batch = 1 << 40), "read_out.batch is"),
            (broken(|c| c.read_out.rate = f64::INFINITY), "read_out.rate is inf"),
            (broken(|c| c.read_out.epsilon = 0.0), "read_out.epsilon is 0"),
            (broken(|c| c.reward = Some(RewardStage { layer: RewardConfig::default(), epochs: 0 })), "reward.epochs"),
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let text = good.to_yaml().unwrap();
        for (from, to) in [("winners:", "winner:"), ("seed: 1", "seed: -1"), ("l2:", "l3:"), ("steps: 15", "steps: x")]
        {
            assert!(text.contains(from), "{from} in {text}");
            assert!(ConvStdpConfig::from_yaml(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
