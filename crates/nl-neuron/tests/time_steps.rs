//! Which durations and time steps a model takes: a refractory period on the grid, and decays that its scalar can follow.

use nl_neuron::{
    AdEx, AdExParameters, Alif, AlifParameters, Coba, CobaParameters, CubaAlpha, CubaAlphaParameters, CubaExp,
    CubaExpParameters, DiehlCook, DiehlCookParameters, Eif, EifParameters, Error, Gif, GifParameters, HodgkinHuxley,
    HodgkinHuxleyParameters, IntegrateAndFire, IntegrateAndFireParameters, Izhikevich, IzhikevichParameters, Lif,
    LifParameters, Mat2, Mat2Parameters, MorrisLecar, MorrisLecarParameters, Ms, Qif, QifParameters, Srm0,
    Srm0Parameters, TraubMiles, TraubMilesParameters,
};

/// The t_ref that a model built with this one says it uses, or why it is refused.
type Build = fn(Ms, Ms) -> Result<Ms, Error>;

macro_rules! models {
    ($($model:ident $parameters:ident),* $(,)?) => {
        &[$((stringify!($model), [
            |t_ref, dt| {
                let p = $parameters { t_ref, ..Default::default() };
                $model::<f32>::new(p, dt).map(|model| model.parameters().t_ref)
            },
            |t_ref, dt| {
                let p = $parameters { t_ref, ..Default::default() };
                $model::<f64>::new(p, dt).map(|model| model.parameters().t_ref)
            },
        ])),*]
    };
}

/// Each model in single and in double precision.
const MODELS: &[(&str, [Build; 2])] = models![
    IntegrateAndFire IntegrateAndFireParameters,
    Lif LifParameters,
    CubaExp CubaExpParameters,
    CubaAlpha CubaAlphaParameters,
    Coba CobaParameters,
    Alif AlifParameters,
    Mat2 Mat2Parameters,
    Srm0 Srm0Parameters,
    Gif GifParameters,
    DiehlCook DiehlCookParameters,
    Qif QifParameters,
    Eif EifParameters,
    AdEx AdExParameters,
    Izhikevich IzhikevichParameters,
    HodgkinHuxley HodgkinHuxleyParameters,
    TraubMiles TraubMilesParameters,
    MorrisLecar MorrisLecarParameters,
];

#[test]
fn a_refractory_period_off_the_grid_is_refused_by_every_model() {
    let dt = Ms(0.1);
    for (name, [build, _]) in MODELS {
        // 0.15 ms used to be one step, 0.25 ms three, 0.04 ms none.
        for (ms, below, above) in [(0.15, 0.1, 0.2), (0.25, 0.2, 0.3), (0.04, 0.0, 0.1), (2.05, 2.0, 2.1)] {
            let wanted = |error: &Error| {
                matches!(error, Error::OffGrid { name: "t_ref", value, dt: step, below: low, above: high, .. }
                    if *value == Ms(ms) && *step == dt && *low == Ms(below) && *high == Ms(above))
            };
            let got = build(Ms(ms), dt);
            assert!(got.as_ref().is_err_and(wanted), "{name}, t_ref {ms} ms: {got:?}");
            // Asked for, it is rounded, and what is used can be read.
            assert_eq!(build(Ms(ms).on_grid(dt), dt), Ok(Ms(above)), "{name}");
        }
        for ms in [0.0, 0.1, 0.3, 0.7, 2.0, 5.0] {
            assert_eq!(build(Ms(ms), dt), Ok(Ms(ms)), "{name}");
        }
    }
}

/// A step of a nanosecond beside decays of milliseconds: f32 would stand still or drift, and says so; f64 follows.
#[test]
fn decays_that_single_precision_cannot_follow_are_refused_by_every_model() {
    let dt = Ms(1e-6);
    for (name, [single, double]) in MODELS {
        let got = single(Ms(0.0), dt);
        if *name == "IntegrateAndFire" {
            assert!(got.is_ok(), "it has no decay, and carries what rounding keeps out of V");
        } else {
            let wanted = |error: &Error| match error {
                Error::TooSlow { tau, longest, scalar: "f32", .. } => tau > longest && longest.0 < 0.1,
                _ => false,
            };
            assert!(got.as_ref().is_err_and(wanted), "{name}: {got:?}");
        }
        assert!(double(Ms(0.0), dt).is_ok(), "{name}");
    }
}

/// The defaults run at the usual steps, and with [`Ms::on_grid`] at any.
#[test]
fn defaults_are_on_the_grid_of_a_tenth_of_a_millisecond() {
    let defaults = [
        LifParameters::default().t_ref,
        CubaExpParameters::default().t_ref,
        CubaExpParameters::benchmark().t_ref,
        CubaAlphaParameters::default().t_ref,
        CobaParameters::default().t_ref,
        CobaParameters::benchmark().t_ref,
        AlifParameters::default().t_ref,
        Mat2Parameters::default().t_ref,
        Srm0Parameters::default().t_ref,
        GifParameters::default().t_ref,
        DiehlCookParameters::default().t_ref,
        QifParameters::default().t_ref,
        EifParameters::default().t_ref,
        AdExParameters::default().t_ref,
        IzhikevichParameters::default().t_ref,
        HodgkinHuxleyParameters::default().t_ref,
        TraubMilesParameters::default().t_ref,
        MorrisLecarParameters::default().t_ref,
        MorrisLecarParameters::type_1().t_ref,
        MorrisLecarParameters::type_2().t_ref,
    ];
    for t_ref in defaults {
        for dt in [0.01, 0.02, 0.025, 0.05, 0.1] {
            assert!(t_ref.steps("default", "t_ref", Ms(dt)).is_ok(), "{t_ref} at {dt}");
        }
        for dt in [0.3, 1.0, 1.7, 4.0] {
            assert!(t_ref.on_grid(Ms(dt)).steps("default", "t_ref", Ms(dt)).is_ok(), "{t_ref} at {dt}");
        }
    }
}
