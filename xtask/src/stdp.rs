//! `cargo xtask stdp`: learning without labels by competition and STDP, from images to report.

use std::path::Path;

use anyhow::Context;
use nl_data::{Lookup, resolve};
use nl_train::{RunFolder, StdpConfig, StdpRun, StdpSummary};

use crate::cli::{Preset, Stdp};
use crate::{session, text};

/// Without `--neurons`.
const NEURONS: usize = 400;

pub(crate) fn run(options: &Stdp) -> anyhow::Result<()> {
    let time = match options.preset {
        Preset::Quick => "some seconds on two cores",
        Preset::Full => {
            "about ten seconds for 400 neurons on two cores, half a minute for 1600, three minutes for 6400"
        }
    };
    let what = "learns images without labels by spikes, and writes a report";
    session::open(options.resume.as_deref(), options.config.as_deref(), "stdp", what, time);
    let summary = session::run(options.threads, |printer| {
        let run = if let Some(dir) = &options.resume { resume(dir, options)? } else { start(options)? };
        crate::say(&format!("folder: {}", run.folder().display()));
        Ok(run.run(printer)?)
    })?;
    session::show(&summary, &table(&summary), options.json)
}

fn start(options: &Stdp) -> anyhow::Result<StdpRun> {
    let neurons = options.neurons.map_or(NEURONS, std::num::NonZeroUsize::get);
    let preset = match options.preset {
        Preset::Quick => nl_train::Preset::Quick,
        Preset::Full => nl_train::Preset::Full,
    };
    let mut config = match &options.config {
        Some(file) => StdpConfig::from_yaml(&session::read_config(file)?).with_context(|| session::about(file))?,
        None => StdpConfig::preset(preset, neurons, options.rule.as_deref())?,
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
    Ok(StdpRun::start(config, split, source, folder)?)
}

fn resume(dir: &Path, options: &Stdp) -> anyhow::Result<StdpRun> {
    let folder = RunFolder::resume(dir)?;
    let config: StdpConfig = folder.read_config()?;
    let data = options.data.as_ref().unwrap_or(&config.data);
    let (split, source) = resolve("mnist", data, &lookup())?;
    crate::say(&format!("data: {source}"));
    Ok(StdpRun::resume(folder, split, source)?)
}

/// Where the images are looked for; enough procedural digits for the quick preset.
fn lookup() -> Lookup {
    Lookup { train: 21_000, test: 5_000, ..Lookup::from_env() }
}

fn table(summary: &StdpSummary) -> String {
    let percent =
        |name: &str| format!("{:6.2} %", 100.0 * summary.test_accuracy.get(name).copied().unwrap_or_default());
    let speed = summary.samples_per_second;
    let seconds = |part: &str| format!("{:6.1} s", summary.seconds.get(part).copied().unwrap_or_default());
    let rows = [
        ("test images, all activity", percent("all_activity")),
        ("test images, proportion weighting", percent("proportion")),
        ("test images, log-likelihood", percent("log_likelihood")),
        ("test images, bigrams", percent("bigram")),
        ("learned from (no labels)", format!("{} images", summary.train_samples)),
        ("neurons named by (training labels)", format!("{} images", summary.label_samples)),
        ("speed: learning", format!("{:6.0} images/s", speed.train)),
        ("speed: responding", format!("{:6.0} images/s", speed.test)),
        ("time to learn", seconds("learning")),
        ("time in all", seconds("total")),
    ];
    let StdpSummary { neurons, rule, seed, dataset, .. } = summary;
    let title = format!("stdp on {}, {neurons} neurons, {rule}, seed {seed}", session::dataset(dataset));
    let below = [("weights", summary.weights_sha256.clone()), ("report", summary.report.display().to_string())];
    text::table(&title, &rows, &below, text::stdout_columns())
}
