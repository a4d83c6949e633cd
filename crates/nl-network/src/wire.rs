//! A piece of a projection: synapses that deliver, and perhaps learn.

use std::sync::Arc;

use nl_plasticity::{Activity, PlasticityRule, TraceValues};
use nl_synapse::{Connection, Rows, Share, Weights};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::NetworkError;
use crate::cells::{from_bytes, to_bytes};
use crate::route::Index;

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

    /// The rule's trace of that name at the end of step `now`, by the numbers of this piece; `None` without a rule.
    fn trace(&self, _now: u64, _name: &str) -> Result<Option<TraceValues<f32>>, NetworkError> {
        Ok(None)
    }

    /// `Ok` if the rule, if there is one, can have such weights.
    fn check_weights(&self, _weights: &[f32]) -> Result<(), NetworkError> {
        Ok(())
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

/// Synapses in one copy for all pieces: see [`route`](crate::route).
pub(super) trait Shared: Send + Sync {
    /// The list of its synapses: there is one.
    fn rows(&self) -> Option<Rows<'_, f32>>;
}

/// How a connection is spread over the pieces of its targets.
pub(super) enum Spread {
    /// A wire for each piece, which takes the spikes of all senders.
    Whole(Vec<Cut>),
    /// Synapses in one copy for all pieces.
    Shared(Box<dyn Shared>),
    /// A wire for each piece that is reached, which takes the spikes of the senders that reach it; and who these are.
    Shares(Vec<Option<Cut>>, Index),
}

/// A whole connection, to be spread.
pub(super) trait Bundle: Send {
    fn pre(&self) -> usize;
    fn post(&self) -> usize;
    fn synapses(&self) -> usize;
    /// The lowest weight, if it is known.
    fn lowest(&self) -> Option<f32>;
    /// Whether parts of its targets can be had.
    fn divisible(&self) -> Result<bool, NetworkError>;
    /// Onto the pieces `bounds[k] .. bounds[k + 1]`.
    fn spread(self: Box<Self>, bounds: &[usize]) -> Result<Spread, NetworkError>;
}

/// The part of `synapses` that reaches `range`.
fn part<C: Connection<f32>>(synapses: &C, range: core::ops::Range<usize>) -> Result<(C, Vec<u32>), NetworkError> {
    let could = || NetworkError::Invalid("a connection could be cut, and then could not".into());
    synapses.restrict(range)?.ok_or_else(could)
}

/// The pieces that `bounds` lie between.
fn pieces(bounds: &[usize]) -> impl Iterator<Item = core::ops::Range<usize>> + '_ {
    bounds.windows(2).map(|ends| ends[0]..ends[1])
}

/// Whether most senders reach few of the pieces, so that a place for each of them in each piece (4 bytes) would outgrow
/// the synapses (4 bytes and more). With at least half of the places in use it cannot.
fn scattered(rows: Option<Rows<'_, f32>>, bounds: &[usize]) -> Result<bool, NetworkError> {
    let Some(Rows { csr, .. }) = rows.filter(|_| bounds.len() > 2) else { return Ok(false) };
    Ok(2 * u128::from(csr.pairs(bounds)?) < csr.pre() as u128 * (bounds.len() - 1) as u128)
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

    fn lowest(&self) -> Option<f32> {
        self.0.weight_range().map(|(low, _)| low)
    }

    fn divisible(&self) -> Result<bool, NetworkError> {
        Ok(self.0.rows().is_some() || self.0.restrict(0..1)?.is_some())
    }

    fn spread(self: Box<Self>, bounds: &[usize]) -> Result<Spread, NetworkError> {
        if bounds.len() == 2 {
            return Ok(Spread::Whole(vec![(self, None)]));
        }
        if scattered(self.0.rows(), bounds)? {
            return Ok(Spread::Shared(self));
        }
        let cut = |range| Ok((Box::new(Fixed(part(&self.0, range)?.0)) as Box<dyn Wire>, None));
        Ok(Spread::Whole(pieces(bounds).map(cut).collect::<Result<_, NetworkError>>()?))
    }
}

impl<C: Connection<f32> + Send + Sync> Shared for Fixed<C> {
    fn rows(&self) -> Option<Rows<'_, f32>> {
        self.0.rows()
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

    fn lowest(&self) -> Option<f32> {
        self.synapses.weight_range().map(|(low, _)| low)
    }

    fn divisible(&self) -> Result<bool, NetworkError> {
        Ok(self.synapses.restrict(0..1)?.is_some())
    }

    fn spread(self: Box<Self>, bounds: &[usize]) -> Result<Spread, NetworkError> {
        let Self { synapses, rule } = *self;
        let wire = |synapses: C| -> Result<Box<dyn Wire>, NetworkError> {
            let state = rule.state(synapses.pre(), synapses.post(), synapses.synapses())?;
            Ok(Box::new(Plastic { synapses, rule: Arc::clone(&rule), state }))
        };
        if bounds.len() == 2 {
            return Ok(Spread::Whole(vec![(wire(synapses)?, None)]));
        }
        if let Some(Rows { csr, .. }) = synapses.rows()
            && scattered(synapses.rows(), bounds)?
        {
            let shares = csr.split(bounds)?;
            let index = Index::new(csr.pre(), &shares)?;
            let cut = |share: Option<Share>| -> Result<Option<Option<Cut>>, NetworkError> {
                let Some(Share { rows, synapses: kept, .. }) = share else { return Ok(Some(None)) };
                let Some(part) = synapses.select(rows, &kept)? else { return Ok(None) };
                Ok(Some(Some((wire(part)?, Some(kept)))))
            };
            if let Some(cuts) = shares.into_iter().map(cut).collect::<Result<Option<_>, _>>()? {
                return Ok(Spread::Shares(cuts, index));
            }
        }
        let cut = |range| {
            let (synapses, kept) = part(&synapses, range)?;
            Ok((wire(synapses)?, Some(kept)))
        };
        Ok(Spread::Whole(pieces(bounds).map(cut).collect::<Result<_, NetworkError>>()?))
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

    fn trace(&self, now: u64, name: &str) -> Result<Option<TraceValues<f32>>, NetworkError> {
        Ok(Some(self.rule.trace(&self.state, now, name)?))
    }

    fn check_weights(&self, weights: &[f32]) -> Result<(), NetworkError> {
        Ok(self.rule.check_weights(weights)?)
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
