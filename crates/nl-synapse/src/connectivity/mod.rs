//! Who is connected to whom: builders of [`Csr`] and of lateral [`Sparse`](crate::Sparse) connections, one file a kind.
//!
//! A builder takes the [`Pairs`] that may be connected, and a random one the generator it draws from, from one thread and
//! in a fixed order: the same generator gives the same synapses whatever runs beside it.

mod all_to_all;
mod fields;
mod fixed_in_degree;
mod fixed_out_degree;
mod fixed_probability;
mod lattice;
mod mexican_hat;
mod one_to_one;

use nl_random::Rng;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::{Csr, Error};

pub use all_to_all::all_to_all;
pub use fields::{Fields, local};
pub use fixed_in_degree::fixed_in_degree;
pub use fixed_out_degree::fixed_out_degree;
pub use fixed_probability::fixed_probability;
pub use lattice::{Edges, Lattice, lateral, neighbours};
pub use mexican_hat::{MexicanHat, mexican_hat};
pub use one_to_one::one_to_one;

/// Whether a neuron may have a synapse onto itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Autapses {
    /// Yes: neuron i is a candidate like any other.
    Allow,
    /// No: the pair (i, i) is left out.
    Forbid,
}

/// Whether a pair of neurons may have several synapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Multapses {
    /// Yes: partners are drawn with replacement.
    Allow,
    /// No: partners are drawn without replacement.
    Forbid,
}

/// The (pre, post) pairs that a builder may connect.
///
/// ```
/// use nl_synapse::connectivity::{Autapses, Pairs};
/// assert_eq!(Pairs::between(3, 4).count(), 12);
/// assert_eq!(Pairs::recurrent(3, Autapses::Forbid).count(), 6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    pre: usize,
    post: usize,
    autapses: Autapses,
}

impl Pairs {
    /// All pairs of two populations; equal indices are different neurons.
    #[must_use]
    pub const fn between(pre: usize, post: usize) -> Self {
        Self { pre, post, autapses: Autapses::Allow }
    }

    /// All pairs within one population of `n`: pre = post.
    #[must_use]
    pub const fn recurrent(n: usize, autapses: Autapses) -> Self {
        Self { pre: n, post: n, autapses }
    }

    /// Size of the sending population.
    #[must_use]
    pub const fn pre(&self) -> usize {
        self.pre
    }

    /// Size of the receiving population.
    #[must_use]
    pub const fn post(&self) -> usize {
        self.post
    }

    /// Number of pairs: pre · post, or n (n − 1) without autapses.
    #[must_use]
    pub const fn count(&self) -> u128 {
        self.pre as u128 * self.targets() as u128
    }

    /// Candidates for the targets of one pre neuron.
    const fn targets(&self) -> usize {
        self.post.saturating_sub(matches!(self.autapses, Autapses::Forbid) as usize)
    }

    /// Candidates for the sources of one post neuron.
    const fn sources(&self) -> usize {
        self.pre.saturating_sub(matches!(self.autapses, Autapses::Forbid) as usize)
    }

    /// The neuron that is candidate `c` of neuron `own`: its own index is stepped over if autapses are forbidden.
    const fn candidate(&self, own: u32, c: u32) -> u32 {
        c + (matches!(self.autapses, Autapses::Forbid) && c >= own) as u32
    }

    /// `Ok` if both populations can be indexed.
    fn check(&self, what: &'static str) -> Result<(), Error> {
        nl_units::Error::population(what, self.pre)?;
        Ok(nl_units::Error::population(what, self.post)?)
    }

    /// `Ok` if each neuron can have `degree` partners among `candidates`.
    fn check_degree(what: &'static str, degree: usize, candidates: usize, multapses: Multapses) -> Result<(), Error> {
        let most = match multapses {
            Multapses::Allow if candidates > 0 => usize::MAX,
            _ => candidates,
        };
        if degree <= most {
            return Ok(());
        }
        let message = format!("a degree of {degree} with {candidates} candidates; use at most {most}");
        Err(Error::Invalid { what, message })
    }
}

/// A list with room for `n` values, or an error where the memory is not there.
pub(crate) fn reserve<T>(what: &'static str, n: usize) -> Result<Vec<T>, Error> {
    let mut list = Vec::new();
    list.try_reserve_exact(n).map_err(|_| Error::Memory { what, bytes: n as u128 * size_of::<T>() as u128 })?;
    Ok(list)
}

/// `n` zeros, or an error where the memory is not there.
pub(crate) fn zeros<T: Copy + Default>(what: &'static str, n: usize) -> Result<Vec<T>, Error> {
    let mut list = reserve(what, n)?;
    list.resize(n, T::default());
    Ok(list)
}

/// The connectivity whose row i is what `row(i, targets)` appends, ascending; about `expected` synapses in all.
fn from_rows(
    what: &'static str,
    (pre, post): (usize, usize),
    expected: u128,
    mut row: impl FnMut(u32, &mut Vec<u32>),
) -> Result<Csr, Error> {
    Error::count(what, expected)?;
    let mut offsets = reserve(what, pre + 1)?;
    let mut targets = reserve(what, expected as usize)?;
    offsets.push(0);
    for i in 0..pre as u32 {
        row(i, &mut targets);
        Error::count(what, targets.len() as u128)?;
        offsets.push(targets.len() as u32);
    }
    Csr::new(pre, post, offsets, targets)
}

/// A number from 0 to n − 1, all equally likely (Lemire, Fast random integer generation in an interval, 2019, alg. 5).
fn below(n: u32, rng: &mut Rng) -> u32 {
    let mut product = u64::from(rng.next_u32()) * u64::from(n);
    if (product as u32) < n {
        let unfair = n.wrapping_neg() % n;
        while (product as u32) < unfair {
            product = u64::from(rng.next_u32()) * u64::from(n);
        }
    }
    (product >> 32) as u32
}

/// Draws partners for one neuron after the other.
struct Draw {
    candidates: u32,
    multapses: Multapses,
    /// The last neuron for which a candidate was taken (or, for more than half of them, left out), plus one.
    taken: Vec<u32>,
}

impl Draw {
    fn new(what: &'static str, candidates: usize, multapses: Multapses) -> Result<Self, Error> {
        let marks = if multapses == Multapses::Forbid { candidates } else { 0 };
        Ok(Self { candidates: candidates as u32, multapses, taken: zeros(what, marks)? })
    }

    /// Appends `degree` candidates for neuron `own`, in any order; no `own` may come twice.
    fn partners(&mut self, own: u32, degree: usize, rng: &mut Rng, out: &mut Vec<u32>) {
        let n = self.candidates;
        if self.multapses == Multapses::Allow {
            out.extend((0..degree).map(|_| below(n, rng)));
            return;
        }
        // At most half of the candidates are drawn, so that a draw is a new one at least every second time.
        let omit = degree > n as usize / 2;
        let mark = own + 1;
        let mut left = if omit { n as usize - degree } else { degree };
        while left > 0 {
            let c = below(n, rng);
            if self.taken[c as usize] != mark {
                self.taken[c as usize] = mark;
                left -= 1;
                if !omit {
                    out.push(c);
                }
            }
        }
        if omit {
            out.extend((0..n).filter(|&c| self.taken[c as usize] != mark));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;

    #[test]
    fn draws_below_n_are_even() {
        let mut rng = Streams::new(1).rng("below", 0, 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[below(7, &mut rng) as usize] += 1;
        }
        // Five standard deviations of a binomial count: 5 √(70000 · 1/7 · 6/7) ≈ 463.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 463), "{counts:?}");
    }

    #[test]
    fn draws_without_replacement_name_nobody_twice() {
        let mut rng = Streams::new(2).rng("draw", 0, 0);
        for degree in 0..=9 {
            let mut draw = Draw::new("test", 9, Multapses::Forbid).unwrap();
            for own in 0..50 {
                let mut out = Vec::new();
                draw.partners(own, degree, &mut rng, &mut out);
                out.sort_unstable();
                out.dedup();
                assert_eq!(out.len(), degree);
                assert!(out.iter().all(|&c| c < 9));
            }
        }
    }

    /// 2³² is no multiple of 3 · 2³⁰: without the rejection every third number would come twice as often as the others.
    #[test]
    fn draws_below_a_large_n_are_even() {
        let mut rng = Streams::new(3).rng("below", 0, 0);
        let mut counts = [0_u32; 3];
        for _ in 0..30_000 {
            counts[below(3 << 30, &mut rng) as usize % 3] += 1;
        }
        // Five standard deviations of a binomial count: 5 √(30000 · 1/3 · 2/3) ≈ 408.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 408), "{counts:?}");
    }
}
