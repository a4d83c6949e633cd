//! Many small products of one shape over contiguous operands: the middle of a Winograd convolution.
//!
//! Operands are read where they lie: a register tile broadcasts from the rows of A and loads the contiguous rows of B,
//! which for the sizes this is meant for (k, n up to about 64) stay in L1. Only Bᵀ has to be copied first.

use super::kernel::{self, Job, Left};
use super::pack;
use crate::error::check_len;
use crate::size::{elements, product};
use crate::{Float, Level, Scratch, ShapeError};

/// Which operand is stored transposed.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Plain,
    LeftTransposed,
    RightTransposed,
}

/// C_i = A_i B_i (+ C_i if `accumulate`), i < count; A \[count, m, k\], B \[count, k, n\], C \[count, m, n\], row-major.
///
/// Without `accumulate` C is not read.
///
/// ```
/// use nl_kernels::{Level, batched_gemm};
/// let (a, b) = ([1.0_f32, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]); // two products of [1, 2] by [2, 1]
/// let mut c = [f32::NAN; 2];
/// batched_gemm(Level::current(), 2, 1, 1, 2, &a, &b, &mut c, false)?;
/// assert_eq!(c, [17.0, 53.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if a slice has not the length its shape says.
pub fn batched_gemm<T: Float>(
    level: Level,
    count: usize,
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    c: &mut [T],
    accumulate: bool,
) -> Result<(), ShapeError> {
    run("batched_gemm", Form::Plain, level, [count, m, n, k], a, b, c, accumulate, &mut Scratch::new())
}

/// C_i = A_iᵀ B_i (+ C_i if `accumulate`); A \[count, k, m\], B \[count, k, n\], C \[count, m, n\], row-major.
///
/// The weight gradient of [`batched_gemm`]: A its left operand, B the gradient of its result.
///
/// # Errors
/// [`ShapeError`] if a slice has not the length its shape says.
pub fn batched_gemm_tn<T: Float>(
    level: Level,
    count: usize,
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    c: &mut [T],
    accumulate: bool,
) -> Result<(), ShapeError> {
    run("batched_gemm_tn", Form::LeftTransposed, level, [count, m, n, k], a, b, c, accumulate, &mut Scratch::new())
}

/// C_i = A_i B_iᵀ (+ C_i if `accumulate`); A \[count, m, k\], B \[count, n, k\], C \[count, m, n\], row-major.
///
/// The gradient of the left operand of [`batched_gemm`]. Each B_i is transposed into scratch first, which costs about
/// 10/m of the product: transpose once yourself and call `batched_gemm` if m is small and B is used often.
///
/// # Errors
/// [`ShapeError`] if a slice has not the length its shape says.
pub fn batched_gemm_nt<T: Float>(
    level: Level,
    count: usize,
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    c: &mut [T],
    accumulate: bool,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    run("batched_gemm_nt", Form::RightTransposed, level, [count, m, n, k], a, b, c, accumulate, scratch)
}

fn run<T: Float>(
    op: &'static str,
    form: Form,
    level: Level,
    [count, m, n, k]: [usize; 4],
    a: &[T],
    b: &[T],
    c: &mut [T],
    accumulate: bool,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    check_len(op, "a", a.len(), elements(&[count, m, k]))?;
    check_len(op, "b", b.len(), elements(&[count, k, n]))?;
    check_len(op, "c", c.len(), elements(&[count, m, n]))?;
    if c.is_empty() {
        return Ok(());
    }
    let level = level.min(Level::detect());
    let (_, tile) = kernel::tile_shape::<T>(level);
    let strip = if n <= tile / 2 { tile / 2 } else { tile };
    let len = if form == Form::RightTransposed { product(op, "B, packed", &[n.div_ceil(strip), strip, k])? } else { 0 };
    let [mut packed] = scratch.take_all::<T, 1>(op, [len])?;
    for i in 0..count {
        let (a, b, c) = (&a[i * m * k..][..m * k], &b[i * k * n..][..k * n], &mut c[i * m * n..][..m * n]);
        if form == Form::RightTransposed {
            // SAFETY: B is n × k, read as its k × n transpose; `packed` holds k · n rounded up to whole strips.
            unsafe { pack::right(b.as_ptr(), 1, k, k, n, packed.as_mut_slice().as_mut_ptr(), strip) };
        }
        let (b, b_row, b_strip) = match form {
            Form::RightTransposed => (packed.as_slice().as_ptr(), strip, strip * k),
            _ => (b.as_ptr(), n, strip),
        };
        let job = Job {
            m,
            n,
            k,
            a: a.as_ptr(),
            left: match form {
                Form::LeftTransposed => Left::Strided { row: 1, col: m },
                _ => Left::Strided { row: k, col: 1 },
            },
            b,
            b_row,
            b_strip,
            c: c.as_mut_ptr(),
            c_row: n,
            alpha: T::ONE,
            beta: if accumulate { T::ONE } else { T::ZERO },
        };
        // SAFETY: the level is the CPU's; the slices are exactly as long as the shapes, or packed as above.
        unsafe { T::run(level, &job) };
    }
    scratch.give_all([packed]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;

    fn integers<T: Float>(rng: &mut ChaCha8Rng, n: usize) -> Vec<T> {
        (0..n).map(|_| T::from_f64(f64::from(rng.random_range(-4_i32..=4)))).collect()
    }

    fn check<T: Float>(level: Level, count: usize, m: usize, n: usize, k: usize, accumulate: bool) {
        let mut rng: ChaCha8Rng = rand::SeedableRng::seed_from_u64((m * 1009 + n * 31 + k) as u64);
        let (a, b) = (integers::<T>(&mut rng, count * m * k), integers::<T>(&mut rng, count * k * n));
        let old = integers::<T>(&mut rng, count * m * n);
        let transposed = |x: &[T], rows: usize, cols: usize| -> Vec<T> {
            (0..count)
                .flat_map(|i| (0..cols).flat_map(move |c| (0..rows).map(move |r| (i, r, c))))
                .map(|(i, r, c)| x[(i * rows + r) * cols + c])
                .collect()
        };
        let mut expected = vec![T::ZERO; count * m * n];
        for (e, cell) in expected.iter_mut().enumerate() {
            let (i, row, col) = (e / (m * n), e / n % m, e % n);
            let start = if accumulate { old[e] } else { T::ZERO };
            *cell = (0..k).fold(start, |sum, p| sum + a[(i * m + row) * k + p] * b[(i * k + p) * n + col]);
        }
        let start = || if accumulate { old.clone() } else { vec![T::from_f64(f64::NAN); count * m * n] };
        let mut c = start();
        batched_gemm(level, count, m, n, k, &a, &b, &mut c, accumulate).unwrap();
        assert_eq!(c, expected, "{level} {count} x {m}x{n}x{k}");
        let mut c = start();
        batched_gemm_tn(level, count, m, n, k, &transposed(&a, m, k), &b, &mut c, accumulate).unwrap();
        assert_eq!(c, expected, "{level} {count} x {m}x{n}x{k}, A transposed");
        let mut c = start();
        let (b, scratch) = (transposed(&b, k, n), &mut Scratch::new());
        batched_gemm_nt(level, count, m, n, k, &a, &b, &mut c, accumulate, scratch).unwrap();
        assert_eq!(c, expected, "{level} {count} x {m}x{n}x{k}, B transposed");
    }

    #[test]
    fn every_form_at_every_level() {
        for level in Level::available() {
            for m in [0, 1, 5, 12, 13, 16, 30] {
                for n in [0, 1, 3, 8, 16, 17, 32, 40, 64] {
                    for k in [0, 1, 4, 16, 19] {
                        check::<f32>(level, 3, m, n, k, m % 2 == 0);
                        check::<f64>(level, 2, m, n, k, n % 2 == 0);
                    }
                }
            }
            check::<f32>(level, 0, 3, 4, 5, false);
            check::<f32>(level, 2, 64, 64, 64, true);
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let (x, mut c) = ([0.0_f32; 8], [0.0_f32; 8]);
        let level = Level::current();
        assert!(batched_gemm(level, 2, 2, 2, 2, &x, &x, &mut c, false).is_ok());
        assert!(batched_gemm(level, 2, 2, 2, 3, &x, &x, &mut c, false).is_err());
        assert!(batched_gemm(level, usize::MAX, 2, 2, 2, &x, &x, &mut c, false).is_err());
        assert!(batched_gemm(level, 1 << 63, 2, 2, 2, &x, &x, &mut c, false).is_err());
        assert!(batched_gemm_tn(level, 2, 2, 3, 2, &x, &x, &mut c, false).is_err());
        assert!(batched_gemm_nt(level, 2, 2, usize::MAX, 2, &x, &x, &mut c, false, &mut Scratch::new()).is_err());
    }

    /// Sizes of nothing, however large, cost neither time nor memory.
    #[test]
    fn nothing_is_done_for_nothing() {
        const MAX: usize = usize::MAX;
        let (x, level, scratch) = ([0.0_f32; 0], Level::current(), &mut Scratch::new());
        for [count, m, n, k] in
            [[1, MAX, 0, 0], [1, 0, MAX, 0], [MAX, 0, 0, 3], [MAX, 0, 0, MAX], [0, 2, 2, 1 << 40], [0, MAX, MAX, MAX]]
        {
            batched_gemm(level, count, m, n, k, &x, &x, &mut [], false).unwrap();
            batched_gemm_tn(level, count, m, n, k, &x, &x, &mut [], true).unwrap();
            batched_gemm_nt(level, count, m, n, k, &x, &x, &mut [], false, scratch).unwrap();
        }
        // Sizes that the slices have not.
        assert!(batched_gemm_nt(level, 1, 1, 1, 1 << 40, &x, &x, &mut [0.0], false, scratch).is_err());
        // No terms: zeros.
        let mut c = [1.0_f32; 6];
        batched_gemm_nt(level, 1, 2, 3, 0, &x, &x, &mut c, false, scratch).unwrap();
        assert_eq!(c, [0.0; 6]);
    }
}
