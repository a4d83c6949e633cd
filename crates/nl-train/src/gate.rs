//! Whom to trust, fitted: temperatures of cortex and memory, and the basal ganglia's gate, from images that neither has
//! seen.
//!
//! Cortex and memory have learned the training images and are surer of them than of anything that comes later, distorted or
//! not; what they are worth shows only on images that were held out. Of these there may be few, so few numbers are learned
//! (two temperatures, a bias and, if they pay, nine weights drawn towards 0), and the simpler ways to decide compete: either
//! adviser alone, and the same trust for every image.
//!
//! Source: mixture of experts by expectation-maximisation: Jordan & Jacobs, "Hierarchical mixtures of experts and the EM
//! algorithm", Neural Computation 6, 1994; temperatures: Guo et al., "On calibration of modern neural networks", ICML 2017,
//! §4.2; choice by cross-validation: Stone, J. R. Stat. Soc. B 36, 1974.

use nl_brain::{BasalGanglia, Gate};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::objective::Evidence;

/// How the gate is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Parts of the held-out images for the choice: each is judged by what was fitted to the others.
    pub folds: usize,
    /// Strength of the pull of the gate's weights towards 0, the same trust for all images, in held-out images.
    pub ridge: f64,
    /// Images that are added, one half on the side of each adviser: with few held-out images trust stays near 1/2.
    pub prior: f64,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self { folds: 10, ridge: 10.0, prior: 2.0 }
    }
}

impl GateConfig {
    /// Refuses what cannot be fitted with.
    ///
    /// # Errors
    /// [`Error::Config`] that names the value.
    pub fn validate(&self) -> Result<(), Error> {
        if !(2..=1_000).contains(&self.folds) {
            return Err(Error::config(format!("basal_ganglia.folds is {}, but must be 2 to 1000", self.folds)));
        }
        for (name, value) in [("ridge", self.ridge), ("prior", self.prior)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::config(format!("basal_ganglia.{name} is {value}, but must be above 0 and finite")));
            }
        }
        Ok(())
    }
}

/// A way to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The cortex alone.
    Cortex,
    /// The memory alone.
    Memory,
    /// The same trust for every image.
    Constant,
    /// A trust for each image.
    Gate,
}

impl Way {
    /// All of them, the simple ones first.
    pub const ALL: [Self; 4] = [Self::Cortex, Self::Memory, Self::Constant, Self::Gate];

    /// As shown to people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cortex => "cortex alone",
            Self::Memory => "memory alone",
            Self::Constant => "the same trust for every image",
            Self::Gate => "a trust for each image",
        }
    }
}

/// What a way to decide reached on held-out images, each decided by what was fitted without it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The way.
    pub way: Way,
    /// Images decided correctly.
    pub right: usize,
    /// Mean negative log-likelihood, nats.
    pub loss: f64,
}

/// The fitted gate and how it was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The numbers of the basal ganglia.
    pub gate: Gate,
    /// The way that was chosen.
    pub way: Way,
    /// What each way reached, in the order of [`Way::ALL`].
    pub trials: Vec<Trial>,
    /// The held-out images.
    pub images: usize,
}

impl Fitted {
    /// The choice and its reasons, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let of = |trial: &Trial| format!("{} {} ({:.4} nats)", trial.way.name(), trial.right, trial.loss);
        format!(
            "of {} held-out images are decided correctly by {}; chosen: {}",
            self.images,
            self.trials.iter().map(of).collect::<Vec<_>>().join(", "),
            self.way.name()
        )
    }
}

/// ln σ(±∞) as far as f32 can tell: one adviser alone.
const ALONE: f64 = 40.0;
/// Rounds of expectation and maximisation.
const ROUNDS: usize = 60;

/// Fits and chooses, from the evidence of held-out images:
///
/// 1. β of cortex and memory: argmin −Σ log softmax(β ℓ)_y + ½ (ln β)²;
/// 2. for each way, the trust: argmax Σ log((1 − t) p_cortex(y) + t p_memory(y)) + ½ prior (log t₀ + log(1 − t₀)) − ½ ridge |w|²,
///    with t = σ(w x + b) of standardised features x and t₀ = σ(b);
/// 3. of the four ways, the one whose trial is best: see [`choose`].
///
/// The result depends on nothing but the evidence; without an image, both advisers are trusted alike.
#[must_use]
pub fn fit(evidence: &Evidence, config: &GateConfig) -> Fitted {
    let n = evidence.labels.len();
    let all: Vec<usize> = (0..n).collect();
    let table = Table::new(evidence);
    let trials = trials(&table, config);
    let way = choose(&trials, n);
    Fitted { gate: table.fit(&all, config)[way as usize], way, trials: trials.iter().map(|t| t.0).collect(), images: n }
}

/// Trials, and what each image's negative log-likelihood was.
type Judged = (Trial, Vec<f64>);

fn trials(table: &Table<'_>, config: &GateConfig) -> Vec<Judged> {
    let n = table.evidence.labels.len();
    let fold = folds(&table.evidence.labels, config.folds.clamp(2, n.max(2)));
    let mut judged: Vec<Judged> =
        Way::ALL.iter().map(|&way| (Trial { way, right: 0, loss: 0.0 }, vec![0.0; n])).collect();
    for part in 0..config.folds.clamp(2, n.max(2)) {
        let rest: Vec<usize> = (0..n).filter(|&i| fold[i] != part).collect();
        let gates = table.fit(&rest, config);
        for (gate, (trial, losses)) in gates.iter().zip(&mut judged) {
            for i in (0..n).filter(|&i| fold[i] == part) {
                let (right, loss) = table.decide(gate, i);
                trial.right += usize::from(right);
                losses[i] = loss;
            }
        }
    }
    for (trial, losses) in &mut judged {
        trial.loss = losses.iter().sum::<f64>() / n.max(1) as f64;
    }
    judged
}

/// The part that each image is in: within a class by turns, so that every part has its share of each.
fn folds(labels: &[u32], parts: usize) -> Vec<usize> {
    let mut next = std::collections::BTreeMap::new();
    let fold = |&label: &u32| {
        let turn: &mut usize = next.entry(label).or_insert(label as usize);
        *turn += 1;
        *turn % parts
    };
    labels.iter().map(fold).collect()
}

/// The way to go: the better adviser alone, unless a mixture is at least as often right and likelier.
fn choose(trials: &[Judged], n: usize) -> Way {
    let mut best = &trials[0];
    for other in &trials[1..] {
        let gain: Vec<f64> = best.1.iter().zip(&other.1).map(|(a, b)| a - b).collect();
        let mean = gain.iter().sum::<f64>() / n.max(1) as f64;
        let better = other.0.right > best.0.right || (other.0.right == best.0.right && mean > 0.0);
        if better {
            best = other;
        }
    }
    if n == 0 { Way::Constant } else { best.0.way }
}

/// The evidence, ready to be fitted to.
struct Table<'a> {
    evidence: &'a Evidence,
    classes: usize,
}

impl<'a> Table<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        Self { evidence, classes: evidence.logits.len() / evidence.labels.len().max(1) }
    }

    fn row<'r>(&self, rows: &'r [f32], i: usize) -> &'r [f32] {
        &rows[i * self.classes..][..self.classes]
    }

    /// Calibrated log-probabilities of cortex and memory for image `i`.
    fn advice(&self, sharpness: [f64; 2], i: usize) -> [Vec<f64>; 2] {
        [(&self.evidence.logits, sharpness[0]), (&self.evidence.memory, sharpness[1])]
            .map(|(rows, beta)| log_softmax(self.row(rows, i), beta))
    }

    fn features(&self, advice: &[Vec<f64>; 2], i: usize) -> [f64; BasalGanglia::FEATURES] {
        BasalGanglia::features(&advice[0], &advice[1], self.evidence.agreement[i], self.evidence.distance[i])
    }

    /// The gates of the four ways, fitted to `images`.
    fn fit(&self, images: &[usize], config: &GateConfig) -> [Gate; 4] {
        let beta = |rows: &[f32]| sharpness(images.iter().map(|&i| (self.row(rows, i), self.evidence.labels[i])));
        let sharpness = [beta(&self.evidence.logits), beta(&self.evidence.memory)];
        let mut rows = Vec::with_capacity(images.len());
        for &i in images {
            let advice = self.advice(sharpness, i);
            let y = self.evidence.labels[i] as usize;
            rows.push(Row { features: self.features(&advice, i), odds: advice[1][y] - advice[0][y] });
        }
        let plain = |bias: f64| Gate { sharpness, weight: [0.0; BasalGanglia::FEATURES], bias };
        let constant = expect_and_maximise(&rows, config, false);
        let gate = expect_and_maximise(&rows, config, true);
        [
            plain(-ALONE),
            plain(ALONE),
            Gate { sharpness, ..constant },
            Gate { sharpness, ..gate },
        ]
    }

    /// Whether `gate` names image `i` correctly, and −log p(y).
    fn decide(&self, gate: &Gate, i: usize) -> (bool, f64) {
        let advice = self.advice(gate.sharpness, i);
        let t = logistic(gate.logit(&self.features(&advice, i)));
        let p: Vec<f64> =
            advice[0].iter().zip(&advice[1]).map(|(c, m)| (1.0 - t) * c.exp() + t * m.exp()).collect();
        let best = (1..p.len()).fold(0, |best, k| if p[k] > p[best] { k } else { best });
        let y = self.evidence.labels[i] as usize;
        (best == y, -p[y].max(1e-30).ln())
    }
}

/// What the gate learns from an image: its features, and log p_memory(y) − log p_cortex(y).
struct Row {
    features: [f64; BasalGanglia::FEATURES],
    odds: f64,
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
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
fn log_softmax(row: &[f32], beta: f64) -> Vec<f64> {
    let (most, sum) = top(row, beta);
    row.iter().map(|&x| beta * (floored(x) - most) - sum).collect()
}

/// The β > 0 that makes `rows` most likely, with a pull of ln β towards 0; by golden section between 1/30 and 30.
fn sharpness<'r>(rows: impl Iterator<Item = (&'r [f32], u32)> + Clone) -> f64 {
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

/// The gate by expectation (how far was memory the one to ask?) and maximisation (one Newton step of a logistic regression
/// of that on the features). `features` off: the bias alone.
fn expect_and_maximise(rows: &[Row], config: &GateConfig, features: bool) -> Gate {
    const N: usize = BasalGanglia::FEATURES + 1;
    let used = if features { N } else { 1 };
    let scale = Standard::of(rows);
    let inputs: Vec<[f64; N]> = rows.iter().map(|row| scale.apply(&row.features)).collect();
    // Element 0 is the bias.
    let mut w = [0.0; N];
    for _ in 0..ROUNDS {
        let mut slope = [0.0; N];
        let mut curve = [[0.0; N]; N];
        for (x, row) in inputs.iter().zip(rows) {
            let z = x[..used].iter().zip(&w).map(|(x, w)| x * w).sum::<f64>();
            let (t, asked) = (logistic(z), logistic(z + row.odds));
            for j in 0..used {
                slope[j] += (asked - t) * x[j];
                for k in 0..=j {
                    curve[j][k] += t * (1.0 - t) * x[j] * x[k];
                }
            }
        }
        let t = logistic(w[0]);
        slope[0] += config.prior * (0.5 - t);
        curve[0][0] += config.prior * t * (1.0 - t) + 1e-9;
        for j in 1..used {
            slope[j] -= config.ridge * w[j];
            curve[j][j] += config.ridge + 1e-9;
        }
        solve(&mut curve, &mut slope, used);
        for (w, step) in w.iter_mut().zip(&slope[..used]) {
            *w += step.clamp(-2.0, 2.0);
        }
        w[0] = w[0].clamp(-ALONE, ALONE);
    }
    scale.unfold(&w)
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
        Gate { sharpness: [1.0; 2], weight, bias }
    }
}

/// `a x = b` in place for a positive definite `a` of which the lower triangle of the first `n` rows is given (Cholesky).
fn solve<const N: usize>(a: &mut [[f64; N]; N], b: &mut [f64; N], n: usize) {
    for j in 0..n {
        for k in 0..j {
            a[j][j] -= a[j][k] * a[j][k];
        }
        a[j][j] = a[j][j].max(1e-300).sqrt();
        for i in j + 1..n {
            for k in 0..j {
                a[i][j] -= a[i][k] * a[j][k];
            }
            a[i][j] /= a[j][j];
        }
    }
    for i in 0..n {
        for k in 0..i {
            b[i] -= a[i][k] * b[k];
        }
        b[i] /= a[i][i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            b[i] -= a[k][i] * b[k];
        }
        b[i] /= a[i][i];
    }
}
