//! What a piece of a population does in a step: neurons of some model, or a source that only speaks.

use std::sync::Arc;

use nl_neuron::{InputChannel, NeuronModel, NotFinite, PopulationState, SpikeSet, SpikeTrain};
use nl_random::Streams;
use nl_units::{Hz, Ms};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::NetworkError;
use crate::drive::poisson_process;

/// A piece of a population, its kind forgotten. What it does not say for itself is what a source without a state says.
pub(super) trait Cells: Send {
    fn step(&mut self, now: u64, input: &[f32], spikes: &mut SpikeSet) -> Result<(), NetworkError>;

    fn variables(&self) -> &'static [&'static str] {
        &[]
    }

    fn variable(&self, _name: &str) -> Option<&[f32]> {
        None
    }

    fn variable_mut(&mut self, _name: &str) -> Option<&mut [f32]> {
        None
    }

    /// The first value of a variable that is no finite number.
    fn first_not_finite(&self) -> Option<NotFinite> {
        None
    }

    /// Makes a Poisson population spike at another rate.
    fn set_rate(&mut self, _rate: Hz) -> Result<(), NetworkError> {
        Err(NetworkError::Invalid("set_rate: not a Poisson population".into()))
    }

    fn save(&self) -> Result<Vec<u8>, NetworkError> {
        Ok(Vec::new())
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        if bytes.is_empty() { Ok(()) } else { Err(NetworkError::Snapshot("a source has no state".into())) }
    }
}

/// How to make the cells of one piece.
pub(super) trait Blueprint {
    fn receptors(&self) -> &'static [InputChannel];
    fn cells(&self, range: core::ops::Range<usize>, piece: usize) -> Result<Box<dyn Cells>, NetworkError>;
}

/// A state of one piece, to bytes.
pub(super) fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, NetworkError> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).map_err(|e| NetworkError::Snapshot(e.to_string()))
}

/// A state of one piece, from bytes, all of which must be used.
pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NetworkError> {
    /// More than any piece holds; a faulty length stops here instead of asking for memory.
    const LIMIT: usize = 1 << 34;
    let (value, used) = bincode::serde::decode_from_slice(bytes, bincode::config::standard().with_limit::<LIMIT>())
        .map_err(|e| NetworkError::Snapshot(e.to_string()))?;
    if used == bytes.len() { Ok(value) } else { Err(NetworkError::Snapshot("bytes left over".into())) }
}

/// Neurons of the model `M`.
pub(super) struct Neurons<M: NeuronModel<f32>> {
    model: Arc<M>,
    state: M::State,
}

pub(super) struct NeuronsBlueprint<M> {
    pub(super) model: Arc<M>,
    pub(super) name: String,
    pub(super) streams: Streams,
}

/// A random stream of one piece, named after its population.
fn named(streams: Streams, purpose: &str, name: &str) -> Streams {
    use rand::RngExt;
    Streams::new(streams.rng(&format!("{purpose}/{name}"), 0, 0).random())
}

impl<M: NeuronModel<f32> + Send + Sync + 'static> Blueprint for NeuronsBlueprint<M> {
    fn receptors(&self) -> &'static [InputChannel] {
        self.model.receptors()
    }

    fn cells(&self, range: core::ops::Range<usize>, piece: usize) -> Result<Box<dyn Cells>, NetworkError> {
        let mut state = self.model.state(range.len())?;
        self.model.set_noise(&mut state, named(self.streams, "escape noise", &self.name), piece as u64);
        Ok(Box::new(Neurons { model: Arc::clone(&self.model), state }))
    }
}

impl<M: NeuronModel<f32> + Send + Sync + 'static> Cells for Neurons<M> {
    fn step(&mut self, _now: u64, input: &[f32], spikes: &mut SpikeSet) -> Result<(), NetworkError> {
        Ok(self.model.step(&mut self.state, input, spikes)?)
    }

    fn variables(&self) -> &'static [&'static str] {
        self.state.variables()
    }

    fn variable(&self, name: &str) -> Option<&[f32]> {
        self.state.variable(name)
    }

    fn variable_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        self.state.variable_mut(name)
    }

    fn first_not_finite(&self) -> Option<NotFinite> {
        self.state.first_not_finite()
    }

    fn save(&self) -> Result<Vec<u8>, NetworkError> {
        to_bytes(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        let state: M::State = from_bytes(bytes)?;
        if state.len() != self.state.len() {
            let message = format!("{} neurons where {} are expected", state.len(), self.state.len());
            return Err(NetworkError::Snapshot(message));
        }
        self.state = state;
        Ok(())
    }
}

/// Spikes at given steps.
pub(super) struct SpikeList {
    train: Arc<SpikeTrain>,
    range: core::ops::Range<usize>,
}

impl Cells for SpikeList {
    fn step(&mut self, now: u64, _input: &[f32], spikes: &mut SpikeSet) -> Result<(), NetworkError> {
        spikes.clear();
        let step = usize::try_from(now).unwrap_or(usize::MAX);
        for &i in self.train.at(step) {
            if self.range.contains(&(i as usize)) {
                spikes.push(i - self.range.start as u32)?;
            }
        }
        Ok(())
    }
}

pub(super) struct SpikeListBlueprint(pub(super) Arc<SpikeTrain>);

impl Blueprint for SpikeListBlueprint {
    fn receptors(&self) -> &'static [InputChannel] {
        &[]
    }

    fn cells(&self, range: core::ops::Range<usize>, _piece: usize) -> Result<Box<dyn Cells>, NetworkError> {
        Ok(Box::new(SpikeList { train: Arc::clone(&self.0), range }))
    }
}

/// Independent Poisson spikes, all at the same rate; at most one a neuron and step.
#[derive(Clone)]
pub(super) struct PoissonCells {
    rate: Hz,
    dt: Ms,
    /// −ln(1 − p): the rate of the process whose cells are hit at least once with probability p = rate · dt.
    intensity: f64,
    streams: Streams,
    piece: u64,
}

impl Cells for PoissonCells {
    fn step(&mut self, now: u64, _input: &[f32], spikes: &mut SpikeSet) -> Result<(), NetworkError> {
        spikes.clear();
        let n = spikes.population();
        let mut rng = self.streams.rng("spikes", self.piece, now);
        let mut failed = Ok(());
        let mut last = None;
        poisson_process(&mut rng, self.intensity, n, |i| {
            if last != Some(i) && failed.is_ok() {
                failed = spikes.push(i as u32);
                last = Some(i);
            }
        });
        Ok(failed?)
    }

    fn set_rate(&mut self, rate: Hz) -> Result<(), NetworkError> {
        let p = rate.0 * self.dt.0 / 1000.0;
        nl_units::Error::check(
            "poisson population",
            "rate",
            rate.0,
            |r| r >= 0.0 && p < 1.0,
            "use 0 or more, below one spike a step",
        )?;
        (self.rate, self.intensity) = (rate, -(-p).ln_1p());
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, NetworkError> {
        to_bytes(&self.rate.0)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        self.set_rate(Hz(from_bytes(bytes)?))
    }
}

pub(super) struct PoissonBlueprint(PoissonCells);

impl PoissonBlueprint {
    pub(super) fn new(name: &str, rate: Hz, dt: Ms, streams: Streams) -> Result<Self, NetworkError> {
        let streams = named(streams, "poisson population", name);
        let mut cells = PoissonCells { rate, dt, intensity: 0.0, streams, piece: 0 };
        cells.set_rate(rate)?;
        Ok(Self(cells))
    }
}

impl Blueprint for PoissonBlueprint {
    fn receptors(&self) -> &'static [InputChannel] {
        &[]
    }

    fn cells(&self, _range: core::ops::Range<usize>, piece: usize) -> Result<Box<dyn Cells>, NetworkError> {
        Ok(Box::new(PoissonCells { piece: piece as u64, ..self.0.clone() }))
    }
}
