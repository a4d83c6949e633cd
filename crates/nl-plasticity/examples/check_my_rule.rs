//! A rule of one's own and its laws: `cargo test -p nl-plasticity --example check_my_rule` runs one test a law;
//! `cargo run --release -p nl-plasticity --example check_my_rule` counts the laws that hold and shows what a mistake
//! looks like.

use nl_plasticity::laws::{Config, Knobs, Law, Subject};
use nl_plasticity::{Activity, Decay, Error, Ms, PlasticityRule, Trace, Weights};

/// Pre spikes leave a trace, τ x' = −x; a post spike moves the weight towards 1 by a share η x of what is missing.
struct MyRule {
    eta: f64,
    decay: Decay,
    dt: Ms,
    /// The mistake: forgets to keep the weight below 1 by adding η x itself.
    hasty: bool,
}

type MyState = (Trace<f64>, usize, Option<u64>);

impl PlasticityRule<f64> for MyRule {
    type State = MyState;

    fn name(&self) -> &'static str {
        if self.hasty { "my rule, in haste" } else { "my rule" }
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn state(&self, pre: usize, post: usize, _synapses: usize) -> Result<MyState, Error> {
        Ok((Trace::new("my rule", pre)?, post, None))
    }

    fn step<W: Weights<f64>>(
        &self,
        (x, post, last): &mut MyState,
        activity: &Activity<'_, f64>,
        weights: &mut W,
    ) -> Result<(), Error> {
        activity.check("my rule", (x.len(), *post), last, weights)?;
        let now = activity.now;
        for &j in activity.post {
            weights.for_incoming(j, |_, i, w| {
                let missing = if self.hasty { 1.0 } else { 1.0 - *w };
                *w += activity.rate * self.eta * x.at(self.decay, now, i) * missing;
            });
        }
        for &i in activity.pre {
            x.set(self.decay, now, i, 1.0);
        }
        Ok(())
    }
}

/// What the rule claims: bounds, the window of one pair, which spikes form pairs.
fn my_rule(knobs: &Knobs, hasty: bool) -> Subject<f64, MyRule> {
    let (eta, tau) = (knobs.scale(0, 0.1), Ms(knobs.scale(1, 20.0)));
    Subject::new(move |dt| MyRule { eta, decay: Decay::new("my rule", "tau", tau, dt).expect("valid"), dt, hasty })
        .bounds(0.0, 1.0)
        .window(move |lag, w| eta * (1.0 - w) * (-lag / tau.0).exp(), |_, _| 0.0)
        .pairing(nl_plasticity::Pairing::NearestSymmetric)
}

// The one line: a test for each law.
nl_plasticity::stdp_laws!(mod laws_of_my_rule, |knobs: &Knobs| my_rule(knobs, false), exempt: [
    RateLinear = "the change depends on the weight, which the earlier changes have moved",
]);

fn main() -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout();
    let hold = |law: &&Law| law.check(&|knobs: &Knobs| my_rule(knobs, false), &Config::default()).is_ok();
    writeln!(out, "{} of {} laws hold\n", Law::ALL.iter().filter(hold).count(), Law::ALL.len())?;
    match Law::Bounds.check(&|knobs: &Knobs| my_rule(knobs, true), &Config::default()) {
        Ok(_) => writeln!(out, "the mistake was not found"),
        Err(violation) => writeln!(out, "{violation}"),
    }
}
