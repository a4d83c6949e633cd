//! Decays that are slow beside the time step: what a scalar can follow, and how slower ones are followed all the same.
//!
//! x ← x e^(−r), r = dt/τ, in a scalar whose numbers near 1 are ε apart: the factor is off by up to ε/4 and the product is
//! rounded by up to ε/2, in the same direction for many steps, so that the *rate* is off by up to ¾ ε/r of itself. What
//! decays from x₀ is then off by up to x₀/e · ¾ ε/r at some time; and a potential that decays towards a V∞ other than 0
//! stops |V∞| ε/2r before it. With r ≥ 100 ε both stay below 1 %: [`decay`] refuses slower ones with [`Error::TooSlow`],
//! which says how long τ may be. In f32 (ε = 1.2 · 10⁻⁷) that is 8.4 s at steps of 0.1 ms, in f64 142 years.
//!
//! Adaptation may be slower than that and mean it (a threshold that sinks over hours). There x loses x (1 − e^(−r)),
//! which is a good number whatever r is, and what rounding keeps out of x is carried to the next step (Kahan, Further
//! remarks on reducing truncation errors, 1965): [`Alif`](crate::Alif), [`Mat2`](crate::Mat2), [`Gif`](crate::Gif) and
//! [`DiehlCook`](crate::DiehlCook) do so.

use crate::exact::{scalar, select};
use crate::{Error, Ms, Real};

/// Units in the last place of 1 that a step's loss must have.
const LEAST_LOSS: f64 = 100.0;

/// Whether `F` can follow a decay of this time constant by multiplication.
pub(crate) fn follows<F: Real>(tau: Ms, dt: Ms) -> bool {
    dt.0 / tau.0 >= LEAST_LOSS * F::EPSILON.to_f64()
}

/// `Ok` if the scalar `F` can follow a decay with this time constant in steps of `dt`, within 1 % of where it starts.
///
/// # Errors
/// [`Error::Parameter`] if a time is not positive, [`Error::TooSlow`] with the longest time constant that can be followed.
pub fn check<F: Real>(model: &'static str, name: &'static str, tau: Ms, dt: Ms) -> Result<(), Error> {
    Error::positive(model, name, tau.0)?;
    Error::positive(model, "dt", dt.0)?;
    if follows::<F>(tau, dt) {
        return Ok(());
    }
    let longest = Ms(dt.0 / (LEAST_LOSS * F::EPSILON.to_f64()));
    Err(Error::TooSlow { model, name, tau, dt, longest, scalar: core::any::type_name::<F>() })
}

/// e^(−dt/τ) in the scalar `F`: what a variable is multiplied with in each step.
///
/// ```
/// use nl_neuron::{Error, Ms, slow};
/// assert!(slow::decay::<f32>("receptor", "tau", Ms(100.0), Ms(0.1))? < 1.0);
/// let refused = slow::decay::<f32>("receptor", "tau", Ms(1e6), Ms(0.1)).unwrap_err();
/// assert!(matches!(refused, Error::TooSlow { longest: Ms(ms), .. } if (8000.0..9000.0).contains(&ms)));
/// assert!(slow::decay::<f64>("receptor", "tau", Ms(1e6), Ms(0.1)).is_ok());
/// # Ok::<(), nl_neuron::Error>(())
/// ```
///
/// # Errors
/// As [`check`].
pub fn decay<F: Real>(model: &'static str, name: &'static str, tau: Ms, dt: Ms) -> Result<F, Error> {
    check::<F>(model, name, tau, dt)?;
    scalar(model, name, (-dt.0 / tau.0).exp())
}

/// A decay of any time constant: by multiplication where the scalar can follow that, else by losses carried on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AnyDecay<F> {
    /// e^(−dt/τ)
    factor: F,
    /// 1 − e^(−dt/τ)
    loss: F,
    /// Whether the losses are carried on.
    pub(crate) carries: bool,
}

impl<F: Real> AnyDecay<F> {
    pub(crate) fn new(model: &'static str, name: &'static str, tau: Ms, dt: Ms) -> Result<Self, Error> {
        Error::positive(model, name, tau.0)?;
        Error::positive(model, "dt", dt.0)?;
        Ok(Self {
            factor: scalar(model, name, (-dt.0 / tau.0).exp())?,
            loss: scalar(model, name, -(-dt.0 / tau.0).exp_m1())?,
            carries: !follows::<F>(tau, dt),
        })
    }

    /// `x` after the decay of one step, before its jump.
    #[inline(always)]
    pub(crate) fn times(self, x: F) -> F {
        x * self.factor
    }

    /// How `x` changes in one step by its decay and by what was left over of the last.
    #[inline(always)]
    pub(crate) fn change(self, x: F, residue: F) -> F {
        residue - x * self.loss
    }
}

/// x + change, and what of the change rounding has kept out of it.
#[inline(always)]
pub(crate) fn carry<F: Real>(x: F, change: F) -> (F, F) {
    let next = x + change;
    (next, change - (next - x))
}

/// The decayed value that a threshold sees, before the jump of a spike.
#[inline(always)]
pub(crate) fn decayed<F: Real, const CARRY: bool>(decay: AnyDecay<F>, x: F, residue: F) -> F {
    if CARRY { x + decay.change(x, residue) } else { decay.times(x) }
}

/// The next value and residue, where a spike adds `jump` to the `decayed` value.
#[inline(always)]
pub(crate) fn raised<F: Real, const CARRY: bool>(
    decay: AnyDecay<F>,
    (x, residue): (F, F),
    decayed: F,
    jump: F,
    fire: bool,
) -> (F, F) {
    if CARRY {
        let change = decay.change(x, residue);
        carry(x, select(fire, change + jump, change))
    } else {
        (select(fire, decayed + jump, decayed), residue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest distance from x₀ e^(−t/τ), as part of x₀, over a million steps.
    fn worst(tau: f64, step: impl Fn(f32, f32) -> (f32, f32)) -> f64 {
        let (mut x, mut residue, mut worst) = (20.0_f32, 0.0_f32, 0.0_f64);
        for k in 1..=1_000_000 {
            (x, residue) = step(x, residue);
            let exact = 20.0 * (-0.1 * f64::from(k) / tau).exp();
            worst = worst.max((f64::from(x) - exact).abs() / 20.0);
        }
        worst
    }

    #[test]
    fn what_is_not_refused_is_followed_to_one_part_in_a_hundred() {
        let longest = 0.1 / (100.0 * f64::from(f32::EPSILON));
        for tau in [10.0, 100.0, 200.0, 1000.0, 3000.0, 0.999 * longest] {
            let factor = decay::<f32>("test", "tau", Ms(tau), Ms(0.1)).unwrap();
            let worst = worst(tau, |x, residue| (x * factor, residue));
            assert!(worst < 0.01, "{tau}: {worst}");
        }
        for tau in [1.001 * longest, 1e6, 1e12, 1e300] {
            let error = decay::<f32>("test", "tau", Ms(tau), Ms(0.1)).unwrap_err();
            assert!(matches!(error, Error::TooSlow { longest: Ms(ms), .. } if ms == longest), "{error}");
            assert!(error.to_string().contains("f32") && error.to_string().contains("use at most"), "{error}");
        }
    }

    #[test]
    fn what_is_carried_is_followed_whatever_the_time_constant() {
        for tau in [200.0, 1e4, 1e5, 1e6, 1e7, 1e9] {
            let decay = AnyDecay::<f32>::new("test", "tau", Ms(tau), Ms(0.1)).unwrap();
            let worst = worst(tau, |x, residue| carry(x, decay.change(x, residue)));
            // The last place of x, and its loss rounded to 24 bits a million times.
            assert!(worst < 3e-7, "{tau}: {worst}");
        }
    }
}
