//! A piece of a projection: synapses that deliver, and perhaps learn.

use std::sync::Arc;

use nl_plasticity::{Activity, PlasticityRule};
use nl_synapse::{Connection, Weights};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::NetworkError;
use super::cells::{from_bytes, to_bytes};

/// Synapses onto one piece, their kind forgotten.
pub(super) trait Wire: Send + Sync {
    fn deliver(&self, spikes: &[u32], input: &mut [f32]) -> Result<(), NetworkError>;
    fn learn(&mut self, activity: &Activity<'_, f32>) -> Result<(), NetworkError>;
    fn settle(&mut self, now: u64) -> Result<(), NetworkError>;
    /// The weights, if there is one for each synapse.
    fn weights(&self) -> Option<&[f32]>;
    fn weights_mut(&mut self) -> Option<&mut [f32]>;
    fn save(&self) -> Result<Vec<u8>, NetworkError>;
    fn load(&mut self, bytes: &[u8]) -> Result<(), NetworkError>;
}

/// A wire onto one piece, and the numbers its synapses have in the whole projection (empty: the same).
pub(super) type Cut = (Box<dyn Wire>, Vec<u32>);

/// A whole projection, to be cut.
pub(super) trait Bundle {
    fn pre(&self) -> usize;
    fn post(&self) -> usize;
    fn synapses(&self) -> usize;
    fn plastic(&self) -> bool;
    /// `None` if the connection cannot be cut and `range` is not all of it.
    fn cut(&self, range: core::ops::Range<usize>) -> Result<Option<Cut>, NetworkError>;
}

/// The part of `synapses` that reaches `range`.
fn part<C: Connection<f32> + Clone>(
    synapses: &C,
    range: core::ops::Range<usize>,
) -> Result<Option<(C, Vec<u32>)>, NetworkError> {
    if range == (0..synapses.post()) {
        return Ok(Some((synapses.clone(), Vec::new())));
    }
    Ok(synapses.restrict(range)?)
}

/// Weights that stay.
pub(super) struct Fixed<C>(pub(super) C);

impl<C: Connection<f32> + Clone + Send + Sync + 'static> Bundle for Fixed<C> {
    fn pre(&self) -> usize {
        self.0.pre()
    }

    fn post(&self) -> usize {
        self.0.post()
    }

    fn synapses(&self) -> usize {
        self.0.synapses()
    }

    fn plastic(&self) -> bool {
        false
    }

    fn cut(&self, range: core::ops::Range<usize>) -> Result<Option<Cut>, NetworkError> {
        Ok(part(&self.0, range)?.map(|(synapses, kept)| (Box::new(Fixed(synapses)) as Box<dyn Wire>, kept)))
    }
}

impl<C: Connection<f32> + Send + Sync> Wire for Fixed<C> {
    fn deliver(&self, spikes: &[u32], input: &mut [f32]) -> Result<(), NetworkError> {
        Ok(self.0.deliver(spikes, input)?)
    }

    fn learn(&mut self, _activity: &Activity<'_, f32>) -> Result<(), NetworkError> {
        Ok(())
    }

    fn settle(&mut self, _now: u64) -> Result<(), NetworkError> {
        Ok(())
    }

    fn weights(&self) -> Option<&[f32]> {
        None
    }

    fn weights_mut(&mut self) -> Option<&mut [f32]> {
        None
    }

    fn save(&self) -> Result<Vec<u8>, NetworkError> {
        Ok(Vec::new())
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        if bytes.is_empty() { Ok(()) } else { Err(NetworkError::Snapshot("fixed weights have no state".into())) }
    }
}

/// Weights that a rule changes.
pub(super) struct PlasticBundle<C, R> {
    pub(super) synapses: C,
    pub(super) rule: Arc<R>,
}

struct Plastic<C, R: PlasticityRule<f32>> {
    synapses: C,
    rule: Arc<R>,
    state: R::State,
}

impl<C, R> Bundle for PlasticBundle<C, R>
where
    C: Weights<f32> + Clone + Send + Sync + 'static,
    R: PlasticityRule<f32> + Send + Sync + 'static,
    R::State: Sync,
{
    fn pre(&self) -> usize {
        self.synapses.pre()
    }

    fn post(&self) -> usize {
        self.synapses.post()
    }

    fn synapses(&self) -> usize {
        self.synapses.synapses()
    }

    fn plastic(&self) -> bool {
        true
    }

    fn cut(&self, range: core::ops::Range<usize>) -> Result<Option<Cut>, NetworkError> {
        let Some((synapses, kept)) = part(&self.synapses, range)? else { return Ok(None) };
        let state = self.rule.state(synapses.pre(), synapses.post(), synapses.synapses())?;
        Ok(Some((Box::new(Plastic { synapses, rule: Arc::clone(&self.rule), state }), kept)))
    }
}

impl<C, R> Wire for Plastic<C, R>
where
    C: Weights<f32> + Send + Sync,
    R: PlasticityRule<f32> + Send + Sync,
    R::State: Sync + Serialize + DeserializeOwned,
{
    fn deliver(&self, spikes: &[u32], input: &mut [f32]) -> Result<(), NetworkError> {
        Ok(self.synapses.deliver(spikes, input)?)
    }

    fn learn(&mut self, activity: &Activity<'_, f32>) -> Result<(), NetworkError> {
        Ok(self.rule.step(&mut self.state, activity, &mut self.synapses)?)
    }

    fn settle(&mut self, now: u64) -> Result<(), NetworkError> {
        Ok(self.rule.settle(&mut self.state, now, &mut self.synapses)?)
    }

    fn weights(&self) -> Option<&[f32]> {
        Some(self.synapses.weights())
    }

    fn weights_mut(&mut self) -> Option<&mut [f32]> {
        Some(self.synapses.weights_mut())
    }

    fn save(&self) -> Result<Vec<u8>, NetworkError> {
        to_bytes(&(self.synapses.weights(), &self.state))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        let (weights, state): (Vec<f32>, R::State) = from_bytes(bytes)?;
        if weights.len() != self.synapses.synapses() {
            let message = format!("{} weights where {} are expected", weights.len(), self.synapses.synapses());
            return Err(NetworkError::Snapshot(message));
        }
        self.synapses.weights_mut().copy_from_slice(&weights);
        self.state = state;
        Ok(())
    }
}
