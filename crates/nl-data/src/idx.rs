//! The IDX format of MNIST, plain or gzipped, read as if written by an enemy.
//!
//! A file is a big-endian header (two zero bytes, a type code, a dimension count, each dimension as u32) and then the
//! values, row-major. Nothing is believed before it is seen: memory grows with bytes that arrived, never with a number
//! that a header claims. A gzipped file may have several members and zero padding after each, as gzip and Python read
//! them. Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", 1998 (file formats).

use std::io::{self, Read, Write};
use std::path::PathBuf;

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};
use thiserror::Error;

use crate::gzip::{self, Members};

/// Type code of unsigned bytes, the only one read here.
const UNSIGNED_BYTE: u8 = 0x08;
/// Bytes after the declared end that are counted for the message before a gzip stream is called a bomb.
const OVERRUN: u64 = 64 * 1024;

/// Why an IDX file, or a folder of them, was refused; each message names the file and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The folder is not there.
    #[error("{}: no such folder; pass a folder with the four IDX files named as MNIST's", dir.display())]
    NoFolder {
        /// What was asked for.
        dir: PathBuf,
    },
    /// The names of the classes cannot be used.
    #[error("{}: {what}; write one name a line, in order of labels, or remove the file", file.display())]
    ClassNames {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// One of the four files is not in the folder.
    #[error("{}: no {expected}, nor a .gz or dotted spelling of it; the four files of MNIST are needed", dir.display())]
    MissingFile {
        /// The folder looked in.
        dir: PathBuf,
        /// The usual name of the file.
        expected: &'static str,
    },
    /// The operating system refused.
    #[error("{}: cannot read: {source}; check the file and its permissions", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file does not begin with two zero bytes.
    #[error(
        "{}: not an IDX file: it begins with 0x{found:04x}, expected 0x0000; \
         a web page or another format may have been saved under this name", file.display()
    )]
    Magic {
        /// The file.
        file: PathBuf,
        /// The first two bytes.
        found: u16,
    },
    /// The values are not unsigned bytes.
    #[error(
        "{}: an IDX file of {} (type code 0x{found:02x}), {}; only unsigned bytes (0x08) are read: {}", file.display(),
        type_name(*found), shape(*rank, dims), type_remedy(*found)
    )]
    TypeCode {
        /// The file.
        file: PathBuf,
        /// The type code found.
        found: u8,
        /// The number of dimensions declared.
        rank: u8,
        /// The dimensions declared, as far as the file goes.
        dims: Vec<u32>,
    },
    /// Images have three dimensions, labels one.
    #[error(
        "{}: an IDX file of unsigned bytes, {}, but {} were expected; {}", file.display(), shape(*found, dims),
        wanted(*expected), rank_remedy(*found, *expected)
    )]
    DimensionCount {
        /// The file.
        file: PathBuf,
        /// The number of dimensions declared.
        found: u8,
        /// The number expected.
        expected: u8,
        /// The dimensions declared, as far as the file goes.
        dims: Vec<u32>,
    },
    /// The product of the dimensions does not fit 64 bits.
    #[error("{}: dimensions {dims:?} overflow; the header is damaged or hostile, get the file again", file.display())]
    Overflow {
        /// The file.
        file: PathBuf,
        /// The dimensions declared.
        dims: Vec<u32>,
    },
    /// More bytes declared than the limit allows.
    #[error(
        "{}: dimensions {dims:?} declare {declared} bytes, the limit is {limit}; \
         raise the limit if the file is to be trusted", file.display()
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The dimensions declared.
        dims: Vec<u32>,
        /// Their product.
        declared: u64,
        /// The limit in force.
        limit: u64,
    },
    /// No item, or items without a value.
    #[error("{}: empty set, dimensions {dims:?}; at least one item of at least one value is needed", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
        /// The dimensions declared.
        dims: Vec<u32>,
    },
    /// The file ends before the declared end.
    #[error("{}: short file: {found} of {expected} bytes; get the file again", file.display())]
    Short {
        /// The file.
        file: PathBuf,
        /// Unpacked bytes expected, header included (or as much of it as is known).
        expected: u64,
        /// Unpacked bytes found.
        found: u64,
    },
    /// The gzip stream is cut off.
    #[error("{}: truncated gzip stream after {found} unpacked bytes; get the file again", file.display())]
    TruncatedGzip {
        /// The file.
        file: PathBuf,
        /// Unpacked bytes found.
        found: u64,
    },
    /// The gzip stream is damaged (header, block structure or checksum).
    #[error("{}: damaged gzip stream after {found} unpacked bytes ({source}); get the file again", file.display())]
    DamagedGzip {
        /// The file.
        file: PathBuf,
        /// Unpacked bytes found.
        found: u64,
        /// What the decoder said.
        source: io::Error,
    },
    /// Something that is no gzip follows the gzip stream.
    #[error(
        "{}: the gzip stream is whole ({found} unpacked bytes), but {source}; \
         cut off what was appended, or get the file again", file.display()
    )]
    TrailingGzip {
        /// The file.
        file: PathBuf,
        /// Unpacked bytes found.
        found: u64,
        /// What follows.
        source: io::Error,
    },
    /// A few bytes follow the declared end.
    #[error(
        "{}: {extra} trailing bytes after the {expected} declared ones; the header or the file is wrong", file.display()
    )]
    Trailing {
        /// The file.
        file: PathBuf,
        /// Unpacked bytes declared, header included.
        expected: u64,
        /// How many more there are, counted up to 64 KiB.
        extra: u64,
    },
    /// The gzip stream goes on unpacking long after the declared end.
    #[error(
        "{}: gzip bomb: the stream unpacks to more than {seen} bytes, {expected} were declared; do not trust this file",
        file.display()
    )]
    GzipBomb {
        /// The file.
        file: PathBuf,
        /// Unpacked bytes declared, header included.
        expected: u64,
        /// Unpacked bytes seen before giving up.
        seen: u64,
    },
    /// A label beyond the classes.
    #[error("{}: label {label} of item {index} is out of range: {why}", file.display())]
    LabelRange {
        /// The file.
        file: PathBuf,
        /// The offending label.
        label: u8,
        /// Its position.
        index: usize,
        /// Which range, and where it comes from.
        why: String,
    },
    /// Images and labels differ in number.
    #[error(
        "{}: {images} images, but {labels} labels in {}; the files are not of one set",
        images_file.display(), labels_file.display()
    )]
    CountsDiffer {
        /// The file of images.
        images_file: PathBuf,
        /// How many it holds.
        images: usize,
        /// The file of labels.
        labels_file: PathBuf,
        /// How many it holds.
        labels: usize,
    },
    /// Training and test images differ in size.
    #[error("{}: images of {}x{}, but the training images are {}x{}", file.display(), found.0, found.1, expected.0, expected.1)]
    SizesDiffer {
        /// The file of test images.
        file: PathBuf,
        /// Their height and width.
        found: (usize, usize),
        /// Height and width of the training images.
        expected: (usize, usize),
    },
}

/// The type of a code, as the format's page has it.
fn type_name(code: u8) -> &'static str {
    match code {
        0x08 => "unsigned bytes",
        0x09 => "signed bytes (i8)",
        0x0b => "16-bit integers (i16)",
        0x0c => "32-bit integers (i32)",
        0x0d => "32-bit floats (f32)",
        0x0e => "64-bit floats (f64)",
        _ => "a type that the format does not know",
    }
}

fn type_remedy(code: u8) -> &'static str {
    match code {
        0x09 | 0x0b | 0x0c => "write each value as one byte from 0 to 255",
        0x0d | 0x0e => "scale the values to 0 to 255 and write each as one byte",
        _ => "the file is damaged, get it again",
    }
}

/// "2 dimensions [60000, 784]".
fn shape(rank: u8, dims: &[u32]) -> String {
    let (s, cut) = (if rank == 1 { "" } else { "s" }, if dims.len() < rank.into() { " and ends there" } else { "" });
    // A hostile header may declare 255 of them.
    match dims.len() {
        0..=8 => format!("{rank} dimension{s} {dims:?}{cut}"),
        _ => format!("{rank} dimensions {:?} …", &dims[..8]),
    }
}

fn wanted(rank: u8) -> &'static str {
    if rank == 1 { "labels, 1 dimension [count]," } else { "images, 3 dimensions [count, height, width]," }
}

fn rank_remedy(found: u8, expected: u8) -> &'static str {
    match (found, expected) {
        (1, 3) | (3, 1) => "are image and label files swapped?",
        (2, 3) => "if its rows are images, write it with height and width as dimensions of their own",
        (4, 3) => "if its images are in colour, write them in grey (one byte a pixel)",
        (2, 1) => "if its rows are one-hot, write the number of the class, one byte an item",
        _ => "it holds something else, or its header is damaged",
    }
}

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

/// Reads a file of images, `[count, height, width]`, plain or gzipped (seen from its first bytes); `file` names it in errors.
///
/// # Errors
/// [`IdxError`], one variant for each way in which the bytes can be wrong.
pub fn read_images(reader: impl Read, file: &std::path::Path, limits: &Limits) -> Result<Idx, IdxError> {
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
pub fn read_labels(reader: impl Read, file: &std::path::Path, limits: &Limits) -> Result<Idx, IdxError> {
    read(reader, file, 1, limits)
}

fn read(mut reader: impl Read, file: &std::path::Path, rank: u8, limits: &Limits) -> Result<Idx, IdxError> {
    let mut start = Vec::with_capacity(2);
    (&mut reader)
        .take(2)
        .read_to_end(&mut start)
        .map_err(|source| IdxError::Io { file: file.to_path_buf(), source })?;
    if start == gzip::MAGIC {
        Decoder { reader: Members::after_magic(reader), file, found: 0, gzipped: true }.read(rank, limits)
    } else {
        Decoder { reader: io::Cursor::new(start).chain(reader), file, found: 0, gzipped: false }.read(rank, limits)
    }
}

struct Decoder<'a, R> {
    reader: R,
    file: &'a std::path::Path,
    /// Unpacked bytes so far.
    found: u64,
    gzipped: bool,
}

impl<R: Read> Decoder<'_, R> {
    fn read(mut self, rank: u8, limits: &Limits) -> Result<Idx, IdxError> {
        let file = self.file;
        let file = || file.to_path_buf();
        let head = self.bytes(4, 4)?;
        let (zeros, code, dimensions) = (BigEndian::read_u16(&head), head[2], head[3]);
        if zeros != 0 {
            return Err(IdxError::Magic { file: file(), found: zeros });
        }
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
        let Some(count) = dims.iter().try_fold(1u64, |n, &d| n.checked_mul(u64::from(d))) else {
            return Err(IdxError::Overflow { file: file(), dims });
        };
        if count == 0 {
            return Err(IdxError::Empty { file: file(), dims });
        }
        if count > limits.max_bytes {
            return Err(IdxError::TooLarge { file: file(), dims, declared: count, limit: limits.max_bytes });
        }
        let mut values = self.bytes(count, header + count)?;
        self.end(header + count)?;
        values.shrink_to_fit();
        Ok(Idx { dims, values })
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
