//! Reusable working memory, handed to kernels explicitly so that nothing is allocated after the first call.

use crate::Float;

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
/// let mut buffer = scratch.take::<f32>(100); // contents unspecified
/// buffer.as_mut_slice().fill(1.0);
/// scratch.give(buffer);
/// ```
#[derive(Default)]
pub struct Scratch {
    free: Vec<Vec<Line>>,
}

/// An aligned buffer taken from a [`Scratch`].
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
    #[must_use]
    pub fn take<T: Float>(&mut self, len: usize) -> Buffer<T> {
        let need = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        let best = (0..self.free.len()).filter(|&i| self.free[i].len() >= need).min_by_key(|&i| self.free[i].len());
        let lines = best.map_or_else(|| vec![bytemuck::Zeroable::zeroed(); need], |i| self.free.swap_remove(i));
        Buffer { lines, len, marker: core::marker::PhantomData }
    }

    /// Returns a buffer to the pool.
    pub fn give<T: Float>(&mut self, buffer: Buffer<T>) {
        self.free.push(buffer.lines);
    }
}

impl<T: Float> Buffer<T> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_reused() {
        let mut scratch = Scratch::new();
        let mut a = scratch.take::<f32>(33);
        let address = a.as_mut_slice().as_ptr() as usize;
        assert_eq!(address % 64, 0);
        assert_eq!(a.as_slice().len(), 33);
        scratch.give(a);
        let b = scratch.take::<f64>(10);
        assert_eq!(b.as_slice().as_ptr() as usize, address);
        assert_eq!(b.as_slice().len(), 10);
    }
}
