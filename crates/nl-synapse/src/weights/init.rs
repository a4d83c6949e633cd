//! How weights begin.

use nl_neuron::Real;
use nl_random::Rng;
use nl_units::Error as NeuronError;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::connectivity::reserve;

const NAME: &str = "weight init";

/// A distribution of first weights; every weight is drawn independently, by synapse number.
///
/// ```
/// use nl_synapse::WeightInit;
/// let mut rng = nl_random::Streams::new(1).rng("weights", 0, 0);
/// let weights: Vec<f32> = WeightInit::Uniform { low: 0.0, high: 0.3 }.sample(784 * 100, &mut rng)?;
/// assert!(weights.iter().all(|w| (0.0..=0.3).contains(w)));
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum WeightInit {
    /// All the same.
    Constant {
        /// That weight.
        value: f64,
    },
    /// Evenly from low to high.
    Uniform {
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
    },
    /// Normally distributed.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Normal, what lies outside set to the nearest bound: piles up there.
    ClippedNormal {
        /// Mean before clipping.
        mean: f64,
        /// Standard deviation before clipping.
        std: f64,
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
    },
    /// Normal, what lies outside drawn again: no pile, but mean and deviation change.
    TruncatedNormal {
        /// Mean before truncation.
        mean: f64,
        /// Standard deviation before truncation.
        std: f64,
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
    },
}

impl WeightInit {
    /// `n` weights.
    ///
    /// # Errors
    /// If a parameter is not finite, a deviation is negative, low is above high, a weight overflows `F`, the memory is not
    /// there, or a truncation leaves so little that 10,000 draws all lie outside.
    pub fn sample<F: Real>(&self, n: usize, rng: &mut Rng) -> Result<Vec<F>, Error> {
        self.check()?;
        let mut weights = reserve(NAME, n)?;
        let mut normal = StandardNormal { spare: None };
        for _ in 0..n {
            let w = F::from_f64(match *self {
                Self::Constant { value: w } => w,
                Self::Uniform { low, high } => {
                    let u = rng.random::<f64>();
                    (low * (1.0 - u) + high * u).clamp(low, high)
                }
                Self::Normal { mean, std } => mean + std * normal.draw(rng),
                Self::ClippedNormal { mean, std, low, high } => (mean + std * normal.draw(rng)).clamp(low, high),
                Self::TruncatedNormal { mean, std, low, high } => (0..10_000)
                    .map(|_| mean + std * normal.draw(rng))
                    .find(|w| (low..=high).contains(w))
                    .ok_or_else(|| Error::Invalid {
                        what: NAME,
                        message: format!("hardly any of normal({mean}, {std}) lies in [{low}, {high}]; widen it"),
                    })?,
            });
            NeuronError::finite(NAME, "weight", w.to_f64())?;
            weights.push(w);
        }
        Ok(weights)
    }

    fn check(&self) -> Result<(), Error> {
        let normal = |mean, std| {
            NeuronError::finite(NAME, "mean", mean)?;
            NeuronError::not_negative(NAME, "std", std)
        };
        let range = |low, high| {
            NeuronError::finite(NAME, "high", high)?;
            NeuronError::check(NAME, "low", low, |low| low <= high, "use a finite number not above high")
        };
        match *self {
            Self::Constant { value: w } => NeuronError::finite(NAME, "constant", w)?,
            Self::Uniform { low, high } => range(low, high)?,
            Self::Normal { mean, std } => normal(mean, std)?,
            Self::ClippedNormal { mean, std, low, high } | Self::TruncatedNormal { mean, std, low, high } => {
                normal(mean, std)?;
                range(low, high)?;
            }
        }
        Ok(())
    }
}

/// Standard normal numbers, drawn two at a time: z = √(−2 ln u₁) · (cos, sin)(2πu₂), u₁ in (0, 1], u₂ in [0, 1).
///
/// Source: Box & Muller, A note on the generation of random normal deviates, 1958.
struct StandardNormal {
    spare: Option<f64>,
}

impl StandardNormal {
    fn draw(&mut self, rng: &mut Rng) -> f64 {
        self.spare.take().unwrap_or_else(|| {
            let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
            let (sin, cos) = (core::f64::consts::TAU * rng.random::<f64>()).sin_cos();
            self.spare = Some(radius * sin);
            radius * cos
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;

    fn moments(init: WeightInit) -> (f64, f64) {
        let n = 40_000;
        let weights: Vec<f64> = init.sample(n, &mut Streams::new(3).rng("moments", 0, 0)).unwrap();
        let mean = weights.iter().sum::<f64>() / n as f64;
        (mean, (weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n as f64).sqrt())
    }

    /// Within five standard errors: σ/√n for the mean, about σ/√(2n) for the deviation of a normal distribution.
    #[test]
    fn moments_are_those_of_the_distribution() {
        let close = |(mean, std): (f64, f64), expected_mean: f64, expected_std: f64| {
            let error = 5.0 * expected_std / 200.0;
            assert!((mean - expected_mean).abs() < error && (std - expected_std).abs() < error, "{mean} {std}");
        };
        close(moments(WeightInit::Uniform { low: -1.0, high: 3.0 }), 1.0, 4.0 / 12.0_f64.sqrt());
        close(moments(WeightInit::Normal { mean: 2.0, std: 0.5 }), 2.0, 0.5);
        // Half-normal: mean σ√(2/π), deviation σ√(1 − 2/π); the clipped one has half of its mass at 0.
        let half = (2.0 / core::f64::consts::PI).sqrt();
        let (low, high) = (0.0, 1e9);
        let truncated = WeightInit::TruncatedNormal { mean: 0.0, std: 1.0, low, high };
        close(moments(truncated), half, (1.0 - half * half).sqrt());
        let clipped = WeightInit::ClippedNormal { mean: 0.0, std: 1.0, low, high };
        close(moments(clipped), half / 2.0, (0.5 - half * half / 4.0).sqrt());
    }

    #[test]
    fn impossible_distributions_are_refused() {
        let mut rng = Streams::new(1).rng("bad", 0, 0);
        for init in [
            WeightInit::Constant { value: f64::NAN },
            WeightInit::Constant { value: 1e300 }, // overflows f32
            WeightInit::Uniform { low: 1.0, high: 0.0 },
            WeightInit::Normal { mean: 0.0, std: -1.0 },
            WeightInit::ClippedNormal { mean: 0.0, std: 1.0, low: f64::NEG_INFINITY, high: 0.0 },
            WeightInit::TruncatedNormal { mean: 0.0, std: 1.0, low: 40.0, high: 41.0 },
        ] {
            assert!(init.sample::<f32>(3, &mut rng).is_err(), "{init:?}");
        }
        assert!(WeightInit::Constant { value: 1.0 }.sample::<f64>(usize::MAX, &mut rng).is_err());
    }
}
