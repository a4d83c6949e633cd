//! Any network of layers, from a list in a file.

mod alignment;
mod areas;
mod config;
mod contrast;
mod feedback_alignment;
mod findings;
mod mixup;
mod network;
mod predictive_coding;
mod reconstruct;
mod sections;
mod shown;
mod side_by_side;
mod stage;
mod supervise;

use std::path::Path;

use nl_layers::Parameters;
use nl_layers::graph::{Form, Line};
use nl_layers::loss::{LossKind, TargetForm};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{ContrastConfig, LayersModelConfig, LayersStage, ProjectorConfig, SuperviseConfig};
pub use feedback_alignment::FeedbackAlignmentConfig;
pub use predictive_coding::PredictiveCodingConfig;
pub use reconstruct::{DecoderConfig, Pixels, ReconstructConfig};

use self::areas::Places;
use self::contrast::Contrasting;
use self::feedback_alignment::Aligning;
use self::network::{Network, Purpose};
use self::predictive_coding::Coding;
use self::reconstruct::Reconstructing;
use self::stage::Kept;
use self::supervise::Supervising;
use crate::Error;
use crate::gradient::{Budget, Gradient, GradientStage, Task, check_finite};
use crate::run::{Findings, Learner, Model, Prediction, Progress, Setting, Story, Tensor};

/// Images of a shard where nothing is learned.
const SHARD: usize = 16;

/// A network of layers and its weights.
pub struct LayersModel {
    network: Network,
    parameters: Parameters<f32>,
    /// The weights before the first stage.
    first: Parameters<f32>,
    /// What each stage that is over left, in order.
    left: Vec<Parameters<f32>>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct LayersState {
    parameters: Vec<f32>,
    left: Vec<Vec<f32>>,
}

/// The loss of the last stage with labels: what the outputs mean.
fn loss<'a>(setting: &Setting<'a, LayersModel>) -> Option<&'a LossKind> {
    setting.config.stages.iter().rev().find_map(LayersStage::loss)
}

impl Model for LayersModel {
    const KIND: &'static str = "layers";
    const ABOUT: &'static str = "any network from a list of layers, with branches by name, that learns by gradient";
    const IMAGES: bool = true;
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/layers.json"));
    type Config = LayersModelConfig;
    type Stage = LayersStage;
    type State = LayersState;

    fn check_images(setting: Setting<'_, Self>) -> Result<Vec<String>, Error> {
        let images = setting.images()?.learn.len();
        if images == 0 {
            return Err(Error::config("there are no images to learn from"));
        }
        let mut words = Vec::new();
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let wanted = stage.learn().wanted();
            words.extend(Budget::new(images, wanted)?.differs(&format!("stages[{i}]"), images, &wanted));
        }
        Ok(words)
    }

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let images = &setting.images()?.split.train;
        let target = TargetForm::Classes(images.classes());
        let (mut width, mut projector, mut decoder) = (None, None, None);
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let under = |error: Error| error.under(&format!("stages[{i}]"));
            if let Some(loss) = stage.loss() {
                let wanted = loss.outputs(&target).map_err(|e| under(e.into()))?;
                let first = *width.get_or_insert(wanted);
                if first != wanted {
                    return Err(under(Error::config(format!(
                        "loss wants {wanted} numbers of the read-out, that of an earlier stage {first}; one network has one \
                         read-out"
                    ))));
                }
            }
            if let LayersStage::Contrast(stage) = stage {
                let first = *projector.get_or_insert(stage.projector);
                if first != stage.projector {
                    return Err(under(Error::config(
                        "projector is another one than that of an earlier stage; use one",
                    )));
                }
            }
            if let LayersStage::Reconstruct(stage) = stage {
                let first = *decoder.get_or_insert(stage.decoder);
                if first != stage.decoder {
                    return Err(under(Error::config("decoder is another one than that of an earlier stage; use one")));
                }
            }
        }
        let purpose = Purpose {
            input: Form::image(1, images.height(), images.width()),
            loss: loss(&setting),
            target,
            projector,
            decoder,
            seed: setting.config.seed,
        };
        let model = &setting.config.model;
        let (network, parameters) = Network::new(model, &purpose).map_err(|e| e.under("model"))?;
        for (i, stage) in setting.config.stages.iter().enumerate() {
            let suits = match stage {
                LayersStage::PredictiveCoding(_) => Places::of(&network).map(drop),
                LayersStage::FeedbackAlignment(stage) => stage.suits(&model.layers, &network),
                LayersStage::Contrast(_) | LayersStage::Reconstruct(_) | LayersStage::Supervise(_) => Ok(()),
            };
            suits.map_err(|e| e.under(&format!("stages[{i}]")))?;
        }
        Ok(Self { network, first: parameters.clone(), parameters, left: Vec::new() })
    }

    fn parts(&self) -> Vec<Line> {
        self.network.lines().to_vec()
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let data = setting.images()?;
        let Some(of) = setting.config.stages.get(stage) else { return Err(Error::config("no such stage")) };
        if self.left.len() != stage {
            let left = self.left.len();
            return Err(Error::config(format!("the model holds what {left} stages left, but {stage} are over")));
        }
        // Odd multiples of the golden ratio spread consecutive numbers over the 64-bit seeds.
        let streams = |number: u64| Streams::new(setting.config.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // Of each kind of stage its own.
        let number = |kind: u64| (kind << 32) + setting.occurrence(stage) + 1;
        let start = Start { model: self, of, title: stage::title(&setting, stage), items: &data.learn };
        Ok(match of {
            LayersStage::Contrast(config) => {
                let views = [2 * number(0), 2 * number(0) + 1].map(|view| streams((1 << 32) + view));
                start.learner(Contrasting::new(config, data, views), views[0])?
            }
            LayersStage::Reconstruct(config) => {
                let streams = streams(number(4));
                start.learner(Reconstructing::new(config, data, streams), streams)?
            }
            LayersStage::Supervise(config) => {
                let streams = streams(number(0));
                start.learner(Supervising::new(config, data, streams), streams)?
            }
            LayersStage::PredictiveCoding(config) => {
                let streams = streams(number(2));
                start.learner(Coding::new(config, data, streams, (&self.network, &self.first))?, streams)?
            }
            LayersStage::FeedbackAlignment(config) => {
                let streams = streams(number(3));
                start.learner(Aligning::new(config, data, streams, (&self.network, &self.first))?, streams)?
            }
        })
    }

    fn state(&mut self, _: &Path) -> Result<LayersState, Error> {
        let values = |parameters: &Parameters<f32>| parameters.values().to_vec();
        Ok(LayersState { parameters: values(&self.parameters), left: self.left.iter().map(values).collect() })
    }

    fn restore(&mut self, state: LayersState, _: &Path) -> Result<(), Error> {
        let LayersState { parameters, left } = state;
        self.parameters.set_values(&parameters)?;
        let mut kept = Vec::with_capacity(left.len());
        for (i, values) in left.iter().enumerate() {
            let mut of = self.first.clone();
            of.set_values(values).map_err(|e| Error::config(format!("what stage {} left: {e}", i + 1)))?;
            check_finite(&of, || format!("the checkpoint, what stage {} left", i + 1))?;
            kept.push(of);
        }
        self.left = kept;
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

    fn predict(&self, setting: Setting<'_, Self>, images: &nl_data::Images) -> Result<Vec<Prediction>, Error> {
        findings::predict(self, setting, images)
    }
}

/// A stage about to begin.
struct Start<'m> {
    model: &'m LayersModel,
    of: &'m LayersStage,
    title: String,
    items: &'m [u32],
}

impl Start<'_> {
    fn learner<'a>(
        self,
        task: impl Task<LayersModel> + 'a,
        streams: Streams,
    ) -> Result<Box<dyn Learner<LayersModel> + 'a>, Error> {
        let Self { model, of, title, items } = self;
        let learns = model.network.learns(of.behind());
        let gradient = Gradient::new(&title, of.learn(), &model.parameters, &learns, items.to_vec(), streams)?;
        Ok(Box::new(GradientStage::new(title, Kept { task, fresh: of.fresh() }, gradient)))
    }
}
