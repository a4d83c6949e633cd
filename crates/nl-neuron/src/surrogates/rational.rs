//! Slopes with power-law tails.

use core::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::{real, sign};
use crate::exact::select;
use crate::{Error, Float, Surrogate};

/// ψ = 1/(1 + k |x|)², g = x/(1 + k |x|), ∫ψ = 2/k. Even.
///
/// Source: Zenke & Ganguli, SuperSpike, 2018, up to a factor; k = 25 in snnTorch, 100 in Norse (there as
/// `super`); NEST's documentation drops the −1 of the power, its code has it.
///
/// ```
/// use nl_neuron::{FastSigmoid, Surrogate};
/// assert_eq!(FastSigmoid { k: 1.0 }.slope(1.0_f64), 0.25);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FastSigmoid {
    /// Sharpness.
    pub k: f64,
}

impl Default for FastSigmoid {
    fn default() -> Self {
        Self { k: 25.0 }
    }
}

impl Surrogate for FastSigmoid {
    fn name(&self) -> &'static str {
        "fast-sigmoid"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let d = F::ONE + real::<F>(self.k) * x.abs();
        F::ONE / (d * d)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        x / (F::ONE + real::<F>(self.k) * x.abs())
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "k", self.k)
    }
}

/// ψ = α/(1 + |x|)², g = α x/(1 + |x|), ∫ψ = 2α. Even.
///
/// What SpikingJelly calls `SuperSpike`: α scales the height, where k of [`FastSigmoid`] (the paper's) scales x.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SuperSpike {
    /// Height.
    pub alpha: f64,
}

impl Default for SuperSpike {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Surrogate for SuperSpike {
    fn name(&self) -> &'static str {
        "super-spike"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let d = F::ONE + x.abs();
        real::<F>(self.alpha) / (d * d)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        real::<F>(self.alpha) * x / (F::ONE + x.abs())
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)
    }
}

/// ψ = α/(2 (1 + α |x|)²), g = ½ (1 + α x/(1 + α |x|)), ∫ψ = 1. Even.
///
/// Source: SpikingJelly `SoftSign`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SoftSign {
    /// Sharpness.
    pub alpha: f64,
}

impl Default for SoftSign {
    fn default() -> Self {
        Self { alpha: 2.0 }
    }
}

impl Surrogate for SoftSign {
    fn name(&self) -> &'static str {
        "soft-sign"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let alpha = real::<F>(self.alpha);
        let d = F::ONE + alpha * x.abs();
        alpha * real(0.5) / (d * d)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let y = real::<F>(self.alpha) * x;
        real::<F>(0.5) * (F::ONE + y / (F::ONE + y.abs()))
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)
    }
}

/// ψ = 1/(1 + k |x|)² where x > b, else 0; ∫ψ = 1/k − b/(1 + k |b|). Not even; at the jump x = b: 0.
///
/// g = x/(1 + k |x|) − b/(1 + k |b|) above b, 0 below. Source: Perez-Nieves & Goodman, Sparse spiking gradient descent,
/// 2021; snnTorch `SFS` (k = 25, b = 1: with x = V − V_th only potentials at least 1 above threshold pass any gradient).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SparseFastSigmoid {
    /// Sharpness.
    pub k: f64,
    /// Where the slope begins.
    pub b: f64,
}

impl Default for SparseFastSigmoid {
    fn default() -> Self {
        Self { k: 25.0, b: 1.0 }
    }
}

impl Surrogate for SparseFastSigmoid {
    fn name(&self) -> &'static str {
        "sparse-fast-sigmoid"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        select(x > real(self.b), FastSigmoid { k: self.k }.slope(x), F::ZERO)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let (fast, b) = (FastSigmoid { k: self.k }, real::<F>(self.b));
        select(x > b, fast.primitive(x) - fast.primitive(b), F::ZERO)
    }

    fn check(&self) -> Result<(), Error> {
        Error::finite(self.name(), "b", self.b)?;
        Error::positive(self.name(), "k", self.k)
    }
}

/// ψ = (α/2)/(1 + (π α x/2)²), g = ½ + (1/π) arctan(π α x/2), ∫ψ = 1. Even.
///
/// Source: Fang et al., Incorporating learnable membrane time constant, 2021; snnTorch's default (its docstring says
/// 1/π where its code has α/2, as here).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Arctan {
    /// Sharpness.
    pub alpha: f64,
}

impl Default for Arctan {
    fn default() -> Self {
        Self { alpha: 2.0 }
    }
}

impl Surrogate for Arctan {
    fn name(&self) -> &'static str {
        "arctan"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let y = real::<F>(0.5 * PI * self.alpha) * x;
        real::<F>(0.5 * self.alpha) / (F::ONE + y * y)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        real(0.5 + (0.5 * PI * self.alpha * x.to_f64()).atan() / PI)
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)
    }
}

/// ψ = α³/(α² + x²)^(3/2), g = α x/√(α² + x²), ∫ψ = 2α. Even.
///
/// Source: Norse `circ`, whose ψ is 2α times the derivative of the primitive it states; here both agree. α = 1 is our
/// choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Circ {
    /// Width.
    pub alpha: f64,
}

impl Default for Circ {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Surrogate for Circ {
    fn name(&self) -> &'static str {
        "circ"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let y = x / real(self.alpha);
        let d = F::ONE + y * y;
        F::ONE / (d * d.sqrt())
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let y = x / real(self.alpha);
        x / (F::ONE + y * y).sqrt()
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)
    }
}

/// ψ = (1 + 2 |x|/(α − 1))^(−α), α > 1; g = ½ (1 + 2 |x|/(α − 1))^(1 − α) below 0, 1 minus that above; ∫ψ = 1. Even.
///
/// Source: Herranz-Celotti & Rouat, Surrogate gradients design, 2022; SpikingJelly `QPseudoSpike`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct QPseudoSpike {
    /// Power of the tail.
    pub alpha: f64,
}

impl Default for QPseudoSpike {
    fn default() -> Self {
        Self { alpha: 2.0 }
    }
}

impl Surrogate for QPseudoSpike {
    fn name(&self) -> &'static str {
        "q-pseudo-spike"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let base = F::ONE + real::<F>(2.0 / (self.alpha - 1.0)) * x.abs();
        (real::<F>(-self.alpha) * base.v_ln()).v_exp()
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let base = F::ONE + real::<F>(2.0 / (self.alpha - 1.0)) * x.abs();
        let tail = real::<F>(0.5) * (real::<F>(1.0 - self.alpha) * base.v_ln()).v_exp();
        select(x < F::ZERO, tail, F::ONE - tail)
    }

    fn check(&self) -> Result<(), Error> {
        Error::check(self.name(), "alpha", self.alpha, |a| a > 1.0, "use a finite number above 1")
    }
}

/// ψ = 1/(1/α + |x|), g = sign(x) ln(1 + α |x|), ∫ψ = ∞. Even.
///
/// Source: SpikingJelly `NonzeroSignLogAbs`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LogAbs {
    /// Height at 0.
    pub alpha: f64,
}

impl Default for LogAbs {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Surrogate for LogAbs {
    fn name(&self) -> &'static str {
        "log-abs"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let alpha = real::<F>(self.alpha);
        alpha / (F::ONE + alpha * x.abs())
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        sign(x) * (F::ONE + real::<F>(self.alpha) * x.abs()).v_ln()
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)
    }
}
