//! The loops: one per number of slices, compiled for each instruction-set level.

use nl_kernels::{Level, Vectorised};

use crate::Error;

struct Largest<'a>(&'a [f32]);
struct Map<'a, F>(&'a mut [f32], F);
struct MapWith<'a, F>(&'a mut [f32], &'a [f32], F);
struct Map2<'a, F>(&'a mut [f32], &'a mut [f32], F);
struct Map3<'a, F>(&'a mut [f32], &'a mut [f32], &'a mut [f32], F);

impl<F: Fn(f32) -> f32> Vectorised for Map<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for u in self.0 {
            *u = (self.1)(*u);
        }
    }
}

impl<F: Fn(f32, f32) -> f32> Vectorised for MapWith<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (u, &p) in self.0.iter_mut().zip(self.1) {
            *u = (self.2)(*u, p);
        }
    }
}

impl<F: Fn(f32, f32) -> (f32, f32)> Vectorised for Map2<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (u, a) in self.0.iter_mut().zip(self.1) {
            (*u, *a) = (self.2)(*u, *a);
        }
    }
}

impl<F: Fn(f32, f32, f32) -> (f32, f32, f32)> Vectorised for Map3<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((u, a), b) in self.0.iter_mut().zip(self.1).zip(self.2) {
            (*u, *a, *b) = (self.3)(*u, *a, *b);
        }
    }
}

/// max |x|; as unsigned numbers, bits without their sign are ordered like magnitudes, ∞ and NaN on top.
impl Vectorised for Largest<'_> {
    type Output = u32;
    #[inline(always)]
    fn run(self) -> u32 {
        self.0.iter().fold(0, |largest, x| largest.max(x.to_bits() & 0x7fff_ffff))
    }
}

/// The largest magnitude in `x`, 0 if there is nothing.
///
/// # Errors
/// [`Error::NotFinite`] with the first element that is infinite or NaN.
pub(crate) fn finite(op: &'static str, what: &'static str, x: &[f32]) -> Result<f32, Error> {
    let largest = f32::from_bits(Level::current().dispatch(Largest(x)));
    if largest.is_finite() {
        return Ok(largest);
    }
    match x.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::NotFinite { op, what, at, value: x[at] }),
        None => Ok(largest),
    }
}

/// u ← f(u)
pub(crate) fn map(u: &mut [f32], f: impl Fn(f32) -> f32) {
    Level::current().dispatch(Map(u, f));
}

/// u ← f(u, p)
pub(crate) fn map_with(u: &mut [f32], p: &[f32], f: impl Fn(f32, f32) -> f32) {
    Level::current().dispatch(MapWith(u, p, f));
}

/// (u, a) ← f(u, a)
pub(crate) fn map2(u: &mut [f32], a: &mut [f32], f: impl Fn(f32, f32) -> (f32, f32)) {
    Level::current().dispatch(Map2(u, a, f));
}

/// (u, a, b) ← f(u, a, b)
pub(crate) fn map3(u: &mut [f32], a: &mut [f32], b: &mut [f32], f: impl Fn(f32, f32, f32) -> (f32, f32, f32)) {
    Level::current().dispatch(Map3(u, a, b, f));
}
