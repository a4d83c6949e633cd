//! Four IDX files in a folder, named as MNIST's, as one split.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::idx::{self, Idx, IdxError, Limits};
use crate::{Images, Split};

/// The usual names, in the order training images, training labels, test images, test labels.
pub(crate) const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The names under which a file is accepted: plain, gzipped, and both with the dotted spelling (`train-images.idx3-ubyte`).
pub(crate) fn file_names(name: &str) -> [String; 4] {
    let dotted = name.replacen("-idx", ".idx", 1);
    [name.to_owned(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")]
}

/// The first spelling of `name` that is a file of `dir`.
pub(crate) fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    file_names(name).into_iter().map(|name| dir.join(name)).find(|path| path.is_file())
}

/// Whether any of the four files is in `dir`.
pub(crate) fn any_file(dir: &Path) -> bool {
    NAMES.iter().any(|name| find(dir, name).is_some())
}

/// Reads the four IDX files of `dir`, named as MNIST's (plain, `.gz` or dotted), of any image size and number of classes.
///
/// Without `limits.classes`, the classes are the labels 0 (or 1) to the first one that never occurs in training; a
/// label beyond that gap is out of range, so that one damaged byte cannot pass for a 256-class problem.
///
/// # Errors
/// [`IdxError`]: the folder or a file is missing, a file is malformed, counts or sizes differ, a label is out of range.
pub fn load_idx_dir(dir: impl AsRef<Path>, limits: &Limits) -> Result<Split, IdxError> {
    let dir = dir.as_ref();
    if !dir.is_dir() {
        return Err(IdxError::NoFolder { dir: dir.to_path_buf() });
    }
    let mut paths = Vec::with_capacity(4);
    for expected in NAMES {
        paths.push(find(dir, expected).ok_or_else(|| IdxError::MissingFile { dir: dir.to_path_buf(), expected })?);
    }
    let open = |path: &Path| File::open(path).map_err(|source| IdxError::Io { file: path.to_path_buf(), source });
    // Labels first: they are small, and most mistakes show in them.
    let train_labels = idx::read_labels(open(&paths[1])?, &paths[1], limits)?;
    let test_labels = idx::read_labels(open(&paths[3])?, &paths[3], limits)?;
    let (classes, why) = count_classes(&train_labels.values, limits.classes);
    for (labels, file) in [(&train_labels, &paths[1]), (&test_labels, &paths[3])] {
        if let Some(index) = labels.values.iter().position(|&label| usize::from(label) >= classes) {
            let label = labels.values[index];
            return Err(IdxError::LabelRange { file: file.clone(), label, index, why });
        }
    }
    let train = idx::read_images(open(&paths[0])?, &paths[0], limits)?;
    let test = idx::read_images(open(&paths[2])?, &paths[2], limits)?;
    if train.dims[1..] != test.dims[1..] {
        let size = |idx: &Idx| (idx.dims[1] as usize, idx.dims[2] as usize);
        return Err(IdxError::SizesDiffer { file: paths[2].clone(), found: size(&test), expected: size(&train) });
    }
    Ok(Split {
        train: join(train, train_labels, classes, [&paths[0], &paths[1]])?,
        test: join(test, test_labels, classes, [&paths[2], &paths[3]])?,
    })
}

/// The number of classes and where it comes from.
fn count_classes(labels: &[u8], known: Option<usize>) -> (usize, String) {
    if let Some(classes) = known {
        return (classes, format!("the dataset has {classes} classes"));
    }
    let mut seen = [false; 257];
    for &label in labels {
        seen[usize::from(label)] = true;
    }
    let classes = (1..=256).find(|&label| !seen[label]).unwrap_or(256);
    let why = format!(
        "the training labels go from 0 or 1 to {} and {classes} never occurs; number the classes without gaps, \
         or get the file again if it is damaged",
        classes - 1
    );
    (classes, why)
}

fn join(
    images: Idx,
    labels: Idx,
    classes: usize,
    [images_file, labels_file]: [&PathBuf; 2],
) -> Result<Images, IdxError> {
    let (height, width) = (images.dims[1] as usize, images.dims[2] as usize);
    let (count, found) = (images.dims[0] as usize, labels.values.len());
    Images::new(images.values, labels.values, height, width, classes).map_err(|_| IdxError::CountsDiffer {
        images_file: images_file.clone(),
        images: count,
        labels_file: labels_file.clone(),
        labels: found,
    })
}

/// The four files' bytes in canonical form, to `sink(file number, write)`.
pub(crate) fn write_file(split: &Split, file: usize, writer: impl Write) -> io::Result<()> {
    let images = if file < 2 { &split.train } else { &split.test };
    let dim = |n: usize| u32::try_from(n).map_err(io::Error::other);
    if file.is_multiple_of(2) {
        idx::write(writer, &[dim(images.len())?, dim(images.height())?, dim(images.width())?], images.pixels())
    } else {
        idx::write(writer, &[dim(images.len())?], images.labels())
    }
}

/// Writes a split as four plain IDX files named as MNIST's; `load_idx_dir` reads it back.
///
/// # Errors
/// What the file system says.
pub fn save_idx_dir(split: &Split, dir: impl AsRef<Path>) -> io::Result<()> {
    let dir = dir.as_ref();
    fs::create_dir_all(dir)?;
    for (file, name) in NAMES.iter().enumerate() {
        atomic::write(&dir.join(name), |writer| write_file(split, file, writer))?;
    }
    Ok(())
}
