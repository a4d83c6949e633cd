//! Any number as a parameter is an error or makes a model that never panics.

use nl_neuron::integrate::Method;
use nl_neuron::*;
use proptest::prelude::*;

/// Numbers of every kind: most of them wrong for most parameters.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -100.0..100.0_f64,
        1 => prop::sample::select(vec![
            0.0, -0.0, -1.0, 1.0, 1e-300, -1e-300, 1e-9, 1e9, 1e300, -1e300, f64::MAX, f64::MIN, f64::NAN,
            f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE,
        ]),
        1 => any::<f64>(),
    ]
}

/// The default value, or now and then any number.
fn spoil(default: f64, with: Option<f64>) -> f64 {
    with.unwrap_or(default)
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(Method::ALL.to_vec())
}

/// Runs a model with inputs of every kind; a panic is the failure.
fn exercise<F: Real, M: NeuronModel<F>>(model: Result<M, Error>, inputs: &[f64]) -> Result<(), TestCaseError> {
    let model = match model {
        Ok(model) => model,
        Err(error) => {
            prop_assert!(error.to_string().contains("use "), "{error}");
            return Ok(());
        }
    };
    let n = 3;
    let mut state = model.state(n).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let mut spikes = SpikeSet::new(n);
    for &x in inputs {
        let input = vec![F::from_f64(x); n * model.receptors().len()];
        model.step(&mut state, &input, &mut spikes).map_err(|e| TestCaseError::fail(e.to_string()))?;
    }
    prop_assert!(model.step(&mut state, &[], &mut spikes).is_err());
    prop_assert!(model.state(0).is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn models_refuse_or_run(
        x in prop::collection::vec(prop::option::weighted(0.15, any_number()), 18),
        dt in prop_oneof![3 => Just(0.1), 1 => any_number()],
        method in method(),
        inputs in prop::collection::vec(any_number(), 0..6),
    ) {
        let dt = Ms(dt);
        let q = QifParameters::default();
        let q = QifParameters {
            tau_m: Ms(spoil(q.tau_m.0, x[0])),
            c_m: Pf(spoil(q.c_m.0, x[1])),
            a_0: spoil(q.a_0, x[2]),
            v_rest: Mv(spoil(q.v_rest.0, x[3])),
            v_c: Mv(spoil(q.v_c.0, x[4])),
            v_peak: Mv(spoil(q.v_peak.0, x[5])),
            v_reset: Mv(spoil(q.v_reset.0, x[6])),
            t_ref: Ms(spoil(q.t_ref.0, x[7])).on_grid(dt),
            i_e: Pa(spoil(q.i_e.0, x[8])),
            method,
        };
        exercise(Qif::<f32>::new(q, dt), &inputs)?;
        let e = EifParameters::default();
        let e = EifParameters {
            c_m: Pf(spoil(e.c_m.0, x[0])),
            g_l: Ns(spoil(e.g_l.0, x[1])),
            e_l: Mv(spoil(e.e_l.0, x[2])),
            v_t: Mv(spoil(e.v_t.0, x[3])),
            delta_t: Mv(spoil(e.delta_t.0, x[4])),
            v_peak: Mv(spoil(e.v_peak.0, x[5])),
            v_reset: Mv(spoil(e.v_reset.0, x[6])),
            t_ref: Ms(spoil(e.t_ref.0, x[7])).on_grid(dt),
            i_e: Pa(spoil(e.i_e.0, x[8])),
            method,
        };
        exercise(Eif::<f32>::new(e, dt), &inputs)?;
        let a = AdExParameters::default();
        let a = AdExParameters {
            c_m: e.c_m,
            g_l: e.g_l,
            delta_t: e.delta_t,
            tau_w: Ms(spoil(a.tau_w.0, x[9])),
            a: Ns(spoil(a.a.0, x[10])),
            b: Pa(spoil(a.b.0, x[11])),
            v_t: Mv(spoil(a.v_t.0, x[3])),
            e_l: Mv(spoil(a.e_l.0, x[2])),
            t_ref: e.t_ref,
            method,
            ..a
        };
        exercise(AdEx::<f64>::new(a, dt), &inputs)?;
        let z = IzhikevichParameters::default();
        let z = IzhikevichParameters {
            a: spoil(z.a, x[0]),
            b: spoil(z.b, x[1]),
            c: Mv(spoil(z.c.0, x[2])),
            d: spoil(z.d, x[3]),
            v_peak: Mv(spoil(z.v_peak.0, x[4])),
            t_ref: Ms(spoil(z.t_ref.0, x[5])).on_grid(dt),
            i_e: spoil(z.i_e, x[6]),
            scheme: if x[7].is_some() { IzhikevichScheme::Euler } else { IzhikevichScheme::HalfSteps },
        };
        exercise(Izhikevich::<f32>::new(z, dt), &inputs)?;
        let h = HodgkinHuxleyParameters::default();
        let h = HodgkinHuxleyParameters {
            c_m: spoil(h.c_m, x[0]),
            g_na: spoil(h.g_na, x[1]),
            g_k: spoil(h.g_k, x[2]),
            g_l: spoil(h.g_l, x[3]),
            e_na: Mv(spoil(h.e_na.0, x[4])),
            e_k: Mv(spoil(h.e_k.0, x[5])),
            e_l: Mv(spoil(h.e_l.0, x[6])),
            v_th: Mv(spoil(h.v_th.0, x[7])),
            t_ref: Ms(spoil(h.t_ref.0, x[8])).on_grid(dt),
            i_e: spoil(h.i_e, x[9]),
            method,
        };
        exercise(HodgkinHuxley::<f32>::new(h, dt), &inputs)?;
        let t = TraubMilesParameters::default();
        let t = TraubMilesParameters {
            c_m: Pf(spoil(t.c_m.0, x[0])),
            g_na: Ns(spoil(t.g_na.0, x[1])),
            g_k: Ns(spoil(t.g_k.0, x[2])),
            g_l: Ns(spoil(t.g_l.0, x[3])),
            e_na: Mv(spoil(t.e_na.0, x[4])),
            e_k: Mv(spoil(t.e_k.0, x[5])),
            e_l: Mv(spoil(t.e_l.0, x[6])),
            v_t: Mv(spoil(t.v_t.0, x[7])),
            tau_syn_ex: Ms(spoil(t.tau_syn_ex.0, x[8])),
            tau_syn_in: Ms(spoil(t.tau_syn_in.0, x[9])),
            e_ex: Mv(spoil(t.e_ex.0, x[10])),
            e_in: Mv(spoil(t.e_in.0, x[11])),
            v_th: Mv(spoil(t.v_th.0, x[12])),
            t_ref: Ms(spoil(t.t_ref.0, x[13])).on_grid(dt),
            i_e: Pa(spoil(t.i_e.0, x[14])),
            method,
        };
        exercise(TraubMiles::<f32>::new(t, dt), &inputs)?;
        let m = MorrisLecarParameters::type_1();
        let m = MorrisLecarParameters {
            c_m: spoil(m.c_m, x[0]),
            g_ca: spoil(m.g_ca, x[1]),
            g_k: spoil(m.g_k, x[2]),
            g_l: spoil(m.g_l, x[3]),
            e_ca: Mv(spoil(m.e_ca.0, x[4])),
            e_k: Mv(spoil(m.e_k.0, x[5])),
            e_l: Mv(spoil(m.e_l.0, x[6])),
            v_1: Mv(spoil(m.v_1.0, x[7])),
            v_2: Mv(spoil(m.v_2.0, x[8])),
            v_3: Mv(spoil(m.v_3.0, x[9])),
            v_4: Mv(spoil(m.v_4.0, x[10])),
            phi: spoil(m.phi, x[11]),
            v_th: Mv(spoil(m.v_th.0, x[12])),
            t_ref: Ms(spoil(m.t_ref.0, x[13])).on_grid(dt),
            i_e: spoil(m.i_e, x[14]),
            method,
        };
        exercise(MorrisLecar::<f32>::new(m, dt), &inputs)?;
    }
}

/// The wrong numbers one by one, so that none hides behind another.
#[test]
fn each_wrong_number_is_named() {
    let dt = Ms(0.1);
    let named = |error: Option<Error>, wanted: &str| match error {
        Some(Error::Parameter { name, .. }) => assert_eq!(name, wanted),
        other => panic!("{wanted}: {other:?}"),
    };
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        named(Qif::<f32>::new(QifParameters { tau_m: Ms(bad), ..Default::default() }, dt).err(), "tau_m");
        named(Qif::<f32>::new(QifParameters::default(), Ms(bad)).err(), "dt");
        named(Eif::<f32>::new(EifParameters { delta_t: Mv(bad), ..Default::default() }, dt).err(), "delta_t");
        named(AdEx::<f32>::new(AdExParameters { tau_w: Ms(bad), ..Default::default() }, dt).err(), "tau_w");
        named(HodgkinHuxley::<f32>::new(HodgkinHuxleyParameters { c_m: bad, ..Default::default() }, dt).err(), "c_m");
        named(MorrisLecar::<f32>::new(MorrisLecarParameters { v_4: Mv(bad), ..Default::default() }, dt).err(), "v_4");
        let t = TraubMilesParameters { tau_syn_in: Ms(bad), ..Default::default() };
        named(TraubMiles::<f32>::new(t, dt).err(), "tau_syn_in");
    }
    for bad in [-1.0, f64::NAN, 1e12] {
        named(Izhikevich::<f32>::new(IzhikevichParameters { t_ref: Ms(bad), ..Default::default() }, dt).err(), "t_ref");
    }
    named(AdEx::<f32>::new(AdExParameters { v_peak: Mv(1e4), ..Default::default() }, dt).err(), "v_peak");
    named(AdEx::<f32>::new(AdExParameters { v_reset: Mv(0.0), ..Default::default() }, dt).err(), "v_reset");
    let h = HodgkinHuxleyParameters { g_na: -1.0, ..Default::default() };
    named(HodgkinHuxley::<f32>::new(h, dt).err(), "g_na");
}
