//! What can be wrong with a source of samples.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::split::SplitError;
use crate::{IdxError, SamplesError};

/// Why samples could not be read; each message names the file, the place in it, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// An IDX file.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// A division into training and test.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The operating system refused.
    #[error("{}: cannot read: {source}; check the file and its permissions", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Nothing is there.
    #[error("{}: no such file or folder", path.display())]
    Absent {
        /// What was asked for.
        path: PathBuf,
    },
    /// Nothing here is known.
    #[error(
        "{}: nothing to read here: pass a .npz or .csv file, or a folder with four IDX files named as MNIST's, with x_train.npy, \
         y_train.npy, x_test.npy, y_test.npy, with train.csv and test.csv, or with a folder of PNG or JPEG files for each class",
        path.display()
    )]
    Unknown {
        /// What was asked for.
        path: PathBuf,
    },
    /// This build cannot read it.
    #[error("{}: nl-data was built without the reader for this; turn on nl-data's feature `{feature}`", file.display())]
    Feature {
        /// The file.
        file: PathBuf,
        /// The feature that reads it.
        feature: &'static str,
    },
    /// More bytes than the limit allows.
    #[error("{}: {declared} bytes, the limit is {limit}; raise the limit if the file is to be trusted", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Bytes declared, or seen before giving up.
        declared: u64,
        /// The limit in force.
        limit: u64,
    },
    /// Not what it should be.
    #[error("{}: {what}; {remedy}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A cell of a table.
    #[error("{}: row {row} (line {line}), column {column:?}: {what}", file.display())]
    Cell {
        /// The file.
        file: PathBuf,
        /// The row below the header, from 1.
        row: u64,
        /// The line of the file, from 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// Two pictures that are not alike.
    #[error(
        "{} is {}, but {} is {}; bring all pictures to one size and colour (`colour: grey` or `colour: rgb` settles the latter)",
        first.display(), first_is, second.display(), second_is
    )]
    PicturesDiffer {
        /// The first picture.
        first: PathBuf,
        /// Its size and colour.
        first_is: String,
        /// Another one.
        second: PathBuf,
        /// Its size and colour.
        second_is: String,
    },
    /// A class of the test set that is not learned.
    #[error("{}: the class {class:?} is not among those of the training set; both must have the same", file.display())]
    Class {
        /// The test set.
        file: PathBuf,
        /// The class.
        class: String,
    },
    /// The numbers cannot be samples.
    #[error("{}: {source}", file.display())]
    Samples {
        /// The file.
        file: PathBuf,
        /// What is wrong with them.
        source: SamplesError,
    },
}

impl ReadError {
    /// For `map_err`.
    pub(crate) fn io(file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_path_buf();
        move |source| Self::Io { file, source }
    }

    /// For `map_err`.
    pub(crate) fn samples(file: &Path) -> impl FnOnce(SamplesError) -> Self {
        let file = file.to_path_buf();
        move |source| Self::Samples { file, source }
    }

    /// A malformed file.
    pub(crate) fn format(file: &Path, what: impl Into<String>, remedy: &'static str) -> Self {
        Self::Format { file: file.to_path_buf(), what: what.into(), remedy }
    }
}
