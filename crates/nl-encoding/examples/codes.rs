//! Three numbers as spikes: what each encoder makes of a small, a middling and a large one.
//!
//! `cargo run --release -p nl-encoding --example codes`

use nl_encoding::encode::{Burst, Encoder, Latency, Poisson, Regular, WeightedPhase};
use nl_neuron::{Hz, SpikeTrain};
use nl_random::Streams;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x = [0.1, 0.5, 0.9];
    let encoders: [&dyn Encoder; 5] = [
        &Latency { steps: 40, ..Latency::default() },
        &WeightedPhase { steps: 40, ..WeightedPhase::default() },
        &Burst { steps: 40, ..Burst::default() },
        &Regular { steps: 40, rate: Hz(250.0), ..Regular::default() },
        &Poisson { steps: 40, rate: Hz(250.0), ..Poisson::default() },
    ];
    for encoder in encoders {
        let mut train = SpikeTrain::new(encoder.population(x.len()));
        encoder.encode(&x, &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
        println!("{}:", encoder.name());
        for (neuron, x) in x.iter().enumerate() {
            let row: String = (0..train.steps())
                .map(|step| if train.at(step).contains(&(neuron as u32)) { '|' } else { '.' })
                .collect();
            println!("  {x}  {row}");
        }
    }
    Ok(())
}
