//! Rules that look at the postsynaptic neuron in every step: Clopath's and e-prop.

use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{
    ClopathHomeostasis, ClopathStdp, ClopathStdpParameters, Eprop, EpropAdaptation, EpropParameters, Ms, Mv,
};

const BY_VOLTAGE: &str = "potentiation follows the membrane potential, not post spikes";
const EVERY_STEP: &str = "what the postsynaptic neuron does between spikes counts";
const BY_SIGNAL: &str = "post spikes play no part";

fn clopath(knobs: &Knobs, homeostasis: Option<ClopathHomeostasis>) -> Subject<f64, ClopathStdp<f64>> {
    let p = ClopathStdpParameters {
        a_ltd: knobs.scale(0, 14e-4),
        a_ltp: knobs.scale(1, 8e-4),
        tau_x: Ms(knobs.scale(2, 15.0)),
        tau_minus: Ms(knobs.scale(3, 10.0)),
        theta_minus: Mv(-70.6 + f64::from(knobs.pick(4, &[0_u8, 2, 5]))),
        homeostasis,
        w_max: 1.0,
        ..ClopathStdpParameters::default()
    };
    Subject::new(move |dt| ClopathStdp::new(p, dt).expect("valid")).bounds(p.w_min, p.w_max).voltages()
}

nl_plasticity::stdp_laws!(
    pub(crate) mod clopath_stdp,
    |knobs: &Knobs| clopath(knobs, None),
    exempt: [
        Window = BY_VOLTAGE,
        Coincidence = BY_VOLTAGE,
        Pairs = BY_VOLTAGE,
        Skipping = EVERY_STEP,
        Refinement = "the potential is held over a step, and a finer grid samples it more often",
    ]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod clopath_with_homeostasis,
    |knobs: &Knobs| clopath(knobs, Some(ClopathHomeostasis::default())),
    exempt: [
        Window = BY_VOLTAGE,
        Coincidence = BY_VOLTAGE,
        Pairs = BY_VOLTAGE,
        Skipping = EVERY_STEP,
        Refinement = "the potential is held over a step, and a finer grid samples it more often",
    ]
);

fn eprop(knobs: &Knobs, adaptation: Option<EpropAdaptation>) -> Subject<f64, Eprop<f64>> {
    let p = EpropParameters {
        eta: knobs.scale(0, 1e-2),
        tau_m: Ms(knobs.scale(1, 20.0)),
        tau_out: knobs.pick(2, &[Some(Ms(20.0)), None]),
        adaptation,
        ..EpropParameters::default()
    };
    Subject::new(move |dt| Eprop::new(p, dt).expect("valid")).bounds(p.w_min, p.w_max).learning_signal()
}

nl_plasticity::stdp_laws!(
    pub(crate) mod eprop_lif,
    |knobs: &Knobs| eprop(knobs, None),
    exempt: [
        Window = BY_SIGNAL,
        Coincidence = BY_SIGNAL,
        Pairs = BY_SIGNAL,
        Skipping = EVERY_STEP,
        Refinement = "one gradient step is made in each time step",
    ]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod eprop_alif,
    |knobs: &Knobs| eprop(knobs, Some(EpropAdaptation { beta: 1.7, tau_a: Ms(100.0) })),
    exempt: [
        Window = BY_SIGNAL,
        Coincidence = BY_SIGNAL,
        Pairs = BY_SIGNAL,
        Skipping = EVERY_STEP,
        Refinement = "one gradient step is made in each time step",
    ]
);
