//! How long a layer of spiking neurons takes over a sequence, forward and back: nanoseconds a neuron and step.
//!
//! `cargo run --release -p nl-neuron --example scan_speed`; with `NL_SHORT=1` once each.

use std::time::Instant;

use nl_kernels::Scratch;
use nl_neuron::dynamics::{Dynamics, Scan, ScanGrad, Sequence};
use nl_neuron::{AlifDynamics, CubaLifDynamics, Error, LifDynamics};

fn main() -> Result<(), Error> {
    let times = if std::env::var_os("NL_SHORT").is_some() { 1 } else { 9 };
    println!("neuron: forward, back; 25 steps of 64 x 1,000 neurons, one thread");
    run("lif", &LifDynamics::default(), [0.95, 1.0, 0.0, 1.0, 0.0], times)?;
    run("cuba-lif", &CubaLifDynamics::default(), [0.95, 1.0, 0.0, 1.0, 0.0, 0.8], times)?;
    run("alif", &AlifDynamics::default(), [0.95, 1.0, 0.0, 1.0, 0.0, 0.99, 0.2], times)
}

fn run<D: Dynamics<N, 1, P>, const N: usize, const P: usize>(
    name: &str,
    dynamics: &D,
    p: [f32; P],
    times: usize,
) -> Result<(), Error> {
    let sequence = Sequence { steps: 25, batch: 64, neurons: 1000 };
    let n = sequence.len();
    let x: Vec<f32> = (0..n).map(|i| (i * 7919 % 1009) as f32 / 1009.0 - 0.4).collect();
    let (mut spikes, mut dx) = (vec![0.0; n], vec![0.0; n]);
    let p: [&[f32]; P] = std::array::from_fn(|k| &p[k..=k]);
    let (scan, mut scratch) = (Scan::default(), Scratch::new());
    let forward = median(times, || scan.forward(dynamics, sequence, p, [&x], &mut spikes))?;
    let back = median(times, || {
        let grad = ScanGrad { inputs: [&mut dx[..]], parameters: None };
        scan.backward(dynamics, sequence, p, [&x], &x, grad, &mut scratch)
    })?;
    println!("  {name}: {:.2} ns, {:.2} ns", forward / n as f64, back / n as f64);
    Ok(())
}

/// Median of some timed calls, in nanoseconds.
fn median(times: usize, mut f: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let mut all = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        f()?;
        all.push(start.elapsed().as_secs_f64() * 1e9);
    }
    all.sort_by(f64::total_cmp);
    Ok(all[times / 2])
}
