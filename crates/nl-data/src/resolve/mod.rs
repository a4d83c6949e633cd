//! Which data a run gets, and the words to say so.

mod samples;

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use samples::{resolve_samples, resolve_test};

use crate::class_names;
use crate::folder::{any_file, write_file};
use crate::hash::Hasher;
use crate::read::ReadError;
use crate::registry::{Dataset, RegistryError};
use crate::{IdxError, Images, Limits, Registry, Split, load_idx_dir, synthetic};

/// Why no data could be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The files are missing or malformed.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// The registry is malformed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// `$NL_DATASETS` is not a folder.
    #[error("NL_DATASETS={}: no such folder; point it at a folder of datasets or unset it", dir.display())]
    NoDatasets {
        /// Its value.
        dir: PathBuf,
    },
    /// Samples that could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A data set that is nowhere, and that nothing can stand in for.
    #[error("{name} was not found: there is no {}; pass its folder or file", looked.join(", "))]
    NotFound {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        looked: Vec<String>,
    },
    /// The data could not be hashed.
    #[error("data: cannot hash: {0}")]
    Hash(#[from] io::Error),
}

/// What was asked for: `auto`, `synthetic` or a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "String", into = "String")]
pub enum Choice {
    /// `$NL_DATASETS`, else the cache, else procedural digits.
    #[default]
    Auto,
    /// Procedural digits.
    Synthetic,
    /// This folder (of four IDX files; of arrays, tables or pictures, too, where samples are asked for) or file (.npz,
    /// .csv).
    Dir(PathBuf),
}

impl From<String> for Choice {
    fn from(text: String) -> Self {
        match text.as_str() {
            "auto" => Self::Auto,
            "synthetic" => Self::Synthetic,
            _ => Self::Dir(text.into()),
        }
    }
}

impl From<Choice> for String {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Auto => "auto".into(),
            Choice::Synthetic => "synthetic".into(),
            Choice::Dir(dir) => dir.to_string_lossy().into_owned(),
        }
    }
}

impl FromStr for Choice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }
}

/// Where to look, and how many procedural digits to make when nothing is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// `$NL_DATASETS`: the files directly, or in a folder named after the dataset.
    pub datasets: Option<PathBuf>,
    /// The cache that `fetch` fills.
    pub cache: PathBuf,
    /// Procedural training digits.
    pub train: usize,
    /// Procedural test digits.
    pub test: usize,
    /// Seed of the procedural digits.
    pub seed: u64,
    /// Limits for the readers.
    pub limits: Limits,
}

impl Default for Lookup {
    /// No `$NL_DATASETS`, `datasets/cache`, and 10,000 + 2,000 procedural digits of seed 1.
    fn default() -> Self {
        Self {
            datasets: None,
            cache: "datasets/cache".into(),
            train: 10_000,
            test: 2_000,
            seed: 1,
            limits: Limits::default(),
        }
    }
}

impl Lookup {
    /// The default with `datasets` from the environment variable `NL_DATASETS`, unless that is empty.
    #[must_use]
    pub fn from_env() -> Self {
        let datasets = std::env::var_os("NL_DATASETS").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        Self { datasets, ..Self::default() }
    }
}

/// Where the data came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SourceKind {
    /// A folder or file that was asked for.
    Dir,
    /// A folder below `$NL_DATASETS`.
    Datasets,
    /// The cache of downloads.
    Cache,
    /// Procedural digits.
    Synthetic,
}

/// Which data a run used: to be stated loudly, and in its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where it came from.
    pub kind: SourceKind,
    /// The dataset whose content this is, bit for bit (`mnist` …), `synthetic`, or `unknown`.
    pub name: String,
    /// The folder or file, if any.
    pub path: Option<PathBuf>,
    /// SHA-256 over the four lines "SHA-256 of an unpacked file, hexadecimal", in the order training images, training
    /// labels, test images, test labels; of samples that are no grey images, over two lines, one of the content of each
    /// set.
    pub sha256: String,
    /// The same in words.
    pub text: String,
    /// Names of the classes in order of labels: those of the folder's `classes.txt` with one a line, of the folders of
    /// classes or of the column of a table, else the registry's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Finds the dataset `name`: the folder asked for, `$NL_DATASETS`, the cache, or procedural digits; never the network.
///
/// A folder that holds some of the files but not all, or a malformed one, is an error, not a reason to look further.
///
/// # Errors
/// The files are missing or malformed, or `$NL_DATASETS` is not a folder.
pub fn resolve(name: &str, choice: &Choice, lookup: &Lookup) -> Result<(Split, Source), ResolveError> {
    let (kind, dir) = match choice {
        Choice::Synthetic => (SourceKind::Synthetic, None),
        Choice::Dir(dir) => (SourceKind::Dir, Some(dir.clone())),
        Choice::Auto => match find(name, lookup)? {
            Some((kind, dir)) => (kind, Some(dir)),
            None => (SourceKind::Synthetic, None),
        },
    };
    let Some(dir) = dir else {
        let split = synthetic::digits(lookup.train, lookup.test, lookup.seed);
        let [digests @ .., sha256] = digests(&split)?;
        let _ = digests;
        let missing = if *choice == Choice::Auto { format!("{name} was not found, so: ") } else { String::new() };
        let text = format!(
            "{missing}procedural digits, seed {}, {} for training and {} for test (not {name}; \
             `cargo xtask fetch {name}` gets the real images)",
            lookup.seed,
            split.train.len(),
            split.test.len()
        );
        return Ok((
            split,
            Source { kind, name: "synthetic".into(), path: None, sha256, text, class_names: Vec::new() },
        ));
    };
    let split = load_idx_dir(&dir, &lookup.limits)?;
    let mut class_names = folder_names(&dir, &split.train)?;
    let (known, sha256) = recognised(&split)?;
    let (name, title) = match &known {
        Some(dataset) => (dataset.name.clone(), format!("{} (content verified)", dataset.title)),
        None => ("unknown".to_owned(), "IDX files of unknown origin".to_owned()),
    };
    if let (Some(dataset), true) = (known, class_names.is_empty()) {
        class_names = dataset.class_names;
    }
    let text = format!(
        "{title} from {}: {} training and {} test images of {}x{}, {} classes",
        dir.display(),
        split.train.len(),
        split.test.len(),
        split.train.height(),
        split.train.width(),
        split.train.classes()
    );
    Ok((split, Source { kind, name, path: Some(dir), sha256, text, class_names }))
}

/// The names in the folder's `classes.txt`.
fn folder_names(dir: &Path, images: &Images) -> Result<Vec<String>, IdxError> {
    class_names::read(dir, images.classes(), !images.labels().contains(&0))
}

/// The dataset of the registry whose content this is, and the SHA-256 of its files.
fn recognised(split: &Split) -> Result<(Option<Dataset>, String), ResolveError> {
    let [digests @ .., sha256] = digests(split)?;
    let mut known = Registry::builtin()?.datasets.into_iter();
    let same = |dataset: &Dataset| dataset.files.iter().map(|file| &file.unpacked_sha256).eq(&digests);
    Ok((known.find(same), sha256))
}

/// The first folder of the look-up order that holds any of the files.
fn find(name: &str, lookup: &Lookup) -> Result<Option<(SourceKind, PathBuf)>, ResolveError> {
    if let Some(dir) = &lookup.datasets {
        if !dir.is_dir() {
            return Err(ResolveError::NoDatasets { dir: dir.clone() });
        }
        for dir in [dir.join(name), dir.clone()] {
            if any_file(&dir) {
                return Ok(Some((SourceKind::Datasets, dir)));
            }
        }
    }
    let cached = lookup.cache.join(name);
    Ok(any_file(&cached).then_some((SourceKind::Cache, cached)))
}

/// SHA-256 of each of the four files in canonical form, and of these four as lines.
fn digests(split: &Split) -> io::Result<[String; 5]> {
    let mut all: [String; 5] = Default::default();
    let mut lines = Hasher::default();
    for file in 0..4 {
        let mut hasher = Hasher::default();
        write_file(split, file, &mut hasher)?;
        all[file] = hasher.hex();
        writeln!(lines, "{}", all[file])?;
    }
    all[4] = lines.hex();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::save_idx_dir;
    use tempfile::tempdir;

    fn small() -> Lookup {
        Lookup { cache: "does/not/exist".into(), train: 20, test: 10, ..Lookup::default() }
    }

    #[test]
    fn choice_from_text_and_back() {
        for (text, choice) in
            [("auto", Choice::Auto), ("synthetic", Choice::Synthetic), ("some/dir", Choice::Dir("some/dir".into()))]
        {
            assert_eq!(text.parse::<Choice>(), Ok(choice.clone()));
            assert_eq!(String::from(choice), text);
        }
    }

    #[test]
    fn datasets_then_cache_then_procedural() {
        let (datasets, cache) = (tempdir().unwrap(), tempdir().unwrap());
        let mut lookup = Lookup { datasets: Some(datasets.path().into()), cache: cache.path().into(), ..small() };
        let kind = |lookup: &Lookup| resolve("mnist", &Choice::Auto, lookup).unwrap().1.kind;
        assert_eq!(kind(&lookup), SourceKind::Synthetic);
        let split = synthetic::digits(20, 10, 2);
        save_idx_dir(&split, cache.path().join("mnist")).unwrap();
        assert_eq!(kind(&lookup), SourceKind::Cache);
        save_idx_dir(&split, datasets.path()).unwrap();
        let (_, source) = resolve("mnist", &Choice::Auto, &lookup).unwrap();
        assert_eq!((source.kind, source.path.as_deref()), (SourceKind::Datasets, Some(datasets.path())));
        save_idx_dir(&split, datasets.path().join("mnist")).unwrap();
        let (found, source) = resolve("mnist", &Choice::Auto, &lookup).unwrap();
        assert_eq!((found, source.path), (split, Some(datasets.path().join("mnist"))));
        lookup.datasets = Some(datasets.path().join("absent"));
        assert!(matches!(resolve("mnist", &Choice::Auto, &lookup), Err(ResolveError::NoDatasets { .. })));
        assert_eq!(resolve("mnist", &Choice::Synthetic, &lookup).unwrap().1.kind, SourceKind::Synthetic);
    }

    #[test]
    fn a_damaged_folder_is_an_error_and_not_skipped() {
        let datasets = tempdir().unwrap();
        save_idx_dir(&synthetic::digits(20, 10, 2), datasets.path()).unwrap();
        std::fs::remove_file(datasets.path().join("t10k-labels-idx1-ubyte")).unwrap();
        let lookup = Lookup { datasets: Some(datasets.path().into()), ..small() };
        let error = resolve("mnist", &Choice::Auto, &lookup).unwrap_err();
        assert!(matches!(error, ResolveError::Idx(IdxError::MissingFile { .. })), "{error}");
        let error = resolve("mnist", &Choice::Dir("absent".into()), &lookup).unwrap_err();
        assert!(matches!(error, ResolveError::Idx(IdxError::NoFolder { .. })), "{error}");
    }

    #[test]
    fn says_what_was_used() {
        let (_, made) = resolve("mnist", &Choice::Auto, &small()).unwrap();
        assert!(made.text.contains("mnist was not found") && made.text.contains("procedural"), "{made}");
        let dir = tempdir().unwrap();
        save_idx_dir(&synthetic::digits(20, 10, 1), dir.path()).unwrap();
        let (_, read) = resolve("mnist", &Choice::Dir(dir.path().into()), &small()).unwrap();
        assert_eq!(read.name, "unknown");
        assert_eq!(read.sha256, made.sha256, "the hash is of the content, wherever it came from");
    }

    #[test]
    fn classes_have_the_names_of_the_folder() {
        let dir = tempdir().unwrap();
        save_idx_dir(&synthetic::digits(20, 10, 1), dir.path()).unwrap();
        let resolve = || resolve("mnist", &Choice::Dir(dir.path().into()), &small());
        let plain = resolve().unwrap().1;
        assert!(plain.class_names.is_empty());
        let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
        std::fs::write(dir.path().join("classes.txt"), names.join("\n")).unwrap();
        let named = resolve().unwrap().1;
        assert_eq!((named.class_names, named.sha256), (names.map(str::to_owned).to_vec(), plain.sha256));
        std::fs::write(dir.path().join("classes.txt"), "zero").unwrap();
        assert!(resolve().unwrap_err().to_string().contains("1 names for 10 classes"));
    }

    #[test]
    fn the_sum_of_sums_can_be_had_in_a_shell() {
        // for f in train-images train-labels t10k-images t10k-labels; do sha256sum < $f* | cut -c-64; done | sha256sum
        let split = synthetic::digits(20, 10, 1);
        let dir = tempdir().unwrap();
        save_idx_dir(&split, dir.path()).unwrap();
        let mut lines = Hasher::default();
        for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
            let mut file = Hasher::default();
            file.write_all(&std::fs::read(dir.path().join(format!("{name}-ubyte"))).unwrap()).unwrap();
            writeln!(lines, "{}", file.hex()).unwrap();
        }
        assert_eq!(digests(&split).unwrap()[4], lines.hex());
    }
}
