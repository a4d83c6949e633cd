//! Sums over some of the axes: rows are added in blocks, and the blocks pairwise.

use super::{check, pairwise};
use crate::elementwise::{MAX_RANK, Walk};
use crate::error::check_len;
use crate::{Float, Level, ShapeError, Vectorised};

/// Terms (rows, or sums of rows) that are added one after another before they enter the tree.
const TERMS: usize = 16;
/// Elements of a row that are summed at a time; the sums of a block, and of all open subtrees, stay in L1.
const COLUMNS: usize = 64;
/// Subtrees that may be open: for up to 2⁸ blocks, and for more than memory holds.
const FEW: usize = 9;
const MANY: usize = 48;

/// y\[o, i\] = Σₐ x\[o, a, i\], overwriting y: blocks of 16 rows, then pairwise (as [`sum`](crate::sum) if `inner` is 1).
///
/// Shapes: x `[outer, axis, inner]`, y `[outer, inner]`, both contiguous. A sum over an axis of length 0 is 0.
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
    check("sum_axis", [outer, axis, inner], x.len(), y.len())?;
    if axis == 0 {
        y.fill(T::ZERO);
    } else if !y.is_empty() {
        let (mut kept, mut summed) = (Axes::NONE, Axes::NONE);
        kept.push(outer, axis * inner, inner);
        if inner == 1 {
            Level::current().dispatch(Sum { x, y, kept, summed, inner: axis, step: 0 });
        } else {
            summed.push(axis, inner, 0);
            Level::current().dispatch(Sum { x, y, kept, summed, inner, step: 1 });
        }
    }
    Ok(())
}

/// y\[Σ iₖ sₖ\] = Σ x\[i₁…iₙ\] over all i that fall on the same element of y, overwriting y: the adjoint of broadcasting.
///
/// x is contiguous with shape `dims`; a stride of 0 sums that axis away. Elements of y that no index reaches become 0.
/// A row of the (merged) last axis is summed as in [`sum`](crate::sum), if it is summed away; rows that fall on the same
/// elements are added in blocks of 16, in row-major order, and the blocks pairwise. (Strides that let indices meet
/// otherwise than along an axis of stride 0, as \[1, 1\] does, have plain running sums.)
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
    let walk = Walk::new("sum_to", dims, [("y", y.len(), y_strides)])?;
    check_len("sum_to", "x", x.len(), walk.len)?;
    y.fill(T::ZERO);
    if walk.len == 0 {
        return Ok(());
    }
    let (inner, [step]) = (walk.inner, walk.inner_strides);
    let (mut kept, mut summed, mut x_stride) = (Axes::NONE, Axes::NONE, inner);
    for (&dim, &stride) in walk.outer_dims[..walk.outer_rank].iter().zip(&walk.outer_strides[0]) {
        if stride == 0 {
            summed.push(dim, x_stride, 0);
        } else {
            kept.push(dim, x_stride, stride);
        }
        x_stride *= dim;
    }
    if kept.distinct(inner, step) {
        Level::current().dispatch(Sum { x, y, kept, summed, inner, step });
    } else {
        let mut rows = x.chunks_exact(inner);
        walk.for_each_row(|[at]| {
            for (i, &x) in rows.next().unwrap_or_default().iter().enumerate() {
                y[at + i * step] += x;
            }
        });
    }
    Ok(())
}

/// Up to [`MAX_RANK`] axes, the innermost first, with their strides in x and y.
#[derive(Clone, Copy)]
struct Axes {
    rank: usize,
    dims: [usize; MAX_RANK],
    x: [usize; MAX_RANK],
    y: [usize; MAX_RANK],
}

impl Axes {
    const NONE: Self = Self { rank: 0, dims: [1; MAX_RANK], x: [0; MAX_RANK], y: [0; MAX_RANK] };

    fn push(&mut self, dim: usize, x: usize, y: usize) {
        (self.dims[self.rank], self.x[self.rank], self.y[self.rank]) = (dim, x, y);
        self.rank += 1;
    }

    /// Number of index tuples.
    fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether no two index tuples of these axes, and of a row of `inner` elements `step` apart (0: a single one), fall on
    /// one element of y: taken by size, each stride steps over all that the smaller ones reach.
    fn distinct(&self, inner: usize, step: usize) -> bool {
        let mut axes = [(0, 0); MAX_RANK + 1];
        axes[0] = (step, if step == 0 { 1 } else { inner });
        for i in 0..self.rank {
            axes[i + 1] = (self.y[i], self.dims[i]);
        }
        let axes = &mut axes[..=self.rank];
        axes.sort_unstable();
        let mut reach = 0;
        axes.iter().all(|&(stride, dim)| {
            let beyond = dim < 2 || stride > reach;
            reach += (dim - 1) * stride;
            beyond
        })
    }

    #[inline(always)]
    fn first(&self) -> Place<'_> {
        Place { axes: self, index: [0; MAX_RANK], x: 0, y: 0 }
    }
}

/// One index tuple, as offsets into x and y.
struct Place<'a> {
    axes: &'a Axes,
    index: [usize; MAX_RANK],
    x: usize,
    y: usize,
}

impl Place<'_> {
    /// On to the next tuple, in row-major order; after the last one to the first.
    #[inline(always)]
    fn advance(&mut self) {
        let axes = self.axes;
        for axis in 0..axes.rank {
            self.index[axis] += 1;
            self.x += axes.x[axis];
            self.y += axes.y[axis];
            if self.index[axis] < axes.dims[axis] {
                return;
            }
            self.index[axis] = 0;
            self.x -= axes.x[axis] * axes.dims[axis];
            self.y -= axes.y[axis] * axes.dims[axis];
        }
    }
}

/// y at the kept indices = Σ over the summed ones, and over rows if `step` is 0.
struct Sum<'a, T> {
    x: &'a [T],
    y: &'a mut [T],
    kept: Axes,
    summed: Axes,
    /// Elements of a row.
    inner: usize,
    /// From one element of a row to the next, in y.
    step: usize,
}

impl<T: Float> Vectorised for Sum<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { x, y, kept, summed, inner, step } = self;
        let terms = summed.len();
        let mut place = kept.first();
        for _ in 0..kept.len() {
            let (x, y) = (&x[place.x..], &mut y[place.y..]);
            if step == 0 {
                y[0] = numbers(x, inner, &summed, terms);
            } else {
                for start in (0..inner).step_by(COLUMNS) {
                    let width = COLUMNS.min(inner - start);
                    let x = &x[start..];
                    let sums = if terms <= TERMS {
                        block(x, width, &mut summed.first(), terms)
                    } else if terms <= TERMS << (FEW - 1) {
                        tree::<T, FEW>(x, width, &summed, terms)
                    } else {
                        tree::<T, MANY>(x, width, &summed, terms)
                    };
                    if step == 1 {
                        y[start..start + width].copy_from_slice(&sums[..width]);
                    } else {
                        for (i, &sum) in sums[..width].iter().enumerate() {
                            y[(start + i) * step] = sum;
                        }
                    }
                }
            }
            place.advance();
        }
    }
}

/// The sum of `terms` rows of `inner` elements.
#[inline(always)]
fn numbers<T: Float>(x: &[T], inner: usize, summed: &Axes, terms: usize) -> T {
    let mut place = summed.first();
    let mut stack = [T::ZERO; MANY];
    let (mut depth, mut left, mut blocks) = (0, terms, 0_usize);
    while left > 0 {
        let mut total = T::ZERO;
        for i in 0..TERMS.min(left) {
            let row = &x[place.x..][..inner];
            let sum = pairwise(row, row, |x, _| x);
            total = if i == 0 { sum } else { total + sum };
            place.advance();
        }
        left -= TERMS.min(left);
        for _ in 0..blocks.trailing_ones() {
            depth -= 1;
            total = stack[depth] + total;
        }
        blocks += 1;
        stack[depth] = total;
        depth += 1;
    }
    let mut sum = stack[depth - 1];
    for i in (0..depth - 1).rev() {
        sum = stack[i] + sum;
    }
    sum
}

/// The sum of `count` rows of `width` elements, one after another.
#[inline(always)]
fn block<T: Float>(x: &[T], width: usize, place: &mut Place<'_>, count: usize) -> [T; COLUMNS] {
    let mut sums = [T::ZERO; COLUMNS];
    for _ in 0..count {
        let row = &x[place.x..][..width];
        if let Some(row) = row.first_chunk::<COLUMNS>() {
            for i in 0..COLUMNS {
                sums[i] += row[i];
            }
        } else {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
        place.advance();
    }
    sums
}

/// The sum of `terms` rows of `width` elements: blocks, joined like the carries of a binary counter.
#[inline(always)]
fn tree<T: Float, const LEVELS: usize>(x: &[T], width: usize, summed: &Axes, terms: usize) -> [T; COLUMNS] {
    let mut place = summed.first();
    let mut stack = [[T::ZERO; COLUMNS]; LEVELS];
    let (mut depth, mut left, mut blocks) = (0, terms, 0_usize);
    while left > 0 {
        let mut total = block(x, width, &mut place, TERMS.min(left));
        left -= TERMS.min(left);
        for _ in 0..blocks.trailing_ones() {
            depth -= 1;
            add(&stack[depth], &mut total);
        }
        blocks += 1;
        stack[depth] = total;
        depth += 1;
    }
    let mut sum = stack[depth - 1];
    for i in (0..depth - 1).rev() {
        add(&stack[i], &mut sum);
    }
    sum
}

/// right ← left + right
#[inline(always)]
fn add<T: Float>(left: &[T; COLUMNS], right: &mut [T; COLUMNS]) {
    for i in 0..COLUMNS {
        right[i] = left[i] + right[i];
    }
}

#[cfg(test)]
mod tests {
    use super::super::max_axis;
    use super::super::tests::values;
    use super::*;

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

    /// Sums to every subset of axes of 65,536 (and more) rows of 0.1, for which running sums in f32 are off by 6e-4.
    #[test]
    fn many_rows_are_summed_pairwise() {
        let close = |what: &str, sums: &[f32], n: usize| {
            for &sum in sums {
                let error = (f64::from(sum) / (f64::from(0.1_f32) * n as f64) - 1.0).abs();
                // Columns are good to 2e-7, contiguous rows (64 terms a lane) to 7e-7.
                assert!(error < 1e-6, "{what}: {sum} of {n}, relative error {error:e}");
            }
        };
        for inner in [1, 2, 4, 63, 64, 70] {
            for n in [17, 4096, 4097, 65_536, 65_537] {
                let x = vec![0.1_f32; 2 * n * inner];
                let mut y = vec![f32::NAN; 2 * inner];
                sum_axis(2, n, inner, &x, &mut y).unwrap();
                close("sum_axis", &y, n);
                let mut y = vec![f32::NAN; inner];
                sum_to(&x, &[2 * n, inner], &[0, 1], &mut y).unwrap();
                close("sum_to [n, c] to [c]", &y, 2 * n);
                // A channel's sum over images and pixels, and a leading axis between two that stay.
                let mut y = vec![f32::NAN; 2];
                sum_to(&x, &[n, 2, inner], &[0, 1, 0], &mut y).unwrap();
                close("sum_to [n, c, p] to [c]", &y, n * inner);
                let mut y = vec![f32::NAN; 2 * inner];
                sum_to(&x, &[2, n, inner], &[inner, 0, 1], &mut y).unwrap();
                close("sum_to [b, n, c] to [b, c]", &y, n);
                sum_to(&x, &[n, 2, inner], &[0, 1, 2], &mut y).unwrap();
                close("sum_to, transposed", &y, n);
            }
        }
        let mut y = [f32::NAN; 4];
        sum_axis(1, 1_000_003, 4, &vec![0.1; 4_000_012], &mut y).unwrap();
        close("sum_axis", &y, 1_000_003);
    }

    #[test]
    fn the_same_bits_at_every_level_whatever_the_shape_is_called() {
        let x: Vec<f32> = (0..37 * 1000).map(|i| ((i * 7919) % 1009) as f32 / 63.7 - 8.0).collect();
        let mut first = vec![f32::NAN; 37];
        sum_axis(1, 1000, 37, &x, &mut first).unwrap();
        for level in Level::available() {
            let (mut kept, mut summed) = (Axes::NONE, Axes::NONE);
            kept.push(1, 0, 0);
            summed.push(50, 37, 0);
            summed.push(20, 37 * 50, 0);
            let mut y = vec![f32::NAN; 37];
            level.dispatch(Sum { x: &x, y: &mut y, kept, summed, inner: 37, step: 1 });
            assert_eq!(y, first, "{level}");
        }
    }

    #[test]
    fn strides_that_meet_are_summed_too() {
        // y[i + j] = Σ x[i, j]
        let mut y = [f64::NAN; 5];
        sum_to(&[1.0, 2.0, 3.0, 10.0, 20.0, 30.0], &[2, 3], &[1, 1], &mut y).unwrap();
        assert_eq!(y, [1.0, 12.0, 23.0, 30.0, 0.0]);
        let mut y = [f64::NAN; 6];
        sum_to(&[1.0, 2.0, 3.0, 10.0, 20.0, 30.0], &[2, 3], &[1, 2], &mut y).unwrap();
        assert_eq!(y, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
    }
}
