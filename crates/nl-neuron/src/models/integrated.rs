//! What the numerically integrated models share: the loop over a population, and the shape of its state.

use nl_kernels::{Level, Vectorised};

use crate::integrate::{Euler, ExponentialEuler, Integrator, Method, Ode, Rk2, Rk4};
use crate::{Error, NeuronModel, Real, SpikeSet};

/// A neuron of N variables and R input channels, one at a time: equations, and what a spike is.
pub(crate) trait Neuron<F: Real, const N: usize, const R: usize>: Copy {
    /// The equations during one step.
    type Equations: Ode<F, N>;

    /// The equations with this step's input; `held`: within the absolute refractory period.
    fn equations(&self, input: [F; R], held: bool) -> Self::Equations;

    /// Adds the jumps that arrive at the end of the step.
    #[inline(always)]
    fn jump(&self, y: [F; N], _input: [F; R]) -> [F; N] {
        y
    }

    /// Whether `after`, which was `before` at the start of the step, is a spike, and the state it is reset to.
    fn spike(&self, before: [F; N], after: [F; N]) -> (bool, [F; N]);
}

/// The arrays of a state: N variables and the steps left of the refractory period.
pub(crate) struct Arrays<'a, F, const N: usize> {
    pub(crate) y: [&'a mut [F]; N],
    pub(crate) refractory: &'a mut [u32],
}

/// One step of the population with the integrator of that name.
pub(crate) fn step<F: Real, M: NeuronModel<F>, K: Neuron<F, N, R>, const N: usize, const R: usize>(
    model: &M,
    neuron: K,
    method: Method,
    t_ref: u32,
    arrays: Arrays<'_, F, N>,
    input: &[F],
    spikes: &mut SpikeSet,
) -> Result<(), Error> {
    let dt = F::from_f64(model.dt().0);
    match method {
        Method::Euler => step_with::<Euler, F, M, K, N, R>(model, neuron, dt, t_ref, arrays, input, spikes),
        Method::ExponentialEuler => {
            step_with::<ExponentialEuler, F, M, K, N, R>(model, neuron, dt, t_ref, arrays, input, spikes)
        }
        Method::Rk2 => step_with::<Rk2, F, M, K, N, R>(model, neuron, dt, t_ref, arrays, input, spikes),
        Method::Rk4 => step_with::<Rk4, F, M, K, N, R>(model, neuron, dt, t_ref, arrays, input, spikes),
    }
}

/// One step of the population: integrate, jump, threshold, reset, refractory period (`t_ref` steps).
pub(crate) fn step_with<
    I: Integrator,
    F: Real,
    M: NeuronModel<F>,
    K: Neuron<F, N, R>,
    const N: usize,
    const R: usize,
>(
    model: &M,
    neuron: K,
    dt: F,
    t_ref: u32,
    arrays: Arrays<'_, F, N>,
    input: &[F],
    spikes: &mut SpikeSet,
) -> Result<(), Error> {
    let n = arrays.refractory.len();
    Error::state(model.name(), n, &core::array::from_fn::<_, N, _>(|k| arrays.y[k].len()))?;
    model.check(n, input, spikes)?;
    let fired = spikes.flags_mut();
    let integrator = core::marker::PhantomData::<I>;
    Level::current().dispatch(Loop { neuron, dt, t_ref, arrays, input, fired, integrator });
    spikes.collect();
    Ok(())
}

struct Loop<'a, F, K, I, const N: usize, const R: usize> {
    neuron: K,
    dt: F,
    t_ref: u32,
    arrays: Arrays<'a, F, N>,
    input: &'a [F],
    fired: &'a mut [u8],
    integrator: core::marker::PhantomData<I>,
}

impl<F: Real, K: Neuron<F, N, R>, I: Integrator, const N: usize, const R: usize> Vectorised
    for Loop<'_, F, K, I, N, R>
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { neuron, dt, t_ref, arrays: Arrays { mut y, refractory }, input, fired, .. } = self;
        let n = refractory.len();
        let fired = &mut fired[..n];
        let mut receptors = [&input[..0]; R];
        for r in 0..R {
            receptors[r] = &input[r * n..][..n];
        }
        for variable in &mut y {
            // The compiler sees that no index is out of bounds.
            *variable = &mut core::mem::take(variable)[..n];
        }
        for i in 0..n {
            let mut before = [F::ZERO; N];
            for k in 0..N {
                before[k] = y[k][i];
            }
            let mut now = [F::ZERO; R];
            for r in 0..R {
                now[r] = receptors[r][i];
            }
            let held = refractory[i] > 0;
            let after = neuron.jump(I::step(&neuron.equations(now, held), before, dt), now);
            let (spike, reset) = neuron.spike(before, after);
            let fire = spike & !held;
            for k in 0..N {
                y[k][i] = if fire { reset[k] } else { after[k] };
            }
            refractory[i] = if fire { t_ref } else { refractory[i].saturating_sub(1) };
            fired[i] = u8::from(fire);
        }
    }
}

/// The lowest potential between `low` and `high` at which the steady membrane current `inward` (V' C_m, gates at their
/// steady values) falls through 0: where the neuron rests. `low` if there is none.
pub(crate) fn rest(inward: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    const SCAN: u32 = 512;
    let at = |i: u32| low + (high - low) * f64::from(i) / f64::from(SCAN);
    let Some(i) = (0..SCAN).find(|&i| inward(at(i)) >= 0.0 && inward(at(i + 1)) < 0.0) else { return low };
    let (mut a, mut b) = (at(i), at(i + 1));
    for _ in 0..60 {
        let middle = 0.5 * (a + b);
        if inward(middle) >= 0.0 {
            a = middle;
        } else {
            b = middle;
        }
    }
    a
}

/// The state of a population: one array a variable, and the steps left of the refractory period.
macro_rules! state {
    ($(#[$doc:meta])* $name:ident, $variables:literal: $($variable:ident),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name<F> {
            $($variable: Vec<F>,)+
            refractory: Vec<u32>,
        }

        impl<F: crate::Real> $name<F> {
            /// `n` neurons, all with these values.
            fn filled(n: usize, values: [f64; $variables]) -> Result<Self, crate::Error> {
                use crate::exact::filled;
                crate::Error::population(NAME, n)?;
                let [$($variable),+] = values;
                Ok(Self { $($variable: filled(NAME, F::from_f64($variable), n)?,)+ refractory: filled(NAME, 0, n)? })
            }

            fn arrays(&mut self) -> crate::models::integrated::Arrays<'_, F, $variables> {
                crate::models::integrated::Arrays { y: [$(&mut self.$variable),+], refractory: &mut self.refractory }
            }
        }

        impl<F: crate::Real> crate::PopulationState<F> for $name<F> {
            fn len(&self) -> usize {
                self.refractory.len()
            }

            fn variables(&self) -> &'static [&'static str] {
                &[$(stringify!($variable)),+]
            }

            fn variable(&self, name: &str) -> Option<&[F]> {
                match name {
                    $(stringify!($variable) => Some(&self.$variable),)+
                    _ => None,
                }
            }

            fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
                match name {
                    $(stringify!($variable) => Some(&mut self.$variable),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use state;
