//! Every operation, one row each: against PyTorch's values and gradients, and against finite differences twice over.

mod cases;

use approx::relative_eq;
use cases::table;
use nl_autodiff::{CreateGraph, Error, Tape, Tensor, Var, grad, gradcheck, gradgradcheck};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Reference {
    cases: BTreeMap<String, Numbers>,
}

#[derive(Deserialize)]
struct Numbers {
    inputs: Vec<Array>,
    y: Array,
    gradients: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

/// `tests/reference/ops.json`, written by `ops.py` beside it.
fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/ops.json")).expect("ops.json is well-formed")
}

impl Numbers {
    fn inputs(&self) -> Vec<Tensor<f64>> {
        self.inputs.iter().map(|a| Tensor::new(&a.shape, a.data.clone()).expect("ops.json is consistent")).collect()
    }
}

/// Σ w y with the weights of `ops.py`.
fn weigh(y: Var<'_, f64>) -> Result<Var<'_, f64>, Error> {
    let weight = |i: usize| 0.5 + (0.618_033_988_749_894_9 * (i + 1) as f64).fract();
    let weights = Tensor::from_fn(y.shape().dims(), weight)?;
    y.mul(y.tape().constant(weights))?.sum()
}

fn assert_close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        let close = relative_eq!(a, b, epsilon = 1e-12, max_relative = 1e-12);
        assert!(close, "{what}[{i}]: {a}, PyTorch {b}");
    }
}

#[test]
fn the_table_and_the_reference_have_the_same_rows() {
    let mut names: Vec<_> = table::<f64>().iter().map(|case| case.0.to_owned()).collect();
    names.sort();
    assert_eq!(names, reference().cases.into_keys().collect::<Vec<_>>());
}

#[test]
fn values_and_gradients_are_those_of_pytorch() -> Result<(), Error> {
    let reference = reference();
    for (name, f) in table() {
        let expected = &reference.cases[name];
        for create_graph in [CreateGraph::No, CreateGraph::Yes] {
            let tape = Tape::new();
            let vars: Vec<_> = expected.inputs().into_iter().map(|x| tape.leaf(x)).collect();
            let y = f(&vars)?;
            assert_eq!(y.shape().dims(), expected.y.shape, "{name}");
            assert_close(name, y.value().as_slice(), &expected.y.data);
            let gradients = grad(weigh(y)?, &vars, create_graph)?;
            for (i, (got, expected)) in gradients.iter().zip(&expected.gradients).enumerate() {
                assert_close(&format!("{name}, {create_graph:?}, gradient {i}"), got.value().as_slice(), expected);
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_pass_gradcheck() {
    let reference = reference();
    for (name, f) in table() {
        let error = gradcheck(f, &reference.cases[name].inputs()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(error < 1e-7, "{name}: {error}");
    }
}

#[test]
fn gradients_of_gradients_pass_gradgradcheck() {
    let reference = reference();
    for (name, f) in table() {
        let error = gradgradcheck(f, &reference.cases[name].inputs()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(error < 1e-7, "{name}: {error}");
    }
}

/// Skipping what nobody needs changes no gradient: each input alone, the others constants.
#[test]
fn a_gradient_does_not_depend_on_which_others_are_wanted() -> Result<(), Error> {
    let reference = reference();
    for (name, f) in table() {
        let expected = &reference.cases[name];
        for wanted in 0..expected.inputs.len() {
            let tape = Tape::new();
            let put = |(i, x)| if i == wanted { tape.leaf(x) } else { tape.constant(x) };
            let vars: Vec<_> = expected.inputs().into_iter().enumerate().map(put).collect();
            let mut delivered = 0;
            tape.backward(weigh(f(&vars)?)?, &[vars[wanted]], &mut |_, gradient| {
                assert_close(name, gradient, &expected.gradients[wanted]);
                delivered += 1;
            })?;
            assert_eq!(delivered, 1, "{name}");
        }
    }
    Ok(())
}

/// In single precision each operation is as good as its arithmetic.
#[test]
fn single_precision_agrees() -> Result<(), Error> {
    let reference = reference();
    for (name, f) in table::<f32>() {
        let expected = &reference.cases[name];
        let tape = Tape::<f32>::new();
        let put = |a: &Array| Tensor::new(&a.shape, a.data.iter().map(|&x| x as f32).collect());
        let vars = expected.inputs.iter().map(|a| Ok(tape.leaf(put(a)?))).collect::<Result<Vec<_>, Error>>()?;
        for (a, b) in f(&vars)?.value().as_slice().iter().zip(&expected.y.data) {
            let close = relative_eq!(f64::from(*a), *b, epsilon = 2e-5, max_relative = 2e-5);
            assert!(close, "{name}: {a}, PyTorch {b}");
        }
    }
    Ok(())
}
