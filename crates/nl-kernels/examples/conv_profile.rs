//! Where the time of the convolutions goes: one table row per layer of the default network, on one thread.
//!
//! `cargo run --release -p nl-kernels --example conv_profile [images per shard, 16 if not given]`; with `NL_SHORT=1` in
//! the environment it measures each pass for a moment only.
//!
//! Times are the best of many rounds, in microseconds per image. GFLOP/s count the multiplications and additions of
//! the direct form, whatever the algorithm did instead, so Winograd layers can exceed 100 % of the peak.

use std::hint::black_box;
use std::time::Instant;

use nl_kernels::{
    Conv2d, ConvBlock, Level, Scratch, ShapeError, Vectorised, conv_block, conv_block_grad, conv2d, conv2d_grad_input,
    conv2d_grad_weight,
};

/// How a layer uses the convolution.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Convolution, bias, ReLU.
    Block,
    /// Convolution, bias, ReLU, 2×2 max-pool.
    Pooled,
    /// Transposed convolution: its forward pass is the data gradient of the mirrored shape.
    Transposed,
}

struct Layer {
    name: &'static str,
    role: Role,
    /// Whether the gradient goes on to a layer below.
    grad_input: bool,
    shape: Conv2d,
}

fn layer(
    name: &'static str,
    role: Role,
    [c, o]: [usize; 2],
    side: usize,
    [k, s, p]: [usize; 3],
    batch: usize,
) -> Layer {
    let shape = Conv2d {
        batch,
        in_channels: c,
        height: side,
        width: side,
        out_channels: o,
        kernel: [k, k],
        stride: [s, s],
        padding: [p, p],
    };
    Layer { name, role, grad_input: name != "retina", shape }
}

/// Seconds of the best of the rounds that fit into a fifth of a second (a hundredth, if short).
fn best(mut f: impl FnMut() -> Result<(), ShapeError>) -> Result<f64, ShapeError> {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    let limit = if std::env::var_os("NL_SHORT").is_some() { 0.01 } else { 0.2 };
    while start.elapsed().as_secs_f64() < limit {
        let round = Instant::now();
        f()?;
        best = best.min(round.elapsed().as_secs_f64());
    }
    Ok(best)
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

fn main() -> Result<(), ShapeError> {
    let batch = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(16);
    let layers = [
        layer("retina", Role::Block, [1, 16], 28, [5, 1, 2], batch),
        layer("v1", Role::Pooled, [16, 32], 28, [3, 1, 1], batch),
        layer("v2", Role::Pooled, [32, 64], 14, [3, 1, 1], batch),
        layer("v4", Role::Block, [64, 64], 7, [3, 1, 1], batch),
        layer("decoder 1", Role::Transposed, [16, 32], 14, [4, 2, 1], batch),
        layer("decoder 2", Role::Transposed, [1, 16], 28, [4, 2, 1], batch),
    ];
    let level = Level::current();
    let mut flops = 0.0;
    let seconds = best(|| {
        flops = level.dispatch(Peak { rounds: 20_000, fused: level > Level::Portable });
        Ok(())
    })?;
    let peak = flops / seconds * 1e-9;
    println!("{batch} images per shard, {level}, multiply-add peak {peak:.0} GFLOP/s\n");
    println!("layer       pass               us/image  GFLOP/s   % of peak");
    let mut scratch = Scratch::new();
    let (mut forward_total, mut step_total) = (0.0, 0.0);
    for Layer { name, role, grad_input, shape: conv } in layers {
        let block = ConvBlock { conv, pool: role == Role::Pooled };
        // Fixed, bounded, and about half of the sums positive.
        let numbers = |n: usize| (0..n).map(|i| ((i * 7919) % 1009) as f32 / 1009.0 - 0.5).collect::<Vec<f32>>();
        let (x, w, b) = (numbers(conv.input_len()), numbers(conv.weight_len()), numbers(conv.out_channels));
        let (mut dx, mut dw, mut db) = (x.clone(), w.clone(), b.clone());
        let flops = 2.0 * (conv.output_len() * conv.in_channels * conv.kernel[0] * conv.kernel[1]) as f64;
        let row = |pass: &str, passes: f64, seconds: f64| {
            let (us, rate) = (seconds * 1e6 / batch as f64, passes * flops / seconds * 1e-9);
            println!("{name:<11} {pass:<18} {us:>8.2} {rate:>8.1} {:>10.0}", 100.0 * rate / peak);
            us
        };
        if role == Role::Transposed {
            let dy = numbers(conv.output_len());
            let mut y = dy.clone();
            let f = best(|| conv2d_grad_input(&conv, &dy, &w, &mut dx, &mut scratch))?;
            row("forward", 1.0, f);
            let i = best(|| conv2d(&conv, &x, &w, None, &mut y, &mut scratch))?;
            row("data gradient", 1.0, i);
            let g = best(|| conv2d_grad_weight(&conv, &x, &dy, &mut dw, &mut scratch))?;
            row("weight gradient", 1.0, g);
            continue;
        }
        let (mut y, mut argmax) = (numbers(block.output_len()), vec![0; block.output_len()]);
        let dy = y.clone();
        let f = best(|| conv_block(&block, &x, &w, &b, &mut y, block.pool.then_some(&mut argmax[..]), &mut scratch))?;
        forward_total += row("forward", 1.0, f);
        let full = numbers(conv.output_len());
        if grad_input {
            let i = best(|| conv2d_grad_input(&conv, &full, &w, &mut dx, &mut scratch))?;
            row("data gradient", 1.0, i);
            let g = best(|| conv2d_grad_weight(&conv, &x, &full, &mut dw, &mut scratch))?;
            row("weight gradient", 1.0, g);
        }
        let mut seconds = best(|| {
            let argmax = block.pool.then_some(&argmax[..]);
            let dx = grad_input.then_some(&mut dx[..]);
            conv_block_grad(&block, &x, &w, &y, argmax, &dy, dx, &mut dw, &mut db, &mut scratch)
        })?;
        step_total += row("fused backward", if grad_input { 2.0 } else { 1.0 }, seconds);
        seconds += f;
        row("both", if grad_input { 3.0 } else { 2.0 }, seconds);
    }
    println!(
        "\nsupervised step: forward {forward_total:.1}, forward and backward {:.1} us/image",
        forward_total + step_total
    );
    Ok(())
}
