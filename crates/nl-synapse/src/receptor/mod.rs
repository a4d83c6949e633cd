//! What a spike does to the post neuron over time: linear kinetics, exact over a step, and the currents they drive.

mod alpha;
mod conductance;
mod dual_exponential;
mod exponential;
mod nmda;

use nl_kernels::{Level, Vectorised};
use nl_neuron::{Error as NeuronError, Ms, Real};
use serde::{Deserialize, Serialize};

use crate::Error;

pub use conductance::Conductance;
pub use nmda::Nmda;

/// Linear kinetics of a synaptic conductance or current, discretised exactly with one time step.
///
/// [`exponential`](Self::exponential), [`alpha`](Self::alpha) and [`dual_exponential`](Self::dual_exponential) all become
/// one propagator. A step is: decay over dt, g ← a g + b h, h ← c h; then add the jumps that arrive at its end. **The
/// peak is 1**: a spike of weight w lifts g by w at the height of its response, whatever the time constants (brian2 leaves
/// that to the equations; NEST normalises alpha and dual-exponential conductances the same way).
///
/// ```
/// use nl_neuron::Ms;
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

/// `Ok` if all of these named times are positive.
fn positive(model: &'static str, times: &[(&'static str, Ms)]) -> Result<(), Error> {
    for (name, time) in times {
        NeuronError::positive(model, name, time.0)?;
    }
    Ok(())
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
