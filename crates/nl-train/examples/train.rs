//! The main job from a program of your own: `cargo run --release -p nl-train --example train`.
//!
//! A smaller brain than the default, 4,000 procedural digits, one epoch a stage: about ten seconds.

use nl_brain::BrainConfig;
use nl_data::{Choice, Lookup, resolve};
use nl_train::{BrainRun, Event, Preset, RunConfig, RunFolder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Everything that decides the result is in the configuration, except the images.
    let mut config = RunConfig::preset(Preset::Quick)?;
    config.name = "example".into();
    config.validation = 500;
    config.brain = BrainConfig { v1: 16, v2: 32, v4: 32, embedding: 64, ..BrainConfig::default() };
    config.self_supervised.learn.epochs = 1;
    config.supervised.learn.epochs = 1;

    let lookup = Lookup { train: 4_000, test: 1_000, ..Lookup::default() };
    let (images, source) = resolve("mnist", &Choice::Synthetic, &lookup)?;
    let folder = RunFolder::create_in(&std::env::temp_dir(), &config.name)?;

    let mut observer = |event: &Event| {
        if let Event::EpochEnded { epoch, metrics, .. } = event {
            println!("epoch {epoch}: {metrics:?}");
        }
    };
    let summary = BrainRun::start(config, images, source, folder)?.run(&mut observer)?;
    println!("accuracy {:?}", summary.test_accuracy);
    println!("report   {}", summary.report.display());
    Ok(())
}
