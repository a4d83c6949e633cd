//! What every layer of a configuration promises, checked for each row of one table. A new kind of layer is a row here (and a
//! second one for what its options change).
//!
//! - Its output has the form that it said, for any number of samples.
//! - First derivatives with respect to its input and all its parameters equal finite differences in `f64`, in both modes;
//!   second derivatives as well where it is declared [`Smooth`].
//! - In `Mode::Eval` a sample's result does not depend on the samples beside it.
//! - `f32` and `f64` agree; a second identical step allocates nothing.
//! - It says how many numbers it learns and how many products a sample costs.
//! - Forms and tensors that it cannot take are refused by its name, never with a panic.
//! - What it writes is read back as the same; a field that it does not know is refused.

use std::collections::BTreeMap;

use nl_autodiff::{CreateGraph, Scalar, Tape, Tensor, Tolerance, Var, grad, gradcheck_with, gradgradcheck_with};
use nl_layers::graph::{Form, Graph, LayerEntry, LayerKind};
use nl_layers::{Builder, Context, Entry, Error, Layer, Mode, Noise, Parameters, Role};
use nl_random::Streams;
use serde_json::Value;

/// What a layer is given.
#[derive(Clone, Copy, Debug)]
enum On {
    /// `[B, F]`
    Features(usize),
    /// `[B, C, H, W]`
    Image(usize, usize, usize),
    /// `[T, B, F]`
    Steps(usize, usize),
    /// `[B, T]`, whole numbers below 5, which have no gradient.
    Tokens(usize),
}

/// How often a layer's function can be differentiated, away from the kinks of piecewise functions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// Derivatives of any order are exact.
    Smooth,
    /// The gradient's own gradient is not that of the function (surrogates, implicit gradients to first order).
    First,
}

use On::{Features, Image, Steps, Tokens};
use Order::{First, Smooth};

/// The configuration as JSON; what it is given; its order; numbers learned or kept; products of a sample.
type Row = (&'static str, On, Order, usize, u64);

#[rustfmt::skip]
const LAYERS: &[Row] = &[
    (r#"{"kind": "linear", "units": 5}"#, Features(4), Smooth, 25, 20),
    (r#"{"kind": "linear", "units": 2, "bias": false}"#, Steps(3, 4), Smooth, 8, 24),
    (r#"{"kind": "linear", "units": 3, "drop_connections": 0.3, "weight_noise": 0.2}"#, Features(4), Smooth, 15, 12),
    (r#"{"kind": "conv2d", "channels": 3, "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]}"#, Image(2, 5, 4), Smooth, 39, 324),
    (r#"{"kind": "conv2d", "channels": 4, "kernel": 3, "padding": 1, "groups": 2}"#, Image(2, 4, 3), Smooth, 40, 432),
    (r#"{"kind": "conv2d", "channels": 2, "kernel": [2, 3], "stride": [1, 2], "padding": [2, 0], "dilation": [2, 1]}"#, Image(2, 3, 5), Smooth, 26, 240),
    (r#"{"kind": "local2d", "channels": 2, "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]}"#, Image(1, 5, 4), Smooth, 126, 108),
    (r#"{"kind": "local2d", "channels": 3, "kernel": 2, "bias": false}"#, Image(2, 2, 3), Smooth, 48, 48),
    (r#"{"kind": "conv-block", "channels": 2, "kernel": 3, "pool": "max"}"#, Image(2, 4, 5), Smooth, 38, 720),
    (r#"{"kind": "max-pool2d", "kernel": 2}"#, Image(2, 4, 5), Smooth, 0, 0),
    (r#"{"kind": "avg-pool2d", "kernel": [3, 2], "stride": 1, "padding": [1, 0]}"#, Image(2, 4, 3), Smooth, 0, 0),
    (r#"{"kind": "global-avg-pool"}"#, Image(3, 2, 4), Smooth, 0, 0),
    (r#"{"kind": "global-avg-pool"}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "activation", "function": "gelu"}"#, Features(5), Smooth, 0, 0),
    (r#"{"kind": "activity-penalty", "l1": 0.1, "l2": 0.2}"#, Features(4), Smooth, 0, 0),
    (r#"{"kind": "activity-penalty", "l1": 0.1}"#, Steps(2, 3), Smooth, 0, 0),
    (r#"{"kind": "dropout", "probability": 0.4}"#, Features(6), Smooth, 0, 0),
    (r#"{"kind": "dropout", "probability": 0.4}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "dropout", "probability": 0.4, "drop": "channels"}"#, Image(3, 2, 2), Smooth, 0, 0),
    (r#"{"kind": "dropout", "probability": 0.4, "drop": "channels"}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "dropout", "probability": 0.4, "drop": "depth"}"#, Image(3, 2, 2), Smooth, 0, 0),
    (r#"{"kind": "noise", "std": 0.3}"#, Image(2, 2, 2), Smooth, 0, 0),
    (r#"{"kind": "noise", "std": 0.3, "combine": "multiply"}"#, Steps(2, 3), Smooth, 0, 0),
    (r#"{"kind": "batch-norm"}"#, Features(3), Smooth, 12, 0),
    (r#"{"kind": "batch-norm", "momentum": 0.3}"#, Steps(2, 3), Smooth, 12, 0),
    (r#"{"kind": "batch-norm"}"#, Image(2, 2, 3), Smooth, 8, 0),
    (r#"{"kind": "layer-norm"}"#, Features(5), Smooth, 10, 0),
    (r#"{"kind": "group-norm", "groups": 2}"#, Image(4, 2, 3), Smooth, 8, 0),
    (r#"{"kind": "rms-norm"}"#, Steps(2, 4), Smooth, 4, 0),
    (r#"{"kind": "divisive-norm", "center": true}"#, Features(4), Smooth, 0, 0),
    (r#"{"kind": "divisive-norm", "window": 3}"#, Image(2, 3, 3), Smooth, 0, 0),
    (r#"{"kind": "divisive-norm", "window": 3, "channels": "own", "center": true, "sigma": 0.5}"#, Image(2, 3, 3), Smooth, 0, 0),
    (r#"{"kind": "lateral", "connections": {"kind": "all-but-self", "inhibition": 0.2}}"#, Image(3, 2, 2), Smooth, 0, 36),
    (r#"{"kind": "lateral", "connections": {"kind": "difference-of-gaussians", "size": 3, "center": 0.7, "surround": 1.5}, "activation": "tanh"}"#, Image(2, 3, 3), Smooth, 0, 486),
    (r#"{"kind": "lateral", "connections": {"kind": "learned", "sign": "inhibitory", "size": 3}, "activation": "softplus"}"#, Image(2, 3, 3), Smooth, 36, 972),
    (r#"{"kind": "lateral", "connections": {"kind": "learned"}, "activation": "tanh", "until": {"kind": "rest", "tolerance": 1e-15, "most": 60}}"#, Steps(1, 3), Smooth, 9, 540),
    (r#"{"kind": "soft-winner-take-all", "temperature": 0.5}"#, Image(3, 2, 2), Smooth, 0, 0),
    (r#"{"kind": "soft-winner-take-all", "among": "sample"}"#, Features(4), Smooth, 0, 0),
    (r#"{"kind": "k-winners-take-all", "winners": 2}"#, Steps(2, 5), Smooth, 0, 0),
    (r#"{"kind": "k-winners-take-all", "winners": 3, "boost": 1.5}"#, Image(3, 2, 2), Smooth, 3, 0),
    (r#"{"kind": "channel-gate", "hidden": 3}"#, Image(4, 2, 3), Smooth, 31, 48),
    (r#"{"kind": "flatten"}"#, Image(2, 3, 2), Smooth, 0, 0),
    (r#"{"kind": "flatten"}"#, Steps(3, 2), Smooth, 0, 0),
    (r#"{"kind": "rows"}"#, Image(2, 3, 2), Smooth, 0, 0),
    (r#"{"kind": "residual", "layers": [{"kind": "linear", "units": 4}, {"kind": "activation", "function": "tanh"}]}"#, Features(4), Smooth, 20, 16),
    (r#"{"kind": "residual", "layers": [{"kind": "conv2d", "channels": 3, "kernel": 3, "stride": 2, "padding": 1}, {"kind": "dropout", "probability": 0.3, "drop": "depth"}]}"#, Image(2, 3, 4), Smooth, 66, 240),
    (r#"{"kind": "add", "from": ["input", "input"]}"#, Features(3), Smooth, 0, 0),
    (r#"{"kind": "multiply", "from": ["input", "input"]}"#, Image(2, 2, 2), Smooth, 0, 8),
    (r#"{"kind": "concat", "from": ["input", "input"]}"#, Steps(3, 2), Smooth, 0, 0),
    (r#"{"kind": "elman", "units": 4}"#, Steps(3, 2), Smooth, 28, 72),
    (r#"{"kind": "elman", "units": 3, "function": "relu", "output": "last"}"#, Steps(4, 2), Smooth, 18, 60),
    (r#"{"kind": "gru", "units": 3}"#, Steps(3, 2), Smooth, 57, 135),
    (r#"{"kind": "gru", "units": 2, "layers": 2, "bidirectional": true, "output": "last", "initial_state": "learned"}"#, Steps(3, 2), Smooth, 160, 360),
    (r#"{"kind": "lstm", "units": 3, "initial_state": "learned"}"#, Steps(3, 2), Smooth, 78, 180),
    (r#"{"kind": "feedback", "layers": [{"kind": "linear", "units": 3}, {"kind": "activation", "function": "tanh"}]}"#, Steps(3, 2), Smooth, 18, 45),
    (r#"{"kind": "patches", "size": 2, "units": 3}"#, Image(2, 4, 6), Smooth, 27, 144),
    (r#"{"kind": "embedding", "vocabulary": 5, "units": 3}"#, Tokens(4), Smooth, 15, 0),
    (r#"{"kind": "positions"}"#, Steps(3, 4), Smooth, 12, 0),
    (r#"{"kind": "positions", "encoding": "sinusoidal"}"#, Steps(3, 5), Smooth, 0, 0),
    (r#"{"kind": "class-token"}"#, Steps(3, 4), Smooth, 4, 0),
    (r#"{"kind": "select-step", "step": "first"}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "select-step", "step": "last"}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "spatial-gate", "kernel": 3}"#, Image(3, 4, 5), Smooth, 19, 420),
    (r#"{"kind": "cbam", "hidden": 2, "kernel": 3}"#, Image(3, 4, 5), Smooth, 36, 504),
    (r#"{"kind": "attention", "heads": 2}"#, Steps(3, 4), Smooth, 80, 264),
    (r#"{"kind": "attention", "heads": 1, "causal": true, "window": 1}"#, Steps(3, 4), Smooth, 80, 264),
    (r#"{"kind": "attention", "heads": 2, "from": ["input", "input"]}"#, Steps(3, 4), Smooth, 80, 264),
    (r#"{"kind": "transformer-block", "heads": 2, "mlp": 5}"#, Steps(3, 4), Smooth, 145, 384),
    (r#"{"kind": "transformer-block", "heads": 2, "mlp": 5, "norm": "post", "dropout": 0.3, "causal": true}"#, Steps(3, 4), Smooth, 145, 384),
    (r#"{"kind": "episodic", "neighbours": 4, "values": 3}"#, Features(5), Smooth, 0, 32),
    (r#"{"kind": "working-memory", "units": 3}"#, Steps(3, 2), Smooth, 45, 126),
    (r#"{"kind": "working-memory", "units": 3, "output": "last"}"#, Steps(3, 2), Smooth, 45, 126),
    (r#"{"kind": "hopfield", "patterns": 5, "iterations": 2}"#, Features(4), Smooth, 20, 80),
    (r#"{"kind": "hopfield", "beta": 2, "from": ["input", "input"]}"#, Steps(3, 4), Smooth, 0, 72),
    (r#"{"kind": "repeat", "steps": 3}"#, Features(4), Smooth, 0, 0),
    (r#"{"kind": "repeat", "steps": 2}"#, Image(2, 2, 3), Smooth, 0, 0),
    (r#"{"kind": "spiking"}"#, Steps(5, 3), First, 0, 0),
    (r#"{"kind": "spiking", "neuron": {"kind": "lif", "reset": "hard", "input": "current"}, "t_ref": 1, "learn": ["tau_m", "v_th"], "per": "neuron"}"#, Steps(6, 3), First, 6, 0),
    (r#"{"kind": "spiking", "neuron": {"kind": "cuba-lif", "tau_syn": 3}, "learn": ["tau_m", "tau_syn"], "recurrent": true, "surrogate": {"kind": "sigmoid"}}"#, Steps(5, 3), First, 11, 36),
    (r#"{"kind": "spiking", "neuron": {"kind": "alif", "tau_a": 10}, "t_ref": 2, "learn": ["tau_a", "beta", "v_th"], "per": "neuron", "recurrent": true}"#, Steps(6, 2), First, 10, 20),
    (r#"{"kind": "leaky-integrator", "tau": 5, "learn": true, "per": "neuron", "input": "current"}"#, Steps(4, 3), Smooth, 3, 0),
    (r#"{"kind": "leaky-integrator"}"#, Steps(3, 2), Smooth, 0, 0),
    (r#"{"kind": "pool-steps", "take": "sum"}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "pool-steps", "take": "mean"}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "pool-steps", "take": "max"}"#, Steps(3, 4), Smooth, 0, 0),
    (r#"{"kind": "ntm", "slots": 4, "width": 3}"#, Steps(3, 2), Smooth, 96, 390),
];

impl On {
    fn form(self) -> Form {
        match self {
            Features(features) | Tokens(features) => Form::features(features),
            Image(channels, height, width) => Form::image(channels, height, width),
            Steps(steps, features) => Form::sequence(steps, features),
        }
    }

    /// Where the samples lie.
    fn batch_axis(self) -> usize {
        usize::from(matches!(self, Steps(..)))
    }
}

fn entry(row: &Row) -> LayerEntry {
    serde_json::from_str(row.0).unwrap_or_else(|error| panic!("{}: {error}", row.0))
}

/// The layer and its parameters, each moved a little away from where it begins: a bias of 0 hides mistakes.
fn build<S: Scalar>(row: &Row) -> (Graph<S>, Parameters<S>) {
    let builder = Builder::new(Streams::new(1));
    let graph = Graph::new(&[entry(row)], &row.1.form(), &builder).unwrap_or_else(|error| panic!("{}: {error}", row.0));
    let mut parameters = builder.finish();
    for (i, value) in parameters.values_mut().iter_mut().enumerate() {
        *value += 0.2 * wave(i, 3);
    }
    (graph, parameters.convert())
}

/// Numbers in (−1, 1) that do not repeat: i times the golden ratio, fractional part.
fn wave(i: usize, salt: usize) -> f32 {
    let turns = 0.618_034 * (i + 1) as f64 + 0.137 * salt as f64;
    (2.0 * turns.fract() - 1.0) as f32
}

/// A batch of `samples`; sample n of it is the same in every batch.
fn input(row: &Row, samples: usize) -> Tensor<f64> {
    let shape = row.1.form().batched(samples);
    let axis = row.1.batch_axis();
    let inner: usize = shape[axis + 1..].iter().product();
    let value = |i: usize| {
        let (outer, sample, rest) = (i / inner / samples, i / inner % samples, i % inner);
        let x = f64::from(wave(outer * inner + rest, 7 * sample + 1));
        if matches!(row.1, Tokens(_)) { (2.5 * (x + 1.0)).floor() } else { 1.5 * x }
    };
    Tensor::from_fn(&shape, value).unwrap()
}

/// Sample `n` of a batch, as its numbers.
fn sample(x: &Tensor<f64>, axis: usize, n: usize) -> Vec<f64> {
    let tape = Tape::new();
    tape.constant(x.clone()).slice(axis, n..n + 1).unwrap().value().as_slice().to_vec()
}

const SAMPLES: [u64; 4] = [11, 5, 8, 3];

fn noise(samples: usize) -> Noise<'static> {
    Noise { streams: Streams::new(2), epoch: 4, samples: &SAMPLES[..samples] }
}

fn output(row: &Row, x: &Tensor<f64>, mode: Mode) -> Tensor<f64> {
    let (layer, parameters) = build::<f64>(row);
    let tape = Tape::new();
    let samples = x.shape().dims()[row.1.batch_axis()];
    let mut ctx = Context::new(&tape, &parameters, mode).with_noise(noise(samples));
    let y = layer.forward(tape.constant(x.clone()), &mut ctx).unwrap_or_else(|error| panic!("{}: {error}", row.0));
    y.value()
}

#[test]
fn every_kind_has_a_row() {
    let rows: Vec<LayerEntry> = LAYERS.iter().map(entry).collect();
    for (kind, about) in LayerKind::KINDS {
        assert!(rows.iter().any(|row| row.layer.name() == *kind), "{kind} has no row in LAYERS");
        assert!(about.ends_with('.') && about.starts_with(|c: char| !c.is_lowercase() || c == 'y'), "{kind}: {about}");
    }
}

#[test]
fn forms_parameters_and_products_are_as_said() {
    for row in LAYERS {
        let (layer, parameters) = build::<f64>(row);
        let line = &layer.lines()[0];
        assert_eq!((line.parameters, line.macs), (row.3, row.4), "{}: numbers and products", row.0);
        assert_eq!(parameters.len(), row.3, "{}", row.0);
        for samples in [1, 3] {
            for mode in [Mode::Eval, Mode::Train] {
                let y = output(row, &input(row, samples), mode);
                assert_eq!(y.shape().dims(), layer.output().batched(samples), "{}", row.0);
                assert!(y.as_slice().iter().all(|y| y.is_finite()), "{}: {y:?}", row.0);
            }
        }
    }
}

/// The layer as a function of (x, parameters …), but for running statistics, whose gradient is the step that they take.
fn function<'t>(
    (layer, parameters): (&Graph<f64>, &Parameters<f64>),
    v: &[Var<'t, f64>],
    mode: Mode,
) -> Result<Var<'t, f64>, nl_autodiff::Error> {
    let (tape, mut learned) = (v[0].tape(), v[1..].iter());
    let variable = |(entry, (_, shape, values)): (&Entry, (&str, &[usize], &[f64]))| {
        let value = Tensor::new(shape, values.to_vec()).unwrap();
        if entry.role == Role::Statistic { tape.constant(value) } else { *learned.next().unwrap() }
    };
    let variables = parameters.entries().iter().zip(parameters.iter()).map(variable).collect();
    // Spikes are steps, which no difference sees: their primitives stand for them.
    let mut ctx = Context::over(tape, variables, mode).with_noise(noise(3)).with_smooth_spikes();
    layer.forward(v[0], &mut ctx).map_err(|error| match error {
        Error::Op { source, .. } => *source,
        other => panic!("{other}"),
    })
}

/// Small steps, so that none of the inputs comes near a kink.
const TOLERANCE: Tolerance = Tolerance { step: 1.0 / 16_384.0, relative: 1e-7, floor: 1e-2 };

#[test]
fn derivatives_equal_finite_differences() {
    // Seen with `--nocapture`: the largest relative errors of first and second derivatives, of each kind.
    let mut table = BTreeMap::<&str, (f64, f64)>::new();
    for row in LAYERS {
        let (layer, parameters) = build::<f64>(row);
        let worst = table.entry(layer.lines()[0].kind).or_default();
        let x = input(row, 3);
        // Tokens have no gradient: the layer is a function of its parameters.
        let tokens = matches!(row.1, Tokens(_)).then(|| x.clone());
        let mut inputs = if tokens.is_some() { vec![] } else { vec![x] };
        for (entry, (_, shape, values)) in parameters.entries().iter().zip(parameters.iter()) {
            if entry.role != Role::Statistic {
                inputs.push(Tensor::new(shape, values.to_vec()).unwrap());
            }
        }
        let all = (&layer, &parameters);
        for mode in [Mode::Eval, Mode::Train] {
            let first = match &tokens {
                None => gradcheck_with(|v| function(all, v, mode), &inputs, TOLERANCE),
                Some(tokens) => gradcheck_with(|v| with_tokens(all, tokens, v, mode), &inputs, TOLERANCE),
            };
            let first = first.unwrap_or_else(|error| panic!("{}, {mode:?}: {error}", row.0));
            worst.0 = worst.0.max(first);
            if row.2 == Smooth {
                let second = match &tokens {
                    None => gradgradcheck_with(|v| function(all, v, mode), &inputs, TOLERANCE),
                    Some(tokens) => {
                        gradgradcheck_with(|v| with_tokens(all, tokens, v, mode)?.square(), &inputs, TOLERANCE)
                    }
                };
                let second = second.unwrap_or_else(|error| panic!("{}, {mode:?}: {error}", row.0));
                worst.1 = worst.1.max(second);
            }
        }
    }
    for (kind, (first, second)) in table {
        println!("{kind}: {first:.1e}, {second:.1e}");
    }
}

fn with_tokens<'t>(
    all: (&Graph<f64>, &Parameters<f64>),
    tokens: &Tensor<f64>,
    v: &[Var<'t, f64>],
    mode: Mode,
) -> Result<Var<'t, f64>, nl_autodiff::Error> {
    let with: Vec<_> = std::iter::once(v[0].tape().constant(tokens.clone())).chain(v.iter().copied()).collect();
    function(all, &with, mode)
}

#[test]
fn a_sample_does_not_depend_on_its_neighbours() {
    for row in LAYERS {
        let x = input(row, 3);
        let together = output(row, &x, Mode::Eval);
        let (layer, _) = build::<f64>(row);
        let axis = usize::from(layer.output().steps.is_some());
        for n in 0..3 {
            let shape = row.1.form().batched(1);
            let alone = Tensor::new(&shape, sample(&x, row.1.batch_axis(), n)).unwrap();
            let alone = output(row, &alone, Mode::Eval);
            for (a, b) in alone.as_slice().iter().zip(sample(&together, axis, n)) {
                assert!(approx::relative_eq!(*a, b, epsilon = 1e-12, max_relative = 1e-12), "{}: {a}, {b}", row.0);
            }
        }
    }
}

#[test]
fn both_precisions_agree() {
    for row in LAYERS {
        for mode in [Mode::Eval, Mode::Train] {
            let wide = output(row, &input(row, 3), mode);
            let (layer, parameters) = build::<f32>(row);
            let tape = Tape::<f32>::new();
            let x = input(row, 3);
            let x = Tensor::new(x.shape().dims(), x.as_slice().iter().map(|&x| x as f32).collect()).unwrap();
            let mut ctx = Context::new(&tape, &parameters, mode).with_noise(noise(3));
            let narrow = layer.forward(tape.constant(x), &mut ctx).unwrap().value();
            for (&a, &b) in narrow.as_slice().iter().zip(wide.as_slice()) {
                let near = approx::relative_eq!(f64::from(a), b, epsilon = 2e-5, max_relative = 2e-5);
                assert!(near, "{}, {mode:?}: {a} and {b}", row.0);
            }
        }
    }
}

/// Forward and backward with the layer's own terms of the loss, to the input and to the parameters, twice to warm up and once
/// counted.
#[test]
fn a_second_step_allocates_nothing() {
    for (row, bound) in LAYERS.iter().flat_map(|row| [(row, false), (row, true)]) {
        let (layer, parameters) = build::<f64>(row);
        if bound && parameters.is_empty() || !bound && matches!(row.1, Tokens(_)) {
            continue;
        }
        let x = input(row, 3);
        let mut tape = Tape::new();
        let mut step = || {
            tape.reset();
            let x = tape.leaf(x.clone());
            let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise(3));
            let mut loss = layer.forward(x, &mut ctx).unwrap().sum().unwrap();
            if let Some(added) = ctx.take_loss() {
                loss = loss.add(added).unwrap();
            }
            if bound {
                tape.backward_bound(loss, &mut |_, _| {}).unwrap();
            } else {
                tape.backward(loss, &[x], &mut |_, _| {}).unwrap();
            }
        };
        step();
        step();
        assert_eq!(allocation_counter::measure(step).count_total, 0, "{}, bound {bound}", row.0);
    }
}

/// What a layer adds to the loss leaves its value as it is or is a penalty; either way one finite number.
#[test]
fn terms_of_the_loss_are_one_number() {
    for row in LAYERS {
        let (layer, parameters) = build::<f64>(row);
        let tape = Tape::new();
        let x = tape.leaf(input(row, 3));
        let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise(3));
        layer.forward(x, &mut ctx).unwrap();
        let Some(added) = ctx.take_loss() else { continue };
        assert!(added.item().unwrap().is_finite(), "{}", row.0);
        grad(added, &[x], CreateGraph::No).unwrap();
    }
}

#[test]
fn what_a_layer_cannot_take_is_refused_by_its_name() {
    let forms = [
        Form::features(1),
        Form::features(6),
        Form::image(1, 1, 1),
        Form::image(3, 4, 2),
        Form::sequence(2, 3),
        Form { steps: Some(2), dims: vec![1, 2, 2] },
        Form { steps: None, dims: vec![2, 3] },
    ];
    let shapes: [&[usize]; 9] =
        [&[], &[2], &[2, 7], &[0, 4], &[2, 3, 9], &[1, 9, 1, 1], &[0, 2, 4], &[3, 0, 4], &[3, 0, 2]];
    for row in LAYERS {
        let entry = entry(row);
        let kind = entry.layer.name();
        for form in &forms {
            if let Err(error) = Graph::<f32>::new(std::slice::from_ref(&entry), form, &Builder::new(Streams::new(1))) {
                let error = error.to_string();
                assert!(error.starts_with(&format!("{kind}-1")), "{} of {form}: {error}", row.0);
            }
        }
        let (layer, parameters) = build::<f64>(row);
        for shape in shapes {
            let tape = Tape::new();
            let x = tape.constant(Tensor::zeros(shape).unwrap());
            let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
            if let Err(error) = layer.forward(x, &mut ctx) {
                let error = error.to_string();
                assert!(error.starts_with(kind), "{} of {shape:?}: {error}", row.0);
            }
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    for row in LAYERS {
        let first = entry(row);
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<LayerEntry>(&text).unwrap(), first, "{text}");
        let mut value: Value = serde_json::from_str(row.0).unwrap();
        value["no_such_field"] = Value::Bool(true);
        let error = serde_json::from_value::<LayerEntry>(value).unwrap_err().to_string();
        assert!(error.contains("no_such_field"), "{}: {error}", row.0);
    }
}

/// A list within a list: its schema refers to itself, and every field is described.
#[test]
fn the_schema_describes_a_list_within_a_list() {
    let schema = serde_json::to_value(schemars::schema_for!(LayerEntry)).unwrap();
    let kinds = schema["oneOf"].as_array().unwrap();
    let of = |kind: &str| kinds.iter().find(|one| one["properties"]["kind"]["const"] == kind).unwrap();
    assert!(of("feedback")["properties"]["layers"]["items"].to_string().contains("$ref"));
    for row in LAYERS {
        let kind = of(entry(row).layer.name());
        for (name, field) in kind["properties"].as_object().unwrap() {
            let says = |it: &Value| it["description"].is_string();
            let target = field["$ref"].as_str().and_then(|at| schema.pointer(at.trim_start_matches('#')));
            assert!(name == "kind" || says(field) || target.is_some_and(says), "{name}: {kind:#}");
        }
    }
}
