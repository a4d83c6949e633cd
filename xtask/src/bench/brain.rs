//! One step of the default brain at batch 128: Adam at 1e-3, MSE on the reconstruction or cross-entropy with dropout 0.2,
//! images ready in memory, no augmentation; the same work as a PyTorch model of the same layers does.

use nl_brain::{Brain, BrainConfig};
use nl_data::{Augment, Corruption, Images, synthetic};
use nl_layers::Parameters;
use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
use nl_random::Streams;
use nl_train::models::brain::Evaluator;
use nl_train::models::brain::objective::{Classify, Reconstruct, ReconstructionLoss, ReconstructionTarget};
use nl_train::{Gradient, LearnConfig, Objective};

use super::{Figure, median_ms};

const BATCH: usize = 128;
/// As in the presets.
const SHARD: usize = 16;
/// Batches taken in turn.
const BATCHES: usize = 8;

#[derive(Clone, Copy)]
pub(super) enum Stage {
    SelfSupervised,
    Supervised,
    Inference,
}

pub(super) fn run(stage: Stage, threads: usize, steps: usize) -> anyhow::Result<Vec<Figure>> {
    let streams = Streams::new(0);
    let images = synthetic::digits(BATCHES * BATCH, 1, 0).train;
    let (brain, parameters) = Brain::new(BrainConfig::default(), streams)?;
    let (workload, ms) = match stage {
        Stage::SelfSupervised => {
            let objective = Reconstruct {
                brain: &brain,
                images: &images,
                streams,
                augment: Augment::default(),
                corruption: Corruption::None,
                target: ReconstructionTarget::Shown,
                loss: ReconstructionLoss::Mse,
            };
            let learns = [Brain::CORTEX, Brain::CEREBELLUM];
            ("brain-ssl", time(parameters, &learns, streams, &objective, steps)?)
        }
        Stage::Supervised => {
            let augment = Augment::default();
            let objective = Classify { brain: &brain, images: &images, streams, augment, label_smoothing: 0.0 };
            let learns = [Brain::CORTEX, Brain::PREFRONTAL];
            ("brain-sup", time(parameters, &learns, streams, &objective, steps)?)
        }
        Stage::Inference => {
            let batches: Vec<Images> = (0..BATCHES).map(|i| images.select(&samples(i))).collect();
            let mut evaluator = Evaluator::new(SHARD);
            let mut next = 0;
            let ms = median_ms(5, steps, || {
                next = (next + 1) % BATCHES;
                let encoded = evaluator.encode(&brain, &parameters, &batches[next])?;
                anyhow::ensure!(encoded.logits.iter().all(|x| x.is_finite()), "a logit is not finite");
                Ok(())
            })?;
            ("brain-infer", ms)
        }
    };
    let throughput = BATCH as f64 / (ms * 1e-3);
    Ok(vec![Figure { workload: workload.into(), threads, throughput, unit: "images/s", median_ms: ms }])
}

/// The images of batch `i`.
fn samples(i: usize) -> Vec<u32> {
    let first = (i % BATCHES * BATCH) as u32;
    (first..first + BATCH as u32).collect()
}

/// Median of `steps` training steps in milliseconds.
fn time(
    mut parameters: Parameters<f32>,
    learns: &[&str],
    streams: Streams,
    objective: &dyn Objective,
    steps: usize,
) -> anyhow::Result<f64> {
    let optimizer = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 1e-3 });
    let epochs = (steps + 5).div_ceil(BATCHES) as u64;
    let learn = LearnConfig { shard: SHARD, ..LearnConfig::new(epochs, BATCH, optimizer) };
    let items = (0..(BATCHES * BATCH) as u32).collect();
    let mut gradient = Gradient::new("bench", &learn, &parameters, learns, items, streams)?;
    let mut losses = Vec::with_capacity(steps + 5);
    let ms = median_ms(5, steps, || {
        losses.push(gradient.step(&mut parameters, objective)?.loss);
        Ok(())
    })?;
    // A benchmark that does not learn measures something else.
    anyhow::ensure!(losses[losses.len() - 1] < losses[0], "the loss did not fall: {losses:?}");
    Ok(ms)
}
