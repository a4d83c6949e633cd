//! How good a model is: scores as pure functions, one file each.
//!
//! | file | what it measures |
//! |---|---|
//! | `top_k` | whether the truth is among the best guesses |
//! | `classes` | precision, recall and F1 of each class, and their means (counts: [`ConfusionMatrix`](crate::ConfusionMatrix)) |
//! | `calibration` | expected calibration error, reliability, Brier score, likelihood |
//! | `recognition` | all scores of a model that names classes, and what a temperature does to them |
//! | `temperature` | one number that makes probabilities mean what they say |
//! | `regression` | errors, R², correlation, also of angles |
//! | `multi_label` | sets of labels |
//! | `quantiles` | coverage of predicted quantiles and intervals |
//! | `mistakes` | what was wrong and sure |
//! | `robustness` | scores on images that are spoilt more and more |
//! | `saliency` | which pixels a decision hangs on |
//! | `ablation` | what each part adds |
//! | `config` | what of it a configuration asks for |
//! | `figures` | all of it for a page |
//!
//! Rows are samples: `[N, classes]`. Sums are in f64 and in the order of samples, so the same samples give the same bits.
//! What cannot be scored is refused by [`EvaluateError`], never scored as something else.

mod ablation;
mod calibration;
mod checks;
mod classes;
mod config;
mod error;
pub mod figures;
mod mistakes;
mod multi_label;
mod quantiles;
mod recognition;
mod regression;
mod robustness;
mod saliency;
mod temperature;
mod top_k;

pub use ablation::{Ablated, Ablation};
pub use calibration::Calibration;
pub use classes::{ClassReport, Scores, ZeroDivision};
pub use config::EvaluateConfig;
pub use error::EvaluateError;
pub use mistakes::{Mistake, most_confident_mistakes};
pub use multi_label::MultiLabelScores;
pub use quantiles::{IntervalScore, QuantileScore, interval_score, quantile_scores};
pub use recognition::{Recognition, Tempered};
pub use regression::RegressionScores;
pub use robustness::{Perturbation, Robustness, RobustnessCurve, RobustnessTable};
pub use saliency::Occlusion;
pub use temperature::Temperature;
pub use top_k::top_k_accuracy;

/// Pixels of a plane of `height` and `width`, of which `pixels` is a whole number, and not none.
fn image_size(score: &'static str, pixels: usize, height: usize, width: usize) -> Result<usize, EvaluateError> {
    let size = height.saturating_mul(width);
    if size == 0 {
        return Err(EvaluateError::Empty { score, what: "pixel" });
    }
    if pixels == 0 {
        return Err(EvaluateError::Empty { score, what: "image" });
    }
    if !pixels.is_multiple_of(size) {
        let (expected, why) = (pixels.div_ceil(size).saturating_mul(size), format!("planes of {height} × {width}"));
        return Err(EvaluateError::Length { score, what: "pixels", found: pixels, expected, why });
    }
    Ok(size)
}
