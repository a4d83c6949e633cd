//! One number that makes a network as sure as it should be.

use serde::{Deserialize, Serialize};

use super::{EvaluateError, checks};

/// No temperature is below its reciprocal or above it: beyond, probabilities are 0 and 1, or all the same.
const MOST: f64 = 1e3;

/// The temperature T for which softmax(z / T) fits held-out labels best.
///
/// ```text
/// NLL(β) = (1/N) Σᵢ log Σₖ exp(β zᵢₖ) − β zᵢ(tᵢ),   β = 1/T
/// NLL′   = (1/N) Σᵢ E_p[z] − zᵢ(tᵢ)                 p = softmax(β zᵢ)
/// NLL″   = (1/N) Σᵢ Var_p[z] ≥ 0
/// ```
///
/// It is convex in β, so Newton's step inside a bracket, halved where it leaves it, finds the minimum; in f64. T is from
/// 10⁻³ to 10³: a set on which every decision is right asks for T → 0, one on which scores say nothing for T → ∞. What is
/// found is never worse on the set it was fitted on than T = 1, and no decision changes, as dividing keeps the order: decide
/// by the logits or by [`scaled`](Self::scaled), since softmax rounds differences away.
///
/// Source: Guo et al., "On calibration of modern neural networks", 2017, section 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// T, 10⁻³ to 10³; above 1 the network was too sure.
    pub temperature: f64,
    /// Mean negative log-likelihood with T = 1, nats.
    pub nll_before: f64,
    /// Mean negative log-likelihood with this T, nats.
    pub nll_after: f64,
    /// Whether the range ended before the minimum: fit on more samples.
    pub at_bound: bool,
}

impl Temperature {
    /// Fitted on logits `[N, classes]` of samples that nothing was learned from.
    ///
    /// ```
    /// use nl_train::evaluate::Temperature;
    /// // Right in three of four, but as sure as 99.99 %.
    /// let logits = [9.0, 0.0, 9.0, 0.0, 9.0, 0.0, 9.0, 0.0];
    /// let fit = Temperature::fit(&logits, 2, &[0, 0, 0, 1])?;
    /// assert!((fit.temperature - 9.0 / 3_f64.ln()).abs() < 1e-9);
    /// let p = fit.probabilities(&logits[..2], 2)?;
    /// assert!((p[0] - 0.75).abs() < 1e-6);
    /// # Ok::<(), nl_train::evaluate::EvaluateError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluateError`] for sizes that do not fit, a label that is no class, or a logit that is no finite number.
    pub fn fit(logits: &[f32], classes: usize, truth: &[u32]) -> Result<Self, EvaluateError> {
        const SCORE: &str = "temperature scaling";
        checks::rows(SCORE, logits.len(), classes, truth.len())?;
        checks::labels(SCORE, truth, classes)?;
        checks::finite(SCORE, "logits", logits)?;
        let at = |beta: f64| likelihood(logits, classes, truth, beta);
        let [before, slope, _] = at(1.0);
        let (mut low, mut high) = (1.0 / MOST, MOST);
        let (mut beta, mut at_bound) = (1.0, false);
        if slope != 0.0 {
            let end = if slope < 0.0 { high } else { low };
            at_bound = at(end)[1] * slope >= 0.0;
            beta = if at_bound { end } else { 1.0 };
        }
        // Halving alone would end after some sixty steps.
        for _ in 0..200 {
            let [_, slope, curvature] = at(beta);
            if at_bound || slope == 0.0 {
                break;
            }
            if slope < 0.0 {
                low = beta;
            } else {
                high = beta;
            }
            let newton = beta - slope / curvature;
            // Not so where it leaves the bracket, nor where it is no number.
            let next = if low < newton && newton < high { newton } else { (low * high).sqrt() };
            let step = (next - beta).abs();
            beta = next;
            if step <= 4.0 * f64::EPSILON * beta {
                break;
            }
        }
        let temperature = 1.0 / beta;
        let after = at(1.0 / temperature)[0];
        // Where the minimum is flat, rounding decides; then nothing is changed.
        let better = after < before;
        Ok(Self {
            temperature: if better { temperature } else { 1.0 },
            nll_before: before,
            nll_after: if better { after } else { before },
            at_bound: at_bound && better,
        })
    }

    /// z / T, in the order that the logits have.
    #[must_use]
    pub fn scaled(&self, logits: &[f32]) -> Vec<f64> {
        logits.iter().map(|&z| f64::from(z) / self.temperature).collect()
    }

    /// softmax(z / T) of rows of logits `[N, classes]`.
    ///
    /// # Errors
    /// [`EvaluateError`] for sizes that do not fit or a logit that is no finite number.
    pub fn probabilities(&self, logits: &[f32], classes: usize) -> Result<Vec<f32>, EvaluateError> {
        const SCORE: &str = "temperature scaling";
        checks::rows(SCORE, logits.len(), classes, logits.len() / classes.max(1))?;
        checks::finite(SCORE, "logits", logits)?;
        let mut out = Vec::with_capacity(logits.len());
        for row in logits.chunks_exact(classes) {
            let most = row.iter().fold(f64::NEG_INFINITY, |m, &z| m.max(f64::from(z)));
            let raised = || row.iter().map(|&z| ((f64::from(z) - most) / self.temperature).exp());
            let sum: f64 = raised().sum();
            out.extend(raised().map(|e| (e / sum) as f32));
        }
        Ok(out)
    }
}

/// NLL, NLL′ and NLL″ at β; logits relative to the largest of their row, which changes none of them.
fn likelihood(logits: &[f32], classes: usize, truth: &[u32], beta: f64) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for (row, &t) in logits.chunks_exact(classes).zip(truth) {
        let most = row.iter().fold(f64::NEG_INFINITY, |m, &z| m.max(f64::from(z)));
        let (mut sum, mut first) = (0.0, 0.0);
        for &z in row {
            let z = f64::from(z) - most;
            let e = (beta * z).exp();
            sum += e;
            first += e * z;
        }
        let mean = first / sum;
        let variance = row.iter().map(|&z| {
            let z = f64::from(z) - most;
            (beta * z).exp() * (z - mean).powi(2)
        });
        let own = f64::from(row[t as usize]) - most;
        sums[0] += sum.ln() - beta * own;
        sums[1] += mean - own;
        sums[2] += variance.sum::<f64>() / sum;
    }
    sums.map(|sum| sum / truth.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn derivatives_are_those_of_the_likelihood() {
        let (logits, truth) = ([0.5, -1.0, 2.0, 1.5, 1.0, -2.0], [0, 1]);
        for beta in [0.2, 1.0, 3.0] {
            let h = 1e-5;
            let at = |beta| likelihood(&logits, 3, &truth, beta);
            let [f, slope, curvature] = at(beta);
            let (up, down) = (at(beta + h), at(beta - h));
            // Central differences of step h: errors of h² and of rounding over h.
            assert!(((up[0] - down[0]) / (2.0 * h) - slope).abs() < 1e-8);
            assert!(((up[1] - down[1]) / (2.0 * h) - curvature).abs() < 1e-8);
            assert!(f > 0.0 && curvature > 0.0);
        }
    }

    #[test]
    fn where_there_is_no_minimum_the_range_ends() {
        let right = Temperature::fit(&[1.0, 0.0, 0.0, 1.0], 2, &[0, 1]).unwrap();
        assert!((right.temperature - 1e-3).abs() < 1e-15 && right.at_bound, "{right:?}");
        let wrong = Temperature::fit(&[1.0, 0.0, 0.0, 1.0], 2, &[1, 0]).unwrap();
        assert!((wrong.temperature - 1e3).abs() < 1e-9 && wrong.at_bound, "{wrong:?}");
        let flat = Temperature::fit(&[2.0, 2.0], 2, &[1]).unwrap();
        assert!(flat.temperature == 1.0 && !flat.at_bound && flat.nll_after == flat.nll_before);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let refused = |z: &[f32], truth: &[u32]| Temperature::fit(z, 2, truth).unwrap_err().to_string();
        assert!(refused(&[], &[]).contains("at least one sample"));
        assert!(refused(&[1.0], &[0]).contains("1 values, but 2 are needed"));
        assert!(refused(&[1.0, f32::INFINITY], &[0]).contains("value 1 of the logits is inf"));
        assert!(refused(&[1.0, 2.0], &[2]).contains("label 2"));
        let one = Temperature::fit(&[1.0, 2.0], 2, &[0]).unwrap();
        assert!(one.probabilities(&[1.0; 3], 2).is_err() && one.probabilities(&[1.0; 3], 0).is_err());
        assert!(one.probabilities(&[f32::NAN; 2], 2).is_err());
    }

    fn argmax(row: &[f64]) -> usize {
        (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
    }

    proptest! {
        #[test]
        fn it_never_worsens_and_never_changes_a_decision(
            rows in prop::collection::vec((prop::array::uniform4(-30_f32..30.0), 0_u32..4), 1..40), sure in 0.01_f32..20.0,
        ) {
            let logits: Vec<f32> = rows.iter().flat_map(|row| row.0.map(|z| z * sure)).collect();
            let truth: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let fit = Temperature::fit(&logits, 4, &truth).unwrap();
            prop_assert!(fit.nll_after <= fit.nll_before);
            prop_assert_eq!(fit.nll_after, likelihood(&logits, 4, &truth, 1.0 / fit.temperature)[0]);
            let scaled = fit.scaled(&logits);
            for (row, plain) in scaled.chunks_exact(4).zip(logits.chunks_exact(4)) {
                prop_assert_eq!(argmax(row), argmax(&plain.iter().map(|&z| f64::from(z)).collect::<Vec<_>>()));
            }
            // No neighbour is better: it is the minimum.
            for factor in [0.999, 1.001] {
                let there = (factor / fit.temperature).clamp(1e-3, 1e3);
                prop_assert!(likelihood(&logits, 4, &truth, there)[0] >= fit.nll_after - 1e-12);
            }
            let p = fit.probabilities(&logits, 4).unwrap();
            prop_assert!(p.chunks_exact(4).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-6));
        }
    }
}
