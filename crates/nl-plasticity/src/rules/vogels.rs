//! Inhibitory plasticity that balances excitation.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::{Hz, Ms};
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::{Change, Clip, Coincidence, Interaction, Strength, TraceState, Traces};
use crate::memory::check_synapses;
use crate::{Activity, Decay, Error, PlasticityRule, TraceValues};

const NAME: &str = "vogels-stdp";

/// Parameters of [`VogelsStdp`]; the defaults are those of Brian2's example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct VogelsStdpParameters {
    /// Learning rate η, in the `amplitude_unit`.
    pub eta: f64,
    /// Target rate ρ₀ of the postsynaptic neurons; α = 2 ρ₀ τ.
    pub rho_0: Hz,
    /// Time constant of both traces.
    pub tau: Ms,
    /// What η is measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight's magnitude.
    pub w_min: f64,
    /// Upper bound of the weight's magnitude.
    pub w_max: f64,
    /// What coincident spikes do.
    pub coincidence: Coincidence,
}

impl Default for VogelsStdpParameters {
    fn default() -> Self {
        Self {
            eta: 0.01,
            rho_0: Hz(3.0),
            tau: Ms(20.0),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 100.0,
            coincidence: Coincidence::Ignore,
        }
    }
}

impl VogelsStdpParameters {
    /// α = 2 ρ₀ τ: the depression by each pre spike.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        2.0 * self.rho_0.0 * self.tau.0 * 1e-3
    }
}

/// Inhibitory STDP: τ x' = −x, τ y' = −y, += 1 at a spike; pre spike: w += η (y − α); post spike: w += η x; α = 2 ρ₀ τ.
///
/// η is in the unit of the weight, or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]). The step size is η; traces `x`
/// and `y`.
///
/// w is the magnitude of an inhibitory weight, clipped to [w_min, w_max]: near-coincident spikes strengthen it, lone pre
/// spikes weaken it, and it rests where the post neuron fires at ρ₀. With `Coincidence::Ignore` traces are read before
/// either jumps (NEST); Brian2's example reads as `Potentiate`.
///
/// Source: Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, supplement; NEST's α is [`VogelsStdpParameters::alpha`].
///
/// ```
/// use nl_plasticity::{Activity, Ms, PlasticityRule, VogelsStdp, VogelsStdpParameters};
/// use nl_synapse::{Dense, Weights};
/// let rule = VogelsStdp::<f64>::new(VogelsStdpParameters::default(), Ms(0.1))?;
/// let mut weights = Dense::new(1, 1, vec![1.0])?;
/// let mut state = rule.state(1, 1, 1)?;
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?; // a pre spike alone
/// assert!((weights.weights()[0] - (1.0 - 0.01 * 0.12)).abs() < 1e-15);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct VogelsStdp<F = f32> {
    parameters: VogelsStdpParameters,
    dt: Ms,
    traces: Traces,
    eta: F,
    alpha: F,
    clip: Clip<F>,
}

impl<F: Real> VogelsStdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, τ not positive, ρ₀ negative, or w_min above w_max.
    pub fn new(parameters: VogelsStdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let decay = Decay::new(NAME, "tau", p.tau, dt)?;
        nl_units::Error::not_negative(NAME, "rho_0", p.rho_0.0)?;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        amplitude::<F>(NAME, "rho_0", p.alpha(), p.eta.abs() * unit)?;
        Ok(Self {
            parameters,
            dt,
            traces: Traces { pre: decay, post: decay, interaction: Interaction::AllToAll, coincidence: p.coincidence },
            eta: amplitude(NAME, "eta", p.eta, unit)?,
            alpha: amplitude(NAME, "rho_0", p.alpha(), 1.0)?,
            clip: Clip::new(NAME, p.w_min, p.w_max)?,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &VogelsStdpParameters {
        &self.parameters
    }
}

impl<F: Real> PlasticityRule<F> for VogelsStdp<F> {
    type State = TraceState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.clip.bounds())
    }

    fn step_size(&self) -> Option<f64> {
        let p = &self.parameters;
        Some(p.amplitude_unit.largest((p.w_min, p.w_max), &[p.eta]))
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        state.view(self.traces, ("x", "y"), now)
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        check_synapses::<F>(NAME, synapses)?;
        TraceState::new(NAME, pre, post)
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        state.check(NAME, activity, weights)?;
        let amount = activity.rate * self.eta;
        let change = Change { amount, strength: Strength::Constant, clip: self.clip };
        self.traces.step(
            state,
            activity,
            weights,
            |weights, i, y, factor| change.outgoing(weights, i, |_, j| y[j] * factor - self.alpha),
            |weights, j, x, factor| change.incoming(weights, j, |_, i| x[i] * factor),
        );
        Ok(())
    }
}
