//! The exponential integrate-and-fire neuron.

use serde::{Deserialize, Serialize};

use super::integrated::{self, Neuron, state};
use crate::integrate::{Method, Ode};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Ns, Pa, Pf, Real, SpikeSet, slow};

const NAME: &str = "eif";

/// Parameters of [`Eif`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct EifParameters {
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
    /// Potential at which a spike is registered.
    pub v_peak: Mv,
    /// Potential after a spike.
    pub v_reset: Mv,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Constant current.
    pub i_e: Pa,
    /// The integrator.
    pub method: Method,
}

impl Default for EifParameters {
    fn default() -> Self {
        Self {
            c_m: Pf(200.0),
            g_l: Ns(20.0),
            e_l: Mv(-65.0),
            v_t: Mv(-59.9),
            delta_t: Mv(3.48),
            v_peak: Mv(-25.0),
            v_reset: Mv(-68.0),
            t_ref: Ms(1.7),
            i_e: Pa(0.0),
            method: Method::Rk4,
        }
    }
}

/// Exponential integrate-and-fire: C_m V' = −g_L (V − E_L) + g_L Δ_T e^((V − V_T)/Δ_T) + I + I_e; V ≥ V_peak → spike,
/// V := V_reset, hold for t_ref.
///
/// The exponent is clamped as in [`AdEx`](crate::AdEx). The defaults are the paper's fit
/// to a Wang-Buzsáki neuron, C_m = 1 µF/cm² and g_L = 0.1 mS/cm² on 20,000 µm²; V_peak = V_T + 10 Δ_T.
///
/// Input: one receptor, current in pA. Source: Fourcaud-Trocmé et al., J. Neurosci. 23, 2003, eq. 1 and 9.
///
/// ```
/// use nl_neuron::{Eif, EifParameters, Ms, NeuronModel, SpikeSet};
///
/// let eif = Eif::<f32>::new(EifParameters::default(), Ms(0.1))?;
/// let mut state = eif.state(2)?;
/// let mut spikes = SpikeSet::new(2);
/// let mut counts = [0; 2];
/// for _ in 0..10_000 {
///     eif.step(&mut state, &[20.0, 100.0], &mut spikes)?; // the rheobase is g_L (V_T − E_L − Δ_T) = 32.4 pA
///     spikes.indices().iter().for_each(|&i| counts[i as usize] += 1);
/// }
/// assert!(counts[0] == 0 && counts[1] > 20, "{counts:?}");
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Eif<F = f32> {
    parameters: EifParameters,
    dt: Ms,
    refractory: u32,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    membrane: ExponentialMembrane<F>,
    v_reset: F,
    i_e: F,
}

/// C_m V' = −g_L (V − E_L) + g_L Δ_T e^((V − V_T)/Δ_T) + I, divided by C_m: shared with AdEx.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ExponentialMembrane<F> {
    /// g_L / C_m
    leak: F,
    /// 1 / C_m
    gain: F,
    pub(super) e_l: F,
    v_t: F,
    delta_t: F,
    /// The largest exponent.
    most: F,
    pub(super) v_peak: F,
}

impl<F: Real> ExponentialMembrane<F> {
    pub(super) fn new(name: &'static str, p: &EifParameters) -> Result<Self, Error> {
        Error::positive(name, "c_m", p.c_m.0)?;
        Error::positive(name, "g_l", p.g_l.0)?;
        Error::positive(name, "delta_t", p.delta_t.0)?;
        Error::finite(name, "e_l", p.e_l.0)?;
        Error::finite(name, "v_t", p.v_t.0)?;
        Error::finite(name, "i_e", p.i_e.0)?;
        let exponent = |x: f64| (x - p.v_t.0) / p.delta_t.0;
        Error::check(
            name,
            "v_peak",
            p.v_peak.0,
            |x| x > p.v_t.0 && exponent(x) <= 60.0,
            "use a potential above v_t, by at most 60 delta_t",
        )?;
        Error::check(name, "v_reset", p.v_reset.0, |x| x < p.v_peak.0, "use a potential below v_peak")?;
        Ok(Self {
            leak: F::from_f64(p.g_l.0 / p.c_m.0),
            gain: F::from_f64(1.0 / p.c_m.0),
            e_l: F::from_f64(p.e_l.0),
            v_t: F::from_f64(p.v_t.0),
            delta_t: F::from_f64(p.delta_t.0),
            most: F::from_f64(exponent(p.v_peak.0).min(10.0)),
            v_peak: F::from_f64(p.v_peak.0),
        })
    }

    /// (a, b) of V' = a − b V.
    #[inline(always)]
    pub(super) fn linear(&self, v: F, current: F) -> (F, F) {
        let x = (v - self.v_t) / self.delta_t;
        let exponential = self.delta_t * (if x < self.most { x } else { self.most }).v_exp();
        (self.leak * (self.e_l + exponential) + self.gain * current, self.leak)
    }

    /// Where V rests without input if each mV above E_L calls for an outward current of `a` nS; E_L if nowhere.
    pub(super) fn rest(&self, a: f64) -> f64 {
        let m = |x: F| x.to_f64();
        let inward = |v: f64| {
            let exponential = m(self.delta_t) * ((v - m(self.v_t)) / m(self.delta_t)).exp();
            m(self.leak) * (m(self.e_l) - v + exponential) - m(self.gain) * a * (v - m(self.e_l))
        };
        integrated::rest(inward, m(self.e_l), m(self.v_t).max(m(self.e_l)))
    }
}

state! {
    /// State of a population of [`Eif`].
    EifState, 1: v
}

impl<F: Real> Eif<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, C_m, g_L, Δ_T or dt not positive, t_ref negative, V_reset not below
    /// V_peak, or V_peak not within 60 Δ_T above V_T.
    pub fn new(parameters: EifParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::positive(NAME, "dt", dt.0)?;
        let membrane = ExponentialMembrane::new(NAME, &p)?;
        slow::check::<F>(NAME, "c_m / g_l", Ms(p.c_m.0 / p.g_l.0), dt)?;
        let refractory = p.t_ref.steps(NAME, "t_ref", dt)?;
        let constants = Constants { membrane, v_reset: F::from_f64(p.v_reset.0), i_e: F::from_f64(p.i_e.0) };
        Ok(Self { parameters, dt, refractory, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &EifParameters {
        &self.parameters
    }
}

#[derive(Debug, Clone, Copy)]
struct Equations<F> {
    membrane: ExponentialMembrane<F>,
    current: F,
    held: bool,
}

impl<F: Real> Ode<F, 1> for Equations<F> {
    #[inline(always)]
    fn slope(&self, [v]: [F; 1]) -> [F; 1] {
        let ([a], [b]) = self.linear([v]);
        [a - b * v]
    }

    #[inline(always)]
    fn linear(&self, [v]: [F; 1]) -> ([F; 1], [F; 1]) {
        let (a, b) = self.membrane.linear(v, self.current);
        if self.held { ([F::ZERO], [F::ZERO]) } else { ([a], [b]) }
    }
}

impl<F: Real> Neuron<F, 1, 1> for Constants<F> {
    type Equations = Equations<F>;

    #[inline(always)]
    fn equations(&self, [input]: [F; 1], held: bool) -> Equations<F> {
        Equations { membrane: self.membrane, current: input + self.i_e, held }
    }

    #[inline(always)]
    fn spike(&self, _before: [F; 1], [v]: [F; 1]) -> (bool, [F; 1]) {
        (v >= self.membrane.v_peak, [self.v_reset])
    }
}

impl<F: Real> NeuronModel<F> for Eif<F> {
    type State = EifState<F>;

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
        EifState::filled(n, [self.constants.membrane.rest(0.0)])
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
        let membrane = ExponentialMembrane::new(NAME, &EifParameters::default()).unwrap();
        assert_orders(NAME, &Equations { membrane, current: 20.0, held: false }, [-66.0], 20.0, 0.8);
    }

    /// Rheobase: the largest current with a fixed point, g_L (V_T − E_L − Δ_T), where V* = V_T.
    #[test]
    fn fires_above_the_rheobase_only() {
        let p = EifParameters::default();
        let rheobase = p.g_l.0 * (p.v_t.0 - p.e_l.0 - p.delta_t.0);
        for (current, fires) in [(0.99 * rheobase, false), (1.01 * rheobase, true)] {
            let model = Eif::<f64>::new(EifParameters { i_e: Pa(current), ..p }, Ms(0.1)).unwrap();
            let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
            let mut count = 0;
            for _ in 0..20_000 {
                model.step(&mut state, &[0.0], &mut spikes).unwrap();
                count += spikes.len();
            }
            assert_eq!(count > 0, fires, "{current} pA: {count} spikes");
        }
    }
}
