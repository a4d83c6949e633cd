//! What a rule keeps: asked for before it is allocated, read by name.

use nl_plasticity::{
    Activity, AdaptiveThreshold, AdaptiveThresholdParameters, AnyRule, Bcm, BcmParameters, DopamineStdp,
    DopamineStdpParameters, Error, Hz, IntrinsicPlasticity, Modulators, Ms, Oja, OjaParameters, PairStdpParameters,
    Pairing, PlasticityRule, RateEstimate, RateRule, RuleKind, Sanger, Trace, TraceOf,
};
use nl_synapse::Dense;

/// Every rule of the table, and the variants that keep more.
fn kinds() -> Vec<RuleKind> {
    let mut kinds = RuleKind::all();
    for text in [
        r#"{"kind": "pair-stdp", "pairing": "presynaptic-centred"}"#,
        r#"{"kind": "pair-stdp", "pairing": "restricted"}"#,
        r#"{"kind": "clopath-stdp", "homeostasis": {}}"#,
        r#"{"kind": "diehl-cook-stdp", "form": {"kind": "published", "tau_post2": 40.0}}"#,
        r#"{"kind": "eprop", "adaptation": {"beta": 1.7, "tau_a": 200.0}}"#,
    ] {
        kinds.push(serde_json::from_str(text).unwrap());
    }
    kinds
}

/// 2⁶⁴ − 1 neurons or synapses are an error before anything is allocated: an allocation of that size would abort.
#[test]
fn a_state_that_cannot_be_held_is_an_error() {
    for kind in kinds() {
        let (single, double) = (kind.build::<f32>(Ms(1.0)).unwrap(), kind.build::<f64>(Ms(1.0)).unwrap());
        for (pre, post, synapses) in
            [(usize::MAX, 1, 1), (1, usize::MAX, 1), (1, 1, usize::MAX), (1, 1, usize::MAX / 4), (1 << 40, 1, 1)]
        {
            let errors = [single.state(pre, post, synapses).err(), double.state(pre, post, synapses).err()];
            for error in errors {
                let error = error.unwrap_or_else(|| panic!("{}: {pre} {post} {synapses}", kind.name()));
                let expected = if synapses > 1 { "no memory" } else { "a population of" };
                assert!(error.to_string().contains(expected), "{error}");
            }
        }
    }
    // Where a value is kept for each synapse, more of them than any memory has.
    for name in ["dopamine-stdp", "mstdpet", "eprop"] {
        let kind: RuleKind = serde_json::from_str(&format!(r#"{{"kind": "{name}"}}"#)).unwrap();
        let error = kind.build::<f32>(Ms(1.0)).unwrap().state(1, 1, 1 << 55).unwrap_err();
        assert!(matches!(error, Error::Neuron(nl_units::Error::Memory { .. })), "{name}: {error}");
    }
    assert!(Trace::<f32>::new("test", usize::MAX).is_err());
    assert!(Trace::<f32>::new("test", 1 << 55).is_err());
    assert!(RateEstimate::<f32>::new(usize::MAX, Ms(1.0), Ms(1.0)).is_err());
    assert!(IntrinsicPlasticity::<f32>::new(usize::MAX, 0.1, Hz(1.0), Ms(1.0)).is_err());
    assert!(AdaptiveThreshold::<f32>::new(usize::MAX, AdaptiveThresholdParameters::default(), Ms(1.0)).is_err());
    let bcm = Bcm::<f32>::new(BcmParameters::default(), Ms(1.0)).unwrap();
    assert!(bcm.state(1, usize::MAX).is_err() && bcm.state(usize::MAX, 1).is_err());
}

/// Each trace has a name of its own and a value for each of those whom it belongs to; reading changes nothing.
#[test]
fn traces_are_read_by_name() {
    for kind in kinds() {
        let rule = kind.build::<f64>(Ms(1.0)).unwrap();
        let mut weights = Dense::new(3, 2, vec![0.5; 6]).unwrap();
        let mut state = rule.state(3, 2, 6).unwrap();
        for (now, pre, post) in [(0, &[1][..], &[][..]), (5, &[], &[0]), (9, &[1, 2], &[])] {
            let activity = Activity::spikes(now, pre, post)
                .with_voltage(&[-60.0, -50.0])
                .with_learning_signal(&[0.3, 0.2], &[0.1, 0.1])
                .with_modulators(Modulators { dopamine: 0.01, ..Modulators::default() });
            rule.step(&mut state, &activity, &mut weights).unwrap();
        }
        let before = state.clone();
        let all = rule.traces(&state, 12);
        assert!(!all.is_empty(), "{}", kind.name());
        for (n, trace) in all.iter().enumerate() {
            assert!(all[n + 1..].iter().all(|other| other.name != trace.name), "{}: {}", kind.name(), trace.name);
            let expected = match trace.of {
                TraceOf::Pre => 3,
                TraceOf::Post => 2,
                TraceOf::Synapse => 6,
                TraceOf::Rule => 1,
            };
            assert_eq!(trace.values.len(), expected, "{}: {}", kind.name(), trace.name);
            assert!(trace.values.iter().any(|&x| x != 0.0), "{}: {} is silent", kind.name(), trace.name);
            assert_eq!(&rule.trace(&state, 12, trace.name).unwrap(), trace);
        }
        assert_eq!(state, before);
        let error = rule.trace(&state, 12, "nonsense").unwrap_err().to_string();
        assert!(error.contains("nonsense") && error.contains(all[0].name) && error.contains(rule.name()), "{error}");
    }
}

#[test]
fn traces_have_the_values_of_their_equations() {
    let p = PairStdpParameters { pairing: Pairing::AllToAll, ..PairStdpParameters::default() };
    let rule = RuleKind::PairStdp(p).build::<f64>(Ms(0.5)).unwrap();
    let mut weights = Dense::new(2, 1, vec![0.5; 2]).unwrap();
    let mut state = rule.state(2, 1, 2).unwrap();
    rule.step(&mut state, &Activity::spikes(3, &[1], &[]), &mut weights).unwrap();
    rule.step(&mut state, &Activity::spikes(7, &[1], &[0]), &mut weights).unwrap();
    let [x0, x1] = rule.trace(&state, 11, "x").unwrap().values[..] else { unreachable!() };
    approx::assert_relative_eq!(x1, (-4.0_f64 / 20.0).exp() + (-2.0_f64 / 20.0).exp(), max_relative = 1e-14);
    assert_eq!(x0, 0.0);
    let y = rule.trace(&state, 11, "y").unwrap().values[0];
    approx::assert_relative_eq!(y, (-2.0_f64 / 20.0).exp(), max_relative = 1e-14);

    // c jumps by A₊ x and decays with τ_c; d is released and decays with τ_d.
    let rule = RuleKind::DopamineStdp(DopamineStdpParameters::default()).build::<f64>(Ms(1.0)).unwrap();
    let mut state = rule.state(1, 1, 1).unwrap();
    let mut weights = Dense::new(1, 1, vec![0.5]).unwrap();
    rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights).unwrap();
    let reward = Modulators { dopamine: 0.25, ..Modulators::default() };
    rule.step(&mut state, &Activity::spikes(10, &[], &[0]).with_modulators(reward), &mut weights).unwrap();
    let c = rule.trace(&state, 110, "c").unwrap().values[0];
    approx::assert_relative_eq!(c, (-0.5_f64).exp() * (-0.1_f64).exp(), max_relative = 1e-14);
    let d = rule.trace(&state, 110, "d").unwrap().values[0];
    approx::assert_relative_eq!(d, 0.25 * (-0.5_f64).exp(), max_relative = 1e-14);

    let bcm = Bcm::<f64>::new(BcmParameters { tau_theta: Ms(10.0), ..BcmParameters::default() }, Ms(1.0)).unwrap();
    let mut state = bcm.state(1, 2).unwrap();
    let mut weights = Dense::new(1, 2, vec![0.5; 2]).unwrap();
    bcm.step(&mut state, &[1.0], &[3.0, 0.0], &mut weights).unwrap();
    let theta = bcm.trace(&state, "theta").unwrap().values;
    approx::assert_relative_eq!(theta[0], 9.0 * (1.0 - (-0.1_f64).exp()), max_relative = 1e-14);
    assert_eq!(theta[1], 0.0);
}

#[test]
fn a_rule_tells_its_name_and_its_time_step() {
    let rules: Vec<AnyRule<f64>> = RuleKind::all().into_iter().map(|kind| kind.build(Ms(0.5)).unwrap()).collect();
    assert!(rules.iter().all(|rule| rule.dt() == Ms(0.5)));
    let names: Vec<_> = rules.iter().map(PlasticityRule::name).collect();
    assert_eq!(names, RuleKind::NAMES);
    assert_eq!(names[..5], ["pair-stdp", "triplet-stdp", "clopath-stdp", "vogels-stdp", "diehl-cook-stdp"]);
}

#[test]
fn rate_rules_tell_their_bounds_and_refuse_empty_populations() {
    let p = OjaParameters { w_min: -2.0, w_max: 3.0, ..OjaParameters::default() };
    let (oja, sanger) = (Oja::<f64>::new(p).unwrap(), Sanger::<f64>::new(p).unwrap());
    assert_eq!((oja.bounds(), sanger.bounds()), (Some((-2.0, 3.0)), Some((-2.0, 3.0))));
    for (pre, post) in [(0, 1), (1, 0)] {
        assert!(oja.state(pre, post).is_err() && sanger.state(pre, post).is_err());
    }
}

/// Dopamine acts for a whole step: 5e99 over 10 ms are beyond the limit of 1e100.
#[test]
fn dopamine_is_limited_by_what_it_does_in_a_step() {
    let step = |dt| {
        let rule = DopamineStdp::<f64>::new(DopamineStdpParameters::default(), Ms(dt)).unwrap();
        let (mut state, mut weights) = (rule.state(1, 1, 1).unwrap(), Dense::new(1, 1, vec![0.5]).unwrap());
        let modulators = Modulators { dopamine: 5e99, ..Modulators::default() };
        rule.step(&mut state, &Activity::spikes(0, &[], &[]).with_modulators(modulators), &mut weights)
    };
    assert!(step(1.0).is_ok(), "{:?}", step(1.0));
    assert!(step(10.0).is_err());
}

/// A release of 0.3, and 0.2 five steps later: d decays with τ_d.
#[test]
fn the_concentration_of_dopamine_is_its_decayed_releases() {
    let p = DopamineStdpParameters { tau_d: Ms(20.0), ..DopamineStdpParameters::default() };
    let rule = DopamineStdp::<f64>::new(p, Ms(1.0)).unwrap();
    let (mut state, mut weights) = (rule.state(1, 1, 1).unwrap(), Dense::new(1, 1, vec![0.5]).unwrap());
    for (now, dopamine, expected) in [
        (0, 0.3, 0.3),
        (5, 0.2, 0.3 * (-0.25_f64).exp() + 0.2),
        (6, 0.0, (0.3 * (-0.25_f64).exp() + 0.2) * (-0.05_f64).exp()),
    ] {
        let modulators = Modulators { dopamine, ..Modulators::default() };
        rule.step(&mut state, &Activity::spikes(now, &[], &[]).with_modulators(modulators), &mut weights).unwrap();
        let got = rule.concentration(&state);
        assert!((got - expected).abs() < 1e-14, "step {now}: {got} {expected}");
    }
}

/// Every modulator is added to its own.
#[test]
fn modulators_add_by_kind() {
    let a = Modulators { dopamine: 1.0, acetylcholine: 2.0, serotonin: 3.0, noradrenaline: 4.0 };
    let b = Modulators { dopamine: 0.5, acetylcholine: 0.25, serotonin: -1.0, noradrenaline: 8.0 };
    let sum = Modulators { dopamine: 1.5, acetylcholine: 2.25, serotonin: 2.0, noradrenaline: 12.0 };
    assert_eq!(a + b, sum);
}
