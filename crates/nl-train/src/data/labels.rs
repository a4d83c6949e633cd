//! Fewer labels than samples, and wrong ones.

use nl_data::stratified_split;
use nl_random::Streams;
use rand::RngExt;

use crate::Error;

/// Another draw than that of the samples held out.
const LABELLED: u64 = 0x6c61_6265_6c6c_6564;

/// `n` of the samples `learn`, so that each class keeps its share; ascending. `strata` are the classes of all.
pub(super) fn few(strata: &[u32], learn: &[u32], n: usize, streams: &Streams) -> Result<Vec<u32>, Error> {
    let own: Vec<u32> = learn.iter().map(|&i| strata[i as usize]).collect();
    // The part that is drawn is the one "held out".
    let (_, drawn) = stratified_split(&own, n, &Streams::new(streams.seed() ^ LABELLED))?;
    Ok(drawn.into_iter().map(|i| learn[i as usize]).collect())
}

/// `labels`, each with probability `share` replaced by one of the other classes: y′ ~ U({0…C−1} \ {y}), from the stream
/// "label-noise", index the sample. With C classes, a share of (C − 1)/C leaves no trace of the truth.
pub(super) fn wrong(labels: &[u32], classes: usize, share: f64, streams: &Streams) -> Result<Vec<u32>, Error> {
    if classes == 0 {
        return Err(Error::config("data.label_noise is for classes, and these samples have values"));
    }
    let other = |(i, &label): (usize, &u32)| {
        let mut rng = streams.rng("label-noise", 0, i as u64);
        if classes < 2 || rng.random::<f64>() >= share {
            return label;
        }
        let drawn = rng.random_range(0..classes as u32 - 1);
        drawn + u32::from(drawn >= label)
    };
    Ok(labels.iter().enumerate().map(other).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(n: u32, classes: u32) -> Vec<u32> {
        (0..n).map(|i| i % classes).collect()
    }

    #[test]
    fn a_share_of_the_labels_is_wrong_and_every_other_class_is_as_likely() {
        let (clean, streams) = (labels(20_000, 4), Streams::new(5));
        let spoilt = wrong(&clean, 4, 0.3, &streams).unwrap();
        let mut counts = [[0_usize; 4]; 4];
        for (&was, &is) in clean.iter().zip(&spoilt) {
            counts[was as usize][is as usize] += 1;
        }
        for (was, row) in counts.iter().enumerate() {
            for (is, &n) in row.iter().enumerate() {
                let expected = if was == is { 3_500.0 } else { 500.0 };
                assert!((n as f64 - expected).abs() < 5.0 * (expected * 0.9_f64).sqrt(), "{was} to {is}: {n}");
            }
        }
        assert_eq!(spoilt, wrong(&clean, 4, 0.3, &streams).unwrap());
        assert_ne!(spoilt, wrong(&clean, 4, 0.3, &Streams::new(6)).unwrap());
        assert_eq!(wrong(&clean, 4, 0.0, &streams).unwrap(), clean);
    }

    #[test]
    fn two_classes_are_exchanged_many_do_not_overflow_and_values_are_refused() {
        for classes in [2, 256, 1000] {
            let clean = labels(2_000, classes);
            let all = wrong(&clean, classes as usize, 1.0 - 1e-9, &Streams::new(1)).unwrap();
            assert!(all.iter().zip(&clean).all(|(is, was)| is != was && *is < classes), "{classes}");
        }
        assert_eq!(wrong(&[0, 0], 1, 0.9, &Streams::new(1)).unwrap(), [0, 0]);
        assert!(wrong(&[0, 0], 0, 0.1, &Streams::new(1)).unwrap_err().to_string().contains("have values"));
    }

    #[test]
    fn few_are_drawn_from_what_is_learned_in_equal_shares() {
        let all = labels(100, 5);
        let learn: Vec<u32> = (10..90).collect();
        let drawn = few(&all, &learn, 20, &Streams::new(2)).unwrap();
        assert_eq!(drawn.len(), 20);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]) && drawn.iter().all(|i| learn.contains(i)));
        for class in 0..5 {
            assert_eq!(drawn.iter().filter(|&&i| all[i as usize] == class).count(), 4);
        }
    }
}
