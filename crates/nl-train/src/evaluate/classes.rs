//! Precision, recall and F1: of each class, and their means.

use serde::{Deserialize, Serialize};

use super::EvaluateError;
use crate::metrics::ConfusionMatrix;

/// What a share of nothing is: the precision of a class that was never decided for, the recall of one that never occurs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ZeroDivision {
    /// 0, and it counts in means: scikit-learn's default, without its warning.
    #[default]
    Zero,
    /// 1, and it counts in means.
    One,
    /// No number, and means leave it out: scikit-learn's `zero_division=np.nan`.
    LeaveOut,
}

/// Counts of one class against all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Of this class, and decided for it.
    pub(super) right: u64,
    /// Decided for it.
    pub(super) predicted: u64,
    /// Of this class.
    pub(super) support: u64,
}

/// Precision, recall and F1; `None` where the share is of nothing and that is to be left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Right among those predicted: TP / (TP + FP).
    pub precision: Option<f64>,
    /// Found among those there are: TP / (TP + FN).
    pub recall: Option<f64>,
    /// Their harmonic mean, 2 TP / (2 TP + FP + FN).
    pub f1: Option<f64>,
}

/// Precision, recall and F1 of every class, and three means of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// One a class.
    pub classes: Vec<Scores>,
    /// Samples of each class.
    pub support: Vec<u64>,
    /// The mean over classes, each counted the same.
    pub macro_mean: Scores,
    /// Of all decisions together; where each sample has one class and one decision, all three are the accuracy.
    pub micro_mean: Scores,
    /// The mean over classes, weighted by their support; its recall is the accuracy.
    pub weighted_mean: Scores,
}

impl ClassReport {
    /// The scores of a confusion matrix.
    ///
    /// As scikit-learn's `precision_recall_fscore_support` with `labels=range(classes)`: every class of the matrix has its
    /// place in the means, also one that never occurs, by what `zero` makes of it.
    ///
    /// ```
    /// use nl_train::ConfusionMatrix;
    /// use nl_train::evaluate::{ClassReport, ZeroDivision};
    /// let matrix = ConfusionMatrix::of(3, [0_u32, 0, 1, 1], [0_u32, 1, 1, 1]);
    /// let report = ClassReport::of(&matrix, ZeroDivision::Zero)?;
    /// assert_eq!((report.classes[0].precision, report.classes[0].recall), (Some(1.0), Some(0.5)));
    /// assert_eq!((report.classes[2].f1, report.micro_mean.f1), (Some(0.0), Some(0.75)));
    /// # Ok::<(), nl_train::evaluate::EvaluateError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluateError::Empty`] for a matrix without a count.
    pub fn of(matrix: &ConfusionMatrix, zero: ZeroDivision) -> Result<Self, EvaluateError> {
        if matrix.total() == 0 {
            return Err(EvaluateError::Empty { score: "precision, recall and F1", what: "prediction" });
        }
        let n = matrix.classes();
        let counts = |c: usize| Counts {
            right: matrix.count(c, c),
            predicted: (0..n).map(|t| matrix.count(t, c)).sum(),
            support: (0..n).map(|p| matrix.count(c, p)).sum(),
        };
        Ok(Self::of_counts(&(0..n).map(counts).collect::<Vec<_>>(), zero))
    }

    pub(super) fn of_counts(counts: &[Counts], zero: ZeroDivision) -> Self {
        let all = counts.iter().fold(Counts::default(), |all, one| Counts {
            right: all.right + one.right,
            predicted: all.predicted + one.predicted,
            support: all.support + one.support,
        });
        let classes: Vec<Scores> = counts.iter().map(|one| scores(one, zero)).collect();
        let support: Vec<u64> = counts.iter().map(|one| one.support).collect();
        let mean = |weights: &[u64]| Scores {
            precision: mean(&classes, |s| s.precision, weights),
            recall: mean(&classes, |s| s.recall, weights),
            f1: mean(&classes, |s| s.f1, weights),
        };
        let (macro_mean, weighted_mean) = (mean(&vec![1; classes.len()]), mean(&support));
        Self { macro_mean, micro_mean: scores(&all, zero), weighted_mean, classes, support }
    }
}

fn scores(counts: &Counts, zero: ZeroDivision) -> Scores {
    let share = |part: u64, whole: u64| match (whole, zero) {
        (0, ZeroDivision::Zero) => Some(0.0),
        (0, ZeroDivision::One) => Some(1.0),
        (0, ZeroDivision::LeaveOut) => None,
        _ => Some(part as f64 / whole as f64),
    };
    Scores {
        precision: share(counts.right, counts.predicted),
        recall: share(counts.right, counts.support),
        f1: share(2 * counts.right, counts.predicted + counts.support),
    }
}

/// Σ w x / Σ w over those that are numbers; if all of their weights are 0, all weigh the same.
fn mean(classes: &[Scores], which: fn(&Scores) -> Option<f64>, weights: &[u64]) -> Option<f64> {
    let known = || classes.iter().zip(weights).filter_map(|(scores, &weight)| Some((which(scores)?, weight as f64)));
    let even = known().all(|(_, weight)| weight == 0.0);
    let weighed = || known().map(|(value, weight)| (value, if even { 1.0 } else { weight }));
    let total: f64 = weighed().map(|(_, weight)| weight).sum();
    (total > 0.0).then(|| weighed().map(|(value, weight)| value * weight).sum::<f64>() / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn a_class_that_never_occurs_is_what_was_asked_for() {
        // Class 1 is decided for and never there, class 2 neither, class 3 is there and never found.
        let matrix = ConfusionMatrix::of(4, [0_u32, 0, 3], [0_u32, 1, 0]);
        let report = |zero| ClassReport::of(&matrix, zero).unwrap();
        let found = |zero| {
            let scores = report(zero).classes;
            [scores[1].recall, scores[2].precision, scores[2].f1, scores[3].precision, scores[3].f1]
        };
        assert_eq!(found(ZeroDivision::Zero), [Some(0.0); 5]);
        assert_eq!(found(ZeroDivision::One), [Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(0.0)]);
        assert_eq!(found(ZeroDivision::LeaveOut), [None, None, None, None, Some(0.0)]);
        assert_eq!(report(ZeroDivision::Zero).macro_mean.recall, Some(0.125));
        assert_eq!(report(ZeroDivision::LeaveOut).macro_mean.recall, Some(0.25));
        assert_eq!(report(ZeroDivision::One).support, [2, 0, 0, 1]);
    }

    #[test]
    fn nothing_is_refused() {
        let error = ClassReport::of(&ConfusionMatrix::new(3), ZeroDivision::Zero).unwrap_err().to_string();
        assert!(error.contains("at least one prediction"), "{error}");
    }

    #[test]
    fn names_are_those_of_yaml() {
        assert_eq!(serde_json::to_string(&ZeroDivision::LeaveOut).unwrap(), "\"leave-out\"");
    }

    proptest! {
        #[test]
        fn micro_is_the_accuracy_and_so_is_weighted_recall(pairs in prop::collection::vec((0_u32..5, 0_u32..5), 1..200)) {
            let matrix = ConfusionMatrix::of(5, pairs.iter().map(|p| p.0), pairs.iter().map(|p| p.1));
            let report = ClassReport::of(&matrix, ZeroDivision::Zero).unwrap();
            let accuracy = matrix.accuracy();
            let Scores { precision, recall, f1 } = report.micro_mean;
            prop_assert_eq!([precision, recall, f1], [accuracy; 3]);
            // Sums of five shares, each rounded.
            assert_relative_eq!(
                report.weighted_mean.recall.unwrap(), accuracy.unwrap(), max_relative = 1e-14, epsilon = 1e-14
            );
            for scores in report.classes.iter().chain([&report.macro_mean, &report.weighted_mean]) {
                let all = [scores.precision, scores.recall, scores.f1];
                prop_assert!(all.into_iter().flatten().all(|s| (0.0..=1.0 + 1e-14).contains(&s)), "{:?}", all);
            }
        }

        #[test]
        fn the_names_of_classes_do_not_matter(pairs in prop::collection::vec((0_u32..4, 0_u32..4), 1..100)) {
            let renamed = |c: u32| (c + 3) % 4;
            let of = |f: &dyn Fn(u32) -> u32| {
                let matrix = ConfusionMatrix::of(4, pairs.iter().map(|p| f(p.0)), pairs.iter().map(|p| f(p.1)));
                ClassReport::of(&matrix, ZeroDivision::LeaveOut).unwrap()
            };
            let (plain, other) = (of(&|c| c), of(&renamed));
            for c in 0..4 {
                prop_assert_eq!(plain.classes[c as usize], other.classes[renamed(c) as usize]);
            }
            assert_relative_eq!(
                plain.macro_mean.f1.unwrap_or(-1.0), other.macro_mean.f1.unwrap_or(-1.0), max_relative = 1e-14
            );
        }

        #[test]
        fn right_is_one(truth in prop::collection::vec(0_u32..6, 1..50)) {
            let matrix = ConfusionMatrix::of(6, truth.iter().copied(), truth.iter().copied());
            let report = ClassReport::of(&matrix, ZeroDivision::LeaveOut).unwrap();
            for mean in [report.macro_mean, report.micro_mean, report.weighted_mean] {
                prop_assert_eq!([mean.precision, mean.recall, mean.f1], [Some(1.0); 3]);
            }
        }
    }
}
