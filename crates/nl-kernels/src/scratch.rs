//! Reusable working memory, handed to kernels explicitly so that nothing is allocated after the first call.

use crate::{Float, ShapeError};

/// One cache line: the unit in which scratch memory is allocated, so that every buffer starts on a line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

// SAFETY: a `Line` is 64 plain bytes: its size equals its alignment, so it has no padding, and every bit pattern is
// valid, the all-zero one included.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above; and `Line` is `Copy + 'static`.
unsafe impl bytemuck::Pod for Line {}

/// A pool of 64-byte aligned buffers. [`take`](Self::take) one, use it, [`give`](Self::give) it back.
///
/// A kernel that is called again with the same shapes finds its buffers here and allocates nothing.
///
/// ```
/// let mut scratch = nl_kernels::Scratch::new();
/// let mut buffer = scratch.take::<f32>(100)?; // contents unspecified
/// buffer.as_mut_slice().fill(1.0);
/// scratch.give(buffer);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
#[derive(Default)]
pub struct Scratch {
    free: Vec<Vec<Line>>,
}

/// A buffer that starts on a cache line: taken from a [`Scratch`], or kept. A loop over several arrays that do not is up to
/// half as fast with 512-bit loads, each of which then touches two lines.
pub struct Buffer<T> {
    lines: Vec<Line>,
    len: usize,
    marker: core::marker::PhantomData<T>,
}

impl Scratch {
    /// An empty pool.
    #[must_use]
    pub const fn new() -> Self {
        Self { free: Vec::new() }
    }

    /// A buffer of `len` elements with unspecified contents: the best-fitting free one, else a new one.
    ///
    /// # Errors
    /// [`ShapeError::Memory`] if the memory is not there.
    pub fn take<T: bytemuck::Pod>(&mut self, len: usize) -> Result<Buffer<T>, ShapeError> {
        let need = lines::<T>(len);
        if need == 0 {
            return Ok(Buffer::empty());
        }
        let best = (0..self.free.len()).filter(|&i| self.free[i].len() >= need).min_by_key(|&i| self.free[i].len());
        if let Some(best) = best {
            return Ok(Buffer { lines: self.free.swap_remove(best), len, marker: core::marker::PhantomData });
        }
        Buffer::zeroed(len).map_err(|_| memory("Scratch::take", need))
    }

    /// A buffer for each of `lens`, for the kernel `op`; all of them or none.
    pub(crate) fn take_all<T: Float, const N: usize>(
        &mut self,
        op: &'static str,
        lens: [usize; N],
    ) -> Result<[Buffer<T>; N], ShapeError> {
        // Lines that would never fit are refused before the first buffer is made; what is free counts as well, but
        // more than all addresses it is not.
        let all = lens.iter().fold(0_usize, |all, &len| all.saturating_add(lines::<T>(len)));
        if all > isize::MAX as usize / size_of::<Line>() {
            return Err(memory(op, all));
        }
        let mut buffers = core::array::from_fn(|_| Buffer::empty());
        for i in 0..N {
            match self.take(lens[i]) {
                Ok(buffer) => buffers[i] = buffer,
                Err(_) => {
                    self.give_all(buffers);
                    return Err(memory(op, all));
                }
            }
        }
        Ok(buffers)
    }

    /// Returns the buffers of [`take_all`](Self::take_all).
    pub(crate) fn give_all<T: Float, const N: usize>(&mut self, buffers: [Buffer<T>; N]) {
        for buffer in buffers {
            self.give(buffer);
        }
    }

    /// Returns a buffer to the pool.
    pub fn give<T>(&mut self, buffer: Buffer<T>) {
        if !buffer.lines.is_empty() {
            self.free.push(buffer.lines);
        }
    }
}

/// Lines that hold `len` numbers.
const fn lines<T>(len: usize) -> usize {
    len.div_ceil(size_of::<Line>() / size_of::<T>())
}

/// So many lines are not there.
const fn memory(op: &'static str, lines: usize) -> ShapeError {
    ShapeError::Memory { op, bytes: lines.saturating_mul(size_of::<Line>()) }
}

impl<T: bytemuck::Pod> Buffer<T> {
    /// No elements; allocates nothing.
    const fn empty() -> Self {
        Self { lines: Vec::new(), len: 0, marker: core::marker::PhantomData }
    }

    /// `len` zeros.
    fn zeroed(len: usize) -> Result<Self, std::collections::TryReserveError> {
        let mut lines = Vec::new();
        lines.try_reserve_exact(self::lines::<T>(len))?;
        lines.resize(self::lines::<T>(len), bytemuck::Zeroable::zeroed());
        Ok(Self { lines, len, marker: core::marker::PhantomData })
    }

    /// `len` times `value`.
    ///
    /// ```
    /// let buffer = nl_kernels::Buffer::filled(3, 1.5_f32)?;
    /// assert_eq!(buffer.as_slice(), [1.5; 3]);
    /// # Ok::<(), std::collections::TryReserveError>(())
    /// ```
    ///
    /// # Errors
    /// If the memory is not there.
    pub fn filled(len: usize, value: T) -> Result<Self, std::collections::TryReserveError> {
        let mut buffer = Self::zeroed(len)?;
        buffer.as_mut_slice().fill(value);
        Ok(buffer)
    }

    /// The elements.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The elements.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl<T: bytemuck::Pod> core::ops::Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: bytemuck::Pod> core::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self { lines: self.lines.clone(), len: self.len, marker: core::marker::PhantomData }
    }
}

impl<T: bytemuck::Pod + core::fmt::Debug> core::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl<T: bytemuck::Pod + PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_reused() {
        let mut scratch = Scratch::new();
        let mut a = scratch.take::<f32>(33).unwrap();
        let address = a.as_mut_slice().as_ptr() as usize;
        assert_eq!(address % 64, 0);
        assert_eq!(a.as_slice().len(), 33);
        scratch.give(a);
        let b = scratch.take::<f64>(10).unwrap();
        assert_eq!(b.as_slice().as_ptr() as usize, address);
        assert_eq!(b.as_slice().len(), 10);
    }

    #[test]
    fn more_than_there_is_is_an_error() {
        let mut scratch = Scratch::new();
        for len in [1 << 58, 1 << 61, 1 << 62, usize::MAX] {
            assert!(matches!(scratch.take::<f64>(len), Err(ShapeError::Memory { .. })), "{len}");
            let error = scratch.take_all::<f32, 2>("gemm", [8, len]).err().unwrap().to_string();
            assert!(error.starts_with("gemm: ") && error.contains("bytes of memory are not there"), "{error}");
        }
        // All or none, and what was taken is free again.
        let buffer = scratch.take::<f32>(1000).unwrap();
        let address = buffer.as_ptr();
        scratch.give(buffer);
        assert!(scratch.take_all::<f32, 3>("gemm", [1000, 1 << 56, 10]).is_err());
        assert_eq!(scratch.take::<f32>(1000).unwrap().as_ptr(), address);
    }

    #[test]
    fn kept_buffers_are_aligned_too() {
        for len in [0, 1, 15, 16, 17, 100] {
            let buffer = Buffer::filled(len, 2.0_f32).unwrap();
            let copy = buffer.clone();
            assert_eq!((&buffer[..], &buffer), (&vec![2.0; len][..], &copy));
            assert_eq!(copy.as_ptr() as usize % 64, 0);
        }
        assert!(Buffer::filled(usize::MAX / 8, 0.0_f32).is_err());
    }
}
