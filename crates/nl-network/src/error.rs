//! What can be wrong with a network.

/// A network that cannot be built, run, read or restored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A neuron model, or the size of something.
    #[error(transparent)]
    Neuron(#[from] nl_units::Error),
    /// A connection.
    #[error(transparent)]
    Synapse(#[from] nl_synapse::Error),
    /// A learning rule.
    #[error(transparent)]
    Plasticity(#[from] nl_plasticity::Error),
    /// The memory for a part of the network is not there.
    #[error("network: no memory for {bytes} bytes ({what}); use fewer neurons or synapses, or a machine with more")]
    Memory {
        /// What it was for.
        what: String,
        /// How many bytes were asked for.
        bytes: u128,
    },
    /// A variable or a weight that is no number any more.
    #[error("network: {what} in one of the steps {first} to {last}; {help}")]
    NotFinite {
        /// Variable, neuron and population, or synapse and projection; and what it became.
        what: String,
        /// The first step that can have done it: the one after everything was last found to be finite.
        first: u64,
        /// The last step run.
        last: u64,
        /// What to look at.
        help: &'static str,
    },
    /// Parts that do not fit together.
    #[error("network: {0}")]
    Invalid(String),
    /// A snapshot that is not one of this network.
    #[error("network snapshot: {0}")]
    Snapshot(String),
}
