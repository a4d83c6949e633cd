//! The linear models and those with conductances against spike trains of Brian2 and NEST: 1 s at dt 0.1 ms.
//!
//! The numbers and the scripts that made them are in `reference/`; `order` there states each simulator's scheme. Two
//! conventions are bridged here: Brian2 holds V one step less after a spike (so t_ref − dt is passed), and NEST's
//! `gif_psc_exp` lets a spike of step k act within step k (so its input spikes are passed one step earlier).

use nl_neuron::{
    Alif, AlifParameters, Coba, CobaParameters, ConductanceScheme, CubaAlpha, CubaAlphaParameters, CubaExp,
    CubaExpParameters, DiehlCook, DiehlCookParameters, Drive, Gif, GifParameters, Hz, IntegrateAndFire,
    IntegrateAndFireParameters, Lif, LifParameters, Mat2, Mat2Parameters, Ms, Mv, NeuronModel, Ns, Pa, Pf,
    PopulationState, Real, Reset, SpikeSet,
};
use serde_json::Value;

const DT: Ms = Ms(0.1);

struct Inputs {
    noise: Vec<f64>,
    exc: Vec<usize>,
    inh: Vec<usize>,
}

fn inputs() -> Inputs {
    let file: Value = serde_json::from_str(include_str!("reference/inputs.json")).unwrap();
    let steps = |name: &str| file[name].as_array().unwrap().iter().map(|k| k.as_u64().unwrap() as usize).collect();
    let noise = file["noise_thousandths"].as_array().unwrap();
    Inputs { noise: noise.iter().map(|k| k.as_f64().unwrap() / 1000.0).collect(), exc: steps("exc"), inh: steps("inh") }
}

/// One case of a reference file.
struct Case<'a>(&'a Value);

impl Case<'_> {
    fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    fn is_brian(&self) -> bool {
        self.0["simulator"].as_str().unwrap().starts_with("Brian2")
    }

    fn parameter(&self, name: &str) -> f64 {
        self.0["parameters"][name].as_f64().unwrap_or_else(|| panic!("{}: no {name}", self.name()))
    }

    fn parameter_or(&self, name: &str, default: f64) -> f64 {
        self.0["parameters"][name].as_f64().unwrap_or(default)
    }

    fn list(&self, name: &str) -> Vec<f64> {
        self.0["parameters"][name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    fn input(&self, name: &str) -> f64 {
        self.0["input"][name].as_f64().unwrap_or(0.0)
    }

    fn t_ref(&self) -> Ms {
        let t_ref = self.parameter_or("t_ref_ms", 0.0);
        Ms(if self.is_brian() { (t_ref - DT.0).max(0.0) } else { t_ref })
    }

    fn spike_steps(&self) -> Vec<usize> {
        self.0["spike_steps"].as_array().unwrap().iter().map(|k| k.as_u64().unwrap() as usize).collect()
    }
}

fn samples(value: &Value) -> Vec<(usize, f64)> {
    let pairs = value.as_array().unwrap();
    pairs.iter().map(|pair| (pair[0].as_u64().unwrap() as usize, pair[1].as_f64().unwrap())).collect()
}

/// What a run differed by.
#[derive(Debug, Default, Clone, Copy)]
struct Difference {
    /// Spikes of the reference.
    spikes: usize,
    /// Of them, how many were not in the same step.
    shifted: usize,
    /// Steps between the two, at most.
    furthest: usize,
    /// Largest |V − reference| over the samples, mV, where both agree on every spike so far.
    v: f64,
    /// The same over the other variables.
    extra: f64,
}

/// Runs the model; panics if the number of spikes differs.
fn compare<F: Real, M: NeuronModel<F>>(model: &M, case: &Case<'_>, inputs: &Inputs) -> Difference {
    let steps = case.0["steps"].as_u64().unwrap() as usize;
    let is_gif = case.0["model"] == "gif";
    let mut jumps = [vec![0.0; steps], vec![0.0; steps]];
    for (jumps, (list, weight)) in jumps.iter_mut().zip([(&inputs.exc, "w_exc"), (&inputs.inh, "w_inh")]) {
        for &k in list {
            jumps[if is_gif { k - 1 } else { k }] = case.input(weight);
        }
    }
    let current = |k: usize| case.input("offset") + case.input("scale") * inputs.noise[k];

    let mut state = model.state(1).unwrap();
    for (name, value) in case.0["initial"].as_object().unwrap() {
        if let Some(variable) = state.variable_mut(name) {
            variable[0] = F::from_f64(value.as_f64().unwrap());
        }
    }
    let reference = case.spike_steps();
    let mut checked: Vec<(&str, Vec<(usize, f64)>)> = vec![("v", samples(&case.0["v_samples"]))];
    for (name, values) in case.0["extra_samples"].as_object().into_iter().flatten() {
        let name = if name == "sfa" { "v_t" } else { name };
        if state.variable(name).is_some() {
            checked.push((name, samples(values)));
        }
    }
    let (mut found, mut result) = (Vec::new(), Difference { spikes: reference.len(), ..Difference::default() });
    let mut spikes = SpikeSet::new(1);
    for k in 0..steps {
        let input: Vec<F> = model
            .receptors()
            .iter()
            .map(|receptor| match receptor.name {
                "exc" => F::from_f64(jumps[0][k]),
                "inh" => F::from_f64(jumps[1][k]),
                "jump" => F::from_f64(jumps[0][k] + jumps[1][k]),
                _ => F::from_f64(current(k)),
            })
            .collect();
        model.step(&mut state, &input, &mut spikes).unwrap();
        if !spikes.is_empty() {
            found.push(k);
        }
        let agreed = reference.iter().take_while(|&&s| s <= k).eq(&found);
        for (name, values) in &checked {
            // NEST's gif_psc_exp sets V to V_reset one step after the spike, and counts the spike only then in E_sfa.
            if is_gif && reference.last().is_some() && reference.contains(&k) {
                continue;
            }
            if let Some(&(_, expected)) = values.iter().find(|&&(step, _)| step == k && agreed) {
                let error = (state.variable(name).unwrap()[0].to_f64() - expected).abs();
                let worst = if *name == "v" { &mut result.v } else { &mut result.extra };
                *worst = worst.max(error);
            }
        }
    }
    assert_eq!(found.len(), reference.len(), "{}: number of spikes", case.name());
    for (&a, &b) in found.iter().zip(&reference) {
        result.shifted += usize::from(a != b);
        result.furthest = result.furthest.max(a.abs_diff(b));
    }
    result
}

/// The model of the case, built from its parameters, compared; `None` if it is not one of ours.
fn check<F: Real>(case: &Case<'_>, inputs: &Inputs) -> Option<Difference> {
    let p = |name| case.parameter(name);
    let tau_m = Ms(case.parameter_or("tau_m_ms", 10.0));
    // R = 1 where the case has no capacitance.
    let c_m = Pf(case.parameter_or("C_m_pF", tau_m.0));
    let mv = |name: &str| Mv(case.parameter_or(&format!("{name}_mV"), case.parameter_or(name, 0.0)));
    let (e_l, v_th, v_reset, t_ref) = (mv("E_L"), mv("v_th"), mv("v_reset"), case.t_ref());
    let syn = |name| Ms(case.parameter_or(name, 2.0));
    let (tau_syn_ex, tau_syn_in) = (syn("tau_syn_ex_ms"), syn("tau_syn_in_ms"));
    let scheme = match case.0["method"].as_str().unwrap() {
        "exponential_euler" => ConductanceScheme::ExponentialEuler,
        _ => ConductanceScheme::Mean,
    };
    let reset = if case.name().contains("subtract") { Reset::Subtract } else { Reset::Hard };
    let lif = LifParameters { tau_m, c_m, e_l, v_th, v_reset, t_ref, reset, ..Default::default() };
    Some(match case.0["model"].as_str().unwrap() {
        "if" => {
            let p = IntegrateAndFireParameters { c_m, v_th, v_reset, t_ref, ..Default::default() };
            compare(&IntegrateAndFire::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "lif" | "lif_subtract" => compare(&Lif::<F>::new(lif, DT).unwrap(), case, inputs),
        "lif_delta" => {
            let p = LifParameters { drive: Drive::Jump, i_e: Pa(case.input("offset")), ..lif };
            compare(&Lif::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "cuba_exp" => {
            let i_e = Pa(0.0);
            let p = CubaExpParameters { tau_m, c_m, e_l, v_th, v_reset, t_ref, tau_syn_ex, tau_syn_in, i_e };
            compare(&CubaExp::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "cuba_alpha" => {
            let i_e = Pa(0.0);
            let p = CubaAlphaParameters { tau_m, c_m, e_l, v_th, v_reset, t_ref, tau_syn_ex, tau_syn_in, i_e };
            compare(&CubaAlpha::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "alif" => {
            let (beta, tau_a, i_e) = (Mv(p("beta")), Ms(p("tau_a_ms")), Pa(0.0));
            let p = AlifParameters { tau_m, c_m, e_l, v_th, v_reset, t_ref, beta, tau_a, i_e, reset };
            compare(&Alif::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "coba_exp" => {
            let (g_l, e_ex, e_in) = (Ns(p("g_L_nS")), mv("E_ex"), mv("E_in"));
            let i_e = Pa(0.0);
            let p =
                CobaParameters { c_m, g_l, e_l, e_ex, e_in, v_th, v_reset, t_ref, tau_syn_ex, tau_syn_in, i_e, scheme };
            compare(&Coba::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "mat2" => {
            let p = Mat2Parameters {
                tau_m,
                c_m,
                e_l,
                omega: mv("omega"),
                alpha_1: mv("alpha_1"),
                alpha_2: mv("alpha_2"),
                tau_1: Ms(p("tau_1_ms")),
                tau_2: Ms(p("tau_2_ms")),
                t_ref,
                tau_syn_ex,
                tau_syn_in,
                i_e: Pa(0.0),
            };
            compare(&Mat2::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "gif" => {
            let p = GifParameters {
                c_m,
                g_l: Ns(p("g_L_nS")),
                e_l,
                v_reset,
                v_t_star: mv("v_T_star"),
                delta_v: mv("delta_V"),
                lambda_0: Hz(p("lambda_0_per_s")),
                t_ref,
                tau_stc: case.list("tau_stc_ms").into_iter().map(Ms).collect(),
                q_stc: case.list("q_stc_pA").into_iter().map(Pa).collect(),
                tau_sfa: case.list("tau_sfa_ms").into_iter().map(Ms).collect(),
                q_sfa: case.list("q_sfa_mV").into_iter().map(Mv).collect(),
                tau_syn_ex,
                tau_syn_in,
                i_e: Pa(0.0),
            };
            compare(&Gif::<F>::new(p, DT).unwrap(), case, inputs)
        }
        "diehl_cook" => {
            let p = DiehlCookParameters {
                tau_m,
                e_l,
                e_ex: mv("E_ex"),
                e_in: mv("E_in"),
                tau_syn_ex,
                tau_syn_in,
                v_th,
                v_reset,
                t_ref,
                theta_plus: mv("theta_plus"),
                tau_theta: Ms(p("tau_theta_ms")),
                theta_0: Mv(case.0["initial"]["theta"].as_f64().unwrap()),
                theta_offset: mv("theta_offset"),
                scheme,
                ..Default::default()
            };
            compare(&DiehlCook::<F>::new(p, DT).unwrap(), case, inputs)
        }
        _ => return None,
    })
}

/// The largest of each difference over all cases of `file` for `models`, and the number of spikes compared.
fn run<F: Real>(file: &str, models: &[&str], chosen: impl Fn(&str) -> bool) -> Difference {
    let file: Value = serde_json::from_str(file).unwrap();
    let inputs = inputs();
    let mut worst = Difference::default();
    for case in file["cases"].as_array().unwrap().iter().map(Case) {
        if models.contains(&case.0["model"].as_str().unwrap()) && chosen(case.name()) {
            let difference = check::<F>(&case, &inputs).unwrap();
            worst = Difference {
                spikes: worst.spikes + difference.spikes,
                shifted: worst.shifted + difference.shifted,
                furthest: worst.furthest.max(difference.furthest),
                v: worst.v.max(difference.v),
                extra: worst.extra.max(difference.extra),
            };
        }
    }
    worst
}

const LINEAR: &str = include_str!("reference/integrate_and_fire.json");
const DIFFERENTIAL: &str = include_str!("reference/differential.json");
const THRESHOLDS: &str = include_str!("reference/thresholds.json");
const EXACT: [&str; 7] = ["if", "lif", "lif_subtract", "lif_delta", "cuba_exp", "cuba_alpha", "alif"];

/// IF, LIF, CUBA and ALIF: every spike in the same step as Brian2's and NEST's, V to rounding.
#[test]
fn linear_models_equal_both_simulators() {
    let d = run::<f64>(LINEAR, &EXACT, |_| true);
    assert!(d.spikes > 1000 && d.shifted == 0 && d.v < 1e-11 && d.extra < 1e-11, "{d:?}");
}

/// In f32 ten of the 29 spikes of one ALIF case and one of another come one step apart, all others in the same step.
#[test]
fn linear_models_in_single_precision() {
    let d = run::<f32>(LINEAR, &EXACT, |name| !name.starts_with("alif_subtract"));
    assert!(d.shifted == 0 && d.v < 1e-3 && d.extra < 1e-3, "{d:?}");
    let d = run::<f32>(LINEAR, &EXACT, |name| name.starts_with("alif_subtract"));
    assert!(d.furthest <= 1 && d.v < 1e-3 && d.extra < 1e-3, "{d:?}");
}

/// MAT2 and GIF (its threshold made sharp: Δ_V = 1e-9 mV): every spike in the same step as NEST's.
#[test]
fn moving_thresholds_equal_nest() {
    let d = run::<f64>(THRESHOLDS, &["mat2", "gif"], |_| true);
    assert!(d.spikes > 100 && d.shifted == 0 && d.v < 1e-11 && d.extra < 1e-11, "{d:?}");
    let d = run::<f32>(THRESHOLDS, &["mat2", "gif"], |_| true);
    assert!(d.furthest <= 1 && d.v < 1e-3 && d.extra < 1e-3, "{d:?}");
}

/// COBA and Diehl-Cook by exponential Euler, as Brian2 does it: every spike in the same step.
#[test]
fn conductances_by_exponential_euler_equal_brian2() {
    let euler = |name: &str| name.contains("exponential_euler");
    let d = run::<f64>(DIFFERENTIAL, &["coba_exp", "diehl_cook"], euler);
    assert!(d.spikes > 300 && d.shifted == 0 && d.v < 1e-10 && d.extra < 1e-10, "{d:?}");
    let d = run::<f32>(DIFFERENTIAL, &["coba_exp", "diehl_cook"], euler);
    assert!(d.furthest <= 1 && d.v < 1e-3 && d.extra < 1e-3, "{d:?}");
}

/// The mean-conductance scheme against NEST's adaptive Runge-Kutta-Fehlberg and Brian2's RK4: every spike in the same
/// step, V within 0.001 mV; but two of the 65 of the case below, one and two steps early, as V grazes the threshold.
///
/// After step 7481 V is −54.999927 mV here and −55.000223 mV with RK4, at dt and at dt/64 alike: an error of 0.0003 mV
/// (order 2: 0.00002 mV at dt/4, where all 65 spikes fall into RK4's steps) on a slope of 0.03 mV a step, at a threshold
/// of −55 mV. The spike comes one step early, and so does the next rise, which ends in a slope of 0.007 mV a step: two.
#[test]
fn conductances_by_their_mean_follow_runge_kutta() {
    const GRAZES: &str = "coba_exp_rk4_spikes_constant_brian2";
    let fine = |name: &str| !name.contains("exponential_euler");
    let d = run::<f64>(DIFFERENTIAL, &["coba_exp", "diehl_cook"], |name| fine(name) && name != GRAZES);
    assert!(d.spikes > 300 && d.shifted == 0 && d.v < 1e-3, "{d:?}");
    let d = run::<f64>(DIFFERENTIAL, &["coba_exp"], |name| name == GRAZES);
    assert!(d.spikes == 65 && d.shifted <= 2 && d.furthest <= 2 && d.v < 1e-3, "{d:?}");
}
