//! Verified, resumable downloads of the datasets in the registry.
//!
//! A file is in the cache if and only if its hash was right: bytes arrive in a `.part` file beside the goal, are
//! hashed, synced and only then renamed. A `.part` file stays when a transfer was cut off, and the next attempt asks
//! for the rest; it goes when its hash is wrong or the disk refuses. One fetch at a time holds the folder's lock.
//!
//! Sockets are opened only with the feature `download`; without it files come from a folder, and whatever else is asked
//! for ends in [`FetchError::NoDownloads`].

#[cfg(feature = "download")]
mod download;
mod error;
#[cfg(feature = "download")]
mod transfer;
mod verify;

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "download")]
use download::download;
pub use error::FetchError;
use verify::is_right;

use crate::atomic;
use crate::folder::{self, find};
use crate::registry::{Dataset, Registry, Remote};

/// Where to fetch from instead of the registry's mirrors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A folder with the files, directly or in a folder named after the dataset.
    Dir(PathBuf),
    /// The address of a folder with the files, `http://` or `https://`.
    Url(String),
}

impl Origin {
    /// An address if `text` begins with `http://` or `https://`, else a folder.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.starts_with("http://") || text.starts_with("https://") {
            Self::Url(text.to_owned())
        } else {
            Self::Dir(text.into())
        }
    }
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file.
    pub file: &'a str,
    /// Bytes present, those of an earlier attempt included.
    pub bytes: u64,
    /// Bytes expected.
    pub total: u64,
}

/// One file of a fetched dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it lies now.
    pub path: PathBuf,
    /// The folder or address it came from; `None` when it was already there and right.
    pub origin: Option<String>,
    /// Bytes taken over from an earlier attempt that was cut off.
    pub resumed: u64,
}

impl fmt::Display for Fetched {
    /// One line for people: the path, and how it came there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: verified ({}", self.path.display(), self.origin.as_deref().unwrap_or("already there"))?;
        match self.resumed {
            0 => f.write_str(")"),
            bytes => write!(f, ", the first {bytes} bytes kept)"),
        }
    }
}

/// How long a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To connect, and again to answer a request.
    pub connect: Duration,
    /// A transfer is given up when it takes longer than `grace` + bytes / `bytes_per_second`.
    pub grace: Duration,
    /// The least average speed.
    pub bytes_per_second: u64,
}

impl Default for Patience {
    /// 20 s to connect, 20 s grace, 32 KiB/s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(20), grace: Duration::from_secs(20), bytes_per_second: 32 * 1024 }
    }
}

/// Brings the dataset `name` into `cache`/`name`/ and verifies it; files that are there and right are left alone.
///
/// # Errors
/// [`FetchError`]: an unknown name, another fetch at work, a folder without the files, every mirror failing (cut off,
/// too slow, too large, wrong hash, an HTTP status), a disk that is full or read-only; without the feature `download`,
/// a file that would have to be downloaded.
///
/// ```no_run
/// use nl_data::{Origin, fetch};
///
/// let usb_stick = Origin::parse("/media/stick/mnist");
/// for file in fetch("mnist", Some(&usb_stick), "datasets/cache".as_ref(), &mut |_| {})? {
///     println!("{}", file.path.display());
/// }
/// # Ok::<(), nl_data::FetchError>(())
/// ```
pub fn fetch(
    name: &str,
    from: Option<&Origin>,
    cache: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Fetched>, FetchError> {
    let registry = Registry::builtin()?;
    let Some(dataset) = registry.get(name) else {
        return Err(FetchError::Unknown { name: name.to_owned(), known: registry.names() });
    };
    fetch_dataset(dataset, from, cache, &Patience::default(), progress)
}

/// [`fetch`] for a dataset of one's own registry.
///
/// # Errors
/// Those of [`fetch`].
pub fn fetch_dataset(
    dataset: &Dataset,
    from: Option<&Origin>,
    cache: &Path,
    patience: &Patience,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Fetched>, FetchError> {
    let dir = cache.join(&dataset.name);
    // A folder that is not there must not cost an empty cache.
    if let Some(Origin::Dir(source)) = from
        && !source.is_dir()
    {
        return Err(FetchError::NoFolder { dir: source.clone() });
    }
    fs::create_dir_all(&dir).map_err(FetchError::io("create the folder", &dir))?;
    let _lock = lock(&dir)?;
    let mut fetched = Vec::with_capacity(dataset.files.len());
    for remote in &dataset.files {
        let stem = remote.stem();
        let present = find(&dir, stem);
        if let Some(path) = &present
            && is_right(path, remote)?
        {
            progress(Progress { file: &remote.name, bytes: remote.bytes, total: remote.bytes });
            fetched.push(Fetched { path: path.clone(), origin: None, resumed: 0 });
            continue;
        }
        let file = match from {
            Some(Origin::Dir(source)) => copy(source, dataset, remote, &dir, progress)?,
            Some(Origin::Url(url)) => download(&[url.as_str()], remote, &dir, patience, progress)?,
            None => {
                let mirrors: Vec<&str> = dataset.mirrors.iter().map(String::as_str).collect();
                download(&mirrors, remote, &dir, patience, progress)?
            }
        };
        // A wrong file under another spelling would be found first.
        if let Some(stale) = present
            && stale != file.path
        {
            fs::remove_file(&stale).map_err(FetchError::io("remove the wrong file", &stale))?;
        }
        fetched.push(file);
    }
    Ok(fetched)
}

/// The lock that one fetch at a time holds on a folder; given back when dropped, or when the process dies.
fn lock(dir: &Path) -> Result<File, FetchError> {
    let path = dir.join(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(FetchError::io("open the lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FetchError::Locked { path }),
        Err(TryLockError::Error(source)) => Err(FetchError::Io { action: "lock", path, source }),
    }
}

/// A file from a folder, under any spelling of its name.
fn copy(
    source: &Path,
    dataset: &Dataset,
    remote: &Remote,
    dir: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    let stem = remote.stem();
    let found = find(source, stem).or_else(|| find(&source.join(&dataset.name), stem));
    let Some(path) = found else {
        let names = folder::file_names(stem).join(", ");
        return Err(FetchError::NotInFolder { dir: source.to_path_buf(), names });
    };
    let gzipped = path.extension().is_some_and(|extension| extension == "gz");
    let goal = dir.join(if gzipped { &remote.name } else { stem });
    let part = atomic::part(&goal);
    let bytes = copy_verified(&path, &part, remote, gzipped).inspect_err(|_| {
        let _ = atomic::remove(&part);
    })?;
    atomic::publish(&part, &goal).map_err(FetchError::io("write", &goal))?;
    progress(Progress { file: &remote.name, bytes, total: bytes });
    Ok(Fetched { path: goal, origin: Some(path.display().to_string()), resumed: 0 })
}

/// Copies and verifies; returns the size. What it leaves behind on error is the caller's to remove.
fn copy_verified(from: &Path, part: &Path, remote: &Remote, gzipped: bool) -> Result<u64, FetchError> {
    let source = File::open(from).map_err(FetchError::io("read", from))?;
    let mut file = File::create(part).map_err(FetchError::io("write", part))?;
    let bytes =
        io::copy(&mut source.take(remote.most_bytes(gzipped)), &mut file).map_err(FetchError::io("copy to", part))?;
    if verify::check(part, remote, gzipped)? {
        return Ok(bytes);
    }
    let found = verify::unpacked_hash(part, remote, gzipped)?;
    Err(FetchError::WrongHash { from: from.display().to_string(), expected: remote.unpacked_sha256.clone(), found })
}

/// Without the feature `download` there is no mirror to ask.
#[cfg(not(feature = "download"))]
fn download(
    _: &[&str],
    remote: &Remote,
    _: &Path,
    _: &Patience,
    _: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    Err(FetchError::NoDownloads { file: remote.name.clone() })
}
