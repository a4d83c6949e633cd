//! A small net learns a table of numbers (two moons) with autodiff, layers and an optimiser; nothing else is needed.
//! `cargo run --release -p nl-layers --example train_on_a_table`
use nl_autodiff::{Reduction, Tape, Tensor};
use nl_layers::{Activation, Builder, Context, Initializer, Layer, Linear, Mode, Sequential};
use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The table: [x, y] of 200 points on two interleaved half circles; the target is the half circle.
    let row = |i: usize| {
        let (angle, noise) = (i as f32 * 0.0157, (i * 7 % 11) as f32 * 0.02);
        let (x, y) = (angle.cos() + noise, angle.sin() + noise);
        if i.is_multiple_of(2) { [x, y] } else { [1.0 - x, 0.5 - y] }
    };
    let table: Vec<f32> = (0..200).flat_map(row).collect();
    let labels: Vec<u32> = (0..200).map(|i| i % 2).collect();

    let builder = Builder::new(nl_random::Streams::new(1));
    let net = Sequential::new(vec![
        Box::new(Linear::new(&builder.child("hidden")?, 2, 16, Initializer::HE_NORMAL)?) as Box<dyn Layer<f32>>,
        Box::new(Activation::Tanh),
        Box::new(Linear::new(&builder.child("output")?, 16, 2, Initializer::XavierUniform)?),
    ]);
    let (mut parameters, mut tape) = (builder.finish(), Tape::new());
    let config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 0.02 });
    let optimizer = Optimizer::new(config, Mask::all())?;
    let (mut state, mut gradient) = (optimizer.init(parameters.values())?, vec![0.0; parameters.len()]);
    for step in 0..=500 {
        let mut ctx = Context::new(&tape, &parameters, Mode::Train);
        let logits = net.forward(tape.constant(Tensor::new(&[200, 2], table.clone())?), &mut ctx)?;
        let hits = logits.value().as_slice().chunks(2).zip(&labels).filter(|(z, t)| (z[1] > z[0]) == (**t > 0)).count();
        let loss = ctx.gradient(logits.cross_entropy(&labels, 0.0, Reduction::Mean)?, &mut gradient)?;
        if step % 100 == 0 {
            println!("step {step:3}: loss {loss:.4}, {hits} of 200 right");
        }
        tape.reset();
        optimizer.step(parameters.values_mut(), &mut gradient, &mut state, step)?;
    }
    Ok(())
}
