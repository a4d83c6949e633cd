//! Whether the truth is among the best guesses.

use super::{EvaluateError, checks};

/// The share of samples whose class is among the `k` with the highest score: (1/N) Σᵢ [rankᵢ(tᵢ) < k].
///
/// `scores` is `[N, classes]`: logits or probabilities. Of equal scores the class with the lower number ranks first, as in
/// every decision of this crate (scikit-learn's `top_k_accuracy_score` ranks the higher number first); k = 1 is the
/// accuracy, k ≥ classes gives 1.
///
/// ```
/// let scores = [0.1, 0.7, 0.2, 0.5, 0.3, 0.2];
/// let top = |k| nl_train::evaluate::top_k_accuracy(&scores, 3, &[2, 0], k);
/// assert_eq!((top(1)?, top(2)?), (0.5, 1.0));
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
///
/// # Errors
/// [`EvaluateError`] for sizes that do not fit, a label that is no class, a score that is no number, or k = 0.
pub fn top_k_accuracy(scores: &[f32], classes: usize, truth: &[u32], k: usize) -> Result<f64, EvaluateError> {
    const SCORE: &str = "top-k accuracy";
    checks::rows(SCORE, scores.len(), classes, truth.len())?;
    checks::labels(SCORE, truth, classes)?;
    // Infinities have an order.
    checks::within(SCORE, "scores", scores, |s| !s.is_nan(), "a number")?;
    if k == 0 {
        return Err(EvaluateError::Parameter { score: SCORE, parameter: "k", value: 0.0, expected: "1 or more" });
    }
    let found = |(row, &t): (&[f32], &u32)| {
        let (t, own) = (t as usize, row[t as usize]);
        let better = row.iter().enumerate().filter(|&(c, &s)| s > own || (s == own && c < t)).count();
        better < k
    };
    let right = scores.chunks_exact(classes).zip(truth).filter(|&pair| found(pair)).count();
    Ok(right as f64 / truth.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{accuracy, argmax};
    use proptest::prelude::*;

    #[test]
    fn ties_go_to_the_lower_class() {
        let scores = [1.0, 1.0, 1.0];
        let found: Vec<f64> = (0..3).map(|t| top_k_accuracy(&scores, 3, &[t], 2).unwrap()).collect();
        assert_eq!(found, [1.0, 1.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let refused = |scores: &[f32], classes, truth: &[u32], k| {
            top_k_accuracy(scores, classes, truth, k).unwrap_err().to_string()
        };
        assert!(refused(&[], 3, &[], 1).contains("at least one sample"));
        assert!(refused(&[], 0, &[0], 1).contains("at least one class"));
        assert!(refused(&[0.0; 5], 3, &[0, 0], 1).contains("5 values, but 6 are needed"));
        assert!(refused(&[0.0; 3], 3, &[3], 1).contains("label 3 of sample 0 is no class; there are 3"));
        assert!(refused(&[0.0, f32::NAN], 2, &[0], 1).contains("value 1 of the scores is NaN"));
        assert!(refused(&[0.0; 2], 2, &[0], 0).contains("k = 0, expected 1 or more"));
    }

    proptest! {
        #[test]
        fn it_grows_with_k_and_begins_with_the_accuracy(
            rows in prop::collection::vec((prop::collection::vec(-3_i8..3, 4), 0_u32..4), 1..40),
        ) {
            let scores: Vec<f32> = rows.iter().flat_map(|row| row.0.iter().map(|&s| f32::from(s))).collect();
            let truth: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let top: Vec<f64> = (1..=5).map(|k| top_k_accuracy(&scores, 4, &truth, k).unwrap()).collect();
            prop_assert_eq!(top[0], accuracy(&argmax(&scores, 4), &truth).unwrap());
            prop_assert!(top.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert_eq!(&top[3..], &[1.0, 1.0]);
        }
    }
}
