//! The samples of a run, and which of them are for what.

mod images;
mod labels;
mod nothing;
mod samples;

use std::fmt;
use std::path::Path;

use nl_data::{Images, Lookup, Source, Split};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::config::DataConfig;
use crate::gradient::hold_out;
use labels::{few, wrong};

pub(crate) use images::fits;
pub use nothing::Nothing;

/// What a model learns from: [`Images`] (grey, of bytes, in classes), [`Samples`](nl_data::Samples) (of any shape, with
/// classes or values), or [`Nothing`].
pub trait Set: Clone + fmt::Debug + Send + Sync + Sized {
    /// What they are called, in the plural; none for a model that learns from nothing.
    const WHAT: Option<&'static str>;

    /// Finds the training and the test set that `config` names.
    ///
    /// # Errors
    /// They are missing or malformed.
    fn find(config: &DataConfig, lookup: &Lookup) -> Result<(Split<Self>, Source), Error>;

    /// Finds what a model that learned `form` is to be asked about: the test set, or all, where nothing is set apart.
    ///
    /// # Errors
    /// They are missing or malformed, or cannot be what the model learned.
    fn find_test(config: &DataConfig, lookup: &Lookup, form: &SampleForm) -> Result<(Self, Source), Error>;

    /// What is in one file, to be told by a model that learned `form`.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    fn open(path: &Path, form: &SampleForm) -> Result<Self, Error>;

    /// What one of them is like.
    fn form(&self) -> SampleForm;

    /// One that is blank, of this form.
    ///
    /// # Errors
    /// A form that none can have.
    fn blank(form: &SampleForm) -> Result<Self, Error>;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The classes whose shares a draw keeps, `[len]`; all 0 where there are none.
    fn strata(&self) -> Vec<u32>;

    /// Those at `indices`.
    #[must_use]
    fn select(&self, indices: &[u32]) -> Self;

    /// The same with other classes.
    ///
    /// # Errors
    /// They have values.
    fn with_labels(&self, labels: Vec<u32>) -> Result<Self, Error>;

    /// All pixels of pictures of bytes, and the channels, the height and the width of one.
    ///
    /// # Errors
    /// What they are instead.
    fn pixels(&self) -> Result<(&[u8], [usize; 3]), Error>;

    /// The same with other pixels.
    ///
    /// # Errors
    /// Pixels of another number.
    fn with_pixels(&self, pixels: Vec<u8>) -> Result<Self, Error>;
}

/// What one sample is like: all that a trained model knows of those it learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleForm {
    /// Its axes: `[height, width]`, `[3, height, width]`, `[columns]` …
    pub shape: Vec<usize>,
    /// Whether it is of bytes.
    pub bytes: bool,
    /// Names of its values, in a table.
    pub columns: Vec<String>,
    /// What is to be learned of it.
    pub targets: TargetKind,
}

/// What is to be learned of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TargetKind {
    /// One of so many classes.
    Classes {
        /// How many.
        classes: usize,
        /// A name for each, or none.
        names: Vec<String>,
    },
    /// So many values.
    Values {
        /// How many.
        width: usize,
        /// A name for each, or none.
        names: Vec<String>,
    },
}

impl TargetKind {
    /// Numbers that are known of a sample: one for each class, or its values.
    #[must_use]
    pub const fn numbers(&self) -> usize {
        let (Self::Classes { classes: numbers, .. } | Self::Values { width: numbers, .. }) = self;
        *numbers
    }

    /// How many classes there are; 0 for values.
    #[must_use]
    pub const fn classes(&self) -> usize {
        match self {
            Self::Classes { classes, .. } => *classes,
            Self::Values { .. } => 0,
        }
    }

    /// A name for each class or value, its number where it has none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let (Self::Classes { classes: n, names } | Self::Values { width: n, names }) = self;
        (0..*n).map(|i| names.get(i).cloned().unwrap_or_else(|| i.to_string())).collect()
    }
}

impl SampleForm {
    /// Whether a sample is a picture: channels (1 for grey), height, width.
    #[must_use]
    pub fn picture(&self) -> Option<[usize; 3]> {
        match self.shape[..] {
            [height, width] => Some([1, height, width]),
            [channels @ (1 | 3), height, width] => Some([channels, height, width]),
            _ => None,
        }
    }

    /// `Ok` if samples of the form `other` can be told by a model that learned this one.
    ///
    /// # Errors
    /// [`Error::Config`] with what there is and what was learned.
    pub fn check(&self, other: &Self) -> Result<(), Error> {
        let differs = |found: String, learned: String| {
            Err(Error::config(format!("these are {found}, but the network learned {learned}")))
        };
        let what = |form: &Self| if form.bytes { "bytes, 0 to 255" } else { "floats" };
        if self.shape != other.shape {
            return differs(format!("{} of {}", other.unit(), other.size()), self.size());
        }
        if self.bytes != other.bytes {
            return differs(what(other).to_owned(), what(self).to_owned());
        }
        if self.columns != other.columns {
            return differs(format!("the columns {}", other.columns.join(", ")), self.columns.join(", "));
        }
        match (&self.targets, &other.targets) {
            (TargetKind::Classes { classes: known, .. }, TargetKind::Classes { classes, .. }) if classes > known => {
                differs(format!("{} of {classes} classes", self.unit()), known.to_string())
            }
            (TargetKind::Values { names, width }, TargetKind::Values { names: found, width: n }) => {
                let named =
                    |names: &[String], n: usize| if names.is_empty() { n.to_string() } else { names.join(", ") };
                match names == found && width == n {
                    true => Ok(()),
                    false => differs(format!("values called {}", named(found, *n)), named(names, *width)),
                }
            }
            (TargetKind::Classes { .. }, TargetKind::Classes { .. }) => Ok(()),
            (TargetKind::Classes { .. }, _) => differs("samples with values".to_owned(), "classes".to_owned()),
            (TargetKind::Values { .. }, _) => differs("samples with classes".to_owned(), "values".to_owned()),
        }
    }

    /// "28 × 28".
    #[must_use]
    pub fn size(&self) -> String {
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        if sizes.is_empty() { "1".to_owned() } else { sizes.join(" × ") }
    }

    /// "images" or "samples".
    #[must_use]
    pub fn unit(&self) -> &'static str {
        if self.picture().is_some() && self.bytes { "images" } else { "samples" }
    }
}

/// A training and a test set; indices of those learned from and those held out.
#[derive(Debug, Clone)]
pub struct Dataset<S = Images> {
    /// All of them.
    pub split: Split<S>,
    /// Where they come from.
    pub source: Source,
    /// Indices of the training samples that are learned from, ascending.
    pub learn: Vec<u32>,
    /// Of these the ones whose classes or values are known, ascending.
    pub labelled: Vec<u32>,
    /// Indices of the training samples that are held out, ascending.
    pub validation: Vec<u32>,
}

impl<S: Set> Dataset<S> {
    /// Finds what `config` names; see [`nl_data::resolve`] and [`nl_data::resolve_samples`].
    ///
    /// # Errors
    /// The data are missing or malformed, or too few.
    pub fn find(config: &DataConfig, seed: u64, lookup: &Lookup) -> Result<Self, Error> {
        let (split, source) = S::find(config, &found(config, lookup))?;
        Self::new(split, source, config, seed)
    }

    /// Finds what a trained model is to be asked about: as many test samples as `config` says, none to learn from.
    ///
    /// # Errors
    /// The data are missing or malformed, or not what the model learned.
    pub fn find_test(config: &DataConfig, lookup: &Lookup, form: &SampleForm) -> Result<Self, Error> {
        let (test, source) = S::find_test(config, &found(config, lookup), form)?;
        let test = match config.test.filter(|&most| most < test.len()) {
            Some(most) => test.select(&first(most)),
            None => test,
        };
        let (learn, labelled, validation) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { split: Split { train: S::blank(form)?, test }, source, learn, labelled, validation })
    }

    /// Samples that are in memory already, divided as `config` says.
    ///
    /// # Errors
    /// None for training or test, samples of two forms, or as many to be held out as there are.
    pub fn new(mut split: Split<S>, source: Source, config: &DataConfig, seed: u64) -> Result<Self, Error> {
        let what = S::WHAT.unwrap_or("samples");
        let shape = |set: &S| set.form().shape;
        if split.train.is_empty() || split.test.is_empty() || shape(&split.train) != shape(&split.test) {
            return Err(Error::config(format!("training and test {what} must be there, and of one size")));
        }
        if let Some(most) = config.test.filter(|&most| most < split.test.len()) {
            split.test = split.test.select(&first(most));
        }
        let strata = split.train.strata();
        let (mut learn, validation) = match config.validation {
            Some(most) => hold_out(&strata, most, config.validation_share, &Streams::new(seed))?,
            None => (first(split.train.len()), Vec::new()),
        };
        learn.truncate(config.train.unwrap_or(usize::MAX));
        let streams = Streams::new(seed);
        let labelled = match config.labelled.filter(|&n| n < learn.len()) {
            Some(n) => few(&strata, &learn, n, &streams)?,
            None => learn.clone(),
        };
        if config.label_noise > 0.0 {
            let classes = split.train.form().targets.classes();
            split.train = split.train.with_labels(wrong(&strata, classes, config.label_noise, &streams)?)?;
        }
        Ok(Self { split, source, learn, labelled, validation })
    }

    /// The samples learned from.
    #[must_use]
    pub fn learned(&self) -> S {
        self.split.train.select(&self.learn)
    }

    /// At most `most` of the samples learned from, evenly spread.
    pub(crate) fn some_learned(&self, most: usize) -> S {
        self.some(&self.learn, most)
    }

    /// At most `most` of the samples held out, or learned from if there are none, evenly spread.
    pub(crate) fn some_held_out(&self, most: usize) -> S {
        self.some(if self.validation.is_empty() { &self.learn } else { &self.validation }, most)
    }

    fn some(&self, of: &[u32], most: usize) -> S {
        let picked: Vec<u32> = spread(of.len(), most).into_iter().map(|i| of[i as usize]).collect();
        self.split.train.select(&picked)
    }

    /// The samples learned from whose classes or values are known.
    #[must_use]
    pub fn with_labels(&self) -> S {
        self.split.train.select(&self.labelled)
    }

    /// The samples held out.
    #[must_use]
    pub fn held_out(&self) -> S {
        self.split.train.select(&self.validation)
    }
}

/// Where to look, with as many procedural digits as are asked for.
fn found(config: &DataConfig, lookup: &Lookup) -> Lookup {
    Lookup { train: config.synthetic.train, test: config.synthetic.test, ..lookup.clone() }
}

/// At most `most` of the numbers below `n`, evenly spread.
pub(crate) fn spread(n: usize, most: usize) -> Vec<u32> {
    let m = n.min(most);
    (0..m).map(|i| (i as u64 * n as u64 / m as u64) as u32).collect()
}

fn first(n: usize) -> Vec<u32> {
    (0..u32::try_from(n).unwrap_or(u32::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_many_are_spread_and_none_comes_twice() {
        assert_eq!(spread(3, 10), [0, 1, 2]);
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
        assert!(spread(0, 4).is_empty() && spread(4, 0).is_empty());
    }
}
