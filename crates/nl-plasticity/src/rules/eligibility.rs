//! Eligibility traces that turn into weight changes when a global signal comes, integrated in closed form.

use core::cell::RefCell;

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use super::common::{Clip, TraceState, Traces};
use crate::memory::filled;
use crate::{Activity, Decay, Error};

/// One eligibility e_s a synapse, τ e' = −e, and a global signal r(t): w' = r e, held within [w_min, w_max] at every moment.
///
/// Between two touches of a synapse e_s = E_s e^(−(t − origin)/τ) with a constant E_s, so that its weight moves with one
/// global integral R(t) = ∫ r e^(−(u − origin)/τ) du: dw = E_s dR. While R keeps its direction, holding w within its bounds
/// all the way is the same as clipping once at the end: w ← clip(w + E_s (R(t) − R(touch))), one product. Where R turns, its
/// value is noted, and a touch goes from turn to turn:
///
/// ```text
/// for each turn R_k after the synapse's last touch:  w ← clip(w + E (R_k − R_{k−1}))
/// ```
///
/// So the moment of a touch changes nothing: not when others spike, not how often `settle` is called. What rounding keeps
/// back from a weight (an f32 of 100 does not see 10⁻⁶) waits in `rest` for the next touch, for the same reason. Synapses
/// that nobody touches cost nothing until `settle`, until e^((t − origin)/τ) has grown large and `origin` moves up, or until
/// [`TURNS`](Self::TURNS) turns are noted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub(crate) struct Eligibility<F> {
    scaled: Vec<F>,
    /// What each weight lacks of its exact value.
    rest: Vec<F>,
    /// R at each synapse's last touch.
    applied: Vec<f64>,
    /// Number of turns at each synapse's last touch.
    seen: Vec<u32>,
    /// R now; 0 after all synapses were touched.
    total: f64,
    /// R where it turned, and the least and the greatest R, since then.
    turns: Vec<f64>,
    extent: (f64, f64),
    /// Whether R grew when it last moved.
    rising: bool,
    origin: Option<u64>,
}

impl<F: Real> Eligibility<F> {
    /// How large e^((t − origin)/τ) may become, as ln, before `origin` moves: R is rounded and then multiplied by as much, so
    /// that e^5 costs two digits of sixteen; and every synapse is visited once in so many τ.
    const REACH: f64 = 5.0;

    /// How many turns are noted before all weights are brought up to date.
    const TURNS: usize = 1024;

    /// How small an increment of R may be beside R before all weights are brought up to date and R begins at 0 again, so
    /// that one huge signal does not swallow those after it.
    const SMALL: f64 = 1.0 / (1_u64 << 30) as f64;

    pub(crate) fn new(rule: &'static str, synapses: usize) -> Result<Self, Error> {
        Ok(Self {
            scaled: filled(rule, F::ZERO, synapses)?,
            rest: filled(rule, F::ZERO, synapses)?,
            applied: filled(rule, 0.0, synapses)?,
            seen: filled(rule, 0, synapses)?,
            total: 0.0,
            turns: Vec::new(),
            extent: (0.0, 0.0),
            rising: false,
            origin: None,
        })
    }

    /// `Ok` if it has a value for each synapse of `weights`.
    pub(crate) fn check<W: Weights<F>>(&self, rule: &'static str, weights: &W) -> Result<(), Error> {
        nl_units::Error::length(rule, "weights (synapses)", self.scaled.len(), weights.synapses())?;
        for length in [self.rest.len(), self.applied.len(), self.seen.len()] {
            nl_units::Error::length(rule, "state (synapses)", self.scaled.len(), length)?;
        }
        Ok(())
    }

    /// e of each synapse at step `now`.
    pub(crate) fn values(&self, decay: Decay, now: u64) -> Vec<F> {
        let factor = decay.over(now.saturating_sub(self.origin.unwrap_or(now)));
        self.scaled.iter().map(|e| F::from_f64(e.to_f64() * factor)).collect()
    }

    /// Adds ∫ r e^(−(u − start)/τ) du over an interval that begins at the end of step `start` and in which r keeps its sign.
    pub(crate) fn integrate<W: Weights<F>>(
        &mut self,
        decay: Decay,
        start: u64,
        integral: f64,
        clip: Clip<F>,
        weights: &mut W,
    ) {
        // Without an origin every eligibility is 0; what is not finite the rules have refused.
        let Some(origin) = self.origin else { return };
        let step = decay.over(start.saturating_sub(origin)) * integral;
        if step == 0.0 || !step.is_finite() {
            return;
        }
        let rising = step > 0.0;
        if self.turns.len() >= Self::TURNS || step.abs() < self.total.abs() * Self::SMALL {
            self.settle(clip, weights);
        } else if rising != self.rising && (self.total != 0.0 || !self.turns.is_empty()) {
            self.turns.push(self.total);
        }
        self.rising = rising;
        self.total += step;
        self.extent = (self.extent.0.min(self.total), self.extent.1.max(self.total));
    }

    /// e^((now − origin)/τ): what a jump of 1 at step `now` adds to E; call it before the touches of a step.
    fn growth<W: Weights<F>>(&mut self, decay: Decay, now: u64, clip: Clip<F>, weights: &mut W) -> F {
        let origin = *self.origin.get_or_insert(now);
        let reach = now.saturating_sub(origin) as f64 * decay.per_step();
        if reach <= Self::REACH {
            return F::from_f64(reach.exp());
        }
        self.settle(clip, weights);
        let factor = F::from_f64((-reach).exp());
        for scaled in &mut self.scaled {
            *scaled *= factor;
        }
        self.origin = Some(now);
        F::ONE
    }

    /// Brings one synapse's weight up to date, then adds `jump` to E.
    #[inline]
    fn touch(&mut self, synapse: usize, w: &mut F, clip: Clip<F>, jump: F) {
        let (low, high) = clip.bounds();
        let (low, high) = (low.to_f64(), high.to_f64());
        let e = self.scaled[synapse].to_f64();
        let mut value = Sum { high: w.to_f64(), low: self.rest[synapse].to_f64() };
        let mut from = self.applied[synapse];
        let turns = self.turns.get(self.seen[synapse] as usize..).unwrap_or(&[]);
        // No turn matters to a weight which no value of R has taken to a bound.
        let reached = |r: f64| value.high + e * (r - from);
        let free = |x: f64| low < x && x < high;
        let nowhere = free(reached(self.extent.0)) && free(reached(self.extent.1));
        if !turns.is_empty() && !nowhere {
            for &turn in turns {
                value = value.plus(e * (turn - from)).within(low, high);
                from = turn;
            }
        }
        let value = value.plus(e * (self.total - from)).within(low, high);
        *w = F::from_f64(value.high);
        self.rest[synapse] = F::from_f64((value.high - w.to_f64()) + value.low);
        self.applied[synapse] = self.total;
        self.seen[synapse] = self.turns.len() as u32;
        self.scaled[synapse] += jump;
    }

    /// Pair STDP on the eligibilities: += a_plus x at a post spike, −= a_minus y at a pre spike.
    pub(crate) fn pair_step<W: Weights<F>>(
        &mut self,
        decay: Decay,
        (a_plus, a_minus): (F, F),
        (traces, state): (Traces, &mut TraceState<F>),
        activity: &Activity<'_, F>,
        weights: &mut W,
        clip: Clip<F>,
    ) {
        if activity.pre.is_empty() && activity.post.is_empty() {
            return;
        }
        let growth = self.growth(decay, activity.now, clip, weights);
        let shared = RefCell::new(self);
        traces.step(
            state,
            activity,
            weights,
            |weights, i, y, factor| {
                let (scale, mut eligibility) = (-(a_minus * growth * factor), shared.borrow_mut());
                weights.for_outgoing(i, |s, j, w| eligibility.touch(s, w, clip, scale * y[j as usize]));
            },
            |weights, j, x, factor| {
                let (scale, mut eligibility) = (a_plus * growth * factor, shared.borrow_mut());
                weights.for_incoming(j, |s, i, w| eligibility.touch(s, w, clip, scale * x[i as usize]));
            },
        );
    }

    /// Brings all weights up to date; R begins at 0 again.
    pub(crate) fn settle<W: Weights<F>>(&mut self, clip: Clip<F>, weights: &mut W) {
        for (synapse, w) in weights.weights_mut().iter_mut().enumerate() {
            self.touch(synapse, w, clip, F::ZERO);
        }
        self.applied.fill(0.0);
        self.seen.fill(0);
        self.turns.clear();
        (self.total, self.extent) = (0.0, (0.0, 0.0));
    }

    /// Brings the weights that leave `pre` up to date.
    pub(crate) fn settle_outgoing<W: Weights<F>>(
        &mut self,
        rule: &'static str,
        pre: &[u32],
        clip: Clip<F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let n = weights.pre();
        if let Some(&index) = pre.iter().find(|&&i| i as usize >= n) {
            return Err(nl_units::Error::Index { what: rule, index: index as usize, n }.into());
        }
        for &i in pre {
            weights.for_outgoing(i, |synapse, _, w| self.touch(synapse, w, clip, F::ZERO));
        }
        Ok(())
    }
}

/// `Ok` if the integral of the global signal over a step is a number that may be added up: what `step` calls before anything
/// changes.
pub(crate) fn check_signal(rule: &'static str, signal: f64) -> Result<(), nl_units::Error> {
    let expected = "use a signal, a learning rate and a time step whose product is a number below 1e100";
    nl_units::Error::check(rule, "rate * dopamine * dt", signal, |x| x.abs() < 1e100, expected)
}

/// high + low, unevaluated, low being what high has lost by rounding.
#[derive(Clone, Copy)]
struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    /// The sum with x: Knuth's exact sum of two numbers (The Art of Computer Programming 2, 4.2.2, theorem B).
    fn plus(self, x: f64) -> Self {
        let x = x + self.low;
        let high = self.high + x;
        let part = high - self.high;
        Self { high, low: (self.high - (high - part)) + (x - part) }
    }

    /// Held within the bounds, at which nothing is left over; the lower bound for NaN.
    fn within(self, low: f64, high: f64) -> Self {
        if self.high >= high {
            Self { high, low: 0.0 }
        } else if self.high > low {
            self
        } else {
            Self { high: low, low: 0.0 }
        }
    }
}
