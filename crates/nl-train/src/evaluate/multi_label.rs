//! Samples that have any number of labels each.

use serde::{Deserialize, Serialize};

use super::classes::Counts;
use super::{ClassReport, EvaluateError, ZeroDivision, checks};

/// Scores of label sets: yes or no for each of L labels of each of N samples.
///
/// ```text
/// subset accuracy = (1/N) Σᵢ [all labels of sample i are right]
/// Hamming loss    = (1/NL) Σᵢₗ [label l of sample i is wrong]
/// ```
///
/// Source: Tsoumakas & Katakis, "Multi-label classification: an overview", 2007.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MultiLabelScores {
    /// Samples of which every label is right, 0 to 1.
    pub subset_accuracy: f64,
    /// Labels that are wrong, 0 to 1.
    pub hamming_loss: f64,
    /// Precision, recall and F1 of each label, and their means.
    pub labels: ClassReport,
}

impl MultiLabelScores {
    /// The scores of `predicted` beside `truth`, both `[N, labels]`.
    ///
    /// ```
    /// use nl_train::evaluate::{MultiLabelScores, ZeroDivision};
    /// let predicted = [true, false, true, true];
    /// let truth = [true, false, true, false];
    /// let scores = MultiLabelScores::of(&predicted, &truth, 2, ZeroDivision::Zero)?;
    /// assert_eq!((scores.subset_accuracy, scores.hamming_loss), (0.5, 0.25));
    /// # Ok::<(), nl_train::evaluate::EvaluateError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluateError`] without a sample or a label, or for sizes that do not fit.
    pub fn of(predicted: &[bool], truth: &[bool], labels: usize, zero: ZeroDivision) -> Result<Self, EvaluateError> {
        const SCORE: &str = "multi-label scores";
        // A part of a row is a sample, so that it is refused.
        let samples = truth.len().div_ceil(labels.max(1));
        checks::rows(SCORE, truth.len(), labels, samples)?;
        checks::rows(SCORE, predicted.len(), labels, samples)?;
        let mut counts = vec![Counts::default(); labels];
        let (mut wrong, mut whole) = (0_usize, 0_usize);
        for (p, t) in predicted.chunks_exact(labels).zip(truth.chunks_exact(labels)) {
            let here = p.iter().zip(t).filter(|(p, t)| p != t).count();
            wrong += here;
            whole += usize::from(here == 0);
            for (counts, (&p, &t)) in counts.iter_mut().zip(p.iter().zip(t)) {
                counts.right += u64::from(p && t);
                counts.predicted += u64::from(p);
                counts.support += u64::from(t);
            }
        }
        Ok(Self {
            subset_accuracy: whole as f64 / samples as f64,
            hamming_loss: wrong as f64 / truth.len() as f64,
            labels: ClassReport::of_counts(&counts, zero),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let refused = |p: &[bool], t: &[bool], labels| {
            MultiLabelScores::of(p, t, labels, ZeroDivision::Zero).unwrap_err().to_string()
        };
        assert!(refused(&[], &[], 2).contains("at least one sample"));
        assert!(refused(&[true], &[true], 0).contains("at least one class"));
        assert!(refused(&[true; 3], &[true; 3], 2).contains("3 values, but 4 are needed"));
        assert!(refused(&[true; 2], &[true; 4], 2).contains("2 values, but 4 are needed"));
    }

    proptest! {
        #[test]
        fn scores_stay_in_their_ranges(rows in prop::collection::vec(prop::array::uniform6(any::<bool>()), 1..40)) {
            let p: Vec<bool> = rows.iter().flat_map(|row| row[..3].to_vec()).collect();
            let t: Vec<bool> = rows.iter().flat_map(|row| row[3..].to_vec()).collect();
            let found = MultiLabelScores::of(&p, &t, 3, ZeroDivision::LeaveOut).unwrap();
            prop_assert!(found.subset_accuracy <= 1.0 - found.hamming_loss + 1e-15);
            let right = MultiLabelScores::of(&t, &t, 3, ZeroDivision::One).unwrap();
            prop_assert_eq!((right.subset_accuracy, right.hamming_loss), (1.0, 0.0));
            prop_assert_eq!(right.labels.macro_mean.f1, Some(1.0));
            let turned = |v: &[bool]| v.chunks_exact(3).rev().flatten().copied().collect::<Vec<_>>();
            prop_assert_eq!(MultiLabelScores::of(&turned(&p), &turned(&t), 3, ZeroDivision::LeaveOut).unwrap(), found);
        }
    }
}
