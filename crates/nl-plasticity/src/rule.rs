//! What every spike-driven rule offers.

use core::fmt::Debug;

use nl_neuron::{Ms, Real};
use nl_synapse::Weights;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Activity, Error};

/// A local learning rule discretised with one time step: hyper-parameters, nothing that changes.
///
/// # Contract
/// - Weights change in `step` and `settle` only, and stay within the rule's bounds.
/// - Steps ascend; one without spikes (and without a modulator the rule listens to) may be left out with the same result,
///   unless the rule looks at voltages or learning signals in every step and says so.
/// - Every weight change is multiplied by `activity.rate`, which is finite.
/// - A synapse's change depends on its own pre neuron, post neuron, weight and the modulators, on nothing else (unless the
///   rule says so: normalisation).
///
/// The module `laws` (feature `laws`) checks these and more.
pub trait PlasticityRule<F: Real> {
    /// Traces and whatever else changes over time.
    type State: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send;

    /// The rule's name in messages and plots.
    fn name(&self) -> &'static str;

    /// The time step it was discretised with.
    fn dt(&self) -> Ms;

    /// The state of silence for a connection of `pre` to `post` neurons with that many synapses.
    ///
    /// # Errors
    /// If a population is empty or too large.
    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error>;

    /// Shows the rule one step's spikes; it changes the weights.
    ///
    /// # Errors
    /// If a spike or the voltages do not fit the state, or time runs backwards.
    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error>;

    /// Applies changes that are due up to the end of step `now` but wait for a synapse to be touched; call it before
    /// weights are read as a whole. Rules that change weights at spikes only need not implement it.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn settle<W: Weights<F>>(&self, _state: &mut Self::State, _now: u64, _weights: &mut W) -> Result<(), Error> {
        Ok(())
    }

    /// As [`settle`](Self::settle), for the synapses that leave the neurons of `pre` only: call it before their spikes of
    /// step `now` are delivered, so that these travel with the weights of that moment.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn settle_outgoing<W: Weights<F>>(
        &self,
        _state: &mut Self::State,
        _now: u64,
        _pre: &[u32],
        _weights: &mut W,
    ) -> Result<(), Error> {
        Ok(())
    }
}
