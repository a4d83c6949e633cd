//! Fewer labels than images, and wrong ones.

use nl_data::{Images, stratified_split};
use nl_random::Streams;
use rand::RngExt;

use crate::Error;

/// `n` of the images `learn`, so that each class keeps its share; ascending.
pub(crate) fn few(labels: &[u8], learn: &[u32], n: usize, streams: &Streams) -> Result<Vec<u32>, Error> {
    let own: Vec<u8> = learn.iter().map(|&i| labels[i as usize]).collect();
    // The part that is drawn is the one "held out".
    let (_, drawn) = stratified_split(&own, n, &Streams::new(streams.seed() ^ LABELLED))?;
    Ok(drawn.into_iter().map(|i| learn[i as usize]).collect())
}

/// Another draw than that of the images held out.
const LABELLED: u64 = 0x6c61_6265_6c6c_6564;

/// `images`, each label with probability `share` replaced by one of the other classes: y' ~ U({0…C−1} \ {y}), from the
/// stream "label-noise", index the image. With C classes, a share of (C − 1)/C leaves no trace of the truth.
pub(crate) fn noisy(images: &Images, share: f64, streams: &Streams) -> Result<Images, Error> {
    let classes = images.classes();
    let other = |(i, &label): (usize, &u8)| {
        let mut rng = streams.rng("label-noise", 0, i as u64);
        if classes < 2 || rng.random::<f64>() >= share {
            return label;
        }
        // Classes are numbered by a byte: what is drawn is below 255.
        let drawn = rng.random_range(0..classes as u32 - 1) as u8;
        drawn + u8::from(drawn >= label)
    };
    let labels = images.labels().iter().enumerate().map(other).collect();
    Images::new(images.pixels().to_vec(), labels, images.height(), images.width(), classes)
        .map_err(|e| Error::config(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(n: usize, classes: usize) -> Images {
        Images::new(vec![0; n * 4], (0..n).map(|i| (i % classes) as u8).collect(), 2, 2, classes).unwrap()
    }

    #[test]
    fn a_share_of_the_labels_is_wrong_and_every_other_class_is_as_likely() {
        let (clean, streams) = (images(20_000, 4), Streams::new(5));
        let spoilt = noisy(&clean, 0.3, &streams).unwrap();
        let mut counts = [[0_usize; 4]; 4];
        for (&was, &is) in clean.labels().iter().zip(spoilt.labels()) {
            counts[usize::from(was)][usize::from(is)] += 1;
        }
        for (was, row) in counts.iter().enumerate() {
            for (is, &n) in row.iter().enumerate() {
                let expected = if was == is { 3_500.0 } else { 500.0 };
                assert!((n as f64 - expected).abs() < 5.0 * (expected * 0.9_f64).sqrt(), "{was} to {is}: {n}");
            }
        }
        assert_eq!(spoilt.labels(), noisy(&clean, 0.3, &streams).unwrap().labels());
        assert_ne!(spoilt.labels(), noisy(&clean, 0.3, &Streams::new(6)).unwrap().labels());
        assert_eq!(spoilt.pixels(), clean.pixels());
        assert_eq!(noisy(&clean, 0.0, &streams).unwrap().labels(), clean.labels());
    }

    #[test]
    fn two_classes_are_exchanged_and_256_do_not_overflow() {
        let all = noisy(&images(200, 2), 1.0 - 1e-9, &Streams::new(1)).unwrap();
        assert!(all.labels().iter().enumerate().all(|(i, &label)| usize::from(label) != i % 2));
        let many = noisy(&images(2_560, 256), 1.0 - 1e-9, &Streams::new(1)).unwrap();
        assert!(many.labels().iter().enumerate().all(|(i, &label)| usize::from(label) != i % 256));
    }

    #[test]
    fn few_are_drawn_from_what_is_learned_in_equal_shares() {
        let labels: Vec<u8> = (0..100).map(|i| i % 5).collect();
        let learn: Vec<u32> = (10..90).collect();
        let drawn = few(&labels, &learn, 20, &Streams::new(2)).unwrap();
        assert_eq!(drawn.len(), 20);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]) && drawn.iter().all(|i| learn.contains(i)));
        for class in 0..5 {
            assert_eq!(drawn.iter().filter(|&&i| labels[i as usize] == class).count(), 4);
        }
    }
}
