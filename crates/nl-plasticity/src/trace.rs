//! Exponentially decaying traces that cost nothing while nothing happens.

use nl_neuron::Real;
use nl_units::{Error, Ms};
use serde::{Deserialize, Serialize};

use crate::memory::filled;

/// The decay of a trace: τ x' = −x, so that over k steps x ← x e^(−k dt/τ), exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decay {
    per_step: f64,
}

impl Decay {
    /// The decay with time constant `tau`.
    ///
    /// # Errors
    /// If `tau` or `dt` is not a positive, finite time.
    pub fn new(rule: &'static str, name: &'static str, tau: Ms, dt: Ms) -> Result<Self, Error> {
        Error::positive(rule, "dt", dt.0)?;
        Error::positive(rule, name, tau.0)?;
        Error::check(rule, name, tau.0, |tau| (dt.0 / tau).is_finite(), "use a time that is not so small beside dt")?;
        Ok(Self { per_step: dt.0 / tau.0 })
    }

    /// dt/τ.
    #[must_use]
    pub fn per_step(self) -> f64 {
        self.per_step
    }

    /// e^(−steps·dt/τ).
    #[must_use]
    pub fn over(self, steps: u64) -> f64 {
        (-(steps as f64) * self.per_step).exp()
    }
}

/// One decaying value for each neuron.
///
/// The value of neuron i at step t is `scaled[i] · e^(−(t − origin) dt/τ)`: all values decay through one common factor, so
/// that reading a thousand of them costs one exponential and silence costs nothing. When the factor has become small, a
/// touch moves `origin` up to the present.
///
/// ```
/// use nl_plasticity::{Decay, Ms, Trace};
/// let decay = Decay::new("example", "tau", Ms(20.0), Ms(1.0))?;
/// let mut x = Trace::<f64>::new("example", 2)?;
/// x.add(decay, 5, 0, 1.0); // a spike of neuron 0 in step 5
/// assert_eq!(x.at(decay, 5, 0), 1.0);
/// assert!((x.at(decay, 25, 0) - (-1.0_f64).exp()).abs() < 1e-15);
/// assert_eq!(x.at(decay, 25, 1), 0.0);
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace<F> {
    scaled: Vec<F>,
    /// `None` until the first touch: a silent trace has no past.
    origin: Option<u64>,
}

impl<F: Real> Trace<F> {
    /// How small the common factor may become, as −ln, before `origin` moves: e^20 leaves `f32` far from its limits.
    const REACH: f64 = 20.0;

    /// A trace of zeros, for `rule`.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is no memory for `n` values.
    pub fn new(rule: &'static str, n: usize) -> Result<Self, Error> {
        Ok(Self { scaled: filled(rule, F::ZERO, n)?, origin: None })
    }

    /// Number of neurons.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scaled.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scaled.is_empty()
    }

    /// The common factor of step `now`: value i is [`scaled`](Self::scaled)`[i]` times this.
    #[must_use]
    pub fn factor(&self, decay: Decay, now: u64) -> F {
        F::from_f64(decay.over(now.saturating_sub(self.origin.unwrap_or(now))))
    }

    /// The values without the common factor.
    #[must_use]
    pub fn scaled(&self) -> &[F] {
        &self.scaled
    }

    /// All values at step `now`.
    #[must_use]
    pub fn values(&self, decay: Decay, now: u64) -> Vec<F> {
        let factor = self.factor(decay, now);
        self.scaled.iter().map(|&x| x * factor).collect()
    }

    /// The value of neuron `i` at step `now`.
    ///
    /// # Panics
    /// If a neuron is not below [`len`](Self::len): check what a user gives first ([`Activity::check`](crate::Activity::check)).
    #[must_use]
    pub fn at(&self, decay: Decay, now: u64, i: u32) -> F {
        self.scaled[i as usize] * self.factor(decay, now)
    }

    /// Adds `jump` to the value of neuron `i` at step `now`.
    ///
    /// # Panics
    /// If a neuron is not below [`len`](Self::len): check what a user gives first ([`Activity::check`](crate::Activity::check)).
    pub fn add(&mut self, decay: Decay, now: u64, i: u32, jump: F) {
        let growth = self.touch(decay, now);
        self.scaled[i as usize] += jump * growth;
    }

    /// Sets the value of neuron `i` at step `now`.
    ///
    /// # Panics
    /// If a neuron is not below [`len`](Self::len): check what a user gives first ([`Activity::check`](crate::Activity::check)).
    pub fn set(&mut self, decay: Decay, now: u64, i: u32, value: F) {
        let growth = self.touch(decay, now);
        self.scaled[i as usize] = value * growth;
    }

    /// Adds `jump` to the values of `neurons` at step `now`.
    ///
    /// # Panics
    /// If a neuron is not below [`len`](Self::len): check what a user gives first ([`Activity::check`](crate::Activity::check)).
    pub fn add_each(&mut self, decay: Decay, now: u64, neurons: &[u32], jump: F) {
        if !neurons.is_empty() {
            let jump = jump * self.touch(decay, now);
            for &i in neurons {
                self.scaled[i as usize] += jump;
            }
        }
    }

    /// Sets the values of `neurons` at step `now`.
    ///
    /// # Panics
    /// If a neuron is not below [`len`](Self::len): check what a user gives first ([`Activity::check`](crate::Activity::check)).
    pub fn set_each(&mut self, decay: Decay, now: u64, neurons: &[u32], value: F) {
        if !neurons.is_empty() {
            let value = value * self.touch(decay, now);
            for &i in neurons {
                self.scaled[i as usize] = value;
            }
        }
    }

    /// 1 / factor, after moving `origin` up if the factor had become small.
    fn touch(&mut self, decay: Decay, now: u64) -> F {
        let origin = *self.origin.get_or_insert(now);
        let reach = now.saturating_sub(origin) as f64 * decay.per_step;
        if reach > Self::REACH {
            let factor = F::from_f64((-reach).exp());
            for x in &mut self.scaled {
                *x *= factor;
            }
            self.origin = Some(now);
            return F::ONE;
        }
        F::from_f64(reach.exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::abs_diff_eq;

    /// Against a trace that is decayed in every step.
    #[test]
    fn equals_the_trace_decayed_step_by_step() {
        let (tau, dt) = (Ms(3.0), Ms(0.5));
        let decay = Decay::new("test", "tau", tau, dt).unwrap();
        let mut lazy = Trace::<f64>::new("test", 1).unwrap();
        let mut eager = 0.0;
        for now in 0..2000 {
            eager *= (-dt.0 / tau.0).exp();
            if now % 97 == 3 || now % 5 == 0 && now < 200 {
                lazy.add(decay, now, 0, 0.7);
                eager += 0.7;
            }
            // 400 additions, each rounded.
            assert!(abs_diff_eq!(lazy.at(decay, now, 0), eager, epsilon = 1e-12 * (1.0 + eager)), "step {now}");
        }
    }

    #[test]
    fn a_late_start_gives_the_same_bits() {
        let decay = Decay::new("test", "tau", Ms(20.0), Ms(0.1)).unwrap();
        let run = |start: u64| {
            let mut x = Trace::<f32>::new("test", 1).unwrap();
            x.add(decay, start, 0, 1.0);
            x.add(decay, start + 77, 0, 1.0);
            x.at(decay, start + 200, 0)
        };
        assert_eq!(run(0).to_bits(), run(1 << 40).to_bits());
    }
}
