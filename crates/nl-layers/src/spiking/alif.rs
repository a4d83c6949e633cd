//! The leaky integrate-and-fire neuron of a layer whose threshold adapts.

use std::sync::Arc;

use nl_autodiff::{CustomOp, Scalar};
use nl_neuron::dynamics::Scan;
use nl_neuron::{AlifDynamics, Ms, Reset};
use serde::{Deserialize, Serialize};

use super::neuron::{Learned, Maker, Neuron, SpikingInput, subtract};
use super::op::SpikingOp;
use super::parameter::Parameter;
use crate::Error;

/// As [`LifConfig`](super::LifConfig), with a threshold of V_th + β a: a ← e^(−dt/τ_a) a, and each spike adds 1 to it.
///
/// Equation: [`AlifDynamics`], that of [`nl_neuron::Alif`]. Source: Bellec et al. 2018, 2020.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AlifConfig {
    /// Membrane time constant.
    pub tau_m: Ms,
    /// Time constant of the adaptation.
    pub tau_a: Ms,
    /// How far a spike raises the threshold.
    pub beta: f64,
    /// Threshold at rest.
    pub v_th: f64,
    /// Potential after a spike; with `subtract`, V_th − V_reset is taken off.
    pub v_reset: f64,
    /// What a spike does to V.
    pub reset: Reset,
    /// What one unit of input does.
    pub input: SpikingInput,
}

impl Default for AlifConfig {
    fn default() -> Self {
        let (tau_m, tau_a, input) = (Ms(20.0), Ms(200.0), SpikingInput::Jump);
        Self { tau_m, tau_a, beta: 0.18, v_th: 1.0, v_reset: 0.0, reset: subtract(), input }
    }
}

impl Neuron for AlifConfig {
    fn parameters(&self, make: &mut Maker<'_>) -> Result<Vec<Parameter>, Error> {
        let decay = make.decay(Learned::TauM, "tau_m", self.tau_m)?;
        let decay_a = make.decay(Learned::TauA, "tau_a", self.tau_a)?;
        let beta = make.number(Learned::Beta, "beta", self.beta)?;
        let threshold = make.threshold(self.v_th, self.v_reset)?;
        let gain = self.input.gain(&decay);
        Ok(vec![decay, gain, Parameter::fixed(0.0), threshold, Parameter::fixed(self.v_reset), decay_a, beta])
    }

    fn op<S: Scalar>(&self, scan: Scan, recurrent: bool) -> Arc<dyn CustomOp<S>> {
        Arc::new(SpikingOp { dynamics: AlifDynamics { reset: self.reset }, scan, recurrent })
    }
}
