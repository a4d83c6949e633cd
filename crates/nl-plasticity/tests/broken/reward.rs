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
    SettledWithOthers,
}

const TAU: f64 = 10.0;
const SIZE: f64 = 0.05;

/// A pre spike followed by a post spike within 20 ms makes a synapse eligible, τ_c = 10 ms; dopamine adds its amount times
/// the eligibility, within [0, 1] at every moment; it shows when the weight is settled.
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
    origin: Option<u64>,
}

impl Reward {
    fn decay(&self, state: &mut State, now: u64) {
        for (e, touched) in state.eligibility.iter_mut().zip(&mut state.touched) {
            if self.fault != Fault::EligibilityNeverDecays {
                *e *= (-((now - *touched) as f64) * self.dt.0 / TAU).exp();
            }
            *touched = now;
        }
    }
}

impl Reward {
    /// The mistake that the eligibility rules of this crate made: a weight is clipped when it is written, which the spikes of
    /// its own neurons do, and, when the common factor of all eligibilities has become small, anybody's.
    fn clip_late<W: Weights<f64>>(&self, s: &mut State, activity: &Activity<'_, f64>, weights: &mut W) {
        if activity.pre.is_empty() && activity.post.is_empty() {
            return;
        }
        let origin = *s.origin.get_or_insert(activity.now);
        let mut write = |synapse: usize, w: &mut f64| {
            *w = (*w + s.due[synapse]).clamp(0.0, 1.0);
            s.due[synapse] = 0.0;
        };
        if (activity.now - origin) as f64 * self.dt.0 > 4.0 * TAU {
            s.origin = Some(activity.now);
            weights.weights_mut().iter_mut().enumerate().for_each(|(synapse, w)| write(synapse, w));
        }
        for &i in activity.pre {
            weights.for_outgoing(i, |synapse, _, w| write(synapse, w));
        }
        for &j in activity.post {
            weights.for_incoming(j, |synapse, _, w| write(synapse, w));
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
            origin: None,
        })
    }

    fn step<W: Weights<f64>>(&self, s: &mut State, activity: &Activity<'_, f64>, weights: &mut W) -> Result<(), Error> {
        activity.check("broken", (s.last_pre.len(), s.posts), &mut s.last, weights)?;
        let now = activity.now;
        self.decay(s, now);
        if self.fault == Fault::SettledWithOthers {
            self.clip_late(s, activity, weights);
        }
        for &j in activity.post {
            weights.for_incoming(j, |synapse, i, w| {
                let lag = s.last_pre[i as usize].map(|last| (now - last) as f64 * self.dt.0);
                if lag.is_some_and(|lag| lag < 20.0) {
                    s.eligibility[synapse] += 1.0;
                    if self.fault == Fault::NoDopamineNeeded {
                        *w += activity.rate * SIZE;
                    }
                }
            });
        }
        for &i in activity.pre {
            s.last_pre[i as usize] = Some(now);
        }
        let dopamine = activity.modulators.dopamine;
        for ((due, e), w) in s.due.iter_mut().zip(&s.eligibility).zip(weights.weights()) {
            let e = if self.fault == Fault::DopamineNeedsNoEligibility { 1.0 } else { *e };
            *due += activity.rate * SIZE * dopamine * e;
            if self.fault != Fault::SettledWithOthers {
                *due = (w + *due).clamp(0.0, 1.0) - w;
            }
        }
        Ok(())
    }

    fn settle<W: Weights<f64>>(&self, s: &mut State, _now: u64, weights: &mut W) -> Result<(), Error> {
        for (w, due) in weights.weights_mut().iter_mut().zip(&mut s.due) {
            *w = (*w + *due).clamp(0.0, 1.0);
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
    move |_| Subject::new(move |dt| Reward { fault, dt }).bounds(0.0, 1.0).modulated(dopamine).integrates()
}
