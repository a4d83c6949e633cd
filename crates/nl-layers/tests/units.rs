//! Layers as a configuration describes them against PyTorch: outputs and gradients, in `f64`.

mod common;

use common::{close, form, tensor};
use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
use nl_layers::graph::{Graph, LayerEntry};
use nl_layers::{Builder, Context, Layer, Mode, Parameters};
use nl_random::Streams;
use serde_json::Value;

/// Origin of the numbers: reference/units.py (PyTorch, float64).
#[test]
fn values_and_gradients_equal_pytorch() {
    let reference: Value = serde_json::from_str(include_str!("reference/units.json")).unwrap();
    for (name, expected) in reference.as_object().unwrap() {
        let entry: LayerEntry = serde_json::from_value(expected["config"].clone()).unwrap();
        let x = tensor(&expected["x"]);
        let form = form(&x);
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
