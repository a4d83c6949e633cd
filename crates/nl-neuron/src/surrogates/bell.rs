//! Slopes with exponential tails; e^(−|…|) never overflows, where e^(…) of the textbook forms does.

use core::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::{real, sign};
use crate::exact::select;
use crate::{Error, Float, Surrogate};

/// ψ = k σ(k x) (1 − σ(k x)), g = σ(k x) = 1/(1 + e^(−k x)), ∫ψ = 1. Even.
///
/// Computed as k e/(1 + e)² with e = e^(−k |x|) (snnTorch's form overflows to NaN, its issue 427). k = 4 is SpikingJelly's
/// default; snnTorch has 25.
///
/// ```
/// use nl_neuron::{Sigmoid, Surrogate};
/// assert_eq!(Sigmoid { k: 25.0 }.slope(-1000.0_f32), 0.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Sigmoid {
    /// Sharpness.
    pub k: f64,
}

impl Default for Sigmoid {
    fn default() -> Self {
        Self { k: 4.0 }
    }
}

impl Surrogate for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let k = real::<F>(self.k);
        let e = (-k * x.abs()).v_exp();
        let d = F::ONE + e;
        k * e / (d * d)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let e = (-real::<F>(self.k) * x.abs()).v_exp();
        select(x < F::ZERO, e, F::ONE) / (F::ONE + e)
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "k", self.k)
    }
}

/// ψ = 1 − tanh²(k x), g = tanh(k x)/k, ∫ψ = 2/k. Even.
///
/// Source: Norse `tanh`, whose ψ is 2/k times the derivative of the primitive it states; here both agree. k = 1 is our
/// choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Tanh {
    /// Sharpness.
    pub k: f64,
}

impl Default for Tanh {
    fn default() -> Self {
        Self { k: 1.0 }
    }
}

impl Surrogate for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let e = (real::<F>(-2.0 * self.k) * x.abs()).v_exp();
        let d = F::ONE + e;
        real::<F>(4.0) * e / (d * d)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let k = real::<F>(self.k);
        (k * x).v_tanh() / k
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "k", self.k)
    }
}

/// ψ = (α/√π) e^(−α² x²), a Gaussian; g = ½ (1 + erf(α x)), ∫ψ = 1. Even.
///
/// Source: SpikingJelly `Erf`. Norse's `gaussian` is (2/√π) e^(−k² x²): 2/k times this with α = k.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Erf {
    /// Sharpness; the standard deviation is 1/(α √2).
    pub alpha: f64,
}

impl Default for Erf {
    fn default() -> Self {
        Self { alpha: 2.0 }
    }
}

impl Surrogate for Erf {
    fn name(&self) -> &'static str {
        "erf"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let y = real::<F>(self.alpha) * x;
        real::<F>(self.alpha / PI.sqrt()) * (-(y * y)).v_exp()
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        real::<F>(0.5) * (F::ONE + (real::<F>(self.alpha) * x).v_erf())
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)
    }
}

/// ψ = γ e^(−β |x|), g = (γ/β) sign(x) (1 − e^(−β |x|)), ∫ψ = 2γ/β. Even.
///
/// Source: Shrestha & Orchard, SLAYER, 2018; NEST (γ = 0.3, β = 1, the defaults here). SpikingJelly's `PiecewiseExp`
/// with α is γ = α/2, β = α.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Exponential {
    /// Height.
    pub gamma: f64,
    /// Sharpness.
    pub beta: f64,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { gamma: 0.3, beta: 1.0 }
    }
}

impl Surrogate for Exponential {
    fn name(&self) -> &'static str {
        "exponential"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        real::<F>(self.gamma) * (-real::<F>(self.beta) * x.abs()).v_exp()
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        real::<F>(self.gamma / self.beta) * sign(x) * (F::ONE - (-real::<F>(self.beta) * x.abs()).v_exp())
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "gamma", self.gamma)?;
        Error::positive(self.name(), "beta", self.beta)
    }
}

/// ψ = k e^(−β |x − 1|), g = (k/β) sign(x − 1) (1 − e^(−β |x − 1|)), ∫ψ = 2k/β. Even about **1**.
///
/// Source: snnTorch `SpikeRateEscape`, after Wulfram Gerstner's escape rate; the shift by 1 is that library's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct EscapeRate {
    /// Sharpness.
    pub beta: f64,
    /// Height.
    pub k: f64,
}

impl Default for EscapeRate {
    fn default() -> Self {
        Self { beta: 1.0, k: 25.0 }
    }
}

impl EscapeRate {
    fn centred(&self) -> Exponential {
        Exponential { gamma: self.k, beta: self.beta }
    }
}

impl Surrogate for EscapeRate {
    fn name(&self) -> &'static str {
        "escape-rate"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        self.centred().slope(x - F::ONE)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        self.centred().primitive(x - F::ONE)
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "beta", self.beta)?;
        Error::positive(self.name(), "k", self.k)
    }
}
