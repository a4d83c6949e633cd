//! Whether predicted quantiles and intervals hold what they promise.

use serde::{Deserialize, Serialize};

use super::{EvaluateError, checks};

/// What one predicted quantile is worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileScore {
    /// The quantile asked for, 0 to 1.
    pub level: f64,
    /// The share of truths that are not above it: `level`, if it is calibrated.
    pub coverage: f64,
    /// Mean pinball loss, (1/N) Σ max(q d, (q − 1) d) with d = truth − predicted, in the unit of the quantity.
    pub pinball: f64,
}

/// Coverage and loss of predicted quantiles `[N, levels]`.
///
/// ```
/// let scores = nl_train::evaluate::quantile_scores(&[1.0, 3.0, 1.0, 3.0], &[0.5, 0.9], &[0.0, 2.0])?;
/// assert_eq!((scores[0].coverage, scores[1].coverage), (0.5, 1.0));
/// assert_eq!(scores[0].pinball, 0.5 * (0.5 * 1.0 + 0.5 * 1.0) * 2.0 / 2.0);
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
///
/// Source: Koenker & Bassett, "Regression quantiles", 1978.
///
/// # Errors
/// [`EvaluateError`] for sizes that do not fit, numbers that are not finite, or a level outside 0 to 1.
pub fn quantile_scores<T: Copy + Into<f64>>(
    predicted: &[T],
    levels: &[f64],
    truth: &[T],
) -> Result<Vec<QuantileScore>, EvaluateError> {
    const SCORE: &str = "quantiles";
    if levels.is_empty() {
        return Err(EvaluateError::Empty { score: SCORE, what: "level" });
    }
    checks::rows(SCORE, predicted.len(), levels.len(), truth.len())?;
    checks::within(SCORE, "levels", levels, |q| (0.0..=1.0).contains(&q), "a number from 0 to 1")?;
    checks::finite(SCORE, "predictions", predicted)?;
    checks::finite(SCORE, "truth", truth)?;
    let n = truth.len() as f64;
    let score = |(column, &level): (usize, &f64)| {
        let rows = predicted.chunks_exact(levels.len()).zip(truth);
        let distances: Vec<f64> = rows.map(|(row, &t)| t.into() - row[column].into()).collect();
        let covered = distances.iter().filter(|&&d| d <= 0.0).count();
        let loss = checks::mean(distances.iter().map(|d| (level * d).max((level - 1.0) * d)));
        QuantileScore { level, coverage: covered as f64 / n, pinball: loss }
    };
    Ok(levels.iter().enumerate().map(score).collect())
}

/// What predicted intervals are worth: narrow is good, if they hold what they promise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IntervalScore {
    /// The share of truths within them, ends included.
    pub coverage: f64,
    /// Their mean width, in the unit of the quantity.
    pub width: f64,
    /// Intervals whose lower end is above the upper one, which hold nothing: quantiles that cross.
    pub crossed: u64,
}

/// Coverage and width of the intervals from `low` to `high`, one a sample.
///
/// ```
/// let found = nl_train::evaluate::interval_score(&[0.0, 0.0], &[1.0, 3.0], &[0.5, 4.0])?;
/// assert_eq!((found.coverage, found.width, found.crossed), (0.5, 2.0, 0));
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
///
/// # Errors
/// [`EvaluateError`] without samples, for lengths that differ, or numbers that are not finite.
pub fn interval_score<T: Copy + Into<f64>>(low: &[T], high: &[T], truth: &[T]) -> Result<IntervalScore, EvaluateError> {
    const SCORE: &str = "intervals";
    checks::pairs(SCORE, low.len(), truth.len())?;
    checks::pairs(SCORE, high.len(), truth.len())?;
    for (what, values) in [("lower ends", low), ("upper ends", high), ("truth", truth)] {
        checks::finite(SCORE, what, values)?;
    }
    let ends = || low.iter().zip(high).map(|(&low, &high)| (low.into(), high.into()));
    let covered = ends().zip(truth).filter(|&((low, high), &t)| (low..=high).contains(&t.into())).count();
    Ok(IntervalScore {
        coverage: covered as f64 / truth.len() as f64,
        width: checks::mean(ends().map(|(low, high): (f64, f64)| high - low)),
        crossed: ends().filter(|(low, high)| low > high).count() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let refused = |p: &[f64], levels: &[f64], t: &[f64]| quantile_scores(p, levels, t).unwrap_err().to_string();
        assert!(refused(&[], &[], &[1.0]).contains("at least one level"));
        assert!(refused(&[], &[0.5], &[]).contains("at least one sample"));
        assert!(refused(&[1.0], &[0.1, 0.9], &[1.0]).contains("1 values, but 2 are needed"));
        assert!(refused(&[1.0], &[1.5], &[1.0]).contains("value 0 of the levels is 1.5"));
        assert!(refused(&[f64::NAN], &[0.5], &[1.0]).contains("predictions"));
        assert!(interval_score(&[0.0], &[1.0, 2.0], &[0.0]).is_err());
        assert!(interval_score(&[0.0], &[f64::INFINITY], &[0.0]).unwrap_err().to_string().contains("upper ends"));
        assert_eq!(interval_score(&[1.0], &[0.0], &[0.5]).unwrap().crossed, 1);
    }

    proptest! {
        /// The empirical quantile of a sample covers its share, and no constant has a smaller loss.
        #[test]
        fn the_quantile_of_the_sample_is_best(mut t in prop::collection::vec(-1e2..1e2, 1..60), level in 0.01_f64..0.99) {
            let n = t.len();
            t.sort_by(f64::total_cmp);
            let best = t[((level * n as f64).ceil() as usize).clamp(1, n) - 1];
            let at = |value: f64| quantile_scores(&vec![value; n], &[level], &t).unwrap()[0];
            let found = at(best);
            prop_assert!(found.coverage >= level - 1e-12 && found.pinball >= 0.0);
            for other in [best - 1.0, best + 1.0, 0.0] {
                prop_assert!(at(other).pinball >= found.pinball - 1e-12);
            }
        }
    }
}
