//! `model: {kind: conv-stdp}` and its stages.

use nl_encoding::encode::{Encoder, RankOrder};
use nl_encoding::front_end::{CentreSurround, FrontEnd};
use nl_network::conv_stdp::{ConvStdpConfig, RewardConfig};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::gradient::LearnConfig;
use crate::run::{Settings, Stage, StageKind};

/// The eye, and the layers above it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConvStdpModelConfig {
    /// From pixels to spikes.
    #[serde(default)]
    pub eye: EyeConfig,
    /// The layers, from the eye up.
    pub layers: Vec<MapsConfig>,
}

/// ON and OFF cells, local normalisation, ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// A layer, and what leaves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MapsConfig {
    /// The maps, and how they learn.
    #[serde(default)]
    pub stdp: ConvStdpConfig,
    /// Its features: the earliest spike of each map in windows of so many rows and columns.
    pub pool: usize,
    /// The same for the spikes that the next layer gets.
    pub next: usize,
}

/// Too many.
const MOST: u64 = 1_000_000_000;

fn number(name: &str, value: f64, low: f64, high: f64) -> Result<(), Error> {
    if value.is_finite() && value >= low && value <= high {
        return Ok(());
    }
    Err(Error::config(format!("{name} is {value}; use a number from {low} to {high}")))
}

fn count(name: &str, n: u64, low: u64, high: u64) -> Result<(), Error> {
    let fits = (low..=high).contains(&n);
    if fits { Ok(()) } else { Err(Error::config(format!("{name} is {n}; use {low} to {high}"))) }
}

impl Settings for ConvStdpModelConfig {
    fn check(&self) -> Result<(), Error> {
        self.eye.front_end()?;
        self.eye.latency.validate()?;
        count("eye.latency.steps", self.eye.latency.steps as u64, 1, 254)?;
        count("the number of layers", self.layers.len() as u64, 1, 16)?;
        for (i, layer) in self.layers.iter().enumerate() {
            let place = format!("layers[{i}]");
            layer.stdp.validate()?;
            count(&format!("{place}.pool"), layer.pool as u64, 1, 65_536)?;
            count(&format!("{place}.next"), layer.next as u64, 1, 65_536)?;
        }
        Ok(())
    }
}

/// What a convolutional network of spiking maps does, stage by stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "a run has a handful of stages")]
pub enum ConvStdpStage {
    /// A layer learns its maps by STDP, without labels.
    Features(FeaturesConfig),
    /// A last layer learns from right and wrong.
    Reward(RewardStageConfig),
    /// Logistic regression on all layers' features.
    ReadOut(ReadOutConfig),
}

/// A layer learns its maps by STDP, without labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FeaturesConfig {
    /// The layer, from 1, from the eye up.
    pub layer: usize,
    /// Images it learns from, at most.
    pub images: u64,
    /// It has learned when mean w (1 − w) is below this; looked at every 1000 images.
    pub converged: f64,
}

/// Reward-modulated STDP on the last layer's features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RewardStageConfig {
    /// The layer.
    #[serde(default)]
    pub layer: RewardConfig,
    /// Passes over the training images.
    pub epochs: u64,
}

/// Multinomial logistic regression on standardised features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadOutConfig {
    /// How it learns.
    pub learn: LearnConfig,
    /// ε: a feature x becomes (x − mean) / √(variance + ε).
    #[serde(default = "tenth")]
    pub epsilon: f64,
}

const fn tenth() -> f64 {
    0.1
}

impl Settings for ConvStdpStage {
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::Features(FeaturesConfig { layer, images, converged }) => {
                count("layer", *layer as u64, 1, 16)?;
                count("images", *images, 1, MOST)?;
                number("converged", *converged, 0.0, 0.25)
            }
            Self::Reward(RewardStageConfig { layer, epochs }) => {
                layer.validate()?;
                count("epochs", *epochs, 1, 1_000_000)
            }
            Self::ReadOut(ReadOutConfig { learn, epsilon }) => {
                learn.check().map_err(|e| e.under("learn"))?;
                number("epsilon", *epsilon, 1e-9, 1e9)
            }
        }
    }
}

impl Stage for ConvStdpStage {
    const KINDS: &'static [StageKind] = &[
        StageKind {
            kind: "features",
            about: "a layer learns its maps by STDP, without labels",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "reward",
            about: "a last layer whose maps stand for classes learns from right and wrong (reward-modulated STDP)",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "read-out",
            about: "logistic regression on all layers' features",
            needs: &[],
            gives: &["a read-out"],
        },
    ];

    fn kind(&self) -> &'static str {
        match self {
            Self::Features(_) => "features",
            Self::Reward(_) => "reward",
            Self::ReadOut(_) => "read-out",
        }
    }
}
