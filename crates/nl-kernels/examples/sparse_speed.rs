//! How long a product with few elements takes, beside the dense one, from 1 to 60 of a hundred: where the sparse one pays.
//!
//! `cargo run --release -p nl-kernels --example sparse_speed`; with `NL_SHORT=1` once each.

use std::time::Instant;

use nl_kernels::{MatMut, MatRef, Scratch, ShapeError, count_nonzero, gemm, sparse_linear, sparse_linear_grad_weight};

const ROWS: usize = 1600;
const INPUTS: usize = 784;
const OUTPUTS: usize = 1000;

fn main() -> Result<(), ShapeError> {
    let times = if std::env::var_os("NL_SHORT").is_some() { 1 } else { 9 };
    let numbers = |n: usize| (0..n).map(|i| (i * 7919 % 1009) as f32 / 1009.0 - 0.5).collect::<Vec<f32>>();
    let (w, dy) = (numbers(OUTPUTS * INPUTS), numbers(ROWS * OUTPUTS));
    let (mut y, mut dw) = (vec![0.0; ROWS * OUTPUTS], vec![0.0; OUTPUTS * INPUTS]);
    let mut scratch = Scratch::new();
    println!("{ROWS} x {INPUTS} times {INPUTS} x {OUTPUTS}, one thread, ms: sparse, its gradient; dense, its gradient");
    for percent in [1, 5, 13, 20, 30, 60] {
        // Scattered by a multiplication that mixes.
        let active = |i: usize| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 100 < percent;
        let x: Vec<f32> = (0..ROWS * INPUTS).map(|i| f32::from(u8::from(active(i)))).collect();
        let some = count_nonzero(&x);
        let size = (ROWS, INPUTS, OUTPUTS);
        let sparse = median(times, || sparse_linear(size, (&x, some), &w, &[], &mut y, &mut scratch))?;
        let grad = median(times, || sparse_linear_grad_weight(size, (&x, some), &dy, &mut dw, &mut scratch))?;
        let dense = median(times, || {
            let (x, w) = (MatRef::new(&x, ROWS, INPUTS)?, MatRef::new(&w, OUTPUTS, INPUTS)?.t());
            gemm(1.0, x, w, 0.0, MatMut::new(&mut y, ROWS, OUTPUTS)?, &mut scratch)
        })?;
        let dense_grad = median(times, || {
            let (x, dy) = (MatRef::new(&x, ROWS, INPUTS)?, MatRef::new(&dy, ROWS, OUTPUTS)?.t());
            gemm(1.0, dy, x, 0.0, MatMut::new(&mut dw, OUTPUTS, INPUTS)?, &mut scratch)
        })?;
        println!("  {percent:2} %: {sparse:6.2} {grad:6.2}   {dense:6.2} {dense_grad:6.2}");
    }
    Ok(())
}

/// Median of some timed calls, in milliseconds.
fn median(times: usize, mut f: impl FnMut() -> Result<(), ShapeError>) -> Result<f64, ShapeError> {
    let mut all = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        f()?;
        all.push(start.elapsed().as_secs_f64() * 1e3);
    }
    all.sort_by(f64::total_cmp);
    Ok(all[times / 2])
}
