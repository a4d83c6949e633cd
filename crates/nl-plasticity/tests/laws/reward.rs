//! Rules that wait for a neuromodulator.

use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{
    DopamineInput, DopamineStdp, DopamineStdpParameters, Gate, Gated, Modulators, Ms, Mstdp, MstdpParameters, Mstdpet,
    PairStdp,
};

use crate::pair::{COINCIDENCES, parameters};

fn dopamine(dopamine: f64) -> Modulators {
    Modulators { dopamine, ..Modulators::default() }
}

const LATER: &str = "a pair makes a synapse eligible; the weight waits for the modulator";
const WIDE: f64 = 1e6;

/// Bounds wide enough never to be met; the narrow ones follow below.
fn dopamine_parameters(knobs: &Knobs) -> DopamineStdpParameters {
    DopamineStdpParameters {
        a_plus: knobs.scale(0, 0.1),
        a_minus: knobs.scale(1, 0.15),
        tau_c: Ms(knobs.scale(2, 300.0)),
        tau_d: Ms(knobs.scale(3, 100.0)),
        coincidence: knobs.pick(4, &COINCIDENCES),
        w_min: -WIDE,
        w_max: WIDE,
        ..DopamineStdpParameters::default()
    }
}

fn dopamine_in(p: DopamineStdpParameters) -> Subject<f64, DopamineStdp<f64>> {
    Subject::new(move |dt| DopamineStdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .start(0.0, 1.0)
        .modulated(dopamine)
        .integrates()
}

fn released(knobs: &Knobs) -> Subject<f64, DopamineStdp<f64>> {
    dopamine_in(dopamine_parameters(knobs))
}

fn held(knobs: &Knobs) -> Subject<f64, DopamineStdp<f64>> {
    dopamine_in(DopamineStdpParameters { input: DopamineInput::Concentration, ..dopamine_parameters(knobs) })
}

nl_plasticity::stdp_laws!(
    pub(crate) mod dopamine_released,
    released,
    exempt: [Window = LATER, Coincidence = LATER, Pairs = LATER]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod dopamine_held,
    held,
    exempt: [
        Window = LATER,
        Coincidence = LATER,
        Pairs = LATER,
        Refinement = "the concentration is held over its step, which is shorter on a finer grid",
    ]
);

fn florian(knobs: &Knobs) -> MstdpParameters {
    MstdpParameters {
        gamma: knobs.scale(0, 0.01),
        a_plus: knobs.scale(1, 1.0),
        a_minus: knobs.scale(2, 1.0),
        tau_plus: Ms(knobs.scale(3, 20.0)),
        coincidence: knobs.pick(4, &COINCIDENCES),
        tau_z: Ms(knobs.scale(5, 25.0)),
        ..MstdpParameters::default()
    }
}

fn mstdp(knobs: &Knobs) -> Subject<f64, Mstdp<f64>> {
    let p = florian(knobs);
    Subject::new(move |dt| Mstdp::new(p, dt).expect("valid")).bounds(p.w_min, p.w_max).modulated(dopamine)
}

fn rewarded(knobs: &Knobs) -> Subject<f64, Mstdp<f64>> {
    let p = florian(knobs);
    Subject::new(move |dt| Mstdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .background(dopamine(0.5))
        .window(
            move |lag, _| 0.5 * p.gamma * p.a_plus * (-lag / p.tau_plus.0).exp(),
            move |lag, _| -0.5 * p.gamma * p.a_minus * (-lag / p.tau_minus.0).exp(),
        )
        .coincidence(p.coincidence)
}

fn mstdpet(knobs: &Knobs) -> Subject<f64, Mstdpet<f64>> {
    let p = MstdpParameters { w_min: -WIDE, w_max: WIDE, ..florian(knobs) };
    Subject::new(move |dt| Mstdpet::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .start(0.0, 1.0)
        .modulated(dopamine)
        .integrates()
}

fn mstdpet_rewarded(knobs: &Knobs) -> Subject<f64, Mstdpet<f64>> {
    let p = MstdpParameters { w_min: -WIDE, w_max: WIDE, ..florian(knobs) };
    Subject::new(move |dt| Mstdpet::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .start(0.0, 1.0)
        .background(dopamine(0.5))
        .integrates()
}

const UNCLAIMED: &str = "reward is what this form listens to; here it is constant";

nl_plasticity::stdp_laws!(
    pub(crate) mod mstdp_rewarded_at_times,
    mstdp,
    exempt: [Window = LATER, Coincidence = LATER, Pairs = LATER]
);
nl_plasticity::stdp_laws!(pub(crate) mod mstdp_at_constant_reward, rewarded, exempt: [Gate = UNCLAIMED]);
nl_plasticity::stdp_laws!(
    pub(crate) mod mstdpet_rewarded_at_times,
    mstdpet,
    exempt: [
        Window = LATER,
        Coincidence = LATER,
        Pairs = LATER,
        Refinement = "reward is held over its step, which is shorter on a finer grid",
    ]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod mstdpet_at_constant_reward,
    mstdpet_rewarded,
    exempt: [
        Window = LATER,
        Coincidence = LATER,
        Pairs = LATER,
        Skipping = "reward counts as 0 in steps left out, and here it is not",
        Gate = UNCLAIMED,
    ]
);

fn gated(knobs: &Knobs) -> Subject<f64, Gated<PairStdp<f64>>> {
    let (p, open) = (parameters(knobs), knobs.scale(5, 1.0));
    let gate = Gate { bias: 0.0, acetylcholine: open, ..Gate::default() };
    let rule = move |dt| Gated::new(PairStdp::new(p, dt).expect("valid"), gate).expect("valid");
    let pulse = |acetylcholine| Modulators { acetylcholine, ..Modulators::default() };
    Subject::new(rule).bounds(p.w_min, p.w_max).modulated(pulse)
}

nl_plasticity::stdp_laws!(
    pub(crate) mod gated_pair,
    gated,
    exempt: [Window = LATER, Coincidence = LATER, Pairs = LATER]
);

/// Bounds that weights meet all the time, between the spikes of their neurons too, and eligibilities so short that their
/// common factor is renewed within a case.
fn dopamine_narrow(knobs: &Knobs) -> Subject<f64, DopamineStdp<f64>> {
    let p = DopamineStdpParameters {
        a_plus: knobs.scale(0, 0.4),
        a_minus: knobs.scale(1, 0.3),
        tau_c: Ms(knobs.scale(2, 4.0)),
        tau_d: Ms(knobs.scale(3, 8.0)),
        baseline: knobs.pick(5, &[0.0, 0.05, -0.1]),
        w_min: 0.0,
        w_max: 0.5,
        ..dopamine_parameters(knobs)
    };
    Subject::new(move |dt| DopamineStdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .modulated(dopamine)
        .integrates()
}

fn mstdpet_narrow(knobs: &Knobs) -> Subject<f64, Mstdpet<f64>> {
    let p = MstdpParameters {
        gamma: 1.0,
        a_plus: knobs.scale(1, 20.0),
        a_minus: knobs.scale(2, 2.0),
        tau_z: Ms(knobs.scale(5, 4.0)),
        ..florian(knobs)
    };
    Subject::new(move |dt| Mstdpet::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .modulated(dopamine)
        .integrates()
}

nl_plasticity::stdp_laws!(
    pub(crate) mod dopamine_with_narrow_bounds,
    dopamine_narrow,
    exempt: [
        Window = LATER,
        Coincidence = LATER,
        Pairs = LATER,
        Gate = "without dopamine the concentration lies off its baseline, and that is learnt from",
    ]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod mstdpet_with_narrow_bounds,
    mstdpet_narrow,
    exempt: [
        Window = LATER,
        Coincidence = LATER,
        Pairs = LATER,
        Refinement = "reward is held over its step, which is shorter on a finer grid",
    ]
);
