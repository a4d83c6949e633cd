//! A sparse connection with a weight for each synapse.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::connection::{RowWeights, Rows, assert_exists, check_delivery, check_scaled, range_of};
use crate::connectivity::reserve;
use crate::csr::Incoming;
use crate::{Connection, Csr, Error, Weights};

const NAME: &str = "sparse";

/// [`Csr`] and a weight for each synapse: 8 bytes a synapse in `f32`, 16 once a rule has asked for the incoming view.
///
/// ```
/// use nl_synapse::{Connection, Csr, Sparse};
/// let synapses = Sparse::new(Csr::from_edges(2, 3, &[(0, 1), (1, 1), (1, 2)])?, vec![0.5_f32, 1.0, 2.0])?;
/// let mut input = [0.0; 3];
/// synapses.deliver(&[0, 1], &mut input)?;
/// assert_eq!(input, [0.0, 1.5, 2.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "F: Real", try_from = "Unchecked<F>")]
pub struct Sparse<F = f32> {
    csr: Csr,
    weights: Vec<F>,
    /// Built when a rule first asks for it.
    #[serde(skip)]
    incoming: Option<Incoming>,
}

#[derive(Deserialize)]
#[serde(bound = "F: Real")]
struct Unchecked<F> {
    csr: Csr,
    weights: Vec<F>,
}

impl<F: Real> TryFrom<Unchecked<F>> for Sparse<F> {
    type Error = Error;

    fn try_from(raw: Unchecked<F>) -> Result<Self, Error> {
        Self::new(raw.csr, raw.weights)
    }
}

impl<F: Real> PartialEq for Sparse<F> {
    fn eq(&self, other: &Self) -> bool {
        self.csr == other.csr && self.weights == other.weights
    }
}

impl<F: Real> Sparse<F> {
    /// The connection with these weights, by synapse number.
    ///
    /// # Errors
    /// If the numbers of weights and synapses differ, or a weight is not finite.
    pub fn new(csr: Csr, weights: Vec<F>) -> Result<Self, Error> {
        nl_units::Error::length(NAME, "weights", csr.synapses(), weights.len())?;
        for &w in &weights {
            nl_units::Error::finite(NAME, "weight", w.to_f64())?;
        }
        Ok(Self { csr, weights, incoming: None })
    }

    /// Who is connected to whom.
    #[must_use]
    pub fn csr(&self) -> &Csr {
        &self.csr
    }
}

impl<F: Real> Connection<F> for Sparse<F> {
    fn pre(&self) -> usize {
        self.csr.pre()
    }

    fn post(&self) -> usize {
        self.csr.post()
    }

    fn synapses(&self) -> usize {
        self.weights.len()
    }

    fn weight_range(&self) -> Option<(F, F)> {
        range_of(&self.weights)
    }

    fn deliver(&self, spikes: &[u32], input: &mut [F]) -> Result<(), Error> {
        check_delivery(NAME, (self.pre(), self.post()), spikes, input)?;
        for &i in spikes {
            let range = self.csr.range(i);
            for (&j, &w) in self.csr.row(i).iter().zip(&self.weights[range]) {
                input[j as usize] += w;
            }
        }
        Ok(())
    }

    fn deliver_scaled(&self, spikes: &[u32], scale: &[F], input: &mut [F]) -> Result<(), Error> {
        check_scaled(NAME, (self.pre(), self.post()), spikes, scale, input)?;
        for (&i, &s) in spikes.iter().zip(scale) {
            let range = self.csr.range(i);
            for (&j, &w) in self.csr.row(i).iter().zip(&self.weights[range]) {
                input[j as usize] += s * w;
            }
        }
        Ok(())
    }

    fn restrict(&self, range: core::ops::Range<usize>) -> Result<Option<(Self, Vec<u32>)>, Error> {
        let (csr, kept) = self.csr.restrict(range)?;
        let mut weights = reserve(NAME, kept.len())?;
        weights.extend(kept.iter().map(|&synapse| self.weights[synapse as usize]));
        Ok(Some((Self { csr, weights, incoming: None }, kept)))
    }

    fn rows(&self) -> Option<Rows<'_, F>> {
        Some(Rows { csr: &self.csr, weights: RowWeights::Each(&self.weights) })
    }
}

impl<F: Real> Weights<F> for Sparse<F> {
    fn for_outgoing(&mut self, pre: u32, mut f: impl FnMut(usize, u32, &mut F)) {
        let range = self.csr.range(pre);
        let first = range.start;
        for (k, (&j, w)) in self.csr.row(pre).iter().zip(&mut self.weights[range]).enumerate() {
            f(first + k, j, w);
        }
    }

    fn for_incoming(&mut self, post: u32, mut f: impl FnMut(usize, u32, &mut F)) {
        if self.incoming.is_none() {
            self.incoming = self.csr.incoming().ok();
        }
        if let Some(incoming) = &self.incoming {
            for &(i, synapse) in incoming.column(post) {
                f(synapse as usize, i, &mut self.weights[synapse as usize]);
            }
            return;
        }
        // No memory for the view: all synapses are looked through.
        assert_exists(NAME, post, self.csr.post());
        for (synapse, (i, j)) in self.csr.edges().enumerate() {
            if j == post {
                f(synapse, i, &mut self.weights[synapse]);
            }
        }
    }

    fn select(&self, rows: Csr, synapses: &[u32]) -> Result<Option<Self>, Error> {
        nl_units::Error::length(NAME, "synapses", rows.synapses(), synapses.len())?;
        let mut weights = reserve(NAME, synapses.len())?;
        for &synapse in synapses {
            let Some(&w) = self.weights.get(synapse as usize) else {
                let message = format!("synapse {synapse} of {}; numbers run from 0", self.weights.len());
                return Err(Error::Invalid { what: NAME, message });
            };
            weights.push(w);
        }
        Ok(Some(Self { csr: rows, weights, incoming: None }))
    }

    fn weights(&self) -> &[F] {
        &self.weights
    }

    fn weights_mut(&mut self) -> &mut [F] {
        &mut self.weights
    }
}
