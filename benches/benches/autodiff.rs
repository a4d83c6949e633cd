//! What the tape costs: one step of a small network on the tape, and the same kernels called by hand on fixed buffers.
//!
//! y = W₂ relu(W₁ x + b₁) + b₂, cross-entropy, all four gradients; 16 rows, 128 → 64 → 10 units. The network is small on
//! purpose: the difference between the contenders is what a dozen nodes cost.

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use nl_autodiff::{Error, Reduction, Shape, Tape, Tensor};
use nl_benches::{MEASURED, WARM_UP, assert_close, numbers};
use nl_kernels::{
    MatMut, MatRef, Scratch, ShapeError, Unary, gemm, softmax_cross_entropy, softmax_cross_entropy_grad, sum_axis,
    unary, unary_grad,
};

const ROWS: usize = 16;
const INPUTS: usize = 128;
const HIDDEN: usize = 64;
const CLASSES: usize = 10;
/// W₁, b₁, W₂, b₂ and where each starts in the flat vector.
const SHAPES: [&[usize]; 4] = [&[HIDDEN, INPUTS], &[HIDDEN], &[CLASSES, HIDDEN], &[CLASSES]];
const STARTS: [usize; 5] = {
    let (w1, w2) = (HIDDEN * INPUTS, CLASSES * HIDDEN);
    [0, w1, w1 + HIDDEN, w1 + HIDDEN + w2, w1 + HIDDEN + w2 + CLASSES]
};

fn on_tape(
    tape: &mut Tape<f32>,
    x: &[f32],
    targets: &[u32],
    weights: &Arc<Vec<f32>>,
    gradient: &mut [f32],
) -> Result<f32, Error> {
    tape.reset();
    let parameter = |i: usize| -> Result<_, Error> {
        Ok(tape.leaf(Tensor::view(Arc::clone(weights), STARTS[i], Shape::new(SHAPES[i])?)?))
    };
    let parameters = [parameter(0)?, parameter(1)?, parameter(2)?, parameter(3)?];
    let [w1, b1, w2, b2] = parameters;
    let x = tape.constant_with(&[ROWS, INPUTS], |to| to.copy_from_slice(x))?;
    let logits = x.linear(w1, Some(b1))?.relu()?.linear(w2, Some(b2))?;
    let loss = logits.cross_entropy(targets, 0.0, Reduction::Sum)?;
    tape.backward(loss, &parameters, &mut |i, g| gradient[STARTS[i]..STARTS[i + 1]].copy_from_slice(g))?;
    loss.item()
}

/// The buffers of the step by hand.
struct ByHand {
    z: Vec<f32>,
    h: Vec<f32>,
    logits: Vec<f32>,
    log_probs: Vec<f32>,
    losses: Vec<f32>,
    dlogits: Vec<f32>,
    dh: Vec<f32>,
    dz: Vec<f32>,
    scratch: Scratch,
}

impl ByHand {
    fn new() -> Self {
        let (hidden, classes) = (vec![0.0; ROWS * HIDDEN], vec![0.0; ROWS * CLASSES]);
        Self {
            z: hidden.clone(),
            h: hidden.clone(),
            dh: hidden.clone(),
            dz: hidden,
            logits: classes.clone(),
            log_probs: classes.clone(),
            dlogits: classes,
            losses: vec![0.0; ROWS],
            scratch: Scratch::new(),
        }
    }

    fn step(&mut self, x: &[f32], targets: &[u32], weights: &[f32], gradient: &mut [f32]) -> Result<f32, ShapeError> {
        let Self { z, h, logits, log_probs, losses, dlogits, dh, dz, scratch } = self;
        let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|i| &weights[STARTS[i]..STARTS[i + 1]]);
        let x = MatRef::new(x, ROWS, INPUTS)?;
        let (w1, w2) = (MatRef::new(w1, HIDDEN, INPUTS)?, MatRef::new(w2, CLASSES, HIDDEN)?);
        z.chunks_exact_mut(HIDDEN).for_each(|row| row.copy_from_slice(b1));
        gemm(1.0, x, w1.t(), 1.0, MatMut::new(z, ROWS, HIDDEN)?, scratch)?;
        unary(Unary::Relu, z, h)?;
        logits.chunks_exact_mut(CLASSES).for_each(|row| row.copy_from_slice(b2));
        gemm(1.0, MatRef::new(h, ROWS, HIDDEN)?, w2.t(), 1.0, MatMut::new(logits, ROWS, CLASSES)?, scratch)?;
        softmax_cross_entropy(ROWS, CLASSES, logits, targets, 0.0, log_probs, losses)?;

        softmax_cross_entropy_grad(ROWS, CLASSES, log_probs, targets, 0.0, &[1.0; ROWS], dlogits)?;
        let (first, second) = gradient.split_at_mut(STARTS[2]);
        let ((dw1, db1), (dw2, db2)) = (first.split_at_mut(STARTS[1]), second.split_at_mut(CLASSES * HIDDEN));
        let dy = MatRef::new(dlogits, ROWS, CLASSES)?;
        let dw2 = MatMut::new(dw2, CLASSES, HIDDEN)?;
        gemm(1.0, dy.t(), MatRef::new(h, ROWS, HIDDEN)?, 0.0, dw2, scratch)?;
        sum_axis(1, ROWS, CLASSES, dlogits, db2)?;
        gemm(1.0, dy, w2, 0.0, MatMut::new(dh, ROWS, HIDDEN)?, scratch)?;
        unary_grad(Unary::Relu, z, h, dh, dz)?;
        gemm(1.0, MatRef::new(dz, ROWS, HIDDEN)?.t(), x, 0.0, MatMut::new(dw1, HIDDEN, INPUTS)?, scratch)?;
        sum_axis(1, ROWS, HIDDEN, dz, db1)?;
        Ok(losses.iter().sum())
    }
}

fn benches(criterion: &mut Criterion) {
    let x = numbers("x", ROWS * INPUTS);
    let weights = Arc::new(numbers("weights", STARTS[4]).iter().map(|w| 0.1 * w).collect::<Vec<f32>>());
    let targets: Vec<u32> = (0..ROWS as u32).map(|i| i % CLASSES as u32).collect();
    let (mut tape, mut by_hand) = (Tape::new(), ByHand::new());
    let (mut gradient, mut expected) = (vec![0.0; STARTS[4]], vec![0.0; STARTS[4]]);
    let loss = on_tape(&mut tape, &x, &targets, &weights, &mut gradient).expect("shapes fit");
    let by_kernels = by_hand.step(&x, &targets, &weights, &mut expected).expect("shapes fit");
    assert_close("loss", &[loss], &[by_kernels], 1e-6);
    assert_close("gradient", &gradient, &expected, 1e-6);

    let mut group = criterion.benchmark_group("autodiff/step of a small network");
    group.bench_function("tape", |bench| {
        bench.iter(|| on_tape(&mut tape, &x, &targets, &weights, &mut gradient).expect("shapes fit"));
    });
    group.bench_function("kernels by hand", |bench| {
        bench.iter(|| by_hand.step(&x, &targets, &weights, &mut expected).expect("shapes fit"));
    });
    group.finish();
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(50).measurement_time(MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
