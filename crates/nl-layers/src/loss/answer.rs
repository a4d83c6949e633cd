//! What outputs mean, and the two ways from logits to probabilities.

use crate::Error;
use crate::error::At;

/// What N rows of outputs say, row after row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// A probability for each class, `[N, C]`; each row sums to 1.
    Classes(Vec<f32>),
    /// A probability for each label, `[N, K]`, each on its own.
    Labels(Vec<f32>),
    /// Numbers.
    Values {
        /// The best guess, `[N, K]`.
        values: Vec<f32>,
        /// How sure it is.
        spread: Spread,
    },
}

/// What a loss for values says about their uncertainty.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Spread {
    /// Nothing.
    None,
    /// Standard deviations, `[N, K]`.
    Deviations(Vec<f32>),
    /// Quantiles in ascending order, `[N, K, Q]`.
    Quantiles {
        /// Their Q probabilities.
        levels: Vec<f64>,
        /// Their values.
        values: Vec<f32>,
    },
}

/// e^x / Σ e^x of each row.
pub(super) fn softmax(x: &[f32], columns: usize) -> Result<Vec<f32>, Error> {
    let mut p = vec![0.0; x.len()];
    nl_kernels::softmax(x.len() / columns.max(1), columns, x, &mut p)
        .map_err(nl_autodiff::Error::from)
        .at(super::PATH)?;
    Ok(p)
}

/// σ(x) = 1 / (1 + e^−x).
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// ln(1 + e^x), which neither overflows nor loses small x: −ln σ(−x).
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
