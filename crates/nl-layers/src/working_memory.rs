//! A store inside a network, which learns when to write and when to clear.

use nl_autodiff::{Scalar, Transpose, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, product, sequence};
use crate::recurrent::StepOutput;
use crate::steps::{Collected, refuse, step};
use crate::{Builder, Context, Error, Fans, Initializer, Layer, ParameterId, Role};

/// Working memory in a configuration: `{kind: working-memory, units: 32}`; a store that keeps what it holds unless a gate writes or
/// clears it.
///
/// w_t = σ(W_w x_t + b_w + U_w m_{t−1}) writes, c_t = σ(W_c x_t + b_c + U_c m_{t−1}) clears, v_t = tanh(W_v x_t + b_v)
///
/// m_t = (1 − c_t) ⊙ m_{t−1} + w_t ⊙ v_t, m_{−1} = 0
///
/// | | shape |
/// |---|---|
/// | input | `[T, B, F]` |
/// | output m | `[T, B, M]`, or `[B, M]` for the last |
/// | W (`input/weight`: w, c, v), b (`input/bias`) | `[3 · M, F]`, `[3 · M]` |
/// | U (`gates/weight`: w, c) | `[2 · M, M]` |
///
/// The gates are those of Hochreiter & Schmidhuber, 1997 (write) and Gers et al., 2000 (clear), without an output gate; as a model of
/// prefrontal working memory gated by the basal ganglia: O'Reilly & Frank, "Making working memory work", 2006.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkingMemoryConfig {
    /// Numbers that are held.
    pub units: usize,
    /// What is given on: what was held after each step, or after the last.
    #[serde(default)]
    pub output: StepOutput,
    /// Truncated back-propagation through time: after so many steps the gradient stops. Without it, it goes through all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
}

struct WorkingMemory {
    path: String,
    features: usize,
    units: usize,
    output: StepOutput,
    truncate: Option<usize>,
    input: [ParameterId; 2],
    gates: ParameterId,
}

impl LayerConfig for WorkingMemoryConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [steps, features] = sequence(at, inputs)?;
        let &Self { units, output, truncate } = self;
        if truncate == Some(0) {
            return Err(Error::hyperparameter(at.path(), "truncate is 0; leave it out to go back through all steps"));
        }
        let (input, gates) = (at.child("input")?, at.child("gates")?);
        let draw = |at: &Builder, parts: usize, inputs: usize| {
            let (shape, fans) = ([units.saturating_mul(parts), inputs], Fans { fan_in: inputs, fan_out: units });
            at.parameter_with_fans("weight", &shape, fans, Role::Weight, Initializer::XavierUniform)
        };
        let weight = draw(&input, 3, features)?;
        let bias = input.parameter("bias", &[units * 3], Role::Bias, Initializer::Zeros)?;
        let layer = WorkingMemory {
            path: at.path().to_owned(),
            features,
            units,
            output,
            truncate,
            input: [weight, bias],
            gates: draw(&gates, 2, units)?,
        };
        let macs = product(&[steps, 3, units, features])
            .saturating_add(product(&[steps, 2, units, units]))
            .saturating_add(product(&[steps, 2, units]));
        let form = match output {
            StepOutput::Sequence => Form::sequence(steps, units),
            StepOutput::Last => Form::features(units),
        };
        Ok(Built::layer(layer, form, macs))
    }
}

impl WorkingMemory {
    fn scan<'t, S: Scalar>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let shape = x.shape();
        let (steps, batch, m) = (shape.dims()[0], shape.dims()[1], self.units);
        let [weight, bias] = self.input.map(|id| ctx.parameter(id));
        let gates = ctx.parameter(self.gates);
        // What does not depend on the store, for all steps at once.
        let all = x.linear(weight, Some(bias))?;
        let mut held = ctx.tape().constant_with(&[batch, m], |x| x.fill(S::ZERO))?;
        let mut outputs = Collected::new(held);
        for t in 0..steps {
            if self.truncate.is_some_and(|n| t > 0 && t % n == 0) {
                held = held.detach();
            }
            let given = step(all, t)?;
            let open = given.slice(1, 0..2 * m)?.add(held.matmul_with(Transpose::No, gates, Transpose::Yes)?)?;
            let open = open.sigmoid()?;
            let (write, clear) = (open.slice(1, 0..m)?, open.slice(1, m..2 * m)?);
            let value = given.slice(1, 2 * m..3 * m)?.tanh()?;
            held = clear.rsub_scalar(1.0)?.mul(held)?.add(write.mul(value)?)?;
            if self.output == StepOutput::Sequence {
                outputs.push(held)?;
            }
        }
        if self.output == StepOutput::Last { Ok(held) } else { outputs.finish() }
    }
}

impl<S: Scalar> Layer<S> for WorkingMemory {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if !matches!(*shape.dims(), [steps, _, f] if f == self.features && steps > 0) {
            return Err(refuse(&self.path, self.features, shape.dims()));
        }
        self.scan(x, ctx).at(&self.path)
    }
}
