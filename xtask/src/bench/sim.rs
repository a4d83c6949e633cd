//! Published networks: biological seconds a wall second, without the time to build; the answer is checked.

use std::time::Instant;

use nl_random::Streams;
use nl_train::models::{Network, SimulationConfig};
use nl_units::Ms;

use super::Figure;

/// Simulates `seconds` of `model` from its start, so often that `steps` of 30 makes three; the median counts.
pub(super) fn run(model: Network, seconds: f64, threads: usize, steps: usize) -> anyhow::Result<Vec<Figure>> {
    let mut times = Vec::new();
    for _ in 0..steps.div_ceil(10) {
        let mut built = SimulationConfig { traces: 0, ..SimulationConfig::new(model) }.build(Streams::new(1))?;
        let started = Instant::now();
        built.network.run(Ms(seconds * 1000.0))?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        check(model, &built, seconds)?;
    }
    times.sort_by(f64::total_cmp);
    let median_ms = times[times.len() / 2];
    let throughput = seconds / (median_ms * 1e-3);
    Ok(vec![Figure { workload: model.name().into(), threads, throughput, unit: "x real time", median_ms }])
}

/// A fast simulation of something else is worth nothing: the mean rate is the published network's.
fn check(model: Network, built: &nl_network::published::Published, seconds: f64) -> anyhow::Result<()> {
    let spikes: u64 = built.populations.iter().map(|&p| built.network.spike_count(p)).sum::<Result<u64, _>>()?;
    let rate = spikes as f64 / built.network.neurons() as f64 / seconds;
    let range = match model {
        Network::Cuba(_) => 4.5..6.5,
        Network::Brunel(_) => 29.0..35.0,
        Network::Coba(_) | Network::Cobahh(_) => 1.0..100.0,
    };
    anyhow::ensure!(range.contains(&rate), "{}: {rate:.2} Hz, but {range:?} is right", model.name());
    Ok(())
}
