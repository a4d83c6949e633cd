//! A running estimate of firing rates.

use core::marker::PhantomData;

use nl_neuron::Real;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::check_spikes;
use crate::{Decay, Error, Trace};

const RATE: &str = "rate estimate";

/// A running estimate of each neuron's rate: τ ρ' = −ρ + Σ δ(t − t_spike), read in Hz.
///
/// ```
/// use nl_plasticity::{Ms, RateEstimate};
/// let mut rate = RateEstimate::<f64>::new(2, Ms(1000.0), Ms(1.0))?;
/// for now in 0..20_000 {
///     rate.spikes(now, if now % 50 == 0 { &[1] } else { &[] })?; // neuron 1 at 20 Hz
/// }
/// assert_eq!(rate.at(20_000, 0), 0.0);
/// assert!((rate.at(20_000, 1) - 20.0).abs() < 1.0);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct RateEstimate<F = f32> {
    /// In `f64`: with a long τ the count in it grows beyond what an f32 adds one to.
    trace: Trace<f64>,
    tau: Ms,
    dt: Ms,
    last: Option<u64>,
    #[serde(skip)]
    scalar: PhantomData<F>,
}

impl<F: Real> RateEstimate<F> {
    /// The estimate for `n` silent neurons.
    ///
    /// # Errors
    /// If there are none, or `tau` or `dt` is not positive and finite.
    pub fn new(n: usize, tau: Ms, dt: Ms) -> Result<Self, Error> {
        nl_units::Error::population(RATE, n)?;
        Decay::new(RATE, "tau", tau, dt)?;
        Ok(Self { trace: Trace::new(RATE, n)?, tau, dt, last: None, scalar: PhantomData })
    }

    fn decay(&self) -> Result<Decay, Error> {
        Ok(Decay::new(RATE, "tau", self.tau, self.dt)?)
    }

    /// Counts the spikes of step `now`; steps without any may be left out.
    ///
    /// # Errors
    /// If a spike does not fit, or time runs backwards.
    pub fn spikes(&mut self, now: u64, spikes: &[u32]) -> Result<(), Error> {
        check_spikes(RATE, spikes, self.trace.len())?;
        Error::order(RATE, now, self.last)?;
        let decay = self.decay()?;
        self.last = Some(now);
        self.trace.add_each(decay, now, spikes, 1.0);
        Ok(())
    }

    /// The rate of neuron `i` at step `now` in Hz; 0 for a neuron that does not exist.
    #[must_use]
    pub fn at(&self, now: u64, i: u32) -> f64 {
        match self.decay() {
            Ok(decay) if (i as usize) < self.trace.len() => self.trace.at(decay, now, i) * 1000.0 / self.tau.0,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_burst_decays_with_tau() {
        let mut rate = RateEstimate::<f64>::new(1, Ms(200.0), Ms(0.5)).unwrap();
        rate.spikes(10, &[0]).unwrap();
        assert_eq!(rate.at(10, 0), 5.0); // one spike in 200 ms
        assert_relative_eq!(rate.at(410, 0), 5.0 * (-1.0_f64).exp(), max_relative = 1e-14);
        assert_eq!(rate.at(410, 1), 0.0);
        assert!(rate.spikes(10, &[0]).is_err());
        assert!(rate.spikes(11, &[1]).is_err());
        assert!(RateEstimate::<f64>::new(0, Ms(1.0), Ms(1.0)).is_err());
        assert!(RateEstimate::<f64>::new(1, Ms(f64::NAN), Ms(1.0)).is_err());
    }
}
