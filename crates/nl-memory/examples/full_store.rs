//! What a store into a full memory costs, by its size and by the replacement: nearly the same from 1,000 to 1,000,000.
//!
//! `cargo run --release -p nl-memory --example full_store`; with `NL_SHORT=1` up to 100,000.

use std::error::Error;
use std::time::Instant;

use nl_memory::{EpisodicMemory, MemoryConfig, Replacement};

const DIM: usize = 16;
const STORES: u64 = 50_000;

/// Ten classes; class 0 is half of everything, so that the classes have to be balanced.
fn label(id: u64) -> u32 {
    let mixed = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    if mixed.is_multiple_of(2) { 0 } else { (mixed / 2 % 10) as u32 }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<12} {:>10} {:>14} {:>10}", "replacement", "held", "ns per store", "kept");
    let sizes: &[u64] =
        if std::env::var_os("NL_SHORT").is_some() { &[1_000, 100_000] } else { &[1_000, 10_000, 100_000, 1_000_000] };
    for replacement in [Replacement::PerClass, Replacement::Reservoir] {
        for &size in sizes {
            let config = MemoryConfig { replacement, ..MemoryConfig::new(DIM, size as usize, 10) };
            let mut memory = EpisodicMemory::new(config)?;
            // One more than fits: what a full store needs to know is gathered then.
            for id in 0..=size {
                memory.store(&[1.0; DIM], label(id), id)?;
            }
            let (mut kept, started) = (0, Instant::now());
            for id in size + 1..=size + STORES {
                kept += u32::from(memory.store(&[1.0; DIM], label(id), id)?.is_some());
            }
            let cost = started.elapsed().as_nanos() as f64 / STORES as f64;
            println!("{:<12} {size:>10} {cost:>14.0} {kept:>10}", format!("{replacement:?}"));
        }
    }
    Ok(())
}
