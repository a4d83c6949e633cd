//! What the last thing learned is learned from: the advice of cortex and memory.

use nl_autodiff::{Tape, Var};
use nl_brain::Recalled;

use crate::Error;

/// What cortex and memory say about a set of images, one row each.
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
        f: impl FnOnce(Var<'t, f32>, Recalled<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let n = self.labels.len();
        let classes = self.logits.len() / n;
        let logits = tape.constant_with(&[samples.len(), classes], |to| gather(&self.logits, classes, samples, to))?;
        rows.memory.resize(samples.len() * classes, 0.0);
        gather(&self.memory, classes, samples, &mut rows.memory);
        for (from, to) in [(&self.agreement, &mut rows.agreement), (&self.distance, &mut rows.distance)] {
            to.resize(samples.len(), 0.0);
            gather(from, 1, samples, to);
        }
        let recalled = Recalled { log_probs: &rows.memory, agreement: &rows.agreement, distance: &rows.distance };
        f(logits, recalled)
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
