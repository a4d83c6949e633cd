//! What a connection offers to a network, and what it offers to a learning rule.

use nl_neuron::Real;

use crate::{Csr, Error};

/// The synapses of a connection that keeps them as a list: see [`Connection::rows`].
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a, F> {
    /// Who is connected to whom.
    pub csr: &'a Csr,
    /// The weights.
    pub weights: RowWeights<'a, F>,
}

/// The weights of [`Rows`].
#[derive(Debug, Clone, Copy)]
pub enum RowWeights<'a, F> {
    /// One for all synapses.
    One(F),
    /// One for each, by synapse number.
    Each(&'a [F]),
}

/// Synapses from a population of `pre` neurons to one of `post`: delivers spikes.
///
/// A weight has the unit of the receptor that it is delivered to. Whether it may be negative is the receptor's affair:
/// inhibition is a *negative* weight where spikes jump a current or the potential, but a *positive* one where they jump a
/// conductance, whose sign lies in the reversal potential. [`InputChannel::may_be_negative`] says which it is,
/// [`weight_range`](Self::weight_range) what the weights are; whoever joins the two refuses what cannot be meant.
///
/// [`InputChannel::may_be_negative`]: nl_neuron::InputChannel::may_be_negative
pub trait Connection<F: Real> {
    /// Size of the sending population.
    fn pre(&self) -> usize;

    /// Size of the receiving population.
    fn post(&self) -> usize;

    /// Number of synapses.
    fn synapses(&self) -> usize;

    /// The smallest and the largest weight, for a check when a network is built; `None` if there are no synapses, or the
    /// connection does not know.
    ///
    /// ```
    /// use nl_synapse::{Connection, Dense};
    /// assert_eq!(Dense::new(1, 3, vec![0.5_f32, -3.0, 2.0])?.weight_range(), Some((-3.0, 2.0)));
    /// # Ok::<(), nl_synapse::Error>(())
    /// ```
    fn weight_range(&self) -> Option<(F, F)> {
        None
    }

    /// input_j += Σ_i w_ij over the neurons i in `spikes`, in their order; `input` is `[post]`.
    ///
    /// # Errors
    /// If a spike or `input` does not fit.
    fn deliver(&self, spikes: &[u32], input: &mut [F]) -> Result<(), Error>;

    /// input_j += Σ_i s_i w_ij, each spike i with its own factor s_i: `scale` is as long as `spikes`. For synapses whose
    /// strength changes from spike to spike (see [`TsodyksMarkram`](crate::TsodyksMarkram)).
    ///
    /// Delivers spike by spike into a buffer of its own unless a connection knows a shorter way; those of this crate do.
    ///
    /// # Errors
    /// If a spike, `scale` or `input` does not fit.
    fn deliver_scaled(&self, spikes: &[u32], scale: &[F], input: &mut [F]) -> Result<(), Error> {
        check_scaled("deliver_scaled", (self.pre(), self.post()), spikes, scale, input)?;
        let mut one = crate::connectivity::zeros("deliver_scaled", self.post())?;
        for (spike, &s) in spikes.iter().zip(scale) {
            one.fill(F::ZERO);
            self.deliver(core::slice::from_ref(spike), &mut one)?;
            for (x, &w) in input.iter_mut().zip(&one) {
                *x += s * w;
            }
        }
        Ok(())
    }

    /// The part that reaches the targets in `range`, which become 0 .. its length, and the synapse numbers it keeps: how
    /// a network gives each thread its own targets. `None` if the connection cannot be cut; its targets then stay
    /// together.
    ///
    /// # Errors
    /// If the range is empty or reaches beyond `post`.
    fn restrict(&self, _range: core::ops::Range<usize>) -> Result<Option<(Self, Vec<u32>)>, Error>
    where
        Self: Sized,
    {
        Ok(None)
    }

    /// The list of synapses, if the connection keeps one: a network of many pieces then sends a spike only to the pieces
    /// that it reaches. What is listed is what [`deliver`](Self::deliver) delivers.
    fn rows(&self) -> Option<Rows<'_, F>> {
        None
    }
}

/// A connection with a weight for each synapse, which a learning rule may change in place.
///
/// A synapse has a number from 0 to `synapses() - 1` that never changes, so that a rule can keep a value for each.
pub trait Weights<F: Real>: Connection<F> {
    /// Calls `f(synapse, post, weight)` for each synapse that leaves `pre`, in ascending order of post.
    ///
    /// # Panics
    /// If `pre` is not below [`pre()`](Connection::pre): rules call it for spikes that were checked.
    fn for_outgoing(&mut self, pre: u32, f: impl FnMut(usize, u32, &mut F));

    /// Calls `f(synapse, pre, weight)` for each synapse that reaches `post`, in ascending order of pre.
    ///
    /// # Panics
    /// If `post` is not below [`post()`](Connection::post).
    fn for_incoming(&mut self, post: u32, f: impl FnMut(usize, u32, &mut F));

    /// If `pre` reaches every neuron of `post` once and its weights lie side by side: the number of its first synapse, and
    /// the weights by post, `[post]`. `None` otherwise; a rule then uses [`for_outgoing`](Self::for_outgoing).
    fn row_mut(&mut self, _pre: u32) -> Option<(usize, &mut [F])> {
        None
    }

    /// A connection of some of these synapses: synapse k of `rows` is number `synapses[k]` of this one and keeps its weight
    /// (see [`Csr::split`]). `None` if the connection keeps no list.
    ///
    /// # Errors
    /// If a synapse does not exist, the numbers of synapses differ, or the memory is not there.
    fn select(&self, _rows: Csr, _synapses: &[u32]) -> Result<Option<Self>, Error>
    where
        Self: Sized,
    {
        Ok(None)
    }

    /// All weights, by synapse number.
    fn weights(&self) -> &[F];

    /// All weights, by synapse number, to be set.
    fn weights_mut(&mut self) -> &mut [F];
}

/// The smallest and the largest of `weights`; a NaN among them is both, to be seen.
pub(crate) fn range_of<F: Real>(weights: &[F]) -> Option<(F, F)> {
    let first = *weights.first()?;
    let wider = |(low, high): (F, F), &w: &F| {
        if w.to_f64().is_nan() {
            return (w, w);
        }
        (if w < low { w } else { low }, if w > high { w } else { high })
    };
    Some(weights.iter().fold((first, first), wider))
}

/// Panics with a message if there is no such neuron: where another index would silently be another neuron's weight.
#[inline]
pub(crate) fn assert_exists(what: &'static str, neuron: u32, n: usize) {
    assert!((neuron as usize) < n, "{what}: neuron {neuron} of a population of {n}; indices run from 0 to n - 1");
}

/// `Ok` if there is also a factor for each spike.
pub(crate) fn check_scaled<F>(
    what: &'static str,
    sizes: (usize, usize),
    spikes: &[u32],
    scale: &[F],
    input: &[F],
) -> Result<(), Error> {
    nl_units::Error::length(what, "scale", spikes.len(), scale.len())?;
    check_delivery(what, sizes, spikes, input)
}

/// `Ok` if all of `spikes` lie below `pre` and `input` has `post` values.
pub(crate) fn check_delivery<F>(
    what: &'static str,
    (pre, post): (usize, usize),
    spikes: &[u32],
    input: &[F],
) -> Result<(), Error> {
    nl_units::Error::length(what, "input", post, input.len())?;
    if let Some(&index) = spikes.iter().find(|&&i| i as usize >= pre) {
        return Err(nl_units::Error::Index { what, index: index as usize, n: pre }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least a connection says of itself; everything else is the trait's.
    struct Least;

    impl Connection<f64> for Least {
        fn pre(&self) -> usize {
            2
        }

        fn post(&self) -> usize {
            2
        }

        fn synapses(&self) -> usize {
            3
        }

        fn weight_range(&self) -> Option<(f64, f64)> {
            Some((1.0, 4.0))
        }

        fn deliver(&self, spikes: &[u32], input: &mut [f64]) -> Result<(), Error> {
            check_delivery("least", (2, 2), spikes, input)?;
            for &i in spikes {
                input[0] += [1.0, 2.0][i as usize];
                input[1] += [0.0, 4.0][i as usize];
            }
            Ok(())
        }
    }

    #[test]
    fn scaled_delivery_of_any_connection_adds_factor_times_weight() {
        let mut input = [10.0, 20.0];
        Least.deliver_scaled(&[0, 1], &[0.5, 3.0], &mut input).unwrap();
        assert_eq!(input, [10.0 + 0.5 * 1.0 + 3.0 * 2.0, 20.0 + 3.0 * 4.0]);
    }

    #[test]
    fn the_range_of_weights_is_from_the_least_to_the_largest() {
        assert_eq!(range_of(&[2.0, 1.0, 3.0, 2.5]), Some((1.0, 3.0)));
        assert_eq!(range_of(&[3.0, -1.0]), Some((-1.0, 3.0)));
        assert_eq!(range_of::<f64>(&[]), None);
        assert!(range_of(&[1.0, f64::NAN, 2.0]).is_some_and(|(low, high)| low.is_nan() && high.is_nan()));
    }
}
