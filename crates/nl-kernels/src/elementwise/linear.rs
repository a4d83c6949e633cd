//! Linear combinations of vectors.

use crate::error::check_len;
use crate::{Float, Level, ShapeError, Vectorised};

/// y ← y + α x.
///
/// ```
/// let mut y = [1.0_f32, 2.0];
/// nl_kernels::axpy(2.0, &[10.0, 20.0], &mut y)?;
/// assert_eq!(y, [21.0, 42.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError::Length`] if the lengths differ.
pub fn axpy<T: Float>(alpha: T, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    struct Body<'a, T>(T, &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for (y, &x) in self.2.iter_mut().zip(self.1) {
                *y += self.0 * x;
            }
        }
    }
    check_len("axpy", "y", y.len(), x.len())?;
    Level::current().dispatch(Body(alpha, x, y));
    Ok(())
}

/// x ← α x.
pub fn scale<T: Float>(alpha: T, x: &mut [T]) {
    struct Body<'a, T>(T, &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for x in self.1 {
                *x *= self.0;
            }
        }
    }
    Level::current().dispatch(Body(alpha, x));
}

/// outᵢ = α xᵢ + β yᵢ.
///
/// # Errors
/// [`ShapeError::Length`] if the lengths differ.
pub fn scale_add<T: Float>(alpha: T, x: &[T], beta: T, y: &[T], out: &mut [T]) -> Result<(), ShapeError> {
    struct Body<'a, T>(T, &'a [T], T, &'a [T], &'a mut [T]);
    impl<T: Float> Vectorised for Body<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for ((out, &x), &y) in self.4.iter_mut().zip(self.1).zip(self.3) {
                *out = self.0 * x + self.2 * y;
            }
        }
    }
    check_len("scale_add", "y", y.len(), x.len())?;
    check_len("scale_add", "out", out.len(), x.len())?;
    Level::current().dispatch(Body(alpha, x, beta, y, out));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations() {
        for n in [0, 1, 7, 8, 9, 15, 16, 17, 33, 100] {
            let x: Vec<f64> = (0..n).map(f64::from).collect();
            let y: Vec<f64> = (0..n).map(|i| 1.0 - 0.5 * f64::from(i)).collect();
            let mut out = vec![f64::NAN; x.len()];
            scale_add(2.0, &x, -4.0, &y, &mut out).unwrap();
            let mut axpyed = y.clone();
            axpy(3.0, &x, &mut axpyed).unwrap();
            let mut scaled = x.clone();
            scale(0.5, &mut scaled);
            for i in 0..x.len() {
                assert_eq!(out[i], 2.0 * x[i] - 4.0 * y[i]);
                assert_eq!(axpyed[i], y[i] + 3.0 * x[i]);
                assert_eq!(scaled[i], 0.5 * x[i]);
            }
        }
        let mut short = [0.0_f32; 2];
        let error = axpy(1.0, &[0.0; 3], &mut short).unwrap_err();
        assert_eq!(error, ShapeError::Length { op: "axpy", what: "y", expected: 3, got: 2 });
        assert!(scale_add(1.0, &[0.0; 2], 1.0, &[0.0; 3], &mut short).is_err());
    }
}
