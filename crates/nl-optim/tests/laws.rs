//! What every optimiser must obey: one table, one set of laws.

use approx::{abs_diff_eq, assert_relative_eq, relative_eq};
use nl_optim::{
    Adam, AdamW, Algorithm, ClipNorm, ClipValue, DecoupledDecay, Error, L1, L2, Mask, Momentum, Nesterov, Optimizer,
    OptimizerConfig, OptimizerState, Plateau, RmsProp, Scale, Schedule, Sgd, Transform, WeightAverage, apply_updates,
    chain,
};
use proptest::prelude::*;

/// Every algorithm with each of its options, and rates that suit the quadratic and Rosenbrock's valley.
fn table() -> Vec<(Algorithm, f64, f64)> {
    let (momentum, nesterov, rms) = (Momentum::default(), Nesterov::default(), RmsProp::default());
    let (adam, adam_w) = (Adam::default(), AdamW { weight_decay: 0.0, ..AdamW::default() });
    vec![
        (Algorithm::Sgd(Sgd {}), 0.2, 1e-3),
        (Algorithm::Momentum(momentum), 0.05, 3e-4),
        (Algorithm::Momentum(Momentum { dampening: 0.9, ..momentum }), 0.2, 1e-3),
        (Algorithm::Nesterov(nesterov), 0.05, 3e-4),
        (Algorithm::RmsProp(rms), 0.02, 1e-2),
        (Algorithm::RmsProp(RmsProp { centered: true, ..rms }), 0.02, 1e-2),
        (Algorithm::RmsProp(RmsProp { momentum: 0.5, ..rms }), 0.02, 1e-2),
        (Algorithm::RmsProp(RmsProp { momentum: 0.5, centered: true, ..rms }), 0.02, 5e-3),
        (Algorithm::Adam(adam), 0.05, 1e-2),
        (Algorithm::Adam(Adam { amsgrad: true, ..adam }), 0.05, 1e-2),
        (Algorithm::AdamW(adam_w), 0.05, 1e-2),
        (Algorithm::AdamW(AdamW { amsgrad: true, ..adam_w }), 0.05, 1e-2),
    ]
}

fn optimizer(algorithm: Algorithm, schedule: Schedule) -> Optimizer {
    Optimizer::new(OptimizerConfig::new(algorithm, schedule), Mask::all()).unwrap()
}

fn minimise<const N: usize>(
    optimizer: &Optimizer,
    start: [f32; N],
    steps: u64,
    gradient: impl Fn([f32; N]) -> [f32; N],
) -> [f32; N] {
    let mut params = start;
    let mut state = optimizer.init(&params).unwrap();
    for step in 0..steps {
        let mut grads = gradient(params);
        optimizer.step(&mut params, &mut grads, &mut state, step).unwrap();
    }
    params
}

#[test]
fn every_algorithm_finds_the_bottom_of_a_quadratic() {
    let curvature = [0.2_f32, 1.0, 3.0, 5.0];
    let bottom = [1.0_f32, -2.0, 0.5, 3.0];
    for (algorithm, rate, _) in table() {
        let optimizer = optimizer(algorithm, Schedule::Exponential { rate, factor: 0.998 });
        let end = minimise(&optimizer, [0.0; 4], 3000, |p| core::array::from_fn(|i| curvature[i] * (p[i] - bottom[i])));
        for (p, bottom) in end.iter().zip(bottom) {
            assert!(abs_diff_eq!(*p, bottom, epsilon = 1e-3), "{algorithm:?} ends at {end:?}");
        }
    }
}

#[test]
fn every_algorithm_walks_down_rosenbrocks_valley() {
    for (algorithm, _, rate) in table() {
        let optimizer = optimizer(algorithm, Schedule::Cosine { rate, steps: 60_000, floor: 0.0 });
        let [x, y] = minimise(&optimizer, [-1.2, 1.0], 60_000, |[x, y]| {
            [-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)]
        });
        let loss = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
        assert!(loss < 1e-4, "{algorithm:?} ends at ({x}, {y}) with {loss}");
    }
}

/// A gradient that wanders, deterministic.
fn wandering(step: u64, i: usize) -> f32 {
    ((step as f32 + 1.0) * 0.37 + i as f32).sin() + 0.1
}

fn everything(algorithm: Algorithm) -> OptimizerConfig {
    let schedule = Schedule::warm_up(5, Schedule::one_cycle(0.05, 60));
    let mut config = OptimizerConfig::new(algorithm, schedule);
    config.plateau = Some(Plateau { patience: 1, ..Plateau::default() });
    (config.l1, config.l2, config.clip_norm, config.clip_value) = (0.01, 0.02, Some(1.5), Some(0.9));
    config
}

fn advance(optimizer: &Optimizer, params: &mut [f32], state: &mut OptimizerState, steps: core::ops::Range<u64>) {
    for step in steps {
        let mut grads: Vec<f32> = (0..params.len()).map(|i| wandering(step, i)).collect();
        optimizer.step(params, &mut grads, state, step).unwrap();
        if step % 10 == 9 {
            optimizer.observe(state, 1.0);
        }
    }
}

#[test]
fn a_resumed_run_has_the_bits_of_an_uninterrupted_one() {
    for (algorithm, ..) in table() {
        let optimizer = Optimizer::new(everything(algorithm), Mask::ranges([0..7, 9..13]).unwrap()).unwrap();
        let start: Vec<f32> = (0..20).map(|i| i as f32 * 0.3 - 3.0).collect();
        let (mut whole, mut whole_state) = (start.clone(), optimizer.init(&start).unwrap());
        advance(&optimizer, &mut whole, &mut whole_state, 0..60);
        for cut in [0, 1, 37] {
            let (mut params, mut state) = (start.clone(), optimizer.init(&start).unwrap());
            advance(&optimizer, &mut params, &mut state, 0..cut);
            let saved = serde_json::to_string(&(&params, &state, optimizer.config())).unwrap();
            let (mut params, mut state, config): (Vec<f32>, OptimizerState, OptimizerConfig) =
                serde_json::from_str(&saved).unwrap();
            let resumed = Optimizer::new(config, Mask::ranges([0..7, 9..13]).unwrap()).unwrap();
            assert_eq!(resumed, optimizer);
            advance(&resumed, &mut params, &mut state, cut..60);
            let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!((bits(&params), &state), (bits(&whole), &whole_state), "{algorithm:?} cut at {cut}");
        }
    }
}

#[test]
fn a_zero_gradient_moves_nothing_that_is_not_penalised() {
    for (algorithm, rate, _) in table() {
        let start = [1.5_f32, -2.0, 0.0];
        let still = minimise(&optimizer(algorithm, Schedule::Constant { rate }), start, 20, |_| [0.0; 3]);
        assert_eq!(still, start, "{algorithm:?}");
    }
    // Decay shrinks what it may, by (1 - rate · λ) a step, and leaves the rest alone.
    let mut config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 0.1 });
    config.weight_decay = 0.5;
    let decayed = Optimizer::new(config, Mask::ranges(std::iter::once(1..2)).unwrap()).unwrap();
    let [a, b] = minimise(&decayed, [2.0, 2.0], 10, |_| [0.0; 2]);
    assert_eq!(a, 2.0);
    // Ten roundings of f32.
    assert_relative_eq!(b, 2.0 * 0.95_f32.powi(10), max_relative = 1e-6);
}

/// Adam with the decay of the optimiser is AdamW, bit for bit.
#[test]
fn adam_with_decoupled_decay_is_adam_w() {
    let schedule = Schedule::Constant { rate: 0.02 };
    let mut adam = OptimizerConfig::new(Algorithm::Adam(Adam::default()), schedule.clone());
    adam.weight_decay = 0.3;
    let adam_w = AdamW { weight_decay: 0.3, ..AdamW::default() };
    let run = |config| {
        let optimizer = Optimizer::new(config, Mask::all()).unwrap();
        let mut params = [1.0_f32, -2.0, 3.0];
        let mut state = optimizer.init(&params).unwrap();
        advance(&optimizer, &mut params, &mut state, 0..50);
        params
    };
    assert_eq!(run(adam), run(OptimizerConfig::new(Algorithm::AdamW(adam_w), schedule)));
}

#[test]
fn a_plateau_lowers_the_rate() {
    let optimizer = Optimizer::new(everything(Algorithm::Sgd(Sgd {})), Mask::all()).unwrap();
    let mut state = optimizer.init(&[0.0]).unwrap();
    let before = optimizer.rate(&state, 12);
    for _ in 0..3 {
        optimizer.observe(&mut state, 1.0);
    }
    assert_relative_eq!(optimizer.rate(&state, 12), 0.1 * before);
}

#[test]
fn what_does_not_fit_is_named_and_moves_nothing() {
    let algorithms: Vec<Algorithm> = table().into_iter().map(|row| row.0).collect();
    for algorithm in &algorithms {
        let optimizer = optimizer(*algorithm, Schedule::Constant { rate: 0.1 });
        let mut params = [1.0_f32; 3];
        let mut state = optimizer.init(&params).unwrap();
        let error = optimizer.step(&mut params, &mut [0.0; 2], &mut state, 0).unwrap_err();
        assert!(error.to_string().contains("2 elements, but there are 3 parameters"), "{error}");
        if !matches!(algorithm, Algorithm::Sgd(_)) {
            let mut short = optimizer.init(&[0.0; 2]).unwrap();
            assert!(matches!(optimizer.step(&mut params, &mut [1.0; 3], &mut short, 1), Err(Error::Length { .. })));
        }
        let other = if matches!(algorithm, Algorithm::Sgd(_)) { algorithms[1] } else { algorithms[0] };
        let mut foreign = self::optimizer(other, Schedule::Constant { rate: 0.1 }).init(&params).unwrap();
        assert!(matches!(optimizer.step(&mut params, &mut [1.0; 3], &mut foreign, 1), Err(Error::State { .. })));
        assert_eq!(params, [1.0; 3]);
    }
    let clipped = Optimizer::new(everything(Algorithm::Sgd(Sgd {})), Mask::ranges([0..1, 2..4]).unwrap()).unwrap();
    assert_eq!(clipped.init(&[0.0; 3]), Err(Error::Mask { start: 2, end: 4, len: 3 }));
    let (mut params, mut state) = ([1.0; 4], clipped.init(&[0.0; 4]).unwrap());
    let nan = clipped.step(&mut params, &mut [f32::NAN, 0.0, 0.0, 0.0], &mut state, 0);
    assert!(matches!(nan, Err(Error::NotFinite { .. })));
    assert_eq!(params, [1.0; 4]);
}

/// An ordinary gradient moves what it moved before, whatever stood in other places.
fn with_element(step: u64, n: usize, at: usize, value: f32) -> Vec<f32> {
    let mut grads: Vec<f32> = (0..n).map(|i| wandering(step, i)).collect();
    grads[at] = value;
    grads
}

/// Clip, penalties and decay in all mixtures: none lets a gradient that is not finite through, or moves on its account.
#[test]
fn a_gradient_that_is_not_finite_is_refused_with_its_place_and_changes_nothing() {
    for (algorithm, ..) in table() {
        for choice in 0..16 {
            let mut config = OptimizerConfig::new(algorithm, Schedule::Constant { rate: 0.1 });
            config.clip_value = (choice & 1 != 0).then_some(2.0);
            config.clip_norm = (choice & 2 != 0).then_some(2.0);
            config.l1 = if choice & 4 != 0 { 0.1 } else { 0.0 };
            config.l2 = if choice & 8 != 0 { 0.1 } else { 0.0 };
            let optimizer = Optimizer::new(config, Mask::all()).unwrap();
            // Longer than any vector, so that the place is looked for in the middle and in the tail.
            let mut params = vec![1.0_f32; 77];
            let mut state = optimizer.init(&params).unwrap();
            advance(&optimizer, &mut params, &mut state, 0..2);
            let before = (params.clone(), state.clone());
            for (at, value) in [(0, f32::NAN), (50, f32::INFINITY), (76, f32::NEG_INFINITY), (3, -f32::NAN)] {
                let mut grads = with_element(2, 77, at, value);
                let bits: Vec<u32> = grads.iter().map(|g| g.to_bits()).collect();
                match optimizer.step(&mut params, &mut grads, &mut state, 2) {
                    Err(Error::NotFinite { at: found, what: "the gradient", value: seen, .. }) => {
                        assert_eq!((found, seen.to_bits()), (at, value.to_bits()));
                    }
                    other => panic!("{algorithm:?}, mixture {choice}: {other:?}"),
                }
                assert!(
                    grads.iter().map(|g| g.to_bits()).eq(bits),
                    "{algorithm:?}, mixture {choice}: gradient changed"
                );
                assert_eq!((&params, &state), (&before.0, &before.1), "{algorithm:?}, mixture {choice}");
            }
        }
    }
}

/// Each transform on its own, as a link of somebody's chain, and what stands behind the steps.
#[test]
fn every_transform_refuses_what_is_not_finite() {
    fn refuses<T: Transform>(name: &str, transform: &T) {
        let mut state = transform.init(&[1.0; 3]).unwrap();
        let mut grads = [1.0, f32::NAN, f32::INFINITY];
        let error = transform.update(&mut grads, &mut state, &[1.0; 3], 0).unwrap_err();
        assert!(matches!(error, Error::NotFinite { at: 1, .. }), "{name}: {error}");
        assert_eq!((grads[0], grads[2]), (1.0, f32::INFINITY), "{name} changed the gradient");
    }
    for (algorithm, ..) in table() {
        refuses("algorithm", &algorithm);
    }
    refuses("adam-w", &AdamW::default());
    refuses("clip by norm", &ClipNorm::new(1.0).unwrap());
    refuses("clip by value", &ClipValue::new(1.0).unwrap());
    refuses("L1", &L1 { strength: 0.1, mask: Mask::all() });
    refuses("L2", &L2 { strength: 0.1, mask: Mask::all() });
    refuses("decay", &DecoupledDecay { strength: 0.1, mask: Mask::all() });
    refuses("scale", &Scale(Schedule::Constant { rate: 0.1 }));
    refuses("chain", &chain(Adam::default(), Scale(Schedule::Constant { rate: 0.1 })));
    let mut params = [1.0, 2.0];
    assert!(matches!(apply_updates(&mut params, &[0.5, f32::NAN]), Err(Error::NotFinite { at: 1, .. })));
    assert_eq!(params, [1.0, 2.0]);
    let mut average = WeightAverage::new(0.9, 2).unwrap();
    average.update(&params).unwrap();
    let before = average.clone();
    assert!(matches!(average.update(&[f32::INFINITY, 0.0]), Err(Error::NotFinite { at: 0, .. })));
    assert_eq!(average, before);
}

/// A penalty can push a finite gradient over the edge: parameters and state still stand.
#[test]
fn a_penalty_that_overflows_is_refused_by_the_algorithm() {
    for (algorithm, ..) in table() {
        let mut config = OptimizerConfig::new(algorithm, Schedule::Constant { rate: 0.1 });
        config.l2 = 1e38;
        let optimizer = Optimizer::new(config, Mask::all()).unwrap();
        let mut params = [1.0, 10.0];
        let mut state = optimizer.init(&params).unwrap();
        let before = state.clone();
        let error = optimizer.step(&mut params, &mut [0.0; 2], &mut state, 0).unwrap_err();
        assert!(matches!(error, Error::NotFinite { at: 1, .. }), "{algorithm:?}: {error}");
        assert_eq!((params, state), ([1.0, 10.0], before));
    }
}

/// After one gradient of any size, ordinary ones move the parameter as the equations say; written out in `f64`, where
/// nothing overflows.
#[test]
fn one_huge_gradient_freezes_nothing() {
    let equations = |algorithm: Algorithm, gradients: &[f64]| -> Vec<f64> {
        let (mut m, mut v, mut most, mut at, mut walk) = (0.0, 0.0, 0.0_f64, 0.0, Vec::new());
        for (t, &g) in (1..).zip(gradients) {
            at -= match algorithm {
                Algorithm::Adam(rule) => {
                    m = rule.beta1 * m + (1.0 - rule.beta1) * g;
                    v = rule.beta2 * v + (1.0 - rule.beta2) * g * g;
                    most = most.max(v);
                    let v = if rule.amsgrad { most } else { v };
                    m / (1.0 - rule.beta1.powi(t)) / ((v / (1.0 - rule.beta2.powi(t))).sqrt() + rule.epsilon)
                }
                Algorithm::RmsProp(rule) => {
                    m = rule.decay * m + (1.0 - rule.decay) * g;
                    v = rule.decay * v + (1.0 - rule.decay) * g * g;
                    let around = if rule.centered { m * m } else { 0.0 };
                    g / ((v - around).max(0.0).sqrt() + rule.epsilon)
                }
                _ => unreachable!(),
            };
            walk.push(at);
        }
        walk
    };
    let (adam, rms) = (Adam::default(), RmsProp::default());
    for algorithm in [
        Algorithm::Adam(adam),
        Algorithm::Adam(Adam { amsgrad: true, ..adam }),
        Algorithm::Adam(Adam { beta2: 0.9, beta1: 0.5, ..adam }),
        Algorithm::RmsProp(rms),
        Algorithm::RmsProp(RmsProp { centered: true, ..rms }),
    ] {
        for size in [1e18_f32, 1.8e19, 1.9e19, 1e20, 1e21, 1e25, 1e30, f32::MAX] {
            for gradients in [[1.0, size, 1.0, 1.0, -0.5], [-size, 1.0, 0.5, 0.0, 1.0]] {
                let optimizer = optimizer(algorithm, Schedule::Constant { rate: 1.0 });
                let mut p = [0.0];
                let mut state = optimizer.init(&p).unwrap();
                let want = equations(algorithm, &gradients.map(f64::from));
                for (step, (g, want)) in (0..).zip(gradients.into_iter().zip(want)) {
                    optimizer.step(&mut p, &mut [g], &mut state, step).unwrap();
                    // The parameter itself is a sum of f32 up to 20.
                    let near = relative_eq!(f64::from(p[0]), want, max_relative = 1e-5, epsilon = 1e-5);
                    assert!(near, "{algorithm:?} {gradients:?} step {step}: {}, not {want}", p[0]);
                }
            }
            // One after the other: neither frozen nor flung away.
            let optimizer = optimizer(algorithm, Schedule::Constant { rate: 1.0 });
            let mut p = [0.0];
            let mut state = optimizer.init(&p).unwrap();
            for step in 0..20 {
                let before = p[0];
                optimizer.step(&mut p, &mut [size], &mut state, step).unwrap();
                let moved = before - p[0];
                // By Cauchy and Schwarz, m / √v ≤ (1 − β₁) / √((1 − β₂)(1 − β₁² / β₂)); RMSprop's first is 1 / √(1 − α).
                let most = match algorithm {
                    Algorithm::Adam(Adam { beta1, beta2, .. }) => {
                        (1.0 - beta1) / ((1.0 - beta2) * (1.0 - beta1 * beta1 / beta2)).sqrt()
                    }
                    _ => 12.0,
                };
                assert!((0.3..1.001 * most).contains(&f64::from(moved)), "{algorithm:?} {size} step {step}: {moved}");
            }
        }
    }
}

/// One huge element sends the whole slice another way; the others must not notice.
#[test]
fn a_huge_element_leaves_the_bits_of_the_others() {
    for (algorithm, ..) in table() {
        let optimizer = optimizer(algorithm, Schedule::Constant { rate: 0.1 });
        let run = |value: f32| {
            let mut params = vec![0.5_f32; 40];
            let mut state = optimizer.init(&params).unwrap();
            for step in 0..4 {
                let value = if step == 1 { value } else { 0.25 };
                optimizer.step(&mut params, &mut with_element(step, 40, 17, value), &mut state, step).unwrap();
                assert!(params.iter().all(|p| p.is_finite()), "{algorithm:?} {value}");
            }
            params.remove(17);
            params
        };
        let ordinary = run(0.25);
        for value in [1e19, -2e20, 3e38] {
            assert_eq!(run(value), ordinary, "{algorithm:?} {value}");
        }
    }
}

#[test]
fn configurations_are_checked() {
    let parse = |algorithm: &str, schedule: &str, rest: &str| {
        let text = format!(r#"{{"algorithm": {{{algorithm}}}, "schedule": {{{schedule}}}{rest}}}"#);
        match serde_json::from_str::<OptimizerConfig>(&text) {
            Ok(config) => config.validate().map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        }
    };
    let constant = r#""kind": "constant", "rate": 0.1"#;
    let sgd = r#""kind": "sgd""#;
    assert_eq!(parse(sgd, constant, ""), Ok(()));
    assert_eq!(parse(r#""kind": "rms-prop", "centered": true"#, constant, r#", "l2": 0.1"#), Ok(()));
    for (algorithm, schedule, rest, expected) in [
        (r#""kind": "sdg""#, constant, "", "unknown variant `sdg`"),
        (r#""kind": "sgd", "beta": 0.9"#, constant, "", "unknown field `beta`"),
        (r#""kind": "adam", "beta3": 0.9"#, constant, "", "unknown field `beta3`"),
        (r#""kind": "adam", "beta2": 1.0"#, constant, "", "adam.beta2 = 1; it must be in [0, 1)"),
        (r#""kind": "adam-w", "epsilon": 0"#, constant, "", "adam-w.epsilon = 0"),
        (r#""kind": "adam-w", "weight_decay": -1"#, constant, "", "adam-w.weight_decay = -1"),
        (r#""kind": "adam-w""#, constant, r#", "weight_decay": 0.1"#, "which has its own"),
        (r#""kind": "momentum", "beta": -0.1"#, constant, "", "momentum.beta = -0.1"),
        (r#""kind": "momentum", "dampening": 1"#, constant, "", "momentum.dampening = 1"),
        (r#""kind": "nesterov", "beta": 2"#, constant, "", "nesterov.beta = 2"),
        (r#""kind": "rms-prop", "decay": 1"#, constant, "", "rms-prop.decay = 1"),
        (sgd, r#""kind": "constant", "rate": -0.1"#, "", "constant.rate = -0.1"),
        (sgd, r#""kind": "constant", "rate": 0.1, "steps": 3"#, "", "unknown field `steps`"),
        (sgd, r#""kind": "step", "rate": 0.1, "every": 0, "factor": 0.5"#, "", "step.every = 0"),
        (sgd, r#""kind": "multi-step", "rate": 0.1, "milestones": [3, 3], "factor": 0.5"#, "", "strictly ascending"),
        (sgd, r#""kind": "exponential", "rate": 0.1, "factor": 1.5"#, "", "exponential.factor = 1.5"),
        (sgd, r#""kind": "cosine", "rate": 0.1, "steps": 0"#, "", "cosine.steps = 0"),
        (sgd, r#""kind": "cosine-restarts", "rate": 0.1, "period": 3, "growth": 0"#, "", "growth = 0"),
        (sgd, r#""kind": "one-cycle", "peak": 0.1, "steps": 0"#, "", "one-cycle.steps = 0"),
        (sgd, r#""kind": "one-cycle", "peak": 0.1, "steps": 9, "warm_up": 1"#, "", "one-cycle.warm_up = 1"),
        (sgd, r#""kind": "warm-up", "steps": 9, "then": {"kind": "constant", "rate": -1}"#, "", "constant.rate = -1"),
        (sgd, r#""kind": "warm-up", "steps": 9, "start": 2, "then": {"kind": "constant", "rate": 1}"#, "", "start = 2"),
        (sgd, constant, r#", "clip_norm": 0"#, "clip.norm = 0"),
        (sgd, constant, r#", "clip_value": -1"#, "clip.value = -1"),
        (sgd, constant, r#", "l1": -1"#, "optimizer.l1 = -1"),
        (sgd, constant, r#", "plateau": {"factor": 1}"#, "plateau.factor = 1"),
        (sgd, constant, r#", "momentum": 0.9"#, "unknown field `momentum`"),
        // Numbers that `f32`, in which the loops run, does not have.
        (sgd, constant, r#", "weight_decay": 1e300"#, "optimizer.weight_decay = 1"),
        (sgd, constant, r#", "l1": 1e300"#, "optimizer.l1 = 1"),
        (sgd, constant, r#", "l2": 1e39"#, "optimizer.l2 = 1"),
        (sgd, constant, r#", "clip_value": 1e300"#, "clip.value = 1"),
        (sgd, constant, r#", "clip_norm": 1e-300"#, "clip.norm = 0.000"),
        (r#""kind": "adam", "epsilon": 1e-300"#, constant, "", "adam.epsilon = 0.000"),
        (r#""kind": "rms-prop", "epsilon": 1e-300"#, constant, "", "rms-prop.epsilon = 0.000"),
        (r#""kind": "adam-w", "weight_decay": 1e300"#, constant, "", "adam-w.weight_decay = 1"),
        (sgd, r#""kind": "constant", "rate": 1e39"#, "", "constant.rate = 1"),
        // Decay that turns the weights around at every step, or lets them grow.
        (sgd, constant, r#", "weight_decay": 10.5"#, "at most 1 / the largest learning rate"),
        (r#""kind": "adam-w", "weight_decay": 11"#, constant, "", "at most 1 / the largest learning rate"),
        // Drops that are rises.
        (sgd, r#""kind": "step", "rate": 0.1, "every": 2, "factor": 1.5"#, "", "step.factor = 1.5"),
        (sgd, r#""kind": "multi-step", "rate": 0.1, "milestones": [3], "factor": 2"#, "", "multi-step.factor = 2"),
        (sgd, r#""kind": "one-cycle", "peak": 1, "steps": 9, "start_divisor": 1e-300"#, "", "one-cycle.start_divisor"),
        (sgd, r#""kind": "one-cycle", "peak": 1, "steps": 9, "end_divisor": 0.5"#, "", "one-cycle.end_divisor = 0.5"),
        (sgd, constant, r#", "plateau": {"threshold": 1}"#, "plateau.threshold = 1"),
    ] {
        let error = parse(algorithm, schedule, rest).unwrap_err();
        assert!(error.contains(expected), "{algorithm} {schedule} {rest}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Renaming the parameters renames the result: nothing depends on where a parameter stands (no clipping by norm
    /// here, whose sum may round differently).
    #[test]
    fn updates_are_permutation_equivariant(
        row in 0..12_usize,
        (start, order) in prop::collection::vec(-3.0_f32..3.0, 1..40)
            .prop_flat_map(|start| { let order = Just((0..start.len()).collect::<Vec<_>>()).prop_shuffle(); (Just(start), order) }),
    ) {
        let mut config = everything(table()[row].0);
        config.clip_norm = None;
        let optimizer = Optimizer::new(config, Mask::all()).unwrap();
        let permuted = |x: &[f32]| order.iter().map(|&i| x[i]).collect::<Vec<_>>();
        let (mut a, mut b) = (start.clone(), permuted(&start));
        let (mut a_state, mut b_state) = (optimizer.init(&a).unwrap(), optimizer.init(&b).unwrap());
        for step in 0..8 {
            let mut a_grads: Vec<f32> = (0..a.len()).map(|i| wandering(step, i)).collect();
            let mut b_grads = permuted(&a_grads);
            optimizer.step(&mut a, &mut a_grads, &mut a_state, step).unwrap();
            optimizer.step(&mut b, &mut b_grads, &mut b_state, step).unwrap();
        }
        prop_assert_eq!(permuted(&a), b);
    }

    /// Every schedule stays finite and not negative at any step, however far.
    #[test]
    fn rates_are_finite(step in any::<u64>(), rate in 0.0..10.0_f64, steps in 1..u64::MAX, share in 0.0..0.999_f64) {
        let factor = 1.0 - share;
        for schedule in [
            Schedule::Constant { rate },
            Schedule::Step { rate, every: steps, factor },
            Schedule::MultiStep { rate, milestones: vec![steps / 2, steps], factor },
            Schedule::Exponential { rate, factor },
            Schedule::Cosine { rate, steps, floor: 0.0 },
            Schedule::CosineRestarts { rate, period: steps % 1000 + 1, growth: steps % 3 + 1, floor: 0.0 },
            Schedule::OneCycle { peak: rate, steps, warm_up: share, start_divisor: 25.0, end_divisor: 1e4 },
            Schedule::warm_up(steps, Schedule::one_cycle(rate, steps % 5 + 1)),
        ] {
            prop_assert_eq!(schedule.validate(), Ok(()));
            for step in [step, step % 100, steps, steps - 1] {
                let got = schedule.rate(step);
                prop_assert!((0.0..=rate * 1.000_001).contains(&got), "{:?} at {step}: {got}", schedule);
            }
        }
    }
}
