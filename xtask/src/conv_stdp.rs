//! `cargo xtask conv-stdp`: feature maps learned by STDP, read out linearly, from images to report.

use std::path::Path;

use anyhow::Context;
use nl_data::{Lookup, resolve};
use nl_train::{ConvStdpConfig, ConvStdpRun, ConvStdpSummary, RunFolder};

use crate::cli::{ConvStdp, Preset};
use crate::{session, text};

pub(crate) fn run(options: &ConvStdp) -> anyhow::Result<()> {
    let time = match options.preset {
        Preset::Quick => "some seconds on two cores",
        Preset::Full => "about a quarter of a minute on two cores, a second layer a minute more",
    };
    let what = "learns features by STDP, reads them out, and writes a report";
    session::open(options.resume.as_deref(), options.config.as_deref(), "conv-stdp", what, time);
    let summary = session::run(options.threads, |printer| {
        let run = if let Some(dir) = &options.resume { resume(dir, options)? } else { start(options)? };
        crate::say(&format!("folder: {}", run.folder().display()));
        Ok(run.run(printer)?)
    })?;
    session::show(&summary, &table(&summary), options.json)
}

fn start(options: &ConvStdp) -> anyhow::Result<ConvStdpRun> {
    let preset = match options.preset {
        Preset::Quick => nl_train::Preset::Quick,
        Preset::Full => nl_train::Preset::Full,
    };
    let mut config = match &options.config {
        Some(file) => ConvStdpConfig::from_yaml(&session::read_config(file)?).with_context(|| session::about(file))?,
        None => ConvStdpConfig::preset(preset, options.layers)?,
    };
    config.seed = options.seed.unwrap_or(config.seed);
    if let Some(data) = &options.data {
        config.data = data.clone();
    }
    config.validate()?;
    // The images first: a folder should not be left behind for a run that could not begin.
    let (split, source) = resolve("mnist", &config.data, &lookup())?;
    crate::say(&format!("data: {source}"));
    let folder = session::folder(options.out.as_deref(), &config.name)?;
    Ok(ConvStdpRun::start(config, split, source, folder)?)
}

fn resume(dir: &Path, options: &ConvStdp) -> anyhow::Result<ConvStdpRun> {
    let folder = RunFolder::resume(dir)?;
    let config: ConvStdpConfig = folder.read_config()?;
    let data = options.data.as_ref().unwrap_or(&config.data);
    let (split, source) = resolve("mnist", data, &lookup())?;
    crate::say(&format!("data: {source}"));
    Ok(ConvStdpRun::resume(folder, split, source)?)
}

/// Where the images are looked for; enough procedural digits for the quick preset.
fn lookup() -> Lookup {
    Lookup { train: 10_000, test: 2_000, ..Lookup::from_env() }
}

fn table(summary: &ConvStdpSummary) -> String {
    let ConvStdpSummary { test_accuracy: test, seconds, samples_per_second: speed, .. } = summary;
    let list = |items: Vec<String>| items.join(" + ");
    let mut rows = vec![
        ("maps", list(summary.maps.iter().map(ToString::to_string).collect())),
        ("images learned from, without labels", list(summary.stdp_samples.iter().map(ToString::to_string).collect())),
        ("test accuracy, linear read-out", format!("{:.2} %", 100.0 * test.linear)),
    ];
    if let Some(reward) = test.reward {
        rows.push(("test accuracy, reward-modulated layer", format!("{:.2} %", 100.0 * reward)));
    }
    rows.extend([
        ("speed: learning", format!("{:.0} images/s", speed.train)),
        ("speed: features", format!("{:.0} images/s", speed.features)),
        ("time: learning", format!("{:.1} s", seconds.stdp)),
        ("time: features", format!("{:.1} s", seconds.features)),
        ("time: read-out", format!("{:.1} s", seconds.read_out)),
        ("time in all", format!("{:.1} s", seconds.total)),
    ]);
    let title = format!("conv-stdp on {}, seed {}", session::dataset(&summary.dataset), summary.seed);
    let below = [("weights", summary.weights_sha256.clone()), ("report", summary.report.display().to_string())];
    text::table(&title, &rows, &below, text::stdout_columns())
}
