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
    /// Adds the weights of the spikes that arrive in step `now`, each times its factor if there is `scale`.
    fn deliver(
        &mut self,
        now: u64,
        spikes: &[u32],
        scale: Option<&[f32]>,
        input: &mut [f32],
    ) -> Result<(), NetworkError>;

    /// Shows the rule, if there is one, a step.
    fn learn(&mut self, _activity: &Activity<'_, f32>) -> Result<(), NetworkError> {
        Ok(())
    }

    /// Brings all weights up to the end of step `now`.
    fn settle(&mut self, _now: u64) -> Result<(), NetworkError> {
        Ok(())
    }

    /// The weights, if a rule changes them.
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

/// The numbers that synapses have in the whole; `None`: the same, or nobody asks.
pub(super) type Numbers = Option<Vec<u32>>;

/// A wire onto one piece, and the numbers of its synapses.
pub(super) type Cut = (Box<dyn Wire>, Numbers);

/// A whole connection, to be cut.
pub(super) trait Bundle {
    fn pre(&self) -> usize;
    fn post(&self) -> usize;
    fn synapses(&self) -> usize;
    /// `None` if the connection cannot be cut and `range` is not all of it.
    fn cut(&self, range: core::ops::Range<usize>) -> Result<Option<Cut>, NetworkError>;
}

/// The part of `synapses` that reaches `range`.
fn part<C: Connection<f32> + Clone>(
    synapses: &C,
    range: core::ops::Range<usize>,
) -> Result<Option<(C, Numbers)>, NetworkError> {
    if range == (0..synapses.post()) {
        return Ok(Some((synapses.clone(), None)));
    }
    Ok(synapses.restrict(range)?.map(|(part, kept)| (part, Some(kept))))
}

fn deliver<C: Connection<f32>>(
    synapses: &C,
    spikes: &[u32],
    scale: Option<&[f32]>,
    input: &mut [f32],
) -> Result<(), NetworkError> {
    match scale {
        Some(scale) => synapses.deliver_scaled(spikes, scale, input)?,
        None => synapses.deliver(spikes, input)?,
    }
    Ok(())
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

    fn cut(&self, range: core::ops::Range<usize>) -> Result<Option<Cut>, NetworkError> {
        Ok(part(&self.0, range)?.map(|(synapses, _)| (Box::new(Fixed(synapses)) as Box<dyn Wire>, None)))
    }
}

impl<C: Connection<f32> + Send + Sync> Wire for Fixed<C> {
    fn deliver(
        &mut self,
        _now: u64,
        spikes: &[u32],
        scale: Option<&[f32]>,
        input: &mut [f32],
    ) -> Result<(), NetworkError> {
        deliver(&self.0, spikes, scale, input)
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
    fn deliver(
        &mut self,
        now: u64,
        spikes: &[u32],
        scale: Option<&[f32]>,
        input: &mut [f32],
    ) -> Result<(), NetworkError> {
        // What the rule owes these synapses up to the step before: most rules owe nothing.
        if let Some(before) = now.checked_sub(1) {
            self.rule.settle_outgoing(&mut self.state, before, spikes, &mut self.synapses)?;
        }
        deliver(&self.synapses, spikes, scale, input)
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
        if weights.len() != self.synapses.synapses() || !weights.iter().all(|w| w.is_finite()) {
            let expected = self.synapses.synapses();
            let message = format!("{} weights where {expected} finite ones are expected", weights.len());
            return Err(NetworkError::Snapshot(message));
        }
        self.synapses.weights_mut().copy_from_slice(&weights);
        self.state = state;
        Ok(())
    }
}
