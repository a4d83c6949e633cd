//! C = A B in f32: square matrices, and the dense layers of the brain for a shard of 16 images.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nl_benches::{MEASURED, WARM_UP, assert_close, numbers};
use nl_kernels::{MatMut, MatRef, Scratch, gemm};

/// The definition, in the order that reads rows: Cᵢⱼ = Σₚ Aᵢₚ Bₚⱼ.
fn naive(m: usize, n: usize, k: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    c.fill(0.0);
    for i in 0..m {
        for p in 0..k {
            for j in 0..n {
                c[i * n + j] += a[i * k + p] * b[p * n + j];
            }
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let shapes = [
        ("square 64", [64, 64, 64]),
        ("square 256", [256, 256, 256]),
        ("square 512", [512, 512, 512]),
        ("it forward", [16, 128, 3136]),
        ("it data gradient", [16, 3136, 128]),
        ("it weight gradient", [128, 3136, 16]),
        ("expand forward", [16, 1568, 128]),
        ("prefrontal forward", [16, 10, 128]),
    ];
    for (name, [m, n, k]) in shapes {
        let (a, b) = (numbers("a", m * k), numbers("b", k * n));
        let (mut c, mut expected) = (vec![0.0; m * n], vec![0.0; m * n]);
        let mut scratch = Scratch::new();
        let mut fast = |c: &mut [f32]| {
            let matrix = MatRef::new(&a, m, k).and_then(|a| Ok((a, MatRef::new(&b, k, n)?, MatMut::new(c, m, n)?)));
            let (a, b, c) = matrix.expect("lengths fit");
            gemm(1.0, a, b, 0.0, c, &mut scratch).expect("shapes fit");
        };
        fast(&mut c);
        naive(m, n, k, &a, &b, &mut expected);
        assert_close(name, &c, &expected, 1e-5);

        let mut group = criterion.benchmark_group(format!("gemm/{name}"));
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
        group.bench_function("nl-kernels", |bench| bench.iter(|| fast(&mut c)));
        group.bench_function("naive", |bench| bench.iter(|| naive(m, n, k, &a, &b, &mut expected)));
        group.finish();
    }
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(20).measurement_time(MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
