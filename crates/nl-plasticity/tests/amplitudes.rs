//! Amplitudes beside bounds: their unit, and what a network may ask before it learns.

use nl_plasticity::{
    Activity, AmplitudeUnit, AnyRule, Error, Gate, Gated, Hebb, HebbParameters, Modulators, Ms, PairStdpParameters,
    PlasticityRule, RateRule, RuleKind, Weights,
};
use nl_synapse::Dense;

/// The rule with some of its numbers changed, as a configuration file would.
fn with(kind: RuleKind, changes: &[(&str, serde_json::Value)]) -> RuleKind {
    let mut value = serde_json::to_value(kind).unwrap();
    let parameters = value.as_object_mut().unwrap();
    for (name, change) in changes {
        assert!(parameters.insert((*name).to_owned(), change.clone()).is_some(), "{}: no {name}", kind.name());
    }
    serde_json::from_value(value).unwrap()
}

/// The amplitudes of each rule: what `amplitude_unit` measures.
fn amplitudes(kind: RuleKind) -> &'static [&'static str] {
    match kind {
        RuleKind::PairStdp(_) | RuleKind::DopamineStdp(_) => &["a_plus", "a_minus"],
        RuleKind::TripletStdp(_) => &["a2_plus", "a2_minus", "a3_plus", "a3_minus"],
        RuleKind::ClopathStdp(_) => &["a_ltd", "a_ltp"],
        RuleKind::VogelsStdp(_) | RuleKind::Eprop(_) => &["eta"],
        RuleKind::DiehlCookStdp(_) => &["eta_pre", "eta_post"],
        RuleKind::Mstdp(_) | RuleKind::Mstdpet(_) => &["gamma"],
    }
}

fn learnt(kind: RuleKind) -> Vec<f64> {
    let rule: AnyRule<f64> = kind.build(Ms(1.0)).unwrap();
    let mut weights = Dense::new(2, 1, vec![0.5, 0.75]).unwrap();
    let mut state = rule.state(2, 1, 2).unwrap();
    let events: [(u64, &[u32], &[u32]); 5] =
        [(0, &[0, 1], &[]), (4, &[], &[0]), (6, &[1], &[]), (9, &[], &[0]), (12, &[0], &[])];
    for (now, pre, post) in events {
        let activity = Activity::spikes(now, pre, post)
            .with_voltage(&[-20.0])
            .with_learning_signal(&[0.3], &[0.01])
            .with_modulators(Modulators { dopamine: 1e-3, ..Modulators::default() });
        rule.step(&mut state, &activity, &mut weights).unwrap();
    }
    rule.settle(&mut state, 20, &mut weights).unwrap();
    weights.weights().to_vec()
}

/// With the bounds 4 apart, an amplitude in multiples of their distance is four times as much, for every rule, bit for bit.
#[test]
fn amplitudes_of_the_range_are_shares_of_the_distance_of_the_bounds() {
    for kind in RuleKind::all() {
        let bounds = [("w_min", (-1.0).into()), ("w_max", 3.0.into())];
        let kind = with(kind, &bounds);
        let of_range = with(kind, &[("amplitude_unit", "range".into())]);
        let value = serde_json::to_value(kind).unwrap();
        let larger: Vec<_> =
            amplitudes(kind).iter().map(|&name| (name, (4.0 * value[name].as_f64().unwrap()).into())).collect();
        let larger = with(kind, &larger);
        assert_ne!(learnt(kind), learnt(of_range), "{}", kind.name());
        assert_eq!(learnt(of_range), learnt(larger), "{}", kind.name());
        let step = |kind: RuleKind| kind.build::<f64>(Ms(1.0)).unwrap().step_size();
        assert_eq!(step(of_range), step(larger), "{}", kind.name());
        assert_eq!(step(of_range), step(kind).map(|step| 4.0 * step), "{}", kind.name());
        // Without a distance there is nothing to measure by.
        let flat = [("w_max", (-1.0).into()), ("amplitude_unit", "range".into())];
        assert!(with(kind, &flat).build::<f64>(Ms(1.0)).is_err(), "{}", kind.name());
    }
    let range =
        HebbParameters { eta: 0.1, w_max: 7.0, amplitude_unit: AmplitudeUnit::Range, ..HebbParameters::default() };
    let weight = HebbParameters { eta: 0.8, amplitude_unit: AmplitudeUnit::Weight, ..range };
    let learnt = |p| {
        let mut weights = Dense::new(1, 1, vec![0.5]).unwrap();
        Hebb::<f64>::new(p).unwrap().step(&mut (), &[1.0], &[2.0], &mut weights).unwrap();
        weights.weights()[0]
    };
    assert_eq!(learnt(range), learnt(weight));
}

/// The step size is what one pair does, where one pair does anything at once.
#[test]
fn the_step_size_is_the_change_by_one_event() {
    let pair = RuleKind::PairStdp(PairStdpParameters {
        coincidence: nl_plasticity::Coincidence::Depress,
        ..PairStdpParameters::default()
    });
    let rule = pair.build::<f64>(Ms(1.0)).unwrap();
    let mut weights = Dense::new(1, 1, vec![0.5]).unwrap();
    let mut state = rule.state(1, 1, 1).unwrap();
    rule.step(&mut state, &Activity::spikes(0, &[0], &[0]), &mut weights).unwrap();
    assert_eq!(rule.step_size(), Some(0.0105));
    assert_eq!(weights.weights()[0], 0.5 - 0.0105);
    for kind in RuleKind::all() {
        let known = !matches!(kind, RuleKind::Eprop(_));
        let rule = kind.build::<f32>(Ms(1.0)).unwrap();
        assert_eq!(rule.step_size().is_some(), known, "{}", kind.name());
        // A gate changes when a rule learns, not what it may be asked.
        let (size, bounds) = (rule.step_size(), rule.bounds());
        let gated = Gated::new(rule, Gate::default()).unwrap();
        assert_eq!((gated.step_size(), gated.bounds()), (size, bounds), "{}", kind.name());
    }
}

#[test]
fn every_rule_tells_its_bounds_and_refuses_weights_outside_with_both_numbers() {
    for kind in RuleKind::all() {
        let kind = with(kind, &[("w_min", 0.1.into()), ("w_max", 0.7.into())]);
        let rule = kind.build::<f32>(Ms(1.0)).unwrap();
        // In the weights' own precision: 0.1 and 0.7 as f32 lie beside 0.1 and 0.7.
        assert_eq!(rule.bounds(), Some((0.1, 0.7)));
        rule.check_weights(&[0.1, 0.4, 0.7]).unwrap();
        rule.check_weights(&[]).unwrap();
        for (wrong, at) in [(-3.0, 1), (50.0, 1), (f32::NAN, 1), (0.700_000_1, 1)] {
            let error = rule.check_weights(&[0.4, wrong, 0.4]).unwrap_err();
            assert!(matches!(error, Error::Weight { synapse, .. } if synapse == at), "{error}");
            let text = error.to_string();
            let number = format!("weight {}", f64::from(wrong));
            assert!(text.contains(&number) && text.contains("synapse 1") && text.contains("[0.1"), "{text}");
        }
    }
}

#[test]
fn a_step_that_is_lost_beside_the_bounds_is_refused() {
    let rule = |a_plus, w_min, w_max| {
        let p = PairStdpParameters { a_plus, a_minus: -a_plus, w_min, w_max, ..PairStdpParameters::default() };
        RuleKind::PairStdp(p)
    };
    let single = |kind: RuleKind| kind.build::<f32>(Ms(0.1)).unwrap().check_step();
    let double = |kind: RuleKind| kind.build::<f64>(Ms(0.1)).unwrap().check_step();
    for (kind, fits_f32, fits_f64) in [
        (rule(0.01, 0.0, 1.0), true, true),
        (rule(0.01, 0.0, 40.0), true, true),
        (rule(1.1e-6, 0.0, 1.0), true, true),
        (rule(0.9e-6, 0.0, 1.0), false, false),
        (rule(0.01, 0.0, 1e5), false, false),
        (rule(0.0, 0.0, 1e5), true, true),
        (rule(-0.01, 0.0, 1.0), true, true),
        // 16 ulps of f32 between the bounds: a quarter of one is lost at either.
        (rule(1e-5, 1000.0, 1000.001), false, true),
        (rule(1e-5, -1000.001, -1000.0), false, true),
        (rule(0.5, 2.0, 2.0), true, true),
    ] {
        assert_eq!((single(kind).is_ok(), double(kind).is_ok()), (fits_f32, fits_f64), "{kind:?}");
    }
    let text = single(rule(0.01, 0.0, 1e5)).unwrap_err().to_string();
    assert!(text.contains("0.01") && text.contains("[0, 100000]") && text.contains("amplitude_unit: range"), "{text}");
    for kind in RuleKind::all() {
        single(kind).unwrap();
    }
}
