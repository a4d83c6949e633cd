//! What a simulation showed: rates, irregularity, synchrony, the hash of its spikes.

use nl_network::SpikeEvent;
use nl_network::statistics::{binned_counts, mean_cv_isi, mean_rate, synchrony};
use nl_units::Ms;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::config::{Network, SimulationStage, SpikeFormat};
use super::{SimulationModel, numbered, sections, spike_files};
use crate::Error;
use crate::run::{Findings, Progress, Setting, Story};

/// Width of the bins of the synchrony, rounded to whole steps.
const SYNCHRONY_BIN: Ms = Ms(3.0);

/// Numbers of a simulation.
pub(super) struct Figures {
    pub(super) network: Network,
    pub(super) seed: u64,
    pub(super) neurons: usize,
    pub(super) synapses: usize,
    /// Simulated time.
    pub(super) bio_seconds: f64,
    /// Of it, the time at the start that rate, irregularity and synchrony leave out.
    pub(super) skipped_seconds: f64,
    /// Wall time.
    pub(super) build_seconds: f64,
    pub(super) simulate_seconds: f64,
    /// Mean rate of all neurons.
    pub(super) rate_hz: f64,
    /// Mean coefficient of variation of the inter-spike intervals of neurons with three spikes or more.
    pub(super) cv_isi: Option<f64>,
    /// Variance over mean of all neurons' spike count in bins of `bin`.
    pub(super) synchrony: Option<f64>,
    /// Width of these bins, ms: 3, or the nearest whole number of steps.
    pub(super) bin: f64,
    /// Spikes, those at the start included.
    pub(super) spikes: u64,
    /// SHA-256 of the spikes: step (u64) and neuron (u32, inhibitory ones after excitatory ones), little-endian, by
    /// population, step, neuron.
    pub(super) spikes_sha256: String,
}

pub(super) fn findings(
    model: &SimulationModel,
    setting: Setting<'_, SimulationModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let network = &model.built.network;
    let offset = network.size(model.built.populations[0])? as u32;
    let all: Vec<SpikeEvent> = numbered(&model.spikes, [0; 2], offset).collect();
    progress.check()?;
    let config = &setting.config.model;
    let (neurons, dt, now) = (network.neurons(), config.dt, network.now());
    let skipped = match setting.config.stages.first() {
        Some(SimulationStage::Simulate(first)) => first.skipped_steps(dt)?.min(now),
        None => 0,
    };
    let late: Vec<SpikeEvent> = all.iter().copied().filter(|spike| spike.step >= skipped).collect();
    let bin = SYNCHRONY_BIN.on_grid(dt);
    let width = bin.steps_u64("simulate", "bin", dt)?;
    let seconds = |steps: u64| steps as f64 * dt.0 / 1000.0;
    let figures = Figures {
        network: config.network,
        seed: setting.config.seed,
        neurons,
        synapses: network.synapses(),
        bio_seconds: seconds(now),
        skipped_seconds: seconds(skipped),
        build_seconds: story.timings.seconds("Build"),
        simulate_seconds: story.timings.seconds(config.network.name()),
        rate_hz: mean_rate(late.len() as u64, neurons, Ms((now - skipped) as f64 * dt.0)).0,
        cv_isi: mean_cv_isi(&late, neurons),
        synchrony: synchrony(&binned_counts(&late, skipped, now, width)),
        bin: bin.0,
        spikes: all.len() as u64,
        spikes_sha256: sha256(&all),
    };
    progress.check()?;
    let mut findings = sections::page(model, config, &figures, &all, offset);
    let files: Vec<&str> = spike_files::asked(&setting.config.stages).map(SpikeFormat::file).collect();
    if !files.is_empty() {
        findings.facts.push(("Spikes", files.join(", ")));
    }
    findings.scores = figures.scores();
    findings.details = figures.details();
    findings.rows = figures.rows();
    findings.subject = format!("{}, {} s, seed {}", figures.network.name(), figures.bio_seconds, figures.seed);
    Ok(findings)
}

impl Figures {
    fn scores(&self) -> std::collections::BTreeMap<String, f64> {
        let all = [("rate_hz", Some(self.rate_hz)), ("cv_isi", self.cv_isi), ("synchrony", self.synchrony)];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    fn details(&self) -> serde_json::Map<String, Value> {
        let details = json!({
            "network": self.network.name(),
            "neurons": self.neurons,
            "synapses": self.synapses,
            "bio_seconds": self.bio_seconds,
            "skipped_seconds": self.skipped_seconds,
            "wall_seconds": {"build": self.build_seconds, "simulate": self.simulate_seconds},
            "rate_hz": self.rate_hz,
            "cv_isi": self.cv_isi,
            "synchrony": self.synchrony,
            "synchrony_bin_ms": self.bin,
            "spikes": self.spikes,
            "spikes_sha256": self.spikes_sha256,
        });
        match details {
            Value::Object(details) => details,
            _ => serde_json::Map::new(),
        }
    }

    fn rows(&self) -> Vec<(String, String)> {
        let show = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.3}"));
        let synchrony = format!("synchrony: variance / mean of counts in {} ms", self.bin);
        let rows = [
            ("neurons", self.neurons.to_string()),
            ("synapses", self.synapses.to_string()),
            ("left out of what follows, at the start", format!("{} s", self.skipped_seconds)),
            ("mean rate", format!("{:.3} Hz", self.rate_hz)),
            ("irregularity: CV of inter-spike intervals", show(self.cv_isi)),
            (synchrony.as_str(), show(self.synchrony)),
            ("time to build", format!("{:.2} s", self.build_seconds)),
            ("time to simulate", format!("{:.3} s", self.simulate_seconds)),
            ("times real time", format!("{:.2}", self.bio_seconds / self.simulate_seconds.max(1e-9))),
        ];
        rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
