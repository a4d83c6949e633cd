//! Gradients through gradients on whole networks, as MAML needs them.

use nl_autodiff::{
    BlockPool, CreateGraph, Error, Reduction, Tape, Tensor, Tolerance, Var, grad, gradcheck, gradcheck_with,
    gradgradcheck,
};

/// Spread-out numbers in (−scale, scale).
fn numbers(dims: &[usize], salt: usize, scale: f64) -> Result<Tensor<f64>, Error> {
    Tensor::from_fn(dims, |i| scale * (2.0 * (0.618_033_988_749_894_9 * (i + 1 + 101 * salt) as f64).fract() - 1.0))
}

/// Loss of a small network: convolution, tanh, mean pooling, strided and transposed convolution, normalisation, dense.
fn smooth_loss<'t>(w: &[Var<'t, f64>], x: Var<'t, f64>, targets: &[u32]) -> Result<Var<'t, f64>, Error> {
    let h = x.conv2d(w[0], Some(w[1]), [1, 1], [1, 1])?.tanh()?.avg_pool2d([2, 2], [2, 2], [0, 0])?;
    let h = h.conv_transpose2d(w[2], None, [2, 2], [1, 1], [1, 1])?.group_norm(1, None, None, 1e-3)?.gelu()?;
    let h = h.conv2d(w[3], None, [2, 2], [0, 0])?.softplus()?;
    h.flatten_from(1)?.linear(w[4], None)?.cross_entropy(targets, 0.1, Reduction::Mean)
}

/// The same with the fused block of the visual stream: piecewise linear in between.
fn block_loss<'t>(w: &[Var<'t, f64>], x: Var<'t, f64>, targets: &[u32]) -> Result<Var<'t, f64>, Error> {
    let h =
        x.conv_block(w[0], w[1], [1, 1], [1, 1], BlockPool::Max2x2)?.conv2d(w[2], None, [1, 1], [1, 1])?.sigmoid()?;
    h.flatten_from(1)?.linear(w[3], None)?.cross_entropy(targets, 0.0, Reduction::Mean)
}

type Loss = for<'t> fn(&[Var<'t, f64>], Var<'t, f64>, &[u32]) -> Result<Var<'t, f64>, Error>;

/// Loss on a second batch after one step of gradient descent on a first: its gradient with respect to the weights
/// before the step goes through the step's own gradient.
fn after_one_step<'t>(loss: Loss, w: &[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {
    let tape = w[0].tape();
    let support = tape.constant(numbers(&[2, 1, 6, 6], 1, 1.0)?);
    let query = tape.constant(numbers(&[2, 1, 6, 6], 2, 1.0)?);
    let inner = grad(loss(w, support, &[0, 2])?, w, CreateGraph::Yes)?;
    let step = |(w, g): (&Var<'t, f64>, &Var<'t, f64>)| w.sub(g.mul_scalar(0.5)?);
    let adapted = w.iter().zip(&inner).map(step).collect::<Result<Vec<_>, _>>()?;
    loss(&adapted, query, &[1, 0])
}

#[test]
fn maml_through_a_smooth_network_matches_finite_differences() -> Result<(), Error> {
    let weights = [
        numbers(&[2, 1, 3, 3], 3, 0.5)?,
        numbers(&[2], 4, 0.5)?,
        numbers(&[2, 2, 3, 3], 5, 0.5)?,
        numbers(&[2, 2, 3, 3], 6, 0.5)?,
        numbers(&[3, 8], 7, 0.5)?,
    ];
    let error = gradcheck(|w| after_one_step(smooth_loss, w), &weights)?;
    assert!(error < 1e-7, "{error}");
    Ok(())
}

#[test]
fn maml_through_the_fused_block_matches_finite_differences() -> Result<(), Error> {
    let weights = [
        numbers(&[2, 1, 3, 3], 3, 0.5)?,
        numbers(&[2], 8, 0.5)?,
        numbers(&[2, 2, 3, 3], 5, 0.5)?,
        numbers(&[3, 18], 7, 0.5)?,
    ];
    // A small step: hundreds of cells, each with a kink somewhere.
    let tolerance = Tolerance { step: 1.0 / 65536.0, ..Tolerance::default() };
    let error = gradcheck_with(|w| after_one_step(block_loss, w), &weights, tolerance)?;
    assert!(error < 1e-7, "{error}");
    Ok(())
}

/// d(x tanh x)/dx as a function: its own first and second derivatives are of second and third order.
fn slope<'t>(v: &[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {
    grad(v[0].tanh()?.mul(v[0])?.sum()?, v, CreateGraph::Yes).map(|g| g[0])
}

#[test]
fn third_order_matches_finite_differences() -> Result<(), Error> {
    assert!(gradgradcheck(slope, &[numbers(&[3], 1, 1.0)?])? < 1e-7);
    Ok(())
}

/// A Hessian-vector product, by the gradient of ⟨gradient, v⟩: for x'Ax/2 with symmetric A it is Av.
#[test]
fn a_hessian_vector_product_is_exact() -> Result<(), Error> {
    let tape = Tape::new();
    let a = tape.constant(Tensor::new(&[2, 2], vec![2.0, 1.0, 1.0, 3.0])?);
    let x = tape.leaf(Tensor::new(&[1, 2], vec![0.3, -0.7])?);
    let v = tape.constant(Tensor::new(&[1, 2], vec![1.0, -2.0])?);
    let energy = x.matmul(a)?.mul(x)?.sum()?.mul_scalar(0.5)?;
    let gradient = grad(energy, &[x], CreateGraph::Yes)?[0];
    let product = grad(gradient.mul(v)?.sum()?, &[x], CreateGraph::No)?[0];
    assert_eq!(product.value().as_slice(), [0.0, -5.0]);
    Ok(())
}
