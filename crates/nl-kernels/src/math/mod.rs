//! Elementary functions in the form the vectorised loops call them: inlined and, in `f32`, branch-free.

mod double;
mod single;

/// The transcendental functions of a scalar; a supertrait of [`Float`](crate::Float), implemented for `f32` and `f64`.
pub trait Elementary: Copy {
    /// e^x
    fn v_exp(self) -> Self;
    /// natural logarithm of x
    fn v_ln(self) -> Self;
    /// hyperbolic tangent of x
    fn v_tanh(self) -> Self;
    /// 1 / (1 + e^−x)
    fn v_sigmoid(self) -> Self;
    /// ln(1 + e^x)
    fn v_softplus(self) -> Self;
    /// erf x = 2/√π ∫₀ˣ e^(−t²) dt
    fn v_erf(self) -> Self;
    /// Φ(x) = (1 + erf(x/√2)) / 2
    fn v_normal_cdf(self) -> Self;
}
