//! How much a linear read-out finds in an embedding.

use nl_autodiff::{Reduction, Var};
use nl_layers::{Builder, Context, Initializer, Layer, Linear, Parameters};
use nl_random::Streams;

use crate::Error;
use crate::engine::{Objective, Shard};

/// Multinomial logistic regression on fixed embeddings: −log softmax(W z + b)_y.
///
/// Source: Alain & Bengio, "Understanding intermediate layers using linear classifier probes", ICLR workshop 2017.
pub struct Probe<'a> {
    layer: Linear,
    /// Embeddings `[N, dim]`, standardised by the caller.
    embedding: &'a [f32],
    /// The classes `[N]`.
    labels: &'a [u8],
    dim: usize,
}

impl<'a> Probe<'a> {
    /// A probe that starts from zero (the loss is convex), and its parameters.
    ///
    /// # Errors
    /// [`Error::Config`] if the embeddings are not `[labels, dim]`.
    pub fn new(
        embedding: &'a [f32],
        labels: &'a [u8],
        dim: usize,
        classes: usize,
    ) -> Result<(Self, Parameters<f32>), Error> {
        if dim == 0 || embedding.len() != labels.len() * dim {
            let (n, got) = (labels.len(), embedding.len());
            return Err(Error::config(format!("linear probe: {got} values for {n} embeddings of {dim} units")));
        }
        let builder = Builder::new(Streams::new(0));
        let layer = Linear::new(&builder.child("probe")?, dim, classes, Initializer::Zeros)?;
        Ok((Self { layer, embedding, labels, dim }, builder.finish()))
    }

    /// Logits of other embeddings `[N, dim]`.
    ///
    /// # Errors
    /// Embeddings of another width.
    pub fn logits<'t>(&self, embedding: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        Ok(self.layer.forward(embedding, ctx)?)
    }
}

impl Objective for Probe<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let dim = self.dim;
        let x = ctx.tape().constant_with(&[shard.samples.len(), dim], |to| {
            for (to, &i) in to.chunks_exact_mut(dim).zip(shard.samples) {
                to.copy_from_slice(&self.embedding[i as usize * dim..][..dim]);
            }
        })?;
        let labels = &mut shard.workspace.labels;
        labels.clear();
        labels.extend(shard.samples.iter().map(|&i| u32::from(self.labels[i as usize])));
        Ok(self.logits(x, ctx)?.cross_entropy(labels, 0.0, Reduction::Sum)?)
    }
}
