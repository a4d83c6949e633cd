//! The perfect integrator: integrate-and-fire without a leak.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::exact::{Threshold, filled, scalar, select};
use crate::slow::carry;
use crate::{Drive, Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, Reset, SpikeSet};

const NAME: &str = "if";

/// Parameters of [`IntegrateAndFire`]; the defaults are those of [`Lif`](crate::Lif) where they apply.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct IntegrateAndFireParameters {
    /// Membrane capacitance.
    pub c_m: Pf,
    /// Threshold.
    pub v_th: Mv,
    /// Potential after a spike, and at the start.
    pub v_reset: Mv,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Constant current.
    pub i_e: Pa,
    /// What the input is.
    pub drive: Drive,
    /// What a spike does.
    pub reset: Reset,
}

impl Default for IntegrateAndFireParameters {
    fn default() -> Self {
        Self {
            c_m: Pf(250.0),
            v_th: Mv(-55.0),
            v_reset: Mv(-70.0),
            t_ref: Ms(2.0),
            i_e: Pa(0.0),
            drive: Drive::Current,
            reset: Reset::Hard,
        }
    }
}

/// Integrate-and-fire without a leak: C_m V' = I + I_e; V ≥ V_th → spike, reset, hold for t_ref.
///
/// Exact over a step of constant input: V ← V + (dt/C_m) (I + I_e), with what rounding keeps out of V carried to the next
/// step (see [`slow`](crate::slow)). While refractory V does not move and input is lost.
///
/// Input: one receptor, see [`Drive`]; a jump of x mV adds x. Source: Lapicque 1907, with the leak left out; Gerstner &
/// Kistler, Spiking Neuron Models, 2002, section 4.1.
///
/// ```
/// use nl_neuron::{IntegrateAndFire, IntegrateAndFireParameters, Ms, NeuronModel, SpikeSet};
///
/// let neuron = IntegrateAndFire::<f32>::new(IntegrateAndFireParameters::default(), Ms(0.1))?;
/// let mut state = neuron.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// let mut count = 0;
/// for _ in 0..1000 {
///     neuron.step(&mut state, &[310.0], &mut spikes)?; // pA
///     count += spikes.len();
/// }
/// assert_eq!(count, 7); // every C_m (V_th − V_reset) / I = 12.1 ms, and t_ref
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrateAndFire<F = f32> {
    parameters: IntegrateAndFireParameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    gain: F,
    bias: F,
    threshold: Threshold<F>,
    subtract: bool,
}

/// State of a population of [`IntegrateAndFire`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntegrateAndFireState<F> {
    v: Vec<F>,
    /// What rounding has kept out of V: a current so weak that one step of it vanishes beside V still adds up.
    residue: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> IntegrateAndFire<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, C_m or dt not positive, t_ref negative, or V_reset not below V_th.
    pub fn new(parameters: IntegrateAndFireParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::positive(NAME, "dt", dt.0)?;
        Error::positive(NAME, "c_m", p.c_m.0)?;
        Error::finite(NAME, "i_e", p.i_e.0)?;
        let gain = dt.0 / p.c_m.0;
        let constants = Constants {
            gain: match p.drive {
                Drive::Current => scalar(NAME, "dt / c_m", gain)?,
                Drive::Jump => F::ONE,
            },
            bias: scalar(NAME, "i_e dt / c_m", gain * p.i_e.0)?,
            threshold: Threshold::new(NAME, dt, p.v_th, p.v_reset, p.t_ref)?,
            subtract: p.reset == Reset::Subtract,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &IntegrateAndFireParameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for IntegrateAndFire<F> {
    type State = IntegrateAndFireState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        self.parameters.drive.receptors()
    }

    fn state(&self, n: usize) -> Result<IntegrateAndFireState<F>, Error> {
        Error::population(NAME, n)?;
        Ok(IntegrateAndFireState {
            v: filled(NAME, self.constants.threshold.v_reset, n)?,
            residue: filled(NAME, F::ZERO, n)?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut IntegrateAndFireState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        Error::state(NAME, state.v.len(), &[state.residue.len(), state.refractory.len()])?;
        self.check(state.v.len(), input, spikes)?;
        Level::current().dispatch(Step {
            c: self.constants,
            v: &mut state.v,
            residue: &mut state.residue,
            refractory: &mut state.refractory,
            input,
            fired: spikes.flags_mut(),
        });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for IntegrateAndFireState<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        (name == "v").then_some(&self.v[..])
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        (name == "v").then_some(&mut self.v[..])
    }
}

struct Step<'a, F> {
    c: Constants<F>,
    v: &'a mut [F],
    residue: &'a mut [F],
    refractory: &'a mut [u32],
    input: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        advance(self.c, self.v, self.residue, self.refractory, self.input, self.fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    residue: &mut [F],
    refractory: &mut [u32],
    input: &[F],
    fired: &mut [u8],
) {
    let Threshold { v_th, v_reset, refractory: period } = c.threshold;
    let n = v.len();
    let residue = &mut residue[..n];
    let (refractory, input, fired) = (&mut refractory[..n], &input[..n], &mut fired[..n]);
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let held = left > 0;
        let (moved, left_over) = carry(before, residue[i] + (c.bias + c.gain * input[i]));
        let u = select(held, before, moved);
        let fire = !held & (u >= v_th);
        let after = select(c.subtract, u - (v_th - v_reset), v_reset);
        v[i] = select(fire, after, u);
        // A reset forgets what was left over, unless it keeps what lies above the threshold.
        residue[i] = select(held, residue[i], select(fire & !c.subtract, F::ZERO, left_over));
        refractory[i] = select(fire, period, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    fn spike_steps(p: IntegrateAndFireParameters, input: f64, steps: usize) -> Vec<usize> {
        let neuron = IntegrateAndFire::<f64>::new(p, Ms(0.1)).unwrap();
        let mut state = neuron.state(1).unwrap();
        let mut spikes = SpikeSet::new(1);
        (0..steps)
            .filter(|_| {
                neuron.step(&mut state, &[input], &mut spikes).unwrap();
                !spikes.is_empty()
            })
            .collect()
    }

    /// Nothing leaks: any input, however small, reaches the threshold after C_m (V_th − V_reset) / I.
    #[test]
    fn interval_follows_the_closed_form() {
        let p = IntegrateAndFireParameters::default();
        for current in [10.1, 100.3, 777.7] {
            let steps = spike_steps(p, current, 10_000);
            let charge = (p.c_m.0 * 15.0 / current / 0.1).ceil() as usize;
            assert_eq!(steps[0] + 1, charge, "{current} pA");
            assert_eq!(steps[1] - steps[0], charge + 20, "{current} pA");
        }
    }

    /// A hundredth of what f32 can see beside V in one step, a million times.
    #[test]
    fn weak_currents_add_up_in_single_precision() {
        let neuron = IntegrateAndFire::<f32>::new(IntegrateAndFireParameters::default(), Ms(0.1)).unwrap();
        let mut state = neuron.state(1).unwrap();
        let mut spikes = SpikeSet::new(1);
        for _ in 0..1_000_000 {
            neuron.step(&mut state, &[1e-4], &mut spikes).unwrap();
        }
        let got = f64::from(state.variable("v").unwrap()[0]);
        assert_abs_diff_eq!(got, -70.0 + 1e6 * 4e-8, epsilon = 4e-6); // the last place of V
    }

    #[test]
    fn subtraction_keeps_every_unit_of_charge() {
        let p = IntegrateAndFireParameters { t_ref: Ms(0.0), drive: Drive::Jump, ..Default::default() };
        assert_eq!(spike_steps(IntegrateAndFireParameters { reset: Reset::Subtract, ..p }, 11.25, 400).len(), 300);
        assert_eq!(spike_steps(p, 11.25, 400).len(), 200);
    }
}
