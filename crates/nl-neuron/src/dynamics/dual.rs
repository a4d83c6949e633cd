//! Numbers that carry their derivatives with respect to a neuron's variables, inputs and parameters.

use core::ops::{Add, Div, Mul, Neg, Sub};

use super::Algebra;
use crate::Float;

/// A number and its derivatives: x + Σ ∂x/∂y_k dy_k + Σ ∂x/∂input_k dinput_k + Σ ∂x/∂p_k dp_k (forward-mode differentiation).
///
/// ```
/// use nl_neuron::dynamics::{Algebra, Dual};
/// let (y, p) = (Dual::<f64, 1, 0, 1>::variable(3.0, 0), Dual::parameter(2.0, 0));
/// let z = y * y * p; // 18; ∂z/∂y = 2 y p, ∂z/∂p = y²
/// assert_eq!((z.value, z.variables, z.parameters), (18.0, [12.0], [9.0]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual<F, const N: usize, const R: usize, const P: usize> {
    /// The number.
    pub value: F,
    /// Derivatives with respect to the variables at the start of the step.
    pub variables: [F; N],
    /// With respect to the inputs.
    pub inputs: [F; R],
    /// With respect to the parameters.
    pub parameters: [F; P],
}

/// `f` of each pair.
#[inline(always)]
fn zip<F: Copy, const K: usize>(a: [F; K], b: [F; K], f: impl Fn(F, F) -> F) -> [F; K] {
    core::array::from_fn(|k| f(a[k], b[k]))
}

impl<F: Float, const N: usize, const R: usize, const P: usize> Dual<F, N, R, P> {
    /// A number that depends on nothing.
    #[inline(always)]
    pub fn new(value: F) -> Self {
        Self { value, variables: [F::ZERO; N], inputs: [F::ZERO; R], parameters: [F::ZERO; P] }
    }

    /// Variable `k` at the start of the step.
    #[inline(always)]
    pub fn variable(value: F, k: usize) -> Self {
        let mut x = Self::new(value);
        x.variables[k] = F::ONE;
        x
    }

    /// Input `k`.
    #[inline(always)]
    pub fn input(value: F, k: usize) -> Self {
        let mut x = Self::new(value);
        x.inputs[k] = F::ONE;
        x
    }

    /// Parameter `k`; a constant if it is beyond those that are differentiated.
    #[inline(always)]
    pub fn parameter(value: F, k: usize) -> Self {
        let mut x = Self::new(value);
        if let Some(slope) = x.parameters.get_mut(k) {
            *slope = F::ONE;
        }
        x
    }

    /// The number `value`, its derivatives those of `self` times `slope`: a function of it.
    #[inline(always)]
    pub(super) fn mapped(self, value: F, slope: F) -> Self {
        Self {
            value,
            variables: self.variables.map(|x| x * slope),
            inputs: self.inputs.map(|x| x * slope),
            parameters: self.parameters.map(|x| x * slope),
        }
    }

    /// The number `value`, its derivatives f of those of `self` and `other`.
    #[inline(always)]
    fn joined(self, other: Self, value: F, f: impl Fn(F, F) -> F + Copy) -> Self {
        Self {
            value,
            variables: zip(self.variables, other.variables, f),
            inputs: zip(self.inputs, other.inputs, f),
            parameters: zip(self.parameters, other.parameters, f),
        }
    }
}

impl<F: Float, const N: usize, const R: usize, const P: usize> Add for Dual<F, N, R, P> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.joined(other, self.value + other.value, |a, b| a + b)
    }
}

impl<F: Float, const N: usize, const R: usize, const P: usize> Sub for Dual<F, N, R, P> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.joined(other, self.value - other.value, |a, b| a - b)
    }
}

impl<F: Float, const N: usize, const R: usize, const P: usize> Mul for Dual<F, N, R, P> {
    type Output = Self;
    #[inline(always)]
    #[allow(clippy::suspicious_arithmetic_impl, reason = "the product rule has a sum")]
    fn mul(self, other: Self) -> Self {
        self.joined(other, self.value * other.value, |a, b| a * other.value + self.value * b)
    }
}

impl<F: Float, const N: usize, const R: usize, const P: usize> Div for Dual<F, N, R, P> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let (part, value) = (F::ONE / other.value, self.value / other.value);
        self.joined(other, value, |a, b| (a - value * b) * part)
    }
}

impl<F: Float, const N: usize, const R: usize, const P: usize> Neg for Dual<F, N, R, P> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.mapped(-self.value, -F::ONE)
    }
}

impl<F: Float, const N: usize, const R: usize, const P: usize> Algebra for Dual<F, N, R, P> {
    type Real = F;
    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self::new(F::from_f64(x))
    }
    #[inline(always)]
    fn value(self) -> F {
        self.value
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let value = Algebra::exp(self.value);
        self.mapped(value, value)
    }
    #[inline(always)]
    fn select(condition: bool, yes: Self, no: Self) -> Self {
        let value = F::select(condition, yes.value, no.value);
        yes.joined(no, value, |a, b| F::select(condition, a, b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Each operation against the difference of its values.
    #[test]
    fn derivatives_are_differences() {
        type D = Dual<f64, 1, 0, 0>;
        let all: [fn(D) -> D; 8] = [
            |x| x + x * D::constant(2.0),
            |x| D::constant(3.0) - x,
            |x| x * x * x,
            |x| D::constant(1.0) / x,
            |x| (x + D::constant(1.0)) / (x * x + D::constant(2.0)),
            |x| -x,
            |x| Algebra::exp(x * D::constant(0.5)),
            |x| x.at_most(0.9) * x,
        ];
        for (i, f) in all.into_iter().enumerate() {
            for x in [0.3, 0.8, 1.7] {
                let h = 1e-6;
                let difference = (f(D::new(x + h)).value - f(D::new(x - h)).value) / (2.0 * h);
                assert_relative_eq!(f(D::variable(x, 0)).variables[0], difference, max_relative = 1e-7, epsilon = 1e-9);
                assert!(i < 8);
            }
        }
    }
}
