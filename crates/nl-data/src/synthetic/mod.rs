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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_bits_and_a_longer_set_begins_with_the_shorter() {
        let (short, long) = (digits(20, 10, 5), digits(50, 10, 5));
        assert_eq!(short, digits(20, 10, 5));
        assert_eq!(short.train.pixels(), &long.train.pixels()[..20 * SIDE * SIDE]);
        assert_ne!(short.train.pixels(), digits(20, 10, 6).train.pixels());
        assert_ne!(short.train.image(0), short.test.image(0), "the test set is not the training set");
    }

    #[test]
    fn ink_is_inside_and_of_a_digit_s_amount() {
        let split = digits(2000, 1, 1);
        for i in 0..split.train.len() {
            let image = split.train.image(i);
            let lit = image.iter().filter(|&&p| p > 127).count();
            assert!((12..400).contains(&lit), "image {i}: {lit} lit pixels");
            let rim = |k: usize| [k % SIDE, k / SIDE].iter().any(|&at| at == 0 || at == SIDE - 1);
            assert!((0..SIDE * SIDE).all(|k| image[k] == 0 || !rim(k)), "image {i}: ink on the rim");
        }
    }

    /// Harder than a straight line can cut, easier than chance: nearest class mean and nearest neighbour.
    #[test]
    fn classifiable_but_not_trivial() {
        let split = digits(2000, 300, 1);
        let mut means = vec![[0f64; SIDE * SIDE]; 10];
        for i in 0..2000 {
            for (mean, &pixel) in means[i % 10].iter_mut().zip(split.train.image(i)) {
                *mean += f64::from(pixel) / 200.0;
            }
        }
        let (mut by_mean, mut by_neighbour) = (0, 0);
        for i in 0..300 {
            let image = split.test.image(i);
            let to_mean = |class: &usize| -> u64 {
                image.iter().zip(&means[*class]).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum::<f64>() as u64
            };
            let to_image = |j: &usize| -> u64 {
                image.iter().zip(split.train.image(*j)).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum()
            };
            by_mean += usize::from((0..10).min_by_key(to_mean) == Some(i % 10));
            by_neighbour += usize::from((0..2000).min_by_key(to_image).unwrap() % 10 == i % 10);
        }
        assert!((180..290).contains(&by_mean), "nearest mean: {by_mean} of 300");
        assert!(by_neighbour > 265 && by_neighbour > by_mean, "nearest neighbour: {by_neighbour} of 300");
    }

    /// A changed number here is a changed dataset: a decision, not an accident.
    #[test]
    fn value_stability() {
        let split = digits(100, 1, 42);
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        for &pixel in split.train.pixels() {
            hash = (hash ^ u64::from(pixel)).wrapping_mul(0x0100_0000_01b3);
        }
        assert_eq!(hash, 2_013_403_147_691_709_413);
    }
}
