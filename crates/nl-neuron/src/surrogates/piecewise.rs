//! Slopes made of straight pieces.

use serde::{Deserialize, Serialize};

use super::real;
use crate::exact::select;
use crate::{Error, Float, Surrogate};

/// x, no further than `bound` from 0.
#[inline(always)]
fn within<F: Float>(x: F, bound: F) -> F {
    let x = select(x > bound, bound, x);
    select(x < -bound, -bound, x)
}

/// ψ = γ max(0, 1 − |x|/w), g = γ (x − x |x|/(2w)) within |x| ≤ w and constant beyond, ∫ψ = γ w. Even.
///
/// Source: Esser et al., Convolutional networks for fast, energy-efficient neuromorphic computing, 2016; Bellec et al.
/// 2020 (γ = 0.3, w = V_th: divide by V_th yourself if x is not in units of it). NEST sets ψ = 0 while refractory: that
/// is for the neuron to do, not for ψ.
///
/// ```
/// use nl_neuron::{Surrogate, Triangle};
/// assert_eq!(Triangle::default().slope(0.0_f64), 0.3);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Triangle {
    /// Height.
    pub gamma: f64,
    /// Half-width.
    pub width: f64,
}

impl Default for Triangle {
    fn default() -> Self {
        Self { gamma: 0.3, width: 1.0 }
    }
}

impl Surrogate for Triangle {
    fn name(&self) -> &'static str {
        "triangle"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        let height = F::ONE - x.abs() / real(self.width);
        real::<F>(self.gamma) * select(height > F::ZERO, height, F::ZERO)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let x = within(x, real(self.width));
        real::<F>(self.gamma) * (x - x * x.abs() * real(0.5 / self.width))
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "gamma", self.gamma)?;
        Error::positive(self.name(), "width", self.width)
    }
}

/// ψ = α − α² |x| within |x| ≤ 1/α, else 0; g = ½ + α x − ½ α² x |x|, then 0 or 1; ∫ψ = 1. Even.
///
/// Source: SpikingJelly `PiecewiseQuadratic` (named after g; ψ is a [`Triangle`] of height α and half-width 1/α).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PiecewiseQuadratic {
    /// Sharpness.
    pub alpha: f64,
}

impl Default for PiecewiseQuadratic {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl PiecewiseQuadratic {
    fn triangle(&self) -> Triangle {
        Triangle { gamma: self.alpha, width: 1.0 / self.alpha }
    }
}

impl Surrogate for PiecewiseQuadratic {
    fn name(&self) -> &'static str {
        "piecewise-quadratic"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        self.triangle().slope(x)
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        real::<F>(0.5) + self.triangle().primitive(x)
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)
    }
}

/// ψ = 1/(2w) within |x| ≤ w, else c; g = ½ + x/(2w) within, 1 + c (x − w) above, c (x + w) below; ∫ψ = ∞ (1 if c = 0).
/// Even; at the jumps |x| = w: 1/(2w).
///
/// Source: SpikingJelly `PiecewiseLeakyReLU`; c = 0 is the rectangle of Wu et al. 2018.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LeakyRectangle {
    /// Half-width.
    pub w: f64,
    /// Slope outside.
    pub c: f64,
}

impl Default for LeakyRectangle {
    fn default() -> Self {
        Self { w: 1.0, c: 0.01 }
    }
}

impl Surrogate for LeakyRectangle {
    fn name(&self) -> &'static str {
        "leaky-rectangle"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        select(x.abs() <= real(self.w), real(0.5 / self.w), real(self.c))
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let inner = within(x, real(self.w));
        real::<F>(0.5) + inner * real(0.5 / self.w) + real::<F>(self.c) * (x - inner)
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "w", self.w)?;
        Error::not_negative(self.name(), "c", self.c)
    }
}
