//! Eligibility traces that turn into weight changes when a global signal comes, integrated in closed form.

use core::cell::RefCell;

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use super::common::{Clip, TraceState, Traces};
use crate::{Activity, Decay, Error};

/// One eligibility e_s a synapse, τ e' = −e, and a global signal r(t): w' = r e.
///
/// Between two touches of a synapse e_s = E_s e^(−(t − origin)/τ) with a constant E_s, so that its weight gains
/// E_s (R(t) − R(touch)) with one global integral R(t) = ∫ r e^(−(u − origin)/τ) du: a touch costs one product, and synapses
/// that nobody touches cost nothing until `settle`. When e^(…/τ) has grown large, all are settled and `origin` moves up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub(crate) struct Eligibility<F> {
    scaled: Vec<F>,
    /// R at each synapse's last touch.
    applied: Vec<f64>,
    /// R now.
    total: f64,
    origin: Option<u64>,
}

impl<F: Real> Eligibility<F> {
    /// How large e^((t − origin)/τ) may become, as ln, before `origin` moves.
    const REACH: f64 = 10.0;

    pub(crate) fn new(synapses: usize) -> Self {
        Self { scaled: vec![F::ZERO; synapses], applied: vec![0.0; synapses], total: 0.0, origin: None }
    }

    /// `Ok` if it has a value for each synapse of `weights`.
    pub(crate) fn check<W: Weights<F>>(&self, rule: &'static str, weights: &W) -> Result<(), Error> {
        nl_neuron::Error::length(rule, "weights (synapses)", self.scaled.len(), weights.synapses())?;
        nl_neuron::Error::length(rule, "state (synapses)", self.scaled.len(), self.applied.len())?;
        Ok(())
    }

    /// Adds ∫ r e^(−(u − start)/τ) du over an interval that begins at the end of step `start`.
    pub(crate) fn integrate(&mut self, decay: Decay, start: u64, integral: f64) {
        // Without an origin every eligibility is 0.
        if let Some(origin) = self.origin {
            self.total += decay.over(start.saturating_sub(origin)) * integral;
        }
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
        self.applied.fill(0.0);
        self.total = 0.0;
        self.origin = Some(now);
        F::ONE
    }

    /// Brings one synapse's weight up to date, then adds `jump` to E.
    #[inline]
    fn touch(&mut self, synapse: usize, w: &mut F, clip: Clip<F>, jump: F) {
        let due = self.scaled[synapse] * F::from_f64(self.total - self.applied[synapse]);
        *w = clip.of(*w + due);
        self.applied[synapse] = self.total;
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

    /// Brings all weights up to date.
    pub(crate) fn settle<W: Weights<F>>(&mut self, clip: Clip<F>, weights: &mut W) {
        for (synapse, w) in weights.weights_mut().iter_mut().enumerate() {
            self.touch(synapse, w, clip, F::ZERO);
        }
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
            return Err(nl_neuron::Error::Index { what: rule, index: index as usize, n }.into());
        }
        for &i in pre {
            weights.for_outgoing(i, |synapse, _, w| self.touch(synapse, w, clip, F::ZERO));
        }
        Ok(())
    }
}
