//! A step of either learning stage, a decision and an inference allocate nothing once they have run before.

use nl_autodiff::{Reduction, Tape};
use nl_brain::{Brain, BrainConfig, Cerebellum, Error, Recalled};
use nl_layers::{Context, Mode, Noise, Parameters};
use nl_random::Streams;

const ROWS: usize = 4;

/// Everything a shard does in one step, on its own tape, into its own gradient buffer.
fn step(tape: &mut Tape<f32>, brain: &Brain, parameters: &Parameters<f32>, gradients: &mut [f32]) -> Result<(), Error> {
    let samples = [3, 1, 4, 15];
    let noise = Noise { streams: Streams::new(1), epoch: 0, samples: &samples };
    let recalled = Recalled { log_probs: &[-2.3; ROWS * 10], agreement: &[0.5; ROWS], distance: &[0.1; ROWS] };
    let pixels = |x: &mut [f32]| x.iter_mut().enumerate().for_each(|(i, x)| *x = (i % 11) as f32 / 10.0);

    tape.reset();
    let tape = &*tape;
    let mut ctx = Context::new(tape, parameters, Mode::Train).with_noise(noise);
    let images = tape.constant_with(&[ROWS, 1, 12, 13], pixels)?;
    let embedding = brain.encode(images, &mut ctx)?;
    let image = Cerebellum::image(brain.reconstruct(embedding, &mut ctx)?)?;
    let logits = brain.classify(embedding, &mut ctx)?;
    let decision = brain.decide(logits, recalled, &mut ctx)?;
    let labels = [0, 9, 5, 5];
    let loss = image.mse(images, Reduction::Mean)?.add(logits.cross_entropy(&labels, 0.1, Reduction::Mean)?)?;
    let loss = loss.add(decision.log_probs.nll(&labels, Reduction::Mean)?)?;
    tape.backward_bound(loss, &mut |slot, gradient| {
        let range = parameters.entries()[slot].range();
        gradients[range].copy_from_slice(gradient);
    })?;
    Ok(())
}

#[test]
fn a_second_step_allocates_nothing() {
    let config = BrainConfig { height: 12, width: 13, ..BrainConfig::default() };
    let (brain, mut parameters) = Brain::new(config, Streams::new(1)).unwrap();
    let mut gradients = vec![0.0; parameters.len()];
    let mut tape = Tape::new();
    let mut counts = [0; 3];
    for count in &mut counts {
        let info = allocation_counter::measure(|| {
            step(&mut tape, &brain, &parameters, &mut gradients).unwrap();
            tape.reset();
            // The update writes in place, because the tape let go of the parameters.
            for (w, g) in parameters.values_mut().iter_mut().zip(&gradients) {
                *w -= 0.01 * g;
            }
        });
        *count = info.count_total;
    }
    assert!(counts[0] > 0, "the counter counts");
    assert_eq!(counts[1..], [0, 0]);
    assert!(gradients.iter().any(|&g| g != 0.0));
}
