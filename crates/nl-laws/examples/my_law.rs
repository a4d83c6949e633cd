//! A law of one's own, and what is said of a model that breaks it: the smallest case, not the first that was found.
//!
//! `cargo run --release -p nl-laws --example my_law`

use nl_laws::proptest::strategy::Strategy;
use nl_laws::{Config, Violation, ensure, hold};

/// Euler's step of V' = −V/τ: right for small steps only.
fn euler(v: f64, dt: f64, tau: f64) -> f64 {
    v - dt * v / tau
}

/// The exact step.
fn exact(v: f64, dt: f64, tau: f64) -> f64 {
    v * (-dt / tau).exp()
}

fn main() {
    let cases = (1..100_u32, 1..100_u32).prop_map(|(dt, tau)| (f64::from(dt) / 10.0, f64::from(tau) / 10.0));
    for (name, step) in [("exact", exact as fn(f64, f64, f64) -> f64), ("Euler's", euler)] {
        let held = hold(
            ("sign", "a potential above rest does not fall below it by leaking"),
            &cases,
            &Config::default(),
            |&(dt, tau)| ensure(step(1.0, dt, tau) >= 0.0, || format!("1 mV became {} mV", step(1.0, dt, tau))),
            |case| (format!("{name} step"), case.map(|(dt, tau)| format!("  dt = {dt} ms, tau_m = {tau} ms"))),
        );
        match held {
            Ok(cases) => println!("the {name} step: held in {} cases", cases.0),
            Err(violation) => print_violation(&violation),
        }
    }
}

fn print_violation(violation: &Violation<String>) {
    println!("{violation}");
}
