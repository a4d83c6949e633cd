//! How much a linear read-out finds in an embedding.

use nl_autodiff::{Reduction, Var};
use nl_layers::{Builder, Context, Initializer, Layer, Linear, Parameters};
use nl_random::Streams;

use crate::Error;
use crate::gradient::{Objective, Shard};

/// Multinomial logistic regression on fixed embeddings: −log softmax(W z + b)_y.
///
/// Source: Alain & Bengio, "Understanding intermediate layers using linear classifier probes", ICLR workshop 2017.
pub struct Probe<'a> {
    layer: Linear,
    inputs: Inputs<'a>,
    /// The classes `[N]`.
    labels: &'a [u8],
    dim: usize,
}

/// What a probe reads: `[N, dim]`.
#[derive(Debug, Clone, Copy)]
pub enum Inputs<'a> {
    /// Embeddings, standardised by the caller.
    Floats(&'a [f32]),
    /// Features of one byte each, read as (x − mean) · factor.
    Bytes {
        /// The features.
        values: &'a [u8],
        /// Mean of each.
        mean: &'a [f32],
        /// Factor of each.
        factor: &'a [f32],
    },
}

impl<'a> From<&'a [f32]> for Inputs<'a> {
    fn from(embedding: &'a [f32]) -> Self {
        Self::Floats(embedding)
    }
}

impl Inputs<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Bytes { values, .. } => values.len(),
        }
    }

    /// Row `i`, of as many numbers as `to` has.
    pub(crate) fn row(&self, i: usize, to: &mut [f32]) {
        let from = i * to.len()..(i + 1) * to.len();
        match self {
            Self::Floats(values) => to.copy_from_slice(&values[from]),
            Self::Bytes { values, mean, factor } => {
                for (((to, &x), mean), factor) in to.iter_mut().zip(&values[from]).zip(*mean).zip(*factor) {
                    *to = (f32::from(x) - mean) * factor;
                }
            }
        }
    }
}

impl<'a> Probe<'a> {
    /// A probe that starts from zero (the loss is convex), and its parameters.
    ///
    /// # Errors
    /// [`Error::Config`] if the inputs are not `[labels, dim]`.
    pub fn new(
        inputs: impl Into<Inputs<'a>>,
        labels: &'a [u8],
        dim: usize,
        classes: usize,
    ) -> Result<(Self, Parameters<f32>), Error> {
        let inputs = inputs.into();
        let crooked = match inputs {
            Inputs::Floats(_) => false,
            Inputs::Bytes { mean, factor, .. } => mean.len() != dim || factor.len() != dim,
        };
        if dim == 0 || crooked || inputs.len() != labels.len() * dim {
            let (n, got) = (labels.len(), inputs.len());
            return Err(Error::config(format!("linear probe: {got} values for {n} embeddings of {dim} units")));
        }
        let builder = Builder::new(Streams::new(0));
        let layer = Linear::new(&builder.child("probe")?, dim, classes, Initializer::Zeros)?;
        Ok((Self { layer, inputs, labels, dim }, builder.finish()))
    }

    /// The same layer over other inputs.
    pub(crate) fn over(layer: &Linear, inputs: Inputs<'a>, labels: &'a [u8], dim: usize) -> Self {
        Self { layer: layer.clone(), inputs, labels, dim }
    }

    /// The layer.
    pub(crate) fn layer(&self) -> &Linear {
        &self.layer
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
                self.inputs.row(i as usize, to);
            }
        })?;
        let labels = &mut shard.workspace.labels;
        labels.clear();
        labels.extend(shard.samples.iter().map(|&i| u32::from(self.labels[i as usize])));
        Ok(self.logits(x, ctx)?.cross_entropy(labels, 0.0, Reduction::Sum)?)
    }
}
