//! A simulation in a folder of its own, resumable bit for bit.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use nl_layers::network::statistics::{binned_counts, mean_cv_isi, mean_rate, synchrony};
use nl_layers::network::{NetworkError, Snapshot, SpikeEvent, StateTrace, published::Published};
use nl_neuron::Ms;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::page;
use super::spike_log::{Mark, SpikeLog};
use super::{SimConfig, SimModel};
use crate::observer::{Event, Observer};
use crate::run_folder::utc_text;
use crate::{CheckpointError, Error, RunFolder};

/// Biological time between two looks at the clock and at Ctrl-C, ms.
const CHUNK: f64 = 50.0;
/// Width of the bins of the synchrony, rounded to whole steps.
const SYNCHRONY_BIN: Ms = Ms(3.0);

/// A published network, simulated.
///
/// ```no_run
/// use nl_train::{RunFolder, Silent, SimConfig, SimModel, SimRun};
///
/// let folder = RunFolder::create("experiments/cuba".as_ref())?;
/// let summary = SimRun::start(SimConfig::new(SimModel::Cuba), folder)?.run(&mut Silent)?;
/// assert!(summary.rate_hz > 1.0);
/// # Ok::<(), nl_train::Error>(())
/// ```
pub struct SimRun {
    pub(super) config: SimConfig,
    pub(super) built: Published,
    folder: RunFolder,
    state: SimState,
    /// Spikes so far, of the excitatory and the inhibitory population.
    spikes: [Vec<SpikeEvent>; 2],
    /// How many of each are in the file.
    logged: [usize; 2],
    log: SpikeLog,
    build_seconds: f64,
    warnings: Vec<String>,
}

/// What a checkpoint holds: its size does not grow with the run. The spikes are in a file of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SimState {
    started: String,
    simulate_seconds: f64,
    spikes: Mark,
    /// Potentials of the last [`page::RASTER_MS`].
    potentials: Option<StateTrace>,
    snapshot: Option<Snapshot>,
}

/// The result of a simulation, as `--json` prints it and `summary.json` keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimSummary {
    /// Which network.
    pub model: SimModel,
    /// The seed.
    pub seed: u64,
    /// Worker threads; the result is the same for any number.
    pub threads: usize,
    /// Neurons.
    pub neurons: usize,
    /// Synapses.
    pub synapses: usize,
    /// Simulated time.
    pub bio_seconds: f64,
    /// Of it, the time at the start that rate, irregularity and synchrony leave out.
    pub skipped_seconds: f64,
    /// Wall time.
    pub wall_seconds: SimSeconds,
    /// Mean rate of all neurons.
    pub rate_hz: f64,
    /// Mean coefficient of variation of the inter-spike intervals of neurons with three spikes or more.
    pub cv_isi: Option<f64>,
    /// Variance over mean of all neurons' spike count in bins of `synchrony_bin_ms`.
    pub synchrony: Option<f64>,
    /// Width of these bins: 3 ms, or the nearest whole number of steps.
    pub synchrony_bin_ms: f64,
    /// Spikes, those at the start included.
    pub spikes: u64,
    /// SHA-256 of the spikes: step (u64) and neuron (u32, inhibitory ones after excitatory ones), little-endian, by
    /// population, step, neuron.
    pub spikes_sha256: String,
    /// The report.
    pub report: PathBuf,
}

/// Wall time of a simulation, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SimSeconds {
    /// Drawing connectivity and initial state.
    pub build: f64,
    /// Simulating.
    pub simulate: f64,
}

impl SimRun {
    /// A new run; writes its configuration to the folder.
    ///
    /// # Errors
    /// A faulty configuration, or a folder that cannot be written.
    pub fn start(config: SimConfig, folder: RunFolder) -> Result<Self, Error> {
        Self::build(config, folder)
    }

    fn build(config: SimConfig, folder: RunFolder) -> Result<Self, Error> {
        let started = Instant::now();
        let built = config.build()?;
        let build_seconds = started.elapsed().as_secs_f64();
        folder.write_config(&config)?;
        let (log, _) = SpikeLog::open(folder.path(), Mark::default())?;
        let (started, spikes) = (utc_text(SystemTime::now()), Mark::default());
        let state = SimState { started, simulate_seconds: 0.0, spikes, potentials: None, snapshot: None };
        let (spikes, logged) = ([Vec::new(), Vec::new()], [0; 2]);
        Ok(Self { config, built, folder, state, spikes, logged, log, build_seconds, warnings: Vec::new() })
    }

    /// The run in `folder`, from its newest good checkpoint; from its beginning if there is none.
    ///
    /// # Errors
    /// A folder or checkpoints that cannot be read, or a checkpoint of another network.
    pub fn resume(folder: RunFolder) -> Result<Self, Error> {
        let config: SimConfig = folder.read_config()?;
        let latest = match folder.checkpoints().latest::<SimState>() {
            Err(CheckpointError::NoneFound { .. }) => return Self::build(config, folder),
            other => other?,
        };
        let started = Instant::now();
        let mut built = config.build()?;
        let build_seconds = started.elapsed().as_secs_f64();
        let mut state = latest.value;
        if let Some(snapshot) = state.snapshot.take() {
            built.network.restore(&snapshot)?;
        }
        if built.network.now() > config.steps()? {
            let now = built.network.now();
            return Err(Error::config(format!("the checkpoint is of step {now}, beyond the end of the run")));
        }
        let (log, all) = SpikeLog::open(folder.path(), state.spikes)?;
        let spikes = split(&built, all)?;
        let (logged, warnings) = (spikes.each_ref().map(Vec::len), latest.warnings);
        Ok(Self { config, built, folder, state, spikes, logged, log, build_seconds, warnings })
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Simulates to the end and writes summary and report.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the observer asked for it (a checkpoint is written), or a folder that cannot be written.
    pub fn run(mut self, observer: &mut dyn Observer) -> Result<SimSummary, Error> {
        for message in core::mem::take(&mut self.warnings) {
            observer.on_event(&Event::Warning { message });
        }
        let dt = self.config.dt;
        let total = self.config.steps()?;
        let chunk = ((CHUNK / dt.0).round() as u64).max(1);
        let stage = self.config.model.name().to_owned();
        let done = self.built.network.now();
        observer.on_event(&Event::StageStarted { stage: stage.clone(), done, total, unit: "steps" });
        let before = self.state.simulate_seconds;
        let (mut saved, mut busy) = (self.built.network.now(), 0.0);
        while self.built.network.now() < total {
            let started = Instant::now();
            let steps = chunk.min(total - self.built.network.now());
            self.built.network.run_steps(steps)?;
            let seconds = started.elapsed().as_secs_f64();
            self.collect()?;
            let finite = self.built.network.check_finite();
            finite.map_err(|error| Error::Spiking { stage: stage.clone(), what: error.to_string() })?;
            busy += seconds;
            self.state.simulate_seconds = before + busy;
            let done = self.built.network.now();
            let images_per_second = steps as f64 / seconds;
            observer.on_event(&Event::Step { done, total, loss: f64::NAN, images_per_second });
            let stop = observer.stop_requested();
            let due = (done - saved) as f64 * dt.0 >= self.config.checkpoint * 1000.0;
            if stop || (due && done < total) {
                saved = done;
                self.save(observer)?;
            }
            if stop {
                return Err(Error::Stopped { folder: self.folder.path().to_owned() });
            }
        }
        observer.on_event(&Event::StageEnded { stage, seconds: busy });
        self.finish()
    }

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
            let first = network.now().saturating_sub((page::RASTER_MS / self.config.dt.0).ceil() as u64);
            let empty = || StateTrace { neurons: new.neurons.clone(), steps: Vec::new(), values: Vec::new() };
            let kept = self.state.potentials.get_or_insert_with(empty);
            kept.steps.extend_from_slice(&new.steps);
            kept.values.extend_from_slice(&new.values);
            let old = kept.steps.partition_point(|&step| step < first);
            kept.steps.drain(..old);
            kept.values.drain(..old * kept.neurons.len());
        }
        Ok(())
    }

    /// Writes a checkpoint, before it the spikes since the one before.
    fn save(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        let offset = self.built.network.size(self.built.populations[0])? as u32;
        let new: Vec<SpikeEvent> = numbered(&self.spikes, self.logged, offset).collect();
        self.state.spikes = self.log.append(&new.iter().copied())?;
        self.logged = self.spikes.each_ref().map(Vec::len);
        self.state.snapshot = Some(self.built.network.snapshot()?);
        let path = self.folder.checkpoints().save(self.built.network.now(), &self.state)?;
        self.state.snapshot = None;
        observer.on_event(&Event::CheckpointWritten { path });
        Ok(())
    }

    fn finish(self) -> Result<SimSummary, Error> {
        let network = &self.built.network;
        let offset = network.size(self.built.populations[0])? as u32;
        let all: Vec<SpikeEvent> = numbered(&self.spikes, [0; 2], offset).collect();
        let (neurons, dt, now) = (network.neurons(), self.config.dt, network.now());
        let skipped = self.config.skipped_steps()?.min(now);
        let late: Vec<SpikeEvent> = all.iter().copied().filter(|spike| spike.step >= skipped).collect();
        let bin = SYNCHRONY_BIN.on_grid(dt);
        let width = bin.steps_u64("sim", "bin", dt)?;
        let seconds = |steps: u64| steps as f64 * dt.0 / 1000.0;
        let mut summary = SimSummary {
            model: self.config.model,
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            neurons,
            synapses: network.synapses(),
            bio_seconds: seconds(now),
            skipped_seconds: seconds(skipped),
            wall_seconds: SimSeconds { build: self.build_seconds, simulate: self.state.simulate_seconds },
            rate_hz: mean_rate(late.len() as u64, neurons, Ms((now - skipped) as f64 * dt.0)).0,
            cv_isi: mean_cv_isi(&late, neurons),
            synchrony: synchrony(&binned_counts(&late, skipped, now, width)),
            synchrony_bin_ms: bin.0,
            spikes: all.len() as u64,
            spikes_sha256: sha256(&all),
            report: self.folder.path().join("report.html"),
        };
        let page = page::sheet(&self, &summary, &all, offset)?;
        summary.report = self.folder.write_file("report.html", nl_report::render(&page)?.as_bytes())?;
        self.folder.write_summary(&summary)?;
        Ok(summary)
    }

    /// Potentials of the last [`page::RASTER_MS`], if they were written down.
    pub(super) fn potentials(&self) -> Option<&StateTrace> {
        self.state.potentials.as_ref()
    }

    pub(super) fn started(&self) -> &str {
        &self.state.started
    }
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

fn sha256(spikes: &[SpikeEvent]) -> String {
    let mut hash = Sha256::new();
    for spike in spikes {
        hash.update(spike.step.to_le_bytes());
        hash.update(spike.neuron.to_le_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
