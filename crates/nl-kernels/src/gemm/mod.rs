//! Matrix product C = α A B + β C in the BLIS way: a register tile ([`kernel`]) inside cache blocks ([`plan`]) of
//! packed operands ([`pack`]).

mod batched;
pub(crate) mod kernel;
pub(crate) mod pack;
mod plan;
#[cfg(test)]
mod tests;

use crate::matrix::{MatMut, MatRef};
use crate::parallel::for_each_shard;
use crate::{Float, Level, Scratch, ShapeError};

use plan::{Plan, Problem, View};

pub(crate) use kernel::Compiled;

pub use batched::{batched_gemm, batched_gemm_nt, batched_gemm_tn};

/// C = α A B + β C, with A \[m, k\], B \[k, n\], C \[m, n\] of any strides.
///
/// β = 0 overwrites C without reading it; α = 0 (or k = 0) reads neither A nor B. Sums run in the order of k, in blocks
/// that depend on the shapes and strides only: the same call gives the same bits.
///
/// ```
/// use nl_kernels::{MatMut, MatRef, Scratch, gemm};
/// let a = [1.0_f32, 2.0, 3.0, 4.0];
/// let b = [5.0, 6.0, 7.0, 8.0];
/// let mut c = [f32::NAN; 4];
/// let (a, b) = (MatRef::new(&a, 2, 2)?, MatRef::new(&b, 2, 2)?);
/// gemm(1.0, a, b.t(), 0.0, MatMut::new(&mut c, 2, 2)?, &mut Scratch::new())?;
/// assert_eq!(c, [17.0, 23.0, 39.0, 53.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if the shapes do not chain.
///
/// Source: F. Van Zee and R. van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS Functionality", ACM TOMS
/// 41(3), 2015.
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

/// [`gemm`] at a given level (the CPU's best if it lacks that one), to test and compare levels.
///
/// # Errors
/// As [`gemm`].
#[doc(hidden)]
pub fn gemm_at<T: Float>(
    level: Level,
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    mut c: MatMut<'_, T>,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    if let Some((plan, problem)) = prepare(level, alpha, a, b, beta, &mut c)? {
        let buffers = plan.buffers("gemm", &problem, scratch)?;
        // SAFETY: `prepare` capped the level at the CPU's and took the pointers from checked views; C is borrowed
        // mutably, so it overlaps neither A nor B. The buffers are those of this plan and problem.
        let buffers = unsafe { plan::solve(plan, &problem, buffers) };
        scratch.give_all(buffers);
    }
    Ok(())
}

/// [`gemm`] on the threads of the current rayon pool, one per scratch, with the same bits for any number of them.
///
/// # Errors
/// As [`gemm`]; also if `scratches` is empty.
pub fn gemm_parallel<T: Float>(
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    mut c: MatMut<'_, T>,
    scratches: &mut [Scratch],
) -> Result<(), ShapeError> {
    /// Multiplications below which a second thread costs more than it brings.
    const WORTH: usize = 1 << 18;
    if scratches.is_empty() {
        return Err(ShapeError::Invalid { op: "gemm_parallel", message: "no scratch; pass one per thread".into() });
    }
    let level = Level::current();
    let Some((plan, whole)) = prepare(level, alpha, a, b, beta, &mut c)? else { return Ok(()) };
    let work = whole.m.saturating_mul(whole.n).saturating_mul(whole.k);
    let pieces = (work / WORTH).clamp(1, scratches.len());
    let (rows, strip) = kernel::tile_shape::<T>(level);
    // Whole tiles per piece, along the longer side of C.
    let (side, step) = if whole.m >= whole.n { (whole.m, rows) } else { (whole.n, strip) };
    let step = side.div_ceil(pieces).next_multiple_of(step);
    let part = |piece: usize| {
        let start = piece * step;
        let len = step.min(side - start);
        if whole.m >= whole.n { whole.rows(start, len) } else { whole.cols(start, len) }
    };
    // All memory is there before anything is written: the first piece is the largest.
    let pieces = side.div_ceil(step);
    for scratch in scratches.iter_mut().take(pieces) {
        let buffers = plan.buffers("gemm_parallel", &part(0), scratch)?;
        scratch.give_all(buffers);
    }
    let failure = std::sync::OnceLock::new();
    for_each_shard(pieces, scratches, |piece, scratch| {
        let part = part(piece);
        match plan.buffers("gemm_parallel", &part, scratch) {
            // SAFETY: as in `gemm_at`; the pieces are disjoint rows or columns of C.
            Ok(buffers) => scratch.give_all(unsafe { plan::solve(plan, &part, buffers) }),
            Err(error) => drop(failure.set(error)),
        }
    });
    failure.into_inner().map_or(Ok(()), Err)
}

/// Checks the shapes; settles trivial problems; else the plan, and the problem in its orientation.
fn prepare<T: Float>(
    level: Level,
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    c: &mut MatMut<'_, T>,
) -> Result<Option<(Plan, Problem<T>)>, ShapeError> {
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    let out = c.as_ref();
    let (row, col) = (out.row_stride(), out.col_stride());
    if b.rows() != k || out.rows() != m || out.cols() != n {
        return Err(ShapeError::Invalid {
            op: "gemm",
            message: format!(
                "A is {m}x{k}, B is {}x{n}, C is {}x{}; pass A [m, k], B [k, n] and C [m, n]",
                b.rows(),
                out.rows(),
                out.cols()
            ),
        });
    }
    if m == 0 || n == 0 {
        return Ok(None);
    }
    let c = c.as_mut_ptr();
    if k == 0 || alpha == T::ZERO {
        for i in 0..m {
            for j in 0..n {
                // SAFETY: (i, j) is inside the view, whose bounds were checked when it was made.
                let cell = unsafe { &mut *c.add(i * row + j * col) };
                *cell = if beta == T::ZERO { T::ZERO } else { beta * *cell };
            }
        }
        return Ok(None);
    }
    let problem = Problem {
        m,
        n,
        k,
        alpha,
        beta,
        a: View { ptr: a.as_ptr(), row: a.row_stride(), col: a.col_stride() },
        b: View { ptr: b.as_ptr(), row: b.row_stride(), col: b.col_stride() },
        c: View { ptr: c, row, col },
    };
    Ok(Some(Plan::new(level.min(Level::detect()), problem)))
}
