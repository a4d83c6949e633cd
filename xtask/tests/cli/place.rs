//! A folder to run the command in, and what is expected of an answer.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::{Compression, write::GzEncoder};
use nl_data::{save_idx_dir, synthetic};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
pub(crate) const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
pub(crate) const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";

/// A brain of a few units a region that learns 260 images of `images` in about a second: 13 steps an epoch.
pub(crate) const TINY: &str = "\
name: tiny
seed: 5
data: {name: mnist, source: images, validation: 40}
model:
  kind: brain
  regions: {retina: 4, thalamus_hidden: 2, v1: 4, v2: 6, v4: 6, embedding: 12, cerebellum: [6, 4]}
  hippocampus: {capacity: 200, neighbours: 5, temperature: 0.05}
  probe:
    neighbours: 3
    learn: {epochs: 2, batch: 50, optimizer: {algorithm: {kind: adam}, schedule: {kind: cosine, rate: 5.0e-3}}}
stages:
  - kind: reconstruct
    learn: {epochs: 4, batch: 20, shard: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: one-cycle, peak: 2.0e-3}}}
    augment: {shift: 1, rotate: 10, elastic: 0.5}
    corruption: {kind: gaussian, std: 0.1}
  - kind: classify
    learn:
      epochs: 8
      batch: 20
      shard: 8
      optimizer: {algorithm: {kind: adam}, schedule: {kind: one-cycle, peak: 3.0e-3}}
      average: 0.9
    augment: {shift: 1, rotate: 10, elastic: 0.5}
  - {kind: remember}
  - {kind: trust}
";

/// Every file below a folder with its size and beginning; folders have none.
pub(crate) type Listing = BTreeMap<PathBuf, Option<(u64, Vec<u8>)>>;

/// A folder of its own, in which the command runs: relative paths lead here, and so does a stray output.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    /// With `images` and `tiny.yaml`.
    pub(crate) fn with_images() -> Self {
        let place = Self::new();
        save_idx_dir(&synthetic::digits(300, 60, 3), place.path("images")).unwrap();
        place.write("tiny.yaml", TINY);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Replaces a plain file by what `change` makes of its content.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(name)).unwrap();
        change(&mut bytes);
        self.write(name, bytes);
    }

    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// `cargo xtask LINE`, its words separated by spaces, with nothing from the environment that it would heed.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.shell(env!("CARGO_BIN_EXE_xtask"));
        command.args(line.split(' '));
        command
    }

    /// Any program, in this folder.
    pub(crate) fn shell(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).env_remove("NL_DATASETS").env_remove("NL_SIMD");
        command
    }

    pub(crate) fn listing(&self) -> Listing {
        let mut all = Listing::new();
        list(self.dir.path(), &mut all);
        all
    }

    /// The command is refused with every one of `words` on stderr, and no file or folder is touched.
    pub(crate) fn refuses(&self, line: &str, words: &[&str]) {
        self.refuses_command(&mut self.command(line), words);
    }

    pub(crate) fn refuses_command(&self, command: &mut Command, words: &[&str]) {
        let before = self.listing();
        fails(command, words);
        let after = self.listing();
        assert!(before == after, "{command:?} changed {:?}", difference(&before, &after));
    }
}

fn list(folder: &Path, all: &mut Listing) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if path.is_dir() {
            list(&path, all);
            all.insert(path, None);
        } else {
            let (size, mut beginning) = (entry.metadata().unwrap().len(), Vec::new());
            File::open(&path).unwrap().take(1 << 20).read_to_end(&mut beginning).unwrap();
            all.insert(path, Some((size, beginning)));
        }
    }
}

/// The paths that are in one listing only, or differ.
fn difference<'a>(before: &'a Listing, after: &'a Listing) -> Vec<&'a Path> {
    let added = after.iter().filter(|(path, content)| before.get(*path) != Some(*content));
    let lost = before.iter().filter(|(path, _)| !after.contains_key(*path));
    added.chain(lost).map(|(path, _)| path.as_path()).collect()
}

/// The command fails on its own terms: an exit code, every one of `words` on stderr, nothing on stdout, no panic.
pub(crate) fn fails(command: &mut Command, words: &[&str]) -> Output {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(code.is_some_and(|code| code != 0 && code != 101), "{command:?}: {}: {stderr}", output.status);
    assert!(stderr.contains("error: ") && !stderr.contains("panicked"), "{command:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{command:?}: {word:?} is not in: {stderr}");
    }
    assert!(output.stdout.is_empty(), "{command:?}: stdout: {}", String::from_utf8_lossy(&output.stdout));
    output
}

/// The command succeeds, and its stdout is one line of JSON; also returns its stderr.
pub(crate) fn json(command: &mut Command) -> (Value, String) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}: {stderr}", output.status);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    (serde_json::from_str(&stdout).unwrap(), stderr)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file of this many zero bytes that takes no room.
pub(crate) fn sparse(path: &Path, bytes: u64) {
    File::create(path).unwrap().set_len(bytes).unwrap();
}
