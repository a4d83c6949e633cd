//! The adaptive leaky integrate-and-fire neuron (ALIF): each spike raises the threshold.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::dynamics::{Algebra, Dynamics};
use crate::exact::{Leak, Threshold, filled, scalar, select};
use crate::slow::{AnyDecay, decayed, raised};
use crate::{Error, InputChannel, Ms, Mv, NeuronModel, Pa, Pf, PopulationState, Real, Reset, SpikeSet};

const NAME: &str = "alif";

/// Parameters of [`Alif`]; the defaults are dimensionless (R = 1, V_th = 1), with τ_m and τ_a of Bellec et al. 2018.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AlifParameters {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Membrane capacitance; R = τ_m / C_m.
    pub c_m: Pf,
    /// Leak reversal (resting) potential.
    pub e_l: Mv,
    /// Threshold at rest.
    pub v_th: Mv,
    /// Potential after a spike.
    pub v_reset: Mv,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// How far one spike raises the threshold.
    pub beta: Mv,
    /// Time constant of the adaptation.
    pub tau_a: Ms,
    /// Constant current.
    pub i_e: Pa,
    /// What a spike does to V.
    pub reset: Reset,
}

impl Default for AlifParameters {
    fn default() -> Self {
        Self {
            tau_m: Ms(20.0),
            c_m: Pf(20.0),
            e_l: Mv(0.0),
            v_th: Mv(1.0),
            v_reset: Mv(0.0),
            t_ref: Ms(2.0),
            beta: Mv(0.18),
            tau_a: Ms(200.0),
            i_e: Pa(0.0),
            reset: Reset::Subtract,
        }
    }
}

/// LIF with an adaptive threshold: τ_m V' = −(V − E_L) + R (I + I_e), τ_a a' = −a; V ≥ V_th + β a → spike, a += 1.
///
/// Exact over a step: a ← e^(−dt/τ_a) a in every step, refractory or not, before the comparison; V as in
/// [`Lif`](crate::Lif). A spike in step k raises the threshold from step k + 1 on. [`Reset::Subtract`] takes the base
/// V_th − V_reset, not the raised threshold. This is the reading of Bellec 2020 (a jumps by 1); in Bellec 2018 a jumps
/// by 1 − e^(−dt/τ_a), so that its β is ours divided by that. a follows any τ_a, see [`slow`](crate::slow).
///
/// Input: `current` (pA), held over the step. Relative refractoriness: the raised threshold. Source: Bellec et al.,
/// Long short-term memory and learning-to-learn in networks of spiking neurons, 2018; A solution to the learning dilemma
/// for recurrent networks of spiking neurons, 2020.
///
/// ```
/// use nl_neuron::{Alif, AlifParameters, Ms, NeuronModel, SpikeSet};
///
/// let alif = Alif::<f32>::new(AlifParameters::default(), Ms(1.0))?;
/// let mut state = alif.state(1)?;
/// let mut spikes = SpikeSet::new(1);
/// let mut steps = Vec::new();
/// for k in 0..100 {
///     alif.step(&mut state, &[3.0], &mut spikes)?;
///     if !spikes.is_empty() {
///         steps.push(k);
///     }
/// }
/// let intervals: Vec<i32> = steps.windows(2).map(|s| s[1] - s[0]).collect();
/// assert!(intervals.first() < intervals.last()); // it adapts
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Alif<F = f32> {
    parameters: AlifParameters,
    dt: Ms,
    constants: Constants<F>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    leak: Leak<F>,
    threshold: Threshold<F>,
    decay_a: AnyDecay<F>,
    beta: F,
    subtract: bool,
}

/// The equation of [`Alif`] over one step.
///
/// V ← rest + (V − rest) decay + gain I, held within the refractory period; a ← decay_a a; a spike at V ≥ V_th + β a; then V :=
/// V_reset, or V − (V_th − V_reset), and a += 1. decay = e^(−dt/τ_m), decay_a = e^(−dt/τ_a).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlifDynamics {
    /// What a spike does to V.
    pub reset: Reset,
}

impl Dynamics<2, 1, 7> for AlifDynamics {
    const NAME: &'static str = NAME;
    const VARIABLES: [&'static str; 2] = ["v", "a"];
    const RECEPTORS: [&'static str; 1] = ["current"];
    const PARAMETERS: [&'static str; 7] = ["decay", "gain", "rest", "v_th", "v_reset", "decay_a", "beta"];

    #[inline(always)]
    fn rest<A: Algebra>(&self, p: [A; 7]) -> [A; 2] {
        [p[2], A::constant(0.0)]
    }

    #[inline(always)]
    fn advance<A: Algebra>(&self, p: [A; 7], [v, a]: [A; 2], [current]: [A; 1], held: bool) -> [A; 2] {
        let [decay, gain, rest, _, _, decay_a, _] = p;
        [A::select(held, v, rest + (v - rest) * decay + gain * current), decay_a * a]
    }

    #[inline(always)]
    fn excess<A: Algebra>(&self, p: [A; 7], _: [A; 2], [v, a]: [A; 2]) -> A {
        v - (p[3] + p[6] * a)
    }

    #[inline(always)]
    fn reset<A: Algebra>(&self, p: [A; 7], [v, a]: [A; 2]) -> [A; 2] {
        let [_, _, _, v_th, v_reset, _, _] = p;
        [A::select(self.reset == Reset::Subtract, v - (v_th - v_reset), v_reset), a + A::constant(1.0)]
    }
}

/// State of a population of [`Alif`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlifState<F> {
    v: Vec<F>,
    a: Vec<F>,
    /// What rounding has kept out of a; empty where a decays fast enough to do without.
    residue: Vec<F>,
    refractory: Vec<u32>,
}

impl<F: Real> Alif<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant, C_m or dt not positive, t_ref negative, or V_reset
    /// not below V_th. A negative β (a threshold that falls) is allowed.
    pub fn new(parameters: AlifParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        Error::finite(NAME, "beta", p.beta.0)?;
        let constants = Constants {
            leak: Leak::new(NAME, dt, p.tau_m, p.c_m, p.e_l, p.i_e)?,
            threshold: Threshold::new(NAME, dt, p.v_th, p.v_reset, p.t_ref)?,
            decay_a: AnyDecay::new(NAME, "tau_a", p.tau_a, dt)?,
            beta: scalar(NAME, "beta", p.beta.0)?,
            subtract: p.reset == Reset::Subtract,
        };
        Ok(Self { parameters, dt, constants })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &AlifParameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for Alif<F> {
    type State = AlifState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        const { &[InputChannel::current("pA")] }
    }

    fn state(&self, n: usize) -> Result<AlifState<F>, Error> {
        Error::population(NAME, n)?;
        Ok(AlifState {
            v: filled(NAME, F::from_f64(self.parameters.e_l.0), n)?,
            a: filled(NAME, F::ZERO, n)?,
            residue: filled(NAME, F::ZERO, if self.constants.decay_a.carries { n } else { 0 })?,
            refractory: filled(NAME, 0, n)?,
        })
    }

    fn step(&self, state: &mut AlifState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        let n = state.v.len();
        Error::state(NAME, n, &[state.a.len(), state.refractory.len()])?;
        let residues = if self.constants.decay_a.carries { n } else { 0 };
        Error::length(NAME, "state residue (made for another tau_a or dt)", residues, state.residue.len())?;
        self.check(n, input, spikes)?;
        Level::current().dispatch(Step { c: self.constants, state, input, fired: spikes.flags_mut() });
        spikes.collect();
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for AlifState<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v", "a"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        match name {
            "v" => Some(&self.v),
            "a" => Some(&self.a),
            _ => None,
        }
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        match name {
            "v" => Some(&mut self.v),
            "a" => Some(&mut self.a),
            _ => None,
        }
    }
}

struct Step<'a, F> {
    c: Constants<F>,
    state: &'a mut AlifState<F>,
    input: &'a [F],
    fired: &'a mut [u8],
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let AlifState { v, a, residue, refractory } = self.state;
        if self.c.decay_a.carries {
            advance::<F, true>(self.c, v, a, residue, refractory, self.input, self.fired);
        } else {
            advance::<F, false>(self.c, v, a, residue, refractory, self.input, self.fired);
        }
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real, const CARRY: bool>(
    c: Constants<F>,
    v: &mut [F],
    a: &mut [F],
    residue: &mut [F],
    refractory: &mut [u32],
    input: &[F],
    fired: &mut [u8],
) {
    let Threshold { v_th, v_reset, refractory: period } = c.threshold;
    let n = v.len();
    let (a, refractory, input, fired) = (&mut a[..n], &mut refractory[..n], &input[..n], &mut fired[..n]);
    let residue = if CARRY { &mut residue[..n] } else { residue };
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let held = left > 0;
        let u = select(held, before, c.leak.advance(before, input[i]));
        let left_over = if CARRY { residue[i] } else { F::ZERO };
        let adapted = decayed::<F, CARRY>(c.decay_a, a[i], left_over);
        let fire = !held & (u >= v_th + c.beta * adapted);
        let (next, left_over) = raised::<F, CARRY>(c.decay_a, (a[i], left_over), adapted, F::ONE, fire);
        let after = select(c.subtract, u - (v_th - v_reset), v_reset);
        v[i] = select(fire, after, u);
        a[i] = next;
        if CARRY {
            residue[i] = left_over;
        }
        refractory[i] = select(fire, period, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lif, LifParameters};
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    #[test]
    fn without_beta_it_is_the_lif() {
        let p = AlifParameters { beta: Mv(0.0), ..Default::default() };
        let plain = LifParameters {
            tau_m: p.tau_m,
            c_m: p.c_m,
            e_l: p.e_l,
            v_th: p.v_th,
            v_reset: p.v_reset,
            t_ref: p.t_ref,
            reset: p.reset,
            ..Default::default()
        };
        let (alif, lif) = (Alif::<f64>::new(p, Ms(0.1)).unwrap(), Lif::<f64>::new(plain, Ms(0.1)).unwrap());
        let (mut a, mut b) = (alif.state(2).unwrap(), lif.state(2).unwrap());
        let (mut s, mut t) = (SpikeSet::new(2), SpikeSet::new(2));
        let mut count = 0;
        for _ in 0..5000 {
            alif.step(&mut a, &[1.3, 2.9], &mut s).unwrap();
            lif.step(&mut b, &[1.3, 2.9], &mut t).unwrap();
            assert_eq!((a.variable("v"), s.indices()), (b.variable("v"), t.indices()));
            count += s.len();
        }
        assert!(count > 50, "{count}");
    }

    /// A million steps each lose 1e-7 of a: less than f32 can see at once. It used to be 3 % off.
    #[test]
    fn slow_adaptation_survives_single_precision() {
        let p = AlifParameters { tau_a: Ms(1e6), reset: Reset::Hard, ..Default::default() };
        let alif = Alif::<f32>::new(p, Ms(0.1)).unwrap();
        let mut state = alif.state(1).unwrap();
        state.variable_mut("a").unwrap()[0] = 3.0;
        let mut spikes = SpikeSet::new(1);
        for k in 1..=1_000_000 {
            // A spike half-way is added to what has decayed.
            let input = if k == 500_000 { 1e4 } else { 0.0 };
            alif.step(&mut state, &[input], &mut spikes).unwrap();
            assert_eq!(spikes.len(), usize::from(k == 500_000));
        }
        let expected = 3.0 * (-0.1_f64).exp() + (-0.05_f64).exp();
        let got = f64::from(state.variable("a").unwrap()[0]);
        assert_relative_eq!(got, expected, max_relative = 3e-7); // a few last places of f32
    }

    #[test]
    fn a_state_of_another_time_constant_is_refused() {
        let slow = Alif::<f32>::new(AlifParameters { tau_a: Ms(1e6), ..Default::default() }, Ms(0.1)).unwrap();
        let fast = Alif::<f32>::new(AlifParameters::default(), Ms(0.1)).unwrap();
        let mut spikes = SpikeSet::new(2);
        assert!(slow.step(&mut fast.state(2).unwrap(), &[0.0; 2], &mut spikes).is_err());
        assert!(fast.step(&mut slow.state(2).unwrap(), &[0.0; 2], &mut spikes).is_err());
    }

    /// One spike, then silence: a(t) = e^(−t/τ_a).
    #[test]
    fn adaptation_decays_with_its_time_constant() {
        let alif = Alif::<f64>::new(AlifParameters::default(), Ms(0.1)).unwrap();
        let mut state = alif.state(1).unwrap();
        let mut spikes = SpikeSet::new(1);
        state.variable_mut("v").unwrap()[0] = 2.0;
        alif.step(&mut state, &[0.0], &mut spikes).unwrap();
        assert_eq!(spikes.len(), 1);
        for _ in 0..1000 {
            alif.step(&mut state, &[0.0], &mut spikes).unwrap();
        }
        // A thousand roundings of 1e-16.
        assert_abs_diff_eq!(state.variable("a").unwrap()[0], (-0.5_f64).exp(), epsilon = 1e-12);
    }
}
