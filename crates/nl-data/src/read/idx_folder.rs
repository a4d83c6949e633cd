//! Four IDX files of any element type in a folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::arrays::{features, join, targets};
use super::{Options, ReadError};
use crate::element::Want;
use crate::folder;
use crate::idx::{IdxError, typed};
use crate::{Limits, SampleSplit, Targets};

/// The beginnings of the four names, in the order training images, training labels, test images, test labels.
const STEMS: [&str; 4] = ["train-images", "train-labels", "t10k-images", "t10k-labels"];
/// The types as names spell them: MNIST's `ubyte` and those that other tools write.
const TYPES: [&str; 6] = ["ubyte", "byte", "short", "int", "float", "double"];

/// The file of `dir` whose name begins with `stem`, if any: `train-images-idx4-ubyte.gz`, `train-images.idx2-float` …
fn find(dir: &Path, stem: &str) -> Result<Option<PathBuf>, ReadError> {
    let mut found: Option<PathBuf> = None;
    for rank in 1..=4 {
        for kind in TYPES {
            let Some(path) = folder::find(dir, &format!("{stem}-idx{rank}-{kind}")) else { continue };
            if let Some(first) = found {
                let what = format!("both {} and {} could be meant", first.display(), path.display());
                return Err(ReadError::format(dir, what, "remove one of them"));
            }
            found = Some(path);
        }
    }
    Ok(found)
}

/// Whether any of the four files is in `dir`.
pub(crate) fn any_file(dir: &Path) -> bool {
    STEMS.iter().any(|stem| !matches!(find(dir, stem), Ok(None)))
}

/// Reads the four IDX files of `dir`, named as MNIST's with their own type and number of dimensions
/// (`train-images-idx4-ubyte.gz`), of any element type.
///
/// Images are `[count, height, width]`, coloured `[count, 3, height, width]` or `[count, height, width, 3]`, rows
/// `[count, values]`. Whole numbers `[count]` are classes, floats values to predict, as `options.task` does not say
/// otherwise.
///
/// # Errors
/// [`ReadError`]: the folder or a file is missing or malformed, images of four dimensions without colours, counts or
/// shapes that differ, a label out of range, numbers that are not finite.
///
/// ```
/// use nl_data::{read, save_idx_dir, synthetic, Limits};
///
/// let dir = tempfile::tempdir()?;
/// save_idx_dir(&synthetic::digits(20, 10, 1), dir.path())?;
/// let split = read::idx_dir(dir.path(), &read::Options::default(), &Limits::default())?;
/// assert_eq!((split.train.shape(), split.test.len()), (&[28, 28][..], 10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn idx_dir(dir: &Path, options: &Options, limits: &Limits) -> Result<SampleSplit, ReadError> {
    if !dir.is_dir() {
        return Err(IdxError::NoFolder { dir: dir.to_path_buf() }.into());
    }
    let mut paths = Vec::with_capacity(4);
    for (stem, expected) in STEMS.iter().zip(folder::NAMES) {
        let missing = || IdxError::MissingFile { dir: dir.to_path_buf(), expected };
        paths.push(find(dir, stem)?.ok_or_else(missing)?);
    }
    let read = |path: &Path, want| {
        let file = File::open(path).map_err(ReadError::io(path))?;
        typed::read(file, path, want, limits).map_err(ReadError::from)
    };
    let train = targets(read(&paths[1], Want::Targets)?, options.task, limits.classes, &paths[1])?;
    let classes = match &train {
        Targets::Classes { classes, .. } => Some(*classes),
        Targets::Values { .. } => None,
    };
    let test = targets(read(&paths[3], Want::Targets)?, options.task, classes, &paths[3])?;
    let samples = |path: &Path, targets| {
        let array = read(path, Want::Features)?;
        if let [_, channels, _, last] = array.dims[..]
            && ![channels, last].iter().any(|size| [1, 3].contains(size))
        {
            return Err(ReadError::format(
                path,
                format!("images of dimensions {:?} have no three colours", array.dims),
                "write them as [count, 3, height, width] or [count, height, width, 3]",
            ));
        }
        let (count, shape, values) = features(array, path)?;
        join(count, shape, values, targets, path)
    };
    let (train, test) = (samples(&paths[0], train)?, samples(&paths[2], test)?);
    SampleSplit::new(train, test).map_err(ReadError::samples(&paths[2]))
}
