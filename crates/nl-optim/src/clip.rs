//! Bounds on the gradient: by its norm, and by its elements.

use crate::error::require_positive;
use crate::{Error, Transform, lanes};

/// ‖g‖₂ of the whole gradient; falls back to `f64` where the squares leave the range of `f32`.
///
/// ```
/// assert_eq!(nl_optim::global_norm(&[3.0, 4.0]), 5.0);
/// ```
#[must_use]
pub fn global_norm(grads: &[f32]) -> f64 {
    let total = nl_kernels::sum_squares(grads);
    // Too large, or so small that squares may have become subnormal.
    if total.is_finite() && (total > 1e-30 || total == 0.0 && grads.iter().all(|&g| g == 0.0)) {
        return f64::from(total).sqrt();
    }
    grads.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt()
}

/// g ← g · min(1, c / ‖g‖₂), the norm taken over all parameters.
///
/// The result's norm is exactly min(c, ‖g‖₂) up to rounding; PyTorch divides by ‖g‖₂ + 1e-6. Source: Pascanu, Mikolov &
/// Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipNorm {
    max_norm: f64,
}

impl ClipNorm {
    /// Clips to norm `max_norm`.
    ///
    /// # Errors
    /// [`Error::Config`] if it is not a positive number.
    pub fn new(max_norm: f64) -> Result<Self, Error> {
        require_positive("clip", "norm", max_norm)?;
        Ok(Self { max_norm })
    }
}

impl Transform for ClipNorm {
    type State = ();
    fn init(&self, _params: &[f32]) -> Result<(), Error> {
        Ok(())
    }
    fn update(&self, grads: &mut [f32], _state: &mut (), _params: &[f32], _step: u64) -> Result<(), Error> {
        let norm = global_norm(grads);
        if !norm.is_finite() {
            // No sum of squares of finite `f32` leaves the range of `f64`.
            lanes::finite("clip by norm", "the gradient", grads)?;
        }
        if norm > self.max_norm {
            let factor = (self.max_norm / norm) as f32;
            lanes::map(grads, |g| factor * g);
        }
        Ok(())
    }
}

/// g ← min(max(g, −c), c), element by element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipValue {
    max: f64,
}

impl ClipValue {
    /// Clips to \[−max, max\].
    ///
    /// # Errors
    /// [`Error::Config`] if it is not a positive number.
    pub fn new(max: f64) -> Result<Self, Error> {
        require_positive("clip", "value", max)?;
        Ok(Self { max })
    }
}

impl Transform for ClipValue {
    type State = ();
    fn init(&self, _params: &[f32]) -> Result<(), Error> {
        Ok(())
    }
    fn update(&self, grads: &mut [f32], _state: &mut (), _params: &[f32], _step: u64) -> Result<(), Error> {
        lanes::finite("clip by value", "the gradient", grads)?;
        let max = self.max as f32;
        lanes::map(grads, |g| {
            let g = if g > max { max } else { g };
            if g < -max { -max } else { g }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(transform: &impl Transform<State = ()>, grads: &[f32]) -> Result<Vec<f32>, Error> {
        let mut grads = grads.to_vec();
        transform.update(&mut grads, &mut (), &[], 0).map(|()| grads)
    }

    #[test]
    fn norms_of_any_magnitude() {
        for scale in [1e-38_f32, 1e-25, 1e-10, 1.0, 1e10, 1e25, 3e37] {
            let norm = global_norm(&[3.0 * scale, -4.0 * scale]);
            // The squares are summed in f32.
            approx::assert_relative_eq!(norm, 5.0 * f64::from(scale), max_relative = 1e-6);
        }
        assert_eq!((global_norm(&[]), global_norm(&[0.0; 40])), (0.0, 0.0));
    }

    #[test]
    fn clipping_by_norm() {
        let clip = ClipNorm::new(1.0).unwrap();
        assert_eq!(run(&clip, &[0.3, 0.4]), Ok(vec![0.3, 0.4]));
        let clipped = run(&clip, &[3e30, 4e30]).unwrap();
        approx::assert_relative_eq!(clipped[..], [0.6, 0.8][..], max_relative = 1e-6);
        assert!(matches!(run(&clip, &[f32::NAN]), Err(Error::NotFinite { .. })));
        assert!(matches!(run(&clip, &[f32::INFINITY]), Err(Error::NotFinite { .. })));
        assert!(ClipNorm::new(0.0).is_err() && ClipNorm::new(f64::NAN).is_err());
    }

    #[test]
    fn clipping_by_value() {
        let clip = ClipValue::new(2.0).unwrap();
        assert_eq!(run(&clip, &[-3.0, -2.0, 0.5, f32::MAX]), Ok(vec![-2.0, -2.0, 0.5, 2.0]));
        assert!(matches!(run(&clip, &[0.0, f32::INFINITY]), Err(Error::NotFinite { at: 1, .. })));
        // To `f32` these are 0 and infinity: a clip to nothing, and none.
        assert!([-1.0, 1e-300, 1e300].iter().all(|&max| ClipValue::new(max).is_err() && ClipNorm::new(max).is_err()));
    }
}
