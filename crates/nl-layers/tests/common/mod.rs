//! What the tests against PyTorch share: tensors from JSON, how near is near enough, and the form of an input.

// Each test file is a crate of its own and uses a part of it.
#![allow(dead_code)]

use nl_autodiff::Tensor;
use nl_layers::graph::Form;
use serde_json::Value;

pub(crate) fn tensor(value: &Value) -> Tensor<f64> {
    let shape: Vec<usize> = serde_json::from_value(value["shape"].clone()).unwrap();
    Tensor::new(&shape, serde_json::from_value(value["data"].clone()).unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn close(name: &str, what: &str, got: &Tensor<f64>, expected: &Tensor<f64>) {
    assert_eq!(got.shape(), expected.shape(), "{name}: shape of {what}");
    let mut worst = 0.0_f64;
    for (i, (a, b)) in got.as_slice().iter().zip(expected.as_slice()).enumerate() {
        // Some hundred roundings of f64, in another order.
        let near = approx::relative_eq!(a, b, epsilon = 1e-11, max_relative = 1e-11);
        assert!(near, "{name}: {what}[{i}] is {a}, PyTorch says {b}");
        worst = worst.max((a - b).abs() / b.abs().max(1.0));
    }
    // Seen with `--nocapture`.
    println!("{name}: {what} {worst:.1e} from PyTorch");
}

/// The form of a sample of the batch `x`.
pub(crate) fn form(x: &Tensor<f64>) -> Form {
    match *x.shape().dims() {
        [_, features] => Form::features(features),
        [steps, _, features] => Form::sequence(steps, features),
        [_, c, h, w] => Form::image(c, h, w),
        ref other => panic!("{other:?}"),
    }
}
