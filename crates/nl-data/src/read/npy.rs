//! NumPy's arrays, one a file.
//!
//! Source: numpy.lib.format, versions 1.0 to 3.0: magic, version, length of the header, a Python dictionary (`descr`,
//! `fortran_order`, `shape`), the numbers. Python objects, records, text and complex numbers are refused; nothing is
//! unpickled.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use py_literal::Value;

use super::arrays::features;
use super::by_name::assemble;
use super::{Found, Options, ReadError, within};
use crate::element::{self, Array, Element, Numbers, Want};
use crate::{Limits, Values};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes of a header: NumPy's own limit.
const LONGEST_HEADER: u64 = 10_000;
/// Opening brackets of a header: a dictionary and a tuple. More would be records, and a parser may be made to recurse.
const MOST_BRACKETS: usize = 4;
/// Most dimensions of an array.
const MOST_DIMENSIONS: usize = 8;
const REMEDY: &str = "save it with numpy.save or numpy.savez from an array of bool, int8 to uint64, float32 or float64";

/// What a header says.
struct Header {
    dims: Vec<usize>,
    element: Element,
    big_endian: bool,
    fortran_order: bool,
    /// How many numbers, and how many bytes these are.
    count: u64,
    bytes: u64,
}

/// Reads an array to its end; `file` names it in errors.
pub(super) fn array(mut reader: impl Read, file: &Path, want: Want, limits: &Limits) -> Result<Array, ReadError> {
    let header = header(&mut reader, file, limits)?;
    let (numbers, found, outcome) = element::read(&mut reader, header.element, header.big_endian, header.count, want);
    outcome.map_err(|source| damaged(file, source))?;
    if found < header.bytes {
        let what = format!("short file: {found} of {} bytes of numbers", header.bytes);
        return Err(ReadError::format(file, what, "get or save the file again"));
    }
    // One byte more: the end of a member of an archive is where its checksum is compared.
    if io::copy(&mut reader.take(1), &mut io::sink()).map_err(|source| damaged(file, source))? > 0 {
        let what = format!("bytes follow the {} that the header declares", header.bytes);
        return Err(ReadError::format(file, what, "the header or the file is wrong"));
    }
    let Header { dims, element, .. } = header;
    let numbers = match (numbers, header.fortran_order) {
        (numbers, false) => numbers,
        (Numbers::Targets(numbers), true) => Numbers::Targets(row_major(&dims, &numbers)),
        (Numbers::Features(Values::U8(numbers)), true) => Numbers::Features(Values::U8(row_major(&dims, &numbers))),
        (Numbers::Features(Values::F32(numbers)), true) => Numbers::Features(Values::F32(row_major(&dims, &numbers))),
    };
    Ok(Array { dims, element, numbers })
}

/// What a decoder of a damaged archive says is about its content; anything else is about the system.
fn damaged(file: &Path, source: io::Error) -> ReadError {
    match source.kind() {
        io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::Other => ReadError::format(file, format!("damaged ({source})"), "get or save the file again"),
        _ => ReadError::Io { file: file.to_path_buf(), source },
    }
}

fn header(reader: &mut impl Read, file: &Path, limits: &Limits) -> Result<Header, ReadError> {
    let bad = |what: String| ReadError::format(file, what, REMEDY);
    let mut next = |count: u64| -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        reader.by_ref().take(count).read_to_end(&mut bytes).map_err(|source| damaged(file, source))?;
        match bytes.len() as u64 == count {
            true => Ok(bytes),
            false => Err(ReadError::format(file, "it ends within its header", "get or save the file again")),
        }
    };
    let start = next(8)?;
    if !start.starts_with(MAGIC) {
        return Err(bad(format!("not an NPY array: it begins with {:02x?}", &start[..4])));
    }
    let length = match start[6] {
        1 => next(2)?.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)),
        2 | 3 => next(4)?.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)),
        version => return Err(bad(format!("version {version} of the NPY format is not known"))),
    };
    if length > LONGEST_HEADER {
        return Err(bad(format!("a header of {length} bytes, at most {LONGEST_HEADER} are read")));
    }
    let text = String::from_utf8(next(length)?).map_err(|_| bad("its header is not text".to_owned()))?;
    if text.bytes().filter(|byte| b"([{".contains(byte)).count() > MOST_BRACKETS {
        return Err(bad("its numbers are records of several fields".to_owned()));
    }
    let Ok(Value::Dict(entries)) = text.trim_end().parse::<Value>() else {
        return Err(bad("its header is no Python dictionary".to_owned()));
    };
    let get = |key: &str| {
        let entry = entries.iter().find(|(name, _)| *name == Value::String(key.to_owned()));
        entry.map(|(_, value)| value).ok_or_else(|| bad(format!("its header does not say {key:?}")))
    };
    let (element, big_endian) = match get("descr")? {
        Value::String(descr) => of_descr(descr).ok_or_else(|| bad(format!("its numbers are {}", type_name(descr))))?,
        _ => return Err(bad("its numbers are records of several fields".to_owned())),
    };
    let &Value::Boolean(fortran_order) = get("fortran_order")? else {
        return Err(bad("its header does not say True or False to \"fortran_order\"".to_owned()));
    };
    let (Value::Tuple(sizes) | Value::List(sizes)) = get("shape")? else {
        return Err(bad("its header has no tuple as \"shape\"".to_owned()));
    };
    if sizes.len() > MOST_DIMENSIONS {
        return Err(bad(format!("{} dimensions, at most {MOST_DIMENSIONS} can be used", sizes.len())));
    }
    let size = |value: &Value| match value {
        Value::Integer(number) => usize::try_from(number).ok(),
        _ => None,
    };
    let Some(dims) = sizes.iter().map(size).collect::<Option<Vec<usize>>>() else {
        return Err(bad("its header has a shape that is not of whole numbers from 0 on".to_owned()));
    };
    let product = dims.iter().try_fold(1_u64, |n, &size| n.checked_mul(size as u64));
    let Some((count, bytes)) = product.and_then(|count| Some((count, count.checked_mul(element.size())?))) else {
        return Err(bad(format!("its shape {dims:?} overflows")));
    };
    within(file, bytes, limits)?;
    Ok(Header { dims, element, big_endian, fortran_order, count, bytes })
}

/// Type and byte order in NumPy's notation: `<f4`, `>i2`, `|u1`.
fn of_descr(descr: &str) -> Option<(Element, bool)> {
    let (order, kind) = descr.split_at_checked(1)?;
    let element = match kind {
        "b1" => Element::Bool,
        "u1" => Element::U8,
        "i1" => Element::I8,
        "u2" => Element::U16,
        "i2" => Element::I16,
        "u4" => Element::U32,
        "i4" => Element::I32,
        "u8" => Element::U64,
        "i8" => Element::I64,
        "f4" => Element::F32,
        "f8" => Element::F64,
        _ => return None,
    };
    match order {
        "<" => Some((element, false)),
        ">" => Some((element, true)),
        "|" if element.size() == 1 => Some((element, false)),
        _ => None,
    }
}

/// What a type that is not read is called.
fn type_name(descr: &str) -> String {
    let kind = descr.trim_start_matches(['<', '>', '|', '=']);
    let what = match kind.bytes().next() {
        _ if of_descr(&format!("<{kind}")).is_some() => "in a byte order that is not known",
        Some(b'O') => "Python objects, which are pickled and never read",
        Some(b'U' | b'S' | b'a') => "text",
        Some(b'c') => "complex",
        Some(b'f') => "floats of another size",
        Some(b'M' | b'm') => "dates or times",
        _ => "of a type that is not known",
    };
    let shown: String = descr.chars().take(16).collect();
    format!("{what} ({shown:?})")
}

/// Numbers of which the first dimension runs fastest, in order of the last one; the numbers fill `dims`.
fn row_major<T: Copy>(dims: &[usize], numbers: &[T]) -> Vec<T> {
    let mut out = Vec::with_capacity(numbers.len());
    let mut index = vec![0; dims.len()];
    for _ in 0..numbers.len() {
        let at = index.iter().zip(dims).rev().fold(0, |at, (&i, &size)| at * size + i);
        out.push(numbers[at]);
        for (i, &size) in index.iter_mut().zip(dims).rev() {
            *i += 1;
            if *i < size {
                break;
            }
            *i = 0;
        }
    }
    out
}

/// One array of features: how many samples, the shape of one, their values.
pub(super) fn npy_file(path: &Path, limits: &Limits) -> Result<(usize, Vec<usize>, Values), ReadError> {
    let file = File::open(path).map_err(ReadError::io(path))?;
    features(array(io::BufReader::new(file), path, Want::Features, limits)?, path)
}

/// The names of the .npy files of `dir`, without their ending, in order.
fn names(dir: &Path) -> Result<Vec<String>, ReadError> {
    /// More arrays than a data set has.
    const MOST: usize = 1024;
    let mut names = Vec::new();
    for entry in dir.read_dir().map_err(ReadError::io(dir))? {
        let path = entry.map_err(ReadError::io(dir))?.path();
        let (Some(stem), Some("npy")) = (path.file_stem(), path.extension().and_then(|end| end.to_str())) else {
            continue;
        };
        if let Some(stem) = stem.to_str() {
            names.push(stem.to_owned());
        }
        if names.len() > MOST {
            return Err(ReadError::format(
                dir,
                format!("more than {MOST} arrays"),
                "keep those of one set in one folder",
            ));
        }
    }
    names.sort();
    Ok(names)
}

/// Reads the .npy files of `dir`: x_train, y_train, x_test, y_test, or x and y, with the other names of
/// [`npz`](super::npz).
///
/// # Errors
/// [`ReadError`], as of [`npz`](super::npz).
///
/// ```
/// use nl_data::{read, Limits};
///
/// let dir = tempfile::tempdir()?;
/// // Two samples of two bytes, and their classes, as numpy.save writes them.
/// let header = |shape| format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
/// for (name, shape, values) in [("x.npy", "(2, 2)", &[1, 2, 3, 4][..]), ("y.npy", "(2,)", &[0, 1])] {
///     let header = header(shape);
///     let start = [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
///     std::fs::write(dir.path().join(name), [&start[..], values].concat())?;
/// }
/// let found = read::npy_dir(dir.path(), &read::Options::default(), &Limits::default())?;
/// assert_eq!((found.train.len(), found.train.labels()), (2, Some(&[0, 1][..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn npy_dir(dir: &Path, options: &Options, limits: &Limits) -> Result<Found, ReadError> {
    assemble(dir, &names(dir)?, options, limits, |name, want| {
        let path = dir.join(format!("{name}.npy"));
        let file = File::open(&path).map_err(ReadError::io(&path))?;
        array(io::BufReader::new(file), &path, want, limits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::WriterBuilder;
    use proptest::prelude::*;

    fn written<T: npyz::AutoSerialize + Copy>(dims: &[u64], values: &[T], order: npyz::Order) -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(dims).order(order).writer(&mut bytes);
        let mut writer = options.begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Array, String> {
        array(bytes, "a.npy".as_ref(), Want::Targets, &Limits::default()).map_err(|error| error.to_string())
    }

    /// The file with `text` as its header.
    fn with_header(text: &str, numbers: &[u8]) -> Vec<u8> {
        [&b"\x93NUMPY\x01\x00"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes(), numbers].concat()
    }

    fn header_of(descr: &str, order: &str, shape: &str) -> String {
        format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n")
    }

    #[test]
    fn what_is_not_read_is_named() {
        let of = |descr: &str, order: &str, shape: &str| with_header(&header_of(descr, order, shape), &[0; 8]);
        for (bytes, words) in [
            (of("'|O'", "False", "(1,)"), "Python objects"),
            (of("'<U7'", "False", "(1,)"), "text (\"<U7\")"),
            (of("'<c8'", "False", "(1,)"), "complex"),
            (of("'<f2'", "False", "(4,)"), "floats of another size"),
            (of("'<M8[ns]'", "False", "(1,)"), "dates or times"),
            (of("'=f4'", "False", "(2,)"), "a byte order that is not known (\"=f4\")"),
            (of("'|i4'", "False", "(2,)"), "a byte order that is not known (\"|i4\")"),
            (of("'é'", "False", "(2,)"), "not known"),
            (of("''", "False", "(2,)"), "not known"),
            (of("[('a', '<f4'), ('b', '<f4')]", "False", "(1,)"), "records of several fields"),
            (of("[]", "False", "(1,)"), "records of several fields"),
            (of("'<f8'", "0", "(1,)"), "True or False"),
            (of("'<f8'", "False", "1"), "no tuple"),
            (of("'<f8'", "False", "(-1,)"), "whole numbers from 0 on"),
            (of("'<f8'", "False", "(99999999999999999999,)"), "whole numbers from 0 on"),
            (of("'<f8'", "False", "(1.0,)"), "whole numbers from 0 on"),
            (of("'<f8'", "False", "(4294967296, 4294967296, 4294967296)"), "overflows"),
            (of("'<f8'", "False", "(2305843009213693952,)"), "overflows"),
            (of("'<f8'", "False", "(1152921504606846976,)"), "9223372036854775808 bytes, the limit is 1073741824"),
            (of("'<f8'", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "9 dimensions"),
            (of("'<f8'", "False", "(2,)"), "8 of 16 bytes"),
            (of("'<f4'", "False", "(1,)"), "bytes follow the 4"),
            (with_header("{'descr': '<f8'}", &[]), "does not say \"fortran_order\""),
            (with_header("((((((((((", &[]), "records"),
            (with_header("{{{{", &[]), "no Python dictionary"),
            (with_header("[1]", &[]), "no Python dictionary"),
            (with_header("\u{e9}", &[]), "no Python dictionary"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "a header of 4294967295 bytes"),
            (b"\x93NUMPY\x07\x00\xff\xff".to_vec(), "version 7"),
            (b"<html>404</html>".to_vec(), "not an NPY array"),
            (b"\x93NUMPY\x01".to_vec(), "ends within its header"),
            ([&b"\x93NUMPY\x01\x00\x02\x00"[..], &[0xff, 0xff]].concat(), "not text"),
        ] {
            let error = read(&bytes).unwrap_err();
            assert!(error.contains(words) && error.contains("a.npy"), "{words:?} is not in: {error}");
        }
    }

    #[test]
    fn a_short_file_is_refused_wherever_it_ends() {
        let whole = written(&[2, 3], &[1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0], npyz::Order::C);
        for bytes in 0..whole.len() {
            let error = read(&whole[..bytes]).unwrap_err();
            assert!(error.contains("ends within its header") || error.contains("short file"), "{bytes}: {error}");
        }
        let read = read(&whole).unwrap();
        assert_eq!((read.dims, read.element), (vec![2, 3], Element::F64));
    }

    #[test]
    fn versions_and_orders() {
        let text = header_of("'>i2'", "True", "(2, 3)");
        let numbers: Vec<u8> = (0..6_i16).flat_map(i16::to_be_bytes).collect();
        for version in [2, 3] {
            let start = [&b"\x93NUMPY"[..], &[version, 0], &(text.len() as u32).to_le_bytes()].concat();
            let read = read(&[&start[..], text.as_bytes(), &numbers].concat()).unwrap();
            assert_eq!(read.numbers, Numbers::Targets(vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0]));
        }
    }

    proptest! {
        #[test]
        fn round_trip(a in 1usize..5, b in 1usize..5, c in 1usize..5, fortran: bool, seed: u16) {
            let stored: Vec<i32> = (0..a * b * c).map(|i| i as i32 * 31 - i32::from(seed)).collect();
            let order = if fortran { npyz::Order::Fortran } else { npyz::Order::C };
            let read = read(&written(&[a as u64, b as u64, c as u64], &stored, order)).unwrap();
            prop_assert_eq!(read.dims, [a, b, c]);
            let Numbers::Targets(values) = read.numbers else { panic!("features") };
            for (i, j, k) in (0..a).flat_map(|i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k)))) {
                let at = if fortran { i + a * (j + b * k) } else { (i * b + j) * c + k };
                prop_assert_eq!(values[(i * b + j) * c + k], f64::from(stored[at]));
            }
        }

        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&with_header(&String::from_utf8_lossy(&bytes), &[]));
        }

        #[test]
        fn damage_never_panics_nor_takes_memory(at: prop::sample::Index, byte: u8) {
            let mut bytes = written(&[4, 5], &[0.5_f32; 20], npyz::Order::C);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let info = allocation_counter::measure(|| drop(read(&bytes)));
            prop_assert!(info.bytes_max < 1 << 19, "{} bytes", info.bytes_max);
        }
    }
}
