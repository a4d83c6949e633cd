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
    config.brain = BrainConfig { v1: 16, v2: 32, v4: 32, embedding: 64, ..BrainConfig::default() };
    // The preset reckons with 60,000 images. Of fewer, an epoch has fewer steps: `min_images` is the floor, and `min_batches`
    // makes the batches smaller.
    let short = std::env::var_os("NL_SHORT").is_some();
    let (train, shown) = if short { (1_500, 5_000) } else { (8_000, 30_000) };
    for learn in [&mut config.self_supervised.learn, &mut config.supervised.learn] {
        (learn.epochs, learn.min_images) = (1, shown);
    }

    let lookup = Lookup { train, test: 1_000, ..Lookup::default() };
    let (images, source) = resolve("mnist", &Choice::Synthetic, &lookup)?;
    let folder = RunFolder::create_in(&std::env::temp_dir(), &config.name)?;

    let mut observer = |event: &Event| match event {
        Event::EpochEnded { epoch, metrics, .. } => println!("epoch {epoch}: {metrics:?}"),
        Event::Warning { message } | Event::Note { message } => println!("{message}"),
        _ => {}
    };
    let summary = BrainRun::start(config, images, source, folder)?.run(&mut observer)?;
    println!("accuracy {:?}", summary.test_accuracy);
    println!("report   {}", summary.report.display());
    Ok(())
}
