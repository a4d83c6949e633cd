//! What a classical Hopfield network keeps, by its load: from 1 to 14 percent of its units, against theory.
//!
//! `cargo run --release -p nl-memory --example hopfield_capacity`; with `NL_SHORT=1` a smaller network.

use std::error::Error;

use nl_memory::hopfield::{HopfieldNetwork, Update, theory};
use nl_random::Streams;
use rand::RngExt;

fn main() -> Result<(), Box<dyn Error>> {
    let units: usize = if std::env::var_os("NL_SHORT").is_some() { 500 } else { 4000 };
    let pattern = |index: u64| -> Vec<i8> {
        let mut rng = Streams::new(1).rng("pattern", 0, index);
        (0..units).map(|_| if rng.random::<bool>() { 1 } else { -1 }).collect()
    };
    println!("{units} units; of each load up to 20 patterns, shown as they are and with a tenth of the units wrong");
    println!("{:>5} {:>22} {:>22} {:>22}", "load", "turned at first", "overlap at the end", "from a tenth wrong");
    for percent in [1, 2, 5, 10, 14] {
        let patterns = (units * percent / 100) as u64;
        let mut network = HopfieldNetwork::new(units)?;
        for index in 0..patterns {
            network.store(&pattern(index))?;
        }
        let shown = patterns.min(20);
        let (mut turned, mut kept, mut found) = (0.0, 0.0, 0.0);
        for index in 0..shown {
            let wanted = pattern(index);
            let overlap = |state: &[i8]| {
                state.iter().zip(&wanted).map(|(&a, &b)| f64::from(a * b)).sum::<f64>() / (units as f64 * shown as f64)
            };
            let mut state = wanted.clone();
            network.retrieve(&mut state, Update::Synchronous, 1)?;
            turned += 0.5 / shown as f64 - overlap(&state) / 2.0;
            network.retrieve(&mut state, Update::Asynchronous { seed: index }, 100)?;
            kept += overlap(&state);
            let mut state = wanted.clone();
            state[..units / 10].iter_mut().for_each(|s| *s = -*s);
            network.retrieve(&mut state, Update::Asynchronous { seed: index }, 100)?;
            found += overlap(&state);
        }
        let load = patterns as f64 / units as f64;
        let theory_says = theory::overlap(load).map_or("none".to_owned(), |m| format!("{m:.4}"));
        let first = format!("{:.5} ({:.5})", turned, theory::first_errors(load));
        println!("{percent:>4}% {first:>22} {:>22} {found:>22.4}", format!("{kept:.4} ({theory_says})"));
    }
    println!("in brackets: theory for many units; the load above which nothing is kept is {}", theory::CAPACITY);
    Ok(())
}
