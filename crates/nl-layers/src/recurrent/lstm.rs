//! Long short-term memory.

use nl_autodiff::Scalar;
use serde::{Deserialize, Serialize};

use super::{InitialState, Recurrent, RecurrentShape, RecurrentUnit, StepOutput, one};
use crate::graph::{Built, Form, LayerConfig};
use crate::{Builder, Error};

/// Long short-term memory in a configuration: `{kind: lstm, units: 128, layers: 2}`.
///
/// i, f, o = σ(W x_t + b + U h_{t−1}), each with its own W, b and U; g = tanh(W_g x_t + b_g + U_g h_{t−1})
///
/// c_t = f ⊙ c_{t−1} + i ⊙ g; h_t = o ⊙ tanh c_t
///
/// Without peepholes. Gates lie in the order i, f, g, o; shapes as of [`Recurrent`].
///
/// Source: Hochreiter & Schmidhuber, "Long short-term memory", 1997; the forget gate f: Gers, Schmidhuber & Cummins, "Learning to
/// forget", 2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LstmConfig {
    /// Units of each direction.
    pub units: usize,
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
    /// The state (and the cell) before the first step.
    #[serde(default)]
    pub initial_state: InitialState,
}

impl LayerConfig for LstmConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let &Self { units, layers, bidirectional, output, truncate, initial_state } = self;
        let unit = RecurrentUnit::Lstm;
        let shape = RecurrentShape { unit, inputs: 0, units, layers, bidirectional, output, truncate, initial_state };
        Recurrent::built(at, inputs, shape)
    }
}
