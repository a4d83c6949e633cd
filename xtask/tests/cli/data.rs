//! Images that cannot be used.

use std::fs;

use crate::place::{Place, TEST_IMAGES, TRAIN_IMAGES, TRAIN_LABELS, gzip};

const LINE: &str = "mnist --data images --out run";

/// In an IDX file, the values begin after magic, type, rank and each dimension.
const LABELS_HEADER: usize = 8;

#[test]
fn a_folder_that_is_not_there() {
    let place = Place::new();
    place.refuses("mnist --data nowhere --out run", &["nowhere: no such folder", "the four IDX files"]);
    place.refuses("mnist --data nowhere", &["nowhere: no such folder"]);
    place.write("file", "");
    place.refuses("mnist --data file --out run", &["file: no such folder"]);
}

#[test]
fn nl_datasets_that_is_not_there() {
    let place = Place::new();
    let mut command = place.command("mnist --out run");
    place
        .refuses_command(command.env("NL_DATASETS", "nowhere"), &["NL_DATASETS=nowhere", "no such folder", "unset it"]);
}

#[test]
fn a_file_that_is_missing() {
    let place = Place::with_images();
    fs::remove_file(place.path("images").join(TEST_IMAGES)).unwrap();
    place.refuses(LINE, &["images: no t10k-images-idx3-ubyte", "the four files of MNIST are needed"]);
    let mut command = place.command("mnist --out run");
    place.refuses_command(command.env("NL_DATASETS", "images"), &["images: no t10k-images-idx3-ubyte"]);
    // An empty folder that was asked for by name is no reason to take other images.
    fs::create_dir(place.path("empty")).unwrap();
    place.refuses("mnist --data empty --out run", &["empty: no train-images-idx3-ubyte"]);
}

#[test]
fn a_gzip_stream_that_is_cut_off_or_damaged() {
    let place = Place::with_images();
    let plain = place.path("images").join(TRAIN_IMAGES);
    let packed = gzip(&fs::read(&plain).unwrap());
    fs::remove_file(plain).unwrap();
    let name = format!("images/{TRAIN_IMAGES}.gz");
    let again = "get the file again";
    for length in [12, packed.len() / 2, packed.len() - 1] {
        place.write(&name, &packed[..length]);
        place.refuses(LINE, &[&name, "truncated gzip stream", again]);
    }
    let mut damaged = packed.clone();
    let middle = packed.len() / 2;
    damaged[middle] ^= 0xff;
    place.write(&name, &damaged);
    place.refuses(LINE, &[&name, "gzip", again]);
}

#[test]
fn a_file_that_is_something_else() {
    let place = Place::with_images();
    let name = format!("images/{TRAIN_IMAGES}");
    place.write(&name, "<!doctype html><title>404</title>");
    place.refuses(LINE, &[&name, "not an IDX file", "a web page or another format"]);
    place.write(&name, fs::read(place.path("images").join(TRAIN_LABELS)).unwrap());
    place.refuses(LINE, &[&name, "1 dimension [300]", "images, 3 dimensions [count, height, width]", "swapped?"]);
    place.write(&name, "");
    place.refuses(LINE, &[&name, "short file: 0 of", "get the file again"]);
}

#[test]
fn a_header_that_lies() {
    let place = Place::with_images();
    let name = format!("images/{TRAIN_IMAGES}");
    // 300 images, says the header; the file ends within the last one.
    place.change(&name, |bytes| bytes.truncate(bytes.len() - 1));
    place.refuses(LINE, &[&name, "short file", "get the file again"]);
    place.change(&name, |bytes| bytes.extend([0; 4]));
    place.refuses(LINE, &[&name, "3 trailing bytes"]);
    place.change(&name, |bytes| bytes[4..16].fill(0xff));
    place.refuses(LINE, &[&name, "overflow", "get the file again"]);
}

#[test]
fn labels_out_of_range() {
    let place = Place::with_images();
    let name = format!("images/{TRAIN_LABELS}");
    place.change(&name, |bytes| bytes[LABELS_HEADER + 7] = 200);
    place.refuses(LINE, &[&name, "label 200 of item 7 is out of range", "10 never occurs"]);
}

#[test]
fn images_and_labels_that_differ_in_number() {
    let place = Place::with_images();
    place.change(&format!("images/{TRAIN_LABELS}"), |bytes| {
        let last = bytes.len() - 1;
        bytes.truncate(last);
        bytes[LABELS_HEADER - 4..LABELS_HEADER].copy_from_slice(&299_u32.to_be_bytes());
    });
    place.refuses(LINE, &[TRAIN_IMAGES, "300 images, but 299 labels", TRAIN_LABELS, "not of one set"]);
}
