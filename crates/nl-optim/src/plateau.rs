//! A learning rate that drops when a metric stops improving.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::{require, require_not_negative};

/// Multiplies the rate by `factor` when a metric has not improved in more than `patience` observations.
///
/// Improved: below best · (1 − threshold), or above best · (1 + threshold) if it is maximised; NaN never is. After a
/// drop `cooldown` observations pass uncounted, and the scale never falls below `min_scale`. This is PyTorch's
/// `ReduceLROnPlateau` with a relative threshold, as a factor on any [`Schedule`](crate::Schedule).
///
/// ```
/// use nl_optim::Plateau;
/// let plateau = Plateau { patience: 1, ..Plateau::default() };
/// let mut state = plateau.init();
/// for loss in [1.0, 0.5, 0.5] {
///     plateau.observe(&mut state, loss);
/// }
/// assert_eq!(state.scale(), 1.0); // one observation without improvement is within patience
/// plateau.observe(&mut state, 0.5);
/// assert_eq!(state.scale(), 0.1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plateau {
    /// What a drop multiplies the rate by, in (0, 1).
    pub factor: f64,
    /// Observations without improvement that are put up with.
    pub patience: u32,
    /// Relative improvement that counts, ≥ 0.
    pub threshold: f64,
    /// Observations after a drop that do not count.
    pub cooldown: u32,
    /// The smallest scale, in \[0, 1\].
    pub min_scale: f64,
    /// The metric is to grow (an accuracy), not to fall (a loss).
    pub maximise: bool,
}

impl Default for Plateau {
    /// Factor 0.1, patience 10, threshold 1e-4, no cooldown, no smallest scale, minimise
    fn default() -> Self {
        Self { factor: 0.1, patience: 10, threshold: 1e-4, cooldown: 0, min_scale: 0.0, maximise: false }
    }
}

/// What a [`Plateau`] has seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    scale: f64,
    best: Option<f64>,
    without_improvement: u32,
    cooling: u32,
}

impl PlateauState {
    /// The factor on the learning rate.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }
}

impl Plateau {
    /// Nothing observed, scale 1.
    #[must_use]
    pub const fn init(&self) -> PlateauState {
        PlateauState { scale: 1.0, best: None, without_improvement: 0, cooling: 0 }
    }

    /// Takes note of the metric, usually once an epoch.
    pub fn observe(&self, state: &mut PlateauState, metric: f64) {
        let improved = match state.best {
            None => !metric.is_nan(),
            Some(best) if self.maximise => metric > best * (1.0 + self.threshold),
            Some(best) => metric < best * (1.0 - self.threshold),
        };
        if improved {
            state.best = Some(metric);
            state.without_improvement = 0;
        } else {
            state.without_improvement += 1;
        }
        if state.cooling > 0 {
            state.cooling -= 1;
            state.without_improvement = 0;
        }
        if state.without_improvement > self.patience {
            state.scale = (state.scale * self.factor).max(self.min_scale);
            state.cooling = self.cooldown;
            state.without_improvement = 0;
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Config`] with the first that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        require(self.factor > 0.0 && self.factor < 1.0, "plateau", "factor", self.factor, "in (0, 1)")?;
        require_not_negative("plateau", "threshold", self.threshold)?;
        let range = (0.0..=1.0).contains(&self.min_scale);
        require(range, "plateau", "min_scale", self.min_scale, "in [0, 1]")
    }
}
