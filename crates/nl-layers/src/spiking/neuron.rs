//! The table of neurons that a layer can be made of: a new one joins here.

use std::sync::Arc;

use nl_autodiff::{CustomOp, Scalar};
use nl_neuron::dynamics::Scan;
use nl_neuron::{Ms, Reset};
use serde::{Deserialize, Serialize};

use super::parameter::{Parameter, Per, Sort};
use super::{AlifConfig, CubaLifConfig, LifConfig};
use crate::{Builder, Error};

/// The neuron of a [spiking layer](super::Spiking): `{kind: lif, tau_m: 20}`. Without dimension: V rests at 0, a threshold is 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SpikingNeuron {
    /// Leaky integrate-and-fire.
    Lif(LifConfig),
    /// Leaky integrate-and-fire behind a synaptic current that decays exponentially.
    CubaLif(CubaLifConfig),
    /// Leaky integrate-and-fire whose threshold each spike raises.
    Alif(AlifConfig),
}

impl Default for SpikingNeuron {
    fn default() -> Self {
        Self::Lif(LifConfig::default())
    }
}

/// A parameter of a neuron that can be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Learned {
    /// Membrane time constant, as e^(−dt/τ) = σ(w).
    TauM,
    /// Synaptic time constant, likewise.
    TauSyn,
    /// Time constant of the adaptation, likewise.
    TauA,
    /// Threshold, as V_reset + e^w.
    VTh,
    /// How far a spike raises the threshold.
    Beta,
}

/// What one unit of input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SpikingInput {
    /// It is added to the membrane potential (snnTorch's reading).
    #[default]
    Jump,
    /// It is a current held over the step: (1 − e^(−dt/τ_m)) of it are added, so that V approaches it.
    Current,
}

/// What a neuron's configuration says of itself.
pub(super) trait Neuron {
    /// Its parameters, in the order of its equation.
    fn parameters(&self, make: &mut Maker<'_>) -> Result<Vec<Parameter>, Error>;

    /// Its equation over a sequence.
    fn op<S: Scalar>(&self, scan: Scan, recurrent: bool) -> Arc<dyn CustomOp<S>>;
}

impl SpikingNeuron {
    pub(super) fn parameters(
        &self,
        at: &Builder,
        neurons: usize,
        dt: Ms,
        (learn, per): (&[Learned], Per),
    ) -> Result<Vec<Parameter>, Error> {
        let mut make = Maker { at, neurons, dt, learn, per, known: Vec::new() };
        let parameters = match self {
            Self::Lif(config) => config.parameters(&mut make),
            Self::CubaLif(config) => config.parameters(&mut make),
            Self::Alif(config) => config.parameters(&mut make),
        }?;
        make.finish()?;
        Ok(parameters)
    }

    pub(super) fn op<S: Scalar>(&self, scan: Scan, recurrent: bool) -> Arc<dyn CustomOp<S>> {
        match self {
            Self::Lif(config) => config.op(scan, recurrent),
            Self::CubaLif(config) => config.op(scan, recurrent),
            Self::Alif(config) => config.op(scan, recurrent),
        }
    }
}

/// Makes the parameters of a neuron, fixed or learned as the layer wants them.
pub(super) struct Maker<'a> {
    at: &'a Builder,
    neurons: usize,
    dt: Ms,
    learn: &'a [Learned],
    per: Per,
    /// What the neuron has that can be learned.
    known: Vec<Learned>,
}

impl Maker<'_> {
    fn refuse(&self, message: String) -> Error {
        Error::hyperparameter(self.at.path(), message)
    }

    fn make(&mut self, which: Learned, name: &str, value: f64, sort: Sort) -> Result<Parameter, Error> {
        self.known.push(which);
        if !self.learn.contains(&which) {
            return Ok(Parameter::fixed(value));
        }
        Parameter::learned(self.at, name, (self.neurons, self.per), value, sort)
    }

    /// e^(−dt/τ)
    pub(super) fn decay(&mut self, which: Learned, name: &'static str, tau: Ms) -> Result<Parameter, Error> {
        let (units, dt) = (|error: nl_neuron::Error| error.to_string(), self.dt);
        nl_neuron::Error::positive("spiking", "dt", dt.0).map_err(units).map_err(|e| self.refuse(e))?;
        nl_neuron::Error::positive("spiking", name, tau.0).map_err(units).map_err(|e| self.refuse(e))?;
        self.make(which, name, (-dt.0 / tau.0).exp(), Sort::Decay)
    }

    /// A threshold above `v_reset`.
    pub(super) fn threshold(&mut self, v_th: f64, v_reset: f64) -> Result<Parameter, Error> {
        if !(v_th.is_finite() && v_reset.is_finite() && v_reset < v_th) {
            return Err(
                self.refuse(format!("v_th is {v_th} and v_reset {v_reset}; use finite numbers, v_reset below v_th"))
            );
        }
        self.make(Learned::VTh, "v_th", v_th, Sort::Above(v_reset))
    }

    /// Any finite number.
    pub(super) fn number(&mut self, which: Learned, name: &str, value: f64) -> Result<Parameter, Error> {
        if !value.is_finite() {
            return Err(self.refuse(format!("{name} is {value}; use a finite number")));
        }
        self.make(which, name, value, Sort::Any)
    }

    /// `Ok` if the neuron has all that is to be learned.
    fn finish(&self) -> Result<(), Error> {
        let name = |which: &Learned| match which {
            Learned::TauM => "tau_m",
            Learned::TauSyn => "tau_syn",
            Learned::TauA => "tau_a",
            Learned::VTh => "v_th",
            Learned::Beta => "beta",
        };
        match self.learn.iter().find(|which| !self.known.contains(which)) {
            None => Ok(()),
            Some(which) => {
                let known: Vec<_> = self.known.iter().map(name).collect();
                let (missing, known) = (name(which), known.join(", "));
                Err(self.refuse(format!("learn names {missing}, which this neuron does not have; it has {known}")))
            }
        }
    }
}

pub(super) const fn subtract() -> Reset {
    Reset::Subtract
}
