//! Spike trains and potentials beside Brian2's and NEST's; `tests/reference/*.py` says how they were made.

use std::collections::BTreeMap;

use nl_neuron::integrate::Method;
use nl_neuron::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    cases: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    name: String,
    model: String,
    simulator: String,
    method: String,
    dt_ms: f64,
    steps: usize,
    parameters: BTreeMap<String, f64>,
    initial: BTreeMap<String, f64>,
    input: Input,
    spike_steps: Vec<usize>,
    v_samples: Vec<(usize, f64)>,
    extra_samples: BTreeMap<String, Vec<(usize, f64)>>,
    #[serde(default)]
    cross_check: bool,
}

#[derive(Deserialize)]
struct Input {
    offset: f64,
    scale: f64,
    w_exc: f64,
    w_inh: f64,
    steps_per_input: usize,
}

#[derive(Deserialize)]
struct Inputs {
    noise_thousandths: Vec<f64>,
    exc: Vec<usize>,
    inh: Vec<usize>,
}

fn cases(file: &str) -> Vec<Reference> {
    serde_json::from_str::<File>(file).expect("a reference file").cases
}

impl Reference {
    fn p(&self, name: &str) -> f64 {
        *self.parameters.get(name).unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    /// Brian2 resumes one step earlier than t_ref after a spike says here.
    fn t_ref(&self) -> Ms {
        let t_ref = self.parameters.get("t_ref_ms").copied().unwrap_or(0.0);
        Ms(if self.simulator.starts_with("Brian2") { (t_ref - self.dt_ms).max(0.0) } else { t_ref })
    }

    fn method(&self) -> Method {
        match self.method.as_str() {
            "euler" => Method::Euler,
            "exponential_euler" => Method::ExponentialEuler,
            "rk2" => Method::Rk2,
            _ => Method::Rk4,
        }
    }

    /// Runs a model on the case: (spikes, largest error of a sample of V, and of the other variables).
    fn run<F: Real, M: NeuronModel<F>>(&self, model: &M) -> (Vec<usize>, f64, f64) {
        let parts = (self.dt_ms / model.dt().0).round() as usize;
        let inputs: Inputs = serde_json::from_str(include_str!("reference/inputs.json")).expect("the inputs");
        let mut state = model.state(1).expect("one neuron");
        for (name, &value) in &self.initial {
            state.variable_mut(name).unwrap_or_else(|| panic!("{}: no {name}", self.name))[0] = F::from_f64(value);
        }
        let (mut spikes, mut train) = (SpikeSet::new(1), Vec::new());
        let (mut worst, mut others) = (0.0_f64, 0.0_f64);
        for step in 0..self.steps {
            let noise = inputs.noise_thousandths[step / self.input.steps_per_input] / 1000.0;
            let current = self.input.offset + self.input.scale * noise;
            let jump = |times: &[usize], weight: f64| {
                let now =
                    step % self.input.steps_per_input == 0 && times.contains(&(step / self.input.steps_per_input));
                if now { weight } else { 0.0 }
            };
            let input: Vec<F> = model
                .receptors()
                .iter()
                .map(|receptor| match receptor.name {
                    "exc" => F::from_f64(jump(&inputs.exc, self.input.w_exc)),
                    "inh" => F::from_f64(jump(&inputs.inh, self.input.w_inh)),
                    _ => F::from_f64(current),
                })
                .collect();
            for _ in 0..parts {
                model.step(&mut state, &input, &mut spikes).expect("it fits");
                train.extend(spikes.indices().iter().map(|_| step));
            }
            let compare = |name: &str, samples: &[(usize, f64)], worst: &mut f64| {
                if let Some((_, expected)) = samples.iter().find(|(k, _)| *k == step) {
                    let got = state.variable(name).unwrap_or_else(|| panic!("{}: no {name}", self.name))[0].to_f64();
                    *worst = worst.max((got - expected).abs() / (1.0 + expected.abs()));
                }
            };
            compare("v", &self.v_samples, &mut worst);
            for (name, samples) in &self.extra_samples {
                compare(name, samples, &mut others);
            }
        }
        (train, worst, others)
    }

    /// The same scheme: the same spikes, and relative errors of the samples below `tolerance`.
    fn assert_same<F: Real, M: NeuronModel<F>>(&self, model: &M, tolerance: f64) {
        let (train, worst, others) = self.run(model);
        let late = lateness(&train, &self.spike_steps);
        assert!(late == Some(0), "{}: spikes {late:?} steps off\n{train:?}\n{:?}", self.name, self.spike_steps);
        assert!(worst <= tolerance && others <= tolerance, "{}: errors {worst:e} in v, {others:e}", self.name);
    }

    /// Spikes at most `steps` steps off.
    fn assert_near<F: Real, M: NeuronModel<F>>(&self, model: &M, steps: usize) {
        let (train, ..) = self.run(model);
        let late = lateness(&train, &self.spike_steps);
        let fits = late.is_some_and(|late| late <= steps);
        assert!(fits, "{}: spikes {late:?} steps off\n{train:?}\n{:?}", self.name, self.spike_steps);
    }
}

/// By how many steps the spikes differ at most; none if their numbers differ.
fn lateness(a: &[usize], b: &[usize]) -> Option<usize> {
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(&a, &b)| a.abs_diff(b)).max().unwrap_or(0))
}

fn izhikevich(case: &Reference) -> IzhikevichParameters {
    IzhikevichParameters {
        a: case.p("a"),
        b: case.p("b"),
        c: Mv(case.p("c")),
        d: case.p("d"),
        v_peak: Mv(case.p("v_peak_mV")),
        scheme: if case.method == "euler" { IzhikevichScheme::Euler } else { IzhikevichScheme::HalfSteps },
        ..IzhikevichParameters::default()
    }
}

#[test]
fn izhikevich_both_schemes_and_all_presets() {
    let cases = cases(include_str!("reference/izhikevich.json"));
    assert_eq!(cases.len(), 28);
    for case in &cases {
        let p = izhikevich(case);
        let preset = IzhikevichPreset::ALL.map(IzhikevichPreset::parameters);
        assert!(preset.iter().any(|q| (q.a, q.b, q.c, q.d) == (p.a, p.b, p.c, p.d)), "{}", case.name);
        case.assert_same(&Izhikevich::<f64>::new(p, Ms(case.dt_ms)).unwrap(), 1e-6);
    }
}

fn qif(case: &Reference) -> Qif<f64> {
    let p = QifParameters {
        tau_m: Ms(case.p("tau_m_ms")),
        c_m: Pf(case.p("tau_m_ms") / case.p("R_GOhm")),
        a_0: case.p("a_0_per_mV"),
        v_rest: Mv(case.p("v_rest_mV")),
        v_c: Mv(case.p("v_c_mV")),
        v_peak: Mv(case.p("v_peak_mV")),
        v_reset: Mv(case.p("v_reset_mV")),
        t_ref: case.t_ref(),
        method: case.method(),
        ..QifParameters::default()
    };
    Qif::new(p, Ms(case.dt_ms)).unwrap()
}

fn eif(case: &Reference) -> Eif<f64> {
    let p = EifParameters {
        c_m: Pf(case.p("C_m_pF")),
        g_l: Ns(case.p("g_L_nS")),
        e_l: Mv(case.p("E_L_mV")),
        v_t: Mv(case.p("v_T_mV")),
        delta_t: Mv(case.p("delta_T_mV")),
        v_peak: Mv(case.p("v_peak_mV")),
        v_reset: Mv(case.p("v_reset_mV")),
        t_ref: case.t_ref(),
        method: case.method(),
        ..EifParameters::default()
    };
    Eif::new(p, Ms(case.dt_ms)).unwrap()
}

/// With steps of dt / `parts`.
fn adex<F: Real>(case: &Reference, parts: usize) -> AdEx<F> {
    let p = AdExParameters {
        c_m: Pf(case.p("C_m_pF")),
        g_l: Ns(case.p("g_L_nS")),
        e_l: Mv(case.p("E_L_mV")),
        v_t: Mv(case.p("v_T_mV")),
        delta_t: Mv(case.p("delta_T_mV")),
        tau_w: Ms(case.p("tau_w_ms")),
        a: Ns(case.p("a_nS")),
        b: Pa(case.p("b_pA")),
        v_peak: Mv(case.p("v_peak_mV")),
        v_reset: Mv(case.p("v_reset_mV")),
        t_ref: case.t_ref(),
        method: case.method(),
        ..AdExParameters::default()
    };
    AdEx::new(p, Ms(case.dt_ms / parts as f64)).unwrap()
}

fn hodgkin_huxley<F: Real>(case: &Reference) -> HodgkinHuxley<F> {
    let p = HodgkinHuxleyParameters {
        c_m: case.p("C_m_uF_per_cm2"),
        g_na: case.p("g_Na_mS_per_cm2"),
        g_k: case.p("g_K_mS_per_cm2"),
        g_l: case.p("g_L_mS_per_cm2"),
        e_na: Mv(case.p("E_Na_mV")),
        e_k: Mv(case.p("E_K_mV")),
        e_l: Mv(case.p("E_L_mV")),
        v_th: Mv(case.p("v_th_mV")),
        t_ref: Ms(0.0),
        method: case.method(),
        ..HodgkinHuxleyParameters::default()
    };
    HodgkinHuxley::new(p, Ms(case.dt_ms)).unwrap()
}

fn morris_lecar(case: &Reference) -> MorrisLecar<f64> {
    let p = MorrisLecarParameters {
        c_m: case.p("C_m_uF_per_cm2"),
        g_ca: case.p("g_Ca_mS_per_cm2"),
        g_k: case.p("g_K_mS_per_cm2"),
        g_l: case.p("g_L_mS_per_cm2"),
        e_ca: Mv(case.p("E_Ca_mV")),
        e_k: Mv(case.p("E_K_mV")),
        e_l: Mv(case.p("E_L_mV")),
        v_1: Mv(case.p("V_1_mV")),
        v_2: Mv(case.p("V_2_mV")),
        v_3: Mv(case.p("V_3_mV")),
        v_4: Mv(case.p("V_4_mV")),
        phi: case.p("phi_per_ms"),
        v_th: Mv(case.p("v_th_mV")),
        method: case.method(),
        ..MorrisLecarParameters::default()
    };
    MorrisLecar::new(p, Ms(case.dt_ms)).unwrap()
}

fn traub_miles<F: Real>(case: &Reference) -> TraubMiles<F> {
    let p = TraubMilesParameters {
        c_m: Pf(case.p("C_m_pF")),
        g_na: Ns(case.p("g_Na_nS")),
        g_k: Ns(case.p("g_K_nS")),
        g_l: Ns(case.p("g_L_nS")),
        e_na: Mv(case.p("E_Na_mV")),
        e_k: Mv(case.p("E_K_mV")),
        e_l: Mv(case.p("E_L_mV")),
        v_t: Mv(case.p("V_T_mV")),
        tau_syn_ex: Ms(case.p("tau_syn_ex_ms")),
        tau_syn_in: Ms(case.p("tau_syn_in_ms")),
        e_ex: Mv(case.p("E_ex_mV")),
        e_in: Mv(case.p("E_in_mV")),
        v_th: Mv(case.p("v_th_mV")),
        t_ref: case.t_ref(),
        i_e: Pa(0.0),
        method: case.method(),
    };
    TraubMiles::new(p, Ms(case.dt_ms)).unwrap()
}

/// COBAHH's neuron, driven by spikes and by noise; in f32, too, the spikes stay within a step.
#[test]
fn traub_miles_in_the_same_scheme() {
    let cases = cases(include_str!("reference/traub_miles.json"));
    assert_eq!(cases.len(), 8);
    for case in &cases {
        case.assert_same(&traub_miles::<f64>(case), 1e-6);
        case.assert_near(&traub_miles::<f32>(case), 1);
    }
}

#[test]
fn differential_models_in_the_same_scheme() {
    let mut seen = BTreeMap::new();
    let cases = cases(include_str!("reference/differential.json"));
    for case in cases.iter().filter(|case| !case.cross_check) {
        match case.model.as_str() {
            "qif" => case.assert_same(&qif(case), 1e-6),
            "eif" => case.assert_same(&eif(case), 1e-6),
            "adex" => case.assert_same(&adex::<f64>(case, 1), 1e-6),
            "hodgkin_huxley" => case.assert_same(&hodgkin_huxley::<f64>(case), 1e-6),
            "morris_lecar" => case.assert_same(&morris_lecar(case), 1e-6),
            _ => continue,
        }
        *seen.entry(case.model.as_str()).or_insert(0) += 1;
    }
    let expected = [("adex", 8), ("eif", 6), ("hodgkin_huxley", 4), ("morris_lecar", 8), ("qif", 6)];
    assert_eq!(seen, BTreeMap::from(expected));
}

/// NEST integrates AdEx with an adaptive step, within which it resets: what dt → 0 tends to.
#[test]
fn adex_tends_to_nests_adaptive_integration() {
    let cases = cases(include_str!("reference/differential.json"));
    let mut seen = 0;
    for case in cases.iter().filter(|case| case.cross_check && case.model == "adex" && case.p("t_ref_ms") == 0.0) {
        case.assert_near(&adex::<f64>(case, 64), 1);
        seen += 1;
    }
    assert_eq!(seen, 8);
}

/// In single precision the spikes stay within a step.
#[test]
fn single_precision_keeps_the_spikes() {
    let mut seen = 0;
    for case in cases(include_str!("reference/differential.json")).iter().filter(|case| !case.cross_check) {
        match case.model.as_str() {
            "adex" => case.assert_near(&adex::<f32>(case, 1), 1),
            "hodgkin_huxley" => case.assert_near(&hodgkin_huxley::<f32>(case), 1),
            _ => continue,
        }
        seen += 1;
    }
    assert_eq!(seen, 12);
}
