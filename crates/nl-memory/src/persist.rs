//! A memory as bytes: a checksummed envelope around a bincode body.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `NLMEMORY` |
//! | 4 | format version, little endian |
//! | 8 | length of the body, little endian |
//! | 32 | SHA-256 of the body |
//! | length | configuration and contents, bincode with fixed-width little-endian integers |

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::episodic::Contents;
use crate::{EpisodicMemory, FormatError, MemoryConfig};

const MAGIC: [u8; 8] = *b"NLMEMORY";
const VERSION: u32 = 1;
const HEADER: usize = 52;
/// Nothing above this is decoded, whatever limit the caller gives: 64 GiB.
const CAP: usize = 1 << 36;

#[derive(Serialize)]
struct BodyRef<'a> {
    config: &'a MemoryConfig,
    contents: &'a Contents,
}

#[derive(Deserialize)]
struct Body {
    config: MemoryConfig,
    contents: Contents,
}

impl EpisodicMemory {
    /// Writes the memory; [`read_from`](Self::read_from) gives it back bit for bit.
    ///
    /// ```
    /// use nl_memory::{EpisodicMemory, MemoryConfig};
    /// let mut memory = EpisodicMemory::new(MemoryConfig::new(2, 10, 2))?;
    /// memory.store(&[0.5, -1.0], 1, 7)?;
    /// let mut bytes = Vec::new();
    /// memory.write_to(&mut bytes)?;
    /// assert_eq!(EpisodicMemory::read_from(bytes.as_slice(), 1 << 20)?, memory);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FormatError::Io`] if the writer fails.
    pub fn write_to(&self, mut writer: impl Write) -> Result<(), FormatError> {
        let body = BodyRef { config: &self.config, contents: &self.contents };
        let body = bincode::serde::encode_to_vec(body, format()).map_err(|e| FormatError::Encode(e.to_string()))?;
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..20].copy_from_slice(&(body.len() as u64).to_le_bytes());
        header[20..].copy_from_slice(&Sha256::digest(&body));
        writer.write_all(&header)?;
        writer.write_all(&body)?;
        Ok(())
    }

    /// Reads what [`write_to`](Self::write_to) wrote, and not a byte more; a body beyond `limit` bytes is refused
    /// before anything is allocated for it.
    ///
    /// # Errors
    /// [`FormatError`], one variant per way in which the bytes can be wrong.
    pub fn read_from(mut reader: impl Read, limit: u64) -> Result<Self, FormatError> {
        let mut header = Vec::with_capacity(HEADER);
        read_exactly(&mut reader, HEADER as u64, "header", &mut header)?;
        let magic: [u8; 8] = part(&header, 0);
        if magic != MAGIC {
            return Err(FormatError::Magic(magic));
        }
        let version = u32::from_le_bytes(part(&header, 8));
        if version != VERSION {
            return Err(FormatError::Version { found: version, known: VERSION });
        }
        let length = u64::from_le_bytes(part(&header, 12));
        let limit = limit.min(CAP as u64);
        if length > limit {
            return Err(FormatError::TooLarge { length, limit });
        }
        let mut bytes = Vec::new();
        read_exactly(&mut reader, length, "body", &mut bytes)?;
        if Sha256::digest(&bytes)[..] != header[20..] {
            return Err(FormatError::Checksum);
        }
        let (body, consumed): (Body, usize) =
            bincode::serde::decode_from_slice(&bytes, format()).map_err(|e| FormatError::Decode(e.to_string()))?;
        if consumed != bytes.len() {
            return Err(FormatError::Trailing((bytes.len() - consumed) as u64));
        }
        check(body)
    }
}

fn format() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<CAP>()
}

fn part<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    core::array::from_fn(|i| header[at + i])
}

/// Appends `expected` bytes; memory grows with what arrives, not with what is claimed.
fn read_exactly(
    reader: &mut impl Read,
    expected: u64,
    part: &'static str,
    bytes: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let got = reader.take(expected).read_to_end(bytes)? as u64;
    if got == expected { Ok(()) } else { Err(FormatError::Truncated { part, expected, got }) }
}

/// A checksum proves only that nothing changed since the writing, not that the writer was honest.
fn check(Body { config, contents }: Body) -> Result<EpisodicMemory, FormatError> {
    config.validate()?;
    let fail = |message: String| Err(FormatError::Inconsistent(message));
    let Contents { keys, labels, ids, seen, held, full } = &contents;
    let n = labels.len();
    if n > config.capacity {
        return fail(format!("{n} memories in a capacity of {}", config.capacity));
    }
    if ids.len() != n || keys.len() != n * config.dim {
        let (ids, keys, dim) = (ids.len(), keys.len(), config.dim);
        return fail(format!("{n} labels, {ids} ids and {keys} key components of dimension {dim}"));
    }
    if [seen.len(), held.len(), full.len()] != [config.classes; 3] {
        return fail(format!("statistics of {} classes, the configuration has {}", seen.len(), config.classes));
    }
    if let Some(label) = labels.iter().find(|&&label| label as usize >= config.classes) {
        return fail(format!("label {label} of {} classes", config.classes));
    }
    if let Some(x) = keys.iter().find(|x| !x.is_finite()) {
        return fail(format!("a key component is {x}"));
    }
    let mut counted = vec![0_u64; config.classes];
    labels.iter().for_each(|&label| counted[label as usize] += 1);
    let total = seen.iter().try_fold(0_u64, |total, &n| total.checked_add(n));
    // Half of all numbers are left to count on with; nobody can have stored that often.
    let countable = total.is_some_and(|total| total <= u64::MAX / 2);
    if counted != *held || held.iter().zip(seen).any(|(held, seen)| held > seen) || !countable {
        return fail("the class statistics do not match the labels".to_owned());
    }
    match EpisodicMemory::from_parts(config, contents) {
        Some(memory) => Ok(memory),
        None => fail("an id stands twice".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> EpisodicMemory {
        let mut memory = EpisodicMemory::new(MemoryConfig::new(3, 4, 2)).unwrap();
        for id in 0..9 {
            memory.store(&[id as f32, -0.0, f32::MIN_POSITIVE / 2.0], (id % 2) as u32, id).unwrap();
        }
        memory
    }

    fn bytes(memory: &EpisodicMemory) -> Vec<u8> {
        let mut bytes = Vec::new();
        memory.write_to(&mut bytes).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<EpisodicMemory, FormatError> {
        EpisodicMemory::read_from(bytes, 1 << 20)
    }

    /// An envelope with a correct checksum around any body.
    fn envelope(body: &[u8]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes(), &(body.len() as u64).to_le_bytes()].concat();
        bytes.extend_from_slice(&Sha256::digest(body));
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn round_trip_is_exact_and_stops_at_its_end() {
        let memory = example();
        let mut stream = bytes(&memory);
        stream.extend_from_slice(b"next");
        let mut reader = stream.as_slice();
        let back = EpisodicMemory::read_from(&mut reader, 1 << 20).unwrap();
        assert_eq!(reader, b"next");
        let bits = |m: &EpisodicMemory| m.keys().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!((bits(&back), &back), (bits(&memory), &memory));
    }

    #[test]
    fn each_malformed_envelope_has_its_own_error() {
        let good = bytes(&example());
        let with = |at: usize, value: u8| {
            let mut bad = good.clone();
            bad[at] = value;
            read(&bad).unwrap_err()
        };
        assert!(matches!(read(&[]), Err(FormatError::Truncated { part: "header", got: 0, .. })));
        assert!(matches!(read(&good[..HEADER - 1]), Err(FormatError::Truncated { part: "header", .. })));
        assert!(matches!(read(&good[..good.len() - 1]), Err(FormatError::Truncated { part: "body", .. })));
        assert!(matches!(with(0, b'X'), FormatError::Magic(_)));
        assert!(matches!(with(8, 2), FormatError::Version { found: 2, known: 1 }));
        assert!(matches!(with(19, 0xff), FormatError::TooLarge { .. }));
        assert!(matches!(with(18, 0x01), FormatError::TooLarge { .. }));
        assert!(matches!(with(30, !good[30]), FormatError::Checksum));
        assert!(matches!(with(HEADER + 5, !good[HEADER + 5]), FormatError::Checksum));
        assert!(matches!(EpisodicMemory::read_from(good.as_slice(), 10), Err(FormatError::TooLarge { limit: 10, .. })));
    }

    #[test]
    fn each_dishonest_body_has_its_own_error() {
        let good = example();
        let body = bytes(&good)[HEADER..].to_vec();
        assert!(read(&envelope(&body)).is_ok());
        assert!(matches!(read(&envelope(&body[..body.len() - 1])), Err(FormatError::Decode(_))));
        assert!(matches!(read(&envelope(&[&body[..], b"junk"].concat())), Err(FormatError::Trailing(4))));
        // A vector that claims 2^40 elements: an error, not an allocation. The keys' length follows the configuration.
        let config = bincode::serde::encode_to_vec(good.config(), format()).unwrap().len();
        let mut huge = body.clone();
        huge[config..config + 8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        assert!(matches!(read(&envelope(&huge)), Err(FormatError::Decode(_))));

        let changed = |change: fn(&mut EpisodicMemory)| {
            let mut memory = good.clone();
            change(&mut memory);
            read(&bytes(&memory)).unwrap_err().to_string()
        };
        assert!(changed(|m| m.config.temperature = -1.0).contains("temperature"));
        assert!(changed(|m| m.config.capacity = 3).contains("4 memories in a capacity of 3"));
        assert!(changed(|m| m.contents.ids.truncate(3)).contains("3 ids"));
        assert!(changed(|m| m.contents.keys.truncate(3)).contains("3 key components"));
        assert!(changed(|m| m.contents.seen.truncate(1)).contains("statistics of 1 classes"));
        assert!(changed(|m| m.contents.labels[0] = 2).contains("label 2"));
        assert!(changed(|m| m.contents.keys[0] = f32::NAN).contains("NaN"));
        assert!(changed(|m| m.contents.held[0] += 1).contains("statistics do not match"));
        assert!(changed(|m| m.contents.seen[0] = 0).contains("statistics do not match"));
        for seen in [u64::MAX, u64::MAX - 1, u64::MAX - 100, u64::MAX / 2] {
            let mut memory = good.clone();
            memory.contents.seen[0] = seen;
            assert!(read(&bytes(&memory)).unwrap_err().to_string().contains("statistics do not match"));
        }
        assert!(changed(|m| m.contents.ids[0] = m.contents.ids[1]).contains("stands twice"));
    }
}
