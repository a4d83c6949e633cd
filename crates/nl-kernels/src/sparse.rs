//! Products with a matrix most of whose elements are 0, as spikes are: work for what is there only.

use crate::error::check_len;
use crate::simd::{Simd, Vector};
use crate::size::elements;
use crate::{Buffer, Float, Level, Scratch, ShapeError};

/// Rows of a table that are near at a time: with a panel's columns, they fit the nearest cache. Lists are cut there.
const PART: usize = 400;

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
    /// Where each part of each list begins, and where the last ends.
    starts: Buffer<u32>,
    indices: Buffer<u32>,
    values: Buffer<F>,
    /// One more than the largest index that there can be.
    bound: usize,
    /// Parts of a list.
    parts: usize,
    /// Whether all values are 1.
    ones: bool,
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
        Self::rows_of(x, (rows, columns), count_nonzero(x), scratch)
    }

    /// As [`rows`](Self::rows), for an x of which it is known how many elements are not 0.
    fn rows_of(
        x: &[F],
        (rows, columns): (usize, usize),
        some: usize,
        scratch: &mut Scratch,
    ) -> Result<Self, ShapeError> {
        check_numbered("Lists::rows", x, rows, columns)?;
        let mut lists = Self::sized(rows, columns, some, scratch)?;
        Level::current().dispatch(Scan { x, columns, lists: &mut lists });
        Ok(lists)
    }

    /// A list for each column of `x` `[rows, columns]`, ascending.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn columns(x: &[F], rows: usize, columns: usize, scratch: &mut Scratch) -> Result<Self, ShapeError> {
        Self::columns_of(x, (rows, columns), count_nonzero(x), scratch)
    }

    /// As [`columns`](Self::columns), for an x of which it is known how many elements are not 0.
    fn columns_of(
        x: &[F],
        (rows, columns): (usize, usize),
        some: usize,
        scratch: &mut Scratch,
    ) -> Result<Self, ShapeError> {
        let by_row = Self::rows_of(x, (rows, columns), some, scratch)?;
        let some = by_row.starts.last().map_or(0, |&end| end as usize);
        let mut lists = Self::sized(columns, rows, some, scratch)?;
        let parts = lists.parts;
        let (starts, indices, values) =
            (lists.starts.as_mut_slice(), lists.indices.as_mut_slice(), lists.values.as_mut_slice());
        starts.fill(0);
        for row in 0..rows {
            for &column in by_row.list(row).0 {
                starts[column as usize * parts + row / PART + 1] += 1;
            }
        }
        for part in 0..columns * parts {
            starts[part + 1] += starts[part];
        }
        // Each start walks to the end of its part, which is the start of the next.
        for row in 0..rows {
            let (columns, of_row) = by_row.list(row);
            for (&column, &value) in columns.iter().zip(of_row) {
                let at = &mut starts[column as usize * parts + row / PART];
                (indices[*at as usize], values[*at as usize]) = (row as u32, value);
                *at += 1;
            }
        }
        starts.copy_within(..columns * parts, 1);
        starts[0] = 0;
        lists.ones = by_row.ones;
        by_row.give(scratch);
        Ok(lists)
    }

    /// Room for `some` elements in so many lists of indices below `bound`: as much as for all that are few, or for all, so that a second
    /// step with other spikes finds its memory.
    fn sized(lists: usize, bound: usize, some: usize, scratch: &mut Scratch) -> Result<Self, ShapeError> {
        let all = elements(&[lists, bound]);
        let few = (SPARSE_PAYS * all as f64).ceil() as usize;
        let some = if some <= few { few } else { all.max(some) };
        let parts = bound.div_ceil(PART).max(1);
        let starts = scratch.take(elements(&[lists, parts]).saturating_add(1))?;
        // One more: where an element that does not count is written before the next one takes its place.
        let indices = scratch.take(some + 1)?;
        let values = scratch.take(some + 1)?;
        Ok(Self { starts, indices, values, bound, parts, ones: true })
    }

    /// Number of lists.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.starts.as_slice().len() - 1) / self.parts
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
        self.part(i, 0..self.parts)
    }

    /// Of list `i` those of `parts`.
    #[inline(always)]
    fn part(&self, i: usize, parts: core::ops::Range<usize>) -> (&[u32], &[F]) {
        let first = i * self.parts;
        let range = self.starts[first + parts.start] as usize..self.starts[first + parts.end] as usize;
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Returns the memory.
    pub fn give(self, scratch: &mut Scratch) {
        scratch.give(self.starts);
        scratch.give(self.indices);
        scratch.give(self.values);
    }
}

/// `Ok` if lists can number the elements of `x`.
fn check_numbered<F>(op: &'static str, x: &[F], rows: usize, columns: usize) -> Result<(), ShapeError> {
    check_len(op, "x", x.len(), elements(&[rows, columns]))?;
    if u32::try_from(x.len()).is_err() {
        let message = format!("{rows} x {columns} elements are more than a list can number; use smaller batches");
        return Err(ShapeError::Invalid { op, message });
    }
    Ok(())
}

/// Row by row, what is not 0.
struct Scan<'a, F> {
    x: &'a [F],
    columns: usize,
    lists: &'a mut Lists<F>,
}

impl<F: Float> crate::Vectorised for Scan<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { x, columns, lists } = self;
        let parts = lists.parts;
        let (starts, indices, values) =
            (lists.starts.as_mut_slice(), lists.indices.as_mut_slice(), lists.values.as_mut_slice());
        let (mut n, mut ones) = (0, true);
        if columns == 0 {
            starts.fill(0);
            return;
        }
        let most = indices.len();
        for (row, starts) in x.chunks_exact(columns).zip(starts.chunks_exact_mut(parts)) {
            for ((part, start), x) in starts.iter_mut().enumerate().zip(row.chunks(PART)) {
                *start = n as u32;
                // Sixteen at a time as bits, then from bit to bit: silence costs next to nothing.
                for (group, x) in x.chunks(16).enumerate() {
                    let mut bits = 0_u32;
                    for (i, &x) in x.iter().enumerate() {
                        bits |= u32::from(x != F::ZERO) << i;
                    }
                    while bits != 0 {
                        let i = bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        if n == most {
                            // More than was said: what follows is left out, and the caller's count was wrong.
                            break;
                        }
                        ones &= x[i] == F::ONE;
                        (indices[n], values[n]) = ((part * PART + group * 16 + i) as u32, x[i]);
                        n += 1;
                    }
                }
            }
        }
        if let Some(end) = starts.last_mut() {
            *end = n as u32;
        }
        lists.ones = ones;
    }
}

/// `out`\[i, :\] = `start` + Σ_e value_e · `table`\[index_e, :\] over list i: `table` `[bound, width]`, `out`
/// `[lists, width]`, `start` `[width]` or empty for 0.
///
/// # Errors
/// [`ShapeError::Length`] if a slice does not fit; [`ShapeError::Memory`].
pub fn gather_sum<F: Float>(
    lists: &Lists<F>,
    table: &[F],
    width: usize,
    start: &[F],
    out: &mut [F],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "gather_sum";
    check_len(OP, "table", table.len(), elements(&[lists.bound, width]))?;
    check_len(OP, "out", out.len(), elements(&[lists.len(), width]))?;
    if !start.is_empty() {
        check_len(OP, "start", start.len(), width)?;
    }
    if lists.is_empty() {
        return Ok(());
    }
    let panel = panel_columns::<F>();
    let mut near = scratch.take::<F>(elements(&[lists.bound, panel]))?;
    for column in (0..width).step_by(panel) {
        let columns = panel.min(width - column);
        for (near, row) in near.chunks_exact_mut(panel).zip(table.chunks_exact(width)) {
            near[..columns].copy_from_slice(&row[column..column + columns]);
            near[columns..].fill(F::ZERO);
        }
        let start = if start.is_empty() { start } else { &start[column..column + columns] };
        sum_panel(lists, &near, start, &mut out[column..], (width, columns));
    }
    scratch.give(near);
    Ok(())
}

/// Columns of a panel at the CPU's level.
fn panel_columns<F: Float>() -> usize {
    match Level::current() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 4 * <<F as Simd>::Avx512 as Vector<F>>::LANES,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 8 * <<F as Simd>::Avx2 as Vector<F>>::LANES,
        _ => 8 * <<F as Simd>::Portable as Vector<F>>::LANES,
    }
}

/// The sums of all lists over the `columns` columns of a panel: `table` `[bound, panel_columns]`, `start` `[columns]` or empty, `out` from
/// its first element, rows `stride` apart.
fn sum_panel<F: Float>(lists: &Lists<F>, table: &[F], start: &[F], out: &mut [F], (stride, columns): (usize, usize)) {
    let panel = panel_columns::<F>();
    let rows = lists.len();
    assert!(
        columns <= panel
            && columns <= stride
            && table.len() == elements(&[lists.bound, panel])
            && (start.is_empty() || start.len() == columns)
            && (rows == 0 || out.len() >= elements(&[rows - 1, stride]).saturating_add(columns)),
        "a panel of another size"
    );
    let job = Job { lists, table: table.as_ptr(), start, out: out.as_mut_ptr(), stride, columns };
    match Level::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is one that the CPU has; indices are below `bound` (made by `Lists` and never changed), so that rows
        // of the table lie within it; `out` was checked above and aliases nothing.
        Level::Avx512 => unsafe { run_avx512::<F, <F as Simd>::Avx512>(&job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { run_avx2::<F, <F as Simd>::Avx2>(&job) },
        // SAFETY: as above.
        _ => unsafe { parts::<F, <F as Simd>::Portable, 8>(&job) },
    }
}

struct Job<'a, F> {
    lists: &'a Lists<F>,
    /// `[bound, panel_columns]`
    table: *const F,
    start: &'a [F],
    /// `columns` of each list, `stride` apart.
    out: *mut F,
    stride: usize,
    columns: usize,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn run_avx512<F: Float, V: Vector<F>>(job: &Job<'_, F>) {
    // SAFETY: the caller's promise.
    unsafe { parts::<F, V, 4>(job) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<F: Float, V: Vector<F>>(job: &Job<'_, F>) {
    // SAFETY: the caller's promise.
    unsafe { parts::<F, V, 8>(job) }
}

/// Part by part of the table, so that it stays near while all lists pass.
///
/// # Safety
/// The CPU has the instructions of `V`; `table` is valid for `bound` rows of `REGISTERS · LANES` elements, `out` for `columns` elements of
/// each list.
#[inline(always)]
unsafe fn parts<F: Float, V: Vector<F>, const REGISTERS: usize>(job: &Job<'_, F>) {
    let whole = job.columns == REGISTERS * V::LANES;
    for part in 0..job.lists.parts {
        // SAFETY: the caller's promise.
        unsafe {
            match (whole, job.lists.ones) {
                (true, true) => lists::<F, V, REGISTERS, true, true>(job, part),
                (true, false) => lists::<F, V, REGISTERS, true, false>(job, part),
                (false, true) => lists::<F, V, REGISTERS, false, true>(job, part),
                (false, false) => lists::<F, V, REGISTERS, false, false>(job, part),
            }
        }
    }
}

/// All lists over one part of the table. `WHOLE`: all columns of the panel are there; `ONES`: all values are 1.
///
/// # Safety
/// As [`parts`].
#[inline(always)]
unsafe fn lists<F: Float, V: Vector<F>, const REGISTERS: usize, const WHOLE: bool, const ONES: bool>(
    job: &Job<'_, F>,
    part: usize,
) {
    for i in 0..job.lists.len() {
        let (indices, values) = job.lists.part(i, part..part + 1);
        // SAFETY: the caller's promise; masked lanes are not touched.
        unsafe {
            let out = job.out.add(i * job.stride);
            let lanes = |k: usize| V::first(job.columns.saturating_sub(k * V::LANES).min(V::LANES));
            let load = |from: *const F, k: usize| match WHOLE {
                true => V::load(from.add(k * V::LANES)),
                // Beyond the columns the pointer is not followed, nor is it moved there.
                false => V::load_first(from.wrapping_add(k * V::LANES), lanes(k)),
            };
            let mut sums = [V::splat(F::ZERO); REGISTERS];
            if part > 0 || !job.start.is_empty() {
                let from = if part > 0 { out.cast_const() } else { job.start.as_ptr() };
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum = load(from, k);
                }
            }
            let one = V::splat(F::ONE);
            let row = |index: u32| job.table.add(index as usize * (REGISTERS * V::LANES));
            let value = |value: F| if ONES { one } else { V::splat(value) };
            // Two sums side by side, of which none waits for the other: one after the other would wait for each addition.
            let mut others = [V::splat(F::ZERO); REGISTERS];
            let (pairs, last) = indices.as_chunks::<2>();
            let (of_pairs, of_last) = values.as_chunks::<2>();
            for (&[first, second], &[a, b]) in pairs.iter().zip(of_pairs) {
                let (first, second, a, b) = (row(first), row(second), value(a), value(b));
                for (k, (sum, other)) in sums.iter_mut().zip(&mut others).enumerate() {
                    *sum = a.mul_add(V::load(first.add(k * V::LANES)), *sum);
                    *other = b.mul_add(V::load(second.add(k * V::LANES)), *other);
                }
            }
            if let (&[last], &[a]) = (last, of_last) {
                let (last, a) = (row(last), value(a));
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum = a.mul_add(V::load(last.add(k * V::LANES)), *sum);
                }
            }
            for (k, (sum, other)) in sums.into_iter().zip(others).enumerate() {
                let sum = other.mul_add(one, sum);
                match WHOLE {
                    true => sum.store(out.add(k * V::LANES)),
                    false => sum.store_first(out.wrapping_add(k * V::LANES), lanes(k)),
                }
            }
        }
    }
}

/// Share of elements that are not 0 below which [`sparse_linear`] and [`sparse_linear_grad_weight`] are faster than the dense
/// products: measured on AVX-512 and AVX2, `cargo xtask bench snn-step`.
pub const SPARSE_PAYS: f64 = 0.2;

/// y = x Wᵀ + b for an x of which `some` elements are not 0: x `[rows, inputs]`, W `[outputs, inputs]`, b `[outputs]` or empty, y `[rows, outputs]`.
///
/// # Errors
/// [`ShapeError::Length`] if a slice does not fit; as [`Lists::rows`].
pub fn sparse_linear<F: Float>(
    (rows, inputs, outputs): (usize, usize, usize),
    (x, some): (&[F], usize),
    w: &[F],
    b: &[F],
    y: &mut [F],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "sparse_linear";
    check_len(OP, "w", w.len(), elements(&[outputs, inputs]))?;
    check_len(OP, "y", y.len(), elements(&[rows, outputs]))?;
    if !b.is_empty() {
        check_len(OP, "b", b.len(), outputs)?;
    }
    if rows == 0 {
        return check_len(OP, "x", x.len(), 0);
    }
    let lists = Lists::rows_of(x, (rows, inputs), some, scratch)?;
    let panel = panel_columns::<F>();
    let mut table = scratch.take(elements(&[inputs, panel]))?;
    for first in (0..outputs).step_by(panel) {
        let columns = panel.min(outputs - first);
        // The panel of Wᵀ; columns beyond the last are 0.
        if columns < panel {
            table.fill(F::ZERO);
        }
        transpose_to(&w[first * inputs..][..columns * inputs], (columns, inputs), (&mut table, panel));
        let start = if b.is_empty() { b } else { &b[first..first + columns] };
        sum_panel(&lists, &table, start, &mut y[first..], (outputs, columns));
    }
    lists.give(scratch);
    scratch.give(table);
    Ok(())
}

/// dW = dyᵀ x for an x of which `some` elements are not 0, in the shapes of [`sparse_linear`].
///
/// # Errors
/// As [`sparse_linear`].
pub fn sparse_linear_grad_weight<F: Float>(
    (rows, inputs, outputs): (usize, usize, usize),
    (x, some): (&[F], usize),
    dy: &[F],
    dw: &mut [F],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "sparse_linear_grad_weight";
    check_len(OP, "dw", dw.len(), elements(&[inputs, outputs]))?;
    check_len(OP, "dy", dy.len(), elements(&[rows, outputs]))?;
    let lists = Lists::columns_of(x, (rows, inputs), some, scratch)?;
    let panel = panel_columns::<F>();
    let (mut table, mut out) = (scratch.take(elements(&[rows, panel]))?, scratch.take(elements(&[inputs, panel]))?);
    for first in (0..outputs).step_by(panel) {
        let columns = panel.min(outputs - first);
        for (near, dy) in table.chunks_exact_mut(panel).zip(dy.chunks_exact(outputs)) {
            near[..columns].copy_from_slice(&dy[first..first + columns]);
            near[columns..].fill(F::ZERO);
        }
        sum_panel(&lists, &table, &[], &mut out, (panel, panel));
        // The panel of dW is that of its transpose.
        for (square, out) in out.chunks(SQUARE * panel).enumerate() {
            let (at, height) = (square * SQUARE, out.len() / panel);
            for column in 0..columns {
                for (row, dw) in dw[(first + column) * inputs + at..][..height].iter_mut().enumerate() {
                    *dw = out[row * panel + column];
                }
            }
        }
    }
    lists.give(scratch);
    scratch.give(table);
    scratch.give(out);
    Ok(())
}

/// Side of the squares in which matrices are transposed.
const SQUARE: usize = 32;

/// `to` `[columns, rows]` = `from` `[rows, columns]` transposed, in squares that fit the nearest cache.
///
/// # Errors
/// [`ShapeError::Length`] if a slice does not fit.
pub fn transpose<F: Float>(from: &[F], rows: usize, columns: usize, to: &mut [F]) -> Result<(), ShapeError> {
    check_len("transpose", "from", from.len(), elements(&[rows, columns]))?;
    check_len("transpose", "to", to.len(), from.len())?;
    transpose_to(from, (rows, columns), (to, rows));
    Ok(())
}

/// [`transpose`] into rows that are `stride` apart.
fn transpose_to<F: Float>(from: &[F], (rows, columns): (usize, usize), (to, stride): (&mut [F], usize)) {
    assert!(
        from.len() == elements(&[rows, columns])
            && rows <= stride
            && (columns == 0 || to.len() >= elements(&[columns - 1, stride]).saturating_add(rows)),
        "sizes that were checked before"
    );
    for top in (0..rows).step_by(SQUARE) {
        let bottom = (top + SQUARE).min(rows);
        for left in (0..columns).step_by(SQUARE) {
            let right = (left + SQUARE).min(columns);
            let (height, width) = ((bottom - top) / 4 * 4, (right - left) / 4 * 4);
            for r in (top..top + height).step_by(4) {
                for c in (left..left + width).step_by(4) {
                    // SAFETY: rows r to r + 3 and columns c to c + 3 lie within both, whose lengths are checked above.
                    unsafe {
                        let (from, to) = (from.as_ptr().add(r * columns + c), to.as_mut_ptr().add(c * stride + r));
                        F::transpose4(from, columns, to, stride);
                    }
                }
            }
            for r in top..bottom {
                let first = if r < top + height { left + width } else { left };
                for c in first..right {
                    to[c * stride + r] = from[r * columns + c];
                }
            }
        }
    }
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
        for rows in [0, 1, 3, 37, 300] {
            for inputs in [1, 2, 33, 130] {
                for outputs in [0, 1, 7, 8, 9, 17, 33, 63, 64, 65, 130] {
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
                        sparse_linear(size, (&x, count_nonzero(&x)), &w, &b, &mut y, &mut scratch).unwrap();
                        sparse_linear_grad_weight(size, (&x, count_nonzero(&x)), &dy, &mut dw, &mut scratch).unwrap();
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
                        sparse_linear(size, (&x, count_nonzero(&x)), &w, &[], &mut single, &mut scratch).unwrap();
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
            sparse_linear((2, 3, 4), (&vec![1.0; x], x), &vec![1.0; w], &vec![1.0; b], &mut vec![0.0; y], scratch)
                .is_ok()
        };
        assert!(fits(6, 12, 4, 8, &mut scratch) && fits(6, 12, 0, 8, &mut scratch));
        for (x, w, b, y) in [(5, 12, 4, 8), (6, 11, 4, 8), (6, 12, 3, 8), (6, 12, 4, 9)] {
            assert!(!fits(x, w, b, y, &mut scratch), "{x} {w} {b} {y}");
        }
        assert!(Lists::<f32>::rows(&[], usize::MAX, 2, &mut scratch).is_err());
    }
}
