//! The gate's weights by expectation-maximisation: a logistic regression on what each image asks for.

use nalgebra::{Cholesky, SMatrix, SVector};
use nl_brain::{BasalGanglia, Gate};

use super::GateConfig;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 60;
/// No logit grows beyond this.
const CERTAIN: f64 = 40.0;

/// What the gate learns from an image: its features, and by how much log p(y) is larger at the largest trust than at the
/// least.
pub(super) struct Row {
    pub(super) features: [f64; BasalGanglia::FEATURES],
    pub(super) odds: f64,
}

pub(super) fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// The gate by expectation (how far was the largest trust the right one?) and maximisation (one Newton step of a logistic
/// regression of that on the features). `features` off: the bias alone.
pub(super) fn expect_and_maximise(rows: &[Row], config: &GateConfig, features: bool) -> Gate {
    const N: usize = BasalGanglia::FEATURES + 1;
    let used = if features { N } else { 1 };
    let scale = Standard::of(rows);
    let inputs: Vec<[f64; N]> = rows.iter().map(|row| scale.apply(&row.features)).collect();
    // Element 0 is the bias. Unused ones have a curvature of 1 and no slope, and stay 0.
    let mut w = SVector::<f64, N>::zeros();
    for _ in 0..ROUNDS {
        let mut slope = SVector::<f64, N>::zeros();
        let mut curve = SMatrix::<f64, N, N>::zeros();
        for (x, row) in inputs.iter().zip(rows) {
            let z = x[..used].iter().zip(w.iter()).map(|(x, w)| x * w).sum::<f64>();
            let (t, asked) = (logistic(z), logistic(z + row.odds));
            for j in 0..used {
                slope[j] += (asked - t) * x[j];
                for k in 0..=j {
                    curve[(j, k)] += t * (1.0 - t) * x[j] * x[k];
                }
            }
        }
        let t = logistic(w[0]);
        slope[0] += config.prior * (0.5 - t);
        curve[(0, 0)] += config.prior * t * (1.0 - t) + 1e-9;
        for j in 1..used {
            slope[j] -= config.ridge * w[j];
            curve[(j, j)] += config.ridge + 1e-9;
        }
        (used..N).for_each(|j| curve[(j, j)] = 1.0);
        // Only the lower triangle is read. Ridge and prior make it positive definite.
        let Some(curve) = Cholesky::new(curve) else { break };
        w += curve.solve(&slope).map(|step| step.clamp(-2.0, 2.0));
        w[0] = w[0].clamp(-CERTAIN, CERTAIN);
    }
    scale.unfold(&w.into())
}

/// Means and reciprocal deviations of the features.
struct Standard {
    mean: [f64; BasalGanglia::FEATURES],
    factor: [f64; BasalGanglia::FEATURES],
}

impl Standard {
    fn of(rows: &[Row]) -> Self {
        let n = rows.len().max(1) as f64;
        let mut mean = [0.0; BasalGanglia::FEATURES];
        let mut factor = mean;
        for (j, (mean, factor)) in mean.iter_mut().zip(&mut factor).enumerate() {
            *mean = rows.iter().map(|row| row.features[j]).sum::<f64>() / n;
            let variance = rows.iter().map(|row| (row.features[j] - *mean).powi(2)).sum::<f64>() / n;
            *factor = if variance > 1e-12 { variance.sqrt().recip() } else { 0.0 };
        }
        Self { mean, factor }
    }

    /// 1, and the standardised features.
    fn apply(&self, x: &[f64; BasalGanglia::FEATURES]) -> [f64; BasalGanglia::FEATURES + 1] {
        std::array::from_fn(|j| match j.checked_sub(1) {
            None => 1.0,
            Some(j) => (x[j] - self.mean[j]) * self.factor[j],
        })
    }

    /// The same gate for features as they are.
    fn unfold(&self, w: &[f64; BasalGanglia::FEATURES + 1]) -> Gate {
        let weight: [f64; BasalGanglia::FEATURES] = std::array::from_fn(|j| w[j + 1] * self.factor[j]);
        let bias = w[0] - weight.iter().zip(&self.mean).map(|(w, mean)| w * mean).sum::<f64>();
        Gate { sharpness: [1.0; 2], bounds: [-BasalGanglia::ALONE, BasalGanglia::ALONE], weight, bias }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Table;
    use super::super::tests::evidence;
    use super::*;

    #[test]
    fn one_trust_for_all_is_found() {
        let e = evidence(4_000, [2.0, 2.0], |_| 0.3);
        let table = Table::new(&e);
        let all: Vec<usize> = (0..4_000).collect();
        let rows: Vec<Row> = all
            .iter()
            .map(|&i| {
                let advice = table.advice([2.0, 2.0], i);
                let y = e.labels[i] as usize;
                Row { features: table.features(&advice, i), odds: advice[1][y] - advice[0][y] }
            })
            .collect();
        let t = logistic(expect_and_maximise(&rows, &GateConfig::default(), false).bias);
        assert!((t - 0.3).abs() < 0.03, "{t}");
        // Without images, both alike.
        assert_eq!(expect_and_maximise(&[], &GateConfig::default(), true).bias, 0.0);
    }
}
