//! Which parameters a penalty acts on.

use core::ops::Range;

use crate::Error;

/// All parameters, or some ranges of the flat slice: weights are decayed, biases and norms usually are not.
///
/// ```
/// use nl_optim::Mask;
/// let weights = Mask::ranges([10..20, 0..8])?;
/// assert_eq!(weights.iter(20).collect::<Vec<_>>(), [0..8, 10..20]);
/// assert!(Mask::ranges([0..1, 3..1]).is_err());
/// # Ok::<(), nl_optim::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    /// Sorted, disjoint, not empty; `None` means everything.
    ranges: Option<Vec<Range<usize>>>,
}

impl Mask {
    /// Every parameter.
    #[must_use]
    pub const fn all() -> Self {
        Self { ranges: None }
    }

    /// The parameters in any of the ranges, given in any order; overlaps count once.
    ///
    /// # Errors
    /// [`Error::Mask`] if a range ends before it starts.
    pub fn ranges(ranges: impl IntoIterator<Item = Range<usize>>) -> Result<Self, Error> {
        let mut sorted: Vec<Range<usize>> = ranges.into_iter().collect();
        if let Some(bad) = sorted.iter().find(|range| range.start > range.end) {
            return Err(Error::Mask { start: bad.start, end: bad.end, len: usize::MAX });
        }
        sorted.retain(|range| !range.is_empty());
        sorted.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in sorted {
            match merged.last_mut().filter(|last| range.start <= last.end) {
                Some(last) => last.end = last.end.max(range.end),
                None => merged.push(range),
            }
        }
        Ok(Self { ranges: Some(merged) })
    }

    /// The ranges, in order, of a slice of `len` parameters.
    pub fn iter(&self, len: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let all = self.ranges.is_none().then_some(0..len);
        all.into_iter().chain(self.ranges.iter().flatten().cloned())
    }

    /// Checks that every range lies in `len` parameters.
    ///
    /// # Errors
    /// [`Error::Mask`] with the first that does not.
    pub fn validate(&self, len: usize) -> Result<(), Error> {
        match self.ranges.iter().flatten().find(|range| range.end > len) {
            Some(range) => Err(Error::Mask { start: range.start, end: range.end, len }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sorted_merged_and_checked() {
        let mask = Mask::ranges([8..9, 2..4, 3..6, 5..5, 4..5]).unwrap();
        assert_eq!(mask.iter(100).collect::<Vec<_>>(), [2..6, 8..9]);
        assert_eq!(mask.validate(9), Ok(()));
        assert_eq!(mask.validate(8), Err(Error::Mask { start: 8, end: 9, len: 8 }));
        assert!(Mask::all().iter(3).eq(std::iter::once(0..3)));
        assert_eq!(Mask::ranges([]).unwrap().iter(3).count(), 0);
    }
}
