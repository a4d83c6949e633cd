//! Triplet spike-timing-dependent plasticity.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::{Change, Clip, Coincidence, Interaction, Strength, TraceState, Traces};
use crate::memory::check_synapses;
use crate::{Activity, Decay, Error, PlasticityRule, Trace, TraceOf, TraceValues};

const NAME: &str = "triplet-stdp";

/// Parameters of [`TripletStdp`]; the defaults are [`visual_cortex`](Self::visual_cortex).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TripletStdpParameters {
    /// A₂⁺: potentiation by a pair, in the `amplitude_unit`.
    pub a2_plus: f64,
    /// A₃⁺: potentiation by a triplet post-pre-post.
    pub a3_plus: f64,
    /// A₂⁻: depression by a pair (positive depresses).
    pub a2_minus: f64,
    /// A₃⁻: depression by a triplet pre-post-pre (positive depresses).
    pub a3_minus: f64,
    /// Time constant of r₁.
    pub tau_plus: Ms,
    /// Time constant of r₂.
    pub tau_x: Ms,
    /// Time constant of o₁.
    pub tau_minus: Ms,
    /// Time constant of o₂.
    pub tau_y: Ms,
    /// What the four amplitudes are measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// Which past spikes the four traces remember.
    pub interaction: Interaction,
    /// What coincident spikes do.
    pub coincidence: Coincidence,
}

impl Default for TripletStdpParameters {
    fn default() -> Self {
        Self::visual_cortex()
    }
}

impl TripletStdpParameters {
    /// [A₂⁺, A₃⁺, A₂⁻, A₃⁻, τ_x, τ_y] of one fit, with the τ₊ and τ₋ of all of them.
    fn fit([a2_plus, a3_plus, a2_minus, a3_minus, tau_x, tau_y]: [f64; 6], interaction: Interaction) -> Self {
        Self {
            a2_plus,
            a3_plus,
            a2_minus,
            a3_minus,
            tau_plus: Ms(16.8),
            tau_x: Ms(tau_x),
            tau_minus: Ms(33.7),
            tau_y: Ms(tau_y),
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 1.0,
            interaction,
            coincidence: Coincidence::Ignore,
        }
    }

    /// Pairs of visual cortex, all-to-all (2006, table 3, full model).
    #[must_use]
    pub fn visual_cortex() -> Self {
        Self::fit([5e-10, 6.2e-3, 7e-3, 2.3e-4, 101.0, 125.0], Interaction::AllToAll)
    }

    /// Pairs of visual cortex, nearest spike (2006, table 3, full model).
    #[must_use]
    pub fn visual_cortex_nearest() -> Self {
        Self::fit([8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714.0, 40.0], Interaction::Nearest)
    }

    /// Hippocampal culture, all-to-all (2006, table 4, full model).
    #[must_use]
    pub fn hippocampus() -> Self {
        Self::fit([6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, 946.0, 27.0], Interaction::AllToAll)
    }

    /// Hippocampal culture, nearest spike (2006, table 4, full model).
    #[must_use]
    pub fn hippocampus_nearest() -> Self {
        Self::fit([4.6e-3, 9.1e-3, 3e-3, 7.5e-9, 575.0, 47.0], Interaction::Nearest)
    }
}

/// Triplet STDP: traces r₁, r₂ of the pre and o₁, o₂ of the post neuron decay with τ₊, τ_x and τ₋, τ_y;
/// pre spike: w −= o₁ (A₂⁻ + A₃⁻ r₂); post spike: w += r₁ (A₂⁺ + A₃⁺ o₂); r₂ and o₂ are read before their own jump.
///
/// The four amplitudes are in the unit of the weight, or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]). The step
/// size is the largest of them; traces `r1`, `r2`, `o1`, `o2`.
///
/// A spike adds 1 to its traces (all-to-all) or sets them to 1 (nearest). w is clipped to [w_min, w_max].
/// The `Coincidence` option governs r₁ and o₁. With A₃⁺ = A₃⁻ = 0 it is additive pair STDP.
///
/// Source: Pfister & Gerstner 2006, eqs. 1–4.
///
/// ```
/// use nl_plasticity::{Activity, Ms, PlasticityRule, TripletStdp, TripletStdpParameters};
/// use nl_synapse::{Dense, Weights};
/// let rule = TripletStdp::<f64>::new(TripletStdpParameters::hippocampus(), Ms(1.0))?;
/// let mut weights = Dense::new(1, 1, vec![0.5])?;
/// let mut state = rule.state(1, 1, 1)?;
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?; // pre
/// rule.step(&mut state, &Activity::spikes(10, &[], &[0]), &mut weights)?; // post: no triplet yet
/// assert!((weights.weights()[0] - (0.5 + 6.1e-3 * (-10.0_f64 / 16.8).exp())).abs() < 1e-15);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TripletStdp<F = f32> {
    parameters: TripletStdpParameters,
    dt: Ms,
    fast: Traces,
    x: Decay,
    y: Decay,
    plus: (F, F),
    minus: (F, F),
    clip: Clip<F>,
}

/// Traces of [`TripletStdp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct TripletStdpState<F> {
    /// r₁ and o₁.
    fast: TraceState<F>,
    r2: Trace<F>,
    o2: Trace<F>,
}

impl<F: Real> TripletStdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, or w_min above w_max.
    pub fn new(parameters: TripletStdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        let size = |name, value| amplitude(NAME, name, value, unit);
        Ok(Self {
            parameters,
            dt,
            fast: Traces {
                pre: Decay::new(NAME, "tau_plus", p.tau_plus, dt)?,
                post: Decay::new(NAME, "tau_minus", p.tau_minus, dt)?,
                interaction: p.interaction,
                coincidence: p.coincidence,
            },
            x: Decay::new(NAME, "tau_x", p.tau_x, dt)?,
            y: Decay::new(NAME, "tau_y", p.tau_y, dt)?,
            plus: (size("a2_plus", p.a2_plus)?, size("a3_plus", p.a3_plus)?),
            minus: (size("a2_minus", p.a2_minus)?, size("a3_minus", p.a3_minus)?),
            clip: Clip::new(NAME, p.w_min, p.w_max)?,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &TripletStdpParameters {
        &self.parameters
    }
}

impl<F: Real> PlasticityRule<F> for TripletStdp<F> {
    type State = TripletStdpState<F>;

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
        let all = [p.a2_plus, p.a3_plus, p.a2_minus, p.a3_minus];
        Some(p.amplitude_unit.largest((p.w_min, p.w_max), &all))
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        let mut all = state.fast.view(self.fast, ("r1", "o1"), now);
        all.insert(1, TraceValues::new("r2", TraceOf::Pre, state.r2.values(self.x, now)));
        all.push(TraceValues::new("o2", TraceOf::Post, state.o2.values(self.y, now)));
        all
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        check_synapses::<F>(NAME, synapses)?;
        let fast = TraceState::new(NAME, pre, post)?;
        Ok(TripletStdpState { fast, r2: Trace::new(NAME, pre)?, o2: Trace::new(NAME, post)? })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let TripletStdpState { fast, r2, o2 } = state;
        nl_units::Error::length(NAME, "weights (pre)", r2.len(), weights.pre())?;
        nl_units::Error::length(NAME, "weights (post)", o2.len(), weights.post())?;
        fast.check(NAME, activity, weights)?;
        let (now, rate) = (activity.now, activity.rate);
        let change = |amount| Change { amount, strength: Strength::Constant, clip: self.clip };
        let (r2_factor, o2_factor) = (r2.factor(self.x, now), o2.factor(self.y, now));
        self.fast.step(
            fast,
            activity,
            weights,
            |weights, i, o1, factor| {
                let size = self.minus.0 + self.minus.1 * (r2.scaled()[i as usize] * r2_factor);
                change(-(rate * size * factor)).row(weights, i, o1);
            },
            |weights, j, r1, factor| {
                let size = self.plus.0 + self.plus.1 * (o2.scaled()[j as usize] * o2_factor);
                change(rate * size * factor).incoming(weights, j, |_, i| r1[i]);
            },
        );
        self.parameters.interaction.jump(r2, self.x, now, activity.pre);
        self.parameters.interaction.jump(o2, self.y, now, activity.post);
        Ok(())
    }
}
