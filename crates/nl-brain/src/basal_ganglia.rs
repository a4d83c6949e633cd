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
use nl_layers::{Builder, Context, Initializer, Layer, Linear};

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
/// t = σ(w₂ᵀ max(0, W₁ e + b₁) + b₂),  log p = log((1 − t) p_cortex + t p_memory)
///
/// | | shape |
/// |---|---|
/// | evidence e | `[N, embedding + 9]` |
/// | log p_cortex, log p_memory, log p | `[N, classes]` |
/// | trust t, recorded as [`BasalGanglia::TRUST`] | `[N, 1]` |
///
/// The evidence is the embedding at unit length; of cortex and memory each the largest probability, the entropy (1 =
/// uniform) and the margin between the two largest; the memory's agreement and its log distance; and whether both name
/// the same class. It is read as numbers: no gradient flows through it.
#[derive(Debug, Clone)]
pub struct BasalGanglia {
    embedding: usize,
    classes: usize,
    hidden: Linear,
    output: Linear,
}

/// Features of the evidence beside the embedding.
const FEATURES: usize = 9;
/// Distances below this look alike.
const DISTANCE_FLOOR: f64 = 1e-3;

impl BasalGanglia {
    /// Where a brain's recording keeps the trust.
    pub const TRUST: &'static str = "basal_ganglia/trust";

    /// Parameters `hidden/…` and `output/…` under the builder's path.
    ///
    /// # Errors
    /// [`Error::Layer`] if the builder holds these paths already.
    pub fn new(builder: &Builder, config: &BrainConfig) -> Result<Self, Error> {
        let (inputs, hidden) = (config.embedding + FEATURES, config.basal_ganglia_hidden);
        Ok(Self {
            embedding: config.embedding,
            classes: config.classes,
            hidden: Linear::new(&builder.child("hidden")?, inputs, hidden, Initializer::HE_NORMAL)?,
            output: Linear::new(&builder.child("output")?, hidden, 1, Initializer::XavierUniform)?,
        })
    }

    /// Length of one row of evidence.
    #[must_use]
    pub fn evidence_len(&self) -> usize {
        self.embedding + FEATURES
    }

    /// Decides from an embedding `[N, embedding]`, the cortex's logits `[N, classes]` and what the memory recalled.
    ///
    /// Gradients reach the gate's parameters, and the logits through the mixture; the evidence is read as numbers.
    ///
    /// # Errors
    /// [`Error::Layer`] for an embedding or logits of another shape, [`Error::Rows`] for a recall of another length.
    pub fn decide<'t, S: Scalar>(
        &self,
        embedding: Var<'t, S>,
        logits: Var<'t, S>,
        recalled: Recalled<'_>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Decision<'t, S>, Error> {
        let rows = self.check(embedding, logits, recalled)?;
        let tape = ctx.tape();
        let cortex = logits.log_softmax()?;
        let memory = tape.constant_with(&[rows, self.classes], |out| {
            for (to, &from) in out.iter_mut().zip(recalled.log_probs) {
                *to = S::from_f64(f64::from(from).max(LOG_FLOOR));
            }
        })?;
        let (z, c) = (embedding.value(), cortex.value());
        let evidence = tape.constant_with(&[rows, self.evidence_len()], |out| {
            let inputs = z.as_slice().chunks_exact(self.embedding).zip(c.as_slice().chunks_exact(self.classes));
            for (row, (out, (z, c))) in out.chunks_exact_mut(self.evidence_len()).zip(inputs).enumerate() {
                let memory = &recalled.log_probs[row * self.classes..][..self.classes];
                evidence_row(z, c, memory, recalled.agreement[row], recalled.distance[row], out);
            }
        })?;
        let decision = self.forward(evidence, cortex, memory, ctx)?;
        ctx.record(Self::TRUST, decision.trust);
        Ok(decision)
    }

    /// The gate and the mixture, differentiable in all three inputs.
    fn forward<'t, S: Scalar>(
        &self,
        evidence: Var<'t, S>,
        cortex: Var<'t, S>,
        memory: Var<'t, S>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Decision<'t, S>, Error> {
        let hidden = self.hidden.forward(evidence, ctx)?.relu()?;
        let logit = self.output.forward(hidden, ctx)?;
        Ok(Decision { log_probs: mix(logit, cortex, memory)?, trust: logit.sigmoid()? })
    }

    fn check<S: Scalar>(
        &self,
        embedding: Var<'_, S>,
        logits: Var<'_, S>,
        recalled: Recalled<'_>,
    ) -> Result<usize, Error> {
        let shape = |what: &'static str, x: Var<'_, S>, width: usize| match *x.shape().dims() {
            [rows, w] if w == width => Ok(rows),
            _ => {
                let expected = format!("[N, {width}] ({what})");
                Err(nl_layers::Error::input("basal_ganglia", expected, x.shape().dims(), "pass one row for each image"))
            }
        };
        let rows = shape("embedding", embedding, self.embedding)?;
        let others = [
            ("logits", shape("logits", logits, self.classes)?, rows),
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

/// Log-probabilities below this are indistinguishable from "never".
const LOG_FLOOR: f64 = -50.0;

/// log((1 − t) e^a + t e^b) with t = σ(z), without leaving the logarithm:
/// u = a − softplus(z), v = b − softplus(−z); max(u, v) + softplus(−|u − v|).
fn mix<'t, S: Scalar>(z: Var<'t, S>, a: Var<'t, S>, b: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    let u = a.sub(z.softplus()?)?;
    let v = b.sub(z.neg()?.softplus()?)?;
    let gap = u.sub(v)?.abs()?.neg()?;
    Ok(u.maximum(v)?.add(gap.softplus()?)?)
}

/// One row of evidence.
fn evidence_row<S: Scalar>(z: &[S], cortex: &[S], memory: &[f32], agreement: f32, distance: f32, out: &mut [S]) {
    let (direction, features) = out.split_at_mut(z.len());
    let norm = z.iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt().max(1e-12);
    for (to, &x) in direction.iter_mut().zip(z) {
        *to = S::from_f64(x.to_f64() / norm);
    }
    let c = confidence(cortex.iter().map(|x| x.to_f64()));
    let m = confidence(memory.iter().map(|&x| f64::from(x)));
    let same = f64::from(u8::from(c.class == m.class));
    // ln(d + floor), scaled to about [-1, 1] for distances between 0 and 2 (cosine).
    let far = 1.0 + (f64::from(distance) + DISTANCE_FLOOR).ln() / 3.5;
    let values = [c.largest, c.entropy, c.margin, m.largest, m.entropy, m.margin, f64::from(agreement), far, same];
    for (to, x) in features.iter_mut().zip(values) {
        *to = S::from_f64(x);
    }
}

/// How sure a distribution is.
struct Confidence {
    class: usize,
    largest: f64,
    margin: f64,
    entropy: f64,
}

/// Largest probability, its lead over the second, and H(p) / ln(classes) = −Σ p ln p / ln(classes).
fn confidence(log_probs: impl ExactSizeIterator<Item = f64>) -> Confidence {
    let classes = log_probs.len() as f64;
    let (mut class, mut first, mut second, mut entropy) = (0, f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0);
    for (i, log_p) in log_probs.enumerate() {
        if log_p > first {
            (class, first, second) = (i, log_p, first);
        } else {
            second = second.max(log_p);
        }
        if log_p > LOG_FLOOR {
            entropy -= log_p.exp() * log_p;
        }
    }
    Confidence { class, largest: first.exp(), margin: first.exp() - second.exp(), entropy: entropy / classes.ln() }
}
