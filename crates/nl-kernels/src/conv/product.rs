//! Many small matrix products with strides: the inner loop of every convolution here.

use super::vector::{Kernel, Vector};
use crate::Float;
use crate::size::reach;

/// C_p = A_p B_p (+ C_p) for p = 0, 1, … `count`, with A `[m, k]`, B `[k, n]`, C `[m, n]`.
///
/// A has a stride for rows and one for columns, so either may run along memory; the rows of B and C are contiguous and
/// `n` is a multiple of the vector's lanes: callers pad. There is no packing: operands are laid out by the transforms
/// that write them.
pub(super) struct Product<'a, T> {
    pub(super) count: usize,
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) a: &'a [T],
    /// Strides of A: product, row, column.
    pub(super) a_strides: [usize; 3],
    pub(super) b: &'a [T],
    /// Strides of B: product, row.
    pub(super) b_strides: [usize; 2],
    pub(super) c: &'a mut [T],
    /// Strides of C: product, row.
    pub(super) c_strides: [usize; 2],
    /// Whether the product is added to C instead of replacing it.
    pub(super) accumulate: bool,
}

impl<T: Float> Kernel<T> for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { count, m, k, n, a, a_strides, b, b_strides, c, c_strides, accumulate } = self;
        if count == 0 || m == 0 || n == 0 {
            return;
        }
        assert!(n.is_multiple_of(V::LANES), "columns are padded to whole vectors");
        assert!(c_strides[1] >= n && b_strides[1] >= n);
        // Saturating: what wraps around would pass for small.
        assert!(reach(&[(count, c_strides[0]), (m, c_strides[1])], n) <= c.len());
        if k > 0 {
            assert!(reach(&[(count, a_strides[0]), (m, a_strides[1]), (k, a_strides[2])], 1) <= a.len());
            assert!(reach(&[(count, b_strides[0]), (k, b_strides[1])], n) <= b.len());
        }
        for p in 0..count {
            // SAFETY: the largest offsets into a, b and c were checked above; all smaller ones lie inside too.
            unsafe {
                let task = Task {
                    k,
                    a: a.as_ptr().add(p * a_strides[0]),
                    a_row: a_strides[1],
                    a_column: a_strides[2],
                    b: b.as_ptr().add(p * b_strides[0]),
                    b_row: b_strides[1],
                    c: c.as_mut_ptr().add(p * c_strides[0]),
                    c_row: c_strides[1],
                    accumulate,
                };
                task.run::<V>(m, n);
            }
        }
    }
}

/// Rows of a tile whose sums, beside a row of B and a number of A, have registers; at most 12.
const fn most_rows(vectors: usize, registers: usize) -> usize {
    let rows = (registers - 1 - vectors) / vectors;
    if rows < 12 { rows } else { 12 }
}

/// One product; pointers are to the first element.
#[derive(Clone, Copy)]
struct Task<T> {
    k: usize,
    a: *const T,
    a_row: usize,
    a_column: usize,
    b: *const T,
    b_row: usize,
    c: *mut T,
    c_row: usize,
    accumulate: bool,
}

impl<T: Float> Task<T> {
    /// # Safety
    /// The operands of an `m`×`n` product can be read and written at the task's strides; n is a multiple of the lanes.
    #[inline(always)]
    unsafe fn run<V: Vector<T>>(mut self, m: usize, n: usize) {
        let mut left = n / V::LANES;
        while left > 0 {
            // SAFETY: `columns` vectors are left, so the strips and the next column lie inside the product.
            unsafe {
                let columns = if const { most_rows(4, V::REGISTERS) >= 6 } && left >= 4 {
                    self.strip::<V, 4>(m);
                    4
                } else if left >= 2 {
                    self.strip::<V, 2>(m);
                    2
                } else {
                    self.strip::<V, 1>(m);
                    1
                };
                left -= columns;
                self.b = self.b.add(columns * V::LANES);
                self.c = self.c.add(columns * V::LANES);
            }
        }
    }

    /// A strip of N vectors of columns, in tiles as high as the registers allow, all about equally high.
    ///
    /// # Safety
    /// As [`run`](Self::run), for `m` rows and N vectors of columns.
    #[inline(always)]
    unsafe fn strip<V: Vector<T>, const N: usize>(mut self, m: usize) {
        let mut tiles = m.div_ceil(const { most_rows(N, V::REGISTERS) });
        let mut left = m;
        while left > 0 {
            let rows = left.div_ceil(tiles);
            // SAFETY: `rows` of the `left` rows, so the tile and the next row lie inside the product.
            unsafe {
                match rows {
                    1 if const { 1 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 1>(),
                    2 if const { 2 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 2>(),
                    3 if const { 3 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 3>(),
                    4 if const { 4 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 4>(),
                    5 if const { 5 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 5>(),
                    6 if const { 6 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 6>(),
                    7 if const { 7 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 7>(),
                    8 if const { 8 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 8>(),
                    9 if const { 9 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 9>(),
                    10 if const { 10 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 10>(),
                    11 if const { 11 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 11>(),
                    12 if const { 12 <= most_rows(N, V::REGISTERS) } => self.tile::<V, N, 12>(),
                    _ => unreachable!("no tile is that high"),
                }
                self.a = self.a.add(rows * self.a_row);
                self.c = self.c.add(rows * self.c_row);
            }
            left -= rows;
            tiles -= 1;
        }
    }

    /// M rows by N vectors, kept in registers over the whole sum.
    ///
    /// # Safety
    /// As [`run`](Self::run), for M rows and N vectors of columns.
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const N: usize, const M: usize>(self) {
        let mut sums = [[V::splat(T::ZERO); N]; M];
        let (mut a, mut b) = (self.a, self.b);
        for _ in 0..self.k {
            // SAFETY: rows i < M and vectors j < N of column/row l < k of the operands.
            unsafe {
                let mut row = [V::splat(T::ZERO); N];
                for j in 0..N {
                    row[j] = V::load(b.add(j * V::LANES));
                }
                for i in 0..M {
                    let a = V::splat(*a.add(i * self.a_row));
                    for j in 0..N {
                        sums[i][j] = a.mul_add(row[j], sums[i][j]);
                    }
                }
                a = a.wrapping_add(self.a_column);
                b = b.wrapping_add(self.b_row);
            }
        }
        for i in 0..M {
            for j in 0..N {
                // SAFETY: row i < M, vector j < N of C.
                unsafe {
                    let c = self.c.add(i * self.c_row + j * V::LANES);
                    let old = if self.accumulate { V::load(c) } else { V::splat(T::ZERO) };
                    if self.accumulate { old.add(sums[i][j]).store(c) } else { sums[i][j].store(c) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::conv::vector::{MAX_LANES, run_at};

    /// Every tile height and strip width, both orders of A, against three loops; integers, so the sums are exact.
    #[test]
    fn equals_three_loops_and_touches_nothing_else() {
        for level in Level::available() {
            for (m, k, vectors) in [(1, 1, 1), (5, 3, 4), (6, 0, 2), (7, 2, 5), (11, 4, 2), (13, 2, 7), (25, 3, 1)] {
                for (transposed, accumulate) in [(false, false), (true, true)] {
                    let (n, count) = (vectors * MAX_LANES, 2);
                    let (row, column) = if transposed { (1, m + 1) } else { (k + 2, 1) };
                    let size = (m + 1) * (k + 2);
                    let a: Vec<f32> = (0..count * size).map(|i| (i % 7) as f32 - 3.0).collect();
                    let b: Vec<f32> = (0..count * k * n + n).map(|i| (i % 5) as f32 - 2.0).collect();
                    // One spare number after each row and one spare row after each product, which stay NaN.
                    let mut c = vec![f32::NAN; count * (m + 1) * (n + 1)];
                    for p in 0..count {
                        for i in 0..m {
                            c[p * (m + 1) * (n + 1) + i * (n + 1)..][..n].fill(if accumulate { 1.0 } else { f32::NAN });
                        }
                    }
                    run_at(
                        level,
                        Product {
                            count,
                            m,
                            k,
                            n,
                            a: &a,
                            a_strides: [size, row, column],
                            b: &b,
                            b_strides: [k * n, n],
                            c: &mut c,
                            c_strides: [(m + 1) * (n + 1), n + 1],
                            accumulate,
                        },
                    );
                    for (at, &got) in c.iter().enumerate() {
                        let (p, i, j) = (at / (n + 1) / (m + 1), at / (n + 1) % (m + 1), at % (n + 1));
                        if i == m || j == n {
                            assert!(got.is_nan(), "{level} {m}x{k}x{n}: wrote at {i}, {j} of product {p}");
                            continue;
                        }
                        let start = if accumulate { 1.0 } else { 0.0 };
                        let want = (0..k)
                            .fold(start, |sum, l| sum + a[p * size + i * row + l * column] * b[p * k * n + l * n + j]);
                        assert_eq!(got, want, "{level} {m}x{k}x{n} at {i}, {j} of product {p}");
                    }
                }
            }
        }
    }
}
