//! Against the equations written as loops, and the law that gives the way its name.

use nl_autodiff::{Reduction, Tape};
use rand::RngExt;

use super::*;
use crate::{Activation, Builder, Conv2d, Conv2dConfig, Layer, Linear, Mode, Sequential};

const SIZES: [usize; 4] = [3, 6, 5, 2];
const SAMPLES: usize = 4;

/// tanh areas, the last one linear.
fn chain(seed: u64) -> (Vec<Sequential<f64>>, Parameters<f32>) {
    let builder = Builder::new(Streams::new(seed));
    let area = |i: usize| {
        let at = builder.child(&format!("area-{i}")).unwrap();
        let linear = Linear::new(&at, SIZES[i], SIZES[i + 1], Initializer::XavierUniform).unwrap();
        let mut layers: Vec<Box<dyn Layer<f64>>> = vec![Box::new(linear)];
        if i < 2 {
            layers.push(Box::new(Activation::Tanh));
        }
        Sequential::new(layers)
    };
    ((0..3).map(area).collect(), builder.finish())
}

fn numbers(n: usize, from: f64) -> Vec<f64> {
    (0..n).map(|i| (from + 2.3 * i as f64).sin()).collect()
}

/// How errors come back.
enum Way {
    Through(Parameters<f64>),
    Direct(DirectFeedback<f64>),
    Weights,
}

fn half_square<'t>(y: Var<'t, f64>, target: &[f64]) -> Result<Var<'t, f64>, Error> {
    let target = y.tape().constant(Tensor::new(y.shape().dims(), target.to_vec()).unwrap());
    y.mse(target, Reduction::Sum).and_then(|sum| sum.mul_scalar(0.5)).at("target")
}

/// The value and the gradient of what `way` minimises.
fn learned(
    areas: &[Sequential<f64>],
    parameters: &Parameters<f64>,
    way: &Way,
    x: &[f64],
    t: &[f64],
) -> (f64, Vec<f64>) {
    let tape = Tape::new();
    let mut ctx = Context::new(&tape, parameters, Mode::Train);
    let inputs = parameters.entries()[0].shape[1];
    let x = tape.constant(Tensor::new(&[x.len() / inputs, inputs], x.to_vec()).unwrap());
    let loss = match way {
        Way::Direct(direct) => direct.loss(areas, x, |y| half_square(y, t), &mut ctx).unwrap(),
        way => {
            if let Way::Through(feedback) = way {
                ctx.set_feedback(feedback.clone());
            }
            half_square(areas.iter().fold(x, |x, area| area.forward(x, &mut ctx).unwrap()), t).unwrap()
        }
    };
    let mut gradient = vec![0.0; parameters.len()];
    let value = ctx.gradient(loss, &mut gradient).unwrap();
    (value, gradient)
}

/// δ_2 = y − t; below, what the way sends times the slope; ∂W_l = δ_l x_{l−1}ᵀ.
fn naive(parameters: &Parameters<f64>, way: &Way, x: &[f64], t: &[f64]) -> (f64, Vec<f64>) {
    let entry = |i: usize| &parameters.entries()[i];
    let at =
        |from: &Parameters<f64>, l: usize, to: usize, i: usize| from.values()[entry(2 * l).offset + to * SIZES[l] + i];
    let (mut loss, mut gradient) = (0.0, vec![0.0; parameters.len()]);
    for (x, t) in x.chunks(SIZES[0]).zip(t.chunks(SIZES[3])) {
        let mut values = vec![x.to_vec()];
        for l in 0..3 {
            let z = |to: usize| {
                let bias = parameters.values()[entry(2 * l + 1).offset + to];
                bias + (0..SIZES[l]).map(|i| at(parameters, l, to, i) * values[l][i]).sum::<f64>()
            };
            let next = (0..SIZES[l + 1]).map(|to| if l < 2 { z(to).tanh() } else { z(to) }).collect();
            values.push(next);
        }
        let error: Vec<f64> = values[3].iter().zip(t).map(|(y, t)| y - t).collect();
        loss += 0.5 * error.iter().map(|e| e * e).sum::<f64>();
        let mut delta = error.clone();
        for l in (0..3).rev() {
            for to in 0..SIZES[l + 1] {
                gradient[entry(2 * l + 1).offset + to] += delta[to];
                for i in 0..SIZES[l] {
                    gradient[entry(2 * l).offset + to * SIZES[l] + i] += delta[to] * values[l][i];
                }
            }
            if l == 0 {
                break;
            }
            let sent = |i: usize| -> f64 {
                match way {
                    Way::Through(b) => (0..SIZES[l + 1]).map(|to| at(b, l, to, i) * delta[to]).sum(),
                    Way::Weights => (0..SIZES[l + 1]).map(|to| at(parameters, l, to, i) * delta[to]).sum(),
                    Way::Direct(direct) => {
                        (0..SIZES[3]).map(|k| error[k] * direct.matrices()[l - 1].as_slice()[k * SIZES[l] + i]).sum()
                    }
                }
            };
            delta = (0..SIZES[l]).map(|i| sent(i) * (1.0 - values[l][i] * values[l][i])).collect();
        }
    }
    (loss, gradient)
}

fn ways(parameters: &Parameters<f32>) -> [Way; 3] {
    let (streams, uniform) = (Streams::new(9), Initializer::XavierUniform);
    let through = feedback_weights(parameters, uniform, &streams).unwrap().convert();
    let direct = DirectFeedback::new(SIZES[3], &SIZES[1..3], uniform, &streams).unwrap();
    [Way::Through(through), Way::Direct(direct), Way::Weights]
}

#[test]
fn it_is_the_equations() {
    let (areas, parameters) = chain(3);
    let (x, t) = (numbers(SAMPLES * SIZES[0], 0.3), numbers(SAMPLES * SIZES[3], 1.1));
    let of = parameters.convert();
    let all = ways(&parameters).map(|way| {
        let ((loss, gradient), (value, expected)) = (learned(&areas, &of, &way, &x, &t), naive(&of, &way, &x, &t));
        approx::assert_relative_eq!(loss, value, max_relative = 1e-12);
        approx::assert_relative_eq!(gradient[..], expected[..], epsilon = 1e-13, max_relative = 1e-11);
        gradient
    });
    // The output area learns alike in all, the areas below do not.
    let output = of.entries()[4].offset;
    assert!(all[0][output..] == all[2][output..] && all[1][output..] == all[2][output..]);
    assert!(all[0][..output] != all[2][..output] && all[1][..output] != all[2][..output]);
}

/// Linear areas: a task of Lillicrap et al., smaller.
const LINEAR: [usize; 4] = [10, 20, 20, 4];

/// The angle, in degrees, between what the way and back-propagation do to the weights below the output.
fn angle(areas: &[Sequential<f64>], parameters: &Parameters<f64>, way: &Way, x: &[f64], t: &[f64]) -> f64 {
    let below = parameters.entries()[2].range().end;
    let [a, b] = [way, &Way::Weights].map(|way| learned(areas, parameters, way, x, t).1[..below].to_vec());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    (dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()).acos().to_degrees()
}

/// Forward weights turn towards the fixed ones, so that what comes back points downhill: Lillicrap et al., fig. 2.
#[test]
fn learning_aligns() {
    const SAMPLES: usize = 60;
    for seed in [3, 4, 5] {
        let builder = Builder::new(Streams::new(seed));
        let area = |i: usize| {
            let at = builder.child(&format!("area-{i}")).unwrap();
            let layer = Linear::without_bias(&at, LINEAR[i], LINEAR[i + 1], Initializer::XavierUniform).unwrap();
            Sequential::new(vec![Box::new(layer) as Box<dyn Layer<f64>>])
        };
        let areas: Vec<_> = (0..3).map(area).collect();
        let mut small = builder.finish();
        small.values_mut().iter_mut().for_each(|w| *w *= 0.2);
        let mut rng = Streams::new(seed).rng("task", 0, 0);
        let mut uniform = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f64>>();
        let (x, task) = (uniform(SAMPLES * LINEAR[0]), uniform(LINEAR[3] * LINEAR[0]));
        let row = |x: &[f64], of: &[f64]| 0.5 * x.iter().zip(of).map(|(x, of)| x * of).sum::<f64>();
        let t: Vec<f64> = x.chunks(LINEAR[0]).flat_map(|x| task.chunks(LINEAR[0]).map(move |of| row(x, of))).collect();

        let (streams, uniform) = (Streams::new(9), Initializer::XavierUniform);
        let through = feedback_weights(&small, uniform, &streams).unwrap().convert();
        let direct = DirectFeedback::new(LINEAR[3], &LINEAR[1..3], uniform, &streams).unwrap();
        for (name, way) in [("through", Way::Through(through)), ("direct", Way::Direct(direct))] {
            let mut parameters: Parameters<f64> = small.convert();
            let before = learned(&areas, &parameters, &way, &x, &t).0;
            let mut angles = Vec::new();
            for _ in 0..250 {
                angles.push(angle(&areas, &parameters, &way, &x, &t));
                let gradient = learned(&areas, &parameters, &way, &x, &t).1;
                let rate = 0.2 / SAMPLES as f64;
                parameters.values_mut().iter_mut().zip(gradient).for_each(|(w, g)| *w -= rate * g);
            }
            let after = learned(&areas, &parameters, &way, &x, &t).0;
            assert!(after < 0.05 * before, "{name}, seed {seed}: {before} to {after}");
            let mean = |angles: &[f64]| angles.iter().sum::<f64>() / angles.len() as f64;
            let (first, last) = (mean(&angles[..5]), mean(&angles[200..]));
            assert!(first > 65.0 && last < 65.0, "{name}, seed {seed}: {first} to {last} degrees");
        }
    }
}

#[test]
fn weights_of_the_way_back_are_drawn_once_and_for_weights_only() {
    let (_, parameters) = chain(3);
    let drawn = |seed| feedback_weights(&parameters, Initializer::XavierUniform, &Streams::new(seed)).unwrap();
    assert_eq!(drawn(1).values(), drawn(1).values());
    assert_ne!(drawn(1).values(), drawn(2).values());
    assert_ne!(drawn(1).values(), parameters.values());
    for entry in parameters.entries() {
        let (feedback, weight) = (drawn(1), entry.role == Role::Weight);
        assert_eq!(feedback.values()[entry.range()].iter().all(|&x| x != 0.0), weight, "{}", entry.path);
    }
    let wrong = Initializer::Constant { value: f64::NAN };
    assert!(
        feedback_weights(&parameters, wrong, &Streams::new(1)).unwrap_err().to_string().starts_with("area-0/weight")
    );
    assert!(DirectFeedback::<f32>::new(2, &[3], wrong, &Streams::new(1)).is_err());
}

#[test]
fn what_cannot_be_is_refused() {
    let (areas, parameters) = chain(3);
    let parameters: Parameters<f64> = parameters.convert();
    let tape = Tape::new();
    let mut ctx = Context::new(&tape, &parameters, Mode::Train);
    let x = tape.constant(Tensor::zeros(&[2, 3]).unwrap());
    let new =
        |lengths: &[usize]| DirectFeedback::new(2, lengths, Initializer::XavierUniform, &Streams::new(1)).unwrap();
    let mut said = |direct: &DirectFeedback<f64>| {
        direct.loss(&areas[..], x, |y| y.sum().at("sum"), &mut ctx).map(drop).unwrap_err().to_string()
    };
    assert!(said(&new(&[6])).contains("1 matrices for 2 areas"));
    assert!(said(&new(&[6, 4])).starts_with("direct feedback: "));

    let builder = Builder::new(Streams::new(1));
    let config: Conv2dConfig = serde_json::from_str(r#"{"channels": 2, "kernel": 2, "groups": 2}"#).unwrap();
    let conv = Conv2d::grouped(&builder.child("it").unwrap(), 2, &config).unwrap();
    let parameters = builder.finish();
    let (tape, other) = (Tape::<f32>::new(), Tape::<f32>::new());
    let mut ctx = Context::new(&other, &parameters, Mode::Train);
    ctx.set_feedback(feedback_weights(&parameters, Initializer::HE_NORMAL, &Streams::new(1)).unwrap());
    // Another tape keeps the way back.
    let mut ctx = ctx.on(&tape).unwrap();
    let image = tape.constant(Tensor::zeros(&[1, 2, 4, 4]).unwrap());
    let said = conv.forward(image, &mut ctx).map(drop).unwrap_err().to_string();
    assert!(said.starts_with("it: feedback alignment takes convolutions of one group"), "{said}");
}
