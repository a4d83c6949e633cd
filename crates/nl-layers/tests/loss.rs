//! Every loss: values and gradients as PyTorch has them, derivatives as finite differences have them, laws, and refusals that
//! say what was wrong.

mod common;

use approx::{assert_abs_diff_eq, assert_relative_eq};
use common::tensor;
use nl_autodiff::{
    CreateGraph, Reduction, Scalar, Tape, Tensor, Tolerance, Var, grad, gradcheck_with, gradgradcheck_with,
};
use nl_layers::Error;
use nl_layers::loss::{
    Answer, CrossEntropy, Focal, Gaussian, Huber, JointEmbeddingKind, LossKind, Mse, NtXent, Ordinal, Quantile,
    Sigmoid, Spread, TargetForm, Targets, VicReg,
};
use proptest::prelude::*;
use serde_json::Value;

/// The targets of a case, without a tape.
enum Given {
    Classes(Vec<u32>),
    Values(Tensor<f64>),
    Labels(Tensor<f64>),
}

/// A function from variables to a loss, and where to take it.
struct Case {
    name: String,
    what: What,
    inputs: Vec<Tensor<f64>>,
    value: f64,
    gradients: Vec<Tensor<f64>>,
}

enum What {
    Supervised(LossKind, Given),
    Views(JointEmbeddingKind),
}

impl Case {
    fn loss<'t>(&self, v: &[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {
        let constant = |t: &Tensor<f64>| v[0].tape().constant(t.clone());
        match &self.what {
            What::Supervised(loss, Given::Classes(y)) => loss.loss("here", v[0], &Targets::Classes(y)),
            What::Supervised(loss, Given::Values(y)) => loss.loss("here", v[0], &Targets::Values(constant(y))),
            What::Supervised(loss, Given::Labels(y)) => loss.loss("here", v[0], &Targets::Labels(constant(y))),
            What::Views(loss) => loss.loss("here", v[0], v[1]),
        }
    }
}

/// Origin of the numbers: reference/loss.py (PyTorch, float64).
fn cases() -> Vec<Case> {
    let reference: Value = serde_json::from_str(include_str!("reference/loss.json")).unwrap();
    let case = |(name, case): (&String, &Value)| {
        let (what, inputs) = if let Some(views) = case.get("joint_embedding") {
            let loss = serde_json::from_value(views.clone()).unwrap();
            (What::Views(loss), vec![tensor(&case["a"]), tensor(&case["b"])])
        } else {
            let (form, target) = case["target"].as_object().unwrap().iter().next().unwrap();
            let given = match form.as_str() {
                "classes" => Given::Classes(serde_json::from_value(target.clone()).unwrap()),
                "values" => Given::Values(tensor(target)),
                _ => Given::Labels(tensor(target)),
            };
            let loss = serde_json::from_value(case["loss"].clone()).unwrap();
            (What::Supervised(loss, given), vec![tensor(&case["output"])])
        };
        let gradients = case["gradients"].as_array().unwrap().iter().map(tensor).collect();
        Case { name: name.clone(), what, inputs, value: case["value"].as_f64().unwrap(), gradients }
    };
    reference.as_object().unwrap().iter().map(case).collect()
}

#[test]
fn values_and_gradients_equal_pytorch() {
    let mut worst = 0.0_f64;
    let mut near = |name: &str, got: f64, want: f64| {
        let error = (got - want).abs() / want.abs().max(1.0);
        // Some hundred roundings of f64, in another order, and NT-Xent's 1e-12 under its root.
        assert!(error < 1e-12, "{name}: {got}, PyTorch says {want}");
        worst = worst.max(error);
    };
    let mut kinds: Vec<&'static str> = Vec::new();
    for case in cases() {
        let tape = Tape::new();
        let inputs: Vec<_> = case.inputs.iter().map(|x| tape.leaf(x.clone())).collect();
        let loss = case.loss(&inputs).unwrap();
        near(&case.name, loss.item().unwrap(), case.value);
        for (got, want) in grad(loss, &inputs, CreateGraph::No).unwrap().iter().zip(&case.gradients) {
            assert_eq!(got.shape(), want.shape(), "{}", case.name);
            let got = got.value();
            got.as_slice().iter().zip(want.as_slice()).for_each(|(&a, &b)| near(&case.name, a, b));
        }
        kinds.push(match case.what {
            What::Supervised(loss, _) => loss.name(),
            What::Views(loss) => loss.name(),
        });
    }
    println!("largest difference from PyTorch: {worst:e}");
    let known = LossKind::all().iter().map(LossKind::name).collect::<Vec<_>>();
    for name in known.into_iter().chain(JointEmbeddingKind::all().iter().map(JointEmbeddingKind::name)) {
        assert!(kinds.contains(&name), "{name} has no reference");
    }
}

/// Small steps, so that none of the fixed inputs comes near a kink.
const TOLERANCE: Tolerance = Tolerance { step: 1.0 / 4096.0, relative: 1e-7, floor: 1e-2 };

/// First derivatives of all losses, and second ones too: all are smooth but for a few kinks.
#[test]
fn derivatives_equal_finite_differences() {
    let (mut first, mut second) = (0.0_f64, 0.0_f64);
    for case in cases() {
        let once = gradcheck_with(|v| function(&case, v), &case.inputs, TOLERANCE);
        first = first.max(once.unwrap_or_else(|error| panic!("{}: {error}", case.name)));
        let twice = gradgradcheck_with(|v| function(&case, v), &case.inputs, TOLERANCE);
        second = second.max(twice.unwrap_or_else(|error| panic!("{}: {error}", case.name)));
    }
    println!("largest errors: first {first:e}, second {second:e}");
}

fn function<'t>(case: &Case, v: &[Var<'t, f64>]) -> Result<Var<'t, f64>, nl_autodiff::Error> {
    case.loss(v).map_err(|error| match error {
        Error::Op { source, .. } => *source,
        other => panic!("{other}"),
    })
}

/// Forward and backward, once to warm up and once counted.
#[test]
fn a_second_step_allocates_nothing() {
    for case in cases() {
        let What::Supervised(loss, given) = &case.what else { continue };
        let (x, mut tape) = (case.inputs[0].clone(), Tape::new());
        let mut step = || {
            tape.reset();
            let x = tape.leaf(x.clone());
            let target = match given {
                Given::Classes(y) => Targets::Classes(y),
                Given::Values(y) => Targets::Values(tape.constant(y.clone())),
                Given::Labels(y) => Targets::Labels(tape.constant(y.clone())),
            };
            tape.backward(loss.loss("here", x, &target).unwrap(), &[x], &mut |_, _| {}).unwrap();
        };
        step();
        assert_eq!(allocation_counter::measure(step).count_total, 0, "{}", case.name);
    }
}

/// Targets for a loss with `forms` of its kind: all it takes.
fn forms(loss: &LossKind) -> Vec<TargetForm> {
    [TargetForm::Classes(4), TargetForm::Values(3), TargetForm::Labels(3)]
        .into_iter()
        .filter(|form| loss.outputs(form).is_ok())
        .collect()
}

/// The loss of `output` rows and its gradient, as numbers; classes, values and labels are made from the number of their row.
fn run<S: Scalar>(loss: &LossKind, form: TargetForm, output: &[f64], rows: core::ops::Range<usize>) -> (f64, Vec<f64>) {
    let (tape, width) = (Tape::<S>::new(), loss.outputs(&form).unwrap());
    let output: Vec<S> = output.iter().map(|&x| S::from_f64(x)).collect();
    let x = tape.leaf(Tensor::new(&[rows.len(), width], output).unwrap());
    let (classes, first): (Vec<u32>, usize);
    let matrix = |columns: usize, f: &dyn Fn(usize) -> f64| {
        let first = rows.start * columns;
        tape.constant(Tensor::from_fn(&[rows.len(), columns], |i| S::from_f64(f(first + i))).unwrap())
    };
    let target = match form {
        TargetForm::Classes(count) => {
            first = rows.start;
            classes = (0..rows.len()).map(|i| ((first + i) * 7 % count) as u32).collect();
            Targets::Classes(&classes)
        }
        TargetForm::Values(columns) => Targets::Values(matrix(columns, &|i| (1.3 * i as f64).sin())),
        TargetForm::Labels(columns) => Targets::Labels(matrix(columns, &|i| f64::from(u8::from(i % 3 == 0)))),
    };
    let loss = loss.loss("here", x, &target).unwrap();
    let dx = grad(loss, &[x], CreateGraph::No).unwrap()[0].value();
    (loss.item().unwrap().to_f64(), dx.as_slice().iter().map(|g| g.to_f64()).collect())
}

#[track_caller]
fn same(a: &(f64, Vec<f64>), b: &(f64, Vec<f64>), scale: f64) {
    assert_relative_eq!(a.0, scale * b.0, epsilon = 1e-12, max_relative = 1e-12);
    for (a, b) in a.1.iter().zip(&b.1) {
        assert_abs_diff_eq!(*a, scale * b, epsilon = 1e-12);
    }
}

fn outputs(rows: usize, columns: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-6.0..6.0, rows * columns)
}

const CLASSES: TargetForm = TargetForm::Classes(4);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Weights of 1 change nothing, and smoothing is that of the fused operation and of its definition.
    #[test]
    fn cross_entropy_is_that_of_the_definition(x in outputs(5, 4), smoothing in 0.0..0.99) {
        let of = |label_smoothing, class_weights| LossKind::CrossEntropy(CrossEntropy { label_smoothing, class_weights });
        let fused = run::<f64>(&of(smoothing, None), CLASSES, &x, 0..5);
        same(&run::<f64>(&of(smoothing, Some(vec![1.0; 4])), CLASSES, &x, 0..5), &fused, 1.0);
        same(&run::<f64>(&of(smoothing, Some(vec![2.5; 4])), CLASSES, &x, 0..5), &fused, 2.5);
        let tape = Tape::new();
        let logits = tape.leaf(Tensor::new(&[5, 4], x.clone()).unwrap());
        let right = logits.cross_entropy(&[0, 3, 2, 1, 0], 0.0, Reduction::Sum).unwrap().item().unwrap();
        let every: f64 = (0..4).map(|c| logits.cross_entropy(&[c; 5], 0.0, Reduction::Sum).unwrap().item().unwrap()).sum();
        assert_relative_eq!(fused.0, (1.0 - smoothing) * right + smoothing / 4.0 * every, max_relative = 1e-12);
    }

    /// λ ℓ(a) + (1 − λ) ℓ(b), and its gradient, with smoothing and weights.
    #[test]
    fn a_mixture_is_the_mixture_of_its_losses(
        x in outputs(5, 4),
        shares in prop::collection::vec(0.0_f32..=1.0, 5),
        smoothing in 0.0..0.5,
        weights in prop::option::of(prop::collection::vec(0.1..3.0, 4)),
    ) {
        let (first, second) = ([0_u32, 3, 2, 1, 0], [2_u32, 3, 0, 1, 1]);
        let loss = CrossEntropy { label_smoothing: smoothing, class_weights: weights };
        let kind = LossKind::CrossEntropy(loss.clone());
        let gradient = |value: Var<'_, f64>, of: Var<'_, f64>| {
            grad(value, &[of], CreateGraph::No).unwrap()[0].value().as_slice().to_vec()
        };
        let tape = Tape::new();
        let logits = tape.leaf(Tensor::new(&[5, 4], x.clone()).unwrap());
        let mixed = loss.mixed("here", logits, [&first, &second], &shares).unwrap();
        let mut expected = (0.0, Vec::new());
        for (i, &share) in shares.iter().enumerate() {
            let row = tape.leaf(Tensor::new(&[1, 4], x[4 * i..4 * i + 4].to_vec()).unwrap());
            let [a, b] = [first[i], second[i]].map(|y| kind.loss("here", row, &Targets::Classes(&[y])).unwrap());
            let sum = a.mul_scalar(f64::from(share)).unwrap().add(b.mul_scalar(1.0 - f64::from(share)).unwrap()).unwrap();
            expected.0 += sum.item().unwrap();
            expected.1.extend(gradient(sum, row));
        }
        same(&(mixed.item().unwrap(), gradient(mixed, logits)), &expected, 1.0);
        assert!(loss.mixed("here", logits, [&first, &second], &shares[1..]).is_err());
        assert!(loss.mixed("here", logits, [&first, &[0, 1, 2, 3, 4]], &shares).is_err());
    }

    #[test]
    fn focal_without_focus_is_cross_entropy(x in outputs(5, 4), w in prop::collection::vec(0.1..3.0, 4)) {
        for class_weights in [None, Some(w)] {
            let plain = LossKind::CrossEntropy(CrossEntropy { label_smoothing: 0.0, class_weights: class_weights.clone() });
            let focal = LossKind::Focal(Focal { gamma: 0.0, class_weights });
            same(&run::<f64>(&focal, CLASSES, &x, 0..5), &run::<f64>(&plain, CLASSES, &x, 0..5), 1.0);
        }
    }

    #[test]
    fn huber_is_half_the_squared_error_within_delta(x in outputs(5, 3)) {
        let huber = run::<f64>(&LossKind::Huber(Huber { delta: 1e6 }), TargetForm::Values(3), &x, 0..5);
        same(&huber, &run::<f64>(&LossKind::Mse(Mse {}), TargetForm::Values(3), &x, 0..5), 0.5);
    }

    #[test]
    fn the_median_is_half_the_absolute_error(x in outputs(5, 3)) {
        let half = run::<f64>(&LossKind::Quantile(Quantile { quantiles: vec![0.5] }), TargetForm::Values(3), &x, 0..5);
        let sum: f64 = x.iter().enumerate().map(|(i, x)| (x - (1.3 * i as f64).sin()).abs()).sum();
        assert_relative_eq!(half.0, 0.5 * sum / 3.0, max_relative = 1e-12);
    }

    /// With two classes in order there is one question, and its answer is a logistic regression.
    #[test]
    fn two_classes_in_order_are_one_label(x in outputs(6, 1)) {
        let labels: Vec<f64> = (0..6).map(|i| f64::from(i * 7 % 2)).collect();
        let tape = Tape::new();
        let logits = tape.leaf(Tensor::new(&[6, 1], x.clone()).unwrap());
        let labels = tape.constant(Tensor::new(&[6, 1], labels).unwrap());
        let sum = LossKind::Sigmoid(Sigmoid {}).loss("here", logits, &Targets::Labels(labels)).unwrap().item().unwrap();
        let ordinal = run::<f64>(&LossKind::Ordinal(Ordinal {}), TargetForm::Classes(2), &x, 0..6);
        assert_relative_eq!(ordinal.0, sum, max_relative = 1e-12);
    }

    /// What a likelihood says is −ln of the probability that it answers, and the probabilities of a row sum to 1.
    #[test]
    fn answers_are_the_distributions_that_the_loss_is_of(x in prop::collection::vec(-30.0_f64..30.0, 20)) {
        for loss in LossKind::all().into_iter().filter(|loss| loss.outputs(&CLASSES).is_ok()) {
            let width = loss.outputs(&CLASSES).unwrap();
            let x: Vec<f32> = x[..5 * width].iter().map(|&x| x as f32).collect();
            let Answer::Classes(p) = loss.answer(&x, &CLASSES).unwrap() else { panic!("{}", loss.name()) };
            assert_eq!(p.len(), 20, "{}", loss.name());
            for row in p.chunks_exact(4) {
                assert_abs_diff_eq!(row.iter().sum::<f32>(), 1.0, epsilon = 2e-6);
            }
            if matches!(loss, LossKind::CrossEntropy(_) | LossKind::Ordinal(_)) {
                let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                let surprise: f64 = (0..5).map(|i| -f64::from(p[i * 4 + i * 7 % 4]).ln()).sum();
                assert_relative_eq!(run::<f64>(&loss, CLASSES, &x, 0..5).0, surprise, max_relative = 1e-5, epsilon = 1e-5);
            }
        }
    }

    /// A batch in two parts: losses add up, gradients are those of the parts.
    #[test]
    fn a_loss_is_a_sum_over_samples(x in outputs(6, 9), cut in 1usize..6) {
        for loss in LossKind::all() {
            for form in forms(&loss) {
                let width = loss.outputs(&form).unwrap();
                let x = &x[..6 * width];
                let whole = run::<f64>(&loss, form, x, 0..6);
                let (a, b) = x.split_at(cut * width);
                let (a, b) = (run::<f64>(&loss, form, a, 0..cut), run::<f64>(&loss, form, b, cut..6));
                same(&(a.0 + b.0, [a.1, b.1].concat()), &whole, 1.0);
            }
        }
    }

    /// The order of samples does not matter, nor which view is the first.
    #[test]
    fn two_views_have_no_order(x in outputs(10, 3), by in 1usize..5) {
        let order: Vec<u32> = (0..5).map(|i| ((i + by) % 5) as u32).rev().collect();
        for loss in JointEmbeddingKind::all() {
            let tape = Tape::new();
            let z = tape.leaf(Tensor::new(&[10, 3], x.clone()).unwrap());
            let (a, b) = (z.slice(0, 0..5).unwrap(), z.slice(0, 5..10).unwrap());
            let of = |a: Var<'_, f64>, b: Var<'_, f64>| loss.loss("here", a, b).unwrap().item().unwrap();
            let (first, swapped) = (of(a, b), of(b, a));
            assert_relative_eq!(first, swapped, max_relative = 1e-10);
            let shuffled = of(a.index_select(0, &order).unwrap(), b.index_select(0, &order).unwrap());
            assert_relative_eq!(first, shuffled, max_relative = 1e-10);
        }
    }

    /// Cosines do not see the length of an embedding.
    #[test]
    fn nt_xent_sees_directions_only(x in outputs(8, 3), scale in 0.5..20.0) {
        let tape = Tape::new();
        let z = tape.leaf(Tensor::new(&[8, 3], x).unwrap());
        let of = |z: Var<'_, f64>| {
            let (a, b) = (z.slice(0, 0..4).unwrap(), z.slice(0, 4..8).unwrap());
            NtXent::default().loss("here", a, b).unwrap().item().unwrap()
        };
        prop_assume!(z.square().unwrap().value().as_slice().chunks(3).all(|z| z.iter().sum::<f64>() > 0.01));
        assert_relative_eq!(of(z), of(z.mul_scalar(scale).unwrap()), max_relative = 1e-8);
    }

    /// Huge outputs of any sign, in single precision.
    #[test]
    fn huge_outputs_stay_finite(signs in prop::collection::vec(prop::sample::select(vec![-1e4, 1e4, 0.0]), 54)) {
        for loss in LossKind::all() {
            for form in forms(&loss) {
                let width = loss.outputs(&form).unwrap();
                let x = &signs[..6 * width];
                let (value, gradient) = run::<f32>(&loss, form, x, 0..6);
                assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{}: {value} {gradient:?}", loss.name());
                let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
                let numbers = match loss.answer(&x, &form).unwrap() {
                    Answer::Classes(p) | Answer::Labels(p) => p,
                    Answer::Values { values, spread: Spread::Deviations(s) } => [values, s].concat(),
                    Answer::Values { values, spread: Spread::Quantiles { values: q, .. } } => [values, q].concat(),
                    Answer::Values { values, .. } => values,
                    _ => panic!("an answer that this test does not know"),
                };
                assert!(numbers.iter().all(|p| p.is_finite()), "{}: {numbers:?}", loss.name());
            }
        }
        for loss in JointEmbeddingKind::all() {
            let tape = Tape::<f32>::new();
            let leaf = |x: &[f64]| tape.leaf(Tensor::new(&[3, 3], x.iter().map(|&x| x as f32).collect()).unwrap());
            let (a, b) = (leaf(&signs[..9]), leaf(&signs[9..18]));
            let value = loss.loss("here", a, b).unwrap();
            for gradient in grad(value, &[a, b], CreateGraph::No).unwrap() {
                assert!(gradient.value().as_slice().iter().all(|g| g.is_finite()), "{}", loss.name());
            }
            assert!(value.item().unwrap().is_finite(), "{}", loss.name());
        }
    }
}

/// The constant that a loss likes best is what its name promises.
#[test]
fn quantiles_are_found() {
    let values: Vec<f64> = (0..=100).map(f64::from).collect(); // the quantile τ is 100 τ
    let best = |tau: f64| {
        let loss = LossKind::Quantile(Quantile { quantiles: vec![tau] });
        let at = |x: f64| {
            let tape = Tape::new();
            let output = tape.constant(Tensor::full(&[101, 1], x).unwrap());
            let target = tape.constant(Tensor::new(&[101, 1], values.clone()).unwrap());
            loss.loss("here", output, &Targets::Values(target)).unwrap().item().unwrap()
        };
        (0..=100).map(f64::from).min_by(|&a, &b| at(a).total_cmp(&at(b))).unwrap()
    };
    for tau in [0.055, 0.305, 0.505, 0.905] {
        assert_eq!(best(tau), (101.0 * tau).floor());
    }
}

#[test]
fn answers_of_values() {
    let values = |loss: &LossKind, output: &[f32], count| match loss.answer(output, &TargetForm::Values(count)).unwrap()
    {
        Answer::Values { values, spread } => (values, spread),
        other => panic!("{other:?}"),
    };
    for loss in [LossKind::Mse(Mse {}), LossKind::Huber(Huber::default())] {
        assert_eq!(values(&loss, &[1.0, 2.0], 2), (vec![1.0, 2.0], Spread::None));
    }
    // Quantiles that cross are sorted; two values of one sample, then the next sample.
    let quantile = |quantiles: &[f64]| LossKind::Quantile(Quantile { quantiles: quantiles.to_vec() });
    let three = quantile(&[0.1, 0.5, 0.9]);
    let (median, spread) = values(&three, &[3.0, 1.0, 2.0, 4.0, 5.0, 6.0], 2);
    assert_eq!(median, [2.0, 5.0]);
    let sorted = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    assert_eq!(spread, Spread::Quantiles { levels: vec![0.1, 0.5, 0.9], values: sorted });
    // A median that is not among them: between its neighbours, or the nearest.
    assert_eq!(values(&quantile(&[0.25, 0.75]), &[1.0, 3.0], 1).0, [2.0]);
    assert_abs_diff_eq!(values(&quantile(&[0.4, 0.8]), &[1.0, 3.0], 1).0[0], 1.5, epsilon = 1e-6);
    assert_eq!(values(&quantile(&[0.6, 0.8]), &[1.0, 3.0], 1).0, [1.0]);
    assert_eq!(values(&quantile(&[0.1, 0.2]), &[1.0, 3.0], 1).0, [3.0]);
    // σ² = f + e^s, means first.
    let (mean, spread) = values(&LossKind::Gaussian(Gaussian { floor: 0.75 }), &[7.0, 8.0, 0.25_f32.ln(), -90.0], 2);
    assert_eq!(mean, [7.0, 8.0]);
    let Spread::Deviations(deviations) = spread else { panic!("{spread:?}") };
    assert_abs_diff_eq!(deviations.as_slice(), [1.0, 0.75_f32.sqrt()].as_slice(), epsilon = 1e-6);
    // No rows at all.
    assert!(values(&three, &[], 2).0.is_empty());
}

#[test]
fn answers_of_labels_stand_alone() {
    let answer = LossKind::Sigmoid(Sigmoid {}).answer(&[0.0, 100.0, -100.0], &TargetForm::Labels(3)).unwrap();
    let Answer::Labels(p) = answer else { panic!("{answer:?}") };
    assert_abs_diff_eq!(p.as_slice(), [0.5, 1.0, 0.0].as_slice(), epsilon = 1e-6);
}

#[test]
fn an_empty_batch_has_no_loss() {
    for loss in LossKind::all() {
        for form in forms(&loss) {
            assert_eq!(run::<f64>(&loss, form, &[], 0..0).0, 0.0, "{}", loss.name());
        }
    }
}

/// A configuration names a loss as messages do, defaults may be left out, and what is misspelt is refused.
#[test]
fn names_are_those_of_configurations() {
    let object = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for loss in LossKind::all() {
        let short = format!(r#"{{"kind": "{}"}}"#, loss.name());
        assert_eq!(serde_json::from_str::<LossKind>(&short).unwrap(), loss);
        assert_eq!(serde_json::to_value(&loss).unwrap()["kind"], loss.name());
        let misspelt = format!(r#"{{"kind": "{}", "gama": 1}}"#, loss.name());
        assert!(serde_json::from_value::<LossKind>(object(&misspelt)).is_err(), "{}", loss.name());
        loss.check("here").unwrap();
    }
    for loss in JointEmbeddingKind::all() {
        let short = format!(r#"{{"kind": "{}"}}"#, loss.name());
        assert_eq!(serde_json::from_str::<JointEmbeddingKind>(&short).unwrap(), loss);
        loss.check("here").unwrap();
    }
}

#[test]
fn outputs_are_what_the_table_says() {
    let table = [
        ("cross-entropy", [Some(4), None, None]),
        ("focal", [Some(4), None, None]),
        ("ordinal", [Some(3), None, None]),
        ("least-squares", [Some(4), None, None]),
        ("sigmoid", [Some(4), None, Some(3)]),
        ("mse", [None, Some(3), None]),
        ("huber", [None, Some(3), None]),
        ("quantile", [None, Some(9), None]),
        ("gaussian", [None, Some(6), None]),
    ];
    for (loss, (name, wanted)) in LossKind::all().iter().zip(table) {
        assert_eq!(loss.name(), name);
        let all = [TargetForm::Classes(4), TargetForm::Values(3), TargetForm::Labels(3)];
        assert_eq!(all.map(|form| loss.outputs(&form).ok()), wanted, "{name}");
        for form in [TargetForm::Classes(1), TargetForm::Classes(0), TargetForm::Values(0), TargetForm::Labels(0)] {
            let error = loss.outputs(&form).unwrap_err().to_string();
            assert!(error.starts_with("loss: loss `"), "{error}");
        }
    }
    assert!(LossKind::Gaussian(Gaussian::default()).outputs(&TargetForm::Values(usize::MAX)).is_err());
}

#[test]
fn hyper_parameters_out_of_range_are_refused_at_their_path() {
    let table = [
        (r#"{"kind": "cross-entropy", "label_smoothing": 1.0}"#, "label_smoothing 1 must be in [0, 1)"),
        (r#"{"kind": "cross-entropy", "class_weights": [1.0, -1.0]}"#, "class_weights[1] -1 must be in [0"),
        (r#"{"kind": "cross-entropy", "class_weights": [0.0, 0.0]}"#, "class_weights are all 0"),
        (r#"{"kind": "focal", "gamma": -0.5}"#, "gamma -0.5 must be in [0, 100]; 2 is usual"),
        (r#"{"kind": "focal", "class_weights": [1e10]}"#, "class_weights[0] 10000000000 must be in [0"),
        (r#"{"kind": "huber", "delta": 0.0}"#, "delta 0 must be in ["),
        (r#"{"kind": "quantile", "quantiles": []}"#, "quantiles [] must lie between 0 and 1"),
        (r#"{"kind": "quantile", "quantiles": [0.5, 0.5]}"#, "quantiles [0.5, 0.5] must"),
        (r#"{"kind": "quantile", "quantiles": [0.5, 1.0]}"#, "quantiles [0.5, 1.0] must"),
        (r#"{"kind": "gaussian", "floor": 0.0}"#, "floor 0 must be in ["),
    ];
    let message = |result: Result<(), Error>| match result {
        Err(error @ Error::Hyperparameter { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    for (text, wanted) in table {
        let loss: LossKind = serde_json::from_str(text).unwrap();
        let error = message(loss.check("model.loss"));
        assert!(error.starts_with("model.loss: ") && error.contains(wanted), "{error}");
        // Nothing that was not checked is ever used.
        let tape = Tape::new();
        let x = tape.constant(Tensor::full(&[1, 2], 0.0_f64).unwrap());
        let used = loss.loss("model.loss", x, &Targets::Classes(&[0])).map(drop);
        assert_eq!(message(used), error);
    }
    let table = [
        (r#"{"kind": "nt-xent", "temperature": 0.0}"#, "temperature 0 must be in ["),
        (r#"{"kind": "vic-reg", "variance": -1.0}"#, "variance -1 must be in [0"),
        (r#"{"kind": "vic-reg", "variance": 0, "covariance": 0, "invariance": 0}"#, "are all 0"),
        (r#"{"kind": "vic-reg", "deviation": 0.0}"#, "deviation 0 must be in ["),
        (r#"{"kind": "vic-reg", "epsilon": 0.0}"#, "epsilon 0 must be in ["),
        (r#"{"kind": "barlow-twins", "redundancy": -1.0}"#, "redundancy -1 must be in [0"),
        (r#"{"kind": "barlow-twins", "epsilon": 2.0}"#, "epsilon 2 must be in ["),
    ];
    for (text, wanted) in table {
        let loss: JointEmbeddingKind = serde_json::from_str(text).unwrap();
        let error = message(loss.check("model.loss"));
        assert!(error.starts_with("model.loss: ") && error.contains(wanted), "{error}");
    }
    for not_a_number in [LossKind::Huber(Huber { delta: f64::NAN }), LossKind::Gaussian(Gaussian { floor: f64::NAN })] {
        assert!(message(not_a_number.check("here")).contains("NaN"));
    }
    let quantiles = vec![0.1, f64::NAN];
    assert!(message(LossKind::Quantile(Quantile { quantiles }).check("here")).contains("NaN"));
    assert!(message(VicReg { epsilon: f64::INFINITY, ..VicReg::default() }.check("here")).contains("inf"));
}

/// Targets of another form, another length or another width than the outputs.
#[test]
fn targets_that_do_not_fit_are_refused() {
    let tape = Tape::<f32>::new();
    let zeros = |dims: &[usize]| tape.constant(Tensor::zeros(dims).unwrap());
    let loss = |text: &str| serde_json::from_str::<LossKind>(text).unwrap();
    let [entropy, focal, ordinal, squares, sigmoid, mse, _, quantile, gaussian] =
        <[LossKind; 9]>::try_from(LossKind::all()).unwrap();
    let weighted = loss(r#"{"kind": "cross-entropy", "class_weights": [1.0, 2.0]}"#);
    let values = |dims: &[usize]| Targets::Values(zeros(dims));
    let labels = |dims: &[usize]| Targets::Labels(zeros(dims));
    let table: Vec<(&LossKind, Vec<usize>, Targets<'_, '_, f32>, &str)> = vec![
        (
            &mse,
            vec![2, 3],
            Targets::Classes(&[0, 1]),
            "`mse` takes values, and the target is classes; use `cross-entropy`",
        ),
        (&entropy, vec![2, 3], values(&[2, 3]), "takes classes, and the target is values; use `mse`"),
        (&ordinal, vec![2, 3], labels(&[2, 3]), "takes classes, and the target is labels; use `sigmoid`"),
        (&squares, vec![2, 3], values(&[2, 3]), "takes classes, and the target is values"),
        (&squares, vec![1, 3], Targets::Classes(&[3]), "least-squares: index 3 is out of range"),
        (&sigmoid, vec![2, 3], values(&[2, 3]), "takes labels or classes, and the target is values"),
        (&gaussian, vec![2, 3], labels(&[2, 3]), "takes values, and the target is labels"),
        (&entropy, vec![2, 3], Targets::Classes(&[0]), "expected an input of shape [1, 2 or more], got [2, 3]"),
        (&entropy, vec![1, 1], Targets::Classes(&[0]), "[1, 2 or more], got [1, 1]"),
        (&ordinal, vec![1, 0], Targets::Classes(&[0]), "[1, 1 or more], got [1, 0]"),
        (&focal, vec![6], Targets::Classes(&[0, 1]), "got [6]"),
        (&entropy, vec![1, 3], Targets::Classes(&[3]), "index 3 is out of range; it must be below 3"),
        (&focal, vec![1, 3], Targets::Classes(&[7]), "focal: index 7 is out of range"),
        (&ordinal, vec![1, 3], Targets::Classes(&[4]), "must be below 4"),
        (&sigmoid, vec![1, 3], Targets::Classes(&[3]), "must be below 3"),
        (&weighted, vec![1, 3], Targets::Classes(&[0]), "class_weights are 2 numbers for 3 classes"),
        (&mse, vec![2, 3], values(&[3, 3]), "of shape [3, 3], got [2, 3]"),
        (&mse, vec![2, 3], values(&[6]), "of shape [B, K], got [6]"),
        (&mse, vec![2, 0], values(&[2, 0]), "got [2, 0]"),
        (&quantile, vec![2, 3], values(&[2, 3]), "of shape [2, 9], got [2, 3]"),
        (&gaussian, vec![2, 3], values(&[2, 3]), "of shape [2, 6], got [2, 3]"),
        (&sigmoid, vec![2, 3], labels(&[2, 2]), "of shape [2, 2], got [2, 3]"),
    ];
    for (loss, output, target, wanted) in table {
        let error = loss.loss("model.loss", zeros(&output), &target).map(drop).unwrap_err().to_string();
        assert!(error.starts_with("model.loss: ") && error.contains(wanted), "{error}");
    }
    assert!(weighted.outputs(&CLASSES).unwrap_err().to_string().contains("2 numbers for 4 classes"));
    let torn = entropy.answer(&[0.0; 5], &CLASSES).unwrap_err().to_string();
    assert!(torn.contains("[N, 4]") && torn.contains("got [5]"), "{torn}");
    for loss in JointEmbeddingKind::all() {
        for (a, b, wanted) in [
            (vec![1, 3], vec![1, 3], "[2 or more, 1 or more], got [1, 3]"),
            (vec![2, 0], vec![2, 0], "got [2, 0]"),
            (vec![2, 3], vec![3, 3], "of shape [2, 3], got [3, 3]"),
            (vec![6], vec![6], "of shape [B, D], got [6]"),
        ] {
            let error = loss.loss("model.loss", zeros(&a), zeros(&b)).map(drop).unwrap_err().to_string();
            assert!(error.starts_with("model.loss: ") && error.contains(wanted), "{error}");
        }
    }
    // A variable of another tape.
    let other = Tape::<f32>::new();
    let far = other.constant(Tensor::zeros(&[2, 3]).unwrap());
    assert!(mse.loss("here", zeros(&[2, 3]), &Targets::Values(far)).is_err());
}
