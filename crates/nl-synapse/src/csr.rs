//! Who is connected to whom, without weights: compressed sparse rows.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::connectivity::{reserve, zeros};

const NAME: &str = "csr";

/// For each of `pre` neurons the ascending list of its targets among `post` neurons.
///
/// Row i is `targets[offsets[i] .. offsets[i + 1]]`; a synapse's number is its place in `targets`. 4 bytes a synapse.
///
/// ```
/// use nl_synapse::Csr;
/// let csr = Csr::from_edges(2, 3, &[(1, 2), (0, 1), (1, 0)])?;
/// assert_eq!((csr.row(0), csr.row(1)), (&[1][..], &[0, 2][..]));
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Csr {
    pre: usize,
    post: usize,
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

#[derive(Deserialize)]
struct Unchecked {
    pre: usize,
    post: usize,
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl TryFrom<Unchecked> for Csr {
    type Error = Error;

    fn try_from(raw: Unchecked) -> Result<Self, Error> {
        Self::new(raw.pre, raw.post, raw.offsets, raw.targets)
    }
}

impl Csr {
    /// The connectivity with these rows.
    ///
    /// # Errors
    /// If a population is empty, offsets do not ascend from 0 to the number of targets, a target is not below `post`, or
    /// a row's targets do not ascend (a pair may be connected more than once: equal neighbours are allowed).
    pub fn new(pre: usize, post: usize, offsets: Vec<u32>, targets: Vec<u32>) -> Result<Self, Error> {
        nl_units::Error::population(NAME, pre)?;
        nl_units::Error::population(NAME, post)?;
        Error::count(NAME, targets.len() as u128)?;
        nl_units::Error::length(NAME, "offsets", pre + 1, offsets.len())?;
        let ascending = offsets[0] == 0 && offsets.windows(2).all(|w| w[0] <= w[1]);
        if !ascending || offsets[pre] as usize != targets.len() {
            return Err(Error::Invalid {
                what: NAME,
                message: format!("offsets must ascend from 0 to {} (the number of targets)", targets.len()),
            });
        }
        if let Some((synapse, &index)) = targets.iter().enumerate().find(|&(_, &t)| t as usize >= post) {
            return Err(Error::Index { what: NAME, synapse, index, n: post });
        }
        let csr = Self { pre, post, offsets, targets };
        match (0..pre as u32).find(|&i| csr.row(i).windows(2).any(|w| w[0] > w[1])) {
            Some(i) => Err(Error::Invalid { what: NAME, message: format!("the targets of neuron {i} must ascend") }),
            None => Ok(csr),
        }
    }

    /// The connectivity of a list of (pre, post) pairs in any order; a pair named twice has two synapses.
    ///
    /// # Errors
    /// If a population is empty, an index is too large, there are 2³² pairs or more, or the memory is not there.
    pub fn from_edges(pre: usize, post: usize, edges: &[(u32, u32)]) -> Result<Self, Error> {
        nl_units::Error::population(NAME, pre)?;
        nl_units::Error::population(NAME, post)?;
        Error::count(NAME, edges.len() as u128)?;
        if let Some((synapse, &(index, _))) = edges.iter().enumerate().find(|(_, e)| e.0 as usize >= pre) {
            return Err(Error::Index { what: NAME, synapse, index, n: pre });
        }
        let mut sorted: Vec<(u32, u32)> = reserve(NAME, edges.len())?;
        sorted.extend_from_slice(edges);
        sorted.sort_unstable();
        let mut offsets = zeros(NAME, pre + 1)?;
        for &(i, _) in &sorted {
            offsets[i as usize + 1] += 1;
        }
        for i in 0..pre {
            offsets[i + 1] += offsets[i];
        }
        let mut targets = reserve(NAME, sorted.len())?;
        targets.extend(sorted.iter().map(|&(_, j)| j));
        Self::new(pre, post, offsets, targets)
    }

    /// Size of the sending population.
    #[must_use]
    pub fn pre(&self) -> usize {
        self.pre
    }

    /// Size of the receiving population.
    #[must_use]
    pub fn post(&self) -> usize {
        self.post
    }

    /// Number of synapses.
    #[must_use]
    pub fn synapses(&self) -> usize {
        self.targets.len()
    }

    /// The targets of neuron `pre`, ascending.
    ///
    /// # Panics
    /// If `pre` is not below [`pre()`](Self::pre).
    #[must_use]
    pub fn row(&self, pre: u32) -> &[u32] {
        &self.targets[self.range(pre)]
    }

    /// The targets of all neurons, by synapse number.
    #[must_use]
    pub fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// The synapse numbers of the row of neuron `pre`.
    ///
    /// # Panics
    /// If `pre` is not below [`pre()`](Self::pre).
    #[must_use]
    pub fn range(&self, pre: u32) -> core::ops::Range<usize> {
        self.offsets[pre as usize] as usize..self.offsets[pre as usize + 1] as usize
    }

    /// All (pre, post) pairs, by synapse number.
    pub fn edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        (0..self.pre as u32).flat_map(move |i| self.row(i).iter().map(move |&j| (i, j)))
    }

    /// The part that reaches the targets in `range`, which become 0 .. its length; and the synapse numbers it kept.
    ///
    /// # Errors
    /// If the range is empty or reaches beyond `post`, or the memory is not there.
    pub fn restrict(&self, range: core::ops::Range<usize>) -> Result<(Self, Vec<u32>), Error> {
        if range.is_empty() || range.end > self.post {
            let message = format!("targets {range:?} of {}; use a non-empty range within", self.post);
            return Err(Error::Invalid { what: NAME, message });
        }
        let (first, last) = (range.start as u32, range.end as u32);
        let ends = |row: &[u32]| (row.partition_point(|&j| j < first), row.partition_point(|&j| j < last));
        let total = (0..self.pre as u32).map(|i| ends(self.row(i))).map(|(from, to)| to - from).sum();
        let mut offsets = reserve(NAME, self.pre + 1)?;
        let (mut targets, mut kept) = (reserve(NAME, total)?, reserve(NAME, total)?);
        offsets.push(0);
        for i in 0..self.pre as u32 {
            let row = self.row(i);
            let (from, to) = ends(row);
            targets.extend(row[from..to].iter().map(|&j| j - first));
            let start = self.offsets[i as usize];
            kept.extend((from as u32..to as u32).map(|k| start + k));
            offsets.push(targets.len() as u32);
        }
        Ok((Self { pre: self.pre, post: range.len(), offsets, targets }, kept))
    }

    /// The same synapses seen from the targets: for each post neuron its (pre, synapse) pairs, ascending.
    pub(crate) fn incoming(&self) -> Result<Incoming, Error> {
        let mut offsets = zeros::<u32>(NAME, self.post + 1)?;
        for &j in &self.targets {
            offsets[j as usize + 1] += 1;
        }
        for j in 0..self.post {
            offsets[j + 1] += offsets[j];
        }
        let mut next = reserve(NAME, offsets.len())?;
        next.extend_from_slice(&offsets);
        let mut sources = zeros(NAME, self.targets.len())?;
        for (synapse, (i, j)) in self.edges().enumerate() {
            sources[next[j as usize] as usize] = (i, synapse as u32);
            next[j as usize] += 1;
        }
        Ok(Incoming { offsets, sources })
    }
}

/// The transposed view of a [`Csr`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    offsets: Vec<u32>,
    sources: Vec<(u32, u32)>,
}

impl Incoming {
    /// (pre, synapse) of each synapse that reaches `post`.
    pub(crate) fn column(&self, post: u32) -> &[(u32, u32)] {
        &self.sources[self.offsets[post as usize] as usize..self.offsets[post as usize + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposed_twice_is_the_same() {
        let csr = Csr::from_edges(3, 2, &[(0, 1), (2, 1), (2, 0), (0, 0)]).unwrap();
        let incoming = csr.incoming().unwrap();
        assert_eq!(incoming.column(0), &[(0, 0), (2, 2)]);
        assert_eq!(incoming.column(1), &[(0, 1), (2, 3)]);
    }

    #[test]
    fn restriction_keeps_every_synapse_once() {
        let csr = Csr::from_edges(3, 4, &[(0, 1), (0, 3), (2, 0), (2, 2), (2, 3)]).unwrap();
        let (left, a) = csr.restrict(0..2).unwrap();
        let (right, b) = csr.restrict(2..4).unwrap();
        assert_eq!(left.edges().collect::<Vec<_>>(), [(0, 1), (2, 0)]);
        assert_eq!(right.edges().collect::<Vec<_>>(), [(0, 1), (2, 0), (2, 1)]);
        let mut all = [a, b].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn faulty_lists_are_refused() {
        assert!(Csr::from_edges(0, 1, &[]).is_err());
        assert!(Csr::from_edges(1, 1, &[(1, 0)]).is_err());
        assert!(Csr::from_edges(1, 1, &[(0, 1)]).is_err());
        assert!(Csr::new(1, 3, vec![0, 2], vec![2, 1]).is_err());
        assert!(Csr::new(2, 3, vec![0, 2, 1], vec![1]).is_err());
        assert!(Csr::new(1, 3, vec![1, 1], vec![1]).is_err());
    }
}
