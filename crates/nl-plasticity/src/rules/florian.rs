//! Reward-modulated spike-timing-dependent plasticity, without and with eligibility traces.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::{Change, Clip, Coincidence, Interaction, Strength, TraceState, Traces};
use super::eligibility::{Eligibility, check_signal};
use crate::memory::check_synapses;
use crate::{Activity, Decay, Error, PlasticityRule, TraceOf, TraceValues};

const MSTDP: &str = "mstdp";
const MSTDPET: &str = "mstdpet";

/// Parameters of [`Mstdp`] and [`Mstdpet`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MstdpParameters {
    /// Learning rate γ, in the `amplitude_unit`: the change by a pair with Δt → 0 at reward 1 is γ A₊ or −γ A₋.
    pub gamma: f64,
    /// A₊: jump of P⁺ at a pre spike, without unit.
    pub a_plus: f64,
    /// Jump of −P⁻ at a post spike (positive depresses; the paper's A₋ = −1 is 1 here).
    pub a_minus: f64,
    /// Time constant of P⁺.
    pub tau_plus: Ms,
    /// Time constant of P⁻.
    pub tau_minus: Ms,
    /// Time constant of the eligibility z; [`Mstdp`] has none.
    pub tau_z: Ms,
    /// What γ is measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// What coincident spikes do (the paper's discrete form: `Both`).
    pub coincidence: Coincidence,
}

impl Default for MstdpParameters {
    fn default() -> Self {
        Self {
            gamma: 0.01,
            a_plus: 1.0,
            a_minus: 1.0,
            tau_plus: Ms(20.0),
            tau_minus: Ms(20.0),
            tau_z: Ms(25.0),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 1.0,
            coincidence: Coincidence::Ignore,
        }
    }
}

/// What the two rules share.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Common<F> {
    parameters: MstdpParameters,
    dt: Ms,
    traces: Traces,
    /// γ in the unit of the weight.
    gamma: f64,
    a_plus: F,
    a_minus: F,
    clip: Clip<F>,
}

impl<F: Real> Common<F> {
    fn new(name: &'static str, parameters: MstdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let unit = p.amplitude_unit.size(name, p.w_min, p.w_max)?;
        amplitude::<F>(name, "gamma", p.gamma, unit)?;
        for (jump, value) in [("a_plus", p.a_plus), ("a_minus", p.a_minus)] {
            amplitude::<F>(name, jump, value, p.gamma.abs() * unit)?;
        }
        nl_units::Error::positive(name, "tau_z", p.tau_z.0)?;
        Ok(Self {
            parameters,
            dt,
            traces: Traces {
                pre: Decay::new(name, "tau_plus", p.tau_plus, dt)?,
                post: Decay::new(name, "tau_minus", p.tau_minus, dt)?,
                interaction: Interaction::AllToAll,
                coincidence: p.coincidence,
            },
            gamma: p.gamma * unit,
            a_plus: amplitude(name, "a_plus", p.a_plus, 1.0)?,
            a_minus: amplitude(name, "a_minus", p.a_minus, 1.0)?,
            clip: Clip::new(name, p.w_min, p.w_max)?,
        })
    }

    /// γ max(A₊, A₋).
    fn step_size(&self) -> f64 {
        let p = &self.parameters;
        p.amplitude_unit.largest((p.w_min, p.w_max), &[p.gamma * p.a_plus, p.gamma * p.a_minus])
    }

    /// P⁺ and P⁻, with their jumps.
    fn view(&self, state: &TraceState<F>, now: u64) -> Vec<TraceValues<F>> {
        let mut all = state.view(self.traces, ("p_plus", "p_minus"), now);
        for (trace, jump) in all.iter_mut().zip([self.a_plus, -self.a_minus]) {
            trace.values.iter_mut().for_each(|x| *x *= jump);
        }
        all
    }
}

/// Reward-modulated STDP without a trace of eligibility: w += γ r ζ, ζ = P⁺ at a post spike, P⁻ at a pre spike.
///
/// γ is in the unit of the weight, or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]); A₊ and A₋ have none. The step
/// size is γ max(A₊, A₋), a pair at reward 1; traces `p_plus` and `p_minus`.
///
/// τ₊ P⁺' = −P⁺, += A₊ at a pre spike; τ₋ P⁻' = −P⁻, −= A₋ at a post spike; r is the dopamine of the spike's own step (the
/// paper's discrete form takes the step after it). w is clipped to [w_min, w_max].
///
/// Source: Florian 2007 (MSTDP).
///
/// ```
/// use nl_plasticity::{Activity, Modulators, Ms, Mstdp, MstdpParameters, PlasticityRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = Mstdp::<f64>::new(MstdpParameters::default(), Ms(1.0))?;
/// let mut weights = Dense::new(1, 1, vec![0.5])?;
/// let mut state = rule.state(1, 1, 1)?;
/// let punishment = Modulators { dopamine: -1.0, ..Modulators::default() };
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?;
/// rule.step(&mut state, &Activity::spikes(5, &[], &[0]).with_modulators(punishment), &mut weights)?;
/// assert!(weights.weights()[0] < 0.5); // pre before post, but punished
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mstdp<F = f32>(Common<F>);

impl<F: Real> Mstdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, or w_min above w_max.
    pub fn new(parameters: MstdpParameters, dt: Ms) -> Result<Self, Error> {
        Common::new(MSTDP, parameters, dt).map(Self)
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &MstdpParameters {
        &self.0.parameters
    }
}

impl<F: Real> PlasticityRule<F> for Mstdp<F> {
    type State = TraceState<F>;

    fn name(&self) -> &'static str {
        MSTDP
    }

    fn dt(&self) -> Ms {
        self.0.dt
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.0.clip.bounds())
    }

    fn step_size(&self) -> Option<f64> {
        Some(self.0.step_size())
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        self.0.view(state, now)
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        check_synapses::<F>(MSTDP, synapses)?;
        TraceState::new(MSTDP, pre, post)
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let Common { traces, gamma, a_plus, a_minus, clip, .. } = self.0;
        let signal = gamma * activity.modulators.dopamine;
        for jump in [a_plus, a_minus] {
            amplitude::<F>(MSTDP, "gamma * dopamine", signal, (activity.rate * jump).to_f64().abs())?;
        }
        state.check(MSTDP, activity, weights)?;
        let scale = activity.rate * F::from_f64(signal);
        let change = |amount| Change { amount, strength: Strength::Constant, clip };
        traces.step(
            state,
            activity,
            weights,
            |weights, i, y, factor| change(-(scale * a_minus * factor)).row(weights, i, y),
            |weights, j, x, factor| change(scale * a_plus * factor).incoming(weights, j, |_, i| x[i]),
        );
        Ok(())
    }
}

/// Reward-modulated STDP with eligibility traces: τ_z z' = −z + ζ, w' = γ r z (time in ms), ζ as in [`Mstdp`].
///
/// γ is in the unit of the weight, or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]); A₊ and A₋ have none. The step
/// size is γ max(A₊, A₋), a pair whose whole eligibility is rewarded by 1; traces `p_plus`, `p_minus` and `z`.
///
/// r is the dopamine of each step, held over the step that ends with this step's spikes; it is 0 in steps left out. The
/// weight is integrated exactly and held within [w_min, w_max] at every moment, in closed form when its synapse is touched
/// (see [`DopamineStdp`](crate::DopamineStdp)), so that the result depends neither on dt nor on when that is; the paper's
/// discrete form takes one Euler step each dt.
///
/// Source: Florian 2007 (MSTDPET).
///
/// ```
/// use nl_plasticity::{Activity, Modulators, Ms, Mstdpet, MstdpParameters, PlasticityRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = Mstdpet::<f64>::new(MstdpParameters::default(), Ms(1.0))?;
/// let mut weights = Dense::new(1, 1, vec![0.5])?;
/// let mut state = rule.state(1, 1, 1)?;
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?;
/// rule.step(&mut state, &Activity::spikes(5, &[], &[0]), &mut weights)?;
/// let reward = Modulators { dopamine: 1.0, ..Modulators::default() };
/// rule.step(&mut state, &Activity::spikes(20, &[], &[]).with_modulators(reward), &mut weights)?;
/// rule.settle(&mut state, 20, &mut weights)?;
/// assert!(weights.weights()[0] > 0.5);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mstdpet<F = f32> {
    common: Common<F>,
    z: Decay,
    /// (A₊, A₋)/τ_z.
    jumps: (F, F),
}

/// Traces and eligibilities of [`Mstdpet`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct MstdpetState<F> {
    traces: TraceState<F>,
    eligibility: Eligibility<F>,
}

impl<F: Real> Mstdpet<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, or w_min above w_max.
    pub fn new(parameters: MstdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let common = Common::new(MSTDPET, p, dt)?;
        let z = Decay::new(MSTDPET, "tau_z", p.tau_z, dt)?;
        let jump = |value| amplitude(MSTDPET, "tau_z", value, 1.0 / p.tau_z.0);
        let jumps = (jump(p.a_plus)?, jump(p.a_minus)?);
        Ok(Self { common, z, jumps })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &MstdpParameters {
        &self.common.parameters
    }
}

impl<F: Real> PlasticityRule<F> for Mstdpet<F> {
    type State = MstdpetState<F>;

    fn name(&self) -> &'static str {
        MSTDPET
    }

    fn dt(&self) -> Ms {
        self.common.dt
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.common.clip.bounds())
    }

    fn step_size(&self) -> Option<f64> {
        Some(self.common.step_size())
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        let mut all = self.common.view(&state.traces, now);
        all.push(TraceValues::new("z", TraceOf::Synapse, state.eligibility.values(self.z, now)));
        all
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        let traces = TraceState::new(MSTDPET, pre, post)?;
        Ok(MstdpetState { traces, eligibility: Eligibility::new(MSTDPET, synapses)? })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let Common { parameters, traces, gamma, clip, .. } = self.common;
        state.eligibility.check(MSTDPET, weights)?;
        let signal = activity.rate.to_f64() * gamma * activity.modulators.dopamine;
        let integral = signal * parameters.tau_z.0 * -(-self.z.per_step()).exp_m1();
        check_signal(MSTDPET, integral)?;
        state.traces.check(MSTDPET, activity, weights)?;
        if let Some(before) = activity.now.checked_sub(1) {
            state.eligibility.integrate(self.z, before, integral, clip, weights);
        }
        state.eligibility.pair_step(self.z, self.jumps, (traces, &mut state.traces), activity, weights, clip);
        Ok(())
    }

    fn settle<W: Weights<F>>(&self, state: &mut Self::State, _now: u64, weights: &mut W) -> Result<(), Error> {
        state.eligibility.check(MSTDPET, weights)?;
        state.eligibility.settle(self.common.clip, weights);
        Ok(())
    }

    fn settle_outgoing<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        _now: u64,
        pre: &[u32],
        weights: &mut W,
    ) -> Result<(), Error> {
        state.eligibility.check(MSTDPET, weights)?;
        state.eligibility.settle_outgoing(MSTDPET, pre, self.common.clip, weights)
    }
}
