//! The current-based (CUBA) leaky integrate-and-fire neuron with exponential synaptic currents, integrated exactly.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::dynamics::{Algebra, Dynamics};
use crate::exact::{Leak, Threshold, exponential, filled, scalar, select};
use crate::lane::Lane;
use crate::receptor::CURRENTS;
use crate::slow::decay;
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, Reset, SpikeSet};

const NAME: &str = "cuba_exp";

/// Parameters of [`CubaExp`]; the defaults are NEST's `iaf_psc_exp`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CubaExpParameters {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Membrane capacitance; R = τ_m / C_m.
    pub c_m: Pf,
    /// Leak reversal (resting) potential.
    pub e_l: Mv,
    /// Threshold.
    pub v_th: Mv,
    /// Potential after a spike.
    pub v_reset: Mv,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Time constant of the excitatory current.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory current.
    pub tau_syn_in: Ms,
    /// Constant current.
    pub i_e: Pa,
}

impl Default for CubaExpParameters {
    fn default() -> Self {
        Self {
            tau_m: Ms(10.0),
            c_m: Pf(250.0),
            e_l: Mv(-70.0),
            v_th: Mv(-55.0),
            v_reset: Mv(-70.0),
            t_ref: Ms(2.0),
            tau_syn_ex: Ms(2.0),
            tau_syn_in: Ms(2.0),
            i_e: Pa(0.0),
        }
    }
}

impl CubaExpParameters {
    /// The neuron of the CUBA benchmark: τ_m V' = g_e + g_i − (V − E_L) in mV, as in Brian2's example.
    ///
    /// There the synaptic variables are voltages. With C_m = τ_m in numbers, R = 1: a weight of 1.62 (mV there) is passed
    /// as 1.62 (pA here) and moves V alike. Source: Vogels & Abbott 2005; Brette et al. 2007, benchmark 2.
    #[must_use]
    pub fn benchmark() -> Self {
        Self {
            tau_m: Ms(20.0),
            c_m: Pf(20.0),
            e_l: Mv(-49.0),
            v_th: Mv(-50.0),
            v_reset: Mv(-60.0),
            t_ref: Ms(5.0),
            tau_syn_ex: Ms(5.0),
            tau_syn_in: Ms(10.0),
            i_e: Pa(0.0),
        }
    }
}

/// LIF with exponential currents: τ_m V' = −(V − E_L) + R (I_ex + I_in + I + I_e), I_ex' = −I_ex/τ_ex, I_in' = −I_in/τ_in.
///
/// Exact over a step (Rotter & Diesmann 1999): V moves with the currents from before their decay, then each current
/// decays by e^(−dt/τ_syn) and takes the jumps of the step; τ_syn = τ_m is the regular limit. V ≥ V_th → spike,
/// V := V_reset held for t_ref, while the currents go on.
///
/// Input: `exc` and `inh` jump the currents (pA; inhibition is a negative number), `current` (pA) is held over the step.
/// Voltage-based equations, τ_m V' = g − (V − E_L): set C_m = τ_m (R = 1) and read pA as mV, see
/// [`CubaExpParameters::benchmark`]. Source: Rotter & Diesmann 1999; NEST `iaf_psc_exp`.
///
/// ```
/// use nl_neuron::{CubaExp, CubaExpParameters, Ms, NeuronModel, PopulationState, SpikeSet};
///
/// let cuba = CubaExp::<f32>::new(CubaExpParameters::benchmark(), Ms(0.1))?;
/// let mut state = cuba.state(2)?;
/// let mut spikes = SpikeSet::new(2);
/// let (exc, inh, current) = ([1.62, 0.0], [0.0, -9.0], [0.0, 0.0]);
/// cuba.step(&mut state, &[exc, inh, current].concat(), &mut spikes)?;
/// assert_eq!(state.variable("i_ex"), Some(&[1.62, 0.0][..]));
/// assert_eq!(state.variable("i_in"), Some(&[0.0, -9.0][..]));
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CubaExp<F = f32> {
    parameters: CubaExpParameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    leak: Leak<F>,
    threshold: Threshold<F>,
    /// Half as wide as elsewhere: this loop waits for its stores.
    refractory: u16,
    decay_ex: F,
    decay_in: F,
    gain_ex: F,
    gain_in: F,
}

/// The equation of [`CubaExp`] over one step, with one current for all synapses: an input of either sign.
///
/// V ← rest + (V − rest) decay + gain I with the current from before its decay, held within the refractory period; I ← decay_syn I + x;
/// a spike at V ≥ V_th; then V := V_reset, or V − (V_th − V_reset). The current goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CubaLifDynamics {
    /// What a spike does to V.
    pub reset: Reset,
}

impl Dynamics<2, 1, 6> for CubaLifDynamics {
    const NAME: &'static str = NAME;
    const VARIABLES: [&'static str; 2] = ["v", "i"];
    const RECEPTORS: [&'static str; 1] = ["exc"];
    const PARAMETERS: [&'static str; 6] = ["decay", "gain", "rest", "v_th", "v_reset", "decay_syn"];

    #[inline(always)]
    fn rest<A: Algebra>(&self, p: [A; 6]) -> [A; 2] {
        [p[2], A::constant(0.0)]
    }

    #[inline(always)]
    fn advance<A: Algebra>(&self, p: [A; 6], [v, i]: [A; 2], [x]: [A; 1], held: bool) -> [A; 2] {
        let [decay, gain, rest, _, _, decay_syn] = p;
        [A::select(held, v, rest + (v - rest) * decay + gain * i), decay_syn * i + x]
    }

    #[inline(always)]
    fn excess<A: Algebra>(&self, p: [A; 6], _: [A; 2], [v, _]: [A; 2]) -> A {
        v - p[3]
    }

    #[inline(always)]
    fn reset<A: Algebra>(&self, p: [A; 6], [v, i]: [A; 2]) -> [A; 2] {
        [A::select(self.reset == Reset::Subtract, v - (p[3] - p[4]), p[4]), i]
    }
}

/// State of a population of [`CubaExp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct CubaExpState<F: Real> {
    v: Lane<F>,
    i_ex: Lane<F>,
    i_in: Lane<F>,
    refractory: Vec<u16>,
}

impl<F: Real> CubaExp<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant, C_m or dt not positive, t_ref negative or more
    /// than 65535 steps, or V_reset not below V_th.
    pub fn new(parameters: CubaExpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let threshold = Threshold::new(NAME, dt, p.v_th, p.v_reset, p.t_ref)?;
        let fits = |_| u16::try_from(threshold.refractory).is_ok();
        Error::check(NAME, "t_ref", p.t_ref.0, fits, "use at most 65535 steps of dt")?;
        let constants = Constants {
            leak: Leak::new(NAME, dt, p.tau_m, p.c_m, p.e_l, p.i_e)?,
            threshold,
            refractory: threshold.refractory as u16,
            decay_ex: decay(NAME, "tau_syn_ex", p.tau_syn_ex, dt)?,
            decay_in: decay(NAME, "tau_syn_in", p.tau_syn_in, dt)?,
            gain_ex: scalar(NAME, "tau_syn_ex / c_m", exponential(p.tau_m, p.tau_syn_ex, p.c_m, dt))?,
            gain_in: scalar(NAME, "tau_syn_in / c_m", exponential(p.tau_m, p.tau_syn_in, p.c_m, dt))?,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &CubaExpParameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for CubaExp<F> {
    type State = CubaExpState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        CURRENTS
    }

    fn state(&self, n: usize) -> Result<CubaExpState<F>, Error> {
        Error::population(NAME, n)?;
        Ok(CubaExpState {
            v: Lane::filled(NAME, F::from_f64(self.parameters.e_l.0), n)?,
            i_ex: Lane::filled(NAME, F::ZERO, n)?,
            i_in: Lane::filled(NAME, F::ZERO, n)?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut CubaExpState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let n = state.v.len();
        Error::state(NAME, n, &[state.i_ex.len(), state.i_in.len(), state.refractory.len()])?;
        self.check(n, input, spikes)?;
        let (exc, rest) = input.split_at(n);
        let (inh, current) = rest.split_at(n);
        Level::current().dispatch(Step { c: self.constants, state, exc, inh, current, fired: spikes.flags_mut() });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for CubaExpState<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v", "i_ex", "i_in"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        match name {
            "v" => Some(&self.v),
            "i_ex" => Some(&self.i_ex),
            "i_in" => Some(&self.i_in),
            _ => None,
        }
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        match name {
            "v" => Some(&mut self.v),
            "i_ex" => Some(&mut self.i_ex),
            "i_in" => Some(&mut self.i_in),
            _ => None,
        }
    }
}

struct Step<'a, F: Real> {
    c: Constants<F>,
    state: &'a mut CubaExpState<F>,
    exc: &'a [F],
    inh: &'a [F],
    current: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let CubaExpState { v, i_ex, i_in, refractory } = self.state;
        advance(self.c, v, i_ex, i_in, refractory, self.exc, self.inh, self.current, self.fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    i_ex: &mut [F],
    i_in: &mut [F],
    refractory: &mut [u16],
    exc: &[F],
    inh: &[F],
    current: &[F],
    fired: &mut [u8],
) {
    let n = v.len();
    let (i_ex, i_in, refractory) = (&mut i_ex[..n], &mut i_in[..n], &mut refractory[..n]);
    let (exc, inh, current, fired) = (&exc[..n], &inh[..n], &current[..n], &mut fired[..n]);
    for i in 0..n {
        let (before, ex, inhibition, left) = (v[i], i_ex[i], i_in[i], refractory[i]);
        let held = left > 0;
        let moved = c.leak.advance(before, current[i]) + c.gain_ex * ex + c.gain_in * inhibition;
        let u = select(held, before, moved);
        let fire = !held & (u >= c.threshold.v_th);
        v[i] = select(fire, c.threshold.v_reset, u);
        i_ex[i] = c.decay_ex * ex + exc[i];
        i_in[i] = c.decay_in * inhibition + inh[i];
        refractory[i] = select(fire, c.refractory, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}
