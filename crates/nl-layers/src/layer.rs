//! The trait of all layers.

use nl_autodiff::{Scalar, Var};

use crate::{Context, Error};

/// A differentiable function with parameters.
///
/// A layer owns the ids of its parameters and its hyper-parameters; the parameters' values come with the context, so
/// one layer serves every precision, every thread and every set of weights.
///
/// # Requirements
/// The output depends on the input, the parameters and the context's noise only. A layer that draws noise draws it
/// from [`Context::noise`], by row, so that a sample's result does not depend on its batch.
///
/// ```
/// use nl_autodiff::{Scalar, Tape, Tensor, Var};
/// use nl_layers::{Context, Error, Layer, Mode, Parameters};
///
/// /// y = x²
/// struct Square;
///
/// impl<S: Scalar> Layer<S> for Square {
///     fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
///         x.mul(x).map_err(|source| Error::at("square", source))
///     }
/// }
///
/// let (tape, parameters) = (Tape::<f32>::new(), Parameters::new(vec![], vec![])?);
/// let x = tape.constant(Tensor::new(&[2], vec![3.0, -4.0])?);
/// let y = Square.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval))?;
/// assert_eq!(y.value().as_slice(), [9.0, 16.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Layer<S: Scalar>: Send + Sync {
    /// The layer's output for `x`, recorded on the context's tape.
    ///
    /// # Errors
    /// [`Error::Input`] for a shape the layer cannot take, [`Error::Noise`] if it draws noise and has none.
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error>;
}

impl<S: Scalar, L: Layer<S> + ?Sized> Layer<S> for Box<L> {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        (**self).forward(x, ctx)
    }
}

impl<S: Scalar, L: Layer<S> + ?Sized> Layer<S> for &L {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        (**self).forward(x, ctx)
    }
}
