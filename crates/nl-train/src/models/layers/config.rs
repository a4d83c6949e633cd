//! `model: {kind: layers}` and its stages.

use nl_data::Augment;
use nl_layers::Initializer;
use nl_layers::graph::LayerEntry;
use nl_layers::loss::{CrossEntropy, LossKind};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::gradient::LearnConfig;
use crate::run::{Settings, Stage, StageKind};

/// A list of layers, and the read-out behind the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayersModelConfig {
    /// The layers, from the image up. A layer is given what the one before it gives, or what `from` names; the shapes follow.
    /// Behind the last one stands a linear read-out of as many numbers as the loss asks for: a row of features must reach it.
    pub layers: Vec<LayerEntry>,
    /// How the weights of the read-out begin.
    #[serde(default = "xavier", skip_serializing_if = "is_xavier")]
    pub output: Initializer,
}

const fn xavier() -> Initializer {
    Initializer::XavierUniform
}

fn is_xavier(initializer: &Initializer) -> bool {
    *initializer == xavier()
}

/// The most layers of a list.
const MOST: usize = 1000;

impl Settings for LayersModelConfig {
    fn check(&self) -> Result<(), Error> {
        if self.layers.is_empty() || self.layers.len() > MOST {
            let n = self.layers.len();
            return Err(Error::config(format!("layers has {n} entries; name 1 to {MOST} layers")));
        }
        Ok(())
    }
}

/// What is done with a network of layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LayersStage {
    /// Learns from labelled images.
    Supervise(SuperviseConfig),
}

/// Learns from labelled images, by gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SuperviseConfig {
    /// How it learns.
    pub learn: LearnConfig,
    /// What is minimised.
    #[serde(default = "cross_entropy")]
    pub loss: LossKind,
    /// Geometry of what is shown.
    #[serde(default)]
    pub augment: Augment,
}

fn cross_entropy() -> LossKind {
    LossKind::CrossEntropy(CrossEntropy::default())
}

impl Settings for LayersStage {
    fn check(&self) -> Result<(), Error> {
        let Self::Supervise(stage) = self;
        stage.learn.check().map_err(|e| e.under("learn"))?;
        stage.loss.check("loss")?;
        stage.augment.validate()?;
        Ok(())
    }
}

impl Stage for LayersStage {
    const KINDS: &'static [StageKind] =
        &[StageKind { kind: "supervise", about: "all layers learn from labels by gradient", needs: &[], gives: &[] }];

    fn kind(&self) -> &'static str {
        match self {
            Self::Supervise(_) => "supervise",
        }
    }
}
