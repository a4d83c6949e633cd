//! Layers as a configuration describes them against PyTorch: outputs and gradients, in `f64`.

use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
use nl_layers::graph::{Form, Graph, LayerEntry};
use nl_layers::{Builder, Context, Layer, Mode, Parameters};
use nl_random::Streams;
use serde_json::Value;

fn tensor(value: &Value) -> Tensor<f64> {
    let shape: Vec<usize> = serde_json::from_value(value["shape"].clone()).unwrap();
    Tensor::new(&shape, serde_json::from_value(value["data"].clone()).unwrap()).unwrap()
}

#[track_caller]
fn close(name: &str, what: &str, got: &Tensor<f64>, expected: &Tensor<f64>) {
    assert_eq!(got.shape(), expected.shape(), "{name}: shape of {what}");
    for (i, (a, b)) in got.as_slice().iter().zip(expected.as_slice()).enumerate() {
        // Some hundred roundings of f64, in another order.
        let near = approx::relative_eq!(a, b, epsilon = 1e-11, max_relative = 1e-11);
        assert!(near, "{name}: {what}[{i}] is {a}, PyTorch says {b}");
    }
}

/// Origin of the numbers: reference/units.py (PyTorch, float64).
#[test]
fn values_and_gradients_equal_pytorch() {
    let reference: Value = serde_json::from_str(include_str!("reference/units.json")).unwrap();
    for (name, expected) in reference.as_object().unwrap() {
        let entry: LayerEntry = serde_json::from_value(expected["config"].clone()).unwrap();
        let x = tensor(&expected["x"]);
        let form = match *x.shape().dims() {
            [_, features] => Form::features(features),
            [steps, _, features] => Form::sequence(steps, features),
            [_, c, h, w] => Form::image(c, h, w),
            ref other => panic!("{name}: {other:?}"),
        };
        let builder = Builder::new(Streams::new(1));
        let layer = Graph::<f64>::new(&[entry], &form, &builder).unwrap();
        let mut parameters: Parameters<f64> = builder.finish().convert();
        let prefix = format!("{}/", layer.lines()[0].name);
        let given = expected["parameters"].as_object().unwrap();
        assert_eq!(given.len(), parameters.entries().len(), "{name}");
        let entries = parameters.entries().to_vec();
        for (path, value) in given {
            let id = parameters.find(&format!("{prefix}{path}")).unwrap();
            assert_eq!(parameters.get(id).shape(), tensor(value).shape(), "{name}: {path}");
            parameters.values_mut()[entries[id.index()].range()].copy_from_slice(tensor(value).as_slice());
        }
        let mode = if expected["mode"] == "train" { Mode::Train } else { Mode::Eval };
        let tape = Tape::new();
        let x = tape.leaf(x);
        let mut ctx = Context::new(&tape, &parameters, mode);
        let y = layer.forward(x, &mut ctx).unwrap();
        close(name, "y", &y.value(), &tensor(&expected["y"]));
        let loss = y.mul(tape.constant(tensor(&expected["weigh"]))).unwrap().sum().unwrap();
        let dx = grad(loss, &[x], CreateGraph::No).unwrap()[0].value();
        close(name, "dx", &dx, &tensor(&expected["dx"]));
        let mut gradient = vec![0.0; parameters.len()];
        ctx.gradient(loss, &mut gradient).unwrap();
        for (path, value) in expected["gradients"].as_object().unwrap() {
            let entry = entries.iter().find(|entry| entry.path == format!("{prefix}{path}")).unwrap();
            let got = Tensor::new(&entry.shape, gradient[entry.range()].to_vec()).unwrap();
            close(name, path, &got, &tensor(value));
        }
    }
}
