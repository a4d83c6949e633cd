//! What can be wrong with a rule or what it is shown.

/// A rule that cannot be built, or activity that does not fit its state.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter, a length, a population or an index that does not fit.
    #[error(transparent)]
    Neuron(#[from] nl_units::Error),
    /// A connection that does not fit.
    #[error(transparent)]
    Synapse(#[from] nl_synapse::Error),
    /// Time ran backwards.
    #[error("{rule}: step {now} after step {last}; steps must ascend, each shown at most once")]
    Order {
        /// The rule.
        rule: &'static str,
        /// The step it was shown.
        now: u64,
        /// The step it saw before.
        last: u64,
    },
    /// Spikes out of order, or one twice.
    #[error("{rule}: spike of neuron {second} after that of {first}; indices must ascend, none twice")]
    Unsorted {
        /// The rule.
        rule: &'static str,
        /// The earlier index.
        first: u32,
        /// The one that does not lie above it.
        second: u32,
    },
    /// A weight outside the bounds within which its rule keeps it.
    #[error(
        "{rule}: weight {weight} of synapse {synapse} lies outside [w_min, w_max] = [{w_min}, {w_max}] and would jump there at \
         its first change; start within the bounds, or set w_min and w_max (in the unit of the weights) around the weights"
    )]
    Weight {
        /// The rule.
        rule: &'static str,
        /// The synapse's number.
        synapse: usize,
        /// Its weight.
        weight: f64,
        /// The lower bound.
        w_min: f64,
        /// The upper bound.
        w_max: f64,
    },
    /// A rule whose changes are lost beside its bounds.
    #[error(
        "{rule}: a typical event changes a weight by {step}, which is lost beside [w_min, w_max] = [{w_min}, {w_max}]; raise \
         the amplitude, measure it by the distance of the bounds (`amplitude_unit: range`), or narrow the bounds"
    )]
    Step {
        /// The rule.
        rule: &'static str,
        /// The change by one event, see [`PlasticityRule::step_size`](crate::PlasticityRule::step_size).
        step: f64,
        /// The lower bound.
        w_min: f64,
        /// The upper bound.
        w_max: f64,
    },
    /// A trace that a rule does not have.
    #[error("{rule}: no trace `{name}`; there are: {known}")]
    Trace {
        /// The rule.
        rule: &'static str,
        /// What was asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// The state of another rule.
    #[error("{rule}: the state belongs to another rule; make one with this rule's `state`")]
    State {
        /// The rule.
        rule: &'static str,
    },
}

impl Error {
    /// `Ok` if step `now` comes after `last`.
    pub(crate) fn order(rule: &'static str, now: u64, last: Option<u64>) -> Result<(), Self> {
        match last {
            Some(last) if last >= now => Err(Self::Order { rule, now, last }),
            _ => Ok(()),
        }
    }
}
