//! A bound on the weights that lead to each unit.

use crate::Error;
use crate::error::require_positive;

/// w ← w · min(1, c / ‖w‖₂) for the incoming weights w of each unit, after each step.
///
/// No transform of a gradient: it acts on the weights, and has to know which of them belong together.
///
/// Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to prevent neural networks from
/// overfitting", JMLR 15, 2014, sec. 5.1.
///
/// ```
/// use nl_optim::MaxNorm;
/// let mut weights = [3.0, 4.0, 0.3, 0.4]; // two units of two inputs
/// MaxNorm::new(1.0)?.project(&mut weights, 2);
/// assert_eq!(weights, [0.6, 0.8, 0.3, 0.4]);
/// # Ok::<(), nl_optim::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaxNorm {
    max: f64,
}

impl MaxNorm {
    /// At most `max`.
    ///
    /// # Errors
    /// [`Error::Config`] if it is not a positive number.
    pub fn new(max: f64) -> Result<Self, Error> {
        require_positive("max_norm", "norm", max)?;
        Ok(Self { max })
    }

    /// Projects rows of `inputs` weights, one row a unit; what does not fill a row at the end stays as it is. The squares are summed
    /// in `f64`, so that weights of any size are taken.
    pub fn project(&self, weights: &mut [f32], inputs: usize) {
        for row in weights.chunks_exact_mut(inputs.max(1)) {
            let norm = row.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt();
            if norm > self.max {
                let factor = self.max / norm;
                row.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bound_must_be_positive() {
        assert!([0.0, -1.0, f64::NAN, f64::INFINITY].iter().all(|&max| MaxNorm::new(max).is_err()));
    }

    proptest! {
        /// The nearest point within the ball: norms are bounded, directions kept, short rows untouched, twice is once.
        #[test]
        fn projecting_bounds_each_row(
            weights in prop::collection::vec(-1e20_f32..1e20, 12),
            max in 1e-3..1e3,
            small in any::<bool>(),
        ) {
            let weights: Vec<f32> = weights.iter().map(|w| if small { w * 1e-20 } else { *w }).collect();
            let bound = MaxNorm::new(max).unwrap();
            let mut projected = weights.clone();
            bound.project(&mut projected, 4);
            let norm = |row: &[f32]| row.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
            for (before, after) in weights.chunks(4).zip(projected.chunks(4)) {
                if norm(before) <= max {
                    prop_assert_eq!(before, after);
                } else {
                    approx::assert_relative_eq!(norm(after), max, max_relative = 1e-6);
                    for (b, a) in before.iter().zip(after) {
                        approx::assert_relative_eq!(
                            f64::from(*a), f64::from(*b) * max / norm(before), max_relative = 1e-6, epsilon = 1e-30
                        );
                    }
                }
            }
        }
    }
}
