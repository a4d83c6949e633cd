//! A sparse connection whose synapses all have the same weight.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::connection::{RowWeights, Rows, check_delivery, check_scaled};
use crate::connectivity::reserve;
use crate::{Connection, Csr, Error};

const NAME: &str = "uniform";

/// [`Csr`] and one weight for all: 4 bytes a synapse, and 2 more where targets fit `u16`. What large random networks of
/// fixed weights use.
///
/// Delivery waits for the memory that holds the targets. So up to 65,536 targets it reads a copy in half the size, and the
/// rows of two spikes at a time: all that is added is the same weight, so the order does not change a bit.
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
#[serde(bound = "F: Real", try_from = "Unchecked<F>")]
pub struct Uniform<F = f32> {
    csr: Csr,
    weight: F,
    /// The targets of `csr` once more, if they fit; empty otherwise.
    #[serde(skip_serializing)]
    short: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(bound = "F: Real")]
struct Unchecked<F> {
    csr: Csr,
    weight: F,
}

impl<F: Real> TryFrom<Unchecked<F>> for Uniform<F> {
    type Error = Error;

    fn try_from(raw: Unchecked<F>) -> Result<Self, Error> {
        Self::new(raw.csr, raw.weight)
    }
}

impl<F: Real> Uniform<F> {
    /// The connection whose every synapse has this weight.
    ///
    /// # Errors
    /// If the weight is not finite, or the memory is not there.
    pub fn new(csr: Csr, weight: F) -> Result<Self, Error> {
        nl_units::Error::finite(NAME, "weight", weight.to_f64())?;
        let mut short = Vec::new();
        if csr.post() <= 1 << 16 {
            short = reserve(NAME, csr.synapses())?;
            short.extend(csr.edges().map(|(_, j)| j as u16));
        }
        Ok(Self { csr, weight, short })
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

    fn weight_range(&self) -> Option<(F, F)> {
        (self.synapses() > 0).then_some((self.weight, self.weight))
    }

    fn deliver(&self, spikes: &[u32], input: &mut [F]) -> Result<(), Error> {
        check_delivery(NAME, (self.pre(), self.post()), spikes, input)?;
        if self.csr.post() <= 1 << 16 {
            scatter(self.weight, &self.csr, &self.short, spikes, input);
        } else {
            scatter(self.weight, &self.csr, self.csr.targets(), spikes, input);
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
        Ok(Some((Self::new(csr, self.weight)?, kept)))
    }

    fn rows(&self) -> Option<Rows<'_, F>> {
        Some(Rows { csr: &self.csr, weights: RowWeights::One(self.weight) })
    }
}

/// input_j += w for each j in the rows of the spikes: two rows at a time, so that memory is asked for both.
#[inline(never)] // as a function of its own the compiler knows that `input` overlaps nothing
fn scatter<F: Real, T: Copy + Into<u32>>(w: F, csr: &Csr, targets: &[T], spikes: &[u32], input: &mut [F]) {
    let (pairs, last) = spikes.as_chunks::<2>();
    for &[a, b] in pairs {
        let (a, b) = (&targets[csr.range(a)], &targets[csr.range(b)]);
        for (&j, &k) in a.iter().zip(b) {
            input[j.into() as usize] += w;
            input[k.into() as usize] += w;
        }
        let both = a.len().min(b.len());
        for &j in a[both..].iter().chain(&b[both..]) {
            input[j.into() as usize] += w;
        }
    }
    for &i in last {
        for &j in &targets[csr.range(i)] {
            input[j.into() as usize] += w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of every length beside one another, an even and an odd number of spikes, indices of 16 bits and of 32.
    #[test]
    fn delivery_equals_the_naive_sum() {
        for post in [7, 1 << 16, (1 << 16) + 1] {
            let far = post as u32 - 1;
            let edges = [(0, 0), (0, 1), (0, 1), (0, far), (1, 1), (2, far), (3, 0), (3, 2), (3, far)];
            let synapses = Uniform::new(Csr::from_edges(5, post, &edges).unwrap(), 0.1_f32).unwrap();
            for spikes in [&[][..], &[0], &[0, 1], &[1, 3], &[0, 2, 3], &[0, 1, 2, 3, 4], &[4, 3]] {
                let mut input = vec![0.7_f32; post];
                let mut expected = input.clone();
                synapses.deliver(spikes, &mut input).unwrap();
                for &(_, j) in edges.iter().filter(|e| spikes.contains(&e.0)) {
                    expected[j as usize] += 0.1;
                }
                assert_eq!(input, expected, "{post} {spikes:?}");
            }
        }
    }

    #[test]
    fn a_part_keeps_the_synapses_onto_its_targets() {
        let edges = [(0, 1), (0, 3), (1, 0), (1, 2), (2, 3)];
        let whole = Uniform::new(Csr::from_edges(3, 4, &edges).unwrap(), 0.5_f64).unwrap();
        let (part, kept) = whole.restrict(2..4).unwrap().unwrap();
        assert_eq!(kept, [1, 3, 4]);
        let mut input = [0.0; 2];
        part.deliver(&[0, 2], &mut input).unwrap();
        assert_eq!(input, [0.0, 1.0]);
    }
}
