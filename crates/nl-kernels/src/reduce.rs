//! Sums, maxima and products over axes, each in one fixed order: the same bits at every level and on every run.

use crate::elementwise::Walk;
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

/// y\[o, i\] = Σₐ x\[o, a, i\], overwriting y.
///
/// Shapes: x `[outer, axis, inner]`, y `[outer, inner]`, both contiguous.
///
/// ```
/// let mut y = [0.0_f32; 2];
/// nl_kernels::sum_axis(1, 3, 2, &[1.0, 2.0, 10.0, 20.0, 100.0, 200.0], &mut y)?;
/// assert_eq!(y, [111.0, 222.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if a length is not that of its shape.
pub fn sum_axis<T: Float>(outer: usize, axis: usize, inner: usize, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    struct Body<'a, T>(usize, usize, &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            let Self(axis, inner, x, y) = self;
            if inner == 1 {
                for (y, x) in y.iter_mut().zip(x.chunks_exact(axis)) {
                    *y = pairwise(x, x, |x, _| x);
                }
                return;
            }
            for (y, x) in y.chunks_exact_mut(inner).zip(x.chunks_exact(axis * inner)) {
                y.copy_from_slice(&x[..inner]);
                for x in x[inner..].chunks_exact(inner) {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y += x;
                    }
                }
            }
        }
    }
    check("sum_axis", [outer, axis, inner], x.len(), y.len())?;
    if axis == 0 {
        y.fill(T::ZERO);
    } else if !y.is_empty() {
        Level::current().dispatch(Body(axis, inner, x, y));
    }
    Ok(())
}

/// y\[o, i\] = maxₐ x\[o, a, i\], and the first a at which it stands; NaN wins over every number.
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
                *y = max(x);
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
                    let take = (x > *y) | (x.is_nan() & !y.is_nan());
                    *y = if take { x } else { *y };
                    *arg = if take { a } else { *arg };
                }
            }
        }
    }
}

/// The larger; NaN if either is NaN.
#[inline(always)]
pub(crate) fn larger<T: Float>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The largest element; NaN if there is one; −∞ if x is empty.
#[inline(always)]
pub(crate) fn max<T: Float>(x: &[T]) -> T {
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

/// y\[Σ iₖ sₖ\] = Σ x\[i₁…iₙ\] over all i that fall on the same element of y, overwriting y: the adjoint of broadcasting.
///
/// x is contiguous with shape `dims`; a stride of 0 sums that axis away. Elements of y that no index reaches become 0.
/// Order of the sum: rows of the (merged) last axis in row-major order, each row as in [`sum`].
///
/// ```
/// // [2, 3] summed to [3]
/// let mut y = [0.0_f32; 3];
/// nl_kernels::sum_to(&[1.0, 2.0, 3.0, 10.0, 20.0, 30.0], &[2, 3], &[0, 1], &mut y)?;
/// assert_eq!(y, [11.0, 22.0, 33.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if `x` does not have Π dims elements, the strides reach beyond y, their number is not that of the
/// axes, or there are more than [`MAX_RANK`](crate::MAX_RANK) axes.
pub fn sum_to<T: Float>(x: &[T], dims: &[usize], y_strides: &[usize], y: &mut [T]) -> Result<(), ShapeError> {
    struct Body<'a, T>(Walk<1>, &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            let Self(walk, x, y) = self;
            let mut rows = x.chunks_exact(walk.inner);
            walk.for_each_row(|[at]| {
                let Some(x) = rows.next() else { return };
                match walk.inner_strides {
                    [0] => y[at] += pairwise(x, x, |x, _| x),
                    [1] => {
                        for (y, &x) in y[at..].iter_mut().zip(x) {
                            *y += x;
                        }
                    }
                    [step] => {
                        for (y, &x) in y[at..].iter_mut().step_by(step).zip(x) {
                            *y += x;
                        }
                    }
                }
            });
        }
    }
    let walk = Walk::new("sum_to", dims, [("y", y.len(), y_strides)])?;
    check_len("sum_to", "x", x.len(), walk.len)?;
    y.fill(T::ZERO);
    if walk.len > 0 {
        Level::current().dispatch(Body(walk, x, y));
    }
    Ok(())
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

    fn values(n: usize) -> Vec<f64> {
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
            assert!((f64::from(total) / exact - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn axis_reductions_equal_the_loops() {
        for (outer, axis, inner) in
            [(1, 1, 1), (0, 3, 2), (2, 3, 0), (3, 17, 1), (2, 1, 5), (2, 5, 16), (4, 3, 33), (1, 70, 7), (2, 40, 1)]
        {
            let x = values(outer * axis * inner);
            let (mut sums, mut largest, mut plain) =
                (vec![f64::NAN; outer * inner], vec![f64::NAN; outer * inner], vec![f64::NAN; outer * inner]);
            let mut arg = vec![u32::MAX; outer * inner];
            sum_axis(outer, axis, inner, &x, &mut sums).unwrap();
            max_axis(outer, axis, inner, &x, &mut largest, Some(&mut arg)).unwrap();
            max_axis(outer, axis, inner, &x, &mut plain, None).unwrap();
            assert_eq!(largest, plain);
            for o in 0..outer {
                for i in 0..inner {
                    let column: Vec<f64> = (0..axis).map(|a| x[(o * axis + a) * inner + i]).collect();
                    let top = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let at = column.iter().position(|&v| v == top).unwrap();
                    assert_eq!(sums[o * inner + i], column.iter().sum::<f64>());
                    assert_eq!((largest[o * inner + i], arg[o * inner + i] as usize), (top, at));
                }
            }
        }
    }

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

    #[test]
    fn sum_to_is_the_adjoint_of_broadcasting() {
        for dims in [vec![], vec![5], vec![3, 17], vec![2, 1, 3], vec![2, 3, 16], vec![2, 3, 2, 9], vec![2, 0]] {
            for mask in 0..1_usize << dims.len() {
                let (mut strides, mut size) = (vec![0; dims.len()], 1);
                for axis in (0..dims.len()).rev().filter(|axis| mask >> axis & 1 == 1) {
                    strides[axis] = size;
                    size *= dims[axis];
                }
                let x = values(dims.iter().product());
                let mut y = vec![f64::NAN; size];
                sum_to(&x, &dims, &strides, &mut y).unwrap();
                let mut want = vec![0.0; size];
                for (flat, &x) in x.iter().enumerate() {
                    let (mut rest, mut at) = (flat, 0);
                    for axis in (0..dims.len()).rev() {
                        at += rest % dims[axis] * strides[axis];
                        rest /= dims[axis];
                    }
                    want[at] += x;
                }
                assert_eq!(y, want, "{dims:?} {strides:?}");
            }
        }
        // A transposed target: strides that are neither 0 nor 1 on the last axis.
        let mut y = [f32::NAN; 6];
        sum_to(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[2, 3], &[1, 2], &mut y).unwrap();
        assert_eq!(y, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(sum_to(&[0.0; 6], &[2, 3], &[3, 1], &mut y[..5]).is_err());
    }
}
