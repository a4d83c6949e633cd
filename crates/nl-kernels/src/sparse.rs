//! Products with a matrix most of whose elements are 0, as spikes are: work for what is there only.

use crate::error::check_len;
use crate::simd::{Simd, Vector, prefetch_line};
use crate::size::elements;
use crate::{Buffer, Float, Level, Scratch, ShapeError};

/// Registers of a block of columns: each holds its sums over a whole list.
const WIDTH: usize = 8;

/// The elements of a matrix that are not 0, list by list.
///
/// ```
/// use nl_kernels::{Lists, Scratch};
/// let mut scratch = Scratch::new();
/// let x = [0.0, 2.0, 0.0, 1.0, 0.0, 3.0_f32]; // [2, 3]
/// let rows = Lists::rows(&x, 2, 3, &mut scratch)?;
/// assert_eq!((rows.list(0), rows.list(1)), ((&[1][..], &[2.0][..]), (&[0, 2][..], &[1.0, 3.0][..])));
/// let columns = Lists::columns(&x, 2, 3, &mut scratch)?;
/// assert_eq!(columns.list(2), (&[1][..], &[3.0][..]));
/// rows.give(&mut scratch); // its memory serves the next
/// columns.give(&mut scratch);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub struct Lists<F> {
    /// Where each list begins, and where the last ends.
    starts: Buffer<u32>,
    indices: Buffer<u32>,
    values: Buffer<F>,
    /// One more than the largest index that there can be.
    bound: usize,
}

/// How many elements of `x` are not 0.
///
/// ```
/// assert_eq!(nl_kernels::count_nonzero(&[0.0, -1.0, f32::NAN, -0.0]), 2);
/// ```
#[must_use]
pub fn count_nonzero<F: Float>(x: &[F]) -> usize {
    struct Count<'a, F>(&'a [F]);
    impl<F: Float> crate::Vectorised for Count<'_, F> {
        type Output = usize;
        #[inline(always)]
        fn run(self) -> usize {
            // Short counts in 32 bits vectorise as wide as f32 does.
            let part = |part: &[F]| part.iter().fold(0_u32, |n, &x| n + u32::from(x != F::ZERO)) as usize;
            self.0.chunks(1 << 16).map(part).sum()
        }
    }
    Level::current().dispatch(Count(x))
}

impl<F: Float> Lists<F> {
    /// A list for each row of `x` `[rows, columns]`, ascending.
    ///
    /// # Errors
    /// [`ShapeError::Length`] if `x` is not of this size; [`ShapeError::Invalid`] beyond 2³² elements; [`ShapeError::Memory`].
    pub fn rows(x: &[F], rows: usize, columns: usize, scratch: &mut Scratch) -> Result<Self, ShapeError> {
        let mut lists = Self::sized("Lists::rows", x, (rows, columns), rows, columns, scratch)?;
        let (starts, indices, values) =
            (lists.starts.as_mut_slice(), lists.indices.as_mut_slice(), lists.values.as_mut_slice());
        let mut n = 0;
        for (row, start) in starts[..rows].iter_mut().enumerate() {
            *start = n as u32;
            for (column, &value) in x[row * columns..][..columns].iter().enumerate() {
                // Written in any case and kept if it counts: no branch that spikes would make unpredictable.
                (indices[n], values[n]) = (column as u32, value);
                n += usize::from(value != F::ZERO);
            }
        }
        starts[rows] = n as u32;
        Ok(lists)
    }

    /// A list for each column of `x` `[rows, columns]`, ascending.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn columns(x: &[F], rows: usize, columns: usize, scratch: &mut Scratch) -> Result<Self, ShapeError> {
        let mut lists = Self::sized("Lists::columns", x, (rows, columns), columns, rows, scratch)?;
        let (starts, indices, values) =
            (lists.starts.as_mut_slice(), lists.indices.as_mut_slice(), lists.values.as_mut_slice());
        starts.fill(0);
        if columns == 0 {
            return Ok(lists);
        }
        for row in x.chunks_exact(columns) {
            for (count, &value) in starts[1..].iter_mut().zip(row) {
                *count += u32::from(value != F::ZERO);
            }
        }
        for column in 0..columns {
            starts[column + 1] += starts[column];
        }
        // Each start walks to the end of its list, which is the start of the next.
        for (number, row) in x.chunks_exact(columns).enumerate() {
            for (at, &value) in starts[..columns].iter_mut().zip(row) {
                if value != F::ZERO {
                    (indices[*at as usize], values[*at as usize]) = (number as u32, value);
                    *at += 1;
                }
            }
        }
        starts.copy_within(..columns, 1);
        starts[0] = 0;
        Ok(lists)
    }

    fn sized(
        op: &'static str,
        x: &[F],
        (rows, columns): (usize, usize),
        lists: usize,
        bound: usize,
        scratch: &mut Scratch,
    ) -> Result<Self, ShapeError> {
        check_len(op, "x", x.len(), elements(&[rows, columns]))?;
        if u32::try_from(x.len()).is_err() {
            let message = format!("{rows} x {columns} elements are more than a list can number; use smaller batches");
            return Err(ShapeError::Invalid { op, message });
        }
        // One more: where an element that does not count is written before the next one takes its place.
        let some = count_nonzero(x) + 1;
        let starts = scratch.take(lists + 1)?;
        let indices = scratch.take(some)?;
        let values = scratch.take(some)?;
        Ok(Self { starts, indices, values, bound })
    }

    /// Number of lists.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.as_slice().len() - 1
    }

    /// Whether there is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Indices and values of list `i`.
    ///
    /// # Panics
    /// If there is no such list.
    #[must_use]
    pub fn list(&self, i: usize) -> (&[u32], &[F]) {
        let range = self.starts[i] as usize..self.starts[i + 1] as usize;
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Returns the memory.
    pub fn give(self, scratch: &mut Scratch) {
        scratch.give(self.starts);
        scratch.give(self.indices);
        scratch.give(self.values);
    }
}

/// `out`\[i, :\] = `start` + Σ_e value_e · `table`\[index_e, :\] over list i, in order of the list: `table` `[bound, width]`, `out`
/// `[lists, width]`, `start` `[width]` or empty for 0.
///
/// # Errors
/// [`ShapeError::Length`] if a slice does not fit.
pub fn gather_sum<F: Float>(
    lists: &Lists<F>,
    table: &[F],
    width: usize,
    start: &[F],
    out: &mut [F],
) -> Result<(), ShapeError> {
    const OP: &str = "gather_sum";
    check_len(OP, "table", table.len(), elements(&[lists.bound, width]))?;
    check_len(OP, "out", out.len(), elements(&[lists.len(), width]))?;
    if !start.is_empty() {
        check_len(OP, "start", start.len(), width)?;
    }
    let job = Job { lists, table: table.as_ptr(), width, start, out: out.as_mut_ptr() };
    match Level::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is one that the CPU has; indices are below `bound` (made by `Lists` and never changed), so that rows
        // of the table lie within it; `out` was checked and aliases nothing.
        Level::Avx512 => unsafe { run_avx512::<F, <F as Simd>::Avx512>(&job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { run_avx2::<F, <F as Simd>::Avx2>(&job) },
        // SAFETY: as above.
        _ => unsafe { blocks::<F, <F as Simd>::Portable>(&job) },
    }
    Ok(())
}

struct Job<'a, F> {
    lists: &'a Lists<F>,
    /// `[bound, width]`
    table: *const F,
    width: usize,
    start: &'a [F],
    /// `[lists, width]`
    out: *mut F,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn run_avx512<F: Float, V: Vector<F>>(job: &Job<'_, F>) {
    // SAFETY: the caller's promise.
    unsafe { blocks::<F, V>(job) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<F: Float, V: Vector<F>>(job: &Job<'_, F>) {
    // SAFETY: the caller's promise.
    unsafe { blocks::<F, V>(job) }
}

/// Block by block of columns, so that the block of the table stays near while all lists pass.
///
/// # Safety
/// The CPU has the instructions of `V`; `table` is valid for `bound · width` elements, `out` for `lists · width`.
#[inline(always)]
unsafe fn blocks<F: Float, V: Vector<F>>(job: &Job<'_, F>) {
    let mut column = 0;
    while column < job.width {
        let left = job.width - column;
        // SAFETY: the caller's promise; `column` plus the columns of the block is at most `width`.
        unsafe {
            if left >= WIDTH * V::LANES {
                block::<F, V, WIDTH>(job, column);
                column += WIDTH * V::LANES;
            } else if left >= 2 * V::LANES {
                block::<F, V, 2>(job, column);
                column += 2 * V::LANES;
            } else {
                rest::<F, V>(job, column, left.min(V::LANES));
                column += left.min(V::LANES);
            }
        }
    }
}

/// `REGISTERS` registers of columns from `column` on.
///
/// # Safety
/// As [`blocks`]; `column + REGISTERS · LANES <= width`.
#[inline(always)]
unsafe fn block<F: Float, V: Vector<F>, const REGISTERS: usize>(job: &Job<'_, F>, column: usize) {
    for i in 0..job.lists.len() {
        let (indices, values) = job.lists.list(i);
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [V::splat(F::ZERO); REGISTERS];
            if !job.start.is_empty() {
                let start = job.start.as_ptr().add(column);
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(start.add(k * V::LANES));
                }
            }
            for (e, (&index, &value)) in indices.iter().zip(values).enumerate() {
                if let Some(&next) = indices.get(e + 2) {
                    prefetch_line(job.table.add(next as usize * job.width + column));
                }
                let row = job.table.add(index as usize * job.width + column);
                let value = V::splat(value);
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum = value.mul_add(V::load(row.add(k * V::LANES)), *sum);
                }
            }
            let out = job.out.add(i * job.width + column);
            for (k, sum) in sums.into_iter().enumerate() {
                sum.store(out.add(k * V::LANES));
            }
        }
    }
}

/// The last columns, fewer than two registers of them.
///
/// # Safety
/// As [`blocks`]; `column + columns <= width`, `columns <= LANES`.
#[inline(always)]
unsafe fn rest<F: Float, V: Vector<F>>(job: &Job<'_, F>, column: usize, columns: usize) {
    // SAFETY: the caller's promise; masked lanes are not touched.
    unsafe {
        let mask = V::first(columns);
        for i in 0..job.lists.len() {
            let (indices, values) = job.lists.list(i);
            let mut sum = match job.start.is_empty() {
                true => V::splat(F::ZERO),
                false => V::load_first(job.start.as_ptr().add(column), mask),
            };
            for (&index, &value) in indices.iter().zip(values) {
                let row = V::load_first(job.table.add(index as usize * job.width + column), mask);
                sum = V::splat(value).mul_add(row, sum);
            }
            sum.store_first(job.out.add(i * job.width + column), mask);
        }
    }
}

/// Share of elements that are not 0 below which [`sparse_linear`] and [`sparse_linear_grad_weight`] are faster than the dense
/// products: measured on AVX-512 and AVX2, `cargo xtask bench snn-step`.
pub const SPARSE_PAYS: f64 = 0.2;

/// y = x Wᵀ + b for an x with few elements: x `[rows, inputs]`, W `[outputs, inputs]`, b `[outputs]` or empty, y `[rows, outputs]`.
///
/// # Errors
/// [`ShapeError::Length`] if a slice does not fit; as [`Lists::rows`].
pub fn sparse_linear<F: Float>(
    (rows, inputs, outputs): (usize, usize, usize),
    x: &[F],
    w: &[F],
    b: &[F],
    y: &mut [F],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    check_len("sparse_linear", "w", w.len(), elements(&[outputs, inputs]))?;
    let mut table = scratch.take(w.len())?;
    transpose(w, outputs, inputs, &mut table)?;
    let lists = Lists::rows(x, rows, inputs, scratch)?;
    let result = gather_sum(&lists, &table, outputs, b, y);
    lists.give(scratch);
    scratch.give(table);
    result
}

/// dW = dyᵀ x for an x with few elements, in the shapes of [`sparse_linear`].
///
/// # Errors
/// As [`sparse_linear`].
pub fn sparse_linear_grad_weight<F: Float>(
    (rows, inputs, outputs): (usize, usize, usize),
    x: &[F],
    dy: &[F],
    dw: &mut [F],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "sparse_linear_grad_weight";
    check_len(OP, "dw", dw.len(), elements(&[inputs, outputs]))?;
    let mut table = scratch.take(dw.len())?;
    let lists = Lists::columns(x, rows, inputs, scratch)?;
    let result = gather_sum(&lists, dy, outputs, &[], &mut table);
    lists.give(scratch);
    result?;
    transpose(&table, inputs, outputs, dw)?;
    scratch.give(table);
    Ok(())
}

/// `to` `[columns, rows]` = `from` `[rows, columns]` transposed, in squares that fit the nearest cache.
///
/// # Errors
/// [`ShapeError::Length`] if a slice does not fit.
pub fn transpose<F: Float>(from: &[F], rows: usize, columns: usize, to: &mut [F]) -> Result<(), ShapeError> {
    const SQUARE: usize = 32;
    check_len("transpose", "from", from.len(), elements(&[rows, columns]))?;
    check_len("transpose", "to", to.len(), from.len())?;
    for top in (0..rows).step_by(SQUARE) {
        let bottom = (top + SQUARE).min(rows);
        for left in (0..columns).step_by(SQUARE) {
            let right = (left + SQUARE).min(columns);
            let (height, width) = ((bottom - top) / 4 * 4, (right - left) / 4 * 4);
            for r in (top..top + height).step_by(4) {
                for c in (left..left + width).step_by(4) {
                    // SAFETY: rows r to r + 3 and columns c to c + 3 lie within both, whose lengths are checked above.
                    unsafe {
                        F::transpose4(
                            from.as_ptr().add(r * columns + c),
                            columns,
                            to.as_mut_ptr().add(c * rows + r),
                            rows,
                        );
                    }
                }
            }
            for r in top..bottom {
                let first = if r < top + height { left + width } else { left };
                for c in first..right {
                    to[c * rows + r] = from[r * columns + c];
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of which about `share` are not 0.
    fn numbers(n: usize, share: f64, salt: u64) -> Vec<f64> {
        let mut state = salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        (0..n).map(|_| if next() < share { 2.0 * next() - 1.0 } else { 0.0 }).collect()
    }

    /// Sizes around lanes and blocks, nothing and everything there: as the sums say.
    #[test]
    fn as_the_dense_products() {
        let mut scratch = Scratch::new();
        for rows in [0, 1, 3, 37] {
            for inputs in [1, 2, 33, 70] {
                for outputs in [0, 1, 7, 8, 9, 15, 16, 17, 33, 64, 65, 127, 128, 129, 200] {
                    for share in [0.0, 0.1, 1.0] {
                        let (x, w, b) = (
                            numbers(rows * inputs, share, 1),
                            numbers(outputs * inputs, 1.0, 2),
                            numbers(outputs, 1.0, 3),
                        );
                        let dy = numbers(rows * outputs, 1.0, 4);
                        let size = (rows, inputs, outputs);
                        // What is written over must not count.
                        let (mut y, mut dw) = (vec![f64::NAN; rows * outputs], vec![f64::NAN; outputs * inputs]);
                        sparse_linear(size, &x, &w, &b, &mut y, &mut scratch).unwrap();
                        sparse_linear_grad_weight(size, &x, &dy, &mut dw, &mut scratch).unwrap();
                        for r in 0..rows {
                            for o in 0..outputs {
                                let sum: f64 = (0..inputs).map(|i| x[r * inputs + i] * w[o * inputs + i]).sum();
                                approx::assert_abs_diff_eq!(y[r * outputs + o], sum + b[o], epsilon = 1e-12);
                            }
                        }
                        for o in 0..outputs {
                            for i in 0..inputs {
                                let sum: f64 = (0..rows).map(|r| dy[r * outputs + o] * x[r * inputs + i]).sum();
                                approx::assert_abs_diff_eq!(dw[o * inputs + i], sum, epsilon = 1e-12);
                            }
                        }
                        let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
                        let w: Vec<f32> = w.iter().map(|&x| x as f32).collect();
                        let mut single = vec![f32::NAN; rows * outputs];
                        sparse_linear(size, &x, &w, &[], &mut single, &mut scratch).unwrap();
                        for (r, row) in single.chunks(outputs.max(1)).enumerate() {
                            for (got, (y, b)) in row.iter().zip(y[r * outputs..].iter().zip(&b)) {
                                approx::assert_abs_diff_eq!(f64::from(*got), y - b, epsilon = 1e-4);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_size_that_does_not_fit_is_refused() {
        let mut scratch = Scratch::new();
        let fits = |x: usize, w: usize, b: usize, y: usize, scratch: &mut Scratch| {
            sparse_linear((2, 3, 4), &vec![1.0; x], &vec![1.0; w], &vec![1.0; b], &mut vec![0.0; y], scratch).is_ok()
        };
        assert!(fits(6, 12, 4, 8, &mut scratch) && fits(6, 12, 0, 8, &mut scratch));
        for (x, w, b, y) in [(5, 12, 4, 8), (6, 11, 4, 8), (6, 12, 3, 8), (6, 12, 4, 9)] {
            assert!(!fits(x, w, b, y, &mut scratch), "{x} {w} {b} {y}");
        }
        assert!(Lists::<f32>::rows(&[], usize::MAX, 2, &mut scratch).is_err());
    }
}
