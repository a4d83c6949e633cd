//! One table of all layers; every row is compared with PyTorch and checked against finite differences, and refuses a
//! shape it cannot take with an error that names its path.

use nl_autodiff::{BlockPool, CreateGraph, Tape, Tensor, Var, grad, gradcheck};
use nl_layers::{
    Activation, AvgPool2d, Builder, ChannelGate, Context, Conv2d, ConvBlock, ConvTranspose2d, Error, Flatten,
    GroupNorm, Initializer, Layer, LayerNorm, Linear, MaxPool2d, Mode, Parameters, Sequential,
};
use nl_random::Streams;
use serde_json::Value;

type Made = Result<Box<dyn Layer<f64>>, Error>;

/// Name (as in `reference/layers.json`), constructor, a shape it must refuse (if there is one).
type Row = (&'static str, fn(&Builder) -> Made, Option<&'static [usize]>);

const INIT: Initializer = Initializer::XavierNormal;

const TABLE: [Row; 16] = [
    ("linear", |b| Ok(Box::new(Linear::new(b, 4, 5, INIT)?)), Some(&[2, 3])),
    ("linear_without_bias", |b| Ok(Box::new(Linear::without_bias(b, 4, 2, INIT)?)), Some(&[])),
    ("conv2d", |b| Ok(Box::new(Conv2d::new(b, 3, 4, [3, 2], [2, 1], [1, 0], INIT)?)), Some(&[1, 3, 5, 1])),
    (
        "conv_transpose2d",
        |b| Ok(Box::new(ConvTranspose2d::new(b, 3, 2, [4, 4], [2, 2], [1, 1], [1, 0], INIT)?)),
        Some(&[1, 2, 5, 5]),
    ),
    ("conv_block", |b| Ok(Box::new(ConvBlock::new(b, 2, 3, 3, BlockPool::None)?)), Some(&[2, 5, 4])),
    ("conv_block_pool", |b| Ok(Box::new(ConvBlock::new(b, 2, 3, 3, BlockPool::Max2x2)?)), Some(&[1, 2, 1, 4])),
    ("layer_norm", |b| Ok(Box::new(LayerNorm::new(b, 4, 1e-5)?)), Some(&[4, 3])),
    ("group_norm", |b| Ok(Box::new(GroupNorm::new(b, 3, 6, 1e-5)?)), Some(&[2, 3, 2, 2])),
    ("max_pool2d", |b| Ok(Box::new(MaxPool2d::new(b, [3, 2], [2, 1], [1, 0])?)), Some(&[1, 1, 4, 1])),
    ("avg_pool2d", |b| Ok(Box::new(AvgPool2d::new(b, [3, 2], [2, 1], [1, 0])?)), Some(&[1, 4, 4])),
    ("channel_gate", |b| Ok(Box::new(ChannelGate::new(b, 4, 3)?)), Some(&[1, 3, 2, 2])),
    ("relu", |_| Ok(Box::new(Activation::Relu)), None),
    ("sigmoid", |_| Ok(Box::new(Activation::Sigmoid)), None),
    ("tanh", |_| Ok(Box::new(Activation::Tanh)), None),
    ("softplus", |_| Ok(Box::new(Activation::Softplus)), None),
    ("gelu", |_| Ok(Box::new(Activation::Gelu)), None),
];

fn build(row: &Row) -> (Box<dyn Layer<f64>>, Parameters<f64>) {
    let builder = Builder::new(Streams::new(1));
    let layer = row.1(&builder.child("here").unwrap()).unwrap();
    (layer, builder.finish().convert())
}

fn tensor(value: &Value) -> Tensor<f64> {
    let shape: Vec<usize> = serde_json::from_value(value["shape"].clone()).unwrap();
    Tensor::new(&shape, serde_json::from_value(value["data"].clone()).unwrap()).unwrap()
}

#[track_caller]
fn close(name: &str, what: &str, got: &Tensor<f64>, expected: &Tensor<f64>) {
    assert_eq!(got.shape(), expected.shape(), "{name}: shape of {what}");
    for (i, (a, b)) in got.as_slice().iter().zip(expected.as_slice()).enumerate() {
        assert!((a - b).abs() < 1e-11 * b.abs().max(1.0), "{name}: {what}[{i}] is {a}, PyTorch says {b}");
    }
}

/// Origin of the numbers: reference/layers.py (PyTorch, float64).
#[test]
fn values_and_gradients_equal_pytorch() {
    let reference: Value = serde_json::from_str(include_str!("reference/layers.json")).unwrap();
    assert_eq!(reference.as_object().unwrap().len(), TABLE.len());
    for row in &TABLE {
        let (name, expected) = (row.0, &reference[row.0]);
        let (layer, mut parameters) = build(row);
        let given = expected["parameters"].as_object().unwrap();
        assert_eq!(given.len(), parameters.entries().len(), "{name}");
        let entries = parameters.entries().to_vec();
        for (path, value) in given {
            let id = parameters.find(&format!("here/{path}")).unwrap();
            assert_eq!(parameters.get(id).shape(), tensor(value).shape(), "{name}: {path}");
            parameters.values_mut()[entries[id.index()].range()].copy_from_slice(tensor(value).as_slice());
        }
        let tape = Tape::new();
        let x = tape.leaf(tensor(&expected["x"]));
        let y = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap();
        close(name, "y", &y.value(), &tensor(&expected["y"]));
        let loss = y.mul(tape.constant(tensor(&expected["weigh"]))).unwrap().sum().unwrap();
        let dx = grad(loss, &[x], CreateGraph::No).unwrap()[0].value();
        close(name, "dx", &dx, &tensor(&expected["dx"]));
        let mut seen = 0;
        tape.backward_bound(loss, &mut |slot, gradient| {
            let path = entries[slot].path.strip_prefix("here/").unwrap();
            let gradient = Tensor::new(&entries[slot].shape, gradient.to_vec()).unwrap();
            close(name, path, &gradient, &tensor(&expected["gradients"][path]));
            seen += 1;
        })
        .unwrap();
        assert_eq!(seen, entries.len(), "{name}: gradients delivered");
    }
}
