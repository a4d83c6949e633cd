//! Draws a digit as text, and what four encoders make of its middle row as rasters: a line a pixel, a column a step.
//!
//! `cargo run --release -p neuralearn --example spike_codes`

use std::error::Error;

use neuralearn::data::{Normalize, synthetic};
use neuralearn::encoding::decode::spike_count;
use neuralearn::encoding::encode::{Burst, Encoder, Latency, Poisson, WeightedPhase};
use neuralearn::neuron::{Hz, SpikeTrain};
use neuralearn::random::Streams;

const SIDE: usize = 28;
const SHADES: &[u8] = b" .:-=+*#%@";

fn main() -> Result<(), Box<dyn Error>> {
    let split = synthetic::digits(10, 1, 3);
    let three = split.train.labels().iter().position(|&label| label == 3).ok_or("ten digits, and no three")?;
    let mut pixels = vec![0.0; SIDE * SIDE];
    Normalize::unit().bytes(split.train.image(three), &mut pixels)?;
    for row in pixels.chunks(SIDE) {
        let shade = |&x: &f32| char::from(SHADES[(x * (SHADES.len() - 1) as f32).round() as usize]);
        // Two characters a pixel: letters are twice as high as wide.
        println!("{}", row.iter().flat_map(|x| [shade(x); 2]).collect::<String>().trim_end());
    }
    // The row with most ink.
    let ink = |row: &&[f32]| row.iter().sum::<f32>();
    let row = pixels.chunks(SIDE).max_by(|a, b| ink(a).total_cmp(&ink(b))).ok_or("an empty image")?;
    let encoders: [(&str, &dyn Encoder); 4] = [
        ("each step by chance, P = x / 4", &Poisson { rate: Hz(250.0), steps: 40, ..Poisson::default() }),
        ("one spike, the brighter the earlier", &Latency { steps: 40, ..Latency::default() }),
        ("the bits of the byte, five times", &WeightedPhase { bits: 8, steps: 40 }),
        ("bursts, each spike worth twice the last", &Burst { steps: 40, ..Burst::default() }),
    ];
    let mut train = SpikeTrain::new(SIDE);
    for (what, encoder) in encoders {
        encoder.encode(row, &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
        println!("\n{}: {what}; {} spikes", encoder.name(), train.count());
        for (pixel, x) in (0..).zip(row).filter(|&(_, &x)| x > 0.0) {
            let steps = train.steps_of(pixel);
            let line: String = (0..train.steps()).map(|step| if steps.contains(&step) { '|' } else { '.' }).collect();
            println!("{x:5.2} {line}");
        }
        if let Some(most) = spike_count(&train) {
            println!("most spikes: pixel {most} of {:.2}", row[most]);
        }
    }
    Ok(())
}
