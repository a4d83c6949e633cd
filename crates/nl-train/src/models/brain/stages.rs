//! What a brain does, stage by stage.

use std::ops::Range;

use nl_brain::{BasalGanglia, Brain, Hippocampus, HippocampusConfig};
use nl_data::{Augment, Images};
use nl_layers::Parameters;
use nl_random::Streams;

use super::config::{BrainStage, ClassifyConfig, ReconstructConfig, RememberConfig};
use super::evaluator::Evaluator;
use super::gate::{self, Fitted, GateConfig};
use super::keys::{Cortex, Keys};
use super::objective::{Classify, Reconstruct, ReconstructionLoss};
use super::recall::evidence;
use super::{BrainModel, SHARD};
use crate::Error;
use crate::data::Dataset;
use crate::gradient::{Budget, Gradient, GradientStage, LearnConfig, Stepped, Task};
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
    /// Drew the queries of the basal ganglia once; kept, so that the numbers after it stay.
    _Trust,
    Evaluation,
}

/// What can be known before any training: that there are images to learn from, and to be asked about.
pub(super) fn check_sizes(setting: Setting<'_, BrainModel>) -> Result<(), Error> {
    let data = setting.images()?;
    if data.learn.is_empty() {
        return Err(Error::config("there are no images to learn from"));
    }
    for (i, stage) in setting.config.stages.iter().enumerate() {
        let unlabelled = matches!(stage, BrainStage::Remember(config) if config.cortex == Cortex::Unlabelled);
        let before = &setting.config.stages[..i];
        if unlabelled && !before.iter().any(|stage| matches!(stage, BrainStage::Reconstruct(_))) {
            return Err(Error::config(format!(
                "stages[{i}]: cortex is unlabelled, but no stage `reconstruct` comes before; add one, or write cortex: now"
            )));
        }
    }
    setting.config.model.evaluate.check_images(data)?;
    let trusts = setting.config.stages.iter().position(|stage| matches!(stage, BrainStage::Trust(_)));
    if let Some(i) = trusts.filter(|_| data.validation.is_empty()) {
        return Err(Error::config(format!(
            "stages[{i}]: `trust` learns from images that nothing else has learned from; hold some out (data.validation: 2000)"
        )));
    }
    Ok(())
}

/// What a small set makes otherwise than the configuration asks for, as sentences.
pub(super) fn differences(setting: Setting<'_, BrainModel>) -> Result<Vec<String>, Error> {
    let data = setting.images()?;
    let mut words = Vec::new();
    for (i, stage) in setting.config.stages.iter().enumerate() {
        let (config, learn) = match stage {
            BrainStage::Reconstruct(ReconstructConfig { learn, .. }) => (learn, data.learn.len()),
            BrainStage::Classify(ClassifyConfig { learn, .. }) => (learn, data.labelled.len()),
            BrainStage::Remember(_) | BrainStage::Trust(_) => continue,
        };
        let wanted = config.wanted();
        words.extend(Budget::new(learn, wanted)?.differs(&format!("stages[{i}]"), learn, &wanted));
    }
    let (learn, neighbours) = (data.labelled.len(), setting.config.model.hippocampus.neighbours);
    if neighbours > learn {
        words.push(format!(
            "model.hippocampus.neighbours is {neighbours}, but there are {learn} images to remember: all of them are asked"
        ));
    }
    Ok(words)
}

/// Geometry for images of this size.
pub(super) fn sized(augment: &Augment, meant: Option<usize>, images: &Images) -> Augment {
    let side = images.height().min(images.width());
    meant.map_or(*augment, |meant| augment.scaled(side as f32 / meant as f32))
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
            let augment = sized(&config.augment, setting.config.model.augment_side, &data.split.train);
            let gradient = gradient(RECONSTRUCT, &config.learn, &learns, data.learn.clone(), streams)?;
            let (held_out, evaluator) = (data.held_out(), Evaluator::new(config.learn.shard));
            Box::new(GradientStage::new(
                RECONSTRUCT,
                Drawing { config, augment, data, streams, held_out, evaluator },
                gradient,
            ))
        }
        BrainStage::Classify(config) => {
            let streams = streams(seed, Purpose::Classify, occurrence);
            let learns = [Brain::CORTEX, Brain::PREFRONTAL];
            let augment = sized(&config.augment, setting.config.model.augment_side, &data.split.train);
            let gradient = gradient(CLASSIFY, &config.learn, &learns, data.labelled.clone(), streams)?;
            let (held_out, evaluator) = (data.held_out(), Evaluator::new(config.learn.shard));
            Box::new(GradientStage::new(
                CLASSIFY,
                Naming { config, augment, data, streams, held_out, evaluator },
                gradient,
            ))
        }
        BrainStage::Remember(config) => {
            let hippocampus = empty(model, setting)?;
            let evaluator = Evaluator::new(SHARD);
            let pieces: Vec<Range<usize>> = evaluator.pieces(data.labelled.len()).collect();
            Box::new(Remembering {
                config: *config,
                data,
                evaluator,
                keys: None,
                pieces,
                done: 0,
                hippocampus: Some(hippocampus),
            })
        }
        BrainStage::Trust(config) => Box::new(Trusting { config, data, evaluator: Evaluator::new(SHARD) }),
    })
}

pub(super) const RECONSTRUCT: &str = "Self-supervised";
pub(super) const CLASSIFY: &str = "Supervised";
pub(super) const REMEMBER: &str = "Hippocampus";
pub(super) const TRUST: &str = "Basal ganglia";

/// From the embedding, the cerebellum draws the image again.
struct Drawing<'a> {
    config: &'a ReconstructConfig,
    augment: Augment,
    data: &'a Dataset,
    streams: Streams,
    held_out: Images,
    evaluator: Evaluator,
}

impl Task<BrainModel> for Drawing<'_> {
    fn step(&mut self, model: &mut BrainModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ReconstructConfig { corruption, target, loss, .. } = *self.config;
        let augment = self.augment;
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
    augment: Augment,
    data: &'a Dataset,
    streams: Streams,
    held_out: Images,
    evaluator: Evaluator,
}

impl Task<BrainModel> for Naming<'_> {
    fn step(&mut self, model: &mut BrainModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let ClassifyConfig { label_smoothing, .. } = *self.config;
        let augment = self.augment;
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
    let neighbours = config.neighbours.min(setting.images()?.labelled.len());
    let config = HippocampusConfig { seed: config.seed ^ setting.config.seed, neighbours, ..config };
    Ok(Hippocampus::new(model.brain.config(), config)?)
}

/// What a region answers to the training images, stored; ids are indices of the training set. A stop begins it again: it takes seconds.
struct Remembering<'a> {
    config: RememberConfig,
    data: &'a Dataset,
    evaluator: Evaluator,
    /// None before the first piece.
    keys: Option<Keys>,
    pieces: Vec<Range<usize>>,
    done: usize,
    hippocampus: Option<Hippocampus>,
}

impl Learner<BrainModel> for Remembering<'_> {
    fn plan(&self) -> Plan {
        Plan { name: REMEMBER.into(), unit: "images", total: self.data.labelled.len() as u64 }
    }

    fn done(&self, _: &BrainModel) -> u64 {
        0
    }

    fn advance(&mut self, model: &mut BrainModel, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let total = self.data.labelled.len() as u64;
        if self.keys.is_none() {
            self.keys = Some(Keys::new(model, self.config)?);
        }
        let (Some(keys), Some(piece), Some(hippocampus)) =
            (&self.keys, self.pieces.get(self.done), &mut self.hippocampus)
        else {
            return Ok(Advance { done: total, finished: true, ..Advance::default() });
        };
        let samples = &self.data.labelled[piece.clone()];
        let images = self.data.split.train.select(samples);
        let stored = keys.of(&mut self.evaluator, &model.brain, &images)?;
        let ids: Vec<u64> = samples.iter().map(|&i| u64::from(i)).collect();
        hippocampus.store(&stored, &labels(&images), &ids)?;
        self.done += 1;
        Ok(Advance { done: piece.end as u64, finished: piece.end as u64 == total, ..Advance::default() })
    }

    fn finish(&mut self, model: &mut BrainModel) -> Result<(), Error> {
        model.hippocampus = self.hippocampus.take();
        model.memory = None;
        model.remembered = self.config;
        Ok(())
    }
}

/// The basal ganglia learn when memory is the better adviser, from images that neither it nor the cortex has learned.
struct Trusting<'a> {
    config: &'a GateConfig,
    data: &'a Dataset,
    evaluator: Evaluator,
}

impl Learner<BrainModel> for Trusting<'_> {
    fn plan(&self) -> Plan {
        Plan { name: TRUST.into(), unit: "images", total: self.data.validation.len() as u64 }
    }

    fn done(&self, _: &BrainModel) -> u64 {
        0
    }

    fn advance(&mut self, model: &mut BrainModel, progress: &mut Progress<'_>) -> Result<Advance, Error> {
        let fitted = fit(model, self.config, self.data, &mut self.evaluator, progress)?;
        BasalGanglia::set(&mut model.parameters, &fitted.gate)?;
        progress.note(fitted.sentence());
        Ok(Advance { done: self.data.validation.len() as u64, finished: true, ..Advance::default() })
    }
}

/// The gate, from the images held out.
pub(super) fn fit(
    model: &BrainModel,
    config: &GateConfig,
    data: &Dataset,
    evaluator: &mut Evaluator,
    progress: &Progress<'_>,
) -> Result<Fitted, Error> {
    let evidence = evidence(model, evaluator, &data.held_out(), None, &mut |_| progress.check())?.0;
    Ok(gate::fit(&evidence, config))
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
