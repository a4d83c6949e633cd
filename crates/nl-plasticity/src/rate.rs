//! What every rule between rate neurons offers.

use core::fmt::Debug;

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// A learning rule between neurons whose activities are numbers: x of the pre, y of the post neurons.
///
/// One call is one update; `y` is given, not computed, so that any non-linearity, lateral inhibition or recurrence is the
/// caller's. Weights stay within the rule's bounds.
pub trait RateRule<F: Real> {
    /// Whatever changes over time besides the weights.
    type State: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send;

    /// The rule's name in messages and plots.
    fn name(&self) -> &'static str;

    /// The state before the first update of a connection of `pre` to `post` neurons.
    ///
    /// # Errors
    /// If a population is empty or too large.
    fn state(&self, pre: usize, post: usize) -> Result<Self::State, Error>;

    /// One update by activities `x`, `[pre]`, and `y`, `[post]`.
    ///
    /// # Errors
    /// If lengths differ or an activity is not finite.
    fn step<W: Weights<F>>(&self, state: &mut Self::State, x: &[F], y: &[F], weights: &mut W) -> Result<(), Error>;
}

/// `Ok` if the populations are neither empty nor too large.
pub(crate) fn check_populations(rule: &'static str, pre: usize, post: usize) -> Result<(), Error> {
    nl_neuron::Error::population(rule, pre)?;
    nl_neuron::Error::population(rule, post)?;
    Ok(())
}

/// `Ok` if `x` and `y` fit the connection and are finite: what `step` calls first.
pub(crate) fn check_rates<F: Real, W: Weights<F>>(
    rule: &'static str,
    x: &[F],
    y: &[F],
    weights: &W,
) -> Result<(), Error> {
    for (name, rates, n) in [("x", x, weights.pre()), ("y", y, weights.post())] {
        nl_neuron::Error::length(rule, name, n, rates.len())?;
        for &rate in rates {
            nl_neuron::Error::finite(rule, name, rate.to_f64())?;
        }
    }
    Ok(())
}
