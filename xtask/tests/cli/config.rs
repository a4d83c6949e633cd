//! Configurations that cannot be used.

use std::fs;

use crate::place::{Place, TINY, sparse};

const LINE: &str = "mnist --config bad.yaml --out run";

#[test]
fn a_file_that_is_no_configuration() {
    let place = Place::with_images();
    place.refuses("mnist --config nowhere.yaml", &["nowhere.yaml", "No such file"]);
    place.refuses("mnist --config images", &["images", "it is no file but a folder"]);
    for (content, complaint) in [
        (&b""[..], ""),
        (b"[[[[", "bad.yaml:1"),
        (b"just a sentence", ""),
        (b"\xff\xfe\x00", "this is UTF-16; save it as UTF-8"),
        (b"name: \xff", "UTF-8"),
        (b"a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nname: *c\n", ""),
    ] {
        place.write("bad.yaml", content);
        place.refuses(LINE, &["bad.yaml", complaint]);
    }
}

#[test]
fn a_file_that_does_not_end() {
    let place = Place::new();
    sparse(&place.path("bad.yaml"), 1 << 40);
    place.refuses(LINE, &["bad.yaml", "1099511627776 bytes are more than the 1048576"]);
    // Says that it is empty, and is not.
    #[cfg(unix)]
    place.refuses("mnist --config /dev/zero --out run", &["/dev/zero", "no file but", "a device"]);
}

#[test]
fn keys_that_are_unknown_missing_or_of_another_type() {
    let place = Place::with_images();
    for (from, to, complaint) in [
        ("validation: 40", "validaton: 40", "validaton"),
        ("batch: 20, shard: 8", "shard: 8", "batch"),
        ("seed: 5", "seed: five", "bad.yaml:2"),
        ("seed: 5", "seed: -5", "bad.yaml:2"),
        ("seed: 5", "seed: 5\nseed: 6", "seed"),
        ("kind: adam", "kind: madam", "madam"),
        ("cerebellum: [6, 4]", "cerebellum: [6]", "cerebellum"),
    ] {
        assert!(TINY.contains(from), "{from}");
        place.write("bad.yaml", TINY.replacen(from, to, 1));
        place.refuses(LINE, &["bad.yaml", complaint]);
    }
}

#[test]
fn values_out_of_range() {
    let place = Place::with_images();
    for (from, to, complaint) in [
        ("name: tiny", "name: ../tiny", "name is \"../tiny\""),
        ("shard: 8", "shard: 0", "batch 20, shard 0: both must be at least 1"),
        ("v1: 4", "v1: 0", "v1 is 0"),
        ("v1: 4", "v1: 100000000", "v1 is 100000000"),
        ("rotate: 10", "rotate: .nan", "bad.yaml:14:33: .nan is not a finite number"),
        ("std: 0.1", "std: -1", "std"),
        ("validation: 40", "validation: 0", "validation is 0"),
        // What only the images can tell.
        ("source: images", "source: nowhere", "nowhere: no such folder"),
    ] {
        assert!(TINY.contains(from), "{from}");
        place.write("bad.yaml", TINY.replacen(from, to, 1));
        place.refuses(LINE, &[complaint]);
    }
    // A folder that was there before stays, as empty as it was.
    fs::create_dir(place.path("run")).unwrap();
    place.refuses(LINE, &["nowhere: no such folder"]);
    nl_data::save_idx_dir(&nl_data::synthetic::digits(5, 5, 3), place.path("few")).unwrap();
    place.write("bad.yaml", TINY.replacen("source: images", "source: few", 1));
    place.refuses(LINE, &["no two are of the same class"]);
    place.refuses("mnist --config bad.yaml --out new/folder/run", &["no two are of the same class"]);
    place.refuses("mnist --config bad.yaml", &["no two are of the same class"]);
}
