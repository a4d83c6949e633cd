//! Recycled buffers, so that a step that looks like the last one allocates nothing.

use crate::Error;
use std::sync::Arc;

/// `len` times `x`.
///
/// # Errors
/// [`Error::Memory`] if the memory is not there.
pub(crate) fn filled<T: Copy>(op: &'static str, len: usize, x: T) -> Result<Vec<T>, Error> {
    let mut all = reserved(op, len)?;
    all.resize(len, x);
    Ok(all)
}

/// Room for `len` elements.
///
/// # Errors
/// [`Error::Memory`] if the memory is not there.
pub(crate) fn reserved<T>(op: &'static str, len: usize) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    all.try_reserve_exact(len).map_err(|_| Error::Memory { op, bytes })?;
    Ok(all)
}

/// Values start on a cache line: kernels load whole lines, and a line that straddles two costs double.
const LINE_BYTES: usize = 64;

/// Free buffers in size classes, four to each power of two; the `Arc` headers are kept with them.
pub(crate) struct Pool<T> {
    classes: Vec<Class<T>>,
}

/// The buffers of one size that are free, and the number of all that were made.
struct Class<T> {
    free: Vec<Arc<Vec<T>>>,
    made: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { classes: Vec::new() }
    }
}

/// Index and size of the smallest class that holds `len` elements: sizes are 2^b · (4 + q) / 4 for q = 1..=4.
fn class(len: usize) -> (usize, usize) {
    let len = len.max(64);
    let bits = (usize::BITS - (len - 1).leading_zeros() - 1) as usize;
    let base = 1usize << bits;
    let quarters = (len - base).div_ceil(base / 4);
    (bits * 4 + quarters, base + quarters * (base / 4))
}

impl<T: Copy + Default> Pool<T> {
    /// A buffer nobody else holds, with at least `len` elements after the returned offset (unspecified contents).
    /// The offset puts the first element on a cache line.
    ///
    /// # Errors
    /// [`Error::Memory`] if the memory is not there.
    pub(crate) fn take(&mut self, op: &'static str, len: usize) -> Result<(Arc<Vec<T>>, usize), Error> {
        let lanes = LINE_BYTES / size_of::<T>();
        if len > isize::MAX as usize / 2 / size_of::<T>() {
            return Err(Error::Memory { op, bytes: len.saturating_mul(size_of::<T>()) });
        }
        let (index, size) = class(len + lanes);
        if self.classes.len() <= index {
            self.classes.resize_with(index + 1, || Class { free: Vec::new(), made: 0 });
        }
        let class = &mut self.classes[index];
        let buffer = match class.free.pop() {
            Some(buffer) => buffer,
            None => {
                let buffer = filled(op, size, T::default())?;
                // Room for its return now, so that nothing is allocated then.
                class.made += 1;
                class.free.reserve(class.made);
                Arc::new(buffer)
            }
        };
        let offset = buffer.as_ptr().align_offset(LINE_BYTES);
        // `align_offset` may in theory give up; the buffer is then merely slower.
        Ok((buffer, if offset < lanes { offset } else { 0 }))
    }

    /// Keeps a buffer that [`take`](Self::take) made for later; drops it if somebody else still holds it.
    pub(crate) fn give(&mut self, mut buffer: Arc<Vec<T>>) {
        if Arc::get_mut(&mut buffer).is_none() {
            return;
        }
        let (index, size) = class(buffer.len());
        debug_assert_eq!(size, buffer.len(), "a foreign buffer came back");
        if let Some(class) = self.classes.get_mut(index) {
            class.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_monotone_fit_and_waste_at_most_a_quarter() {
        let mut last = (0, 0);
        for len in 0..5000 {
            let (index, size) = class(len);
            assert!(size >= len && (len < 64 || size * 4 <= len * 5 + 4), "{len}: {size}");
            assert!(index > last.0 || (index, size) == last);
            assert_eq!(class(size), (index, size));
            last = (index, size);
        }
    }

    #[test]
    fn buffers_are_aligned_and_come_back_unless_shared() -> Result<(), Error> {
        let mut pool = Pool::<f32>::default();
        let (a, offset) = pool.take("test", 1000)?;
        assert_eq!(a[offset..].as_ptr() as usize % LINE_BYTES, 0);
        assert!(a.len() - offset >= 1000);
        let address = Arc::as_ptr(&a);
        let shared = a.clone();
        pool.give(a);
        pool.give(shared);
        assert_eq!(Arc::as_ptr(&pool.take("test", 1001)?.0), address);
        Ok(())
    }

    #[test]
    fn more_than_there_is_is_an_error() {
        let mut pool = Pool::<f64>::default();
        for len in [1 << 56, 1 << 61, usize::MAX - 8, usize::MAX] {
            let error = pool.take("add", len).unwrap_err();
            assert!(matches!(error, Error::Memory { op: "add", .. }), "{error}");
        }
        assert!(pool.take("add", 10).is_ok());
    }
}
