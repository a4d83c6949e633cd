//! The layers over steps, of attention and of memory: PyTorch's values and gradients, and what every layer promises (the laws of
//! `laws.rs`, with rows of the same form).

use nl_autodiff::{CreateGraph, Scalar, Tape, Tensor, Tolerance, Var, grad, gradcheck_with, gradgradcheck_with};
use nl_layers::graph::{Form, Graph, LayerEntry};
use nl_layers::{Builder, Context, Error, Layer, Mode, Noise, Parameters};
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

/// Origin of the numbers: reference/steps.py (PyTorch, float64).
#[test]
fn values_and_gradients_equal_pytorch() {
    let reference: Value = serde_json::from_str(include_str!("reference/steps.json")).unwrap();
    for (name, expected) in reference.as_object().unwrap() {
        let layers: Vec<LayerEntry> = serde_json::from_value(expected["layers"].clone()).unwrap();
        let x = tensor(&expected["x"]);
        let form = match *x.shape().dims() {
            [_, features] => Form::features(features),
            [steps, _, features] => Form::sequence(steps, features),
            [_, c, h, w] => Form::image(c, h, w),
            _ => panic!("{name}"),
        };
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

use On::{Features, Image, Steps, Tokens};

/// The configuration as JSON; what it is given; numbers learned; products of a sample.
type Row = (&'static str, On, usize, u64);

#[rustfmt::skip]
const LAYERS: &[Row] = &[
    (r#"{"kind": "elman", "units": 4}"#, Steps(3, 2), 28, 72),
    (r#"{"kind": "elman", "units": 3, "function": "relu", "output": "last"}"#, Steps(4, 2), 18, 60),
    (r#"{"kind": "gru", "units": 3}"#, Steps(3, 2), 57, 135),
    (r#"{"kind": "gru", "units": 2, "layers": 2, "bidirectional": true, "output": "last", "initial_state": "learned"}"#, Steps(3, 2), 160, 360),
    (r#"{"kind": "lstm", "units": 3, "initial_state": "learned"}"#, Steps(3, 2), 78, 180),
    (r#"{"kind": "feedback", "layers": [{"kind": "linear", "units": 3}, {"kind": "activation", "function": "tanh"}]}"#, Steps(3, 2), 18, 45),
    (r#"{"kind": "patches", "size": 2, "units": 3}"#, Image(2, 4, 6), 27, 144),
    (r#"{"kind": "embedding", "vocabulary": 5, "units": 3}"#, Tokens(4), 15, 0),
    (r#"{"kind": "positions"}"#, Steps(3, 4), 12, 0),
    (r#"{"kind": "positions", "encoding": "sinusoidal"}"#, Steps(3, 5), 0, 0),
    (r#"{"kind": "class-token"}"#, Steps(3, 4), 4, 0),
    (r#"{"kind": "select-step", "step": "first"}"#, Steps(3, 4), 0, 0),
    (r#"{"kind": "select-step", "step": "last"}"#, Steps(3, 4), 0, 0),
    (r#"{"kind": "spatial-gate", "kernel": 3}"#, Image(3, 4, 5), 19, 420),
    (r#"{"kind": "cbam", "hidden": 2, "kernel": 3}"#, Image(3, 4, 5), 36, 504),
    (r#"{"kind": "attention", "heads": 2}"#, Steps(3, 4), 80, 264),
    (r#"{"kind": "attention", "heads": 1, "causal": true, "window": 1}"#, Steps(3, 4), 80, 264),
    (r#"{"kind": "attention", "heads": 2, "from": ["input", "input"]}"#, Steps(3, 4), 80, 264),
    (r#"{"kind": "transformer-block", "heads": 2, "mlp": 5}"#, Steps(3, 4), 145, 384),
    (r#"{"kind": "transformer-block", "heads": 2, "mlp": 5, "norm": "post", "dropout": 0.3, "causal": true}"#, Steps(3, 4), 145, 384),
    (r#"{"kind": "working-memory", "units": 3}"#, Steps(3, 2), 45, 126),
    (r#"{"kind": "working-memory", "units": 3, "output": "last"}"#, Steps(3, 2), 45, 126),
    (r#"{"kind": "hopfield", "patterns": 5, "iterations": 2}"#, Features(4), 20, 80),
    (r#"{"kind": "hopfield", "beta": 2, "from": ["input", "input"]}"#, Steps(3, 4), 0, 72),
    (r#"{"kind": "ntm", "slots": 4, "width": 3}"#, Steps(3, 2), 96, 390),
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
    let inner: usize = shape[row.1.batch_axis() + 1..].iter().product();
    let value = |i: usize| {
        let (outer, sample, rest) = (i / inner / samples, i / inner % samples, i % inner);
        let x = f64::from(wave(outer * inner + rest, 7 * sample + 1));
        if matches!(row.1, Tokens(_)) { (2.5 * (x + 1.0)).floor() } else { 1.5 * x }
    };
    Tensor::from_fn(&shape, value).unwrap()
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
fn forms_parameters_and_products_are_as_said() {
    for row in LAYERS {
        let (layer, parameters) = build::<f64>(row);
        let line = &layer.lines()[0];
        assert_eq!((line.parameters, line.macs), (row.2, row.3), "{}: numbers and products", row.0);
        assert_eq!(parameters.len(), row.2, "{}", row.0);
        for samples in [1, 3] {
            for mode in [Mode::Eval, Mode::Train] {
                let y = output(row, &input(row, samples), mode);
                assert_eq!(y.shape().dims(), layer.output().batched(samples), "{}", row.0);
                assert!(y.as_slice().iter().all(|y| y.is_finite()), "{}: {y:?}", row.0);
            }
        }
    }
}

/// The layer as a function of (x, parameters …).
fn function<'t>(layer: &Graph<f64>, v: &[Var<'t, f64>], mode: Mode) -> Result<Var<'t, f64>, nl_autodiff::Error> {
    let mut ctx = Context::over(v[0].tape(), v[1..].to_vec(), mode).with_noise(noise(3));
    layer.forward(v[0], &mut ctx).map_err(|error| match error {
        Error::Op { source, .. } => *source,
        other => panic!("{other}"),
    })
}

/// Small steps, so that none of the inputs comes near a kink.
const TOLERANCE: Tolerance = Tolerance { step: 1.0 / 16_384.0, relative: 1e-7, floor: 1e-2 };

#[test]
fn derivatives_equal_finite_differences() {
    let mut worst = (0.0_f64, 0.0_f64);
    for row in LAYERS {
        let (layer, parameters) = build::<f64>(row);
        let x = input(row, 3);
        let tokens = matches!(row.1, Tokens(_)).then(|| x.clone());
        let mut inputs = if tokens.is_some() { vec![] } else { vec![x] };
        inputs.extend(parameters.iter().map(|(_, shape, values)| Tensor::new(shape, values.to_vec()).unwrap()));
        for mode in [Mode::Eval, Mode::Train] {
            let (first, second) = match &tokens {
                None => (
                    gradcheck_with(|v| function(&layer, v, mode), &inputs, TOLERANCE),
                    gradgradcheck_with(|v| function(&layer, v, mode), &inputs, TOLERANCE),
                ),
                Some(tokens) => (
                    gradcheck_with(|v| with_tokens(&layer, tokens, v, mode), &inputs, TOLERANCE),
                    gradgradcheck_with(|v| with_tokens(&layer, tokens, v, mode)?.square(), &inputs, TOLERANCE),
                ),
            };
            worst.0 = worst.0.max(first.unwrap_or_else(|error| panic!("{}, {mode:?}: {error}", row.0)));
            worst.1 = worst.1.max(second.unwrap_or_else(|error| panic!("{}, {mode:?}: {error}", row.0)));
        }
    }
    // Seen with `--nocapture`: the largest relative errors of first and second derivatives.
    println!("first {:e}, second {:e}", worst.0, worst.1);
}

fn with_tokens<'t>(
    layer: &Graph<f64>,
    tokens: &Tensor<f64>,
    v: &[Var<'t, f64>],
    mode: Mode,
) -> Result<Var<'t, f64>, nl_autodiff::Error> {
    let all: Vec<_> = std::iter::once(v[0].tape().constant(tokens.clone())).chain(v.iter().copied()).collect();
    function(layer, &all, mode)
}

#[test]
fn a_sample_does_not_depend_on_its_neighbours() {
    let sample = |x: &Tensor<f64>, axis: usize, n: usize| {
        Tape::new().constant(x.clone()).slice(axis, n..n + 1).unwrap().value().as_slice().to_vec()
    };
    for row in LAYERS {
        let x = input(row, 3);
        let together = output(row, &x, Mode::Eval);
        let (layer, _) = build::<f64>(row);
        let axis = usize::from(layer.output().steps.is_some());
        for n in 0..3 {
            let alone = Tensor::new(&row.1.form().batched(1), sample(&x, row.1.batch_axis(), n)).unwrap();
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
            let (x, wide) = (input(row, 3), output(row, &input(row, 3), mode));
            let (layer, parameters) = build::<f32>(row);
            let tape = Tape::<f32>::new();
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

/// Forward and backward, twice to warm up and once counted.
#[test]
fn a_second_step_allocates_nothing() {
    for row in LAYERS {
        let (layer, parameters) = build::<f64>(row);
        let x = input(row, 3);
        let mut tape = Tape::new();
        let mut step = || {
            tape.reset();
            let x = tape.leaf(x.clone());
            let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise(3));
            let loss = layer.forward(x, &mut ctx).unwrap().sum().unwrap();
            tape.backward_bound(loss, &mut |_, _| {}).unwrap();
        };
        step();
        step();
        assert_eq!(allocation_counter::measure(step).count_total, 0, "{}", row.0);
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

/// What is wrong, and what the message says to do.
#[test]
fn faults_are_told_with_what_to_do() {
    #[rustfmt::skip]
    let table = [
        (r#"{"kind": "gru", "units": 3, "truncate": 0}"#, Steps(3, 2), "gru-1: truncate is 0; leave it out"),
        (r#"{"kind": "lstm", "units": 3, "layers": 0}"#, Steps(3, 2), "lstm-1: layers is 0"),
        (r#"{"kind": "gru", "units": 3}"#, Image(1, 2, 2), "make one of an image by `rows` or `patches`"),
        (r#"{"kind": "feedback", "layers": []}"#, Steps(3, 2), "feedback-1: layers is empty"),
        (r#"{"kind": "feedback", "layers": [{"kind": "linear", "units": 2}], "source": "x"}"#, Steps(3, 2), "source \"x\" is none of its layers: linear-1"),
        (r#"{"kind": "feedback", "layers": [{"kind": "activation", "function": "tanh"}]}"#, Steps(3, 2), "grow with what is fed back"),
        (r#"{"kind": "patches", "size": 3, "units": 2}"#, Image(1, 4, 6), "patches of 3 x 3 do not tile 4 x 6"),
        (r#"{"kind": "attention", "heads": 3}"#, Steps(3, 4), "3 heads do not divide 4 features"),
        (r#"{"kind": "attention", "heads": 2, "causal": true, "from": ["input", "input"]}"#, Steps(3, 4), "leave them out with a memory"),
        (r#"{"kind": "attention", "heads": 2, "from": ["input", "input", "input"]}"#, Steps(3, 4), "or a sequence and a memory"),
        (r#"{"kind": "transformer-block", "heads": 2, "dropout": 1.0}"#, Steps(3, 4), "dropout probability 1 must be in [0, 1)"),
        (r#"{"kind": "spatial-gate", "kernel": 4}"#, Image(1, 4, 4), "kernel 4 has no centre"),
        (r#"{"kind": "hopfield"}"#, Features(4), "where are the patterns?"),
        (r#"{"kind": "hopfield", "patterns": 2, "beta": 0}"#, Features(4), "beta 0 must be positive"),
        (r#"{"kind": "hopfield", "patterns": 2, "from": ["input", "input"]}"#, Features(4), "not both"),
    ];
    for (layer, on, message) in table {
        let row = (layer, on, 0, 0);
        let error = match Graph::<f32>::new(&[entry(&row)], &on.form(), &Builder::new(Streams::new(1))) {
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
    let row = (r#"{"kind": "embedding", "vocabulary": 5, "units": 3}"#, Tokens(2), 0, 0);
    let (layer, parameters) = build::<f64>(&row);
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
