//! One body, compiled once per [`Level`]: how plain Rust loops reach the wide instructions of the CPU.

use crate::Level;

/// A computation whose body is compiled for each [`Level`] and run by [`Level::dispatch`].
///
/// `run` must be `#[inline(always)]`, and so must whatever it calls in its loops: only what is inlined into the
/// per-level entry is compiled with that level's instructions. Write plain loops over slices; no `unsafe` is needed.
/// Rust never contracts `a * b + c` into a fused operation by itself, so a body without `mul_add` whose sums have a
/// fixed order gives **the same bits at every level**.
///
/// Give the slices to the body as fields, not captured in a closure: inside a closure the compiler no longer knows that
/// they do not overlap, and the loop may stay scalar. Small closures from numbers to numbers are fine.
///
/// ```
/// use nl_kernels::{Level, Vectorised};
///
/// struct Halve<'a>(&'a mut [f32]);
/// impl Vectorised for Halve<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run(self) {
///         for x in self.0 {
///             *x *= 0.5;
///         }
///     }
/// }
/// let mut x = [2.0, 4.0];
/// Level::current().dispatch(Halve(&mut x));
/// assert_eq!(x, [1.0, 2.0]);
/// ```
pub trait Vectorised {
    /// What the computation returns.
    type Output;
    /// The computation; mark it `#[inline(always)]`.
    fn run(self) -> Self::Output;
}

impl Level {
    /// Runs `body` compiled for this level, or for the CPU's best one if the CPU lacks this one.
    #[inline]
    pub fn dispatch<V: Vectorised>(self, body: V) -> V::Output {
        #[cfg(target_arch = "x86_64")]
        match self.min(Self::detect()) {
            // SAFETY: `detect` returned `Avx512` or more, so this CPU has every feature `avx512` is compiled with.
            Self::Avx512 => return unsafe { avx512(body) },
            // SAFETY: `detect` returned `Avx2` or more, so this CPU has AVX2 and FMA.
            Self::Avx2 => return unsafe { avx2(body) },
            Self::Portable => {}
        }
        body.run()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<V: Vectorised>(body: V) -> V::Output {
    body.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<V: Vectorised>(body: V) -> V::Output {
    body.run()
}
