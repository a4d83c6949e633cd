//! Which images, in which order: shuffled mini-batches and the validation split.

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

    /// Shuffled batches over given items, such as the training part of [`stratified_split`].
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

/// Sets `validation` items aside so that each class keeps its share: (training, validation), both in ascending order.
///
/// Class c gives ⌊validation · n_c / n⌋ items, and one more to the classes of largest remainder (ties to the lower
/// class) until the count is exact; which items is drawn from the stream `"validation"`, index c.
///
/// # Errors
/// No item on one of the sides.
///
/// ```
/// let labels = [0, 0, 0, 0, 1, 1, 1, 1];
/// let (train, validation) = nl_data::stratified_split(&labels, 2, &nl_random::Streams::new(1))?;
/// assert_eq!((train.len(), validation.len()), (6, 2));
/// assert_eq!(validation.iter().filter(|&&i| labels[i as usize] == 1).count(), 1);
/// # Ok::<(), nl_data::BatchError>(())
/// ```
pub fn stratified_split(
    labels: &[u8],
    validation: usize,
    streams: &Streams,
) -> Result<(Vec<u32>, Vec<u32>), BatchError> {
    let len = labels.len();
    if u32::try_from(len).is_err() {
        return Err(BatchError::TooMany { len });
    }
    if validation == 0 || validation >= len {
        return Err(BatchError::Split { validation, len });
    }
    let mut members = vec![Vec::new(); 256];
    for (i, &label) in labels.iter().enumerate() {
        members[usize::from(label)].push(i as u32);
    }
    let share = |n: usize| (validation as u128 * n as u128 / len as u128) as usize;
    let remainder = |n: usize| validation as u128 * n as u128 % len as u128;
    let mut quota: Vec<usize> = members.iter().map(|m| share(m.len())).collect();
    let mut by_remainder: Vec<usize> = (0..256).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(remainder(members[class].len()))); // stable: ties to the lower
    let missing = validation - quota.iter().sum::<usize>();
    for &class in &by_remainder[..missing] {
        quota[class] += 1;
    }
    let mut held_out = vec![false; len];
    for (class, items) in members.iter_mut().enumerate() {
        let mut rng = streams.rng("validation", 0, class as u64);
        for i in 0..quota[class] {
            let j = rng.random_range(i as u32..items.len() as u32) as usize;
            items.swap(i, j);
            held_out[items[i] as usize] = true;
        }
    }
    Ok((0..len as u32).partition(|&i| !held_out[i as usize]))
}
