//! What was wrong and sure.

use serde::{Deserialize, Serialize};

use super::{EvaluateError, checks};
use crate::metrics::argmax;

/// A wrong decision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The sample, from 0.
    pub index: usize,
    /// Its class.
    pub truth: u32,
    /// The class it was taken for.
    pub decided: u32,
    /// Probability of the decision, 0 to 1.
    pub confidence: f32,
}

/// The wrong decisions with the greatest probability, at most `most`, the surest first; of equal ones the earlier sample.
///
/// `probabilities` is `[N, classes]`.
///
/// ```
/// let p = [0.9, 0.1, 0.2, 0.8, 0.3, 0.7];
/// let worst = nl_train::evaluate::most_confident_mistakes(&p, 2, &[1, 1, 0], 5)?;
/// assert_eq!(worst.iter().map(|m| m.index).collect::<Vec<_>>(), [0, 2]);
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
///
/// # Errors
/// [`EvaluateError`] for sizes that do not fit, a label that is no class, or rows that are no probabilities.
pub fn most_confident_mistakes(
    probabilities: &[f32],
    classes: usize,
    truth: &[u32],
    most: usize,
) -> Result<Vec<Mistake>, EvaluateError> {
    const SCORE: &str = "most confident mistakes";
    checks::rows(SCORE, probabilities.len(), classes, truth.len())?;
    checks::labels(SCORE, truth, classes)?;
    checks::probabilities(SCORE, probabilities, classes)?;
    let decided = argmax(probabilities, classes);
    let mistake = |index: usize| {
        let (truth, decided) = (truth[index], decided[index]);
        let confidence = probabilities[index * classes + decided as usize];
        (decided != truth).then_some(Mistake { index, truth, decided, confidence })
    };
    let mut all: Vec<Mistake> = (0..truth.len()).filter_map(mistake).collect();
    // Stable: equals stay in the order of samples.
    all.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    all.truncate(most);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equals_stay_in_order() {
        let p = [0.25, 0.75].repeat(5);
        let found = most_confident_mistakes(&p, 2, &[0, 1, 0, 0, 0], 3).unwrap();
        assert_eq!(found.iter().map(|m| m.index).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(found[0], Mistake { index: 0, truth: 0, decided: 1, confidence: 0.75 });
        assert!(most_confident_mistakes(&p, 2, &[1; 5], 3).unwrap().is_empty());
        assert!(most_confident_mistakes(&[0.25, f32::NAN], 2, &[1], 3).is_err());
        assert!(most_confident_mistakes(&p, 2, &[1], 3).is_err());
    }

    proptest! {
        #[test]
        fn the_first_are_the_first_of_all(rows in prop::collection::vec((1_u32..9, 0_u32..2), 1..60), most in 0_usize..20) {
            let p: Vec<f32> = rows.iter().flat_map(|row| [row.0 as f32 / 10.0, 1.0 - row.0 as f32 / 10.0]).collect();
            let truth: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let all = most_confident_mistakes(&p, 2, &truth, usize::MAX).unwrap();
            prop_assert!(all.windows(2).all(|m| m[0].confidence > m[1].confidence
                || (m[0].confidence == m[1].confidence && m[0].index < m[1].index)));
            prop_assert_eq!(&most_confident_mistakes(&p, 2, &truth, most).unwrap()[..], &all[..most.min(all.len())]);
        }
    }
}
