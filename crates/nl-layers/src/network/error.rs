//! What can be wrong with a network.

/// A network that cannot be built, run, read or restored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A neuron model, or the size of something.
    #[error(transparent)]
    Neuron(#[from] nl_neuron::Error),
    /// A connection.
    #[error(transparent)]
    Synapse(#[from] nl_synapse::Error),
    /// A learning rule.
    #[error(transparent)]
    Plasticity(#[from] nl_plasticity::Error),
    /// Parts that do not fit together.
    #[error("network: {0}")]
    Invalid(String),
    /// A snapshot that is not one of this network.
    #[error("network snapshot: {0}")]
    Snapshot(String),
}
