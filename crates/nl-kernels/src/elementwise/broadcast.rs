//! y = f(a, b) with broadcasting, by strides.

use core::marker::PhantomData;

use super::binary::{Binary, Function, WithFunction, select};
use crate::error::check_len;
use crate::{Float, Level, ShapeError, Vectorised};

/// The most axes the strided kernels take.
pub const MAX_RANK: usize = 8;

/// y\[i₁…iₙ\] = f(a\[Σ iₖ aₖ\], b\[Σ iₖ bₖ\]) for i in `dims`, y contiguous and row-major.
///
/// A stride of 0 repeats the input along that axis. Neighbouring axes that both inputs walk alike are merged first,
/// so the cost does not depend on how the shape is written. Any strides work; a last axis with strides 0 or 1 is fast.
///
/// ```
/// use nl_kernels::{Binary, binary_broadcast};
/// // [2, 3] + [3]
/// let mut y = [0.0_f32; 6];
/// binary_broadcast(Binary::Add, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[3, 1], &[10.0, 20.0, 30.0], &[0, 1], &[2, 3], &mut y)?;
/// assert_eq!(y, [10.0, 21.0, 32.0, 13.0, 24.0, 35.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if `y` does not have Π dims elements, the strides reach beyond an input, their number is not that
/// of the axes, or there are more than [`MAX_RANK`] axes.
pub fn binary_broadcast<T: Float>(
    op: Binary,
    a: &[T],
    a_strides: &[usize],
    b: &[T],
    b_strides: &[usize],
    dims: &[usize],
    y: &mut [T],
) -> Result<(), ShapeError> {
    let walk = Walk::new("binary_broadcast", dims, [("a", a.len(), a_strides), ("b", b.len(), b_strides)])?;
    check_len("binary_broadcast", "y", y.len(), walk.len)?;
    if walk.len > 0 {
        select(op, Apply { a, b, y, walk });
    }
    Ok(())
}

/// A walk through `N` strided operands: axes of size 1 dropped, mergeable neighbours merged.
pub(crate) struct Walk<const N: usize> {
    /// Number of index tuples.
    pub(crate) len: usize,
    /// Size of the last axis.
    pub(crate) inner: usize,
    /// Each operand's stride on the last axis.
    pub(crate) inner_strides: [usize; N],
    /// The other axes, from the inside out, with each operand's strides.
    pub(crate) outer_rank: usize,
    pub(crate) outer_dims: [usize; MAX_RANK],
    pub(crate) outer_strides: [[usize; MAX_RANK]; N],
}

impl<const N: usize> Walk<N> {
    /// Checks `(name, length, strides)` of each operand against `dims`.
    pub(crate) fn new(
        op: &'static str,
        dims: &[usize],
        operands: [(&'static str, usize, &[usize]); N],
    ) -> Result<Self, ShapeError> {
        let invalid = |message: String| ShapeError::Invalid { op, message };
        if dims.len() > MAX_RANK {
            return Err(invalid(format!("{} axes, at most {MAX_RANK} are supported; merge axes first", dims.len())));
        }
        // Axes of length 0 count as 1 here, so that no product of some of the others can overflow either.
        if dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d.max(1))).is_none() {
            return Err(invalid(format!("the shape {dims:?} has more elements than memory has addresses")));
        }
        let len = dims.iter().product();
        for (name, length, strides) in operands {
            if strides.len() != dims.len() {
                let (s, d) = (strides.len(), dims.len());
                return Err(invalid(format!("`{name}` has {s} strides for {d} axes; give one stride per axis")));
            }
            let last = (dims.iter().zip(strides))
                .try_fold(0_usize, |at, (&d, &s)| d.saturating_sub(1).checked_mul(s)?.checked_add(at));
            if len > 0 && last.is_none_or(|last| last >= length) {
                return Err(invalid(format!(
                    "strides {strides:?} over shape {dims:?} reach beyond the {length} elements of `{name}`"
                )));
            }
        }
        if len == 0 {
            let (outer_dims, outer_strides) = ([1; MAX_RANK], [[0; MAX_RANK]; N]);
            return Ok(Self { len, inner: 0, inner_strides: [0; N], outer_rank: 0, outer_dims, outer_strides });
        }
        // Axes from the last to the first; one is merged into the previous if every operand walks both as one.
        let (mut rank, mut size, mut step) = (0, [1; MAX_RANK], [[0; MAX_RANK]; N]);
        for axis in (0..dims.len()).rev().filter(|&axis| dims[axis] != 1) {
            let merges = rank > 0 && (0..N).all(|n| operands[n].2[axis] == step[n][rank - 1] * size[rank - 1]);
            if merges {
                size[rank - 1] *= dims[axis];
            } else {
                size[rank] = dims[axis];
                (0..N).for_each(|n| step[n][rank] = operands[n].2[axis]);
                rank += 1;
            }
        }
        let mut walk = Self {
            len,
            inner: size[0],
            inner_strides: step.map(|s| s[0]),
            outer_rank: rank.saturating_sub(1),
            outer_dims: [1; MAX_RANK],
            outer_strides: [[0; MAX_RANK]; N],
        };
        for k in 1..rank {
            walk.outer_dims[k - 1] = size[k];
            (0..N).for_each(|n| walk.outer_strides[n][k - 1] = step[n][k]);
        }
        Ok(walk)
    }

    /// Calls `row` with each operand's offset at the start of each row, in row-major order.
    #[inline(always)]
    pub(crate) fn for_each_row(&self, mut row: impl FnMut([usize; N])) {
        let (mut index, mut at) = ([0; MAX_RANK], [0; N]);
        loop {
            row(at);
            let mut axis = 0;
            loop {
                if axis == self.outer_rank {
                    return;
                }
                index[axis] += 1;
                for n in 0..N {
                    at[n] += self.outer_strides[n][axis];
                }
                if index[axis] < self.outer_dims[axis] {
                    break;
                }
                for n in 0..N {
                    at[n] -= self.outer_strides[n][axis] * self.outer_dims[axis];
                }
                index[axis] = 0;
                axis += 1;
            }
        }
    }
}

struct Apply<'a, T> {
    a: &'a [T],
    b: &'a [T],
    y: &'a mut [T],
    walk: Walk<2>,
}

impl<T: Float> WithFunction for Apply<'_, T> {
    fn with<F: Function>(self) {
        struct Body<'a, F, T>(Apply<'a, T>, PhantomData<F>);
        impl<F: Function, T: Float> Vectorised for Body<'_, F, T> {
            type Output = ();
            #[inline(always)]
            fn run(self) {
                let Apply { a, b, y, walk } = self.0;
                let inner = walk.inner;
                let mut rows = y.chunks_exact_mut(inner);
                walk.for_each_row(|[at_a, at_b]| {
                    let Some(y) = rows.next() else { return };
                    let (a, b) = (&a[at_a..], &b[at_b..]);
                    match walk.inner_strides {
                        [1, 1] => {
                            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                                *y = F::value(a, b);
                            }
                        }
                        [1, 0] => {
                            let b = b[0];
                            for (y, &a) in y.iter_mut().zip(a) {
                                *y = F::value(a, b);
                            }
                        }
                        [0, 1] => {
                            let a = a[0];
                            for (y, &b) in y.iter_mut().zip(b) {
                                *y = F::value(a, b);
                            }
                        }
                        [step_a, step_b] => {
                            for (i, y) in y.iter_mut().enumerate() {
                                *y = F::value(a[i * step_a], b[i * step_b]);
                            }
                        }
                    }
                });
            }
        }
        Level::current().dispatch(Body(self, PhantomData::<F>));
    }
}

#[cfg(test)]
mod tests {
    use super::super::binary::tests::exact;
    use super::*;

    /// Every subset of broadcast axes of both operands, over shapes with axes of 1, around the lane widths.
    #[test]
    fn equals_the_index_formula() {
        for dims in
            [vec![], vec![1], vec![5], vec![3, 17], vec![2, 1, 3], vec![2, 3, 16], vec![2, 3, 2, 9], vec![4, 0, 3]]
        {
            for mask in 0..1_usize << (2 * dims.len()) {
                let strides = |mask: usize| {
                    let (mut strides, mut size) = (vec![0; dims.len()], 1);
                    for axis in (0..dims.len()).rev().filter(|axis| mask >> axis & 1 == 1) {
                        strides[axis] = size;
                        size *= dims[axis];
                    }
                    (strides, size)
                };
                let ((a_strides, a_len), (b_strides, b_len)) = (strides(mask), strides(mask >> dims.len()));
                let a: Vec<f64> = (0..a_len).map(|i| i as f64 - 3.0).collect();
                let b: Vec<f64> = (0..b_len).map(|i| 0.5 * i as f64 + 1.0).collect();
                let len = dims.iter().product();
                let mut y = vec![f64::NAN; len];
                binary_broadcast(Binary::Div, &a, &a_strides, &b, &b_strides, &dims, &mut y).unwrap();
                for flat in 0..len {
                    let (mut rest, mut at_a, mut at_b) = (flat, 0, 0);
                    for axis in (0..dims.len()).rev() {
                        let i = rest % dims[axis];
                        rest /= dims[axis];
                        at_a += i * a_strides[axis];
                        at_b += i * b_strides[axis];
                    }
                    assert_eq!(y[flat], exact(Binary::Div, a[at_a], b[at_b]), "{dims:?} {a_strides:?} {b_strides:?}");
                }
            }
        }
    }

    #[test]
    fn any_stride_works() {
        // The transpose of [2, 3] plus a column of a [3, 4].
        let a: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let b: Vec<f32> = (0..12).map(|i| 100.0 * i as f32).collect();
        let mut y = [f32::NAN; 6];
        binary_broadcast(Binary::Add, &a, &[1, 3], &b, &[4, 0], &[3, 2], &mut y).unwrap();
        assert_eq!(y, [0.0, 3.0, 401.0, 404.0, 802.0, 805.0]);
    }

    #[test]
    fn wrong_strides_are_errors() {
        let mut y = [0.0_f32; 6];
        let mut call = |a: &[f32], strides: &[usize], dims: &[usize]| {
            binary_broadcast(Binary::Add, a, strides, &[1.0], &vec![0; dims.len()], dims, &mut y)
                .unwrap_err()
                .to_string()
        };
        assert!(call(&[0.0; 5], &[3, 1], &[2, 3]).contains("reach beyond the 5 elements of `a`"));
        assert!(call(&[0.0; 6], &[1], &[2, 3]).contains("1 strides for 2 axes"));
        assert!(call(&[0.0; 6], &[1; 9], &[1; 9]).contains("9 axes"));
        assert!(call(&[0.0; 6], &[0, 0], &[usize::MAX, 2]).contains("more elements than memory"));
        assert!(call(&[0.0; 6], &[usize::MAX, 1], &[2, 3]).contains("reach beyond"));
        assert!(call(&[0.0; 8], &[4, 1], &[2, 4]).contains("`y` has 6 elements"));
    }
}
