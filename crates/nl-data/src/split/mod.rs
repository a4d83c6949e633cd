//! Which samples are for the test: a stratified draw, one of k folds, or a given list.

mod folds;
mod list;
mod stratified;

use std::io;
use std::path::PathBuf;

use nl_random::Streams;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use folds::{Fold, folds};
pub use list::read_indices;
pub use stratified::stratified_split;

use crate::{BatchError, Samples};

/// Why samples cannot be divided.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SplitError {
    /// A draw that cannot be.
    #[error(transparent)]
    Draw(#[from] BatchError),
    /// A share that leaves nothing on one side.
    #[error("split: share {share}, but it must be above 0 and below 1")]
    Share {
        /// The share given.
        share: f64,
    },
    /// Too few folds, or too many.
    #[error("split: {folds} folds of {len} items; use 2 to {len}, of at least 2 items")]
    Folds {
        /// Folds asked for.
        folds: usize,
        /// Items there are.
        len: usize,
    },
    /// A fold that is not there.
    #[error("split: fold {fold} of {folds}; they are counted from 0")]
    NoFold {
        /// The fold asked for.
        fold: usize,
        /// How many there are.
        folds: usize,
    },
    /// More items than a u32 can number.
    #[error("split: {len} items, at most {} can be numbered; split the set", u32::MAX)]
    TooMany {
        /// Items given.
        len: usize,
    },
    /// More classes than are told apart.
    #[error("split: {classes} classes, at most 65536 can be told apart; number them without gaps")]
    Classes {
        /// The number of classes.
        classes: usize,
    },
    /// A list that could not be read.
    #[error("{}: cannot read: {source}; check the file and its permissions", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A list that is none.
    #[error("{}: {what}; write one number a line, from 0, each sample of the test set once", file.display())]
    List {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A list that leaves nothing to learn from.
    #[error("{}: all {len} samples are named, none is left to learn from", file.display())]
    AllNamed {
        /// The file.
        file: PathBuf,
        /// How many samples there are.
        len: usize,
    },
}

/// Which samples of a set are for the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Division {
    /// A draw that keeps the classes' shares.
    Stratified {
        /// The share for the test, in (0, 1).
        share: f64,
    },
    /// One of k folds, which keep the classes' shares; every sample is tested in one of them.
    Folds {
        /// How many folds there are.
        of: usize,
        /// Which one is for the test, from 0.
        fold: usize,
    },
    /// Those named in a file.
    List {
        /// The file: one number a line, from 0.
        file: PathBuf,
    },
}

impl Default for Division {
    /// One sample in five, drawn.
    fn default() -> Self {
        Self::Stratified { share: 0.2 }
    }
}

impl Division {
    /// "a stratified draw of 0.2".
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Stratified { share } => format!("a stratified draw of {share}"),
            Self::Folds { of, fold } => format!("fold {fold} of {of}"),
            Self::List { file } => format!("listed in {}", file.display()),
        }
    }

    /// The samples to learn from and those for the test, both ascending; values to predict count as one class.
    ///
    /// # Errors
    /// [`SplitError`]: a division that leaves one side empty, or a list that cannot be read.
    ///
    /// ```
    /// use nl_data::{synthetic, Division, Samples};
    ///
    /// let digits = Samples::from(synthetic::digits(50, 1, 1).train);
    /// let (train, test) = Division::Folds { of: 5, fold: 0 }.divide(&digits, &nl_random::Streams::new(1))?;
    /// assert_eq!((train.len(), test.len()), (40, 10));
    /// # Ok::<(), nl_data::SplitError>(())
    /// ```
    pub fn divide(&self, samples: &Samples, streams: &Streams) -> Result<(Vec<u32>, Vec<u32>), SplitError> {
        let len = samples.len();
        let one_class = vec![0; if samples.labels().is_some() { 0 } else { len }];
        let labels = samples.labels().unwrap_or(&one_class);
        match self {
            &Self::Stratified { share } => {
                if !(share > 0.0 && share < 1.0) {
                    return Err(SplitError::Share { share });
                }
                let classes = labels.iter().max().map_or(0, |&label| label as usize + 1);
                let wanted = ((len as f64 * share).round() as usize).clamp(1, len.saturating_sub(1).max(1));
                Ok(stratified::draw(labels.iter().copied(), classes, wanted, "test", streams)?)
            }
            &Self::Folds { of, fold } => {
                let Fold { train, test } = folds::one(labels, of, fold, streams)?;
                Ok((train, test))
            }
            Self::List { file } => {
                let test = read_indices(file, len)?;
                let mut held = test.iter().copied().peekable();
                let train: Vec<u32> = (0..len as u32).filter(|&item| held.next_if_eq(&item).is_none()).collect();
                match train.is_empty() {
                    true => Err(SplitError::AllNamed { file: file.clone(), len }),
                    false => Ok((train, test)),
                }
            }
        }
    }
}

/// The items of each class, ascending; `labels` are below `classes`.
fn members(labels: impl Iterator<Item = u32>, classes: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); classes];
    (0..).zip(labels).for_each(|(item, label)| members[label as usize].push(item));
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Targets, Values, synthetic};

    #[test]
    fn each_kind_divides() {
        let digits = Samples::from(synthetic::digits(40, 1, 1).train);
        let table = {
            let targets = Targets::Values { width: 1, values: vec![0.5; 40], names: Vec::new() };
            Samples::new(vec![1], Values::F32(vec![0.0; 40]), targets).unwrap()
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        let indices = (0..8).map(|i| format!("{}\n", i * 5)).collect::<String>();
        std::fs::write(&file, indices).unwrap();
        let list = Division::List { file: file.path().into() };
        for division in [Division::default(), Division::Folds { of: 5, fold: 3 }, list.clone()] {
            for samples in [&digits, &table] {
                let (train, test) = division.divide(samples, &Streams::new(1)).unwrap();
                assert_eq!((train.len(), test.len()), (32, 8), "{division:?}");
                let mut both = [train, test].concat();
                both.sort_unstable();
                assert_eq!(both, (0..40).collect::<Vec<u32>>());
            }
        }
        std::fs::write(&file, (0..40).map(|i| format!("{i}\n")).collect::<String>()).unwrap();
        let error = list.divide(&digits, &Streams::new(1)).unwrap_err().to_string();
        assert!(error.contains("all 40 samples are named"), "{error}");
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        let digits = Samples::from(synthetic::digits(3, 1, 1).train);
        let one = digits.select(&[0]);
        for (division, samples, words) in [
            (Division::Stratified { share: 0.0 }, &digits, "share 0"),
            (Division::Stratified { share: f64::NAN }, &digits, "share NaN"),
            (Division::Stratified { share: 1.0 }, &digits, "share 1"),
            (Division::default(), &one, "1 of 1 items"),
            (Division::Folds { of: 9, fold: 0 }, &digits, "9 folds of 3"),
            (Division::Folds { of: 2, fold: 2 }, &digits, "fold 2 of 2"),
        ] {
            let error = division.divide(samples, &Streams::new(1)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        // A share that rounds to nothing, or to all, leaves one.
        for (share, expected) in [(0.01, (2, 1)), (0.99, (1, 2))] {
            let (train, test) = Division::Stratified { share }.divide(&digits, &Streams::new(1)).unwrap();
            assert_eq!((train.len(), test.len()), expected);
        }
    }

    #[test]
    fn a_division_is_written_by_its_kind() {
        let folds: Division = serde_json::from_str(r#"{"kind": "folds", "of": 10, "fold": 2}"#).unwrap();
        assert_eq!(folds, Division::Folds { of: 10, fold: 2 });
        assert!(serde_json::from_str::<Division>(r#"{"kind": "folds", "of": 10, "fold": 2, "share": 0.1}"#).is_err());
    }
}
