//! Basal ganglia: whom to trust.
//!
//! The striatum receives from nearly all of the cortex and from the hippocampus, and the output nuclei hold the thalamus
//! under tonic inhibition, which they lift for one of the competing channels: a selection between bids by their
//! salience. Here two systems bid, the cortex with what it has generalised and the hippocampus with what it remembers,
//! and the selection is soft.
//!
//! Source: Mink, Prog. Neurobiol. 50, 1996; Redgrave, Prescott & Gurney, "The basal ganglia: a vertebrate solution to
//! the selection problem?", Neuroscience 89, 1999; arbitration by reliability: Daw, Niv & Dayan, Nature Neuroscience 8,
//! 2005.

use nl_autodiff::{Scalar, Var};
use nl_layers::{Builder, Context, Entry, Initializer, Layer, Linear, ParameterId, Parameters, Role};

use crate::{BrainConfig, Error};

/// What the memory said about a batch of images, one row each; slices, so that it may be cut from a longer recall.
#[derive(Debug, Clone, Copy)]
pub struct Recalled<'a> {
    /// Log-probabilities of the classes, `[N, classes]`.
    pub log_probs: &'a [f32],
    /// Share of the neighbours that have the winning class, `[N]`, in [0, 1].
    pub agreement: &'a [f32],
    /// Mean distance of the neighbours, `[N]`, >= 0.
    pub distance: &'a [f32],
}

/// The outcome of a decision.
#[derive(Clone, Copy)]
pub struct Decision<'t, S> {
    /// Log-probabilities of the mixture, `[N, classes]`.
    pub log_probs: Var<'t, S>,
    /// Trust in the memory, `[N, 1]`, in (0, 1).
    pub trust: Var<'t, S>,
}

/// A soft choice between cortex and memory, per image:
///
/// log p_cortex = log softmax(β₀ logits),  log p_memory = log softmax(β₁ recalled),
/// t = σ(l) + (σ(h) − σ(l)) σ(w x + b),  log p = log((1 − t) p_cortex + t p_memory)
///
/// | | shape |
/// |---|---|
/// | evidence x, see [`BasalGanglia::features`] | `[N, 9]` |
/// | log p_cortex, log p_memory, log p | `[N, classes]` |
/// | trust t, recorded as [`BasalGanglia::TRUST`] | `[N, 1]` |
///
/// β are reciprocal temperatures: they make both advisers as sure as they are right, so that one that boasts does not win by
/// boasting. l and h bound the trust: where one adviser is known to be the better one, it leads, and the other overrules it
/// only if it is far surer; l = h is the same trust for all images, and at ±20 one adviser alone. A new brain has β = 1,
/// l = −20, h = 20, w = 0 and b = 0: both are trusted alike. Few numbers, because they are to be learned from
/// images that were held out (see `nl_train::gate`). The evidence is read as numbers: no gradient flows through it.
#[derive(Debug, Clone)]
pub struct BasalGanglia {
    classes: usize,
    sharpness: [ParameterId; 2],
    bounds: [ParameterId; 2],
    gate: Linear,
}

/// All numbers of the basal ganglia.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// β of cortex and memory.
    pub sharpness: [f64; 2],
    /// l and h, the logits of the least and the largest trust.
    pub bounds: [f64; 2],
    /// w.
    pub weight: [f64; BasalGanglia::FEATURES],
    /// b.
    pub bias: f64,
}

impl Gate {
    /// t, the trust in the memory.
    #[must_use]
    pub fn trust(&self, features: &[f64; BasalGanglia::FEATURES]) -> f64 {
        let logistic = |z: f64| 1.0 / (1.0 + (-z).exp());
        let z = self.weight.iter().zip(features).map(|(w, x)| w * x).sum::<f64>() + self.bias;
        let [low, high] = self.bounds.map(logistic);
        low + (high - low) * logistic(z)
    }
}

/// Distances below this look alike.
const DISTANCE_FLOOR: f64 = 1e-3;

impl BasalGanglia {
    /// Where a brain's recording keeps the trust.
    pub const TRUST: &'static str = "basal_ganglia/trust";
    /// Length of one row of evidence.
    pub const FEATURES: usize = 9;
    /// The logit of one adviser alone.
    pub const ALONE: f64 = 20.0;
    /// Log-probabilities of the memory below this count as this: indistinguishable from "never".
    pub const LOG_FLOOR: f64 = -50.0;

    /// Parameters `cortex_sharpness`, `memory_sharpness` (β, 1 at first), `least`, `most` (l and h, ∓20 at first) and `gate/…`
    /// (0 at first) under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        let number = |name, value| builder.parameter(name, &[1], Role::Bias, Initializer::Constant { value });
        Ok(Self {
            classes: config.classes,
            sharpness: [number("cortex_sharpness", 1.0)?, number("memory_sharpness", 1.0)?],
            bounds: [number("least", -Self::ALONE)?, number("most", Self::ALONE)?],
            gate: Linear::new(&builder.child("gate")?, Self::FEATURES, 1, Initializer::Zeros)?,
        })
    }

    /// Writes the gate's numbers into a brain's parameters.
    ///
    /// # Errors
    /// [`Error::Config`] if these are not the parameters of a brain.
    pub fn set(parameters: &mut Parameters<f32>, gate: &Gate) -> Result<(), Error> {
        let ([cortex, memory], [least, most]) = (gate.sharpness, gate.bounds);
        for (path, values) in [
            ("cortex_sharpness", &[cortex][..]),
            ("memory_sharpness", &[memory]),
            ("least", &[least]),
            ("most", &[most]),
            ("gate/weight", &gate.weight),
            ("gate/bias", &[gate.bias]),
        ] {
            let path = format!("basal_ganglia/{path}");
            let range =
                parameters.entries().iter().find(|e| e.path == path && e.len() == values.len()).map(Entry::range);
            let Some(range) = range else {
                let message = format!("parameters hold no `{path}` of {} numbers", values.len());
                return Err(Error::config("the", message));
            };
            for (to, &value) in parameters.values_mut()[range].iter_mut().zip(values) {
                *to = value as f32;
            }
        }
        Ok(())
    }

    /// The evidence of one image, from log-probabilities of its classes: of cortex and memory each the largest probability,
    /// the entropy (1 = uniform) and the margin between the two largest; the memory's agreement and its log distance; and
    /// whether both name the same class.
    #[must_use]
    pub fn features<S: Scalar>(cortex: &[S], memory: &[S], agreement: f32, distance: f32) -> [f64; Self::FEATURES] {
        let (c, m) = (confidence(cortex), confidence(memory));
        let same = f64::from(u8::from(c.class == m.class));
        // ln(d + floor), scaled to about [-1, 1] for distances between 0 and 2 (cosine).
        let far = 1.0 + (f64::from(distance) + DISTANCE_FLOOR).ln() / 3.5;
        [c.largest, c.entropy, c.margin, m.largest, m.entropy, m.margin, f64::from(agreement), far, same]
    }

    /// Decides from the cortex's logits `[N, classes]` and what the memory recalled.
    ///
    /// Gradients reach the gate's parameters, the bounds and both β, and the logits through the mixture; the evidence is read as numbers.
    ///
    /// # Errors
    /// [`Error::Layer`] for logits of another shape, [`Error::Rows`] for a recall of another length.
    pub fn decide<'t, S: Scalar>(
        &self,
        logits: Var<'t, S>,
        recalled: Recalled<'_>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Decision<'t, S>, Error> {
        let rows = self.check(logits, recalled)?;
        let tape = ctx.tape();
        let remembered = tape.constant_with(&[rows, self.classes], |out| {
            for (to, &from) in out.iter_mut().zip(recalled.log_probs) {
                *to = S::from_f64(f64::from(from).max(Self::LOG_FLOOR));
            }
        })?;
        let [cortex, memory] = self.sharpness.map(|beta| ctx.parameter(beta));
        let (cortex, memory) = (logits.mul(cortex)?.log_softmax()?, remembered.mul(memory)?.log_softmax()?);
        let (c, m) = (cortex.value(), memory.value());
        let evidence = tape.constant_with(&[rows, Self::FEATURES], |out| {
            let advice = c.as_slice().chunks_exact(self.classes).zip(m.as_slice().chunks_exact(self.classes));
            for (row, (out, (c, m))) in out.chunks_exact_mut(Self::FEATURES).zip(advice).enumerate() {
                let x = Self::features(c, m, recalled.agreement[row], recalled.distance[row]);
                for (to, x) in out.iter_mut().zip(x) {
                    *to = S::from_f64(x);
                }
            }
        })?;
        let logit = self.gate.forward(evidence, ctx)?;
        let [least, most] = self.bounds.map(|bound| ctx.parameter(bound));
        let log_probs = mix(logit, mix(least, cortex, memory)?, mix(most, cortex, memory)?)?;
        let (least, most) = (least.sigmoid()?, most.sigmoid()?);
        let decision = Decision { log_probs, trust: most.sub(least)?.mul(logit.sigmoid()?)?.add(least)? };
        ctx.record(Self::TRUST, decision.trust);
        Ok(decision)
    }

    fn check<S: Scalar>(&self, logits: Var<'_, S>, recalled: Recalled<'_>) -> Result<usize, Error> {
        let rows = match *logits.shape().dims() {
            [rows, width] if width == self.classes => rows,
            _ => {
                let (expected, found) = (format!("[N, {}] (logits)", self.classes), logits.shape());
                let help = "pass one row for each image";
                return Err(nl_layers::Error::input("basal_ganglia", expected, found.dims(), help).into());
            }
        };
        let others = [
            ("log_probs (rows × classes)", recalled.log_probs.len(), rows * self.classes),
            ("agreement", recalled.agreement.len(), rows),
            ("distance", recalled.distance.len(), rows),
        ];
        for (what, got, expected) in others {
            if got != expected {
                return Err(Error::Rows { region: "basal_ganglia", what, expected, got });
            }
        }
        Ok(rows)
    }
}

/// log((1 − t) e^a + t e^b) with t = σ(z), without leaving the logarithm:
/// u = a − softplus(z), v = b − softplus(−z); max(u, v) + softplus(−|u − v|).
fn mix<'t, S: Scalar>(z: Var<'t, S>, a: Var<'t, S>, b: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    let u = a.sub(z.softplus()?)?;
    let v = b.sub(z.neg()?.softplus()?)?;
    let gap = u.sub(v)?.abs()?.neg()?;
    Ok(u.maximum(v)?.add(gap.softplus()?)?)
}

/// How sure a distribution is.
struct Confidence {
    class: usize,
    largest: f64,
    margin: f64,
    entropy: f64,
}

/// Largest probability, its lead over the second, and H(p) / ln(classes) = −Σ p ln p / ln(classes).
fn confidence<S: Scalar>(log_probs: &[S]) -> Confidence {
    let classes = log_probs.len() as f64;
    let (mut class, mut first, mut second, mut entropy) = (0, f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0);
    for (i, log_p) in log_probs.iter().map(|log_p| log_p.to_f64()).enumerate() {
        if log_p > first {
            (class, first, second) = (i, log_p, first);
        } else {
            second = second.max(log_p);
        }
        if log_p > BasalGanglia::LOG_FLOOR {
            entropy -= log_p.exp() * log_p;
        }
    }
    Confidence { class, largest: first.exp(), margin: first.exp() - second.exp(), entropy: entropy / classes.ln() }
}
