//! Rules that coincide in a limit.

use nl_plasticity::laws::{Cases, Subject, Violation};
use nl_plasticity::laws::{Config, Knobs, equal};
use nl_plasticity::{
    Coincidence, DiehlCookForm, DiehlCookStdp, DiehlCookStdpParameters, Interaction, PairStdpParameters, Pairing,
    TripletStdpParameters, WeightDependence,
};

use crate::pair::{parameters, subject};
use crate::triplet;

fn holds(result: Result<Cases, Box<Violation>>) {
    if let Err(violation) = result {
        panic!("{violation}");
    }
}

#[test]
fn triplet_with_a3_zero_is_pair() {
    let triplet = |knobs: &Knobs| {
        let p = TripletStdpParameters { a3_plus: 0.0, a3_minus: 0.0, ..triplet::fitted(knobs) };
        triplet::subject(p)
    };
    let pair = |knobs: &Knobs| {
        let p = triplet::fitted(knobs);
        subject(PairStdpParameters {
            a_plus: p.a2_plus,
            a_minus: p.a2_minus,
            tau_plus: p.tau_plus,
            tau_minus: p.tau_minus,
            coincidence: p.coincidence,
            pairing: match p.interaction {
                Interaction::AllToAll => Pairing::AllToAll,
                Interaction::Nearest => Pairing::NearestSymmetric,
            },
            ..PairStdpParameters::default()
        })
    };
    holds(equal(&triplet, &pair, &Config::default()));
}

#[test]
fn guetig_with_mu_0_is_additive_and_with_mu_1_multiplicative() {
    for (mu, limit) in [(0.0, WeightDependence::Additive), (1.0, WeightDependence::Multiplicative)] {
        let with = move |dependence| {
            move |knobs: &Knobs| subject::<f64>(PairStdpParameters { dependence, a_plus: 0.3, ..parameters(knobs) })
        };
        let guetig = WeightDependence::Guetig { mu_plus: mu, mu_minus: mu };
        holds(equal(&with(guetig), &with(limit), &Config::default()));
    }
}

#[test]
fn diehl_cook_with_pre_and_post_is_pair() {
    let both = |knobs: &Knobs| {
        let p = parameters(knobs);
        let p = DiehlCookStdpParameters {
            form: DiehlCookForm::PrePost,
            eta_pre: p.a_minus,
            eta_post: p.a_plus,
            tau_pre: p.tau_plus,
            tau_post: p.tau_minus,
            interaction: Interaction::AllToAll,
            coincidence: p.coincidence,
            w_min: p.w_min,
            w_max: p.w_max,
            ..DiehlCookStdpParameters::default()
        };
        Subject::new(move |dt| DiehlCookStdp::<f64>::new(p, dt).expect("valid")).bounds(p.w_min, p.w_max)
    };
    holds(equal(&both, &|knobs: &Knobs| subject(parameters(knobs)), &Config::default()));
}

/// So that the law can fail: two rules that do not coincide are told apart.
#[test]
fn options_are_told_apart() {
    let with =
        |coincidence| move |knobs: &Knobs| subject::<f64>(PairStdpParameters { coincidence, ..parameters(knobs) });
    let all = [Coincidence::Ignore, Coincidence::Potentiate, Coincidence::Depress, Coincidence::Both];
    for (n, &a) in all.iter().enumerate() {
        for &b in &all[n + 1..] {
            assert!(equal(&with(a), &with(b), &Config::default()).is_err(), "{a:?} = {b:?}");
        }
    }
}
