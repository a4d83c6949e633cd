//! The rules with which Diehl and Cook's network learns digits.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::{Change, Clip, Coincidence, Interaction, Strength, TraceState, Traces};
use crate::memory::check_synapses;
use crate::{Activity, Decay, Error, PlasticityRule, Trace, TraceOf, TraceValues};

const NAME: &str = "diehl-cook-stdp";

/// Which reading of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DiehlCookForm {
    /// The paper's equation, post spikes only: w += η_post (x − x_tar)(w_max − w)^μ.
    PostOnly {
        /// Target x_tar of the presynaptic trace: inputs that were quieter than it lose weight.
        x_tar: f64,
        /// Exponent μ of the weight dependence, from 0.
        mu: f64,
    },
    /// BindsNET's `PostPre`: pre spike: w −= η_pre y; post spike: w += η_post x.
    PrePost,
    /// The program that the authors published: as `PrePost`, but a post spike's change is also multiplied by a second
    /// postsynaptic trace before its jump, a triplet: w += η_post x y₂.
    Published {
        /// Time constant of y₂ (the program: 40 ms).
        tau_post2: Ms,
    },
}

/// Parameters of [`DiehlCookStdp`]; the defaults are BindsNET's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DiehlCookStdpParameters {
    /// Learning rate of pre spikes, ν_pre (positive depresses), in the `amplitude_unit`; unused by `PostOnly`.
    pub eta_pre: f64,
    /// Learning rate of post spikes, ν_post.
    pub eta_post: f64,
    /// Time constant of the presynaptic trace.
    pub tau_pre: Ms,
    /// Time constant of the postsynaptic trace.
    pub tau_post: Ms,
    /// Which reading.
    pub form: DiehlCookForm,
    /// Which past spikes the traces remember (BindsNET and the authors' program: the nearest).
    pub interaction: Interaction,
    /// What the learning rates are measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// What coincident spikes do (BindsNET: `Both`).
    pub coincidence: Coincidence,
}

impl Default for DiehlCookStdpParameters {
    fn default() -> Self {
        Self {
            eta_pre: 1e-4,
            eta_post: 1e-2,
            tau_pre: Ms(20.0),
            tau_post: Ms(20.0),
            form: DiehlCookForm::PrePost,
            interaction: Interaction::Nearest,
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 1.0,
            coincidence: Coincidence::Ignore,
        }
    }
}

impl DiehlCookStdpParameters {
    /// The paper's equation with x_tar = 0.4 and μ = 0.2; the paper leaves the values open.
    #[must_use]
    pub fn post_only() -> Self {
        Self { form: DiehlCookForm::PostOnly { x_tar: 0.4, mu: 0.2 }, ..Self::default() }
    }
}

/// Diehl & Cook's STDP, in three readings: see [`DiehlCookForm`]; traces x (τ_pre) and y (τ_post) are set to 1 or raised by
/// 1 at a spike; w is clipped to [w_min, w_max].
///
/// The learning rates are in the unit of the weight, or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]). The step
/// size is the larger of the two that are in use; traces `x`, `y` and, as published, `y2`.
///
/// The network also normalises Σ_i w_ij (see `WeightNormalisation`) and adapts thresholds (see `AdaptiveThreshold`).
///
/// Source: Diehl & Cook, "Unsupervised learning of digit recognition using spike-timing-dependent plasticity", 2015;
/// BindsNET `learning.PostPre`.
///
/// ```
/// use nl_plasticity::{Activity, DiehlCookStdp, DiehlCookStdpParameters, Ms, PlasticityRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = DiehlCookStdp::<f64>::new(DiehlCookStdpParameters::post_only(), Ms(1.0))?;
/// let mut weights = Dense::new(2, 1, vec![0.5, 0.5])?;
/// let mut state = rule.state(2, 1, 2)?;
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?;
/// rule.step(&mut state, &Activity::spikes(1, &[], &[0]), &mut weights)?;
/// assert!(weights.weights()[0] > 0.5 && weights.weights()[1] < 0.5); // the silent input loses
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DiehlCookStdp<F = f32> {
    parameters: DiehlCookStdpParameters,
    dt: Ms,
    traces: Traces,
    post2: Option<Decay>,
    eta: (F, F),
    x_tar: F,
    strength: Strength<F>,
    clip: Clip<F>,
}

/// Traces of [`DiehlCookStdp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct DiehlCookStdpState<F> {
    traces: TraceState<F>,
    post2: Trace<F>,
}

impl<F: Real> DiehlCookStdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, μ negative, or w_min above w_max.
    pub fn new(parameters: DiehlCookStdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let (x_tar, mu, post2) = match p.form {
            DiehlCookForm::PostOnly { x_tar, mu } => (x_tar, mu, None),
            DiehlCookForm::PrePost => (0.0, 0.0, None),
            DiehlCookForm::Published { tau_post2 } => (0.0, 0.0, Some(Decay::new(NAME, "tau_post2", tau_post2, dt)?)),
        };
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        let clip = Clip::new(NAME, p.w_min, p.w_max)?;
        amplitude::<F>(NAME, "x_tar", x_tar, p.eta_post.abs() * unit)?;
        Ok(Self {
            parameters,
            dt,
            traces: Traces {
                pre: Decay::new(NAME, "tau_pre", p.tau_pre, dt)?,
                post: Decay::new(NAME, "tau_post", p.tau_post, dt)?,
                interaction: p.interaction,
                coincidence: p.coincidence,
            },
            post2,
            eta: (amplitude(NAME, "eta_pre", p.eta_pre, unit)?, amplitude(NAME, "eta_post", p.eta_post, unit)?),
            x_tar: amplitude(NAME, "x_tar", x_tar, 1.0)?,
            strength: Strength::power(NAME, ("mu", mu), (p.w_max, -1.0), p.w_max - p.w_min)?,
            clip,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &DiehlCookStdpParameters {
        &self.parameters
    }
}

impl<F: Real> PlasticityRule<F> for DiehlCookStdp<F> {
    type State = DiehlCookStdpState<F>;

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
        let pre = if matches!(p.form, DiehlCookForm::PostOnly { .. }) { 0.0 } else { p.eta_pre };
        Some(p.amplitude_unit.largest((p.w_min, p.w_max), &[pre, p.eta_post]))
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        let mut all = state.traces.view(self.traces, ("x", "y"), now);
        all.extend(self.post2.map(|decay| TraceValues::new("y2", TraceOf::Post, state.post2.values(decay, now))));
        all
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        check_synapses::<F>(NAME, synapses)?;
        let traces = TraceState::new(NAME, pre, post)?;
        Ok(DiehlCookStdpState { traces, post2: Trace::new(NAME, if self.post2.is_some() { post } else { 0 })? })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let DiehlCookStdpState { traces, post2 } = state;
        if self.post2.is_some() {
            nl_units::Error::length(NAME, "weights (post)", post2.len(), weights.post())?;
        }
        traces.check(NAME, activity, weights)?;
        let now = activity.now;
        let post_only = matches!(self.parameters.form, DiehlCookForm::PostOnly { .. });
        let amount = activity.rate * self.eta.1;
        let plus = Change { amount, strength: self.strength, clip: self.clip };
        let minus = -(activity.rate * self.eta.0);
        self.traces.step(
            traces,
            activity,
            weights,
            |weights, i, y, factor| {
                if !post_only {
                    let change = Change { amount: minus * factor, strength: Strength::Constant, clip: self.clip };
                    change.row(weights, i, y);
                }
            },
            |weights, j, x, factor| {
                let second = self.post2.map_or(F::ONE, |decay| post2.at(decay, now, j));
                Change { amount: amount * second, ..plus }.incoming(weights, j, |_, i| x[i] * factor - self.x_tar);
            },
        );
        if let Some(decay) = self.post2 {
            self.parameters.interaction.jump(post2, decay, now, activity.post);
        }
        Ok(())
    }
}
