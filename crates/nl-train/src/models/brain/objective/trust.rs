//! The last thing learned: whom to trust.

use nl_autodiff::{Reduction, Tape, Var};
use nl_brain::{Brain, Recalled};
use nl_layers::Context;

use crate::Error;
use crate::gradient::{Objective, Shard};

/// What cortex and memory say about a set of images, one row each; the rows of the training set must have been recalled
/// with the query itself left out.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Embeddings `[N, embedding]`.
    pub embedding: Vec<f32>,
    /// The cortex's logits `[N, classes]`.
    pub logits: Vec<f32>,
    /// The memory's log-probabilities `[N, classes]`.
    pub memory: Vec<f32>,
    /// Share of the neighbours that have the winning class, `[N]`.
    pub agreement: Vec<f32>,
    /// Mean distance of the neighbours, `[N]`.
    pub distance: Vec<f32>,
    /// The classes `[N]`.
    pub labels: Vec<u32>,
}

impl Evidence {
    /// Rows `samples` as constants and slices of `tape`, then `f` of them.
    pub(crate) fn with_rows<'t, R>(
        &self,
        tape: &'t Tape<f32>,
        samples: &[u32],
        rows: &mut Rows,
        f: impl FnOnce(Var<'t, f32>, Var<'t, f32>, Recalled<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let n = self.labels.len();
        let (dim, classes) = (self.embedding.len() / n, self.logits.len() / n);
        let embedding = tape.constant_with(&[samples.len(), dim], |to| gather(&self.embedding, dim, samples, to))?;
        let logits = tape.constant_with(&[samples.len(), classes], |to| gather(&self.logits, classes, samples, to))?;
        rows.memory.resize(samples.len() * classes, 0.0);
        gather(&self.memory, classes, samples, &mut rows.memory);
        for (from, to) in [(&self.agreement, &mut rows.agreement), (&self.distance, &mut rows.distance)] {
            to.resize(samples.len(), 0.0);
            gather(from, 1, samples, to);
        }
        let recalled = Recalled { log_probs: &rows.memory, agreement: &rows.agreement, distance: &rows.distance };
        f(embedding, logits, recalled)
    }
}

/// Working memory of [`Evidence::with_rows`].
#[derive(Default)]
pub(crate) struct Rows {
    memory: Vec<f32>,
    agreement: Vec<f32>,
    distance: Vec<f32>,
}

fn gather(from: &[f32], width: usize, samples: &[u32], to: &mut [f32]) {
    for (to, &i) in to.chunks_exact_mut(width).zip(samples) {
        to.copy_from_slice(&from[i as usize * width..][..width]);
    }
}

/// The basal ganglia's task: −log((1 − t) p_cortex(y) + t p_memory(y)), the trust t being all that learns.
pub struct Trust<'a> {
    /// The model.
    pub brain: &'a Brain,
    /// What cortex and memory say about the training set.
    pub evidence: &'a Evidence,
}

impl Objective for Trust<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let (evidence, tape) = (self.evidence, ctx.tape());
        let work = &mut *shard.workspace;
        work.labels.clear();
        work.labels.extend(shard.samples.iter().map(|&i| evidence.labels[i as usize]));
        let labels = &work.labels;
        evidence.with_rows(tape, shard.samples, &mut work.rows, |embedding, logits, recalled| {
            let decision = self.brain.decide(embedding, logits, recalled, ctx)?;
            Ok(decision.log_probs.nll(labels, Reduction::Sum)?)
        })
    }
}
