//! What every spike-driven rule offers.

use core::fmt::Debug;

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Activity, Error, TraceValues, view};

/// A local learning rule discretised with one time step: hyper-parameters, nothing that changes.
///
/// # Contract
/// - Weights change in `step` and `settle` only, and stay within the rule's bounds.
/// - Steps ascend; one without spikes (and without a modulator the rule listens to) may be left out with the same result,
///   unless the rule looks at voltages or learning signals in every step and says so.
/// - Every weight change is multiplied by `activity.rate`, which is finite.
/// - When a weight is read changes nothing: `settle` and `settle_outgoing` may be called at any time and any number of times
///   with the same result; a bound is met when the weight meets it, not when somebody looks.
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

    /// The bounds (w_min, w_max) within which the rule keeps every weight, in the precision of the weights; `None` if it has
    /// none.
    fn bounds(&self) -> Option<(F, F)> {
        None
    }

    /// |Δw| by one typical event, in the unit of the weight: the largest amplitude of the rule, as its page says; `None` if
    /// that depends on signals which the rule does not know.
    fn step_size(&self) -> Option<f64> {
        None
    }

    /// `Ok` if each of `weights` is a number within [`bounds`](Self::bounds): for a network to ask before it learns, since a
    /// weight outside jumps to the bound at its first change.
    ///
    /// # Errors
    /// [`Error::Weight`], with the first that is not.
    fn check_weights(&self, weights: &[F]) -> Result<(), Error> {
        let Some((low, high)) = self.bounds() else { return Ok(()) };
        match weights.iter().position(|w| !(*w >= low && *w <= high)) {
            None => Ok(()),
            Some(synapse) => Err(Error::Weight {
                rule: self.name(),
                synapse,
                weight: weights[synapse].to_f64(),
                w_min: low.to_f64(),
                w_max: high.to_f64(),
            }),
        }
    }

    /// `Ok` if [`step_size`](Self::step_size) counts beside [`bounds`](Self::bounds): it is 0 (learning switched off), or at
    /// least 10⁻⁶ of their distance and not lost when it is added to a weight at either bound.
    ///
    /// # Errors
    /// [`Error::Step`].
    fn check_step(&self) -> Result<(), Error> {
        let (Some((low, high)), Some(step)) = (self.bounds(), self.step_size()) else { return Ok(()) };
        let (w_min, w_max) = (low.to_f64(), high.to_f64());
        let lost = low + F::from_f64(step) == low || high - F::from_f64(step) == high;
        if step == 0.0 || w_min == w_max || (!lost && step >= 1e-6 * (w_max - w_min)) {
            return Ok(());
        }
        Err(Error::Step { rule: self.name(), step, w_min, w_max })
    }

    /// All traces at the end of step `now`, for monitors; the names are those of the rule's page.
    fn traces(&self, _state: &Self::State, _now: u64) -> Vec<TraceValues<F>> {
        Vec::new()
    }

    /// The trace called `name` at the end of step `now`.
    ///
    /// # Errors
    /// [`Error::Trace`], with the names there are.
    fn trace(&self, state: &Self::State, now: u64, name: &str) -> Result<TraceValues<F>, Error> {
        view::named(self.name(), name, self.traces(state, now))
    }

    /// The state of silence for a connection of `pre` to `post` neurons with that many synapses.
    ///
    /// # Errors
    /// If a population is empty or too large, or the memory is not there.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule that says nothing but what it must.
    struct Terse;

    impl PlasticityRule<f64> for Terse {
        type State = ();
        fn name(&self) -> &'static str {
            "terse"
        }
        fn dt(&self) -> Ms {
            Ms(1.0)
        }
        fn state(&self, _pre: usize, _post: usize, _synapses: usize) -> Result<(), Error> {
            Ok(())
        }
        fn step<W: Weights<f64>>(&self, (): &mut (), _: &Activity<'_, f64>, _: &mut W) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn a_rule_that_says_nothing_has_no_bounds_no_step_and_no_traces() {
        assert_eq!((Terse.bounds(), Terse.step_size()), (None, None));
        assert!(Terse.check_weights(&[-1e300, 0.0, 1e300]).is_ok() && Terse.check_step().is_ok());
        assert!(Terse.traces(&(), 0).is_empty());
        let error = Terse.trace(&(), 0, "x").unwrap_err().to_string();
        assert!(error.contains("terse") && error.contains('x'), "{error}");
    }
}
