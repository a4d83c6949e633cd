//! Voltage-based spike-timing-dependent plasticity.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::{Ms, Mv};
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::{Change, Clip, Strength, real};
use crate::memory::{check_synapses, filled};
use crate::{Activity, Decay, Error, PlasticityRule, Trace, TraceOf, TraceValues};

const NAME: &str = "clopath-stdp";

/// Depression that grows with the mean depolarisation: A_LTD · ū̄²/u_ref², τ ū̄' = −ū̄ + (ū₋ − u_rest).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ClopathHomeostasis {
    /// u_ref² in mV².
    pub u_ref_squared: f64,
    /// Time constant of ū̄.
    pub tau: Ms,
    /// What ū̄ is measured from (NEST's code: 0 mV, so that ū̄² is near 70² there).
    pub u_rest: Mv,
}

impl Default for ClopathHomeostasis {
    fn default() -> Self {
        Self { u_ref_squared: 60.0, tau: Ms(500.0), u_rest: Mv(-70.6) }
    }
}

/// Parameters of [`ClopathStdp`]; the defaults are NEST's (`clopath_synapse`, `aeif_psc_delta_clopath`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ClopathStdpParameters {
    /// Amplitude of depression, `amplitude_unit`/mV (positive depresses).
    pub a_ltd: f64,
    /// Amplitude of potentiation, `amplitude_unit`/mV².
    pub a_ltp: f64,
    /// Threshold of ū₋ and ū₊.
    pub theta_minus: Mv,
    /// Threshold of u.
    pub theta_plus: Mv,
    /// Time constant of the presynaptic trace x̄.
    pub tau_x: Ms,
    /// Time constant of ū₋.
    pub tau_minus: Ms,
    /// Time constant of ū₊.
    pub tau_plus: Ms,
    /// ū₋ and ū₊ before the first step.
    pub u_initial: Mv,
    /// Homeostatic depression; `None`: A_LTD is constant.
    pub homeostasis: Option<ClopathHomeostasis>,
    /// What A_LTD and A_LTP are measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

impl Default for ClopathStdpParameters {
    fn default() -> Self {
        Self {
            a_ltd: 14e-5,
            a_ltp: 8e-5,
            theta_minus: Mv(-70.6),
            theta_plus: Mv(-45.3),
            tau_x: Ms(15.0),
            tau_minus: Ms(10.0),
            tau_plus: Ms(7.0),
            u_initial: Mv(-70.6),
            homeostasis: None,
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 100.0,
        }
    }
}

/// Voltage-based STDP: w' = −A_LTD X(t) [ū₋ − θ₋]₊ + A_LTP x̄ [u − θ₊]₊ [ū₊ − θ₋]₊ (time in ms), clipped to [w_min, w_max].
///
/// A_LTD is in the unit of the weight per mV, A_LTP per mV², or both in multiples of w_max − w_min
/// ([`AmplitudeUnit::Range`]). The step size is the depression by a pre spike at ū₋ = θ₋ + 10 mV (and ū̄² = u_ref²); traces
/// `x_bar`, `u_minus`, `u_plus` and, with homeostasis, `u_mean`. Potentials beyond 10⁶ mV are refused.
///
/// X are the pre spikes; τ_x x̄' = −x̄ + X, so that x̄ jumps by 1/τ_x; ū₋ and ū₊ are low-passes of the postsynaptic
/// potential u, exact for u held over the step. Step: filter u; w += dt A_LTP …; pre spikes: w −= A_LTD [ū₋ − θ₋]₊; x̄ jumps.
///
/// It needs `Activity::v_post` in every step: silence is free for the pre side only. In steps left out u counts as if it had
/// had the value of the next step shown. Post spikes play no part but through u. NEST reads ū₋ and ū₊ `delay_u_bars` = 5 ms
/// late; whoever wants that, or filters u elsewhere, calls [`step_filtered`](Self::step_filtered).
///
/// Source: Clopath, Büsing, Vasilaki & Gerstner 2010.
///
/// ```
/// use nl_plasticity::{Activity, ClopathStdp, ClopathStdpParameters, Ms, PlasticityRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = ClopathStdp::<f64>::new(ClopathStdpParameters::default(), Ms(0.1))?;
/// let mut weights = Dense::new(1, 1, vec![0.5])?;
/// let mut state = rule.state(1, 1, 1)?;
/// for now in 0..100 {
///     let pre = if now == 20 { &[0][..] } else { &[] };
///     let u = [if now > 50 { 10.0 } else { -65.0 }]; // depolarised after the pre spike: potentiation
///     rule.step(&mut state, &Activity::spikes(now, pre, &[]).with_voltage(&u), &mut weights)?;
/// }
/// assert!(weights.weights()[0] > 0.5);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClopathStdp<F = f32> {
    parameters: ClopathStdpParameters,
    dt: Ms,
    x: Decay,
    minus: Decay,
    plus: Decay,
    mean: Option<Decay>,
    /// A_LTP·dt.
    ltp: F,
    /// A_LTD, over u_ref² with homeostasis.
    ltd: F,
    jump: F,
    thresholds: (F, F),
    u_rest: f64,
    clip: Clip<F>,
}

/// Traces and filtered potentials of [`ClopathStdp`].
///
/// The filters are kept in `f64`: with τ = 10⁶ ms and dt = 0.1 ms one step moves them by 10⁻⁷ of the way, which an f32 loses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct ClopathStdpState<F> {
    x: Trace<F>,
    u_minus: Vec<f64>,
    u_plus: Vec<f64>,
    /// ū̄; empty without homeostasis.
    u_mean: Vec<f64>,
    last: Option<u64>,
}

/// The largest potential, ū or threshold, in mV: nothing that follows overflows.
const LARGEST: f64 = 1e6;

fn check_potential(name: &'static str, u: f64) -> Result<(), nl_units::Error> {
    nl_units::Error::check(NAME, name, u, |u| u.abs() <= LARGEST, "use a potential in mV, within -1e6 to 1e6")
}

/// The filtered potentials that [`ClopathStdp`] reads, `[post]` each.
#[derive(Debug, Clone, Copy)]
pub struct ClopathVoltages<'a, F> {
    /// ū₋ in mV.
    pub u_minus: &'a [F],
    /// ū₊ in mV.
    pub u_plus: &'a [F],
    /// ū̄ in mV; not read without homeostasis.
    pub u_mean: &'a [F],
}

impl<F: Real> ClopathStdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant or u_ref² not positive, or w_min above w_max.
    pub fn new(parameters: ClopathStdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let x = Decay::new(NAME, "tau_x", p.tau_x, dt)?;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        // The largest factors that potentials within their limits have.
        let square = 4.0 * LARGEST * LARGEST;
        let (mut share, mut largest, mut u_rest, mut mean) = (1.0, 2.0 * LARGEST, 0.0, None);
        if let Some(h) = p.homeostasis {
            nl_units::Error::positive(NAME, "u_ref_squared", h.u_ref_squared)?;
            check_potential("u_rest", h.u_rest.0)?;
            (share, largest, u_rest) = (1.0 / h.u_ref_squared, largest * square, h.u_rest.0);
            mean = Some(Decay::new(NAME, "tau", h.tau, dt)?);
        }
        for (name, u) in [("u_initial", p.u_initial), ("theta_minus", p.theta_minus), ("theta_plus", p.theta_plus)] {
            check_potential(name, u.0)?;
        }
        amplitude::<F>(NAME, "a_ltp", p.a_ltp, dt.0 * unit * square * (1.0 / p.tau_x.0).max(1.0))?;
        amplitude::<F>(NAME, "a_ltd", p.a_ltd, share * unit * largest)?;
        Ok(Self {
            parameters,
            dt,
            x,
            minus: Decay::new(NAME, "tau_minus", p.tau_minus, dt)?,
            plus: Decay::new(NAME, "tau_plus", p.tau_plus, dt)?,
            mean,
            ltp: amplitude(NAME, "a_ltp", p.a_ltp, dt.0 * unit)?,
            ltd: amplitude(NAME, "a_ltd", p.a_ltd, share * unit)?,
            jump: real(NAME, "1 / tau_x", 1.0 / p.tau_x.0)?,
            thresholds: (real(NAME, "theta_minus", p.theta_minus.0)?, real(NAME, "theta_plus", p.theta_plus.0)?),
            u_rest,
            clip: Clip::new(NAME, p.w_min, p.w_max)?,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &ClopathStdpParameters {
        &self.parameters
    }

    /// As [`step`](PlasticityRule::step), with potentials that the caller has filtered; the state's own stay as they are.
    ///
    /// # Errors
    /// As [`step`](PlasticityRule::step), and if a slice is not `[post]`.
    pub fn step_filtered<W: Weights<F>>(
        &self,
        state: &mut ClopathStdpState<F>,
        activity: &Activity<'_, F>,
        filtered: ClopathVoltages<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let post = weights.post();
        nl_units::Error::length(NAME, "u_minus", post, filtered.u_minus.len())?;
        nl_units::Error::length(NAME, "u_plus", post, filtered.u_plus.len())?;
        if self.mean.is_some() {
            nl_units::Error::length(NAME, "u_mean", post, filtered.u_mean.len())?;
        }
        let mean = if self.mean.is_some() { filtered.u_mean } else { &[] };
        for (name, values) in [("u_minus", filtered.u_minus), ("u_plus", filtered.u_plus), ("u_mean", mean)] {
            values.iter().try_for_each(|u| check_potential(name, u.to_f64()))?;
        }
        self.check(state, activity, weights)?;
        self.act(&mut state.x, activity, filtered, weights);
        Ok(())
    }

    /// ū₋, ū₊ and ū̄ in the precision of the weights.
    fn narrow(state: &ClopathStdpState<F>) -> [Vec<F>; 3] {
        [&state.u_minus, &state.u_plus, &state.u_mean].map(|u| u.iter().map(|&u| F::from_f64(u)).collect())
    }

    fn check<W: Weights<F>>(
        &self,
        state: &mut ClopathStdpState<F>,
        activity: &Activity<'_, F>,
        weights: &W,
    ) -> Result<(), Error> {
        let post = state.u_minus.len();
        nl_units::Error::length(NAME, "state (u_plus)", post, state.u_plus.len())?;
        nl_units::Error::length(
            NAME,
            "state (u_mean)",
            if self.mean.is_some() { post } else { 0 },
            state.u_mean.len(),
        )?;
        nl_units::Error::length(NAME, "v_post", post, activity.v_post.len())?;
        for &v in activity.v_post {
            check_potential("v_post", v.to_f64())?;
        }
        activity.check(NAME, (state.x.len(), post), &mut state.last, weights)
    }

    fn act<W: Weights<F>>(
        &self,
        x: &mut Trace<F>,
        activity: &Activity<'_, F>,
        filtered: ClopathVoltages<'_, F>,
        weights: &mut W,
    ) {
        let (theta_minus, theta_plus) = self.thresholds;
        let change = |amount| Change { amount: activity.rate * amount, strength: Strength::Constant, clip: self.clip };
        let above = |u: F, theta: F| (u - theta).max(F::ZERO);
        let factor = self.ltp * x.factor(self.x, activity.now);
        for (j, (&u, &u_plus)) in activity.v_post.iter().zip(filtered.u_plus).enumerate() {
            let drive = above(u, theta_plus) * above(u_plus, theta_minus);
            if drive > F::ZERO {
                change(factor * drive).incoming(weights, j as u32, |_, i| x.scaled()[i]);
            }
        }
        let ClopathVoltages { u_minus, u_mean, .. } = filtered;
        for &i in activity.pre {
            let change = change(-self.ltd);
            if self.mean.is_some() {
                change.outgoing(weights, i, |_, j| above(u_minus[j], theta_minus) * (u_mean[j] * u_mean[j]));
            } else {
                change.outgoing(weights, i, |_, j| above(u_minus[j], theta_minus));
            }
        }
        x.add_each(self.x, activity.now, activity.pre, self.jump);
    }
}

impl<F: Real> PlasticityRule<F> for ClopathStdp<F> {
    type State = ClopathStdpState<F>;

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
        Some(p.amplitude_unit.largest((p.w_min, p.w_max), &[10.0 * p.a_ltd]))
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        let [u_minus, u_plus, u_mean] = Self::narrow(state);
        let mut all = vec![
            TraceValues::new("x_bar", TraceOf::Pre, state.x.values(self.x, now)),
            TraceValues::new("u_minus", TraceOf::Post, u_minus),
            TraceValues::new("u_plus", TraceOf::Post, u_plus),
        ];
        if self.mean.is_some() {
            all.push(TraceValues::new("u_mean", TraceOf::Post, u_mean));
        }
        all
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        nl_units::Error::population(NAME, pre)?;
        nl_units::Error::population(NAME, post)?;
        check_synapses::<F>(NAME, synapses)?;
        let u = self.parameters.u_initial.0;
        let (u_minus, u_plus) = (filled(NAME, u, post)?, filled(NAME, u, post)?);
        let u_mean = filled(NAME, u - self.u_rest, if self.mean.is_some() { post } else { 0 })?;
        Ok(ClopathStdpState { x: Trace::new(NAME, pre)?, u_minus, u_plus, u_mean, last: None })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let before = state.last;
        self.check(state, activity, weights)?;
        let steps = before.map_or(1, |last| activity.now - last);
        let ClopathStdpState { u_minus, u_plus, u_mean, .. } = &mut *state;
        let (minus, plus) = (self.minus.over(steps), self.plus.over(steps));
        for ((&u, u_minus), u_plus) in activity.v_post.iter().zip(&mut *u_minus).zip(&mut *u_plus) {
            let u = u.to_f64();
            *u_minus = u + (*u_minus - u) * minus;
            *u_plus = u + (*u_plus - u) * plus;
        }
        if let Some(decay) = self.mean {
            let decay = decay.over(steps);
            for (mean, &u) in u_mean.iter_mut().zip(&*u_minus) {
                let target = u - self.u_rest;
                *mean = target + (*mean - target) * decay;
            }
        }
        let [u_minus, u_plus, u_mean] = Self::narrow(state);
        let filtered = ClopathVoltages { u_minus: &u_minus, u_plus: &u_plus, u_mean: &u_mean };
        self.act(&mut state.x, activity, filtered, weights);
        Ok(())
    }
}
