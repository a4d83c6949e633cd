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

/// Σ cᵢ xⁱ by Horner's rule, unrolled at compile time, without fused multiply-add.
#[inline(always)]
pub(crate) fn polynomial<T: Copy + core::ops::Add<Output = T> + core::ops::Mul<Output = T>, const N: usize>(
    x: T,
    c: [T; N],
) -> T {
    let mut y = c[N - 1];
    for i in (0..N - 1).rev() {
        y = y * x + c[i];
    }
    y
}

/// |got − exact| in units of the last place of an `f32` near `exact`; ∞ if only one of them is NaN, or the signs or
/// infinities differ.
#[cfg(test)]
pub(crate) fn ulp_error(got: f32, exact: f64) -> f64 {
    if got.is_nan() || exact.is_nan() {
        return if got.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let nearest = exact as f32;
    if got == nearest {
        return 0.0;
    }
    let exponent = exact.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor() as i32;
    (f64::from(got) - exact).abs() / 2_f64.powi(exponent.min(127) - 23)
}
