//! Which samples a run gets: of any shape, from any source.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nl_random::Streams;

use super::{Choice, Lookup, ResolveError, Source, SourceKind, folder_names, recognised, resolve};
use crate::hash::Hasher;
use crate::read::{Form, Options, ReadError};
use crate::{Images, Registry, SampleSplit, Samples, Split, Targets, Values, class_names, folder};

/// Finds the samples called `name`: the folder or file asked for, `$NL_DATASETS`, the cache, or procedural digits in
/// place of a dataset of the registry; never the network.
///
/// A folder holds four IDX files, `x_train.npy` and so on, `train.csv` and `test.csv`, or a folder of pictures for each
/// class; a file ends in `.npz` or `.csv`. Below `$NL_DATASETS`, `NAME`, `NAME.npz`, `NAME.csv` and the same within
/// `NAME` are looked for. What has no test set is divided as `options.split` says, by the seed of `lookup`.
///
/// # Errors
/// Nothing is found and nothing can stand in for it, the files are missing or malformed, `$NL_DATASETS` is not a
/// folder, or nl-data was built without the feature that reads them.
///
/// ```
/// use nl_data::{read, resolve_samples, Choice, Lookup};
///
/// let lookup = Lookup { train: 30, test: 10, ..Lookup::default() };
/// let (split, source) = resolve_samples("mnist", &Choice::Synthetic, &lookup, &read::Options::default())?;
/// assert_eq!((split.train.len(), split.test.shape()), (30, &[28, 28][..]));
/// println!("{source}");
/// # Ok::<(), nl_data::ResolveError>(())
/// ```
pub fn resolve_samples(
    name: &str,
    choice: &Choice,
    lookup: &Lookup,
    options: &Options,
) -> Result<(SampleSplit, Source), ResolveError> {
    resolved(name, choice, lookup, options, Undivided::Divide)
}

/// Finds the samples that a trained model is to be asked about, as [`resolve_samples`] does: the test set, or all samples
/// where the source sets none apart.
///
/// # Errors
/// As [`resolve_samples`].
///
/// ```
/// use nl_data::{read, resolve_test, Choice, Lookup};
///
/// let dir = tempfile::tempdir()?;
/// let file = dir.path().join("new.csv");
/// std::fs::write(&file, "rooms,target\n1,60\n2,80\n3,100\n")?;
/// let (all, _) = resolve_test("new", &Choice::Dir(file), &Lookup::default(), &read::Options::default())?;
/// assert_eq!(all.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resolve_test(
    name: &str,
    choice: &Choice,
    lookup: &Lookup,
    options: &Options,
) -> Result<(Samples, Source), ResolveError> {
    resolved(name, choice, lookup, options, Undivided::All).map(|(split, source)| (split.test, source))
}

/// What becomes of a source that sets no samples apart for the test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undivided {
    /// Some are drawn.
    Divide,
    /// All are for the test.
    All,
}

fn resolved(
    name: &str,
    choice: &Choice,
    lookup: &Lookup,
    options: &Options,
    undivided: Undivided,
) -> Result<(SampleSplit, Source), ResolveError> {
    let (kind, path) = match choice {
        Choice::Synthetic => return digits(name, choice, lookup),
        Choice::Dir(path) => (SourceKind::Dir, path.clone()),
        Choice::Auto => {
            let looked = places(name, lookup)?;
            match looked.iter().find(|(_, path)| Form::of(path).is_some()) {
                Some((kind, path)) => (*kind, path.clone()),
                None if Registry::builtin()?.get(name).is_some() => return digits(name, choice, lookup),
                None => {
                    let looked = looked.iter().map(|(_, path)| path.display().to_string()).collect();
                    return Err(ResolveError::NotFound { name: name.to_owned(), looked });
                }
            }
        }
    };
    let Some(form) = Form::of(&path) else {
        return Err(match path.exists() {
            true => ReadError::Unknown { path },
            false => ReadError::Absent { path },
        }
        .into());
    };
    let found = form.read(&path, options, &lookup.limits)?;
    let mut notes = String::new();
    let all = found.test.is_none() && undivided == Undivided::All;
    if found.test.is_none() && !all {
        notes += &format!("; the test set is {}, seed {}", options.split.words(), lookup.seed);
    }
    if !found.unused.is_empty() {
        notes += &format!("; not used: {}", found.unused.join(", "));
    }
    let split = match all {
        true => SampleSplit { train: found.train.clone(), test: found.train },
        false => found.split(&options.split, &Streams::new(lookup.seed), &path)?,
    };
    let (split, known, sha256) = if is_grey(&split.train) && is_grey(&split.test) {
        let image = |samples: Samples| Images::try_from(samples).map_err(ReadError::samples(&path));
        let split = Split { train: image(split.train)?, test: image(split.test)? };
        let (known, sha256) = recognised(&split)?;
        let mut names = folder_names(&path, &split.train)?;
        if let (Some(known), true) = (&known, names.is_empty()) {
            names.clone_from(&known.class_names);
        }
        (named(SampleSplit { train: split.train.into(), test: split.test.into() }, names, &path)?, known, sha256)
    } else {
        let names = match split.train.targets() {
            Targets::Classes { labels, classes, names } if names.is_empty() => {
                class_names::read(&path, *classes, !labels.contains(&0))?
            }
            _ => Vec::new(),
        };
        let split = named(split, names, &path)?;
        let sha256 = digest(&split)?;
        (split, None, sha256)
    };
    let (name, title) = match known {
        Some(dataset) => (dataset.name, format!("{} (content verified)", dataset.title)),
        None => ("unknown".to_owned(), format!("{} of unknown origin", form.words())),
    };
    let counts = match all {
        true => format!("all its {} samples", split.test.len()),
        false => format!("{} training and {} test samples", split.train.len(), split.test.len()),
    };
    let (size, what) = (split.train.size(), split.train.targets().words());
    let text = format!("{title} from {}: {counts} of {size}, {what}{notes}", path.display());
    let class_names = match split.train.targets() {
        Targets::Classes { names, .. } => names.clone(),
        Targets::Values { .. } => Vec::new(),
    };
    Ok((split, Source { kind, name, path: Some(path), sha256, text, class_names }))
}

/// Procedural digits.
fn digits(name: &str, choice: &Choice, lookup: &Lookup) -> Result<(SampleSplit, Source), ResolveError> {
    // Nothing else was found before this was called.
    let nowhere = Lookup { datasets: None, cache: PathBuf::new(), ..lookup.clone() };
    let (Split { train, test }, source) = resolve(name, choice, &nowhere)?;
    Ok((SampleSplit { train: train.into(), test: test.into() }, source))
}

/// Where `auto` looks, in order.
fn places(name: &str, lookup: &Lookup) -> Result<Vec<(SourceKind, PathBuf)>, ResolveError> {
    let mut places = Vec::new();
    if let Some(dir) = &lookup.datasets {
        if !dir.is_dir() {
            return Err(ResolveError::NoDatasets { dir: dir.clone() });
        }
        let own = dir.join(name);
        for path in [own.clone(), own.join(format!("{name}.npz")), own.join(format!("{name}.csv"))] {
            places.push((SourceKind::Datasets, path));
        }
        for path in [dir.join(format!("{name}.npz")), dir.join(format!("{name}.csv"))] {
            places.push((SourceKind::Datasets, path));
        }
        // The folder itself may hold the four files of one set; its folders are sets, and no classes.
        if folder::any_file(dir) {
            places.push((SourceKind::Datasets, dir.clone()));
        }
    }
    places.push((SourceKind::Cache, lookup.cache.join(name)));
    Ok(places)
}

/// The same samples with names, if there are any.
fn named(split: SampleSplit, names: Vec<String>, file: &Path) -> Result<SampleSplit, ReadError> {
    if names.is_empty() {
        return Ok(split);
    }
    let name = |samples: Samples, names| samples.with_names(names).map_err(ReadError::samples(file));
    Ok(SampleSplit { train: name(split.train, names.clone())?, test: name(split.test, names)? })
}

/// Whether these are what [`Images`] hold: grey, of bytes, in classes without names.
fn is_grey(samples: &Samples) -> bool {
    let unnamed =
        matches!(samples.targets(), Targets::Classes { classes, names, .. } if *classes <= 256 && names.is_empty());
    unnamed && samples.shape().len() == 2 && matches!(samples.values(), Values::U8(_))
}

/// SHA-256 over two lines, one for each set: SHA-256 of its kind, shape, values and targets, little endian.
fn digest(split: &SampleSplit) -> io::Result<String> {
    let mut lines = Hasher::default();
    for samples in [&split.train, &split.test] {
        let mut hasher = Hasher::default();
        let kind = if matches!(samples.values(), Values::U8(_)) { "u8" } else { "f32" };
        writeln!(hasher, "{kind} {:?} {}", samples.shape(), samples.len())?;
        match samples.values() {
            Values::U8(values) => hasher.write_all(values)?,
            Values::F32(values) => words(&mut hasher, values.iter().map(|value| value.to_le_bytes()))?,
        }
        match samples.targets() {
            Targets::Classes { labels, classes, .. } => {
                writeln!(hasher, "classes {classes}")?;
                words(&mut hasher, labels.iter().map(|label| label.to_le_bytes()))?;
            }
            Targets::Values { width, values, .. } => {
                writeln!(hasher, "values {width}")?;
                words(&mut hasher, values.iter().map(|value| value.to_le_bytes()))?;
            }
        }
        writeln!(lines, "{}", hasher.hex())?;
    }
    Ok(lines.hex())
}

/// Writes four bytes each, a few thousand at a time.
fn words(out: &mut impl Write, words: impl Iterator<Item = [u8; 4]>) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 14, out);
    for word in words {
        out.write_all(&word)?;
    }
    out.flush()
}
