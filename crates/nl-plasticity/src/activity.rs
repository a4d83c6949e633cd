//! What a rule sees of one time step.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::Error;

/// One time step as seen from the synapses.
///
/// `pre` are the presynaptic spikes that reach the synapses in this step (after the axonal delay), `post` the
/// postsynaptic ones (after the dendritic delay); both ascending.
#[derive(Debug, Clone, Copy)]
pub struct Activity<'a, F> {
    /// The step's index.
    pub now: u64,
    /// Presynaptic spikes at the synapse.
    pub pre: &'a [u32],
    /// Postsynaptic spikes at the synapse.
    pub post: &'a [u32],
    /// Membrane potentials of the postsynaptic neurons in mV, `[post]`; empty for rules that do not look at them.
    pub v_post: &'a [F],
    /// The neuromodulators' concentrations.
    pub modulators: Modulators,
    /// Factor on every weight change of this step; 1 unless a gate says otherwise.
    pub rate: F,
}

impl<'a, F: Real> Activity<'a, F> {
    /// Spikes alone: no voltages, no modulators, rate 1.
    #[must_use]
    pub fn spikes(now: u64, pre: &'a [u32], post: &'a [u32]) -> Self {
        Self { now, pre, post, v_post: &[], modulators: Modulators::default(), rate: F::ONE }
    }
}

impl<F: Real> Activity<'_, F> {
    /// `Ok` if all spikes lie within `(pre, post)` neurons and the step comes after `last`, which becomes this step.
    ///
    /// # Errors
    /// [`nl_neuron::Error::Index`] or [`Error::Order`].
    pub fn check(&self, rule: &'static str, (pre, post): (usize, usize), last: &mut Option<u64>) -> Result<(), Error> {
        for (spikes, n) in [(self.pre, pre), (self.post, post)] {
            if let Some(&index) = spikes.iter().find(|&&i| i as usize >= n) {
                return Err(nl_neuron::Error::Index { what: rule, index: index as usize, n }.into());
            }
        }
        if let Some(last) = last.filter(|&last| last >= self.now) {
            return Err(Error::Order { rule, now: self.now, last });
        }
        *last = Some(self.now);
        Ok(())
    }
}

/// Concentrations of the four neuromodulators, dimensionless, 0 at baseline.
///
/// Source of the roles: Doya, "Metalearning and neuromodulation", Neural Networks 2002.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Modulators {
    /// Reward prediction error.
    pub dopamine: f64,
    /// Speed of learning against keeping; expected uncertainty.
    pub acetylcholine: f64,
    /// Time scale of reward.
    pub serotonin: f64,
    /// Arousal, exploration; unexpected uncertainty.
    pub noradrenaline: f64,
}
