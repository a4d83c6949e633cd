//! `model: {kind: brain}` and its stages.

use nl_brain::{BrainConfig, Hippocampus, HippocampusConfig};
use nl_data::{Augment, Corruption, Images};
use serde::{Deserialize, Serialize};

use super::gate::GateConfig;
use super::keys::{Cortex, Region};
use super::objective::{ReconstructionLoss, ReconstructionTarget};
use crate::Error;
use crate::evaluate::EvaluateConfig;
use crate::gradient::LearnConfig;
use crate::models::probing::ProbeConfig;
use crate::run::{Settings, Stage, StageKind};

/// Regions, memory, probes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BrainModelConfig {
    /// Sizes of the regions; height, width and classes follow the images.
    pub regions: Regions,
    /// The memory.
    pub hippocampus: HippocampusConfig,
    /// How the embedding is probed after the last `reconstruct` stage, before any label.
    pub probe: ProbeConfig,
    /// What is looked at besides the scores, when all learning is over.
    #[serde(skip_serializing_if = "EvaluateConfig::is_default")]
    pub evaluate: EvaluateConfig,
    /// The shorter side of the images, in pixels, for which the lengths of all `augment` are meant (shift, elastic and
    /// elastic_sigma): of larger and smaller images they grow and shrink with the side. Without it, they are pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augment_side: Option<usize>,
}

/// Sizes of the regions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Regions {
    /// Feature maps of the retina.
    pub retina: usize,
    /// Side of the retina's receptive field; odd.
    pub retina_kernel: usize,
    /// Units of the thalamic gate's hidden layer.
    pub thalamus_hidden: usize,
    /// Feature maps of V1.
    pub v1: usize,
    /// Feature maps of V2.
    pub v2: usize,
    /// Feature maps of V4.
    pub v4: usize,
    /// Units of the inferotemporal embedding.
    pub embedding: usize,
    /// Feature maps of the cerebellum's two stages, coarse to fine.
    pub cerebellum: [usize; 2],
    /// Probability that a unit of the embedding is dropped on its way to the prefrontal cortex; in [0, 1).
    pub dropout: f64,
    /// Whether images are named and remembered by the mean of two embeddings, the image's and that of its mirror image: for things that
    /// have no left and right. Learning and drawing see one side at a time.
    #[serde(skip_serializing_if = "is_default")]
    pub both_sides: bool,
}

impl Default for Regions {
    fn default() -> Self {
        let BrainConfig {
            height: _,
            width: _,
            channels: _,
            classes: _,
            retina,
            retina_kernel,
            thalamus_hidden,
            v1,
            v2,
            v4,
            embedding,
            cerebellum,
            dropout,
            both_sides,
        } = BrainConfig::default();
        Self { retina, retina_kernel, thalamus_hidden, v1, v2, v4, embedding, cerebellum, dropout, both_sides }
    }
}

impl Regions {
    /// A brain of these sizes for images of this size and so many classes.
    #[must_use]
    pub fn of(self, height: usize, width: usize, classes: usize) -> BrainConfig {
        let Self { retina, retina_kernel, thalamus_hidden, v1, v2, v4, embedding, cerebellum, dropout, both_sides } =
            self;
        BrainConfig {
            height,
            width,
            channels: 1,
            classes,
            retina,
            retina_kernel,
            thalamus_hidden,
            v1,
            v2,
            v4,
            embedding,
            cerebellum,
            dropout,
            both_sides,
        }
    }

    pub(super) fn for_images(self, images: &Images) -> BrainConfig {
        self.of(images.height(), images.width(), images.classes())
    }
}

impl Settings for BrainModelConfig {
    fn check(&self) -> Result<(), Error> {
        let sizes = self.regions.of(28, 28, 10);
        sizes.validate()?;
        // Refuses what the memory would refuse after hours of training.
        Hippocampus::new(&sizes, self.hippocampus)?;
        self.probe.check().map_err(|e| e.under("probe"))?;
        if self.augment_side == Some(0) {
            return Err(Error::config("augment_side is 0, but must be at least 1"));
        }
        Ok(())
    }
}

/// What a brain does, stage by stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum BrainStage {
    /// Gives the image back, without labels.
    Reconstruct(ReconstructConfig),
    /// Names the class.
    Classify(ClassifyConfig),
    /// Stores what a region answers to the training images in the hippocampus.
    Remember(RememberConfig),
    /// Learns whom to trust, cortex or memory.
    Trust(GateConfig),
}

/// Gives the image back: cortex and cerebellum learn, without labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReconstructConfig {
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

/// Names the class: cortex and prefrontal cortex learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClassifyConfig {
    /// How it learns.
    pub learn: LearnConfig,
    /// Geometry of what is shown.
    #[serde(default)]
    pub augment: Augment,
    /// Share of the target spread over all classes, in [0, 1).
    #[serde(default)]
    pub label_smoothing: f64,
}

/// Fills the hippocampus, which begins empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RememberConfig {
    /// What is remembered of an image, and what is recalled by.
    #[serde(skip_serializing_if = "is_default")]
    pub region: Region,
    /// Whose answer that is: with a cortex that knows other things than the one that decides, memory makes other mistakes.
    #[serde(skip_serializing_if = "is_default")]
    pub cortex: Cortex,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What `remember` gives.
const FILLED: &str = "a filled hippocampus";

impl Settings for BrainStage {
    fn check(&self) -> Result<(), Error> {
        let learn = |learn: &LearnConfig| learn.check().map_err(|e| e.under("learn"));
        match self {
            Self::Reconstruct(stage) => {
                learn(&stage.learn)?;
                stage.augment.validate()?;
                stage.corruption.validate()?;
            }
            Self::Classify(stage) => {
                learn(&stage.learn)?;
                stage.augment.validate()?;
                let smoothing = stage.label_smoothing;
                if !(0.0..1.0).contains(&smoothing) {
                    return Err(Error::config(format!("label_smoothing is {smoothing}, but must be in [0, 1)")));
                }
            }
            Self::Remember(_) => {}
            Self::Trust(stage) => stage.check()?,
        }
        Ok(())
    }
}

impl Stage for BrainStage {
    const KINDS: &'static [StageKind] = &[
        StageKind {
            kind: "reconstruct",
            about: "the cerebellum learns to draw the image again from the embedding, without labels",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "classify",
            about: "the prefrontal cortex learns to name the class, and the cortex below it to help",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "remember",
            about: "the hippocampus stores what a region answers to the training images, and their labels",
            needs: &[],
            gives: &[FILLED],
        },
        StageKind {
            kind: "trust",
            about: "the basal ganglia learn from held-out images when memory is the better adviser",
            needs: &[FILLED],
            gives: &[],
        },
    ];

    fn kind(&self) -> &'static str {
        match self {
            Self::Reconstruct(_) => "reconstruct",
            Self::Classify(_) => "classify",
            Self::Remember(_) => "remember",
            Self::Trust(_) => "trust",
        }
    }
}
