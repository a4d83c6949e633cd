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
}
