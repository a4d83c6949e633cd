//! The rule of Bienenstock, Cooper and Munro.

use nl_neuron::{Ms, Real};
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use super::common::{Clip, real};
use crate::rate::{check_populations, check_rates};
use crate::{Decay, Error, RateRule};

const NAME: &str = "BCM";

/// What the sliding threshold follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BcmThreshold {
    /// θ = ⟨y²⟩ (Intrator & Cooper 1992): stable.
    #[default]
    MeanSquare,
    /// θ = ⟨y⟩ (Nengo).
    Mean,
}

/// Parameters of [`Bcm`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BcmParameters {
    /// Learning rate η of one update.
    pub eta: f64,
    /// Time constant of the sliding threshold.
    pub tau_theta: Ms,
    /// What the threshold follows.
    pub threshold: BcmThreshold,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

impl Default for BcmParameters {
    fn default() -> Self {
        Self { eta: 1e-4, tau_theta: Ms(1000.0), threshold: BcmThreshold::MeanSquare, w_min: 0.0, w_max: 10.0 }
    }
}

/// BCM: Δw_ij = η x_i y_j (y_j − θ_j), clipped to [w_min, w_max]; τ_θ θ' = −θ + y² (or y, see [`BcmThreshold`]).
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
    keep: F,
    clip: Clip<F>,
}

/// Thresholds of [`Bcm`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BcmState<F> {
    /// θ_j.
    pub theta: Vec<F>,
}

impl<F: Real> Bcm<F> {
    /// The rule with these parameters and time between updates.
    ///
    /// # Errors
    /// If a value is not finite, τ_θ not positive, or w_min above w_max.
    pub fn new(parameters: BcmParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Ok(Self {
            parameters,
            dt,
            eta: real(NAME, "eta", p.eta)?,
            keep: F::from_f64(Decay::new(NAME, "tau_theta", p.tau_theta, dt)?.over(1)),
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
    type State = BcmState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn state(&self, pre: usize, post: usize) -> Result<BcmState<F>, Error> {
        check_populations(NAME, pre, post)?;
        Ok(BcmState { theta: vec![F::ZERO; post] })
    }

    fn step<W: Weights<F>>(&self, state: &mut BcmState<F>, x: &[F], y: &[F], weights: &mut W) -> Result<(), Error> {
        check_rates(NAME, x, y, weights)?;
        nl_neuron::Error::length(NAME, "state (theta)", y.len(), state.theta.len())?;
        let theta = &state.theta;
        for (i, &x) in x.iter().enumerate() {
            let amount = self.eta * x;
            weights.for_outgoing(i as u32, |_, j, w| {
                let y = y[j as usize];
                *w = self.clip.of(*w + amount * (y * (y - theta[j as usize])));
            });
        }
        for (theta, &y) in state.theta.iter_mut().zip(y) {
            let target = match self.parameters.threshold {
                BcmThreshold::MeanSquare => y * y,
                BcmThreshold::Mean => y,
            };
            *theta = target + (*theta - target) * self.keep;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
                assert!((state.theta[0] - exact).abs() < 1e-12);
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
        assert!(low < 0.05 && (high - 2.0).abs() < 0.3, "{low} {high}");
    }
}
