//! The multi-timescale adaptive threshold neuron (MAT2): the membrane is never reset, the threshold moves instead.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::exact::{Leak, exponential, filled, scalar, select};
use crate::receptor::CURRENTS;
use crate::slow::{AnyDecay, decay, decayed, raised};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, SpikeSet};

const NAME: &str = "mat2";

/// Parameters of [`Mat2`]; the defaults are NEST's `mat2_psc_exp` (Kobayashi's regular-spiking set).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Mat2Parameters {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Membrane capacitance; R = τ_m / C_m.
    pub c_m: Pf,
    /// Leak reversal (resting) potential.
    pub e_l: Mv,
    /// Threshold at rest, ω (absolute: E_L + 19 mV).
    pub omega: Mv,
    /// Jump of the fast component of the threshold.
    pub alpha_1: Mv,
    /// Jump of the slow component of the threshold.
    pub alpha_2: Mv,
    /// Time constant of the fast component.
    pub tau_1: Ms,
    /// Time constant of the slow component.
    pub tau_2: Ms,
    /// Absolute refractory period: no spike, but V and the threshold go on; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Time constant of the excitatory current.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory current.
    pub tau_syn_in: Ms,
    /// Constant current.
    pub i_e: Pa,
}

impl Default for Mat2Parameters {
    fn default() -> Self {
        Self {
            tau_m: Ms(5.0),
            c_m: Pf(100.0),
            e_l: Mv(-70.0),
            omega: Mv(-51.0),
            alpha_1: Mv(37.0),
            alpha_2: Mv(2.0),
            tau_1: Ms(10.0),
            tau_2: Ms(200.0),
            t_ref: Ms(2.0),
            tau_syn_ex: Ms(1.0),
            tau_syn_in: Ms(3.0),
            i_e: Pa(0.0),
        }
    }
}

/// Multi-timescale adaptive threshold: τ_m V' = −(V − E_L) + R (I_ex + I_in + I + I_e), never reset;
/// V ≥ ω + θ₁ + θ₂ → spike, θ₁ += α₁, θ₂ += α₂; τ₁ θ₁' = −θ₁, τ₂ θ₂' = −θ₂.
///
/// Exact over a step, the currents as in [`CubaExp`](crate::CubaExp). The thresholds decay before the comparison. For
/// t_ref after a spike there is no other, while V, the currents and the thresholds go on.
///
/// Input: `exc` and `inh` jump the currents (pA; inhibition is a negative number), `current` (pA) is held over the step.
/// Relative refractoriness: the raised threshold. Source: Kobayashi, Tsubo & Shinomoto, Made-to-order spiking neuron
/// model equipped with a multi-timescale adaptive threshold, 2009 (their R = 50 MΩ is τ_m/C_m here).
///
/// ```
/// use nl_neuron::{Mat2, Mat2Parameters, Ms, NeuronModel, PopulationState, SpikeSet};
///
/// let mat2 = Mat2::<f32>::new(Mat2Parameters::default(), Ms(0.1))?;
/// let mut state = mat2.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// let mut count = 0;
/// for _ in 0..1000 {
///     mat2.step(&mut state, &[0.0, 0.0, 600.0], &mut spikes)?; // pA: V tends to −70 + 30 mV, spikes or not
///     count += spikes.len();
/// }
/// assert!(count > 1 && (state.variable("v").unwrap()[0] + 40.0).abs() < 1e-3);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mat2<F = f32> {
    parameters: Mat2Parameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    leak: Leak<F>,
    decay_ex: F,
    decay_in: F,
    gain_ex: F,
    gain_in: F,
    omega: F,
    alpha: [F; 2],
    decay: [AnyDecay<F>; 2],
    refractory: u32,
}

impl<F: Real> Constants<F> {
    /// Whether the thresholds need residues.
    #[inline(always)]
    fn carries(&self) -> bool {
        self.decay[0].carries | self.decay[1].carries
    }

    /// Residues of a population of `n`.
    fn residues(&self, n: usize) -> usize {
        if self.carries() { 2 * n } else { 0 }
    }
}

/// State of a population of [`Mat2`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mat2State<F> {
    v: Vec<F>,
    i_ex: Vec<F>,
    i_in: Vec<F>,
    theta_1: Vec<F>,
    theta_2: Vec<F>,
    /// What rounding has kept out of θ₁, then of θ₂, `[2, n]`; empty where both decay fast enough to do without.
    residue: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> Mat2<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant, C_m or dt not positive, or t_ref negative.
    pub fn new(parameters: Mat2Parameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::finite(NAME, "omega", p.omega.0)?;
        Error::finite(NAME, "alpha_1", p.alpha_1.0)?;
        Error::finite(NAME, "alpha_2", p.alpha_2.0)?;
        let constants = Constants {
            leak: Leak::new(NAME, dt, p.tau_m, p.c_m, p.e_l, p.i_e)?,
            decay_ex: decay(NAME, "tau_syn_ex", p.tau_syn_ex, dt)?,
            decay_in: decay(NAME, "tau_syn_in", p.tau_syn_in, dt)?,
            gain_ex: scalar(NAME, "tau_syn_ex / c_m", exponential(p.tau_m, p.tau_syn_ex, p.c_m, dt))?,
            gain_in: scalar(NAME, "tau_syn_in / c_m", exponential(p.tau_m, p.tau_syn_in, p.c_m, dt))?,
            omega: scalar(NAME, "omega", p.omega.0)?,
            alpha: [scalar(NAME, "alpha_1", p.alpha_1.0)?, scalar(NAME, "alpha_2", p.alpha_2.0)?],
            decay: [AnyDecay::new(NAME, "tau_1", p.tau_1, dt)?, AnyDecay::new(NAME, "tau_2", p.tau_2, dt)?],
            refractory: p.t_ref.steps(NAME, "t_ref", dt)?,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &Mat2Parameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for Mat2<F> {
    type State = Mat2State<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        CURRENTS
    }

    fn state(&self, n: usize) -> Result<Mat2State<F>, Error> {
        Error::population(NAME, n)?;
        Ok(Mat2State {
            v: filled(NAME, F::from_f64(self.parameters.e_l.0), n)?,
            i_ex: filled(NAME, F::ZERO, n)?,
            i_in: filled(NAME, F::ZERO, n)?,
            theta_1: filled(NAME, F::ZERO, n)?,
            theta_2: filled(NAME, F::ZERO, n)?,
            residue: filled(NAME, F::ZERO, self.constants.residues(n))?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut Mat2State<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let n = state.v.len();
        Error::state(
            NAME,
            n,
            &[state.i_ex.len(), state.i_in.len(), state.theta_1.len(), state.theta_2.len(), state.refractory.len()],
        )?;
        let residues = self.constants.residues(n);
        Error::length(NAME, "state residue (made for another tau_1, tau_2 or dt)", residues, state.residue.len())?;
        self.check(n, input, spikes)?;
        let (exc, rest) = input.split_at(n);
        let (inh, current) = rest.split_at(n);
        Level::current().dispatch(Step { c: self.constants, state, exc, inh, current, fired: spikes.flags_mut() });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for Mat2State<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v", "i_ex", "i_in", "theta_1", "theta_2"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        match name {
            "v" => Some(&self.v),
            "i_ex" => Some(&self.i_ex),
            "i_in" => Some(&self.i_in),
            "theta_1" => Some(&self.theta_1),
            "theta_2" => Some(&self.theta_2),
            _ => None,
        }
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        match name {
            "v" => Some(&mut self.v),
            "i_ex" => Some(&mut self.i_ex),
            "i_in" => Some(&mut self.i_in),
            "theta_1" => Some(&mut self.theta_1),
            "theta_2" => Some(&mut self.theta_2),
            _ => None,
        }
    }
}

struct Step<'a, F> {
    c: Constants<F>,
    state: &'a mut Mat2State<F>,
    exc: &'a [F],
    inh: &'a [F],
    current: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Mat2State { v, i_ex, i_in, theta_1, theta_2, residue, refractory } = self.state;
        let Self { c, exc, inh, current, fired, .. } = self;
        let half = residue.len() / 2;
        let (first, second) = residue.split_at_mut(half);
        if c.carries() {
            let residues = [first, second];
            advance::<F, true>(c, v, i_ex, i_in, theta_1, theta_2, residues, refractory, exc, inh, current, fired);
        } else {
            let residues = [first, second];
            advance::<F, false>(c, v, i_ex, i_in, theta_1, theta_2, residues, refractory, exc, inh, current, fired);
        }
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real, const CARRY: bool>(
    c: Constants<F>,
    v: &mut [F],
    i_ex: &mut [F],
    i_in: &mut [F],
    theta_1: &mut [F],
    theta_2: &mut [F],
    [residue_1, residue_2]: [&mut [F]; 2],
    refractory: &mut [u32],
    exc: &[F],
    inh: &[F],
    current: &[F],
    fired: &mut [u8],
) {
    let n = v.len();
    let (i_ex, i_in, refractory) = (&mut i_ex[..n], &mut i_in[..n], &mut refractory[..n]);
    let (theta_1, theta_2) = (&mut theta_1[..n], &mut theta_2[..n]);
    let residues = if CARRY { n } else { 0 };
    let (residue_1, residue_2) = (&mut residue_1[..residues], &mut residue_2[..residues]);
    let (exc, inh, current, fired) = (&exc[..n], &inh[..n], &current[..n], &mut fired[..n]);
    for i in 0..n {
        let left = refractory[i];
        let u = c.leak.advance(v[i], current[i]) + c.gain_ex * i_ex[i] + c.gain_in * i_in[i];
        v[i] = u;
        i_ex[i] = c.decay_ex * i_ex[i] + exc[i];
        i_in[i] = c.decay_in * i_in[i] + inh[i];
        let (first, second) = if CARRY { (residue_1[i], residue_2[i]) } else { (F::ZERO, F::ZERO) };
        let fast = decayed::<F, CARRY>(c.decay[0], theta_1[i], first);
        let slow = decayed::<F, CARRY>(c.decay[1], theta_2[i], second);
        let fire = (left == 0) & (u >= c.omega + fast + slow);
        let (next_1, first) = raised::<F, CARRY>(c.decay[0], (theta_1[i], first), fast, c.alpha[0], fire);
        let (next_2, second) = raised::<F, CARRY>(c.decay[1], (theta_2[i], second), slow, c.alpha[1], fire);
        (theta_1[i], theta_2[i]) = (next_1, next_2);
        if CARRY {
            (residue_1[i], residue_2[i]) = (first, second);
        }
        refractory[i] = select(fire, c.refractory, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thresholds of hours, and one of them of milliseconds: a million steps against the closed form.
    #[test]
    fn slow_thresholds_survive_single_precision() {
        for (tau_1, tau_2) in [(10.0, 1e7), (1e6, 2e5)] {
            let p = Mat2Parameters { tau_1: Ms(tau_1), tau_2: Ms(tau_2), ..Default::default() };
            let mat2 = Mat2::<f32>::new(p, Ms(0.1)).unwrap();
            let mut state = mat2.state(1).unwrap();
            let mut spikes = SpikeSet::new(1);
            state.variable_mut("theta_1").unwrap()[0] = 30.0;
            state.variable_mut("theta_2").unwrap()[0] = 7.0;
            state.variable_mut("v").unwrap()[0] = 0.0; // one spike at once
            for k in 0..1_000_000 {
                mat2.step(&mut state, &[0.0; 3], &mut spikes).unwrap();
                assert_eq!(spikes.len(), usize::from(k == 0));
            }
            let exact =
                |start: f64, alpha: f64, tau: f64| start * (-1e5 / tau).exp() + alpha * (-0.999_999e5 / tau).exp();
            for (name, exact) in [("theta_1", exact(30.0, 37.0, tau_1)), ("theta_2", exact(7.0, 2.0, tau_2))] {
                let got = f64::from(state.variable(name).unwrap()[0]);
                assert!((got - exact).abs() <= 1e-6 * exact.max(1.0), "{name}: {got} {exact}");
            }
        }
    }

    /// A suprathreshold V alone sets the rhythm: the n-th spike waits for α₁, α₂ to decay below V − ω.
    #[test]
    fn spikes_when_the_threshold_has_fallen_below_the_potential() {
        let p = Mat2Parameters::default();
        let mat2 = Mat2::<f64>::new(p, Ms(0.1)).unwrap();
        let mut state = mat2.state(1).unwrap();
        state.variable_mut("v").unwrap()[0] = -40.0; // and 600 pA keep it there
        let mut spikes = SpikeSet::new(1);
        let mut steps: Vec<usize> = Vec::new();
        for k in 0..3000 {
            mat2.step(&mut state, &[0.0, 0.0, 600.0], &mut spikes).unwrap();
            if !spikes.is_empty() {
                steps.push(k);
            }
        }
        let threshold = |k: usize, before: &[usize]| {
            let since = |s: usize| 0.1 * (k - s) as f64;
            let jump = |s: usize| 37.0 * (-since(s) / 10.0).exp() + 2.0 * (-since(s) / 200.0).exp();
            before.iter().map(|&s| jump(s)).sum::<f64>() - 51.0
        };
        assert!(steps.len() > 5);
        for (j, &k) in steps.iter().enumerate().skip(1) {
            assert!(threshold(k, &steps[..j]) <= -40.0 + 1e-9 && threshold(k - 1, &steps[..j]) > -40.0, "spike {j}");
        }
    }
}
