//! The leaky integrate-and-fire neuron of a layer, behind a synaptic current.

use std::sync::Arc;

use nl_autodiff::{CustomOp, Scalar};
use nl_neuron::dynamics::Scan;
use nl_neuron::{CubaLifDynamics, Ms, Reset};
use serde::{Deserialize, Serialize};

use super::neuron::{Learned, Maker, Neuron, SpikingInput, subtract};
use super::op::SpikingOp;
use super::parameter::Parameter;
use crate::Error;

/// V ← e^(−dt/τ_m) V + I, then I ← e^(−dt/τ_syn) I + x; spike and reset as of [`LifConfig`](super::LifConfig).
///
/// V moves with the current from before the step's input, as in NEST and [`nl_neuron::CubaExp`]: an input acts from the next step on.
/// (snnTorch's `Synaptic` lets it act at once.) Equation: [`CubaLifDynamics`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CubaLifConfig {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Time constant of the synaptic current.
    pub tau_syn: Ms,
    /// Threshold.
    pub v_th: f64,
    /// Potential after a spike; with `subtract`, V_th − V_reset is taken off.
    pub v_reset: f64,
    /// What a spike does to V.
    pub reset: Reset,
    /// What the synaptic current does to V: all of it, or 1 − e^(−dt/τ_m) of it.
    pub input: SpikingInput,
}

impl Default for CubaLifConfig {
    fn default() -> Self {
        let (tau_m, tau_syn, input) = (Ms(20.0), Ms(5.0), SpikingInput::Jump);
        Self { tau_m, tau_syn, v_th: 1.0, v_reset: 0.0, reset: subtract(), input }
    }
}

impl Neuron for CubaLifConfig {
    fn parameters(&self, make: &mut Maker<'_>) -> Result<Vec<Parameter>, Error> {
        let decay = make.decay(Learned::TauM, "tau_m", self.tau_m)?;
        let decay_syn = make.decay(Learned::TauSyn, "tau_syn", self.tau_syn)?;
        let threshold = make.threshold(self.v_th, self.v_reset)?;
        let gain = self.input.gain(&decay);
        Ok(vec![decay, gain, Parameter::fixed(0.0), threshold, Parameter::fixed(self.v_reset), decay_syn])
    }

    fn op<S: Scalar>(&self, scan: Scan, recurrent: bool) -> Arc<dyn CustomOp<S>> {
        Arc::new(SpikingOp { dynamics: CubaLifDynamics { reset: self.reset }, scan, recurrent })
    }
}
