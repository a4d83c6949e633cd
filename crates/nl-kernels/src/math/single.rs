//! `f32`.

use super::Elementary;

impl Elementary for f32 {
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
        f64::from(self).v_erf() as Self
    }
    #[inline(always)]
    fn v_normal_cdf(self) -> Self {
        f64::from(self).v_normal_cdf() as Self
    }
}
