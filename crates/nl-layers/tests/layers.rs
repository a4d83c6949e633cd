//! One table of all layers; every row is compared with PyTorch and checked against finite differences, and refuses a
//! shape it cannot take with an error that names its path.

mod common;

use common::{close, tensor};
use nl_autodiff::{BlockPool, CreateGraph, Tape, Tensor, Tolerance, Var, grad, gradcheck_with, gradgradcheck_with};
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

/// The layer as a function of (x, parameters …).
fn function<'t>(layer: &dyn Layer<f64>, v: &[Var<'t, f64>]) -> Result<Var<'t, f64>, nl_autodiff::Error> {
    let mut ctx = Context::over(v[0].tape(), v[1..].to_vec(), Mode::Eval);
    layer.forward(v[0], &mut ctx).map_err(|error| match error {
        Error::Op { source, .. } => *source,
        other => panic!("{other}"),
    })
}

/// Small steps, so that none of the fixed inputs comes near a kink of a ReLU or a maximum.
const TOLERANCE: Tolerance = Tolerance { step: 1.0 / 16_384.0, relative: 1e-7, floor: 1e-2 };

/// First and second derivatives through every layer, with respect to its input and all its parameters.
#[test]
fn derivatives_equal_finite_differences() {
    let reference: Value = serde_json::from_str(include_str!("reference/layers.json")).unwrap();
    for row in &TABLE {
        let (layer, parameters) = build(row);
        let given = &reference[row.0];
        let mut inputs = vec![tensor(&given["x"])];
        inputs.extend(parameters.entries().iter().map(|e| tensor(&given["parameters"][&e.path["here/".len()..]])));
        let first = gradcheck_with(|v| function(layer.as_ref(), v), &inputs, TOLERANCE);
        first.unwrap_or_else(|error| panic!("{}: {error}", row.0));
        let second = gradgradcheck_with(|v| function(layer.as_ref(), v), &inputs, TOLERANCE);
        second.unwrap_or_else(|error| panic!("{}: {error}", row.0));
    }
}

/// Forward and backward through every layer with parameters, once to warm up and once counted.
#[test]
fn a_second_step_allocates_nothing() {
    let reference: Value = serde_json::from_str(include_str!("reference/layers.json")).unwrap();
    for row in &TABLE {
        let (layer, parameters) = build(row);
        if parameters.is_empty() {
            continue;
        }
        let x = tensor(&reference[row.0]["x"]);
        let mut tape = Tape::new();
        let mut step = || {
            tape.reset();
            let x = tape.leaf(x.clone());
            let y = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Train)).unwrap();
            tape.backward(y.sum().unwrap(), &[x], &mut |_, _| {}).unwrap();
        };
        step();
        assert_eq!(allocation_counter::measure(step).count_total, 0, "{}", row.0);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused_at_their_path() {
    for row in &TABLE {
        let Some(shape) = row.2 else { continue };
        let (layer, parameters) = build(row);
        let tape = Tape::new();
        let x = tape.constant(Tensor::zeros(shape).unwrap());
        let error = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).err().unwrap();
        assert!(matches!(&error, Error::Input { path, got, .. } if path == "here" && got == shape), "{}", row.0);
        assert!(error.to_string().contains(&format!("{shape:?}")), "{error}");
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_at_their_path() {
    type Attempt = fn(&Builder) -> Result<(), Error>;
    let table: [(&str, Attempt); 9] = [
        ("stride [0, 1]", |b| Conv2d::new(b, 1, 1, [3, 3], [0, 1], [1, 1], INIT).map(drop)),
        ("[1, 1, 0, 3]", |b| Conv2d::new(b, 1, 1, [0, 3], [1, 1], [1, 1], INIT).map(drop)),
        ("output padding [2, 0]", |b| ConvTranspose2d::new(b, 1, 1, [4, 4], [2, 2], [1, 1], [2, 0], INIT).map(drop)),
        ("padding [4, 1]", |b| ConvTranspose2d::new(b, 1, 1, [4, 4], [2, 2], [4, 1], [0, 0], INIT).map(drop)),
        ("kernel 4", |b| ConvBlock::new(b, 1, 1, 4, BlockPool::None).map(drop)),
        ("epsilon 0", |b| LayerNorm::new(b, 3, 0.0).map(drop)),
        ("6 channels cannot be cut into 4", |b| GroupNorm::new(b, 4, 6, 1e-5).map(drop)),
        ("padding [2, 1]", |b| MaxPool2d::new(b, [3, 3], [1, 1], [2, 1]).map(drop)),
        ("stride [2, 0]", |b| AvgPool2d::new(b, [3, 3], [2, 0], [1, 1]).map(drop)),
    ];
    for (message, make) in table {
        let error = make(&Builder::new(Streams::new(1)).child("here").unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("here") && error.to_string().contains(message), "{error}");
    }
}

#[test]
fn a_sequence_is_the_composition_of_its_layers() {
    let builder = Builder::new(Streams::new(2));
    let head = || Linear::new(&builder.child("head").unwrap(), 6, 2, INIT);
    let layers: Vec<Box<dyn Layer<f32>>> =
        vec![Box::new(Flatten), Box::new(head().unwrap()), Box::new(Activation::Tanh)];
    let sequence = Sequential::new(layers);
    let parameters: Parameters<f32> = builder.finish();
    let tape = Tape::new();
    let x = tape.constant(Tensor::from_fn(&[2, 2, 3], |i| i as f32 / 10.0).unwrap());
    let y = sequence.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap().value();
    let w = parameters.values();
    for row in 0..2 {
        for out in 0..2 {
            let sum: f32 = (0..6).map(|i| w[out * 6 + i] * (row * 6 + i) as f32 / 10.0).sum();
            approx::assert_abs_diff_eq!(y.as_slice()[row * 2 + out], sum.tanh(), epsilon = 1e-6);
        }
    }
}

#[test]
fn frozen_parameters_get_no_gradient_and_change_nothing_else() {
    let builder = Builder::new(Streams::new(3));
    let first = Linear::new(&builder.child("first").unwrap(), 3, 4, INIT).unwrap();
    let second = Linear::new(&builder.child("second").unwrap(), 4, 2, INIT).unwrap();
    let parameters: Parameters<f32> = builder.finish();
    let gradients = |mask: Option<&[bool]>| {
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Train);
        if let Some(mask) = mask {
            ctx = ctx.with_trainable(mask);
        }
        let x = tape.constant(Tensor::from_fn(&[2, 3], |i| i as f32 - 2.0).unwrap());
        let h = first.forward(x, &mut ctx).unwrap().tanh().unwrap();
        let loss = second.forward(h, &mut ctx).unwrap().square().unwrap().sum().unwrap();
        let mut seen = vec![None; 4];
        tape.backward_bound(loss, &mut |slot, g| seen[slot] = Some(g.to_vec())).unwrap();
        seen
    };
    let (all, some) = (gradients(None), gradients(Some(&parameters.select(|e| e.is_under("second")))));
    assert!(all.iter().all(Option::is_some));
    assert_eq!(some, [None, None, all[2].clone(), all[3].clone()]);
}

#[test]
fn a_gate_is_recorded_under_its_path() {
    let builder = Builder::new(Streams::new(4));
    let gate = ChannelGate::new(&builder.child("lgn").unwrap(), 3, 2).unwrap();
    let parameters: Parameters<f32> = builder.finish();
    let tape = Tape::new();
    let x = tape.constant(Tensor::full(&[2, 3, 2, 2], 1.0).unwrap());
    let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
    let y = gate.forward(x, &mut ctx).unwrap().value();
    let recording = ctx.into_recording();
    let g = recording.get("lgn/gate").unwrap();
    assert_eq!(recording.iter().count(), 1);
    assert_eq!(g.shape().dims(), [2, 3]);
    for (i, &y) in y.as_slice().iter().enumerate() {
        assert_eq!(y, g.as_slice()[i / 4], "x is 1, so y is the gate");
    }
    assert!(Context::new(&tape, &parameters, Mode::Eval).into_recording().get("lgn/gate").is_none());
}
