//! A threshold that rises with each spike.

use core::marker::PhantomData;

use nl_neuron::Real;
use nl_units::{Ms, Mv};
use serde::{Deserialize, Serialize};

use super::check_spikes;
use crate::rules::real;
use crate::{Decay, Error, Trace};

const THRESHOLD: &str = "adaptive threshold";

/// Parameters of [`AdaptiveThreshold`]; the defaults are Diehl and Cook's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AdaptiveThresholdParameters {
    /// Rise of θ by each spike.
    pub theta_plus: Mv,
    /// Time constant of θ's decay.
    pub tau_theta: Ms,
}

impl Default for AdaptiveThresholdParameters {
    fn default() -> Self {
        Self { theta_plus: Mv(0.05), tau_theta: Ms(1e7) }
    }
}

/// Adaptive threshold: τ_θ θ' = −θ, θ += θ₊ at a spike; the neuron's threshold is V_th + θ.
///
/// State of its own, decayed when touched, for neurons that do not adapt themselves. Source: Diehl & Cook 2015.
///
/// ```
/// use nl_plasticity::{AdaptiveThreshold, AdaptiveThresholdParameters, Ms};
/// let mut theta = AdaptiveThreshold::<f64>::new(2, AdaptiveThresholdParameters::default(), Ms(0.5))?;
/// theta.spikes(3, &[1])?;
/// assert_eq!(theta.at(3, 1), 0.05);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct AdaptiveThreshold<F = f32> {
    parameters: AdaptiveThresholdParameters,
    dt: Ms,
    /// In `f64`: beside a θ of 100 mV an f32 rounds the jump of 0.05 mV by up to a ten-thousandth, always the same way.
    theta: Trace<f64>,
    last: Option<u64>,
    #[serde(skip)]
    scalar: PhantomData<F>,
}

impl<F: Real> AdaptiveThreshold<F> {
    /// θ = 0 for `n` neurons.
    ///
    /// # Errors
    /// If there are none, θ₊ is not finite, or a time not positive and finite.
    pub fn new(n: usize, parameters: AdaptiveThresholdParameters, dt: Ms) -> Result<Self, Error> {
        nl_units::Error::population(THRESHOLD, n)?;
        real::<F>(THRESHOLD, "theta_plus", parameters.theta_plus.0)?;
        Decay::new(THRESHOLD, "tau_theta", parameters.tau_theta, dt)?;
        Ok(Self { parameters, dt, theta: Trace::new(THRESHOLD, n)?, last: None, scalar: PhantomData })
    }

    fn decay(&self) -> Result<Decay, nl_units::Error> {
        Decay::new(THRESHOLD, "tau_theta", self.parameters.tau_theta, self.dt)
    }

    /// Raises θ of those that spiked in step `now`; steps without spikes may be left out.
    ///
    /// # Errors
    /// If a spike does not fit, or time runs backwards.
    pub fn spikes(&mut self, now: u64, spikes: &[u32]) -> Result<(), Error> {
        check_spikes(THRESHOLD, spikes, self.theta.len())?;
        Error::order(THRESHOLD, now, self.last)?;
        let decay = self.decay()?;
        self.last = Some(now);
        self.theta.add_each(decay, now, spikes, self.parameters.theta_plus.0);
        Ok(())
    }

    /// θ of neuron `i` at step `now` in mV; 0 for a neuron that does not exist.
    #[must_use]
    pub fn at(&self, now: u64, i: u32) -> F {
        match self.decay() {
            Ok(decay) if (i as usize) < self.theta.len() => F::from_f64(self.theta.at(decay, now, i)),
            _ => F::ZERO,
        }
    }

    /// θ of all neurons at step `now` in mV; `theta` is `[n]`.
    ///
    /// # Errors
    /// If `theta` does not fit.
    pub fn read(&self, now: u64, theta: &mut [F]) -> Result<(), Error> {
        nl_units::Error::length(THRESHOLD, "theta", self.theta.len(), theta.len())?;
        let factor = self.theta.factor(self.decay()?, now);
        for (out, &scaled) in theta.iter_mut().zip(self.theta.scaled()) {
            *out = F::from_f64(scaled * factor);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn theta_adds_up_and_decays() {
        let p = AdaptiveThresholdParameters { theta_plus: Mv(2.0), tau_theta: Ms(50.0) };
        let mut theta = AdaptiveThreshold::<f64>::new(2, p, Ms(0.5)).unwrap();
        theta.spikes(0, &[0]).unwrap();
        theta.spikes(100, &[0]).unwrap();
        let mut all = [0.0; 2];
        theta.read(200, &mut all).unwrap();
        let expected = 2.0 * ((-2.0_f64).exp() + (-1.0_f64).exp());
        assert_relative_eq!(all[0], expected, max_relative = 1e-14);
        assert_eq!(all[1], 0.0);
        assert_eq!(theta.at(200, 0), all[0]);
        assert!(theta.read(200, &mut [0.0]).is_err());
        assert!(theta.spikes(100, &[0]).is_err());
        let hostile = AdaptiveThresholdParameters { theta_plus: Mv(f64::INFINITY), ..p };
        assert!(AdaptiveThreshold::<f64>::new(2, hostile, Ms(0.5)).is_err());
    }
}
