//! The largest element over an axis, and where it stands.

use super::{LANES, check, fold_lanes};
use crate::error::check_len;
use crate::{Float, Level, ShapeError, Vectorised};

/// y\[o, i\] = maxₐ x\[o, a, i\], and the first a at which it stands: the first of equals, and a NaN, of which the first
/// counts, is larger than every number.
///
/// Shapes: x `[outer, axis, inner]`, y and `arg` `[outer, inner]`, all contiguous.
///
/// ```
/// let (mut y, mut arg) = ([0.0_f32; 1], [0; 1]);
/// nl_kernels::max_axis(1, 3, 1, &[1.0, 7.0, 7.0], &mut y, Some(&mut arg))?;
/// assert_eq!((y, arg), ([7.0], [1]));
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if a length is not that of its shape, or `axis` is 0.
pub fn max_axis<T: Float>(
    outer: usize,
    axis: usize,
    inner: usize,
    x: &[T],
    y: &mut [T],
    arg: Option<&mut [u32]>,
) -> Result<(), ShapeError> {
    check("max_axis", [outer, axis, inner], x.len(), y.len())?;
    if let Some(arg) = &arg {
        check_len("max_axis", "arg", arg.len(), y.len())?;
    }
    if axis == 0 || u32::try_from(axis).is_err() {
        let message = format!("an axis of {axis} elements has no maximum or no u32 index; give it 1 to 2^32 - 1");
        return Err(ShapeError::Invalid { op: "max_axis", message });
    }
    if y.is_empty() {
        return Ok(());
    }
    match arg {
        Some(arg) => Level::current().dispatch(ArgMax { axis, inner, x, y, arg }),
        None => Level::current().dispatch(Max { axis, inner, x, y }),
    }
    Ok(())
}

struct Max<'a, T> {
    axis: usize,
    inner: usize,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Vectorised for Max<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { axis, inner, x, y } = self;
        if inner == 1 {
            for (y, x) in y.iter_mut().zip(x.chunks_exact(axis)) {
                *y = largest(x);
            }
            return;
        }
        for (y, x) in y.chunks_exact_mut(inner).zip(x.chunks_exact(axis * inner)) {
            y.copy_from_slice(&x[..inner]);
            for x in x[inner..].chunks_exact(inner) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = larger(x, *y);
                }
            }
        }
    }
}

struct ArgMax<'a, T> {
    axis: usize,
    inner: usize,
    x: &'a [T],
    y: &'a mut [T],
    arg: &'a mut [u32],
}

impl<T: Float> Vectorised for ArgMax<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { axis, inner, x, y, arg } = self;
        for ((y, arg), x) in
            y.chunks_exact_mut(inner).zip(arg.chunks_exact_mut(inner)).zip(x.chunks_exact(axis * inner))
        {
            y.copy_from_slice(&x[..inner]);
            arg.fill(0);
            for (a, x) in (1_u32..).zip(x[inner..].chunks_exact(inner)) {
                for ((y, arg), &x) in y.iter_mut().zip(arg.iter_mut()).zip(x) {
                    let take = above(x, *y);
                    *y = if take { x } else { *y };
                    *arg = if take { a } else { *arg };
                }
            }
        }
    }
}

/// Whether `a` takes the place of `best`, which came before it, as the maximum: the rule of every maximum here. The first
/// of equals stays; a NaN is larger than every number, and equal to a NaN.
#[inline(always)]
pub(crate) fn above<T: Float>(a: T, best: T) -> bool {
    (a > best) | (a.is_nan() & !best.is_nan())
}

/// The larger; NaN if either is NaN.
#[inline(always)]
fn larger<T: Float>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The largest element; NaN if there is one; −∞ if x is empty.
#[inline(always)]
pub(crate) fn largest<T: Float>(x: &[T]) -> T {
    let mut lanes = [T::NEG_INFINITY; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for x in chunks {
        for i in 0..LANES {
            lanes[i] = larger(x[i], lanes[i]);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = larger(x, *lane);
    }
    fold_lanes(lanes, larger)
}

#[cfg(test)]
mod tests {
    use super::super::sum_axis;
    use super::*;

    #[test]
    fn maxima_of_ties_nan_and_nothing() {
        for inner in [1, 2] {
            let x: Vec<f32> = [3.0, f32::NAN, 5.0, f32::NAN].iter().flat_map(|&x| vec![x; inner]).collect();
            let (mut y, mut arg) = (vec![0.0; inner], vec![9; inner]);
            max_axis(1, 4, inner, &x, &mut y, Some(&mut arg)).unwrap();
            assert!(y[0].is_nan() && arg[0] == 1);
            max_axis(1, 4, inner, &x, &mut y, None).unwrap();
            assert!(y[0].is_nan());
            let ties = vec![2.0_f32; 40 * inner];
            max_axis(1, 40, inner, &ties, &mut y, Some(&mut arg)).unwrap();
            assert_eq!((y[0], arg[0]), (2.0, 0));
            let low = vec![f32::NEG_INFINITY; 3 * inner];
            max_axis(1, 3, inner, &low, &mut y, Some(&mut arg)).unwrap();
            assert_eq!((y[0], arg[0]), (f32::NEG_INFINITY, 0));
        }
        let mut y = [1.0_f32; 2];
        sum_axis(2, 0, 1, &[], &mut y).unwrap();
        assert_eq!(y, [0.0; 2]);
        assert!(max_axis(2, 0, 1, &[], &mut y, None).unwrap_err().to_string().contains("axis of 0"));
        assert!(sum_axis(2, 2, 1, &[0.0; 3], &mut y).unwrap_err().to_string().contains("`x` has 3 elements"));
        assert!(sum_axis(usize::MAX, 2, 2, &[0.0; 3], &mut y).is_err());
    }
}
