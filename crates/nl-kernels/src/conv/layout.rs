//! Between planes (`[channel][pixel]`, as the callers have them) and lanes (`[pixel][lane]`, one vector a pixel, the
//! lanes being the channels of one block): what lets the transforms work on all channels of a block at once.

use super::vector::{Kernel, MAX_LANES, Vector, call};
use crate::Float;
use crate::size::{elements, reach};

/// Up to `LANES` planes of `pixels` numbers each, `stride` apart, that are read or written as vectors of pixels.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    /// Planes in the block, 1..=LANES; the lanes beyond hold zeros.
    pub(super) count: usize,
    /// Numbers in a plane.
    pub(super) pixels: usize,
    /// From one plane to the next.
    pub(super) stride: usize,
}

/// Where a plane's pixels lie among the lanes: rows of `width` pixels, `row` vectors from one to the next.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) width: usize,
    pub(super) row: usize,
}

impl Rows {
    /// One more than the place of the last of `pixels` pixels, of which there is one.
    const fn reach(self, pixels: usize) -> usize {
        let last = pixels - 1;
        reach(&[(last / self.width + 1, self.row)], last % self.width + 1)
    }
}

/// What planes are read from.
pub(super) trait Source<T: Float>: Copy {
    /// Numbers that can be read.
    fn len(&self) -> usize;
    /// The `n` numbers from `at` on, then zeros.
    ///
    /// # Safety
    /// `at + n <= self.len()`.
    unsafe fn load<V: Vector<T>>(&self, at: usize, n: usize) -> V;
}

impl<T: Float> Source<T> for &[T] {
    #[inline(always)]
    fn len(&self) -> usize {
        <[T]>::len(self)
    }
    #[inline(always)]
    unsafe fn load<V: Vector<T>>(&self, at: usize, n: usize) -> V {
        // SAFETY: the caller promises that at + n numbers are there.
        unsafe {
            let p = self.as_ptr().add(at);
            if n == V::LANES { V::load(p) } else { V::load_partial(p, n) }
        }
    }
}

/// `dy`; if there is a `y`, only where that is > 0 (or NaN), else 0: the derivative of the ReLU, on the way.
#[derive(Clone, Copy)]
pub(super) struct Upstream<'a, T> {
    pub(super) y: Option<&'a [T]>,
    pub(super) dy: &'a [T],
}

impl<T: Float> Source<T> for Upstream<'_, T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.y.map_or(self.dy.len(), |y| y.len().min(self.dy.len()))
    }
    #[inline(always)]
    unsafe fn load<V: Vector<T>>(&self, at: usize, n: usize) -> V {
        let zero = V::splat(T::ZERO);
        // SAFETY: the caller promises at + n <= len, so both slices have those numbers.
        unsafe {
            let dy = Source::load::<V>(&self.dy, at, n);
            if let Some(y) = self.y { Source::load::<V>(&y, at, n).select_le(zero, zero, dy) } else { dy }
        }
    }
}

/// Bytes, read as numbers.
impl<T: Float> Source<T> for &[u8] {
    #[inline(always)]
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }
    #[inline(always)]
    unsafe fn load<V: Vector<T>>(&self, at: usize, n: usize) -> V {
        V::from_bytes(&self[at..at + n])
    }
}

/// Planes from `at` in `source` → lanes, from the start of `lanes`: `lanes[row · i + j][c] = source[c][width · i + j]`.
pub(super) fn planes_to_lanes<T: Float, V: Vector<T>, S: Source<T>>(
    source: S,
    at: usize,
    planes: Planes,
    rows: Rows,
    lanes: &mut [T],
) {
    call::<T, V, _>(ToLanes { source, at, planes, rows, lanes });
}

/// Lanes → planes from `at` in `out`: the reverse of [`planes_to_lanes`].
pub(super) fn lanes_to_planes<T: Float, V: Vector<T>, S: Sink<T> + ?Sized>(
    lanes: &[T],
    rows: Rows,
    planes: Planes,
    out: &mut S,
    at: usize,
) {
    call::<T, V, _>(ToPlanes { lanes, rows, planes, out, at });
}

struct ToLanes<'a, T, S> {
    source: S,
    at: usize,
    planes: Planes,
    rows: Rows,
    lanes: &'a mut [T],
}

impl<T: Float, S: Source<T>> Kernel<T> for ToLanes<'_, T, S> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { source, at, planes, rows, lanes } = self;
        let Planes { count, pixels, stride } = planes;
        if pixels == 0 {
            return;
        }
        assert!(count >= 1 && count <= V::LANES && rows.row >= rows.width.min(pixels));
        assert!(reach(&[(count, stride)], pixels).saturating_add(at) <= source.len());
        assert!(elements(&[rows.reach(pixels), V::LANES]) <= lanes.len());
        let (mut column, mut to) = (0, lanes.as_mut_ptr());
        let mut first = 0;
        while first < pixels {
            let n = V::LANES.min(pixels - first);
            let mut block = [V::splat(T::ZERO); MAX_LANES];
            for c in 0..count {
                // SAFETY: plane c < count and pixels first..first + n lie in the source, as asserted.
                block[c] = unsafe { source.load::<V>(at + c * stride + first, n) };
            }
            V::transpose(&mut block);
            for vector in &block[..n] {
                // SAFETY: `to` walks over the pixels in order, of which the last was asserted to fit.
                unsafe { vector.store(to) }
                column += 1;
                to = to.wrapping_add(V::LANES);
                if column == rows.width {
                    column = 0;
                    to = to.wrapping_add((rows.row - rows.width) * V::LANES);
                }
            }
            first += n;
        }
    }
}

/// What planes are written to.
pub(super) trait Sink<T: Float> {
    /// Numbers that can be written.
    fn len(&self) -> usize;
    /// Writes the first `n` lanes, from `at` on.
    ///
    /// # Safety
    /// `at + n <= self.len()`.
    unsafe fn store<V: Vector<T>>(&mut self, lanes: V, at: usize, n: usize);
}

impl<T: Float> Sink<T> for [T] {
    #[inline(always)]
    fn len(&self) -> usize {
        self.len()
    }
    #[inline(always)]
    unsafe fn store<V: Vector<T>>(&mut self, lanes: V, at: usize, n: usize) {
        // SAFETY: the caller promises that there is room for at + n numbers.
        unsafe {
            let p = self.as_mut_ptr().add(at);
            if n == V::LANES { lanes.store(p) } else { lanes.store_partial(p, n) }
        }
    }
}

/// Lanes that hold 0, 1, … 255, into bytes.
impl<T: Float> Sink<T> for [u8] {
    #[inline(always)]
    fn len(&self) -> usize {
        self.len()
    }
    #[inline(always)]
    unsafe fn store<V: Vector<T>>(&mut self, lanes: V, at: usize, n: usize) {
        let bytes = lanes.to_bytes();
        if n == V::LANES {
            self[at..at + V::LANES].copy_from_slice(&bytes[..V::LANES]);
        } else {
            self[at..at + n].copy_from_slice(&bytes[..n]);
        }
    }
}

struct ToPlanes<'a, T, S: ?Sized> {
    lanes: &'a [T],
    rows: Rows,
    planes: Planes,
    out: &'a mut S,
    at: usize,
}

impl<T: Float, S: Sink<T> + ?Sized> Kernel<T> for ToPlanes<'_, T, S> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { lanes, rows, planes, out, at } = self;
        let Planes { count, pixels, stride } = planes;
        if pixels == 0 {
            return;
        }
        assert!(count >= 1 && count <= V::LANES && rows.row >= rows.width.min(pixels));
        assert!(reach(&[(count, stride)], pixels).saturating_add(at) <= out.len());
        assert!(elements(&[rows.reach(pixels), V::LANES]) <= lanes.len());
        let (mut column, mut from) = (0, lanes.as_ptr());
        let mut first = 0;
        while first < pixels {
            let n = V::LANES.min(pixels - first);
            let mut block = [V::splat(T::ZERO); MAX_LANES];
            for vector in &mut block[..n] {
                // SAFETY: `from` walks over the pixels in order, of which the last was asserted to be there.
                *vector = unsafe { V::load(from) };
                column += 1;
                from = from.wrapping_add(V::LANES);
                if column == rows.width {
                    column = 0;
                    from = from.wrapping_add((rows.row - rows.width) * V::LANES);
                }
            }
            V::transpose(&mut block);
            for c in 0..count {
                // SAFETY: plane c < count and pixels first..first + n lie in `out`, as asserted.
                unsafe { out.store(block[c], at + c * stride + first, n) }
            }
            first += n;
        }
    }
}
