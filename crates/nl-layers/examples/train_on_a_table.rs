//! A small net learns a table of numbers (two moons) with autodiff, layers and an optimiser; nothing else is needed.
//! `cargo run --release -p nl-layers --example train_on_a_table`
use nl_autodiff::{Reduction, Tape, Tensor};
use nl_layers::{Activation, Builder, Context, Initializer, Layer, Linear, Mode, Sequential};
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The table: [x, y] of 200 points on two interleaved half circles, and the half circle of each.
    let moon = |i: usize| (i % 2, (i / 2) as f32 * 0.0314, (i * 7 % 11) as f32 * 0.02);
    let table: Vec<f32> = (0..200)
        .map(moon)
        .flat_map(|(half, angle, noise)| {
            let (x, y) = (angle.cos() + noise, angle.sin() + noise);
            if half == 0 { [x, y] } else { [1.0 - x, 0.5 - y] }
        })
        .collect();
    let labels: Vec<u32> = (0..200).map(|i| moon(i).0 as u32).collect();

    let builder = Builder::new(nl_random::Streams::new(1));
    let net = Sequential::new(vec![
        Box::new(Linear::new(&builder.child("hidden")?, 2, 16, Initializer::HE_NORMAL)?) as Box<dyn Layer<f32>>,
        Box::new(Activation::Tanh),
        Box::new(Linear::new(&builder.child("output")?, 16, 2, Initializer::XavierUniform)?),
    ]);
    let (mut parameters, mut tape) = (builder.finish(), Tape::new());
    let rate = Schedule::Constant { rate: 0.02 };
    let optimizer = Optimizer::new(OptimizerConfig::new(Algorithm::Adam(Adam::default()), rate), Mask::all())?;
    let (mut state, mut gradient) = (optimizer.init(parameters.values())?, vec![0.0; parameters.len()]);
    for step in 0..=500 {
        let mut ctx = Context::new(&tape, &parameters, Mode::Train);
        let logits = net.forward(tape.constant(Tensor::new(&[200, 2], table.clone())?), &mut ctx)?;
        let right =
            logits.value().as_slice().chunks(2).zip(&labels).filter(|(z, t)| (z[1] > z[0]) == (**t == 1)).count();
        let loss = ctx.gradient(logits.cross_entropy(&labels, 0.0, Reduction::Mean)?, &mut gradient)?;
        if step % 100 == 0 {
            println!("step {step:3}: loss {loss:.4}, {right} of 200 right");
        }
        tape.reset();
        optimizer.step(parameters.values_mut(), &mut gradient, &mut state, step)?;
    }
    Ok(())
}
