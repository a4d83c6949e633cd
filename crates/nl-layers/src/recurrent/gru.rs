//! The gated recurrent unit.

use nl_autodiff::Scalar;
use serde::{Deserialize, Serialize};

use super::{InitialState, Recurrent, RecurrentShape, RecurrentUnit, StepOutput, one};
use crate::graph::{Built, Form, LayerConfig};
use crate::{Builder, Error};

/// A gated recurrent unit in a configuration: `{kind: gru, units: 128, output: last}`.
///
/// r_t = σ(W_r x_t + b_r + U_r h_{t−1}); z_t = σ(W_z x_t + b_z + U_z h_{t−1})
///
/// n_t = tanh(W_n x_t + b_n + r_t ⊙ (U_n h_{t−1} + c_n)); h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}
///
/// The reset gate is applied after the recurrent product, as in PyTorch and cuDNN (and so c_n is not part of b_n); Cho et al. apply
/// it before, which costs a second product. Gates lie in the order r, z, n; shapes as of [`Recurrent`].
///
/// Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, eq. 5 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GruConfig {
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
    /// The state before the first step.
    #[serde(default)]
    pub initial_state: InitialState,
}

impl LayerConfig for GruConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let &Self { units, layers, bidirectional, output, truncate, initial_state } = self;
        let unit = RecurrentUnit::Gru;
        let shape = RecurrentShape { unit, inputs: 0, units, layers, bidirectional, output, truncate, initial_state };
        Recurrent::built(at, inputs, shape)
    }
}
