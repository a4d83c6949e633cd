//! Which data, and what they are used for.

use nl_data::read::{Colour, Options, Task};
use nl_data::{Choice, Division};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Which images or other samples a run learns from, and how many of them for what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A data set of the registry: `mnist`.
    pub name: String,
    /// `auto` ($NL_DATASETS, then datasets/cache, then procedural digits), `synthetic`, or a folder with four IDX files; for a
    /// model of kind `layers` also a .csv or .npz file, or a folder of .npy arrays, of tables, or of pictures by class.
    pub source: Choice,
    /// Samples learned from, at most; without it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Training samples held out to watch the learning with, a draw that keeps the shares of classes; without it none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<usize>,
    /// The most of the training samples that are held out, a share in (0, 0.5]: of a small set that is less.
    pub validation_share: f64,
    /// Test samples, at most; without it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// How many procedural digits are drawn, where there are no others.
    pub synthetic: Digits,
    /// Which samples are for the test, where the source sets none apart: a draw, one of k folds, or those named in a file.
    #[serde(skip_serializing_if = "is_default")]
    pub split: Division,
    /// The columns of a table that are to be learned, by name.
    #[serde(skip_serializing_if = "is_target")]
    pub target: Vec<String>,
    /// The columns of a table to learn from, by name; none: all that are no target.
    #[serde(skip_serializing_if = "is_default")]
    pub inputs: Vec<String>,
    /// Whether targets are classes or values.
    #[serde(skip_serializing_if = "is_default")]
    pub task: Task,
    /// Whether pictures in a folder are grey or coloured.
    #[serde(skip_serializing_if = "is_default")]
    pub colour: Colour,
    /// What is done to numbers before they are learned.
    #[serde(skip_serializing_if = "is_default")]
    pub normalize: Normalization,
}

/// Whether numbers become (x − mean) / standard deviation, both of the samples learned from; answers are given back in the
/// unit of the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Normalization {
    /// Each column of a table of floats, and each value that is to be learned; bytes and other shapes stay as they are.
    #[default]
    Auto,
    /// All inputs (each column of a row by itself, of any other shape all values together) and each value to be learned.
    Standard,
    /// Nothing: bytes are x / 255, floats as they are.
    None,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_target(names: &[String]) -> bool {
    names == Options::default().target
}

/// Numbers of procedural digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Digits {
    /// For training.
    pub train: usize,
    /// For the test.
    pub test: usize,
}

impl Default for Digits {
    fn default() -> Self {
        Self { train: 10_000, test: 2_000 }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            name: "mnist".into(),
            source: Choice::Auto,
            train: None,
            validation: None,
            validation_share: 0.15,
            test: None,
            synthetic: Digits::default(),
            split: Division::default(),
            target: Options::default().target,
            inputs: Vec::new(),
            task: Task::default(),
            colour: Colour::default(),
            normalize: Normalization::default(),
        }
    }
}

impl DataConfig {
    /// More digits than anybody draws.
    const MOST: usize = 10_000_000;

    /// How samples are read, where a file leaves it open.
    pub(crate) fn options(&self) -> Options {
        let Self { target, inputs, task, colour, split, .. } = self.clone();
        Options { target, inputs, task, colour, split }
    }

    /// Whether it says anything that only samples can heed.
    pub(crate) fn is_of_samples(&self) -> bool {
        self.options() != Options::default() || self.normalize != Normalization::default()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let Self { train, validation, test, synthetic, .. } = self;
        for (name, count) in [("train", *train), ("validation", *validation), ("test", *test)] {
            if count == Some(0) {
                return Err(Error::config(format!("data.{name} is 0; use at least 1, or leave it out")));
            }
        }
        for (name, count) in [("train", synthetic.train), ("test", synthetic.test)] {
            if !(1..=Self::MOST).contains(&count) {
                let most = Self::MOST;
                return Err(Error::config(format!("data.synthetic.{name} is {count}; use 1 to {most} digits")));
            }
        }
        let share = self.validation_share;
        if !(share > 0.0 && share <= 0.5) {
            return Err(Error::config(format!(
                "data.validation_share is {share}, but must be above 0 and at most 0.5"
            )));
        }
        if self.name.is_empty() {
            return Err(Error::config("data.name is empty; use the name of a data set, such as mnist"));
        }
        Ok(())
    }
}
