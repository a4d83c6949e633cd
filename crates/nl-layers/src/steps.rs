//! Sequences, step by step: cut, collected, a token before them, one step of them.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, sequence};
use crate::{Builder, Context, Error, Initializer, Layer, ParameterId, Role};

/// Step `t` of `[T, B, F]` as rows `[B, F]`; shares the buffer.
pub(crate) fn step<S: Scalar>(x: Var<'_, S>, t: usize) -> Result<Var<'_, S>, nl_autodiff::Error> {
    let shape = x.shape();
    x.slice(0, t..t + 1)?.reshape(&shape.dims()[1..])
}

/// Rows and runs that are kept before they are joined.
const MOST: usize = 64;

/// Rows `[B, F]` that become a sequence `[T, B, F]`, gathered without allocating.
pub(crate) struct Collected<'t, S> {
    /// The latest rows, then runs of full lists of them.
    lists: [[Var<'t, S>; MOST]; 2],
    lens: [usize; 2],
}

impl<'t, S: Scalar> Collected<'t, S> {
    /// An empty list; `any` fills the places that hold nothing yet.
    pub(crate) fn new(any: Var<'t, S>) -> Self {
        Self { lists: [[any; MOST]; 2], lens: [0; 2] }
    }

    /// Adds one step.
    pub(crate) fn push(&mut self, rows: Var<'t, S>) -> Result<(), nl_autodiff::Error> {
        self.add(0, rows.unsqueeze(0)?);
        if self.lens[0] == MOST {
            let run = Var::concat(&self.lists[0], 0)?;
            self.lens[0] = 0;
            self.add(1, run);
        }
        if self.lens[1] == MOST {
            self.lists[1][0] = Var::concat(&self.lists[1], 0)?;
            self.lens[1] = 1;
        }
        Ok(())
    }

    fn add(&mut self, list: usize, value: Var<'t, S>) {
        self.lists[list][self.lens[list]] = value;
        self.lens[list] += 1;
    }

    /// All steps, of which there is one or more.
    pub(crate) fn finish(mut self) -> Result<Var<'t, S>, nl_autodiff::Error> {
        if self.lens[0] > 0 {
            let rest = Var::concat(&self.lists[0][..self.lens[0]], 0)?;
            self.add(1, rest);
        }
        match self.lens[1] {
            1 => Ok(self.lists[1][0]),
            n => Var::concat(&self.lists[1][..n], 0),
        }
    }
}

/// A learned step before all others: y_0 = p, y_{t+1} = x_t, as read-out of a stack of attention layers.
///
/// | | shape |
/// |---|---|
/// | input, output | `[T, B, F]`, `[T + 1, B, F]` |
/// | p (`token`) | `[F]` |
///
/// Source: Devlin et al., "BERT", 2019, section 3; for images, Dosovitskiy et al., 2021, eq. 1.
#[derive(Debug, Clone)]
struct ClassToken {
    path: String,
    features: usize,
    token: ParameterId,
}

/// A class token in a configuration: `{kind: class-token}`, a learned step before all others; after the last layer of attention
/// `{kind: select-step, step: first}` reads it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClassTokenConfig {}

impl LayerConfig for ClassTokenConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [steps, features] = sequence(at, inputs)?;
        let token = at.parameter("token", &[features], Role::Bias, Initializer::Zeros)?;
        let layer = ClassToken { path: at.path().to_owned(), features, token };
        Ok(Built::layer(layer, Form::sequence(steps.saturating_add(1), features), 0))
    }
}

impl<S: Scalar> Layer<S> for ClassToken {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let &[_, batch, features] = shape.dims() else { return Err(refuse(&self.path, self.features, shape.dims())) };
        if features != self.features {
            return Err(refuse(&self.path, self.features, shape.dims()));
        }
        let token = ctx.parameter(self.token).broadcast_to(&[1, batch, features]).at(&self.path)?;
        Var::concat(&[token, x], 0).at(&self.path)
    }
}

/// What a layer over `[T, B, features]` says of another shape.
pub(crate) fn refuse(path: &str, features: usize, got: &[usize]) -> Error {
    Error::input(path, format!("[T, B, {features}]"), got, "pass sequences, time first")
}

/// Which step [`SelectStepConfig`] gives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhichStep {
    /// The first: where a class token lies.
    First,
    /// The last.
    Last,
}

/// One step of a sequence in a configuration: `{kind: select-step, step: last}`; `[T, B, F]` to `[B, F]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SelectStepConfig {
    /// Which.
    pub step: WhichStep,
}

impl LayerConfig for SelectStepConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [_, features] = sequence(at, inputs)?;
        let layer = SelectStep { path: at.path().to_owned(), which: self.step };
        Ok(Built::layer(layer, Form::features(features), 0))
    }
}

struct SelectStep {
    path: String,
    which: WhichStep,
}

impl<S: Scalar> Layer<S> for SelectStep {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        match (self.which, shape.dims()) {
            (_, got @ &[0, ..]) => {
                Err(Error::input(&self.path, "[T, B, F]", got, "pass sequences of one step or more"))
            }
            (WhichStep::First, &[_, _, _]) => step(x, 0).at(&self.path),
            (WhichStep::Last, &[steps, _, _]) => step(x, steps - 1).at(&self.path),
            (_, got) => Err(Error::input(&self.path, "[T, B, F]", got, "pass sequences of one step or more")),
        }
    }
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{Tape, Tensor};

    use super::*;

    #[test]
    fn any_number_of_steps_is_collected_in_order() {
        for steps in [1, 2, 63, 64, 65, 4095, 4096, 4097, 9000] {
            let tape = Tape::<f32>::new();
            let x = tape.constant(Tensor::from_fn(&[steps, 1, 1], |i| i as f32).unwrap());
            let mut all = Collected::new(x);
            (0..steps).for_each(|t| all.push(step(x, t).unwrap()).unwrap());
            assert_eq!(all.finish().unwrap().value(), x.value(), "{steps}");
        }
    }
}
