//! Feedback alignment: errors go back through fixed random weights.

use nl_autodiff::{Scalar, Tensor, Transpose, Var};
use nl_random::Streams;

use super::{Areas, MOST, hidden};
use crate::error::At;
use crate::{Context, Error, Fans, Initializer, Parameters, Role};

const PATH: &str = "direct feedback";

/// Fixed weights B of the way back, one for each weight, of its shape; 0 in place of all other parameters.
///
/// With them in a [`Context`] ([`set_feedback`](Context::set_feedback)) an error goes back through y = W x as B ᵀ δ in place of
/// W ᵀ δ, and through everything else as usual. The forward weights learn to lie at less than 90° from B, so that what comes back
/// teaches: feedback alignment. They are drawn once, from the stream `feedback/<path>`, and never change.
///
/// ```
/// use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
/// use nl_layers::credit::feedback_weights;
/// use nl_layers::{Builder, Context, Initializer, Layer, Linear, Mode};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let layer = Linear::new(&builder.child("it")?, 3, 2, Initializer::XavierUniform)?;
/// let parameters = builder.finish();
/// let feedback = feedback_weights(&parameters, Initializer::XavierUniform, &Streams::new(2))?;
///
/// let tape = Tape::new();
/// let mut ctx = Context::new(&tape, &parameters, Mode::Train);
/// ctx.set_feedback(feedback.clone());
/// let x = tape.leaf(Tensor::new(&[1, 3], vec![1.0, 2.0, 3.0])?);
/// let y = layer.forward(x, &mut ctx)?.slice(1, 0..1)?.sum()?;
/// let back = grad(y, &[x], CreateGraph::No)?[0].value();
/// assert_eq!(back.as_slice(), &feedback.values()[..3]); // the first row of B, not of W
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Lillicrap, Cownden, Tweed & Akerman, "Random synaptic feedback weights support error backpropagation for deep
/// learning", Nature Communications 7:13276, 2016.
///
/// # Errors
/// [`Error::Hyperparameter`] for an initialiser that cannot fill a weight.
pub fn feedback_weights(
    parameters: &Parameters<f32>,
    initializer: Initializer,
    streams: &Streams,
) -> Result<Parameters<f32>, Error> {
    let mut values = vec![0.0; parameters.len()];
    for entry in parameters.entries().iter().filter(|entry| entry.role == Role::Weight) {
        let mut rng = streams.rng(&format!("feedback/{}", entry.path), 0, 0);
        let filled = initializer.fill(&entry.shape, Fans::of(&entry.shape), &mut rng, &mut values[entry.range()]);
        filled.map_err(|message| Error::Hyperparameter { path: entry.path.clone(), message })?;
    }
    Parameters::new(values, parameters.entries().to_vec())
}

/// Direct feedback alignment: the error of the output e = ∂ℓ/∂y goes to each area below it straight, through a fixed random matrix
/// of its own.
///
/// δ_l = e B_l, and ∂θ_l = (∂f_l/∂θ_l)ᵀ δ_l; the output area learns by its own gradient. Derivatives within an area (of its
/// activation) are as usual.
///
/// | | shape |
/// |---|---|
/// | e | `[B, K]` |
/// | B_l | `[K, n_l]`, n_l the numbers that area l gives for a sample |
///
/// Source: Nøkland, "Direct feedback alignment provides learning in deep neural networks", NeurIPS 2016, eq. 7.
#[derive(Clone)]
pub struct DirectFeedback<S> {
    matrices: Vec<Tensor<S>>,
}

impl<S: Scalar> DirectFeedback<S> {
    /// Matrices from `outputs` numbers to areas of these lengths, drawn from the streams `direct-feedback/<l>`.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for an initialiser that cannot fill them, [`Error::Op`] for sizes that no tensor can have.
    pub fn new(outputs: usize, lengths: &[usize], initializer: Initializer, streams: &Streams) -> Result<Self, Error> {
        let matrix = |(area, &length): (usize, &usize)| {
            let shape = [outputs, length];
            let tensor = Tensor::<f32>::zeros(&shape).at(PATH)?;
            let mut values = tensor.as_slice().to_vec();
            let mut rng = streams.rng(&format!("direct-feedback/{area}"), 0, 0);
            // Of the way from the output to the area: [to, from].
            let filled = initializer.fill(&shape, Fans::of(&[length, outputs]), &mut rng, &mut values);
            filled.map_err(|message| Error::hyperparameter(PATH, message))?;
            let values = values.iter().map(|&x| S::from_f64(f64::from(x))).collect();
            Tensor::new(&shape, values).at(PATH)
        };
        Ok(Self { matrices: lengths.iter().enumerate().map(matrix).collect::<Result<_, _>>()? })
    }

    /// B_l, from the first area on.
    #[must_use]
    pub fn matrices(&self) -> &[Tensor<S>] {
        &self.matrices
    }

    /// The surrogate: its value is `ending` of the output, ℓ, its gradient the changes of direct feedback alignment.
    ///
    /// # Errors
    /// Those of the areas and of `ending`; areas of another number or other lengths than the matrices; areas that do not give one
    /// row for each sample.
    pub fn loss<'t>(
        &self,
        areas: &(impl Areas<S> + ?Sized),
        x: Var<'t, S>,
        ending: impl FnOnce(Var<'t, S>) -> Result<Var<'t, S>, Error>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Var<'t, S>, Error> {
        let (hidden, tape) = (hidden(areas)?, ctx.tape());
        if hidden != self.matrices.len() {
            let message = format!("{} matrices for {hidden} areas below the output", self.matrices.len());
            return Err(Error::hyperparameter(PATH, message));
        }
        let (mut values, mut below) = ([x; MOST], x);
        for (area, value) in values[..hidden].iter_mut().enumerate() {
            *value = areas.forward(area, below, ctx)?;
            below = value.detach();
        }
        let output = areas.forward(hidden, below, ctx)?;
        // What the loss is a function of, cut off from what made it.
        let end = tape.leaf(output.value());
        let loss = ending(end)?;
        let mut error = None;
        tape.backward(loss, &[end], &mut |_, e| {
            error = Some(tape.constant_with(end.shape().dims(), |to| to.copy_from_slice(e)));
        })
        .at(PATH)?;
        let Some(error) = error.transpose().at(PATH)? else {
            return Err(Error::hyperparameter(PATH, "the loss does not depend on the output"));
        };
        let mut sum = output.mul(error).and_then(Var::sum).at(PATH)?;
        for (&value, matrix) in values[..hidden].iter().zip(&self.matrices) {
            let sent = error
                .matmul_with(Transpose::No, tape.constant(matrix.clone()), Transpose::No)
                .and_then(|sent| sent.reshape(value.shape().dims()))
                .at(PATH)?;
            sum = value.mul(sent).and_then(Var::sum).and_then(|it| it.add(sum)).at(PATH)?;
        }
        sum.straight_through(loss.detach().reshape(sum.shape().dims()).at(PATH)?).at(PATH)
    }
}

#[cfg(test)]
mod tests;
