//! Durations and the grid of a time step: what is a whole number of steps, what is refused, what is rounded because it was asked for.
//!
//! `cargo run --release -p nl-units --example grid`

use nl_units::Ms;

fn main() {
    let dt = Ms(0.1);
    println!("in steps of {dt}:");
    for duration in [0.0, 0.3, 2.0, 0.15, 1e9, f64::NAN] {
        match Ms(duration).steps("lif", "t_ref", dt) {
            Ok(steps) => println!("  {} is {steps} steps", Ms(duration)),
            Err(error) => println!("  {error}"),
        }
    }
    println!("asked to round, {} is {}", Ms(0.15), Ms(0.15).on_grid(dt));
}
