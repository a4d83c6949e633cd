//! What can be wrong with a connection.

/// A connection that cannot be built or used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter, a length, a population or an index that does not fit.
    #[error(transparent)]
    Neuron(#[from] nl_units::Error),
    /// A synapse names a neuron that does not exist.
    #[error("{what}: synapse {synapse} names neuron {index} of a population of {n}; indices run from 0 to n - 1")]
    Index {
        /// The connection.
        what: &'static str,
        /// Which synapse of the list.
        synapse: usize,
        /// The index it names.
        index: u32,
        /// The population's size.
        n: usize,
    },
    /// More synapses than a connection can number.
    #[error("{what}: {synapses} synapses; one connection holds at most 4294967295: split it into several projections")]
    TooMany {
        /// The connection.
        what: &'static str,
        /// How many were asked for.
        synapses: u128,
    },
    /// The memory for a connection is not there.
    #[error("{what}: no memory for {bytes} bytes; use fewer neurons or synapses")]
    Memory {
        /// The connection.
        what: &'static str,
        /// How many bytes were asked for.
        bytes: u128,
    },
    /// Something else that cannot be.
    #[error("{what}: {message}")]
    Invalid {
        /// The connection.
        what: &'static str,
        /// What is wrong, with the offending values, and what to do.
        message: String,
    },
}

impl Error {
    /// `Ok` if `synapses` can be numbered by `u32`.
    pub(crate) fn count(what: &'static str, synapses: u128) -> Result<(), Self> {
        if synapses <= u128::from(u32::MAX) { Ok(()) } else { Err(Self::TooMany { what, synapses }) }
    }
}
