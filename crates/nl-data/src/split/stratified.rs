//! A draw that keeps the classes' shares.

use nl_random::Streams;
use rand::RngExt;

use crate::BatchError;

/// Sets `validation` items aside so that each class keeps its share: (training, validation), both in ascending order.
///
/// Class c gives ⌊validation · n_c / n⌋ items, and one more to the classes of largest remainder (ties to the lower
/// class) until the count is exact; which items is drawn from the stream `"validation"`, index c.
///
/// # Errors
/// No item on one of the sides, more than 65,536 classes.
///
/// ```
/// let labels = [0_u32, 0, 0, 0, 1, 1, 1, 1];
/// let (train, validation) = nl_data::stratified_split(&labels, 2, &nl_random::Streams::new(1))?;
/// assert_eq!((train.len(), validation.len()), (6, 2));
/// assert_eq!(validation.iter().filter(|&&i| labels[i as usize] == 1).count(), 1);
/// # Ok::<(), nl_data::BatchError>(())
/// ```
pub fn stratified_split<L: Copy + Into<u32>>(
    labels: &[L],
    validation: usize,
    streams: &Streams,
) -> Result<(Vec<u32>, Vec<u32>), BatchError> {
    let labels = labels.iter().map(|&label| label.into());
    let classes = labels.clone().max().map_or(0, |label| label as usize + 1);
    if classes > crate::samples::MOST_CLASSES {
        return Err(BatchError::Classes { classes });
    }
    draw(labels, classes, validation, "validation", streams)
}

/// The same for any number of classes, from the stream `stream`; `labels` are below `classes`.
pub(super) fn draw(
    labels: impl ExactSizeIterator<Item = u32>,
    classes: usize,
    wanted: usize,
    stream: &str,
    streams: &Streams,
) -> Result<(Vec<u32>, Vec<u32>), BatchError> {
    let len = labels.len();
    if u32::try_from(len).is_err() {
        return Err(BatchError::TooMany { len });
    }
    if wanted == 0 || wanted >= len {
        return Err(BatchError::Split { validation: wanted, len });
    }
    let mut members = super::members(labels, classes);
    let share = |n: usize| (wanted as u128 * n as u128 / len as u128) as usize;
    let remainder = |n: usize| wanted as u128 * n as u128 % len as u128;
    let mut quota: Vec<usize> = members.iter().map(|m| share(m.len())).collect();
    let mut by_remainder: Vec<usize> = (0..classes).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(remainder(members[class].len()))); // stable: ties to the lower
    let missing = wanted - quota.iter().sum::<usize>();
    for &class in &by_remainder[..missing] {
        quota[class] += 1;
    }
    let mut held_out = vec![false; len];
    for (class, items) in members.iter_mut().enumerate() {
        let mut rng = streams.rng(stream, 0, class as u64);
        for i in 0..quota[class] {
            let j = rng.random_range(i as u32..items.len() as u32) as usize;
            items.swap(i, j);
            held_out[items[i] as usize] = true;
        }
    }
    Ok((0..len as u32).partition(|&i| !held_out[i as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_cannot_be() {
        let streams = Streams::new(1);
        assert_eq!(stratified_split(&[0_u8, 1], 2, &streams), Err(BatchError::Split { validation: 2, len: 2 }));
        assert_eq!(stratified_split(&[0, u32::MAX], 1, &streams), Err(BatchError::Classes { classes: 1 << 32 }));
        assert_eq!(stratified_split::<u8>(&[], 0, &streams), Err(BatchError::Split { validation: 0, len: 0 }));
    }

    /// A changed number here is a changed result of every run: a decision, not an accident.
    #[test]
    fn value_stability() {
        let labels: Vec<u8> = (0..40).map(|i| i % 4).collect();
        assert_eq!(stratified_split(&labels, 6, &Streams::new(42)).unwrap().1, [9, 12, 27, 28, 37, 38]);
    }

    #[test]
    fn the_split_keeps_the_shares_exactly() {
        let labels: Vec<u8> = (0..1000).map(|i| [0, 0, 0, 0, 0, 0, 1, 1, 1, 2][i % 10]).collect();
        let (train, validation) = stratified_split(&labels, 105, &Streams::new(1)).unwrap();
        let count = |class| validation.iter().filter(|&&i| labels[i as usize] == class).count();
        // 63, 31.5, 10.5: the one left over goes to the lower of the two classes with remainder 1/2.
        assert_eq!([count(0), count(1), count(2)], [63, 32, 10]);
        assert_eq!((train.len(), validation.len()), (895, 105));
        assert_eq!(stratified_split(&labels, 105, &Streams::new(1)).unwrap().1, validation);
        assert_ne!(stratified_split(&labels, 105, &Streams::new(2)).unwrap().1, validation);
    }

    proptest! {
        #[test]
        fn a_split_is_a_partition(labels in proptest::collection::vec(0u8..5, 2..100), share in 0.01f64..0.99) {
            let validation = ((labels.len() as f64 * share) as usize).clamp(1, labels.len() - 1);
            let (train, held) = stratified_split(&labels, validation, &Streams::new(1)).unwrap();
            prop_assert_eq!(held.len(), validation);
            let mut both = [train.clone(), held.clone()].concat();
            both.sort_unstable();
            prop_assert_eq!(both, (0..labels.len() as u32).collect::<Vec<_>>());
            for class in 0..5 {
                let n = labels.iter().filter(|&&l| l == class).count();
                let given = held.iter().filter(|&&i| labels[i as usize] == class).count() as f64;
                let exact = (validation * n) as f64 / labels.len() as f64;
                prop_assert!((given - exact).abs() < 1.0, "class {}: {} of {}", class, given, exact);
            }
        }
    }
}
