//! `cargo xtask stdp`: every key, the same weights for any number of threads and after a kill, and what it refuses.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::place::{Place, json};

pub(crate) const TINY: &str = "\
name: tiny
seed: 5
data: {name: mnist, source: images, validation: 40}
checkpoint: {every: 0 s}
model:
  kind: competitive
  input: {rate: 6500, steps: 150, dt: 1}
  network: {neurons: 60, theta_plus: {from: 3, to: 0.03}, rule: {kind: diehl-cook, x_tar: 0.6, w_max: 0.3, mu: 1}}
stages:
  - {kind: compete, epochs: 40, watch: 20}
  - {kind: label}
";

#[test]
fn every_key_is_there_and_a_kill_changes_nothing() {
    let place = Place::with_images();
    place.write("stdp.yaml", TINY);
    let (whole, stderr) = json(&mut place.command("stdp --config stdp.yaml --out whole --threads 2 --json"));
    assert!(stderr.contains("data: ") && stderr.contains("folder: whole"), "{stderr}");
    assert_eq!((&whole["neurons"], &whole["seed"], &whole["threads"]), (&60.into(), &5.into(), &2.into()));
    assert_eq!((&whole["rule"], &whole["train_samples"]), (&"diehl-cook".into(), &(40 * 260).into()));
    for (group, keys) in [
        ("test_accuracy", &["all_activity", "proportion", "log_likelihood"][..]),
        ("samples_per_second", &["train", "test"]),
        ("seconds", &["total"]),
    ] {
        for key in keys {
            assert!(whole[group][key].as_f64().is_some_and(|x| x > 0.0), "{group}.{key}: {whole}");
        }
    }
    assert_eq!(whole["weights_sha256"].as_str().unwrap().len(), 64);
    assert!(place.path(whole["report"].as_str().unwrap()).is_file());
    assert!(whole["dataset"]["text"].as_str().unwrap().contains("from images"));

    let mut child = place
        .command("stdp --config stdp.yaml --out killed --threads 1 --json")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while place.names("killed/checkpoints").iter().filter(|name| name.starts_with("checkpoint-")).count() < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("killed/summary.json").exists());
    place.refuses("stdp --config stdp.yaml --out killed", &["`killed` is not empty", "--resume"]);
    let (resumed, stderr) = json(&mut place.command("stdp --resume killed --threads 3 --json"));
    assert!(stderr.contains("of them done before"), "{stderr}");
    for key in ["weights_sha256", "test_accuracy", "train_samples", "seed"] {
        assert_eq!(resumed[key], whole[key], "{key}");
    }
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let place = Place::with_images();
    place.refuses("stdp --rule oja --data images --out run", &["rule \"oja\"", "diehl-cook, normalised"]);
    place.refuses("stdp --neurons 2000000 --data images --out run", &["neurons", "1000000"]);
    place.refuses("stdp --data nowhere --out run", &["nowhere: no such folder"]);
    place.refuses("stdp --resume images", &["holds no run to resume"]);
    for (from, to, complaint) in [
        ("epochs: 40", "epoch: 40", "epoch"),
        ("seed: 5", "seed: -5", "bad.yaml:2"),
        ("validation: 40", "validation: 0", "validation is 0"),
        ("neurons: 60", "neurons: 0", "neurons"),
        ("steps: 150", "steps: 0", "steps"),
        ("kind: diehl-cook", "kind: diehl", "diehl"),
        ("name: tiny", "name: ../tiny", "name is \"../tiny\""),
    ] {
        assert!(TINY.contains(from), "{from}");
        place.write("bad.yaml", TINY.replacen(from, to, 1));
        place.refuses("stdp --config bad.yaml --out run", &[complaint]);
    }
}
