//! Surrogate gradients: what stands for the derivative of the step function when a network of spikes is trained.
//!
//! A neuron spikes where x = V − V_th is 0 or more, Θ(x); the derivative of Θ is 0 almost everywhere. Training replaces
//! it by a slope ψ(x). Each ψ here comes with its primitive g, g' = ψ: a network with g in place of Θ is differentiable,
//! and its gradients can be checked against finite differences as a whole.
//!
//! **At x = 0** there is a spike (Θ(0) = 1, as in all [models](crate::NeuronModel), SpikingJelly and NEST; snnTorch asks
//! for x > 0). A ψ with a kink or a jump at 0 says which side it takes.

mod bell;
mod kind;
mod mixed;
mod piecewise;
mod rational;

pub use bell::{Erf, EscapeRate, Exponential, Sigmoid, Tanh};
pub use kind::{SurrogateKind, SurrogateVisitor};
pub use mixed::{Fourier, LeakyRelu, S2nn, StraightThrough};
pub use piecewise::{LeakyRectangle, PiecewiseQuadratic, Triangle};
pub use rational::{Arctan, Circ, FastSigmoid, LogAbs, QPseudoSpike, SoftSign, SparseFastSigmoid, SuperSpike};

use crate::{Error, Float};

/// A slope ψ(x) that stands for the derivative of the step function, and its primitive.
///
/// ```
/// use nl_neuron::{Error, Float, Surrogate};
///
/// /// ψ(x) = 1/(1 + x²), g(x) = arctan x.
/// struct Lorentzian;
/// impl Surrogate for Lorentzian {
///     fn name(&self) -> &'static str {
///         "lorentzian"
///     }
///     fn slope<F: Float>(&self, x: F) -> F {
///         F::ONE / (F::ONE + x * x)
///     }
///     fn primitive<F: Float>(&self, x: F) -> F {
///         F::from_f64(x.to_f64().atan())
///     }
/// }
/// assert_eq!(Lorentzian.slope(0.0_f32), 1.0);
/// ```
pub trait Surrogate {
    /// Its name in configurations and plots.
    fn name(&self) -> &'static str;

    /// ψ(x), x = V − V_th.
    fn slope<F: Float>(&self, x: F) -> F;

    /// g(x) with g' = ψ; from 0 to 1 where ∫ψ = 1, else as the source gives it.
    fn primitive<F: Float>(&self, x: F) -> F;

    /// `Ok` if the parameters mean something: what whoever builds a network with it calls once.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// A parameter in the scalar of x.
#[inline(always)]
fn real<F: Float>(x: f64) -> F {
    F::from_f64(x)
}

/// −1 or 1, the sign of x; 1 at 0.
#[inline(always)]
fn sign<F: Float>(x: F) -> F {
    crate::exact::select(x < F::ZERO, -F::ONE, F::ONE)
}
