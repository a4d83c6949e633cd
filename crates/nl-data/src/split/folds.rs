//! Cross-validation: k divisions in which every item is tested once.

use nl_random::Streams;
use rand::RngExt;

use super::{SplitError, members};

/// One of k divisions; both lists ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Items to learn from.
    pub train: Vec<u32>,
    /// Items to test with.
    pub test: Vec<u32>,
}

/// Divides items into `k` folds that keep the classes' shares: each item is tested in exactly one of them.
///
/// The items of each class are shuffled (Fisher-Yates, stream `"folds"`, index of the class) and dealt out one by one,
/// class after class, to fold 0, 1, … k - 1, 0, …: no two folds differ by more than one item, neither in all nor in any
/// class.
///
/// # Errors
/// Fewer than 2 folds, more folds than items, more items than a u32 can number, classes beyond 65,536.
///
/// ```
/// let labels = [0, 0, 0, 1, 1, 1, 2, 2, 2];
/// let folds = nl_data::folds(&labels, 3, &nl_random::Streams::new(1))?;
/// assert!(folds.iter().all(|fold| fold.train.len() == 6 && fold.test.len() == 3));
/// # Ok::<(), nl_data::SplitError>(())
/// ```
pub fn folds(labels: &[u32], k: usize, streams: &Streams) -> Result<Vec<Fold>, SplitError> {
    let of = places(labels, k, streams)?;
    let len = labels.len() as u32;
    let fold = |fold: usize| {
        let (test, train) = (0..len).partition(|&item| of[item as usize] as usize == fold);
        Fold { train, test }
    };
    Ok((0..k).map(fold).collect())
}

/// Fold `fold` of `k`, without making the others.
pub(super) fn one(labels: &[u32], k: usize, fold: usize, streams: &Streams) -> Result<Fold, SplitError> {
    if fold >= k {
        return Err(SplitError::NoFold { fold, folds: k });
    }
    let of = places(labels, k, streams)?;
    let (test, train) = (0..labels.len() as u32).partition(|&item| of[item as usize] as usize == fold);
    Ok(Fold { train, test })
}

/// The fold in which each item is tested.
fn places(labels: &[u32], k: usize, streams: &Streams) -> Result<Vec<u32>, SplitError> {
    let len = labels.len();
    if k < 2 || k > len {
        return Err(SplitError::Folds { folds: k, len });
    }
    if u32::try_from(len).is_err() {
        return Err(SplitError::TooMany { len });
    }
    let classes = labels.iter().max().map_or(0, |&label| label as usize + 1);
    if classes > crate::samples::MOST_CLASSES {
        return Err(SplitError::Classes { classes });
    }
    let mut of = vec![0; len];
    let mut next = 0;
    for (class, mut items) in members(labels.iter().copied(), classes).into_iter().enumerate() {
        let mut rng = streams.rng("folds", 0, class as u64);
        for i in (1..items.len()).rev() {
            // The cast is lossless: items are numbered by u32.
            let j = rng.random_range(0..=i as u32) as usize;
            items.swap(i, j);
        }
        for item in items {
            of[item as usize] = next;
            next = (next + 1) % k as u32;
        }
    }
    Ok(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_cannot_be() {
        let streams = Streams::new(1);
        for (k, words) in [(0, "0 folds of 3 items"), (1, "1 folds"), (4, "4 folds of 3 items")] {
            let error = folds(&[0, 0, 1], k, &streams).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("2 to 3"), "{error}");
        }
        assert!(folds(&[0, u32::MAX], 2, &streams).unwrap_err().to_string().contains("4294967296 classes"));
        assert!(one(&[0, 0, 1], 2, 2, &streams).unwrap_err().to_string().contains("fold 2"));
    }

    #[test]
    fn folds_depend_on_the_seed_only() {
        let labels: Vec<u32> = (0..30).map(|i| i % 3).collect();
        let of = |seed| folds(&labels, 5, &Streams::new(seed)).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!((0..5).all(|fold| one(&labels, 5, fold, &Streams::new(3)).unwrap() == of(3)[fold]));
    }

    proptest! {
        #[test]
        fn disjoint_complete_and_stratified(labels in proptest::collection::vec(0u32..5, 2..120), share in 0.0f64..1.0, seed: u64) {
            let k = 2 + ((labels.len() - 2) as f64 * share) as usize;
            let folds = folds(&labels, k, &Streams::new(seed)).unwrap();
            prop_assert_eq!(folds.len(), k);
            let mut tested: Vec<u32> = folds.iter().flat_map(|fold| fold.test.clone()).collect();
            tested.sort_unstable();
            let all: Vec<u32> = (0..labels.len() as u32).collect();
            prop_assert_eq!(&tested, &all, "each item is tested once");
            for fold in &folds {
                prop_assert!(fold.train.is_sorted() && fold.test.is_sorted());
                let mut both = [fold.train.clone(), fold.test.clone()].concat();
                both.sort_unstable();
                prop_assert_eq!(&both, &all, "what is not tested is learned");
            }
            let spread = |count: &dyn Fn(&Fold) -> usize| {
                let counts: Vec<usize> = folds.iter().map(count).collect();
                counts.iter().max().unwrap() - counts.iter().min().unwrap()
            };
            prop_assert!(spread(&|fold| fold.test.len()) <= 1);
            for class in 0..5 {
                prop_assert!(spread(&|fold| fold.test.iter().filter(|&&i| labels[i as usize] == class).count()) <= 1);
            }
        }
    }
}
