//! A training step allocates nothing after the first identical one.

use nl_autodiff::{BlockPool, Error, Reduction, Shape, Tape, Tensor, Var};
use std::sync::Arc;

/// Allocations of one call of `f`, on this thread.
fn allocations(f: impl FnOnce() -> Result<(), Error>) -> Result<u64, Error> {
    let mut result = Ok(());
    let info = allocation_counter::measure(|| result = f());
    result.map(|()| info.count_total)
}

/// One flat vector of parameters, cut into windows.
struct Model {
    flat: Arc<Vec<f32>>,
    shapes: Vec<(usize, Shape)>,
}

impl Model {
    fn new(shapes: &[&[usize]]) -> Result<Self, Error> {
        let mut len = 0;
        let mut all = Vec::new();
        for dims in shapes {
            let shape = Shape::new(dims)?;
            all.push((len, shape));
            len += shape.len();
        }
        let flat = (0..len).map(|i| 0.2 * ((i as f32 * 0.618_034).fract() - 0.5)).collect();
        Ok(Self { flat: Arc::new(flat), shapes: all })
    }

    fn parameter<'t>(&self, tape: &'t Tape<f32>, slot: usize) -> Result<Var<'t, f32>, Error> {
        let (offset, shape) = self.shapes[slot];
        let value = Tensor::view(self.flat.clone(), offset, shape)?;
        Ok(tape.bind(slot, || value))
    }
}

/// Everything a step of the pipeline does: data in, blocks, attention gate, norm, dropout, dense, losses, gradients out.
fn step(tape: &mut Tape<f32>, model: &Model, gradients: &mut [f32], rows: usize) -> Result<(), Error> {
    tape.reset();
    let tape = &*tape;
    let p = |slot| model.parameter(tape, slot);
    let x =
        tape.constant_with(&[rows, 1, 12, 12], |x| x.iter_mut().enumerate().for_each(|(i, x)| *x = (i % 7) as f32))?;
    let h = x.conv_block(p(0)?, p(1)?, [1, 1], [1, 1], BlockPool::Max2x2)?;
    let gate = h.mean_axes(&[2, 3], nl_autodiff::KeepDims::Yes)?.sigmoid()?;
    let h = h.mul(gate)?.conv_block(p(2)?, p(3)?, [1, 1], [1, 1], BlockPool::None)?;
    let h = h.group_norm(2, None, None, 1e-5)?.max_pool2d([2, 2], [2, 2], [0, 0])?;
    let h = h.conv_transpose2d(p(4)?, Some(p(5)?), [2, 2], [1, 1], [1, 1])?.gelu()?.add(h.sum()?)?;
    let h = h.conv2d(p(2)?, Some(p(3)?), [1, 1], [1, 1])?.relu()?.mul_scalar(0.5)?;
    let h = h.flatten_from(1)?.linear(p(6)?, Some(p(7)?))?.layer_norm(1, Some(p(8)?), Some(p(8)?), 1e-5)?;
    let mask =
        tape.constant_with(&[rows, 10], |m| m.iter_mut().enumerate().for_each(|(i, m)| *m = (i % 2) as f32 * 2.0))?;
    let h = h.mask_mul(mask)?.tanh()?;
    let both = Var::concat(&[h.slice(1, 0..4)?, h.slice(1, 4..10)?], 1)?.permute(&[1, 0])?.transpose(0, 1)?;
    let targets = [3; 64];
    let loss = both.cross_entropy(&targets[..rows], 0.1, Reduction::Mean)?;
    let picked = both.log_softmax()?.nll(&targets[..rows], Reduction::Mean)?;
    let spread = both.softmax()?.mse(mask, Reduction::Mean)?.add(h.bce_with_logits(mask, Reduction::Mean)?)?;
    let loss = loss.add(picked)?.add(spread)?.add(both.max_axes(&[1], nl_autodiff::KeepDims::No)?.mean()?)?;
    tape.backward_bound(loss, &mut |slot, gradient| {
        let offset = model.shapes[slot].0;
        gradients[offset..offset + gradient.len()].copy_from_slice(gradient);
    })
}

#[test]
fn the_second_identical_step_allocates_nothing() -> Result<(), Error> {
    let model = Model::new(&[&[4, 1, 3, 3], &[4], &[4, 4, 3, 3], &[4], &[4, 4, 3, 3], &[4], &[10, 144], &[10], &[10]])?;
    let mut gradients = vec![0.0; model.flat.len()];
    let mut tape = Tape::new();
    let first = allocations(|| step(&mut tape, &model, &mut gradients, 8))?;
    let reference = gradients.clone();
    assert!(first > 0);
    for round in 0..3 {
        gradients.fill(f32::NAN);
        let again = allocations(|| step(&mut tape, &model, &mut gradients, 8))?;
        assert_eq!(again, 0, "round {round}");
        assert_eq!(gradients, reference, "the same step gives the same bits");
    }
    // A smaller last batch fits into the buffers that are there, or makes its own once.
    step(&mut tape, &model, &mut gradients, 5)?;
    assert_eq!(allocations(|| step(&mut tape, &model, &mut gradients, 8))?, 0);
    assert_eq!(allocations(|| step(&mut tape, &model, &mut gradients, 5))?, 0);
    tape.reset();
    assert_eq!(Arc::strong_count(&model.flat), 1, "the parameters are their owner's alone again");
    Ok(())
}

#[test]
fn inference_allocates_nothing_either() -> Result<(), Error> {
    let model = Model::new(&[&[10, 16], &[10]])?;
    let mut tape = Tape::<f32>::new();
    let mut run = || -> Result<(), Error> {
        tape.reset();
        let _pause = tape.stop_recording();
        let x = tape.constant_with(&[4, 16], |x| x.fill(0.5))?;
        let y = x.linear(model.parameter(&tape, 0)?, Some(model.parameter(&tape, 1)?))?.softmax()?;
        assert!(!y.needs_grad());
        Ok(())
    };
    run()?;
    assert_eq!(allocations(run)?, 0);
    Ok(())
}
