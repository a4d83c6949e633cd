//! The training loop's share of this crate allocates nothing after its first round.

use nl_data::{Augment, Batches, Corruption, Erase, Normalize, Scratch, synthetic};
use nl_random::Streams;

#[test]
fn a_second_epoch_allocates_nothing() {
    let split = synthetic::digits(64, 1, 1);
    let streams = Streams::new(1);
    let augment = Augment {
        shift: 2.0,
        rotate: 10.0,
        scale: 0.1,
        shear: 0.1,
        elastic: 1.0,
        erase: Erase { probability: 0.5, ..Erase::default() },
        ..Augment::default()
    };
    let corruptions = [
        Corruption::Gaussian { std: 0.2 },
        Corruption::MaskPixels { fraction: 0.2, fill: 0.0 },
        Corruption::MaskPatches { fraction: 0.2, size: 4, fill: 0.0 },
    ];
    let mut batches = Batches::new(64, 16, true, &streams, 0).unwrap();
    let (mut pixels, mut out, mut scratch) = (vec![0.0; 28 * 28], vec![0.0; 28 * 28], Scratch::new());
    let mut epoch = |number| {
        batches.start_epoch(&streams, number);
        while let Some(batch) = batches.next_batch() {
            for &sample in batch {
                let mut rng = streams.rng("augment", number, u64::from(sample));
                Normalize::unit().bytes(split.train.image(sample as usize), &mut pixels).unwrap();
                augment.apply(&pixels, 28, 28, &mut out, &mut scratch, &mut rng).unwrap();
                let corruption = corruptions[sample as usize % 3];
                corruption.apply(&mut out, 28, 28, &mut scratch, &mut rng).unwrap();
            }
        }
    };
    let first = allocation_counter::measure(|| epoch(0));
    assert!(first.count_total > 0, "the counter counts");
    let second = allocation_counter::measure(|| epoch(1));
    assert_eq!(second.count_total, 0);
}
