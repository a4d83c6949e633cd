//! What kind of source a path is: a folder by what it holds, a file by its ending.

use std::path::Path;

use super::{Found, Options, ReadError, idx_dir, idx_folder};
use crate::{Limits, SampleSplit};

/// Endings of pictures.
pub(super) const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];

/// A kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    IdxDir,
    CsvDir,
    NpyDir,
    PictureDir,
    Npz,
    Csv,
}

impl Form {
    /// The kind of `path`, if it is one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        if path.is_file() {
            return match ending(path).as_str() {
                "npz" => Some(Self::Npz),
                "csv" => Some(Self::Csv),
                _ => None,
            };
        }
        if idx_folder::any_file(path) {
            Some(Self::IdxDir)
        } else if path.join("train.csv").is_file() && path.join("test.csv").is_file() {
            Some(Self::CsvDir)
        } else if any(path, |file| ending(file) == "npy" && file.is_file()) {
            Some(Self::NpyDir)
        } else {
            let class = |dir: &Path| dir.is_dir() && any(dir, is_picture);
            (any(path, class) || any(&path.join("train"), class)).then_some(Self::PictureDir)
        }
    }

    /// What it is called.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::IdxDir => "IDX files",
            Self::CsvDir | Self::Csv => "a table",
            Self::NpyDir | Self::Npz => "arrays",
            Self::PictureDir => "pictures",
        }
    }

    /// The samples of `path`, in a build that can read them.
    pub(crate) fn read(self, path: &Path, options: &Options, limits: &Limits) -> Result<Found, ReadError> {
        let without = |feature| Err(ReadError::Feature { file: path.to_path_buf(), feature });
        match self {
            Self::IdxDir => {
                let SampleSplit { train, test } = idx_dir(path, options, limits)?;
                Ok(Found { train, test: Some(test), unused: Vec::new() })
            }
            #[cfg(feature = "csv")]
            Self::Csv => super::csv_table::csv_file(path, options, limits),
            #[cfg(feature = "csv")]
            Self::CsvDir => super::csv_dir(path, options, limits),
            #[cfg(feature = "npy")]
            Self::Npz => super::npz(path, options, limits),
            #[cfg(feature = "npy")]
            Self::NpyDir => super::npy_dir(path, options, limits),
            #[cfg(feature = "pictures")]
            Self::PictureDir => super::picture_dir(path, options, limits),
            #[allow(unreachable_patterns, reason = "reached where a feature is off")]
            Self::Csv | Self::CsvDir => without("csv"),
            #[allow(unreachable_patterns, reason = "reached where a feature is off")]
            Self::Npz | Self::NpyDir => without("npy"),
            #[allow(unreachable_patterns, reason = "reached where a feature is off")]
            Self::PictureDir => without("pictures"),
        }
    }
}

/// Whether a path is a file that should be a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    PICTURES.contains(&ending(path).as_str()) && path.is_file()
}

/// The ending of a name in small letters; none is empty.
pub(super) fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase()
}

/// Whether anything in a folder is what is looked for; what is hidden is not looked at.
fn any(dir: &Path, is: impl Fn(&Path) -> bool) -> bool {
    let hidden = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with('.'));
    let entries = dir.read_dir().into_iter().flatten().flatten();
    entries.into_iter().any(|entry| !hidden(&entry.file_name()) && is(&entry.path()))
}
