//! `cargo xtask conv-stdp`: every key, the same weights after a kill, and what it refuses.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::place::{Place, json};

/// Learns 300 images in a second.
pub(crate) const TINY: &str = "\
name: tiny
seed: 5
data: {name: mnist, source: images}
model:
  kind: conv-stdp
  layers:
    - {stdp: {maps: 8, kernel: 5, padding: 2, threshold: 12, double_every: 200}, pool: 4, next: 2}
stages:
  - {kind: features, layer: 1, images: 4000, converged: 0.0}
  - kind: read-out
    learn:
      epochs: 4
      batch: 20
      shard: 64
      optimizer: {algorithm: {kind: adam}, schedule: {kind: cosine, rate: 3.0e-3}, l2: 3.0e-3}
    epsilon: 0.1
";

#[test]
fn killed_and_resumed_it_ends_on_the_same_weights() {
    let place = Place::with_images();
    place.write("conv.yaml", TINY);
    let (whole, stderr) = json(&mut place.command("conv-stdp --config conv.yaml --out whole --threads 1 --json"));
    for key in ["maps", "layers", "seed", "train_samples", "weights_sha256", "report"] {
        assert!(!whole[key].is_null(), "no {key} in {whole}");
    }
    assert!(whole["test_accuracy"]["linear"].as_f64().unwrap() > 0.5, "{whole}");
    for (part, keys) in
        [("seconds", &["stdp", "features", "read_out", "total"][..]), ("samples_per_second", &["train", "features"])]
    {
        assert!(keys.iter().all(|key| whole[part][key].as_f64().unwrap() > 0.0), "{whole}");
    }
    assert!(stderr.contains("folder: whole"), "{stderr}");
    let page = std::fs::read_to_string(place.path(whole["report"].as_str().unwrap())).unwrap();
    assert!(page.contains("<svg") && page.contains(whole["weights_sha256"].as_str().unwrap()));

    let line = "conv-stdp --config conv.yaml --out cut";
    let mut child = place.command(line).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    while place.names("cut/checkpoints").iter().filter(|name| name.starts_with("checkpoint-")).count() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its first checkpoint");
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (resumed, stderr) = json(&mut place.command("conv-stdp --resume cut --threads 2 --json"));
    assert!(stderr.contains("goes on with cut") && !stderr.contains("STDP: "), "{stderr}");
    assert_eq!(whole["weights_sha256"], resumed["weights_sha256"]);
    assert_eq!(whole["test_accuracy"], resumed["test_accuracy"]);
}

#[test]
fn nonsense_is_refused_and_nothing_is_left_behind() {
    let place = Place::with_images();
    for (line, words) in [
        ("conv-stdp --layers 3", &["3 layers"][..]),
        ("conv-stdp --data nowhere", &["nowhere"]),
        ("conv-stdp --resume nowhere", &["holds no run to resume"]),
        ("conv-stdp --config nowhere.yaml", &["cannot read `nowhere.yaml`"]),
    ] {
        place.refuses(line, words);
    }
    for (from, to, word) in [
        ("maps: 8", "maps: 0", "maps"),
        ("threshold: 12", "threshold: .nan", "bad.yaml:7:58: .nan is not a finite number"),
        ("kernel: 5", "kernel: 500", "kernel"),
        ("pool: 4", "pull: 4", "pull"),
        ("batch: 20", "batch: 0", "batch 0, shard 64: both must be at least 1"),
        ("images: 4000", "images: 99999999999", "images is 99999999999"),
    ] {
        assert!(TINY.contains(from));
        place.write("bad.yaml", TINY.replacen(from, to, 1));
        place.refuses("conv-stdp --config bad.yaml", &[word]);
    }
}
