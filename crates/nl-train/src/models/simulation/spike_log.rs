//! Spikes of a simulation, appended to a file as it runs: a checkpoint then costs the same however long the run has been.
//!
//! `spikes.bin` is a chain of blocks, one written before each checkpoint:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | number of spikes n, little endian |
//! | 32 | SHA-256 of the hash of the block before (zeros before the first), the 8 bytes above and the spikes |
//! | 12 n | the spikes: step (u64) and neuron (u32, inhibitory ones after excitatory ones), little endian |
//!
//! A checkpoint holds a [`Mark`]: how many bytes were there, and the last hash. What a killed process wrote after it is cut
//! off; what lies before it must be whole.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use nl_network::SpikeEvent;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{FileError, RunFolderError};

const FILE: &str = "spikes.bin";
const HEADER: u64 = 8 + 32;
const SPIKE: u64 = 12;

/// Where the file stood when a checkpoint was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    bytes: u64,
    chain: [u8; 32],
}

/// The file, open to append.
#[derive(Debug)]
pub(super) struct SpikeLog {
    path: PathBuf,
    file: File,
    mark: Mark,
}

impl SpikeLog {
    /// Opens the file of the run in `folder` and cuts it back to `mark`; the spikes up to there.
    pub(super) fn open(folder: &Path, mark: Mark) -> Result<(Self, Vec<SpikeEvent>), RunFolderError> {
        let path = folder.join(FILE);
        if path.exists() && !path.is_file() {
            let reason = "it is no file but a folder, a pipe or a device; start a new run".to_owned();
            return Err(RunFolderError::Format { path, reason });
        }
        let open = || OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = open().map_err(FileError::at("open", &path))?;
        let found = file.metadata().map_err(FileError::at("read", &path))?.len();
        let damaged = |reason: String| RunFolderError::Format {
            path: path.clone(),
            reason: format!("{reason}; put the whole file back, or start a new run"),
        };
        if found < mark.bytes {
            return Err(damaged(format!("it has {found} bytes, but the checkpoint was written after {}", mark.bytes)));
        }
        let spikes = read(&mut file, mark).map_err(FileError::at("read", &path))?.map_err(damaged)?;
        let cut = file.set_len(mark.bytes).and_then(|()| file.seek(SeekFrom::Start(mark.bytes)));
        cut.map_err(FileError::at("truncate", &path))?;
        Ok((Self { path, file, mark }, spikes))
    }

    /// Appends a block and makes it durable; the mark that a checkpoint written from now on holds.
    pub(super) fn append(
        &mut self,
        spikes: &(impl ExactSizeIterator<Item = SpikeEvent> + Clone),
    ) -> Result<Mark, RunFolderError> {
        let n = spikes.len() as u64;
        let mut chain = start_of_block(self.mark.chain, n);
        spikes.clone().for_each(|spike| chain.update(bytes(spike)));
        let chain: [u8; 32] = chain.finalize().into();
        let mut write = || {
            let mut writer = BufWriter::new(&mut self.file);
            writer.write_all(&n.to_le_bytes())?;
            writer.write_all(&chain)?;
            spikes.clone().try_for_each(|spike| writer.write_all(&bytes(spike)))?;
            writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()
        };
        if let Err(error) = write() {
            // Best effort: the error that matters is the one reported.
            let _ = self.file.set_len(self.mark.bytes).and_then(|()| self.file.seek(SeekFrom::Start(self.mark.bytes)));
            return Err(FileError::at("write", &self.path)(error).into());
        }
        self.mark = Mark { bytes: self.mark.bytes + HEADER + n * SPIKE, chain };
        Ok(self.mark)
    }
}

fn bytes(spike: SpikeEvent) -> [u8; SPIKE as usize] {
    let mut bytes = [0; SPIKE as usize];
    bytes[..8].copy_from_slice(&spike.step.to_le_bytes());
    bytes[8..].copy_from_slice(&spike.neuron.to_le_bytes());
    bytes
}

fn start_of_block(before: [u8; 32], n: u64) -> Sha256 {
    Sha256::new().chain_update(before).chain_update(n.to_le_bytes())
}

/// The spikes of all blocks up to `mark`, or what is wrong with them.
fn read(file: &mut File, mark: Mark) -> io::Result<Result<Vec<SpikeEvent>, String>> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let (mut left, mut chain, mut spikes) = (mark.bytes, [0; 32], Vec::new());
    while left > 0 {
        let torn = || format!("the block {left} bytes before its end is torn");
        if left < HEADER {
            return Ok(Err(torn()));
        }
        let (mut n, mut expected, mut event) = ([0; 8], [0; 32], [0; SPIKE as usize]);
        reader.read_exact(&mut n)?;
        reader.read_exact(&mut expected)?;
        let n = u64::from_le_bytes(n);
        // Asked for only once it is known to be in the file.
        if n > (left - HEADER) / SPIKE {
            return Ok(Err(torn()));
        }
        if spikes.try_reserve(n as usize).is_err() {
            return Ok(Err(format!("no memory for {} bytes of spikes", n * size_of::<SpikeEvent>() as u64)));
        }
        let mut hash = start_of_block(chain, n);
        for _ in 0..n {
            reader.read_exact(&mut event)?;
            hash.update(event);
            let (step, neuron) = event.split_at(8);
            spikes.push(SpikeEvent { step: little_endian(step), neuron: little_endian(neuron) as u32 });
        }
        chain = hash.finalize().into();
        if chain != expected {
            return Ok(Err(format!("the block {left} bytes before its end was changed: its SHA-256 does not match")));
        }
        left -= HEADER + n * SPIKE;
    }
    Ok(if chain == mark.chain {
        Ok(spikes)
    } else {
        Err("it is not the file that the checkpoint was written with".into())
    })
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spikes(range: std::ops::Range<u64>) -> Vec<SpikeEvent> {
        range.map(|k| SpikeEvent { step: k * k, neuron: (7 * k) as u32 }).collect()
    }

    /// Three blocks, the second empty; the marks after each.
    fn written(folder: &Path) -> [Mark; 3] {
        let (mut log, before) = SpikeLog::open(folder, Mark::default()).unwrap();
        assert!(before.is_empty());
        [spikes(0..5), Vec::new(), spikes(5..9)].map(|block| log.append(&block.iter().copied()).unwrap())
    }

    #[test]
    fn what_follows_a_mark_is_cut_off_and_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let marks = written(folder.path());
        let whole = std::fs::read(folder.path().join(FILE)).unwrap();
        // A killed process: a whole block and half of another beyond the mark.
        std::fs::write(folder.path().join(FILE), [&whole[..], &whole[..50]].concat()).unwrap();
        let (mut log, before) = SpikeLog::open(folder.path(), marks[1]).unwrap();
        assert_eq!(before, spikes(0..5));
        assert_eq!(log.append(&spikes(5..9).iter().copied()).unwrap(), marks[2]);
        assert_eq!(std::fs::read(folder.path().join(FILE)).unwrap(), whole);
        assert_eq!(SpikeLog::open(folder.path(), marks[2]).unwrap().1, spikes(0..9));
    }

    #[test]
    fn a_block_costs_its_own_spikes_only() {
        let folder = tempfile::tempdir().unwrap();
        let marks = written(folder.path());
        assert_eq!(marks.map(|mark| mark.bytes), [40 + 60, 40 + 60 + 40, 40 + 60 + 40 + 40 + 48]);
    }

    #[test]
    fn damage_before_the_mark_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let marks = written(folder.path());
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            std::fs::write(&file, bytes).unwrap();
            let error = SpikeLog::open(folder.path(), marks[2]).unwrap_err().to_string();
            assert!(error.contains("start a new run"), "{at}: {error}");
        }
        for length in 0..whole.len() {
            std::fs::write(&file, &whole[..length]).unwrap();
            assert!(SpikeLog::open(folder.path(), marks[2]).is_err(), "{length}");
        }
        std::fs::write(&file, &whole).unwrap();
        let foreign = Mark { chain: [9; 32], ..marks[2] };
        assert!(SpikeLog::open(folder.path(), foreign).unwrap_err().to_string().contains("not the file"));
    }
}
