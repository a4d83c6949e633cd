//! `cargo xtask sim`: published spiking networks, from the command line.

use anyhow::Context;
use nl_train::{RunFolder, SimConfig, SimRun, SimSummary};

use crate::cli::{Sim, SimModel};
use crate::{session, text};

pub(crate) fn run(options: &Sim) -> anyhow::Result<()> {
    let what = "builds a network, simulates it, and writes a report";
    let time = "some seconds for a second of each published network";
    session::open(options.resume.as_deref(), options.config.as_deref(), "sim", what, time);
    let summary = session::run(options.threads, |printer| {
        let run = match &options.resume {
            Some(dir) => SimRun::resume(RunFolder::resume(dir)?)?,
            None => start(options)?,
        };
        crate::say(&format!("folder: {}", run.folder().display()));
        Ok(run.run(printer)?)
    })?;
    session::show(&summary, &table(&summary), options.json)
}

fn start(options: &Sim) -> anyhow::Result<SimRun> {
    let mut config = match (&options.config, options.model) {
        (Some(file), _) => SimConfig::from_yaml(&session::read_config(file)?).with_context(|| session::about(file))?,
        (None, Some(model)) => SimConfig::new(match model {
            SimModel::Cuba => nl_train::SimModel::Cuba,
            SimModel::Coba => nl_train::SimModel::Coba,
            SimModel::Cobahh => nl_train::SimModel::Cobahh,
            SimModel::Brunel => nl_train::SimModel::Brunel,
        }),
        (None, None) => anyhow::bail!("which network? cargo xtask sim cuba|coba|cobahh|brunel, or --config FILE"),
    };
    config.seconds = options.seconds.unwrap_or(config.seconds);
    config.seed = options.seed.unwrap_or(config.seed);
    config.neurons = options.neurons.or(config.neurons);
    config.validate()?;
    let folder = session::folder(options.out.as_deref(), config.model.name())?;
    Ok(SimRun::start(config, folder)?)
}

fn table(summary: &SimSummary) -> String {
    let show = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.3}"));
    let SimSummary { wall_seconds: wall, bio_seconds, synchrony_bin_ms: bin, .. } = summary;
    let synchrony = format!("synchrony: variance / mean of counts in {bin} ms");
    let rows = [
        ("neurons", summary.neurons.to_string()),
        ("synapses", summary.synapses.to_string()),
        ("left out of what follows, at the start", format!("{} s", summary.skipped_seconds)),
        ("mean rate", format!("{:.3} Hz", summary.rate_hz)),
        ("irregularity: CV of inter-spike intervals", show(summary.cv_isi)),
        (synchrony.as_str(), show(summary.synchrony)),
        ("time to build", format!("{:.2} s", wall.build)),
        ("time to simulate", format!("{:.3} s", wall.simulate)),
        ("times real time", format!("{:.2}", bio_seconds / wall.simulate.max(1e-9))),
    ];
    let title = format!("{}, {bio_seconds} s, seed {}", summary.model.name(), summary.seed);
    let below = [("spikes", summary.spikes_sha256.clone()), ("report", summary.report.display().to_string())];
    text::table(&title, &rows, &below, text::stdout_columns())
}
