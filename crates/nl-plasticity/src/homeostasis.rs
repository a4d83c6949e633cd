//! What keeps learning in bounds: rates, scaling, normalisation, thresholds.

use nl_neuron::{Hz, Ms, Mv, Real};
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use crate::rate::check_populations;
use crate::rules::{Clip, real};
use crate::{Decay, Error, Trace};

const RATE: &str = "rate estimate";
const SCALING: &str = "synaptic scaling";
const NORMALISATION: &str = "weight normalisation";
const THRESHOLD: &str = "adaptive threshold";
const INTRINSIC: &str = "intrinsic plasticity";

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
    trace: Trace<F>,
    tau: Ms,
    dt: Ms,
    last: Option<u64>,
}

impl<F: Real> RateEstimate<F> {
    /// The estimate for `n` silent neurons.
    ///
    /// # Errors
    /// If there are none, or `tau` or `dt` is not positive and finite.
    pub fn new(n: usize, tau: Ms, dt: Ms) -> Result<Self, Error> {
        nl_neuron::Error::population(RATE, n)?;
        Decay::new(RATE, "tau", tau, dt)?;
        Ok(Self { trace: Trace::new(n), tau, dt, last: None })
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
        self.trace.add_each(decay, now, spikes, F::ONE);
        Ok(())
    }

    /// The rate of neuron `i` at step `now` in Hz; 0 for a neuron that does not exist.
    #[must_use]
    pub fn at(&self, now: u64, i: u32) -> f64 {
        match self.decay() {
            Ok(decay) if (i as usize) < self.trace.len() => self.trace.at(decay, now, i).to_f64() * 1000.0 / self.tau.0,
            _ => 0.0,
        }
    }
}

/// `Ok` if all spikes lie below `n`.
fn check_spikes(what: &'static str, spikes: &[u32], n: usize) -> Result<(), nl_neuron::Error> {
    match spikes.iter().find(|&&i| i as usize >= n) {
        Some(&index) => Err(nl_neuron::Error::Index { what, index: index as usize, n }),
        None => Ok(()),
    }
}

/// Parameters of [`SynapticScaling`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
/// Source: Turrigiano et al. 1998; van Rossum, Bi & Turrigiano 2000, eq. 5 (its proportional part).
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
        nl_neuron::Error::positive(SCALING, "tau", p.tau.0)?;
        nl_neuron::Error::not_negative(SCALING, "rho_0", p.rho_0.0)?;
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
    /// If `rates` does not fit, or a value is negative or not finite.
    pub fn apply<W: Weights<F>>(&self, rates: &[f64], elapsed: Ms, weights: &mut W) -> Result<(), Error> {
        nl_neuron::Error::length(SCALING, "rates", weights.post(), rates.len())?;
        nl_neuron::Error::not_negative(SCALING, "elapsed", elapsed.0)?;
        for &rate in rates {
            nl_neuron::Error::not_negative(SCALING, "rate", rate)?;
        }
        for (j, &rate) in rates.iter().enumerate() {
            let growth = (self.parameters.rho_0.0 - rate) * (elapsed.0 / self.parameters.tau.0);
            let factor = F::from_f64(growth.exp());
            weights.for_incoming(j as u32, |_, _, w| *w = self.clip.of(*w * factor));
        }
        Ok(())
    }
}

/// Weight normalisation: w_ij ← w_ij c / Σ_i |w_ij| for a post neuron j; a neuron without weight keeps it.
///
/// It is not local: every weight of a neuron knows the others. Bounds are the learning rule's: the sum is exact.
///
/// Source: Diehl & Cook 2015, section 2.4 (c = 78.4 for 784 inputs; BindsNET and the authors' program).
///
/// ```
/// use nl_plasticity::WeightNormalisation;
/// use nl_synapse::{Dense, Weights};
/// let mut weights = Dense::new(2, 2, vec![1.0_f64, 1.0, 3.0, 1.0])?;
/// let normalisation = WeightNormalisation::new(2.0)?;
/// normalisation.apply_to(&[0], &mut weights)?;
/// assert_eq!(weights.weights(), &[0.5, 1.0, 1.5, 1.0]);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightNormalisation {
    /// c.
    pub sum: f64,
}

impl WeightNormalisation {
    /// To sums of `sum`.
    ///
    /// # Errors
    /// If it is not positive and finite.
    pub fn new(sum: f64) -> Result<Self, Error> {
        nl_neuron::Error::positive(NORMALISATION, "sum", sum)?;
        Ok(Self { sum })
    }

    /// Normalises every post neuron.
    ///
    /// # Errors
    /// If the sum is not positive and finite.
    pub fn apply<F: Real, W: Weights<F>>(&self, weights: &mut W) -> Result<(), Error> {
        let sum = self.target::<F>()?;
        for j in 0..weights.post() {
            normalise(sum, j as u32, weights);
        }
        Ok(())
    }

    /// Normalises the neurons of `post` only, such as those that just fired: the others' weights have not changed.
    ///
    /// # Errors
    /// If the sum is not positive and finite, or a neuron does not exist.
    pub fn apply_to<F: Real, W: Weights<F>>(&self, post: &[u32], weights: &mut W) -> Result<(), Error> {
        let sum = self.target::<F>()?;
        check_spikes(NORMALISATION, post, weights.post())?;
        for &j in post {
            normalise(sum, j, weights);
        }
        Ok(())
    }

    fn target<F: Real>(&self) -> Result<F, Error> {
        nl_neuron::Error::positive(NORMALISATION, "sum", self.sum)?;
        Ok(real(NORMALISATION, "sum", self.sum)?)
    }
}

/// One column; the sum is taken in `f64` in ascending order of pre.
fn normalise<F: Real, W: Weights<F>>(sum: F, post: u32, weights: &mut W) {
    let mut now = 0.0_f64;
    weights.for_incoming(post, |_, _, w| now += w.abs().to_f64());
    let factor = F::from_f64(sum.to_f64() / now);
    if factor.is_finite() {
        weights.for_incoming(post, |_, _, w| *w *= factor);
    }
}

/// Parameters of [`AdaptiveThreshold`]; the defaults are Diehl and Cook's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
/// State of its own, decayed when touched, for neurons that do not adapt themselves. Source: Diehl & Cook 2015, section 2.2.
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
    theta: Trace<F>,
    last: Option<u64>,
}

impl<F: Real> AdaptiveThreshold<F> {
    /// θ = 0 for `n` neurons.
    ///
    /// # Errors
    /// If there are none, θ₊ is not finite, or a time not positive and finite.
    pub fn new(n: usize, parameters: AdaptiveThresholdParameters, dt: Ms) -> Result<Self, Error> {
        nl_neuron::Error::population(THRESHOLD, n)?;
        real::<F>(THRESHOLD, "theta_plus", parameters.theta_plus.0)?;
        Decay::new(THRESHOLD, "tau_theta", parameters.tau_theta, dt)?;
        Ok(Self { parameters, dt, theta: Trace::new(n), last: None })
    }

    fn decay(&self) -> Result<Decay, nl_neuron::Error> {
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
        self.theta.add_each(decay, now, spikes, F::from_f64(self.parameters.theta_plus.0));
        Ok(())
    }

    /// θ of neuron `i` at step `now` in mV; 0 for a neuron that does not exist.
    #[must_use]
    pub fn at(&self, now: u64, i: u32) -> F {
        match self.decay() {
            Ok(decay) if (i as usize) < self.theta.len() => self.theta.at(decay, now, i),
            _ => F::ZERO,
        }
    }

    /// θ of all neurons at step `now` in mV; `theta` is `[n]`.
    ///
    /// # Errors
    /// If `theta` does not fit.
    pub fn read(&self, now: u64, theta: &mut [F]) -> Result<(), Error> {
        nl_neuron::Error::length(THRESHOLD, "theta", self.theta.len(), theta.len())?;
        let factor = self.theta.factor(self.decay()?, now);
        for (out, &scaled) in theta.iter_mut().zip(self.theta.scaled()) {
            *out = scaled * factor;
        }
        Ok(())
    }
}

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
    /// η times the spikes of each neuron.
    raised: Vec<F>,
    /// The first step shown.
    origin: Option<u64>,
    last: Option<u64>,
}

impl<F: Real> IntrinsicPlasticity<F> {
    /// θ = 0 for `n` neurons; θ rises by `eta` mV at a spike and falls by `eta` · `rho_0` in a second.
    ///
    /// # Errors
    /// If there are none, η is not finite, ρ₀ negative, or dt not positive.
    pub fn new(n: usize, eta: f64, rho_0: Hz, dt: Ms) -> Result<Self, Error> {
        check_populations(INTRINSIC, n, n)?;
        real::<F>(INTRINSIC, "eta", eta)?;
        nl_neuron::Error::not_negative(INTRINSIC, "rho_0", rho_0.0)?;
        nl_neuron::Error::positive(INTRINSIC, "dt", dt.0)?;
        Ok(Self { eta, rho_0, dt, raised: vec![F::ZERO; n], origin: None, last: None })
    }

    /// Counts the spikes of step `now`; steps without any may be left out. The target counts from the first step shown.
    ///
    /// # Errors
    /// If a spike does not fit, or time runs backwards.
    pub fn spikes(&mut self, now: u64, spikes: &[u32]) -> Result<(), Error> {
        check_spikes(INTRINSIC, spikes, self.raised.len())?;
        Error::order(INTRINSIC, now, self.last)?;
        self.last = Some(now);
        self.origin.get_or_insert(now);
        for &i in spikes {
            self.raised[i as usize] += F::from_f64(self.eta);
        }
        Ok(())
    }

    /// θ of neuron `i` at step `now` in mV; 0 for a neuron that does not exist.
    #[must_use]
    pub fn at(&self, now: u64, i: u32) -> F {
        let steps = now.saturating_sub(self.origin.unwrap_or(now));
        let due = F::from_f64(self.eta * self.rho_0.0 * 1e-3 * self.dt.0 * steps as f64);
        self.raised.get(i as usize).map_or(F::ZERO, |&raised| raised - due)
    }
}
