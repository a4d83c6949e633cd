//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use super::{EvaluateError, checks};
use crate::metrics::{ReliabilityBin, argmax, expected_calibration_error, reliability};

/// How well probabilities fit what happened.
///
/// With confidence pᵢ = maxₖ pᵢₖ and bins ((b − 1)/B, b/B] of it:
///
/// ```text
/// ECE   = Σ_b n_b/N |accuracy_b − confidence_b|        (Guo et al. 2017, eq. 5)
/// MCE   = max_b |accuracy_b − confidence_b|            (eq. 6; over bins that hold something)
/// Brier = (1/N) Σᵢ Σₖ (pᵢₖ − [k = tᵢ])²                (Brier 1950: from 0 to 2)
/// NLL   = −(1/N) Σᵢ log pᵢ(tᵢ)                         nats
/// ```
///
/// Sources: Guo et al., "On calibration of modern neural networks", 2017 (who use 15 bins); Brier, "Verification of forecasts
/// expressed in terms of probability", 1950.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error, 0 to 1.
    pub ece: f64,
    /// Maximum calibration error, 0 to 1.
    pub mce: f64,
    /// Brier score over all classes, 0 to 2; for two classes twice the usual one of the second class.
    pub brier: f64,
    /// Mean negative log-likelihood, nats; infinite if something happened that had probability 0.
    pub nll: f64,
    /// The bins, also those that are empty: what a reliability diagram shows.
    pub bins: Vec<ReliabilityBin>,
}

impl Calibration {
    /// The calibration of `probabilities`, `[N, classes]`, in `bins` bins.
    ///
    /// ```
    /// use nl_train::evaluate::Calibration;
    /// let sure = Calibration::of(&[0.9, 0.1, 0.9, 0.1], 2, &[0, 1], 15)?;
    /// assert!((sure.ece - 0.4).abs() < 1e-6); // 90 % sure and right half the time
    /// # Ok::<(), nl_train::evaluate::EvaluateError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluateError`] for sizes that do not fit, a label that is no class, rows that are no probabilities, or no bin.
    pub fn of(probabilities: &[f32], classes: usize, truth: &[u32], bins: usize) -> Result<Self, EvaluateError> {
        const SCORE: &str = "calibration";
        checks::rows(SCORE, probabilities.len(), classes, truth.len())?;
        checks::labels(SCORE, truth, classes)?;
        checks::probabilities(SCORE, probabilities, classes)?;
        if !(1..=1 << 16).contains(&bins) {
            let (parameter, value, expected) = ("bins", bins as f64, "from 1 to 65536");
            return Err(EvaluateError::Parameter { score: SCORE, parameter, value, expected });
        }
        let rows = || probabilities.chunks_exact(classes).zip(truth.iter().map(|&t| t as usize));
        let decided = argmax(probabilities, classes);
        let confidence: Vec<f32> = rows().zip(&decided).map(|((row, _), &d)| row[d as usize]).collect();
        let right: Vec<bool> = decided.iter().zip(truth).map(|(d, t)| d == t).collect();
        let bins = reliability(&confidence, &right, bins);
        let gap = |bin: &ReliabilityBin| (bin.accuracy - bin.confidence).abs();
        let squares = |(row, t): (&[f32], usize)| {
            let square = |(k, &p): (usize, &f32)| (f64::from(p) - f64::from(u8::from(k == t))).powi(2);
            row.iter().enumerate().map(square).sum::<f64>()
        };
        Ok(Self {
            // A sample was counted, so there is one.
            ece: expected_calibration_error(&bins).unwrap_or_default(),
            mce: bins.iter().map(gap).fold(0.0, f64::max),
            brier: checks::mean(rows().map(squares)),
            nll: checks::mean(rows().map(|(row, t)| -f64::from(row[t]).ln())),
            bins,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let found = Calibration::of(&[1.0, 0.0, 0.75, 0.25, 0.25, 0.75], 2, &[0, 1, 1], 4).unwrap();
        // Bins (0.5, 0.75]: two of confidence 0.75, one right; (0.75, 1]: one, right.
        assert_abs_diff_eq!(found.ece, 2.0 / 3.0 * 0.25, epsilon = 1e-15);
        assert_eq!(found.mce, 0.25);
        assert_abs_diff_eq!(found.brier, (0.0 + 2.0 * 0.5625 + 2.0 * 0.0625) / 3.0, epsilon = 1e-15);
        assert_abs_diff_eq!(found.nll, -(0.25_f64.ln() + 0.75_f64.ln()) / 3.0, epsilon = 1e-15);
        assert_eq!(found.bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [0, 0, 2, 1]);
        assert_eq!(Calibration::of(&[1.0, 0.0], 2, &[1], 15).unwrap().nll, f64::INFINITY);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let refused = |p: &[f32], truth: &[u32], bins| Calibration::of(p, 2, truth, bins).unwrap_err().to_string();
        assert!(refused(&[2.0, -1.0], &[0], 15).contains("value 0 of the probabilities is 2"));
        assert!(refused(&[0.5, f32::NAN], &[0], 15).contains("take softmax first"));
        assert!(refused(&[0.5, 0.2], &[0], 15).contains("the sum of the probabilities of one sample"));
        assert!(refused(&[0.5, 0.5], &[2], 15).contains("label 2"));
        assert!(refused(&[0.5], &[1], 15).contains("1 values, but 2 are needed"));
        assert!(refused(&[0.5, 0.5], &[0], 0).contains("bins = 0"));
        assert!(refused(&[0.5, 0.5], &[0], usize::MAX).contains("from 1 to 65536"));
    }

    /// Rows of probabilities from whole numbers, and labels.
    fn samples() -> impl Strategy<Value = (Vec<f32>, Vec<u32>)> {
        prop::collection::vec((prop::array::uniform3(1_u32..100), 0_u32..3), 1..60).prop_map(|rows| {
            let share = |row: [u32; 3]| row.map(|n| n as f32 / row.iter().sum::<u32>() as f32);
            (rows.iter().flat_map(|row| share(row.0)).collect(), rows.iter().map(|row| row.1).collect())
        })
    }

    proptest! {
        #[test]
        fn scores_stay_in_their_ranges((p, truth) in samples(), bins in 1_usize..30) {
            let found = Calibration::of(&p, 3, &truth, bins).unwrap();
            prop_assert!((0.0..=1.0).contains(&found.ece) && found.ece <= found.mce + 1e-15 && found.mce <= 1.0);
            prop_assert!((0.0..=2.0).contains(&found.brier) && found.nll >= 0.0);
            prop_assert_eq!(found.bins.iter().map(|bin| bin.count).sum::<u64>() as usize, truth.len());
        }

        #[test]
        fn the_order_of_samples_does_not_matter((p, truth) in samples()) {
            let turned_p: Vec<f32> = p.chunks_exact(3).rev().flatten().copied().collect();
            let turned: Vec<u32> = truth.iter().rev().copied().collect();
            let (a, b) = (Calibration::of(&p, 3, &truth, 15).unwrap(), Calibration::of(&turned_p, 3, &turned, 15).unwrap());
            // Sixty terms, added in the other order.
            for (a, b) in [(a.ece, b.ece), (a.mce, b.mce), (a.brier, b.brier), (a.nll, b.nll)] {
                assert_abs_diff_eq!(a, b, epsilon = 1e-12);
            }
        }

        #[test]
        fn certain_and_right_is_perfect(truth in prop::collection::vec(0_u32..3, 1..40)) {
            let p: Vec<f32> = truth.iter().flat_map(|&t| (0..3).map(move |c| f32::from(u8::from(c == t)))).collect();
            let found = Calibration::of(&p, 3, &truth, 15).unwrap();
            prop_assert_eq!([found.ece, found.mce, found.brier, found.nll], [0.0; 4]);
        }
    }
}
