//! Lateral inhibition without a list of synapses.

use core::ops::Range;

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::connection::{check_delivery, check_scaled};
use crate::connectivity::reserve;
use crate::{Connection, Error};

const NAME: &str = "all but self";

/// Every neuron of one population reaches all others with the same weight: n (n − 1) synapses of which none is stored.
///
/// input_j += w · (spikes − spikes of j): one pass over the population a step, however many spike. This is the lateral
/// inhibition of Diehl & Cook (2015), their one-to-one excitation of inhibitory neurons and back taken together.
///
/// ```
/// use nl_synapse::{AllButSelf, Connection};
/// let inhibition = AllButSelf::new(4, -17.0_f32)?;
/// let mut input = [0.0; 4];
/// inhibition.deliver(&[1, 2], &mut input)?;
/// assert_eq!(input, [-34.0, -17.0, -17.0, -34.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real", try_from = "Unchecked<F>")]
pub struct AllButSelf<F = f32> {
    n: usize,
    weight: F,
    /// The targets: all of the population, or a part of it.
    targets: Range<usize>,
}

#[derive(Deserialize)]
#[serde(bound = "F: Real")]
struct Unchecked<F> {
    n: usize,
    weight: F,
    targets: Range<usize>,
}

impl<F: Real> TryFrom<Unchecked<F>> for AllButSelf<F> {
    type Error = Error;

    fn try_from(raw: Unchecked<F>) -> Result<Self, Error> {
        Self::new(raw.n, raw.weight)?.part(raw.targets)
    }
}

impl<F: Real> AllButSelf<F> {
    /// The connection of a population of `n` with this weight.
    ///
    /// # Errors
    /// If `n` is 0, n (n − 1) does not fit `usize`, or the weight is not finite.
    pub fn new(n: usize, weight: F) -> Result<Self, Error> {
        nl_units::Error::population(NAME, n)?;
        nl_units::Error::finite(NAME, "weight", weight.to_f64())?;
        if n.checked_mul(n - 1).is_none() {
            return Err(nl_units::Error::Population { model: NAME, n }.into());
        }
        Ok(Self { n, weight, targets: 0..n })
    }

    /// The same, onto these targets only.
    fn part(&self, targets: Range<usize>) -> Result<Self, Error> {
        if targets.is_empty() || targets.end > self.n {
            let message = format!("targets {targets:?} of {}; use a non-empty range within", self.n);
            return Err(Error::Invalid { what: NAME, message });
        }
        Ok(Self { targets, ..self.clone() })
    }

    /// The weight.
    #[must_use]
    pub fn weight(&self) -> F {
        self.weight
    }

    /// input += weight · count
    fn add(&self, count: usize, input: &mut [F]) {
        let w = self.weight * F::from_usize(count);
        for x in input {
            *x += w;
        }
    }
}

impl<F: Real> Connection<F> for AllButSelf<F> {
    fn pre(&self) -> usize {
        self.n
    }

    fn post(&self) -> usize {
        self.targets.len()
    }

    fn synapses(&self) -> usize {
        self.targets.len() * (self.n - 1)
    }

    fn weight_range(&self) -> Option<(F, F)> {
        (self.synapses() > 0).then_some((self.weight, self.weight))
    }

    fn deliver(&self, spikes: &[u32], input: &mut [F]) -> Result<(), Error> {
        check_delivery(NAME, (self.n, self.targets.len()), spikes, input)?;
        if !spikes.is_sorted() {
            let mut sorted = reserve(NAME, spikes.len())?;
            sorted.extend_from_slice(spikes);
            sorted.sort_unstable();
            return self.deliver(&sorted, input);
        }
        // Those that did not spike lie between those that did: nobody's own spike is added and taken away again.
        let mut done = 0;
        for same in spikes.chunk_by(|a, b| a == b) {
            let own = same[0] as usize;
            if self.targets.contains(&own) {
                let own = own - self.targets.start;
                self.add(spikes.len(), &mut input[done..own]);
                self.add(spikes.len() - same.len(), &mut input[own..=own]);
                done = own + 1;
            }
        }
        if !spikes.is_empty() {
            self.add(spikes.len(), &mut input[done..]);
        }
        Ok(())
    }

    fn deliver_scaled(&self, spikes: &[u32], scale: &[F], input: &mut [F]) -> Result<(), Error> {
        check_scaled(NAME, (self.n, self.targets.len()), spikes, scale, input)?;
        for (&own, &s) in spikes.iter().zip(scale) {
            let w = s * self.weight;
            let own = (own as usize).checked_sub(self.targets.start);
            for (j, x) in input.iter_mut().enumerate() {
                *x += if own == Some(j) { F::ZERO } else { w };
            }
        }
        Ok(())
    }

    /// As for any connection; the list of synapse numbers is empty, there being no weights to find by them.
    fn restrict(&self, range: Range<usize>) -> Result<Option<(Self, Vec<u32>)>, Error> {
        let first = self.targets.start;
        if range.end > self.targets.len() {
            let message = format!("targets {range:?} of {}; use a range within", self.targets.len());
            return Err(Error::Invalid { what: NAME, message });
        }
        Ok(Some((self.part(first + range.start.min(range.end)..first + range.end)?, Vec::new())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spike_leaves_its_own_neuron_untouched_bit_for_bit() {
        let inhibition = AllButSelf::new(3, 0.1_f32).unwrap();
        let mut input = [1e-9, 1e9, 0.3];
        inhibition.deliver(&[0], &mut input).unwrap();
        assert_eq!(input, [1e-9, 1e9 + 0.1, 0.3 + 0.1]);
    }

    #[test]
    fn order_and_repetition_are_no_surprise() {
        let inhibition = AllButSelf::new(4, 1.0_f64).unwrap();
        let mut input = [0.0; 4];
        inhibition.deliver(&[2, 0, 2], &mut input).unwrap();
        assert_eq!(input, [2.0, 3.0, 1.0, 3.0]);
    }

    #[test]
    fn all_its_weights_are_the_one() {
        assert_eq!(AllButSelf::new(3, -0.5_f64).unwrap().weight_range(), Some((-0.5, -0.5)));
        assert_eq!(AllButSelf::new(1, -0.5_f64).unwrap().weight_range(), None);
    }
}
