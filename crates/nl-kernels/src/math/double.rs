//! `f64`: the standard library's functions, and an error function.

use super::Elementary;

impl Elementary for f64 {
    #[inline(always)]
    fn v_exp(self) -> Self {
        self.exp()
    }
    #[inline(always)]
    fn v_ln(self) -> Self {
        self.ln()
    }
    #[inline(always)]
    fn v_tanh(self) -> Self {
        self.tanh()
    }
    #[inline(always)]
    fn v_sigmoid(self) -> Self {
        1.0 / (1.0 + (-self).exp())
    }
    #[inline(always)]
    fn v_softplus(self) -> Self {
        self.max(0.0) + (-self.abs()).exp().ln_1p()
    }
    #[inline(always)]
    fn v_erf(self) -> Self {
        erf(self)
    }
    #[inline(always)]
    fn v_normal_cdf(self) -> Self {
        0.5 * (1.0 + erf(self * core::f64::consts::FRAC_1_SQRT_2))
    }
}

/// erf x = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms of one sign.
fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    core::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}
