//! Pair STDP: all pairings, all weight dependences.

use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{Coincidence, Ms, PairStdp, PairStdpParameters, Pairing, Real, WeightDependence};

pub(crate) const COINCIDENCES: [Coincidence; 4] =
    [Coincidence::Ignore, Coincidence::Potentiate, Coincidence::Depress, Coincidence::Both];

pub(crate) fn parameters(knobs: &Knobs) -> PairStdpParameters {
    PairStdpParameters {
        a_plus: knobs.scale(0, 0.01),
        a_minus: knobs.scale(1, 0.0105),
        tau_plus: Ms(knobs.scale(2, 20.0)),
        tau_minus: Ms(knobs.scale(3, 20.0)),
        coincidence: knobs.pick(4, &COINCIDENCES),
        ..PairStdpParameters::default()
    }
}

/// (f₊, f₋) as the documentation states them.
fn factors(p: &PairStdpParameters, w: f64) -> (f64, f64) {
    let part = (w - p.w_min) / (p.w_max - p.w_min);
    match p.dependence {
        WeightDependence::Additive => (1.0, 1.0),
        WeightDependence::Multiplicative => (1.0 - part, part),
        WeightDependence::VanRossum => (1.0, part),
        WeightDependence::Guetig { mu_plus, mu_minus } => ((1.0 - part).powf(mu_plus), part.powf(mu_minus)),
        WeightDependence::PowerLaw { mu, w_0 } => ((w / w_0).powf(mu), w / w_0),
    }
}

pub(crate) fn subject<F: Real>(p: PairStdpParameters) -> Subject<F, PairStdp<F>> {
    Subject::new(move |dt| PairStdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .window(
            move |lag, w| p.a_plus * factors(&p, w).0 * (-lag / p.tau_plus.0).exp(),
            move |lag, w| -p.a_minus * factors(&p, w).1 * (-lag / p.tau_minus.0).exp(),
        )
        .coincidence(p.coincidence)
        .pairing(p.pairing)
}

fn paired<F: Real>(pairing: Pairing) -> impl Fn(&Knobs) -> Subject<F, PairStdp<F>> {
    move |knobs| subject(PairStdpParameters { pairing, ..parameters(knobs) })
}

fn dependent(dependence: fn(&Knobs) -> WeightDependence) -> impl Fn(&Knobs) -> Subject<f64, PairStdp<f64>> {
    move |knobs| {
        let (dependence, w_min) = (dependence(knobs), -0.5);
        // The power law has no meaning below 0.
        let w_min = if matches!(dependence, WeightDependence::PowerLaw { .. }) { 0.0 } else { w_min };
        subject(PairStdpParameters { dependence, w_min, a_plus: 0.3, a_minus: 0.4, ..parameters(knobs) })
    }
}

const SIZE: &str = "the change depends on the weight, which the earlier changes have moved";

nl_plasticity::stdp_laws!(pub(crate) mod all_to_all, paired::<f64>(Pairing::AllToAll));
nl_plasticity::stdp_laws!(pub(crate) mod all_to_all_f32, paired::<f32>(Pairing::AllToAll));
nl_plasticity::stdp_laws!(pub(crate) mod nearest_symmetric, paired::<f64>(Pairing::NearestSymmetric));
nl_plasticity::stdp_laws!(pub(crate) mod presynaptic_centred, paired::<f64>(Pairing::PresynapticCentred));
nl_plasticity::stdp_laws!(pub(crate) mod restricted, paired::<f64>(Pairing::Restricted));
nl_plasticity::stdp_laws!(
    pub(crate) mod multiplicative,
    dependent(|_| WeightDependence::Multiplicative),
    exempt: [RateLinear = SIZE]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod van_rossum,
    dependent(|_| WeightDependence::VanRossum),
    exempt: [RateLinear = SIZE]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod guetig,
    dependent(|knobs| WeightDependence::Guetig { mu_plus: knobs.scale(5, 0.5), mu_minus: knobs.scale(6, 0.5) }),
    exempt: [RateLinear = SIZE]
);
nl_plasticity::stdp_laws!(
    pub(crate) mod power_law,
    dependent(|knobs| WeightDependence::PowerLaw { mu: knobs.scale(5, 0.4), w_0: knobs.scale(6, 0.7) }),
    exempt: [RateLinear = SIZE]
);
