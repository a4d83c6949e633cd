//! The range of a weight.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::Error;

const NAME: &str = "bounds";

/// w_min ≤ w ≤ w_max.
///
/// ```
/// use nl_synapse::Bounds;
/// let mut weights = [-0.5_f32, 0.3, 2.0];
/// Bounds::new(0.0, 1.0)?.clamp_all(&mut weights);
/// assert_eq!(weights, [0.0, 0.3, 1.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real", try_from = "(F, F)", into = "(F, F)")]
pub struct Bounds<F: Real = f32> {
    w_min: F,
    w_max: F,
}

impl<F: Real> TryFrom<(F, F)> for Bounds<F> {
    type Error = Error;

    fn try_from((w_min, w_max): (F, F)) -> Result<Self, Error> {
        Self::new(w_min, w_max)
    }
}

impl<F: Real> From<Bounds<F>> for (F, F) {
    fn from(bounds: Bounds<F>) -> Self {
        (bounds.w_min, bounds.w_max)
    }
}

impl<F: Real> Bounds<F> {
    /// The bounds.
    ///
    /// # Errors
    /// If one is not finite, or w_min is above w_max.
    pub fn new(w_min: F, w_max: F) -> Result<Self, Error> {
        nl_units::Error::finite(NAME, "w_max", w_max.to_f64())?;
        let fits = |x: f64| x <= w_max.to_f64();
        nl_units::Error::check(NAME, "w_min", w_min.to_f64(), fits, "use a finite weight not above w_max")?;
        Ok(Self { w_min, w_max })
    }

    /// The smallest weight.
    #[must_use]
    pub fn w_min(&self) -> F {
        self.w_min
    }

    /// The largest weight.
    #[must_use]
    pub fn w_max(&self) -> F {
        self.w_max
    }

    /// The nearest weight within; what is not a number stays so, to be seen.
    #[inline(always)]
    #[must_use]
    pub fn clamp(&self, w: F) -> F {
        let w = if w < self.w_min { self.w_min } else { w };
        if w > self.w_max { self.w_max } else { w }
    }

    /// Clamps all of `weights`.
    pub fn clamp_all(&self, weights: &mut [F]) {
        for w in weights {
            *w = self.clamp(*w);
        }
    }

    /// Whether `w` lies within; not if it is not a number.
    #[must_use]
    pub fn contains(&self, w: F) -> bool {
        self.w_min <= w && w <= self.w_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_bounds_are_refused_and_nan_is_not_hidden() {
        assert!(Bounds::new(1.0_f32, 0.0).is_err());
        assert!(Bounds::new(f64::NAN, 0.0).is_err() && Bounds::new(0.0, f64::INFINITY).is_err());
        let bounds = Bounds::new(0.0_f64, 0.0).unwrap();
        assert!(bounds.clamp(f64::NAN).is_nan() && !bounds.contains(f64::NAN));
        assert!(serde_json::from_str::<Bounds<f64>>("[1.0, 0.0]").is_err());
    }
}
