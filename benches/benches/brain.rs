//! One training step and one inference of the default brain on a batch of 128 images, against the same network written
//! plainly: the whole batch on one tape, each convolution, bias, ReLU and pooling an op of its own.
//!
//! On one thread; `cargo xtask bench brain-ssl` and its like measure with all of them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nl_autodiff::{KeepDims, Reduction, Tape, Tensor, Var};
use nl_benches::{MEASURED, WARM_UP, assert_close};
use nl_brain::{Brain, BrainConfig};
use nl_data::{Augment, Corruption, Images, synthetic};
use nl_layers::Parameters;
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, OptimizerState, Schedule};
use nl_random::Streams;
use nl_train::models::brain::Evaluator;
use nl_train::models::brain::objective::{Classify, Reconstruct, ReconstructionLoss, ReconstructionTarget};
use nl_train::{Engine, Objective};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const BATCH: usize = 128;
const SHARD: usize = 16;

/// The network in plain ops; `parameter` puts a parameter on the tape by its path.
struct Plain<'t> {
    parameter: &'t dyn Fn(&str) -> Var<'t, f32>,
}

impl<'t> Plain<'t> {
    fn conv(&self, x: Var<'t, f32>, path: &str, padding: usize) -> Result<Var<'t, f32>, nl_autodiff::Error> {
        let weight = (self.parameter)(&format!("cortex/{path}/weight"));
        let bias = (self.parameter)(&format!("cortex/{path}/bias"));
        let channels = bias.shape().len();
        let y = x.conv2d(weight, None, [1, 1], [padding; 2])?;
        y.add(bias.reshape(&[1, channels, 1, 1])?)?.relu()
    }

    fn dense(&self, x: Var<'t, f32>, path: &str) -> Result<Var<'t, f32>, nl_autodiff::Error> {
        let weight = (self.parameter)(&format!("{path}/weight"));
        x.linear(weight, Some((self.parameter)(&format!("{path}/bias"))))
    }

    fn encode(&self, images: Var<'t, f32>) -> Result<Var<'t, f32>, nl_autodiff::Error> {
        let maps = self.conv(images, "retina", 2)?;
        let means = maps.mean_axes(&[2, 3], KeepDims::No)?;
        let hidden = self.dense(means, "cortex/thalamus/squeeze")?.relu()?;
        let gate = self.dense(hidden, "cortex/thalamus/excite")?.sigmoid()?;
        let (rows, channels) = (gate.shape().dims()[0], gate.shape().dims()[1]);
        let maps = maps.mul(gate.reshape(&[rows, channels, 1, 1])?)?;
        let maps = self.conv(maps, "v1", 1)?.max_pool2d([2, 2], [2, 2], [0, 0])?;
        let maps = self.conv(maps, "v2", 1)?.max_pool2d([2, 2], [2, 2], [0, 0])?;
        let maps = self.conv(maps, "v4", 1)?;
        let width = maps.shape().len() / rows;
        self.dense(maps.reshape(&[rows, width])?, "cortex/it")?.relu()
    }

    fn logits(&self, images: Var<'t, f32>) -> Result<Var<'t, f32>, nl_autodiff::Error> {
        self.dense(self.encode(images)?, "prefrontal")
    }

    fn reconstruction_loss(&self, images: Var<'t, f32>) -> Result<Var<'t, f32>, nl_autodiff::Error> {
        let hidden = self.dense(self.encode(images)?, "cerebellum/expand")?.relu()?;
        let rows = hidden.shape().dims()[0];
        let up = |x: Var<'t, f32>, path: &str| {
            let weight = (self.parameter)(&format!("cerebellum/{path}/weight"));
            let bias = (self.parameter)(&format!("cerebellum/{path}/bias"));
            x.conv_transpose2d(weight, Some(bias), [2, 2], [1, 1], [0, 0])
        };
        let coarse = up(hidden.reshape(&[rows, 32, 7, 7])?, "coarse")?.relu()?;
        up(coarse, "fine")?.sigmoid()?.mse(images, Reduction::Mean)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    SelfSupervised,
    Supervised,
}

struct Workload {
    brain: Brain,
    parameters: Parameters<f32>,
    images: Images,
    pixels: Tensor<f32>,
    labels: Vec<u32>,
}

impl Workload {
    fn new() -> Result<Self, Failure> {
        let images = synthetic::digits(BATCH, 1, 0).train;
        // Without dropout, so that both contenders compute the same.
        let config = BrainConfig { dropout: 0.0, ..BrainConfig::default() };
        let (brain, parameters) = Brain::new(config, Streams::new(0))?;
        let byte = |i: usize| f32::from(images.image(i / 784)[i % 784]) * (1.0 / 255.0);
        let pixels = Tensor::from_fn(&[BATCH, 1, 28, 28], byte)?;
        let labels = images.labels().iter().map(|&label| u32::from(label)).collect();
        Ok(Self { brain, parameters, images, pixels, labels })
    }

    /// Loss and gradient in plain ops; parameters that are not used have gradient 0.
    fn plain(&self, tape: &mut Tape<f32>, stage: Stage, gradient: &mut [f32]) -> Result<f32, Failure> {
        tape.reset();
        let tape: &Tape<f32> = tape;
        let entries = self.parameters.entries();
        let parameter = |path: &str| {
            let id = self.parameters.find(path).expect("the brain has this parameter");
            tape.bind(id.index(), || self.parameters.get(id))
        };
        let plain = Plain { parameter: &parameter };
        let images = tape.constant(self.pixels.clone());
        let loss = match stage {
            Stage::SelfSupervised => plain.reconstruction_loss(images)?,
            Stage::Supervised => plain.logits(images)?.cross_entropy(&self.labels, 0.0, Reduction::Mean)?,
        };
        gradient.fill(0.0);
        tape.backward_bound(loss, &mut |slot, g| gradient[entries[slot].range()].copy_from_slice(g))?;
        Ok(loss.item()?)
    }

    fn plain_logits(&self, tape: &mut Tape<f32>) -> Result<Vec<f32>, Failure> {
        tape.reset();
        let tape: &Tape<f32> = tape;
        let _paused = tape.stop_recording();
        let parameter = |path: &str| {
            let id = self.parameters.find(path).expect("the brain has this parameter");
            tape.constant(self.parameters.get(id))
        };
        let logits = Plain { parameter: &parameter }.logits(tape.constant(self.pixels.clone()))?;
        Ok(logits.value().as_slice().to_vec())
    }

    fn objective(&self, stage: Stage) -> Box<dyn Objective + '_> {
        let (brain, images, streams, augment) = (&self.brain, &self.images, Streams::new(0), Augment::default());
        match stage {
            Stage::SelfSupervised => Box::new(Reconstruct {
                brain,
                images,
                streams,
                augment,
                corruption: Corruption::None,
                target: ReconstructionTarget::Shown,
                loss: ReconstructionLoss::Mse,
            }),
            Stage::Supervised => Box::new(Classify { brain, images, streams, augment, label_smoothing: 0.0 }),
        }
    }
}

fn adam(parameters: &Parameters<f32>) -> Result<(Optimizer, OptimizerState), Failure> {
    let config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 1e-4 });
    let optimizer = Optimizer::new(config, Mask::all())?;
    let state = optimizer.init(parameters.values())?;
    Ok((optimizer, state))
}

fn step(criterion: &mut Criterion, name: &str, stage: Stage) -> Result<(), Failure> {
    let mut workload = Workload::new()?;
    let learns = match stage {
        Stage::SelfSupervised => [Brain::CORTEX, Brain::CEREBELLUM],
        Stage::Supervised => [Brain::CORTEX, Brain::PREFRONTAL],
    };
    let samples: Vec<u32> = (0..BATCH as u32).collect();
    let mut engine = Engine::new(&workload.parameters, &learns, BATCH, SHARD, Streams::new(0))?;
    let (mut tape, mut expected) = (Tape::new(), vec![0.0; workload.parameters.len()]);

    let loss = engine.step(&samples, 0, &workload.parameters, &*workload.objective(stage))?;
    let plain = workload.plain(&mut tape, stage, &mut expected)?;
    assert_close("loss", &[loss as f32], &[plain], 1e-5);
    assert_close("gradient", engine.gradient(), &expected, 1e-5);

    let mut group = criterion.benchmark_group(format!("brain/{name}"));
    group.throughput(Throughput::Elements(BATCH as u64));
    let (optimizer, mut state) = adam(&workload.parameters)?;
    let mut index = 0;
    group.bench_function("nl-train", |bench| {
        bench.iter(|| {
            let objective = workload.objective(stage);
            engine.step(&samples, 0, &workload.parameters, &*objective).expect("shapes fit");
            drop(objective);
            let values = workload.parameters.values_mut();
            optimizer.step(values, engine.gradient(), &mut state, index).expect("lengths fit");
            index += 1;
        });
    });
    let (optimizer, mut state) = adam(&workload.parameters)?;
    group.bench_function("plain ops", |bench| {
        bench.iter(|| {
            workload.plain(&mut tape, stage, &mut expected).expect("shapes fit");
            // Lets go of the parameters, so that they are changed in place.
            tape.reset();
            let values = workload.parameters.values_mut();
            optimizer.step(values, &mut expected, &mut state, index).expect("lengths fit");
            index += 1;
        });
    });
    group.finish();
    Ok(())
}

fn infer(criterion: &mut Criterion) -> Result<(), Failure> {
    let workload = Workload::new()?;
    let (mut evaluator, mut tape) = (Evaluator::new(SHARD), Tape::new());
    let mut fast = || evaluator.encode(&workload.brain, &workload.parameters, &workload.images).expect("shapes fit");
    let mut plain = || workload.plain_logits(&mut tape).expect("shapes fit");
    assert_close("logits", &fast().logits, &plain(), 1e-5);
    let mut group = criterion.benchmark_group("brain/infer");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("nl-train", |bench| bench.iter(&mut fast));
    group.bench_function("plain ops", |bench| bench.iter(&mut plain));
    group.finish();
    Ok(())
}

fn benches(criterion: &mut Criterion) {
    // Criterion stays on its thread, so that thread is the pool.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("nobody has started rayon yet");
    let mut run = || -> Result<(), Failure> {
        step(criterion, "ssl", Stage::SelfSupervised)?;
        step(criterion, "sup", Stage::Supervised)?;
        infer(criterion)
    };
    run().expect("the workload is valid");
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(10).measurement_time(2 * MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
