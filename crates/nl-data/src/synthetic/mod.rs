//! Procedural digits that look drawn by hand: the data that is always there.

mod glyphs;
mod pen;

use nl_random::Streams;

use crate::{Images, Split};

/// Side of the images.
pub const SIDE: usize = 28;

/// `train` and `test` digits of 28x28 pixels in ten classes; image i shows the digit i mod 10.
///
/// Image i of a part depends only on (seed, part, i): a longer set begins with the shorter one. At least one image is
/// made for each part.
///
/// ```
/// let split = nl_data::synthetic::digits(20, 10, 1);
/// assert_eq!(split.train.labels()[..11], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
/// ```
#[must_use]
pub fn digits(train: usize, test: usize, seed: u64) -> Split {
    let streams = Streams::new(seed);
    Split {
        train: part(train.max(1), "synthetic/train", &streams),
        test: part(test.max(1), "synthetic/test", &streams),
    }
}

fn part(count: usize, name: &str, streams: &Streams) -> Images {
    let mut pixels = vec![0; count * SIDE * SIDE];
    let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
    let mut pen = pen::Pen::default();
    for (i, image) in pixels.chunks_exact_mut(SIDE * SIDE).enumerate() {
        pen.draw(labels[i], &mut streams.rng(name, 0, i as u64), image);
    }
    Images::new(pixels, labels, SIDE, SIDE, 10).expect("ten digits of the stated size")
}
