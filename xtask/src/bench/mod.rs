//! Workloads to be timed beside their peers: same sizes, same batch, medians, one line (or one JSON object) a figure.

mod brain;
mod gemm;
mod knn;
mod sim;
mod snn;
mod stdp;

use std::time::Instant;

use clap::ValueEnum;
use nl_network::published::{BrunelConfig, CubaConfig};
use nl_train::models::Network;
use serde::Serialize;

use crate::cli::{Bench, Workload};

/// One figure.
#[derive(Debug, Serialize)]
struct Figure {
    workload: String,
    threads: usize,
    throughput: f64,
    unit: &'static str,
    median_ms: f64,
}

pub(crate) fn run(options: &Bench) -> anyhow::Result<()> {
    let pool = crate::pool(options.threads)?;
    let (threads, steps) = (pool.current_num_threads(), options.steps.get());
    let name = options.workload.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    let of = if threads == 1 { "one thread".to_owned() } else { format!("{threads} threads") };
    crate::say(&format!(
        "bench {name}: --steps {steps} on {of}, after a warm-up; some seconds, at most a minute or two"
    ));
    let figures = pool.install(|| match options.workload {
        Workload::BrainSsl => brain::run(brain::Stage::SelfSupervised, threads, steps),
        Workload::BrainSup => brain::run(brain::Stage::Supervised, threads, steps),
        Workload::BrainInfer => brain::run(brain::Stage::Inference, threads, steps),
        Workload::Gemm => gemm::run(threads, steps),
        Workload::Knn => knn::run(threads, steps),
        Workload::Stdp => stdp::run(steps),
        Workload::SnnStep => snn::run(true, options.t.get(), threads, steps),
        Workload::SnnInfer => snn::run(false, options.t.get(), threads, steps),
        Workload::Cuba => sim::run(Network::Cuba(CubaConfig::default()), 10.0, threads, steps),
        Workload::Brunel => sim::run(Network::Brunel(BrunelConfig::default()), 1.0, threads, steps),
    })?;
    for figure in &figures {
        if options.json {
            crate::print(&format!("{}\n", serde_json::to_string(figure)?))?;
        } else {
            let Figure { workload, threads, throughput, unit, median_ms } = figure;
            crate::print(&format!(
                "{workload}: {throughput:.1} {unit}, median {median_ms:.3} ms, threads {threads}\n"
            ))?;
        }
    }
    Ok(())
}

/// Median of `steps` timed calls in milliseconds, after `warm_up` calls that are not counted.
fn median_ms(warm_up: usize, steps: usize, mut f: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    for _ in 0..warm_up {
        f()?;
    }
    let mut times = Vec::with_capacity(steps);
    for _ in 0..steps {
        let start = Instant::now();
        f()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
