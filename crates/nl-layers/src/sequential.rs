//! Layers one after the other.

use nl_autodiff::{Scalar, Var};

use crate::{Context, Error, Layer};

/// y = (layer_k ∘ … ∘ layer_1)(x); without layers, y = x.
///
/// ```
/// use nl_layers::{Activation, Builder, Initializer, Linear, Sequential};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let mlp = Sequential::<f32>::new(vec![
///     Box::new(Linear::new(&builder.child("hidden")?, 784, 64, Initializer::HE_NORMAL)?),
///     Box::new(Activation::Relu),
///     Box::new(Linear::new(&builder.child("output")?, 64, 10, Initializer::XavierUniform)?),
/// ]);
/// assert_eq!(mlp.len(), 3);
/// # Ok::<(), nl_layers::Error>(())
/// ```
pub struct Sequential<S> {
    layers: Vec<Box<dyn Layer<S>>>,
}

impl<S: Scalar> Sequential<S> {
    /// The composition of `layers`, first to last.
    #[must_use]
    pub fn new(layers: Vec<Box<dyn Layer<S>>>) -> Self {
        Self { layers }
    }

    /// Number of layers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// True for the identity.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl<S: Scalar> Layer<S> for Sequential<S> {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        self.layers.iter().try_fold(x, |x, layer| layer.forward(x, ctx))
    }
}
