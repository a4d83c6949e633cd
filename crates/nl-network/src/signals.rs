//! The neuromodulators of a network: a level that is held, and what is released.

use nl_plasticity::{Modulators, Neuromodulation, NeuromodulationState};
use serde::{Deserialize, Serialize};

use crate::NetworkError;

/// Where the concentrations of each step come from.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// How what is released decays; `None`: it is there for one step.
    pub(super) source: Option<Neuromodulation>,
    pub(super) state: SignalState,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct SignalState {
    held: Modulators,
    released: NeuromodulationState,
    /// Released in the step of this number, and gone in the next.
    pulse: (u64, Modulators),
}

impl Signals {
    pub(super) fn hold(&mut self, levels: Modulators) -> Result<(), NetworkError> {
        levels.check("modulators")?;
        self.state.held = levels;
        Ok(())
    }

    pub(super) fn release(&mut self, now: u64, amounts: Modulators) -> Result<(), NetworkError> {
        amounts.check("release")?;
        if let Some(source) = &self.source {
            return Ok(source.release(&mut self.state.released, now, amounts)?);
        }
        let (step, pulse) = self.state.pulse;
        self.state.pulse = (now, if step == now { pulse + amounts } else { amounts });
        Ok(())
    }

    /// The concentrations of a step.
    pub(super) fn at(&self, step: u64) -> Modulators {
        let SignalState { held, released, pulse } = &self.state;
        match &self.source {
            Some(source) => *held + source.at(released, step),
            None if pulse.0 == step => *held + pulse.1,
            None => *held,
        }
    }
}
