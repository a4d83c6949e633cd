//! The folder of one run: configuration, metrics, summary, weights, pictures, report, checkpoints.
//!
//! | file | content |
//! |---|---|
//! | `config.yaml` | the whole configuration, defaults filled in |
//! | `metrics.jsonl` | one JSON object a line, in the order of the run |
//! | `summary.json` | the result as one JSON object |
//! | `weights.safetensors` | every parameter by its path |
//! | `checkpoints/` | the last two checkpoints |
//! | `report.html`, `pictures/` | what to look at |
//! | `spikes.csv`, `spikes.npz` | the spikes of a simulation, if asked for |
//! | `.lock` | held while a process writes the run |

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::atomic::{FileError, create_folder, read_capped, remove_temporary, write_atomic, write_atomic_with};
use super::checkpoint::CheckpointStore;

const LOCK: &str = ".lock";
const CONFIG: &str = "config.yaml";
const METRICS: &str = "metrics.jsonl";
/// A configuration larger than this is not one of ours: 1 MiB.
const CONFIG_CAP: u64 = 1 << 20;

/// The folder of a run could not be created, written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFolderError {
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is something in the folder already.
    #[error("`{}` is not empty; choose a new folder, or continue the run in it with --resume", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Resume was asked for, but this folder holds no run.
    #[error("`{}` holds no run to resume: it has no {missing}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// A file that every run has.
        missing: &'static str,
    },
    /// Another process is writing this run.
    #[error("another process is writing to `{}`; wait for it to end, or choose another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// metrics.jsonl has lost lines that the checkpoint knows of.
    #[error(
        "`{}` has {found} bytes, but the checkpoint was written after {expected}; put the whole file back, \
         or start a new run", path.display()
    )]
    MetricsTooShort {
        /// The file.
        path: PathBuf,
        /// Bytes when the checkpoint was written.
        expected: u64,
        /// Bytes now.
        found: u64,
    },
    /// A value could not be turned into text, or a text not into a value.
    #[error("`{}`: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader or writer said.
        reason: String,
    },
}

type Result<T> = std::result::Result<T, RunFolderError>;

/// The folder of one run, locked against other processes while this value lives.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let parent = tempfile::tempdir()?;
/// let mut run = nl_train::RunFolder::create(&parent.path().join("run"))?;
/// run.write_config(&std::collections::BTreeMap::from([("epochs", 3)]))?;
/// run.append_metrics(&("epoch", 1))?;
/// run.write_file("pictures/note.txt", b"hello")?;
/// assert_eq!(run.metrics_len(), 12);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    metrics: File,
    metrics_len: u64,
    /// The lock is released when the file is closed, also by a crash.
    _lock: File,
    /// Of a new run; dropped after the files.
    _fresh: Option<Fresh>,
}

impl RunFolder {
    /// A new run in `path`, which must be empty or not exist yet. If nothing is written before this value is dropped, no
    /// trace of it stays.
    ///
    /// # Errors
    /// [`RunFolderError::NotEmpty`], [`RunFolderError::Locked`] or [`RunFolderError::File`].
    pub fn create(path: &Path) -> Result<Self> {
        let mut fresh = Fresh::create(path)?;
        // First without the lock, so that a folder of something else is not even touched; then with it.
        refuse_content(path)?;
        let lock = lock(path)?;
        refuse_content(path)?;
        fresh.locked = true;
        Self::open(path, lock, Some(fresh))
    }

    /// A new run in `<parent>/<name>-<UTC time>`; a counter is added if that exists.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_in(parent: &Path, name: &str) -> Result<Self> {
        let base = format!("{name}-{}", utc_stamp(SystemTime::now()));
        let mut path = parent.join(&base);
        let mut counter = 1;
        loop {
            let run = Self::create(&path);
            let taken = matches!(run, Err(RunFolderError::NotEmpty { .. } | RunFolderError::Locked { .. }));
            if !taken || counter == 1000 {
                return run;
            }
            counter += 1;
            path = parent.join(format!("{base}-{counter}"));
        }
    }

    /// The run that is already in `path`, to be continued.
    ///
    /// # Errors
    /// [`RunFolderError::NoRun`] if there is none, [`RunFolderError::Locked`] or [`RunFolderError::File`].
    pub fn resume(path: &Path) -> Result<Self> {
        if let Some(missing) = [CONFIG, METRICS].into_iter().find(|name| !path.join(name).is_file()) {
            return Err(RunFolderError::NoRun { path: path.to_owned(), missing });
        }
        let lock = lock(path)?;
        let run = Self::open(path, lock, None)?;
        // What a process that was killed had not finished writing: with the lock held, it is nobody's.
        for folder in [path, run.checkpoints().folder()] {
            remove_temporary(folder);
        }
        Ok(run)
    }

    fn open(path: &Path, lock: File, fresh: Option<Fresh>) -> Result<Self> {
        let file = path.join(METRICS);
        let open = || {
            let mut metrics = OpenOptions::new().create(true).truncate(false).write(true).open(&file)?;
            let metrics_len = metrics.seek(SeekFrom::End(0))?;
            Ok((metrics, metrics_len))
        };
        let (metrics, metrics_len) = open().map_err(FileError::at("open", &file))?;
        Ok(Self { path: path.to_owned(), metrics, metrics_len, _lock: lock, _fresh: fresh })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The checkpoints of the run.
    #[must_use]
    pub fn checkpoints(&self) -> CheckpointStore {
        CheckpointStore::new(self.path.join("checkpoints"))
    }

    /// Writes `config.yaml`: the configuration with every default filled in.
    ///
    /// # Errors
    /// [`RunFolderError::Format`] or [`RunFolderError::File`].
    pub fn write_config<T: Serialize>(&self, config: &T) -> Result<()> {
        let path = self.path.join(CONFIG);
        let text = serde_saphyr::to_string(config).map_err(|error| format_error(&path, &error))?;
        Ok(write_atomic(&path, text.as_bytes())?)
    }

    /// The text of `config.yaml`, to resume with exactly the configuration of the start.
    ///
    /// # Errors
    /// [`RunFolderError::Format`] or [`RunFolderError::File`].
    pub fn config_text(&self) -> Result<String> {
        Self::read_config_text(&self.path)
    }

    /// The text of `config.yaml` of the run in `folder`, without a lock.
    ///
    /// # Errors
    /// [`RunFolderError::Format`] or [`RunFolderError::File`].
    pub fn read_config_text(folder: &Path) -> Result<String> {
        let path = folder.join(CONFIG);
        let bytes = read_capped(&path, CONFIG_CAP)?;
        String::from_utf8(bytes).map_err(|error| format_error(&path, &error))
    }

    /// Appends `record` to `metrics.jsonl` as one line of JSON.
    ///
    /// # Errors
    /// [`RunFolderError::Format`] or [`RunFolderError::File`]; a line written in part is cut off again.
    pub fn append_metrics<T: Serialize>(&mut self, record: &T) -> Result<()> {
        let path = self.path.join(METRICS);
        let mut line = serde_json::to_vec(record).map_err(|error| format_error(&path, &error))?;
        line.push(b'\n');
        let length = self.metrics_len;
        let write = self.metrics.write_all(&line).and_then(|()| self.metrics.flush());
        if let Err(error) = write {
            // Best effort: the error that matters is the one reported.
            let _ = self.metrics.set_len(length).and_then(|()| self.metrics.seek(SeekFrom::Start(length)));
            return Err(FileError::at("write", &path)(error).into());
        }
        self.metrics_len += line.len() as u64;
        Ok(())
    }

    /// Bytes in `metrics.jsonl`: record it in each checkpoint, for [`truncate_metrics`](Self::truncate_metrics).
    #[must_use]
    pub fn metrics_len(&self) -> u64 {
        self.metrics_len
    }

    /// Cuts `metrics.jsonl` back to what it was when a checkpoint was written, so that a resumed run repeats no line.
    ///
    /// # Errors
    /// [`RunFolderError::MetricsTooShort`] or [`RunFolderError::File`].
    pub fn truncate_metrics(&mut self, length: u64) -> Result<()> {
        let path = self.path.join(METRICS);
        if length > self.metrics_len {
            return Err(RunFolderError::MetricsTooShort { path, expected: length, found: self.metrics_len });
        }
        let cut = self.metrics.set_len(length).and_then(|()| self.metrics.seek(SeekFrom::Start(length)));
        cut.map_err(FileError::at("truncate", &path))?;
        self.metrics_len = length;
        Ok(())
    }

    /// As [`truncate_metrics`](Self::truncate_metrics), but lines that are lost are no reason to lose the run: what is left
    /// ends with a whole line, and the sentence says how much is missing.
    ///
    /// # Errors
    /// [`RunFolderError::File`].
    pub(crate) fn cut_metrics(&mut self, length: u64) -> Result<Option<String>> {
        if length <= self.metrics_len {
            self.truncate_metrics(length)?;
            return Ok(None);
        }
        let path = self.path.join(METRICS);
        let text = fs::read(&path).map_err(FileError::at("read", &path))?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1) as u64;
        let lost = length - whole;
        self.truncate_metrics(whole)?;
        Ok(Some(format!(
            "{METRICS} has lost its last lines ({lost} bytes): the run goes on without them, and its result is the same"
        )))
    }

    /// Makes the lines of `metrics.jsonl` durable: call it before writing a checkpoint that counts on them.
    ///
    /// # Errors
    /// [`RunFolderError::File`].
    pub fn sync_metrics(&self) -> Result<()> {
        Ok(self.metrics.sync_data().map_err(FileError::at("write", &self.path.join(METRICS)))?)
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// [`RunFolderError::Format`] or [`RunFolderError::File`].
    pub fn write_summary<T: Serialize>(&self, summary: &T) -> Result<()> {
        let path = self.path.join("summary.json");
        let mut text = serde_json::to_vec_pretty(summary).map_err(|error| format_error(&path, &error))?;
        text.push(b'\n');
        Ok(write_atomic(&path, &text)?)
    }

    /// Writes a file of the run by its relative name (`"report.html"`, `"pictures/v1.png"`), and returns its path.
    ///
    /// # Errors
    /// [`RunFolderError::Format`] if the name leads out of the folder, or [`RunFolderError::File`].
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        self.write_file_with(name, |file| file.write_all(bytes))
    }

    /// As [`write_file`](Self::write_file), for content that is produced piece by piece and may be large: it is there whole or
    /// not at all.
    ///
    /// # Errors
    /// As [`write_file`](Self::write_file); an error of `fill` is one of the file.
    pub fn write_file_with(&self, name: &str, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<PathBuf> {
        let relative = Path::new(name);
        let path = self.path.join(relative);
        if !relative.components().all(|part| matches!(part, std::path::Component::Normal(_))) {
            let reason = "a file of a run must lie inside its folder".to_owned();
            return Err(RunFolderError::Format { path, reason });
        }
        if let Some(parent) = path.parent() {
            create_folder(parent)?;
        }
        write_atomic_with(&path, |file| fill(file))?;
        Ok(path)
    }
}

/// A new run's folder: dropped while the run has written nothing, it takes back what was made for it.
#[derive(Debug)]
struct Fresh {
    path: PathBuf,
    /// The folder and its parents, as far as they were not there before; deepest first.
    created: Vec<PathBuf>,
    /// Whether lock and metrics are this run's.
    locked: bool,
}

impl Fresh {
    fn create(path: &Path) -> Result<Self> {
        let absent = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let created = path.ancestors().take_while(absent).map(Path::to_owned).collect();
        let fresh = Self { path: path.to_owned(), created, locked: false };
        create_folder(path)?;
        Ok(fresh)
    }

    /// Whether there is nothing but the lock and metrics without a line.
    fn untouched(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            if name != LOCK && !(name == METRICS && entry.metadata()?.len() == 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Drop for Fresh {
    /// Best effort: the error that matters is the one that ended the run.
    fn drop(&mut self) {
        if self.locked && self.untouched().unwrap_or(false) {
            for name in [METRICS, LOCK] {
                let _ = fs::remove_file(self.path.join(name));
            }
        }
        // Only empty folders can be removed.
        for folder in &self.created {
            if fs::remove_dir(folder).is_err() && folder.exists() {
                break;
            }
        }
    }
}

fn format_error(path: &Path, error: &dyn std::fmt::Display) -> RunFolderError {
    RunFolderError::Format { path: path.to_owned(), reason: error.to_string() }
}

fn refuse_content(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path).map_err(FileError::at("list", path))? {
        let entry = entry.map_err(FileError::at("list", path))?;
        // A run that was killed before it wrote a line leaves these: nothing would be lost.
        let nothing = entry.file_name() == METRICS && entry.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if entry.file_name() != LOCK && !nothing {
            return Err(RunFolderError::NotEmpty { path: path.to_owned() });
        }
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File> {
    let file_path = path.join(LOCK);
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&file_path);
    let file = open.map_err(FileError::at("write", &file_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(RunFolderError::Locked { path: path.to_owned() }),
        // A file system without locks: the run is more useful than the guard.
        Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(fs::TryLockError::Error(error)) => Err(FileError::at("lock", &file_path)(error).into()),
    }
}

/// `20261121-195510`: sorts by time, and is a name on every file system.
#[must_use]
fn utc_stamp(time: SystemTime) -> String {
    let (year, month, day, second) = utc(time);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}-{h:02}{m:02}{s:02}")
}

/// `2026-11-21 19:55 UTC`: for people.
#[must_use]
pub(crate) fn utc_text(time: SystemTime) -> String {
    let (year, month, day, second) = utc(time);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3600, second / 60 % 60)
}

/// Year, month, day and second of the day, in the Gregorian calendar; times before 1970 count as 1970.
fn utc(time: SystemTime) -> (u64, u64, u64, u64) {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (mut days, mut year) = (seconds / 86_400, 1970);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1, seconds % 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn utc_reference() {
        // `date -u -d @N`
        for (second, stamp) in [
            (0, "19700101-000000"),
            (951_782_399, "20000228-235959"),
            (951_868_799, "20000229-235959"),
            (1_795_290_910, "20261121-195510"),
            (4_107_542_400, "21000301-000000"),
        ] {
            assert_eq!(utc_stamp(UNIX_EPOCH + Duration::from_secs(second)), stamp);
        }
        assert_eq!(utc_text(UNIX_EPOCH + Duration::from_secs(1_795_290_910)), "2026-11-21 19:55 UTC");
    }

    #[test]
    fn a_run_is_written_and_resumed() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("experiments/a");
        let mut run = RunFolder::create(&path).unwrap();
        run.write_config(&vec!["yes", "1e3", "plain"]).unwrap();
        run.append_metrics(&("step", 1, 0.1_f64)).unwrap();
        run.sync_metrics().unwrap();
        let recorded = run.metrics_len();
        run.append_metrics(&("step", 2, 0.2_f64)).unwrap();
        drop(run);

        let mut run = RunFolder::resume(&path).unwrap();
        let text = run.config_text().unwrap();
        assert_eq!(serde_saphyr::from_str::<Vec<String>>(&text).unwrap(), ["yes", "1e3", "plain"]);
        run.truncate_metrics(recorded).unwrap();
        run.append_metrics(&("step", 2, 0.25_f64)).unwrap();
        run.write_summary(&("done", true)).unwrap();
        let metrics = fs::read_to_string(path.join("metrics.jsonl")).unwrap();
        assert_eq!(metrics, "[\"step\",1,0.1]\n[\"step\",2,0.25]\n");
        assert_eq!(run.metrics_len(), metrics.len() as u64);
        assert!(matches!(run.truncate_metrics(1000), Err(RunFolderError::MetricsTooShort { expected: 1000, .. })));
        assert_eq!(run.checkpoints().folder(), path.join("checkpoints"));
    }

    #[test]
    fn a_folder_with_content_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "x").unwrap();
        let error = RunFolder::create(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is not empty") && error.contains("--resume"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "not even a lock file is added");
        let error = RunFolder::resume(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds no run to resume"), "{error}");
    }

    /// Killed before its configuration was there: the folder can be used again.
    #[test]
    fn a_folder_of_a_run_that_was_killed_at_once_is_as_good_as_empty() {
        let parent = tempfile::tempdir().unwrap();
        for name in [LOCK, METRICS] {
            fs::write(parent.path().join(name), "").unwrap();
        }
        assert!(RunFolder::create(parent.path()).is_ok());
        fs::write(parent.path().join(METRICS), "{}\n").unwrap();
        assert!(matches!(RunFolder::create(parent.path()), Err(RunFolderError::NotEmpty { .. })));
    }

    #[test]
    fn a_run_that_wrote_nothing_leaves_no_trace() {
        let parent = tempfile::tempdir().unwrap();
        let count = || fs::read_dir(parent.path()).unwrap().count();
        drop(RunFolder::create(&parent.path().join("a/b/c")).unwrap());
        assert_eq!(count(), 0);
        fs::write(parent.path().join("file"), "").unwrap();
        assert!(RunFolder::create(&parent.path().join("d").join("x".repeat(300))).is_err());
        assert_eq!(count(), 1, "a parent that could be made goes with the folder that could not");
        // A folder that was there stays, and so does a run with a first line.
        fs::create_dir(parent.path().join("empty")).unwrap();
        drop(RunFolder::create(&parent.path().join("empty")).unwrap());
        assert_eq!(fs::read_dir(parent.path().join("empty")).unwrap().count(), 0);
        let mut run = RunFolder::create(&parent.path().join("begun")).unwrap();
        run.append_metrics(&1).unwrap();
        drop(run);
        assert!(parent.path().join("begun/metrics.jsonl").is_file());
    }

    #[test]
    fn resume_removes_what_a_killed_process_was_writing() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&parent.path().join("a")).unwrap();
        run.write_config(&1).unwrap();
        run.checkpoints().save(1, &1).unwrap();
        let path = run.path().to_owned();
        drop(run);
        for name in [".writing-1", "checkpoints/.writing-2", "notes"] {
            fs::write(path.join(name), "half").unwrap();
        }
        RunFolder::resume(&path).unwrap();
        let left = |name: &str| path.join(name).exists();
        assert!(!left(".writing-1") && !left("checkpoints/.writing-2"));
        assert!(left("notes") && left("checkpoints/checkpoint-000000001.nlc"));
    }

    #[test]
    fn two_writers_exclude_each_other() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a");
        let run = RunFolder::create(&path).unwrap();
        run.write_config(&1).unwrap();
        assert!(matches!(RunFolder::resume(&path), Err(RunFolderError::Locked { .. })));
        drop(run);
        RunFolder::resume(&path).unwrap();
    }

    #[test]
    fn runs_of_one_second_get_different_folders() {
        let parent = tempfile::tempdir().unwrap();
        let first = RunFolder::create_in(parent.path(), "mnist").unwrap();
        let second = RunFolder::create_in(parent.path(), "mnist").unwrap();
        assert_ne!(first.path(), second.path());
        assert!(second.path().file_name().unwrap().to_str().unwrap().starts_with("mnist-2"));
    }

    #[test]
    fn files_stay_inside() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&parent.path().join("a")).unwrap();
        assert!(run.write_file("pictures/x.png", b"x").unwrap().is_file());
        for name in ["../x", "/etc/x", "a/../../x"] {
            assert!(run.write_file(name, b"x").unwrap_err().to_string().contains("inside its folder"), "{name}");
        }
        assert!(!parent.path().join("x").exists());
    }

    #[test]
    fn bad_places_and_bad_configs_say_why() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = RunFolder::create(&file.join("run")).unwrap_err().to_string();
        assert!(error.contains("file/run`") && error.contains("not a folder"), "{error}");

        let run = RunFolder::create(&parent.path().join("a")).unwrap();
        fs::write(run.path().join("config.yaml"), b"epochs: \xff").unwrap();
        let error = run.config_text().unwrap_err().to_string();
        assert!(error.contains("config.yaml"), "{error}");
    }
}
