//! Softmax, its logarithm, and cross-entropy, over the rows of a matrix; the largest logit is subtracted first.
//!
//! Sums run in the order of [`sum`](crate::sum); no fused multiply-add: the same bits at every level.

use crate::error::check_len;
use crate::reduce::{largest, pairwise};
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
                let top = largest(x);
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - top).v_exp();
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
    let top = largest(x);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - top).v_exp();
    }
    let log_total = pairwise(y, y, |y, _| y).v_ln();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - top) - log_total;
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

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    fn logits(rows: usize, classes: usize) -> Vec<f64> {
        (0..rows * classes).map(|i| ((i * 7919 + 5) % 101) as f64 / 10.0 - 5.0).collect()
    }

    /// The definition, without the subtraction of the largest logit.
    fn naive(row: &[f64]) -> Vec<f64> {
        let total: f64 = row.iter().map(|x| x.exp()).sum();
        row.iter().map(|x| x.exp() / total).collect()
    }

    const SHAPES: [(usize, usize); 9] =
        [(0, 3), (1, 1), (3, 2), (2, 10), (3, 15), (2, 16), (2, 17), (2, 33), (1, 1500)];

    #[test]
    fn probabilities_equal_the_definition() {
        for (rows, classes) in SHAPES {
            let x = logits(rows, classes);
            let x32: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            let (mut p, mut log_p, mut p32) =
                (vec![f64::NAN; x.len()], vec![f64::NAN; x.len()], vec![f32::NAN; x.len()]);
            softmax(rows, classes, &x, &mut p).unwrap();
            log_softmax(rows, classes, &x, &mut log_p).unwrap();
            softmax(rows, classes, &x32, &mut p32).unwrap();
            let want: Vec<f64> = x.chunks(classes).flat_map(naive).collect();
            for i in 0..x.len() {
                assert_relative_eq!(p[i], want[i], epsilon = 0.0, max_relative = 1e-13);
                assert_abs_diff_eq!(log_p[i], want[i].ln(), epsilon = 1e-13);
                // Logits of up to 5, rounded to f32, and an exponential of some ulps.
                assert_relative_eq!(f64::from(p32[i]), want[i], epsilon = 0.0, max_relative = 3e-6);
            }
        }
    }

    #[test]
    fn gradients_equal_differences() {
        let h = 1e-5;
        for (rows, classes) in SHAPES.into_iter().filter(|&(_, classes)| classes < 100) {
            let (x, n) = (logits(rows, classes), rows * classes);
            let dy: Vec<f64> = (0..n).map(|i| (i % 5) as f64 - 1.5).collect();
            type Forward = fn(usize, usize, &[f64], &mut [f64]) -> Result<(), ShapeError>;
            type Backward = fn(usize, usize, &[f64], &[f64], &mut [f64]) -> Result<(), ShapeError>;
            let pairs: [(Forward, Backward); 2] = [(softmax, softmax_grad), (log_softmax, log_softmax_grad)];
            for (forward, backward) in pairs {
                let run = |x: &[f64]| {
                    let mut y = vec![f64::NAN; n];
                    forward(rows, classes, x, &mut y).unwrap();
                    y
                };
                let mut dx = vec![f64::NAN; n];
                backward(rows, classes, &run(&x), &dy, &mut dx).unwrap();
                for i in 0..n {
                    let moved = |d: f64| {
                        let mut x = x.clone();
                        x[i] += d;
                        run(&x).iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>()
                    };
                    let slope = (moved(h) - moved(-h)) / (2.0 * h);
                    // The differences have an error of h².
                    assert_relative_eq!(dx[i], slope, epsilon = 1e-8, max_relative = 1e-8);
                }
            }
        }
    }

    #[test]
    fn cross_entropy_equals_the_definition_and_its_differences() {
        let h = 1e-5;
        for (rows, classes) in SHAPES.into_iter().filter(|&(_, classes)| classes < 100) {
            for smoothing in [0.0, 0.1, 1.0] {
                let (x, n) = (logits(rows, classes), rows * classes);
                let targets: Vec<u32> = (0..rows).map(|r| ((r * 5 + 1) % classes) as u32).collect();
                let run = |x: &[f64]| {
                    let (mut log_p, mut losses) = (vec![f64::NAN; n], vec![f64::NAN; rows]);
                    softmax_cross_entropy(rows, classes, x, &targets, smoothing, &mut log_p, &mut losses).unwrap();
                    (log_p, losses)
                };
                let (log_p, losses) = run(&x);
                for r in 0..rows {
                    let p = naive(&x[r * classes..][..classes]);
                    let want: f64 = (0..classes)
                        .map(|c| {
                            let hit = f64::from(u8::from(c == targets[r] as usize));
                            -((1.0 - smoothing) * hit + smoothing / classes as f64) * p[c].ln()
                        })
                        .sum();
                    assert_abs_diff_eq!(losses[r], want, epsilon = 1e-12);
                }
                let dlosses: Vec<f64> = (0..rows).map(|r| r as f64 + 0.5).collect();
                let mut dx = vec![f64::NAN; n];
                softmax_cross_entropy_grad(rows, classes, &log_p, &targets, smoothing, &dlosses, &mut dx).unwrap();
                for i in 0..n {
                    let moved = |d: f64| {
                        let mut x = x.clone();
                        x[i] += d;
                        run(&x).1.iter().zip(&dlosses).map(|(l, d)| l * d).sum::<f64>()
                    };
                    let slope = (moved(h) - moved(-h)) / (2.0 * h);
                    // The differences have an error of h².
                    assert_relative_eq!(dx[i], slope, epsilon = 1e-8, max_relative = 1e-8);
                }
            }
        }
    }

    #[test]
    fn large_logits_do_not_overflow() {
        let (mut log_p, mut loss) = ([0.0_f32; 3], [0.0_f32; 1]);
        softmax_cross_entropy(1, 3, &[1e30, -1e30, f32::NEG_INFINITY], &[0], 0.0, &mut log_p, &mut loss).unwrap();
        assert_eq!((log_p[0], loss[0]), (0.0, 0.0));
        softmax_cross_entropy(1, 3, &[f32::NAN, 0.0, 0.0], &[1], 0.0, &mut log_p, &mut loss).unwrap();
        assert!(loss[0].is_nan());
    }

    #[test]
    fn bad_input_is_named() {
        let (mut log_p, mut loss) = ([0.0_f32; 4], [0.0_f32; 2]);
        let mut call = |logits: &[f32], targets: &[u32], smoothing| {
            softmax_cross_entropy(2, 2, logits, targets, smoothing, &mut log_p, &mut loss).unwrap_err().to_string()
        };
        assert!(call(&[0.0; 4], &[0, 2], 0.0).contains("target 2 in row 1 is not one of 2 classes"));
        assert!(call(&[0.0; 4], &[0], 0.0).contains("`targets` has 1 elements"));
        assert!(call(&[0.0; 3], &[0, 1], 0.0).contains("has 3 elements"));
        assert!(call(&[0.0; 4], &[0, 1], 1.5).contains("label smoothing 1.5"));
        assert!(call(&[0.0; 4], &[0, 1], f32::NAN).contains("label smoothing NaN"));
    }
}
