//! The conductance-based (COBA) leaky integrate-and-fire neuron with exponential conductances.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::exact::{Threshold, filled, scalar, select};
use crate::receptor::CONDUCTANCES;
use crate::slow::decay;
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Ns, Pa, Pf, PopulationState, Real, SpikeSet, slow};

const NAME: &str = "coba";

/// Which conductance stands for a step in which it decays; the conductances themselves are always exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ConductanceScheme {
    /// g at the start of the step: exponential Euler, order 1, what Brian2's `exponential_euler` does.
    #[default]
    ExponentialEuler,
    /// The mean of g over the step, (τ/dt) (1 − e^(−dt/τ)) g: order 2 at the same cost.
    Mean,
}

impl ConductanceScheme {
    /// What g at the start of the step is multiplied with.
    pub(crate) fn factor(self, tau: Ms, dt: Ms) -> f64 {
        match self {
            Self::ExponentialEuler => 1.0,
            Self::Mean => -tau.0 / dt.0 * (-dt.0 / tau.0).exp_m1(),
        }
    }
}

/// Parameters of [`Coba`]; the defaults are NEST's `iaf_cond_exp`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CobaParameters {
    /// Membrane capacitance; τ_m = C_m / g_L.
    pub c_m: Pf,
    /// Leak conductance.
    pub g_l: Ns,
    /// Leak reversal (resting) potential.
    pub e_l: Mv,
    /// Excitatory reversal potential.
    pub e_ex: Mv,
    /// Inhibitory reversal potential.
    pub e_in: Mv,
    /// Threshold.
    pub v_th: Mv,
    /// Potential after a spike.
    pub v_reset: Mv,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Time constant of the excitatory conductance.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory conductance.
    pub tau_syn_in: Ms,
    /// Constant current.
    pub i_e: Pa,
    /// Integration of the membrane.
    pub scheme: ConductanceScheme,
}

impl Default for CobaParameters {
    fn default() -> Self {
        Self {
            c_m: Pf(250.0),
            g_l: Ns(16.6667),
            e_l: Mv(-70.0),
            e_ex: Mv(0.0),
            e_in: Mv(-85.0),
            v_th: Mv(-55.0),
            v_reset: Mv(-60.0),
            t_ref: Ms(2.0),
            tau_syn_ex: Ms(0.2),
            tau_syn_in: Ms(2.0),
            i_e: Pa(0.0),
            scheme: ConductanceScheme::ExponentialEuler,
        }
    }
}

impl CobaParameters {
    /// The neuron of the COBA benchmark (its weights: 6 nS excitatory, 67 nS inhibitory).
    ///
    /// Source: Vogels & Abbott 2005; Brette et al. 2007, benchmark 1.
    #[must_use]
    pub fn benchmark() -> Self {
        Self {
            c_m: Pf(200.0),
            g_l: Ns(10.0),
            e_l: Mv(-60.0),
            e_ex: Mv(0.0),
            e_in: Mv(-80.0),
            v_th: Mv(-50.0),
            v_reset: Mv(-60.0),
            t_ref: Ms(5.0),
            tau_syn_ex: Ms(5.0),
            tau_syn_in: Ms(10.0),
            i_e: Pa(0.0),
            scheme: ConductanceScheme::ExponentialEuler,
        }
    }
}

/// LIF with exponential conductances: C_m V' = −g_L (V − E_L) − g_ex (V − E_ex) − g_in (V − E_in) + I + I_e,
/// g' = −g/τ_syn; V ≥ V_th → spike, V := V_reset held for t_ref, while the conductances go on.
///
/// With the conductances of a step held constant (which: [`ConductanceScheme`]) V tends to
/// V∞ = (g_L E_L + g_ex E_ex + g_in E_in + I + I_e)/g, g = g_L + g_ex + g_in: V ← V∞ + (V − V∞) e^(−dt g/C_m). Then each
/// conductance decays by e^(−dt/τ_syn), exactly, and takes the jumps of the step.
///
/// Input: `exc` and `inh` jump the conductances (nS; **both positive**), `current` (pA) is held over the step. Source:
/// Gerstner et al., Neuronal Dynamics, 2014; NEST `iaf_cond_exp` (which integrates by Runge-Kutta-Fehlberg);
/// Brette et al. 2007.
///
/// ```
/// use nl_neuron::{Coba, CobaParameters, Ms, NeuronModel, PopulationState, SpikeSet};
///
/// let coba = Coba::<f32>::new(CobaParameters::benchmark(), Ms(0.1))?;
/// let mut state = coba.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// let (exc, inh, current) = ([6.0], [0.0], [0.0]);
/// coba.step(&mut state, &[exc, inh, current].concat(), &mut spikes)?; // arrives at the end of the step
/// assert_eq!(state.variable("v"), Some(&[-60.0][..]));
/// coba.step(&mut state, &[0.0; 3], &mut spikes)?;
/// assert!(state.variable("v").unwrap()[0] > -60.0);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Coba<F = f32> {
    parameters: CobaParameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    threshold: Threshold<F>,
    g_l: F,
    e_l: F,
    e_ex: F,
    e_in: F,
    i_e: F,
    /// −dt / C_m
    rate: F,
    decay_ex: F,
    decay_in: F,
    factor_ex: F,
    factor_in: F,
}

/// State of a population of [`Coba`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CobaState<F> {
    v: Vec<F>,
    g_ex: Vec<F>,
    g_in: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> Coba<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant, C_m, g_L or dt not positive, t_ref negative, or
    /// V_reset not below V_th.
    pub fn new(parameters: CobaParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::positive(NAME, "dt", dt.0)?;
        Error::positive(NAME, "c_m", p.c_m.0)?;
        Error::positive(NAME, "g_l", p.g_l.0)?;
        slow::check::<F>(NAME, "c_m / g_l", Ms(p.c_m.0 / p.g_l.0), dt)?;
        let constants = Constants {
            threshold: Threshold::new(NAME, dt, p.v_th, p.v_reset, p.t_ref)?,
            g_l: scalar(NAME, "g_l", p.g_l.0)?,
            e_l: scalar(NAME, "e_l", p.e_l.0)?,
            e_ex: scalar(NAME, "e_ex", p.e_ex.0)?,
            e_in: scalar(NAME, "e_in", p.e_in.0)?,
            i_e: scalar(NAME, "i_e", p.i_e.0)?,
            rate: scalar(NAME, "dt / c_m", -dt.0 / p.c_m.0)?,
            decay_ex: decay(NAME, "tau_syn_ex", p.tau_syn_ex, dt)?,
            decay_in: decay(NAME, "tau_syn_in", p.tau_syn_in, dt)?,
            factor_ex: scalar(NAME, "tau_syn_ex", p.scheme.factor(p.tau_syn_ex, dt))?,
            factor_in: scalar(NAME, "tau_syn_in", p.scheme.factor(p.tau_syn_in, dt))?,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &CobaParameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for Coba<F> {
    type State = CobaState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        CONDUCTANCES
    }

    fn state(&self, n: usize) -> Result<CobaState<F>, Error> {
        Error::population(NAME, n)?;
        Ok(CobaState {
            v: filled(NAME, self.constants.e_l, n)?,
            g_ex: filled(NAME, F::ZERO, n)?,
            g_in: filled(NAME, F::ZERO, n)?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut CobaState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let n = state.v.len();
        Error::state(NAME, n, &[state.g_ex.len(), state.g_in.len(), state.refractory.len()])?;
        self.check(n, input, spikes)?;
        let (exc, rest) = input.split_at(n);
        let (inh, current) = rest.split_at(n);
        Level::current().dispatch(Step { c: self.constants, state, exc, inh, current, fired: spikes.flags_mut() });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for CobaState<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v", "g_ex", "g_in"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        match name {
            "v" => Some(&self.v),
            "g_ex" => Some(&self.g_ex),
            "g_in" => Some(&self.g_in),
            _ => None,
        }
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        match name {
            "v" => Some(&mut self.v),
            "g_ex" => Some(&mut self.g_ex),
            "g_in" => Some(&mut self.g_in),
            _ => None,
        }
    }
}

struct Step<'a, F> {
    c: Constants<F>,
    state: &'a mut CobaState<F>,
    exc: &'a [F],
    inh: &'a [F],
    current: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let CobaState { v, g_ex, g_in, refractory } = self.state;
        advance(self.c, v, g_ex, g_in, refractory, self.exc, self.inh, self.current, self.fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    g_ex: &mut [F],
    g_in: &mut [F],
    refractory: &mut [u32],
    exc: &[F],
    inh: &[F],
    current: &[F],
    fired: &mut [u8],
) {
    let n = v.len();
    let (g_ex, g_in, refractory) = (&mut g_ex[..n], &mut g_in[..n], &mut refractory[..n]);
    let (exc, inh, current, fired) = (&exc[..n], &inh[..n], &current[..n], &mut fired[..n]);
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let held = left > 0;
        let (ex, inhibition) = (c.factor_ex * g_ex[i], c.factor_in * g_in[i]);
        let g = c.g_l + ex + inhibition;
        // Relative to E_L, so that a neuron at rest without input stays there to the last bit.
        let drive = ex * (c.e_ex - c.e_l) + inhibition * (c.e_in - c.e_l) + (current[i] + c.i_e);
        let limit = c.e_l + drive / g;
        let moved = limit + (before - limit) * (c.rate * g).v_exp();
        let u = select(held, before, moved);
        let fire = !held & (u >= c.threshold.v_th);
        v[i] = select(fire, c.threshold.v_reset, u);
        g_ex[i] = c.decay_ex * g_ex[i] + exc[i];
        g_in[i] = c.decay_in * g_in[i] + inh[i];
        refractory[i] = select(fire, c.threshold.refractory, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    /// V at 8 ms of a neuron that starts with both conductances open and no spikes.
    fn after(scheme: ConductanceScheme, dt: f64) -> f64 {
        let p = CobaParameters { v_th: Mv(100.0), scheme, ..CobaParameters::benchmark() };
        let coba = Coba::<f64>::new(p, Ms(dt)).unwrap();
        let mut state = coba.state(1).unwrap();
        state.variable_mut("g_ex").unwrap()[0] = 30.0;
        state.variable_mut("g_in").unwrap()[0] = 50.0;
        let mut spikes = SpikeSet::new(1);
        for _ in 0..(8.0 / dt).round() as usize {
            coba.step(&mut state, &[0.0, 0.0, 50.0], &mut spikes).unwrap();
        }
        state.variable("v").unwrap()[0]
    }

    #[test]
    fn schemes_converge_at_their_orders() {
        for (scheme, order) in [(ConductanceScheme::ExponentialEuler, 1.0), (ConductanceScheme::Mean, 2.0)] {
            let exact = after(ConductanceScheme::Mean, 0.000_5);
            let error = |dt| (after(scheme, dt) - exact).abs();
            let slope = (error(0.2) / error(0.1)).log2();
            assert!((slope - order).abs() < 0.1, "{scheme:?}: order {slope}");
        }
    }

    /// With constant conductances the potential tends to their weighted mean of reversal potentials.
    #[test]
    fn rests_where_the_currents_cancel() {
        let p = CobaParameters { tau_syn_ex: Ms(1e12), tau_syn_in: Ms(1e12), ..CobaParameters::benchmark() };
        let coba = Coba::<f64>::new(p, Ms(0.1)).unwrap();
        let mut state = coba.state(1).unwrap();
        state.variable_mut("g_ex").unwrap()[0] = 2.0;
        state.variable_mut("g_in").unwrap()[0] = 20.0;
        let mut spikes = SpikeSet::new(1);
        for _ in 0..5000 {
            coba.step(&mut state, &[0.0; 3], &mut spikes).unwrap();
        }
        let expected = (10.0 * -60.0 + 2.0 * 0.0 + 20.0 * -80.0) / 32.0;
        // 500 ms of a decay with 6 ms, while the conductances lose 1e-10 of themselves.
        assert_abs_diff_eq!(state.variable("v").unwrap()[0], expected, epsilon = 1e-6);
    }
}
