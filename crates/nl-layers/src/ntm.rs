//! A memory of slots with a head that reads and writes by content.

use nl_autodiff::{KeepDims, Scalar, Transpose, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, product, sequence};
use crate::steps::{Collected, refuse, step};
use crate::{Builder, Context, Error, Initializer, Layer, Linear, ParameterId, Role};

/// The memory of a neural Turing machine in a configuration: `{kind: ntm, slots: 32, width: 16}`, addressed by content.
///
/// From the step x_t and what was read before, r_{t−1}, one linear map gives two keys k, their sharpness β (softplus), what is erased
/// e (σ) and what is added a; then
///
/// w = softmax_i(β cos(k, M_i)), for writing and for reading each
///
/// M ← M ⊙ (1 − w eᵀ) + w aᵀ, then r_t = Σ_i w_i M_i
///
/// | | shape |
/// |---|---|
/// | input | `[T, B, F]` |
/// | output r | `[T, B, width]` |
/// | first M (`memory`) | `[slots, width]` |
/// | `head` | `[4 · width + 2, F + width]`, `[4 · width + 2]`: write key, erase, add, read key, both β |
///
/// Without addressing by place (interpolation, shift, sharpening: eq. 7 to 9).
///
/// Source: Graves, Wayne & Danihelka, "Neural Turing machines", 2014, eq. 2 to 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NtmConfig {
    /// Rows of the memory.
    pub slots: usize,
    /// Numbers of a row.
    pub width: usize,
}

struct Ntm {
    path: String,
    features: usize,
    slots: usize,
    width: usize,
    memory: ParameterId,
    head: Linear,
}

impl LayerConfig for NtmConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [steps, features] = sequence(at, inputs)?;
        let &Self { slots, width } = self;
        // Rows that differ, so that there is something to address.
        let memory = at.parameter("memory", &[slots, width], Role::Weight, Initializer::XavierUniform)?;
        let outputs = width.saturating_mul(4).saturating_add(2);
        let given = features.saturating_add(width);
        let head = Linear::new(&at.child("head")?, given, outputs, Initializer::XavierUniform)?;
        let layer = Ntm { path: at.path().to_owned(), features, slots, width, memory, head };
        // The map, two comparisons, the write (erase and add) and the read.
        let macs = product(&[steps, given, outputs]).saturating_add(product(&[5, steps, slots, width]));
        Ok(Built::layer(layer, Form::sequence(steps, width), macs))
    }
}

impl Ntm {
    /// w `[B, N, 1]` for keys `[B, W]` and their sharpness `[B, 1]`.
    fn address<'t, S: Scalar>(
        &self,
        memory: Var<'t, S>,
        key: Var<'t, S>,
        beta: Var<'t, S>,
    ) -> Result<Var<'t, S>, nl_autodiff::Error> {
        // Keeps the slope of a length finite at 0.
        const TINY: f64 = 1e-8;
        let batch = key.shape().dims()[0];
        let dot = memory.matmul(key.unsqueeze(2)?)?.reshape(&[batch, self.slots])?;
        let long = |x: Var<'t, S>, axis: usize| x.square()?.sum_axes(&[axis], KeepDims::No)?.add_scalar(TINY)?.sqrt();
        let lengths = long(memory, 2)?.mul(long(key, 1)?.unsqueeze(1)?)?;
        dot.div(lengths)?.mul(beta.softplus()?)?.softmax()?.unsqueeze(2)
    }

    fn step<'t, S: Scalar>(
        &self,
        memory: Var<'t, S>,
        orders: Var<'t, S>,
    ) -> Result<(Var<'t, S>, Var<'t, S>), nl_autodiff::Error> {
        let w = self.width;
        let part = |from: usize, to: usize| orders.slice(1, from..to);
        let write = self.address(memory, part(0, w)?, part(4 * w, 4 * w + 1)?)?;
        let (erase, add) = (part(w, 2 * w)?.sigmoid()?.unsqueeze(1)?, part(2 * w, 3 * w)?.unsqueeze(1)?);
        let kept = write.matmul(erase)?.rsub_scalar(1.0)?;
        let memory = memory.mul(kept)?.add(write.matmul(add)?)?;
        let read = self.address(memory, part(3 * w, 4 * w)?, part(4 * w + 1, 4 * w + 2)?)?;
        let found = read.matmul_with(Transpose::Yes, memory, Transpose::No)?;
        let batch = orders.shape().dims()[0];
        Ok((memory, found.reshape(&[batch, w])?))
    }
}

impl<S: Scalar> Layer<S> for Ntm {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let &[steps, batch, features] = shape.dims() else {
            return Err(refuse(&self.path, self.features, shape.dims()));
        };
        if features != self.features || steps == 0 {
            return Err(refuse(&self.path, self.features, shape.dims()));
        }
        let first = ctx.parameter(self.memory).broadcast_to(&[batch, self.slots, self.width]);
        let mut memory = first.at(&self.path)?;
        let mut read = ctx.tape().constant_with(&[batch, self.width], |r| r.fill(S::ZERO)).at(&self.path)?;
        let mut outputs = Collected::new(x);
        for t in 0..steps {
            let given = step(x, t).and_then(|x| Var::concat(&[x, read], 1)).at(&self.path)?;
            let orders = self.head.forward(given, ctx)?;
            (memory, read) = self.step(memory, orders).at(&self.path)?;
            outputs.push(read).at(&self.path)?;
        }
        outputs.finish().at(&self.path)
    }
}
