//! Digits made in code: a small net learns them by gradient descent, and an episodic memory of its embeddings answers too.
//!
//! `cargo run --release -p neuralearn --example digits`; with `NL_SHORT=1` on fewer digits.

use neuralearn::data::synthetic;
use neuralearn::prelude::*;

const HIDDEN: usize = 64;
const BATCH: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = if std::env::var_os("NL_SHORT").is_some() { 500 } else { 4_000 };
    let Split { train, test } = synthetic::digits(n, 500, 1);
    let streams = Streams::new(1);

    // Pixels → 64 units → 10 classes, with a tenth of the units silenced while it learns.
    let builder = Builder::new(streams);
    let encoder = Sequential::<f32>::new(vec![
        Box::new(Linear::new(&builder.child("hidden")?, train.area(), HIDDEN, Initializer::HE_NORMAL)?),
        Box::new(Activation::Relu),
    ]);
    let noise = Dropout::new(&builder.child("noise")?, 0.1)?;
    let output = Linear::new(&builder.child("output")?, HIDDEN, train.classes(), Initializer::XavierUniform)?;
    let mut parameters = builder.finish();

    let mut batches = Batches::new(train.len(), BATCH, true, &streams, 0)?;
    let epochs = 4;
    let schedule = Schedule::one_cycle(5e-3, epochs * batches.len() as u64);
    let optimizer = Optimizer::new(OptimizerConfig::new(Algorithm::Adam(Adam::default()), schedule), Mask::all())?;
    let (mut state, mut gradient) = (optimizer.init(parameters.values())?, vec![0.0; parameters.len()]);

    let mut tape = Tape::new();
    let mut step = 0;
    for epoch in 0..epochs {
        batches.start_epoch(&streams, epoch);
        let mut total = 0.0;
        while let Some(samples) = batches.next_batch() {
            let (x, labels) = rows(&train, samples)?;
            let ids: Vec<u64> = samples.iter().map(|&i| u64::from(i)).collect();
            let mut ctx =
                Context::new(&tape, &parameters, Mode::Train).with_noise(Noise { streams, epoch, samples: &ids });
            let embedding = encoder.forward(tape.constant(x), &mut ctx)?;
            let kept = noise.forward(embedding, &mut ctx)?;
            let loss = output.forward(kept, &mut ctx)?.cross_entropy(&labels, 0.0, Reduction::Mean)?;
            total += ctx.gradient(loss, &mut gradient)?;
            tape.reset();
            optimizer.step(parameters.values_mut(), &mut gradient, &mut state, step)?;
            step += 1;
        }
        println!("epoch {}: loss {:.3}", epoch + 1, total / batches.len() as f32);
    }

    // The memory stores what the net makes of every training image, and the nearest five vote.
    let all = |images: &Images| rows(images, &(0..images.len() as u32).collect::<Vec<_>>());
    let mut memory = EpisodicMemory::new(MemoryConfig::new(HIDDEN, train.len(), train.classes()))?;
    let (x, labels) = all(&train)?;
    let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
    let embedding = encoder.forward(tape.constant(x), &mut ctx)?.value();
    for (id, (row, &label)) in (0..).zip(embedding.as_slice().chunks_exact(HIDDEN).zip(&labels)) {
        memory.store(row, label, id)?;
    }

    let (x, truth) = all(&test)?;
    let embedding = encoder.forward(tape.constant(x), &mut ctx)?;
    let logits = output.forward(embedding, &mut ctx)?.value();
    let mut recall = RecallBatch::default();
    memory.recall_batch(embedding.value().as_slice(), 5, None, &mut recall, &mut [Scratch::new()])?;
    let right = |rows: &[f32]| rows.chunks_exact(10).zip(&truth).filter(|(row, t)| best(row) == **t).count();
    let share = |n: usize| 100.0 * n as f64 / truth.len() as f64;
    println!("of {} new digits the net names {:.1} % correctly", truth.len(), share(right(logits.as_slice())));
    println!("and its memory of {} digits {:.1} %", memory.len(), share(right(&recall.log_probs)));
    Ok(())
}

/// Pixels in [0, 1] and classes of some images.
fn rows(images: &Images, samples: &[u32]) -> Result<(Tensor<f32>, Vec<u32>), Box<dyn std::error::Error>> {
    let area = images.area();
    let pixels = samples.iter().flat_map(|&i| &images.pixels()[i as usize * area..][..area]);
    let x = Tensor::new(&[samples.len(), area], pixels.map(|&byte| f32::from(byte) / 255.0).collect())?;
    Ok((x, samples.iter().map(|&i| u32::from(images.labels()[i as usize])).collect()))
}

/// The class with the largest score.
fn best(row: &[f32]) -> u32 {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0) as u32
}
