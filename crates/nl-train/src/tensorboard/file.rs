//! Event files in a folder, which TensorBoard reads in the order of their names.

use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::writer::{checked_step, checked_time};
use super::{At, EventWriter, TensorBoardError};
use crate::FileError;

/// How the name of every event file begins, whoever wrote it.
const PREFIX: &str = "events.out.tfevents.";
/// Where others write the host's name and the number of the process: a page is sent to others, to whom neither is of use.
const WRITER: &str = ".neuralearn.0.";

/// An event file under way.
///
/// Its name is `events.out.tfevents.<seconds>.neuralearn.0.<number>` and follows that of every event file in the folder, also
/// when the clock was set back.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    writer: EventWriter<BufWriter<File>>,
}

impl EventFile {
    /// A new file in `folder`, which is made if need be, for events from `start.step` on: 0 for a new run, and for one that
    /// goes on from a checkpoint the first step that it does again.
    ///
    /// ```
    /// use nl_train::tensorboard::{At, EventFile};
    /// # let place = tempfile::tempdir()?;
    /// # let folder = place.path();
    /// let first = EventFile::open(folder, At { step: 0, time: 1.7e9 })?;
    /// let resumed = EventFile::open(folder, At { step: 40, time: 1.7e9 })?;
    /// assert!(first.path().ends_with("events.out.tfevents.1700000000.neuralearn.0.0000"));
    /// assert!(resumed.path().ends_with("events.out.tfevents.1700000000.neuralearn.0.0001"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TensorBoardError::File`], [`TensorBoardError::Time`] or [`TensorBoardError::Step`].
    pub fn open(folder: &Path, start: At) -> Result<Self, TensorBoardError> {
        checked_step(start.step)?;
        let seconds = checked_time(start.time)? as u64;
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
        let path = folder.join(next_name(&last_name(folder)?, seconds));
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(FileError::at("write", &path))?;
        let writer = EventWriter::new(BufWriter::new(file), start);
        let mut file = Self { writer: writer.map_err(|error| named(error, &path))?, path };
        file.flush()?;
        Ok(file)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where events go.
    pub fn writer(&mut self) -> &mut EventWriter<BufWriter<File>> {
        &mut self.writer
    }

    /// Shows what was written to whoever reads the file: as often as a curve should move.
    ///
    /// # Errors
    /// [`TensorBoardError::File`].
    pub fn flush(&mut self) -> Result<(), TensorBoardError> {
        self.writer.flush().map_err(|error| named(error, &self.path))
    }

    /// Makes what was written durable: call it before writing a checkpoint that counts on it.
    ///
    /// # Errors
    /// [`TensorBoardError::File`].
    pub fn sync(&mut self) -> Result<(), TensorBoardError> {
        self.flush()?;
        Ok(self.writer.get_ref().get_ref().sync_data().map_err(FileError::at("write", &self.path))?)
    }
}

/// An error of writing, with the file that it is about.
fn named(error: TensorBoardError, path: &Path) -> TensorBoardError {
    match error {
        TensorBoardError::Write(cause) => FileError::at("write", path)(cause).into(),
        other => other,
    }
}

/// The name that TensorBoard reads last, without what every one begins with.
fn last_name(folder: &Path) -> Result<String, TensorBoardError> {
    let mut last = String::new();
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>();
    for name in read().map_err(FileError::at("read", folder))? {
        if let Some(rest) = name.to_string_lossy().strip_prefix(PREFIX)
            && rest > last.as_str()
        {
            rest.clone_into(&mut last);
        }
    }
    Ok(last)
}

/// A name for a file begun at `seconds` that follows `last` in the order of text.
fn next_name(last: &str, seconds: u64) -> String {
    let digits = last.get(..10).and_then(|digits| digits.parse::<u64>().ok());
    let (seconds, number) = match digits {
        Some(earlier) if earlier >= seconds => {
            let number = last[10..].strip_prefix(WRITER).and_then(|number| number.parse::<u32>().ok());
            // Of another writer, or the ten thousandth of one second: a second later.
            number.filter(|&number| number < 9999).map_or((earlier + 1, 0), |number| (earlier, number + 1))
        }
        _ => (seconds, 0),
    };
    format!("{PREFIX}{seconds:010}{WRITER}{number:04}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorboard::record::tests::read;

    #[test]
    fn names_follow_each_other_whatever_the_clock_says() {
        let mut names = vec!["1700000000.zebra.77.0".to_owned()];
        for seconds in [1_700_000_000, 1_700_000_000, 1_600_000_000, 0, 1_700_000_002, 9_999_999_999] {
            let name = next_name(names.last().unwrap(), seconds);
            names.push(name.strip_prefix(PREFIX).unwrap().to_owned());
        }
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        assert_eq!(next_name("1700000000.neuralearn.0.9999", 5), format!("{PREFIX}1700000001{WRITER}0000"));
        assert_eq!(next_name("", 5), format!("{PREFIX}0000000005{WRITER}0000"));
        assert_eq!(next_name("short", 5), next_name("", 5));
        assert_eq!(next_name("17000000é0.x", 5), next_name("", 5));
    }

    #[test]
    fn a_resumed_run_goes_on_in_a_file_of_its_own() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        let at = |step: u64| At { step, time: 1e9 + step as f64 };
        let mut first = EventFile::open(&folder, at(0)).unwrap();
        (0..5).for_each(|step| first.writer().scalar("loss", at(step), 1.0).unwrap());
        first.sync().unwrap();
        // Killed in the middle of an event.
        let whole = fs::read(first.path()).unwrap();
        fs::write(first.path(), &whole[..whole.len() - 5]).unwrap();
        let second = EventFile::open(&folder, At { step: 3, time: 1.0 }).unwrap();
        assert!(second.path() > first.path());
        assert_eq!(read(&fs::read(first.path()).unwrap()).0.len(), 2 + 4);
        // Its beginning is there at once.
        assert_eq!(read(&fs::read(second.path()).unwrap()).0.len(), 2);
    }

    #[test]
    fn a_folder_that_is_a_file_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let error = EventFile::open(&file, At::default()).unwrap_err().to_string();
        assert!(error.contains("cannot create the folder") && error.contains("/file`"), "{error}");
        assert!(matches!(
            EventFile::open(&place.path().join("new"), At { step: 0, time: f64::NAN }),
            Err(TensorBoardError::Time { .. })
        ));
        assert!(!place.path().join("new").exists());
    }
}
