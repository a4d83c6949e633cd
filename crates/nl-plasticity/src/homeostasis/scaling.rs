//! Multiplicative scaling of all of a neuron's weights towards a target rate.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::{Hz, Ms};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::rules::Clip;

const SCALING: &str = "synaptic scaling";

/// Parameters of [`SynapticScaling`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SynapticScalingParameters {
    /// Time constant for a rate that is 1 Hz off target.
    pub tau: Ms,
    /// Target rate ρ₀.
    pub rho_0: Hz,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

impl Default for SynapticScalingParameters {
    fn default() -> Self {
        Self { tau: Ms(1e5), rho_0: Hz(5.0), w_min: 0.0, w_max: 1.0 }
    }
}

/// Synaptic scaling: τ w_ij' = w_ij (ρ₀ − ρ_j), so that w ← w e^{(ρ₀ − ρ_j) T/τ} over a time T; rates in Hz.
///
/// All weights of a neuron are multiplied alike, so that their ratios stay. Clipped to [w_min, w_max].
///
/// Source: Turrigiano et al. 1998; van Rossum, Bi & Turrigiano 2000 (its proportional part).
///
/// ```
/// use nl_plasticity::{Ms, SynapticScaling, SynapticScalingParameters};
/// use nl_synapse::{Dense, Weights};
/// let scaling = SynapticScaling::<f64>::new(SynapticScalingParameters::default())?;
/// let mut weights = Dense::new(1, 2, vec![0.5, 0.5])?;
/// scaling.apply(&[5.0, 9.0], Ms(1000.0), &mut weights)?; // at target, too fast
/// assert_eq!(weights.weights(), &[0.5, 0.5 * (-4.0_f64 * 0.01).exp()]);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SynapticScaling<F = f32> {
    parameters: SynapticScalingParameters,
    clip: Clip<F>,
}

impl<F: Real> SynapticScaling<F> {
    /// The rule with these parameters.
    ///
    /// # Errors
    /// If a value is not finite, τ not positive, ρ₀ negative, or w_min above w_max.
    pub fn new(parameters: SynapticScalingParameters) -> Result<Self, Error> {
        let p = parameters;
        nl_units::Error::positive(SCALING, "tau", p.tau.0)?;
        nl_units::Error::not_negative(SCALING, "rho_0", p.rho_0.0)?;
        Ok(Self { parameters, clip: Clip::new(SCALING, p.w_min, p.w_max)? })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &SynapticScalingParameters {
        &self.parameters
    }

    /// Scales the weights for a time `elapsed` during which the post neurons fired at `rates`, `[post]`, in Hz.
    ///
    /// # Errors
    /// If `rates` does not fit, a value is negative or not finite, or a factor overflows; then nothing has changed.
    pub fn apply<W: Weights<F>>(&self, rates: &[f64], elapsed: Ms, weights: &mut W) -> Result<(), Error> {
        nl_units::Error::length(SCALING, "rates", weights.post(), rates.len())?;
        nl_units::Error::not_negative(SCALING, "elapsed", elapsed.0)?;
        let factor = |rate: f64| {
            let growth = (self.parameters.rho_0.0 - rate) * (elapsed.0 / self.parameters.tau.0);
            F::from_f64(growth.exp())
        };
        for &rate in rates {
            nl_units::Error::not_negative(SCALING, "rate", rate)?;
            let expected = "use a time beside which tau is not so short: weights would grow beyond all numbers";
            nl_units::Error::check(SCALING, "elapsed", elapsed.0, |_| factor(rate).is_finite(), expected)?;
        }
        for (j, &rate) in rates.iter().enumerate() {
            let factor = factor(rate);
            weights.for_incoming(j as u32, |_, _, w| *w = self.clip.of(*w * factor));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq, assert_ulps_eq};
    use nl_synapse::{Csr, Dense, Sparse};

    /// A neuron whose rate is proportional to its summed weight settles at ρ₀, whatever the step, with ratios kept.
    #[test]
    fn the_rate_settles_at_its_target() {
        let scaling = SynapticScaling::<f64>::new(SynapticScalingParameters::default()).unwrap();
        let mut weights = Dense::new(2, 1, vec![0.1, 0.3]).unwrap();
        for _ in 0..3000 {
            let rate = 20.0 * weights.weights().iter().sum::<f64>();
            scaling.apply(&[rate], Ms(200.0), &mut weights).unwrap();
        }
        // What is left of the approach after 600 s; the ratio keeps only the rounding of 3000 products.
        assert_abs_diff_eq!(20.0 * (weights.weights()[0] + weights.weights()[1]), 5.0, epsilon = 1e-6);
        assert_relative_eq!(weights.weights()[1] / weights.weights()[0], 3.0, max_relative = 3e-10);
    }

    #[test]
    fn two_short_times_are_one_long_one_on_sparse_too() {
        let scaling = SynapticScaling::<f64>::new(SynapticScalingParameters::default()).unwrap();
        let csr = Csr::from_edges(2, 2, &[(0, 0), (1, 1)]).unwrap();
        let mut twice = Sparse::new(csr, vec![0.5, 0.4]).unwrap();
        let mut once = twice.clone();
        scaling.apply(&[7.0, 2.0], Ms(1000.0), &mut twice).unwrap();
        scaling.apply(&[7.0, 2.0], Ms(1000.0), &mut twice).unwrap();
        scaling.apply(&[7.0, 2.0], Ms(2000.0), &mut once).unwrap();
        for (a, b) in twice.weights().iter().zip(once.weights()) {
            assert_ulps_eq!(a, b, max_ulps = 8);
        }
        assert!(scaling.apply(&[7.0], Ms(1.0), &mut once).is_err());
        assert!(scaling.apply(&[7.0, f64::NAN], Ms(1.0), &mut once).is_err());
        assert!(scaling.apply(&[7.0, 1.0], Ms(-1.0), &mut once).is_err());
    }
}
