//! How far numbers are from what they should be.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::{EvaluateError, checks};

/// Scores of predicted numbers, with the error eᵢ = predictedᵢ − truthᵢ.
///
/// ```text
/// MAE = mean |e|,  RMSE = √(mean e²),  MedAE = median |e|
/// R²  = 1 − Σ e² / Σ (t − t̄)²
/// r   = Σ (p − p̄)(t − t̄) / √(Σ (p − p̄)² Σ (t − t̄)²)            (Pearson 1895)
/// ```
///
/// Of a circular quantity with period P, e is the short way round, from −P/2 to P/2, t̄ is the mean direction, (t − t̄) the
/// short way again, and r = Σ sin(p − p̄) sin(t − t̄) / √(Σ sin²(p − p̄) Σ sin²(t − t̄)), all in angles of 2π/P
/// (Jammalamadaka & SenGupta, "Topics in circular statistics", 2001, section 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RegressionScores {
    /// Samples.
    pub samples: u64,
    /// Mean absolute error, in the unit of the quantity.
    pub mean_absolute_error: f64,
    /// Root of the mean squared error, in the unit of the quantity.
    pub root_mean_squared_error: f64,
    /// Median absolute error, in the unit of the quantity; of an even number, the mean of the middle two.
    pub median_absolute_error: f64,
    /// R², at most 1; `None` where the truth does not vary (scikit-learn says 1 or 0 there) or its squares are too large.
    pub r2: Option<f64>,
    /// Correlation, −1 to 1; `None` where either side does not vary, or has no mean direction.
    pub correlation: Option<f64>,
}

impl RegressionScores {
    /// The scores of `predicted` beside `truth`, with the period of the quantity if it is an angle, an hour, a phase.
    ///
    /// ```
    /// use nl_train::evaluate::RegressionScores;
    /// let plain = RegressionScores::of(&[359.0, 10.0], &[1.0, 12.0], None)?;
    /// let angle = RegressionScores::of(&[359.0, 10.0], &[1.0, 12.0], Some(360.0))?;
    /// assert_eq!((plain.mean_absolute_error, angle.mean_absolute_error), (180.0, 2.0));
    /// # Ok::<(), nl_train::evaluate::EvaluateError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluateError`] without samples, for lengths that differ, numbers that are not finite, or a period of 0 or less.
    pub fn of<T: Copy + Into<f64>>(predicted: &[T], truth: &[T], period: Option<f64>) -> Result<Self, EvaluateError> {
        const SCORE: &str = "regression";
        checks::pairs(SCORE, predicted.len(), truth.len())?;
        checks::finite(SCORE, "predictions", predicted)?;
        checks::finite(SCORE, "truth", truth)?;
        if let Some(value) = period.filter(|p| !(p.is_finite() && *p > 0.0)) {
            let expected = "a finite number above 0";
            return Err(EvaluateError::Parameter { score: SCORE, parameter: "period", value, expected });
        }
        let numbers = |values: &[T]| values.iter().map(|&v| v.into()).collect::<Vec<f64>>();
        let (p, t) = (numbers(predicted), numbers(truth));
        let errors: Vec<f64> = p.iter().zip(&t).map(|(p, t)| difference(*p, *t, period)).collect();
        let mut sizes: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let n = sizes.len();
        let squared: f64 = errors.iter().map(|e| e * e).sum();
        let (about_p, about_t) = (deviations(&p, period), deviations(&t, period));
        let spread = about_t.as_ref().map(|d| d.iter().map(|d| d * d).sum::<f64>()).filter(|&spread| spread > 0.0);
        Ok(Self {
            samples: n as u64,
            mean_absolute_error: checks::mean(errors.iter().map(|e| e.abs())),
            root_mean_squared_error: (squared / n as f64).sqrt(),
            median_absolute_error: f64::midpoint(sizes[(n - 1) / 2], sizes[n / 2]),
            r2: spread.map(|spread| 1.0 - squared / spread).filter(|r2| r2.is_finite()),
            correlation: about_p.zip(about_t).and_then(|(p, t)| correlation(&p, &t, period)),
        })
    }
}

/// a − b; with a period, the short way round.
fn difference(a: f64, b: f64, period: Option<f64>) -> f64 {
    let d = a - b;
    period.map_or(d, |period| d - period * (d / period).round())
}

/// Each value less their mean, or their mean direction; `None` if there is none.
fn deviations(values: &[f64], period: Option<f64>) -> Option<Vec<f64>> {
    // The mean of equal numbers may be another number in its last bit.
    if values.iter().all(|&v| difference(v, values[0], period) == 0.0) {
        return Some(vec![0.0; values.len()]);
    }
    let mean = match period {
        None => checks::mean(values.iter().copied()),
        Some(period) => {
            let angle = TAU / period;
            let (sin, cos) =
                values.iter().map(|v| (v * angle).sin_cos()).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            // Directions that cancel each other point nowhere; what is left is rounding.
            if sin.hypot(cos) < 1e-9 * values.len() as f64 {
                return None;
            }
            sin.atan2(cos) / angle
        }
    };
    Some(values.iter().map(|&v| difference(v, mean, period)).collect())
}

/// Σ a b / √(Σ a² Σ b²) of deviations, or of their sines.
fn correlation(p: &[f64], t: &[f64], period: Option<f64>) -> Option<f64> {
    let side = |d: &f64| period.map_or(*d, |period| (d * TAU / period).sin());
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| side(a) * side(b)).sum::<f64>();
    let size = sum(p, p).sqrt() * sum(t, t).sqrt();
    (size > 0.0 && size.is_finite()).then(|| (sum(p, t) / size).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let scores = RegressionScores::of(&[1.0_f32, 2.0, 4.0, 0.0], &[1.0, 1.0, 2.0, 4.0], None).unwrap();
        assert_eq!((scores.mean_absolute_error, scores.median_absolute_error), (1.75, 1.5));
        assert_eq!(scores.root_mean_squared_error, (21.0_f64 / 4.0).sqrt());
        // The truth has the mean 2 and Σ (t − 2)² = 6.
        assert_eq!(scores.r2, Some(1.0 - 21.0 / 6.0));
    }

    #[test]
    fn what_does_not_vary_has_no_share() {
        let constant = RegressionScores::of(&[1.0, 2.0], &[3.0, 3.0], None).unwrap();
        assert_eq!((constant.r2, constant.correlation), (None, None));
        let tenths = RegressionScores::of(&[0.1, 0.2, 0.3], &[0.1; 3], None).unwrap();
        assert_eq!((tenths.r2, tenths.correlation), (None, None));
        let huge = RegressionScores::of(&[1e300, -1e300], &[-1e300, 1e300], None).unwrap();
        assert_eq!((huge.r2, huge.mean_absolute_error), (None, 2e300));
        // North and south have no mean direction.
        let opposite = RegressionScores::of(&[0.0, 180.0], &[0.0, 180.0], Some(360.0)).unwrap();
        assert_eq!((opposite.r2, opposite.correlation, opposite.mean_absolute_error), (None, None, 0.0));
    }

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let refused = |p: &[f64], t: &[f64], period| RegressionScores::of(p, t, period).unwrap_err().to_string();
        assert!(refused(&[], &[], None).contains("at least one sample"));
        assert!(refused(&[1.0], &[1.0, 2.0], None).contains("1 predictions, but 2 are needed"));
        assert!(refused(&[f64::NAN], &[1.0], None).contains("value 0 of the predictions is NaN"));
        assert!(refused(&[1.0], &[f64::INFINITY], None).contains("value 0 of the truth is inf"));
        for period in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(refused(&[1.0], &[1.0], Some(period)).contains("period ="));
        }
    }

    proptest! {
        #[test]
        fn right_is_perfect_and_order_does_not_matter(t in prop::collection::vec(-1e3..1e3, 2..60), p in -1.0..1.0) {
            let perfect = RegressionScores::of(&t, &t, None).unwrap();
            prop_assert_eq!((perfect.mean_absolute_error, perfect.root_mean_squared_error), (0.0, 0.0));
            prop_assert!(perfect.r2.is_none_or(|r2| r2 == 1.0));
            let guessed: Vec<f64> = t.iter().map(|t| p * t + 1.0).collect();
            let turned = |v: &[f64]| v.iter().rev().copied().collect::<Vec<_>>();
            let a = RegressionScores::of(&guessed, &t, None).unwrap();
            let b = RegressionScores::of(&turned(&guessed), &turned(&t), None).unwrap();
            // Sixty terms, added in the other order.
            assert_relative_eq!(a.mean_absolute_error, b.mean_absolute_error, max_relative = 1e-12);
            prop_assert_eq!(a.median_absolute_error, b.median_absolute_error);
            prop_assert!(a.median_absolute_error <= 2.0 * a.root_mean_squared_error + 1e-12);
            prop_assert!(a.mean_absolute_error <= a.root_mean_squared_error * (1.0 + 1e-12));
        }

        #[test]
        fn whole_turns_change_nothing(
            pairs in prop::collection::vec((0.0..360.0, 0.0..360.0, -3_i32..3), 2..40),
        ) {
            let (p, t): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(p, t, _)| (p, t)).unzip();
            let turned: Vec<f64> = pairs.iter().map(|&(p, _, k)| p + 360.0 * f64::from(k)).collect();
            let a = RegressionScores::of(&p, &t, Some(360.0)).unwrap();
            let b = RegressionScores::of(&turned, &t, Some(360.0)).unwrap();
            // Angles of up to 1440 degrees are known to 2e-13.
            assert_relative_eq!(a.mean_absolute_error, b.mean_absolute_error, max_relative = 1e-9, epsilon = 1e-9);
            prop_assert!(a.mean_absolute_error <= 180.0);
            if let (Some(a), Some(b)) = (a.correlation, b.correlation) {
                assert_relative_eq!(a, b, epsilon = 1e-6);
            }
        }
    }
}
