//! The spike response model SRM₀: the response to input, plus what the last spike left behind.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::exact::{Leak, exponential, filled, scalar, select};
use crate::slow::decay;
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, SpikeSet};

const NAME: &str = "srm0";

/// Parameters of [`Srm0`]; membrane and threshold as [`Lif`](crate::Lif)'s defaults, the reset kernel is our choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Srm0Parameters {
    /// Membrane time constant, of the response to input.
    pub tau_m: Ms,
    /// Membrane capacitance; R = τ_m / C_m.
    pub c_m: Pf,
    /// Resting potential.
    pub e_l: Mv,
    /// Threshold.
    pub v_th: Mv,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Depth of the spike-afterpotential, η₀ (positive: downwards).
    pub eta_0: Mv,
    /// Time constant of the spike-afterpotential.
    pub tau_eta: Ms,
    /// Time constant of the synaptic current.
    pub tau_syn: Ms,
    /// Constant current.
    pub i_e: Pa,
}

impl Default for Srm0Parameters {
    fn default() -> Self {
        Self {
            tau_m: Ms(10.0),
            c_m: Pf(250.0),
            e_l: Mv(-70.0),
            v_th: Mv(-55.0),
            t_ref: Ms(2.0),
            eta_0: Mv(15.0),
            tau_eta: Ms(10.0),
            tau_syn: Ms(2.0),
            i_e: Pa(0.0),
        }
    }
}

/// SRM₀: V(t) = E_L + η(t − t̂) + h(t), η(s) = −η₀ e^(−s/τ_η); V ≥ V_th, t_ref past → spike, t̂ := t.
///
/// h is the response to input and never reset: τ_m h' = −h + R (I_syn + I + I_e), I_syn' = −I_syn/τ_syn, so that an
/// input spike gives the kernel ε of a double exponential. η belongs to the **last** spike only: a new one replaces it
/// (SRM₀; the full SRM would add them up). All exact over a step. For t_ref after a spike there is no other.
///
/// Input: `syn` jumps I_syn (pA), `current` (pA) is held over the step. `v` is made anew in every step: to set the
/// potential set `h`. Source: Gerstner & Kistler, Spiking Neuron Models, 2002, section 4.2 (simplified model SRM₀).
///
/// ```
/// use nl_neuron::{Ms, NeuronModel, PopulationState, SpikeSet, Srm0, Srm0Parameters};
///
/// let srm = Srm0::<f32>::new(Srm0Parameters::default(), Ms(0.1))?;
/// let mut state = srm.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// let mut count = 0;
/// for _ in 0..1000 {
///     srm.step(&mut state, &[0.0, 500.0], &mut spikes)?; // pA: h tends to 20 mV, spikes or not
///     count += spikes.len();
/// }
/// assert!(count > 2 && (state.variable("h").unwrap()[0] - 20.0).abs() < 0.01);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Srm0<F = f32> {
    parameters: Srm0Parameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    /// Of h, whose rest is R I_e.
    leak: Leak<F>,
    e_l: F,
    v_th: F,
    eta_0: F,
    decay_eta: F,
    decay_syn: F,
    gain_syn: F,
    refractory: u32,
}

/// State of a population of [`Srm0`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Srm0State<F> {
    v: Vec<F>,
    h: Vec<F>,
    eta: Vec<F>,
    i_syn: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> Srm0<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant, C_m or dt not positive, t_ref or η₀ negative, or
    /// V_th not above E_L.
    pub fn new(parameters: Srm0Parameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::finite(NAME, "e_l", p.e_l.0)?;
        Error::check(NAME, "v_th", p.v_th.0, |x| x > p.e_l.0, "use a potential above e_l")?;
        Error::not_negative(NAME, "eta_0", p.eta_0.0)?;
        let constants = Constants {
            leak: Leak::new(NAME, dt, p.tau_m, p.c_m, Mv(0.0), p.i_e)?,
            e_l: scalar(NAME, "e_l", p.e_l.0)?,
            v_th: scalar(NAME, "v_th", p.v_th.0)?,
            eta_0: scalar(NAME, "eta_0", p.eta_0.0)?,
            decay_eta: decay(NAME, "tau_eta", p.tau_eta, dt)?,
            decay_syn: decay(NAME, "tau_syn", p.tau_syn, dt)?,
            gain_syn: scalar(NAME, "tau_syn / c_m", exponential(p.tau_m, p.tau_syn, p.c_m, dt))?,
            refractory: p.t_ref.steps(NAME, "t_ref", dt)?,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &Srm0Parameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for Srm0<F> {
    type State = Srm0State<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        const { &[InputChannel::current_jump("syn"), InputChannel::current("pA")] }
    }

    fn state(&self, n: usize) -> Result<Srm0State<F>, Error> {
        Error::population(NAME, n)?;
        let v = filled(NAME, self.constants.e_l, n)?;
        Ok(Srm0State {
            v,
            h: filled(NAME, F::ZERO, n)?,
            eta: filled(NAME, F::ZERO, n)?,
            i_syn: filled(NAME, F::ZERO, n)?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut Srm0State<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let n = state.v.len();
        Error::state(NAME, n, &[state.h.len(), state.eta.len(), state.i_syn.len(), state.refractory.len()])?;
        self.check(n, input, spikes)?;
        let (syn, current) = input.split_at(n);
        Level::current().dispatch(Step { c: self.constants, state, syn, current, fired: spikes.flags_mut() });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for Srm0State<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v", "h", "eta", "i_syn"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        match name {
            "v" => Some(&self.v),
            "h" => Some(&self.h),
            "eta" => Some(&self.eta),
            "i_syn" => Some(&self.i_syn),
            _ => None,
        }
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        match name {
            "v" => Some(&mut self.v),
            "h" => Some(&mut self.h),
            "eta" => Some(&mut self.eta),
            "i_syn" => Some(&mut self.i_syn),
            _ => None,
        }
    }
}

struct Step<'a, F> {
    c: Constants<F>,
    state: &'a mut Srm0State<F>,
    syn: &'a [F],
    current: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Srm0State { v, h, eta, i_syn, refractory } = self.state;
        advance(self.c, v, h, eta, i_syn, refractory, self.syn, self.current, self.fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    h: &mut [F],
    eta: &mut [F],
    i_syn: &mut [F],
    refractory: &mut [u32],
    syn: &[F],
    current: &[F],
    fired: &mut [u8],
) {
    let n = v.len();
    let (h, eta, i_syn, refractory) = (&mut h[..n], &mut eta[..n], &mut i_syn[..n], &mut refractory[..n]);
    let (syn, current, fired) = (&syn[..n], &current[..n], &mut fired[..n]);
    for i in 0..n {
        let left = refractory[i];
        let response = c.leak.advance(h[i], current[i]) + c.gain_syn * i_syn[i];
        let after = eta[i] * c.decay_eta;
        let u = c.e_l + after + response;
        let fire = (left == 0) & (u >= c.v_th);
        let after = select(fire, -c.eta_0, after);
        v[i] = c.e_l + after + response;
        h[i] = response;
        eta[i] = after;
        i_syn[i] = c.decay_syn * i_syn[i] + syn[i];
        refractory[i] = select(fire, c.refractory, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    /// Under constant current h = 20 mV: a spike when 15 = 20 − η₀ e^(−T/τ_η), so T = τ_η ln(η₀/5).
    #[test]
    fn interval_follows_the_closed_form() {
        let p = Srm0Parameters { eta_0: Mv(30.0), ..Default::default() };
        let srm = Srm0::<f64>::new(p, Ms(0.1)).unwrap();
        let mut state = srm.state(1).unwrap();
        state.variable_mut("h").unwrap()[0] = 20.0;
        let mut spikes = SpikeSet::new(1);
        let mut steps: Vec<usize> = Vec::new();
        for k in 0..2000 {
            srm.step(&mut state, &[0.0, 500.0], &mut spikes).unwrap();
            if !spikes.is_empty() {
                steps.push(k);
            }
        }
        let period = (10.0 * (30.0_f64 / 5.0).ln() / 0.1).ceil() as usize;
        assert!(steps.len() > 5 && steps.windows(2).all(|s| s[1] - s[0] == period), "{steps:?}, {period}");
    }

    /// One input spike: h(t) = (w/C_m) (e^(−t/τ_m) − e^(−t/τ_syn))/(1/τ_syn − 1/τ_m).
    #[test]
    fn an_input_spike_gives_a_double_exponential() {
        let srm = Srm0::<f64>::new(Srm0Parameters::default(), Ms(0.1)).unwrap();
        let mut state = srm.state(1).unwrap();
        let mut spikes = SpikeSet::new(1);
        srm.step(&mut state, &[300.0, 0.0], &mut spikes).unwrap();
        for k in 1..300 {
            srm.step(&mut state, &[0.0, 0.0], &mut spikes).unwrap();
            let t = 0.1 * f64::from(k);
            let expected = 300.0 / 250.0 * ((-t / 10.0).exp() - (-t / 2.0).exp()) / (1.0 / 2.0 - 1.0 / 10.0);
            // Roundings of up to 300 steps.
            assert_abs_diff_eq!(state.variable("h").unwrap()[0], expected, epsilon = 1e-12);
        }
        assert!(spikes.is_empty());
    }
}
