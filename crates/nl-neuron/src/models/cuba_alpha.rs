//! The current-based (CUBA) leaky integrate-and-fire neuron with alpha-shaped synaptic currents, integrated exactly.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::exact::{Leak, Threshold, alpha, exponential, filled, scalar, select};
use crate::receptor::CURRENTS;
use crate::slow::decay;
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, SpikeSet};

const NAME: &str = "cuba_alpha";

/// Parameters of [`CubaAlpha`]; the defaults are NEST's `iaf_psc_alpha`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CubaAlphaParameters {
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
    /// Rise time (time of the peak) of the excitatory current.
    pub tau_syn_ex: Ms,
    /// Rise time (time of the peak) of the inhibitory current.
    pub tau_syn_in: Ms,
    /// Constant current.
    pub i_e: Pa,
}

impl Default for CubaAlphaParameters {
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

/// LIF with alpha currents: τ_m V' = −(V − E_L) + R (I_ex + I_in + I + I_e); a spike of weight w adds
/// w (e/τ_syn) t e^(−t/τ_syn), whose peak is w at t = τ_syn.
///
/// As equations: y' = −y/τ_syn, I' = y − I/τ_syn, a spike jumps y by w e/τ_syn. Exact over a step (Rotter & Diesmann
/// 1999): V moves with y and I from before the step's decay, then I ← e^(−dt/τ_syn) (I + dt y),
/// y ← e^(−dt/τ_syn) y + jumps; τ_syn = τ_m is the regular limit. V ≥ V_th → spike, V := V_reset held for t_ref, while
/// the currents go on.
///
/// Input: `exc` and `inh` are peak currents (pA; inhibition is a negative number), `current` (pA) is held over the step.
/// Source: Rotter & Diesmann 1999; NEST `iaf_psc_alpha`.
///
/// ```
/// use nl_neuron::{CubaAlpha, CubaAlphaParameters, Ms, NeuronModel, PopulationState, SpikeSet};
///
/// let cuba = CubaAlpha::<f64>::new(CubaAlphaParameters::default(), Ms(0.1))?;
/// let mut state = cuba.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// cuba.step(&mut state, &[100.0, 0.0, 0.0], &mut spikes)?; // the spike arrives at the end of this step
/// for _ in 0..20 {
///     cuba.step(&mut state, &[0.0; 3], &mut spikes)?; // 2 ms = τ_syn: the peak
/// }
/// assert!((state.variable("i_ex").unwrap()[0] - 100.0).abs() < 1e-9);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CubaAlpha<F = f32> {
    parameters: CubaAlphaParameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    leak: Leak<F>,
    threshold: Threshold<F>,
    dt: F,
    ex: Synapse<F>,
    inh: Synapse<F>,
}

/// One alpha current: its decay, the jump of y for a weight of 1, and what I and y add to V.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Synapse<F> {
    decay: F,
    jump: F,
    gain: F,
    slope_gain: F,
}

impl<F: Real> Synapse<F> {
    fn new(name: &'static str, p: &CubaAlphaParameters, tau: Ms, dt: Ms) -> Result<Self, Error> {
        Ok(Self {
            decay: decay(NAME, name, tau, dt)?,
            jump: scalar(NAME, name, core::f64::consts::E / tau.0)?,
            gain: scalar(NAME, name, exponential(p.tau_m, tau, p.c_m, dt))?,
            slope_gain: scalar(NAME, name, alpha(p.tau_m, tau, p.c_m, dt))?,
        })
    }
}

/// State of a population of [`CubaAlpha`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CubaAlphaState<F> {
    v: Vec<F>,
    i_ex: Vec<F>,
    i_in: Vec<F>,
    y_ex: Vec<F>,
    y_in: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> CubaAlpha<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant, C_m or dt not positive, t_ref negative, or V_reset
    /// not below V_th.
    pub fn new(parameters: CubaAlphaParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let constants = Constants {
            leak: Leak::new(NAME, dt, p.tau_m, p.c_m, p.e_l, p.i_e)?,
            threshold: Threshold::new(NAME, dt, p.v_th, p.v_reset, p.t_ref)?,
            dt: scalar(NAME, "dt", dt.0)?,
            ex: Synapse::new("tau_syn_ex", &p, p.tau_syn_ex, dt)?,
            inh: Synapse::new("tau_syn_in", &p, p.tau_syn_in, dt)?,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &CubaAlphaParameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for CubaAlpha<F> {
    type State = CubaAlphaState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        CURRENTS
    }

    fn state(&self, n: usize) -> Result<CubaAlphaState<F>, Error> {
        Error::population(NAME, n)?;
        Ok(CubaAlphaState {
            v: filled(NAME, F::from_f64(self.parameters.e_l.0), n)?,
            i_ex: filled(NAME, F::ZERO, n)?,
            i_in: filled(NAME, F::ZERO, n)?,
            y_ex: filled(NAME, F::ZERO, n)?,
            y_in: filled(NAME, F::ZERO, n)?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut CubaAlphaState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let n = state.v.len();
        Error::state(
            NAME,
            n,
            &[state.i_ex.len(), state.i_in.len(), state.y_ex.len(), state.y_in.len(), state.refractory.len()],
        )?;
        self.check(n, input, spikes)?;
        let (exc, rest) = input.split_at(n);
        let (inh, current) = rest.split_at(n);
        Level::current().dispatch(Step { c: self.constants, state, exc, inh, current, fired: spikes.flags_mut() });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for CubaAlphaState<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v", "i_ex", "i_in", "y_ex", "y_in"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        match name {
            "v" => Some(&self.v),
            "i_ex" => Some(&self.i_ex),
            "i_in" => Some(&self.i_in),
            "y_ex" => Some(&self.y_ex),
            "y_in" => Some(&self.y_in),
            _ => None,
        }
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        match name {
            "v" => Some(&mut self.v),
            "i_ex" => Some(&mut self.i_ex),
            "i_in" => Some(&mut self.i_in),
            "y_ex" => Some(&mut self.y_ex),
            "y_in" => Some(&mut self.y_in),
            _ => None,
        }
    }
}

struct Step<'a, F> {
    c: Constants<F>,
    state: &'a mut CubaAlphaState<F>,
    exc: &'a [F],
    inh: &'a [F],
    current: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let CubaAlphaState { v, i_ex, i_in, y_ex, y_in, refractory } = self.state;
        advance(self.c, v, i_ex, i_in, y_ex, y_in, refractory, self.exc, self.inh, self.current, self.fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    i_ex: &mut [F],
    i_in: &mut [F],
    y_ex: &mut [F],
    y_in: &mut [F],
    refractory: &mut [u32],
    exc: &[F],
    inh: &[F],
    current: &[F],
    fired: &mut [u8],
) {
    let n = v.len();
    let (i_ex, y_ex, i_in, y_in) = (&mut i_ex[..n], &mut y_ex[..n], &mut i_in[..n], &mut y_in[..n]);
    let (exc, inh, current) = (&exc[..n], &inh[..n], &current[..n]);
    let (refractory, fired) = (&mut refractory[..n], &mut fired[..n]);
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let held = left > 0;
        let moved = c.leak.advance(before, current[i])
            + (c.ex.gain * i_ex[i] + c.ex.slope_gain * y_ex[i])
            + (c.inh.gain * i_in[i] + c.inh.slope_gain * y_in[i]);
        let u = select(held, before, moved);
        let fire = !held & (u >= c.threshold.v_th);
        v[i] = select(fire, c.threshold.v_reset, u);
        i_ex[i] = c.ex.decay * (i_ex[i] + c.dt * y_ex[i]);
        i_in[i] = c.inh.decay * (i_in[i] + c.dt * y_in[i]);
        y_ex[i] = c.ex.decay * y_ex[i] + c.ex.jump * exc[i];
        y_in[i] = c.inh.decay * y_in[i] + c.inh.jump * inh[i];
        refractory[i] = select(fire, c.threshold.refractory, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}
