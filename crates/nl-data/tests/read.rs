//! Readers of samples, against files that NumPy and Pillow wrote and against hostile ones.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use nl_data::read::{Colour, Options, ReadError, Task, idx_dir, npy_dir, npz, picture_dir};
use nl_data::{Limits, Samples, Targets, Values};
use npyz::WriterBuilder;
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

fn npy<T: npyz::AutoSerialize + Copy>(dims: &[u64], values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(dims).writer(&mut bytes).begin_nd().unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

/// An archive of members, deflated or stored.
fn zip(members: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, content) in members {
        let method = if deflate { rawzip::CompressionMethod::DEFLATE } else { rawzip::CompressionMethod::STORE };
        let (mut entry, config) = archive.new_file(name).compression_method(method).start().unwrap();
        let descriptor = if deflate {
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
            let mut writer = config.wrap(encoder);
            writer.write_all(content).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(content).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

/// `bytes` with `to` wherever `from` stood, of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

fn read_npz(bytes: &[u8], limits: &Limits) -> Result<nl_data::read::Found, String> {
    let dir = tempdir().unwrap();
    let path = dir.path().join("set.npz");
    fs::write(&path, bytes).unwrap();
    npz(&path, &Options::default(), limits).map_err(|error| error.to_string())
}

fn floats(samples: &Samples) -> &[f32] {
    match samples.values() {
        Values::F32(values) => values,
        Values::U8(_) => panic!("bytes"),
    }
}

fn bytes(samples: &Samples) -> &[u8] {
    match samples.values() {
        Values::U8(values) => values,
        Values::F32(_) => panic!("floats"),
    }
}

#[test]
fn arrays_that_numpy_wrote() {
    let expected: Vec<f32> = (0..24).map(|i| i as f32 / 8.0 - 1.0).collect();
    for (name, scale) in
        [("c_f4.npy", 1.0), ("fortran_f8_big.npy", 1.0), ("i2_big.npy", 8.0), ("version_2.npy", 1.0), ("bool.npy", 0.0)]
    {
        let dir = tempdir().unwrap();
        fs::copy(reference(name), dir.path().join("x.npy")).unwrap();
        fs::write(dir.path().join("y.npy"), npy(&[4], &[0_i64, 1, 2, 1])).unwrap();
        let found = npy_dir(dir.path(), &Options::default(), &Limits::default()).unwrap();
        assert_eq!((found.train.shape(), found.train.labels().unwrap()), (&[2, 3][..], &[0, 1, 2, 1][..]));
        let expected: Vec<f32> = match name {
            "bool.npy" => expected.iter().map(|&x| f32::from(u8::from(x > 0.0))).collect(),
            _ => expected.iter().map(|x| x * scale).collect(),
        };
        assert_eq!(floats(&found.train), expected, "{name}");
    }
    for (name, words) in [("objects.npy", "Python objects"), ("text.npy", "text")] {
        let dir = tempdir().unwrap();
        fs::copy(reference(name), dir.path().join("x.npy")).unwrap();
        fs::write(dir.path().join("y.npy"), npy(&[2], &[0_i64, 1])).unwrap();
        let error = npy_dir(dir.path(), &Options::default(), &Limits::default()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("x.npy"), "{error}");
    }
}

#[test]
fn archives_that_numpy_wrote() {
    let read = |name: &str| npz(&reference(name), &Options::default(), &Limits::default()).unwrap();
    let found = read("coloured.npz");
    let test = found.test.unwrap();
    assert_eq!(
        (found.train.shape(), test.shape(), &found.unused[..]),
        (&[3, 2, 4][..], &[3, 2, 4][..], &["note".into()][..])
    );
    assert_eq!((found.train.labels().unwrap(), test.labels().unwrap()), (&[0, 1, 1][..], &[1][..]));
    for (i, &pixel) in bytes(&found.train).iter().enumerate() {
        let (n, c, h, w) = (i / 24, i / 8 % 3, i / 4 % 2, i % 4);
        assert_eq!(usize::from(pixel), 100 * n + 10 * (h + w) + c, "sample {n}, channel {c}, row {h}, column {w}");
    }
    let rows = read("rows.npz");
    assert_eq!(floats(&rows.train), (0..24).map(|i| i as f32 / 8.0 - 1.0).collect::<Vec<f32>>());
    let values = vec![0.5, -1.0, 2.0, 0.25];
    assert_eq!((rows.test, rows.train.targets()), (None, &Targets::Values { width: 1, values, names: Vec::new() }));
    assert_eq!(read("one_hot.npz").train.labels().unwrap(), [2, 0, 1, 2]);
}

#[test]
fn archives_that_are_none_are_refused() {
    let (x, y) = (npy(&[2, 2], &[1_u8, 2, 3, 4]), npy(&[2], &[0_i64, 1]));
    for deflate in [false, true] {
        let whole =
            zip(&[("x.npy", &x), ("y.npy", &y), ("aa/aa/etc/passwd.npy", &y), ("notes.txt", b"hello")], deflate);
        // The writer would not write such a name.
        let whole = replaced(&whole, b"aa/aa/", b"../../");
        let found = read_npz(&whole, &Limits::default()).unwrap();
        assert_eq!((bytes(&found.train), &found.unused[..]), (&[1, 2, 3, 4][..], &["../../etc/passwd".to_owned()][..]));
        for end in 0..whole.len() {
            let error = read_npz(&whole[..end], &Limits::default()).unwrap_err();
            assert!(error.contains("set.npz") && error.contains("ZIP"), "{end}: {error}");
        }
    }
    // What is stored is held against its checksum; [1, 2, 3, 4] stands nowhere else.
    let damaged = replaced(&zip(&[("x.npy", &x), ("y.npy", &y)], false), &[1, 2, 3, 4], &[1, 2, 7, 4]);
    let error = read_npz(&damaged, &Limits::default()).unwrap_err();
    assert!(error.contains("x.npy: damaged"), "{error}");
    for (members, words) in [
        (&[("x.npy", &x[..])][..], "there is \"x\", but not what belongs to it"),
        (&[("x.npy", &x[..]), ("x.npy", &x), ("y.npy", &y)], "two arrays are called \"x\""),
        (&[("x.npy", &x[..]), ("y.npy", &npy(&[3], &[0_i64, 1, 2]))], "x.npy: 2 samples, but targets for 3"),
        (
            &[("x.npy", &npy(&[2], &[1.0_f32, f32::NAN])), ("y.npy", &y[..])],
            "x.npy: samples: value 0 of sample 1 is NaN",
        ),
        (&[("x.npy", &npy(&[2], &[1.0_f64, 1e300])), ("y.npy", &y[..])], "value 0 of sample 1 is inf"),
        (&[("x.npy", b"PK"), ("y.npy", &y[..])], "x.npy: it ends within its header"),
        (&[], "no array"),
    ] {
        let error = read_npz(&zip(members, true), &Limits::default()).unwrap_err();
        assert!(error.contains(words), "{words:?} is not in: {error}");
    }
}

#[test]
fn a_bomb_ends_where_its_header_says() {
    let y = npy(&[2], &[0_i64, 1]);
    let bomb = [npy(&[2, 2], &[1_u8, 2, 3, 4]), vec![0; 20_000_000]].concat();
    let archive = zip(&[("x.npy", &bomb), ("y.npy", &y)], true);
    assert!(archive.len() < 400_000);
    let honest = zip(&[("x.npy", &npy(&[2, 10_000_000], &vec![0_u8; 20_000_000])), ("y.npy", &y)], true);
    for (archive, limits, words) in [
        (&archive, Limits::default(), "bytes follow the 4"),
        (&honest, Limits { max_bytes: 1 << 20, ..Limits::default() }, "20000000 bytes, the limit is 1048576"),
    ] {
        let mut outcome = Ok(());
        let info = allocation_counter::measure(|| outcome = read_npz(archive, &limits).map(drop));
        let error = outcome.unwrap_err();
        assert!(error.contains(words), "{error}");
        assert!(info.bytes_max < 1 << 20, "{} bytes", info.bytes_max);
    }
}

proptest! {
    #[test]
    fn a_damaged_archive_never_panics_nor_takes_memory(at: prop::sample::Index, byte: u8, name in 0..3) {
        let mut archive = fs::read(reference(["coloured.npz", "rows.npz", "one_hot.npz"][name as usize])).unwrap();
        let at = at.index(archive.len());
        archive[at] = byte;
        let info = allocation_counter::measure(|| drop(read_npz(&archive, &Limits::default())));
        prop_assert!(info.bytes_max < 1 << 20, "{} bytes", info.bytes_max);
    }

    #[test]
    fn arrays_come_back(n in 1usize..5, shape in proptest::collection::vec(1usize..5, 1..4), deflate: bool, seed: u16) {
        let width: usize = shape.iter().product();
        let values: Vec<f32> = (0..n * width).map(|i| (i as f32 * 7.0 - f32::from(seed)) / 3.0).collect();
        let dims: Vec<u64> = std::iter::once(n).chain(shape.clone()).map(|size| size as u64).collect();
        let targets: Vec<f64> = (0..n).map(|i| i as f64 / 3.0).collect();
        let members = [("x_train.npy", &npy(&dims, &values)[..]), ("y_train.npy", &npy(&[n as u64], &targets))];
        let found = read_npz(&zip(&members, deflate), &Limits::default()).unwrap();
        // Channels that are last come first; what is left is as it was.
        let turned = shape.len() == 3 && shape[2] == 3 && ![1, 3].contains(&shape[0]);
        if !turned {
            prop_assert_eq!(floats(&found.train), &values[..]);
        }
        prop_assert_eq!(found.train.width(), width);
        prop_assert_eq!(found.train.len(), n);
    }
}

/// An IDX file of any type, uncompressed.
fn idx(code: u8, dims: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, dims.len() as u8];
    dims.iter().for_each(|dim| bytes.extend(dim.to_be_bytes()));
    [bytes, values.to_vec()].concat()
}

/// A folder of four files, the same images for training and test.
fn idx_set(images: &(&str, Vec<u8>), labels: &(&str, Vec<u8>)) -> TempDir {
    let dir = tempdir().unwrap();
    for set in ["train", "t10k"] {
        fs::write(dir.path().join(format!("{set}-images-{}", images.0)), &images.1).unwrap();
        fs::write(dir.path().join(format!("{set}-labels-{}", labels.0)), &labels.1).unwrap();
    }
    dir
}

fn two_labels() -> (&'static str, Vec<u8>) {
    ("idx1-ubyte", idx(0x08, &[2], &[0, 1]))
}

fn read_idx(dir: &TempDir) -> Result<nl_data::SampleSplit, String> {
    idx_dir(dir.path(), &Options::default(), &Limits::default()).map_err(|error| error.to_string())
}

#[test]
fn idx_of_every_type() {
    let floats_of = |name: &'static str, code: u8, values: Vec<u8>| {
        let split = read_idx(&idx_set(&(name, idx(code, &[2, 2], &values)), &two_labels())).unwrap();
        assert_eq!(split.train.shape(), [2]);
        floats(&split.train).to_vec()
    };
    let bytes_of =
        |values: [i32; 4], size: usize| values.iter().flat_map(|v| v.to_be_bytes()[4 - size..].to_vec()).collect();
    let whole = [-3, 0, 5, 100];
    let expected = whole.map(|x| x as f32);
    assert_eq!(floats_of("idx2-byte", 0x09, bytes_of(whole, 1)), expected);
    assert_eq!(floats_of("idx2-short", 0x0b, bytes_of(whole, 2)), expected);
    assert_eq!(floats_of("idx2-int", 0x0c, bytes_of(whole, 4)), expected);
    assert_eq!(
        floats_of("idx2-float", 0x0d, [0.1_f32, -2.0, 3.5, 4.0].iter().flat_map(|x| x.to_be_bytes()).collect()),
        [0.1, -2.0, 3.5, 4.0]
    );
    assert_eq!(
        floats_of("idx2-double", 0x0e, [0.1_f64, -2.0, 3.5, 4.0].iter().flat_map(|x| x.to_be_bytes()).collect()),
        [0.1, -2.0, 3.5, 4.0]
    );
}

#[test]
fn idx_in_colour_and_with_values_to_predict() {
    let pixels: Vec<u8> = (0..2 * 2 * 4 * 3).collect();
    let last = read_idx(&idx_set(&("idx4-ubyte", idx(0x08, &[2, 2, 4, 3], &pixels)), &two_labels())).unwrap();
    let first = read_idx(&idx_set(&("idx4-ubyte", idx(0x08, &[2, 3, 2, 4], &pixels)), &two_labels())).unwrap();
    assert_eq!((last.train.shape(), first.train.shape()), (&[3, 2, 4][..], &[3, 2, 4][..]));
    assert_eq!(bytes(&first.train), pixels);
    assert_eq!(bytes(&last.train)[..9], [0, 3, 6, 9, 12, 15, 18, 21, 1]);
    let prices = ("idx1-float", idx(0x0d, &[2], &[1.5_f32, -2.0].map(f32::to_be_bytes).concat()));
    let split = read_idx(&idx_set(&("idx2-ubyte", idx(0x08, &[2, 1], &[7, 9])), &prices)).unwrap();
    assert_eq!(split.train.targets(), &Targets::Values { width: 1, values: vec![1.5, -2.0], names: Vec::new() });
    for (images, words) in [
        (("idx4-ubyte", idx(0x08, &[2, 2, 2, 2], &[0; 16])), "[2, 2, 2, 2] have no three colours"),
        (("idx3-ubyte", idx(0x08, &[2, 1, 1, 1, 1], &[0; 2])), "5 dimensions [2, 1, 1, 1, 1], but 1 to 4"),
        (("idx3-ubyte", idx(0x0a, &[2, 1, 1], &[0; 2])), "a type that the format does not know"),
        (("idx2-float", idx(0x0d, &[2, 1], &[0, 0, 0, 0, 0x7f, 0xc0, 0, 0])), "value 0 of sample 1 is NaN"),
        (("idx2-double", idx(0x0e, &[2, 1], &[0; 15])), "short file: 27 of 28 bytes"),
        (("idx2-short", idx(0x0b, &[2, 1], &[0; 5])), "1 trailing bytes after the 16"),
        (("idx2-short", idx(0x0b, &[1 << 31, 1 << 31], &[])), "the limit is"),
        (("idx4-double", idx(0x0e, &[u32::MAX, u32::MAX, 1, 1], &[])), "overflow"),
        (("idx2-short", idx(0x0b, &[3, 1], &[0; 6])), "3 samples, but targets for 2"),
    ] {
        let error = read_idx(&idx_set(&images, &two_labels())).unwrap_err();
        assert!(error.contains(words) && error.contains("-images-"), "{words:?} is not in: {error}");
    }
    let twice = idx_set(&("idx2-ubyte", idx(0x08, &[2, 1], &[7, 9])), &two_labels());
    fs::copy(twice.path().join("train-images-idx2-ubyte"), twice.path().join("train-images.idx3-ubyte")).unwrap();
    assert!(read_idx(&twice).unwrap_err().contains("could be meant"));
}

proptest! {
    #[test]
    fn a_damaged_idx_set_never_panics(at: prop::sample::Index, byte: u8, file in 0..4) {
        let pixels: Vec<u8> = (0..2 * 2 * 4 * 3).collect();
        let dir = idx_set(&("idx4-ubyte", idx(0x08, &[2, 2, 4, 3], &pixels)), &two_labels());
        let name = ["train-images-idx4-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx4-ubyte", "t10k-labels-idx1-ubyte"];
        let path = dir.path().join(name[file as usize]);
        let mut damaged = fs::read(&path).unwrap();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        fs::write(&path, damaged).unwrap();
        let info = allocation_counter::measure(|| drop(read_idx(&dir)));
        prop_assert!(info.bytes_max < 1 << 20, "{} bytes", info.bytes_max);
    }
}

/// A folder with files below it.
fn tree(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

fn read_tree(files: &[(&str, &[u8])], colour: Colour) -> Result<nl_data::read::Found, String> {
    let dir = tree(files);
    let options = Options { colour, ..Options::default() };
    picture_dir(dir.path(), &options, &Limits::default()).map_err(|error| error.to_string())
}

fn png(color: png::ColorType, (width, height): (u32, u32), data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

#[test]
fn pictures_that_pillow_wrote() {
    let expected: std::collections::BTreeMap<String, Vec<u8>> =
        serde_json::from_str(&fs::read_to_string(reference("pictures.json")).unwrap()).unwrap();
    for (name, pixels) in expected {
        let file = fs::read(reference(&name)).unwrap();
        let found = read_tree(&[(&format!("a/{name}"), &file)], Colour::Auto).unwrap();
        let coloured = pixels.len() == 3 * 9 * 12;
        assert_eq!(found.train.shape(), if coloured { &[3, 9, 12][..] } else { &[9, 12] }, "{name}");
        let channels = pixels.len() / 108;
        // Decoders of JPEG may round otherwise, and part the blocks of coarse colours in their own way.
        let (close, far) = match &name[..] {
            name if name.ends_with("png") => (0, 0),
            "progressive.jpg" => (4, 40),
            _ => (2, 4),
        };
        let apart: Vec<u8> = bytes(&found.train)
            .iter()
            .enumerate()
            .map(|(i, &value)| value.abs_diff(pixels[i % 108 * channels + i / 108]))
            .collect();
        let mean = apart.iter().map(|&d| f64::from(d)).sum::<f64>() / apart.len() as f64;
        assert!(*apart.iter().max().unwrap() <= far && mean <= f64::from(close), "{name}: mean {mean}, {apart:?}");
    }
    // Half transparent over black.
    let clear = fs::read(reference("clear.png")).unwrap();
    let found = read_tree(&[("a/clear.png", &clear)], Colour::Auto).unwrap();
    assert_eq!([0, 108, 216].map(|at| bytes(&found.train)[at]), [100, 50, 25]);
}

#[test]
fn folders_are_classes() {
    let grey = |value: u8| png(png::ColorType::Grayscale, (2, 1), &[value, 255]);
    let red = png(png::ColorType::Rgb, (2, 1), &[255, 0, 0, 10, 20, 30]);
    let found = read_tree(
        &[
            ("train/dog/2.PNG", &grey(2)),
            ("train/dog/1.png", &grey(1)),
            ("train/cat/7.png", &grey(7)),
            ("train/.DS_Store", b""),
            ("test/dog/1.png", &grey(9)),
            ("test/dog/Thumbs.db", b""),
        ],
        Colour::Auto,
    )
    .unwrap();
    let test = found.test.unwrap();
    assert_eq!((bytes(&found.train), bytes(&test)), (&[7, 255, 1, 255, 2, 255][..], &[9, 255][..]));
    assert_eq!((found.train.labels().unwrap(), test.labels().unwrap()), (&[0, 1, 1][..], &[1][..]));
    assert_eq!(test.targets().names(), ["cat", "dog"]);
    // One folder, to be divided; grey and colour only where it is said which.
    let mixed: [(&str, &[u8]); 2] = [("cat/1.png", &grey(1)), ("dog/1.png", &red)];
    let error = read_tree(&mixed, Colour::Auto).unwrap_err();
    assert!(error.contains("1x2 in grey, but") && error.contains("1x2 in colour"), "{error}");
    assert_eq!(bytes(&read_tree(&mixed, Colour::Grey).unwrap().train), [1, 255, 76, 18]);
    let coloured = read_tree(&mixed, Colour::Rgb).unwrap();
    assert_eq!((coloured.test, bytes(&coloured.train)), (None, &[1, 255, 1, 255, 1, 255, 255, 10, 0, 20, 0, 30][..]));
}

#[test]
fn what_is_no_set_of_pictures_is_refused() {
    let small = png(png::ColorType::Grayscale, (2, 1), &[1, 2]);
    let large = png(png::ColorType::Grayscale, (1, 2), &[1, 2]);
    // 2³⁰ pixels of each side, in 60 bytes.
    let mut huge = small.clone();
    huge[16..24].copy_from_slice(&[0x40, 0, 0, 0, 0x40, 0, 0, 0]);
    let crc = crc(&huge[12..29]);
    huge[29..33].copy_from_slice(&crc.to_be_bytes());
    for (files, words) in [
        (&[("cat/1.png", &small[..]), ("dog/2.png", &large)][..], "1.png is 1x2 in grey, but"),
        (&[("cat/1.png", &small[..]), ("cat/notes.txt", b"hi")], "notes.txt: no PNG or JPEG file"),
        (&[("cat/1.png", &small[..]), ("1.png", &small)], "a file among the folders of classes"),
        (&[("cat/1.png", &small[..]), ("dog/.hidden", b"")], "dog: a class without a picture"),
        (&[("cat/1.png", b"<html>")], "neither PNG nor JPEG"),
        (&[("cat/1.png", &small[..40])], "1.png: "),
        (&[("cat/1.jpg", b"\xff\xd8\xff\xe0")], "1.jpg: "),
        (&[("cat/1.png", &huge[..])], "1.png: "),
        (&[(".git/config", b"")], "no folder with pictures"),
        (&[("train/cat/1.png", &small[..]), ("test/dog/1.png", &small)], "test: the class \"dog\" is not among"),
        (&[("train/cat/1.png", &small[..]), ("test/cat/1.png", &large)], "1.png is 1x2 in grey, but"),
    ] {
        let mut outcome = Ok(());
        let info = allocation_counter::measure(|| outcome = read_tree(files, Colour::Auto).map(drop));
        let error = outcome.unwrap_err();
        assert!(error.contains(words), "{words:?} is not in: {error}");
        assert!(info.bytes_max < 1 << 20, "{} bytes", info.bytes_max);
    }
    let dir = tree(&[("cat/1.png", &small), ("cat/2.png", &small)]);
    let limits = Limits { max_bytes: 3, ..Limits::default() };
    let error = picture_dir(dir.path(), &Options::default(), &limits).unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { limit: 3, .. }), "{error}");
}

/// CRC-32 by its definition: ISO 3309, reflected, polynomial edb88320.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_damaged_picture_never_panics(at: prop::sample::Index, byte: u8, cut: prop::sample::Index, name in 0..5) {
        let name = ["coloured.png", "palette.png", "coloured.jpg", "progressive.jpg", "grey.jpg"][name as usize];
        let mut damaged = fs::read(reference(name)).unwrap();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let cut = cut.index(2 * damaged.len());
        damaged.truncate(cut.max(1));
        let dir = tree(&[("a/1.png", &damaged)]);
        let limits = Limits { max_bytes: 1 << 16, ..Limits::default() };
        let info = allocation_counter::measure(|| drop(picture_dir(dir.path(), &Options::default(), &limits)));
        prop_assert!(info.bytes_max < 4 << 20, "{} bytes", info.bytes_max);
    }
}

#[test]
fn a_task_is_what_one_asks_for() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("set.npz");
    fs::write(&file, zip(&[("x.npy", &npy(&[3], &[1.0_f32, 2.0, 3.0])), ("y.npy", &npy(&[3], &[2_i32, 0, 1]))], false))
        .unwrap();
    let read = |task| npz(&file, &Options { task, ..Options::default() }, &Limits::default()).unwrap().train;
    assert_eq!(read(Task::Auto).labels().unwrap(), [2, 0, 1]);
    assert_eq!(
        read(Task::Values).targets(),
        &Targets::Values { width: 1, values: vec![2.0, 0.0, 1.0], names: Vec::new() }
    );
}
