//! `f32`: branch-free polynomials, so that the loops around them vectorise.
//!
//! Coefficients: `tests/reference/elementary.py`. Errors in units in the last place against `f64` are stated at each
//! function and asserted by the tests. No fused multiply-add, hence the same bits at every level. NaN gives NaN.

use super::{Elementary, polynomial};

/// 1.5 · 2²³: adding it rounds to an integer and leaves that integer in the low bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few digits that its product with an exponent is exact.
const LN2: [f32; 2] = [0.693_359_4, -0.000_212_194_44];
const EXP: [f32; 5] = [0.5, 0.166_665_76, 0.041_666_556, 0.008_363_19, 0.001_392_619_8];
const LN: [f32; 9] = [
    0.333_333_3,
    -0.249_999_97,
    0.200_007_16,
    -0.166_678_03,
    0.142_490_58,
    -0.124_256_87,
    0.116_854_2,
    -0.114_797_34,
    0.069_716_12,
];
const TANH: [f32; 5] = [-0.333_333_28, 0.133_327_7, -0.053_850_908, 0.020_997_18, -0.006_096_714];
const LOG1P: [f32; 6] = [0.333_333_34, 0.200_000_05, 0.142_851_53, 0.111_323_56, 0.087_323_51, 0.103_938_09];
const ERF: [f32; 7] =
    [0.128_379_17, -0.376_126_35, 0.112_837_225, -0.026_860_913, 0.005_204_885_7, -0.000_818_761_53, 8.565_391e-5];
const ERFC: [f32; 11] = [
    1.021_582_7,
    -0.687_160_73,
    0.279_471_76,
    -0.036_441_27,
    -0.021_505_624,
    0.006_472_459_5,
    0.003_061_405_6,
    -0.000_823_400_16,
    -0.000_587_912_57,
    3.942_53e-5,
    6.415_531e-5,
];

impl Elementary for f32 {
    /// At most 1 ulp, 1 also where the result is subnormal.
    #[inline(always)]
    fn v_exp(self) -> Self {
        exp_sum(self, 0.0)
    }

    /// At most 1 ulp. −∞ at 0, NaN below.
    #[inline(always)]
    fn v_ln(self) -> Self {
        let subnormal = self < Self::MIN_POSITIVE;
        let x = if subnormal { self * 8_388_608.0 } else { self };
        // x = 2^e (1 + f) with 1 + f in [√½, √2)
        let shifted = x.to_bits().wrapping_sub(0x3f35_04f3).cast_signed() >> 23;
        let f = Self::from_bits(x.to_bits().wrapping_sub((shifted << 23).cast_unsigned())) - 1.0;
        let e = shifted as Self - if subnormal { 23.0 } else { 0.0 };
        let square = f * f;
        let tail = f * square * polynomial(f, LN) + e * LN2[1];
        let y = (tail - 0.5 * square) + f + e * LN2[0];
        let y = if self == Self::INFINITY { self } else { y };
        let y = if self == 0.0 { Self::NEG_INFINITY } else { y };
        if self >= 0.0 { y } else { Self::NAN }
    }

    /// x + x³ p(x²) below 5/8, sign(x) (1 − 2 / (e^2|x| + 1)) above; at most 2 ulp.
    #[inline(always)]
    fn v_tanh(self) -> Self {
        let square = self * self;
        let small = self + self * square * polynomial(square, TANH);
        let large = 1.0 - 2.0 / ((2.0 * self.abs()).v_exp() + 1.0);
        (if self.abs() < 0.625 { small } else { large }).copysign(self)
    }

    /// 1 / (1 + z) or z / (1 + z) with z = e^−|x|; at most 3 ulp, in the negative tail too.
    #[inline(always)]
    fn v_sigmoid(self) -> Self {
        let z = (-self.abs()).v_exp();
        let top = if self < 0.0 { z } else { 1.0 };
        top / (1.0 + z)
    }

    /// max(x, 0) + 2 artanh(z / (2 + z)) with z = e^−|x|; at most 3 ulp.
    #[inline(always)]
    fn v_softplus(self) -> Self {
        let z = (-self.abs()).v_exp();
        let s = z / (2.0 + z);
        let square = s * s;
        let positive = if self < 0.0 { 0.0 } else { self };
        positive + 2.0 * (s + s * square * polynomial(square, LOG1P))
    }

    /// x + x p(x²) below 0.875, sign(x) (1 − erfc |x|) above; at most 2 ulp.
    #[inline(always)]
    fn v_erf(self) -> Self {
        let square = self * self;
        let small = self + self * polynomial(square, ERF);
        let large = 1.0 - erfc(self.abs(), self.abs(), 1.0);
        (if self.abs() < 0.875 { small } else { large }).copysign(self)
    }

    /// ½ erfc(−x/√2), of the smaller tail; at most 5 ulp.
    #[inline(always)]
    fn v_normal_cdf(self) -> Self {
        let tail = 0.5 * erfc(self.abs() * core::f32::consts::FRAC_1_SQRT_2, self.abs(), 0.5);
        if self < 0.0 { tail } else { 1.0 - tail }
    }
}

/// e^(high + low) = 2ⁿ e^r, r = high + low − n ln 2, |low| ≤ 1.
#[inline(always)]
fn exp_sum(high: f32, low: f32) -> f32 {
    // Beyond these the result is 0 or ∞ by the scaling below; a NaN passes both comparisons.
    let high = if high > 89.0 { 89.0 } else { high };
    let high = if high < -106.0 { -106.0 } else { high };
    let shifted = high * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = ((high - n * LN2[0]) - n * LN2[1]) + low;
    let p = 1.0 + (r + r * r * polynomial(r, EXP));
    // 2ⁿ in two factors, each a normal number, so that subnormal results are rounded once.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23).cast_unsigned())
}

/// erfc(a), a ≥ 0, where a² = scale · x²: e^(−a²) q(t) / (a + 2), t = (a − 2) / (a + 2); the rounding error of x² is
/// carried into the exponential.
#[inline(always)]
fn erfc(a: f32, x: f32, scale: f32) -> f32 {
    // 10.2² · scale⁻¹ is where the result underflows; the bound keeps ∞ out of the differences below.
    let x = if x > 15.0 { 15.0 } else { x };
    let a = if a > 15.0 { 15.0 } else { a };
    let head = f32::from_bits(x.to_bits() & 0xffff_f000);
    let exponential = exp_sum(-scale * head * head, -scale * ((x - head) * (x + head)));
    let inverse = 1.0 / (a + 2.0);
    exponential * (polynomial((a - 2.0) * inverse, ERFC) * inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::ulp_error;

    /// Every 1009th of all bit patterns, and every pattern next to a power of two or a seam.
    fn sweep() -> impl Iterator<Item = f32> {
        let seams = [0.625_f32, 0.875, 88.722_84, 89.0, 103.97, 106.0, 15.0, 10.2, 14.4, 0.346_57];
        let near = seams.into_iter().flat_map(|x| (x.to_bits() - 40..x.to_bits() + 40).map(f32::from_bits));
        let powers =
            (0..255_u32).flat_map(|e| (0..3).map(move |d| f32::from_bits((e << 23).wrapping_add(d).wrapping_sub(1))));
        let all = (0..=u32::MAX).step_by(1009).map(f32::from_bits);
        all.chain(near.clone()).chain(near.map(|x| -x)).chain(powers.clone()).chain(powers.map(|x| -x))
    }

    fn worst(f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for x in sweep() {
            let error = ulp_error(f(x), exact(f64::from(x)));
            if error > worst.0 {
                worst = (error, x);
            }
        }
        worst
    }

    #[test]
    fn errors_in_ulp() {
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        let softplus = |x: f64| if x.is_nan() { x } else { softplus(x) };
        let table: [(&str, f64, (f64, f32)); 7] = [
            ("exp", 1.0, worst(f32::v_exp, f64::exp)),
            ("ln", 1.0, worst(f32::v_ln, f64::ln)),
            ("tanh", 2.0, worst(f32::v_tanh, f64::tanh)),
            ("sigmoid", 3.0, worst(f32::v_sigmoid, f64::v_sigmoid)),
            ("softplus", 3.0, worst(f32::v_softplus, softplus)),
            ("erf", 2.0, worst(f32::v_erf, f64::v_erf)),
            ("normal cdf", 5.0, worst(f32::v_normal_cdf, f64::v_normal_cdf)),
        ];
        for (name, bound, (error, at)) in table {
            assert!(error <= bound, "{name}: {error:.2} ulp at {at:e} ({:#x}), bound {bound}", at.to_bits());
        }
    }

    #[test]
    fn special_values() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        for (f, at_zero, at_inf, at_minus_inf) in [
            (f32::v_exp as fn(f32) -> f32, 1.0, inf, 0.0),
            (f32::v_ln, -inf, inf, nan),
            (f32::v_tanh, 0.0, 1.0, -1.0),
            (f32::v_sigmoid, 0.5, 1.0, 0.0),
            (f32::v_softplus, core::f32::consts::LN_2, inf, 0.0),
            (f32::v_erf, 0.0, 1.0, -1.0),
            (f32::v_normal_cdf, 0.5, 1.0, 0.0),
        ] {
            assert!(f(nan).is_nan() && f(-nan).is_nan());
            assert!((f(0.0) - at_zero).abs() <= 6e-8 || f(0.0) == at_zero, "{} for {at_zero}", f(0.0));
            assert_eq!(f(inf), at_inf);
            assert!(f(-inf) == at_minus_inf || (at_minus_inf.is_nan() && f(-inf).is_nan()));
        }
        assert!((-1.0_f32).v_ln().is_nan() && (-1e-45_f32).v_ln().is_nan());
        assert_eq!((-0.0_f32).v_ln(), -inf);
        assert_eq!((-0.0_f32).v_tanh().to_bits(), (-0.0_f32).to_bits());
        assert_eq!((-0.0_f32).v_erf().to_bits(), (-0.0_f32).to_bits());
        let tiny = f32::from_bits(1);
        assert_eq!((tiny.v_tanh(), tiny.v_exp()), (tiny, 1.0));
    }
}
