//! Exact integration over one step of constant input (Rotter & Diesmann 1999): what the linear models share.

use crate::slow::decay;
use crate::{Error, Ms, Mv, Pa, Pf, Real};

/// `value` as the model's scalar; an error if it overflows there (f32 ends at 3.4e38).
pub(crate) fn scalar<F: Real>(model: &'static str, name: &'static str, value: f64) -> Result<F, Error> {
    let narrow = F::from_f64(value);
    let expected = "use values whose propagators fit the scalar type (f32 ends at 3.4e38)";
    if narrow.is_finite() { Ok(narrow) } else { Err(Error::Parameter { model, name, value, expected }) }
}

/// Room for `more` values in `list`, doubling as a list does when it grows; an error where the memory is not there.
pub(crate) fn room<T>(model: &'static str, list: &mut Vec<T>, more: usize) -> Result<(), Error> {
    let bytes = list.len().saturating_add(more).saturating_mul(size_of::<T>());
    list.try_reserve(more).map_err(|_| Error::Memory { model, bytes })
}

/// `n` times `value`; an error where the memory is not there.
pub(crate) fn filled<T: Copy>(model: &'static str, value: T, n: usize) -> Result<Vec<T>, Error> {
    let mut list = Vec::new();
    let bytes = n.saturating_mul(size_of::<T>());
    list.try_reserve_exact(n).map_err(|_| Error::Memory { model, bytes })?;
    list.resize(n, value);
    Ok(list)
}

/// A leaky membrane, τ_m V' = −(V − E_L) + R (I + I_e) with R = τ_m / C_m.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leak<F> {
    pub(crate) decay: F,
    pub(crate) gain: F,
    pub(crate) rest: F,
}

impl<F: Real> Leak<F> {
    pub(crate) fn new(model: &'static str, dt: Ms, tau_m: Ms, c_m: Pf, e_l: Mv, i_e: Pa) -> Result<Self, Error> {
        Error::positive(model, "dt", dt.0)?;
        Error::positive(model, "c_m", c_m.0)?;
        Error::finite(model, "e_l", e_l.0)?;
        Error::finite(model, "i_e", i_e.0)?;
        let decay = decay(model, "tau_m", tau_m, dt)?;
        let resistance = tau_m.0 / c_m.0;
        Ok(Self {
            decay,
            gain: scalar(model, "tau_m / c_m", -resistance * (-dt.0 / tau_m.0).exp_m1())?,
            rest: scalar(model, "e_l + tau_m / c_m i_e", e_l.0 + resistance * i_e.0)?,
        })
    }

    /// V after one step of constant `current`.
    #[inline(always)]
    pub(crate) fn advance(self, v: F, current: F) -> F {
        self.rest + (v - self.rest) * self.decay + self.gain * current
    }
}

/// `yes` or `no`, both already computed: loops stay free of branches, which vectors cannot take.
#[inline(always)]
pub(crate) fn select<T: Copy>(condition: bool, yes: T, no: T) -> T {
    if condition { yes } else { no }
}

/// A threshold with a hard reset and an absolute refractory period in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Threshold<F> {
    pub(crate) v_th: F,
    pub(crate) v_reset: F,
    pub(crate) refractory: u32,
}

impl<F: Real> Threshold<F> {
    pub(crate) fn new(model: &'static str, dt: Ms, v_th: Mv, v_reset: Mv, t_ref: Ms) -> Result<Self, Error> {
        Error::finite(model, "v_th", v_th.0)?;
        Error::check(model, "v_reset", v_reset.0, |x| x < v_th.0, "use a potential below v_th")?;
        Ok(Self {
            v_th: scalar(model, "v_th", v_th.0)?,
            v_reset: scalar(model, "v_reset", v_reset.0)?,
            refractory: t_ref.steps(model, "t_ref", dt)?,
        })
    }
}

/// What a current of 1 pA that decays with τ_syn adds to V within dt: (1/C) ∫₀^dt e^(−(dt−s)/τ_m) e^(−s/τ_syn) ds.
///
/// = (dt/C) e^(−dt/τ_slow) (1 − e^(−x))/x with x = dt |1/τ_m − 1/τ_syn|: regular where τ_syn = τ_m.
pub(crate) fn exponential(tau_m: Ms, tau_syn: Ms, c_m: Pf, dt: Ms) -> f64 {
    let x = dt.0 * (1.0 / tau_m.0 - 1.0 / tau_syn.0).abs();
    let mean = if x > 0.0 { -(-x).exp_m1() / x } else { 1.0 };
    dt.0 / c_m.0 * (-dt.0 / tau_m.0.max(tau_syn.0)).exp() * mean
}

/// What a slope y of 1 pA/ms, of a current I' = y − I/τ_syn with y' = −y/τ_syn, adds to V within dt:
/// (1/C) ∫₀^dt e^(−(dt−s)/τ_m) s e^(−s/τ_syn) ds.
///
/// = (dt²/C) e^(−dt/τ_m) ∫₀¹ u e^(x u) du with x = dt (1/τ_m − 1/τ_syn): a power series near x = 0.
pub(crate) fn alpha(tau_m: Ms, tau_syn: Ms, c_m: Pf, dt: Ms) -> f64 {
    let x = dt.0 * (1.0 / tau_m.0 - 1.0 / tau_syn.0);
    let scale = dt.0 / c_m.0 * dt.0;
    if x > 1.0 {
        return scale * (-dt.0 / tau_syn.0).exp() * (x - 1.0 + (-x).exp()) / x / x;
    }
    let moment = if x < -1.0 {
        (1.0 - x.exp() * (1.0 - x)) / x / x
    } else {
        let (mut sum, mut term) = (0.0, 1.0);
        for k in 0..20 {
            sum += term / f64::from(k + 2);
            term *= x / f64::from(k + 1);
        }
        sum
    };
    scale * (-dt.0 / tau_m.0).exp() * moment
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Simpson's rule with 2000 intervals.
    fn integral(f: impl Fn(f64) -> f64, end: f64) -> f64 {
        let h = end / 2000.0;
        let weight = |i: u32| if i == 0 || i == 2000 { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
        (0..=2000).map(|i| weight(i) * f(h * f64::from(i))).sum::<f64>() * h / 3.0
    }

    #[test]
    fn propagators_are_their_integrals_also_at_equal_time_constants() {
        let (c, dt) = (Pf(250.0), Ms(0.5));
        for tau_m in [0.3, 2.0, 10.0] {
            for tau_syn in [0.1, 0.2, 2.0, 2.0 + 1e-9, 2.0 + 1e-4, 2.1, 50.0] {
                let kernel = |s: f64| (-(dt.0 - s) / tau_m - s / tau_syn).exp() / c.0;
                let one = exponential(Ms(tau_m), Ms(tau_syn), c, dt);
                let two = alpha(Ms(tau_m), Ms(tau_syn), c, dt);
                let (a, b) = (integral(kernel, dt.0), integral(|s| s * kernel(s), dt.0));
                // Simpson's rule leaves about 1e-10 for the fastest of these.
                assert_relative_eq!(one, a, max_relative = 1e-9);
                assert_relative_eq!(two, b, max_relative = 1e-9);
            }
        }
    }

    #[test]
    fn propagators_of_extreme_time_constants_are_finite() {
        for tau_m in [1e-300, 1e-3, 1.0, 1e300] {
            for tau_syn in [1e-300, 1e-3, 1.0, 1e300] {
                assert!(exponential(Ms(tau_m), Ms(tau_syn), Pf(1.0), Ms(0.1)).is_finite());
                assert!(alpha(Ms(tau_m), Ms(tau_syn), Pf(1.0), Ms(0.1)).is_finite());
            }
        }
    }
}
