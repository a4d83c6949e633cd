//! A run as TensorBoard reads it: the files in `tests/reference/tensorboard`, which `tests/reference/read_events.py` hands to the
//! real one, are those that this crate writes. What it printed stands in `tests/reference/read_events.txt`.
//!
//! After a change of what is written: `NL_WRITE_TENSORBOARD=1 cargo test -p nl-train --test tensorboard`, and the script again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nl_train::tensorboard::{At, EventFile, Histogram, HyperParameter, Image};

fn at(step: u64) -> At {
    At { step, time: 1.7e9 + step as f64 }
}

/// Steps `steps` of a run, whose numbers depend on the step and on how often it was begun.
fn train(file: &mut EventFile, steps: std::ops::Range<u64>, attempt: f64) {
    for step in steps {
        let events = file.writer();
        let x = step as f64;
        events.scalars(at(step), [("train/loss", 1.0 / (1.0 + x) + attempt), ("train/accuracy", x / 10.0)]).unwrap();
        if step.is_multiple_of(2) {
            let weights: Vec<f32> = (0..100).map(|i| (i as f32 / 50.0 - 1.0) * (step + 1) as f32).collect();
            events.histogram("weights/v1", at(step), &Histogram::of(&weights, 4).unwrap()).unwrap();
        }
        if step.is_multiple_of(4) {
            let pixels: Vec<u8> = (0..12).map(|i| 20 * i as u8 + step as u8).collect();
            events.image("input", at(step), &Image::grey(4, 3, &pixels).unwrap()).unwrap();
            events.image("colour", at(step), &Image::rgb(2, 2, &pixels).unwrap()).unwrap();
        }
    }
}

/// A run of ten steps that was killed while it wrote step 7, after a checkpoint that says "go on from step 5".
fn write(folder: &Path) {
    let mut first = EventFile::open(folder, at(0)).unwrap();
    let events = first.writer();
    events.text("note", at(0), "a run for **TensorBoard**").unwrap();
    let parameters = [
        ("rate", HyperParameter::Number(1e-3)),
        ("optimizer", HyperParameter::Text("adam".into())),
        ("augment", HyperParameter::Flag(true)),
    ];
    events.hyper_parameters(at(0), parameters).unwrap();
    // A number that the second attempt does not measure again.
    first.writer().scalar("only/first", at(4), 1.0).unwrap();
    first.writer().scalar("only/first", at(6), 2.0).unwrap();
    train(&mut first, 0..8, 0.0);
    first.sync().unwrap();
    let path = first.path().to_owned();
    drop(first);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 10]).unwrap();

    // The clock was set back meanwhile; the name follows all the same.
    let mut second = EventFile::open(folder, At { step: 5, time: 1.6e9 }).unwrap();
    train(&mut second, 5..10, 100.0);
    second.sync().unwrap();
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect()
}

#[test]
fn the_files_that_tensorboard_was_shown_are_those_that_are_written() {
    let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tensorboard");
    if std::env::var_os("NL_WRITE_TENSORBOARD").is_some() {
        let _ = fs::remove_dir_all(&kept);
        write(&kept);
    }
    let place = tempfile::tempdir().unwrap();
    write(place.path());
    let (found, expected) = (files(place.path()), files(&kept));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &found {
        assert!(*bytes == expected[name], "{name} has changed: see the head of this file");
    }
    let all: String = found.keys().cloned().collect();
    assert!(!all.contains("host") && found.len() == 2, "{all}");
}
