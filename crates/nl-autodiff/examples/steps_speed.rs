//! How long a training step of small recurrent and attention networks takes: forward, loss, backward and Adam, for a batch of 128 in
//! shards on two threads.
//!
//! GRU and LSTM: 28 steps of 28 numbers, 128 units, the last state to 10 classes. Block: 49 steps of 64 features, 4 heads, a network of
//! 128 units for each step, norms before, the mean over steps to 10 classes.
//!
//! `cargo run --release -p nl-autodiff --example steps_speed -- [shard] [model]`; with `NL_SHORT=1` a few steps.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use nl_autodiff::{Error, KeepDims, Mask, Reduction, Scan, Shape, Tape, Tensor, Unit, Var};

const BATCH: usize = 128;

/// Logits of a batch, from parameters.
type Logits = for<'t> fn(Var<'t, f32>, &[Var<'t, f32>]) -> Result<Var<'t, f32>, Error>;

/// What a shard fills: its gradient, and how it went.
type Filled<'a> = Mutex<(&'a mut Vec<f32>, Result<(), Error>)>;

/// A network: shapes of its parameters, of one sample `[T, F]`, and its logits.
struct Model {
    name: &'static str,
    parameters: Vec<Vec<usize>>,
    sample: [usize; 2],
    logits: Logits,
}

fn rows<'t>(x: Var<'t, f32>, units: usize) -> Result<Var<'t, f32>, Error> {
    let batch = x.shape().dims()[1];
    x.tape().constant_with(&[batch, units], |x| x.fill(0.0))
}

fn last(y: Var<'_, f32>) -> Result<Var<'_, f32>, Error> {
    let shape = y.shape();
    let steps = shape.dims()[0];
    y.slice(0, steps - 1..steps)?.reshape(&shape.dims()[1..])
}

fn gru<'t>(x: Var<'t, f32>, p: &[Var<'t, f32>]) -> Result<Var<'t, f32>, Error> {
    let a = x.linear(p[0], Some(p[1]))?;
    let y = a.recurrent(Unit::Gru(p[3]), Scan::default(), p[2], rows(x, 128)?)?;
    last(y)?.linear(p[4], Some(p[5]))
}

fn lstm<'t>(x: Var<'t, f32>, p: &[Var<'t, f32>]) -> Result<Var<'t, f32>, Error> {
    let a = x.linear(p[0], Some(p[1]))?;
    let zeros = rows(x, 128)?;
    let y = a.recurrent(Unit::Lstm(zeros), Scan::default(), p[2], zeros)?;
    last(y)?.linear(p[3], Some(p[4]))
}

fn block<'t>(x: Var<'t, f32>, p: &[Var<'t, f32>]) -> Result<Var<'t, f32>, Error> {
    let seen = x.layer_norm(2, Some(p[0]), Some(p[1]), 1e-5)?.linear(p[2], Some(p[3]))?;
    let x = x.add(seen.self_attention(4, Mask::default())?.linear(p[4], Some(p[5]))?)?;
    let hidden = x.layer_norm(2, Some(p[6]), Some(p[7]), 1e-5)?.linear(p[8], Some(p[9]))?.gelu()?;
    let x = x.add(hidden.linear(p[10], Some(p[11]))?)?;
    x.mean_axes(&[0], KeepDims::No)?.linear(p[12], Some(p[13]))
}

/// Parameters in one vector, their gradients a shard, and Adam's moments.
struct Training {
    flat: Arc<Vec<f32>>,
    windows: Vec<(usize, Shape)>,
    slots: Vec<Slot>,
    moments: [Vec<f32>; 2],
    shards: Vec<Vec<f32>>,
}

struct Slot {
    tape: Tape<f32>,
}

impl Training {
    fn new(model: &Model, shards: usize) -> Result<Self, Error> {
        let (mut len, mut windows) = (0, Vec::new());
        for dims in &model.parameters {
            let shape = Shape::new(dims)?;
            windows.push((len, shape));
            len += shape.len();
        }
        let flat = (0..len).map(|i| 0.2 * ((i as f32 * 0.618_034).fract() - 0.5)).collect();
        Ok(Self {
            flat: Arc::new(flat),
            windows,
            slots: (0..2).map(|_| Slot { tape: Tape::new() }).collect(),
            moments: [vec![0.0; len], vec![0.0; len]],
            shards: vec![vec![0.0; len]; shards],
        })
    }

    /// One step on `shards` of the batch.
    fn step(&mut self, model: &Model, shard: usize, k: i32) -> Result<(), Error> {
        let [steps, features] = model.sample;
        let (flat, windows) = (&self.flat, &self.windows);
        let results: Vec<Filled<'_>> = self.shards.iter_mut().map(|g| Mutex::new((g, Ok(())))).collect();
        nl_kernels::for_each_shard(BATCH / shard, &mut self.slots, |i, slot| {
            slot.tape.reset();
            let tape = &slot.tape;
            let run = |gradient: &mut Vec<f32>| -> Result<(), Error> {
                let p: Vec<_> = (windows.iter().enumerate())
                    .map(|(slot, &(at, shape))| Ok(tape.bind(slot, || Tensor::view(flat.clone(), at, shape).unwrap())))
                    .collect::<Result<_, Error>>()?;
                let x = tape.constant_with(&[steps, shard, features], |x| {
                    x.iter_mut().enumerate().for_each(|(j, x)| *x = ((i + j) as f32 * 0.618_034).fract());
                })?;
                let targets: Vec<u32> = (0..shard).map(|n| ((i * shard + n) % 10) as u32).collect();
                let loss = (model.logits)(x, &p)?.cross_entropy(&targets, 0.0, Reduction::Sum)?;
                tape.backward_bound(loss.div_scalar(BATCH as f64)?, &mut |slot, g| {
                    gradient[windows[slot].0..][..g.len()].copy_from_slice(g);
                })
            };
            let mut place = results[i].lock().unwrap();
            let result = run(place.0);
            place.1 = result;
            slot.tape.reset();
        });
        for result in results {
            result.into_inner().unwrap().1?;
        }
        let (sum, rest) = self.shards.split_at_mut(1);
        for other in rest {
            sum[0].iter_mut().zip(other).for_each(|(sum, g)| *sum += *g);
        }
        let (b1, b2) = (0.9_f32, 0.999_f32);
        let rate = 1e-3 * (1.0 - b2.powi(k)).sqrt() / (1.0 - b1.powi(k));
        let [first, second] = &mut self.moments;
        let weights = Arc::make_mut(&mut self.flat);
        for (((w, m), v), &g) in weights.iter_mut().zip(first).zip(second).zip(&sum[0]) {
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *w -= rate * *m / (v.sqrt() + 1e-8);
        }
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    let shard = std::env::args().nth(1).and_then(|n| n.parse().ok()).filter(|n| BATCH.is_multiple_of(*n)).unwrap_or(32);
    let count = if std::env::var_os("NL_SHORT").is_some() { 3 } else { 60 };
    let shapes = |all: &[&[usize]]| all.iter().map(|dims| dims.to_vec()).collect();
    let models = [
        Model {
            name: "gru",
            parameters: shapes(&[&[384, 28], &[384], &[384, 128], &[128], &[10, 128], &[10]]),
            sample: [28, 28],
            logits: gru,
        },
        Model {
            name: "lstm",
            parameters: shapes(&[&[512, 28], &[512], &[512, 128], &[10, 128], &[10]]),
            sample: [28, 28],
            logits: lstm,
        },
        Model {
            name: "block",
            parameters: shapes(&[
                &[64],
                &[64],
                &[192, 64],
                &[192],
                &[64, 64],
                &[64],
                &[64],
                &[64],
                &[128, 64],
                &[128],
                &[64, 128],
                &[64],
                &[10, 64],
                &[10],
            ]),
            sample: [49, 64],
            logits: block,
        },
    ];
    let only = std::env::args().nth(2);
    for model in models.iter().filter(|model| only.as_ref().is_none_or(|name| name == model.name)) {
        let mut training = Training::new(model, BATCH / shard)?;
        let mut times = Vec::new();
        for k in 1..=count + 2 {
            let start = Instant::now();
            training.step(model, shard, k)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let mut times = times.split_off(2);
        times.sort_by(f64::total_cmp);
        let (median, best) = (times[times.len() / 2], times[0]);
        println!(
            "{}: median {median:.2} ms/step, best {best:.2}, {:.0} samples/s",
            model.name,
            BATCH as f64 / median * 1e3
        );
    }
    Ok(())
}
