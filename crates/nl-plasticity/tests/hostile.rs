//! Hostile parameters, activity and states: an error or weights within bounds, never a panic.

use nl_plasticity::{
    Activity, AnyRule, ClopathHomeostasis, DiehlCookForm, EpropAdaptation, Modulators, Ms, PlasticityRule, RuleKind,
    WeightDependence, Weights,
};
use nl_plasticity::{Bcm, BcmParameters, Hebb, HebbParameters, Oja, OjaParameters, RateRule, Real, Sanger};
use nl_synapse::Dense;
use proptest::prelude::*;

/// Every number of a rule's parameters; the last two are always (w_min, w_max).
fn numbers(kind: &mut RuleKind) -> Vec<&mut f64> {
    match kind {
        RuleKind::PairStdp(p) => {
            let mut all = vec![&mut p.a_plus, &mut p.a_minus, &mut p.tau_plus.0, &mut p.tau_minus.0];
            match &mut p.dependence {
                WeightDependence::Guetig { mu_plus: a, mu_minus: b } | WeightDependence::PowerLaw { mu: a, w_0: b } => {
                    all.extend([a, b]);
                }
                _ => {}
            }
            all.extend([&mut p.w_min, &mut p.w_max]);
            all
        }
        RuleKind::TripletStdp(p) => vec![
            &mut p.a2_plus,
            &mut p.a3_plus,
            &mut p.a2_minus,
            &mut p.a3_minus,
            &mut p.tau_plus.0,
            &mut p.tau_x.0,
            &mut p.tau_minus.0,
            &mut p.tau_y.0,
            &mut p.w_min,
            &mut p.w_max,
        ],
        RuleKind::ClopathStdp(p) => {
            let mut all = vec![
                &mut p.a_ltd,
                &mut p.a_ltp,
                &mut p.theta_minus.0,
                &mut p.theta_plus.0,
                &mut p.tau_x.0,
                &mut p.tau_minus.0,
                &mut p.tau_plus.0,
                &mut p.u_initial.0,
            ];
            if let Some(ClopathHomeostasis { u_ref_squared, tau, u_rest }) = &mut p.homeostasis {
                all.extend([u_ref_squared, &mut tau.0, &mut u_rest.0]);
            }
            all.extend([&mut p.w_min, &mut p.w_max]);
            all
        }
        RuleKind::VogelsStdp(p) => vec![&mut p.eta, &mut p.rho_0.0, &mut p.tau.0, &mut p.w_min, &mut p.w_max],
        RuleKind::DiehlCookStdp(p) => {
            let mut all = vec![&mut p.eta_pre, &mut p.eta_post, &mut p.tau_pre.0, &mut p.tau_post.0];
            match &mut p.form {
                DiehlCookForm::PostOnly { x_tar, mu } => all.extend([x_tar, mu]),
                DiehlCookForm::Published { tau_post2 } => all.push(&mut tau_post2.0),
                DiehlCookForm::PrePost => {}
            }
            all.extend([&mut p.w_min, &mut p.w_max]);
            all
        }
        RuleKind::DopamineStdp(p) => vec![
            &mut p.a_plus,
            &mut p.a_minus,
            &mut p.tau_plus.0,
            &mut p.tau_minus.0,
            &mut p.tau_c.0,
            &mut p.tau_d.0,
            &mut p.baseline,
            &mut p.w_min,
            &mut p.w_max,
        ],
        RuleKind::Mstdp(p) | RuleKind::Mstdpet(p) => vec![
            &mut p.gamma,
            &mut p.a_plus,
            &mut p.a_minus,
            &mut p.tau_plus.0,
            &mut p.tau_minus.0,
            &mut p.tau_z.0,
            &mut p.w_min,
            &mut p.w_max,
        ],
        RuleKind::Eprop(p) => {
            let mut all = vec![&mut p.eta, &mut p.tau_m.0];
            if let Some(EpropAdaptation { beta, tau_a }) = &mut p.adaptation {
                all.extend([beta, &mut tau_a.0]);
            }
            all.extend(p.tau_out.as_mut().map(|tau| &mut tau.0));
            all.extend([&mut p.w_min, &mut p.w_max]);
            all
        }
    }
}

/// Every rule of the table, and those variants that have more parameters.
fn kinds() -> Vec<RuleKind> {
    let mut kinds = RuleKind::all();
    for kind in RuleKind::all() {
        let mut more = kind;
        match &mut more {
            RuleKind::PairStdp(p) => {
                p.dependence = WeightDependence::PowerLaw { mu: 0.4, w_0: 1.0 };
                kinds.push(RuleKind::PairStdp(*p));
                p.dependence = WeightDependence::Guetig { mu_plus: 0.4, mu_minus: 0.7 };
            }
            RuleKind::ClopathStdp(p) => p.homeostasis = Some(ClopathHomeostasis::default()),
            RuleKind::DiehlCookStdp(p) => {
                p.form = DiehlCookForm::PostOnly { x_tar: 0.4, mu: 0.2 };
                kinds.push(RuleKind::DiehlCookStdp(*p));
                p.form = DiehlCookForm::Published { tau_post2: Ms(40.0) };
            }
            RuleKind::Eprop(p) => p.adaptation = Some(EpropAdaptation { beta: 1.8, tau_a: Ms(200.0) }),
            _ => continue,
        }
        kinds.push(more);
    }
    kinds
}

fn hostile() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::sample::select(vec![
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            -1.0,
            1.0,
            1e-3,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            1e300,
            1e39,
            3e38,
            -3e38,
            1e-300,
        ]),
        any::<f64>(),
    ]
}

/// Runs a few steps with spikes, far apart in time and far out in their values; weights must stay within bounds, and a
/// synapse between two silent neurons keeps its weight: no overflow elsewhere, no 0 · ∞ reaches it.
fn run<F: Real>(rule: &AnyRule<F>, (low, high): (f64, f64), values: [f64; 3]) -> Result<(), TestCaseError> {
    let mut weights = Dense::new(3, 3, vec![F::ONE; 9]).unwrap();
    let mut state = rule.state(3, 3, 9).unwrap();
    let [a, b, dopamine] = values;
    let slice = [F::from_f64(a), F::from_f64(b), F::from_f64(a)];
    for (k, now) in [0, 1, 2, 50, 1 << 40, u64::MAX - 1, u64::MAX].into_iter().enumerate() {
        let spikes: [&[u32]; 3] = [&[0, 1], &[1], &[]];
        let activity = Activity::spikes(now, spikes[k % 3], spikes[(k / 2) % 3])
            .with_voltage(&slice)
            .with_learning_signal(&slice, &slice)
            .with_modulators(Modulators { dopamine, ..Modulators::default() });
        if rule.step(&mut state, &activity, &mut weights).is_ok() {
            prop_assert!(rule.settle(&mut state, now, &mut weights).is_ok());
        }
        rule.settle_outgoing(&mut state, now, &[0, 7], &mut weights).ok();
    }
    if low <= 1.0 && high >= 1.0 {
        prop_assert_eq!(weights.weights()[8], F::ONE);
    }
    let (low, high) = (F::from_f64(low).min(F::ONE), F::from_f64(high).max(F::ONE));
    for &w in weights.weights() {
        prop_assert!(w >= low && w <= high, "{w} outside {low} to {high}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_parameter_makes_a_rule_panic_or_leave_its_bounds(
        which in 0..kinds().len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), hostile()), 0..4),
        dt in prop_oneof![3 => Just(0.1), 1 => hostile()],
        values in prop::array::uniform3(hostile()),
    ) {
        let mut kind = kinds()[which];
        for (index, value) in changes {
            let mut all = numbers(&mut kind);
            let at = index.index(all.len());
            *all[at] = value;
        }
        let all: Vec<f64> = numbers(&mut kind).into_iter().map(|x| *x).collect();
        let [low, high] = all[all.len() - 2..] else { unreachable!() };
        let (double, single) = (kind.build::<f64>(Ms(dt)), kind.build::<f32>(Ms(dt)));
        if all.iter().chain([&dt]).any(|x| !x.is_finite()) || low > high || dt <= 0.0 {
            prop_assert!(double.is_err() && single.is_err());
        }
        if let Ok(rule) = double {
            run(&rule, (low, high), values)?;
        }
        if let Ok(rule) = single {
            run(&rule, (low, high), values)?;
        }
    }

    #[test]
    fn rate_rules_neither(numbers in prop::array::uniform6(hostile()), x in hostile(), y in hostile()) {
        let [eta, other, w_min, w_max, tau, dt] = numbers;
        fn updates<R: RateRule<f32>>(rule: Result<R, nl_plasticity::Error>, low: f64, high: f64, x: f64, y: f64)
            -> Result<(), TestCaseError> {
            let Ok(rule) = rule else { return Ok(()) };
            let mut weights = Dense::new(2, 1, vec![0.0, 1.0]).unwrap();
            let mut state = rule.state(2, 1).unwrap();
            for _ in 0..3 {
                rule.step(&mut state, &[x as f32, 1.0], &[y as f32], &mut weights).ok();
            }
            let (low, high) = ((low as f32).min(0.0), (high as f32).max(1.0));
            prop_assert!(weights.weights().iter().all(|&w| w >= low && w <= high));
            Ok(())
        }
        updates(Hebb::new(HebbParameters { eta, decay: other, w_min, w_max, ..HebbParameters::default() }), w_min, w_max, x, y)?;
        updates(Oja::new(OjaParameters { eta, beta: other, w_min, w_max }), w_min, w_max, x, y)?;
        updates(Sanger::new(OjaParameters { eta, beta: other, w_min, w_max }), w_min, w_max, x, y)?;
        let bcm = BcmParameters { eta, tau_theta: Ms(tau), w_min, w_max, ..BcmParameters::default() };
        updates(Bcm::new(bcm, Ms(dt)), w_min, w_max, x, y)?;
    }
}

#[test]
fn the_default_of_every_rule_is_usable_and_survives_a_file() {
    for kind in kinds() {
        let text = serde_json::to_string(&kind).unwrap();
        assert_eq!(serde_json::from_str::<RuleKind>(&text).unwrap(), kind, "{text}");
        assert!(RuleKind::NAMES.contains(&kind.name()), "{text}");
        assert_eq!(serde_json::to_value(kind).unwrap()["kind"], kind.name());
        kind.build::<f32>(Ms(1.0)).unwrap();
    }
    let refused = |text: &str| serde_json::from_str::<RuleKind>(text).unwrap_err().to_string();
    assert!(refused(r#"{"kind": "pair-stdp", "a_pluss": 1}"#).contains("a_pluss"));
    // A name of before is refused, and the message has today's.
    let old = refused(r#"{"kind": "pair_stdp"}"#);
    assert!(old.contains("pair_stdp") && old.contains("`pair-stdp`"), "{old}");
}

/// A connection or a state of another shape, another rule's state, empty populations: errors.
#[test]
fn what_does_not_fit_is_refused_by_every_rule() {
    for kind in kinds() {
        let rule = kind.build::<f64>(Ms(1.0)).unwrap();
        assert!(rule.state(0, 2, 0).is_err() && rule.state(2, 0, 0).is_err());
        let voltages = [0.0; 2];
        let step = |state: &mut _, pre: &[u32], weights: &mut Dense<f64>| {
            let activity =
                Activity::spikes(3, pre, &[]).with_voltage(&voltages).with_learning_signal(&voltages, &voltages);
            rule.step(state, &activity, weights)
        };
        let mut fits = Dense::new(2, 2, vec![0.5; 4]).unwrap();
        for (pre, post) in [(2, 3), (3, 2)] {
            let mut other = Dense::new(pre, post, vec![0.5; 6]).unwrap();
            let mut state = rule.state(2, 2, 4).unwrap();
            assert!(step(&mut state, &[0], &mut other).is_err(), "{}", kind.name());
            assert!(step(&mut rule.state(pre, post, 6).unwrap(), &[0], &mut fits).is_err(), "{}", kind.name());
            assert!(step(&mut state, &[2], &mut fits).is_err(), "{}", kind.name());
            assert!(step(&mut state, &[0], &mut fits).is_ok(), "{}", kind.name());
            assert!(step(&mut state, &[0], &mut fits).is_err(), "{}: the same step again", kind.name());
        }
        for other in RuleKind::all().into_iter().filter(|other| other.name() != kind.name()) {
            let mut state = other.build::<f64>(Ms(1.0)).unwrap().state(2, 2, 4).unwrap();
            assert!(step(&mut state, &[], &mut fits).is_err());
            assert!(rule.settle(&mut state, 9, &mut fits).is_err());
        }
    }
}

/// A step that is none is named as such, whatever else is computed from it.
#[test]
fn a_wrong_time_step_is_named() {
    for kind in kinds() {
        for dt in [f64::NAN, 0.0, -0.1, f64::INFINITY] {
            let text = kind.build::<f64>(Ms(dt)).unwrap_err().to_string();
            assert!(text.contains("dt ="), "{text}");
        }
    }
}
