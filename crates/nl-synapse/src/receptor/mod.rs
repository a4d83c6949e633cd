//! What a spike does to the post neuron over time: linear kinetics, exact over a step, and the currents they drive.

mod alpha;
mod conductance;
mod dual_exponential;
mod exponential;
mod nmda;

use nl_kernels::{Level, Vectorised};
use nl_neuron::{Real, slow};
use nl_units::{Error as NeuronError, Ms};
use serde::{Deserialize, Serialize};

use crate::Error;

pub use conductance::Conductance;
pub use nmda::Nmda;

/// Linear kinetics of a synaptic conductance or current, discretised exactly with one time step.
///
/// [`exponential`](Self::exponential), [`alpha`](Self::alpha) and [`dual_exponential`](Self::dual_exponential) all become
/// one propagator. A step is: decay over dt, g ← a g + b h, h ← c h; then add the jumps that arrive at its end. **The
/// peak is 1**: a spike of weight w lifts g by w at the height of its response, whatever the time constants (brian2 leaves
/// that to the equations; NEST normalises alpha and dual-exponential conductances the same way). A time constant that the
/// scalar cannot follow in steps of dt is refused, see [`nl_neuron::slow`].
///
/// Jumps are weights: where g is a conductance they are not negative (see [`Connection`](crate::Connection)).
///
/// ```
/// use nl_units::Ms;
/// use nl_synapse::Receptor;
/// let receptor = Receptor::<f64>::alpha(Ms(2.0), Ms(0.1))?;
/// let mut state = receptor.state(1)?;
/// receptor.step(&mut state, &[5.0])?; // a spike of 5 nS arrives at the end of this step
/// for _ in 0..20 {
///     receptor.step(&mut state, &[0.0])?;
/// }
/// assert!((state.g()[0] - 5.0).abs() < 1e-12); // τ later, at the peak
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Receptor<F = f32> {
    name: &'static str,
    /// Decay of g.
    a: F,
    /// What h adds to g.
    b: F,
    /// Decay of h.
    c: F,
    /// Whether a spike jumps g itself; it jumps h otherwise.
    direct: bool,
}

/// What changes over time: g and, for second-order kinetics, h; one value a post neuron.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct ReceptorState<F = f32> {
    g: Vec<F>,
    h: Vec<F>,
}

impl<F: Real> ReceptorState<F> {
    /// The conductance or current of each neuron, `[n]`.
    #[must_use]
    pub fn g(&self) -> &[F] {
        &self.g
    }
}

impl<F: Real> Receptor<F> {
    fn new(name: &'static str, [a, b, c]: [f64; 3], direct: bool) -> Result<Self, Error> {
        for x in [a, b, c] {
            let usable = "the time step and time constants lie too far apart";
            NeuronError::check(name, "propagator", x, |x| F::from_f64(x).is_finite(), usable)?;
        }
        Ok(Self { name, a: F::from_f64(a), b: F::from_f64(b), c: F::from_f64(c), direct })
    }

    /// The state of `n` neurons at rest.
    ///
    /// # Errors
    /// If `n` is 0 or does not fit `u32`, or the memory is not there.
    pub fn state(&self, n: usize) -> Result<ReceptorState<F>, Error> {
        NeuronError::population(self.name, n)?;
        let zeros = |n| crate::connectivity::zeros(self.name, n);
        Ok(ReceptorState { g: zeros(n)?, h: zeros(if self.direct { 0 } else { n })? })
    }

    /// Decays over one step, then adds `jumps`, `[n]`: what [`deliver`](crate::Connection::deliver) summed.
    ///
    /// # Errors
    /// If `jumps` or the state do not fit.
    pub fn step(&self, state: &mut ReceptorState<F>, jumps: &[F]) -> Result<(), Error> {
        let n = state.g.len();
        NeuronError::length(self.name, "jumps", n, jumps.len())?;
        NeuronError::length(self.name, "h of the state", if self.direct { 0 } else { n }, state.h.len())?;
        let (a, b, c) = (self.a, self.b, self.c);
        if self.direct {
            Level::current().dispatch(First { a, g: &mut state.g, jumps });
        } else {
            Level::current().dispatch(Second { a, b, c, g: &mut state.g, h: &mut state.h, jumps });
        }
        Ok(())
    }
}

/// g ← a g + jump
struct First<'a, F> {
    a: F,
    g: &'a mut [F],
    jumps: &'a [F],
}

impl<F: Real> Vectorised for First<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (g, &jump) in self.g.iter_mut().zip(self.jumps) {
            *g = *g * self.a + jump;
        }
    }
}

/// g ← a g + b h; h ← c h + jump
struct Second<'a, F> {
    a: F,
    b: F,
    c: F,
    g: &'a mut [F],
    h: &'a mut [F],
    jumps: &'a [F],
}

impl<F: Real> Vectorised for Second<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((g, h), &jump) in self.g.iter_mut().zip(self.h).zip(self.jumps) {
            *g = *g * self.a + *h * self.b;
            *h = *h * self.c + jump;
        }
    }
}

/// `Ok` if all of these named time constants are positive and can be followed in steps of `dt`.
fn followed<F: Real>(model: &'static str, times: &[(&'static str, Ms)], dt: Ms) -> Result<(), Error> {
    NeuronError::positive(model, "dt", dt.0)?;
    times.iter().try_for_each(|&(name, time)| Ok(slow::check::<F>(model, name, time, dt)?))
}

/// Steps of a response to one spike of weight 1, at 0, dt, 2 dt …
#[cfg(test)]
fn response(receptor: &Receptor<f64>, steps: usize) -> Vec<f64> {
    let mut state = receptor.state(1).unwrap();
    (0..steps)
        .map(|k| {
            receptor.step(&mut state, &[if k == 0 { 1.0 } else { 0.0 }]).unwrap();
            state.g()[0]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million steps in single precision of the slowest kinetics that are taken, against the closed form.
    #[test]
    fn slow_kinetics_are_followed_or_refused() {
        let (dt, longest) = (0.1, 0.1 / (100.0 * f64::from(f32::EPSILON)));
        for tau in [100.0, 1000.0, 0.999 * longest] {
            let direct = Receptor::<f32>::exponential(Ms(tau), Ms(dt)).unwrap();
            let alpha = Receptor::<f32>::alpha(Ms(tau), Ms(dt)).unwrap();
            let dual = Receptor::<f32>::dual_exponential(Ms(0.1 * tau), Ms(tau), Ms(dt)).unwrap();
            let peak = 0.1 * tau / 0.9 * f64::ln(10.0);
            let rise = |t: f64| (-t / tau).exp() - (-10.0 * t / tau).exp();
            let exact = |t: f64| [(-t / tau).exp(), t / tau * (1.0 - t / tau).exp(), rise(t) / rise(peak)];
            let mut states = [&direct, &alpha, &dual].map(|receptor| receptor.state(1).unwrap());
            for k in 0..=1_000_000 {
                let jump = [if k == 0 { 1.0 } else { 0.0 }];
                for (receptor, state) in [&direct, &alpha, &dual].into_iter().zip(&mut states) {
                    receptor.step(state, &jump).unwrap();
                }
                if k % 1000 == 0 {
                    for (state, exact) in states.iter().zip(exact(f64::from(k) * dt)) {
                        assert!(
                            (f64::from(state.g()[0]) - exact).abs() < 0.01,
                            "{tau} ms, step {k}: {state:?} {exact}"
                        );
                    }
                }
            }
        }
        let slow = |result: Result<Receptor<f32>, Error>| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains("too slow for f32") && error.contains("use at most"), "{error}");
        };
        let tau = Ms(1.001 * longest);
        slow(Receptor::exponential(tau, Ms(dt)));
        slow(Receptor::alpha(tau, Ms(dt)));
        slow(Receptor::dual_exponential(Ms(1.0), tau, Ms(dt)));
        assert!(Receptor::<f64>::exponential(Ms(1e9), Ms(dt)).is_ok());
    }
}
