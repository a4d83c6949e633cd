//! Slow decays in single precision, and huge values: neither freezes what they reach.

use approx::{assert_abs_diff_eq, assert_relative_eq};
use nl_plasticity::{
    Activity, AdaptiveThreshold, AdaptiveThresholdParameters, Bcm, BcmParameters, ClopathHomeostasis,
    ClopathStdpParameters, Decay, EpropAdaptation, EpropParameters, Hebb, HebbParameters, Modulators, Ms, Mv,
    Neuromodulation, NeuromodulationParameters, Oja, OjaParameters, PlasticityRule, RateEstimate, RateRule, RuleKind,
    Sanger, SynapticScaling, SynapticScalingParameters, Trace, Weights,
};
use nl_synapse::Dense;

const SLOW: Ms = Ms(1e6);
const DT: Ms = Ms(0.1);

/// A trace that sums a million spikes with τ = 10⁶ ms, dt = 0.1 ms: as in double precision, to the rounding of its sum.
#[test]
fn a_slow_trace_in_single_precision_follows_its_equation() {
    let decay = Decay::new("test", "tau", SLOW, DT).unwrap();
    let (mut single, mut double) = (Trace::<f32>::new("test", 1).unwrap(), Trace::<f64>::new("test", 1).unwrap());
    for k in 0..1_000_000_u64 {
        single.add(decay, 100 * k, 0, 1.0);
        double.add(decay, 100 * k, 0, 1.0);
    }
    let now = 100_000_000;
    let exact = (1.0 - (-10.0_f64).exp()) / (1.0 - (-1e-5_f64).exp()) * (-1e-5_f64).exp();
    assert_relative_eq!(double.at(decay, now, 0), exact, max_relative = 1e-9);
    // 10⁶ additions, each with the rounding of a sum of 10⁵ (4·10⁻³) to either side.
    assert_relative_eq!(f64::from(single.at(decay, now, 0)), exact, max_relative = 1e-4);
}

#[test]
fn slow_thresholds_and_rates_in_single_precision() {
    let parameters = AdaptiveThresholdParameters { theta_plus: Mv(0.05), tau_theta: Ms(1e7) };
    let mut theta = AdaptiveThreshold::<f32>::new(1, parameters, DT).unwrap();
    let mut rate = RateEstimate::<f32>::new(1, Ms(1e9), DT).unwrap();
    // 2·10⁷ spikes, 2 ms apart: more than an f32 can count.
    let spikes = 20_000_000_u64;
    for k in 0..spikes {
        theta.spikes(20 * k, &[0]).unwrap();
        rate.spikes(20 * k, &[0]).unwrap();
    }
    let sum = |tau: f64| (-2.0 * spikes as f64 / tau).exp_m1() / (-2.0 / tau).exp_m1();
    assert_relative_eq!(f64::from(theta.at(20 * (spikes - 1), 0)), 0.05 * sum(1e7), max_relative = 1e-6);
    assert_relative_eq!(rate.at(20 * (spikes - 1), 0), sum(1e9) * 1e3 / 1e9, max_relative = 1e-9);
}

/// θ' = (y² − θ)/τ for a million steps of a ten-millionth of τ each.
#[test]
fn a_slow_bcm_threshold_moves_in_single_precision() {
    let p = BcmParameters { tau_theta: SLOW, eta: 0.0, ..BcmParameters::default() };
    let rule = Bcm::<f32>::new(p, DT).unwrap();
    let mut state = rule.state(1, 1).unwrap();
    let mut weights = Dense::new(1, 1, vec![1.0_f32]).unwrap();
    for _ in 0..1_000_000 {
        rule.step(&mut state, &[1.0], &[2.0], &mut weights).unwrap();
    }
    assert_relative_eq!(state.theta[0], 4.0 * (1.0 - (-0.1_f64).exp()), max_relative = 1e-9);
}

/// ū₋, ū₊ and ū̄ likewise.
#[test]
fn slow_potentials_of_clopaths_rule_move_in_single_precision() {
    let p = ClopathStdpParameters {
        tau_minus: SLOW,
        tau_plus: SLOW,
        homeostasis: Some(ClopathHomeostasis { tau: SLOW, u_rest: Mv(-70.6), ..ClopathHomeostasis::default() }),
        ..ClopathStdpParameters::default()
    };
    let rule = RuleKind::ClopathStdp(p).build::<f32>(DT).unwrap();
    let mut state = rule.state(1, 1, 1).unwrap();
    let mut weights = Dense::new(1, 1, vec![1.0_f32]).unwrap();
    let steps = 1_000_000;
    for now in 0..steps {
        rule.step(&mut state, &Activity::spikes(now, &[], &[]).with_voltage(&[-50.6]), &mut weights).unwrap();
    }
    let x = 0.1_f64; // steps · dt / τ
    let filtered = -50.6 - 20.0 * (-x).exp();
    let twice = 20.0 * (1.0 - (1.0 + x) * (-x).exp()); // a low-pass of a low-pass
    let value = |name| f64::from(rule.trace(&state, steps - 1, name).unwrap().values[0]);
    // f32 potentials near 70 mV have an ulp of 8·10⁻⁶ mV.
    assert_abs_diff_eq!(value("u_minus"), filtered, epsilon = 1e-5);
    assert_abs_diff_eq!(value("u_plus"), filtered, epsilon = 1e-5);
    assert_abs_diff_eq!(value("u_mean"), twice, epsilon = 1e-4);
}

/// e-prop's filters κ and ρ likewise.
#[test]
fn slow_eligibilities_of_eprop_decay_in_single_precision() {
    let p = EpropParameters {
        eta: 0.0,
        tau_m: Ms(1.0),
        tau_out: Some(SLOW),
        adaptation: Some(EpropAdaptation { beta: 0.0, tau_a: SLOW }),
        ..EpropParameters::default()
    };
    let rule = RuleKind::Eprop(p).build::<f32>(DT).unwrap();
    let mut state = rule.state(1, 1, 1).unwrap();
    let mut weights = Dense::new(1, 1, vec![0.5_f32]).unwrap();
    let steps = 1_000_000;
    let mut read = Vec::new();
    for now in 0..steps {
        let pre: &[u32] = if now == 0 { &[0] } else { &[] };
        let psi = [if now < 100 { 0.5_f32 } else { 0.0 }];
        rule.step(&mut state, &Activity::spikes(now, pre, &[]).with_learning_signal(&psi, &[0.0]), &mut weights)
            .unwrap();
        if now == 100 || now == steps - 1 {
            read.push(["e_bar", "epsilon"].map(|name| f64::from(rule.trace(&state, now, name).unwrap().values[0])));
        }
    }
    let elapsed = (steps - 1 - 100) as f64 * 0.1 / 1e6;
    for (early, late) in read[0].iter().zip(&read[1]) {
        assert!(*early > 1.0);
        assert_relative_eq!(late / early, (-elapsed).exp(), max_relative = 1e-6);
    }
}

/// y² of y = 10³⁰ does not fit an f32: the value is refused, θ and weights stay; the largest that is taken fades away.
#[test]
fn a_huge_activity_freezes_no_threshold() {
    let p = BcmParameters { tau_theta: Ms(10.0), w_max: 1.0, ..BcmParameters::default() };
    let rule = Bcm::<f32>::new(p, Ms(1.0)).unwrap();
    let mut state = rule.state(2, 1).unwrap();
    let mut weights = Dense::new(2, 1, vec![0.5_f32, 0.5]).unwrap();
    rule.step(&mut state, &[1.0, 0.0], &[2.0], &mut weights).unwrap();
    let before = (state.clone(), weights.clone());
    for huge in [1e30_f32, -1e20, f32::MAX, f32::INFINITY, f32::NAN] {
        assert!(rule.step(&mut state, &[1.0, 0.0], &[huge], &mut weights).is_err());
        assert!(rule.step(&mut state, &[huge, 0.0], &[1.0], &mut weights).is_err());
        assert_eq!((&state, &weights), (&before.0, &before.1));
    }
    rule.step(&mut state, &[0.0, 0.0], &[4e9], &mut weights).unwrap();
    assert!(state.theta[0] > 1e18 && weights.weights()[1] == 0.5, "{state:?}"); // x = 0: no change, whatever θ
    for _ in 0..600 {
        rule.step(&mut state, &[0.0, 0.0], &[1.0], &mut weights).unwrap();
    }
    assert_relative_eq!(state.theta[0], 1.0, max_relative = 1e-6);
}

/// With the largest activities and rates that are taken, a weight ends at a bound or stays: never at a bound by 0 · ∞.
#[test]
fn huge_rates_leave_silent_synapses_alone() {
    fn silent<R: RateRule<f32>>(rule: &R) {
        let mut state = rule.state(2, 2).unwrap();
        let mut weights = Dense::new(2, 2, vec![0.5_f32; 4]).unwrap();
        for _ in 0..3 {
            rule.step(&mut state, &[4e9, 0.0], &[4e9, 0.0], &mut weights).unwrap();
        }
        assert_eq!(weights.weights()[3], 0.5, "{}", rule.name());
        assert!(weights.weights().iter().all(|w| w.abs() <= 1.0));
    }
    silent(&Hebb::<f32>::new(HebbParameters { eta: 1e18, ..HebbParameters::default() }).unwrap());
    silent(&Oja::<f32>::new(OjaParameters { eta: 1e18, beta: 1e18, ..OjaParameters::default() }).unwrap());
    silent(&Sanger::<f32>::new(OjaParameters { eta: 1e18, beta: 1e18, ..OjaParameters::default() }).unwrap());
    silent(&Bcm::<f32>::new(BcmParameters { eta: 1e18, w_max: 1.0, ..BcmParameters::default() }, DT).unwrap());
    assert!(Hebb::<f32>::new(HebbParameters { eta: 1e25, ..HebbParameters::default() }).is_err());
}

/// The same for every spike rule, at the greatest learning rate.
#[test]
fn a_huge_learning_rate_leaves_silent_synapses_alone() {
    for kind in RuleKind::all() {
        let rule = kind.build::<f32>(Ms(1.0)).unwrap();
        let mut weights = Dense::new(2, 2, vec![0.5_f32; 4]).unwrap();
        let mut state = rule.state(2, 2, 4).unwrap();
        let shown = |now, pre: &'static [u32], post: &'static [u32], rate: f32| {
            Activity::spikes(now, pre, post)
                .with_rate(rate)
                .with_voltage(&[1e6, -70.6])
                .with_learning_signal(&[4e9, 0.0], &[4e9, 0.0])
                .with_modulators(Modulators { dopamine: 1e9, ..Modulators::default() })
        };
        for now in 0..20 {
            let (pre, post): (&[u32], &[u32]) = if now % 2 == 0 { (&[0], &[]) } else { (&[], &[0]) };
            rule.step(&mut state, &shown(now, pre, post, 4e9), &mut weights).unwrap();
        }
        rule.settle(&mut state, 30, &mut weights).unwrap();
        assert_eq!(weights.weights()[3], 0.5, "{}", kind.name());
        assert!(weights.weights()[0] != 0.5, "{}", kind.name());
        let (before, kept) = (state.clone(), weights.clone());
        for rate in [5e9, f32::INFINITY, f32::NAN] {
            assert!(rule.step(&mut state, &shown(40, &[0], &[], rate), &mut weights).is_err(), "{}", kind.name());
            assert!((&state, &weights) == (&before, &kept), "{}", kind.name());
        }
    }
}

#[test]
fn neither_releases_nor_scaling_overflow() {
    let source = Neuromodulation::new(NeuromodulationParameters::default(), Ms(1.0)).unwrap();
    let mut state = source.state();
    let huge = Modulators { dopamine: 1.5e308, ..Modulators::default() };
    source.release(&mut state, 0, huge).unwrap();
    let before = state;
    assert!(source.release(&mut state, 0, huge).is_err());
    assert_eq!(state, before);

    let scaling = SynapticScaling::<f32>::new(SynapticScalingParameters {
        tau: Ms(1e-3),
        ..SynapticScalingParameters::default()
    })
    .unwrap();
    let mut weights = Dense::new(2, 1, vec![0.0_f32, 0.5]).unwrap();
    assert!(scaling.apply(&[0.0], Ms(1000.0), &mut weights).is_err()); // e^(5·10⁶): 0 · ∞ is no weight
    assert_eq!(weights.weights(), &[0.0, 0.5]);
}
