//! Many small products of the same shape over contiguous operands.

use super::gemm_at;
use crate::matrix::{MatMut, MatRef};
use crate::{Float, Level, Scratch, ShapeError};

/// C_i = A_i B_i (+ C_i if `accumulate`), i < count; A \[count, m, k\], B \[count, k, n\], C \[count, m, n\], row-major.
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
    let beta = if accumulate { T::ONE } else { T::ZERO };
    let mut scratch = Scratch::new();
    for i in 0..count {
        let a = MatRef::new(&a[i * m * k..][..m * k], m, k)?;
        let b = MatRef::new(&b[i * k * n..][..k * n], k, n)?;
        let c = MatMut::new(&mut c[i * m * n..][..m * n], m, n)?;
        gemm_at(level, T::ONE, a, b, beta, c, &mut scratch)?;
    }
    Ok(())
}

/// C_i = A_iᵀ B_i (+ C_i if `accumulate`); A \[count, k, m\], B \[count, k, n\], C \[count, m, n\], row-major.
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
    let beta = if accumulate { T::ONE } else { T::ZERO };
    let mut scratch = Scratch::new();
    for i in 0..count {
        let a = MatRef::new(&a[i * m * k..][..m * k], k, m)?.t();
        let b = MatRef::new(&b[i * k * n..][..k * n], k, n)?;
        let c = MatMut::new(&mut c[i * m * n..][..m * n], m, n)?;
        gemm_at(level, T::ONE, a, b, beta, c, &mut scratch)?;
    }
    Ok(())
}

/// C_i = A_i B_iᵀ (+ C_i if `accumulate`); A \[count, m, k\], B \[count, n, k\], C \[count, m, n\], row-major.
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
    let beta = if accumulate { T::ONE } else { T::ZERO };
    for i in 0..count {
        let a = MatRef::new(&a[i * m * k..][..m * k], m, k)?;
        let b = MatRef::new(&b[i * k * n..][..k * n], n, k)?.t();
        let c = MatMut::new(&mut c[i * m * n..][..m * n], m, n)?;
        gemm_at(level, T::ONE, a, b, beta, c, scratch)?;
    }
    Ok(())
}
