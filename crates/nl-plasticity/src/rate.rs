//! What every rule between rate neurons offers.

use core::fmt::Debug;

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, TraceValues, view};

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

    /// The bounds (w_min, w_max) within which the rule keeps every weight, in the precision of the weights; `None` if it has
    /// none.
    fn bounds(&self) -> Option<(F, F)> {
        None
    }

    /// All that changes over time besides the weights, for monitors; the names are those of the rule's page.
    fn traces(&self, _state: &Self::State) -> Vec<TraceValues<F>> {
        Vec::new()
    }

    /// The trace called `name`.
    ///
    /// # Errors
    /// [`Error::Trace`], with the names there are.
    fn trace(&self, state: &Self::State, name: &str) -> Result<TraceValues<F>, Error> {
        view::named(self.name(), name, self.traces(state))
    }

    /// One update by activities `x`, `[pre]`, and `y`, `[post]`.
    ///
    /// # Errors
    /// If lengths differ, or an activity is not finite or beyond ±2³² (4.3·10⁹); then nothing has changed.
    fn step<W: Weights<F>>(&self, state: &mut Self::State, x: &[F], y: &[F], weights: &mut W) -> Result<(), Error>;
}

/// `Ok` if the populations are neither empty nor too large.
pub(crate) fn check_populations(rule: &'static str, pre: usize, post: usize) -> Result<(), Error> {
    nl_units::Error::population(rule, pre)?;
    nl_units::Error::population(rule, post)?;
    Ok(())
}

/// The largest activity: nothing that a rule makes of it overflows.
const LARGEST: f64 = 4_294_967_296.0;

/// `Ok` if `x` and `y` fit the connection and lie within ±2³²: what `step` calls first.
pub(crate) fn check_rates<F: Real, W: Weights<F>>(
    rule: &'static str,
    x: &[F],
    y: &[F],
    weights: &W,
) -> Result<(), Error> {
    for (name, rates, n) in [("x", x, weights.pre()), ("y", y, weights.post())] {
        nl_units::Error::length(rule, name, n, rates.len())?;
        for &rate in rates {
            let expected = "use an activity within -2^32 to 2^32";
            nl_units::Error::check(rule, name, rate.to_f64(), |x| x.abs() <= LARGEST, expected)?;
        }
    }
    Ok(())
}
