//! The layers over steps, of attention and of memory: PyTorch's values and gradients, and what is told of faults. What every layer
//! promises stands in `laws.rs`.

mod common;

use common::{close, form, tensor};
use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
use nl_layers::graph::{Form, Graph, LayerEntry};
use nl_layers::{Builder, Context, Layer, Mode, Parameters};
use nl_random::Streams;
use serde_json::Value;

/// Origin of the numbers: reference/steps.py (PyTorch, float64).
#[test]
fn values_and_gradients_equal_pytorch() {
    let reference: Value = serde_json::from_str(include_str!("reference/steps.json")).unwrap();
    for (name, expected) in reference.as_object().unwrap() {
        let layers: Vec<LayerEntry> = serde_json::from_value(expected["layers"].clone()).unwrap();
        let x = tensor(&expected["x"]);
        let form = form(&x);
        let builder = Builder::new(Streams::new(1));
        let graph = Graph::<f64>::new(&layers, &form, &builder).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut parameters: Parameters<f64> = builder.finish().convert();
        let given = expected["parameters"].as_object().unwrap();
        let weights = given.iter().map(|(path, value)| {
            let value = tensor(value);
            (path, (value.shape().dims().to_vec(), value.as_slice().to_vec()))
        });
        parameters.load(weights).unwrap_or_else(|error| panic!("{name}: {error}"));
        let tape = Tape::new();
        let x = tape.leaf(x);
        let y = graph.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap();
        close(name, "y", &y.value(), &tensor(&expected["y"]));
        let loss = y.mul(tape.constant(tensor(&expected["weigh"]))).unwrap().sum().unwrap();
        let dx = grad(loss, &[x], CreateGraph::No).unwrap()[0].value();
        close(name, "dx", &dx, &tensor(&expected["dx"]));
        let (entries, mut seen) = (parameters.entries(), 0);
        tape.backward_bound(loss, &mut |slot, gradient| {
            let path = entries[slot].path.as_str();
            let gradient = Tensor::new(&entries[slot].shape, gradient.to_vec()).unwrap();
            close(name, path, &gradient, &tensor(&expected["gradients"][path]));
            seen += 1;
        })
        .unwrap();
        assert_eq!(seen, entries.len(), "{name}: gradients delivered");
    }
}

/// What is wrong, and what the message says to do.
#[test]
fn faults_are_told_with_what_to_do() {
    let (features, image, steps) = (Form::features, Form::image, Form::sequence);
    #[rustfmt::skip]
    let table = [
        (r#"{"kind": "gru", "units": 3, "truncate": 0}"#, steps(3, 2), "gru-1: truncate is 0; leave it out"),
        (r#"{"kind": "lstm", "units": 3, "layers": 0}"#, steps(3, 2), "lstm-1: layers is 0"),
        (r#"{"kind": "gru", "units": 3}"#, image(1, 2, 2), "make one of an image by `rows` or `patches`"),
        (r#"{"kind": "feedback", "layers": []}"#, steps(3, 2), "feedback-1: layers is empty"),
        (r#"{"kind": "feedback", "layers": [{"kind": "linear", "units": 2}], "source": "x"}"#, steps(3, 2), "source \"x\" is none of its layers: linear-1"),
        (r#"{"kind": "feedback", "layers": [{"kind": "activation", "function": "tanh"}]}"#, steps(3, 2), "grow with what is fed back"),
        (r#"{"kind": "patches", "size": 3, "units": 2}"#, image(1, 4, 6), "patches of 3 x 3 do not tile 4 x 6"),
        (r#"{"kind": "attention", "heads": 3}"#, steps(3, 4), "3 heads do not divide 4 features"),
        (r#"{"kind": "attention", "heads": 2, "causal": true, "from": ["input", "input"]}"#, steps(3, 4), "leave them out with a memory"),
        (r#"{"kind": "attention", "heads": 2, "from": ["input", "input", "input"]}"#, steps(3, 4), "or a sequence and a memory"),
        (r#"{"kind": "transformer-block", "heads": 2, "dropout": 1.0}"#, steps(3, 4), "dropout probability 1 must be in [0, 1)"),
        (r#"{"kind": "spatial-gate", "kernel": 4}"#, image(1, 4, 4), "kernel 4 has no centre"),
        (r#"{"kind": "hopfield"}"#, features(4), "where are the patterns?"),
        (r#"{"kind": "hopfield", "patterns": 2, "beta": 0}"#, features(4), "beta 0 must be positive"),
        (r#"{"kind": "hopfield", "patterns": 2, "from": ["input", "input"]}"#, features(4), "not both"),
    ];
    for (layer, form, message) in table {
        let entry: LayerEntry = serde_json::from_str(layer).unwrap();
        let error = match Graph::<f32>::new(&[entry], &form, &Builder::new(Streams::new(1))) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{layer} was taken"),
        };
        assert!(error.contains(message), "{layer}: {error}");
    }
    // Sizes that no memory has.
    for kind in ["elman", "gru", "lstm", "working-memory"] {
        let layer: LayerEntry =
            serde_json::from_str(&format!(r#"{{"kind": "{kind}", "units": {}}}"#, usize::MAX)).unwrap();
        let built = Graph::<f32>::new(&[layer], &Form::sequence(2, 2), &Builder::new(Streams::new(1)));
        assert!(built.is_err(), "{kind}");
    }
}

#[test]
fn tokens_that_are_none_are_refused() {
    let entry: LayerEntry = serde_json::from_str(r#"{"kind": "embedding", "vocabulary": 5, "units": 3}"#).unwrap();
    let builder = Builder::new(Streams::new(1));
    let layer = Graph::<f64>::new(&[entry], &Form::features(2), &builder).unwrap();
    let parameters: Parameters<f64> = builder.finish().convert();
    for bad in [5.0, -1.0, 0.5, f64::NAN, f64::INFINITY] {
        let tape = Tape::new();
        let x = tape.constant(Tensor::new(&[1, 2], vec![1.0, bad]).unwrap());
        let error = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap_err().to_string();
        assert!(
            error.starts_with("embedding-1: lookup: ") && error.contains("whole numbers from 0 to below 5"),
            "{error}"
        );
    }
}
