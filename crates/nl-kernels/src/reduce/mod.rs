//! Sums, maxima and products over axes, each in one fixed order: the same bits at every level and on every run.
//!
//! Every sum is pairwise, whichever axes it runs over: a running sum of n like terms in f32 loses up to n/2 ε, a tree of
//! short blocks log₂ n ε. Every maximum follows one rule ([`max_axis`]): the first of equals, and a NaN is larger than
//! every number.

mod axis;
mod max;

pub use axis::{sum_axis, sum_to};
pub use max::max_axis;
pub(crate) use max::{above, largest};

use crate::error::check_len;
use crate::{Float, Level, ShapeError, Vectorised};

/// Partial sums a contiguous reduction keeps: one 512-bit register of `f32`, two of `f64`.
const LANES: usize = 16;
/// Elements summed in lanes before they enter the pairwise tree.
const BLOCK: usize = 1024;

/// Σ xᵢ, in lanes and blocks, then pairwise (rounding error grows with log n).
///
/// ```
/// assert_eq!(nl_kernels::sum(&[1.0_f32, 2.0, 3.0]), 6.0);
/// ```
#[must_use]
pub fn sum<T: Float>(x: &[T]) -> T {
    struct Body<'a, T>(&'a [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = T;
        #[inline(always)]
        fn run(self) -> T {
            pairwise(self.0, self.0, |x, _| x)
        }
    }
    Level::current().dispatch(Body(x))
}

/// Σ xᵢ², in the order of [`sum`].
#[must_use]
pub fn sum_squares<T: Float>(x: &[T]) -> T {
    struct Body<'a, T>(&'a [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = T;
        #[inline(always)]
        fn run(self) -> T {
            pairwise(self.0, self.0, |x, _| x * x)
        }
    }
    Level::current().dispatch(Body(x))
}

/// Σ aᵢ bᵢ, in the order of [`sum`].
///
/// # Errors
/// [`ShapeError::Length`] if the lengths differ.
pub fn dot<T: Float>(a: &[T], b: &[T]) -> Result<T, ShapeError> {
    struct Body<'a, T>(&'a [T], &'a [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = T;
        #[inline(always)]
        fn run(self) -> T {
            pairwise(self.0, self.1, |a, b| a * b)
        }
    }
    check_len("dot", "b", b.len(), a.len())?;
    Ok(Level::current().dispatch(Body(a, b)))
}

/// Σ f(aᵢ, bᵢ): blocks of [`BLOCK`], joined like the carries of a binary counter, which is a pairwise tree.
#[inline(always)]
pub(crate) fn pairwise<T: Float>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Copy) -> T {
    if a.len() <= BLOCK {
        return block(a, b, f);
    }
    let mut stack = [T::ZERO; usize::BITS as usize];
    let (mut depth, mut count) = (0, 0_usize);
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let mut total = block(a, b, f);
        count += 1;
        for _ in 0..count.trailing_zeros() {
            depth -= 1;
            total = stack[depth] + total;
        }
        stack[depth] = total;
        depth += 1;
    }
    (0..depth).rev().fold(None, |right, i| Some(right.map_or(stack[i], |right| stack[i] + right))).unwrap_or(T::ZERO)
}

/// Σ f(aᵢ, bᵢ) in [`LANES`] partial sums, then these pairwise.
#[inline(always)]
fn block<T: Float>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            lanes[i] += f(a[i], b[i]);
        }
    }
    for (i, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[i] += f(a, b);
    }
    fold_lanes(lanes, |x, y| x + y)
}

/// ((l₀ ∘ l₈) ∘ (l₄ ∘ l₁₂)) ∘ …: halves until one is left.
#[inline(always)]
pub(crate) fn fold_lanes<T: Float>(mut lanes: [T; LANES], f: impl Fn(T, T) -> T) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = f(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// x has outer · axis · inner elements, y outer · inner.
fn check(op: &'static str, [outer, axis, inner]: [usize; 3], x: usize, y: usize) -> Result<(), ShapeError> {
    let size = outer.checked_mul(inner).and_then(|n| Some((n, n.checked_mul(axis)?)));
    let Some((small, large)) = size else {
        let message = format!("the shape [{outer}, {axis}, {inner}] has more elements than memory has addresses");
        return Err(ShapeError::Invalid { op, message });
    };
    check_len(op, "x", x, large)?;
    check_len(op, "y", y, small)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn values(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 + 13) % 1009) as f64 / 64.0 - 8.0).collect()
    }

    /// Multiples of 1/64 with small sums are exact in any order, so that the oracle may be compared for equality.
    #[test]
    fn contiguous_sums_equal_the_loop() {
        for n in (0..70).chain([1023, 1024, 1025, 2048, 3 * 1024 + 5, 7 * 1024, 20_000]) {
            let (x, b) = (values(n), values(n + 1));
            assert_eq!(sum(&x), x.iter().sum::<f64>());
            assert_eq!(sum_squares(&x), x.iter().map(|x| x * x).sum::<f64>());
            assert_eq!(dot(&x, &b[1..]).unwrap(), x.iter().zip(&b[1..]).map(|(a, b)| a * b).sum::<f64>());
        }
        assert!(dot(&[1.0_f32], &[]).is_err());
    }

    #[test]
    fn same_bits_at_every_level_and_small_error() {
        struct Sum<'a>(&'a [f32]);
        impl Vectorised for Sum<'_> {
            type Output = f32;
            #[inline(always)]
            fn run(self) -> f32 {
                pairwise(self.0, self.0, |a, b| a * b)
            }
        }
        let x: Vec<f32> = (0..100_003).map(|i| ((i * 7919) % 1009) as f32 / 63.7).collect();
        let exact: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        for level in Level::available() {
            let total = level.dispatch(Sum(&x));
            assert_eq!(total.to_bits(), sum_squares(&x).to_bits(), "{level}");
            approx::assert_relative_eq!(f64::from(total), exact, epsilon = 0.0, max_relative = 1e-6);
        }
    }
}
