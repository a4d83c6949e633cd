//! Neuron i to neuron i.

use crate::{Csr, Error};

use super::from_rows;

/// n synapses: (i, i) for each neuron i of two populations of `n`.
///
/// ```
/// let csr = nl_synapse::connectivity::one_to_one(3)?;
/// assert_eq!(csr.edges().collect::<Vec<_>>(), [(0, 0), (1, 1), (2, 2)]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// If `n` is 0 or does not fit `u32`.
pub fn one_to_one(n: usize) -> Result<Csr, Error> {
    nl_units::Error::population("one-to-one", n)?;
    from_rows("one-to-one", (n, n), n as u128, |i, targets| targets.push(i))
}
