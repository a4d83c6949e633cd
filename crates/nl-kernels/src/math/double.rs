//! `f64`: the standard library's functions, and an error function. Written for gradient checks, not for speed.

use super::{Elementary, polynomial};

/// Coefficients: `tests/reference/elementary.py`.
const ERF: [f64; 14] = [
    0.128_379_167_095_512_6,
    -0.376_126_389_031_837_54,
    0.112_837_916_709_551_25,
    -0.026_866_170_645_131_12,
    0.005_223_977_625_439_98,
    -0.000_854_832_702_322_949_3,
    0.000_120_553_329_674_017_75,
    -1.492_564_972_301_002_8e-5,
    1.646_209_478_310_315e-6,
    -1.636_541_858_418_567_8e-7,
    1.480_066_278_561_464_7e-8,
    -1.222_137_798_094_684e-9,
    8.937_102_721_268_714e-11,
    -4.636_869_494_464_51e-12,
];
const ERFC: [f64; 25] = [
    1.095_995_661_000_491,
    -0.976_548_729_080_882,
    0.773_208_702_265_237_2,
    -0.540_853_831_313_235_8,
    0.330_851_587_878_003_45,
    -0.174_010_937_239_898,
    0.076_381_514_909_617_82,
    -0.026_370_053_341_066_554,
    0.006_112_055_650_542_08,
    -0.000_280_958_857_650_184_26,
    -0.000_455_052_636_611_643_9,
    0.000_176_812_770_606_140_3,
    -3.635_436_476_498_476e-6,
    -1.886_070_956_515_07e-5,
    4.695_369_435_373_606e-6,
    1.423_793_823_552_170_4e-6,
    -8.484_525_177_346_795e-7,
    -7.501_175_600_259_549e-8,
    1.275_490_650_817_304_4e-7,
    5.835_130_768_296_811e-10,
    -1.847_318_024_279_659_5e-8,
    4.419_574_469_164_864_5e-11,
    2.263_265_021_941_477_6e-9,
    1.393_472_121_036_978_8e-10,
    -1.094_389_817_772_002_4e-10,
];

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
        // Not `max`, which would drop a NaN.
        let positive = if self < 0.0 { 0.0 } else { self };
        positive + (-self.abs()).exp().ln_1p()
    }
    /// x + x p(x²) below 0.875, sign(x) (1 − erfc |x|) above; relative error below 1e-15.
    #[inline(always)]
    fn v_erf(self) -> Self {
        if self.abs() < 0.875 {
            self + self * polynomial(self * self, ERF)
        } else {
            (1.0 - erfc(self.abs(), self.abs(), 1.0)).copysign(self)
        }
    }
    /// ½ erfc(−x/√2), of the smaller tail.
    #[inline(always)]
    fn v_normal_cdf(self) -> Self {
        let tail = 0.5 * erfc(self.abs() * core::f64::consts::FRAC_1_SQRT_2, self.abs(), 0.5);
        if self < 0.0 { tail } else { 1.0 - tail }
    }
}

/// erfc(a), a ≥ 0, where a² = scale · x²: e^(−a²) q(t) / (a + 4), t = (a − 4) / (a + 4); the rounding error of x² is
/// carried into the exponential.
fn erfc(a: f64, x: f64, scale: f64) -> f64 {
    // The result underflows before either bound; they keep ∞ out of the differences below.
    let x = if x > 40.0 { 40.0 } else { x };
    let a = if a > 40.0 { 40.0 } else { a };
    let head = f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000);
    let exponential = (-scale * head * head).exp() * (-scale * ((x - head) * (x + head))).exp();
    let inverse = 1.0 / (a + 4.0);
    exponential * (polynomial((a - 4.0) * inverse, ERFC) * inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `tests/reference/elementary.py` (mpmath, 60 digits): x, erf x, Φ(x).
    const REFERENCE: &[(f64, f64, f64)] = &include!("../../tests/reference/erf.in");

    #[test]
    fn erf_and_normal_cdf_match_the_reference() {
        for &(x, erf, cdf) in REFERENCE {
            approx::assert_relative_eq!(x.v_erf(), erf, epsilon = 0.0, max_relative = 1e-15);
            let error = (x.v_normal_cdf() - cdf).abs();
            assert!(error <= 4e-15 * cdf.abs(), "Φ({x}) = {:e}, not {cdf:e}", x.v_normal_cdf());
        }
    }

    #[test]
    fn special_values() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        assert!(nan.v_erf().is_nan() && nan.v_normal_cdf().is_nan() && nan.v_softplus().is_nan());
        assert_eq!((inf.v_erf(), (-inf).v_erf(), (-0.0_f64).v_erf().to_bits()), (1.0, -1.0, (-0.0_f64).to_bits()));
        assert_eq!((inf.v_normal_cdf(), (-inf).v_normal_cdf(), 0.0_f64.v_normal_cdf()), (1.0, 0.0, 0.5));
        assert_eq!((inf.v_softplus(), (-inf).v_softplus(), (-inf).v_sigmoid()), (inf, 0.0, 0.0));
    }
}
