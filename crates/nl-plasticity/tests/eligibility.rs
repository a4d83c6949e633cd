//! Eligibility rules at their bounds: a weight is held within them at every moment, whoever spikes and whenever it is read.

use approx::assert_abs_diff_eq;
use nl_plasticity::{
    Activity, DopamineInput, DopamineStdp, DopamineStdpParameters, Modulators, Ms, MstdpParameters, Mstdpet,
    PlasticityRule, Real, Weights,
};
use nl_synapse::Dense;

/// What happens in one step: pre spikes, post spikes, dopamine.
type Event = (u64, &'static [u32], &'static [u32], f64);

/// The weights of a 2 × 1 connection after `events` and a last settling; settled in between wherever `settle` says so.
fn weights<F: Real, R: PlasticityRule<F>>(
    rule: &R,
    start: f64,
    events: &[Event],
    last: u64,
    settle: impl Fn(u64) -> bool,
) -> [f64; 2] {
    let mut weights = Dense::new(2, 1, vec![F::from_f64(start); 2]).unwrap();
    let mut state = rule.state(2, 1, 2).unwrap();
    let mut now = 0;
    for &(step, pre, post, dopamine) in events {
        while now < step {
            if settle(now) {
                rule.settle(&mut state, now, &mut weights).unwrap();
            }
            now += 1;
        }
        rule.settle_outgoing(&mut state, step.saturating_sub(1), pre, &mut weights).unwrap();
        let activity =
            Activity::spikes(step, pre, post).with_modulators(Modulators { dopamine, ..Modulators::default() });
        rule.step(&mut state, &activity, &mut weights).unwrap();
    }
    while now < last {
        if settle(now) {
            rule.settle(&mut state, now, &mut weights).unwrap();
        }
        now += 1;
    }
    rule.settle(&mut state, last, &mut weights).unwrap();
    let [a, b] = weights.weights() else { unreachable!() };
    [a.to_f64(), b.to_f64()]
}

const NEVER: fn(u64) -> bool = |_| false;
const ALWAYS: fn(u64) -> bool = |_| true;

/// Pre 0 and the post neuron make w(0) eligible; reward takes it above w_max, punishment back; in between pre 1 spikes, at
/// a time when the common factor of all eligibilities moves.
///
/// The bystander's first spike, at `first`, is where that factor begins: at 0 the old code renewed it at 205, after ten time
/// constants; at 100 the present code does, after five.
fn rewarded_then_punished(first: u64, bystander: bool) -> Vec<Event> {
    let mut events: Vec<Event> = vec![
        (first, &[1], &[], 0.0),
        (195, &[0], &[], 0.0),
        (196, &[], &[0], 0.0),
        (197, &[], &[], 0.4),
        (205, &[1], &[], 0.0),
        (206, &[], &[], -0.4),
    ];
    if !bystander {
        events.remove(4);
    }
    events
}

fn mstdpet(p: MstdpParameters) -> Mstdpet<f64> {
    Mstdpet::new(p, Ms(1.0)).unwrap()
}

fn dopamine(p: DopamineStdpParameters) -> DopamineStdp<f64> {
    DopamineStdp::new(p, Ms(1.0)).unwrap()
}

/// MSTDPET: w meets 1 under reward, and from there loses γ r ∫ z over the step of punishment. The old code gave
/// 0.763353 with the bystander's spike and 1.000000 without it: it noticed the bound only when someone looked.
#[test]
fn the_spike_of_an_unrelated_neuron_changes_no_weight_of_mstdpet() {
    let p = MstdpParameters { tau_z: Ms(20.0), gamma: 1.0, a_plus: 20.0, a_minus: 0.0, ..MstdpParameters::default() };
    let z = |ms: f64| 20.0 / 20.0 * (-1.0_f64 / 20.0).exp() * (-ms / 20.0).exp();
    let per_step = 20.0 * (1.0 - (-1.0_f64 / 20.0).exp());
    assert!(0.9 + 0.4 * z(0.0) * per_step > 1.0); // it does meet the bound
    let expected = 1.0 - 0.4 * z(9.0) * per_step;
    assert_abs_diff_eq!(expected, 0.763_353, epsilon = 1e-6);
    for (first, bystander) in [(0, true), (0, false), (100, true), (100, false)] {
        for settle in [NEVER, ALWAYS, |now| now % 7 == 3] {
            let [w, _] = weights(&mstdpet(p), 0.9, &rewarded_then_punished(first, bystander), 260, settle);
            // Rounding of some hundred touches.
            assert_abs_diff_eq!(w, expected, epsilon = 1e-13);
        }
    }
}

/// Dopamine STDP in both readings of dopamine, against an integration in steps of a thousandth of a millisecond.
#[test]
fn the_spike_of_an_unrelated_neuron_changes_no_weight_of_dopamine_stdp() {
    for (input, tau_d, baseline) in [
        (DopamineInput::Concentration, 20.0, 0.0),
        (DopamineInput::Release, 2.0, 0.0),
        (DopamineInput::Release, 3.0, 0.05), // the concentration falls through the baseline
        (DopamineInput::Concentration, 20.0, 0.02),
    ] {
        let p = DopamineStdpParameters {
            a_plus: 1.0,
            a_minus: 0.0,
            tau_c: Ms(20.0),
            tau_d: Ms(tau_d),
            baseline,
            input,
            w_max: 1.0,
            ..DopamineStdpParameters::default()
        };
        let (mut w, mut c, mut d, mut highest) = (0.9_f64, 0.0, 0.0, 0.0_f64);
        for now in 1..=260_u64 {
            let reward = if now == 197 {
                0.4
            } else if now == 206 {
                -0.4
            } else {
                0.0
            };
            for _ in 0..1000 {
                let level = if input == DopamineInput::Release { d } else { reward };
                w = (w + 1e-3 * c * (level - baseline)).clamp(0.0, 1.0);
                highest = highest.max(w);
                c *= (-1e-3_f64 / 20.0).exp();
                d *= (-1e-3_f64 / tau_d).exp();
            }
            d += reward;
            if now == 196 {
                c += (-1.0_f64 / 20.0).exp();
            }
        }
        assert!(highest == 1.0 && w < 0.95, "{highest} {w}"); // it meets the bound and leaves it
        for (first, bystander) in [(0, true), (0, false), (100, true), (100, false)] {
            let events = rewarded_then_punished(first, bystander);
            let found =
                [NEVER, ALWAYS, |now| now % 7 == 3].map(|settle| weights(&dopamine(p), 0.9, &events, 260, settle)[0]);
            // The reference is a first-order integration in steps of 10⁻³.
            assert_abs_diff_eq!(found[0], w, epsilon = 1e-3);
            // The common integral is rounded before it is multiplied by up to e^5.
            assert_abs_diff_eq!(found[1], found[0], epsilon = 1e-12);
            assert_abs_diff_eq!(found[2], found[0], epsilon = 1e-12);
        }
    }
}

/// Reward that changes its sign in each of thousands of steps: more turns than are kept.
#[test]
fn a_weight_between_its_bounds_forgets_no_turn() {
    let p = MstdpParameters {
        tau_z: Ms(3000.0),
        gamma: 1.0,
        a_plus: 900.0,
        w_min: 0.4,
        w_max: 0.6,
        ..MstdpParameters::default()
    };
    let mut events: Vec<Event> = vec![(0, &[0, 1], &[], 0.0), (1, &[], &[0], 0.0)];
    // A slow beat: the swings are at times wider than the bounds, at times not.
    let reward = |k: u64| (k as f64 * 0.97 * std::f64::consts::PI).cos() * (1.0 + (k as f64 / 90.0).sin());
    events.extend((2..5000).map(|k| (k, &[][..], &[][..], reward(k))));
    let z = |now: u64| 900.0 / 3000.0 * (-1.0_f64 / 20.0).exp() * (-((now - 1) as f64) / 3000.0).exp();
    let per_step = 3000.0 * (1.0 - (-1.0_f64 / 3000.0).exp());
    let (mut expected, mut free) = (0.5_f64, 0.5);
    for k in 2..5000 {
        let change = reward(k) * z(k - 1) * per_step;
        free += change;
        expected = (expected + change).clamp(0.4, 0.6);
    }
    assert!((expected - free.clamp(0.4, 0.6)).abs() > 0.01, "the bounds must matter: {expected} {free}");
    for settle in [NEVER, ALWAYS, |now| now % 1000 == 7] {
        let [w, other] = weights(&mstdpet(p), 0.5, &events, 5000, settle);
        assert_abs_diff_eq!(w, expected, epsilon = 1e-11); // 5,000 additions
        assert_eq!(w, other);
    }
}

/// An f32 weight of 100 does not see 10⁻⁶; a hundred thousand of them it must.
#[test]
fn settling_often_loses_nothing_in_single_precision() {
    let p = MstdpParameters { tau_z: Ms(1e6), gamma: 1.0, a_plus: 1.0, w_max: 200.0, ..MstdpParameters::default() };
    let rule = Mstdpet::<f32>::new(p, Ms(1.0)).unwrap();
    let mut events: Vec<Event> = vec![(0, &[0], &[], 0.0), (1, &[], &[0], 0.0)];
    events.extend((2..100_002).map(|k| (k, &[][..], &[][..], 1.0)));
    let z = (-1.0_f64 / 20.0).exp() * 1e-6;
    let expected = 100.0 + z * 1e6 * (1.0 - (-0.1_f64).exp()); // 100 s of 1,000 s
    for settle in [NEVER, ALWAYS] {
        let [w, untouched] = weights(&rule, 100.0, &events, 100_001, settle);
        assert_abs_diff_eq!(w, expected, epsilon = 2e-5); // an ulp of 100 is 7.6e-6
        assert_eq!(untouched, 100.0);
    }
}

/// One huge reward must not swallow those after it.
#[test]
fn after_a_huge_reward_small_ones_count() {
    let p = MstdpParameters { tau_z: Ms(1e4), gamma: 1.0, a_plus: 1e3, ..MstdpParameters::default() };
    let events: Vec<Event> =
        vec![(0, &[0], &[], 0.0), (1, &[], &[0], 0.0), (2, &[], &[], 1e30), (3, &[], &[], -1.0), (4, &[], &[], -1.0)];
    let z = |now: u64| 0.1 * (-1.0_f64 / 20.0).exp() * (-((now - 1) as f64) / 1e4).exp();
    let per_step = 1e4 * (1.0 - (-1e-4_f64).exp());
    let [w, _] = weights(&mstdpet(p), 0.5, &events, 5, NEVER);
    assert_abs_diff_eq!(w, 1.0 - (z(2) + z(3)) * per_step, epsilon = 1e-12);
}

/// A signal whose integral is no number is refused, and nothing has changed.
#[test]
fn a_signal_beyond_all_numbers_is_refused_with_nothing_changed() {
    fn refused<R: PlasticityRule<f32>>(rule: &R) {
        let mut weights = Dense::new(1, 1, vec![0.5_f32]).unwrap();
        let mut state = rule.state(1, 1, 1).unwrap();
        rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights).unwrap();
        rule.step(&mut state, &Activity::spikes(3, &[], &[0]), &mut weights).unwrap();
        let before = (state.clone(), weights.clone());
        for dopamine in [f64::NAN, f64::INFINITY, f64::MAX, -1e200] {
            let activity =
                Activity::spikes(4, &[], &[]).with_modulators(Modulators { dopamine, ..Modulators::default() });
            assert!(rule.step(&mut state, &activity, &mut weights).is_err(), "{}: {dopamine}", rule.name());
            assert!((&state, &weights) == (&before.0, &before.1), "{}: {dopamine}", rule.name());
        }
        let after =
            Activity::spikes(4, &[], &[]).with_modulators(Modulators { dopamine: 0.1, ..Modulators::default() });
        rule.step(&mut state, &after, &mut weights).unwrap();
    }
    let p = DopamineStdpParameters::default();
    refused(&DopamineStdp::<f32>::new(p, Ms(1.0)).unwrap());
    refused(
        &DopamineStdp::<f32>::new(DopamineStdpParameters { input: DopamineInput::Concentration, ..p }, Ms(1.0))
            .unwrap(),
    );
    refused(&Mstdpet::<f32>::new(MstdpParameters::default(), Ms(1.0)).unwrap());
}

/// A learning rate that changes from step to step: it counts from its step on, whoever reads the weights in between.
#[test]
fn settling_between_two_learning_rates_changes_nothing() {
    let p = DopamineStdpParameters { baseline: 0.3, w_min: -9.0, ..DopamineStdpParameters::default() };
    for input in [DopamineInput::Release, DopamineInput::Concentration] {
        let rule = dopamine(DopamineStdpParameters { input, ..p });
        let run = |settle: &[u64]| {
            let mut weights = Dense::new(1, 1, vec![1.0]).unwrap();
            let mut state = rule.state(1, 1, 1).unwrap();
            for (now, pre, post, dopamine, rate) in [
                (0, &[0][..], &[][..], 0.0, 1.0),
                (5, &[], &[0], 0.0, 0.25),
                (50, &[], &[], 0.5, 2.0),
                (90, &[], &[], 0.0, 0.0),
                (95, &[], &[], 0.7, -1.0),
            ] {
                for &before in settle.iter().filter(|&&before| now > before && before + 40 > now) {
                    rule.settle(&mut state, before, &mut weights).unwrap();
                }
                let modulators = Modulators { dopamine, ..Modulators::default() };
                let activity = Activity::spikes(now, pre, post).with_modulators(modulators).with_rate(rate);
                rule.step(&mut state, &activity, &mut weights).unwrap();
            }
            rule.settle(&mut state, 130, &mut weights).unwrap();
            weights.weights()[0]
        };
        assert_abs_diff_eq!(run(&[]), run(&[1, 20, 49, 60, 61, 92]), epsilon = 1e-12);
        assert!((run(&[]) - 1.0).abs() > 0.1);
    }
}
