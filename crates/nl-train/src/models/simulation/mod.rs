//! A published spiking network, simulated.

mod config;
mod description;
mod findings;
mod sections;
mod spike_files;
mod spike_log;
mod spread;
mod words;

use std::path::Path;

use nl_network::{NetworkError, Snapshot, SpikeEvent, StateTrace, published::Published};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{Network, SimulateConfig, SimulationConfig, SimulationStage, SpikeFiles, SpikeFormat};

use self::spike_log::{Mark, SpikeLog};
use crate::Error;
use crate::data::Nothing;
use crate::run::{Advance, Findings, Learner, Model, Plan, Progress, RunFolder, Setting, Story, Tensor};

/// Biological time between two looks at the clock and at Ctrl-C, ms.
const CHUNK: f64 = 50.0;

/// A network and its spikes so far.
pub struct SimulationModel {
    built: Published,
    dt: f64,
    /// Of the excitatory and the inhibitory population.
    spikes: [Vec<SpikeEvent>; 2],
    /// How many of each are in the file.
    logged: [usize; 2],
    log: Option<SpikeLog>,
    /// Of the last [`sections::RASTER_MS`].
    potentials: Option<StateTrace>,
}

/// What a checkpoint holds: its size does not grow with the run. The spikes are in a file of their own.
#[derive(Serialize, Deserialize)]
pub struct SimulationState {
    spikes: Mark,
    potentials: Option<StateTrace>,
    snapshot: Snapshot,
}

impl Model for SimulationModel {
    const KIND: &'static str = "simulation";
    const ABOUT: &'static str = "a published spiking network, as its authors describe it";
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/simulation.json"));
    type Set = Nothing;
    type Config = SimulationConfig;
    type Stage = SimulationStage;
    type State = SimulationState;

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let config = &setting.config.model;
        // What a stage asks for must be whole steps of this network.
        for (i, SimulationStage::Simulate(stage)) in setting.config.stages.iter().enumerate() {
            let fits = stage.steps(config.dt).and_then(|_| stage.skipped_steps(config.dt));
            fits.map_err(|e| e.under(&format!("stages[{i}]")))?;
        }
        Ok(Self {
            built: config.build(Streams::new(setting.config.seed))?,
            dt: config.dt.0,
            spikes: [Vec::new(), Vec::new()],
            logged: [0; 2],
            log: None,
            potentials: None,
        })
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let dt = setting.config.model.dt;
        let mut first = 0;
        for SimulationStage::Simulate(before) in &setting.config.stages[..stage] {
            first += before.steps(dt)?;
        }
        let SimulationStage::Simulate(this) = &setting.config.stages[stage];
        let name = setting.config.model.network.name();
        Ok(Box::new(Simulating { name, first, total: this.steps(dt)? }))
    }

    fn state(&mut self, folder: &Path) -> Result<SimulationState, Error> {
        let offset = self.built.network.size(self.built.populations[0])? as u32;
        let new: Vec<SpikeEvent> = numbered(&self.spikes, self.logged, offset).collect();
        if self.log.is_none() {
            self.log = Some(SpikeLog::open(folder, Mark::default())?.0);
        }
        let mark = match &mut self.log {
            Some(log) => log.append(&new.iter().copied())?,
            None => Mark::default(),
        };
        self.logged = self.spikes.each_ref().map(Vec::len);
        let snapshot = self.built.network.snapshot()?;
        Ok(SimulationState { spikes: mark, potentials: self.potentials.clone(), snapshot })
    }

    fn restore(&mut self, state: SimulationState, folder: &Path) -> Result<(), Error> {
        let SimulationState { spikes, potentials, snapshot } = state;
        self.built.network.restore(&snapshot)?;
        if let Some(trace) = &potentials {
            fits(trace, &self.built)?;
        }
        let (log, all) = SpikeLog::open(folder, spikes)?;
        self.spikes = split(&self.built, all)?;
        self.logged = self.spikes.each_ref().map(Vec::len);
        (self.log, self.potentials) = (Some(log), potentials);
        Ok(())
    }

    fn check_finite(&mut self, place: &str) -> Result<(), Error> {
        let finite = self.built.network.check_finite();
        finite.map_err(|error| Error::Spiking { stage: place.to_owned(), what: error.to_string() })
    }

    fn tensors(&self) -> Vec<Tensor> {
        Vec::new()
    }

    fn findings(
        &mut self,
        setting: Setting<'_, Self>,
        story: Story<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Findings, Error> {
        findings::findings(self, setting, story, progress)
    }

    fn write_files(&self, setting: Setting<'_, Self>, folder: &RunFolder) -> Result<(), Error> {
        spike_files::write(self, &setting.config.model, &setting.config.stages, folder)
    }
}

/// Time that passes.
struct Simulating {
    name: &'static str,
    /// The step at which the stage begins.
    first: u64,
    total: u64,
}

impl Learner<SimulationModel> for Simulating {
    fn plan(&self) -> Plan {
        Plan { name: self.name.to_owned(), unit: "steps", total: self.total }
    }

    fn done(&self, model: &SimulationModel) -> u64 {
        model.built.network.now().saturating_sub(self.first)
    }

    fn advance(&mut self, model: &mut SimulationModel, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let chunk = ((CHUNK / model.dt).round() as u64).max(1);
        let left = (self.first + self.total).saturating_sub(model.built.network.now());
        model.built.network.run_steps(chunk.min(left))?;
        model.collect()?;
        model.check_finite(self.name)?;
        let done = self.done(model);
        Ok(Advance { done, finished: done >= self.total, ..Advance::default() })
    }

    fn restore(&mut self, model: &mut SimulationModel, _: &[u8]) -> Result<(), Error> {
        let (now, first, end) = (model.built.network.now(), self.first, self.first + self.total);
        if (first..=end).contains(&now) {
            return Ok(());
        }
        Err(Error::config(format!("the checkpoint is of step {now}, but this stage goes from {first} to {end}")))
    }
}

impl SimulationModel {
    /// Takes what the network has written down since the last time, so that neither it nor a checkpoint grows.
    fn collect(&mut self) -> Result<(), Error> {
        let network = &mut self.built.network;
        for (all, population) in self.spikes.iter_mut().zip(self.built.populations) {
            let new = network.take_spikes(population)?;
            let bytes = (new.len() * size_of::<SpikeEvent>()) as u128;
            let full = |_| NetworkError::Memory { what: "spikes so far".into(), bytes };
            all.try_reserve(new.len()).map_err(full)?;
            all.extend_from_slice(&new);
        }
        if let Some(id) = self.built.potentials {
            let new = network.take_state_trace(id)?;
            let first = network.now().saturating_sub((sections::RASTER_MS / self.dt).ceil() as u64);
            let empty = || StateTrace { neurons: new.neurons.clone(), steps: Vec::new(), values: Vec::new() };
            let kept = self.potentials.get_or_insert_with(empty);
            kept.steps.extend_from_slice(&new.steps);
            kept.values.extend_from_slice(&new.values);
            let old = kept.steps.partition_point(|&step| step < first);
            kept.steps.drain(..old);
            kept.values.drain(..old * kept.neurons.len());
        }
        Ok(())
    }
}

/// `Ok` if the network can have written this down.
fn fits(trace: &StateTrace, built: &Published) -> Result<(), Error> {
    let size = built.network.size(built.populations[0])?;
    let (neurons, steps) = (&trace.neurons, &trace.steps);
    let whole = neurons.len().checked_mul(steps.len()) == Some(trace.values.len());
    let known = neurons.iter().all(|&neuron| (neuron as usize) < size);
    let ordered = steps.windows(2).all(|pair| pair[0] < pair[1]);
    let past = steps.last().is_none_or(|&last| last <= built.network.now());
    if whole && known && ordered && past {
        return Ok(());
    }
    Err(Error::config("the checkpoint's potentials are none that this network can have written down"))
}

/// The spikes of both populations from `from` of each on, inhibitory neurons numbered after excitatory ones.
fn numbered(spikes: &[Vec<SpikeEvent>; 2], from: [usize; 2], offset: u32) -> impl Iterator<Item = SpikeEvent> + '_ {
    let second = spikes[1][from[1]..].iter().map(move |s| SpikeEvent { neuron: s.neuron + offset, ..*s });
    spikes[0][from[0]..].iter().copied().chain(second)
}

/// The spikes of a file, by population; an error if the network cannot have made them.
fn split(built: &Published, all: Vec<SpikeEvent>) -> Result<[Vec<SpikeEvent>; 2], Error> {
    let network = &built.network;
    let offset = network.size(built.populations[0])? as u32;
    let mut spikes = [Vec::new(), Vec::new()];
    for spike in all {
        let (which, neuron) = if spike.neuron < offset { (0, spike.neuron) } else { (1, spike.neuron - offset) };
        let after = spikes[which].last().is_none_or(|last: &SpikeEvent| *last < SpikeEvent { neuron, ..spike });
        if !after || spike.step >= network.now() || spike.neuron as usize >= network.neurons() {
            let SpikeEvent { step, neuron } = spike;
            let message =
                format!("spikes.bin: a spike of neuron {neuron} in step {step} that the network cannot have made");
            return Err(Error::config(message));
        }
        spikes[which].push(SpikeEvent { neuron, ..spike });
    }
    Ok(spikes)
}
