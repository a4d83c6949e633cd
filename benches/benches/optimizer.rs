//! One step of Adam over as many parameters as the brain has, against the loop that follows the equation.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nl_benches::{MEASURED, WARM_UP, assert_close, numbers};
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};

const N: usize = 700_000;
const RATE: f32 = 1e-3;

/// m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², θ ← θ − η (m / (1 − 0.9ᵗ)) / (√(v / (1 − 0.999ᵗ)) + 10⁻⁸).
fn naive(params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32], t: i32) {
    for i in 0..params.len() {
        m[i] = 0.9 * m[i] + 0.1 * grads[i];
        v[i] = 0.999 * v[i] + 0.001 * grads[i] * grads[i];
        let (mean, square) = (m[i] / (1.0 - 0.9_f32.powi(t)), v[i] / (1.0 - 0.999_f32.powi(t)));
        params[i] -= RATE * mean / (square.sqrt() + 1e-8);
    }
}

fn benches(criterion: &mut Criterion) {
    let config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: f64::from(RATE) });
    let optimizer = Optimizer::new(config, Mask::all()).expect("the default is valid");
    let (mut params, grads) = (numbers("params", N), numbers("grads", N));
    let mut expected = params.clone();
    let mut state = optimizer.init(&params).expect("no mask");
    let (mut m, mut v) = (vec![0.0; N], vec![0.0; N]);
    // The step overwrites the gradient with the update, so that both contenders start from a copy.
    let mut work = grads.clone();
    let mut step = 0;
    let mut fast = |params: &mut [f32]| {
        work.copy_from_slice(&grads);
        optimizer.step(params, &mut work, &mut state, step).expect("lengths fit");
        step += 1;
    };
    let mut copy = grads.clone();
    let mut t = 0;
    let mut slow = |params: &mut [f32]| {
        copy.copy_from_slice(&grads);
        t += 1;
        naive(params, &copy, &mut m, &mut v, t);
    };
    for _ in 0..10 {
        fast(&mut params);
        slow(&mut expected);
    }
    assert_close("parameters", &params, &expected, 1e-5);

    let mut group = criterion.benchmark_group("optimizer/adam");
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function("nl-optim", |bench| bench.iter(|| fast(&mut params)));
    group.bench_function("naive", |bench| bench.iter(|| slow(&mut expected)));
    group.finish();
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(20).measurement_time(MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
