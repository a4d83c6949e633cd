//! The Morris-Lecar neuron: type I and type II excitability in two variables.

use serde::{Deserialize, Serialize};

use super::integrated::{self, Neuron, state};
use crate::integrate::{Method, Ode};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Real, SpikeSet, slow};

const NAME: &str = "morris_lecar";

/// Parameters of [`MorrisLecar`]; the default is [`type_2`](Self::type_2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MorrisLecarParameters {
    /// Membrane capacitance in µF/cm².
    pub c_m: f64,
    /// Calcium conductance in mS/cm².
    pub g_ca: f64,
    /// Potassium conductance in mS/cm².
    pub g_k: f64,
    /// Leak conductance in mS/cm².
    pub g_l: f64,
    /// Calcium reversal potential.
    pub e_ca: Mv,
    /// Potassium reversal potential.
    pub e_k: Mv,
    /// Leak reversal potential.
    pub e_l: Mv,
    /// Half-activation of calcium.
    pub v_1: Mv,
    /// Slope of calcium's activation.
    pub v_2: Mv,
    /// Half-activation of potassium.
    pub v_3: Mv,
    /// Slope of potassium's activation.
    pub v_4: Mv,
    /// Rate of potassium's activation, 1/ms.
    pub phi: f64,
    /// A spike is an upward crossing of this level.
    pub v_th: Mv,
    /// Time after a spike in which no other is counted, in whole steps (see [`grid`](crate::grid)); the membrane goes on.
    pub t_ref: Ms,
    /// Constant current in µA/cm².
    pub i_e: f64,
    /// The integrator.
    pub method: Method,
}

impl MorrisLecarParameters {
    /// Type I: the rate grows from 0, at 39.96 µA/cm² (saddle-node on an invariant circle).
    #[must_use]
    pub fn type_1() -> Self {
        Self { g_ca: 4.0, v_3: Mv(12.0), v_4: Mv(17.4), phi: 1.0 / 15.0, ..Self::type_2() }
    }

    /// Type II: the rate jumps to a finite value, near 88.3 µA/cm² (subcritical Hopf).
    #[must_use]
    pub fn type_2() -> Self {
        Self {
            c_m: 20.0,
            g_ca: 4.4,
            g_k: 8.0,
            g_l: 2.0,
            e_ca: Mv(120.0),
            e_k: Mv(-84.0),
            e_l: Mv(-60.0),
            v_1: Mv(-1.2),
            v_2: Mv(18.0),
            v_3: Mv(2.0),
            v_4: Mv(30.0),
            phi: 0.04,
            v_th: Mv(0.0),
            t_ref: Ms(0.0),
            i_e: 0.0,
            method: Method::ExponentialEuler,
        }
    }
}

impl Default for MorrisLecarParameters {
    fn default() -> Self {
        Self::type_2()
    }
}

/// Morris-Lecar: C_m V' = −g_Ca m_∞ (V − E_Ca) − g_K w (V − E_K) − g_L (V − E_L) + I, w' = φ cosh((V − V₃)/2V₄) (w_∞ − w).
///
/// m_∞ = (1 + tanh((V − V₁)/V₂)) / 2, w_∞ = (1 + tanh((V − V₃)/V₄)) / 2. A spike is a step in which V rises from below V_th to
/// V_th or above; V must fall below V_th before the next one, none is counted for t_ref, and nothing is reset. The
/// argument of cosh is kept within ±40, where it would overflow. Exponential Euler, the default, is stable at any dt; the
/// Runge-Kutta methods are more accurate, and unstable where φ cosh((V − V₃)/2V₄) dt > 2.8 (below −180 mV, say).
///
/// Input: one receptor, current density in µA/cm². Source: Morris & Lecar, Biophys. J. 35, 1981; parameter sets of Rinzel
/// & Ermentrout, "Analysis of neural excitability and oscillations", 1998.
///
/// ```
/// use nl_neuron::{MorrisLecar, MorrisLecarParameters, Ms, NeuronModel, SpikeSet};
///
/// let model = MorrisLecar::<f32>::new(MorrisLecarParameters::type_1(), Ms(0.1))?;
/// let mut state = model.state(2)?;
/// let mut spikes = SpikeSet::new(2);
/// let mut counts = [0; 2];
/// for _ in 0..10_000 {
///     model.step(&mut state, &[38.0, 42.0], &mut spikes)?; // µA/cm²
///     spikes.indices().iter().for_each(|&i| counts[i as usize] += 1);
/// }
/// assert!(counts[0] == 0 && counts[1] > 2, "{counts:?}");
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MorrisLecar<F = f32> {
    parameters: MorrisLecarParameters,
    dt: Ms,
    refractory: u32,
    membrane: Membrane<F>,
    rest: [f64; 2],
}

/// Conductances over the capacitance, 1/ms; potentials, mV; 1 / V₂ and 1 / V₄, 1/mV.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Membrane<F> {
    gain: F,
    g_ca: F,
    g_k: F,
    g_l: F,
    e_ca: F,
    e_k: F,
    e_l: F,
    v_1: F,
    per_v_2: F,
    v_3: F,
    per_v_4: F,
    phi: F,
    v_th: F,
}

state! {
    /// State of a population of [`MorrisLecar`].
    MorrisLecarState, 2: v, w
}

impl<F: Real> MorrisLecar<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, C_m, V₂, V₄, φ or dt not positive, or a conductance or t_ref negative.
    pub fn new(parameters: MorrisLecarParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        for (name, value) in [("dt", dt.0), ("c_m", p.c_m), ("v_2", p.v_2.0), ("v_4", p.v_4.0), ("phi", p.phi)] {
            Error::positive(NAME, name, value)?;
        }
        for (name, value) in [("g_ca", p.g_ca), ("g_k", p.g_k), ("g_l", p.g_l)] {
            Error::not_negative(NAME, name, value)?;
        }
        for (name, value) in [("e_ca", p.e_ca), ("e_k", p.e_k), ("e_l", p.e_l), ("v_1", p.v_1), ("v_3", p.v_3)] {
            Error::finite(NAME, name, value.0)?;
        }
        Error::finite(NAME, "v_th", p.v_th.0)?;
        Error::finite(NAME, "i_e", p.i_e)?;
        slow::check::<F>(NAME, "1 / phi", Ms(1.0 / p.phi), dt)?;
        if p.g_l > 0.0 {
            slow::check::<F>(NAME, "c_m / g_l", Ms(p.c_m / p.g_l), dt)?;
        }
        let refractory = p.t_ref.steps(NAME, "t_ref", dt)?;
        let membrane = Membrane::<f64>::new(&p);
        let equations = Equations { membrane, current: 0.0 };
        let steady = |v| equations.slope([v, membrane.steady_w(v)])[0];
        let low = p.e_ca.0.min(p.e_k.0).min(p.e_l.0);
        let v = integrated::rest(steady, low, p.e_ca.0.max(p.e_k.0).max(p.e_l.0));
        let rest = [v, membrane.steady_w(v)];
        Ok(Self { parameters, dt, refractory, membrane: Membrane::new(&p), rest })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &MorrisLecarParameters {
        &self.parameters
    }
}

impl<F: Real> Membrane<F> {
    fn new(p: &MorrisLecarParameters) -> Self {
        Self {
            gain: F::from_f64(1.0 / p.c_m),
            g_ca: F::from_f64(p.g_ca / p.c_m),
            g_k: F::from_f64(p.g_k / p.c_m),
            g_l: F::from_f64(p.g_l / p.c_m),
            e_ca: F::from_f64(p.e_ca.0),
            e_k: F::from_f64(p.e_k.0),
            e_l: F::from_f64(p.e_l.0),
            v_1: F::from_f64(p.v_1.0),
            per_v_2: F::from_f64(1.0 / p.v_2.0),
            v_3: F::from_f64(p.v_3.0),
            per_v_4: F::from_f64(1.0 / p.v_4.0),
            phi: F::from_f64(p.phi),
            v_th: F::from_f64(p.v_th.0),
        }
    }

    /// w_∞ = (1 + tanh((V − V₃)/V₄)) / 2.
    #[inline(always)]
    fn steady_w(&self, v: F) -> F {
        F::from_f64(0.5) * (F::ONE + ((v - self.v_3) * self.per_v_4).v_tanh())
    }
}

#[derive(Debug, Clone, Copy)]
struct Equations<F> {
    membrane: Membrane<F>,
    current: F,
}

impl<F: Real> Ode<F, 2> for Equations<F> {
    #[inline(always)]
    fn slope(&self, y: [F; 2]) -> [F; 2] {
        let (a, b) = self.linear(y);
        [a[0] - b[0] * y[0], a[1] - b[1] * y[1]]
    }

    #[inline(always)]
    fn linear(&self, [v, w]: [F; 2]) -> ([F; 2], [F; 2]) {
        let (g, half) = (&self.membrane, F::from_f64(0.5));
        let ca = g.g_ca * (half * (F::ONE + ((v - g.v_1) * g.per_v_2).v_tanh()));
        let k = g.g_k * w;
        let bound = F::from_f64(40.0);
        let z = half * ((v - g.v_3) * g.per_v_4);
        let z = if z > bound { bound } else { z };
        let z = if z < -bound { -bound } else { z };
        let e = z.v_exp();
        let rate = g.phi * (half * (e + F::ONE / e));
        let driven = ca * g.e_ca + k * g.e_k + g.g_l * g.e_l + g.gain * self.current;
        ([driven, rate * g.steady_w(v)], [ca + k + g.g_l, rate])
    }
}

impl<F: Real> Neuron<F, 2, 1> for (Membrane<F>, F) {
    type Equations = Equations<F>;

    #[inline(always)]
    fn equations(&self, [input]: [F; 1], _held: bool) -> Equations<F> {
        Equations { membrane: self.0, current: input + self.1 }
    }

    #[inline(always)]
    fn spike(&self, before: [F; 2], after: [F; 2]) -> (bool, [F; 2]) {
        ((before[0] < self.0.v_th) & (after[0] >= self.0.v_th), after)
    }
}

impl<F: Real> NeuronModel<F> for MorrisLecar<F> {
    type State = MorrisLecarState<F>;

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
        MorrisLecarState::filled(n, self.rest)
    }

    fn step(&self, state: &mut Self::State, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let neuron = (self.membrane, F::from_f64(self.parameters.i_e));
        integrated::step(self, neuron, self.parameters.method, self.refractory, state.arrays(), input, spikes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::tests::assert_orders;

    #[test]
    fn subthreshold_dynamics_converge_at_the_declared_orders() {
        for p in [MorrisLecarParameters::type_1(), MorrisLecarParameters::type_2()] {
            assert_orders(NAME, &Equations { membrane: Membrane::new(&p), current: 20.0 }, [-60.0, 0.0], 20.0, 1.0);
        }
    }

    fn rate(p: MorrisLecarParameters, current: f64) -> f64 {
        let p = MorrisLecarParameters { i_e: current, method: Method::Rk4, ..p };
        let model = MorrisLecar::<f64>::new(p, Ms(0.1)).unwrap();
        let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
        let mut times = Vec::new();
        for step in 0..60_000 {
            model.step(&mut state, &[0.0], &mut spikes).unwrap();
            if !spikes.is_empty() {
                times.push(f64::from(step) * 0.1);
            }
        }
        match times[..] {
            [.., a, b] if b > 5000.0 => 1000.0 / (b - a),
            _ => 0.0,
        }
    }

    /// Just above the onset a type I neuron fires slowly, a type II neuron does not.
    #[test]
    fn excitability_is_of_the_type_it_says() {
        let (one, two) = (MorrisLecarParameters::type_1(), MorrisLecarParameters::type_2());
        assert_eq!((rate(one, 39.9), rate(two, 87.0)), (0.0, 0.0));
        let (slow, fast) = (rate(one, 40.1), rate(two, 96.0));
        assert!((0.1..3.0).contains(&slow), "type I: {slow} Hz");
        assert!(fast > 8.0, "type II: {fast} Hz");
    }

    /// The rate of w grows as cosh: clamped, before single precision ends.
    #[test]
    fn far_potentials_have_finite_rates() {
        let membrane = Membrane::<f32>::new(&MorrisLecarParameters::type_1());
        for v in [-1e5, 1e5] {
            let (a, b) = Equations { membrane, current: 0.0 }.linear([v, 0.5]);
            assert!([a, b].as_flattened().iter().all(|x| x.is_finite()), "{v} mV: {a:?} {b:?}");
        }
    }
}
