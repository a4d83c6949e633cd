//! `model: {kind: layers}` and its stages.

use nl_data::{Augment, Corruption};
use nl_layers::Initializer;
use nl_layers::graph::LayerEntry;
use nl_layers::loss::{CrossEntropy, JointEmbeddingKind, LossKind, NtXent};
use serde::{Deserialize, Serialize};

use super::feedback_alignment::FeedbackAlignmentConfig;
use super::mixup;
use super::predictive_coding::PredictiveCodingConfig;
use super::reconstruct::ReconstructConfig;
use crate::Error;
use crate::evaluate::EvaluateConfig;
use crate::gradient::{LearnConfig, Watched};
use crate::models::probing::ProbeConfig;
use crate::run::{Settings, Stage, StageKind};

/// A list of layers, and the read-out behind the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayersModelConfig {
    /// The layers, from the image up. A layer is given what the one before it gives, or what `from` names; the shapes follow.
    /// Behind the last one stands a linear read-out of as many numbers as the loss asks for: a row of features must reach it.
    pub layers: Vec<LayerEntry>,
    /// How embeddings (what the last layer gives) are probed: what the last stage without labels (`contrast`, `reconstruct`) left.
    #[serde(default)]
    pub probe: ProbeConfig,
    /// What is looked at besides the scores, when all learning is over.
    #[serde(default, skip_serializing_if = "EvaluateConfig::is_default")]
    pub evaluate: EvaluateConfig,
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
        self.probe.check().map_err(|e| e.under("probe"))?;
        Ok(())
    }
}

/// What is done with a network of layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LayersStage {
    /// Learns without labels: two views of an image are to be embedded alike, views of others apart.
    Contrast(ContrastConfig),
    /// Learns without labels: what was spoilt or hidden of a picture is to be restored.
    Reconstruct(ReconstructConfig),
    /// Learns from samples with classes or values.
    Supervise(SuperviseConfig),
    /// Learns from samples with classes or values by predictive coding, without back-propagation.
    PredictiveCoding(PredictiveCodingConfig),
    /// Learns from samples with classes or values by feedback alignment, without back-propagation's weights.
    FeedbackAlignment(FeedbackAlignmentConfig),
}

/// Learns from two distorted views of each image, without labels: all layers and a projector behind the last, which is not
/// used for anything else.
///
/// Source: Chen et al., "A simple framework for contrastive learning of visual representations", ICML 2020, §2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ContrastConfig {
    /// How it learns. What an image is told apart from is its shard: use a larger one (`shard: 128`) than where each image
    /// counts for itself.
    pub learn: LearnConfig,
    /// Whether all weights begin again, as they were before the first stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// What is minimised.
    #[serde(default = "nt_xent")]
    pub loss: JointEmbeddingKind,
    /// Geometry of the views.
    #[serde(default)]
    pub augment: Augment,
    /// Noise on the views.
    #[serde(default)]
    pub corruption: Corruption,
    /// What stands behind the last layer while views are compared: one hidden layer with ReLU, then linear.
    #[serde(default)]
    pub projector: ProjectorConfig,
}

const fn nt_xent() -> JointEmbeddingKind {
    JointEmbeddingKind::NtXent(NtXent { temperature: 0.2 })
}

/// Sizes of a projector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ProjectorConfig {
    /// Units of its hidden layer.
    pub hidden: usize,
    /// Units in which views are compared.
    pub units: usize,
}

impl Default for ProjectorConfig {
    fn default() -> Self {
        Self { hidden: 256, units: 64 }
    }
}

/// Learns from samples with classes or values, by gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SuperviseConfig {
    /// How it learns.
    pub learn: LearnConfig,
    /// Whether all weights begin again, as they were before the first stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// What is minimised.
    #[serde(default = "cross_entropy")]
    pub loss: LossKind,
    /// What is to be learned of each sample.
    #[serde(default, skip_serializing_if = "is_given")]
    pub target: SuperviseTarget,
    /// Geometry of what is shown, the same for all channels of a picture, and rectangles erased from it (cutout: `erase`); of
    /// samples that are no pictures it must be left out.
    #[serde(default)]
    pub augment: Augment,
    /// α of mixup: pictures, or samples of floats, are shown in mixtures of two, λ to 1 − λ with λ ~ Beta(α, α), and so are
    /// their classes; only with cross-entropy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0)))]
    pub mixup: Option<f64>,
}

/// What is to be learned of each sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SuperviseTarget {
    /// The class or the values that the data give.
    #[default]
    Given,
    /// By how many degrees it was turned, clockwise: each picture is turned by an angle of its own, drawn anew in each epoch
    /// of learning, fixed for validation and test. No label is looked at.
    Rotation(RotationConfig),
}

/// How far pictures are turned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotationConfig {
    /// Angles are uniform from −`degrees` to `degrees`, above 0 and at most 180.
    pub degrees: f32,
}

fn is_given(target: &SuperviseTarget) -> bool {
    *target == SuperviseTarget::Given
}

pub(super) fn cross_entropy() -> LossKind {
    LossKind::CrossEntropy(CrossEntropy::default())
}

impl Settings for LayersStage {
    fn check(&self) -> Result<(), Error> {
        let learn = |learn: &LearnConfig| learn.check().map_err(|e| e.under("learn"));
        match self {
            Self::Contrast(stage) => {
                learn(&stage.learn)?;
                stage.loss.check("loss")?;
                stage.augment.validate()?;
                stage.corruption.validate()?;
                let ProjectorConfig { hidden, units } = stage.projector;
                if hidden == 0 || units == 0 {
                    return Err(Error::config(format!("projector has hidden {hidden}, units {units}; use at least 1")));
                }
                let watched = stage.learn.early_stopping.map(|stopping| stopping.measure);
                if watched == Some(Watched::ValidationLoss) {
                    return Err(Error::config(
                        "learn.early_stopping: contrast measures no loss on what is held out; use {measure: validation-accuracy}",
                    ));
                }
                let (batch, shard) = (stage.learn.batch, stage.learn.shard);
                if shard < 2 || batch % shard == 1 {
                    return Err(Error::config(format!(
                        "learn.batch is {batch} in shards of {shard}: an image alone in its shard has nothing to be told apart from"
                    )));
                }
            }
            Self::Supervise(stage) => {
                learn(&stage.learn)?;
                stage.loss.check("loss")?;
                stage.augment.validate()?;
                if let SuperviseTarget::Rotation(RotationConfig { degrees }) = stage.target
                    && !(degrees > 0.0 && degrees <= 180.0)
                {
                    return Err(Error::config(format!("degrees is {degrees}, but must be above 0 and at most 180")));
                }
                if let Some(alpha) = stage.mixup {
                    mixup::check(alpha)?;
                    if !matches!(stage.loss, LossKind::CrossEntropy(_)) {
                        let name = stage.loss.name();
                        return Err(Error::config(format!(
                            "mixup mixes the classes of cross-entropy, and loss is {name}; use cross-entropy or leave mixup out"
                        )));
                    }
                }
            }
            Self::Reconstruct(stage) => stage.check()?,
            Self::PredictiveCoding(stage) => stage.check()?,
            Self::FeedbackAlignment(stage) => stage.check()?,
        }
        Ok(())
    }
}

impl Stage for LayersStage {
    const KINDS: &'static [StageKind] = &[
        StageKind {
            kind: "contrast",
            about: "all layers learn without labels to embed two views of an image alike and others apart",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "reconstruct",
            about: "all layers learn without labels to restore what was spoilt or hidden of a picture",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "supervise",
            about: "all layers learn classes or values by gradient",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "predictive-coding",
            about: "layers in a row learn classes or values by local errors, after inference",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "feedback-alignment",
            about: "layers learn classes or values by errors that come back through fixed random weights",
            needs: &[],
            gives: &[],
        },
    ];

    fn kind(&self) -> &'static str {
        match self {
            Self::Contrast(_) => "contrast",
            Self::Reconstruct(_) => "reconstruct",
            Self::Supervise(_) => "supervise",
            Self::PredictiveCoding(_) => "predictive-coding",
            Self::FeedbackAlignment(_) => "feedback-alignment",
        }
    }
}
