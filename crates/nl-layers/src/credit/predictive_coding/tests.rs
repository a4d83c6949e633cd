//! Against the equations written as loops, and the laws.

use nl_autodiff::{Reduction, Tape, Tensor, Var};
use nl_random::Streams;
use proptest::prelude::*;

use super::*;
use crate::{Activation, Builder, Initializer, Layer, Linear, Mode, Parameters, Sequential};

/// Units of the input and of each area.
const SIZES: [usize; 4] = [3, 5, 4, 2];
const SAMPLES: usize = 3;

/// tanh areas, the last one linear.
fn chain(seed: u64) -> (Vec<Sequential<f64>>, Parameters<f64>) {
    let builder = Builder::new(Streams::new(seed));
    let last = SIZES.len() - 2;
    let area = |i: usize| {
        let at = builder.child(&format!("area-{i}")).unwrap();
        let linear = Linear::new(&at, SIZES[i], SIZES[i + 1], Initializer::XavierUniform).unwrap();
        let mut layers: Vec<Box<dyn Layer<f64>>> = vec![Box::new(linear)];
        if i < last {
            layers.push(Box::new(Activation::Tanh));
        }
        Sequential::new(layers)
    };
    ((0..=last).map(area).collect(), builder.finish().convert())
}

fn numbers(n: usize, from: f64) -> Vec<f64> {
    (0..n).map(|i| (from + 2.3 * i as f64).sin()).collect()
}

fn half_square<'t>(y: Var<'t, f64>, target: &[f64], scale: f64) -> Result<Var<'t, f64>, Error> {
    let target = y.tape().constant(Tensor::new(y.shape().dims(), target.to_vec()).unwrap());
    y.mse(target, Reduction::Sum).and_then(|sum| sum.mul_scalar(0.5 * scale)).at("target")
}

/// ½ scale ‖t − y‖²
struct Scaled<'a>(&'a [f64], f64);

impl Ending<f64> for Scaled<'_> {
    fn energy<'t>(&self, output: Var<'t, f64>) -> Result<Var<'t, f64>, Error> {
        half_square(output, self.0, self.1)
    }
}

/// F after inference, and its gradient; `scale` stands before the output's energy.
fn learned(way: PredictiveCoding, seed: u64, x: &[f64], target: &[f64], scale: f64) -> (f64, Vec<f64>) {
    let (areas, parameters) = chain(seed);
    let tape = Tape::new();
    let mut ctx = Context::new(&tape, &parameters, Mode::Train);
    let x = tape.constant(Tensor::new(&[x.len() / SIZES[0], SIZES[0]], x.to_vec()).unwrap());
    let ending = Scaled(target, scale);
    let energy = way.energy(&areas[..], x, &ending, &mut ctx, &mut Relaxation::default()).unwrap();
    let mut gradient = vec![0.0; parameters.len()];
    let value = ctx.gradient(energy, &mut gradient).unwrap();
    (value, gradient)
}

/// The gradient of back-propagation, for ½ ‖t − y‖².
fn back_propagated(seed: u64, x: &[f64], target: &[f64]) -> Vec<f64> {
    let (areas, parameters) = chain(seed);
    let tape = Tape::new();
    let mut ctx = Context::new(&tape, &parameters, Mode::Train);
    let x = tape.constant(Tensor::new(&[x.len() / SIZES[0], SIZES[0]], x.to_vec()).unwrap());
    let y = areas.iter().fold(x, |x, area| area.forward(x, &mut ctx).unwrap());
    let mut gradient = vec![0.0; parameters.len()];
    ctx.gradient(half_square(y, target, 1.0).unwrap(), &mut gradient).unwrap();
    gradient
}

/// The equations of the type, sample by sample and number by number.
fn naive(way: PredictiveCoding, seed: u64, x: &[f64], target: &[f64]) -> (f64, Vec<f64>) {
    let (_, parameters) = chain(seed);
    let areas = SIZES.len() - 1;
    let weight = |l: usize, to: usize, from: usize| {
        let entry = &parameters.entries()[2 * l];
        parameters.values()[entry.offset + to * SIZES[l] + from]
    };
    let bias = |l: usize, to: usize| parameters.values()[parameters.entries()[2 * l + 1].offset + to];
    // Prediction and slope of area l.
    let predicted = |l: usize, below: &[f64]| -> (Vec<f64>, Vec<f64>) {
        let z = |to| bias(l, to) + (0..SIZES[l]).map(|from| weight(l, to, from) * below[from]).sum::<f64>();
        let tanh = |z: f64| if l + 1 < areas { (z.tanh(), 1.0 - z.tanh() * z.tanh()) } else { (z, 1.0) };
        (0..SIZES[l + 1]).map(|to| tanh(z(to))).unzip()
    };
    let (mut energy, mut gradient) = (0.0, vec![0.0; parameters.len()]);
    for (x, target) in x.chunks(SIZES[0]).zip(target.chunks(SIZES[areas])) {
        let mut values = vec![x.to_vec()];
        for l in 0..areas - 1 {
            values.push(predicted(l, &values[l]).0);
        }
        values.push(target.to_vec());
        let errors = |values: &[Vec<f64>]| -> Vec<(Vec<f64>, Vec<f64>)> {
            let of = |l: usize| {
                let (p, slope) = predicted(l, &values[l]);
                (values[l + 1].iter().zip(p).map(|(x, p)| x - p).collect(), slope)
            };
            (0..areas).map(of).collect()
        };
        for _ in 0..way.steps {
            let e = errors(&values);
            for l in 1..areas {
                for i in 0..SIZES[l] {
                    let above: f64 = (0..SIZES[l + 1]).map(|j| weight(l, j, i) * e[l].1[j] * e[l].0[j]).sum();
                    values[l][i] -= way.rate * (e[l - 1].0[i] - above);
                }
            }
        }
        for (l, (error, slope)) in errors(&values).iter().enumerate() {
            let (w, b) = (parameters.entries()[2 * l].offset, parameters.entries()[2 * l + 1].offset);
            for to in 0..SIZES[l + 1] {
                energy += 0.5 * error[to] * error[to];
                gradient[b + to] -= slope[to] * error[to];
                for from in 0..SIZES[l] {
                    gradient[w + to * SIZES[l] + from] -= slope[to] * error[to] * values[l][from];
                }
            }
        }
    }
    (energy, gradient)
}

#[test]
fn it_is_the_equations() {
    let (x, target) = (numbers(SAMPLES * SIZES[0], 0.3), numbers(SAMPLES * SIZES[3], 1.1));
    for (steps, rate) in [(0, 0.1), (1, 0.1), (3, 0.05), (20, 0.2), (100, 0.1)] {
        let way = PredictiveCoding { steps, rate };
        let ((energy, gradient), (of, expected)) = (learned(way, 7, &x, &target, 1.0), naive(way, 7, &x, &target));
        approx::assert_relative_eq!(energy, of, max_relative = 1e-12);
        approx::assert_relative_eq!(gradient[..], expected[..], epsilon = 1e-12, max_relative = 1e-11);
    }
}

/// Weights of area l, and what stands there in a gradient.
fn window(l: usize, gradient: &[f64]) -> &[f64] {
    let entry = chain(7).1.entries()[2 * l].clone();
    &gradient[entry.range()]
}

/// ‖a − b‖ / ‖b‖
fn apart(a: impl Iterator<Item = f64>, b: &[f64]) -> f64 {
    let (mut far, mut long) = (0.0, 0.0);
    for (a, b) in a.zip(b) {
        (far, long) = (far + (a - b) * (a - b), long + b * b);
    }
    f64::sqrt(far / long)
}

/// After k small steps the change of area l is back-propagation's times C(k, L − l) rate^(L − l), up to the order of the rate.
#[test]
fn few_small_steps_are_back_propagation() {
    let (x, target) = (numbers(SAMPLES * SIZES[0], 0.3), numbers(SAMPLES * SIZES[3], 1.1));
    let back = back_propagated(7, &x, &target);
    for (steps, chosen) in [(3, [3.0, 3.0, 1.0]), (5, [10.0, 5.0, 1.0])] {
        let far = |rate: f64| {
            let (_, gradient) = learned(PredictiveCoding { steps, rate }, 7, &x, &target, 1.0);
            [0, 1, 2].map(|l| {
                let factor: f64 = chosen[l] * rate.powi(2 - l as i32);
                apart(window(l, &gradient).iter().map(|g| g / factor), window(l, &back))
            })
        };
        let (one, half) = (far(2e-4), far(1e-4));
        for l in 0..3 {
            assert!(half[l] < 3e-3, "area {l}: {half:?}");
            // First order: half the rate, half the distance.
            approx::assert_relative_eq!(one[l] / half[l], 2.0, max_relative = 0.02);
        }
    }
}

/// At rest, an output that is uncertain against the areas below it leaves their values alone: back-propagation.
#[test]
fn an_uncertain_output_at_rest_is_back_propagation() {
    let (x, target) = (numbers(SAMPLES * SIZES[0], 0.3), numbers(SAMPLES * SIZES[3], 1.1));
    let back = back_propagated(7, &x, &target);
    let far = |scale: f64| {
        let (_, gradient) = learned(PredictiveCoding { steps: 400, rate: 0.2 }, 7, &x, &target, scale);
        apart(gradient.iter().map(|g| g / scale), &back)
    };
    let (one, half) = (far(2e-4), far(1e-4));
    assert!(half < 1e-3, "{half}");
    approx::assert_relative_eq!(one / half, 2.0, max_relative = 0.02);
}

/// The change of an area depends on its own input and value: others may be anything.
#[test]
fn an_area_sees_its_neighbours_only() {
    let (areas, parameters) = chain(7);
    let gradient = |values: [&[f64]; 2]| {
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Train);
        let x = tape.constant(Tensor::new(&[1, SIZES[0]], numbers(SIZES[0], 0.3)).unwrap());
        let first = areas[0].forward(x, &mut ctx).unwrap();
        let values = values.map(|v| tape.constant(Tensor::new(&[1, v.len()], v.to_vec()).unwrap()));
        let ending = Scaled(&[0.5, -0.25], 1.0);
        let energy = energy_at(&areas[..], first, &values, &ending, &mut ctx).unwrap();
        let mut gradient = vec![0.0; parameters.len()];
        ctx.gradient(energy, &mut gradient).unwrap();
        gradient
    };
    let (first, second) = (numbers(SIZES[1], 0.9), numbers(SIZES[2], 1.9));
    let whole = gradient([&first, &second]);
    let (other_first, other_second) = (numbers(SIZES[1], 5.0), numbers(SIZES[2], 6.0));
    let changed = [gradient([&other_first, &second]), gradient([&first, &other_second])];
    let same = |l: usize, other: &[f64]| window(l, &whole) == window(l, other);
    // Area 0 sees x_0, x_1; area 1 sees x_1, x_2; area 2 sees x_2 and the target.
    assert_eq!([0, 1, 2].map(|l| same(l, &changed[0])), [false, false, true]);
    assert_eq!([0, 1, 2].map(|l| same(l, &changed[1])), [true, false, false]);
}

/// Samples do not see each other: a batch is the sum of its samples.
#[test]
fn a_batch_is_the_sum_of_its_samples() {
    let (x, target) = (numbers(SAMPLES * SIZES[0], 0.3), numbers(SAMPLES * SIZES[3], 1.1));
    let way = PredictiveCoding { steps: 10, rate: 0.1 };
    let whole = learned(way, 7, &x, &target, 1.0);
    let mut sum = (0.0, vec![0.0; whole.1.len()]);
    for (x, target) in x.chunks(SIZES[0]).zip(target.chunks(SIZES[3])) {
        let one = learned(way, 7, x, target, 1.0);
        sum.0 += one.0;
        sum.1.iter_mut().zip(one.1).for_each(|(sum, g)| *sum += g);
    }
    approx::assert_relative_eq!(sum.0, whole.0, max_relative = 1e-12);
    approx::assert_relative_eq!(sum.1[..], whole.1[..], epsilon = 1e-13, max_relative = 1e-11);
}

/// An output clamped to values by a loss, and by hand: with two values a sample, the mean square is half the squared distance.
#[test]
fn an_output_is_clamped_to_values_by_a_loss() {
    let (x, target) = (numbers(SAMPLES * SIZES[0], 0.3), numbers(SAMPLES * SIZES[3], 1.1));
    let way = PredictiveCoding { steps: 10, rate: 0.1 };
    let by_hand = learned(way, 7, &x, &target, 1.0);
    let (areas, parameters) = chain(7);
    let tape = Tape::new();
    let mut ctx = Context::new(&tape, &parameters, Mode::Train);
    let x = tape.constant(Tensor::new(&[SAMPLES, SIZES[0]], x).unwrap());
    let (loss, target) = (LossKind::Mse(crate::loss::Mse {}), TargetRows::Values { rows: &target, width: SIZES[3] });
    let clamped = Clamped { loss: &loss, target };
    let energy = way.energy(&areas[..], x, &clamped, &mut ctx, &mut Relaxation::default()).unwrap();
    let mut gradient = vec![0.0; parameters.len()];
    approx::assert_relative_eq!(ctx.gradient(energy, &mut gradient).unwrap(), by_hand.0, max_relative = 1e-12);
    approx::assert_relative_eq!(gradient[..], by_hand.1[..], epsilon = 1e-13, max_relative = 1e-11);
}

/// The forward tape is left as long as it would be without inference, and a second identical step needs no new node.
#[test]
fn inference_leaves_nothing_behind() {
    let (areas, parameters) = chain(7);
    let mut work = Relaxation::default();
    let mut length = |steps| {
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Train);
        let x = tape.constant(Tensor::new(&[1, SIZES[0]], numbers(SIZES[0], 0.3)).unwrap());
        let ending = Scaled(&[0.5, -0.25], 1.0);
        PredictiveCoding { steps, rate: 0.1 }.energy(&areas[..], x, &ending, &mut ctx, &mut work).unwrap();
        (tape.len(), work.tape.len())
    };
    assert_eq!(length(1), length(50));
    assert_eq!(length(1).1, 0);
}

#[test]
fn chains_and_settings_that_cannot_be_are_refused() {
    for (steps, rate, wanted) in
        [(20_000, 0.1, "20000"), (1, 0.0, "rate: 0"), (1, 2.0, "rate: 2"), (1, f64::NAN, "NaN")]
    {
        let said = PredictiveCoding { steps, rate }.check().unwrap_err().to_string();
        assert!(said.contains(wanted), "{said}");
    }
    assert!(PredictiveCoding { steps: 0, rate: 1.9 }.check().is_ok());
    let parameters = Parameters::<f64>::new(vec![], vec![]).unwrap();
    let tape = Tape::new();
    let mut ctx = Context::new(&tape, &parameters, Mode::Train);
    let x = tape.constant(Tensor::zeros(&[1, 3]).unwrap());
    let (none, many): (Vec<Activation>, _) = (Vec::new(), vec![Activation::Tanh; 65]);
    let way = PredictiveCoding { steps: 1, rate: 0.1 };
    for areas in [none, many] {
        let ending = Scaled(&[0.5, -0.25], 1.0);
        let said = way.energy(&areas[..], x, &ending, &mut ctx, &mut Relaxation::default()).map(drop).unwrap_err();
        assert!(said.to_string().contains("a chain has 1 to 64"), "{said}");
    }
    // Weights that are variables of this tape cannot be used on another.
    let (areas, parameters) = chain(1);
    let variables = parameters.iter().map(|(_, shape, v)| tape.leaf(Tensor::new(shape, v.to_vec()).unwrap())).collect();
    let ending = Scaled(&[0.5, -0.25], 1.0);
    let mut over = Context::over(&tape, variables, Mode::Train);
    assert!(way.energy(&areas[..], x, &ending, &mut over, &mut Relaxation::default()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A small step never makes the energy larger.
    #[test]
    fn inference_never_raises_the_energy(
        seed in 0_u64..1000,
        x in prop::collection::vec(-2.0..2.0, SIZES[0]),
        target in prop::collection::vec(-3.0..3.0, SIZES[3]),
        rate in 0.001..0.1,
    ) {
        let energies: Vec<f64> = (0..12)
            .map(|steps| learned(PredictiveCoding { steps, rate }, seed, &x, &target, 1.0).0)
            .collect();
        for pair in energies.windows(2) {
            prop_assert!(pair[1] <= pair[0] * (1.0 + 1e-12), "{:?}", energies);
        }
    }
}
