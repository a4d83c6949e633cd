//! Readers of samples: IDX of any element type, NumPy's arrays, CSV tables, folders of pictures by class.
//!
//! Every file is read as if written by an enemy: what a header claims is checked against [`Limits`](crate::Limits)
//! before it is believed, memory grows with bytes that arrived, no name in a file is ever used as a path.

mod arrays;
#[cfg(feature = "npy")]
mod by_name;
#[cfg(feature = "csv")]
mod csv_columns;
#[cfg(feature = "csv")]
mod csv_table;
mod error;
mod form;
mod idx_folder;
mod inputs;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "npy")]
mod npz;
#[cfg(feature = "pictures")]
mod pictures;

use std::path::Path;

use serde::{Deserialize, Serialize};

#[cfg(feature = "csv")]
pub use csv_table::{csv, csv_dir};
pub use error::ReadError;
pub(crate) use form::Form;
pub use idx_folder::idx_dir;
pub use inputs::inputs;
#[cfg(feature = "npy")]
pub use npy::npy_dir;
#[cfg(feature = "npy")]
pub use npz::npz;
#[cfg(feature = "pictures")]
pub use pictures::picture_dir;

use crate::split::Division;
use crate::{SampleSplit, Samples};
use nl_random::Streams;

/// How samples are read, where a file leaves it open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The columns of a table that are to be learned, by name.
    pub target: Vec<String>,
    /// The columns of a table to learn from, by name, in this order; none: all that are no target.
    pub inputs: Vec<String>,
    /// What the targets are.
    pub task: Task,
    /// Whether pictures are grey or coloured.
    pub colour: Colour,
    /// Which samples are for the test, where a source does not say.
    pub split: Division,
}

impl Default for Options {
    /// The column `target`; the rest as the file has it; one sample in five for the test.
    fn default() -> Self {
        Self {
            target: vec!["target".to_owned()],
            inputs: Vec::new(),
            task: Task::default(),
            colour: Colour::default(),
            split: Division::default(),
        }
    }
}

/// What targets are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// Of arrays: whole numbers and one-hot rows are classes, all else values. Of tables: text is classes, numbers are
    /// values.
    #[default]
    Auto,
    /// Classes: whole numbers from 0 (or 1) without gaps in arrays, any text in tables.
    Classes,
    /// Values.
    Values,
}

/// Whether pictures are grey or coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Colour {
    /// As the first one is; all must be alike.
    #[default]
    Auto,
    /// Grey, `[height, width]`: colours become their luma (ITU-R BT.601).
    Grey,
    /// Coloured, `[3, height, width]`: grey is repeated.
    Rgb,
}

/// What a source holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Samples to learn from, or all of them.
    pub train: Samples,
    /// Samples for the test, where the source sets some apart.
    pub test: Option<Samples>,
    /// What lies beside them and is not used, by name.
    pub unused: Vec<String>,
}

impl Found {
    /// Training and test samples; where the source has no test set, the one that `division` draws from `streams`.
    ///
    /// # Errors
    /// [`ReadError::Samples`] if the two sets are not alike, [`ReadError::Split`] if there is no such division.
    pub fn split(self, division: &Division, streams: &Streams, file: &Path) -> Result<SampleSplit, ReadError> {
        let (train, test) = match self.test {
            Some(test) => (self.train, test),
            None => {
                let (learn, held) = division.divide(&self.train, streams)?;
                (self.train.select(&learn), self.train.select(&held))
            }
        };
        SampleSplit::new(train, test).map_err(ReadError::samples(file))
    }
}

/// Test samples with the classes of the training samples: labels are numbered anew, by name.
#[cfg(any(feature = "csv", feature = "pictures"))]
fn aligned(train: &Samples, test: Samples, file: &Path) -> Result<Samples, ReadError> {
    use crate::SamplesError;

    test.with_classes_of(train.targets()).map_err(|error| match error {
        SamplesError::UnknownClass { class } => ReadError::Class { file: file.to_path_buf(), class },
        other => ReadError::samples(file)(other),
    })
}

/// [`Limits`] with the file named, for sizes that are known before anything is read.
#[cfg(any(feature = "npy", feature = "pictures"))]
fn within(file: &Path, declared: u64, limits: &crate::Limits) -> Result<(), ReadError> {
    match declared > limits.max_bytes {
        true => Err(ReadError::TooLarge { file: file.to_path_buf(), declared, limit: limits.max_bytes }),
        false => Ok(()),
    }
}
