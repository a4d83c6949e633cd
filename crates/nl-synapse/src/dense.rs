//! A full matrix of weights.

use nl_kernels::{Level, Vectorised};
use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::connection::{assert_exists, check_delivery, check_scaled, range_of};
use crate::connectivity::reserve;
use crate::{Connection, Error, Weights};

const NAME: &str = "dense";

/// Every neuron of `pre` reaches every neuron of `post`; weights are `[pre, post]`, row-major, so that a spike adds one
/// contiguous row.
///
/// ```
/// use nl_synapse::{Connection, Dense};
/// let synapses = Dense::new(2, 3, vec![1.0_f32, 2.0, 3.0, 10.0, 20.0, 30.0])?;
/// let mut input = [0.0; 3];
/// synapses.deliver(&[1], &mut input)?;
/// assert_eq!(input, [10.0, 20.0, 30.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real", try_from = "Unchecked<F>")]
pub struct Dense<F = f32> {
    pre: usize,
    post: usize,
    weights: Vec<F>,
}

#[derive(Deserialize)]
struct Unchecked<F> {
    pre: usize,
    post: usize,
    weights: Vec<F>,
}

impl<F: Real> TryFrom<Unchecked<F>> for Dense<F> {
    type Error = Error;

    fn try_from(raw: Unchecked<F>) -> Result<Self, Error> {
        Self::new(raw.pre, raw.post, raw.weights)
    }
}

impl<F: Real> Dense<F> {
    /// The connection with these weights, `[pre, post]` row-major.
    ///
    /// # Errors
    /// If a population is empty, the number of weights is not `pre · post` or exceeds 2³² − 1, or one is not finite.
    pub fn new(pre: usize, post: usize, weights: Vec<F>) -> Result<Self, Error> {
        nl_units::Error::population(NAME, pre)?;
        nl_units::Error::population(NAME, post)?;
        Error::count(NAME, pre as u128 * post as u128)?;
        nl_units::Error::length(NAME, "weights", pre * post, weights.len())?;
        for &w in &weights {
            nl_units::Error::finite(NAME, "weight", w.to_f64())?;
        }
        Ok(Self { pre, post, weights })
    }
}

impl<F: Real> Connection<F> for Dense<F> {
    fn pre(&self) -> usize {
        self.pre
    }

    fn post(&self) -> usize {
        self.post
    }

    fn synapses(&self) -> usize {
        self.weights.len()
    }

    fn weight_range(&self) -> Option<(F, F)> {
        range_of(&self.weights)
    }

    fn deliver(&self, spikes: &[u32], input: &mut [F]) -> Result<(), Error> {
        check_delivery(NAME, (self.pre, self.post), spikes, input)?;
        if !spikes.is_empty() {
            Level::current().dispatch(AddRows { weights: &self.weights, spikes, input });
        }
        Ok(())
    }

    fn deliver_scaled(&self, spikes: &[u32], scale: &[F], input: &mut [F]) -> Result<(), Error> {
        check_scaled(NAME, (self.pre, self.post), spikes, scale, input)?;
        Level::current().dispatch(AddScaledRows { weights: &self.weights, spikes, scale, input });
        Ok(())
    }

    fn restrict(&self, range: core::ops::Range<usize>) -> Result<Option<(Self, Vec<u32>)>, Error> {
        if range.is_empty() || range.end > self.post {
            let message = format!("targets {range:?} of {}; use a non-empty range within", self.post);
            return Err(Error::Invalid { what: NAME, message });
        }
        let mut kept = reserve(NAME, self.pre * range.len())?;
        kept.extend((0..self.pre).flat_map(|i| range.clone().map(move |j| (i * self.post + j) as u32)));
        let mut weights = reserve(NAME, kept.len())?;
        weights.extend(kept.iter().map(|&synapse| self.weights[synapse as usize]));
        Ok(Some((Self { pre: self.pre, post: range.len(), weights }, kept)))
    }
}

/// input += Σ row(i): a block of the input stays in registers while all spikes' rows pass.
struct AddRows<'a, F> {
    weights: &'a [F],
    spikes: &'a [u32],
    input: &'a mut [F],
}

impl<F: Real> Vectorised for AddRows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const BLOCK: usize = 64;
        let Self { weights, spikes, input } = self;
        let post = input.len();
        let (blocks, tail) = input.as_chunks_mut::<BLOCK>();
        for (b, block) in blocks.iter_mut().enumerate() {
            let mut sum = *block;
            for &i in spikes {
                let start = i as usize * post + b * BLOCK;
                let row: &[F; BLOCK] = weights[start..start + BLOCK].first_chunk().expect("BLOCK long");
                for k in 0..BLOCK {
                    sum[k] += row[k];
                }
            }
            *block = sum;
        }
        let done = post - tail.len();
        for &i in spikes {
            let row = &weights[i as usize * post + done..(i as usize + 1) * post];
            for (x, &w) in tail.iter_mut().zip(row) {
                *x += w;
            }
        }
    }
}

/// input += Σ s · row(i)
struct AddScaledRows<'a, F> {
    weights: &'a [F],
    spikes: &'a [u32],
    scale: &'a [F],
    input: &'a mut [F],
}

impl<F: Real> Vectorised for AddScaledRows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { weights, spikes, scale, input } = self;
        let post = input.len();
        for (&i, &s) in spikes.iter().zip(scale) {
            for (x, &w) in input.iter_mut().zip(&weights[i as usize * post..][..post]) {
                *x += s * w;
            }
        }
    }
}

impl<F: Real> Weights<F> for Dense<F> {
    fn for_outgoing(&mut self, pre: u32, mut f: impl FnMut(usize, u32, &mut F)) {
        let first = pre as usize * self.post;
        for (j, w) in self.weights[first..first + self.post].iter_mut().enumerate() {
            f(first + j, j as u32, w);
        }
    }

    fn for_incoming(&mut self, post: u32, mut f: impl FnMut(usize, u32, &mut F)) {
        assert_exists(NAME, post, self.post);
        let (first, stride) = (post as usize, self.post);
        for (i, w) in self.weights[first..].iter_mut().step_by(stride).enumerate() {
            f(first + i * stride, i as u32, w);
        }
    }

    fn row_mut(&mut self, pre: u32) -> Option<(usize, &mut [F])> {
        let first = (pre as usize).checked_mul(self.post)?;
        Some((first, self.weights.get_mut(first..)?.get_mut(..self.post)?))
    }

    fn weights(&self) -> &[F] {
        &self.weights
    }

    fn weights_mut(&mut self) -> &mut [F] {
        &mut self.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_equals_the_naive_sum_at_every_width() {
        for post in [1, 63, 64, 65, 130] {
            let weights: Vec<f32> = (0..3 * post).map(|i| i as f32).collect();
            let synapses = Dense::new(3, post, weights.clone()).unwrap();
            let mut input = vec![0.5; post];
            synapses.deliver(&[0, 2], &mut input).unwrap();
            for j in 0..post {
                assert_eq!(input[j], 0.5 + weights[j] + weights[2 * post + j]);
            }
        }
    }

    #[test]
    fn rows_and_columns_name_the_same_synapses() {
        let mut synapses = Dense::new(2, 3, vec![0.0_f64; 6]).unwrap();
        synapses.for_incoming(1, |synapse, pre, w| *w = (10 * synapse + pre as usize) as f64);
        assert_eq!(synapses.weights(), &[0.0, 10.0, 0.0, 0.0, 41.0, 0.0]);
        let mut seen = Vec::new();
        synapses.for_outgoing(1, |synapse, post, _| seen.push((synapse, post)));
        assert_eq!(seen, [(3, 0), (4, 1), (5, 2)]);
        assert_eq!(synapses.row_mut(1), Some((3, &mut [0.0, 41.0, 0.0][..])));
        assert_eq!(synapses.row_mut(2), None);
    }
}
