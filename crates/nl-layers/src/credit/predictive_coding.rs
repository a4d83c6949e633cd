//! Predictive coding: hidden values that fit what is below and above them, then weights by their own errors.

use nl_autodiff::{Reduction, Scalar, Shape, Tape, Var};

use super::{Areas, MOST, hidden};
use crate::error::At;
use crate::loss::{LossKind, TargetRows};
use crate::{Context, Error};

const PATH: &str = "predictive coding";

/// Learning by a local energy.
///
/// F = ½ Σ_{l<L} ‖x_l − f_l(x_{l−1}; θ_l)‖² + E(f_L(x_{L−1}; θ_L)), with x_0 the input and E the energy of the output area, whose
/// value is clamped to the target t: ½ ‖t − ·‖² ([`LeastSquares`](crate::loss::LeastSquares)), or another negative logarithm of a
/// likelihood.
///
/// 1. **Inference**: x_l begins as f_l(x_{l−1}), the forward pass; then `steps` times, all at once,
///    x_l ← x_l − rate · ∂F/∂x_l = x_l − rate · (ε_l − (∂f_{l+1}/∂x_l)ᵀ ε_{l+1}), ε_l = x_l − f_l(x_{l−1}).
/// 2. **Learning**: ∂F/∂θ_l = −(∂f_l/∂θ_l)ᵀ ε_l at these values: for y = W x the product of the area's error and its input,
///    which depends on x_{l−1} and x_l and nothing else.
///
/// At rest ε_l = (∂f_{l+1}/∂x_l)ᵀ ε_{l+1}: what back-propagation would send from the error that is left at the output. After few
/// small steps, and at rest where the output is uncertain against the areas below it (s E with s → 0), the change of the weights of
/// each area is the gradient of back-propagation times a number.
///
/// Readings: this is inference that learns (the published algorithm); the *fixed prediction* variant (errors of a graph whose
/// predictions are held at the forward pass) and *Z-IL* (weights of area l updated at step L − l) equal back-propagation exactly
/// and are not this. Here an area's nonlinearity is part of its prediction, x_l = φ(W x_{l−1}) (Millidge et al.); in Whittington &
/// Bogacz it stands before the product, x_l = W φ(x_{l−1}): list the activation before the linear layer for theirs. All variances
/// are 1.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::credit::{Clamped, PredictiveCoding, Relaxation};
/// use nl_layers::loss::{LeastSquares, LossKind, TargetRows};
/// use nl_layers::{Builder, Context, Initializer, Linear, Mode};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let layer = |name, from, to| Linear::new(&builder.child(name)?, from, to, Initializer::XavierUniform);
/// let areas = [layer("first", 3, 8)?, layer("second", 8, 2)?];
/// let parameters = builder.finish();
///
/// let tape = Tape::<f32>::new();
/// let mut ctx = Context::new(&tape, &parameters, Mode::Train);
/// let x = tape.constant(Tensor::new(&[1, 3], vec![0.5, -1.0, 2.0])?);
/// let clamped = Clamped { loss: &LossKind::LeastSquares(LeastSquares {}), target: TargetRows::Classes(&[1]) };
/// let mut work = Relaxation::default();
/// let mut energy = |steps| {
///     let way = PredictiveCoding { steps, rate: 0.1 };
///     way.energy(&areas[..], x, &clamped, &mut ctx, &mut work)
/// };
/// // The hidden area gives way to the target; the gradient on the tape is each area's own.
/// let (before, after) = (energy(0)?, energy(20)?);
/// assert!(after.item()? < before.item()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Sources: Whittington & Bogacz, "An approximation of the error backpropagation algorithm in a predictive coding network with
/// local Hebbian synaptic plasticity", Neural Computation 29, 2017, eqs. 2.5-2.17; Millidge, Seth & Buckley, "Predictive coding: a
/// theoretical and experimental review", 2022, secs. 2 and 4 (readings). Energies of other likelihoods: Pinchetti et al.,
/// "Predictive coding beyond Gaussian distributions", NeurIPS 2022.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictiveCoding {
    /// Steps of inference; 0: only the output area learns.
    pub steps: usize,
    /// The size of a step, above 0 and below 2: beyond that even a lone area's error grows.
    pub rate: f64,
}

/// E: what the value of the output area costs, whose own value is clamped.
pub trait Ending<S: Scalar> {
    /// The sum over the samples of the batch: one element. `output` is what the last area predicts.
    ///
    /// # Errors
    /// Outputs of a shape that it cannot take.
    fn energy<'t>(&self, output: Var<'t, S>) -> Result<Var<'t, S>, Error>;
}

/// An output clamped to classes or values: E is a loss.
#[derive(Debug, Clone, Copy)]
pub struct Clamped<'a, S> {
    /// The loss.
    pub loss: &'a LossKind,
    /// The class or the values of each sample.
    pub target: TargetRows<'a, S>,
}

impl<S: Scalar> Ending<S> for Clamped<'_, S> {
    fn energy<'t>(&self, output: Var<'t, S>) -> Result<Var<'t, S>, Error> {
        self.loss.loss("output", output, &self.target.on(output.tape(), "output")?)
    }
}

/// Working memory of inference, kept from one mini-batch to the next.
pub struct Relaxation<S> {
    tape: Tape<S>,
    states: Vec<State<S>>,
}

impl<S: Scalar> Default for Relaxation<S> {
    fn default() -> Self {
        Self { tape: Tape::new(), states: Vec::new() }
    }
}

/// The values of one hidden area.
struct State<S> {
    shape: Option<Shape>,
    values: Vec<S>,
}

impl<S: Scalar> State<S> {
    fn keep(&mut self, value: Var<'_, S>) {
        self.shape = Some(value.shape());
        self.values.clear();
        self.values.extend_from_slice(value.value().as_slice());
    }

    /// Its values as a constant on `tape`.
    fn on<'t>(&self, tape: &'t Tape<S>) -> Result<Var<'t, S>, Error> {
        let shape = self.shape.as_ref().map_or(&[][..], Shape::dims);
        tape.constant_with(shape, |to| to.copy_from_slice(&self.values)).at(PATH)
    }
}

impl PredictiveCoding {
    /// `Ok` if every hyper-parameter can be used.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] with the first that cannot, its value and its range.
    pub fn check(&self) -> Result<(), Error> {
        const MOST_STEPS: usize = 10_000;
        let Self { steps, rate } = *self;
        if steps > MOST_STEPS {
            return Err(Error::hyperparameter("steps", format!("{steps} must be at most {MOST_STEPS}; 20 is usual")));
        }
        if !(rate > 0.0 && rate < 2.0) {
            return Err(Error::hyperparameter("rate", format!("{rate} must be above 0 and below 2; 0.1 is usual")));
        }
        Ok(())
    }

    /// F after inference, the sum over the samples of the batch: one element, whose gradient with respect to the parameters of each
    /// area is that of its own error. `ending` is E.
    ///
    /// Inference takes place on a tape of its own, in `work`; terms that layers [add](Context::add_loss) count once.
    ///
    /// # Errors
    /// Those of the areas and of `ending`; more than 64 areas, or none.
    pub fn energy<'t, S: Scalar>(
        &self,
        areas: &(impl Areas<S> + ?Sized),
        x: Var<'t, S>,
        ending: &impl Ending<S>,
        ctx: &mut Context<'t, S>,
        work: &mut Relaxation<S>,
    ) -> Result<Var<'t, S>, Error> {
        let hidden = hidden(areas)?;
        let first = areas.forward(0, x, ctx)?;
        if hidden == 0 {
            return ending.energy(first);
        }
        let relaxed = self.relax(areas, first, ending, ctx, work);
        // Lets go of the parameters.
        work.tape.reset();
        relaxed?;
        let mut values = [first; MOST];
        for (value, state) in values.iter_mut().zip(&work.states[..hidden]) {
            *value = state.on(ctx.tape())?;
        }
        energy_at(areas, first, &values[..hidden], ending, ctx)
    }

    /// Inference: the values of the hidden areas into `work`.
    fn relax<S: Scalar>(
        &self,
        areas: &(impl Areas<S> + ?Sized),
        first: Var<'_, S>,
        ending: &impl Ending<S>,
        ctx: &Context<'_, S>,
        work: &mut Relaxation<S>,
    ) -> Result<(), Error> {
        let hidden = hidden(areas)?;
        let Relaxation { tape, states } = work;
        if states.len() < hidden {
            states.resize_with(hidden, || State { shape: None, values: Vec::new() });
        }
        let states = &mut states[..hidden];
        tape.reset();
        {
            let mut ctx = ctx.on(tape)?;
            let _pause = tape.stop_recording();
            let mut value = tape.constant(first.value());
            states[0].keep(value);
            for (area, state) in states.iter_mut().enumerate().skip(1) {
                value = areas.forward(area, value, &mut ctx)?;
                state.keep(value);
            }
        }
        let rate = S::from_f64(self.rate);
        for _ in 0..self.steps {
            tape.reset();
            let mut ctx = ctx.on(tape)?;
            let first = tape.constant(first.value());
            let mut values = [first; MOST];
            for (value, state) in values.iter_mut().zip(states.iter()) {
                *value = tape.leaf(state.on(tape)?.value());
            }
            let energy = energy_at(areas, first, &values[..hidden], ending, &mut ctx)?;
            let mut step = |area: usize, slope: &[S]| {
                for (x, &slope) in states[area].values.iter_mut().zip(slope) {
                    *x -= rate * slope;
                }
            };
            tape.backward(energy, &values[..hidden], &mut step).at(PATH)?;
        }
        Ok(())
    }
}

/// F for these values of the hidden areas, `first` what the first area predicts.
fn energy_at<'t, S: Scalar>(
    areas: &(impl Areas<S> + ?Sized),
    first: Var<'t, S>,
    values: &[Var<'t, S>],
    ending: &impl Ending<S>,
    ctx: &mut Context<'t, S>,
) -> Result<Var<'t, S>, Error> {
    let half_square = |x: Var<'t, S>, p| x.mse(p, Reduction::Sum).and_then(|sum| sum.mul_scalar(0.5)).at(PATH);
    let (mut sum, mut prediction) = (None, first);
    for (area, &value) in values.iter().enumerate() {
        let error = half_square(value, prediction)?;
        sum = Some(match sum {
            None => error,
            Some(sum) => error.add(sum).at(PATH)?,
        });
        prediction = areas.forward(area + 1, value, ctx)?;
    }
    let end = ending.energy(prediction)?;
    match sum {
        None => Ok(end),
        Some(sum) => sum.add(end).at(PATH),
    }
}

#[cfg(test)]
mod tests;
