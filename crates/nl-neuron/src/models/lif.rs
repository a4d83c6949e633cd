//! The leaky integrate-and-fire neuron, hard or subtractive reset, integrated exactly.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::dynamics::{Algebra, Dynamics};
use crate::exact::{Leak, Threshold, filled, select};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, SpikeSet};

const NAME: &str = "lif";

/// What one unit of input does to the membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// A current in pA, held over the step: V gains R (1 − e^(−dt/τ_m)) I.
    #[default]
    Current,
    /// A jump in mV at the end of the step (delta synapses): V gains the input itself.
    Jump,
}

impl Drive {
    /// The one receptor of a model driven in this way.
    pub(crate) fn receptors(self) -> &'static [InputChannel] {
        match self {
            Self::Current => const { &[InputChannel::current("pA")] },
            Self::Jump => const { &[InputChannel::potential_jump()] },
        }
    }
}

/// What a spike does to the membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reset {
    /// V := V_reset ("zero" elsewhere).
    #[default]
    Hard,
    /// V := V − (V_th − V_reset): what lies above the threshold is kept ("subtract" elsewhere).
    Subtract,
}

/// Parameters of [`Lif`]; the defaults are NEST's `iaf_psc_delta`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LifParameters {
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
    /// Constant current.
    pub i_e: Pa,
    /// What the input is.
    pub drive: Drive,
    /// What a spike does.
    pub reset: Reset,
}

impl Default for LifParameters {
    fn default() -> Self {
        Self {
            tau_m: Ms(10.0),
            c_m: Pf(250.0),
            e_l: Mv(-70.0),
            v_th: Mv(-55.0),
            v_reset: Mv(-70.0),
            t_ref: Ms(2.0),
            i_e: Pa(0.0),
            drive: Drive::Current,
            reset: Reset::Hard,
        }
    }
}

/// Leaky integrate-and-fire: τ_m V' = −(V − E_L) + R (I + I_e); V ≥ V_th → spike, reset, hold for t_ref.
///
/// Exact over a step of constant input (Rotter & Diesmann 1999, eq. 3):
/// V ← E_L + (V − E_L) e^(−dt/τ_m) + R (1 − e^(−dt/τ_m)) (I + I_e). While refractory V does not move and input is lost;
/// integration resumes t_ref after the end of the spike's step, as in NEST; Brian2 resumes one step earlier. NEST rounds a
/// t_ref between two steps up; here it is refused, see [`grid`](crate::grid).
///
/// Input: one receptor, see [`Drive`]. Source: Lapicque 1907; Gerstner et al., Neuronal Dynamics, 2014, eq. 1.5.
///
/// ```
/// use nl_neuron::{Lif, LifParameters, Ms, NeuronModel, SpikeSet};
///
/// let lif = Lif::<f32>::new(LifParameters::default(), Ms(0.1))?;
/// let mut state = lif.state(3)?;
/// let mut spikes = SpikeSet::new(3);
/// let mut count = 0;
/// for _ in 0..1000 {
///     lif.step(&mut state, &[0.0, 300.0, 500.0], &mut spikes)?; // pA
///     count += spikes.len();
/// }
/// assert_eq!(count, 6); // only 500 pA reaches the threshold: every t_ref + τ_m ln(20 / 5) = 15.9 ms
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Lif<F = f32> {
    parameters: LifParameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    leak: Leak<F>,
    threshold: Threshold<F>,
    subtract: bool,
}

/// The equation of [`Lif`] over one step.
///
/// V ← rest + (V − rest) decay + gain I, held within the refractory period; a spike at V ≥ V_th; then V := V_reset, or V −
/// (V_th − V_reset). decay = e^(−dt/τ_m).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LifDynamics {
    /// What a spike does.
    pub reset: Reset,
}

impl Dynamics<1, 1, 5> for LifDynamics {
    const NAME: &'static str = NAME;
    const VARIABLES: [&'static str; 1] = ["v"];
    const RECEPTORS: [&'static str; 1] = ["current"];
    const PARAMETERS: [&'static str; 5] = ["decay", "gain", "rest", "v_th", "v_reset"];

    #[inline(always)]
    fn rest<A: Algebra>(&self, [_, _, rest, _, _]: [A; 5]) -> [A; 1] {
        [rest]
    }

    #[inline(always)]
    fn advance<A: Algebra>(&self, p: [A; 5], [v]: [A; 1], [current]: [A; 1], held: bool) -> [A; 1] {
        let [decay, gain, rest, _, _] = p;
        [A::select(held, v, rest + (v - rest) * decay + gain * current)]
    }

    #[inline(always)]
    fn excess<A: Algebra>(&self, [_, _, _, v_th, _]: [A; 5], _: [A; 1], [v]: [A; 1]) -> A {
        v - v_th
    }

    #[inline(always)]
    fn reset<A: Algebra>(&self, [_, _, _, v_th, v_reset]: [A; 5], [v]: [A; 1]) -> [A; 1] {
        [A::select(self.reset == Reset::Subtract, v - (v_th - v_reset), v_reset)]
    }
}

/// State of a population of [`Lif`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LifState<F> {
    v: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> Lif<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, τ_m, C_m or dt not positive, t_ref negative, or V_reset not below
    /// V_th.
    pub fn new(parameters: LifParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let leak = Leak::new(NAME, dt, p.tau_m, p.c_m, p.e_l, p.i_e)?;
        let constants = Constants {
            leak: match p.drive {
                Drive::Current => leak,
                Drive::Jump => Leak { gain: F::ONE, ..leak },
            },
            threshold: Threshold::new(NAME, dt, p.v_th, p.v_reset, p.t_ref)?,
            subtract: p.reset == Reset::Subtract,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &LifParameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for Lif<F> {
    type State = LifState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        self.parameters.drive.receptors()
    }

    fn state(&self, n: usize) -> Result<LifState<F>, Error> {
        Error::population(NAME, n)?;
        Ok(LifState { v: filled(NAME, F::from_f64(self.parameters.e_l.0), n)?, refractory: filled(NAME, 0, n)? })
    }

    fn step(&self, state: &mut LifState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        Error::state(NAME, state.v.len(), &[state.refractory.len()])?;
        self.check(state.v.len(), input, spikes)?;
        Level::current().dispatch(Step {
            c: self.constants,
            v: &mut state.v,
            refractory: &mut state.refractory,
            input,
            fired: spikes.flags_mut(),
        });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for LifState<F> {
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
    refractory: &'a mut [u32],
    input: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        advance(self.c, self.v, self.refractory, self.input, self.fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real>(c: Constants<F>, v: &mut [F], refractory: &mut [u32], input: &[F], fired: &mut [u8]) {
    let Threshold { v_th, v_reset, refractory: period } = c.threshold;
    let n = v.len();
    let (refractory, input, fired) = (&mut refractory[..n], &input[..n], &mut fired[..n]);
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let held = left > 0;
        let u = select(held, before, c.leak.advance(before, input[i]));
        let fire = !held & (u >= v_th);
        let after = select(c.subtract, u - (v_th - v_reset), v_reset);
        v[i] = select(fire, after, u);
        refractory[i] = select(fire, period, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(parameters: LifParameters, input: f64, steps: usize) -> usize {
        let lif = Lif::<f64>::new(parameters, Ms(0.1)).unwrap();
        let mut state = lif.state(1).unwrap();
        let mut spikes = SpikeSet::new(1);
        (0..steps)
            .map(|_| {
                lif.step(&mut state, &[input], &mut spikes).unwrap();
                spikes.len()
            })
            .sum()
    }

    /// f = 1 / (t_ref + τ_m ln((RI + E_L − V_reset) / (RI + E_L − V_th))), Neuronal Dynamics eq. 1.22.
    #[test]
    fn rate_follows_the_closed_form() {
        for current in [376.0, 400.0, 500.0, 1000.0] {
            let p = LifParameters::default();
            let drive = p.tau_m.0 / p.c_m.0 * current;
            let period = p.t_ref.0 + p.tau_m.0 * (drive / (drive + p.e_l.0 - p.v_th.0)).ln();
            let expected = 1000.0 / period;
            let got = count(p, current, 10_000) as f64;
            // The spike waits for the end of its step: the period is late by at most one dt.
            assert!(got <= expected + 1.0 && got >= 1000.0 / (period + 0.1) - 1.0, "{current} pA: {got}, {expected}");
        }
    }

    #[test]
    fn below_threshold_is_silent() {
        assert_eq!(count(LifParameters::default(), 374.0, 20_000), 0);
    }

    #[test]
    fn subtraction_keeps_the_excess() {
        let p = LifParameters {
            tau_m: Ms(1e12), // hardly a leak
            c_m: Pf(1e12),
            e_l: Mv(0.0),
            v_reset: Mv(0.0),
            v_th: Mv(1.0),
            t_ref: Ms(0.0),
            drive: Drive::Jump,
            reset: Reset::Subtract,
            ..LifParameters::default()
        };
        assert_eq!(count(p, 0.7501, 400), 300);
        assert_eq!(count(LifParameters { reset: Reset::Hard, ..p }, 0.7501, 400), 200);
    }
}
