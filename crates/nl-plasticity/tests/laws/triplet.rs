//! Triplet STDP, against its sum over triplets.

use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{Coincidence, Interaction, Ms, TripletStdp, TripletStdpParameters};

use crate::pair::COINCIDENCES;

/// A trace of jump 1 at `now`, from the spike times alone; `at_once` counts a spike at `now`.
pub(crate) fn trace(times: &[f64], now: f64, tau: Ms, interaction: Interaction, at_once: bool) -> f64 {
    let mut past = times.iter().filter(|&&t| t < now || at_once && t == now).map(|&t| (-(now - t) / tau.0).exp());
    match interaction {
        Interaction::AllToAll => past.sum(),
        Interaction::Nearest => past.next_back().unwrap_or(0.0),
    }
}

/// Whether the post spike acts (true) or the pre spike (false), in the order of the option.
pub(crate) fn order(coincidence: Coincidence) -> [bool; 2] {
    let post_first = matches!(coincidence, Coincidence::Ignore | Coincidence::Depress);
    [post_first, !post_first]
}

/// All spike times, ascending, none twice.
pub(crate) fn merged(pre: &[f64], post: &[f64]) -> Vec<f64> {
    let mut times = [pre, post].concat();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}

pub(crate) fn subject(p: TripletStdpParameters) -> Subject<f64, TripletStdp<f64>> {
    let (early_pre, early_post) = (
        matches!(p.coincidence, Coincidence::Potentiate | Coincidence::Both),
        matches!(p.coincidence, Coincidence::Depress | Coincidence::Both),
    );
    Subject::new(move |dt| TripletStdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .coincidence(p.coincidence)
        .offline(move |pre, post, mut w| {
            let value = |times, now, tau, at_once| trace(times, now, tau, p.interaction, at_once);
            for now in merged(pre, post) {
                for is_post in order(p.coincidence) {
                    let mut change = 0.0;
                    if is_post && post.contains(&now) {
                        let triplet = p.a2_plus + p.a3_plus * value(post, now, p.tau_y, false);
                        change = value(pre, now, p.tau_plus, early_pre) * triplet;
                    } else if !is_post && pre.contains(&now) {
                        let triplet = p.a2_minus + p.a3_minus * value(pre, now, p.tau_x, false);
                        change = -value(post, now, p.tau_minus, early_post) * triplet;
                    }
                    w = (w + change).clamp(p.w_min, p.w_max);
                }
            }
            w
        })
}

pub(crate) fn fitted(knobs: &Knobs) -> TripletStdpParameters {
    let fits: [fn() -> TripletStdpParameters; 4] = [
        TripletStdpParameters::hippocampus,
        TripletStdpParameters::visual_cortex,
        TripletStdpParameters::hippocampus_nearest,
        TripletStdpParameters::visual_cortex_nearest,
    ];
    TripletStdpParameters { coincidence: knobs.pick(1, &COINCIDENCES), ..knobs.pick(0, &fits)() }
}

nl_plasticity::stdp_laws!(pub(crate) mod all_fits, |knobs: &Knobs| subject(fitted(knobs)));
