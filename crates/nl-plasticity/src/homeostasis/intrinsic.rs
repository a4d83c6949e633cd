//! A threshold that holds a target rate.

use core::marker::PhantomData;

use nl_neuron::Real;
use nl_units::{Hz, Ms};
use serde::{Deserialize, Serialize};

use super::check_spikes;
use crate::Error;
use crate::memory::filled;
use crate::rules::real;

const INTRINSIC: &str = "intrinsic plasticity";

/// Intrinsic plasticity towards a target rate: θ' = η (Σ δ(t − t_spike) − ρ₀), so that θ rests where the neuron fires at ρ₀.
///
/// ```
/// use nl_plasticity::{Hz, IntrinsicPlasticity, Ms};
/// let mut theta = IntrinsicPlasticity::<f64>::new(1, 0.1, Hz(10.0), Ms(1.0))?;
/// theta.spikes(0, &[0])?;
/// assert!((theta.at(0, 0) - 0.1).abs() < 1e-15); // a spike raises it by η …
/// assert!(theta.at(100, 0).abs() < 1e-15); // … which one mean interval of silence takes back
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct IntrinsicPlasticity<F = f32> {
    eta: f64,
    rho_0: Hz,
    dt: Ms,
    /// The spikes of each neuron: exact for ever, where a sum of η would stop growing.
    counts: Vec<u64>,
    /// The first step shown.
    origin: Option<u64>,
    last: Option<u64>,
    #[serde(skip)]
    scalar: PhantomData<F>,
}

impl<F: Real> IntrinsicPlasticity<F> {
    /// θ = 0 for `n` neurons; θ rises by `eta` mV at a spike and falls by `eta` · `rho_0` in a second.
    ///
    /// # Errors
    /// If there are none, η is not finite, ρ₀ negative, or dt not positive.
    pub fn new(n: usize, eta: f64, rho_0: Hz, dt: Ms) -> Result<Self, Error> {
        nl_units::Error::population(INTRINSIC, n)?;
        real::<F>(INTRINSIC, "eta", eta)?;
        nl_units::Error::not_negative(INTRINSIC, "rho_0", rho_0.0)?;
        nl_units::Error::positive(INTRINSIC, "dt", dt.0)?;
        Ok(Self { eta, rho_0, dt, counts: filled(INTRINSIC, 0, n)?, origin: None, last: None, scalar: PhantomData })
    }

    /// Counts the spikes of step `now`; steps without any may be left out. The target counts from the first step shown.
    ///
    /// # Errors
    /// If a spike does not fit, or time runs backwards.
    pub fn spikes(&mut self, now: u64, spikes: &[u32]) -> Result<(), Error> {
        check_spikes(INTRINSIC, spikes, self.counts.len())?;
        Error::order(INTRINSIC, now, self.last)?;
        self.last = Some(now);
        self.origin.get_or_insert(now);
        for &i in spikes {
            let count = &mut self.counts[i as usize];
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// θ of neuron `i` at step `now` in mV; 0 for a neuron that does not exist.
    #[must_use]
    pub fn at(&self, now: u64, i: u32) -> F {
        let steps = now.saturating_sub(self.origin.unwrap_or(now));
        let expected = self.rho_0.0 * 1e-3 * self.dt.0 * steps as f64;
        self.counts.get(i as usize).map_or(F::ZERO, |&count| F::from_f64(self.eta * (count as f64 - expected)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10⁸ spikes at the target rate leave θ where it was, and the next spike raises it by η, in f32 too.
    #[test]
    fn a_long_life_loses_no_spike() {
        let mut theta = IntrinsicPlasticity::<f32>::new(1, 0.1, Hz(10.0), Ms(1.0)).unwrap();
        theta.spikes(0, &[0]).unwrap();
        theta.counts[0] = 100_000_000;
        assert_eq!(theta.at(10_000_000_000, 0), 0.0);
        theta.spikes(10_000_000_000, &[0]).unwrap();
        assert_eq!(theta.at(10_000_000_000, 0), 0.1);
    }

    /// A neuron that fires regularly at 40 Hz − θ ends up at ρ₀ = 10 Hz.
    #[test]
    fn the_rate_settles_at_its_target() {
        let mut theta = IntrinsicPlasticity::<f64>::new(1, 0.05, Hz(10.0), Ms(1.0)).unwrap();
        let (mut phase, mut late) = (0.0, 0);
        for now in 0..400_000 {
            phase += (40.0 - theta.at(now, 0)).max(0.0) * 1e-3;
            if phase >= 1.0 {
                phase -= 1.0;
                theta.spikes(now, &[0]).unwrap();
                late += u32::from(now >= 300_000);
            }
        }
        assert!((995..=1005).contains(&late), "{late} spikes in 100 s");
    }
}
