//! Where the time of a training step of the default brain goes, on one thread: one table for each of the two stages.
//!
//! `cargo run --release -p nl-train --example step_profile`; NL_SHORT=1 for a coarse look.
//!
//! The pieces are timed by calling the kernels on one shard of 16 images; their sum is then held against the measured
//! step (128 images, Adam), and what is left is the tape, the small ops and the caches that one piece empties for the
//! next. Times are the best of many rounds, in microseconds per image. GFLOP/s count the multiplications and additions
//! of the direct form, whatever the algorithm did instead, so Winograd layers can exceed 100 % of the peak.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use nl_brain::{Brain, BrainConfig};
use nl_data::{Augment, Corruption, synthetic};
use nl_kernels::{
    Binary, Conv2d, ConvBlock, Level, MatMut, MatRef, Scratch, Unary, Vectorised, binary, binary_broadcast, conv_block,
    conv_block_grad, conv2d, conv2d_grad_input, conv2d_grad_weight, gemm, softmax_cross_entropy,
    softmax_cross_entropy_grad, sum_axis, sum_squares, tree_sum, unary, unary_grad,
};
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};
use nl_random::Streams;
use nl_train::models::brain::objective::{Classify, Reconstruct, ReconstructionLoss, ReconstructionTarget};
use nl_train::{Engine, Objective};
use rand::Rng as _;

type Outcome = Result<(), Box<dyn Error>>;

/// Images of a shard, as in the presets.
const SHARD: usize = 16;
const BATCH: usize = 128;

fn main() -> Outcome {
    // Whatever asks rayon for threads gets this one.
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    let level = Level::current();
    let mut flops = 0.0;
    let seconds = best(0.3, || {
        flops = level.dispatch(Peak { rounds: 20_000, fused: level > Level::Portable });
        Ok(())
    })?;
    let peak = flops / seconds * 1e-9;
    println!("one thread, {level}, multiply-add peak {peak:.0} GFLOP/s, {SHARD} images per shard, batch {BATCH}");
    for stage in ["supervised", "self-supervised"] {
        println!("\n{stage:<14} pass               us/image  GFLOP/s  % of peak");
        let mut table = Table { peak, us: 0.0, flops: 0.0 };
        encoder(&mut table)?;
        if stage == "supervised" {
            head(&mut table)?;
        } else {
            decoder(&mut table)?;
        }
        batch(&mut table)?;
        let us = measured_step(stage == "supervised")?;
        let sum = table.us;
        table.print("sum", "", Some(table.flops), sum);
        table.print("step", "measured", Some(table.flops), us);
        table.print("overhead", "step - sum", None, us - sum);
    }
    augmentation()
}

struct Table {
    peak: f64,
    us: f64,
    flops: f64,
}

impl Table {
    /// A piece that takes `seconds` for `images` images and does `flops` (in direct form) for each of them.
    fn add(&mut self, piece: &str, pass: &str, flops: Option<usize>, images: usize, seconds: f64) {
        let us = seconds * 1e6 / images as f64;
        self.us += us;
        self.flops += flops.unwrap_or(0) as f64;
        self.print(piece, pass, flops.map(|flops| flops as f64), us);
    }

    fn print(&self, piece: &str, pass: &str, flops: Option<f64>, us: f64) {
        print!("{piece:<14} {pass:<18} {us:>8.2}");
        match flops.map(|flops| flops / us * 1e-3) {
            Some(rate) => println!(" {rate:>8.1} {:>10.0}", 100.0 * rate / self.peak),
            None => println!(),
        }
    }
}

/// Seconds of the best of the rounds that fit into `span` seconds, or into a hundredth of them if NL_SHORT is set.
fn best(span: f64, mut f: impl FnMut() -> Outcome) -> Result<f64, Box<dyn Error>> {
    let span = if std::env::var_os("NL_SHORT").is_some() { span / 100.0 } else { span };
    let mut best = f64::INFINITY;
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < span {
        let round = Instant::now();
        f()?;
        best = best.min(round.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// [`best`] for one piece.
fn time(f: impl FnMut() -> Outcome) -> Result<f64, Box<dyn Error>> {
    best(0.15, f)
}

/// Fixed, bounded, and about half of the sums positive.
fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919) % 1009) as f32 / 1009.0 - 0.5).collect()
}

fn conv(channels: [usize; 2], side: usize, [kernel, stride, padding]: [usize; 3]) -> Conv2d {
    Conv2d {
        batch: SHARD,
        in_channels: channels[0],
        height: side,
        width: side,
        out_channels: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
    }
}

/// Direct form, one pass, one image.
fn conv_flops(shape: &Conv2d) -> usize {
    2 * shape.output_len() / SHARD * shape.in_channels * shape.kernel[0] * shape.kernel[1]
}

/// Retina to inferotemporal cortex.
fn encoder(table: &mut Table) -> Outcome {
    block(table, "retina", conv([1, 16], 28, [5, 1, 2]), false, false)?;
    gate(table)?;
    block(table, "v1", conv([16, 32], 28, [3, 1, 1]), true, true)?;
    block(table, "v2", conv([32, 64], 14, [3, 1, 1]), true, true)?;
    block(table, "v4", conv([64, 64], 7, [3, 1, 1]), false, true)?;
    linear(table, "it", [64 * 49, 128], true)
}

/// Convolution, bias, ReLU and perhaps the pooling. The backward kernel is one: the data gradient is what it takes
/// longer for when it has to give one, and the rest (ReLU and pooling undone, weight and bias gradient) is the weight's.
fn block(table: &mut Table, name: &str, shape: Conv2d, pool: bool, grad_input: bool) -> Outcome {
    let (s, flops) = (ConvBlock { conv: shape, pool }, Some(conv_flops(&shape)));
    let (x, w, b) = (numbers(shape.input_len()), numbers(shape.weight_len()), numbers(shape.out_channels));
    let (mut y, mut argmax) = (numbers(s.output_len()), vec![0; s.output_len()]);
    let (mut dx, mut dw, mut db, dy) = (x.clone(), w.clone(), b.clone(), y.clone());
    let mut scratch = Scratch::new();
    let forward = time(|| Ok(conv_block(&s, &x, &w, &b, &mut y, pool.then_some(&mut argmax[..]), &mut scratch)?))?;
    table.add(name, "forward", flops, SHARD, forward);
    let argmax = pool.then_some(&argmax[..]);
    let weight = time(|| Ok(conv_block_grad(&s, &x, &w, &y, argmax, &dy, None, &mut dw, &mut db, &mut scratch)?))?;
    if grad_input {
        let both =
            time(|| Ok(conv_block_grad(&s, &x, &w, &y, argmax, &dy, Some(&mut dx), &mut dw, &mut db, &mut scratch)?))?;
        table.add(name, "data gradient", flops, SHARD, both - weight);
    }
    table.add(name, "weight gradient", flops, SHARD, weight);
    Ok(())
}

/// The thalamic gate: means, gains and their product with the maps; its two layers of 16 × 8 weights are left out.
fn gate(table: &mut Table) -> Outcome {
    let (planes, area) = (SHARD * 16, 28 * 28);
    let dims = [planes, area];
    let (x, dy, gain) = (numbers(planes * area), numbers(planes * area), numbers(planes));
    let (mut y, mut product, mut means) = (x.clone(), x.clone(), gain.clone());
    let seconds = time(|| {
        sum_axis(planes, area, 1, &x, &mut means)?;
        Ok(binary_broadcast(Binary::Mul, &x, &[area, 1], &gain, &[1, 0], &dims, &mut y)?)
    })?;
    table.add("thalamus", "forward", None, SHARD, seconds);
    let seconds = time(|| {
        binary(Binary::Mul, &x, &dy, &mut product)?;
        sum_axis(planes, area, 1, &product, &mut means)?;
        binary_broadcast(Binary::Mul, &dy, &[area, 1], &gain, &[1, 0], &dims, &mut product)?;
        Ok(binary_broadcast(Binary::Add, &product, &[area, 1], &means, &[1, 0], &dims, &mut y)?)
    })?;
    table.add("thalamus", "backward", None, SHARD, seconds);
    Ok(())
}

/// y = relu(x Wᵀ + b), or without the ReLU.
fn linear(table: &mut Table, name: &str, [inputs, outputs]: [usize; 2], relu: bool) -> Outcome {
    let flops = Some(2 * inputs * outputs);
    let (x, w, b) = (numbers(SHARD * inputs), numbers(outputs * inputs), numbers(outputs));
    let (mut z, mut y, dy) = (numbers(SHARD * outputs), numbers(SHARD * outputs), numbers(SHARD * outputs));
    let (mut dz, mut dx, mut dw, mut db) = (dy.clone(), x.clone(), w.clone(), b.clone());
    let mut scratch = Scratch::new();
    let seconds = time(|| {
        z.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(&b));
        let (x, w) = (MatRef::new(&x, SHARD, inputs)?, MatRef::new(&w, outputs, inputs)?.t());
        gemm(1.0, x, w, 1.0, MatMut::new(&mut z, SHARD, outputs)?, &mut scratch)?;
        if relu {
            unary(Unary::Relu, &z, &mut y)?;
        }
        Ok(())
    })?;
    table.add(name, "forward", flops, SHARD, seconds);
    let seconds = time(|| {
        if relu {
            unary_grad(Unary::Relu, &z, &y, &dy, &mut dz)?;
        }
        let (dz, w) = (MatRef::new(&dz, SHARD, outputs)?, MatRef::new(&w, outputs, inputs)?);
        Ok(gemm(1.0, dz, w, 0.0, MatMut::new(&mut dx, SHARD, inputs)?, &mut scratch)?)
    })?;
    table.add(name, "data gradient", flops, SHARD, seconds);
    let seconds = time(|| {
        sum_axis(1, SHARD, outputs, &dz, &mut db)?;
        let (dz, x) = (MatRef::new(&dz, SHARD, outputs)?.t(), MatRef::new(&x, SHARD, inputs)?);
        Ok(gemm(1.0, dz, x, 0.0, MatMut::new(&mut dw, outputs, inputs)?, &mut scratch)?)
    })?;
    table.add(name, "weight gradient", flops, SHARD, seconds);
    Ok(())
}

/// Dropout, prefrontal cortex, cross-entropy.
fn head(table: &mut Table) -> Outcome {
    let (width, streams) = (128, Streams::new(0));
    let (mut mask, x) = (vec![0.0_f32; SHARD * width], numbers(SHARD * width));
    let mut y = x.clone();
    let seconds = time(|| {
        for (sample, row) in mask.chunks_exact_mut(width).enumerate() {
            let mut rng = streams.rng("dropout", 0, sample as u64);
            row.iter_mut().for_each(|m| *m = if rng.next_u32() < 858_993_459 { 0.0 } else { 1.25 });
        }
        // Once forward, once backward.
        binary(Binary::Mul, &x, &mask, &mut y)?;
        Ok(binary(Binary::Mul, &x, &mask, &mut y)?)
    })?;
    table.add("dropout", "both", None, SHARD, seconds);
    linear(table, "prefrontal", [width, 10], false)?;
    let (logits, targets, dlosses) = (numbers(SHARD * 10), [3; SHARD], [1.0; SHARD]);
    let (mut log_probs, mut losses, mut dlogits) = (logits.clone(), [0.0; SHARD], logits.clone());
    let seconds = time(|| {
        softmax_cross_entropy(SHARD, 10, &logits, &targets, 0.0, &mut log_probs, &mut losses)?;
        Ok(softmax_cross_entropy_grad(SHARD, 10, &log_probs, &targets, 0.0, &dlosses, &mut dlogits)?)
    })?;
    table.add("cross-entropy", "both", None, SHARD, seconds);
    Ok(())
}

/// The cerebellum and the squared error of the image.
fn decoder(table: &mut Table) -> Outcome {
    linear(table, "expand", [128, 32 * 49], true)?;
    transposed(table, "coarse", conv([16, 32], 14, [4, 2, 1]), true)?;
    transposed(table, "fine", conv([1, 16], 28, [4, 2, 1]), false)?;
    let (logits, target) = (numbers(SHARD * 784), numbers(SHARD * 784));
    let (mut image, mut error, mut gradient) = (logits.clone(), logits.clone(), logits.clone());
    let seconds = time(|| {
        unary(Unary::Sigmoid, &logits, &mut image)?;
        binary(Binary::Sub, &image, &target, &mut error)?;
        black_box(sum_squares(&error));
        Ok(unary_grad(Unary::Sigmoid, &logits, &image, &error, &mut gradient)?)
    })?;
    table.add("sigmoid, mse", "both", None, SHARD, seconds);
    Ok(())
}

/// A transposed convolution: the mirrored convolution's data gradient forward, its forward pass backward.
fn transposed(table: &mut Table, name: &str, shape: Conv2d, relu: bool) -> Outcome {
    let flops = Some(conv_flops(&shape));
    let (x, w, b) = (numbers(shape.output_len()), numbers(shape.weight_len()), numbers(shape.in_channels));
    let (mut z, dy) = (numbers(shape.input_len()), numbers(shape.input_len()));
    let (mut y, mut dz, mut dx, mut dw, mut sums) = (z.clone(), dy.clone(), x.clone(), w.clone(), vec![0.0; b.len()]);
    let area = shape.height * shape.width;
    let dims = [SHARD, b.len(), area];
    let mut scratch = Scratch::new();
    let seconds = time(|| {
        conv2d_grad_input(&shape, &x, &w, &mut z, &mut scratch)?;
        binary_broadcast(Binary::Add, &z, &[b.len() * area, area, 1], &b, &[0, 1, 0], &dims, &mut y)?;
        if relu {
            unary(Unary::Relu, &y, &mut z)?;
        }
        Ok(())
    })?;
    table.add(name, "forward", flops, SHARD, seconds);
    let seconds = time(|| {
        if relu {
            unary_grad(Unary::Relu, &y, &z, &dy, &mut dz)?;
        }
        Ok(conv2d(&shape, &dz, &w, None, &mut dx, &mut scratch)?)
    })?;
    table.add(name, "data gradient", flops, SHARD, seconds);
    let mut planes = vec![0.0; SHARD * b.len()];
    let seconds = time(|| {
        sum_axis(SHARD * b.len(), area, 1, &dz, &mut planes)?;
        sum_axis(1, SHARD, b.len(), &planes, &mut sums)?;
        Ok(conv2d_grad_weight(&shape, &dz, &x, &mut dw, &mut scratch)?)
    })?;
    table.add(name, "weight gradient", flops, SHARD, seconds);
    Ok(())
}

/// What happens once a mini-batch: the shards' gradients are added, and Adam moves the weights.
fn batch(table: &mut Table) -> Outcome {
    let (_, parameters) = Brain::new(BrainConfig::default(), Streams::new(0))?;
    let (mut values, mut gradient) = (parameters.values().to_vec(), numbers(parameters.len()));
    let shards: Vec<Vec<f32>> = (0..BATCH / SHARD).map(|_| gradient.clone()).collect();
    let refs: Vec<&[f32]> = shards.iter().map(Vec::as_slice).collect();
    let seconds = time(|| Ok(tree_sum(&refs, &mut gradient)?))?;
    table.add("shards", "gradients added", None, BATCH, seconds);
    let (optimizer, mut step) = (adam()?, 0);
    let mut state = optimizer.init(&values)?;
    let seconds = time(|| {
        step += 1;
        Ok(optimizer.step(&mut values, &mut gradient, &mut state, step)?)
    })?;
    table.add("adam", "update", None, BATCH, seconds);
    Ok(())
}

fn adam() -> Result<Optimizer, nl_optim::Error> {
    let config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 1e-3 });
    Optimizer::new(config, Mask::all())
}

/// Microseconds per image of the whole step, as the trainer runs it, on one thread.
fn measured_step(supervised: bool) -> Result<f64, Box<dyn Error>> {
    let streams = Streams::new(0);
    let images = synthetic::digits(8 * BATCH, 1, 0).train;
    let (brain, mut parameters) = Brain::new(BrainConfig::default(), streams)?;
    let augment = Augment::default();
    let reconstruct = Reconstruct {
        brain: &brain,
        images: &images,
        streams,
        augment,
        corruption: Corruption::None,
        target: ReconstructionTarget::Shown,
        loss: ReconstructionLoss::Mse,
    };
    let classify = Classify { brain: &brain, images: &images, streams, augment, label_smoothing: 0.0 };
    let (objective, learns): (&dyn Objective, _) = if supervised {
        (&classify, [Brain::CORTEX, Brain::PREFRONTAL])
    } else {
        (&reconstruct, [Brain::CORTEX, Brain::CEREBELLUM])
    };
    let mut engine = Engine::new(&parameters, &learns, BATCH, SHARD, streams)?;
    let optimizer = adam()?;
    let mut state = optimizer.init(parameters.values())?;
    let mut step = 0;
    let seconds = best(4.0, || {
        let first = (step as usize % 8 * BATCH) as u32;
        let samples: Vec<u32> = (first..first + BATCH as u32).collect();
        engine.step(&samples, step, &parameters, objective)?;
        optimizer.step(parameters.values_mut(), engine.gradient(), &mut state, step)?;
        step += 1;
        Ok(())
    })?;
    Ok(seconds * 1e6 / BATCH as f64)
}

/// Not part of the steps above, which take their images as they are: the geometry of the full preset's second stage.
fn augmentation() -> Outcome {
    let augment = Augment { shift: 1.5, rotate: 10.0, scale: 0.1, shear: 0.1, elastic: 0.7, ..Augment::default() };
    let (image, mut out, streams) = (numbers(784), numbers(784), Streams::new(0));
    let (mut scratch, mut index) = (nl_data::Scratch::new(), 0);
    println!("\naugmentation, not part of the steps above:");
    for (name, augment) in [("affine", Augment { elastic: 0.0, ..augment }), ("affine and elastic", augment)] {
        let seconds = time(|| {
            index += 1;
            Ok(augment.apply(&image, 28, 28, &mut out, &mut scratch, &mut streams.rng("augment", 0, index))?)
        })?;
        println!("{name:<33} {:>8.2} us/image", seconds * 1e6);
    }
    Ok(())
}

/// As many independent multiply-adds as the registers hold, over and over.
struct Peak {
    rounds: usize,
    /// Without the fused instruction it is a function call: multiply and add then.
    fused: bool,
}

impl Vectorised for Peak {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let (factor, term) = (black_box([0.5_f32; 16]), black_box([1.0_f32; 16]));
        let mut sums = [[0.0_f32; 16]; 6];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                for lane in 0..16 {
                    sum[lane] = if self.fused {
                        sum[lane].mul_add(factor[lane], term[lane])
                    } else {
                        sum[lane] * factor[lane] + term[lane]
                    };
                }
            }
        }
        black_box(sums);
        (self.rounds * 6 * 16 * 2) as f64
    }
}
