//! Short-term plasticity: what a synapse transmits depends on when its neuron spiked before.

use nl_neuron::Real;
use nl_units::{Error as NeuronError, Ms};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::connectivity::zeros;

const NAME: &str = "Tsodyks-Markram";

/// Parameters of [`TsodyksMarkram`]; the defaults are NEST's `tsodyks2_synapse`: depression without facilitation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TsodyksMarkramParameters {
    /// Utilisation U: the part of the resources that the first spike uses.
    pub utilisation: f64,
    /// Time constant of recovery from depression (D in Maass & Markram); 0 is at once.
    pub tau_rec: Ms,
    /// Time constant of facilitation (F in Maass & Markram); 0 is none.
    pub tau_fac: Ms,
}

impl Default for TsodyksMarkramParameters {
    fn default() -> Self {
        Self { utilisation: 0.5, tau_rec: Ms(800.0), tau_fac: Ms(0.0) }
    }
}

impl TsodyksMarkramParameters {
    /// Depressing: mean values between excitatory cells, U 0.5, D 1100 ms, F 50 ms.
    ///
    /// Source: Maass, Natschläger & Markram, Real-time computing without stable states, 2002, appendix (after Gupta, Wang
    /// & Markram 2000 and Markram, Wang & Tsodyks 1998).
    #[must_use]
    pub fn depressing() -> Self {
        Self { utilisation: 0.5, tau_rec: Ms(1100.0), tau_fac: Ms(50.0) }
    }

    /// Facilitating: mean values from excitatory onto inhibitory cells, U 0.05, D 125 ms, F 1200 ms.
    ///
    /// Source: as [`depressing`](Self::depressing).
    #[must_use]
    pub fn facilitating() -> Self {
        Self { utilisation: 0.05, tau_rec: Ms(125.0), tau_fac: Ms(1200.0) }
    }
}

/// Tsodyks-Markram synapses: the spike of a neuron transmits w · u · x.
///
/// At a neuron's first spike u = U, x = 1. At each later one, an interval h after the last, in this order:
/// x ← 1 + (x − x u − 1) e^(−h/τ_rec), u ← U + u (1 − U) e^(−h/τ_fac).
///
/// This is Maass & Markram 2002, eq. 4 and 5, and NEST's `tsodyks2_synapse`: u and x are the values **at** the spike, u
/// after its own jump. The same as u' = −u/τ_fac, x' = (1 − x)/τ_rec with, at a spike, u += U (1 − u), transmit u x,
/// x −= u x, from u = 0, x = 1 (Tsodyks, Pawelzik & Markram 1998; the way it is written for Brian2). u, x lie in [0, 1].
///
/// u and x belong to the pre neuron, not to each of its synapses: they all see the same spikes. Event-driven: a silent
/// neuron costs nothing.
///
/// ```
/// use nl_units::Ms;
/// use nl_synapse::{Connection, Csr, TsodyksMarkram, TsodyksMarkramParameters, Uniform};
/// let synapses = Uniform::new(Csr::from_edges(1, 1, &[(0, 0)])?, 10.0_f32)?;
/// let depression = TsodyksMarkram::new(TsodyksMarkramParameters::default(), Ms(1.0))?;
/// let mut state = depression.state(1)?;
/// let mut scale = Vec::new();
/// let mut received = Vec::new();
/// for step in [100, 120] {
///     depression.release(&mut state, step, &[0], &mut scale)?;
///     let mut input = [0.0];
///     synapses.deliver_scaled(&[0], &scale, &mut input)?;
///     received.push(input[0]);
/// }
/// assert!(received[0] == 5.0 && received[1] < 2.6);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TsodyksMarkram<F = f32> {
    parameters: TsodyksMarkramParameters,
    utilisation: F,
    /// −dt / τ; 0 where the time constant is.
    recovery: F,
    facilitation: F,
}

/// u, x and the step of the last spike, of each pre neuron.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct TsodyksMarkramState<F = f32> {
    u: Vec<F>,
    x: Vec<F>,
    /// Step of the last spike plus one; 0 if there was none.
    after: Vec<u64>,
}

impl<F: Real> TsodyksMarkramState<F> {
    /// The utilisation at each neuron's last spike, `[pre]`.
    #[must_use]
    pub fn u(&self) -> &[F] {
        &self.u
    }

    /// The resources at each neuron's last spike, `[pre]`.
    #[must_use]
    pub fn x(&self) -> &[F] {
        &self.x
    }
}

impl<F: Real> TsodyksMarkram<F> {
    /// The synapses with these parameters and time step.
    ///
    /// # Errors
    /// If U does not lie in [0, 1] or is too small for the scalar, a time constant is negative, or `dt` is not positive.
    pub fn new(parameters: TsodyksMarkramParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        NeuronError::positive(NAME, "dt", dt.0)?;
        NeuronError::not_negative(NAME, "tau_rec", p.tau_rec.0)?;
        NeuronError::not_negative(NAME, "tau_fac", p.tau_fac.0)?;
        let within = |u: f64| (0.0..=1.0).contains(&u);
        NeuronError::check(NAME, "utilisation", p.utilisation, within, "use a part from 0 to 1")?;
        // A spike takes x u from an x near 1: less than that would be lost to rounding.
        let least = 100.0 * F::EPSILON.to_f64();
        let seen = |u: f64| u == 0.0 || u >= least;
        NeuronError::check(
            NAME,
            "utilisation",
            p.utilisation,
            seen,
            "use 0, or at least 1.2e-5 in f32 and 2.3e-14 in f64",
        )?;
        // A time constant of 0 (or −0) decays within any interval; so does −1e9 a step, without 0 · ∞ anywhere.
        let rate = |tau: Ms| F::from_f64(if tau.0 > 0.0 { (-dt.0 / tau.0).max(-1e9) } else { -1e9 });
        let (recovery, facilitation) = (rate(p.tau_rec), rate(p.tau_fac));
        Ok(Self { parameters, utilisation: F::from_f64(p.utilisation), recovery, facilitation })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &TsodyksMarkramParameters {
        &self.parameters
    }

    /// The state of `pre` neurons that have not spiked yet.
    ///
    /// # Errors
    /// If `pre` is 0 or does not fit `u32`, or the memory is not there.
    pub fn state(&self, pre: usize) -> Result<TsodyksMarkramState<F>, Error> {
        NeuronError::population(NAME, pre)?;
        let mut state = TsodyksMarkramState { u: zeros(NAME, pre)?, x: zeros(NAME, pre)?, after: zeros(NAME, pre)? };
        state.u.fill(self.utilisation);
        state.x.fill(F::ONE);
        Ok(state)
    }

    /// Takes the spikes of `step` and puts u · x of each into `scale`, for
    /// [`deliver_scaled`](crate::Connection::deliver_scaled).
    ///
    /// Call it where spikes are emitted or where they arrive, but always at the same place: only intervals count. With
    /// several delays, a state for each.
    ///
    /// # Errors
    /// If a neuron does not exist, or has already spiked in this or a later step; nothing is changed then.
    pub fn release(
        &self,
        state: &mut TsodyksMarkramState<F>,
        step: u64,
        spikes: &[u32],
        scale: &mut Vec<F>,
    ) -> Result<(), Error> {
        let n = state.after.len();
        NeuronError::length(NAME, "u of the state", n, state.u.len())?;
        NeuronError::length(NAME, "x of the state", n, state.x.len())?;
        for &i in spikes {
            let Some(&after) = state.after.get(i as usize) else {
                return Err(NeuronError::Index { what: NAME, index: i as usize, n }.into());
            };
            if after > step || step == u64::MAX {
                let message = format!("neuron {i} spikes in step {step}, but has reached step {after}; go forwards");
                return Err(Error::Invalid { what: NAME, message });
            }
        }
        if let Some(w) = spikes.windows(2).find(|w| w[0] >= w[1]) {
            let message = format!("neuron {} after neuron {}; use ascending indices, none twice", w[1], w[0]);
            return Err(Error::Invalid { what: NAME, message });
        }
        scale.clear();
        for &i in spikes {
            let i = i as usize;
            let (u, x) = (state.u[i], state.x[i]);
            if state.after[i] > 0 {
                let h = F::from_f64((step + 1 - state.after[i]) as f64);
                state.x[i] = F::ONE + (x - x * u - F::ONE) * (h * self.recovery).v_exp();
                state.u[i] = self.utilisation + u * (F::ONE - self.utilisation) * (h * self.facilitation).v_exp();
            }
            state.after[i] = step + 1;
            scale.push(state.u[i] * state.x[i]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    fn amplitudes(p: TsodyksMarkramParameters, dt: Ms, steps: &[u64]) -> Vec<f64> {
        let synapses = TsodyksMarkram::<f64>::new(p, dt).unwrap();
        let mut state = synapses.state(1).unwrap();
        let mut scale = Vec::new();
        steps
            .iter()
            .map(|&step| {
                synapses.release(&mut state, step, &[0], &mut scale).unwrap();
                scale[0]
            })
            .collect()
    }

    /// The differential form between spikes, integrated exactly: u from 0, the jump before the release.
    #[test]
    fn the_recursion_is_the_differential_form() {
        let steps = [3, 10, 11, 50, 300, 301, 302, 2000];
        for p in [TsodyksMarkramParameters::depressing(), TsodyksMarkramParameters::facilitating()] {
            let (mut u, mut x, mut last) = (0.0, 1.0, 0);
            for (step, got) in steps.into_iter().zip(amplitudes(p, Ms(1.0), &steps)) {
                let h = (step - last) as f64;
                u *= (-h / p.tau_fac.0).exp();
                x = 1.0 + (x - 1.0) * (-h / p.tau_rec.0).exp();
                u += p.utilisation * (1.0 - u);
                assert_abs_diff_eq!(got, u * x, epsilon = 1e-12); // roundings of eight spikes
                x -= u * x;
                last = step;
            }
        }
    }

    /// u∞ = U / (1 − (1 − U) e^(−h/τ_fac)), x∞ = (1 − e^(−h/τ_rec)) / (1 − (1 − u∞) e^(−h/τ_rec)).
    #[test]
    fn regular_trains_settle_at_the_closed_form() {
        for p in [TsodyksMarkramParameters::depressing(), TsodyksMarkramParameters::facilitating()] {
            for interval in [5_u64, 20, 100] {
                let steps: Vec<_> = (0..2000).map(|k| k * interval).collect();
                let (f, d) = ((-(interval as f64) / p.tau_fac.0).exp(), (-(interval as f64) / p.tau_rec.0).exp());
                let u = p.utilisation / (1.0 - (1.0 - p.utilisation) * f);
                let x = (1.0 - d) / (1.0 - (1.0 - u) * d);
                let got = amplitudes(p, Ms(1.0), &steps)[1999];
                assert_abs_diff_eq!(got, u * x, epsilon = 1e-12); // what 2000 spikes leave of the way there
            }
        }
    }

    /// A spike in every step for a million steps, recovery and facilitation of up to hours: f32 stays by f64.
    #[test]
    fn slow_recovery_survives_single_precision() {
        for (utilisation, rec, fac) in [(0.5, 1e6, 1e3), (1e-4, 1e5, 1e7), (0.01, 1e7, 1e6), (2e-5, 1e3, 1e8)] {
            let p = TsodyksMarkramParameters { utilisation, tau_rec: Ms(rec), tau_fac: Ms(fac) };
            let (single, double) =
                (TsodyksMarkram::<f32>::new(p, Ms(0.1)).unwrap(), TsodyksMarkram::<f64>::new(p, Ms(0.1)).unwrap());
            let (mut a, mut b) = (single.state(1).unwrap(), double.state(1).unwrap());
            let (mut scale_a, mut scale_b) = (Vec::new(), Vec::new());
            for step in 0..1_000_000 {
                single.release(&mut a, step, &[0], &mut scale_a).unwrap();
                double.release(&mut b, step, &[0], &mut scale_b).unwrap();
                let off = (f64::from(a.u()[0]) - b.u()[0]).abs().max((f64::from(a.x()[0]) - b.x()[0]).abs());
                assert!(off < 0.01, "{p:?}, step {step}: {off}");
            }
        }
        let tiny = TsodyksMarkramParameters { utilisation: 1e-6, ..Default::default() };
        assert!(
            TsodyksMarkram::<f32>::new(tiny, Ms(0.1)).is_err() && TsodyksMarkram::<f64>::new(tiny, Ms(0.1)).is_ok()
        );
    }

    #[test]
    fn limits_of_the_parameters() {
        let p = |utilisation, rec, fac| TsodyksMarkramParameters { utilisation, tau_rec: Ms(rec), tau_fac: Ms(fac) };
        assert_eq!(amplitudes(p(0.3, 0.0, -0.0), Ms(0.1), &[0, 1, 2]), [0.3, 0.3, 0.3]);
        assert_eq!(amplitudes(p(0.0, 10.0, 10.0), Ms(0.1), &[0, 1, 2]), [0.0, 0.0, 0.0]);
        assert_eq!(amplitudes(p(1.0, 1e300, 0.0), Ms(0.1), &[0, 1, 2]), [1.0, 0.0, 0.0]);
        for bad in
            [p(-0.1, 1.0, 1.0), p(1.1, 1.0, 1.0), p(f64::NAN, 1.0, 1.0), p(0.5, -1.0, 1.0), p(0.5, 1.0, f64::INFINITY)]
        {
            assert!(TsodyksMarkram::<f32>::new(bad, Ms(0.1)).is_err());
        }
    }

    #[test]
    fn time_runs_forwards_and_neurons_exist() {
        let synapses = TsodyksMarkram::<f32>::new(TsodyksMarkramParameters::default(), Ms(1.0)).unwrap();
        let mut state = synapses.state(2).unwrap();
        let mut scale = Vec::new();
        synapses.release(&mut state, 5, &[0], &mut scale).unwrap();
        let before = state.clone();
        for (step, spikes) in [(5, &[0][..]), (4, &[0]), (6, &[2]), (6, &[1, 1]), (u64::MAX, &[1])] {
            assert!(synapses.release(&mut state, step, spikes, &mut scale).is_err());
        }
        assert_eq!(state, before);
    }
}
