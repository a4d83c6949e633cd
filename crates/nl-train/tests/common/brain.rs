//! A brain of a few units a region, on 140 images for training and 40 for testing.

// Each test file is a crate of its own and uses a part of it.
#![allow(dead_code)]

use std::sync::LazyLock;

use nl_data::{Images, Source, SourceKind, Split, synthetic};
use nl_train::models::{BrainModel, brain::BrainStage};
use nl_train::{ConfigOf, Dataset, LearnConfig, RunConfig};

const CONFIG: &str = "
name: toy
seed: 1
data: {name: mnist, source: synthetic, validation: 20}
checkpoint: {every: 30 s}
model:
  kind: brain
  regions: {retina: 4, thalamus_hidden: 2, v1: 4, v2: 6, v4: 6, embedding: 12, cerebellum: [6, 4]}
  hippocampus: {capacity: 60000, neighbours: 10, temperature: 0.05, smoothing: 0.001}
  evaluate: {ablation: 0, saliency: 0}
  probe:
    learn: {epochs: 3, batch: 20, shard: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: cosine, rate: 5.0e-3}}}
stages:
  - kind: reconstruct
    learn: {epochs: 2, batch: 20, shard: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: one-cycle, peak: 2.0e-3}}}
    augment: {shift: 2, rotate: 15, scale: 0.15, shear: 0.15}
    target: original
    loss: bce
  - kind: classify
    learn:
      epochs: 2
      batch: 20
      shard: 8
      optimizer: {algorithm: {kind: adam}, schedule: {kind: one-cycle, peak: 3.0e-3}, weight_decay: 0.01}
      average: 0.99
    augment: {shift: 1.5, rotate: 10, scale: 0.1, shear: 0.1, elastic: 0.7}
  - kind: remember
  - kind: trust
";

pub(crate) fn toy() -> ConfigOf<BrainModel> {
    RunConfig::of::<BrainModel>(CONFIG).unwrap()
}

/// The images, and where they are from.
pub(crate) fn images() -> (Split, Source) {
    static SPLIT: LazyLock<Split> = LazyLock::new(|| synthetic::digits(140, 40, 3));
    let source = Source {
        kind: SourceKind::Synthetic,
        name: "synthetic".into(),
        path: None,
        sha256: "toy".into(),
        text: "toy digits".into(),
        class_names: Vec::new(),
    };
    (SPLIT.clone(), source)
}

/// The images, divided.
pub(crate) fn data(config: &ConfigOf<BrainModel>) -> Dataset {
    crate::common::divided::<BrainModel>(config, images())
}

/// How stage `stage` learns.
pub(crate) fn learn(config: &mut ConfigOf<BrainModel>, stage: usize) -> &mut LearnConfig {
    match &mut config.stages[stage] {
        BrainStage::Reconstruct(stage) => &mut stage.learn,
        BrainStage::Classify(stage) => &mut stage.learn,
        BrainStage::Remember(_) | BrainStage::Trust(_) => panic!("nothing is learned by gradient"),
    }
}

/// 9 x 14 images of three classes: a bar at one of three places.
pub(crate) fn bars() -> Split {
    let images = |n: usize, offset: usize| {
        let labels: Vec<u8> = (0..n).map(|i| (i % 3) as u8).collect();
        let pixel = |i: usize| {
            let (image, x) = (i / (9 * 14), i % 14);
            if x / 5 == image % 3 { 200 + ((i + offset) % 50) as u8 } else { ((i * 7 + offset) % 40) as u8 }
        };
        Images::new((0..n * 9 * 14).map(pixel).collect(), labels, 9, 14, 3).unwrap()
    };
    Split { train: images(140, 0), test: images(40, 5) }
}
