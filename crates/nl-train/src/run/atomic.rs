//! Writing a file so that a reader sees the old content or the new, never a part: temporary file, fsync, rename, fsync
//! of the folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How the name of a file begins while it is written.
const TEMPORARY: &str = ".writing-";

/// A file or folder could not be read or written: the cause in the errors of folders, checkpoints and weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[error("cannot {action} `{}`: {cause}{}", path.display(), advice(cause))]
pub struct FileError {
    /// What was tried: `"write"`, `"read"`, `"create the folder"` …
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// Why it failed; part of the message, so not repeated as the error's source.
    pub cause: io::Error,
}

impl FileError {
    /// A closure for `map_err`: names the action and the path of an [`io::Error`].
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self { action, path, cause }
    }
}

/// What the user can do about the common causes.
fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space or choose a folder elsewhere",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "; choose a folder you may write to",
        io::ErrorKind::AlreadyExists => "; there is a file of this name",
        // From the system, that is; `read_capped` has words of its own.
        io::ErrorKind::FileTooLarge if cause.raw_os_error().is_some() => "; raise the limit on file sizes (ulimit -f)",
        io::ErrorKind::NotADirectory => "; a part of this path is a file, not a folder",
        _ => "",
    }
}

/// Creates a folder and its parents; those that are new are there after a power cut as well.
///
/// # Errors
/// [`FileError`] with the path and the cause.
pub(crate) fn create_folder(path: &Path) -> Result<(), FileError> {
    let new = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).count();
    fs::create_dir_all(path).map_err(FileError::at("create the folder", path))?;
    for parent in path.ancestors().skip(1).take(new) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        sync_folder(parent).map_err(FileError::at("create a folder in", parent))?;
    }
    Ok(())
}

/// Reads a whole file of at most `cap` bytes.
///
/// # Errors
/// [`FileError`] if the file cannot be read, or is larger than `cap` ([`io::ErrorKind::FileTooLarge`]).
pub(crate) fn read_capped(path: &Path, cap: u64) -> Result<Vec<u8>, FileError> {
    let read = || {
        // A pipe would be waited for, for ever.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file but a folder, a pipe or a device"));
        }
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > cap {
            let message = format!("{length} bytes are more than the {cap} this kind of file may have");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        // The file may grow while it is read; never past the cap.
        io::Read::read_to_end(&mut io::Read::take(&mut file, cap), &mut bytes)?;
        Ok(bytes)
    };
    read().map_err(FileError::at("read", path))
}

/// Writes `bytes` to `path` at once or not at all; an existing file is replaced.
///
/// # Errors
/// [`FileError`] with the path and the cause (disk full, read-only …); the previous content is then untouched and no
/// temporary file is left.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// As [`write_atomic`], for content that is produced piece by piece.
///
/// # Errors
/// As [`write_atomic`]; an error of `fill` is passed on.
pub(crate) fn write_atomic_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || {
        // Dropped on any early return, which removes the file.
        let mut temporary = readable(tempfile::Builder::new().prefix(TEMPORARY)).tempfile_in(folder)?;
        let mut writer = BufWriter::new(temporary.as_file_mut());
        fill(&mut writer)?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    write().map_err(FileError::at("write", path))
}

/// Removes the temporary files in `folder` that a killed process left behind; those that cannot be removed stay.
pub(crate) fn remove_temporary(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Temporary files are private to their owner; results are as readable as any other file: as the umask says.
#[cfg(unix)]
fn readable<'b, 'x, 'y>(builder: &'b mut tempfile::Builder<'x, 'y>) -> &'b mut tempfile::Builder<'x, 'y> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn readable<'b, 'x, 'y>(builder: &'b mut tempfile::Builder<'x, 'y>) -> &'b mut tempfile::Builder<'x, 'y> {
    builder
}

/// Makes the rename itself durable. Only Unix can open a folder.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot sync a folder; the data itself is safe by then.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A new file beside one that the system made with the same umask.
    #[cfg(unix)]
    #[test]
    fn the_umask_is_heeded() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        fs::write(folder.path().join("plain"), "").unwrap();
        write_atomic(&folder.path().join("ours"), b"x").unwrap();
        assert_eq!(mode("ours"), mode("plain"));
    }

    /// Reading a pipe that nobody writes to would never end.
    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_capped(folder.path(), 10).unwrap_err().to_string();
        assert!(error.contains("it is no file"), "{error}");
    }

    #[test]
    fn replaces_the_whole_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, &[b'x'; 10_000]).unwrap();
        write_atomic(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_failing_writer_leaves_the_old_content_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, b"old").unwrap();
        let error = write_atomic_with(&path, |file| {
            file.write_all(&[0; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("cannot write") && error.contains("/a`") && error.contains("free some space"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_path_below_a_file_names_path_and_cause() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = write_atomic(&file.join("a"), b"x").unwrap_err().to_string();
        assert!(error.contains("file/a`") && error.contains("is a file, not a folder"), "{error}");
        assert!(create_folder(&file.join("b/c")).is_err());
        assert!(write_atomic(&folder.path().join("missing/a"), b"x").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_refuses_new_files_is_an_error() {
        let error = write_atomic(Path::new("/proc/neuralearn"), b"x").unwrap_err().to_string();
        assert!(error.contains("cannot write `/proc/neuralearn`"), "{error}");
    }

    #[test]
    fn reading_stops_at_the_cap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, &[7; 100]).unwrap();
        assert_eq!(read_capped(&path, 100).unwrap(), [7; 100]);
        let error = read_capped(&path, 99).unwrap_err().to_string();
        assert!(error.contains("100 bytes are more than the 99"), "{error}");
        assert!(read_capped(&folder.path().join("b"), 1).unwrap_err().to_string().contains("cannot read"));
    }
}
