//! The edges: nothing at all, more than there is, numbers that are none, and sums of very many terms.

use approx::assert_relative_eq;
use nl_autodiff::{BlockPool, CreateGraph, Error, KeepDims, Reduction, Shape, Tape, Tensor, Var, grad};

/// What no machine has is an error, before anything is computed.
#[test]
fn more_memory_than_there_is_is_an_error() -> Result<(), Error> {
    let tape = Tape::<f32>::new();
    let one = tape.leaf(Tensor::scalar(1.0));
    let image = tape.leaf(Tensor::full(&[1, 1, 2, 2], 1.0)?);
    let weight = tape.leaf(Tensor::full(&[1, 1, 1, 1], 1.0)?);
    let up = |stride| image.conv_transpose2d(weight, None, [stride; 2], [0; 2], [0; 2]);
    let memory = [
        up(1 << 26).err(),
        one.broadcast_to(&[1 << 30, 1 << 25]).err(),
        one.unsqueeze(0)?.pad(0, 1 << 55, 0).err(),
        tape.constant_with(&[1 << 56], |_| ()).err(),
        Tensor::<f32>::zeros(&[1 << 58]).err(),
        Tensor::<f64>::from_fn(&[1 << 57], |_| 0.0).err(),
    ];
    for error in memory {
        assert!(matches!(error, Some(Error::Memory { .. })), "{error:?}");
    }
    let sizes = [
        up(1 << 31).err(),
        up(usize::MAX).err(),
        one.broadcast_to(&[1 << 40, 1 << 40]).err(),
        one.unsqueeze(0)?.pad(0, usize::MAX, usize::MAX).err(),
        image.conv2d(weight, None, [1, 1], [usize::MAX, 0]).err(),
        image.conv2d(weight, None, [1, 1], [1 << 40, 1 << 40]).err(),
        image.conv_transpose2d(weight, None, [1, 1], [usize::MAX / 2 + 1; 2], [0; 2]).err(),
        image.max_pool2d([usize::MAX; 2], [1; 2], [usize::MAX / 2; 2]).err(),
        Tensor::<f32>::zeros(&[0, usize::MAX, 2]).err(),
    ];
    for (i, error) in sizes.into_iter().enumerate() {
        assert!(error.is_some(), "size {i}");
    }
    // A stride beyond the image is none: one output.
    let y = image.conv2d(weight, None, [1 << 63, usize::MAX], [0, 0])?;
    assert_eq!(y.value(), Tensor::full(&[1, 1, 1, 1], 1.0)?);
    let dx = grad(y.sum()?, &[image], CreateGraph::No)?[0].value();
    assert_eq!(dx.as_slice(), [1.0, 0.0, 0.0, 0.0]);
    Ok(())
}

/// Empty batches and empty axes: sums are 0, means NaN, maxima errors, and gradients have the shape of what they are of.
#[test]
fn nothing_is_a_legal_batch() -> Result<(), Error> {
    let tape = Tape::<f64>::new();
    let leaf = |dims: &[usize]| Tensor::full(dims, 1.0).map(|x| tape.leaf(x));
    let (batch, axis) = (leaf(&[0, 3])?, leaf(&[2, 0])?);
    assert_eq!(batch.sum()?.item()?, 0.0);
    assert!(batch.mean()?.item()?.is_nan());
    assert_eq!(axis.sum_axes(&[1], KeepDims::No)?.value(), Tensor::zeros(&[2])?);
    assert_eq!(batch.sum_axes(&[0], KeepDims::No)?.value(), Tensor::zeros(&[3])?);
    assert!(axis.mean_axes(&[1], KeepDims::No)?.value().as_slice().iter().all(|x| x.is_nan()));
    assert!(batch.max().is_err() && axis.max_axes(&[1], KeepDims::No).is_err());
    assert!(batch.max_axes(&[0], KeepDims::No).is_err());
    assert_eq!(batch.max_axes(&[1], KeepDims::No)?.shape().dims(), [0]);
    assert_eq!(axis.max_axes(&[0], KeepDims::No)?.shape().dims(), [0]);
    assert_eq!(batch.cross_entropy(&[], 0.1, Reduction::Sum)?.item()?, 0.0);
    assert!(batch.cross_entropy(&[], 0.1, Reduction::Mean)?.item()?.is_nan());

    let images = leaf(&[0, 2, 6, 6])?;
    let (w, b) = (leaf(&[3, 2, 3, 3])?, leaf(&[3])?);
    let (wide, transposed) = (leaf(&[3, 2, 5, 5])?, leaf(&[2, 3, 4, 4])?);
    let (dense, bias, norm) = (leaf(&[4, 3])?, leaf(&[4])?, leaf(&[3])?);
    let results: Vec<(Var<'_, f64>, &[usize])> = vec![
        (images.conv2d(w, Some(b), [1, 1], [1, 1])?, &[0, 3, 6, 6]),
        (images.conv2d(wide, Some(b), [2, 1], [1, 2])?, &[0, 3, 2, 6]),
        (images.conv_block(w, b, [1, 1], [1, 1], BlockPool::Max2x2)?, &[0, 3, 3, 3]),
        (images.conv_block(wide, b, [1, 1], [2, 2], BlockPool::Max2x2)?, &[0, 3, 3, 3]),
        (images.conv_transpose2d(transposed, Some(b), [2, 2], [1, 1], [0, 0])?, &[0, 3, 12, 12]),
        (images.max_pool2d([2, 2], [2, 2], [0, 0])?, &[0, 2, 3, 3]),
        (images.avg_pool2d([2, 2], [2, 2], [0, 0])?, &[0, 2, 3, 3]),
        (images.group_norm(2, None, None, 1e-5)?, &[0, 2, 6, 6]),
        (batch.linear(dense, Some(bias))?, &[0, 4]),
        (batch.linear(dense, None)?, &[0, 4]),
        (batch.layer_norm(1, Some(norm), Some(norm), 1e-5)?, &[0, 3]),
        (batch.softmax()?, &[0, 3]),
        (batch.log_softmax()?, &[0, 3]),
        (batch.permute(&[1, 0])?, &[3, 0]),
        (batch.index_select(0, &[])?, &[0, 3]),
        (batch.slice(1, 1..3)?, &[0, 2]),
        (Var::concat(&[batch, batch], 0)?, &[0, 3]),
        (Var::stack(&[batch, batch], 1)?, &[0, 2, 3]),
        (batch.broadcast_to(&[2, 0, 3])?, &[2, 0, 3]),
        (batch.gelu()?.mul_scalar(2.0)?.powf(3.0)?.clamp(0.0, 1.0)?, &[0, 3]),
        (axis.pad(1, 1, 2)?, &[2, 3]),
        (axis.softmax()?, &[2, 0]),
    ];
    let wrt = [batch, axis, images, w, b, wide, transposed, dense, bias, norm];
    for (i, (y, dims)) in results.into_iter().enumerate() {
        assert_eq!(y.shape().dims(), dims, "result {i}");
        for create_graph in [CreateGraph::No, CreateGraph::Yes] {
            for (dx, x) in grad(y.sum()?, &wrt, create_graph)?.into_iter().zip(wrt) {
                assert_eq!(dx.value(), Tensor::zeros(x.shape().dims())?, "result {i}, {create_graph:?}");
            }
        }
    }
    Ok(())
}

/// The fused block hides no NaN: it has one where the chain of operations has it, with the same gradients.
#[test]
fn a_nan_goes_through_fused_operations_as_through_the_chain() -> Result<(), Error> {
    for at in 0..32 {
        for create_graph in [CreateGraph::No, CreateGraph::Yes] {
            let tape = Tape::<f64>::new();
            let mut x: Vec<f64> = (0..32).map(|i| f64::from((i * 7) % 5) - 1.0).collect();
            x[at] = f64::NAN;
            let x = tape.leaf(Tensor::new(&[2, 1, 4, 4], x)?);
            // Each pixel by itself, so that only its own window sees the NaN.
            let (w, b) = (tape.leaf(Tensor::new(&[1, 1, 1, 1], vec![1.0])?), tape.leaf(Tensor::new(&[1], vec![0.5])?));
            let fused = x.conv_block(w, b, [1, 1], [0, 0], BlockPool::Max2x2)?;
            let chain = x.conv2d(w, Some(b), [1, 1], [0, 0])?.relu()?.max_pool2d([2, 2], [2, 2], [0, 0])?;
            let equal = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
            assert!(equal(fused.value().as_slice(), chain.value().as_slice()), "NaN at {at}: {fused:?} {chain:?}");
            assert_eq!(fused.value().as_slice().iter().filter(|y| y.is_nan()).count(), 1, "NaN at {at}");
            // A gradient of x is finite: it is dy · w where the window is open.
            let [of_fused, of_chain] = [fused, chain].map(|y| grad(y.sum().unwrap(), &[x, b], create_graph));
            for (fused, chain) in of_fused?.into_iter().zip(of_chain?) {
                assert_eq!(fused.value(), chain.value(), "NaN at {at}, {create_graph:?}");
            }
            let plain = x.conv_block(w, b, [1, 1], [0, 0], BlockPool::None)?;
            let relu = x.conv2d(w, Some(b), [1, 1], [0, 0])?.relu()?;
            assert!(equal(plain.value().as_slice(), relu.value().as_slice()));
            let slopes = grad(relu.sum()?, &[x], create_graph)?[0].value();
            assert_eq!(slopes.as_slice()[at], 1.0, "relu'(NaN) lets the gradient through, as PyTorch's");
            let slopes = grad(plain.sum()?, &[x], create_graph)?[0].value();
            assert_eq!(slopes.as_slice()[at], 1.0);
        }
    }
    Ok(())
}

/// 65,536 rows: forward over the leading axis, and the gradients of what is stretched over it.
#[test]
fn sums_over_many_rows_are_as_good_as_pytorchs() -> Result<(), Error> {
    const ROWS: usize = 65_536;
    let tape = Tape::<f32>::new();
    let tenths = tape.constant(Tensor::full(&[ROWS, 4], 0.1)?);
    let close = |what: &str, x: Var<'_, f32>, want: f64| {
        for &x in x.value().as_slice() {
            assert!(approx::relative_eq!(f64::from(x), want, epsilon = 0.0, max_relative = 1e-6), "{what}: {x} {want}");
        }
    };
    let total = f64::from(0.1_f32) * ROWS as f64;
    close("sum_axes", tenths.sum_axes(&[0], KeepDims::No)?, total);
    close("mean_axes", tenths.mean_axes(&[0], KeepDims::No)?, f64::from(0.1_f32));
    close("sum", tenths.sum()?, 4.0 * total);
    close("sum_to", tenths.reshape(&[256, 256, 4])?.sum_to(Shape::new(&[256, 1, 4])?)?, total / 256.0);

    /// dy = 0.1 for every element of y.
    fn weigh(y: Var<'_, f32>) -> Result<Var<'_, f32>, Error> {
        y.mul_scalar(0.1)?.sum()
    }
    let (x, w) = (tape.constant(Tensor::full(&[ROWS, 2], 0.5)?), tape.leaf(Tensor::full(&[3, 2], 1.0)?));
    let bias = tape.leaf(Tensor::full(&[3], 0.0)?);
    close("linear", grad(weigh(x.linear(w, Some(bias))?)?, &[bias], CreateGraph::No)?[0], total);
    let (gain, shift) = (tape.leaf(Tensor::full(&[2], 1.0)?), tape.leaf(Tensor::full(&[2], 0.0)?));
    let y =
        tape.constant(Tensor::from_fn(&[ROWS, 2], |i| (i % 2) as f32)?).layer_norm(1, Some(gain), Some(shift), 1e-5)?;
    close("layer_norm", grad(weigh(y)?, &[shift], CreateGraph::No)?[0], total);
    let added = tape.leaf(Tensor::full(&[4], 0.0)?);
    for create_graph in [CreateGraph::No, CreateGraph::Yes] {
        close("add", grad(weigh(tenths.add(added)?)?, &[added], create_graph)?[0], total);
        close("broadcast_to", grad(weigh(added.broadcast_to(&[ROWS, 4])?)?, &[added], create_graph)?[0], total);
    }
    let (w, b) = (tape.leaf(Tensor::full(&[1, 1, 1, 1], 1.0)?), tape.leaf(Tensor::full(&[1], 0.0)?));
    let images = tape.constant(Tensor::full(&[ROWS, 1, 1, 1], 1.0)?);
    close("conv2d", grad(weigh(images.conv2d(w, Some(b), [1, 1], [0, 0])?)?, &[b], CreateGraph::No)?[0], total);
    let block = images.conv_block(w, b, [1, 1], [0, 0], BlockPool::None)?;
    close("conv_block", grad(weigh(block)?, &[b], CreateGraph::No)?[0], total);
    let variance = tenths.sub_scalar(0.35)?.square()?.mean_axes(&[0], KeepDims::No)?;
    let want = (f64::from(0.1_f32) - f64::from(0.35_f32)).powi(2);
    assert_relative_eq!(f64::from(variance.value().as_slice()[0]), want, epsilon = 0.0, max_relative = 1e-6);
    Ok(())
}
