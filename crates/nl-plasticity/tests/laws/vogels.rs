//! Inhibitory STDP.

use nl_plasticity::laws::{Config, Knobs, Subject, target_rate};
use nl_plasticity::{Hz, Ms, VogelsStdp, VogelsStdpParameters};

use crate::pair::COINCIDENCES;

fn parameters(knobs: &Knobs) -> VogelsStdpParameters {
    VogelsStdpParameters {
        eta: knobs.scale(0, 0.01),
        rho_0: Hz(knobs.scale(1, 5.0)),
        tau: Ms(knobs.scale(2, 20.0)),
        coincidence: knobs.pick(3, &COINCIDENCES),
        w_max: 1.0,
        ..VogelsStdpParameters::default()
    }
}

fn inhibitory(knobs: &Knobs) -> Subject<f64, VogelsStdp<f64>> {
    let p = parameters(knobs);
    let change = move |lag: f64, _: f64| p.eta * (-lag / p.tau.0).exp();
    Subject::new(move |dt| VogelsStdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .window(change, change)
        .alone(move |_| -p.eta * p.alpha(), |_| 0.0)
        .coincidence(p.coincidence)
}

nl_plasticity::stdp_laws!(pub(crate) mod inhibitory_stdp, inhibitory);

#[test]
fn the_rate_reaches_its_target() {
    for rho_0 in [Hz(3.0), Hz(8.0)] {
        let family = move |_: &Knobs| {
            let p = VogelsStdpParameters { rho_0, eta: 0.003, w_max: 1.0, ..VogelsStdpParameters::default() };
            Subject::new(move |dt| VogelsStdp::<f64>::new(p, dt).expect("valid")).bounds(0.0, 1.0)
        };
        target_rate(&family, rho_0, &Config::default()).unwrap_or_else(|violation| panic!("{violation}"));
    }
}
