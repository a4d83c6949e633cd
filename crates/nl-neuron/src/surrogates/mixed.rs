//! Slopes that are one-sided, constant or periodic.

use core::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::{Sigmoid, real};
use crate::exact::select;
use crate::{Error, Float, Surrogate};

/// ψ = 1, g = x, ∫ψ = ∞: the straight-through estimator. Even.
///
/// Source: Bengio, Léonard & Courville, Estimating or propagating gradients through stochastic neurons, 2013.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StraightThrough {}

impl Surrogate for StraightThrough {
    fn name(&self) -> &'static str {
        "straight-through"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, _x: F) -> F {
        F::ONE
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        x
    }
}

/// ψ = 1 where x > 0, else k; g = x above 0, k x below; ∫ψ = ∞. Not even; at x = 0: k.
///
/// Source: snnTorch `LSO` (leaky spike operator), whose function calls the stochastic operator by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LeakyRelu {
    /// Slope below 0.
    pub k: f64,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self { k: 0.1 }
    }
}

impl Surrogate for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky-relu"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        select(x > F::ZERO, F::ONE, real(self.k))
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        x * self.slope(x)
    }

    fn check(&self) -> Result<(), Error> {
        Error::not_negative(self.name(), "k", self.k)
    }
}

/// ψ = α σ(α x) (1 − σ(α x)) where x < 0, β/(1 + x) from 0 on; g = σ(α x) below, ½ + β ln(1 + x) above; ∫ψ = ∞.
/// Not even; at x = 0: β.
///
/// Source: Suetake et al., S²NN, 2022; SpikingJelly `S2NN`, whose code has the ½ (its documentation says 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct S2nn {
    /// Sharpness below 0.
    pub alpha: f64,
    /// Height above 0.
    pub beta: f64,
}

impl Default for S2nn {
    fn default() -> Self {
        Self { alpha: 4.0, beta: 1.0 }
    }
}

impl Surrogate for S2nn {
    fn name(&self) -> &'static str {
        "s2nn"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        // |x|: the branch not taken stays finite.
        select(x < F::ZERO, Sigmoid { k: self.alpha }.slope(x), real::<F>(self.beta) / (F::ONE + x.abs()))
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        let above = real::<F>(0.5) + real::<F>(self.beta) * (F::ONE + x.abs()).v_ln();
        select(x < F::ZERO, Sigmoid { k: self.alpha }.primitive(x), above)
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "alpha", self.alpha)?;
        Error::positive(self.name(), "beta", self.beta)
    }
}

/// ψ = (4/T) Σ cos(2π (2i − 1) x/T), g = ½ + (2/π) Σ sin(2π (2i − 1) x/T)/(2i − 1), both over 1 ≤ i < n: the first n − 1
/// terms of the square wave of period T. Even; periodic, with ∫ψ = 0 over a period: for |x| < T/4 only.
///
/// Source: SpikingJelly `SquarewaveFourierSeries`, whose `n` (one more than the terms) and defaults these are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Fourier {
    /// One more than the number of terms, 2 to 1025.
    pub n: u32,
    /// Period T.
    pub period: f64,
}

impl Default for Fourier {
    fn default() -> Self {
        Self { n: 2, period: 8.0 }
    }
}

impl Fourier {
    /// 2π (2i − 1) x/T and 2i − 1, for each term.
    fn phases(&self, x: f64) -> impl Iterator<Item = (f64, f64)> {
        let turn = 2.0 * PI * x / self.period;
        (1..self.n.min(1025)).map(move |i| {
            let odd = f64::from(2 * i - 1);
            (odd * turn, odd)
        })
    }
}

impl Surrogate for Fourier {
    fn name(&self) -> &'static str {
        "fourier"
    }

    #[inline(always)]
    fn slope<F: Float>(&self, x: F) -> F {
        real(4.0 / self.period * self.phases(x.to_f64()).map(|(phase, _)| phase.cos()).sum::<f64>())
    }

    #[inline(always)]
    fn primitive<F: Float>(&self, x: F) -> F {
        real(0.5 + 2.0 / PI * self.phases(x.to_f64()).map(|(phase, odd)| phase.sin() / odd).sum::<f64>())
    }

    fn check(&self) -> Result<(), Error> {
        Error::positive(self.name(), "period", self.period)?;
        Error::check(self.name(), "n", f64::from(self.n), |n| (2.0..=1025.0).contains(&n), "use 2 (one term) to 1025")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    /// SpikingJelly 2.0.0, `surrogate.py`: the sums of `squarewave_fourier_series.backward` and of
    /// `SquarewaveFourierSeries.primitive_function` (both `for i in range(1, n)`), evaluated in Python with `math`.
    #[test]
    fn fouriers_n_is_spikingjellys() {
        for (n, period, x, slope, primitive) in [
            (2, 8.0, -1.25_f64, 0.277785116509801, -0.029329995314607),
            (2, 8.0, 0.3, 0.486184960198838, 0.648615934398214),
            (2, 8.0, 2.5, -0.191341716182545, 1.088159977682403),
            (4, 8.0, -1.25, -0.11506236268375, 0.054148012944740),
            (4, 8.0, 0.0, 1.5, 0.5),
            (4, 8.0, 0.3, 1.057729659181398, 0.904065086165538),
            (8, 3.0, -1.25, -1.15470053837925, 0.026481803456773),
            (8, 3.0, 0.3, 0.66666666666667, 1.028536134380864),
        ] {
            let fourier = Fourier { n, period };
            // Fifteen digits were written down.
            assert_abs_diff_eq!(fourier.slope(x), slope, epsilon = 1e-13);
            assert_abs_diff_eq!(fourier.primitive(x), primitive, epsilon = 1e-13);
        }
        assert_eq!(Fourier::default(), Fourier { n: 2, period: 8.0 });
    }
}
