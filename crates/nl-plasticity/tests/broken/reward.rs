//! One small dopamine-modulated rule that can be told to make one mistake.

use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{Activity, Error, Modulators, Ms, PlasticityRule, Weights};
use serde::{Deserialize, Serialize};

/// What is wrong with the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    EligibilityNeverDecays,
    DopamineNeedsNoEligibility,
    NoDopamineNeeded,
    SettledAgain,
}

/// A pre spike followed by a post spike within 20 ms makes a synapse eligible, τ_c = 50 ms; dopamine adds its amount times
/// the eligibility when the weight is settled.
#[derive(Debug, Clone)]
pub(crate) struct Reward {
    fault: Fault,
    dt: Ms,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    last_pre: Vec<Option<u64>>,
    eligibility: Vec<f64>,
    touched: Vec<u64>,
    due: Vec<f64>,
    posts: usize,
    last: Option<u64>,
}

impl Reward {
    fn decay(&self, state: &mut State, now: u64) {
        for (e, touched) in state.eligibility.iter_mut().zip(&mut state.touched) {
            if self.fault != Fault::EligibilityNeverDecays {
                *e *= (-((now - *touched) as f64) * self.dt.0 / 50.0).exp();
            }
            *touched = now;
        }
    }
}

impl PlasticityRule<f64> for Reward {
    type State = State;

    fn name(&self) -> &'static str {
        "the broken reward-modulated rule"
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<State, Error> {
        Ok(State {
            last_pre: vec![None; pre],
            eligibility: vec![0.0; synapses],
            touched: vec![0; synapses],
            due: vec![0.0; synapses],
            posts: post,
            last: None,
        })
    }

    fn step<W: Weights<f64>>(&self, s: &mut State, activity: &Activity<'_, f64>, weights: &mut W) -> Result<(), Error> {
        activity.check("broken", (s.last_pre.len(), s.posts), &mut s.last, weights)?;
        let now = activity.now;
        self.decay(s, now);
        for &j in activity.post {
            weights.for_incoming(j, |synapse, i, w| {
                let lag = s.last_pre[i as usize].map(|last| (now - last) as f64 * self.dt.0);
                if lag.is_some_and(|lag| lag < 20.0) {
                    s.eligibility[synapse] += 1.0;
                    if self.fault == Fault::NoDopamineNeeded {
                        *w += activity.rate * 0.01;
                    }
                }
            });
        }
        for &i in activity.pre {
            s.last_pre[i as usize] = Some(now);
        }
        let dopamine = activity.modulators.dopamine;
        for (due, e) in s.due.iter_mut().zip(&s.eligibility) {
            let e = if self.fault == Fault::DopamineNeedsNoEligibility { 1.0 } else { *e };
            *due += activity.rate * 0.01 * dopamine * e;
        }
        Ok(())
    }

    fn settle<W: Weights<f64>>(&self, s: &mut State, _now: u64, weights: &mut W) -> Result<(), Error> {
        for (w, due) in weights.weights_mut().iter_mut().zip(&mut s.due) {
            *w += *due;
            if self.fault != Fault::SettledAgain {
                *due = 0.0;
            }
        }
        Ok(())
    }
}

/// The rule with its mistake, claiming to have none.
pub(crate) fn broken(fault: Fault) -> impl Fn(&Knobs) -> Subject<f64, Reward> {
    let dopamine = |dopamine| Modulators { dopamine, ..Modulators::default() };
    move |_| Subject::new(move |dt| Reward { fault, dt }).modulated(dopamine).integrates()
}
