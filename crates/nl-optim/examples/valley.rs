//! Every algorithm walks down Rosenbrock's valley, (1 − x)² + 100 (y − x²)², from (−1.2, 1) to its bottom at (1, 1).
//!
//! `cargo run --release -p nl-optim --example valley`; with `NL_SHORT=1` fewer steps.

use std::error::Error;

use nl_optim::{Adam, AdamW, Algorithm, Mask, Momentum, Nesterov, Optimizer, OptimizerConfig, RmsProp, Schedule, Sgd};

fn main() -> Result<(), Box<dyn Error>> {
    let steps = if std::env::var_os("NL_SHORT").is_some() { 4_000 } else { 40_000 };
    let adam_w = AdamW { weight_decay: 0.0, ..AdamW::default() };
    let table = [
        ("SGD", Algorithm::Sgd(Sgd {}), 1e-3),
        ("momentum", Algorithm::Momentum(Momentum::default()), 3e-4),
        ("Nesterov", Algorithm::Nesterov(Nesterov::default()), 3e-4),
        ("RMSprop", Algorithm::RmsProp(RmsProp::default()), 1e-2),
        ("RMSprop, centred", Algorithm::RmsProp(RmsProp { centered: true, ..RmsProp::default() }), 1e-2),
        ("Adam", Algorithm::Adam(Adam::default()), 1e-2),
        ("AMSGrad", Algorithm::Adam(Adam { amsgrad: true, ..Adam::default() }), 1e-2),
        ("AdamW, no decay", Algorithm::AdamW(adam_w), 1e-2),
    ];
    println!("{:<18} {:>8} {:>8} {:>11}   steps to a loss below 1, 0.1, 0.01", "", "x", "y", "loss");
    for (name, algorithm, rate) in table {
        let schedule = Schedule::Cosine { rate, steps, floor: 0.0 };
        let optimizer = Optimizer::new(OptimizerConfig::new(algorithm, schedule), Mask::all())?;
        let mut at = [-1.2_f32, 1.0];
        let mut state = optimizer.init(&at)?;
        let loss = |[x, y]: [f32; 2]| (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
        let mut reached = Vec::new();
        for step in 0..steps {
            let [x, y] = at;
            let mut gradient = [-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)];
            optimizer.step(&mut at, &mut gradient, &mut state, step)?;
            if reached.len() < 3 && loss(at) < 0.1_f32.powi(reached.len() as i32) {
                reached.push(step + 1);
            }
        }
        println!("{name:<18} {:>8.4} {:>8.4} {:>11.2e}   {reached:?}", at[0], at[1], loss(at));
    }
    Ok(())
}
