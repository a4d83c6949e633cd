//! What the hippocampus stores of an image, and recalls by.

use nl_autodiff::Tensor;
use nl_brain::Brain;
use nl_data::Images;
use nl_layers::Parameters;
use nl_random::Streams;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::BrainModel;
use super::config::RememberConfig;
use super::evaluator::Evaluator;
use crate::Error;

/// Whose answer to an image is remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// The inferotemporal embedding: what the prefrontal cortex decides by too.
    #[default]
    Inferotemporal,
    /// The maps of V4.
    V4,
    /// The maps of V2.
    V2,
    /// The maps of V1.
    V1,
    /// The maps of the retina.
    Retina,
    /// The image itself.
    Image,
}

impl Region {
    /// Where its answer is recorded; none for the image and for the embedding, which is what encoding gives.
    fn path(self) -> Option<&'static str> {
        match self {
            Self::Inferotemporal | Self::Image => None,
            Self::V4 => Some("cortex/v4"),
            Self::V2 => Some("cortex/v2"),
            Self::V1 => Some("cortex/v1"),
            Self::Retina => Some("cortex/retina"),
        }
    }

    /// As shown to people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Inferotemporal => "inferotemporal embedding",
            Self::V4 => "maps of V4",
            Self::V2 => "maps of V2",
            Self::V1 => "maps of V1",
            Self::Retina => "maps of the retina",
            Self::Image => "image itself",
        }
    }

    /// Its box in the picture of the brain, if it is not the embedding's.
    pub(super) const fn block(self) -> Option<&'static str> {
        match self {
            Self::Inferotemporal => None,
            Self::V4 => Some("v4"),
            Self::V2 => Some("v2"),
            Self::V1 => Some("v1"),
            Self::Retina => Some("retina"),
            Self::Image => Some("image"),
        }
    }

    /// Numbers of its answer.
    fn size(self, brain: &Brain) -> usize {
        let config = brain.config();
        let [[h, w], [h2, w2], [h4, w4]] = config.pyramid();
        match self {
            Self::Inferotemporal => config.embedding,
            Self::V4 => config.v4 * h4 * w4,
            Self::V2 => config.v2 * h4 * w4,
            Self::V1 => config.v1 * h2 * w2,
            Self::Retina => config.retina * h * w,
            Self::Image => config.channels * h * w,
        }
    }
}

/// When the cortex whose answer it is had learned what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Cortex {
    /// As it is when it remembers and when it recalls.
    #[default]
    Now,
    /// As it was at the end of the last stage `reconstruct`: it has seen no label.
    Unlabelled,
}

/// Keys of images: the answer x of a region, as it is for the embedding, else P x of as many numbers as an embedding has,
/// with P_ij = ±1/√embedding drawn once from the seed: distances stay what they were, about 1/√embedding of them apart.
///
/// Source: Achlioptas, J. Comput. Syst. Sci. 66, 2003, theorem 1.1; that the dentate gyrus mixes what it receives at random:
/// Marr, Phil. Trans. R. Soc. B 262, 1971.
pub(super) struct Keys {
    region: Region,
    parameters: Parameters<f32>,
    /// `[size, embedding]`; none where the answer is the key.
    projection: Option<Tensor<f32>>,
    width: usize,
}

impl Keys {
    pub(super) fn new(model: &BrainModel, config: RememberConfig) -> Result<Self, Error> {
        let mut parameters = model.parameters.clone();
        if config.cortex == Cortex::Unlabelled {
            parameters.set_values(&model.reconstructed)?;
        }
        let (size, width) = (config.region.size(&model.brain), model.brain.config().embedding);
        let projection = match config.region {
            Region::Inferotemporal => None,
            _ => {
                let mut rng = Streams::new(model.seed).rng("hippocampus/projection", 0, 0);
                let unit = 1.0 / (width as f32).sqrt();
                let values = (0..size * width).map(|_| if rng.random::<bool>() { unit } else { -unit }).collect();
                Some(Tensor::new(&[size, width], values)?)
            }
        };
        Ok(Self { region: config.region, parameters, projection, width })
    }

    /// Those of the memory that `model` has; none where they are the embedding that it decides by.
    pub(super) fn of_model(model: &BrainModel) -> Result<Option<Self>, Error> {
        let config = model.remembered;
        (config != RememberConfig::default()).then(|| Self::new(model, config)).transpose()
    }

    /// `[N, embedding]`
    pub(super) fn of(&self, evaluator: &mut Evaluator, brain: &Brain, images: &Images) -> Result<Vec<f32>, Error> {
        match &self.projection {
            None => Ok(evaluator.encode(brain, &self.parameters, images)?.embedding),
            Some(projection) => {
                evaluator.project(brain, &self.parameters, images, self.region.path(), projection, self.width)
            }
        }
    }
}
