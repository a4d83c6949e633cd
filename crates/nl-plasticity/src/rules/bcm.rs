//! The rule of Bienenstock, Cooper and Munro.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::Clip;
use crate::memory::filled;
use crate::rate::{check_populations, check_rates};
use crate::{Decay, Error, RateRule, TraceOf, TraceValues};

const NAME: &str = "bcm";

/// What the sliding threshold follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BcmThreshold {
    /// θ = ⟨y²⟩ (Intrator & Cooper 1992): stable.
    #[default]
    MeanSquare,
    /// θ = ⟨y⟩ (Nengo).
    Mean,
}

/// Parameters of [`Bcm`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BcmParameters {
    /// Learning rate η of one update: the change at x = 1, y (y − θ) = 1, in the `amplitude_unit`.
    pub eta: f64,
    /// Time constant of the sliding threshold.
    pub tau_theta: Ms,
    /// What the threshold follows.
    pub threshold: BcmThreshold,
    /// What η is measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

impl Default for BcmParameters {
    fn default() -> Self {
        Self {
            eta: 1e-4,
            tau_theta: Ms(1000.0),
            threshold: BcmThreshold::MeanSquare,
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 10.0,
        }
    }
}

/// BCM: Δw_ij = η x_i y_j (y_j − θ_j), clipped to [w_min, w_max]; τ_θ θ' = −θ + y² (or y, see [`BcmThreshold`]).
///
/// η is in the unit of the weight (for x and y without unit), or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]). Its
/// one trace is `theta`.
///
/// One update each dt; the threshold is read before it follows. Above θ a neuron's active inputs grow, below it they
/// shrink, and θ slides: the neuron becomes selective.
///
/// Source: Bienenstock, Cooper & Munro 1982; Intrator & Cooper 1992.
///
/// ```
/// use nl_plasticity::{Bcm, BcmParameters, Ms, RateRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = Bcm::<f64>::new(BcmParameters { eta: 0.1, ..BcmParameters::default() }, Ms(1.0))?;
/// let mut state = rule.state(1, 1)?;
/// let mut weights = Dense::new(1, 1, vec![0.5])?;
/// rule.step(&mut state, &[1.0], &[2.0], &mut weights)?;
/// assert_eq!(weights.weights(), &[0.5 + 0.1 * 2.0 * 2.0]); // θ is still 0
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Bcm<F = f32> {
    parameters: BcmParameters,
    dt: Ms,
    eta: F,
    /// 1 − e^(−dt/τ_θ).
    share: f64,
    clip: Clip<F>,
}

/// Thresholds of [`Bcm`], in `f64` whatever the weights are: y² of a large y must fit, and a slow threshold (τ_θ = 10⁶ ms,
/// dt = 0.1 ms) moves by 10⁻⁷ of the way in a step, which an f32 loses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BcmState {
    /// θ_j.
    pub theta: Vec<f64>,
}

impl<F: Real> Bcm<F> {
    /// The rule with these parameters and time between updates.
    ///
    /// # Errors
    /// If a value is not finite, τ_θ not positive, or w_min above w_max.
    pub fn new(parameters: BcmParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        Ok(Self {
            parameters,
            dt,
            eta: amplitude(NAME, "eta", p.eta, unit)?,
            share: -(-Decay::new(NAME, "tau_theta", p.tau_theta, dt)?.per_step()).exp_m1(),
            clip: Clip::new(NAME, p.w_min, p.w_max)?,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &BcmParameters {
        &self.parameters
    }

    /// The time between updates.
    #[must_use]
    pub fn dt(&self) -> Ms {
        self.dt
    }
}

impl<F: Real> RateRule<F> for Bcm<F> {
    type State = BcmState;

    fn name(&self) -> &'static str {
        NAME
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.clip.bounds())
    }

    fn traces(&self, state: &BcmState) -> Vec<TraceValues<F>> {
        let theta = state.theta.iter().map(|&theta| F::from_f64(theta)).collect();
        vec![TraceValues::new("theta", TraceOf::Post, theta)]
    }

    fn state(&self, pre: usize, post: usize) -> Result<BcmState, Error> {
        check_populations(NAME, pre, post)?;
        Ok(BcmState { theta: filled(NAME, 0.0, post)? })
    }

    fn step<W: Weights<F>>(&self, state: &mut BcmState, x: &[F], y: &[F], weights: &mut W) -> Result<(), Error> {
        check_rates(NAME, x, y, weights)?;
        nl_units::Error::length(NAME, "state (theta)", y.len(), state.theta.len())?;
        let theta = &state.theta;
        for (i, &x) in x.iter().enumerate() {
            let amount = self.eta * x;
            weights.for_outgoing(i as u32, |_, j, w| {
                let y = y[j as usize].to_f64();
                *w = self.clip.of(*w + amount * F::from_f64(y * (y - theta[j as usize])));
            });
        }
        for (theta, &y) in state.theta.iter_mut().zip(y) {
            let y = y.to_f64();
            let target = match self.parameters.threshold {
                BcmThreshold::MeanSquare => y * y,
                BcmThreshold::Mean => y,
            };
            *theta += (target - *theta) * self.share;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use nl_random::Streams;
    use nl_synapse::Dense;
    use rand::RngExt;

    #[test]
    fn the_threshold_slides_to_the_mean_square_or_the_mean() {
        for (threshold, expected) in [(BcmThreshold::MeanSquare, 9.0), (BcmThreshold::Mean, 3.0)] {
            let p = BcmParameters { threshold, eta: 0.0, tau_theta: Ms(20.0), ..BcmParameters::default() };
            let rule = Bcm::<f64>::new(p, Ms(0.5)).unwrap();
            let mut state = rule.state(1, 1).unwrap();
            let mut weights = Dense::new(1, 1, vec![1.0]).unwrap();
            for k in 1..=400 {
                rule.step(&mut state, &[1.0], &[3.0], &mut weights).unwrap();
                let exact = expected * (1.0 - (-0.5 * f64::from(k) / 20.0).exp());
                assert_abs_diff_eq!(state.theta[0], exact, epsilon = 1e-12); // 400 additions
            }
        }
    }

    /// Two orthogonal inputs: the neuron ends up answering to one of them, with y = ⟨y²⟩ = y²/2 there, so y = 2.
    #[test]
    fn a_neuron_becomes_selective() {
        let p = BcmParameters { eta: 2e-3, tau_theta: Ms(50.0), ..BcmParameters::default() };
        let rule = Bcm::<f64>::new(p, Ms(1.0)).unwrap();
        let mut state = rule.state(2, 1).unwrap();
        let mut weights = Dense::new(2, 1, vec![0.52, 0.48]).unwrap();
        let mut rng = Streams::new(3).rng("test", 0, 0);
        for _ in 0..60_000 {
            let x = if rng.random::<bool>() { [1.0, 0.0] } else { [0.0, 1.0] };
            let y = x[0] * weights.weights()[0] + x[1] * weights.weights()[1];
            rule.step(&mut state, &x, &[y], &mut weights).unwrap();
        }
        let (low, high) =
            (weights.weights()[0].min(weights.weights()[1]), weights.weights()[0].max(weights.weights()[1]));
        assert!(low < 0.05, "{low} {high}");
        // The threshold's window holds some 50 samples.
        assert_abs_diff_eq!(high, 2.0, epsilon = 0.3);
    }
}
