//! Layers whose state goes from step to step: what Elman's network, GRU and LSTM have in common.
//!
//! The input's part of all steps is one product; what remains for a step is the state's part, in one operation for the whole
//! sequence ([`Var::recurrent`](nl_autodiff::Var::recurrent)).

mod elman;
mod gru;
mod lstm;

pub(crate) use elman::ElmanConfig;
pub(crate) use gru::GruConfig;
pub(crate) use lstm::LstmConfig;

use nl_autodiff::{Scalar, Scan, Unit, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, product, sequence};
use crate::{Builder, Context, Error, Fans, Initializer, Layer, ParameterId, Role};

/// What a layer over steps gives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StepOutput {
    /// The states of all steps, `[T, B, H]`.
    #[default]
    Sequence,
    /// The state after the last step, `[B, H]`; of a backward direction, its own last: that of the first step.
    Last,
}

/// The state before the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InitialState {
    /// 0
    #[default]
    Zeros,
    /// A parameter, the same for every sequence, which begins at 0.
    Learned,
}

/// The equations of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecurrentUnit {
    /// h' = tanh(a + U h)
    Tanh,
    /// h' = max(0, a + U h)
    Relu,
    /// r, z = σ(a + U h); n = tanh(a_n + r ⊙ (U_n h + c)); h' = (1 − z) ⊙ n + z ⊙ h
    Gru,
    /// i, f, o = σ(a + U h); g = tanh(a_g + U_g h); c' = f ⊙ c + i ⊙ g; h' = o ⊙ tanh c'
    Lstm,
}

impl RecurrentUnit {
    /// Gates, the candidate among them.
    const fn gates(self) -> usize {
        match self {
            Self::Tanh | Self::Relu => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }
}

/// The hyper-parameters of a [`Recurrent`] layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecurrentShape {
    /// The equations of a unit.
    pub unit: RecurrentUnit,
    /// Features of a step.
    pub inputs: usize,
    /// Units of each direction.
    pub units: usize,
    /// Layers, each over the states of the one before.
    pub layers: usize,
    /// Whether a second set of units goes from the last step to the first.
    pub bidirectional: bool,
    /// What is given on.
    pub output: StepOutput,
    /// Steps after which the state counts as a constant.
    pub truncate: Option<usize>,
    /// The state before the first step.
    pub initial_state: InitialState,
}

/// Recurrent layers, stacked, in one direction or both.
///
/// | | shape |
/// |---|---|
/// | input | `[T, B, F]` |
/// | output | `[T, B, H]`, or `[B, H]` for [`StepOutput::Last`]; 2 H with both directions, forward first |
/// | W (`layer-1/forward/input/weight`), b (`…/input/bias`) | `[G · H, F]`, `[G · H]`, G gates |
/// | U (`…/recurrent/weight`) | `[G · H, H]` |
/// | the candidate's second bias of a GRU (`…/recurrent/bias`) | `[H]` |
/// | learned first states (`…/initial/state`, `…/initial/cell`) | `[H]` |
///
/// PyTorch has two biases everywhere, of which only the sum counts but for the GRU's candidate; here there is one.
///
/// With `truncate` the gradient stops after so many steps: Williams & Peng, "An efficient gradient-based algorithm for on-line
/// training of recurrent network trajectories", 1990.
#[derive(Debug, Clone)]
pub struct Recurrent {
    path: String,
    shape: RecurrentShape,
    stack: Vec<Vec<Direction>>,
}

#[derive(Debug, Clone)]
struct Direction {
    path: String,
    reverse: bool,
    weight: ParameterId,
    bias: ParameterId,
    recurrent: ParameterId,
    candidate: Option<ParameterId>,
    initial: Option<[Option<ParameterId>; 2]>,
}

impl Direction {
    fn new(at: &Builder, shape: &RecurrentShape, inputs: usize, reverse: bool) -> Result<Self, Error> {
        let RecurrentShape { unit, units, initial_state, .. } = *shape;
        let overflow = || Error::hyperparameter(at.path(), format!("{units} units are more than memory has addresses"));
        let wide = units.checked_mul(unit.gates()).ok_or_else(overflow)?;
        let (input, recurrent) = (at.child("input")?, at.child("recurrent")?);
        // Each gate is a layer of its own.
        let draw = |at: &Builder, inputs: usize| {
            let fans = Fans { fan_in: inputs, fan_out: units };
            at.parameter_with_fans("weight", &[wide, inputs], fans, Role::Weight, Initializer::XavierUniform)
        };
        let zeros = |at: &Builder, name: &str, len: usize| at.parameter(name, &[len], Role::Bias, Initializer::Zeros);
        Ok(Self {
            path: at.path().to_owned(),
            reverse,
            weight: draw(&input, inputs)?,
            bias: zeros(&input, "bias", wide)?,
            recurrent: draw(&recurrent, units)?,
            candidate: match unit {
                RecurrentUnit::Gru => Some(zeros(&recurrent, "bias", units)?),
                _ => None,
            },
            initial: match initial_state {
                InitialState::Zeros => None,
                InitialState::Learned => {
                    let at = at.child("initial")?;
                    let state = Some(zeros(&at, "state", units)?);
                    Some([state, if unit == RecurrentUnit::Lstm { Some(zeros(&at, "cell", units)?) } else { None }])
                }
            },
        })
    }

    /// The states of all steps.
    fn states<'t, S: Scalar>(
        &self,
        shape: &RecurrentShape,
        x: Var<'t, S>,
        zeros: Var<'t, S>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let a = x.linear(ctx.parameter(self.weight), Some(ctx.parameter(self.bias)))?;
        let dims = zeros.shape();
        let first = |id: Option<ParameterId>, ctx: &Context<'t, S>| match id {
            Some(id) => ctx.parameter(id).broadcast_to(dims.dims()),
            None => Ok(zeros),
        };
        let [state, cell] = self.initial.unwrap_or_default();
        let unit = match (shape.unit, self.candidate) {
            (RecurrentUnit::Gru, Some(bias)) => Unit::Gru(ctx.parameter(bias)),
            (RecurrentUnit::Lstm, _) => Unit::Lstm(first(cell, ctx)?),
            (RecurrentUnit::Relu, _) => Unit::Relu,
            _ => Unit::Tanh,
        };
        let scan = Scan { reverse: self.reverse, truncate: shape.truncate.unwrap_or(0) };
        a.recurrent(unit, scan, ctx.parameter(self.recurrent), first(state, ctx)?)
    }
}

impl Recurrent {
    /// The layers of `shape`, with Xavier's weights for each gate, and biases of 0.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] without layers or units, or for a truncation after 0 steps; otherwise as
    /// [`Builder::parameter`].
    pub fn new(builder: &Builder, shape: RecurrentShape) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        if shape.layers == 0 {
            return Err(Error::hyperparameter(&path, "layers is 0; use one or more"));
        }
        if shape.truncate == Some(0) {
            return Err(Error::hyperparameter(&path, "truncate is 0; leave it out to go back through all steps"));
        }
        let directions: &[(&str, bool)] =
            if shape.bidirectional { &[("forward", false), ("backward", true)] } else { &[("forward", false)] };
        let mut stack = Vec::new();
        let mut inputs = shape.inputs;
        for layer in 1..=shape.layers {
            let at = builder.child(&format!("layer-{layer}"))?;
            let make = |&(name, reverse): &(&str, bool)| Direction::new(&at.child(name)?, &shape, inputs, reverse);
            stack.push(directions.iter().map(make).collect::<Result<Vec<_>, _>>()?);
            inputs = shape.units * directions.len();
        }
        Ok(Self { path, shape, stack })
    }

    /// The layer in a network of a configuration.
    fn built<S: Scalar>(at: &Builder, inputs: &[Form], shape: RecurrentShape) -> Result<Built<S>, Error> {
        let [steps, features] = sequence(at, inputs)?;
        let layer = Self::new(at, RecurrentShape { inputs: features, ..shape })?;
        let directions = if shape.bidirectional { 2 } else { 1 };
        let wide = shape.units * directions;
        let first = product(&[steps, shape.unit.gates(), wide, features.saturating_add(shape.units)]);
        let other = product(&[shape.layers - 1, steps, shape.unit.gates(), wide, wide + shape.units]);
        let output = match shape.output {
            StepOutput::Sequence => Form::sequence(steps, wide),
            StepOutput::Last => Form::features(wide),
        };
        Ok(Built::layer(layer, output, first.saturating_add(other)))
    }
}

impl<S: Scalar> Layer<S> for Recurrent {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let dims = x.shape();
        let &[steps, batch, features] = dims.dims() else {
            return Err(self.refuse(dims.dims()));
        };
        if features != self.shape.inputs || steps == 0 {
            return Err(self.refuse(dims.dims()));
        }
        let zeros = ctx.tape().constant_with(&[batch, self.shape.units], |x| x.fill(S::ZERO)).at(&self.path)?;
        let mut value = x;
        for (i, layer) in self.stack.iter().enumerate() {
            let last = self.shape.output == StepOutput::Last && i + 1 == self.stack.len();
            let mut given = [value; 2];
            for (given, direction) in given.iter_mut().zip(layer) {
                let states = direction.states(&self.shape, value, zeros, ctx).at(&direction.path)?;
                *given = if last {
                    let at = if direction.reverse { 0 } else { steps - 1 };
                    let state = states.slice(0, at..at + 1).at(&self.path)?;
                    state.reshape(&[batch, self.shape.units]).at(&self.path)?
                } else {
                    states
                };
            }
            value = match layer.len() {
                1 => given[0],
                _ => Var::concat(&given, if last { 1 } else { 2 }).at(&self.path)?,
            };
        }
        Ok(value)
    }
}

impl Recurrent {
    fn refuse(&self, got: &[usize]) -> Error {
        let expected = format!("[T, B, {}]", self.shape.inputs);
        Error::input(&self.path, expected, got, "pass sequences of one step or more, time first")
    }
}

const fn one() -> usize {
    1
}
