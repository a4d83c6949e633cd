//! `cargo xtask mnist`: the brain pipeline, from images to report.

use std::path::Path;

use anyhow::Context;
use nl_data::{Lookup, resolve};
use nl_train::{BrainRun, RunConfig, RunFolder, Summary};

use crate::cli::{Mnist, Preset};
use crate::{session, text};

pub(crate) fn run(options: &Mnist) -> anyhow::Result<()> {
    let time = match options.preset {
        Preset::Quick => "about a minute on two cores",
        Preset::Full => "seven to ten minutes on two cores",
    };
    let what = "learns to see without labels, then with them, and writes a report";
    session::open(options.resume.as_deref(), options.config.as_deref(), "mnist", what, time);
    let summary = session::run(options.threads, |printer| {
        let run = if let Some(dir) = &options.resume { resume(dir, options)? } else { start(options)? };
        crate::say(&format!("folder: {}", run.folder().display()));
        Ok(run.run(printer)?)
    })?;
    session::show(&summary, &table(&summary), options.json)
}

fn start(options: &Mnist) -> anyhow::Result<BrainRun> {
    let mut config = match (&options.config, options.preset) {
        (Some(file), _) => RunConfig::from_yaml(&session::read_config(file)?).with_context(|| session::about(file))?,
        (None, Preset::Quick) => RunConfig::preset(nl_train::Preset::Quick)?,
        (None, Preset::Full) => RunConfig::preset(nl_train::Preset::Full)?,
    };
    if let Some(seed) = options.seed {
        config.seed = seed;
    }
    if let Some(data) = &options.data {
        config.data = data.clone();
    }
    config.validate()?;
    // The images first: a folder should not be left behind for a run that could not begin.
    let (split, source) = resolve("mnist", &config.data, &lookup())?;
    crate::say(&format!("data: {source}"));
    let folder = session::folder(options.out.as_deref(), &config.name)?;
    Ok(BrainRun::start(config, split, source, folder)?)
}

fn resume(dir: &Path, options: &Mnist) -> anyhow::Result<BrainRun> {
    let folder = RunFolder::resume(dir)?;
    let config: RunConfig = folder.read_config()?;
    let data = options.data.as_ref().unwrap_or(&config.data);
    let (split, source) = resolve("mnist", data, &lookup())?;
    crate::say(&format!("data: {source}"));
    Ok(BrainRun::resume(folder, split, source)?)
}

/// Where the images are looked for; enough procedural digits that the quick preset draws recognisable pictures from them.
fn lookup() -> Lookup {
    Lookup { train: 30_000, test: 5_000, ..Lookup::from_env() }
}

fn table(summary: &Summary) -> String {
    let Summary { test_accuracy: test, ssl, images_per_second: speed, seconds, .. } = summary;
    let percent = |x: f64| format!("{:6.2} %", 100.0 * x);
    let rate = |x: f64| format!("{x:6.0} images/s");
    let rows = [
        ("without labels: k-NN on the embedding", percent(ssl.knn_accuracy)),
        ("without labels: linear probe", percent(ssl.linear_probe_accuracy)),
        ("without labels: reconstruction, MSE per pixel", format!("{:8.5}", ssl.reconstruction_mse)),
        ("with labels: cortex alone", percent(test.cortex)),
        ("with labels: memory alone", percent(test.memory)),
        ("with labels: cortex and memory, gated", percent(test.mixed)),
        ("speed: self-supervised", rate(speed.ssl)),
        ("speed: supervised", rate(speed.sup)),
        ("speed: inference", rate(speed.infer)),
        ("time in all", format!("{:6.1} s", seconds.get("total").copied().unwrap_or(0.0))),
    ];
    let title = format!("mnist on {}, seed {}", session::dataset(&summary.dataset), summary.seed);
    let below = [("weights", summary.weights_sha256.clone()), ("report", summary.report.display().to_string())];
    text::table(&title, &rows, &below, text::stdout_columns())
}
