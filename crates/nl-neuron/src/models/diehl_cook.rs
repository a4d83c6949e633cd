//! Diehl & Cook's leaky integrate-and-fire neuron with an adaptive threshold θ, for learning without labels.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::exact::{Leak, Threshold, filled, scalar, select};
use crate::slow::decay;
use crate::{ConductanceScheme, Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, SpikeSet};

const NAME: &str = "diehl_cook";

/// What the input of a [`DiehlCook`] neuron is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DiehlCookInput {
    /// Conductances with exponential decay, in units of the leak conductance, and a current: the paper's code.
    #[default]
    Conductance,
    /// Jumps of V in mV at the end of the step: BindsNET's `DiehlAndCookNodes`.
    Jump,
}

/// Parameters of [`DiehlCook`]; the defaults are the excitatory neurons of the paper's code.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DiehlCookParameters {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Leak reversal (resting) potential.
    pub e_l: Mv,
    /// Excitatory reversal potential.
    pub e_ex: Mv,
    /// Inhibitory reversal potential.
    pub e_in: Mv,
    /// Time constant of the excitatory conductance.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory conductance.
    pub tau_syn_in: Ms,
    /// Threshold where θ = `theta_offset`.
    pub v_th: Mv,
    /// Potential after a spike.
    pub v_reset: Mv,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// How far one spike raises θ.
    pub theta_plus: Mv,
    /// Time constant of θ.
    pub tau_theta: Ms,
    /// θ at the start.
    pub theta_0: Mv,
    /// What is taken off θ in the threshold.
    pub theta_offset: Mv,
    /// θ neither decays nor grows: for testing.
    pub frozen: bool,
    /// What the input is.
    pub input: DiehlCookInput,
    /// Integration of the membrane, for conductances.
    pub scheme: ConductanceScheme,
}

impl Default for DiehlCookParameters {
    fn default() -> Self {
        Self {
            tau_m: Ms(100.0),
            e_l: Mv(-65.0),
            e_ex: Mv(0.0),
            e_in: Mv(-100.0),
            tau_syn_ex: Ms(1.0),
            tau_syn_in: Ms(2.0),
            v_th: Mv(-52.0),
            v_reset: Mv(-65.0),
            t_ref: Ms(5.0),
            theta_plus: Mv(0.05),
            tau_theta: Ms(1e7),
            theta_0: Mv(20.0),
            theta_offset: Mv(20.0),
            frozen: false,
            input: DiehlCookInput::Conductance,
            scheme: ConductanceScheme::ExponentialEuler,
        }
    }
}

impl DiehlCookParameters {
    /// The inhibitory neurons of the paper's code: faster, and without adaptation.
    #[must_use]
    pub fn inhibitory() -> Self {
        Self {
            tau_m: Ms(10.0),
            e_l: Mv(-60.0),
            e_in: Mv(-85.0),
            v_th: Mv(-40.0),
            v_reset: Mv(-45.0),
            t_ref: Ms(2.0),
            theta_plus: Mv(0.0),
            theta_0: Mv(0.0),
            theta_offset: Mv(0.0),
            ..Self::default()
        }
    }
}

/// Adaptive LIF: τ_m V' = (E_L − V) + g_ex (E_ex − V) + g_in (E_in − V) + I, g' = −g/τ_syn, τ_θ θ' = −θ;
/// V ≥ V_th − θ_offset + θ → spike, V := V_reset held for t_ref, θ += θ_plus.
///
/// V by exponential Euler as in [`Coba`](crate::Coba), g and θ exactly, refractory or not; θ decays before the
/// comparison. With [`DiehlCookInput::Jump`] there are no conductances and V is exact. The paper writes V_th + θ; its code
/// starts θ at 20 mV and subtracts 20 mV (the defaults here), so that over hours the threshold of a silent neuron sinks
/// **below** V_th; θ_0 = θ_offset = 0 (BindsNET) never does. `frozen` keeps θ as it is, see [`freeze`](Self::freeze).
///
/// Input: `exc` and `inh` jump the conductances (both positive, units of the leak's), `current` (R I, mV) is held over
/// the step; or `jump` (mV). Source: Diehl & Cook, Unsupervised learning of digit recognition using
/// spike-timing-dependent plasticity, 2015, section 2.1, and its code.
///
/// ```
/// use nl_neuron::{DiehlCook, DiehlCookInput, DiehlCookParameters, Ms, NeuronModel, PopulationState, SpikeSet};
///
/// let p = DiehlCookParameters { input: DiehlCookInput::Jump, ..Default::default() };
/// let neuron = DiehlCook::<f32>::new(p, Ms(0.5))?;
/// let mut state = neuron.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// neuron.step(&mut state, &[15.0], &mut spikes)?; // mV
/// assert_eq!(spikes.indices(), &[0]);
/// assert!(state.variable("theta").unwrap()[0] > 20.0);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DiehlCook<F = f32> {
    parameters: DiehlCookParameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    leak: Leak<F>,
    threshold: Threshold<F>,
    e_ex: F,
    e_in: F,
    /// −dt / τ_m
    rate: F,
    decay_ex: F,
    decay_in: F,
    factor_ex: F,
    factor_in: F,
    offset: F,
    /// 1 − e^(−dt/τ_θ): e^(−dt/τ_θ) itself would be 1 in f32.
    loss_theta: F,
    theta_plus: F,
    frozen: bool,
}

/// State of a population of [`DiehlCook`]; `g_ex` and `g_in` are empty where the input is a jump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiehlCookState<F> {
    v: Vec<F>,
    theta: Vec<F>,
    /// What rounding has kept out of θ so far (Kahan's compensation): a loss of 1e-8 a step would vanish in f32.
    residue: Vec<F>,
    g_ex: Vec<F>,
    g_in: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> DiehlCook<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant or dt not positive, t_ref negative, or V_reset not
    /// below V_th.
    pub fn new(parameters: DiehlCookParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::finite(NAME, "theta_0", p.theta_0.0)?;
        Error::positive(NAME, "tau_theta", p.tau_theta.0)?;
        let constants = Constants {
            leak: Leak::new(NAME, dt, p.tau_m, Pf(p.tau_m.0), p.e_l, Pa(0.0))?,
            threshold: Threshold::new(NAME, dt, p.v_th, p.v_reset, p.t_ref)?,
            e_ex: scalar(NAME, "e_ex", p.e_ex.0)?,
            e_in: scalar(NAME, "e_in", p.e_in.0)?,
            rate: scalar(NAME, "dt / tau_m", -dt.0 / p.tau_m.0)?,
            decay_ex: decay(NAME, "tau_syn_ex", p.tau_syn_ex, dt)?,
            decay_in: decay(NAME, "tau_syn_in", p.tau_syn_in, dt)?,
            factor_ex: scalar(NAME, "tau_syn_ex", p.scheme.factor(p.tau_syn_ex, dt))?,
            factor_in: scalar(NAME, "tau_syn_in", p.scheme.factor(p.tau_syn_in, dt))?,
            offset: scalar(NAME, "theta_offset", p.theta_offset.0)?,
            loss_theta: scalar(NAME, "dt / tau_theta", -(-dt.0 / p.tau_theta.0).exp_m1())?,
            theta_plus: scalar(NAME, "theta_plus", p.theta_plus.0)?,
            frozen: p.frozen,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &DiehlCookParameters {
        &self.parameters
    }

    /// The same model with θ frozen, or free again.
    ///
    /// # Errors
    /// None in practice: the parameters were checked before.
    pub fn freeze(&self, frozen: bool) -> Result<Self, Error> {
        Self::new(DiehlCookParameters { frozen, ..self.parameters }, self.dt)
    }
}

impl<F: Real> NeuronModel<F> for DiehlCook<F> {
    type State = DiehlCookState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        match self.parameters.input {
            DiehlCookInput::Conductance => {
                const {
                    &[
                        InputChannel::conductance_jump("exc", "g_L"),
                        InputChannel::conductance_jump("inh", "g_L"),
                        InputChannel::current("mV"),
                    ]
                }
            }
            DiehlCookInput::Jump => const { &[InputChannel::potential_jump()] },
        }
    }

    fn state(&self, n: usize) -> Result<DiehlCookState<F>, Error> {
        Error::population(NAME, n)?;
        let conductances = if self.parameters.input == DiehlCookInput::Conductance { n } else { 0 };
        Ok(DiehlCookState {
            v: filled(NAME, self.constants.leak.rest, n)?,
            theta: filled(NAME, F::from_f64(self.parameters.theta_0.0), n)?,
            residue: filled(NAME, F::ZERO, n)?,
            g_ex: filled(NAME, F::ZERO, conductances)?,
            g_in: filled(NAME, F::ZERO, conductances)?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut DiehlCookState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let n = state.v.len();
        Error::state(NAME, n, &[state.theta.len(), state.residue.len(), state.refractory.len()])?;
        self.check(n, input, spikes)?;
        let c = self.constants;
        match self.parameters.input {
            DiehlCookInput::Conductance => {
                Error::length(NAME, "state g_ex (made for another input)", n, state.g_ex.len())?;
                Error::length(NAME, "state g_in (made for another input)", n, state.g_in.len())?;
                let (exc, rest) = input.split_at(n);
                let (inh, current) = rest.split_at(n);
                Level::current().dispatch(Conductances { c, state, exc, inh, current, fired: spikes.flags_mut() });
            }
            DiehlCookInput::Jump => {
                Level::current().dispatch(Jumps { c, state, input, fired: spikes.flags_mut() });
            }
        }
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for DiehlCookState<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        if self.g_ex.is_empty() { &["v", "theta"] } else { &["v", "theta", "g_ex", "g_in"] }
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        let found = match name {
            "v" => &self.v,
            "theta" => &self.theta,
            "g_ex" => &self.g_ex,
            "g_in" => &self.g_in,
            _ => return None,
        };
        (!found.is_empty()).then_some(found)
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        let found = match name {
            "v" => &mut self.v,
            "theta" => &mut self.theta,
            "g_ex" => &mut self.g_ex,
            "g_in" => &mut self.g_in,
            _ => return None,
        };
        (!found.is_empty()).then_some(found)
    }
}

struct Conductances<'a, F> {
    c: Constants<F>,
    state: &'a mut DiehlCookState<F>,
    exc: &'a [F],
    inh: &'a [F],
    current: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Conductances<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let DiehlCookState { v, theta, residue, g_ex, g_in, refractory } = self.state;
        let Self { c, exc, inh, current, fired, .. } = self;
        advance_conductances(c, v, theta, residue, g_ex, g_in, refractory, exc, inh, current, fired);
    }
}

/// Whether θ, decayed, lets u be a spike; the potential, θ, its residue and the steps left after it.
#[inline(always)]
fn spike<F: Real>(c: Constants<F>, u: F, theta: F, residue: F, left: u32) -> (bool, F, F, F, u32) {
    let change = residue - theta * c.loss_theta;
    let decayed = select(c.frozen, theta, theta + change);
    let fire = (left == 0) & (u >= c.threshold.v_th + (decayed - c.offset));
    let change = select(fire, change + c.theta_plus, change);
    let next = theta + change;
    (
        fire,
        select(fire, c.threshold.v_reset, u),
        select(c.frozen, theta, next),
        select(c.frozen, residue, change - (next - theta)),
        select(fire, c.threshold.refractory, left.saturating_sub(1)),
    )
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance_conductances<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    theta: &mut [F],
    residue: &mut [F],
    g_ex: &mut [F],
    g_in: &mut [F],
    refractory: &mut [u32],
    exc: &[F],
    inh: &[F],
    current: &[F],
    fired: &mut [u8],
) {
    let n = v.len();
    let (theta, refractory, fired) = (&mut theta[..n], &mut refractory[..n], &mut fired[..n]);
    let (residue, g_ex, g_in) = (&mut residue[..n], &mut g_ex[..n], &mut g_in[..n]);
    let (exc, inh, current) = (&exc[..n], &inh[..n], &current[..n]);
    let e_l = c.leak.rest;
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let (ex, inhibition) = (c.factor_ex * g_ex[i], c.factor_in * g_in[i]);
        let g = F::ONE + ex + inhibition;
        let limit = e_l + (ex * (c.e_ex - e_l) + inhibition * (c.e_in - e_l) + current[i]) / g;
        let u = select(left > 0, before, limit + (before - limit) * (c.rate * g).v_exp());
        g_ex[i] = c.decay_ex * g_ex[i] + exc[i];
        g_in[i] = c.decay_in * g_in[i] + inh[i];
        let fire;
        (fire, v[i], theta[i], residue[i], refractory[i]) = spike(c, u, theta[i], residue[i], left);
        fired[i] = u8::from(fire);
    }
}

struct Jumps<'a, F> {
    c: Constants<F>,
    state: &'a mut DiehlCookState<F>,
    input: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Jumps<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let DiehlCookState { v, theta, residue, refractory, .. } = self.state;
        advance_jumps(self.c, v, theta, residue, refractory, self.input, self.fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance_jumps<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    theta: &mut [F],
    residue: &mut [F],
    refractory: &mut [u32],
    input: &[F],
    fired: &mut [u8],
) {
    let n = v.len();
    let (theta, residue, refractory) = (&mut theta[..n], &mut residue[..n], &mut refractory[..n]);
    let (input, fired) = (&input[..n], &mut fired[..n]);
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let moved = c.leak.rest + (before - c.leak.rest) * c.leak.decay + input[i];
        let u = select(left > 0, before, moved);
        let fire;
        (fire, v[i], theta[i], residue[i], refractory[i]) = spike(c, u, theta[i], residue[i], left);
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    fn theta_and_count(neuron: &DiehlCook<f64>, state: &mut DiehlCookState<f64>, steps: usize) -> (f64, usize) {
        let mut spikes = SpikeSet::new(1);
        let mut count = 0;
        for _ in 0..steps {
            neuron.step(state, &[3.0], &mut spikes).unwrap();
            count += spikes.len();
        }
        (state.variable("theta").unwrap()[0], count)
    }

    #[test]
    fn theta_grows_by_its_step_a_spike_and_freezes() {
        let p = DiehlCookParameters { input: DiehlCookInput::Jump, tau_theta: Ms(1e300), ..Default::default() };
        let neuron = DiehlCook::<f64>::new(p, Ms(0.5)).unwrap();
        let mut state = neuron.state(1).unwrap();
        let (theta, count) = theta_and_count(&neuron, &mut state, 500);
        assert!(count > 20);
        assert_abs_diff_eq!(theta, 20.0 + 0.05 * count as f64, epsilon = 1e-9); // roundings of some hundred steps
        let frozen = neuron.freeze(true).unwrap();
        let (after, more) = theta_and_count(&frozen, &mut state, 500);
        assert!(more > 20 && after == theta);
        assert_eq!(frozen.freeze(false).unwrap(), neuron);
    }

    /// 100,000 steps each lose 1e-8 of θ: less than f32 can see at once.
    #[test]
    fn slow_decay_survives_single_precision() {
        let neuron = DiehlCook::<f32>::new(DiehlCookParameters::default(), Ms(0.1)).unwrap();
        let mut state = neuron.state(1).unwrap();
        let mut spikes = SpikeSet::new(1);
        for _ in 0..100_000 {
            neuron.step(&mut state, &[0.0; 3], &mut spikes).unwrap();
        }
        let lost = 20.0 - f64::from(state.variable("theta").unwrap()[0]);
        assert_abs_diff_eq!(lost, 20.0 * 1e-3, epsilon = 2e-5); // 1 − e^(−0.001), and the last places of θ in f32
    }

    #[test]
    fn theta_decays_in_silence() {
        let p = DiehlCookParameters { tau_theta: Ms(100.0), ..Default::default() };
        let neuron = DiehlCook::<f64>::new(p, Ms(0.5)).unwrap();
        let mut state = neuron.state(1).unwrap();
        let mut spikes = SpikeSet::new(1);
        for _ in 0..200 {
            neuron.step(&mut state, &[0.0; 3], &mut spikes).unwrap();
            if !spikes.is_empty() {
                break;
            }
        }
        // The threshold −52 − 20 + θ reaches −65 at θ = 7, after 100 ln(20/7) = 105 ms: not yet.
        assert!(spikes.is_empty());
        // Roundings of 200 steps.
        assert_abs_diff_eq!(state.variable("theta").unwrap()[0], 20.0 * (-1.0_f64).exp(), epsilon = 1e-9);
    }

    /// V moves from where it is to E_L + (V − E_L) e^(−dt/τ_m), and by the jump.
    #[test]
    fn a_jump_adds_to_what_the_leak_leaves() {
        let p = DiehlCookParameters { input: DiehlCookInput::Jump, ..Default::default() };
        let neuron = DiehlCook::<f64>::new(p, Ms(0.5)).unwrap();
        let (mut state, mut spikes) = (neuron.state(1).unwrap(), SpikeSet::new(1));
        let mut expected = -65.0;
        for jump in [3.0, 2.0, 0.0, -1.0] {
            neuron.step(&mut state, &[jump], &mut spikes).unwrap();
            expected = -65.0 + (expected + 65.0) * (-0.5_f64 / 100.0).exp() + jump;
            assert_abs_diff_eq!(state.variable("v").unwrap()[0], expected, epsilon = 1e-12);
        }
    }

    #[test]
    fn inhibitory_neurons_do_not_adapt() {
        let p = DiehlCookParameters { input: DiehlCookInput::Jump, ..DiehlCookParameters::inhibitory() };
        let neuron = DiehlCook::<f64>::new(p, Ms(0.5)).unwrap();
        let (theta, count) = theta_and_count(&neuron, &mut neuron.state(1).unwrap(), 500);
        assert!(count > 20 && theta == 0.0, "{count} spikes, θ = {theta} mV");
    }
}
