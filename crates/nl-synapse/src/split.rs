//! A list of synapses cut along its targets into parts that know only the neurons that reach them.

use core::ops::Range;

use crate::connectivity::{reserve, zeros};
use crate::{Csr, Error};

const NAME: &str = "split";

/// The synapses onto one range of targets, without the neurons that have none there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The neurons that reach the range, ascending: row k is that of neuron `senders[k]`.
    pub senders: Vec<u32>,
    /// Who is connected to whom: `senders.len()` to the length of the range.
    pub rows: Csr,
    /// The numbers its synapses had in the whole, ascending.
    pub synapses: Vec<u32>,
}

impl Csr {
    /// How many pairs (neuron, range) have a synapse; the ranges of targets are `bounds[k] .. bounds[k + 1]`.
    ///
    /// # Errors
    /// If the bounds do not ascend strictly from 0 to `post`.
    pub fn pairs(&self, bounds: &[usize]) -> Result<u64, Error> {
        self.check(bounds)?;
        let mut pairs = 0;
        (0..self.pre() as u32).for_each(|i| self.runs(i, bounds, |_, _| pairs += 1));
        Ok(pairs)
    }

    /// Cut into the ranges of targets `bounds[k] .. bounds[k + 1]`, in time and memory of the synapses and neurons, however
    /// many ranges there are; `None` for a range that nobody reaches.
    ///
    /// ```
    /// use nl_synapse::Csr;
    /// let csr = Csr::from_edges(3, 4, &[(0, 3), (2, 0), (2, 1)])?;
    /// let parts = csr.split(&[0, 2, 4])?;
    /// let left = parts[0].as_ref().unwrap();
    /// assert_eq!((&left.senders[..], left.rows.row(0), &left.synapses[..]), (&[2][..], &[0, 1][..], &[1, 2][..]));
    /// # Ok::<(), nl_synapse::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the bounds do not ascend strictly from 0 to `post`, or the memory is not there.
    pub fn split(&self, bounds: &[usize]) -> Result<Vec<Option<Share>>, Error> {
        self.check(bounds)?;
        let mut sizes = zeros::<(usize, usize)>(NAME, bounds.len() - 1)?;
        for i in 0..self.pre() as u32 {
            self.runs(i, bounds, |part, run| {
                sizes[part].0 += 1;
                sizes[part].1 += run.len();
            });
        }
        let mut parts = reserve(NAME, sizes.len())?;
        for &(senders, synapses) in &sizes {
            let mut offsets = reserve(NAME, senders + 1)?;
            offsets.push(0);
            parts.push((reserve(NAME, senders)?, offsets, reserve(NAME, synapses)?, reserve(NAME, synapses)?));
        }
        for i in 0..self.pre() as u32 {
            self.runs(i, bounds, |part, run| {
                let (senders, offsets, targets, synapses) = &mut parts[part];
                senders.push(i);
                targets.extend(self.targets()[run.clone()].iter().map(|&j| j - bounds[part] as u32));
                synapses.extend(run.start as u32..run.end as u32);
                offsets.push(targets.len() as u32);
            });
        }
        let parts = parts.into_iter().zip(bounds.windows(2));
        let share = parts.map(|((senders, offsets, targets, synapses), ends)| {
            if senders.is_empty() {
                return Ok(None);
            }
            let rows = Self::new(senders.len(), ends[1] - ends[0], offsets, targets)?;
            Ok(Some(Share { senders, rows, synapses }))
        });
        share.collect()
    }

    /// Calls `f(k, synapses)` for each range of targets that `pre` reaches, in their order.
    fn runs(&self, pre: u32, bounds: &[usize], mut f: impl FnMut(usize, Range<usize>)) {
        let mut rest = self.range(pre);
        while let Some(&first) = self.targets()[rest.clone()].first() {
            let part = bounds.partition_point(|&bound| bound <= first as usize) - 1;
            let run = self.targets()[rest.clone()].partition_point(|&j| (j as usize) < bounds[part + 1]);
            f(part, rest.start..rest.start + run);
            rest.start += run;
        }
    }

    fn check(&self, bounds: &[usize]) -> Result<(), Error> {
        let ends = (bounds.first(), bounds.last()) == (Some(&0), Some(&self.post()));
        if ends && bounds.len() > 1 && bounds.windows(2).all(|w| w[0] < w[1]) {
            return Ok(());
        }
        let message = format!("{} bounds; let them ascend strictly from 0 to {}", bounds.len(), self.post());
        Err(Error::Invalid { what: NAME, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges() -> Csr {
        Csr::from_edges(5, 7, &[(0, 1), (0, 1), (0, 6), (2, 0), (2, 2), (2, 3), (4, 6), (4, 2)]).unwrap()
    }

    /// Each part equals what `restrict` keeps, without the empty rows.
    #[test]
    fn parts_are_restrictions_without_empty_rows() {
        let csr = edges();
        for bounds in [&[0, 7][..], &[0, 2, 7], &[0, 1, 4, 5, 7], &[0, 1, 2, 3, 4, 5, 6, 7]] {
            let parts = csr.split(bounds).unwrap();
            let mut pairs = 0;
            for (k, part) in parts.iter().enumerate() {
                let (whole, kept) = csr.restrict(bounds[k]..bounds[k + 1]).unwrap();
                let Some(part) = part else {
                    assert_eq!(whole.synapses(), 0, "{bounds:?} {k}");
                    continue;
                };
                pairs += part.senders.len() as u64;
                assert_eq!(part.synapses, kept);
                let named: Vec<_> = part.rows.edges().map(|(i, j)| (part.senders[i as usize], j)).collect();
                assert_eq!(named, whole.edges().collect::<Vec<_>>(), "{bounds:?} {k}");
                assert!((0..part.senders.len() as u32).all(|i| !part.rows.row(i).is_empty()));
            }
            assert_eq!(csr.pairs(bounds).unwrap(), pairs);
        }
    }

    #[test]
    fn faulty_bounds_are_refused() {
        for bounds in [&[][..], &[0], &[7], &[0, 6], &[1, 7], &[0, 3, 3, 7], &[0, 5, 4, 7]] {
            assert!(edges().split(bounds).is_err(), "{bounds:?}");
            assert!(edges().pairs(bounds).is_err(), "{bounds:?}");
        }
    }
}
