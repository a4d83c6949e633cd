//! Rate rules converge where they should; e-prop is the gradient.

use nl_plasticity::laws::{
    Cases, Config, Filters, Knobs, Subject, Violation, gradient, principal_components, selectivity, sliding_threshold,
};
use nl_plasticity::{Bcm, BcmParameters, BcmThreshold, Eprop, EpropParameters, Ms, Oja, OjaParameters, Sanger};

pub(crate) fn holds(result: Result<Cases, Box<Violation>>) {
    if let Err(violation) = result {
        panic!("{violation}");
    }
}

#[test]
fn oja_finds_the_first_component_with_its_norm() {
    for beta in [1.0, 4.0] {
        let p = OjaParameters { eta: 0.003, beta, ..OjaParameters::default() };
        holds(principal_components(&Oja::<f64>::new(p).unwrap(), 1, beta, &Config::default()));
    }
}

#[test]
fn sanger_finds_the_components_in_order() {
    let p = OjaParameters { eta: 0.003, ..OjaParameters::default() };
    holds(principal_components(&Sanger::<f64>::new(p).unwrap(), 3, 1.0, &Config::default()));
}

fn bcm(threshold: BcmThreshold) -> Bcm<f64> {
    let p = BcmParameters { eta: 0.002, tau_theta: Ms(50.0), threshold, ..BcmParameters::default() };
    Bcm::new(p, Ms(1.0)).unwrap()
}

#[test]
fn bcm_has_a_sliding_threshold() {
    for threshold in [BcmThreshold::MeanSquare, BcmThreshold::Mean] {
        holds(sliding_threshold(&bcm(threshold), 1000));
    }
}

#[test]
fn bcm_becomes_selective() {
    holds(selectivity(&bcm(BcmThreshold::MeanSquare), 40_000, &Config::default()));
}

#[test]
fn eprop_is_back_propagation_through_time() {
    for tau_out in [Some(Ms(20.0)), Some(Ms(5.0)), None] {
        let filters = Filters { eta: 1e-3, tau_m: Ms(20.0), tau_out };
        let family = move |_: &Knobs| {
            let Filters { eta, tau_m, tau_out } = filters;
            let p = EpropParameters { eta, tau_m, tau_out, ..EpropParameters::default() };
            let wide = EpropParameters { w_min: -100.0, w_max: 100.0, ..p };
            Subject::new(move |dt| Eprop::<f64>::new(wide, dt).expect("valid")).start(0.0, 1.0)
        };
        holds(gradient(&family, filters, &Config::default()));
    }
}
