//! A sparse connection whose synapses all have the same weight.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::connection::{check_delivery, check_scaled};
use crate::{Connection, Csr, Error};

const NAME: &str = "uniform";

/// [`Csr`] and one weight for all: 4 bytes a synapse. What large random networks of fixed weights use.
///
/// ```
/// use nl_synapse::{Connection, Csr, Uniform};
/// let synapses = Uniform::new(Csr::from_edges(2, 2, &[(0, 1), (1, 1)])?, 0.1_f64)?;
/// let mut input = [0.0; 2];
/// synapses.deliver(&[0, 1], &mut input)?;
/// assert_eq!(input, [0.0, 0.2]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct Uniform<F = f32> {
    csr: Csr,
    weight: F,
}

impl<F: Real> Uniform<F> {
    /// The connection whose every synapse has this weight.
    ///
    /// # Errors
    /// If the weight is not finite.
    pub fn new(csr: Csr, weight: F) -> Result<Self, Error> {
        nl_neuron::Error::finite(NAME, "weight", weight.to_f64())?;
        Ok(Self { csr, weight })
    }

    /// Who is connected to whom.
    #[must_use]
    pub fn csr(&self) -> &Csr {
        &self.csr
    }

    /// The weight.
    #[must_use]
    pub fn weight(&self) -> F {
        self.weight
    }
}

impl<F: Real> Connection<F> for Uniform<F> {
    fn pre(&self) -> usize {
        self.csr.pre()
    }

    fn post(&self) -> usize {
        self.csr.post()
    }

    fn synapses(&self) -> usize {
        self.csr.synapses()
    }

    fn deliver(&self, spikes: &[u32], input: &mut [F]) -> Result<(), Error> {
        check_delivery(NAME, (self.pre(), self.post()), spikes, input)?;
        for &i in spikes {
            for &j in self.csr.row(i) {
                input[j as usize] += self.weight;
            }
        }
        Ok(())
    }

    fn deliver_scaled(&self, spikes: &[u32], scale: &[F], input: &mut [F]) -> Result<(), Error> {
        check_scaled(NAME, (self.pre(), self.post()), spikes, scale, input)?;
        for (&i, &s) in spikes.iter().zip(scale) {
            let w = s * self.weight;
            for &j in self.csr.row(i) {
                input[j as usize] += w;
            }
        }
        Ok(())
    }

    fn restrict(&self, range: core::ops::Range<usize>) -> Result<Option<(Self, Vec<u32>)>, Error> {
        let (csr, kept) = self.csr.restrict(range)?;
        Ok(Some((Self { csr, weight: self.weight }, kept)))
    }
}
