//! Weights against Brian2 and NEST: the scripts that made the numbers are beside them in `tests/reference/`.
//!
//! Relative error below 1e-6 in `f64` for every weight sample. Where a scheme differs, the case says so by `cross_check`.

use nl_plasticity::{
    Activity, AmplitudeUnit, AnyRule, ClopathHomeostasis, ClopathStdp, ClopathStdpParameters, ClopathVoltages,
    Coincidence, DopamineStdpParameters, Hz, Interaction, Modulators, Ms, MstdpParameters, Mv, PairStdpParameters,
    Pairing, PlasticityRule, RuleKind, TripletStdpParameters, VogelsStdpParameters, WeightDependence, Weights,
};
use nl_synapse::Dense;
use serde_json::Value;

const TOLERANCE: f64 = 1e-6;

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn trains() -> Value {
    file(include_str!("reference/trains.json"))
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} of {value}"))
}

fn steps(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|k| k.as_u64().unwrap()).collect()
}

/// [[k, w], …]
fn samples(case: &Value) -> Vec<(u64, f64)> {
    let pair = |row: &Value| (row[0].as_u64().unwrap(), row[1].as_f64().unwrap());
    case["weight_samples"].as_array().unwrap().iter().map(pair).collect()
}

fn coincidence(case: &Value) -> Coincidence {
    match case["coincidence"].as_str().unwrap() {
        "neither" | "none in the trains" => Coincidence::Ignore,
        "pre_first" => Coincidence::Potentiate,
        "post_first" => Coincidence::Depress,
        other => panic!("{other}"),
    }
}

/// The case's rule in our terms.
fn kind(case: &Value) -> RuleKind {
    let p = &case["parameters"];
    let ms = |name: &str| Ms(number(p, name));
    let coincidence = coincidence(case);
    let pair = |pairing| {
        // NEST's λ and α are relative to w_max; A₊ and A₋ are weights.
        let a_plus = number(p, "lambda") * number(p, "w_max");
        let dependence = match (number(p, "mu_plus"), number(p, "mu_minus")) {
            (0.0, 0.0) => WeightDependence::Additive,
            (1.0, 1.0) => WeightDependence::Multiplicative,
            (mu_plus, mu_minus) => WeightDependence::Guetig { mu_plus, mu_minus },
        };
        RuleKind::PairStdp(PairStdpParameters {
            a_plus,
            a_minus: number(p, "alpha") * a_plus,
            tau_plus: ms("tau_plus_ms"),
            tau_minus: ms("tau_minus_ms"),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: number(p, "w_max"),
            pairing,
            dependence,
            coincidence,
        })
    };
    let triplet = |interaction| {
        RuleKind::TripletStdp(TripletStdpParameters {
            a2_plus: number(p, "A2_plus"),
            a3_plus: number(p, "A3_plus"),
            a2_minus: number(p, "A2_minus"),
            a3_minus: number(p, "A3_minus"),
            tau_plus: ms("tau_plus_ms"),
            tau_x: ms("tau_x_ms"),
            tau_minus: ms("tau_minus_ms"),
            tau_y: ms("tau_y_ms"),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: number(p, "w_max"),
            interaction,
            coincidence,
        })
    };
    let mstdp = |tau_z| MstdpParameters {
        gamma: number(p, "gamma"),
        a_plus: number(p, "A_plus"),
        a_minus: -number(p, "A_minus"),
        tau_plus: ms("tau_plus_ms"),
        tau_minus: ms("tau_minus_ms"),
        tau_z,
        amplitude_unit: AmplitudeUnit::Weight,
        w_min: -100.0,
        w_max: 100.0,
        coincidence,
    };
    match case["rule"].as_str().unwrap() {
        "stdp_all_to_all" => pair(Pairing::AllToAll),
        "stdp_nearest_symmetric" => pair(Pairing::NearestSymmetric),
        "stdp_nearest_pre_centred" => pair(Pairing::PresynapticCentred),
        "stdp_nearest_restricted" => pair(Pairing::Restricted),
        "stdp_power_law" => RuleKind::PairStdp(PairStdpParameters {
            a_plus: number(p, "lambda"),
            a_minus: number(p, "lambda") * number(p, "alpha"),
            tau_plus: ms("tau_plus_ms"),
            tau_minus: ms("tau_minus_ms"),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 1e6, // the reference has no upper bound
            pairing: Pairing::AllToAll,
            dependence: WeightDependence::PowerLaw { mu: number(p, "mu"), w_0: 1.0 },
            coincidence,
        }),
        "triplet_all_to_all" => triplet(Interaction::AllToAll),
        "triplet_nearest" => triplet(Interaction::Nearest),
        "vogels" => RuleKind::VogelsStdp(VogelsStdpParameters {
            eta: number(p, "eta"),
            rho_0: Hz(number(p, "alpha") / (2.0 * number(p, "tau_ms") * 1e-3)),
            tau: ms("tau_ms"),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: number(p, "w_max"),
            coincidence,
        }),
        "dopamine" => RuleKind::DopamineStdp(DopamineStdpParameters {
            a_plus: number(p, "A_plus"),
            a_minus: number(p, "A_minus"),
            tau_plus: ms("tau_plus_ms"),
            tau_minus: ms("tau_minus_ms"),
            tau_c: ms("tau_c_ms"),
            tau_d: ms("tau_n_ms"),
            baseline: number(p, "b_per_ms"),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: number(p, "w_min"),
            w_max: number(p, "w_max"),
            coincidence,
            ..DopamineStdpParameters::default()
        }),
        "mstdp" => RuleKind::Mstdp(mstdp(Ms(25.0))),
        "mstdpet" => RuleKind::Mstdpet(mstdp(ms("tau_z_ms"))),
        "clopath" => RuleKind::ClopathStdp(clopath(p)),
        other => panic!("{other}"),
    }
}

fn clopath(p: &Value) -> ClopathStdpParameters {
    ClopathStdpParameters {
        a_ltd: number(p, "A_LTD"),
        a_ltp: number(p, "A_LTP"),
        theta_minus: Mv(number(p, "theta_minus_mV")),
        theta_plus: Mv(number(p, "theta_plus_mV")),
        tau_x: Ms(number(p, "tau_x_ms")),
        tau_minus: Ms(number(p, "tau_u_bar_minus_ms")),
        tau_plus: Ms(number(p, "tau_u_bar_plus_ms")),
        u_initial: Mv(-74.0),
        // Only the case with recorded voltages has it; it measures ū̄ from 0 mV, as NEST's code does.
        homeostasis: p["u_ref_squared_mV2"].as_f64().map(|u_ref_squared| ClopathHomeostasis {
            u_ref_squared,
            u_rest: Mv(0.0),
            ..ClopathHomeostasis::default()
        }),
        amplitude_unit: AmplitudeUnit::Weight,
        w_min: number(p, "w_min"),
        w_max: number(p, "w_max"),
    }
}

/// The largest relative error of the weight samples, and of the last weight.
fn error(case: &Value) -> f64 {
    if case["rule"] == "clopath_recorded" {
        return error_of_recorded(case);
    }
    let trains = trains();
    let rule: AnyRule<f64> = kind(case).build(Ms(number(case, "dt_ms"))).unwrap();
    let mut weights = Dense::new(1, 1, vec![number(case, "initial_weight")]).unwrap();
    let mut state = rule.state(1, 1, 1).unwrap();
    let pair = &trains[case["trains"].as_str().unwrap()];
    let (pre, post, dopamine) = (steps(&pair["pre"]), steps(&pair["post"]), steps(&trains["dopamine"]));
    let rule_name = case["rule"].as_str().unwrap();
    let every_step = matches!(rule_name, "mstdpet" | "clopath");
    let mut expected = samples(case).into_iter().peekable();
    let mut worst = 0.0_f64;
    let last = trains["steps"].as_u64().unwrap() - 1;
    for now in 0..=last {
        let spike = |train: &[u64]| if train.binary_search(&now).is_ok() { &[0_u32][..] } else { &[] };
        let release = match rule_name {
            "dopamine" if dopamine.contains(&now) => 1.0 / number(&case["parameters"], "tau_n_ms"),
            "mstdp" | "mstdpet" => trains["reward"][(now / 1000) as usize].as_f64().unwrap(),
            _ => 0.0,
        };
        let k = now as f64;
        let u = [-74.0 + 6.0 * ((k % 400.0) / 400.0) + 60.0 * (1.0 - (k % 1500.0 - 50.0).abs() / 50.0).max(0.0)];
        let mut activity = Activity::spikes(now, spike(&pre), spike(&post))
            .with_modulators(Modulators { dopamine: release, ..Modulators::default() });
        if rule_name == "clopath" {
            activity = activity.with_voltage(&u);
        }
        // Steps without anything are left out.
        if every_step || !activity.pre.is_empty() || !activity.post.is_empty() || release != 0.0 {
            rule.step(&mut state, &activity, &mut weights).unwrap();
        }
        if let Some((_, w)) = expected.next_if(|&(k, _)| k == now) {
            worst = worst.max((weights.weights()[0] - w).abs() / w.abs());
        }
    }
    assert!(expected.next().is_none());
    // NEST knows the weight at the last pre spike only.
    if case["simulator"].as_str().unwrap().starts_with("Brian2") {
        rule.settle(&mut state, last, &mut weights).unwrap();
        let w = number(case, "final_weight");
        worst = worst.max((weights.weights()[0] - w).abs() / w.abs());
    }
    worst
}

/// Clopath's rule on the voltages that NEST recorded and filtered.
fn error_of_recorded(case: &Value) -> f64 {
    let rule = ClopathStdp::<f64>::new(clopath(&case["parameters"]), Ms(number(case, "dt_ms"))).unwrap();
    let mut weights = Dense::new(1, 1, vec![number(case, "initial_weight")]).unwrap();
    let mut state = rule.state(1, 1, 1).unwrap();
    let rows = |name: &str| {
        let row = |row: &Value| (row[0].as_u64().unwrap(), [row[1].as_f64().unwrap(), row[2].as_f64().unwrap()]);
        case[name].as_array().unwrap().iter().map(row).collect::<std::collections::BTreeMap<_, _>>()
    };
    let (ltp, ltd) = (rows("ltp"), rows("ltd"));
    let mut worst = 0.0_f64;
    let mut expected = samples(case).into_iter().peekable();
    for now in 0..=*ltd.keys().last().unwrap() {
        let [u, u_plus] = ltp.get(&now).copied().unwrap_or([-100.0; 2]);
        let [u_minus, u_mean] = ltd.get(&now).copied().unwrap_or([-100.0; 2]);
        let pre = if ltd.contains_key(&now) { &[0_u32][..] } else { &[] };
        let filtered = ClopathVoltages { u_minus: &[u_minus], u_plus: &[u_plus], u_mean: &[u_mean] };
        let u = [u];
        let activity = Activity::spikes(now, pre, &[]).with_voltage(&u);
        rule.step_filtered(&mut state, &activity, filtered, &mut weights).unwrap();
        if let Some((_, w)) = expected.next_if(|&(k, _)| k == now) {
            worst = worst.max((weights.weights()[0] - w).abs() / w.abs());
        }
    }
    assert!(expected.next().is_none());
    worst
}

fn compare(text: &str, at_least: usize) {
    let cases = file(text);
    let cases = cases["cases"].as_array().unwrap();
    assert!(cases.len() >= at_least);
    for case in cases {
        let (name, error) = (case["name"].as_str().unwrap(), error(case));
        // NEST's `stdp_nn_restr_synapse` lets a coincident post spike make a pre spike depress with an older post spike that
        // was already used; ours keeps to Morrison et al.'s figure, as Brian2's cases of the same trains do.
        if case["cross_check"].is_null() {
            assert!(error < TOLERANCE, "{name}: {error:e}");
        } else {
            assert!(error > TOLERANCE, "{name}: {error:e}, but the schemes were said to differ");
        }
    }
}

#[test]
fn pair_triplet_and_vogels_equal_brian2_and_nest() {
    compare(include_str!("reference/pair_rules.json"), 60);
}

#[test]
fn clopath_dopamine_and_mstdp_equal_brian2_and_nest() {
    compare(include_str!("reference/voltage_and_reward.json"), 15);
}
