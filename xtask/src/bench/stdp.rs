//! Diehl & Cook's network: images learned a second, one after another, the drawing of their spikes included; the answer
//! is checked.

use std::time::Instant;

use nl_encoding::encode::SuperposedPoisson;
use nl_network::competitive::{CompetitiveConfig, CompetitiveNetwork, Presentation, Stimulus};
use nl_random::Streams;

use super::Figure;

/// Images learned in one repetition, all different.
const IMAGES: usize = 3000;

/// Learns `IMAGES` procedural digits from scratch, so often that `steps` of 30 makes three; the median counts. One image
/// follows another, so that one thread does it all.
pub(super) fn run(steps: usize) -> anyhow::Result<Vec<Figure>> {
    let images = nl_data::synthetic::digits(IMAGES, 1, 1).train;
    let input = SuperposedPoisson::default();
    let config = CompetitiveConfig { inputs: images.area(), ..CompetitiveConfig::default() };
    let streams = Streams::new(1);
    let mut source = input.source()?;
    let mut stimulus = Stimulus::new(config.inputs)?;
    let mut see = |i: usize, name: &str, stimulus: &mut Stimulus| -> anyhow::Result<()> {
        let pixels: Vec<f32> = images.image(i).iter().map(|&byte| f32::from(byte)).collect();
        let mut rng = streams.rng(name, 0, i as u64);
        source.set(&pixels)?;
        stimulus.clear();
        for _ in 0..input.steps {
            stimulus.push_step(source.step(&mut rng))?;
        }
        Ok(())
    };
    let mut times = Vec::new();
    for _ in 0..steps.div_ceil(10) {
        let mut network = CompetitiveNetwork::new(config, &streams)?;
        let mut presentation = Presentation::new(&network);
        let started = Instant::now();
        for i in 0..IMAGES {
            see(i, "stdp/poisson", &mut stimulus)?;
            network.learn(&stimulus, i as f32 / IMAGES as f32, &mut presentation)?;
        }
        times.push(started.elapsed().as_secs_f64() * 1e3);

        // A fast network that learned nothing is worth nothing: its neurons must tell the last images by the others.
        let mut responses = nl_encoding::decode::Responses::new(config.neurons)?;
        let mut row = vec![0_u32; config.neurons];
        let (named, told) = (IMAGES - 1000, 500);
        let mut right = 0;
        let mut names = None;
        for i in 0..named + told {
            see(i, "stdp/label", &mut stimulus)?;
            network.respond(&stimulus, &mut presentation)?;
            row.fill(0);
            presentation.spikes().iter().for_each(|spike| row[spike.neuron as usize] += 1);
            if i < named {
                responses.push(&row)?;
                continue;
            }
            let labels = &images.labels()[..named];
            let names = match &names {
                Some(names) => names,
                None => names.insert(nl_encoding::decode::AllActivity::fit(&responses, labels, images.classes())?),
            };
            let one = nl_encoding::decode::Responses::from_dense(config.neurons, &row)?;
            let decided = nl_encoding::decode::Decoder::decide_all(names, &one)?;
            right += usize::from(decided[0] == images.labels()[i]);
        }
        let accuracy = right as f64 / told as f64;
        anyhow::ensure!(accuracy > 0.6, "stdp: the neurons tell {right} of {told} images, but should tell 300 or more");
    }
    times.sort_by(f64::total_cmp);
    let median_ms = times[times.len() / 2];
    let throughput = IMAGES as f64 / (median_ms * 1e-3);
    Ok(vec![Figure { workload: "stdp".into(), threads: 1, throughput, unit: "images/s", median_ms }])
}
