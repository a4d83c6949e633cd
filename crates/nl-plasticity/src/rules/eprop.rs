//! Eligibility propagation in its local form.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::Clip;
use crate::memory::{check_synapses, filled};
use crate::{Activity, Decay, Error, PlasticityRule, Trace, TraceOf, TraceValues};

const NAME: &str = "eprop";

/// Threshold adaptation of the postsynaptic neurons (ALIF), as [`Eprop`] must know it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EpropAdaptation {
    /// Rise β of the threshold by each unit of the adaptation a.
    pub beta: f64,
    /// Time constant of a; ρ = e^(−dt/τ_a).
    pub tau_a: Ms,
}

/// Parameters of [`Eprop`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct EpropParameters {
    /// Learning rate η: the change by an eligibility of 1 at a learning signal of 1, in the `amplitude_unit`.
    pub eta: f64,
    /// Membrane time constant of the postsynaptic neurons; α = e^(−dt/τ_m).
    pub tau_m: Ms,
    /// Their adaptation; `None`: LIF.
    pub adaptation: Option<EpropAdaptation>,
    /// Time constant of the read-out, κ = e^(−dt/τ_out), with which eligibilities are filtered; `None`: κ = 0.
    pub tau_out: Option<Ms>,
    /// What η is measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

impl Default for EpropParameters {
    fn default() -> Self {
        Self {
            eta: 1e-3,
            tau_m: Ms(20.0),
            adaptation: None,
            tau_out: Some(Ms(20.0)),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: -1.0,
            w_max: 1.0,
        }
    }
}

/// e-prop, one step of gradient descent in each step t: w_ij −= η L_j ē_ij, clipped to [w_min, w_max].
///
/// η is in the unit of the weight (for L and ē without unit), or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]). The
/// step size depends on the learning signals, so that none is stated; traces `z_bar`, `e_bar` (with a read-out filter) and
/// `epsilon` (ALIF).
///
/// z̄_i ← α z̄_i + z_i (pre spikes at the synapse); LIF: e_ij = ψ_j z̄_i; ALIF: e_ij = ψ_j (z̄_i − β ε_ij), then
/// ε_ij ← ψ_j z̄_i + (ρ − ψ_j β) ε_ij; ē ← κ ē + e. ψ_j and the learning signal L_j = Σ_k B_jk (y_k − y*_k) come with the
/// activity, `[post]` each. Filters jump by 1 (NEST's variants scale by 1 − α and 1 − κ).
///
/// ψ and L must lie within ±2³²; eligibilities that would leave the range of their type stay at its end, and come back.
///
/// Every synapse is visited in every step shown; steps left out count as ψ = L = 0. Post spikes play no part.
///
/// Source: Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass 2020 (methods: LIF and ALIF).
///
/// ```
/// use nl_plasticity::{Activity, Eprop, EpropParameters, Ms, PlasticityRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = Eprop::<f64>::new(EpropParameters { eta: 0.1, ..EpropParameters::default() }, Ms(1.0))?;
/// let mut weights = Dense::new(2, 1, vec![0.5, 0.5])?;
/// let mut state = rule.state(2, 1, 2)?;
/// let activity = Activity::spikes(0, &[1], &[]).with_learning_signal(&[0.3], &[2.0]);
/// rule.step(&mut state, &activity, &mut weights)?;
/// assert_eq!(weights.weights(), &[0.5, 0.5 - 0.1 * (2.0 * 0.3)]);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Eprop<F = f32> {
    parameters: EpropParameters,
    dt: Ms,
    alpha: Decay,
    rho: Option<Decay>,
    kappa: Option<Decay>,
    eta: F,
    beta: f64,
    clip: Clip<F>,
}

/// The largest ψ and L.
const LARGEST: f64 = 4_294_967_296.0;

/// Traces and eligibilities of [`Eprop`].
///
/// Eligibilities are kept in `f64`: κ and ρ of slow filters (τ = 10⁶ ms, dt = 0.1 ms) are 1 − 10⁻⁷, which an f32 loses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct EpropState<F> {
    z: Trace<F>,
    post: usize,
    /// ē by synapse; empty for κ = 0.
    filtered: Vec<f64>,
    /// ε by synapse; empty for LIF.
    slow: Vec<f64>,
    last: Option<u64>,
}

impl<F: Real> Eprop<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, or w_min above w_max.
    pub fn new(parameters: EpropParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        let beta = p.adaptation.map_or(0.0, |a| a.beta);
        nl_units::Error::check(NAME, "beta", beta, |x| x.abs() <= LARGEST, "use a number within -2^32 to 2^32")?;
        Ok(Self {
            parameters,
            dt,
            alpha: Decay::new(NAME, "tau_m", p.tau_m, dt)?,
            rho: p.adaptation.map(|a| Decay::new(NAME, "tau_a", a.tau_a, dt)).transpose()?,
            kappa: p.tau_out.map(|tau| Decay::new(NAME, "tau_out", tau, dt)).transpose()?,
            eta: amplitude(NAME, "eta", p.eta, unit)?,
            beta,
            clip: Clip::new(NAME, p.w_min, p.w_max)?,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &EpropParameters {
        &self.parameters
    }
}

impl<F: Real> PlasticityRule<F> for Eprop<F> {
    type State = EpropState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.clip.bounds())
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        let since = now.saturating_sub(state.last.unwrap_or(now));
        let values = |values: &[f64], decay: Option<Decay>| {
            let factor = decay.map_or(1.0, |decay| decay.over(since));
            values.iter().map(|&x| F::from_f64(x * factor)).collect()
        };
        let mut all = vec![TraceValues::new("z_bar", TraceOf::Pre, state.z.values(self.alpha, now))];
        if self.kappa.is_some() {
            all.push(TraceValues::new("e_bar", TraceOf::Synapse, values(&state.filtered, self.kappa)));
        }
        if self.rho.is_some() {
            all.push(TraceValues::new("epsilon", TraceOf::Synapse, values(&state.slow, self.rho)));
        }
        all
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        nl_units::Error::population(NAME, pre)?;
        nl_units::Error::population(NAME, post)?;
        check_synapses::<F>(NAME, synapses)?;
        Ok(EpropState {
            z: Trace::new(NAME, pre)?,
            post,
            filtered: filled(NAME, 0.0, if self.kappa.is_some() { synapses } else { 0 })?,
            slow: filled(NAME, 0.0, if self.rho.is_some() { synapses } else { 0 })?,
            last: None,
        })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let EpropState { z, post, filtered, slow, last } = state;
        for (name, kept, values) in [("kappa", self.kappa, &*filtered), ("rho", self.rho, &*slow)] {
            nl_units::Error::length(NAME, name, if kept.is_some() { weights.synapses() } else { 0 }, values.len())?;
        }
        for (name, values) in [("psi", activity.psi), ("learning_signal", activity.learning_signal)] {
            nl_units::Error::length(NAME, name, *post, values.len())?;
            for &x in values {
                let expected = "use a number within -2^32 to 2^32";
                nl_units::Error::check(NAME, name, x.to_f64(), |x| x.abs() <= LARGEST, expected)?;
            }
        }
        let (now, before) = (activity.now, *last);
        activity.check(NAME, (z.len(), *post), last, weights)?;
        let steps = before.map_or(1, |last| now - last);
        let over = |decay: Option<Decay>, steps| decay.map_or(0.0, |decay| decay.over(steps));
        let held = |x: f64| x.clamp(-f64::MAX, f64::MAX);
        let (kappa, rho, missed) = (over(self.kappa, steps), over(self.rho, 1), over(self.rho, steps - 1));
        let (eta, beta, clip) = ((activity.rate * self.eta).to_f64(), self.beta, self.clip);
        let (psi, signal) = (activity.psi, activity.learning_signal);
        z.add_each(self.alpha, now, activity.pre, F::ONE);
        let factor = z.factor(self.alpha, now);
        for i in 0..z.len() {
            let z = (z.scaled()[i] * factor).to_f64();
            weights.for_outgoing(i as u32, |s, j, w| {
                let psi = psi[j as usize].to_f64();
                let mut e = psi * z;
                if let Some(slow) = slow.get_mut(s) {
                    let epsilon = *slow * missed;
                    e = held(psi * (z - held(beta * epsilon)));
                    *slow = held(psi * z + (rho - psi * beta) * epsilon);
                }
                if let Some(filtered) = filtered.get_mut(s) {
                    e = held(e + kappa * *filtered);
                    *filtered = e;
                }
                *w = clip.of(F::from_f64(w.to_f64() - held(eta * held(signal[j as usize].to_f64() * e))));
            });
        }
        Ok(())
    }
}
