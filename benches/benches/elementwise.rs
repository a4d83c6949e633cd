//! Maps, sums and softmax over 64 Ki numbers (a quarter of a megabyte, inside L2) against the standard library's loops.

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use nl_benches::{MEASURED, WARM_UP, assert_close, numbers};
use nl_kernels::{Binary, Unary, binary, softmax, softmax_cross_entropy, sum, unary};

/// The standard library's form of a map.
type Scalar = fn(f32) -> f32;

const N: usize = 1 << 16;
const CLASSES: usize = 10;
const ROWS: usize = N / CLASSES;

/// Both contenders fill a slice; the answers are compared before either is timed.
fn contest(
    criterion: &mut Criterion,
    name: &str,
    len: usize,
    tolerance: f32,
    mut fast: impl FnMut(&mut [f32]),
    mut naive: impl FnMut(&mut [f32]),
) {
    let (mut y, mut expected) = (vec![0.0; len], vec![0.0; len]);
    fast(&mut y);
    naive(&mut expected);
    assert_close(name, &y, &expected, tolerance);
    let mut group: BenchmarkGroup<'_, WallTime> = criterion.benchmark_group(format!("elementwise/{name}"));
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function("nl-kernels", |bench| bench.iter(|| fast(&mut y)));
    group.bench_function("naive", |bench| bench.iter(|| naive(&mut expected)));
    group.finish();
}

fn map(x: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

fn naive_softmax(x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(CLASSES).zip(y.chunks_exact_mut(CLASSES)) {
        let largest = x.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        map(x, y, |x| (x - largest).exp());
        let sum: f32 = y.iter().sum();
        y.iter_mut().for_each(|y| *y /= sum);
    }
}

fn benches(criterion: &mut Criterion) {
    let (a, b) = (numbers("a", N), numbers("b", N));
    let fits = "lengths fit";
    let maps: [(&str, Unary, Scalar); 4] = [
        ("relu", Unary::Relu, |x| if x > 0.0 { x } else { 0.0 }),
        ("exp", Unary::Exp, f32::exp),
        ("tanh", Unary::Tanh, f32::tanh),
        ("sigmoid", Unary::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
    ];
    for (name, op, f) in maps {
        contest(criterion, name, N, 1e-6, |y| unary(op, &a, y).expect(fits), |y| map(&a, y, f));
    }
    contest(
        criterion,
        "add",
        N,
        0.0,
        |y| binary(Binary::Add, &a, &b, y).expect(fits),
        |y| y.iter_mut().zip(a.iter().zip(&b)).for_each(|(y, (a, b))| *y = a + b),
    );
    // The naive sum is the less exact one: its error grows with N, that of pairwise sums with log N.
    contest(criterion, "sum", 1, 1e-3, |y| y[0] = sum(&a), |y| y[0] = a.iter().sum());

    let logits = &a[..ROWS * CLASSES];
    contest(
        criterion,
        "softmax of 10",
        ROWS * CLASSES,
        1e-6,
        |y| softmax(ROWS, CLASSES, logits, y).expect(fits),
        |y| naive_softmax(logits, y),
    );
    let targets: Vec<u32> = (0..ROWS as u32).map(|i| i % CLASSES as u32).collect();
    let (mut log_probs, mut probs) = (vec![0.0; ROWS * CLASSES], vec![0.0; ROWS * CLASSES]);
    contest(
        criterion,
        "cross-entropy of 10",
        ROWS,
        1e-5,
        |losses| {
            softmax_cross_entropy(ROWS, CLASSES, logits, &targets, 0.0, &mut log_probs, losses).expect(fits);
        },
        |losses| {
            naive_softmax(logits, &mut probs);
            for (r, loss) in losses.iter_mut().enumerate() {
                *loss = -probs[r * CLASSES + targets[r] as usize].ln();
            }
        },
    );
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(20).measurement_time(MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
