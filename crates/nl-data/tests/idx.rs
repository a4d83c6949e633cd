//! Every way in which an IDX file or folder can be wrong has its own error; none of them panics or takes memory.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use nl_data::idx::{Idx, read_images, read_labels, write};
use nl_data::{IdxError, Images, Limits, Split, load_idx_dir, save_idx_dir};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

/// Accepts any size, so that only care can keep memory small.
const ANY: Limits = Limits { max_bytes: u64::MAX, classes: None };

fn idx(dims: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, dims, values).unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn images(bytes: &[u8]) -> Result<Idx, IdxError> {
    read_images(bytes, Path::new("some/file"), &ANY)
}

/// The error of reading images, whose message must name the file.
fn refused(bytes: &[u8]) -> IdxError {
    let error = images(bytes).unwrap_err();
    assert!(error.to_string().starts_with("some/file: "), "{error}");
    error
}

fn header(dims: [u32; 3]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for dim in dims {
        bytes.extend(dim.to_be_bytes());
    }
    bytes
}

#[test]
fn reads_what_it_wrote_plain_and_packed() {
    let values: Vec<u8> = (0..24).collect();
    let bytes = idx(&[4, 2, 3], &values);
    for bytes in [bytes.clone(), gzip(&bytes)] {
        assert_eq!(images(&bytes).unwrap(), Idx { dims: vec![4, 2, 3], values: values.clone() });
    }
    let labels = read_labels(&idx(&[2], &[3, 4])[..], Path::new("l"), &ANY).unwrap();
    assert_eq!(labels.values, [3, 4]);
}

#[test]
fn two_gzip_members_are_one_file() {
    let bytes = idx(&[1, 2, 2], &[1, 2, 3, 4]);
    let packed = [gzip(&bytes[..7]), gzip(&bytes[7..])].concat();
    assert_eq!(images(&packed).unwrap().values, [1, 2, 3, 4]);
}

/// Tapes and some downloaders fill the last block with zeros; gzip and Python pass over them.
#[test]
fn zero_padding_after_a_member_is_no_damage() {
    let bytes = idx(&[1, 2, 2], &[1, 2, 3, 4]);
    for zeros in [1, 8, 511, 100_000] {
        let padding = vec![0; zeros];
        for packed in [
            [gzip(&bytes), padding.clone()].concat(),
            [gzip(&bytes[..7]), padding.clone(), gzip(&bytes[7..]), padding.clone()].concat(),
        ] {
            assert_eq!(images(&packed).unwrap().values, [1, 2, 3, 4]);
        }
    }
}

#[test]
fn what_is_no_gzip_after_the_gzip_stream() {
    let packed = gzip(&idx(&[1, 2, 2], &[1, 2, 3, 4]));
    for (more, words) in
        [(&b"eight by"[..], "0x6569676874206279"), (b"\0\0</html>", "0x3c2f68746d6c3e"), (&[0x1f, 0], "0x1f00")]
    {
        let error = refused(&[&packed, more].concat());
        assert!(matches!(error, IdxError::TrailingGzip { found: 20, .. }), "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("whole"), "{error}");
    }
    // The beginning of a further member, cut off.
    for length in [1, 5, packed.len() - 1] {
        let error = refused(&[&packed, &packed[..length]].concat());
        assert!(matches!(error, IdxError::TruncatedGzip { .. }), "{length}: {error}");
    }
    // A whole one is more content than the header declared.
    assert!(matches!(refused(&[&packed[..], &packed].concat()), IdxError::Trailing { expected: 20, extra: 20, .. }));
}

#[test]
fn writer_refuses_dimensions_that_do_not_fit() {
    for dims in [&[3][..], &[], &[u32::MAX, u32::MAX, u32::MAX]] {
        let error = write(io::sink(), dims, &[1, 2]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn wrong_magic() {
    assert!(matches!(refused(b"<html>404</html>"), IdxError::Magic { found: 0x3c68, .. }));
}

#[test]
fn wrong_type_code() {
    assert!(matches!(refused(&[0, 0, 0x0d, 3, 0, 0]), IdxError::TypeCode { found: 0x0d, .. }));
}

/// Each type and each number of dimensions that other tools write is called by its name, with what to do about it.
#[test]
fn a_file_of_another_kind_is_named() {
    let header = |code: u8, dims: &[u32]| {
        let mut bytes = vec![0, 0, code, dims.len() as u8];
        dims.iter().for_each(|dim| bytes.extend(dim.to_be_bytes()));
        bytes
    };
    for (code, words) in [
        (0x09, ["signed bytes (i8)", "one byte from 0 to 255"]),
        (0x0b, ["16-bit integers (i16)", "one byte from 0 to 255"]),
        (0x0c, ["32-bit integers (i32)", "one byte from 0 to 255"]),
        (0x0d, ["32-bit floats (f32)", "scale the values"]),
        (0x0e, ["64-bit floats (f64)", "scale the values"]),
        (0x0a, ["a type that the format does not know", "damaged"]),
    ] {
        let error = refused(&gzip(&header(code, &[60_000, 28, 28]))).to_string();
        for word in words.into_iter().chain(["3 dimensions [60000, 28, 28]"]) {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
    }
    for (dims, words) in [
        (&[60_000, 28, 28, 3][..], ["4 dimensions [60000, 28, 28, 3]", "in colour"]),
        (&[60_000, 784], ["2 dimensions [60000, 784]", "height and width as dimensions"]),
        (&[60_000], ["1 dimension [60000]", "swapped?"]),
        (&[], ["0 dimensions []", "something else"]),
        (&[1; 200], ["200 dimensions [1, 1, 1, 1, 1, 1, 1, 1] …", "something else"]),
    ] {
        let error = refused(&header(8, dims)).to_string();
        for word in words.into_iter().chain(["unsigned bytes", "images, 3 dimensions [count, height, width]"]) {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
        assert_eq!(error.contains("swapped"), dims.len() == 1, "{error}");
    }
    let error = refused(&header(8, &[5, 6, 7, 8])[..12]).to_string();
    assert!(error.contains("4 dimensions [5, 6] and ends there"), "{error}");
    let labels = read_labels(&header(8, &[500, 10])[..], Path::new("l"), &ANY).unwrap_err().to_string();
    assert!(labels.contains("one-hot") && labels.contains("labels, 1 dimension [count]"), "{labels}");
}

#[test]
fn wrong_dimension_count() {
    assert!(matches!(refused(&idx(&[2], &[0, 1])), IdxError::DimensionCount { found: 1, expected: 3, .. }));
    assert!(matches!(refused(&[0, 0, 8, 255]), IdxError::DimensionCount { found: 255, .. }));
    let swapped = read_labels(&idx(&[1, 1, 1], &[0])[..], Path::new("l"), &ANY);
    assert!(matches!(swapped, Err(IdxError::DimensionCount { found: 3, expected: 1, .. })));
}

#[test]
fn dimensions_that_overflow() {
    assert!(matches!(refused(&header([u32::MAX; 3])), IdxError::Overflow { .. }));
}

#[test]
fn more_than_the_limit() {
    let limits = Limits { max_bytes: 7, classes: None };
    let error = read_images(&idx(&[2, 2, 2], &[0; 8])[..], Path::new("f"), &limits).unwrap_err();
    assert!(matches!(error, IdxError::TooLarge { declared: 8, limit: 7, .. }), "{error}");
}

#[test]
fn a_huge_claim_takes_no_memory() {
    // 2^62 bytes claimed within the limit: reserving them would abort the test.
    let bytes = [header([1 << 31, 1 << 16, 1 << 15]), vec![0; 100]].concat();
    assert!(matches!(refused(&bytes), IdxError::Short { found: 116, .. }));
    assert!(matches!(refused(&gzip(&bytes)), IdxError::Short { found: 116, .. }));
}

#[test]
fn empty_sets() {
    assert!(matches!(refused(&header([0, 28, 28])), IdxError::Empty { .. }));
    assert!(matches!(refused(&header([5, 0, 28])), IdxError::Empty { .. }));
    // A zero hides no overflow: the set is empty either way.
    assert!(matches!(refused(&header([0, u32::MAX, u32::MAX])), IdxError::Empty { .. }));
}

#[test]
fn short_files() {
    let whole = idx(&[2, 2, 2], &[9; 8]);
    for bytes in 0..whole.len() {
        let error = refused(&whole[..bytes]);
        let IdxError::Short { found, expected, .. } = error else { panic!("{bytes} bytes: {error}") };
        assert_eq!(found, bytes as u64);
        assert!(expected > found);
    }
}

#[test]
fn truncated_gzip() {
    let noise: Vec<u8> = (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let packed = gzip(&idx(&[4, 10, 100], &noise));
    for bytes in [3, 9, 20, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
        let error = refused(&packed[..bytes]);
        assert!(matches!(error, IdxError::TruncatedGzip { .. }), "{bytes} of {}: {error}", packed.len());
    }
}

#[test]
fn damaged_gzip() {
    let mut packed = gzip(&idx(&[2, 2, 2], &[9; 8]));
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    assert!(matches!(refused(&packed), IdxError::DamagedGzip { found: 24, .. }));
    packed[2] = 99; // not deflate
    assert!(matches!(refused(&packed), IdxError::DamagedGzip { .. }));
}

#[test]
fn trailing_bytes() {
    let long = [idx(&[1, 2, 2], &[0; 4]), vec![0; 5]].concat();
    for bytes in [long.clone(), gzip(&long)] {
        assert!(matches!(refused(&bytes), IdxError::Trailing { expected: 20, extra: 5, .. }));
    }
}

#[test]
fn gzip_bomb() {
    let bomb = gzip(&[idx(&[1, 2, 2], &[0; 4]), vec![0; 50_000_000]].concat());
    assert!(bomb.len() < 60_000);
    let error = refused(&bomb);
    let IdxError::GzipBomb { expected: 20, seen, .. } = error else { panic!("{error}") };
    assert!(seen < 100_000, "given up after {seen} bytes");
}

#[test]
fn a_reader_that_fails() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let error = read_images(Broken, Path::new("f"), &ANY).unwrap_err();
    assert!(matches!(error, IdxError::Io { .. }) && error.to_string().contains("unplugged"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = images(&bytes);
        let _ = read_labels(&bytes[..], Path::new("l"), &ANY);
    }

    #[test]
    fn any_dimensions_never_panic(dims: [u32; 3], body in proptest::collection::vec(any::<u8>(), 0..100), pack: bool) {
        let bytes = [header(dims), body].concat();
        let read = images(&if pack { gzip(&bytes) } else { bytes });
        prop_assert!(read.is_err(), "a hundred bytes cannot be {dims:?}");
    }

    #[test]
    fn any_damage_to_gzip_is_an_error_or_the_same_content(at: prop::sample::Index, flip in 1u8..) {
        let plain = idx(&[3, 4, 5], &(0..60).collect::<Vec<u8>>());
        let mut packed = gzip(&plain);
        let at = at.index(packed.len());
        packed[at] ^= flip;
        if let Ok(read) = images(&packed) {
            // Only the header's flags, time stamp and system may change unnoticed.
            prop_assert_eq!(read.values, (0..60).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn round_trip(n in 1u32..5, h in 1u32..6, w in 1u32..6, seed: u8) {
        let values: Vec<u8> = (0..n * h * w).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
        let bytes = idx(&[n, h, w], &values);
        prop_assert_eq!(images(&bytes).unwrap(), Idx { dims: vec![n, h, w], values });
    }
}

fn set(count: usize, height: usize, labels: &[u8], classes: usize) -> Images {
    let labels: Vec<u8> = labels.iter().copied().cycle().take(count).collect();
    Images::new((0..count * height * 3).map(|i| i as u8).collect(), labels, height, 3, classes).unwrap()
}

fn saved(train: &[u8], test: &[u8]) -> (TempDir, Split) {
    let classes = usize::from(*train.iter().chain(test).max().unwrap()) + 1;
    let split = Split { train: set(12, 2, train, classes), test: set(6, 2, test, classes) };
    let dir = tempdir().unwrap();
    save_idx_dir(&split, dir.path()).unwrap();
    (dir, split)
}

fn load(dir: &TempDir) -> Result<Split, IdxError> {
    load_idx_dir(dir.path(), &Limits::default())
}

#[test]
fn folder_of_any_size_and_class_count_under_any_spelling() {
    let (dir, split) = saved(&[0, 1, 2, 3], &[0, 3]);
    assert_eq!(load(&dir).unwrap(), split);
    assert_eq!(split.train.classes(), 4);
    let path = |name: &str| dir.path().join(name);
    fs::rename(path("train-images-idx3-ubyte"), path("train-images.idx3-ubyte")).unwrap();
    let labels = fs::read(path("t10k-labels-idx1-ubyte")).unwrap();
    fs::write(path("t10k-labels.idx1-ubyte.gz"), gzip(&labels)).unwrap();
    fs::remove_file(path("t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(load(&dir).unwrap(), split);
}

#[test]
fn classes_may_be_numbered_from_one() {
    let (dir, _) = saved(&[1, 2, 3], &[1]);
    assert_eq!(load(&dir).unwrap().train.classes(), 4);
}

#[test]
fn all_256_labels() {
    let labels: Vec<u8> = (0..=255).collect();
    let split = Split { train: set(256, 1, &labels, 256), test: set(256, 1, &labels, 256) };
    let dir = tempdir().unwrap();
    save_idx_dir(&split, dir.path()).unwrap();
    assert_eq!(load(&dir).unwrap(), split);
}

#[test]
fn no_folder() {
    let dir = tempdir().unwrap();
    let error = load_idx_dir(dir.path().join("absent"), &ANY).unwrap_err();
    assert!(matches!(error, IdxError::NoFolder { .. }), "{error}");
}

#[test]
fn missing_file() {
    let (dir, _) = saved(&[0, 1], &[0]);
    fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte")).unwrap();
    let error = load(&dir).unwrap_err();
    assert!(matches!(error, IdxError::MissingFile { expected: "t10k-labels-idx1-ubyte", .. }), "{error}");
}

#[test]
fn labels_out_of_range() {
    let (dir, _) = saved(&[0, 1, 2, 255], &[0]);
    let error = load(&dir).unwrap_err();
    assert!(matches!(error, IdxError::LabelRange { label: 255, index: 3, .. }), "{error}");
    let (dir, _) = saved(&[0, 1, 2], &[0, 3]);
    let error = load(&dir).unwrap_err();
    assert!(matches!(error, IdxError::LabelRange { label: 3, index: 1, .. }), "{error}");
    assert!(error.to_string().contains("t10k-labels"), "{error}");
    let known = Limits { classes: Some(2), ..Limits::default() };
    let error = load_idx_dir(dir.path(), &known).unwrap_err();
    assert!(matches!(error, IdxError::LabelRange { label: 2, index: 2, .. }), "{error}");
}

#[test]
fn counts_that_differ() {
    let (dir, _) = saved(&[0, 1], &[0]);
    fs::write(dir.path().join("train-labels-idx1-ubyte"), idx(&[3], &[0, 1, 0])).unwrap();
    let error = load(&dir).unwrap_err();
    assert!(matches!(error, IdxError::CountsDiffer { images: 12, labels: 3, .. }), "{error}");
}

#[test]
fn sizes_that_differ() {
    let (dir, _) = saved(&[0, 1], &[0]);
    fs::write(dir.path().join("t10k-images-idx3-ubyte"), idx(&[6, 3, 2], &[0; 36])).unwrap();
    let error = load(&dir).unwrap_err();
    assert!(matches!(error, IdxError::SizesDiffer { found: (3, 2), expected: (2, 3), .. }), "{error}");
}

#[test]
fn a_folder_in_place_of_a_file() {
    let (dir, _) = saved(&[0, 1], &[0]);
    let path = dir.path().join("train-images-idx3-ubyte");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = load(&dir).unwrap_err();
    assert!(matches!(error, IdxError::MissingFile { .. }), "{error}");
}
