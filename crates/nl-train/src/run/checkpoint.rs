//! Checkpoints: one value in a checksummed envelope, and a folder that keeps the last two.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | magic `NLCHKPT\0` |
//! | 4 | format version, little endian |
//! | 8 | length of the body, little endian |
//! | 32 | SHA-256 of the twenty bytes above and the body |
//! | … | body: bincode 2, little endian, fixed-size integers |
//!
//! The body is decoded only after its checksum matched, and under a size limit. bincode cannot bound collections of
//! zero-sized items: keep `Vec<()>` and the like out of checkpointed types.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::atomic::{FileError, create_folder, read_capped, write_atomic};

const MAGIC: [u8; 8] = *b"NLCHKPT\0";
const VERSION: u32 = 1;
const HEADER: usize = 8 + 4 + 8 + 32;
/// No checkpoint may be larger: 2 GiB.
const CAP: usize = 1 << 31;
const EXTENSION: &str = "nlc";
const KEPT: usize = 2;

/// A checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// The value cannot be encoded, or is too large.
    #[error("cannot encode checkpoint `{}`: {reason}", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// What the encoder said.
        reason: String,
    },
    /// The file does not begin with the magic bytes.
    #[error("`{}` is not a NeuraLearn checkpoint: it does not begin with the magic bytes", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
    },
    /// Written by another version of the format.
    #[error("checkpoint `{}` has format version {found}, this program reads version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it states.
        found: u32,
    },
    /// Shorter or longer than its header says.
    #[error("checkpoint `{}` is torn: its header promises {promised} bytes, it has {found}", path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// Length by the header, bytes.
        promised: u64,
        /// Length found, bytes.
        found: u64,
    },
    /// The content is not what was written.
    #[error("checkpoint `{}` was changed after it was written: its SHA-256 does not match", path.display())]
    Tampered {
        /// The file.
        path: PathBuf,
    },
    /// Intact, but the content is of another type.
    #[error("checkpoint `{}` holds something else than expected: {reason}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// The folder holds no checkpoint at all.
    #[error("no checkpoint in `{}`", folder.display())]
    NoneFound {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds checkpoints, but none can be used.
    #[error(
        "no usable checkpoint in `{}`: {}; put a good copy back, or start a new run",
        folder.display(), reasons.join("; ")
    )]
    AllBad {
        /// The folder.
        folder: PathBuf,
        /// One reason for each file, newest first.
        reasons: Vec<String>,
    },
}

fn codec<const LIMIT: usize>() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<LIMIT>()
}

/// Decodes under the smallest of a few limits that holds the body: what a length inside it may ask for is then no more than
/// some times the file itself.
fn decode_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let decoded = match body.len() {
        0..=0x1_0000 => bincode::serde::decode_from_slice(body, codec::<0x1_0000>()),
        0x1_0001..=0x40_0000 => bincode::serde::decode_from_slice(body, codec::<0x40_0000>()),
        0x40_0001..=0x800_0000 => bincode::serde::decode_from_slice(body, codec::<0x800_0000>()),
        _ => bincode::serde::decode_from_slice(body, codec::<CAP>()),
    };
    let (value, read) = decoded.map_err(|error| error.to_string())?;
    if read == body.len() { Ok(value) } else { Err(format!("{} bytes are left over", body.len() - read)) }
}

/// `value` as bytes, for a part of a checkpoint whose type only its owner knows: the state of a
/// [`Learner`](crate::Learner). Every field must be written: nothing may be `skip_serializing_if`.
///
/// ```
/// let bytes = nl_train::pack(&(3_u64, vec![0.5_f32]))?;
/// assert_eq!(nl_train::unpack::<(u64, Vec<f32>)>(&bytes)?, (3, vec![0.5]));
/// # Ok::<(), nl_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) if the value cannot be encoded.
pub fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, crate::Error> {
    let packed = bincode::serde::encode_to_vec(value, codec::<CAP>());
    packed.map_err(|error| crate::Error::config(format!("a part of the checkpoint cannot be encoded: {error}")))
}

/// What [`pack`] made.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) if the bytes hold something else.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, crate::Error> {
    decode_body(bytes).map_err(|reason| {
        crate::Error::config(format!("the checkpoint holds something else than this stage: {reason}"))
    })
}

/// Bytes that are written as one piece, not one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl serde::de::Visitor<'_> for Visit {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Visit)
    }
}

/// SHA-256 as 64 lower-case hexadecimal digits.
#[must_use]
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Magic, version and length; then the checksum over them and the body.
fn header(version: u32, body: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    header[12..20].copy_from_slice(&(body.len() as u64).to_le_bytes());
    let sum = Sha256::new().chain_update(&header[..20]).chain_update(body).finalize();
    header[20..].copy_from_slice(&sum);
    header
}

/// Writes `value` to `path`, at once or not at all.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("weights.nlc");
/// nl_train::save_checkpoint(&path, &vec![1.5_f32, -2.0])?;
/// assert_eq!(nl_train::load_checkpoint::<Vec<f32>>(&path)?, [1.5, -2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`CheckpointError::Encode`] or [`CheckpointError::File`].
pub fn save_checkpoint<T: Serialize>(path: &Path, value: &T) -> Result<(), CheckpointError> {
    let fail = |reason: String| CheckpointError::Encode { path: path.to_owned(), reason };
    // One buffer for header and body: a checkpoint of many megabytes is not copied.
    let mut file = vec![0; HEADER];
    bincode::serde::encode_into_std_write(value, &mut file, codec::<CAP>()).map_err(|error| fail(error.to_string()))?;
    if file.len() - HEADER > CAP {
        return Err(fail(format!("{} bytes are more than the {CAP} a checkpoint may have", file.len() - HEADER)));
    }
    let header = header(VERSION, &file[HEADER..]);
    file[..HEADER].copy_from_slice(&header);
    Ok(write_atomic(path, &file)?)
}

/// Reads what [`save_checkpoint`] wrote.
///
/// # Errors
/// Each way in which the file can be unusable is its own variant of [`CheckpointError`].
pub fn load_checkpoint<T: DeserializeOwned>(path: &Path) -> Result<T, CheckpointError> {
    let file = read_capped(path, (CAP + HEADER) as u64)?;
    decode(path, &file)
}

fn decode<T: DeserializeOwned>(path: &Path, file: &[u8]) -> Result<T, CheckpointError> {
    let path = || path.to_owned();
    if !file.starts_with(&MAGIC[..file.len().min(MAGIC.len())]) {
        return Err(CheckpointError::NotACheckpoint { path: path() });
    }
    if file.len() < HEADER {
        return Err(CheckpointError::Torn { path: path(), promised: HEADER as u64, found: file.len() as u64 });
    }
    let (head, body) = file.split_at(HEADER);
    let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    if version != VERSION {
        return Err(CheckpointError::Version { path: path(), found: version });
    }
    let length = head[12..20].iter().rev().fold(0, |n: u64, &byte| n << 8 | u64::from(byte));
    if length != body.len() as u64 {
        let promised = length.saturating_add(HEADER as u64);
        return Err(CheckpointError::Torn { path: path(), promised, found: file.len() as u64 });
    }
    if head != header(version, body) {
        return Err(CheckpointError::Tampered { path: path() });
    }
    decode_body(body).map_err(|reason| CheckpointError::Decode { path: path(), reason })
}

/// The checkpoints of one run: a folder that keeps the last two.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let store = nl_train::CheckpointStore::new(folder.path());
/// for step in [10, 20, 30] {
///     store.save(step, &format!("after {step} steps"))?;
/// }
/// let latest = store.latest::<String>()?;
/// assert_eq!((latest.step, latest.value.as_str()), (30, "after 30 steps"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CheckpointStore {
    folder: PathBuf,
}

/// What [`CheckpointStore::latest`] found.
#[derive(Debug)]
pub struct Latest<T> {
    /// The step under which it was saved.
    pub step: u64,
    /// What was saved.
    pub value: T,
    /// Its file.
    pub path: PathBuf,
    /// Why newer files were passed over, newest first: tell the user.
    pub warnings: Vec<String>,
}

impl CheckpointStore {
    /// A store in `folder`, which is created by the first save.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder of the store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Saves `value` as the checkpoint of `step`; then removes all but the last two, and those of later steps (which a
    /// resume from an earlier one has overtaken).
    ///
    /// # Errors
    /// As [`save_checkpoint`]. The earlier checkpoints are then all still there.
    pub fn save<T: Serialize>(&self, step: u64, value: &T) -> Result<PathBuf, CheckpointError> {
        create_folder(&self.folder)?;
        let path = self.folder.join(format!("checkpoint-{step:09}.{EXTENSION}"));
        save_checkpoint(&path, value)?;
        let files = self.files()?;
        let earlier = files.iter().filter(|(other, _)| *other < step).rev().skip(KEPT - 1);
        let later = files.iter().filter(|(other, _)| *other > step);
        for (_, stale) in earlier.chain(later) {
            fs::remove_file(stale).map_err(FileError::at("remove", stale))?;
        }
        Ok(path)
    }

    /// The newest checkpoint that is whole.
    ///
    /// # Errors
    /// [`CheckpointError::NoneFound`] if there is no file, [`CheckpointError::AllBad`] if none can be used.
    pub fn latest<T: DeserializeOwned>(&self) -> Result<Latest<T>, CheckpointError> {
        let mut warnings = Vec::new();
        for (step, path) in self.files()?.into_iter().rev() {
            match load_checkpoint(&path) {
                Ok(value) => return Ok(Latest { step, value, path, warnings }),
                Err(error) => warnings.push(error.to_string()),
            }
        }
        let folder = self.folder.clone();
        if warnings.is_empty() {
            Err(CheckpointError::NoneFound { folder })
        } else {
            Err(CheckpointError::AllBad { folder, reasons: warnings })
        }
    }

    /// Step and path of every checkpoint, oldest first.
    fn files(&self) -> Result<Vec<(u64, PathBuf)>, CheckpointError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(FileError::at("list", &self.folder))?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(FileError::at("list", &self.folder))?.path();
            let is_ours = path.extension().is_some_and(|extension| extension == EXTENSION);
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let step = stem.and_then(|stem| stem.strip_prefix("checkpoint-")).and_then(|digits| digits.parse().ok());
            // A pipe or a folder of that name is none of ours.
            if let (true, Some(step)) = (is_ours && path.is_file(), step) {
                files.push((step, path));
            }
        }
        files.sort();
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct State {
        weights: Vec<f32>,
        epoch: u64,
        name: String,
    }

    fn state() -> State {
        State { weights: vec![1.0, -0.0, f32::MIN_POSITIVE / 2.0], epoch: 3, name: "it".to_owned() }
    }

    fn bytes() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nlc");
        save_checkpoint(&path, &state()).unwrap();
        fs::read(path).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<State, CheckpointError> {
        decode(Path::new("a.nlc"), bytes)
    }

    /// With a header that fits the body.
    fn sealed(version: u32, body: &[u8]) -> Vec<u8> {
        [&header(version, body)[..], body].concat()
    }

    #[test]
    fn what_was_saved_is_loaded() {
        assert_eq!(read(&bytes()).unwrap(), state());
        assert_eq!(bytes(), bytes(), "the same value gives the same file");
    }

    #[test]
    fn every_truncation_is_torn() {
        let good = bytes();
        for length in 0..good.len() {
            let error = read(&good[..length]).unwrap_err();
            assert!(matches!(error, CheckpointError::Torn { .. }), "{length}: {error}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = bytes();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let error = read(&bad).unwrap_err();
            let expected = match bit / 8 {
                0..8 => matches!(error, CheckpointError::NotACheckpoint { .. }),
                8..12 => matches!(error, CheckpointError::Version { .. }),
                12..20 => matches!(error, CheckpointError::Torn { .. }),
                _ => matches!(error, CheckpointError::Tampered { .. }),
            };
            assert!(expected, "bit {bit}: {error}");
        }
    }

    #[test]
    fn junk_after_the_body_is_noticed_sealed_or_not() {
        let good = bytes();
        let loose = [&good[..], b"junk"].concat();
        assert!(matches!(read(&loose), Err(CheckpointError::Torn { .. })));
        let error = read(&sealed(VERSION, &loose[HEADER..])).unwrap_err();
        assert!(error.to_string().contains("4 bytes are left over"), "{error}");
    }

    #[test]
    fn another_version_or_another_kind_of_file_says_so() {
        let error = read(&sealed(7, &bytes()[HEADER..])).unwrap_err().to_string();
        assert!(error.contains("format version 7, this program reads version 1"), "{error}");
        let error = read(b"PK\x03\x04").unwrap_err().to_string();
        assert!(error.contains("`a.nlc` is not a NeuraLearn checkpoint"), "{error}");
    }

    #[test]
    fn a_huge_length_costs_nothing() {
        let mut bad = bytes();
        bad[12..20].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(read(&bad), Err(CheckpointError::Torn { promised: u64::MAX, .. })));
        // A vector that claims 2^60 floats inside a body whose checksum is right.
        let error = read(&sealed(VERSION, &(1_u64 << 60).to_le_bytes())).unwrap_err();
        assert!(matches!(error, CheckpointError::Decode { .. }), "{error}");
    }

    #[test]
    fn another_type_is_an_error() {
        let error = decode::<(u64, u64)>(Path::new("a.nlc"), &bytes()).unwrap_err();
        assert!(error.to_string().contains("`a.nlc` holds something else"), "{error}");
    }

    fn kept(store: &CheckpointStore) -> Vec<u64> {
        store.files().unwrap().into_iter().map(|(step, _)| step).collect()
    }

    #[test]
    fn the_store_keeps_two_and_loads_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let store = CheckpointStore::new(folder.path().join("checkpoints"));
        assert!(matches!(store.latest::<u64>(), Err(CheckpointError::NoneFound { .. })));
        for step in [1, 5, 1_234_567_890, 1_234_567_891] {
            store.save(step, &step).unwrap();
        }
        fs::write(store.folder().join("notes.txt"), "").unwrap();
        assert_eq!(kept(&store), [1_234_567_890, 1_234_567_891]);
        let latest = store.latest::<u64>().unwrap();
        assert_eq!((latest.step, latest.value, latest.warnings.len()), (1_234_567_891, 1_234_567_891, 0));
    }

    #[test]
    fn a_torn_newest_falls_back_and_tells() {
        let folder = tempfile::tempdir().unwrap();
        let store = CheckpointStore::new(folder.path());
        store.save(1, &1_u64).unwrap();
        let newest = store.save(2, &2_u64).unwrap();
        let whole = fs::read(&newest).unwrap();
        fs::write(&newest, &whole[..whole.len() - 1]).unwrap();
        let latest = store.latest::<u64>().unwrap();
        assert_eq!((latest.step, latest.value), (1, 1));
        assert!(latest.warnings[0].contains("checkpoint-000000002.nlc` is torn"), "{:?}", latest.warnings);

        // Going on from the fallback never throws the good one away for the bad one.
        store.save(1, &1_u64).unwrap();
        assert_eq!(kept(&store), [1]);
    }

    #[test]
    fn if_none_is_good_each_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = CheckpointStore::new(folder.path());
        for step in [1, 2] {
            fs::write(store.save(step, &step).unwrap(), "gone").unwrap();
        }
        let error = store.latest::<u64>().unwrap_err().to_string();
        assert!(error.contains("000000001.nlc` is not") && error.contains("000000002.nlc` is not"), "{error}");
    }

    #[test]
    fn a_store_that_cannot_be_written_says_where_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = CheckpointStore::new(file.join("checkpoints")).save(1, &1_u64).unwrap_err().to_string();
        assert!(error.contains("cannot create the folder") && error.contains("file/checkpoints"), "{error}");
    }
}
