//! The whole brain: against PyTorch, against finite differences, for odd sizes, and what it refuses.

use nl_autodiff::{CreateGraph, Reduction, Tape, Tensor, Tolerance, Var, grad, gradcheck_with};
use nl_brain::{BasalGanglia, Brain, BrainConfig, Cerebellum, Decision, Error, Recalled, Thalamus};
use nl_layers::{Context, Entry, Mode, Noise, Parameters};
use nl_random::Streams;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/brain.json")).unwrap()
}

fn tensor(value: &Value) -> Tensor<f64> {
    let shape: Vec<usize> = serde_json::from_value(value["shape"].clone()).unwrap();
    Tensor::new(&shape, serde_json::from_value(value["data"].clone()).unwrap()).unwrap()
}

/// The memory's answers in the reference; they were rounded to float32 there.
struct Recall {
    log_probs: Vec<f32>,
    agreement: Vec<f32>,
    distance: Vec<f32>,
}

impl Recall {
    fn new(reference: &Value) -> Self {
        let get = |name| tensor(&reference["tensors"][name]).as_slice().iter().map(|&x| x as f32).collect();
        Self { log_probs: get("recall"), agreement: get("agreement"), distance: get("distance") }
    }

    fn rows(&self) -> Recalled<'_> {
        Recalled { log_probs: &self.log_probs, agreement: &self.agreement, distance: &self.distance }
    }
}

/// The brain of the reference with PyTorch's weights.
fn loaded(reference: &Value) -> (Brain, Parameters<f64>) {
    let config: BrainConfig = serde_json::from_value(reference["config"].clone()).unwrap();
    let (brain, parameters) = Brain::new(config, Streams::new(1)).unwrap();
    let mut parameters: Parameters<f64> = parameters.convert();
    let given = reference["parameters"].as_object().unwrap();
    assert_eq!(given.len(), parameters.entries().len());
    let entries = parameters.entries().to_vec();
    for entry in &entries {
        let value = tensor(&given[&entry.path]);
        assert_eq!(value.shape().dims(), entry.shape, "{}", entry.path);
        parameters.values_mut()[entry.range()].copy_from_slice(value.as_slice());
    }
    (brain, parameters)
}

#[track_caller]
fn close(what: &str, got: &[f64], expected: &Tensor<f64>) {
    assert_eq!(got.len(), expected.shape().len(), "{what}");
    for (i, (a, b)) in got.iter().zip(expected.as_slice()).enumerate() {
        // Some hundred roundings of f64, in another order.
        let near = approx::relative_eq!(a, b, epsilon = 1e-11, max_relative = 1e-11);
        assert!(near, "{what}[{i}] is {a}, PyTorch says {b}");
    }
}

/// Everything the brain computes from one batch.
struct Pass<'t> {
    embedding: Var<'t, f64>,
    logits: Var<'t, f64>,
    image_logits: Var<'t, f64>,
    decision: Decision<'t, f64>,
}

fn pass<'t>(brain: &Brain, images: Var<'t, f64>, recall: &Recall, ctx: &mut Context<'t, f64>) -> Pass<'t> {
    let embedding = brain.encode(images, ctx).unwrap();
    let logits = brain.classify(embedding, ctx).unwrap();
    let image_logits = brain.reconstruct(embedding, ctx).unwrap();
    let decision = brain.decide(logits, recall.rows(), ctx).unwrap();
    Pass { embedding, logits, image_logits, decision }
}

/// Origin of the numbers: reference/brain.py (PyTorch, float64).
#[test]
fn values_losses_and_gradients_equal_pytorch() {
    let reference = reference();
    let (brain, parameters) = loaded(&reference);
    let recall = Recall::new(&reference);
    let tape = Tape::new();
    let images = tape.constant(tensor(&reference["tensors"]["images"]));
    let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
    let Pass { embedding, logits, image_logits, decision } = pass(&brain, images, &recall, &mut ctx);
    let recording = ctx.into_recording();
    let gate = recording.get(Thalamus::GATE).unwrap().clone();
    let trust = recording.get(BasalGanglia::TRUST).unwrap().clone();
    for (name, got) in [
        ("embedding", embedding.value()),
        ("gate", gate),
        ("logits", logits.value()),
        ("image_logits", image_logits.value()),
        ("trust", trust),
        ("mixed", decision.log_probs.value()),
    ] {
        let expected = tensor(&reference["tensors"][name]);
        assert_eq!(got.shape(), expected.shape(), "{name}");
        close(name, got.as_slice(), &expected);
    }

    let labels: Vec<u32> = serde_json::from_value(reference["labels"].clone()).unwrap();
    let reconstruction = Cerebellum::image(image_logits).unwrap();
    let losses = [
        ("reconstruction", reconstruction.mse(images, Reduction::Mean).unwrap()),
        ("pixel_cross_entropy", image_logits.bce_with_logits(images, Reduction::Mean).unwrap()),
        ("classification", logits.cross_entropy(&labels, 0.0, Reduction::Mean).unwrap()),
        ("decision", decision.log_probs.nll(&labels, Reduction::Mean).unwrap()),
    ];
    for (name, loss) in losses {
        let expected = &reference["losses"][name];
        let want = expected["value"].as_f64().unwrap();
        assert!(approx::abs_diff_eq!(loss.item().unwrap(), want, epsilon = 1e-12), "{name}");
        let gradients = expected["gradients"].as_object().unwrap();
        tape.backward_bound(loss, &mut |slot, got| {
            let entry = &parameters.entries()[slot];
            let what = format!("d {name} / d {}", entry.path);
            match gradients.get(&entry.path) {
                Some(expected) => close(&what, got, &tensor(expected)),
                None if name == "decision" && entry.is_under(Brain::CORTEX) => {}
                None => assert!(got.iter().all(|&g| g == 0.0), "{what} should be 0"),
            }
        })
        .unwrap();
    }
}

/// The sum of all three ways through the brain, differentiated in the image and in every parameter. The gate's evidence
/// is read as numbers, so its mixture is checked with the rest of the brain held still (below).
#[test]
fn derivatives_equal_finite_differences() {
    let reference = reference();
    let (brain, parameters) = loaded(&reference);
    let images = tensor(&reference["tensors"]["images"]);
    let images = Tensor::new(&[1, 2, 9, 7], images.as_slice()[..126].to_vec()).unwrap();
    let mut inputs = vec![images];
    let ids = parameters.entries().iter().map(|e| parameters.find(&e.path).unwrap());
    inputs.extend(ids.map(|id| parameters.get(id)));
    let tolerance = Tolerance { step: 1.0 / 65_536.0, relative: 1e-6, floor: 1e-2 };
    let checked = gradcheck_with(
        |v| {
            let mut ctx = Context::over(v[0].tape(), v[1..].to_vec(), Mode::Eval);
            let embedding = brain.encode(v[0], &mut ctx).map_err(op)?;
            let logits = brain.classify(embedding, &mut ctx).map_err(op)?;
            let image = brain.reconstruct(embedding, &mut ctx).map_err(op)?;
            let classified = logits.cross_entropy(&[1], 0.1, Reduction::Mean)?;
            classified.add(Cerebellum::image(image).map_err(op)?.mse(v[0], Reduction::Mean)?)
        },
        &inputs,
        tolerance,
    );
    checked.unwrap();
}

/// Seen from both sides, an image and its mirror image are the same; regions are recorded as they answer to the image itself.
#[test]
fn both_sides_of_an_image_are_recognised_alike() {
    let config =
        BrainConfig { height: 8, width: 5, retina: 3, v1: 4, v2: 4, v4: 4, embedding: 6, ..BrainConfig::default() };
    let (one, parameters) = Brain::new(config, Streams::new(4)).unwrap();
    let (both, _) = Brain::new(BrainConfig { both_sides: true, ..config }, Streams::new(4)).unwrap();
    let parameters = parameters.convert::<f64>();
    let pixels: Vec<f64> = (0..40).map(|i| (f64::from(i) * 0.7).sin().abs()).collect();
    let image = Tensor::new(&[1, 1, 8, 5], pixels.clone()).unwrap();
    let mirrored = pixels.chunks(5).flat_map(|row| row.iter().rev().copied()).collect();
    let mirrored = Tensor::new(&[1, 1, 8, 5], mirrored).unwrap();
    let tape = Tape::new();
    let seen = |brain: &Brain, image: &Tensor<f64>| {
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
        let embedding = brain.recognise(tape.constant(image.clone()), &mut ctx).unwrap().value();
        (embedding, ctx.into_recording().get("cortex/v1").unwrap().clone())
    };
    let ((left, v1), (right, _)) = (seen(&one, &image), seen(&one, &mirrored));
    let (mean, v1_of_both) = seen(&both, &image);
    assert_ne!(left.as_slice(), right.as_slice());
    for ((mean, l), r) in mean.as_slice().iter().zip(left.as_slice()).zip(right.as_slice()) {
        approx::assert_abs_diff_eq!(*mean, 0.5 * l + 0.5 * r, epsilon = 1e-14);
    }
    assert_eq!(mean.as_slice(), seen(&both, &mirrored).0.as_slice());
    assert_eq!(v1.as_slice(), v1_of_both.as_slice());
    // In the image: with respect to the weights it is a mean of what the whole brain is checked for above.
    gradcheck_with(
        |v| {
            let ids = parameters.entries().iter().map(|e| parameters.find(&e.path).unwrap());
            let weights = ids.map(|id| v[0].tape().constant(parameters.get(id))).collect();
            let mut ctx = Context::over(v[0].tape(), weights, Mode::Eval);
            both.recognise(v[0], &mut ctx).map_err(op)?.square()?.sum()
        },
        &[image],
        Tolerance { step: 1.0 / 65_536.0, relative: 1e-6, floor: 1e-2 },
    )
    .unwrap();
}

/// The decision, differentiated in the gate's parameters and in the cortex's logits for fixed evidence.
#[test]
fn derivatives_of_the_decision_equal_finite_differences() {
    let reference = reference();
    let (brain, parameters) = loaded(&reference);
    let recall = Recall::new(&reference);
    let logits = tensor(&reference["tensors"]["logits"]);
    let gate: Vec<usize> =
        (0..parameters.entries().len()).filter(|&i| parameters.entries()[i].is_under(Brain::BASAL_GANGLIA)).collect();
    // The temperatures change the evidence too, which is read as numbers: they have the reference's gradients.
    let gate: Vec<usize> = gate.into_iter().filter(|&i| !parameters.entries()[i].path.ends_with("sharpness")).collect();
    assert_eq!(gate.len(), 4);
    let all = |i: usize| parameters.get(parameters.find(&parameters.entries()[i].path).unwrap());
    let inputs: Vec<_> = gate.iter().map(|&i| all(i)).collect();
    let checked = gradcheck_with(
        |v| {
            let tape = v[0].tape();
            let mut variables: Vec<_> = (0..parameters.entries().len()).map(|i| tape.constant(all(i))).collect();
            for (&i, &v) in gate.iter().zip(v) {
                variables[i] = v;
            }
            let mut ctx = Context::over(tape, variables, Mode::Eval);
            let l = tape.constant(logits.clone());
            Ok(brain.decide(l, recall.rows(), &mut ctx).map_err(op)?.log_probs)
        },
        &inputs,
        Tolerance { step: 1.0 / 16_384.0, ..Tolerance::default() },
    );
    checked.unwrap();
}

fn op(error: Error) -> nl_autodiff::Error {
    match error {
        Error::Op(source) | Error::Layer(nl_layers::Error::Op { source, .. }) => *source,
        other => panic!("{other}"),
    }
}

#[test]
fn default_sizes_are_those_of_the_comparison() {
    let (_, parameters) = Brain::new(BrainConfig::default(), Streams::new(1)).unwrap();
    let count = |prefix| parameters.entries().iter().filter(|e| e.is_under(prefix)).map(Entry::len).sum::<usize>();
    assert_eq!(count(Brain::CORTEX), 462_296);
    assert_eq!(count(Brain::PREFRONTAL), 1_290);
    assert_eq!(count(Brain::CEREBELLUM), 210_737);
    // The PyTorch model of the speed comparison has no gate: 674,323 parameters.
    assert_eq!(parameters.len() - count(Brain::BASAL_GANGLIA), 674_323);
    assert_eq!(count(Brain::BASAL_GANGLIA), 4 + 9 + 1);
}

#[test]
fn reconstructions_have_the_size_of_the_image() {
    for (height, width) in [(4, 4), (5, 7), (6, 11), (8, 9), (13, 4), (28, 30)] {
        let config = BrainConfig {
            height,
            width,
            channels: 3,
            classes: 4,
            retina: 3,
            v1: 2,
            v2: 3,
            v4: 2,
            embedding: 5,
            ..BrainConfig::default()
        };
        let (brain, parameters) = Brain::new(config, Streams::new(1)).unwrap();
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
        let images = tape.constant(Tensor::full(&[2, 3, height, width], 0.5).unwrap());
        let embedding = brain.encode(images, &mut ctx).unwrap();
        assert_eq!(embedding.shape().dims(), [2, 5]);
        assert_eq!(brain.classify(embedding, &mut ctx).unwrap().shape().dims(), [2, 4]);
        assert_eq!(brain.reconstruct(embedding, &mut ctx).unwrap().shape(), images.shape());
    }
}

fn tiny() -> (Brain, Parameters<f32>) {
    let config = BrainConfig {
        height: 8,
        width: 8,
        classes: 3,
        retina: 2,
        v1: 2,
        v2: 2,
        v4: 2,
        embedding: 4,
        ..BrainConfig::default()
    };
    Brain::new(config, Streams::new(5)).unwrap()
}

#[test]
fn what_does_not_fit_is_refused_by_the_region() {
    let (brain, parameters) = tiny();
    let tape = Tape::new();
    let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
    let zeros = |dims: &[usize]| tape.constant(Tensor::zeros(dims).unwrap());
    let message = |error: Option<Error>| error.unwrap().to_string();

    let error = message(brain.encode(zeros(&[2, 1, 8, 9]), &mut ctx).err());
    assert!(error.starts_with("cortex: expected an input of shape [N, 1, 8, 8], got [2, 1, 8, 9]"), "{error}");
    let error = message(brain.classify(zeros(&[2, 5]), &mut ctx).err());
    assert!(error.starts_with("prefrontal: expected an input of shape […, 4], got [2, 5]"), "{error}");
    let error = message(brain.reconstruct(zeros(&[5]), &mut ctx).err());
    assert!(error.starts_with("cerebellum/expand: "), "{error}");

    let (log_probs, ones) = ([-1.1; 6], [1.0; 2]);
    let recalled = Recalled { log_probs: &log_probs, agreement: &ones, distance: &ones };
    let error = message(brain.decide(zeros(&[2, 2]), recalled, &mut ctx).err());
    assert!(error.starts_with("basal_ganglia: expected an input of shape [N, 3] (logits), got [2, 2]"), "{error}");
    let short = Recalled { agreement: &ones[..1], ..recalled };
    let error = message(brain.decide(zeros(&[2, 3]), short, &mut ctx).err());
    assert!(error.starts_with("basal_ganglia: `agreement` has 1 elements, but there should be 2"), "{error}");
}

#[test]
fn a_mixture_is_a_distribution_between_its_parts_even_at_the_extremes() {
    let (brain, mut parameters) = tiny();
    let bias = parameters.find("basal_ganglia/gate/bias").unwrap();
    let at = parameters.entry(bias).offset;
    let (certain, never) = (-1e-7_f32, f32::NEG_INFINITY);
    let memory = [certain, -17.0, never];
    for logit in [-200.0, -20.0, 0.0, 20.0, 200.0] {
        parameters.values_mut()[at] = logit;
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
        let logits = tape.leaf(Tensor::new(&[1, 3], vec![-60.0, 0.0, 60.0]).unwrap());
        let recalled = Recalled { log_probs: &memory, agreement: &[1.0], distance: &[0.0] };
        let decision = brain.decide(logits, recalled, &mut ctx).unwrap();
        let (mixed, trust) = (decision.log_probs.value(), decision.trust.item().unwrap());
        let total: f32 = mixed.as_slice().iter().map(|p| p.exp()).sum();
        assert!(approx::abs_diff_eq!(total, 1.0, epsilon = 1e-5), "sum {total} for logit {logit}");
        let first = mixed.as_slice()[0].exp();
        assert!(approx::abs_diff_eq!(first, trust, epsilon = 1e-5), "memory names class 0, the cortex class 2");
        assert!(mixed.as_slice().iter().all(|p| p.is_finite() && *p <= 1e-6));
        let loss = decision.log_probs.sum().unwrap();
        let slope = grad(loss, &[logits], CreateGraph::No).unwrap()[0].value();
        assert!(slope.as_slice().iter().all(|g| g.is_finite()), "{:?}", slope.as_slice());
    }
}

#[test]
fn rows_do_not_depend_on_their_batch() {
    let (brain, parameters) = tiny();
    let logits = |rows: &[usize], samples: &[u64]| {
        let tape = Tape::new();
        let noise = Noise { streams: Streams::new(1), epoch: 4, samples };
        let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise);
        let pixels = rows.iter().flat_map(|r| (0..64).map(move |i| ((r * 64 + i) * 37 % 101) as f32 / 101.0)).collect();
        let images = tape.constant(Tensor::new(&[rows.len(), 1, 8, 8], pixels).unwrap());
        let embedding = brain.encode(images, &mut ctx).unwrap();
        brain.classify(embedding, &mut ctx).unwrap().value().as_slice().to_vec()
    };
    let batch = logits(&[0, 1, 2], &[10, 11, 12]);
    for (got, expected) in logits(&[1], &[11]).iter().zip(&batch[3..6]) {
        assert!(approx::abs_diff_eq!(got, expected, epsilon = 1e-6), "{got} alone, {expected} in a batch");
    }
}
