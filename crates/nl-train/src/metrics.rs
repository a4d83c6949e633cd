//! What a classifier is measured by. Everything is counted or summed in index order, in f64.

use serde::{Deserialize, Serialize};

/// A mean over values that arrive one by one, with weights: mₙ = mₙ₋₁ + (x − mₙ₋₁) · w / W.
///
/// ```
/// let mut mean = nl_train::RunningMean::default();
/// mean.add(1.0, 3.0);
/// mean.add(5.0, 1.0);
/// assert_eq!(mean.value(), Some(2.0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningMean {
    mean: f64,
    weight: f64,
}

impl RunningMean {
    /// Adds `value` with `weight` (for a batch: its size); a weight of zero changes nothing.
    pub fn add(&mut self, value: f64, weight: f64) {
        if weight > 0.0 {
            self.weight += weight;
            self.mean += (value - self.mean) * (weight / self.weight);
        }
    }

    /// The mean so far; `None` before the first value.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then_some(self.mean)
    }
}

/// Labels as numbers.
pub(crate) fn labels(images: &nl_data::Images) -> Vec<u32> {
    images.labels().iter().map(|&label| u32::from(label)).collect()
}

/// (1/NP) Σ (drawn − image)²
pub(crate) fn mean_squared_error(drawn: &[f32], images: &nl_data::Images) -> f64 {
    let squared = |(&d, &byte): (&f32, &u8)| (f64::from(d) - f64::from(byte) / 255.0).powi(2);
    drawn.iter().zip(images.pixels()).map(squared).sum::<f64>() / drawn.len() as f64
}

/// −(1/NP) Σ x log drawn + (1 − x) log(1 − drawn)
pub(crate) fn cross_entropy(drawn: &[f32], images: &nl_data::Images) -> f64 {
    let term = |(&d, &byte): (&f32, &u8)| {
        // A sigmoid that has saturated in f32 still has a logarithm.
        let (d, x) = (f64::from(d).clamp(1e-7, 1.0 - 1e-7), f64::from(byte) / 255.0);
        x * d.ln() + (1.0 - x) * (1.0 - d).ln()
    };
    -drawn.iter().zip(images.pixels()).map(term).sum::<f64>() / drawn.len() as f64
}

/// log softmax of each row.
pub(crate) fn log_softmax(logits: &[f32], classes: usize) -> Vec<f32> {
    let mut out = vec![0.0; logits.len()];
    for (row, out) in logits.chunks_exact(classes).zip(out.chunks_exact_mut(classes)) {
        let most = row.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(f64::from(x)));
        let sum = row.iter().map(|&x| (f64::from(x) - most).exp()).sum::<f64>().ln();
        for (to, &x) in out.iter_mut().zip(row) {
            *to = (f64::from(x) - most - sum) as f32;
        }
    }
    out
}

/// The most probable class of each row; the first, if there are several.
pub(crate) fn argmax(rows: &[f32], classes: usize) -> Vec<u32> {
    let best = |row: &[f32]| (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as u32;
    rows.chunks_exact(classes).map(best).collect()
}

/// The share of predictions that are right; `None` without any. Extra items of the longer slice are ignored.
#[must_use]
pub fn accuracy(predicted: &[u32], truth: &[u32]) -> Option<f64> {
    let n = predicted.len().min(truth.len());
    let right = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    (n > 0).then(|| right as f64 / n as f64)
}

/// The 95 % interval of a share of `right` in `n`: (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n), z = 1.96.
///
/// Unlike p̂ ± z √(p̂(1 − p̂)/n) it stays within 0 and 1 and holds near them, where good classifiers are.
/// Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
#[must_use]
pub fn wilson_interval(right: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (z, n, p) = (1.959_963_985, n as f64, right as f64 / n as f64);
    let scale = 1.0 / (1.0 + z * z / n);
    let centre = scale * (p + z * z / (2.0 * n));
    let half = scale * z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Counts of truth (rows) against prediction (columns).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

/// How well one class is found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Right among those predicted as this class; `None` if none was.
    pub precision: Option<f64>,
    /// Found among those of this class; `None` if there is none.
    pub recall: Option<f64>,
    /// Images of this class.
    pub support: u64,
}

impl ConfusionMatrix {
    /// An empty matrix for `classes` classes.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// The matrix of `predicted` beside `truth`, as far as both go; classes outside it are not counted.
    #[must_use]
    pub fn of(
        classes: usize,
        truth: impl IntoIterator<Item = impl Into<u32>>,
        predicted: impl IntoIterator<Item = impl Into<u32>>,
    ) -> Self {
        let mut matrix = Self::new(classes);
        for (truth, predicted) in truth.into_iter().zip(predicted) {
            matrix.add(truth.into(), predicted.into());
        }
        matrix
    }

    /// Counts one prediction; classes outside the matrix are not counted, and `false` is returned.
    pub fn add(&mut self, truth: u32, predicted: u32) -> bool {
        self.add_many(truth as usize, predicted as usize, 1)
    }

    /// As [`add`](Self::add), for `count` equal predictions.
    pub fn add_many(&mut self, truth: usize, predicted: usize, count: u64) -> bool {
        let inside = truth < self.classes && predicted < self.classes;
        if inside {
            self.counts[truth * self.classes + predicted] += count;
        }
        inside
    }

    /// The counts, one row a true class: what a report shows.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<u64>> {
        (0..self.classes).map(|t| self.counts[t * self.classes..(t + 1) * self.classes].to_vec()).collect()
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often `truth` was taken for `predicted`.
    ///
    /// # Panics
    /// If a class is outside the matrix.
    #[must_use]
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        assert!(truth < self.classes && predicted < self.classes, "class outside the matrix of {}", self.classes);
        self.counts[truth * self.classes + predicted]
    }

    /// All predictions counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Predictions that are right: the trace.
    #[must_use]
    pub fn right(&self) -> u64 {
        (0..self.classes).map(|c| self.count(c, c)).sum()
    }

    /// The share that is right; `None` if nothing was counted.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let total = self.total();
        (total > 0).then(|| self.right() as f64 / total as f64)
    }

    /// Precision and recall of each class.
    #[must_use]
    pub fn per_class(&self) -> Vec<ClassScore> {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let score = |c: usize| {
            let support = (0..self.classes).map(|p| self.count(c, p)).sum();
            let predicted = (0..self.classes).map(|t| self.count(t, c)).sum();
            let right = self.count(c, c);
            ClassScore { precision: share(right, predicted), recall: share(right, support), support }
        };
        (0..self.classes).map(score).collect()
    }
}

/// Mean negative log-likelihood, nats: −(1/N) Σᵢ log pᵢ(tᵢ), from rows of log-probabilities `[N, classes]`.
///
/// `None` if the sizes do not fit or a label is no class.
#[must_use]
pub fn negative_log_likelihood(log_probs: &[f32], classes: usize, truth: &[u32]) -> Option<f64> {
    if classes == 0 || truth.is_empty() || log_probs.len() != truth.len() * classes {
        return None;
    }
    let rows = log_probs.chunks_exact(classes).zip(truth);
    let sum = rows.map(|(row, &t)| row.get(t as usize).map(|&lp| -f64::from(lp))).sum::<Option<f64>>()?;
    Some(sum / truth.len() as f64)
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Mean confidence of the predictions in the bin, 0 to 1.
    pub confidence: f64,
    /// Share of them that is right, 0 to 1.
    pub accuracy: f64,
    /// How many there are.
    pub count: u64,
}

/// Predictions sorted into `bins` equal bins of confidence, (b/B, (b+1)/B]; confidences outside 0 to 1 count as 0 or 1.
///
/// Source: Guo et al., "On calibration of modern neural networks", 2017, eq. 3.
#[must_use]
pub fn reliability(confidence: &[f32], right: &[bool], bins: usize) -> Vec<ReliabilityBin> {
    let mut table = vec![ReliabilityBin::default(); bins];
    for (&p, &right) in confidence.iter().zip(right) {
        let p = f64::from(p).clamp(0.0, 1.0);
        let bin = ((p * bins as f64).ceil() as usize).saturating_sub(1);
        if let Some(bin) = table.get_mut(bin) {
            bin.count += 1;
            bin.confidence += p;
            bin.accuracy += f64::from(u8::from(right));
        }
    }
    for bin in table.iter_mut().filter(|bin| bin.count > 0) {
        bin.confidence /= bin.count as f64;
        bin.accuracy /= bin.count as f64;
    }
    table
}

/// Expected calibration error: Σ_b n_b/N · |accuracy_b − confidence_b|; `None` without predictions.
///
/// Source: Guo et al., 2017, eq. 5.
#[must_use]
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> Option<f64> {
    let n: u64 = bins.iter().map(|bin| bin.count).sum();
    let gap = |bin: &ReliabilityBin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
    (n > 0).then(|| bins.iter().map(gap).sum::<f64>() / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};
    use proptest::prelude::*;

    #[test]
    fn accuracy_by_hand() {
        assert_eq!(accuracy(&[0, 1, 2, 3], &[0, 1, 0, 3]), Some(0.75));
        assert_eq!(accuracy(&[], &[]), None);
    }

    #[test]
    fn confusion_by_hand() {
        let mut matrix = ConfusionMatrix::new(3);
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
            assert!(matrix.add(truth, predicted));
        }
        assert!(!matrix.add(0, 3) && !matrix.add(9, 0));
        assert_eq!((matrix.total(), matrix.right(), matrix.accuracy()), (4, 3, Some(0.75)));
        assert_eq!(matrix.count(0, 1), 1);
        assert_eq!(matrix.rows(), [[2, 1, 0], [0, 1, 0], [0, 0, 0]]);
        let scores = matrix.per_class();
        assert_eq!(scores[0], ClassScore { precision: Some(1.0), recall: Some(2.0 / 3.0), support: 3 });
        assert_eq!(scores[1], ClassScore { precision: Some(0.5), recall: Some(1.0), support: 1 });
        assert_eq!(scores[2], ClassScore { precision: None, recall: None, support: 0 });
        assert_eq!(ConfusionMatrix::new(0).accuracy(), None);
    }

    #[test]
    fn wilson_reference() {
        // Worked from the equation with 50-digit decimals: 9 of 10, 9945 of 10000, 0 of 5.
        for (right, n, low, high) in [
            (9, 10, 0.595_849_973, 0.982_123_787),
            (9945, 10_000, 0.992_848_459, 0.995_771_767),
            (0, 5, 0.0, 0.434_482_465),
        ] {
            let (l, h) = wilson_interval(right, n);
            // The references have nine digits.
            assert_abs_diff_eq!(l, low, epsilon = 1e-9);
            assert_abs_diff_eq!(h, high, epsilon = 1e-9);
        }
        assert_eq!(wilson_interval(0, 0), (0.0, 1.0));
    }

    #[test]
    fn likelihood_by_hand() {
        let log_probs = [0.5_f32.ln(), 0.5_f32.ln(), 0.25_f32.ln(), 0.75_f32.ln()];
        let nll = negative_log_likelihood(&log_probs, 2, &[0, 1]).unwrap();
        // Logarithms of f32.
        assert_relative_eq!(nll, (2.0_f64.ln() - 0.75_f64.ln()) / 2.0, max_relative = f64::from(f32::EPSILON));
        assert_eq!(negative_log_likelihood(&log_probs, 2, &[0, 2]), None);
        assert_eq!(negative_log_likelihood(&log_probs, 3, &[0, 1]), None);
        assert_eq!(negative_log_likelihood(&[], 2, &[]), None);
    }

    #[test]
    fn calibration_by_hand() {
        let bins = reliability(&[0.5, 0.500_001, 1.0, 1.0, 0.0], &[true, false, true, true, false], 2);
        assert_eq!((bins[0].count, bins[1].count), (2, 3));
        assert_eq!((bins[0].confidence, bins[0].accuracy), (0.25, 0.5));
        // 2/5 · 0.25 + |2 − 2.500001|/5
        let error = expected_calibration_error(&bins).unwrap();
        // Confidences are f32: 0.500001 is known to 3e-8.
        assert_abs_diff_eq!(error, 0.200_000_2, epsilon = 3e-8);
        assert_eq!(expected_calibration_error(&[]), None);
    }

    proptest! {
        #[test]
        fn running_mean_is_the_mean(values in prop::collection::vec((-1e3..1e3, 0.0..9.0), 1..50)) {
            let mut mean = RunningMean::default();
            values.iter().for_each(|&(x, w)| mean.add(x, w));
            let weight: f64 = values.iter().map(|v| v.1).sum();
            let plain = values.iter().map(|v| v.0 * v.1).sum::<f64>() / weight;
            // Fifty values of up to 1e3, each rounded a few times.
            assert_abs_diff_eq!(mean.value().unwrap(), plain, epsilon = 1e-9);
        }

        #[test]
        fn confusion_and_accuracy_agree(pairs in prop::collection::vec((0_u32..5, 0_u32..5), 1..200)) {
            let mut matrix = ConfusionMatrix::new(5);
            pairs.iter().for_each(|&(t, p)| { matrix.add(t, p); });
            let (truth, predicted): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            prop_assert_eq!(matrix.accuracy(), accuracy(&predicted, &truth));
            // The mean of recalls weighted by support is the accuracy.
            let weighted: f64 = matrix.per_class().iter().filter_map(|s| Some(s.recall? * s.support as f64)).sum();
            assert_relative_eq!(
                weighted / matrix.total() as f64, matrix.accuracy().unwrap(), max_relative = 1e-14, epsilon = 1e-14
            );
        }

        #[test]
        fn wilson_contains_the_share(n in 1_u64..10_000, share in 0.0..=1.0) {
            let right = (share * n as f64) as u64;
            let (low, high) = wilson_interval(right, n);
            let p = right as f64 / n as f64;
            prop_assert!((0.0..=p + 1e-12).contains(&low) && (p - 1e-12..=1.0).contains(&high));
        }
    }
}
