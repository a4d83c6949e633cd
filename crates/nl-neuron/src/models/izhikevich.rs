//! Izhikevich's simple model, with both published schemes and all presets.

use serde::{Deserialize, Serialize};

use super::integrated::{self, Neuron, state};
use crate::integrate::{Euler, Integrator, Ode};
use crate::{Error, Float, InputChannel, Ms, Mv, NeuronModel, Real, SpikeSet, slow};

const NAME: &str = "izhikevich";

/// The named firing patterns of the 2003 paper, figure 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IzhikevichPreset {
    /// Regular spiking (excitatory cortical cells).
    Rs,
    /// Intrinsically bursting.
    Ib,
    /// Chattering.
    Ch,
    /// Fast spiking (inhibitory cortical cells).
    Fs,
    /// Low-threshold spiking.
    Lts,
    /// Thalamo-cortical.
    Tc,
    /// Resonator.
    Rz,
}

impl IzhikevichPreset {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Rs, Self::Ib, Self::Ch, Self::Fs, Self::Lts, Self::Tc, Self::Rz];

    /// The paper's values.
    ///
    /// ```
    /// use nl_neuron::IzhikevichPreset;
    /// let p = IzhikevichPreset::Ch.parameters();
    /// assert_eq!((p.a, p.b, p.c.0, p.d), (0.02, 0.2, -50.0, 2.0));
    /// ```
    #[must_use]
    pub fn parameters(self) -> IzhikevichParameters {
        let (a, b, c, d) = match self {
            Self::Rs => (0.02, 0.2, -65.0, 8.0),
            Self::Ib => (0.02, 0.2, -55.0, 4.0),
            Self::Ch => (0.02, 0.2, -50.0, 2.0),
            Self::Fs => (0.1, 0.2, -65.0, 2.0),
            Self::Lts => (0.02, 0.25, -65.0, 2.0),
            Self::Tc => (0.02, 0.25, -65.0, 0.05),
            Self::Rz => (0.1, 0.26, -65.0, 2.0),
        };
        IzhikevichParameters { a, b, c: Mv(c), d, ..IzhikevichParameters::default() }
    }
}

/// How the equations of [`Izhikevich`] are integrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IzhikevichScheme {
    /// The program of the 2003 paper (dt = 1 ms there): two half-steps for v, then u from the new v. NEST's
    /// `consistent_integration = false`.
    #[default]
    HalfSteps,
    /// Forward Euler, both from the old values (Pauli et al. 2018); NEST's `consistent_integration = true`, Brian2's
    /// `euler`.
    Euler,
}

/// Parameters of [`Izhikevich`]; the defaults are regular spiking.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct IzhikevichParameters {
    /// Rate of recovery, 1/ms.
    pub a: f64,
    /// Sensitivity of u to v.
    pub b: f64,
    /// v after a spike.
    pub c: Mv,
    /// What a spike adds to u.
    pub d: f64,
    /// Peak of a spike, 30 mV in the paper.
    pub v_peak: Mv,
    /// Absolute refractory period; the paper has none; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Constant input.
    pub i_e: f64,
    /// The integration scheme.
    pub scheme: IzhikevichScheme,
}

impl Default for IzhikevichParameters {
    fn default() -> Self {
        Self {
            a: 0.02,
            b: 0.2,
            c: Mv(-65.0),
            d: 8.0,
            v_peak: Mv(30.0),
            t_ref: Ms(0.0),
            i_e: 0.0,
            scheme: IzhikevichScheme::HalfSteps,
        }
    }
}

/// Izhikevich: v' = 0.04 v² + 5 v + 140 − u + I, u' = a (b v − u); v ≥ V_peak → spike, v := c, u := u + d.
///
/// v in mV, time in ms, u and I dimensionless (mV/ms). A neuron starts at the stable fixed point for I = 0, or at (c, b
/// c) if there is none. During t_ref v stays at c, u goes on.
///
/// Input: one receptor, I. Source: Izhikevich, IEEE Trans. Neural Networks 14, 2003, eq. 1–3.
///
/// ```
/// use nl_neuron::{Izhikevich, IzhikevichPreset, Ms, NeuronModel, SpikeSet};
///
/// let model = Izhikevich::<f32>::new(IzhikevichPreset::Fs.parameters(), Ms(0.1))?;
/// let mut state = model.state(2)?;
/// let mut spikes = SpikeSet::new(2);
/// let mut count = 0;
/// for _ in 0..10_000 {
///     model.step(&mut state, &[0.0, 10.0], &mut spikes)?;
///     count += spikes.len();
/// }
/// assert!((100..150).contains(&count), "{count}"); // NEST counts 128
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Izhikevich<F = f32> {
    parameters: IzhikevichParameters,
    dt: Ms,
    refractory: u32,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    dt: F,
    /// a dt
    a: F,
    b: F,
    c: F,
    d: F,
    v_peak: F,
    i_e: F,
}

state! {
    /// State of a population of [`Izhikevich`].
    IzhikevichState, 2: v, u
}

impl<F: Real> Izhikevich<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, dt not positive, t_ref negative, or c not below V_peak.
    pub fn new(parameters: IzhikevichParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::positive(NAME, "dt", dt.0)?;
        for (name, value) in [("a", p.a), ("b", p.b), ("d", p.d), ("v_peak", p.v_peak.0), ("i_e", p.i_e)] {
            Error::finite(NAME, name, value)?;
        }
        // v relaxes within some 10 ms.
        slow::check::<F>(NAME, "v", Ms(10.0), dt)?;
        if p.a != 0.0 {
            slow::check::<F>(NAME, "1 / a", Ms(1.0 / p.a.abs()), dt)?;
        }
        Error::check(NAME, "c", p.c.0, |x| x < p.v_peak.0, "use a potential below v_peak")?;
        let refractory = p.t_ref.steps(NAME, "t_ref", dt)?;
        let constants = Constants {
            dt: F::from_f64(dt.0),
            a: F::from_f64(p.a * dt.0),
            b: F::from_f64(p.b),
            c: F::from_f64(p.c.0),
            d: F::from_f64(p.d),
            v_peak: F::from_f64(p.v_peak.0),
            i_e: F::from_f64(p.i_e),
        };
        Ok(Self { parameters, dt, refractory, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &IzhikevichParameters {
        &self.parameters
    }
}

impl IzhikevichParameters {
    /// (v, u) where v' = u' = 0 at I = 0: the lower root of 0.04 v² + (5 − b) v + 140.
    fn rest(&self) -> [f64; 2] {
        let linear = 5.0 - self.b;
        let root = (linear * linear - 4.0 * 0.04 * 140.0).sqrt();
        let v = (-linear - root) / 0.08;
        if v < self.v_peak.0 { [v, self.b * v] } else { [self.c.0, self.b * self.c.0] }
    }
}

/// Two half-steps of the first variable, then one step of the others from its new value.
struct HalfSteps;

impl Integrator for HalfSteps {
    const ORDER: u32 = 1;

    #[inline(always)]
    fn step<F: Float, const N: usize, O: Ode<F, N>>(ode: &O, mut y: [F; N], dt: F) -> [F; N] {
        let half = dt * F::from_f64(0.5);
        y[0] += half * ode.slope(y)[0];
        y[0] += half * ode.slope(y)[0];
        let slope = ode.slope(y);
        for i in 1..N {
            y[i] += dt * slope[i];
        }
        y
    }
}

/// The equations with dt as the unit of time. The half-step scheme amplifies rounding from spike to spike (u sees how far v
/// overshoots); the order of operations is NEST's, so that the spikes are, too.
#[derive(Debug, Clone, Copy)]
struct Equations<F> {
    constants: Constants<F>,
    current: F,
    held: bool,
}

impl<F: Real> Ode<F, 2> for Equations<F> {
    #[inline(always)]
    fn slope(&self, [v, u]: [F; 2]) -> [F; 2] {
        let (p, c) = (&self.constants, F::from_f64);
        let rise = c(0.04) * v * v + c(5.0) * v + c(140.0) - u + self.current;
        [if self.held { F::ZERO } else { p.dt * rise }, p.a * (p.b * v - u)]
    }
}

impl<F: Real> Neuron<F, 2, 1> for Constants<F> {
    type Equations = Equations<F>;

    #[inline(always)]
    fn equations(&self, [input]: [F; 1], held: bool) -> Equations<F> {
        Equations { constants: *self, current: input + self.i_e, held }
    }

    #[inline(always)]
    fn spike(&self, _before: [F; 2], [v, u]: [F; 2]) -> (bool, [F; 2]) {
        (v >= self.v_peak, [self.c, u + self.d])
    }
}

impl<F: Real> NeuronModel<F> for Izhikevich<F> {
    type State = IzhikevichState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        const { &[InputChannel::current("mV/ms")] }
    }

    fn state(&self, n: usize) -> Result<Self::State, Error> {
        IzhikevichState::filled(n, self.parameters.rest())
    }

    fn step(&self, state: &mut Self::State, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let (constants, arrays) = (self.constants, state.arrays());
        match self.parameters.scheme {
            IzhikevichScheme::HalfSteps => integrated::step_with::<HalfSteps, F, Self, Constants<F>, 2, 1>(
                self,
                constants,
                F::ONE,
                self.refractory,
                arrays,
                input,
                spikes,
            ),
            IzhikevichScheme::Euler => integrated::step_with::<Euler, F, Self, Constants<F>, 2, 1>(
                self,
                constants,
                F::ONE,
                self.refractory,
                arrays,
                input,
                spikes,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::tests::{assert_order, assert_orders};

    fn equations() -> Equations<f64> {
        let model = Izhikevich::<f64>::new(IzhikevichParameters::default(), Ms(1.0)).unwrap();
        Equations { constants: model.constants, current: 2.0, held: false }
    }

    #[test]
    fn subthreshold_dynamics_converge_at_the_declared_orders() {
        assert_orders(NAME, &equations(), [-65.0, -13.0], 8.0, 0.1);
        assert_order::<HalfSteps, 2>(NAME, &equations(), [-65.0, -13.0], 8.0, 0.005);
    }

    /// The program of the paper's appendix, line by line, dt = 1 ms, RS at I = 10: the resets of its first line come at
    /// the end of the step here.
    #[test]
    fn half_steps_are_the_papers_program() {
        let model = Izhikevich::<f64>::new(IzhikevichParameters::default(), Ms(1.0)).unwrap();
        let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
        let (mut v, mut u) = (state.v[0], state.u[0]);
        let mut count = 0;
        for t in 0..1000 {
            v += 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + 10.0);
            v += 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + 10.0);
            u += 0.02 * (0.2 * v - u);
            let fired = v >= 30.0;
            if fired {
                (v, u) = (-65.0, u + 8.0);
            }
            model.step(&mut state, &[10.0], &mut spikes).unwrap();
            assert_eq!(spikes.len(), usize::from(fired), "{t} ms");
            assert_eq!((state.v[0], state.u[0]), (v, u), "{t} ms");
            count += spikes.len();
        }
        assert!((20..30).contains(&count), "{count}");
    }

    #[test]
    fn every_preset_rests_without_input() {
        for preset in IzhikevichPreset::ALL {
            let model = Izhikevich::<f64>::new(preset.parameters(), Ms(0.1)).unwrap();
            let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
            let start = state.v[0];
            for _ in 0..10_000 {
                model.step(&mut state, &[0.0], &mut spikes).unwrap();
                assert!(spikes.is_empty(), "{preset:?}");
            }
            assert!((state.v[0] - start).abs() < 1e-6, "{preset:?}: {start} -> {}", state.v[0]);
        }
    }
}
