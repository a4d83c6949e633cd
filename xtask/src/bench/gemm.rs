//! C = A B, square, f32: what `torch.mm` does with MKL.

use nl_kernels::{MatMut, MatRef, Scratch, gemm_parallel};

use super::{Figure, median_ms};

pub(super) fn run(threads: usize, steps: usize) -> anyhow::Result<Vec<Figure>> {
    let mut scratches: Vec<Scratch> = (0..threads).map(|_| Scratch::new()).collect();
    [256, 512, 1024, 2048]
        .into_iter()
        .map(|n| {
            let a: Vec<f32> = (0..n * n).map(|i| (i % 17) as f32 - 8.0).collect();
            let b: Vec<f32> = (0..n * n).map(|i| (i % 13) as f32 - 6.0).collect();
            let mut c = vec![0.0; n * n];
            // Small products are repeated until a measurement takes about a gigaflop.
            let repeats = (1_000_000_000 / (2 * n * n * n)).max(1);
            let mut product = || -> anyhow::Result<()> {
                let (a, b, c) = (MatRef::new(&a, n, n)?, MatRef::new(&b, n, n)?, MatMut::new(&mut c, n, n)?);
                Ok(gemm_parallel(1.0, a, b, 0.0, c, &mut scratches)?)
            };
            let ms = median_ms(1, steps, || (0..repeats).try_for_each(|_| product()))? / repeats as f64;
            // Integers this small are exact in f32: the benchmark knows the right answer.
            let expected: f32 = (0..n).map(|k| a[k] * b[k * n]).sum();
            anyhow::ensure!(c[0] == expected, "wrong product at n = {n}: {} instead of {expected}", c[0]);
            let throughput = 2.0 * (n as f64).powi(3) / (ms * 1e-3) / 1e9;
            Ok(Figure { workload: format!("gemm-{n}"), threads, throughput, unit: "GFLOP/s", median_ms: ms })
        })
        .collect()
}
