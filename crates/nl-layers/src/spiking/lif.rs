//! The leaky integrate-and-fire neuron of a layer.

use std::sync::Arc;

use nl_autodiff::{CustomOp, Scalar};
use nl_neuron::dynamics::Scan;
use nl_neuron::{LifDynamics, Ms, Reset};
use serde::{Deserialize, Serialize};

use super::neuron::{Learned, Maker, Neuron, SpikingInput, subtract};
use super::op::SpikingOp;
use super::parameter::Parameter;
use crate::Error;

/// V ← e^(−dt/τ_m) V + x; a spike at V ≥ V_th; then V ← V − (V_th − V_reset), or V_reset. snnTorch's β is e^(−dt/τ_m): 0.95 is
/// τ_m = 19.5 ms at dt = 1 ms.
///
/// Equation: [`LifDynamics`], that of [`nl_neuron::Lif`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LifConfig {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Threshold.
    pub v_th: f64,
    /// Potential after a spike; with `subtract`, V_th − V_reset is taken off.
    pub v_reset: f64,
    /// What a spike does to V.
    pub reset: Reset,
    /// What one unit of input does.
    pub input: SpikingInput,
}

impl Default for LifConfig {
    fn default() -> Self {
        Self { tau_m: Ms(20.0), v_th: 1.0, v_reset: 0.0, reset: subtract(), input: SpikingInput::Jump }
    }
}

impl SpikingInput {
    /// What an input is multiplied with.
    pub(super) fn gain(self, decay: &Parameter) -> Parameter {
        match self {
            Self::Jump => Parameter::fixed(1.0),
            Self::Current => Parameter::Rest(Box::new(decay.clone())),
        }
    }
}

impl Neuron for LifConfig {
    fn parameters(&self, make: &mut Maker<'_>) -> Result<Vec<Parameter>, Error> {
        let decay = make.decay(Learned::TauM, "tau_m", self.tau_m)?;
        let threshold = make.threshold(self.v_th, self.v_reset)?;
        let gain = self.input.gain(&decay);
        Ok(vec![decay, gain, Parameter::fixed(0.0), threshold, Parameter::fixed(self.v_reset)])
    }

    fn op<S: Scalar>(&self, scan: Scan, recurrent: bool) -> Arc<dyn CustomOp<S>> {
        Arc::new(SpikingOp { dynamics: LifDynamics { reset: self.reset }, scan, recurrent })
    }
}
