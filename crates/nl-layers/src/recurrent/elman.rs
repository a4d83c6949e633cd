//! Elman's simple recurrent network.

use nl_autodiff::Scalar;
use serde::{Deserialize, Serialize};

use super::{InitialState, Recurrent, RecurrentShape, RecurrentUnit, StepOutput, one};
use crate::graph::{Built, Form, LayerConfig};
use crate::{Builder, Error};

/// Elman's network in a configuration: `{kind: elman, units: 64}`.
///
/// h_t = φ(W x_t + b + U h_{t−1})
///
/// Shapes as of [`Recurrent`]. Source: Elman, "Finding structure in time", Cognitive Science 14, 1990; with ReLU, Le, Jaitly &
/// Hinton, 2015.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ElmanConfig {
    /// Units of each direction.
    pub units: usize,
    /// φ
    #[serde(default)]
    pub function: ElmanActivation,
    /// Layers, each over the states of the one before.
    #[serde(default = "one")]
    pub layers: usize,
    /// Whether as many units again go from the last step to the first.
    #[serde(default)]
    pub bidirectional: bool,
    /// What is given on: the states of all steps, or the last.
    #[serde(default)]
    pub output: StepOutput,
    /// Truncated back-propagation through time: after so many steps the gradient stops. Without it, it goes through all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
    /// The state before the first step.
    #[serde(default)]
    pub initial_state: InitialState,
}

/// The nonlinearity of [`ElmanConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ElmanActivation {
    /// tanh x
    #[default]
    Tanh,
    /// max(0, x)
    Relu,
}

impl LayerConfig for ElmanConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let &Self { units, function, layers, bidirectional, output, truncate, initial_state } = self;
        let unit = match function {
            ElmanActivation::Tanh => RecurrentUnit::Tanh,
            ElmanActivation::Relu => RecurrentUnit::Relu,
        };
        let shape = RecurrentShape { unit, inputs: 0, units, layers, bidirectional, output, truncate, initial_state };
        Recurrent::built(at, inputs, shape)
    }
}
