//! Whom to trust, fitted: temperatures of cortex and memory, and the basal ganglia's gate, from images that neither has
//! seen.
//!
//! Cortex and memory have learned the training images and are surer of them than of anything that comes later, distorted or
//! not; what they are worth shows only on images that were held out. Of these there may be few, so few numbers are learned
//! (two temperatures, a bias and, if they pay, nine weights drawn towards 0), the adviser that was right more often leads,
//! and the simpler ways to decide compete: that adviser alone, and the same trust for every image.
//!
//! Source: mixture of experts by expectation-maximisation: Jordan & Jacobs, "Hierarchical mixtures of experts and the EM
//! algorithm", Neural Computation 6, 1994; temperatures: Guo et al., "On calibration of modern neural networks", ICML 2017,
//! §4.2; choice by cross-validation: Stone, J. R. Stat. Soc. B 36, 1974.

mod logistic;
mod table;

use nl_brain::{BasalGanglia, Gate};
use serde::{Deserialize, Serialize};

use super::objective::Evidence;
use crate::Error;
use table::Table;

/// How the gate is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Parts of the held-out images for the choice: each is judged by what was fitted to the others.
    pub folds: usize,
    /// Strength of the pull of the gate's weights towards 0, the same trust for all images, in held-out images.
    pub ridge: f64,
    /// Images that are added, one half at each bound of the trust: with few held-out images it stays in their middle.
    pub prior: f64,
    /// The least trust in the adviser that leads, in [0.5, 1): 0.75 means that the other must be three times as sure.
    pub lead: f64,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self { folds: 10, ridge: 10.0, prior: 2.0, lead: 0.75 }
    }
}

impl GateConfig {
    /// Refuses what cannot be fitted with.
    ///
    /// # Errors
    /// [`Error::Config`] that names the value.
    pub(super) fn check(&self) -> Result<(), Error> {
        if !(2..=1_000).contains(&self.folds) {
            return Err(Error::config(format!("folds is {}, but must be 2 to 1000", self.folds)));
        }
        for (name, value) in [("ridge", self.ridge), ("prior", self.prior)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::config(format!("{name} is {value}, but must be above 0 and finite")));
            }
        }
        if !(0.5..1.0).contains(&self.lead) {
            return Err(Error::config(format!("lead is {}, but must be in [0.5, 1)", self.lead)));
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
    /// The adviser that leads: [`Way::Cortex`] or [`Way::Memory`].
    pub leader: Way,
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
            "of {} held-out images are decided correctly by {}; chosen: {}, the {} leading",
            self.images,
            self.trials.iter().map(of).collect::<Vec<_>>().join(", "),
            self.way.name(),
            if self.leader == Way::Cortex { "cortex" } else { "memory" }
        )
    }
}

/// Fits and chooses, from the evidence of held-out images:
///
/// 1. β of cortex and memory: argmin −Σ log softmax(β ℓ)_y + ½ (ln β)²;
/// 2. the adviser that is right more often leads (the memory, if both are alike): trust t is at least `lead` on its side,
///    and goes as far as the adviser alone;
/// 3. within these bounds, the same trust for all images and one for each: the w (or 0) and b of the largest
///    Σ log((1 − t) p_cortex(y) + t p_memory(y)) + ½ prior (log s₀ + log(1 − s₀)) − ½ ridge |w|², where
///    t = low + (high − low) s with s = σ(w x + b) of standardised features x, and s₀ = σ(b);
/// 4. of the adviser alone and these two, each tried on images it was not fitted to, the likeliest that is right at least as
///    often as the better adviser.
///
/// The result depends on nothing but the evidence; without an image, the memory leads.
#[must_use]
pub fn fit(evidence: &Evidence, config: &GateConfig) -> Fitted {
    let n = evidence.labels.len();
    let all: Vec<usize> = (0..n).collect();
    let table = Table::new(evidence);
    let alone = [Way::Cortex, Way::Memory].map(|way| Gate { bounds: alone(way), ..table.plain([1.0; 2]) });
    let right = alone.map(|gate| all.iter().filter(|&&i| table.decide(&gate, i).0).count());
    let leader = if right[0] > right[1] { Way::Cortex } else { Way::Memory };
    let trials = trials(&table, leader, config);
    let way = choose(&trials, leader);
    Fitted { gate: table.fit(&all, leader, config)[way as usize], way, leader, trials, images: n }
}

/// The bounds of one adviser alone.
fn alone(way: Way) -> [f64; 2] {
    [if way == Way::Cortex { -BasalGanglia::ALONE } else { BasalGanglia::ALONE }; 2]
}

fn trials(table: &Table<'_>, leader: Way, config: &GateConfig) -> Vec<Trial> {
    let n = table.evidence.labels.len();
    let parts = config.folds.clamp(2, n.max(2));
    let fold = folds(&table.evidence.labels, parts);
    let mut trials = Way::ALL.map(|way| Trial { way, right: 0, loss: 0.0 });
    for part in 0..parts {
        let rest: Vec<usize> = (0..n).filter(|&i| fold[i] != part).collect();
        let gates = table.fit(&rest, leader, config);
        for (gate, trial) in gates.iter().zip(&mut trials) {
            for i in (0..n).filter(|&i| fold[i] == part) {
                let (right, loss) = table.decide(gate, i);
                trial.right += usize::from(right);
                trial.loss += loss / n as f64;
            }
        }
    }
    trials.to_vec()
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

/// The likeliest way of those that are right as often as the leader alone.
fn choose(trials: &[Trial], leader: Way) -> Way {
    let mut best = &trials[leader as usize];
    let least = best.right;
    for other in trials.iter().filter(|trial| matches!(trial.way, Way::Constant | Way::Gate)) {
        if other.right >= least && other.loss < best.loss {
            best = other;
        }
    }
    best.way
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::{Rng, Streams};
    use proptest::prelude::*;
    use rand::RngExt;

    const CLASSES: usize = 4;

    /// One class, drawn from log-probabilities.
    fn draw(log_p: &[f64], rng: &mut Rng) -> u32 {
        let mut rest = f64::from(rng.random::<f32>());
        for (class, p) in log_p.iter().enumerate() {
            rest -= p.exp();
            if rest < 0.0 {
                return class as u32;
            }
        }
        0
    }

    /// Advice of two independent advisers, and labels drawn from (1 − t) softmax(β₀ ℓ₀) + t softmax(β₁ ℓ₁) with
    /// t = `trust(agreement)`.
    pub(super) fn evidence(n: usize, beta: [f64; 2], trust: impl Fn(f64) -> f64) -> Evidence {
        let mut rng = Streams::new(3).rng("evidence", 0, 0);
        let mut e = Evidence::default();
        for _ in 0..n {
            let [logits, memory] = [(); 2].map(|()| [(); CLASSES].map(|()| 6.0 * rng.random::<f32>()));
            let memory: Vec<f32> = table::log_softmax(&memory, 1.0).iter().map(|&x| x as f32).collect();
            let agreement = rng.random::<f32>();
            let asked = f64::from(rng.random::<f32>()) < trust(f64::from(agreement));
            let (rows, beta) = if asked { (&memory[..], beta[1]) } else { (&logits[..], beta[0]) };
            e.labels.push(draw(&table::log_softmax(rows, beta), &mut rng));
            e.logits.extend(logits);
            e.memory.extend(memory);
            e.agreement.push(agreement);
            e.distance.push(0.1);
        }
        e
    }

    fn right(fitted: &Fitted, way: Way) -> usize {
        fitted.trials[way as usize].right
    }

    #[test]
    fn trust_follows_what_tells_the_better_adviser() {
        let e = evidence(3_000, [2.0, 2.0], |agreement| if agreement > 0.5 { 0.95 } else { 0.1 });
        let free = GateConfig { lead: 0.5, ..GateConfig::default() };
        for config in [GateConfig::default(), free] {
            let fitted = fit(&e, &config);
            assert_eq!((fitted.way, fitted.leader), (Way::Gate, Way::Memory), "{}", fitted.sentence());
            assert!(right(&fitted, Way::Gate) > right(&fitted, Way::Memory) + 50, "{}", fitted.sentence());
            let table = Table::new(&e);
            let trust = |i: usize| fitted.gate.trust(&table.features(&table.advice(fitted.gate.sharpness, i), i));
            assert!((0..3_000).all(|i| trust(i) >= config.lead && trust(i) <= 1.0));
            let mean = |high: bool| {
                let of: Vec<f64> = (0..3_000).filter(|&i| (e.agreement[i] > 0.5) == high).map(trust).collect();
                of.iter().sum::<f64>() / of.len() as f64
            };
            assert!(mean(true) > mean(false) + 0.4 * (1.0 - config.lead), "{} {}", mean(true), mean(false));
        }
    }

    #[test]
    fn the_better_adviser_leads() {
        let trusts = |share: f64| {
            let e = evidence(1_000, [3.0, 3.0], |_| share);
            let fitted = fit(&e, &GateConfig::default());
            let table = Table::new(&e);
            let trust = |i: usize| fitted.gate.trust(&table.features(&table.advice(fitted.gate.sharpness, i), i));
            (fitted.leader, (0..1_000).map(trust).collect::<Vec<f64>>())
        };
        let (leader, trust) = trusts(1.0);
        assert!(leader == Way::Memory && trust.iter().all(|&t| t >= 0.75));
        let (leader, trust) = trusts(0.0);
        assert!(leader == Way::Cortex && trust.iter().all(|&t| t <= 0.25));
    }

    /// A mixture that is likelier, but wrong more often, is not used.
    #[test]
    fn likelihood_does_not_buy_mistakes() {
        let trial = |way, right, loss| Trial { way, right, loss };
        let trials = |constant, gate| {
            [
                trial(Way::Cortex, 80, 0.4),
                trial(Way::Memory, 90, 0.5),
                trial(Way::Constant, constant, 0.3),
                trial(Way::Gate, gate, 0.2),
            ]
        };
        assert_eq!(choose(&trials(89, 89), Way::Memory), Way::Memory);
        assert_eq!(choose(&trials(90, 89), Way::Memory), Way::Constant);
        assert_eq!(choose(&trials(90, 91), Way::Memory), Way::Gate);
        let mut likely = trials(90, 91);
        likely[1].loss = 0.1;
        assert_eq!(choose(&likely, Way::Memory), Way::Memory);
    }

    #[test]
    fn few_images_or_none_are_no_trouble() {
        for n in [0, 1, 2, 3, 11] {
            let e = evidence(n, [1.0, 1.0], |_| 0.5);
            let fitted = fit(&e, &GateConfig::default());
            assert_eq!((fitted.images, fitted.trials.len()), (n, 4));
            assert!(fitted.gate.weight.iter().chain(&fitted.gate.sharpness).all(|x| x.is_finite()), "{fitted:?}");
            assert!(fitted.gate.bias.is_finite());
        }
        // A memory without smoothing, that says never and is wrong.
        let mut e = evidence(20, [1.0, 1.0], |_| 0.5);
        e.memory.iter_mut().step_by(3).for_each(|x| *x = f32::NEG_INFINITY);
        let fitted = fit(&e, &GateConfig::default());
        assert!(fitted.trials.iter().all(|trial| trial.loss.is_finite()), "{fitted:?}");
    }

    #[test]
    fn every_part_has_its_share_of_each_class() {
        let labels: Vec<u32> = (0..100).map(|i| i % 4).collect();
        let fold = folds(&labels, 5);
        for part in 0..5 {
            for class in 0..4 {
                assert_eq!((0..100).filter(|&i| fold[i] == part && labels[i] == class).count(), 5);
            }
        }
        assert_eq!(folds(&[], 5), Vec::<usize>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// What the whole is for: on the images it is chosen by, no way that is used is below the better adviser.
        #[test]
        fn never_below_the_better_adviser(n in 1_usize..120, t in 0.0_f64..1.0, a in 0.0_f64..3.0, b in 0.0_f64..3.0) {
            let fitted = fit(&evidence(n, [a, b], |_| t), &GateConfig::default());
            let best = right(&fitted, Way::Cortex).max(right(&fitted, Way::Memory));
            prop_assert!(right(&fitted, fitted.way) >= best, "{}", fitted.sentence());
        }
    }
}
