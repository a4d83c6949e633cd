use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{Coincidence, Ms, PairStdp, PairStdpParameters, Real};

const OPTIONS: [Coincidence; 4] =
    [Coincidence::Ignore, Coincidence::Potentiate, Coincidence::Depress, Coincidence::Both];

pub(crate) fn pair_in<F: Real>(knobs: &Knobs) -> Subject<F, PairStdp<F>> {
    let p = PairStdpParameters {
        a_plus: knobs.scale(0, 0.01),
        a_minus: knobs.scale(1, 0.0105),
        tau_plus: Ms(knobs.scale(2, 20.0)),
        tau_minus: Ms(knobs.scale(3, 20.0)),
        coincidence: knobs.pick(4, &OPTIONS),
        ..PairStdpParameters::default()
    };
    Subject::new(move |dt| PairStdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .window(
            move |lag, _| p.a_plus * (-lag / p.tau_plus.0).exp(),
            move |lag, _| -p.a_minus * (-lag / p.tau_minus.0).exp(),
        )
        .coincidence(p.coincidence)
}

nl_plasticity::stdp_laws!(mod pair_stdp, pair_in::<f64>);
nl_plasticity::stdp_laws!(mod pair_stdp_in_single_precision, pair_in::<f32>);
