//! Files that are written in full or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The name under which `goal` is written until it is whole: in the same folder, so that a rename suffices.
pub(crate) fn part(goal: &Path) -> PathBuf {
    let name = goal.file_name().unwrap_or_default().to_string_lossy();
    goal.with_file_name(format!(".{name}.part"))
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Syncs `part` and renames it to `goal` in the same folder, which is synced in turn; `part` is removed on failure.
pub(crate) fn publish(part: &Path, goal: &Path) -> io::Result<()> {
    let outcome = File::open(part).and_then(|file| file.sync_all()).and_then(|()| fs::rename(part, goal));
    if outcome.is_err() {
        let _ = remove(part);
        return outcome;
    }
    // Makes the rename last through a power cut; where folders cannot be opened, the file system sees to it.
    if let Some(Ok(folder)) = goal.parent().map(File::open) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// `goal` with what `content` writes; after an error there is no trace of the attempt.
pub(crate) fn write(goal: &Path, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let part = part(goal);
    let attempt = || {
        let mut writer = BufWriter::new(File::create(&part)?);
        content(&mut writer)?;
        writer.flush()
    };
    attempt().inspect_err(|_| {
        let _ = remove(&part);
    })?;
    publish(&part, goal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn whole_or_as_before() {
        let dir = tempdir().unwrap();
        let goal = dir.path().join("file");
        write(&goal, |writer| writer.write_all(b"old")).unwrap();
        let error = write(&goal, |writer| {
            writer.write_all(b"new")?;
            Err(io::Error::other("unplugged"))
        });
        assert_eq!(error.unwrap_err().to_string(), "unplugged");
        assert_eq!(fs::read(&goal).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no trace of the attempt");
        write(&goal, |writer| writer.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&goal).unwrap(), b"new");
    }

    #[test]
    fn a_goal_that_is_a_folder() {
        let dir = tempdir().unwrap();
        let goal = dir.path().join("folder");
        fs::create_dir(&goal).unwrap();
        assert!(write(&goal, |writer| writer.write_all(b"new")).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
