//! Whatever a parameter is, a model is built or refused; whatever the lengths are, a step runs or is refused.

use nl_neuron::{
    Alif, AlifParameters, Coba, CobaParameters, CubaAlpha, CubaAlphaParameters, CubaExp, CubaExpParameters, DiehlCook,
    DiehlCookInput, DiehlCookParameters, Error, Gif, GifParameters, Hz, IntegrateAndFire, IntegrateAndFireParameters,
    Lif, LifParameters, Mat2, Mat2Parameters, Ms, Mv, NeuronModel, Ns, Pa, Pf, PopulationState, Real, SpikeSet, Srm0,
    Srm0Parameters,
};
use proptest::prelude::*;

/// Numbers of every kind: the usual, and those that break equations.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -100.0..100.0_f64,
        1 => prop::sample::select(vec![
            f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 1e300,
            -1e300, 1e-300, 1e39, 1e-39, 4e9,
        ]),
    ]
}

/// A built model takes a few steps without a panic, and refuses wrong lengths.
fn exercise<F: Real, M: NeuronModel<F>>(model: Result<M, Error>, accepted: &mut bool) {
    let Ok(model) = model else { return };
    *accepted = true;
    assert!(model.state(0).is_err());
    assert!(model.state(1 << 32).is_err());
    let mut state = model.state(5).unwrap();
    let channels = model.receptors().len();
    let mut spikes = SpikeSet::new(5);
    for scale in [0.0, 1.0, -3.0, 1e30] {
        let input: Vec<F> = (0..5 * channels).map(|i| F::from_f64(scale * i as f64)).collect();
        model.step(&mut state, &input, &mut spikes).unwrap();
    }
    let before = state.clone();
    let input = vec![F::ONE; 5 * channels + 1];
    for wrong in [&input[..0], &input[1..5 * channels], &input[..]] {
        assert!(matches!(model.step(&mut state, wrong, &mut spikes), Err(Error::Length { .. })));
    }
    assert!(model.step(&mut state, &input[1..], &mut SpikeSet::new(4)).is_err());
    // A refused step changes nothing. (Compared as text: NaN is not equal to itself.)
    assert_eq!(format!("{before:?}"), format!("{state:?}"));
    for name in state.variables() {
        assert_eq!(state.variable(name).map(<[F]>::len), Some(5));
        assert_eq!(state.variable_mut(name).map(|v| v.len()), Some(5));
    }
    assert!(state.variable("no such variable").is_none());
}

/// Builds every model from one list of numbers; which were accepted.
fn build<F: Real>(x: &[f64]) -> Vec<bool> {
    let mut accepted = vec![false; 11];
    let (tau, c_m, e_l, v_th) = (Ms(x[0]), Pf(x[1]), Mv(x[2]), Mv(x[3]));
    let (v_reset, dt, tau_2) = (Mv(x[4]), Ms(x[6]), Ms(x[7]));
    // Off the grid nearly all are refused for that alone: `tests/time_steps.rs`.
    let t_ref = Ms(x[5]).on_grid(dt);
    let (i_e, other, conductance) = (Pa(x[8]), Mv(x[9]), Ns(x[10]));
    let lif = LifParameters { tau_m: tau, c_m, e_l, v_th, v_reset, t_ref, i_e, ..Default::default() };
    exercise(Lif::<F>::new(lif, dt), &mut accepted[0]);
    let integrator = IntegrateAndFireParameters { c_m, v_th, v_reset, t_ref, i_e, ..Default::default() };
    exercise(IntegrateAndFire::<F>::new(integrator, dt), &mut accepted[1]);
    let exp =
        CubaExpParameters { tau_m: tau, c_m, e_l, v_th, v_reset, t_ref, tau_syn_ex: tau_2, i_e, ..Default::default() };
    exercise(CubaExp::<F>::new(exp, dt), &mut accepted[2]);
    let alpha = CubaAlphaParameters {
        tau_m: tau,
        c_m,
        e_l,
        v_th,
        v_reset,
        t_ref,
        tau_syn_in: tau_2,
        i_e,
        ..Default::default()
    };
    exercise(CubaAlpha::<F>::new(alpha, dt), &mut accepted[3]);
    let coba = CobaParameters {
        c_m,
        g_l: conductance,
        e_l,
        v_th,
        v_reset,
        t_ref,
        tau_syn_ex: tau_2,
        e_ex: other,
        i_e,
        ..Default::default()
    };
    exercise(Coba::<F>::new(coba, dt), &mut accepted[4]);
    let alif =
        AlifParameters { tau_m: tau, c_m, e_l, v_th, v_reset, t_ref, tau_a: tau_2, beta: other, ..Default::default() };
    exercise(Alif::<F>::new(alif, dt), &mut accepted[5]);
    let mat2 = Mat2Parameters { tau_m: tau, c_m, e_l, omega: v_th, alpha_1: other, tau_2, t_ref, ..Default::default() };
    exercise(Mat2::<F>::new(mat2, dt), &mut accepted[6]);
    let gif = GifParameters {
        c_m,
        g_l: conductance,
        e_l,
        v_reset,
        v_t_star: v_th,
        delta_v: other,
        lambda_0: Hz(x[11]),
        t_ref,
        tau_stc: vec![tau, tau_2],
        q_stc: vec![i_e, Pa(1.0)],
        ..Default::default()
    };
    exercise(Gif::<F>::new(gif, dt), &mut accepted[7]);
    let diehl_cook = DiehlCookParameters {
        tau_m: tau,
        e_l,
        v_th,
        v_reset,
        t_ref,
        theta_plus: other,
        tau_theta: tau_2,
        theta_0: Mv(x[11]),
        ..Default::default()
    };
    exercise(DiehlCook::<F>::new(diehl_cook, dt), &mut accepted[8]);
    let srm0 =
        Srm0Parameters { tau_m: tau, c_m, e_l, v_th, t_ref, eta_0: other, tau_eta: tau_2, i_e, ..Default::default() };
    exercise(Srm0::<F>::new(srm0, dt), &mut accepted[10]);
    let jump = DiehlCookParameters { input: DiehlCookInput::Jump, ..diehl_cook };
    exercise(DiehlCook::<F>::new(jump, dt), &mut accepted[9]);
    accepted
}

/// Twelve numbers that every model accepts.
const GOOD: [f64; 12] = [10.0, 250.0, -70.0, -55.0, -70.0, 2.0, 0.1, 5.0, 1.0, 2.0, 10.0, 3.0];

proptest! {
    #[test]
    fn any_parameters_are_accepted_or_refused(x in prop::collection::vec(any_number(), 12)) {
        build::<f32>(&x);
        build::<f64>(&x);
    }

    /// One number among good ones that may be anything.
    #[test]
    fn one_strange_number(i in 0..12_usize, strange in any_number()) {
        let mut x = GOOD;
        x[i] = strange;
        build::<f32>(&x);
        build::<f64>(&x);
    }
}

/// NaN and the infinities are refused by exactly those models that have the parameter.
#[test]
fn one_number_that_is_not_finite() {
    const ALL: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    let users: [&[usize]; 12] = [
        &[0, 2, 3, 5, 6, 7, 8, 9, 10],    // tau_m
        &[0, 1, 2, 3, 4, 5, 6, 7, 10],    // c_m
        &[0, 2, 3, 4, 5, 6, 7, 8, 9, 10], // e_l
        ALL,                              // v_th
        &[0, 1, 2, 3, 4, 5, 7, 8, 9],     // v_reset
        ALL,                              // t_ref
        ALL,                              // dt
        &[2, 3, 4, 5, 6, 7, 8, 9, 10],    // a second time constant
        &[0, 1, 2, 3, 4, 7, 10],          // i_e
        &[4, 5, 6, 7, 8, 9, 10],          // another potential
        &[4, 7],                          // g_l
        &[7, 8, 9],                       // lambda_0, theta_0
    ];
    for (i, users) in users.iter().enumerate() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut x = GOOD;
            x[i] = bad;
            let refused: Vec<usize> = (0..11).filter(|&model| !build::<f64>(&x)[model]).collect();
            assert_eq!(&refused, users, "number {i} = {bad}");
        }
    }
}

#[test]
fn good_numbers_are_accepted_by_all() {
    assert!(build::<f32>(&GOOD).into_iter().all(|accepted| accepted));
}

#[test]
fn messages_say_what_is_wrong_and_what_to_do() {
    let error = Lif::<f32>::new(LifParameters { tau_m: Ms(-1.0), ..Default::default() }, Ms(0.1)).unwrap_err();
    assert_eq!(error.to_string(), "lif: tau_m = -1 is not usable; use a finite number above 0");
    let gif = GifParameters { tau_sfa: vec![Ms(1.0)], ..Default::default() };
    let error = Gif::<f32>::new(gif, Ms(0.1)).unwrap_err();
    assert_eq!(error.to_string(), "gif: `q_sfa` has 0 elements, but 1 are needed; pass a slice of that length");
    let huge = CubaExpParameters { c_m: Pf(1e-300), ..Default::default() };
    assert!(CubaExp::<f64>::new(huge, Ms(0.1)).is_ok());
    assert!(CubaExp::<f32>::new(huge, Ms(0.1)).is_err()); // 1e301 mV a pA does not fit f32
}
