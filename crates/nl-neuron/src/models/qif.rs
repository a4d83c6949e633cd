//! The quadratic integrate-and-fire neuron.

use serde::{Deserialize, Serialize};

use super::integrated::{self, Neuron, state};
use crate::integrate::{Method, Ode};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, Real, SpikeSet, slow};

const NAME: &str = "qif";

/// Parameters of [`Qif`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct QifParameters {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Membrane capacitance; R = τ_m / C_m.
    pub c_m: Pf,
    /// Curvature a₀ in 1/mV.
    pub a_0: f64,
    /// Resting potential.
    pub v_rest: Mv,
    /// Critical potential: above it the neuron fires without any input.
    pub v_c: Mv,
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

impl Default for QifParameters {
    fn default() -> Self {
        Self {
            tau_m: Ms(10.0),
            c_m: Pf(100.0),
            a_0: 0.06,
            v_rest: Mv(-65.0),
            v_c: Mv(-50.0),
            v_peak: Mv(-30.0),
            v_reset: Mv(-70.0),
            t_ref: Ms(0.0),
            i_e: Pa(0.0),
            method: Method::Rk4,
        }
    }
}

/// Quadratic integrate-and-fire: τ_m V' = a₀ (V − V_rest) (V − V_c) + R (I + I_e); V ≥ V_peak → spike, V := V_reset, hold for
/// t_ref.
///
/// The quadratic is taken at min(V, V_peak), which keeps the inner stages of the Runge-Kutta methods in range; it has no
/// stable linear part, so exponential Euler is Euler here.
///
/// Input: one receptor, current in pA. Source: Latham et al., J. Neurophysiol. 83, 2000; Gerstner et al., Neuronal
/// Dynamics, 2014, eq. 5.16.
///
/// ```
/// use nl_neuron::{Ms, NeuronModel, Qif, QifParameters, SpikeSet};
///
/// let qif = Qif::<f32>::new(QifParameters::default(), Ms(0.1))?;
/// let mut state = qif.state(2)?;
/// let mut spikes = SpikeSet::new(2);
/// let mut counts = [0; 2];
/// for _ in 0..10_000 {
///     qif.step(&mut state, &[30.0, 80.0], &mut spikes)?; // pA; the rheobase is a₀ (V_c − V_rest)² / 4R = 33.75 pA
///     spikes.indices().iter().for_each(|&i| counts[i as usize] += 1);
/// }
/// assert!(counts[0] == 0 && counts[1] > 20, "{counts:?}");
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Qif<F = f32> {
    parameters: QifParameters,
    dt: Ms,
    refractory: u32,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    /// a₀ / τ_m
    curvature: F,
    /// 1 / C_m
    gain: F,
    v_rest: F,
    v_c: F,
    v_peak: F,
    v_reset: F,
    i_e: F,
}

state! {
    /// State of a population of [`Qif`].
    QifState, 1: v
}

impl<F: Real> Qif<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, τ_m, C_m, a₀ or dt not positive, t_ref negative, V_c below V_rest, or
    /// V_peak not above V_c and V_reset.
    pub fn new(parameters: QifParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::positive(NAME, "dt", dt.0)?;
        Error::positive(NAME, "tau_m", p.tau_m.0)?;
        Error::positive(NAME, "c_m", p.c_m.0)?;
        Error::positive(NAME, "a_0", p.a_0)?;
        Error::finite(NAME, "v_rest", p.v_rest.0)?;
        Error::finite(NAME, "i_e", p.i_e.0)?;
        Error::check(NAME, "v_c", p.v_c.0, |x| x >= p.v_rest.0, "use a potential not below v_rest")?;
        Error::check(NAME, "v_peak", p.v_peak.0, |x| x > p.v_c.0, "use a potential above v_c")?;
        Error::check(NAME, "v_reset", p.v_reset.0, |x| x < p.v_peak.0, "use a potential below v_peak")?;
        slow::check::<F>(NAME, "tau_m", p.tau_m, dt)?;
        let refractory = p.t_ref.steps(NAME, "t_ref", dt)?;
        let constants = Constants {
            curvature: F::from_f64(p.a_0 / p.tau_m.0),
            gain: F::from_f64(1.0 / p.c_m.0),
            v_rest: F::from_f64(p.v_rest.0),
            v_c: F::from_f64(p.v_c.0),
            v_peak: F::from_f64(p.v_peak.0),
            v_reset: F::from_f64(p.v_reset.0),
            i_e: F::from_f64(p.i_e.0),
        };
        Ok(Self { parameters, dt, refractory, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &QifParameters {
        &self.parameters
    }
}

#[derive(Debug, Clone, Copy)]
struct Equations<F> {
    constants: Constants<F>,
    current: F,
    held: bool,
}

impl<F: Real> Ode<F, 1> for Equations<F> {
    #[inline(always)]
    fn slope(&self, [v]: [F; 1]) -> [F; 1] {
        let c = &self.constants;
        let v = if v < c.v_peak { v } else { c.v_peak };
        let rise = c.curvature * (v - c.v_rest) * (v - c.v_c) + c.gain * self.current;
        [if self.held { F::ZERO } else { rise }]
    }
}

impl<F: Real> Neuron<F, 1, 1> for Constants<F> {
    type Equations = Equations<F>;

    #[inline(always)]
    fn equations(&self, [input]: [F; 1], held: bool) -> Equations<F> {
        Equations { constants: *self, current: input + self.i_e, held }
    }

    #[inline(always)]
    fn spike(&self, _before: [F; 1], [v]: [F; 1]) -> (bool, [F; 1]) {
        (v >= self.v_peak, [self.v_reset])
    }
}

impl<F: Real> NeuronModel<F> for Qif<F> {
    type State = QifState<F>;

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
        QifState::filled(n, [self.parameters.v_rest.0])
    }

    fn step(&self, state: &mut Self::State, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let method = self.parameters.method;
        integrated::step(self, self.constants, method, self.refractory, state.arrays(), input, spikes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::tests::assert_order;
    use crate::integrate::{Euler, Rk2, Rk4};

    #[test]
    fn subthreshold_dynamics_converge_at_the_declared_orders() {
        let constants = Qif::<f64>::new(QifParameters::default(), Ms(0.1)).unwrap().constants;
        let equations = Equations { constants, current: 60.0, held: false };
        assert_order::<Euler, 1>(NAME, &equations, [-65.0], 10.0, 0.005);
        assert_order::<Rk2, 1>(NAME, &equations, [-65.0], 10.0, 0.05);
        assert_order::<Rk4, 1>(NAME, &equations, [-65.0], 10.0, 0.2);
    }

    /// From V_reset to V_peak: T = τ_m / (a₀ k) (arctan(x_peak) − arctan(x_reset)), x = (V − (V_rest + V_c)/2) / k,
    /// k² = R I / a₀ − (V_c − V_rest)² / 4.
    #[test]
    fn interval_follows_the_closed_form() {
        let p = QifParameters::default();
        for current in [40.0, 80.0, 200.0, 500.0] {
            let model = Qif::<f64>::new(p, Ms(0.01)).unwrap();
            let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
            let k = (p.tau_m.0 / p.c_m.0 * current / p.a_0 - 0.25 * (p.v_c.0 - p.v_rest.0).powi(2)).sqrt();
            let x = |v: f64| ((v - 0.5 * (p.v_rest.0 + p.v_c.0)) / k).atan();
            let expected = p.tau_m.0 / (p.a_0 * k) * (x(p.v_peak.0) - x(p.v_reset.0));
            let mut times = Vec::new();
            for step in 0..100_000 {
                model.step(&mut state, &[current], &mut spikes).unwrap();
                if !spikes.is_empty() {
                    times.push(f64::from(step) * 0.01);
                }
            }
            for pair in times.windows(2) {
                let late = pair[1] - pair[0] - expected;
                assert!((-1e-3..=0.011).contains(&late), "{current} pA: {late} ms late of {expected}");
            }
            assert!(times.len() > 2);
        }
    }

    #[test]
    fn the_constant_current_adds_to_the_input() {
        let with = |i_e: f64, input: f64| {
            let model = Qif::<f64>::new(QifParameters { i_e: Pa(i_e), ..QifParameters::default() }, Ms(0.1)).unwrap();
            let (mut state, mut spikes) = (model.state(1).unwrap(), SpikeSet::new(1));
            for _ in 0..50 {
                model.step(&mut state, &[input], &mut spikes).unwrap();
            }
            state.v[0]
        };
        assert_eq!(with(12.0, 0.0), with(0.0, 12.0));
        assert!(with(12.0, 0.0) > with(0.0, 0.0));
    }
}
