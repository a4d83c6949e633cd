//! Spike-timing-dependent plasticity whose traces dopamine turns into weight changes.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::{Clip, Coincidence, Interaction, TraceState, Traces};
use super::eligibility::{Eligibility, check_signal};
use crate::{Activity, Decay, Error, PlasticityRule, TraceOf, TraceValues};

const NAME: &str = "dopamine-stdp";

/// What `Modulators::dopamine` of a step means to [`DopamineStdp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DopamineInput {
    /// An amount released in that step: d jumps by it and decays with τ_d. Steps without release may be left out.
    #[default]
    Release,
    /// The concentration d itself, held over the step that ends with this step's spikes; 0 in steps left out.
    Concentration,
}

/// Parameters of [`DopamineStdp`]; the defaults are NEST's `stdp_dopamine_synapse`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DopamineStdpParameters {
    /// Eligibility gained by a pair with Δt → 0⁺: what the weight gains in a millisecond at d − b = 1, in the
    /// `amplitude_unit`.
    pub a_plus: f64,
    /// Eligibility lost by a pair with Δt → 0⁻ (positive depresses).
    pub a_minus: f64,
    /// Time constant of the presynaptic trace.
    pub tau_plus: Ms,
    /// Time constant of the postsynaptic trace.
    pub tau_minus: Ms,
    /// Time constant of the eligibility c.
    pub tau_c: Ms,
    /// Time constant of the dopamine concentration d.
    pub tau_d: Ms,
    /// Concentration b at which nothing is learnt.
    pub baseline: f64,
    /// What the activity's dopamine is.
    pub input: DopamineInput,
    /// What A₊ and A₋ are measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// What coincident spikes do.
    pub coincidence: Coincidence,
}

impl Default for DopamineStdpParameters {
    fn default() -> Self {
        Self {
            a_plus: 1.0,
            a_minus: 1.5,
            tau_plus: Ms(20.0),
            tau_minus: Ms(20.0),
            tau_c: Ms(1000.0),
            tau_d: Ms(200.0),
            baseline: 0.0,
            input: DopamineInput::Release,
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 200.0,
            coincidence: Coincidence::Ignore,
        }
    }
}

/// Dopamine-modulated STDP: τ_c c' = −c + τ_c STDP(Δt) δ(t − t_spike), τ_d d' = −d + τ_d DA(t), w' = c (d − b), time in ms.
///
/// A₊ and A₋ are in the unit of the weight per ms of dopamine 1, or in multiples of w_max − w_min
/// ([`AmplitudeUnit::Range`]). The step size is that of a pair rewarded by a concentration of 1, max(A₊, A₋) τ_c; traces `x`,
/// `y`, `c` and `d`.
///
/// c jumps by A₊ x at a post spike and by −A₋ y at a pre spike, with the traces of all-to-all pair STDP. The weight is held
/// within [w_min, w_max] at every moment, as if it were integrated in steps as small as one likes; it is written, from a
/// closed form, when its synapse is touched (a spike of either side, [`settle`](PlasticityRule::settle),
/// [`settle_outgoing`](PlasticityRule::settle_outgoing)), and when that is changes nothing. The activity's `rate` counts from
/// its step until the next step shown; for a concentration that is held over a step, it is that of the concentration's step.
///
/// Source: Izhikevich 2007; NEST `stdp_dopamine_synapse`, where a dopamine spike releases 1/τ_d (Potjans et al.
/// 2010).
///
/// ```
/// use nl_plasticity::{Activity, DopamineStdp, DopamineStdpParameters, Modulators, Ms, PlasticityRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = DopamineStdp::<f64>::new(DopamineStdpParameters::default(), Ms(1.0))?;
/// let mut weights = Dense::new(1, 1, vec![1.0])?;
/// let mut state = rule.state(1, 1, 1)?;
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?;
/// rule.step(&mut state, &Activity::spikes(5, &[], &[0]), &mut weights)?; // eligible, but nothing changes …
/// let reward = Modulators { dopamine: 0.005, ..Modulators::default() };
/// rule.step(&mut state, &Activity::spikes(500, &[], &[]).with_modulators(reward), &mut weights)?; // … until reward
/// rule.settle(&mut state, 3000, &mut weights)?;
/// assert!(weights.weights()[0] > 1.1);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DopamineStdp<F = f32> {
    parameters: DopamineStdpParameters,
    dt: Ms,
    traces: Traces,
    c: Decay,
    d: Decay,
    a_plus: F,
    a_minus: F,
    clip: Clip<F>,
}

/// Traces, eligibilities and dopamine of [`DopamineStdp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct DopamineStdpState<F> {
    traces: TraceState<F>,
    eligibility: Eligibility<F>,
    /// d at the end of step `time`, up to which the integral reaches.
    d: f64,
    time: Option<u64>,
    rate: f64,
}

impl<F: Real> DopamineStdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, or w_min above w_max.
    pub fn new(parameters: DopamineStdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let (c, d) = (Decay::new(NAME, "tau_c", p.tau_c, dt)?, Decay::new(NAME, "tau_d", p.tau_d, dt)?);
        let expected = "use a concentration whose product with dt and tau_c is a number below 1e100";
        let size = (1.0 + dt.0) * (1.0 + p.tau_c.0);
        nl_units::Error::check(NAME, "baseline", p.baseline, |b| b.abs() * size < 1e100, expected)?;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        Ok(Self {
            parameters,
            dt,
            traces: Traces {
                pre: Decay::new(NAME, "tau_plus", p.tau_plus, dt)?,
                post: Decay::new(NAME, "tau_minus", p.tau_minus, dt)?,
                interaction: Interaction::AllToAll,
                coincidence: p.coincidence,
            },
            c,
            d,
            a_plus: amplitude(NAME, "a_plus", p.a_plus, unit)?,
            a_minus: amplitude(NAME, "a_minus", p.a_minus, unit)?,
            clip: Clip::new(NAME, p.w_min, p.w_max)?,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &DopamineStdpParameters {
        &self.parameters
    }

    /// The concentration d at the end of the last step shown or settled.
    #[must_use]
    pub fn concentration(&self, state: &DopamineStdpState<F>) -> f64 {
        state.d
    }

    /// ∫ e^(−u/τ) du over `steps` steps, whole or not, with `per_step` = dt/τ.
    fn integral(&self, per_step: f64, steps: f64) -> f64 {
        if per_step == 0.0 {
            return self.dt.0 * steps;
        }
        self.dt.0 / per_step * -(-steps * per_step).exp_m1()
    }

    /// Moves the integral of c's factor and d on to the end of step `now`.
    ///
    /// ∫ e^(−u/τ_c) (d e^(−u/τ_d) − b) du, in two parts if d meets b on its way, so that the integrand keeps its sign in each.
    fn advance<W: Weights<F>>(&self, state: &mut DopamineStdpState<F>, now: u64, weights: &mut W) {
        let start = *state.time.get_or_insert(now);
        let steps = now.saturating_sub(start);
        if steps == 0 {
            return;
        }
        let (c, d) = (self.c.per_step(), self.d.per_step());
        let released = if self.parameters.input == DopamineInput::Release { state.d } else { 0.0 };
        let baseline = self.parameters.baseline;
        let over = |steps| released * self.integral(c + d, steps) - baseline * self.integral(c, steps);
        let whole = over(steps as f64);
        let crossing = (released / baseline).ln() / d;
        let first = if crossing > 0.0 && crossing < steps as f64 { over(crossing) } else { whole };
        for part in [first, whole - first] {
            state.eligibility.integrate(self.c, start, state.rate * part, self.clip, weights);
        }
        state.d *= self.d.over(steps);
        state.time = Some(now);
    }

    /// As [`advance`](Self::advance), where `signal`, dopamine times learning rate, is held over the last step.
    fn hold<W: Weights<F>>(&self, state: &mut DopamineStdpState<F>, now: u64, signal: f64, weights: &mut W) {
        if let Some(before) = now.checked_sub(1) {
            // The baseline of a step which `settle` has already reached is in.
            let fresh = state.time.is_none_or(|time| time < now);
            let baseline = if fresh { state.rate * self.parameters.baseline } else { 0.0 };
            if fresh {
                self.advance(state, before, weights);
            }
            let integral = (signal - baseline) * self.integral(self.c.per_step(), 1.0);
            state.eligibility.integrate(self.c, before, integral, self.clip, weights);
        }
        state.time = Some(now);
    }
}

impl<F: Real> PlasticityRule<F> for DopamineStdp<F> {
    type State = DopamineStdpState<F>;

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
        Some(p.amplitude_unit.largest((p.w_min, p.w_max), &[p.a_plus, p.a_minus]) * p.tau_c.0)
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        let mut all = state.traces.view(self.traces, ("x", "y"), now);
        all.push(TraceValues::new("c", TraceOf::Synapse, state.eligibility.values(self.c, now)));
        let since = now.saturating_sub(state.time.unwrap_or(now));
        let d = if self.parameters.input == DopamineInput::Release { self.d.over(since) } else { 1.0 };
        all.push(TraceValues::new("d", TraceOf::Rule, vec![F::from_f64(state.d * d)]));
        all
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        let traces = TraceState::new(NAME, pre, post)?;
        let eligibility = Eligibility::new(NAME, synapses)?;
        Ok(DopamineStdpState { traces, eligibility, d: 0.0, time: None, rate: 1.0 })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        state.eligibility.check(NAME, weights)?;
        let (now, dopamine) = (activity.now, activity.modulators.dopamine);
        check_signal(NAME, activity.rate.to_f64() * (state.d.abs() + dopamine.abs()) * self.dt.0)?;
        state.traces.check(NAME, activity, weights)?;
        let rate = activity.rate.to_f64();
        match self.parameters.input {
            DopamineInput::Release => {
                self.advance(state, now, weights);
                state.d += dopamine;
            }
            DopamineInput::Concentration => {
                self.hold(state, now, rate * dopamine, weights);
                state.d = dopamine;
            }
        }
        state.rate = rate;
        let (amounts, traces) = ((self.a_plus, self.a_minus), (self.traces, &mut state.traces));
        state.eligibility.pair_step(self.c, amounts, traces, activity, weights, self.clip);
        Ok(())
    }

    fn settle<W: Weights<F>>(&self, state: &mut Self::State, now: u64, weights: &mut W) -> Result<(), Error> {
        state.eligibility.check(NAME, weights)?;
        self.advance(state, now, weights);
        state.eligibility.settle(self.clip, weights);
        Ok(())
    }

    fn settle_outgoing<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        now: u64,
        pre: &[u32],
        weights: &mut W,
    ) -> Result<(), Error> {
        state.eligibility.check(NAME, weights)?;
        self.advance(state, now, weights);
        state.eligibility.settle_outgoing(NAME, pre, self.clip, weights)
    }
}
