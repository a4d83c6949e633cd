//! What can be wrong with a rule or what it is shown.

/// A rule that cannot be built, or activity that does not fit its state.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter, a length, a population or an index that does not fit.
    #[error(transparent)]
    Neuron(#[from] nl_neuron::Error),
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
