//! What a set of images can bear: how long to learn from it, in batches of how many, and how many to hold out.
//!
//! A configuration says how much to learn in epochs, which are passes over the set: of 60,000 images two of them are nine
//! hundred steps, of 300 images they are four. So there is a floor in images shown, which is about a floor in time, whatever
//! the size of the set; small sets are shown in smaller batches, and so in more steps. Everything else that reckons with a
//! large set gives way in the same manner, by a rule that stands here.

use nl_data::stratified_split;
use nl_random::Streams;
use rand::RngExt;

use crate::Error;

/// The most validations of a stage, and ends of epochs that anybody is told of.
const VALIDATIONS: u64 = 40;
/// A moving average of the weights reaches back over at most this part of the steps: 1 / 4.
const AVERAGE_PART: f64 = 4.0;

/// How one stage learns from a set of `images`:
///
/// | | |
/// |---|---|
/// | batch | min(b, max(s, n / min_batches), n), s the shard: a small set is learned in small batches |
/// | steps an epoch | ⌊n / batch⌋ |
/// | epochs | max(e, ⌈min_images / (batch · steps an epoch)⌉), 0 if e = 0 |
/// | decay of the average | min(β, 1 − 4 / steps): its horizon 1 / (1 − β) is at most a quarter of the stage |
/// | validated | every ⌈epochs / 40⌉ epochs, and at the end |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Images of a mini-batch.
    pub batch: usize,
    /// Steps of an epoch.
    pub steps: u64,
    /// Passes over the images.
    pub epochs: u64,
    /// Decay of the moving average of the weights.
    pub average: Option<f64>,
    /// Epochs from one validation to the next.
    pub validate_every: u64,
}

/// What the configuration of a stage asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Passes over the images.
    pub epochs: u64,
    /// The fewest images shown, those shown again among them.
    pub min_images: u64,
    /// Images of a mini-batch.
    pub batch: usize,
    /// The fewest mini-batches of an epoch: the batch gives way, but not below a shard.
    pub min_batches: usize,
    /// Images of a shard.
    pub shard: usize,
    /// Decay of the moving average of the weights.
    pub average: Option<f64>,
}

impl Budget {
    /// The budget of a stage that learns from `images` images.
    ///
    /// # Errors
    /// [`Error::Config`] without an image, or for a batch of none.
    ///
    /// ```
    /// use nl_train::{Budget, Wanted};
    ///
    /// let wanted = Wanted { epochs: 2, min_images: 55_000, batch: 128, min_batches: 48, shard: 16, average: Some(0.99) };
    /// let mnist = Budget::new(58_000, wanted)?;
    /// assert_eq!((mnist.batch, mnist.epochs * mnist.steps, mnist.average), (128, 906, Some(0.99)));
    /// let few = Budget::new(255, wanted)?;
    /// assert_eq!((few.batch, few.epochs * few.steps), (16, 3_450));
    /// # Ok::<(), nl_train::Error>(())
    /// ```
    pub fn new(images: usize, wanted: Wanted) -> Result<Self, Error> {
        let Wanted { epochs, min_images, batch, min_batches, shard, average } = wanted;
        if images == 0 || batch == 0 {
            return Err(Error::config(format!("{images} samples do not fill a batch of {batch}")));
        }
        let batch = batch.min((images / min_batches.max(1)).max(shard)).min(images);
        let steps = (images / batch) as u64;
        let epochs = if epochs == 0 { 0 } else { epochs.max(min_images.div_ceil(steps * batch as u64)) };
        let total = steps.checked_mul(epochs).ok_or_else(|| {
            Error::config(format!("{epochs} epochs of {steps} steps are more than can be counted; ask for fewer"))
        })?;
        let longest = (1.0 - AVERAGE_PART / total.max(1) as f64).max(0.0);
        let average = average.map(|decay| decay.min(longest));
        Ok(Self { batch, steps, epochs, average, validate_every: epochs.div_ceil(VALIDATIONS).max(1) })
    }

    /// Whether epoch `done` (from 1) ends with a validation.
    #[must_use]
    pub const fn validates(&self, done: u64) -> bool {
        done.is_multiple_of(self.validate_every) || done >= self.epochs
    }

    /// What is otherwise than asked for, as sentences for `stage`.
    #[must_use]
    pub fn differs(&self, stage: &str, images: usize, wanted: &Wanted) -> Vec<String> {
        let mut words = Vec::new();
        if self.batch != wanted.batch {
            words.push(format!(
                "{stage}.learn.batch is {}, too many for {images} samples to learn from: batches of {} are used",
                wanted.batch, self.batch
            ));
        }
        if self.epochs != wanted.epochs {
            words.push(format!(
                "{stage}.learn.epochs is {}, only {} steps with {images} samples: {} epochs are learned, {} steps, so that {} \
                 samples are shown (min_images)",
                wanted.epochs,
                wanted.epochs * self.steps,
                self.epochs,
                self.epochs * self.steps,
                wanted.min_images
            ));
        }
        if self.average != wanted.average {
            words.push(format!(
                "{stage}.learn.average is {}, too long a memory for {} steps: {:.4} is used",
                wanted.average.unwrap_or(0.0),
                self.steps * self.epochs,
                self.average.unwrap_or(0.0)
            ));
        }
        words
    }
}

/// Which samples are learned from and which are held out, both in ascending order: `most` of them, or the `share` of the set
/// if that is less, and at least 1.
///
/// A stratified draw (see [`stratified_split`]), and then, without changing the number: no class loses its last sample to
/// learn from, and a class of two or more has one among those held out, if they go round.
///
/// # Errors
/// [`Error::Config`] for a share outside (0, 0.5], or if no class has two images.
pub(crate) fn hold_out(
    labels: &[u32],
    most: usize,
    share: f64,
    streams: &Streams,
) -> Result<(Vec<u32>, Vec<u32>), Error> {
    if !(share > 0.0 && share <= 0.5) {
        return Err(Error::config(format!("validation_share is {share}, but must be above 0 and at most 0.5")));
    }
    if labels.len() < 2 {
        return Err(Error::config(
            "there is 1 training sample: none can be held out; add samples, or leave out `validation`",
        ));
    }
    let wanted = ((labels.len() as f64 * share) as usize).min(most).max(1);
    let classes = labels.iter().max().map_or(0, |&label| label as usize + 1);
    let mut sizes = vec![0_usize; classes];
    labels.iter().for_each(|&label| sizes[label as usize] += 1);
    // What can be held out at all: of each class all but one.
    let possible: usize = sizes.iter().map(|n| n.saturating_sub(1)).sum();
    if possible == 0 {
        return Err(Error::config(format!(
            "of {} training samples no two are of the same class: there is nothing to learn from and to check with; add some",
            labels.len()
        )));
    }
    let wanted = wanted.min(possible);
    let (mut learn, mut held) = stratified_split(labels, wanted, streams)?;
    let mut given = vec![0_usize; classes];
    held.iter().for_each(|&i| given[labels[i as usize] as usize] += 1);

    let mut rngs: Vec<_> = (0..classes as u64).map(|class| streams.rng("validation", 1, class)).collect();
    // One sample of `class` to the end of the other list.
    let mut move_one = |from: &mut Vec<u32>, to: &mut Vec<u32>, class: usize| {
        let of: Vec<usize> = (0..from.len()).filter(|&at| labels[from[at] as usize] as usize == class).collect();
        if !of.is_empty() {
            let at = of[rngs[class].random_range(0..of.len() as u32) as usize];
            to.push(from.remove(at));
        }
    };
    // The class with most to spare; the first of several.
    let richest =
        |spare: &dyn Fn(usize) -> usize| (0..classes).rev().max_by_key(|&class| spare(class)).filter(|&c| spare(c) > 0);
    for class in 0..classes {
        if sizes[class] > 0 && given[class] == sizes[class] {
            move_one(&mut held, &mut learn, class);
            given[class] -= 1;
            let spare = |c: usize| sizes[c].saturating_sub(given[c] + 1);
            if let Some(other) = richest(&spare) {
                move_one(&mut learn, &mut held, other);
                given[other] += 1;
            }
        }
    }
    for class in 0..classes {
        if sizes[class] >= 2 && given[class] == 0 {
            let spare = |c: usize| given[c].saturating_sub(1);
            let Some(other) = richest(&spare) else { break };
            move_one(&mut held, &mut learn, other);
            move_one(&mut learn, &mut held, class);
            given[other] -= 1;
            given[class] = 1;
        }
    }
    learn.sort_unstable();
    held.sort_unstable();
    Ok((learn, held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUICK: Wanted =
        Wanted { epochs: 2, min_images: 55_000, batch: 128, min_batches: 48, shard: 16, average: Some(0.99) };

    #[test]
    fn the_presets_are_what_they_were_on_mnist() {
        let quick = Budget::new(58_000, QUICK).unwrap();
        let same = Budget { batch: 128, steps: 453, epochs: 2, average: Some(0.99), validate_every: 1 };
        assert_eq!(quick, same);
        assert!(quick.differs("supervised", 58_000, &QUICK).is_empty());
        // 28,000 procedural digits: 436 steps, as before.
        let synthetic = Budget::new(28_000, QUICK).unwrap();
        assert_eq!((synthetic.epochs, synthetic.steps, synthetic.average), (2, 218, Some(0.99)));
        let full = Wanted { epochs: 24, average: Some(0.999), ..QUICK };
        let budget = Budget::new(58_000, full).unwrap();
        assert_eq!((budget.epochs, budget.average, budget.validate_every), (24, Some(0.999), 1));
    }

    #[test]
    fn small_sets_get_small_batches_and_enough_steps() {
        let budget = Budget::new(1_000, QUICK).unwrap();
        assert_eq!((budget.batch, budget.steps), (20, 50));
        // 55,000 images of 1,000.
        assert_eq!((budget.epochs, budget.validate_every), (55, 2));
        let budget = Budget::new(40, QUICK).unwrap();
        // 32 of the 40 images in an epoch.
        assert_eq!((budget.batch, budget.steps, budget.epochs, budget.validate_every), (16, 2, 1_719, 43));
        let told: Vec<u64> = (1..=budget.epochs).filter(|&done| budget.validates(done)).collect();
        assert!(told.len() <= 40 && told.last() == Some(&1_719), "{told:?}");
        // Fewer images than a shard.
        assert_eq!(Budget::new(3, QUICK).unwrap().batch, 3);
        assert!(Budget::new(0, QUICK).is_err());
        // A stage that is left out stays left out.
        assert_eq!(Budget::new(3, Wanted { epochs: 0, ..QUICK }).unwrap().epochs, 0);
        assert!(Budget::new(9, Wanted { epochs: u64::MAX, ..QUICK }).is_ok());
        assert!(Budget::new(40, Wanted { epochs: u64::MAX, ..QUICK }).is_err());
    }

    #[test]
    fn an_average_reaches_back_over_a_quarter_at_most() {
        let short = Wanted { epochs: 1, min_images: 0, batch: 16, min_batches: 1, shard: 16, average: Some(0.999) };
        // 10 steps: a horizon of 2.5.
        assert!((Budget::new(160, short).unwrap().average.unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(Budget::new(48, short).unwrap().average, Some(0.0));
        let words = Budget::new(160, short).unwrap().differs("supervised", 160, &short);
        assert!(
            words[0].contains("supervised.learn.average is 0.999, too long a memory for 10 steps: 0.6"),
            "{words:?}"
        );
    }

    #[test]
    fn what_differs_is_said() {
        let words = Budget::new(255, QUICK).unwrap().differs("self_supervised", 255, &QUICK);
        assert!(
            words[0].contains("self_supervised.learn.batch is 128") && words[0].contains("batches of 16"),
            "{words:?}"
        );
        assert!(
            words[1].contains("only 30 steps with 255 samples: 230 epochs are learned, 3450 steps") && words.len() == 2,
            "{words:?}"
        );
    }

    #[test]
    fn mnist_is_split_as_before() {
        let labels: Vec<u32> = (0..60_000).map(|i| i % 10).collect();
        let streams = Streams::new(1);
        assert_eq!(
            hold_out(&labels, 2_000, 0.15, &streams).unwrap(),
            stratified_split(&labels, 2_000, &streams).unwrap()
        );
    }

    #[test]
    fn classes_of_one_or_two_images_work() {
        let streams = Streams::new(5);
        // 0: five, 1: one, 2: two.
        let labels = [0_u32, 0, 0, 0, 0, 1, 2, 2];
        let (learn, held) = hold_out(&labels, 2_000, 0.3, &streams).unwrap();
        let classes = |items: &[u32]| items.iter().map(|&i| labels[i as usize]).collect::<Vec<_>>();
        assert_eq!(classes(&held), [0, 2]);
        assert_eq!(classes(&learn), [0, 0, 0, 0, 1, 2]);
        // 200 classes of one or two images.
        let labels: Vec<u32> = (0..300).map(|i| i % 200).collect();
        let (learn, held) = hold_out(&labels, 2_000, 0.15, &streams).unwrap();
        assert_eq!(held.len(), 45);
        assert!((0..200).all(|class| learn.iter().any(|&i| labels[i as usize] == class)));
        assert!(hold_out(&[5], 9, 0.15, &streams).unwrap_err().to_string().contains("1 training sample"));
        assert!(hold_out(&[0, 1, 2], 9, 0.15, &streams).unwrap_err().to_string().contains("no two"));
        assert!(hold_out(&labels, 9, 0.9, &streams).unwrap_err().to_string().contains("validation_share is 0.9"));
    }

    proptest! {
        #[test]
        fn a_hold_out_is_a_partition_that_leaves_every_class(labels in proptest::collection::vec(0_u32..9, 10..200), seed: u64) {
            let streams = Streams::new(seed);
            let (learn, held) = hold_out(&labels, 30, 0.2, &streams).unwrap();
            let mut all = [learn.clone(), held.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len() as u32).collect::<Vec<_>>());
            prop_assert_eq!(held.len(), (labels.len() / 5).min(30));
            let count = |items: &[u32], class: u32| items.iter().filter(|&&i| labels[i as usize] == class).count();
            let of_two = (0..9).filter(|&c| labels.iter().filter(|&&l| l == c).count() >= 2);
            for class in 0..9 {
                prop_assert!(count(&learn, class) > 0 || !labels.contains(&class));
            }
            if held.len() >= of_two.clone().count() {
                for class in of_two {
                    prop_assert!(count(&held, class) > 0, "class {}", class);
                }
            }
        }
    }
}
