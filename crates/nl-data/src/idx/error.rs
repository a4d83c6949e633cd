//! What can be wrong with an IDX file, or with a folder of them.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

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
        "{}: an IDX file of {} (type code 0x{found:02x}), {}; {}", file.display(),
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
    /// More dimensions than samples can have, or none.
    #[error(
        "{}: an IDX file with {}, but 1 to 4 can be used: [count], [count, values], [count, height, width] or \
         [count, 3, height, width]", file.display(), shape(*found, dims)
    )]
    Dimensions {
        /// The file.
        file: PathBuf,
        /// The number of dimensions declared.
        found: u8,
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
        0x09 | 0x0b | 0x0c => "only unsigned bytes (0x08) are read here: write each value as one byte from 0 to 255",
        0x0d | 0x0e => {
            "only unsigned bytes (0x08) are read here: scale the values to 0 to 255 and write each as one byte"
        }
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
