//! The main job from a program of your own: `cargo run --release -p nl-train --example train`.
//!
//! A smaller brain than the default, 8,000 procedural digits: about ten seconds. NL_SHORT=1 makes it one or two.

use nl_brain::BrainConfig;
use nl_data::{Choice, Lookup, resolve};
use nl_train::{BrainRun, Event, Preset, RunConfig, RunFolder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Everything that decides the result is in the configuration, except the images.
    let mut config = RunConfig::preset(Preset::Quick)?;
    config.name = "example".into();
    config.validation = 500;
    config.brain = BrainConfig { v1: 16, v2: 32, v4: 32, embedding: 64, ..BrainConfig::default() };
    // The presets reckon with 60,000 images. Of fewer there are fewer steps in an epoch, so: smaller batches, more epochs,
    // and no average over weights of which most would be those of the beginning.
    let short = std::env::var_os("NL_SHORT").is_some();
    let (train, epochs) = if short { (1_500, 2) } else { (8_000, 3) };
    for learn in [&mut config.self_supervised.learn, &mut config.supervised.learn] {
        (learn.epochs, learn.batch, learn.average) = (epochs, 32, None);
    }

    let lookup = Lookup { train, test: 1_000, ..Lookup::default() };
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
