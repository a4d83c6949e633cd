//! A learning rate that drops when a metric stops improving.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::require;

/// Multiplies the rate by `factor` when a metric has not improved in more than `patience` observations.
///
/// Improved: below best − threshold · |best|, or above best + threshold · |best| if it is maximised; NaN never is. After a
/// drop `cooldown` observations pass uncounted, and the scale never falls below `min_scale`. This is PyTorch's
/// `ReduceLROnPlateau` with a relative threshold, as a factor on any [`Schedule`](crate::Schedule), but for metrics below 0
/// (a log-likelihood): PyTorch's best · (1 − threshold) lies above a negative best, so that standing still would count as
/// improvement for ever.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Plateau {
    /// What a drop multiplies the rate by, in (0, 1).
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0)))]
    pub factor: f64,
    /// Observations without improvement that are put up with.
    pub patience: u32,
    /// Relative improvement that counts, in \[0, 1): of the size of the best.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub threshold: f64,
    /// Observations after a drop that do not count.
    pub cooldown: u32,
    /// The smallest scale, in \[0, 1\].
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
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
            Some(best) => {
                // Anything finite is better than an infinite best that is worse.
                let needed = if best.is_finite() { self.threshold * best.abs() } else { 0.0 };
                let gain = if self.maximise { metric - best } else { best - metric };
                gain > needed
            }
        };
        if improved {
            state.best = Some(metric);
            state.without_improvement = 0;
        } else {
            state.without_improvement = state.without_improvement.saturating_add(1);
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
        // At 1 a loss would have to reach 0 to improve; beyond, it never could.
        require((0.0..1.0).contains(&self.threshold), "plateau", "threshold", self.threshold, "in [0, 1)")?;
        let range = (0.0..=1.0).contains(&self.min_scale);
        require(range, "plateau", "min_scale", self.min_scale, "in [0, 1]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scale after each of `metrics`.
    fn scales(plateau: Plateau, metrics: &[f64]) -> Vec<f64> {
        let mut state = plateau.init();
        let mut after = |&metric| {
            plateau.observe(&mut state, metric);
            state.scale()
        };
        metrics.iter().map(&mut after).collect()
    }

    /// A metric and its negative, the other way up, are the same story on either side of 0.
    #[test]
    fn metrics_below_zero_drop_like_those_above() {
        let falling = Plateau { patience: 1, threshold: 0.1, factor: 0.5, ..Plateau::default() };
        let growing = Plateau { maximise: true, ..falling };
        let negated = |metrics: &[f64]| metrics.iter().map(|m| -m).collect::<Vec<_>>();
        // Ever better by more than a tenth; by less than a tenth; not at all; worse.
        for (metrics, drops) in [
            ([-1.0, -1.2, -1.5, -1.8, -2.2, -2.6], 0),
            ([-1.0, -1.01, -1.02, -1.03, -1.04, -1.05], 2),
            ([-1.0; 6], 2),
            ([-1.0, -0.9, -0.8, -0.7, -0.6, -0.5], 2),
            ([5.0, 4.0, 3.0, 2.0, 1.0, 0.5], 0),
            ([5.0, 4.9, 4.8, 4.7, 4.6, 4.55], 2),
            ([1.0, 0.0, -1e-9, 0.0, 0.0, 0.0], 1),
        ] {
            let want = 0.5_f64.powi(drops);
            assert_eq!(scales(falling, &metrics).last(), Some(&want), "falling {metrics:?}");
            assert_eq!(scales(growing, &negated(&metrics)).last(), Some(&want), "growing {metrics:?}");
        }
    }

    #[test]
    fn an_infinite_best_is_improved_by_any_number() {
        let plateau = Plateau { patience: 0, ..Plateau::default() };
        assert_eq!(scales(plateau, &[f64::INFINITY, 3.0, 2.0, f64::NAN]), [1.0, 1.0, 1.0, 0.1]);
    }

    #[test]
    fn a_threshold_that_nothing_can_pass_is_refused() {
        for threshold in [-0.1, 1.0, 2.0, f64::NAN, f64::INFINITY] {
            let error = Plateau { threshold, ..Plateau::default() }.validate().unwrap_err().to_string();
            assert!(error.contains("plateau.threshold") && error.contains("[0, 1)"), "{error}");
        }
        assert_eq!(Plateau { threshold: 0.0, ..Plateau::default() }.validate(), Ok(()));
    }
}
