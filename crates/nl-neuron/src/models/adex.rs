//! The adaptive exponential integrate-and-fire neuron.

use serde::{Deserialize, Serialize};

use super::eif::{EifParameters, ExponentialMembrane};
use super::integrated::{self, Neuron, state};
use crate::integrate::{Method, Ode};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Ns, Pa, Pf, Real, SpikeSet, slow};

const NAME: &str = "adex";

/// Parameters of [`AdEx`]; the defaults are the paper's, with V_reset = E_L.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AdExParameters {
    /// Membrane capacitance.
    pub c_m: Pf,
    /// Leak conductance.
    pub g_l: Ns,
    /// Leak reversal (resting) potential.
    pub e_l: Mv,
    /// Potential where the exponential takes over.
    pub v_t: Mv,
    /// Slope factor Δ_T.
    pub delta_t: Mv,
    /// Time constant of adaptation.
    pub tau_w: Ms,
    /// Subthreshold adaptation.
    pub a: Ns,
    /// What a spike adds to w.
    pub b: Pa,
    /// Potential at which a spike is registered.
    pub v_peak: Mv,
    /// Potential after a spike.
    pub v_reset: Mv,
    /// Absolute refractory period; the paper has none; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Constant current.
    pub i_e: Pa,
    /// The integrator.
    pub method: Method,
}

impl Default for AdExParameters {
    fn default() -> Self {
        Self {
            c_m: Pf(281.0),
            g_l: Ns(30.0),
            e_l: Mv(-70.6),
            v_t: Mv(-50.4),
            delta_t: Mv(2.0),
            tau_w: Ms(144.0),
            a: Ns(4.0),
            b: Pa(80.5),
            v_peak: Mv(-30.4),
            v_reset: Mv(-70.6),
            t_ref: Ms(0.0),
            i_e: Pa(0.0),
            method: Method::Rk4,
        }
    }
}

/// Adaptive exponential integrate-and-fire: C_m V' = −g_L (V − E_L) + g_L Δ_T e^((V − V_T)/Δ_T) − w + I + I_e,
/// τ_w w' = a (V − E_L) − w; V ≥ V_peak → spike, V := V_reset, w := w + b.
///
/// The exponent (V − V_T)/Δ_T is clamped to 10 (or to its value at V_peak, if that is less), in every inner stage of an
/// integrator: with a fixed step V would overshoot by e^((V − V_T)/Δ_T), and w would see it. The upstroke, at 5 V/ms with
/// the defaults, is over within a step all the same. One spike a step at most, also where t_ref = 0. During t_ref V stays at
/// V_reset and w goes on. V_peak = V_T + 10 Δ_T by default; the paper registers at 20 mV, NEST at 0 mV, 0.01 ms later.
/// (NEST integrates with an adaptive step and resets within it, so its intervals are a fraction of dt shorter.)
///
/// Input: one receptor, current in pA. Source: Brette & Gerstner, J. Neurophysiol. 94, 2005, eq. 1–3 (NEST's default
/// V_reset is −60 mV).
///
/// ```
/// use nl_neuron::{AdEx, AdExParameters, Ms, NeuronModel, SpikeSet};
///
/// let adex = AdEx::<f32>::new(AdExParameters::default(), Ms(0.1))?;
/// let mut state = adex.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// let mut times = Vec::new();
/// for step in 0..5000 {
///     adex.step(&mut state, &[1000.0], &mut spikes)?; // pA
///     if !spikes.is_empty() {
///         times.push(step);
///     }
/// }
/// let intervals: Vec<_> = times.windows(2).map(|t| t[1] - t[0]).collect();
/// assert!(intervals[0] < *intervals.last().unwrap(), "it adapts: {intervals:?}");
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AdEx<F = f32> {
    parameters: AdExParameters,
    dt: Ms,
    refractory: u32,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    membrane: ExponentialMembrane<F>,
    /// 1 / τ_w
    rate_w: F,
    a: F,
    b: F,
    v_reset: F,
    i_e: F,
}

state! {
    /// State of a population of [`AdEx`].
    AdExState, 2: v, w
}

impl<F: Real> AdEx<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, C_m, g_L, Δ_T, τ_w or dt not positive, t_ref negative, V_reset not
    /// below V_peak, or V_peak not within 60 Δ_T above V_T.
    pub fn new(parameters: AdExParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::positive(NAME, "dt", dt.0)?;
        Error::positive(NAME, "tau_w", p.tau_w.0)?;
        Error::finite(NAME, "a", p.a.0)?;
        Error::finite(NAME, "b", p.b.0)?;
        let AdExParameters { c_m, g_l, e_l, v_t, delta_t, v_peak, v_reset, t_ref, i_e, method, .. } = p;
        let eif = EifParameters { c_m, g_l, e_l, v_t, delta_t, v_peak, v_reset, t_ref, i_e, method };
        let membrane = ExponentialMembrane::new(NAME, &eif)?;
        slow::check::<F>(NAME, "c_m / g_l", Ms(p.c_m.0 / p.g_l.0), dt)?;
        slow::check::<F>(NAME, "tau_w", p.tau_w, dt)?;
        let refractory = p.t_ref.steps(NAME, "t_ref", dt)?;
        let constants = Constants {
            membrane,
            rate_w: F::from_f64(1.0 / p.tau_w.0),
            a: F::from_f64(p.a.0),
            b: F::from_f64(p.b.0),
            v_reset: F::from_f64(p.v_reset.0),
            i_e: F::from_f64(p.i_e.0),
        };
        Ok(Self { parameters, dt, refractory, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &AdExParameters {
        &self.parameters
    }
}

#[derive(Debug, Clone, Copy)]
struct Equations<F> {
    constants: Constants<F>,
    current: F,
    held: bool,
}

impl<F: Real> Ode<F, 2> for Equations<F> {
    #[inline(always)]
    fn slope(&self, [v, w]: [F; 2]) -> [F; 2] {
        let (a, b) = self.linear([v, w]);
        [a[0] - b[0] * v, a[1] - b[1] * w]
    }

    #[inline(always)]
    fn linear(&self, [v, w]: [F; 2]) -> ([F; 2], [F; 2]) {
        let c = &self.constants;
        let (a, b) = c.membrane.linear(v, self.current - w);
        let (a, b) = if self.held { (F::ZERO, F::ZERO) } else { (a, b) };
        ([a, c.rate_w * (c.a * (v - c.membrane.e_l))], [b, c.rate_w])
    }
}

impl<F: Real> Neuron<F, 2, 1> for Constants<F> {
    type Equations = Equations<F>;

    #[inline(always)]
    fn equations(&self, [input]: [F; 1], held: bool) -> Equations<F> {
        Equations { constants: *self, current: input + self.i_e, held }
    }

    #[inline(always)]
    fn spike(&self, _before: [F; 2], [v, w]: [F; 2]) -> (bool, [F; 2]) {
        (v >= self.membrane.v_peak, [self.v_reset, w + self.b])
    }
}

impl<F: Real> NeuronModel<F> for AdEx<F> {
    type State = AdExState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        const { &[InputChannel::current("pA")] }
    }

    fn state(&self, n: usize) -> Result<Self::State, Error> {
        let a = self.parameters.a.0;
        let v = self.constants.membrane.rest(a);
        AdExState::filled(n, [v, a * (v - self.parameters.e_l.0)])
    }

    fn step(&self, state: &mut Self::State, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let method = self.parameters.method;
        integrated::step(self, self.constants, method, self.refractory, state.arrays(), input, spikes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::tests::assert_orders;

    #[test]
    fn subthreshold_dynamics_converge_at_the_declared_orders() {
        let constants = AdEx::<f64>::new(AdExParameters::default(), Ms(0.1)).unwrap().constants;
        let equations = Equations { constants, current: 400.0, held: false };
        assert_orders(NAME, &equations, [-70.6, 0.0], 20.0, 0.8);
    }

    /// Where the exponential pulls V away from E_L, adaptation pulls it back, and nothing moves.
    #[test]
    fn it_rests_where_both_slopes_vanish() {
        for a in [-10.0, 0.0, 4.0, 40.0] {
            let p = AdExParameters { delta_t: Mv(8.0), a: Ns(a), ..AdExParameters::default() };
            let model = AdEx::<f64>::new(p, Ms(0.1)).unwrap();
            let state = model.state(1).unwrap();
            let (v, w) = (state.v[0], state.w[0]);
            let slopes = Equations { constants: model.constants, current: 0.0, held: false }.slope([v, w]);
            assert!(slopes.iter().all(|slope| slope.abs() < 1e-12), "{a} nS: {slopes:?} at {v} mV, {w} pA");
            let inward = 30.0 * 8.0 * ((v + 50.4) / 8.0).exp();
            assert!((inward - (30.0 + a) * (v + 70.6)).abs() < 1e-10 && v > -70.4, "{a} nS: {v} mV");
        }
    }

    /// A peak far above V_T: the last step before a spike overshoots by many orders of magnitude, w must not see it.
    #[test]
    fn an_overshoot_leaves_adaptation_alone() {
        for method in Method::ALL {
            let p = AdExParameters { v_peak: Mv(20.0), method, ..AdExParameters::default() };
            let model = AdEx::<f32>::new(p, Ms(0.1)).unwrap();
            let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
            let mut count = 0;
            for _ in 0..10_000 {
                let before = state.w[0];
                model.step(&mut state, &[1500.0], &mut spikes).unwrap();
                count += spikes.len();
                let jump = state.w[0] - before;
                assert!(jump.abs() < 1.0 || (jump - 80.5).abs() < 2.0, "{method:?}: {jump}");
            }
            assert!(count > 5, "{count}");
        }
    }
}
