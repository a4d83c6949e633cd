//! Held-out evidence, one image a row: advisers calibrated by their temperatures, gates fitted to some images and tried on
//! others.

use nl_brain::{BasalGanglia, Gate};

use super::logistic::{Row, expect_and_maximise, logistic};
use super::{GateConfig, Way, alone};
use crate::models::brain::objective::Evidence;

/// The evidence, ready to be fitted to.
pub(super) struct Table<'a> {
    pub(super) evidence: &'a Evidence,
    classes: usize,
}

impl<'a> Table<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        Self { evidence, classes: evidence.logits.len() / evidence.labels.len().max(1) }
    }

    pub(super) fn row<'r>(&self, rows: &'r [f32], i: usize) -> &'r [f32] {
        &rows[i * self.classes..][..self.classes]
    }

    /// Calibrated log-probabilities of cortex and memory for image `i`.
    pub(super) fn advice(&self, sharpness: [f64; 2], i: usize) -> [Vec<f64>; 2] {
        [(&self.evidence.logits, sharpness[0]), (&self.evidence.memory, sharpness[1])]
            .map(|(rows, beta)| log_softmax(self.row(rows, i), beta))
    }

    pub(super) fn features(&self, advice: &[Vec<f64>; 2], i: usize) -> [f64; BasalGanglia::FEATURES] {
        BasalGanglia::features(&advice[0], &advice[1], self.evidence.agreement[i], self.evidence.distance[i])
    }

    /// A gate that trusts both alike.
    pub(super) fn plain(&self, sharpness: [f64; 2]) -> Gate {
        Gate {
            sharpness,
            bounds: [-BasalGanglia::ALONE, BasalGanglia::ALONE],
            weight: [0.0; BasalGanglia::FEATURES],
            bias: 0.0,
        }
    }

    /// The gates of the four ways, fitted to `images`.
    pub(super) fn fit(&self, images: &[usize], leader: Way, config: &GateConfig) -> [Gate; 4] {
        let beta = |rows: &[f32]| sharpness(&images.iter().map(|&i| (self.row(rows, i), self.evidence.labels[i])));
        let sharpness = [beta(&self.evidence.logits), beta(&self.evidence.memory)];
        let lead = (config.lead / (1.0 - config.lead)).ln();
        let bounds = if leader == Way::Cortex { [-BasalGanglia::ALONE, -lead] } else { [lead, BasalGanglia::ALONE] };
        let rows: Vec<Row> = images
            .iter()
            .map(|&i| {
                let advice = self.advice(sharpness, i);
                let y = self.evidence.labels[i] as usize;
                let (c, m) = (advice[0][y].exp(), advice[1][y].exp());
                let [low, high] =
                    bounds.map(|z| ((1.0 - logistic(z)) * c + logistic(z) * m).max(f64::MIN_POSITIVE).ln());
                Row { features: self.features(&advice, i), odds: high - low }
            })
            .collect();
        let plain = self.plain(sharpness);
        [
            Gate { bounds: alone(Way::Cortex), ..plain },
            Gate { bounds: alone(Way::Memory), ..plain },
            Gate { sharpness, bounds, ..expect_and_maximise(&rows, config, false) },
            Gate { sharpness, bounds, ..expect_and_maximise(&rows, config, true) },
        ]
    }

    /// Whether `gate` names image `i` correctly, and −log p(y).
    pub(super) fn decide(&self, gate: &Gate, i: usize) -> (bool, f64) {
        let advice = self.advice(gate.sharpness, i);
        let t = gate.trust(&self.features(&advice, i));
        let p: Vec<f64> = advice[0].iter().zip(&advice[1]).map(|(c, m)| (1.0 - t) * c.exp() + t * m.exp()).collect();
        let best = (1..p.len()).fold(0, |best, k| if p[k] > p[best] { k } else { best });
        let y = self.evidence.labels[i] as usize;
        (best == y, -p[y].max(1e-30).ln())
    }
}

/// A memory without smoothing says "never" as −∞.
fn floored(x: f32) -> f64 {
    f64::from(x).max(BasalGanglia::LOG_FLOOR)
}

/// The largest x, and log Σ e^(β (x − largest)).
fn top(row: &[f32], beta: f64) -> (f64, f64) {
    let most = row.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(floored(x)));
    (most, row.iter().map(|&x| (beta * (floored(x) - most)).exp()).sum::<f64>().ln())
}

/// log softmax(β x)
pub(super) fn log_softmax(row: &[f32], beta: f64) -> Vec<f64> {
    let (most, sum) = top(row, beta);
    row.iter().map(|&x| beta * (floored(x) - most) - sum).collect()
}

/// The β > 0 that makes `rows` most likely, with a pull of ln β towards 0; by golden section between 1/30 and 30.
fn sharpness<'r>(rows: &(impl Iterator<Item = (&'r [f32], u32)> + Clone)) -> f64 {
    let loss = |ln: f64| {
        let beta = ln.exp();
        let nll = |(row, y): (&[f32], u32)| {
            let (most, sum) = top(row, beta);
            sum - beta * (floored(row[y as usize]) - most)
        };
        rows.clone().map(nll).sum::<f64>() + 0.5 * ln * ln
    };
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-30.0_f64.ln(), 30.0_f64.ln());
    let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_a, mut at_b) = (loss(a), loss(b));
    for _ in 0..24 {
        if at_a < at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - golden * (high - low);
            at_a = loss(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + golden * (high - low);
            at_b = loss(b);
        }
    }
    (0.5 * (low + high)).exp()
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    #[test]
    fn temperatures_are_found() {
        let e = evidence(4_000, [0.5, 2.0], |_| 0.0);
        let table = Table::new(&e);
        let found = sharpness(&(0..4_000).map(|i| (table.row(&e.logits, i), e.labels[i])));
        // The standard error of β is below 1 %.
        assert!((found - 0.5).abs() < 0.02, "{found}");
        let e = evidence(4_000, [0.5, 2.0], |_| 1.0);
        let table = Table::new(&e);
        let found = sharpness(&(0..4_000).map(|i| (table.row(&e.memory, i), e.labels[i])));
        assert!((found - 2.0).abs() < 0.15, "{found}");
        // Nothing to learn from, and nothing but certainty.
        assert!((sharpness(&std::iter::empty()) - 1.0).abs() < 1e-3);
        let sure = [5.0_f32, 0.0];
        let found = sharpness(&[(&sure[..], 0_u32); 50].into_iter());
        assert!(found > 1.0 && found < 30.0, "{found}");
    }
}
