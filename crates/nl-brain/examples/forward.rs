//! One image through every region, and what the thalamus and the basal ganglia did with it.
//!
//! `cargo run --release -p nl-brain --example forward`

use nl_autodiff::{Tape, Tensor};
use nl_brain::{BasalGanglia, Brain, BrainConfig, Cerebellum, Hippocampus, HippocampusConfig, Thalamus};
use nl_brain::{RecallBatch, Recalled, Scratch};
use nl_layers::{Context, Mode};
use nl_random::Streams;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (brain, parameters) = Brain::new(BrainConfig::default(), Streams::new(1))?;

    // Two bars, one upright and one lying, as images [2, 1, 28, 28] in [0, 1].
    let bars = Tensor::from_fn(&[2, 1, 28, 28], |i| {
        let (image, row, column) = (i / 784, i % 784 / 28, i % 28);
        let across = if image == 0 { column } else { row };
        if (12..16).contains(&across) { 1.0 } else { 0.0 }
    })?;

    let tape = Tape::new();
    let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
    let images = tape.constant(bars);
    let embedding = brain.encode(images, &mut ctx)?;
    let logits = brain.classify(embedding, &mut ctx)?;
    let reconstruction = Cerebellum::image(brain.reconstruct(embedding, &mut ctx)?)?;

    // The hippocampus keeps the upright bar as a "1" and recalls it for both.
    let mut hippocampus = Hippocampus::new(brain.config(), HippocampusConfig::default())?;
    let codes = embedding.value();
    hippocampus.store(&codes.as_slice()[..128], &[1], &[0])?;
    let mut recall = RecallBatch::default();
    hippocampus.recall(codes.as_slice(), None, &mut recall, &mut [Scratch::new()])?;
    let decision = brain.decide(logits, Recalled::from(&recall), &mut ctx)?;

    let recording = ctx.into_recording();
    let row = |t: &Tensor<f32>, i: usize| {
        let width = t.shape().len() / 2;
        t.as_slice()[i * width..][..width.min(10)].iter().map(|x| format!("{x:6.2}")).collect::<String>()
    };
    for (i, name) in ["upright", "lying"].into_iter().enumerate() {
        println!("{name}");
        println!("  thalamic gains     {}", row(recording.get(Thalamus::GATE).ok_or("no gate")?, i));
        println!("  embedding          {}", row(&codes, i));
        println!("  cortex, logits     {}", row(&logits.value(), i));
        println!("  memory, distance   {:6.2}", recall.mean_distance[i]);
        println!("  trust in memory    {}", row(recording.get(BasalGanglia::TRUST).ok_or("no trust")?, i));
        println!("  mixture, log p     {}", row(&decision.log_probs.value(), i));
    }
    let error = reconstruction.mse(images, nl_autodiff::Reduction::Mean)?.item()?;
    println!("mean squared error of the untrained reconstruction: {error:.3}");
    Ok(())
}
