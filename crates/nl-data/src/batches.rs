//! Which images, in which order: shuffled mini-batches.

use nl_random::Streams;
use rand::RngExt;
use thiserror::Error;

/// Why batches or a split cannot be made.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BatchError {
    /// A batch of no images.
    #[error("batches: batch size 0; use at least 1")]
    ZeroBatch,
    /// More items than a u32 can count.
    #[error("batches: {len} items, at most {} can be numbered; split the set", u32::MAX)]
    TooMany {
        /// Items asked for.
        len: usize,
    },
    /// A cursor past the last batch.
    #[error("batches: cursor {cursor} is past the last of {batches} batches; was it saved with another batch size?")]
    Cursor {
        /// The cursor given.
        cursor: usize,
        /// Batches of the epoch.
        batches: usize,
    },
    /// Classes beyond what is told apart.
    #[error("split: {classes} classes, at most 65536 can be told apart; number them without gaps")]
    Classes {
        /// The number of classes.
        classes: usize,
    },
    /// A validation set that leaves nothing on one side.
    #[error("split: {validation} of {len} items for validation; use at least 1 and leave at least 1")]
    Split {
        /// Validation items asked for.
        validation: usize,
        /// Items there are.
        len: usize,
    },
}

/// The mini-batches of one epoch: a permutation of the items that depends on (seed, epoch) only, and a cursor.
///
/// Fisher-Yates, i from n-1 down to 1: swap(i, j), j uniform in 0..=i, drawn from the stream `"shuffle"`.
/// Source: Knuth, The Art of Computer Programming 2, 3rd ed. 1997, algorithm 3.4.2 P.
///
/// ```
/// use nl_data::Batches;
/// use nl_random::Streams;
///
/// let streams = Streams::new(7);
/// let mut batches = Batches::new(10, 4, false, &streams, 0)?;
/// let mut seen: Vec<u32> = Vec::new();
/// while let Some(batch) = batches.next_batch() {
///     seen.extend(batch);
/// }
/// seen.sort();
/// assert_eq!(seen, (0..10).collect::<Vec<_>>());
/// batches.start_epoch(&streams, 1); // shuffles again, allocates nothing
/// # Ok::<(), nl_data::BatchError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Batches {
    items: Vec<u32>,
    order: Vec<u32>,
    batch: usize,
    drop_last: bool,
    cursor: usize,
}

impl Batches {
    /// Shuffled batches over the items 0 to `len` - 1; with `drop_last` a smaller last batch is left out.
    ///
    /// # Errors
    /// A batch size of 0, or more items than a u32 can number.
    pub fn new(len: usize, batch: usize, drop_last: bool, streams: &Streams, epoch: u64) -> Result<Self, BatchError> {
        let last = u32::try_from(len).map_err(|_| BatchError::TooMany { len })?;
        Self::over((0..last).collect(), batch, drop_last, streams, epoch)
    }

    /// Shuffled batches over given items, such as the training part of [`stratified_split`](crate::stratified_split).
    ///
    /// # Errors
    /// A batch size of 0.
    pub fn over(
        items: Vec<u32>,
        batch: usize,
        drop_last: bool,
        streams: &Streams,
        epoch: u64,
    ) -> Result<Self, BatchError> {
        let mut batches = Self::in_order(items, batch)?;
        batches.drop_last = drop_last;
        batches.start_epoch(streams, epoch);
        Ok(batches)
    }

    /// Batches over given items as they stand, the last one as small as it must be: for evaluation.
    ///
    /// # Errors
    /// A batch size of 0.
    pub fn in_order(items: Vec<u32>, batch: usize) -> Result<Self, BatchError> {
        if batch == 0 {
            return Err(BatchError::ZeroBatch);
        }
        Ok(Self { order: items.clone(), items, batch, drop_last: false, cursor: 0 })
    }

    /// Shuffles for `epoch` and goes back to the first batch. The order does not depend on earlier epochs.
    pub fn start_epoch(&mut self, streams: &Streams, epoch: u64) {
        self.order.copy_from_slice(&self.items);
        let mut rng = streams.rng("shuffle", epoch, 0);
        for i in (1..self.order.len()).rev() {
            // The cast is lossless: items are numbered by u32.
            let j = rng.random_range(0..=i as u32) as usize;
            self.order.swap(i, j);
        }
        self.cursor = 0;
    }

    /// The number of batches of an epoch.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.drop_last { self.order.len() / self.batch } else { self.order.len().div_ceil(self.batch) }
    }

    /// Whether an epoch has no batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Batch `index`, if there is one, wherever the cursor stands.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u32]> {
        let start = index.checked_mul(self.batch).filter(|_| index < self.len())?;
        Some(&self.order[start..self.order.len().min(start + self.batch)])
    }

    /// The batch at the cursor, which moves on; `None` at the end of the epoch.
    pub fn next_batch(&mut self) -> Option<&[u32]> {
        let index = self.cursor;
        if index < self.len() {
            self.cursor += 1;
        }
        self.get(index)
    }

    /// The number of batches already taken: with seed and epoch, all that a checkpoint needs.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Moves the cursor, to resume within an epoch.
    ///
    /// # Errors
    /// A cursor past the last batch.
    pub fn seek(&mut self, cursor: usize) -> Result<(), BatchError> {
        if cursor > self.len() {
            return Err(BatchError::Cursor { cursor, batches: self.len() });
        }
        self.cursor = cursor;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(batches: &mut Batches) -> Vec<Vec<u32>> {
        std::iter::from_fn(|| batches.next_batch().map(<[u32]>::to_vec)).collect()
    }

    #[test]
    fn refuses_what_cannot_be() {
        let streams = Streams::new(1);
        assert_eq!(Batches::new(5, 0, true, &streams, 0).unwrap_err(), BatchError::ZeroBatch);
        let mut batches = Batches::new(5, 2, true, &streams, 0).unwrap();
        assert_eq!(batches.seek(3), Err(BatchError::Cursor { cursor: 3, batches: 2 }));
    }

    #[test]
    fn order_depends_on_seed_and_epoch_only() {
        let order = |seed, epoch| all(&mut Batches::new(100, 7, false, &Streams::new(seed), epoch).unwrap());
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
        let mut batches = Batches::new(100, 7, false, &Streams::new(1), 4).unwrap();
        batches.next_batch();
        batches.start_epoch(&Streams::new(1), 1);
        assert_eq!(all(&mut batches), order(1, 1), "earlier epochs leave no trace");
    }

    /// A changed number here is a changed result of every run: a decision, not an accident.
    #[test]
    fn value_stability() {
        let mut batches = Batches::new(10, 10, false, &Streams::new(42), 3).unwrap();
        assert_eq!(batches.next_batch().unwrap(), [6, 3, 7, 2, 0, 4, 9, 1, 5, 8]);
    }

    #[test]
    fn every_place_is_equally_likely() {
        let mut first = [0; 5];
        for epoch in 0..5000 {
            let mut batches = Batches::new(5, 5, false, &Streams::new(9), epoch).unwrap();
            first[batches.next_batch().unwrap()[0] as usize] += 1;
        }
        // Binomial(5000, 1/5): five standard deviations are 141.
        assert!(first.iter().all(|&count: &i32| (count - 1000).abs() < 141), "{first:?}");
    }

    #[test]
    fn evaluation_keeps_the_order() {
        let mut batches = Batches::in_order(vec![4, 2, 9], 2).unwrap();
        assert_eq!(all(&mut batches), [vec![4, 2], vec![9]]);
    }

    proptest! {
        #[test]
        fn an_epoch_is_a_permutation_cut_in_order(len in 0usize..200, batch in 1usize..40, drop_last: bool, epoch: u64) {
            let mut batches = Batches::new(len, batch, drop_last, &Streams::new(3), epoch).unwrap();
            let taken = all(&mut batches);
            prop_assert_eq!(taken.len(), batches.len());
            prop_assert_eq!(batches.cursor(), batches.len());
            let whole = if drop_last { taken.len() } else { taken.len().saturating_sub(1) };
            prop_assert!(taken[..whole].iter().all(|taken| taken.len() == batch));
            let mut items = taken.concat();
            prop_assert_eq!(items.len(), if drop_last { len / batch * batch } else { len });
            items.sort_unstable();
            items.dedup();
            prop_assert_eq!(items.len(), if drop_last { len / batch * batch } else { len });
            prop_assert!(items.iter().all(|&i| (i as usize) < len));
        }

        #[test]
        fn resuming_at_a_cursor_goes_on_as_before(len in 1usize..100, batch in 1usize..9, stop in 0usize..100) {
            let streams = Streams::new(3);
            let mut whole = Batches::new(len, batch, false, &streams, 5).unwrap();
            let stop = stop.min(whole.len());
            let expected = all(&mut whole)[stop..].to_vec();
            let mut resumed = Batches::new(len, batch, false, &streams, 5).unwrap();
            resumed.seek(stop).unwrap();
            prop_assert_eq!(all(&mut resumed), expected);
        }

    }
}
