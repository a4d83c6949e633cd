//! A network of one hidden layer learns the sine from 64 points, by gradient descent with momentum on a tape.
//!
//! `cargo run --release -p nl-autodiff --example sine`

use nl_autodiff::{Error, Reduction, Tape, Tensor, Var};

const POINTS: usize = 64;
const HIDDEN: usize = 24;
const STEPS: usize = 2000;

fn angle(i: usize) -> f32 {
    (i as f32 / (POINTS - 1) as f32 * 2.0 - 1.0) * core::f32::consts::PI
}

/// tanh(x W₁ᵀ + b₁) W₂ᵀ + b₂
fn network<'t>(x: Var<'t, f32>, p: &[Var<'t, f32>]) -> Result<Var<'t, f32>, Error> {
    x.linear(p[0], Some(p[1]))?.tanh()?.linear(p[2], Some(p[3]))
}

fn main() -> Result<(), Error> {
    let shapes: [&[usize]; 4] = [&[HIDDEN, 1], &[HIDDEN], &[1, HIDDEN], &[1]];
    // Spread-out numbers in place of random ones.
    let start = |(salt, dims): (usize, &&[usize])| {
        Tensor::from_fn(dims, |i| 2.0 * ((i + 1 + 31 * salt) as f32 * 0.618_034).fract() - 1.0)
    };
    let mut parameters = shapes.iter().enumerate().map(start).collect::<Result<Vec<_>, _>>()?;
    let mut velocities: Vec<Vec<f32>> = parameters.iter().map(|p| vec![0.0; p.shape().len()]).collect();
    let x = Tensor::from_fn(&[POINTS, 1], angle)?;
    let y = Tensor::from_fn(&[POINTS, 1], |i| angle(i).sin())?;

    let mut tape = Tape::new();
    for step in 0..=STEPS {
        tape.reset();
        let leaves: Vec<_> = parameters.iter().map(|p| tape.leaf(p.clone())).collect();
        let loss = network(tape.constant(x.clone()), &leaves)?.mse(tape.constant(y.clone()), Reduction::Mean)?;
        if step % 400 == 0 {
            println!("step {step:>4}: mean squared error {:.6}", loss.item()?);
        }
        let mut moved: Vec<Vec<f32>> = parameters.iter().map(|p| p.as_slice().to_vec()).collect();
        tape.backward(loss, &leaves, &mut |i, gradient| {
            for ((p, v), g) in moved[i].iter_mut().zip(&mut velocities[i]).zip(gradient) {
                *v = 0.9 * *v - 0.05 * g;
                *p += *v;
            }
        })?;
        parameters = shapes.iter().zip(moved).map(|(dims, p)| Tensor::new(dims, p)).collect::<Result<_, _>>()?;
    }

    // The curve (o) over the sine (.), 64 columns by 17 rows.
    tape.reset();
    let leaves: Vec<_> = parameters.iter().map(|p| tape.constant(p.clone())).collect();
    let curve = network(tape.constant(x), &leaves)?.value();
    let row = |y: f32| ((1.0 - y.clamp(-1.0, 1.0)) * 8.0).round() as usize;
    let mut page = vec![vec![' '; POINTS]; 17];
    for (i, (&learned, &sine)) in curve.as_slice().iter().zip(y.as_slice()).enumerate() {
        page[row(sine)][i] = '.';
        page[row(learned)][i] = 'o';
    }
    for line in page {
        println!("{}", line.iter().collect::<String>().trim_end());
    }
    Ok(())
}
