//! Diehl & Cook's rule in its three readings.

use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{Coincidence, DiehlCookForm, DiehlCookStdp, DiehlCookStdpParameters, Interaction, Ms, Pairing};

use crate::pair::COINCIDENCES;
use crate::triplet::{merged, order, trace};

fn parameters(knobs: &Knobs, form: DiehlCookForm) -> DiehlCookStdpParameters {
    DiehlCookStdpParameters {
        form,
        eta_pre: knobs.scale(0, 0.003),
        eta_post: knobs.scale(1, 0.01),
        tau_pre: Ms(knobs.scale(2, 20.0)),
        tau_post: Ms(knobs.scale(3, 20.0)),
        interaction: knobs.pick(4, &[Interaction::Nearest, Interaction::AllToAll]),
        coincidence: knobs.pick(5, &COINCIDENCES),
        ..DiehlCookStdpParameters::default()
    }
}

fn subject(p: DiehlCookStdpParameters) -> Subject<f64, DiehlCookStdp<f64>> {
    Subject::new(move |dt| DiehlCookStdp::new(p, dt).expect("valid"))
        .bounds(p.w_min, p.w_max)
        .coincidence(p.coincidence)
        .pairing(match p.interaction {
            Interaction::AllToAll => Pairing::AllToAll,
            Interaction::Nearest => Pairing::NearestSymmetric,
        })
}

fn pre_post(knobs: &Knobs) -> Subject<f64, DiehlCookStdp<f64>> {
    let p = parameters(knobs, DiehlCookForm::PrePost);
    subject(p).window(
        move |lag, _| p.eta_post * (-lag / p.tau_pre.0).exp(),
        move |lag, _| -p.eta_pre * (-lag / p.tau_post.0).exp(),
    )
}

fn post_only(knobs: &Knobs) -> Subject<f64, DiehlCookStdp<f64>> {
    let (x_tar, mu) = (knobs.scale(6, 0.4), knobs.scale(7, 0.2));
    let p = parameters(knobs, DiehlCookForm::PostOnly { x_tar, mu });
    let factor = move |w: f64| p.eta_post * (p.w_max - w).powf(mu);
    subject(p)
        .window(move |lag, w| factor(w) * (-lag / p.tau_pre.0).exp(), |_, _| 0.0)
        .alone(|_| 0.0, move |w| -factor(w) * x_tar)
}

fn published(knobs: &Knobs) -> Subject<f64, DiehlCookStdp<f64>> {
    let tau_post2 = Ms(knobs.scale(6, 40.0));
    let p = parameters(knobs, DiehlCookForm::Published { tau_post2 });
    let early_pre = matches!(p.coincidence, Coincidence::Potentiate | Coincidence::Both);
    let early_post = matches!(p.coincidence, Coincidence::Depress | Coincidence::Both);
    subject(p).offline(move |pre, post, mut w| {
        let value = |times, now, tau, at_once| trace(times, now, tau, p.interaction, at_once);
        for now in merged(pre, post) {
            for is_post in order(p.coincidence) {
                let mut change = 0.0;
                if is_post && post.contains(&now) {
                    let triplet = value(post, now, tau_post2, false);
                    change = p.eta_post * value(pre, now, p.tau_pre, early_pre) * triplet;
                } else if !is_post && pre.contains(&now) {
                    change = -p.eta_pre * value(post, now, p.tau_post, early_post);
                }
                w = (w + change).clamp(p.w_min, p.w_max);
            }
        }
        w
    })
}

nl_plasticity::stdp_laws!(pub(crate) mod pre_and_post, pre_post);
nl_plasticity::stdp_laws!(
    pub(crate) mod post_only_form,
    post_only,
    exempt: [RateLinear = "the change depends on the weight, which the earlier changes have moved"]
);
nl_plasticity::stdp_laws!(pub(crate) mod published_program, published);
