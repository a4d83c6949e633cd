//! Ranges of hyper-parameters that several losses share.

use core::fmt::Display;
use core::ops::RangeInclusive;

use crate::Error;

/// The largest weight, of a class or of a term: far beyond any use, and its products with losses still fit into an `f32`.
pub(super) const MOST: f64 = 1e9;

/// A number in a range.
pub(super) fn within(
    path: &str,
    name: impl Display,
    value: f64,
    range: RangeInclusive<f64>,
    usual: &str,
) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    let (low, high) = (range.start(), range.end());
    Err(Error::hyperparameter(path, format!("{name} {value} must be in [{low}, {high}]; {usual} is usual")))
}

/// Weights of classes: 0 or above, not all 0.
pub(super) fn class_weights(path: &str, weights: Option<&[f64]>) -> Result<(), Error> {
    let Some(weights) = weights else { return Ok(()) };
    for (class, &weight) in weights.iter().enumerate() {
        within(path, format_args!("class_weights[{class}]"), weight, 0.0..=MOST, "1 on average")?;
    }
    if weights.iter().all(|&w| w == 0.0) {
        return Err(Error::hyperparameter(
            path,
            "class_weights are all 0, so nothing would be learned; leave them out",
        ));
    }
    Ok(())
}

/// One weight for each class.
pub(super) fn weight_for_each(path: &str, weights: Option<&[f64]>, classes: usize) -> Result<(), Error> {
    match weights {
        Some(weights) if weights.len() != classes => {
            let message =
                format!("class_weights are {} numbers for {classes} classes; give one for each", weights.len());
            Err(Error::hyperparameter(path, message))
        }
        _ => Ok(()),
    }
}
