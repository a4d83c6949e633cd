//! The IDX format of MNIST, plain or gzipped, read as if written by an enemy.
//!
//! A file is a big-endian header (two zero bytes, a type code, a dimension count, each dimension as u32) and then the
//! values, row-major. Nothing is believed before it is seen: memory grows with bytes that arrived, never with a number
//! that a header claims. A gzipped file may have several members and zero padding after each, as gzip and Python read
//! them. Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", 1998 (file formats).

mod error;
pub(crate) mod typed;

use std::io::{self, Read, Write};
use std::path::Path;

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};

pub use error::IdxError;

use crate::gzip::{self, Members};

/// Type code of unsigned bytes, the only one read here.
const UNSIGNED_BYTE: u8 = 0x08;
/// Bytes after the declared end that are counted for the message before a gzip stream is called a bomb.
const OVERRUN: u64 = 64 * 1024;

/// What a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most unpacked bytes of one file; 1 GiB by default.
    pub max_bytes: u64,
    /// Number of classes, when known; otherwise taken from the training labels.
    pub classes: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 1 << 30, classes: None }
    }
}

/// The values of an IDX file of unsigned bytes and their dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// Each dimension, outermost first.
    pub dims: Vec<u32>,
    /// The values, row-major.
    pub values: Vec<u8>,
}

/// Reads a file of images, `[count, height, width]`, plain or gzipped (seen from its first bytes); `file` names it in
/// errors.
///
/// # Errors
/// [`IdxError`], one variant for each way in which the bytes can be wrong.
pub fn read_images(reader: impl Read, file: &Path, limits: &Limits) -> Result<Idx, IdxError> {
    read(reader, file, 3, limits)
}

/// Reads a file of labels, `[count]`, plain or gzipped (seen from its first bytes); `file` names it in errors.
///
/// # Errors
/// [`IdxError`], one variant for each way in which the bytes can be wrong.
///
/// ```
/// use nl_data::{Limits, idx};
///
/// let mut bytes = Vec::new();
/// idx::write(&mut bytes, &[3], &[7, 2, 1])?;
/// let labels = idx::read_labels(&bytes[..], "labels".as_ref(), &Limits::default())?;
/// assert_eq!(labels.values, [7, 2, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_labels(reader: impl Read, file: &Path, limits: &Limits) -> Result<Idx, IdxError> {
    read(reader, file, 1, limits)
}

fn read(reader: impl Read, file: &Path, rank: u8, limits: &Limits) -> Result<Idx, IdxError> {
    opened(reader, file, |mut decoder| decoder.read(rank, limits))
}

/// What `decode` makes of the content, unpacked if it is gzipped.
fn opened<R: Read, T>(
    mut reader: R,
    file: &Path,
    decode: impl FnOnce(Decoder<'_, Box<dyn Read + '_>>) -> Result<T, IdxError>,
) -> Result<T, IdxError> {
    let mut start = Vec::with_capacity(2);
    (&mut reader)
        .take(2)
        .read_to_end(&mut start)
        .map_err(|source| IdxError::Io { file: file.to_path_buf(), source })?;
    let gzipped = start == gzip::MAGIC;
    let reader: Box<dyn Read> = match gzipped {
        true => Box::new(Members::after_magic(reader)),
        false => Box::new(io::Cursor::new(start).chain(reader)),
    };
    decode(Decoder { reader, file, found: 0, gzipped })
}

struct Decoder<'a, R> {
    reader: R,
    file: &'a Path,
    /// Unpacked bytes so far.
    found: u64,
    gzipped: bool,
}

impl<R: Read> Decoder<'_, R> {
    fn read(&mut self, rank: u8, limits: &Limits) -> Result<Idx, IdxError> {
        let file = self.file;
        let file = || file.to_path_buf();
        let (code, dimensions) = self.start()?;
        if code != UNSIGNED_BYTE || dimensions != rank {
            let dims = self.declared(dimensions);
            return Err(match code {
                UNSIGNED_BYTE => IdxError::DimensionCount { file: file(), found: dimensions, expected: rank, dims },
                _ => IdxError::TypeCode { file: file(), found: code, rank: dimensions, dims },
            });
        }
        let header = 4 + 4 * u64::from(rank);
        let raw = self.bytes(header - 4, header)?;
        let mut dims = vec![0; usize::from(rank)];
        BigEndian::read_u32_into(&raw, &mut dims);
        let (count, _) = self.size(&dims, 1, limits)?;
        let mut values = self.bytes(count, header + count)?;
        self.end(header + count)?;
        values.shrink_to_fit();
        Ok(Idx { dims, values })
    }

    /// Type code and number of dimensions, from the first four bytes.
    fn start(&mut self) -> Result<(u8, u8), IdxError> {
        let head = self.bytes(4, 4)?;
        match BigEndian::read_u16(&head) {
            0 => Ok((head[2], head[3])),
            found => Err(IdxError::Magic { file: self.file.to_path_buf(), found }),
        }
    }

    /// How many values of `size` bytes the dimensions declare, and how many bytes these are.
    fn size(&self, dims: &[u32], size: u64, limits: &Limits) -> Result<(u64, u64), IdxError> {
        let (file, dims, limit) = (|| self.file.to_path_buf(), || dims.to_vec(), limits.max_bytes);
        let count = dims().iter().try_fold(1u64, |n, &d| n.checked_mul(u64::from(d)));
        let Some((count, bytes)) = count.and_then(|count| Some((count, count.checked_mul(size)?))) else {
            return Err(IdxError::Overflow { file: file(), dims: dims() });
        };
        match bytes {
            0 => Err(IdxError::Empty { file: file(), dims: dims() }),
            _ if bytes > limit => Err(IdxError::TooLarge { file: file(), dims: dims(), declared: bytes, limit }),
            _ => Ok((count, bytes)),
        }
    }

    /// The dimensions of a file that is refused, as far as it goes: for the message.
    fn declared(&mut self, rank: u8) -> Vec<u32> {
        let mut raw = Vec::new();
        // What cannot be read is not told; the refusal stands without it.
        let _ = (&mut self.reader).take(4 * u64::from(rank)).read_to_end(&mut raw);
        raw.chunks_exact(4).map(BigEndian::read_u32).collect()
    }

    /// The next `count` bytes; the buffer grows with what arrives. `expected` is the whole file so far as it is known.
    fn bytes(&mut self, count: u64, expected: u64) -> Result<Vec<u8>, IdxError> {
        let mut bytes = Vec::with_capacity(count.min(1 << 16) as usize);
        let outcome = (&mut self.reader).take(count).read_to_end(&mut bytes);
        self.found += bytes.len() as u64;
        outcome.map_err(|source| self.failure(source))?;
        if (bytes.len() as u64) < count {
            return Err(IdxError::Short { file: self.file.to_path_buf(), expected, found: self.found });
        }
        Ok(bytes)
    }

    /// Reads on to the end, which checks gzip's checksum, and refuses anything but the end.
    fn end(&mut self, expected: u64) -> Result<(), IdxError> {
        let extra = io::copy(&mut (&mut self.reader).take(OVERRUN), &mut io::sink()).map_err(|e| self.failure(e))?;
        let file = self.file.to_path_buf();
        match extra {
            0 => Ok(()),
            OVERRUN if self.gzipped => Err(IdxError::GzipBomb { file, expected, seen: expected + extra }),
            _ => Err(IdxError::Trailing { file, expected, extra }),
        }
    }

    fn failure(&self, source: io::Error) -> IdxError {
        let (file, found) = (self.file.to_path_buf(), self.found);
        if gzip::is_trailing(&source) {
            return IdxError::TrailingGzip { file, found, source };
        }
        match source.kind() {
            io::ErrorKind::UnexpectedEof if self.gzipped => IdxError::TruncatedGzip { file, found },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.gzipped => {
                IdxError::DamagedGzip { file, found, source }
            }
            _ => IdxError::Io { file, source },
        }
    }
}

/// Writes `values` of dimensions `dims` as an IDX file of unsigned bytes.
///
/// # Errors
/// What the writer says; `InvalidInput` when the dimensions do not hold `values.len()` values.
pub fn write(mut writer: impl Write, dims: &[u32], values: &[u8]) -> io::Result<()> {
    let count = dims.iter().try_fold(1u64, |n, &d| n.checked_mul(u64::from(d)));
    let rank = u8::try_from(dims.len()).ok().filter(|&rank| rank > 0 && count == Some(values.len() as u64));
    let Some(rank) = rank else {
        let message = format!("idx write: dimensions {dims:?} do not hold {} values", values.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    };
    writer.write_all(&[0, 0, UNSIGNED_BYTE, rank])?;
    for &dim in dims {
        writer.write_u32::<BigEndian>(dim)?;
    }
    writer.write_all(values)
}
