//! A neuron's equation over one step, written once: for the loop over a population, for the way back through time, for the laws.
//!
//! [`Dynamics`] says how a neuron advances, how far it is above its threshold, and what a spike does; nothing about loops, arrays or
//! memory. It is written over any [`Algebra`]: with `f32` it simulates, with a [`Dual`] the same lines give their derivatives.
//! [`Scan`] runs it over a whole sequence and back.

mod dual;
mod leak;
mod recurrent;
mod scan;

use core::ops::{Add, Div, Mul, Neg, Sub};

pub use dual::Dual;
pub use leak::{leak, leak_grad};
pub use recurrent::{RecurrentGrad, RecurrentScan};
pub use scan::{Scan, ScanGrad, Sequence};

use crate::Float;

/// The numbers of an equation: `f32`, `f64`, and [`Dual`]s, which carry derivatives.
pub trait Algebra:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The number without its derivatives.
    type Real: Float;

    /// A constant.
    fn constant(x: f64) -> Self;

    /// The number.
    fn value(self) -> Self::Real;

    /// e^self
    fn exp(self) -> Self;

    /// `yes` or `no`, both already computed.
    fn select(condition: bool, yes: Self, no: Self) -> Self;

    /// self, or `most` if it is above: the slope is then 0.
    #[inline(always)]
    fn at_most(self, most: f64) -> Self {
        let bound = Self::constant(most);
        Self::select(self.value() > bound.value(), bound, self)
    }
}

impl<F: Float> Algebra for F {
    type Real = F;
    #[inline(always)]
    fn constant(x: f64) -> F {
        F::from_f64(x)
    }
    #[inline(always)]
    fn value(self) -> F {
        self
    }
    #[inline(always)]
    fn exp(self) -> F {
        self.v_exp()
    }
    #[inline(always)]
    fn select(condition: bool, yes: F, no: F) -> F {
        if condition { yes } else { no }
    }
}

/// A neuron of N variables, R inputs and P parameters over one step of time.
///
/// In a step: y ← [`advance`](Self::advance)(y, input); a spike if [`excess`](Self::excess) ≥ 0; then y ←
/// [`reset`](Self::reset)(y). Within the absolute refractory period (`held`) nobody spikes, whatever the excess. Functions are
/// `#[inline(always)]` and free of branches, so that a loop over neurons vectorises.
///
/// ```
/// use nl_neuron::dynamics::{Algebra, Dual, Dynamics};
///
/// /// V ← α V + I; a spike at V ≥ θ takes θ off.
/// #[derive(Clone, Copy)]
/// struct Leaky;
/// impl Dynamics<1, 1, 2> for Leaky {
///     const NAME: &'static str = "leaky";
///     const VARIABLES: [&'static str; 1] = ["v"];
///     const RECEPTORS: [&'static str; 1] = ["current"];
///     const PARAMETERS: [&'static str; 2] = ["decay", "v_th"];
///     fn rest<A: Algebra>(&self, _: [A; 2]) -> [A; 1] {
///         [A::constant(0.0)]
///     }
///     fn advance<A: Algebra>(&self, [decay, _]: [A; 2], [v]: [A; 1], [i]: [A; 1], held: bool) -> [A; 1] {
///         [A::select(held, v, decay * v + i)]
///     }
///     fn excess<A: Algebra>(&self, [_, v_th]: [A; 2], _: [A; 1], [v]: [A; 1]) -> A {
///         v - v_th
///     }
///     fn reset<A: Algebra>(&self, [_, v_th]: [A; 2], [v]: [A; 1]) -> [A; 1] {
///         [v - v_th]
///     }
/// }
///
/// assert_eq!(Leaky.advance([0.5, 1.0], [2.0], [0.25], false), [1.25]);
/// // ∂V/∂α = V, from the same line.
/// let decay = Dual::<f64, 1, 1, 2>::parameter(0.5, 0);
/// let v = Leaky.advance([decay, Dual::constant(1.0)], [Dual::constant(2.0)], [Dual::constant(0.25)], false);
/// assert_eq!(v[0].parameters, [2.0, 0.0]);
/// ```
pub trait Dynamics<const N: usize, const R: usize, const P: usize>: Copy + Send + Sync + 'static {
    /// Its name in messages.
    const NAME: &'static str;
    /// Names of the variables, the membrane potential first.
    const VARIABLES: [&'static str; N];
    /// Names of the inputs.
    const RECEPTORS: [&'static str; R];
    /// Names of the parameters.
    const PARAMETERS: [&'static str; P];

    /// The variables at rest.
    fn rest<A: Algebra>(&self, p: [A; P]) -> [A; N];

    /// The variables at the end of a step that began with `y`; `held`: within the absolute refractory period.
    fn advance<A: Algebra>(&self, p: [A; P], y: [A; N], input: [A; R], held: bool) -> [A; N];

    /// How far `after`, which was `before` at the start of the step, is above the threshold: a spike if it is 0 or more, and what a
    /// surrogate gradient is a function of.
    fn excess<A: Algebra>(&self, p: [A; P], before: [A; N], after: [A; N]) -> A;

    /// What a spike leaves of `y`.
    fn reset<A: Algebra>(&self, p: [A; P], y: [A; N]) -> [A; N];
}
