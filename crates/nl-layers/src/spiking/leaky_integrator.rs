//! A read-out that integrates and never spikes.

use std::sync::Arc;

use nl_autodiff::{CustomOp, Error as OpError, Operand, Scalar, Shape, Var};
use nl_kernels::Scratch;
use nl_neuron::Ms;
use nl_neuron::dynamics::{Sequence, leak, leak_grad};
use serde::{Deserialize, Serialize};

use super::neuron::SpikingInput;
use super::op::gather;
use super::parameter::{Parameter, Per, Sort};
use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, sequence};
use crate::{Builder, Context, Error, Layer};

/// A leaky integrator in a configuration: `{kind: leaky-integrator, tau: 20}`, the read-out of a network of spikes; behind it
/// `pool-steps` or `select-step` makes one value of all steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LeakyIntegratorConfig {
    /// Time constant.
    pub tau: Ms,
    /// The time step.
    pub dt: Ms,
    /// Whether the time constant is learned.
    pub learn: bool,
    /// If it is learned, one for the layer or one for each unit.
    pub per: Per,
    /// What one unit of input does.
    pub input: SpikingInput,
}

impl Default for LeakyIntegratorConfig {
    fn default() -> Self {
        Self { tau: Ms(20.0), dt: Ms(1.0), learn: false, per: Per::Layer, input: SpikingInput::Jump }
    }
}

impl LayerConfig for LeakyIntegratorConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [steps, units] = sequence(at, inputs)?;
        Ok(Built::layer(LeakyIntegrator::new(at, units, self)?, Form::sequence(steps, units), 0))
    }
}

/// y\[t\] = e^(−dt/τ) y\[t − 1\] + x\[t\], y\[−1\] = 0; or, of a current, + (1 − e^(−dt/τ)) x\[t\].
///
/// | | shape |
/// |---|---|
/// | input, output | `[T, B, n]` |
/// | w (`tau`), if it is learned: e^(−dt/τ) = σ(w) | `[1]` or `[n]` |
pub struct LeakyIntegrator {
    path: String,
    units: usize,
    decay: Parameter,
    gain: Parameter,
    op: Arc<LeakOp>,
}

impl LeakyIntegrator {
    /// An integrator of `units` units.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a time that is not positive; as [`Builder::parameter`].
    pub fn new(at: &Builder, units: usize, config: &LeakyIntegratorConfig) -> Result<Self, Error> {
        let LeakyIntegratorConfig { tau, dt, learn, per, input } = *config;
        for (name, value) in [("tau", tau), ("dt", dt)] {
            nl_neuron::Error::positive("leaky integrator", name, value.0)
                .map_err(|error| Error::hyperparameter(at.path(), error.to_string()))?;
        }
        let value = (-dt.0 / tau.0).exp();
        let decay = match learn {
            true => Parameter::learned(at, "tau", (units, per), value, Sort::Decay)?,
            false => Parameter::fixed(value),
        };
        Ok(Self { path: at.path().to_owned(), units, gain: input.gain(&decay), decay, op: Arc::new(LeakOp) })
    }
}

impl<S: Scalar> Layer<S> for LeakyIntegrator {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let dims = x.shape();
        if !matches!(dims.dims(), [_, _, units] if *units == self.units) {
            return Err(crate::steps::refuse(&self.path, self.units, dims.dims()));
        }
        let (decay, gain) = (self.decay.value(ctx).at(&self.path)?, self.gain.value(ctx).at(&self.path)?);
        let op: Arc<dyn CustomOp<S>> = Arc::<LeakOp>::clone(&self.op);
        x.custom(op, &[decay, gain]).at(&self.path)
    }
}

/// Inputs: x `[T, B, n]`, decay and gain `[1]` or `[n]`.
struct LeakOp;

const NAME: &str = "leaky integrator";

fn size(shape: Shape) -> Sequence {
    let dims = shape.dims();
    Sequence { steps: dims[0], batch: dims[1], neurons: dims[2] }
}

#[allow(clippy::needless_pass_by_value, reason = "as `map_err` hands it")]
fn failed(error: nl_neuron::Error) -> OpError {
    OpError::Value { op: NAME, message: error.to_string() }
}

impl<S: Scalar> CustomOp<S> for LeakOp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shape(&self, inputs: &[Shape]) -> Result<Shape, OpError> {
        Ok(inputs[0])
    }

    fn forward(&self, x: &[Operand<'_, S>], y: &mut [S], _: &mut Scratch) -> Result<(), OpError> {
        leak(size(x[0].shape), [x[1].values, x[2].values], x[0].values, y).map_err(failed)
    }

    fn backward(
        &self,
        x: &[Operand<'_, S>],
        y: &[S],
        dy: &[S],
        gradients: &mut [Option<&mut [S]>],
        scratch: &mut Scratch,
    ) -> Result<(), OpError> {
        let size = size(x[0].shape);
        let mut spare = scratch.take::<S>(if gradients[0].is_some() { 0 } else { size.len() })?;
        let mut parts = scratch.take::<S>(2 * size.neurons)?;
        parts.fill(S::ZERO);
        let (first, others) = gradients.split_at_mut(1);
        let dx = first[0].as_deref_mut().unwrap_or(spare.as_mut_slice());
        let (decay, gain) = parts.as_mut_slice().split_at_mut(size.neurons);
        leak_grad(size, [x[1].values, x[2].values], (x[0].values, y, dy), dx, [&mut *decay, &mut *gain])
            .map_err(failed)?;
        for (part, gradient) in [decay, gain].into_iter().zip(others) {
            if let Some(gradient) = gradient {
                gather(part, gradient);
            }
        }
        scratch.give(spare);
        scratch.give(parts);
        Ok(())
    }

    fn composed<'t>(&self, x: &[Var<'t, S>]) -> Option<Result<Var<'t, S>, OpError>> {
        Some(composed(x[0], x[1], x[2]))
    }
}

/// Step by step.
fn composed<'t, S: Scalar>(x: Var<'t, S>, decay: Var<'t, S>, gain: Var<'t, S>) -> Result<Var<'t, S>, OpError> {
    let mut all = Vec::new();
    for t in 0..x.shape().dims()[0] {
        let now = x.slice(0, t..t + 1)?.mul(gain)?;
        all.push(match all.last() {
            Some(&before) => decay.mul(before)?.add(now)?,
            None => now,
        });
    }
    if all.is_empty() { x.mul_scalar(1.0) } else { Var::concat(&all, 0) }
}
