//! Everything that a test of a model that names classes shows.

use std::collections::BTreeMap;

use nl_report::Figure;
use nl_report::plots::{Cell, Table};
use nl_report::text::{number, percent};
use serde::{Deserialize, Serialize};

use super::{Calibration, ClassReport, EvaluateError, Temperature, ZeroDivision, top_k_accuracy};
use crate::metrics::{ConfusionMatrix, accuracy, argmax, negative_log_likelihood};

/// Bins of the reliability diagram: Guo et al. 2017.
const BINS: usize = 15;
/// Guesses of which one has to be right, in the second accuracy.
const GUESSES: usize = 3;

/// What log-probabilities of classes are worth against the truth.
///
/// ```
/// use nl_train::evaluate::Recognition;
/// let log_probs = [0.9_f32, 0.1, 0.3, 0.7].map(f32::ln);
/// let found = Recognition::of(&log_probs, 2, &[0, 0])?;
/// assert_eq!((found.decided, found.scores["accuracy"]), (vec![0, 1], 0.5));
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Recognition {
    /// The class decided for, of each sample: the first of the most probable.
    pub decided: Vec<u32>,
    /// By name: accuracy, `top_3_accuracy` (from four classes on), `macro_f1`, `expected_calibration_error`,
    /// `negative_log_likelihood` (left out where something happened that had probability 0).
    pub scores: BTreeMap<String, f64>,
    /// How far confidence can be trusted.
    pub calibration: Calibration,
    /// Precision, recall and F1.
    pub report: ClassReport,
    /// What was taken for what.
    pub confusion: ConfusionMatrix,
}

impl Recognition {
    /// Of `log_probs`, `[N, classes]`, rows that sum to one as probabilities.
    ///
    /// # Errors
    /// [`EvaluateError`] for sizes that do not fit, a label that is no class, or rows that are no probabilities.
    pub fn of(log_probs: &[f32], classes: usize, truth: &[u32]) -> Result<Self, EvaluateError> {
        let calibration = Calibration::of(&exponentials(log_probs), classes, truth, BINS)?;
        let decided = argmax(log_probs, classes);
        let confusion = ConfusionMatrix::of(classes, truth.iter().copied(), decided.iter().copied());
        let report = ClassReport::of(&confusion, ZeroDivision::Zero)?;
        let mut scores: BTreeMap<String, f64> = [
            ("accuracy", accuracy(&decided, truth)),
            ("macro_f1", report.macro_mean.f1),
            ("expected_calibration_error", Some(calibration.ece)),
            ("negative_log_likelihood", negative_log_likelihood(log_probs, classes, truth)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.filter(|value| value.is_finite())?)))
        .collect();
        if classes > GUESSES {
            scores.insert(format!("top_{GUESSES}_accuracy"), top_k_accuracy(log_probs, classes, truth, GUESSES)?);
        }
        Ok(Self { decided, scores, calibration, report, confusion })
    }
}

/// What one temperature does to the probabilities of a test, fitted on other samples: a mixture of classes p becomes
/// p^(1/T) / Σ p^(1/T), which is softmax(z / T) where p = softmax(z). No decision changes.
///
/// Source: Guo et al., "On calibration of modern neural networks", 2017, section 4.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tempered {
    /// What was fitted, and on how many samples.
    pub fit: Temperature,
    /// Samples that it was fitted on.
    pub fitted_on: usize,
    /// The test as it was.
    pub before: Calibration,
    /// The test with the temperature.
    pub after: Calibration,
}

impl Tempered {
    /// Fitted on log-probabilities and labels of samples `held_out` that nothing was learned from, tried on those of a test.
    ///
    /// # Errors
    /// As [`Recognition::of`].
    pub fn of(held_out: (&[f32], &[u32]), test: (&[f32], &[u32]), classes: usize) -> Result<Self, EvaluateError> {
        // What never happens has a logarithm here: that of the smallest positive number.
        let logits = |rows: &[f32]| rows.iter().map(|p| p.max(f32::MIN_POSITIVE.ln())).collect::<Vec<f32>>();
        let fit = Temperature::fit(&logits(held_out.0), classes, held_out.1)?;
        let before = Calibration::of(&exponentials(test.0), classes, test.1, BINS)?;
        let after = Calibration::of(&fit.probabilities(&logits(test.0), classes)?, classes, test.1, BINS)?;
        Ok(Self { fit, fitted_on: held_out.1.len(), before, after })
    }

    /// The two scores that a temperature is for.
    #[must_use]
    pub fn scores(&self) -> [(&'static str, f64); 2] {
        [
            ("calibrated_expected_calibration_error", self.after.ece),
            ("calibrated_negative_log_likelihood", self.after.nll),
        ]
    }

    /// A table of who became how sure: of each its name and what was found.
    #[must_use]
    pub fn figure(all: &[(&str, &Self)]) -> Figure {
        let mut table = Table::new(&[
            "who",
            "temperature",
            "calibration error",
            "with temperature",
            "negative log-likelihood",
            "with temperature",
        ]);
        for (name, it) in all {
            let bound = if it.fit.at_bound { " (end of its range)" } else { "" };
            table = table.row([
                (*name).into(),
                Cell::number(format!("{}{bound}", number(it.fit.temperature))),
                Cell::number(percent(it.before.ece, 2)),
                Cell::number(percent(it.after.ece, 2)),
                Cell::number(number(it.before.nll)),
                Cell::number(number(it.after.nll)),
            ]);
        }
        let on = all.first().map_or(0, |it| it.1.fitted_on);
        let text = format!(
            "One number that all logarithms of probabilities are divided by, fitted on {on} images held out, which nothing was \
             learned from; above 1, it was too sure. The scores are of the test images."
        );
        Figure::new("With a temperature", text, table)
    }
}

fn exponentials(log_probs: &[f32]) -> Vec<f32> {
    log_probs.iter().map(|p| p.exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_report::Draw;

    #[test]
    fn every_score_has_its_name_and_value() {
        // Right, wrong with the truth second, wrong with the truth last.
        let p = [[0.7, 0.1, 0.1, 0.1], [0.5, 0.3, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1]];
        let log_probs: Vec<f32> = p.iter().flatten().map(|&p: &f64| p.ln() as f32).collect();
        let found = Recognition::of(&log_probs, 4, &[0, 1, 3]).unwrap();
        let near = |name: &str, value: f64| assert!((found.scores[name] - value).abs() < 1e-6, "{name}: {found:?}");
        near("accuracy", 1.0 / 3.0);
        near("top_3_accuracy", 2.0 / 3.0);
        near("negative_log_likelihood", -(0.7_f64.ln() + 0.3_f64.ln() + 0.1_f64.ln()) / 3.0);
        // Class 0: precision 1/3, recall 1, F1 1/2; nothing else is ever named.
        near("macro_f1", 0.5 / 4.0);
        near("expected_calibration_error", (0.3 + 0.5 + 0.4) / 3.0);
        assert_eq!((found.decided, found.confusion.count(1, 0)), (vec![0, 0, 0], 1));
        assert!(Recognition::of(&log_probs[..2], 2, &[0]).is_err(), "0.7 and 0.1 are not all");
        let three = Recognition::of(&[0.5_f32, 0.25, 0.25].map(f32::ln), 3, &[0]).unwrap();
        assert!(!three.scores.contains_key("top_3_accuracy"));
    }

    /// Too sure on both sets in the same way: what is fitted on the one repairs the other, and no decision moves.
    #[test]
    fn a_temperature_repairs_what_is_too_sure() {
        let row = [0.98_f32, 0.02].map(f32::ln);
        let rows: Vec<f32> = row.repeat(8);
        let truth = [0, 0, 0, 1, 0, 0, 0, 1];
        let found = Tempered::of((&rows, &truth), (&rows, &truth), 2).unwrap();
        // p^(1/T) = 3/4: T = ln(49) / ln(3).
        assert!((found.fit.temperature - 49_f64.ln() / 3_f64.ln()).abs() < 1e-5, "{:?}", found.fit);
        assert!((found.before.ece - 0.23).abs() < 1e-6 && found.after.ece < 1e-6);
        assert_eq!(found.scores()[1], ("calibrated_negative_log_likelihood", found.after.nll));
        assert!(found.after.nll < found.before.nll);
        let figure = Tempered::figure(&[("cortex", &found)]);
        assert!(figure.text.contains("8 images held out") && figure.plot.draw("a").is_ok());
        assert!(Tempered::of((&[], &[]), (&rows, &truth), 2).is_err());
        // A memory without smoothing says that things never happen.
        let sure = [0.0, f32::NEG_INFINITY].repeat(8);
        let found = Tempered::of((&sure, &truth), (&sure, &truth), 2).unwrap();
        assert!(found.fit.temperature > 1.0 && found.after.nll.is_finite() && found.before.nll.is_infinite());
        assert!(!Recognition::of(&sure, 2, &truth).unwrap().scores.contains_key("negative_log_likelihood"));
    }
}
