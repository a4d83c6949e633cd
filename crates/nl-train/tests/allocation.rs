//! A training step of the whole brain, sharded over threads, allocates nothing after the first one.

use nl_brain::{Brain, BrainConfig};
use nl_data::{Augment, synthetic};
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};
use nl_random::Streams;
use nl_train::models::brain::objective::{Classify, Reconstruct, ReconstructionLoss, ReconstructionTarget};
use nl_train::{Engine, Objective};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

/// Counts the allocations of all threads.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_training_step_allocates_nothing_after_the_first() {
    let streams = Streams::new(1);
    let images = synthetic::digits(96, 1, 1).train;
    let config = BrainConfig { v1: 8, v2: 8, v4: 8, embedding: 16, ..BrainConfig::default() };
    let (brain, mut parameters) = Brain::new(config, streams).unwrap();
    let augment = Augment { shift: 2.0, rotate: 10.0, elastic: 1.0, ..Augment::default() };
    let classify = Classify { brain: &brain, images: &images, streams, augment, label_smoothing: 0.1 };
    let reconstruct = Reconstruct {
        brain: &brain,
        images: &images,
        streams,
        augment,
        corruption: nl_data::Corruption::Gaussian { std: 0.2 },
        target: ReconstructionTarget::Original,
        loss: ReconstructionLoss::Bce,
    };
    let stages: [(&dyn Objective, &[&str]); 2] =
        [(&reconstruct, &[Brain::CORTEX, Brain::CEREBELLUM]), (&classify, &[Brain::CORTEX, Brain::PREFRONTAL])];
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for (objective, learns) in stages {
                let mut engine = Engine::new(&parameters, learns, 48, 8, streams).unwrap();
                let config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 1e-3 });
                let optimizer = Optimizer::new(config, Mask::all()).unwrap();
                let mut state = optimizer.init(parameters.values()).unwrap();
                let samples: Vec<u32> = (0..48).collect();
                let mut step = |index: u64| {
                    engine.step(&samples, index, &parameters, objective).unwrap();
                    optimizer.step(parameters.values_mut(), engine.gradient(), &mut state, index).unwrap();
                };
                let region = Region::new(ALLOCATOR);
                step(0);
                assert!(region.change().allocations > 0, "the counter counts");
                let region = Region::new(ALLOCATOR);
                for index in 1..6 {
                    step(index);
                }
                let change = region.change();
                assert_eq!((change.allocations, change.reallocations), (0, 0), "{threads} threads: {change:?}");
            }
        });
    }
}
