//! Softmax, its logarithm, and cross-entropy, over the rows of a matrix; the largest logit is subtracted first.

use crate::error::check_len;
use crate::reduce::{max, pairwise};
use crate::{Float, Level, ShapeError, Vectorised};

/// y\[r, c\] = e^(x\[r, c\] − m) / Σₖ e^(x\[r, k\] − m), m = maxₖ x\[r, k\].
///
/// Shapes: x and y `[rows, classes]`.
///
/// ```
/// let mut y = [0.0_f64; 2];
/// nl_kernels::softmax(1, 2, &[1000.0, 1000.0], &mut y)?;
/// assert_eq!(y, [0.5, 0.5]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if a length is not rows · classes.
pub fn softmax<T: Float>(rows: usize, classes: usize, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    struct Body<'a, T>(usize, &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for (x, y) in self.1.chunks_exact(self.0).zip(self.2.chunks_exact_mut(self.0)) {
                let largest = max(x);
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - largest).v_exp();
                }
                let scale = T::ONE / pairwise(y, y, |y, _| y);
                for y in y {
                    *y *= scale;
                }
            }
        }
    }
    let len = check("softmax", rows, classes, x.len())?;
    check_len("softmax", "y", y.len(), len)?;
    if len > 0 {
        Level::current().dispatch(Body(classes, x, y));
    }
    Ok(())
}

/// dx\[r, c\] = y\[r, c\] (dy\[r, c\] − Σₖ dy\[r, k\] y\[r, k\]), given y = softmax(x).
///
/// # Errors
/// [`ShapeError`] if a length is not rows · classes.
pub fn softmax_grad<T: Float>(rows: usize, classes: usize, y: &[T], dy: &[T], dx: &mut [T]) -> Result<(), ShapeError> {
    struct Body<'a, T>(usize, &'a [T], &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            let n = self.0;
            for ((y, dy), dx) in self.1.chunks_exact(n).zip(self.2.chunks_exact(n)).zip(self.3.chunks_exact_mut(n)) {
                let mean = pairwise(y, dy, |y, dy| y * dy);
                for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                    *dx = y * (dy - mean);
                }
            }
        }
    }
    let len = check("softmax_grad", rows, classes, y.len())?;
    check_len("softmax_grad", "dy", dy.len(), len)?;
    check_len("softmax_grad", "dx", dx.len(), len)?;
    if len > 0 {
        Level::current().dispatch(Body(classes, y, dy, dx));
    }
    Ok(())
}

/// y\[r, c\] = x\[r, c\] − m − ln Σₖ e^(x\[r, k\] − m), m = maxₖ x\[r, k\].
///
/// Shapes: x and y `[rows, classes]`.
///
/// # Errors
/// [`ShapeError`] if a length is not rows · classes.
pub fn log_softmax<T: Float>(rows: usize, classes: usize, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    struct Body<'a, T>(usize, &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for (x, y) in self.1.chunks_exact(self.0).zip(self.2.chunks_exact_mut(self.0)) {
                log_softmax_row(x, y);
            }
        }
    }
    let len = check("log_softmax", rows, classes, x.len())?;
    check_len("log_softmax", "y", y.len(), len)?;
    if len > 0 {
        Level::current().dispatch(Body(classes, x, y));
    }
    Ok(())
}

#[inline(always)]
fn log_softmax_row<T: Float>(x: &[T], y: &mut [T]) {
    let largest = max(x);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - largest).v_exp();
    }
    let log_total = pairwise(y, y, |y, _| y).v_ln();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - largest) - log_total;
    }
}

/// dx\[r, c\] = dy\[r, c\] − e^y\[r, c\] Σₖ dy\[r, k\], given y = log_softmax(x).
///
/// # Errors
/// [`ShapeError`] if a length is not rows · classes.
pub fn log_softmax_grad<T: Float>(
    rows: usize,
    classes: usize,
    y: &[T],
    dy: &[T],
    dx: &mut [T],
) -> Result<(), ShapeError> {
    struct Body<'a, T>(usize, &'a [T], &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            let n = self.0;
            for ((y, dy), dx) in self.1.chunks_exact(n).zip(self.2.chunks_exact(n)).zip(self.3.chunks_exact_mut(n)) {
                let total = pairwise(dy, dy, |dy, _| dy);
                for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                    *dx = dy - y.v_exp() * total;
                }
            }
        }
    }
    let len = check("log_softmax_grad", rows, classes, y.len())?;
    check_len("log_softmax_grad", "dy", dy.len(), len)?;
    check_len("log_softmax_grad", "dx", dx.len(), len)?;
    if len > 0 {
        Level::current().dispatch(Body(classes, y, dy, dx));
    }
    Ok(())
}

/// lossᵣ = −Σ_c q\[r, c\] log p\[r, c\], p = softmax(logits), q\[r, c\] = (1 − ε) \[c = targetᵣ\] + ε / classes.
///
/// Shapes: logits and `log_probs` `[rows, classes]`, targets and losses `[rows]`. ε is `label_smoothing`, in \[0, 1\]:
/// the smoothing of Szegedy et al., "Rethinking the Inception architecture", 2016, §7, in PyTorch's reading (the target
/// class gets its share of ε too).
///
/// # Errors
/// [`ShapeError`] if a length is not that of its shape, a target is not below `classes`, or ε is outside \[0, 1\].
pub fn softmax_cross_entropy<T: Float>(
    rows: usize,
    classes: usize,
    logits: &[T],
    targets: &[u32],
    label_smoothing: T,
    log_probs: &mut [T],
    losses: &mut [T],
) -> Result<(), ShapeError> {
    struct Body<'a, T>(usize, &'a [T], &'a [u32], T, &'a mut [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            let Self(classes, logits, targets, smoothing, log_probs, losses) = self;
            let share = smoothing / T::from_usize(classes);
            for (((x, y), &target), loss) in
                logits.chunks_exact(classes).zip(log_probs.chunks_exact_mut(classes)).zip(targets).zip(losses)
            {
                log_softmax_row(x, y);
                let picked = -((T::ONE - smoothing) * y[target as usize]);
                *loss = if share == T::ZERO { picked } else { picked - share * pairwise(y, y, |y, _| y) };
            }
        }
    }
    const OP: &str = "softmax_cross_entropy";
    let len = check(OP, rows, classes, logits.len())?;
    check_len(OP, "log_probs", log_probs.len(), len)?;
    check_len(OP, "losses", losses.len(), rows)?;
    check_targets(OP, rows, classes, targets, label_smoothing)?;
    if len > 0 {
        Level::current().dispatch(Body(classes, logits, targets, label_smoothing, log_probs, losses));
    }
    Ok(())
}

/// dlogits\[r, c\] = dlossᵣ (p\[r, c\] − q\[r, c\]), with p = e^`log_probs` and q of [`softmax_cross_entropy`].
///
/// # Errors
/// As [`softmax_cross_entropy`].
pub fn softmax_cross_entropy_grad<T: Float>(
    rows: usize,
    classes: usize,
    log_probs: &[T],
    targets: &[u32],
    label_smoothing: T,
    dlosses: &[T],
    dlogits: &mut [T],
) -> Result<(), ShapeError> {
    struct Body<'a, T>(usize, &'a [T], &'a [u32], T, &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            let Self(classes, log_probs, targets, smoothing, dlosses, dlogits) = self;
            let share = smoothing / T::from_usize(classes);
            for (((y, dx), &target), &dloss) in
                log_probs.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes)).zip(targets).zip(dlosses)
            {
                for (dx, &y) in dx.iter_mut().zip(y) {
                    *dx = dloss * (y.v_exp() - share);
                }
                dx[target as usize] += -(dloss * (T::ONE - smoothing));
            }
        }
    }
    const OP: &str = "softmax_cross_entropy_grad";
    let len = check(OP, rows, classes, log_probs.len())?;
    check_len(OP, "dlogits", dlogits.len(), len)?;
    check_len(OP, "dlosses", dlosses.len(), rows)?;
    check_targets(OP, rows, classes, targets, label_smoothing)?;
    if len > 0 {
        Level::current().dispatch(Body(classes, log_probs, targets, label_smoothing, dlosses, dlogits));
    }
    Ok(())
}

/// rows · classes, which `x` must have.
fn check(op: &'static str, rows: usize, classes: usize, x: usize) -> Result<usize, ShapeError> {
    let Some(len) = rows.checked_mul(classes) else {
        let message = format!("the shape [{rows}, {classes}] has more elements than memory has addresses");
        return Err(ShapeError::Invalid { op, message });
    };
    check_len(op, "the first input", x, len)?;
    Ok(len)
}

fn check_targets<T: Float>(
    op: &'static str,
    rows: usize,
    classes: usize,
    targets: &[u32],
    smoothing: T,
) -> Result<(), ShapeError> {
    check_len(op, "targets", targets.len(), rows)?;
    if let Some((row, target)) = targets.iter().enumerate().find(|&(_, &target)| target as usize >= classes) {
        let message = format!("target {target} in row {row} is not one of {classes} classes; give 0 to classes - 1");
        return Err(ShapeError::Invalid { op, message });
    }
    if !(smoothing >= T::ZERO && smoothing <= T::ONE) {
        let message = format!("label smoothing {smoothing} is not in [0, 1]");
        return Err(ShapeError::Invalid { op, message });
    }
    Ok(())
}
