//! A step of a spiking network trained by gradient: 784-1000-10 leaky neurons over T steps of random spikes, batch 128, cross-entropy of
//! the number of spikes, Adam; the same work as `benches/peers/README.md` describes for other libraries.

use nl_autodiff::{Reduction, Tape, Tensor, Var};
use nl_layers::graph::{Form, Graph, LayerEntry};
use nl_layers::{Builder, Context, Layer, Mode, Parameters};
use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
use nl_random::Streams;
use nl_train::{Error, Gradient, LearnConfig, Objective, Shard};
use rand::RngExt;
use rayon::prelude::*;

use super::{Figure, median_ms};

const BATCH: usize = 128;
const INPUTS: usize = 784;
/// Share of inputs that spike in a step.
const ACTIVE: f64 = 0.13;

/// β = 0.95, reset by subtraction, as snnTorch's `Leaky`.
const LAYERS: &str = r#"[
    {"kind": "linear", "units": 1000},
    {"kind": "spiking", "neuron": {"kind": "lif", "tau_m": 19.495725746}, "surrogate": {"kind": "fast-sigmoid", "k": 25}},
    {"kind": "linear", "units": 10},
    {"kind": "spiking", "neuron": {"kind": "lif", "tau_m": 19.495725746}, "surrogate": {"kind": "fast-sigmoid", "k": 25}},
    {"kind": "pool-steps", "take": "sum"}
]"#;

/// Spikes of all samples, `[B, T, inputs]`, and what each is to be named.
struct Sequences<'a> {
    graph: &'a Graph<f32>,
    steps: usize,
    spikes: Vec<f32>,
    labels: Vec<u32>,
}

impl Sequences<'_> {
    /// The samples of a shard on a tape, `[T, B, inputs]`.
    fn shown<'t>(&self, samples: &[u32], tape: &'t Tape<f32>) -> Result<Var<'t, f32>, Error> {
        let x = tape.constant_with(&[self.steps, samples.len(), INPUTS], |x| {
            for (at, row) in x.chunks_exact_mut(INPUTS).enumerate() {
                let (t, sample) = (at / samples.len(), samples[at % samples.len()] as usize);
                row.copy_from_slice(&self.spikes[(sample * self.steps + t) * INPUTS..][..INPUTS]);
            }
        });
        Ok(x?.sparse())
    }
}

impl Objective for Sequences<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let mut labels = [0; BATCH];
        let labels = &mut labels[..shard.samples.len()];
        labels.iter_mut().zip(shard.samples).for_each(|(label, &sample)| *label = self.labels[sample as usize]);
        let counts = self.graph.forward(self.shown(shard.samples, ctx.tape())?, ctx)?;
        Ok(counts.cross_entropy(labels, 0.0, Reduction::Sum)?)
    }
}

pub(super) fn run(learns: bool, steps_of_time: usize, threads: usize, steps: usize) -> anyhow::Result<Vec<Figure>> {
    let streams = Streams::new(0);
    let layers: Vec<LayerEntry> = serde_json::from_str(LAYERS)?;
    let builder = Builder::new(streams);
    let graph = Graph::<f32>::new(&layers, &Form::sequence(steps_of_time, INPUTS), &builder)?;
    let mut parameters: Parameters<f32> = builder.finish();
    let mut rng = streams.rng("bench", 0, 0);
    let spikes = (0..BATCH * steps_of_time * INPUTS).map(|_| if rng.random_bool(ACTIVE) { 1.0 } else { 0.0 }).collect();
    let labels = (0..BATCH).map(|_| rng.random_range(0..10)).collect();
    let task = Sequences { graph: &graph, steps: steps_of_time, spikes, labels };
    // As many shards as threads, so that each has work; at least two, so that the numbers are those of two threads.
    let shard = BATCH.div_ceil(threads.max(2));
    let (name, ms) = if learns {
        let optimizer = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 5e-4 });
        let learn = LearnConfig { shard, ..LearnConfig::new((steps + 3) as u64, BATCH, optimizer) };
        let items = (0..BATCH as u32).collect();
        let mut gradient = Gradient::new("bench", &learn, &parameters, &[""], items, streams)?;
        let mut losses = Vec::with_capacity(steps + 3);
        let ms = median_ms(3, steps, || {
            losses.push(gradient.step(&mut parameters, &task)?.loss);
            Ok(())
        })?;
        anyhow::ensure!(losses[losses.len() - 1] < losses[0], "the loss did not fall: {losses:?}");
        ("snn-step", ms)
    } else {
        let samples: Vec<u32> = (0..BATCH as u32).collect();
        let mut tapes: Vec<Tape<f32>> = samples.chunks(shard).map(|_| Tape::new()).collect();
        let ms = median_ms(3, steps, || {
            tapes.par_iter_mut().zip(samples.par_chunks(shard)).try_for_each(|(tape, samples)| {
                tape.reset();
                let _pause = tape.stop_recording();
                let mut ctx = Context::new(tape, &parameters, Mode::Eval);
                let counts: Tensor<f32> = graph.forward(task.shown(samples, tape)?, &mut ctx)?.value();
                anyhow::ensure!(counts.as_slice().iter().all(|x| x.is_finite()), "a count is not finite");
                Ok(())
            })
        })?;
        ("snn-infer", ms)
    };
    let workload = format!("{name}, T = {steps_of_time}");
    Ok(vec![Figure { workload, threads, throughput: BATCH as f64 / (ms * 1e-3), unit: "samples/s", median_ms: ms }])
}
