//! What every score asks of its input first.

use super::EvaluateError;

/// Rows of `columns` values, one a sample: there are some, and as many as labels or targets.
pub(super) fn rows(score: &'static str, values: usize, columns: usize, samples: usize) -> Result<(), EvaluateError> {
    if columns == 0 {
        return Err(EvaluateError::Empty { score, what: "class" });
    }
    if samples == 0 {
        return Err(EvaluateError::Empty { score, what: "sample" });
    }
    if samples.checked_mul(columns) != Some(values) {
        let why = format!("{samples} samples with {columns} values each");
        let expected = samples.saturating_mul(columns);
        return Err(EvaluateError::Length { score, what: "values", found: values, expected, why });
    }
    Ok(())
}

/// As many of one thing as of the other, and some.
pub(super) fn pairs(score: &'static str, predicted: usize, truth: usize) -> Result<(), EvaluateError> {
    if truth == 0 {
        return Err(EvaluateError::Empty { score, what: "sample" });
    }
    if predicted != truth {
        let why = "one for each value of the truth".to_owned();
        return Err(EvaluateError::Length { score, what: "predictions", found: predicted, expected: truth, why });
    }
    Ok(())
}

/// Labels that are classes.
pub(super) fn labels(score: &'static str, truth: &[u32], classes: usize) -> Result<(), EvaluateError> {
    match truth.iter().position(|&label| label as usize >= classes) {
        Some(index) => Err(EvaluateError::Label { score, index, label: truth[index], classes }),
        None => Ok(()),
    }
}

/// Numbers that are.
pub(super) fn finite<T: Copy + Into<f64>>(
    score: &'static str,
    what: &'static str,
    values: &[T],
) -> Result<(), EvaluateError> {
    within(score, what, values, f64::is_finite, "a finite number")
}

/// Numbers of which each is `ok`.
pub(super) fn within<T: Copy + Into<f64>>(
    score: &'static str,
    what: &'static str,
    values: &[T],
    ok: impl Fn(f64) -> bool,
    expected: &'static str,
) -> Result<(), EvaluateError> {
    match values.iter().position(|&value| !ok(value.into())) {
        Some(index) => Err(EvaluateError::Value { score, what, index, value: values[index].into(), expected }),
        None => Ok(()),
    }
}

/// Rows of probabilities: each from 0 to 1, the sum of a row 1 within what `f32` can say.
pub(super) fn probabilities(score: &'static str, values: &[f32], classes: usize) -> Result<(), EvaluateError> {
    within(score, "probabilities", values, |p| (0.0..=1.0).contains(&p), "a number from 0 to 1; take softmax first")?;
    for (row, p) in values.chunks_exact(classes).enumerate() {
        let sum: f64 = p.iter().map(|&p| f64::from(p)).sum();
        if (sum - 1.0).abs() > 1e-3 {
            let expected = "1, the sum of the probabilities of one sample; take softmax first";
            return Err(EvaluateError::Value { score, what: "rows' sums", index: row, value: sum, expected });
        }
    }
    Ok(())
}

/// A mean in f64, in index order; of nothing, no number.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len();
    values.sum::<f64>() / n as f64
}
