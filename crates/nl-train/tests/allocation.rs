//! A training step of the whole brain, and of a list of layers, sharded over threads, allocates nothing after the first one.

use nl_autodiff::{Reduction, Var};
use nl_brain::{Brain, BrainConfig};
use nl_data::{Augment, Images, synthetic};
use nl_layers::graph::{Form, Graph, LayerEntry};
use nl_layers::{Builder, Context, Layer, Parameters};
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};
use nl_random::Streams;
use nl_train::models::brain::objective::{Classify, Reconstruct, ReconstructionLoss, ReconstructionTarget};
use nl_train::{Engine, Error, Objective, Shard};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::Mutex;

/// Counts the allocations of all threads.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Counting is of the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

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
    for (objective, learns) in stages {
        no_allocation(objective, learns, &mut parameters, streams);
    }
}

/// A list of layers with noise of every kind, statistics, recurrence and attention, and the cross-entropy of its outputs.
struct Listed<'a> {
    graph: Graph<f32>,
    images: &'a Images,
}

impl Objective for Listed<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let (area, samples) = (self.images.area(), shard.samples);
        let x = ctx.tape().constant_with(&[samples.len(), 1, 28, 28], |to| {
            for (to, &i) in to.chunks_exact_mut(area).zip(samples) {
                let pixels = &self.images.pixels()[i as usize * area..][..area];
                to.iter_mut().zip(pixels).for_each(|(to, &pixel)| *to = f32::from(pixel) / 255.0);
            }
        })?;
        let mut labels = [0; 16];
        for (label, &i) in labels.iter_mut().zip(samples) {
            *label = self.images.labels()[i as usize].into();
        }
        let y = self.graph.forward(x, ctx)?;
        Ok(y.cross_entropy(&labels[..samples.len()], 0.0, Reduction::Sum)?)
    }
}

#[test]
fn a_step_of_listed_layers_allocates_nothing_after_the_first() {
    let streams = Streams::new(2);
    let images = synthetic::digits(96, 1, 1).train;
    let layers: Vec<LayerEntry> = serde_json::from_str(
        r#"[
            {"kind": "noise", "std": 0.1},
            {"kind": "conv-block", "channels": 4, "kernel": 3, "pool": "max"},
            {"kind": "batch-norm"},
            {"kind": "residual", "layers": [{"kind": "conv2d", "channels": 4, "kernel": 3, "padding": 1},
                {"kind": "batch-norm"}, {"kind": "dropout", "probability": 0.2, "drop": "depth"}]},
            {"kind": "cbam", "hidden": 2, "kernel": 3},
            {"kind": "local2d", "channels": 2, "kernel": 4, "stride": 2},
            {"kind": "lateral", "connections": {"kind": "learned", "size": 3}, "activation": "tanh"},
            {"kind": "rows"},
            {"kind": "gru", "units": 12, "bidirectional": true},
            {"kind": "positions"},
            {"kind": "attention", "heads": 2},
            {"kind": "working-memory", "units": 8},
            {"kind": "lstm", "units": 8},
            {"kind": "spiking", "neuron": {"kind": "alif"}, "recurrent": true, "learn": ["tau_m", "beta"], "t_ref": 1},
            {"kind": "linear", "units": 12},
            {"kind": "spiking", "per": "neuron", "learn": ["v_th"]},
            {"kind": "linear", "units": 8},
            {"kind": "leaky-integrator", "learn": true},
            {"kind": "pool-steps", "take": "mean"},
            {"kind": "dropout", "probability": 0.3},
            {"kind": "linear", "units": 10, "drop_connections": 0.1, "weight_noise": 0.01}
        ]"#,
    )
    .unwrap();
    let builder = Builder::new(streams);
    let graph = Graph::new(&layers, &Form::image(1, 28, 28), &builder).unwrap();
    let mut parameters: Parameters<f32> = builder.finish();
    let names: Vec<String> = graph.lines().iter().map(|line| line.name.clone()).collect();
    let learns: Vec<&str> = names.iter().map(String::as_str).collect();
    no_allocation(&Listed { graph, images: &images }, &learns, &mut parameters, streams);
}

fn no_allocation(objective: &dyn Objective, learns: &[&str], parameters: &mut Parameters<f32>, streams: Streams) {
    let _alone = ALONE.lock().unwrap();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut engine = Engine::new(parameters, learns, 48, 8, streams).unwrap();
            let config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 1e-3 });
            let optimizer = Optimizer::new(config, Mask::all()).unwrap();
            let mut state = optimizer.init(parameters.values()).unwrap();
            let samples: Vec<u32> = (0..48).collect();
            let mut step = |index: u64| {
                engine.step(&samples, index, parameters, objective).unwrap();
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
        });
    }
}
