//! A simulation in a folder of its own, resumable bit for bit.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use nl_layers::network::statistics::{binned_counts, mean_cv_isi, mean_rate, synchrony};
use nl_layers::network::{Snapshot, SpikeEvent, published::Published};
use nl_neuron::Ms;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::page;
use super::{SimConfig, SimModel};
use crate::observer::{Event, Observer};
use crate::run_folder::utc_text;
use crate::{CheckpointError, Error, RunFolder};

/// Biological time between two looks at the clock and at Ctrl-C, ms.
const CHUNK: f64 = 50.0;
/// Width of the bins of the synchrony, ms.
pub(super) const SYNCHRONY_BIN: f64 = 3.0;

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
    build_seconds: f64,
    warnings: Vec<String>,
}

/// What a checkpoint holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SimState {
    started: String,
    simulate_seconds: f64,
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
    /// Wall time.
    pub wall_seconds: SimSeconds,
    /// Mean rate of all neurons.
    pub rate_hz: f64,
    /// Mean coefficient of variation of the inter-spike intervals of neurons with three spikes or more.
    pub cv_isi: Option<f64>,
    /// Variance over mean of all neurons' spike count in bins of 3 ms.
    pub synchrony: Option<f64>,
    /// Spikes.
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
        let started = Instant::now();
        let built = config.build()?;
        let build_seconds = started.elapsed().as_secs_f64();
        folder.write_config(&config)?;
        let state = SimState { started: utc_text(SystemTime::now()), simulate_seconds: 0.0, snapshot: None };
        Ok(Self { config, built, folder, state, build_seconds, warnings: Vec::new() })
    }

    /// The run in `folder`, from its newest good checkpoint; from its beginning if there is none.
    ///
    /// # Errors
    /// A folder or checkpoints that cannot be read, or a checkpoint of another network.
    pub fn resume(folder: RunFolder) -> Result<Self, Error> {
        let config: SimConfig = folder.read_config()?;
        match folder.checkpoints().latest::<SimState>() {
            Err(CheckpointError::NoneFound { .. }) => Self::start(config, folder),
            Err(error) => Err(error.into()),
            Ok(latest) => {
                let mut run = Self::start(config, folder)?;
                run.state = latest.value;
                run.warnings = latest.warnings;
                if let Some(snapshot) = run.state.snapshot.take() {
                    run.built.network.restore(&snapshot)?;
                }
                Ok(run)
            }
        }
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
        let total = (self.config.seconds * 1000.0 / dt.0).round() as u64;
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
            busy += seconds;
            self.state.simulate_seconds = before + busy;
            let done = self.built.network.now();
            let images_per_second = steps as f64 / seconds;
            observer.on_event(&Event::Step { done, total, loss: f64::NAN, images_per_second });
            let stop = observer.stop_requested();
            let due = (done - saved) as f64 * dt.0 >= self.config.checkpoint * 1000.0;
            if stop || (due && done < total) {
                saved = done;
                self.state.snapshot = Some(self.built.network.snapshot()?);
                let path = self.folder.checkpoints().save(done, &self.state)?;
                self.state.snapshot = None;
                observer.on_event(&Event::CheckpointWritten { path });
            }
            if stop {
                return Err(Error::Stopped { folder: self.folder.path().to_owned() });
            }
        }
        observer.on_event(&Event::StageEnded { stage, seconds: busy });
        self.finish()
    }

    fn finish(self) -> Result<SimSummary, Error> {
        let network = &self.built.network;
        let first = network.spikes(self.built.populations[0])?;
        let second = network.spikes(self.built.populations[1])?;
        let offset = network.size(self.built.populations[0])? as u32;
        let later = second.iter().map(|s| SpikeEvent { neuron: s.neuron + offset, ..*s });
        let all: Vec<SpikeEvent> = first.iter().copied().chain(later).collect();
        let (neurons, dt) = (network.neurons(), self.config.dt);
        let width = (SYNCHRONY_BIN / dt.0).round() as u64;
        let mut summary = SimSummary {
            model: self.config.model,
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            neurons,
            synapses: network.synapses(),
            bio_seconds: network.now() as f64 * dt.0 / 1000.0,
            wall_seconds: SimSeconds { build: self.build_seconds, simulate: self.state.simulate_seconds },
            rate_hz: mean_rate(all.len(), neurons, Ms(network.now() as f64 * dt.0)).0,
            cv_isi: mean_cv_isi(&all, neurons),
            synchrony: synchrony(&binned_counts(&all, 0, network.now(), width)),
            spikes: all.len() as u64,
            spikes_sha256: sha256(&all),
            report: self.folder.path().join("report.html"),
        };
        let page = page::sheet(&self, &summary, &all, offset)?;
        summary.report = self.folder.write_file("report.html", crate::report::render_sheet(&page)?.as_bytes())?;
        self.folder.write_summary(&summary)?;
        Ok(summary)
    }

    pub(super) fn started(&self) -> &str {
        &self.state.started
    }
}

fn sha256(spikes: &[SpikeEvent]) -> String {
    let mut hash = Sha256::new();
    for spike in spikes {
        hash.update(spike.step.to_le_bytes());
        hash.update(spike.neuron.to_le_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
