//! The main job from a program of your own: `cargo run --release -p nl-train --example train`.
//!
//! A smaller brain than the default, 8,000 procedural digits: about ten seconds. NL_SHORT=1 makes it one or two.

use nl_data::Lookup;
use nl_train::models::BrainModel;
use nl_train::{Dataset, Document, Event, Run, RunFolder, shipped};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Everything that decides the result is in the configuration: a shipped one, with some values of our own. The preset
    // reckons with 60,000 images; of fewer, an epoch has fewer steps: `min_images` is the floor, and `min_batches` makes the
    // batches smaller.
    let short = std::env::var_os("NL_SHORT").is_some();
    let (train, shown) = if short { (1_500, 5_000) } else { (8_000, 30_000) };
    let mut document = Document::read("mnist-quick", shipped("mnist-quick").ok_or("no such configuration")?)?;
    document.assign("name=example")?;
    document.assign("data.source=synthetic")?;
    document.assign(&format!("data.synthetic={{train: {train}, test: 1000}}"))?;
    document.assign("model.regions={v1: 16, v2: 32, v4: 32, embedding: 64}")?;
    for stage in [0, 1] {
        document.assign(&format!("stages[{stage}].learn.epochs=1"))?;
        document.assign(&format!("stages[{stage}].learn.min_images={shown}"))?;
    }
    let config = document.config::<BrainModel>()?;

    let data = Dataset::find(&config.data.clone().unwrap_or_default(), config.seed, &Lookup::default())?;
    let folder = RunFolder::create_in(&std::env::temp_dir(), &config.name)?;
    let mut observer = |event: &Event| match event {
        Event::Milestone { place, measures } => {
            let measures: Vec<String> = measures.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
            println!("{place}: {}", measures.join(", "));
        }
        Event::Warning { message } | Event::Note { message } => println!("{message}"),
        _ => {}
    };
    let summary = Run::<BrainModel>::start(config, Some(data), folder)?.run(&mut observer)?;
    for (name, score) in &summary.scores {
        println!("{name} {score:.4}");
    }
    println!("report {}", summary.report);
    Ok(())
}
