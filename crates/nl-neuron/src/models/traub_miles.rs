//! The conductance-based Hodgkin-Huxley neuron of the COBAHH benchmark.

use serde::{Deserialize, Serialize};

use super::integrated::{self, Neuron, state};
use crate::integrate::{Method, Ode, over_one_minus_exp};
use crate::receptor::CONDUCTANCES;
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Ns, Pa, Pf, Real, SpikeSet, slow};

const NAME: &str = "traub_miles";

/// Parameters of [`TraubMiles`]; the defaults are benchmark 3 of Brette et al. 2007, on 20,000 µm² of membrane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TraubMilesParameters {
    /// Membrane capacitance (1 µF/cm²).
    pub c_m: Pf,
    /// Sodium conductance (100 mS/cm²).
    pub g_na: Ns,
    /// Potassium (delayed rectifier) conductance (30 mS/cm²).
    pub g_k: Ns,
    /// Leak conductance (0.05 mS/cm²).
    pub g_l: Ns,
    /// Sodium reversal potential.
    pub e_na: Mv,
    /// Potassium reversal potential.
    pub e_k: Mv,
    /// Leak reversal potential.
    pub e_l: Mv,
    /// Shift of the kinetics.
    pub v_t: Mv,
    /// Time constant of excitatory conductance.
    pub tau_syn_ex: Ms,
    /// Time constant of inhibitory conductance.
    pub tau_syn_in: Ms,
    /// Excitatory reversal potential.
    pub e_ex: Mv,
    /// Inhibitory reversal potential.
    pub e_in: Mv,
    /// A spike is an upward crossing of this level.
    pub v_th: Mv,
    /// Time after a spike in which no other is counted, in whole steps (see [`grid`](crate::grid)); the membrane goes on.
    pub t_ref: Ms,
    /// Constant current.
    pub i_e: Pa,
    /// The integrator.
    pub method: Method,
}

impl Default for TraubMilesParameters {
    fn default() -> Self {
        Self {
            c_m: Pf(200.0),
            g_na: Ns(20_000.0),
            g_k: Ns(6000.0),
            g_l: Ns(10.0),
            e_na: Mv(50.0),
            e_k: Mv(-90.0),
            e_l: Mv(-60.0),
            v_t: Mv(-63.0),
            tau_syn_ex: Ms(5.0),
            tau_syn_in: Ms(10.0),
            e_ex: Mv(0.0),
            e_in: Mv(-80.0),
            v_th: Mv(-20.0),
            t_ref: Ms(3.0),
            i_e: Pa(0.0),
            method: Method::ExponentialEuler,
        }
    }
}

/// Traub & Miles' kinetics with conductance synapses: C_m V' = −g_Na m³h (V − E_Na) − g_K n⁴ (V − E_K) − g_L (V − E_L)
/// − g_ex (V − E_ex) − g_in (V − E_in) + I; x' = α_x (1 − x) − β_x x for x = m, h, n; g' = −g / τ.
///
/// With U = V − V_T and f(x) = x / (1 − e^(−x)): α_m = 1.28 f((U − 13)/4), β_m = 1.4 f((40 − U)/5), α_h = 0.128 e^((17 − U)/18),
/// β_h = 4 / (1 + e^((40 − U)/5)), α_n = 0.16 f((U − 15)/5), β_n = 0.5 e^((10 − U)/40) per ms; below U = −500 mV they keep their
/// value of −500 mV. An input spike adds its weight to g_ex or g_in (6 and 67 nS in the benchmark).
///
/// A spike is a step in which V rises from below V_th to V_th or above, none for t_ref after one; nothing is reset.
/// (Brian2's example counts a spike whenever V > −20 mV and the last one is 3 ms ago: the same unless V stays there.)
///
/// A neuron starts at rest, or at E_L if it has no rest below V_T: with the benchmark's values it fires at 13 Hz without any
/// input, and the network's inhibition holds it back.
///
/// Input: three receptors, jumps of g_ex and of g_in in nS, current in pA. Source: Traub & Miles, Neuronal Networks of the
/// Hippocampus, 1991; Brette et al., J. Comput. Neurosci. 23, 2007, benchmark 3, as in Brian2's example `COBAHH`.
///
/// ```
/// use nl_neuron::{Ms, NeuronModel, SpikeSet, TraubMiles, TraubMilesParameters};
///
/// let model = TraubMiles::<f32>::new(TraubMilesParameters::default(), Ms(0.1))?;
/// let mut state = model.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// let mut count = 0;
/// for step in 0..1000 {
///     let g_ex = if step % 20 == 0 { 6.0 } else { 0.0 }; // 6 nS every 2 ms
///     model.step(&mut state, &[g_ex, 0.0, 0.0], &mut spikes)?;
///     count += spikes.len();
/// }
/// assert!((2..20).contains(&count), "{count}");
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TraubMiles<F = f32> {
    parameters: TraubMilesParameters,
    dt: Ms,
    refractory: u32,
    membrane: Membrane<F>,
    rest: [f64; 6],
}

/// Conductances over the capacitance, 1/ms; 1 / C_m; potentials, mV; 1 / τ, 1/ms.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Membrane<F> {
    gain: F,
    g_na: F,
    g_k: F,
    g_l: F,
    e_na: F,
    e_k: F,
    e_l: F,
    e_ex: F,
    e_in: F,
    v_t: F,
    rate_ex: F,
    rate_in: F,
    v_th: F,
}

state! {
    /// State of a population of [`TraubMiles`].
    TraubMilesState, 6: v, m, h, n, g_ex, g_in
}

impl<F: Real> TraubMiles<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, C_m, a τ or dt not positive, or a conductance or t_ref negative.
    pub fn new(parameters: TraubMilesParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        for (name, value) in
            [("dt", dt.0), ("c_m", p.c_m.0), ("tau_syn_ex", p.tau_syn_ex.0), ("tau_syn_in", p.tau_syn_in.0)]
        {
            Error::positive(NAME, name, value)?;
        }
        for (name, value) in [("g_na", p.g_na), ("g_k", p.g_k), ("g_l", p.g_l)] {
            Error::not_negative(NAME, name, value.0)?;
        }
        for (name, value) in [("e_na", p.e_na), ("e_k", p.e_k), ("e_l", p.e_l), ("v_t", p.v_t), ("e_ex", p.e_ex)] {
            Error::finite(NAME, name, value.0)?;
        }
        for (name, value) in [("e_in", p.e_in.0), ("v_th", p.v_th.0), ("i_e", p.i_e.0)] {
            Error::finite(NAME, name, value)?;
        }
        // Its slowest gates, n and h, relax within some 10 ms.
        slow::check::<F>(NAME, "gates", Ms(10.0), dt)?;
        slow::check::<F>(NAME, "tau_syn_ex", p.tau_syn_ex, dt)?;
        slow::check::<F>(NAME, "tau_syn_in", p.tau_syn_in, dt)?;
        if p.g_l.0 > 0.0 {
            slow::check::<F>(NAME, "c_m / g_l", Ms(p.c_m.0 / p.g_l.0), dt)?;
        }
        let refractory = p.t_ref.steps(NAME, "t_ref", dt)?;
        let membrane = Membrane::<f64>::new(&p);
        let steady = |v| Equations { membrane, current: 0.0 }.slope(membrane.at_rest(v))[0];
        let low = p.e_na.0.min(p.e_k.0).min(p.e_l.0);
        let v = integrated::rest(steady, low, p.e_na.0.max(p.e_k.0).max(p.e_l.0));
        let rest = membrane.at_rest(if v < p.v_t.0 { v } else { p.e_l.0 });
        Ok(Self { parameters, dt, refractory, membrane: Membrane::new(&p), rest })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &TraubMilesParameters {
        &self.parameters
    }
}

impl<F: Real> Membrane<F> {
    fn new(p: &TraubMilesParameters) -> Self {
        Self {
            gain: F::from_f64(1.0 / p.c_m.0),
            g_na: F::from_f64(p.g_na.0 / p.c_m.0),
            g_k: F::from_f64(p.g_k.0 / p.c_m.0),
            g_l: F::from_f64(p.g_l.0 / p.c_m.0),
            e_na: F::from_f64(p.e_na.0),
            e_k: F::from_f64(p.e_k.0),
            e_l: F::from_f64(p.e_l.0),
            e_ex: F::from_f64(p.e_ex.0),
            e_in: F::from_f64(p.e_in.0),
            v_t: F::from_f64(p.v_t.0),
            rate_ex: F::from_f64(1.0 / p.tau_syn_ex.0),
            rate_in: F::from_f64(1.0 / p.tau_syn_in.0),
            v_th: F::from_f64(p.v_th.0),
        }
    }

    /// (α, β) of m, h and n at V, in 1/ms.
    #[inline(always)]
    fn rates(&self, v: F) -> [(F, F); 3] {
        let c = F::from_f64;
        let u = v - self.v_t;
        let u = if u < c(-500.0) { c(-500.0) } else { u };
        let am = c(1.28) * over_one_minus_exp((u - c(13.0)) * c(0.25));
        let bm = c(1.4) * over_one_minus_exp((c(40.0) - u) * c(0.2));
        let ah = c(0.128) * ((c(17.0) - u) * c(1.0 / 18.0)).v_exp();
        let bh = c(4.0) / (F::ONE + ((c(40.0) - u) * c(0.2)).v_exp());
        let an = c(0.16) * over_one_minus_exp((u - c(15.0)) * c(0.2));
        let bn = c(0.5) * ((c(10.0) - u) * c(0.025)).v_exp();
        [(am, bm), (ah, bh), (an, bn)]
    }

    /// The state at V with the gates at their steady values α / (α + β), conductances 0.
    fn at_rest(&self, v: F) -> [F; 6] {
        let [(am, bm), (ah, bh), (an, bn)] = self.rates(v);
        [v, am / (am + bm), ah / (ah + bh), an / (an + bn), F::ZERO, F::ZERO]
    }
}

#[derive(Debug, Clone, Copy)]
struct Equations<F> {
    membrane: Membrane<F>,
    current: F,
}

impl<F: Real> Ode<F, 6> for Equations<F> {
    #[inline(always)]
    fn slope(&self, y: [F; 6]) -> [F; 6] {
        let (mut a, b) = self.linear(y);
        for i in 0..6 {
            a[i] -= b[i] * y[i];
        }
        a
    }

    #[inline(always)]
    fn linear(&self, [v, m, h, n, g_ex, g_in]: [F; 6]) -> ([F; 6], [F; 6]) {
        let g = &self.membrane;
        let [(am, bm), (ah, bh), (an, bn)] = g.rates(v);
        let na = g.g_na * (m * m * m) * h;
        let k = g.g_k * ((n * n) * (n * n));
        let (e, i) = (g.gain * g_ex, g.gain * g_in);
        let driven = na * g.e_na + k * g.e_k + g.g_l * g.e_l + e * g.e_ex + i * g.e_in + g.gain * self.current;
        (
            [driven, am, ah, an, F::ZERO, F::ZERO],
            [na + k + g.g_l + e + i, am + bm, ah + bh, an + bn, g.rate_ex, g.rate_in],
        )
    }
}

impl<F: Real> Neuron<F, 6, 3> for (Membrane<F>, F) {
    type Equations = Equations<F>;

    #[inline(always)]
    fn equations(&self, input: [F; 3], _held: bool) -> Equations<F> {
        Equations { membrane: self.0, current: input[2] + self.1 }
    }

    #[inline(always)]
    fn jump(&self, [v, m, h, n, g_ex, g_in]: [F; 6], [exc, inh, _]: [F; 3]) -> [F; 6] {
        [v, m, h, n, g_ex + exc, g_in + inh]
    }

    #[inline(always)]
    fn spike(&self, before: [F; 6], after: [F; 6]) -> (bool, [F; 6]) {
        ((before[0] < self.0.v_th) & (after[0] >= self.0.v_th), after)
    }
}

impl<F: Real> NeuronModel<F> for TraubMiles<F> {
    type State = TraubMilesState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        CONDUCTANCES
    }

    fn state(&self, n: usize) -> Result<Self::State, Error> {
        TraubMilesState::filled(n, self.rest)
    }

    fn step(&self, state: &mut Self::State, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let neuron = (self.membrane, F::from_f64(self.parameters.i_e.0));
        integrated::step(self, neuron, self.parameters.method, self.refractory, state.arrays(), input, spikes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::tests::assert_orders;
    use approx::assert_abs_diff_eq;

    #[test]
    fn subthreshold_dynamics_converge_at_the_declared_orders() {
        let membrane = Membrane::<f64>::new(&TraubMilesParameters::default());
        let mut y = membrane.at_rest(-65.0);
        (y[4], y[5]) = (3.0, 10.0);
        assert_orders(NAME, &Equations { membrane, current: 50.0 }, y, 4.0, 0.02);
    }

    /// Brian2's form of the rates: 4 / exprel(x) with exprel(x) = (e^x − 1) / x.
    #[test]
    fn rates_are_those_of_the_benchmark() {
        let membrane = Membrane::<f64>::new(&TraubMilesParameters::default());
        for v in [-90.0, -63.2, -48.1, -33.3, -10.0, 30.0_f64] {
            let exprel = |x: f64| x.exp_m1() / x;
            let vt = -63.0;
            let expected = [
                (0.32 * 4.0 / exprel((13.0 - v + vt) / 4.0), 0.28 * 5.0 / exprel((v - vt - 40.0) / 5.0)),
                (0.128 * ((17.0 - v + vt) / 18.0).exp(), 4.0 / (1.0 + ((40.0 - v + vt) / 5.0).exp())),
                (0.032 * 5.0 / exprel((15.0 - v + vt) / 5.0), 0.5 * ((10.0 - v + vt) / 40.0).exp()),
            ];
            for (got, want) in membrane.rates(v).into_iter().zip(expected) {
                assert!((got.0 / want.0 - 1.0).abs() < 1e-13 && (got.1 / want.1 - 1.0).abs() < 1e-13, "{v} mV");
            }
        }
    }

    #[test]
    fn conductances_decay_exactly_and_jumps_arrive_at_the_end_of_the_step() {
        // A leak with which it rests.
        let p = TraubMilesParameters { e_l: Mv(-70.0), ..TraubMilesParameters::default() };
        let model = TraubMiles::<f64>::new(p, Ms(0.1)).unwrap();
        let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
        let rest = state.v[0];
        model.step(&mut state, &[6.0, 67.0, 0.0], &mut spikes).unwrap();
        assert_eq!((state.g_ex[0], state.g_in[0]), (6.0, 67.0));
        assert_abs_diff_eq!(state.v[0], rest, epsilon = 1e-9); // the jump acts from the next step on
        for _ in 0..50 {
            model.step(&mut state, &[0.0; 3], &mut spikes).unwrap();
        }
        // Roundings of fifty steps.
        assert_abs_diff_eq!(state.g_ex[0], 6.0 * (-1.0_f64).exp(), epsilon = 1e-12);
        assert_abs_diff_eq!(state.g_in[0], 67.0 * (-0.5_f64).exp(), epsilon = 1e-12);
    }
}
