//! Laws that hold for every shape: adjoints, inverses, and errors instead of panics.

use approx::{abs_diff_eq, assert_abs_diff_eq, relative_eq};
use nl_autodiff::{CreateGraph, Error, KeepDims, Shape, Tape, Tensor, Transpose, Var, grad};
use proptest::prelude::*;

fn numbers(dims: &[usize], salt: usize) -> Result<Tensor<f64>, Error> {
    Tensor::from_fn(dims, |i| 2.0 * (0.618_033_988_749_894_9 * (i + 1 + 101 * salt) as f64).fract() - 1.0)
}

fn inner(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b).sum()
}

/// ⟨f(x), u⟩ = ⟨x, fᵀ(u)⟩ for a linear f, its adjoint taken by the tape, however the graph is made.
fn adjoint(dims: &[usize], f: impl for<'t> Fn(Var<'t, f64>) -> Result<Var<'t, f64>, Error>) -> Result<(), Error> {
    for create_graph in [CreateGraph::No, CreateGraph::Yes] {
        let tape = Tape::new();
        let x = tape.leaf(numbers(dims, 0)?);
        let y = f(x)?;
        let u = tape.constant(numbers(y.shape().dims(), 1)?);
        let back = grad(y.mul(u)?.sum()?, &[x], create_graph)?[0];
        let (left, right) = (inner(&y.value(), &u.value()), inner(&x.value(), &back.value()));
        assert!(relative_eq!(left, right, epsilon = 1e-12, max_relative = 1e-12), "{dims:?}: {left} {right}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn moving_elements_has_an_adjoint(dims in prop::collection::vec(0usize..4, 1..5), seed in 0usize..1000) {
        let axis = seed % dims.len();
        let len = dims[axis];
        let (start, end) = (seed % (len + 1), len);
        let mut order: Vec<usize> = (0..dims.len()).collect();
        order.rotate_left(axis);
        let shape = Shape::new(&dims).expect("few axes");
        adjoint(&dims, |x| x.permute(&order)).expect("permute");
        adjoint(&dims, |x| x.slice(axis, start..end)).expect("slice");
        adjoint(&dims, |x| x.pad(axis, seed % 3, seed % 2)).expect("pad");
        adjoint(&dims, |x| Var::concat(&[x, x.mul_scalar(2.0)?, x], axis)).expect("concat");
        adjoint(&dims, |x| x.sum_axes(&[axis], KeepDims::Yes)).expect("sum");
        adjoint(&dims, |x| x.sum_axes(&[axis], KeepDims::No)?.broadcast_to(
            shape.dims().iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, &d)| d).collect::<Vec<_>>().as_slice(),
        )).expect("broadcast");
        adjoint(&dims, |x| x.unsqueeze(axis)?.flatten_from(axis)).expect("reshape");
        if len > 0 {
            adjoint(&dims, |x| x.index_select(axis, &[0, (seed % len) as u32, 0])).expect("index_select");
        }
    }

    #[test]
    fn products_of_any_shape_equal_the_definition(m in 0usize..5, k in 0usize..5, n in 0usize..5, batch in 1usize..3) {
        let tape = Tape::new();
        let a = numbers(&[batch, m, k], 0).expect("three axes");
        let b = numbers(&[batch, k, n], 1).expect("three axes");
        let (x, y) = (tape.constant(a.clone()), tape.constant(b.clone()));
        let plain = x.matmul(y).expect("shapes fit").value();
        let transposed = x.transpose(1, 2).and_then(|x| x.matmul_with(Transpose::Yes, y, Transpose::No)).expect("fits").value();
        for i in 0..batch * m * n {
            let (p, r, c) = (i / (m * n), i / n % m, i % n);
            let expected: f64 = (0..k).map(|j| a.as_slice()[(p * m + r) * k + j] * b.as_slice()[(p * k + j) * n + c]).sum();
            prop_assert!(abs_diff_eq!(plain.as_slice()[i], expected, epsilon = 1e-13));
            prop_assert!(abs_diff_eq!(transposed.as_slice()[i], expected, epsilon = 1e-13));
        }
    }
}

#[test]
fn wrong_arguments_are_errors_that_name_the_operation() -> Result<(), Error> {
    let tape = Tape::<f64>::new();
    let m = tape.leaf(Tensor::zeros(&[2, 3])?);
    let image = tape.leaf(Tensor::zeros(&[1, 2, 4, 4])?);
    let constant = tape.constant(Tensor::scalar(1.0));
    let cases = [
        ("add", m.add(image).err()),
        ("matmul", m.matmul(m).err()),
        ("linear", m.linear(tape.leaf(Tensor::zeros(&[4, 2])?), None).err()),
        ("conv2d", image.conv2d(m, None, [1, 1], [0, 0]).err()),
        ("conv2d", image.conv2d(tape.leaf(Tensor::zeros(&[1, 2, 5, 5])?), None, [1, 1], [0, 0]).err()),
        ("conv2d", image.conv2d(tape.leaf(Tensor::zeros(&[1, 2, 3, 3])?), None, [0, 1], [0, 0]).err()),
        ("conv_transpose2d", image.conv_transpose2d(image, None, [1, 1], [0, 0], [1, 0]).err()),
        (
            "conv_transpose2d",
            image.conv_transpose2d(tape.leaf(Tensor::zeros(&[2, 1, 2, 2])?), None, [1, 1], [9, 9], [0, 0]).err(),
        ),
        ("pool2d", image.max_pool2d([5, 5], [1, 1], [0, 0]).err()),
        ("max_pool2d", m.max_pool2d([2, 2], [1, 1], [0, 0]).err()),
        ("sum_axes", m.sum_axes(&[2], KeepDims::No).err()),
        ("sum_axes", m.sum_axes(&[0, 0], KeepDims::No).err()),
        ("max_axis", tape.leaf(Tensor::zeros(&[0])?).max().err()),
        ("reshape", m.reshape(&[7]).err()),
        ("permute", m.permute(&[0, 0]).err()),
        ("slice", m.slice(1, 2..4).err()),
        ("concat", Var::concat(&[m, image], 0).err()),
        ("concat", Var::<f64>::concat(&[], 0).err()),
        ("index_select", m.index_select(1, &[3]).err()),
        ("embedding", m.embedding(&[1], &[2]).err()),
        ("pick", m.pick(1, &[0]).err()),
        ("cross_entropy", m.cross_entropy(&[0, 3], 0.0, nl_autodiff::Reduction::Mean).err()),
        ("cross_entropy", m.cross_entropy(&[0], 0.0, nl_autodiff::Reduction::Mean).err()),
        ("cross_entropy", m.cross_entropy(&[0, 1], 1.5, nl_autodiff::Reduction::Mean).err()),
        ("mse", m.mse(image, nl_autodiff::Reduction::Mean).err()),
        ("group_norm", image.group_norm(3, None, None, 1e-5).err()),
        ("layer_norm", m.layer_norm(1, Some(m), None, 1e-5).err()),
        ("layer_norm", m.layer_norm(1, None, None, 0.0).err()),
        ("clamp", m.clamp(1.0, -1.0).err()),
        ("softmax", constant.softmax().err()),
        ("item", m.item().err()),
        ("grad", grad(m, &[m], CreateGraph::No).err()),
        ("grad", grad(m.sum()?, &[constant], CreateGraph::No).err()),
        ("Shape::new", m.reshape(&[1; 7]).err()),
    ];
    for (op, error) in cases {
        let message = error.map_or_else(|| panic!("{op} accepted nonsense"), |error| error.to_string());
        assert!(message.starts_with(&format!("{op}: ")), "{op}: {message}");
    }
    Ok(())
}

#[test]
fn unreachable_parameters_have_zero_gradients_and_every_sink_is_called_once() -> Result<(), Error> {
    let tape = Tape::<f64>::new();
    let used = tape.bind(3, || Tensor::scalar(2.0));
    let unused = tape.bind(1, || Tensor::scalar(5.0));
    let loss = used.square()?;
    let mut seen = Vec::new();
    tape.backward_bound(loss, &mut |slot, g| seen.push((slot, g.to_vec())))?;
    assert_eq!(seen, [(3, vec![4.0]), (1, vec![0.0])]);
    seen.clear();
    tape.backward(loss, &[unused, used, used], &mut |i, g| seen.push((i, g.to_vec())))?;
    seen.sort_by_key(|s| s.0);
    assert_eq!(seen, [(0, vec![0.0]), (1, vec![4.0]), (2, vec![4.0])]);
    // An inner variable may be asked for as well.
    let inner = used.exp()?;
    let gradients = grad(inner.mul(used)?, &[inner, used], CreateGraph::Yes)?;
    assert_eq!(gradients[0].item()?, 2.0);
    assert_abs_diff_eq!(gradients[1].item()?, 3.0 * 2f64.exp(), epsilon = 1e-14);
    Ok(())
}

#[test]
fn detached_values_carry_no_gradient() -> Result<(), Error> {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(Tensor::scalar(3.0));
    let y = x.mul(x.detach())?;
    assert_eq!(grad(y, &[x], CreateGraph::Yes)?[0].item()?, 3.0);
    // A straight-through value has the gradient of its primitive, of every order.
    let spike = x.square()?.straight_through(x.step()?)?;
    let slope = grad(spike, &[x], CreateGraph::Yes)?[0];
    assert_eq!((spike.item()?, slope.item()?), (1.0, 6.0));
    assert_eq!(grad(slope, &[x], CreateGraph::No)?[0].item()?, 2.0);
    assert_eq!(grad(x.step()?.add(x.sign()?)?, &[x], CreateGraph::No)?[0].item()?, 0.0);
    Ok(())
}
