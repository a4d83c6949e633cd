//! What a brain does, stage by stage.

use std::ops::Range;

use nl_brain::{Brain, Hippocampus, HippocampusConfig};
use nl_data::{Augment, Batches, Images};
use nl_layers::Parameters;
use nl_random::Streams;

use super::config::{BrainStage, ClassifyConfig, ReconstructConfig, TrustConfig};
use super::evaluator::Evaluator;
use super::objective::{Classify, Evidence, Reconstruct, ReconstructionLoss, Trust, augmented_image};
use super::recall::evidence;
use super::{BrainModel, SHARD};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Gradient, GradientStage, LearnConfig, Stepped, Task};
use crate::metrics::{
    accuracy, argmax, cross_entropy, labels, log_softmax, mean_squared_error, negative_log_likelihood,
};
use crate::run::{Advance, Learner, Measures, Plan, Progress, Setting};

/// Streams of a stage: the same epoch of two stages must not draw the same numbers.
pub(super) fn streams(seed: u64, kind: Purpose, occurrence: u64) -> Streams {
    // Odd multiples of the golden ratio spread consecutive numbers over the 64-bit seeds.
    let number = kind as u64 + 1 + 16 * occurrence;
    Streams::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Who draws.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Reconstruct,
    Classify,
    Trust,
    Evaluation,
}

/// What can be known before any training: that batches fit the images, and neighbours what will be remembered.
pub(super) fn check_sizes(setting: Setting<'_, BrainModel>) -> Result<(), Error> {
    let learn = setting.images()?.learn.len();
    for (i, stage) in setting.config.stages.iter().enumerate() {
        let (batch, images) = match stage {
            BrainStage::Reconstruct(stage) => (stage.learn.batch, learn),
            BrainStage::Classify(stage) => (stage.learn.batch, learn),
            BrainStage::Trust(stage) => (stage.learn.batch, stage.queries.min(learn)),
            BrainStage::Remember(_) => {
                let neighbours = setting.config.model.hippocampus.neighbours;
                if neighbours > learn {
                    return Err(Error::config(format!(
                        "model.hippocampus.neighbours is {neighbours}, but there are {learn} images to remember; ask for fewer"
                    )));
                }
                continue;
            }
        };
        if batch > images {
            return Err(Error::config(format!(
                "stages[{i}].learn.batch is {batch}, but there are {images} images to learn from; use a smaller batch"
            )));
        }
    }
    Ok(())
}

pub(super) fn learner<'a>(
    model: &BrainModel,
    stage: usize,
    setting: Setting<'a, BrainModel>,
) -> Result<Box<dyn Learner<BrainModel> + 'a>, Error> {
    let data = setting.images()?;
    let (seed, occurrence) = (setting.config.seed, setting.occurrence(stage));
    let Some(config) = setting.config.stages.get(stage) else { return Err(Error::config("no such stage")) };
    let gradient = |name: &'static str, learn: &LearnConfig, learns: &[&str], items: Vec<u32>, streams: Streams| {
        Gradient::new(name, learn, &model.parameters, learns, items, streams)
    };
    Ok(match config {
        BrainStage::Reconstruct(config) => {
            let streams = streams(seed, Purpose::Reconstruct, occurrence);
            let learns = [Brain::CORTEX, Brain::CEREBELLUM];
            let gradient = gradient(RECONSTRUCT, &config.learn, &learns, data.learn.clone(), streams)?;
            let (held_out, evaluator) = (data.held_out(), Evaluator::new(config.learn.shard));
            Box::new(GradientStage::new(RECONSTRUCT, Drawing { config, data, streams, held_out, evaluator }, gradient))
        }
        BrainStage::Classify(config) => {
            let streams = streams(seed, Purpose::Classify, occurrence);
            let learns = [Brain::CORTEX, Brain::PREFRONTAL];
            let gradient = gradient(CLASSIFY, &config.learn, &learns, data.learn.clone(), streams)?;
            let (held_out, evaluator) = (data.held_out(), Evaluator::new(config.learn.shard));
            Box::new(GradientStage::new(CLASSIFY, Naming { config, data, streams, held_out, evaluator }, gradient))
        }
        BrainStage::Remember(_) => {
            let hippocampus = empty(model, setting)?;
            let evaluator = Evaluator::new(SHARD);
            let pieces: Vec<Range<usize>> = evaluator.pieces(data.learn.len()).collect();
            Box::new(Remembering { data, evaluator, pieces, done: 0, hippocampus: Some(hippocampus) })
        }
        BrainStage::Trust(config) => {
            let streams = streams(seed, Purpose::Trust, occurrence);
            let queries = config.queries.min(data.learn.len());
            let rows = (0..queries as u32).collect();
            let gradient = gradient(TRUST, &config.learn, &[Brain::BASAL_GANGLIA], rows, streams)?;
            let evaluator = Evaluator::new(config.learn.shard);
            let (asked, held_out) = (Evidence::default(), Evidence::default());
            let task = Trusting { config, data, streams, queries, asked, held_out, evaluator };
            Box::new(GradientStage::new(TRUST, task, gradient))
        }
    })
}

pub(super) const RECONSTRUCT: &str = "Self-supervised";
pub(super) const CLASSIFY: &str = "Supervised";
pub(super) const REMEMBER: &str = "Hippocampus";
pub(super) const TRUST: &str = "Basal ganglia";

/// From the embedding, the cerebellum draws the image again.
struct Drawing<'a> {
    config: &'a ReconstructConfig,
    data: &'a Dataset,
    streams: Streams,
    held_out: Images,
    evaluator: Evaluator,
}

impl Task<BrainModel> for Drawing<'_> {
    fn step(&mut self, model: &mut BrainModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ReconstructConfig { augment, corruption, target, loss, .. } = *self.config;
        let (brain, images, streams) = (&model.brain, &self.data.split.train, self.streams);
        let objective = Reconstruct { brain, images, streams, augment, corruption, target, loss };
        gradient.step(&mut model.parameters, &objective)
    }

    fn validate(&mut self, model: &BrainModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        if self.held_out.is_empty() {
            return Ok(Measures::none());
        }
        let drawn = self.evaluator.reconstruct(&model.brain, parameters, &self.held_out)?;
        let loss = match self.config.loss {
            ReconstructionLoss::Mse => mean_squared_error(&drawn, &self.held_out),
            ReconstructionLoss::Bce => cross_entropy(&drawn, &self.held_out),
        };
        Ok(Measures::of("validation_loss", loss))
    }

    fn parameters<'m>(&self, model: &'m mut BrainModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }

    fn finish(&mut self, model: &mut BrainModel) -> Result<(), Error> {
        model.reconstructed = model.parameters.values().to_vec();
        Ok(())
    }
}

/// The prefrontal cortex names the class.
struct Naming<'a> {
    config: &'a ClassifyConfig,
    data: &'a Dataset,
    streams: Streams,
    held_out: Images,
    evaluator: Evaluator,
}

impl Task<BrainModel> for Naming<'_> {
    fn step(&mut self, model: &mut BrainModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ClassifyConfig { augment, label_smoothing, .. } = *self.config;
        let (brain, images, streams) = (&model.brain, &self.data.split.train, self.streams);
        gradient.step(&mut model.parameters, &Classify { brain, images, streams, augment, label_smoothing })
    }

    fn validate(&mut self, model: &BrainModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        let classes = model.brain.config().classes;
        let encoded = self.evaluator.encode(&model.brain, parameters, &self.held_out)?;
        Ok(scores(&log_softmax(&encoded.logits, classes), classes, &labels(&self.held_out)))
    }

    fn parameters<'m>(&self, model: &'m mut BrainModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// An empty hippocampus for this brain.
fn empty(model: &BrainModel, setting: Setting<'_, BrainModel>) -> Result<Hippocampus, Error> {
    let config = setting.config.model.hippocampus;
    let config = HippocampusConfig { seed: config.seed ^ setting.config.seed, ..config };
    Ok(Hippocampus::new(model.brain.config(), config)?)
}

/// Embeddings of the training images, stored; ids are indices of the training set. A stop begins it again: it takes seconds.
struct Remembering<'a> {
    data: &'a Dataset,
    evaluator: Evaluator,
    pieces: Vec<Range<usize>>,
    done: usize,
    hippocampus: Option<Hippocampus>,
}

impl Learner<BrainModel> for Remembering<'_> {
    fn plan(&self) -> Plan {
        Plan { name: REMEMBER.into(), unit: "images", total: self.data.learn.len() as u64 }
    }

    fn done(&self, _: &BrainModel) -> u64 {
        0
    }

    fn advance(&mut self, model: &mut BrainModel, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let total = self.data.learn.len() as u64;
        let (Some(piece), Some(hippocampus)) = (self.pieces.get(self.done), &mut self.hippocampus) else {
            return Ok(Advance { done: total, finished: true, ..Advance::default() });
        };
        let samples = &self.data.learn[piece.clone()];
        let images = self.data.split.train.select(samples);
        let encoded = self.evaluator.encode(&model.brain, &model.parameters, &images)?;
        let ids: Vec<u64> = samples.iter().map(|&i| u64::from(i)).collect();
        hippocampus.store(&encoded.embedding, &labels(&images), &ids)?;
        self.done += 1;
        Ok(Advance { done: piece.end as u64, finished: piece.end as u64 == total, ..Advance::default() })
    }

    fn finish(&mut self, model: &mut BrainModel) -> Result<(), Error> {
        model.hippocampus = self.hippocampus.take();
        model.memory = None;
        Ok(())
    }
}

/// The basal ganglia learn when memory is the better adviser.
struct Trusting<'a> {
    config: &'a TrustConfig,
    data: &'a Dataset,
    streams: Streams,
    queries: usize,
    asked: Evidence,
    held_out: Evidence,
    evaluator: Evaluator,
}

impl Task<BrainModel> for Trusting<'_> {
    fn preparation(&self) -> &'static str {
        "Evidence"
    }

    fn prepare(&mut self, model: &mut BrainModel, progress: &mut Progress<'_>) -> Result<(), Error> {
        let draw = Batches::over(self.data.learn.clone(), self.queries, true, &self.streams, 0)?;
        let drawn = draw.get(0).unwrap_or_default();
        let views = augmented(&self.data.split.train.select(drawn), &self.config.augment, &self.streams)?;
        let ids: Vec<u64> = drawn.iter().map(|&i| u64::from(i)).collect();
        let mut check = |_: usize| progress.check();
        // Each query without its own memory: else the gate would learn to trust a leak.
        self.asked = evidence(model, &mut self.evaluator, &views, Some(&ids), &mut check)?.0;
        self.held_out = evidence(model, &mut self.evaluator, &self.data.held_out(), None, &mut check)?.0;
        Ok(())
    }

    fn step(&mut self, model: &mut BrainModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        gradient.step(&mut model.parameters, &Trust { brain: &model.brain, evidence: &self.asked })
    }

    fn validate(&mut self, model: &BrainModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        let decided = self.evaluator.decide(&model.brain, parameters, &self.held_out)?;
        Ok(scores(&decided.log_probs, model.brain.config().classes, &self.held_out.labels))
    }

    fn parameters<'m>(&self, model: &'m mut BrainModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}

/// Every image once through the augmentation.
fn augmented(images: &Images, augment: &Augment, streams: &Streams) -> Result<Images, Error> {
    let mut scratch = nl_data::Scratch::default();
    through(images, |i, image, view| augmented_image(images, i, augment, streams, 0, image, &mut scratch, view))
}

/// Every image through `f(index, working memory, view)`, back to bytes.
pub(super) fn through(
    images: &Images,
    mut f: impl FnMut(u32, &mut Vec<f32>, &mut [f32]) -> Result<(), Error>,
) -> Result<Images, Error> {
    let (mut image, mut view) = (Vec::new(), vec![0.0; images.area()]);
    let mut pixels = Vec::with_capacity(images.pixels().len());
    for i in 0..images.len() as u32 {
        f(i, &mut image, &mut view)?;
        pixels.extend(view.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8));
    }
    let (height, width) = (images.height(), images.width());
    Images::new(pixels, images.labels().to_vec(), height, width, images.classes())
        .map_err(|e| Error::config(e.to_string()))
}

fn scores(log_probs: &[f32], classes: usize, labels: &[u32]) -> Measures {
    Measures::none()
        .and_some("validation_loss", negative_log_likelihood(log_probs, classes, labels))
        .and_some("validation_accuracy", accuracy(&argmax(log_probs, classes), labels))
}
