//! The Hodgkin-Huxley neuron (squid axon), in the modern convention of potentials.

use serde::{Deserialize, Serialize};

use super::integrated::{self, Neuron, state};
use crate::integrate::{Method, Ode, over_one_minus_exp};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Real, SpikeSet, slow};

const NAME: &str = "hodgkin_huxley";

/// Parameters of [`HodgkinHuxley`]; the defaults are the squid axon's, shifted to a rest near −65 mV.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct HodgkinHuxleyParameters {
    /// Membrane capacitance in µF/cm².
    pub c_m: f64,
    /// Sodium conductance in mS/cm².
    pub g_na: f64,
    /// Potassium conductance in mS/cm².
    pub g_k: f64,
    /// Leak conductance in mS/cm².
    pub g_l: f64,
    /// Sodium reversal potential.
    pub e_na: Mv,
    /// Potassium reversal potential.
    pub e_k: Mv,
    /// Leak reversal potential.
    pub e_l: Mv,
    /// A spike is an upward crossing of this level.
    pub v_th: Mv,
    /// Time after a spike in which no other is counted, in whole steps (see [`grid`](crate::grid)); the membrane goes on.
    pub t_ref: Ms,
    /// Constant current in µA/cm².
    pub i_e: f64,
    /// The integrator.
    pub method: Method,
}

impl Default for HodgkinHuxleyParameters {
    fn default() -> Self {
        Self {
            c_m: 1.0,
            g_na: 120.0,
            g_k: 36.0,
            g_l: 0.3,
            e_na: Mv(50.0),
            e_k: Mv(-77.0),
            e_l: Mv(-54.402),
            v_th: Mv(0.0),
            t_ref: Ms(2.0),
            i_e: 0.0,
            method: Method::ExponentialEuler,
        }
    }
}

/// Hodgkin-Huxley: C_m V' = −g_Na m³h (V − E_Na) − g_K n⁴ (V − E_K) − g_L (V − E_L) + I; x' = α_x (1 − x) − β_x x for
/// the gates x = m, h, n.
///
/// α_m = 0.1 (V + 40) / (1 − e^(−(V+40)/10)), β_m = 4 e^(−(V+65)/18), α_h = 0.07 e^(−(V+65)/20),
/// β_h = 1 / (1 + e^(−(V+35)/10)), α_n = 0.01 (V + 55) / (1 − e^(−(V+55)/10)), β_n = 0.125 e^(−(V+65)/80) per ms, V in
/// mV; finite at V = −40 and −55. Below −500 mV the rates keep their value of −500 mV, so that none overflows.
///
/// A spike is a step in which V rises from below V_th to V_th or above; V must fall below V_th before the next one, and
/// none is counted for t_ref (NEST's `hh_psc_alpha` waits for the maximum after the crossing: a few steps later).
/// Nothing is reset. Exponential Euler, the default, is stable at any dt; the Runge-Kutta methods are more accurate but
/// want dt ≤ 0.05 ms once V falls below −100 mV.
///
/// Input: one receptor, current density in µA/cm². Source: Hodgkin & Huxley, J. Physiol. 117, 1952, with V → −V − 65;
/// Gerstner et al., Neuronal Dynamics, 2014, eq. 2.4 ff.
///
/// ```
/// use nl_neuron::{HodgkinHuxley, HodgkinHuxleyParameters, Ms, NeuronModel, SpikeSet};
///
/// let model = HodgkinHuxley::<f32>::new(HodgkinHuxleyParameters::default(), Ms(0.05))?;
/// let mut state = model.state(2)?;
/// let mut spikes = SpikeSet::new(2);
/// let mut counts = [0; 2];
/// for _ in 0..4000 {
///     model.step(&mut state, &[0.0, 10.0], &mut spikes)?; // µA/cm²
///     for &i in spikes.indices() {
///         counts[i as usize] += 1;
///     }
/// }
/// assert_eq!(counts, [0, 14]); // about 70 Hz
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HodgkinHuxley<F = f32> {
    parameters: HodgkinHuxleyParameters,
    dt: Ms,
    refractory: u32,
    membrane: Membrane<F>,
    rest: [f64; 4],
}

/// Conductances over the capacitance, 1/ms; potentials, mV.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Membrane<F> {
    per_c: F,
    g_na: F,
    g_k: F,
    g_l: F,
    e_na: F,
    e_k: F,
    e_l: F,
    i_e: F,
    v_th: F,
}

state! {
    /// State of a population of [`HodgkinHuxley`].
    HodgkinHuxleyState, 4: v, m, h, n
}

impl<F: Real> HodgkinHuxley<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, C_m or dt not positive, or a conductance or t_ref negative.
    pub fn new(parameters: HodgkinHuxleyParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::positive(NAME, "dt", dt.0)?;
        Error::positive(NAME, "c_m", p.c_m)?;
        for (name, value) in [("g_na", p.g_na), ("g_k", p.g_k), ("g_l", p.g_l)] {
            Error::not_negative(NAME, name, value)?;
        }
        for (name, value) in [("e_na", p.e_na), ("e_k", p.e_k), ("e_l", p.e_l), ("v_th", p.v_th), ("i_e", Mv(p.i_e))] {
            Error::finite(NAME, name, value.0)?;
        }
        // Its slowest gates, n and h, relax within some 10 ms.
        slow::check::<F>(NAME, "gates", Ms(10.0), dt)?;
        if p.g_l > 0.0 {
            slow::check::<F>(NAME, "c_m / g_l", Ms(p.c_m / p.g_l), dt)?;
        }
        let refractory = p.t_ref.steps(NAME, "t_ref", dt)?;
        let membrane = Membrane::<f64>::new(&p);
        let steady = |v| Equations { membrane: Membrane { i_e: 0.0, ..membrane }, current: 0.0 }.slope(at_rest(v))[0];
        let low = p.e_na.0.min(p.e_k.0).min(p.e_l.0);
        let rest = at_rest(integrated::rest(steady, low, p.e_na.0.max(p.e_k.0).max(p.e_l.0)));
        Ok(Self { parameters, dt, refractory, membrane: Membrane::new(&p), rest })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &HodgkinHuxleyParameters {
        &self.parameters
    }
}

impl<F: Real> Membrane<F> {
    fn new(p: &HodgkinHuxleyParameters) -> Self {
        Self {
            per_c: F::from_f64(1.0 / p.c_m),
            g_na: F::from_f64(p.g_na / p.c_m),
            g_k: F::from_f64(p.g_k / p.c_m),
            g_l: F::from_f64(p.g_l / p.c_m),
            e_na: F::from_f64(p.e_na.0),
            e_k: F::from_f64(p.e_k.0),
            e_l: F::from_f64(p.e_l.0),
            i_e: F::from_f64(p.i_e / p.c_m),
            v_th: F::from_f64(p.v_th.0),
        }
    }
}

/// [V, m, h, n] with the gates at their steady values α / (α + β).
fn at_rest(v: f64) -> [f64; 4] {
    let [(am, bm), (ah, bh), (an, bn)] = rates(v);
    [v, am / (am + bm), ah / (ah + bh), an / (an + bn)]
}

/// (α, β) of m, h and n at V, in 1/ms.
#[inline(always)]
fn rates<F: Real>(v: F) -> [(F, F); 3] {
    let c = F::from_f64;
    let v = if v < c(-500.0) { c(-500.0) } else { v };
    let am = over_one_minus_exp((v + c(40.0)) * c(0.1));
    let bm = c(4.0) * ((v + c(65.0)) * c(-1.0 / 18.0)).v_exp();
    let ah = c(0.07) * ((v + c(65.0)) * c(-0.05)).v_exp();
    let bh = F::ONE / (F::ONE + ((v + c(35.0)) * c(-0.1)).v_exp());
    let an = c(0.1) * over_one_minus_exp((v + c(55.0)) * c(0.1));
    let bn = c(0.125) * ((v + c(65.0)) * c(-1.0 / 80.0)).v_exp();
    [(am, bm), (ah, bh), (an, bn)]
}

#[derive(Debug, Clone, Copy)]
struct Equations<F> {
    membrane: Membrane<F>,
    current: F,
}

impl<F: Real> Ode<F, 4> for Equations<F> {
    #[inline(always)]
    fn slope(&self, y: [F; 4]) -> [F; 4] {
        let (a, b) = self.linear(y);
        [a[0] - b[0] * y[0], a[1] - b[1] * y[1], a[2] - b[2] * y[2], a[3] - b[3] * y[3]]
    }

    #[inline(always)]
    fn linear(&self, [v, m, h, n]: [F; 4]) -> ([F; 4], [F; 4]) {
        let g = &self.membrane;
        let [(am, bm), (ah, bh), (an, bn)] = rates(v);
        let na = g.g_na * (m * m * m) * h;
        let k = g.g_k * ((n * n) * (n * n));
        let driven = na * g.e_na + k * g.e_k + g.g_l * g.e_l + g.per_c * self.current + g.i_e;
        ([driven, am, ah, an], [na + k + g.g_l, am + bm, ah + bh, an + bn])
    }
}

impl<F: Real> Neuron<F, 4, 1> for Membrane<F> {
    type Equations = Equations<F>;

    #[inline(always)]
    fn equations(&self, [current]: [F; 1], _held: bool) -> Equations<F> {
        Equations { membrane: *self, current }
    }

    #[inline(always)]
    fn spike(&self, before: [F; 4], after: [F; 4]) -> (bool, [F; 4]) {
        ((before[0] < self.v_th) & (after[0] >= self.v_th), after)
    }
}

impl<F: Real> NeuronModel<F> for HodgkinHuxley<F> {
    type State = HodgkinHuxleyState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        const { &[InputChannel::current("uA/cm2")] }
    }

    fn state(&self, n: usize) -> Result<Self::State, Error> {
        HodgkinHuxleyState::filled(n, self.rest)
    }

    fn step(&self, state: &mut Self::State, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let method = self.parameters.method;
        integrated::step(self, self.membrane, method, self.refractory, state.arrays(), input, spikes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PopulationState;
    use crate::integrate::tests::assert_orders;
    use approx::assert_abs_diff_eq;

    #[test]
    fn subthreshold_dynamics_converge_at_the_declared_orders() {
        let membrane = Membrane::new(&HodgkinHuxleyParameters::default());
        assert_orders(NAME, &Equations { membrane, current: 2.0 }, at_rest(-65.0), 4.0, 0.04);
    }

    #[test]
    fn rests_near_minus_65_and_stays() {
        let model = HodgkinHuxley::<f64>::new(HodgkinHuxleyParameters::default(), Ms(0.1)).unwrap();
        let mut state = model.state(1).unwrap();
        let rest = state.clone();
        assert_abs_diff_eq!(state.v[0], -65.0, epsilon = 0.02); // the paper gives whole millivolts
        let mut spikes = SpikeSet::new(1);
        for _ in 0..10_000 {
            model.step(&mut state, &[0.0], &mut spikes).unwrap();
        }
        for name in state.variables() {
            let (now, then) = (state.variable(name).unwrap()[0], rest.variable(name).unwrap()[0]);
            assert!((now - then).abs() < 1e-9, "{name}: {now}, {then}");
        }
    }

    /// The poles of α_m (−40 mV) and α_n (−55 mV) have the limits 1 and 0.1.
    #[test]
    fn the_poles_are_removed() {
        assert_eq!(rates(-40.0_f64)[0].0, 1.0);
        assert_eq!(rates(-55.0_f32)[2].0, 0.1);
        let beside = (rates(-40.0_f64 + 1e-7)[0].0, rates(-40.0_f64 - 1e-7)[0].0);
        assert!((beside.0 - 1.0 - 5e-9).abs() < 1e-15 && (beside.1 - 1.0 + 5e-9).abs() < 1e-15);
    }

    #[test]
    fn a_held_level_counts_one_spike() {
        let p = HodgkinHuxleyParameters { g_na: 0.0, g_k: 0.0, ..HodgkinHuxleyParameters::default() };
        let model = HodgkinHuxley::<f64>::new(p, Ms(0.1)).unwrap();
        let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
        let mut count = 0;
        for current in [100.0, -100.0, 100.0] {
            for _ in 0..500 {
                model.step(&mut state, &[current], &mut spikes).unwrap();
                count += spikes.len();
            }
        }
        assert_eq!(count, 2);
    }
}
