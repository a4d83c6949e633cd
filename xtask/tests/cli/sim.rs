//! `cargo xtask sim`: every key, the same spikes for any number of threads and after kills, and what it refuses.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::place::{Place, json};

const KEYS: [&str; 10] = [
    "model",
    "neurons",
    "synapses",
    "bio_seconds",
    "skipped_seconds",
    "wall_seconds",
    "rate_hz",
    "synchrony_bin_ms",
    "spikes",
    "spikes_sha256",
];

#[test]
fn every_network_answers_with_every_key() {
    let place = Place::new();
    for (model, lowest, highest) in
        [("cuba", 1.0, 60.0), ("coba", 1.0, 90.0), ("cobahh", 0.5, 200.0), ("brunel", 1.0, 200.0)]
    {
        let line = format!("sim {model} --seconds 0.2 --neurons 1000 --threads 1 --out {model} --json");
        let (summary, stderr) = json(&mut place.command(&line));
        for key in KEYS {
            assert!(!summary[key].is_null(), "{model}: no {key} in {summary}");
        }
        assert_eq!((&summary["model"], &summary["neurons"]), (&model.into(), &1000.into()));
        let rate = summary["rate_hz"].as_f64().unwrap();
        assert!((lowest..highest).contains(&rate), "{model}: {rate} Hz");
        for key in ["build", "simulate"] {
            assert!(summary["wall_seconds"][key].as_f64().unwrap() > 0.0);
        }
        assert!(stderr.contains(&format!("folder: {model}")), "{stderr}");
        let page = std::fs::read_to_string(place.path(summary["report"].as_str().unwrap())).unwrap();
        assert!(page.contains("<svg") && page.contains(summary["spikes_sha256"].as_str().unwrap()));
    }
}

/// A configuration of a network and how long it is simulated.
pub(crate) fn simulation(network: &str, simulate: &str) -> String {
    format!("name: tiny\nmodel: {{kind: simulation, {network}}}\nstages: [{{kind: simulate, {simulate}}}]\n")
}

fn spikes(summary: &Value) -> (&Value, &Value, &Value) {
    (&summary["spikes"], &summary["spikes_sha256"], &summary["cv_isi"])
}

#[test]
fn the_same_spikes_for_any_number_of_threads() {
    let place = Place::new();
    let run = |threads| {
        let line = format!("sim brunel --seconds 0.1 --neurons 6000 --threads {threads} --out t{threads} --json");
        json(&mut place.command(&line)).0
    };
    let (one, two, three) = (run(1), run(2), run(3));
    assert_eq!(spikes(&one), spikes(&two));
    assert_eq!(spikes(&one), spikes(&three));
    let other = json(&mut place.command("sim brunel --seconds 0.1 --neurons 6000 --seed 2 --out other --json")).0;
    assert_ne!(spikes(&one).1, spikes(&other).1);
}

#[test]
fn killed_and_resumed_it_ends_on_the_same_spikes() {
    let place = Place::new();
    place.write(
        "sim.yaml",
        simulation("network: {kind: cuba, neurons: 500}", "seconds: 3")
            .replace("stages", "checkpoint: {every: 0 s}\nstages"),
    );
    let whole = json(&mut place.command("sim --config sim.yaml --out whole --json")).0;
    let mut child =
        place.command("sim --config sim.yaml --out cut").stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    while place.names("cut/checkpoints").iter().filter(|name| name.starts_with("checkpoint-")).count() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its first checkpoint");
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (resumed, stderr) = json(&mut place.command("sim --resume cut --threads 2 --json"));
    assert!(stderr.contains("of them done before"), "{stderr}");
    assert_eq!(spikes(&whole), spikes(&resumed));
}

/// Bins are what the page and the summary say they are.
#[test]
fn a_coarse_time_step_is_said() {
    let place = Place::new();
    place.write("coarse.yaml", simulation("network: {kind: cuba, neurons: 500}, dt: 5", "seconds: 0.4"));
    let summary = json(&mut place.command("sim --config coarse.yaml --out coarse --json")).0;
    assert_eq!((&summary["synchrony_bin_ms"], &summary["skipped_seconds"]), (&5.0.into(), &0.2.into()));
    let page = std::fs::read_to_string(place.path("coarse/report.html")).unwrap();
    assert!(page.contains("spike count in 5 ms") && page.contains("sampled every 5 ms") && !page.contains("3 ms"));
    let table = place.command("sim --config coarse.yaml --out table").output().unwrap();
    assert!(String::from_utf8_lossy(&table.stdout).contains("counts in 5 ms"));
}

/// A network that does not fit is an error with what and how much, wherever in the building the memory ends: never an abort.
#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_an_error() {
    let place = Place::new();
    let (mut built, mut refused) = (0, 0);
    // From what the program itself needs to what 100,000 neurons of 80 inputs do, KiB of address space.
    for limit in (50_000..210_000).step_by(10_000) {
        let line = format!("sim cuba --neurons 100000 --seconds 0.001 --threads 1 --out m{limit}");
        let program = env!("CARGO_BIN_EXE_xtask");
        let output =
            place.shell("sh").args(["-c", &format!("ulimit -v {limit}; exec {program} {line}")]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => built += 1,
            Some(1) if stderr.contains("no memory for") && stderr.contains("bytes") => refused += 1,
            other => panic!("{limit} KiB: {other:?}, {stderr}"),
        }
    }
    assert!(built > 0 && refused > 2, "{built} built, {refused} refused");
}

#[test]
fn nonsense_is_refused_and_nothing_is_left_behind() {
    let place = Place::new();
    for (line, words) in [
        ("sim", &["which network?", "cuba"][..]),
        ("sim cuba --seconds 0", &["seconds is 0"]),
        ("sim cuba --seconds NaN", &["seconds is NaN"]),
        ("sim cuba --seconds inf", &["seconds is inf"]),
        ("sim cuba --seconds 1e-5", &["seconds", "0.01 ms", "use 0 ms or 0.1 ms"]),
        ("sim cuba --neurons 3", &["--neurons: ", "a whole number from 5", "found 3"]),
        ("sim cuba --neurons 99999999999", &["--neurons: ", "99999999999"]),
        ("sim --resume nowhere", &["holds no run to resume"]),
        ("sim --config nowhere.yaml", &["cannot read `nowhere.yaml`"]),
    ] {
        place.refuses(line, words);
    }
    for (network, simulate, words) in [
        ("network: lif", "seconds: 1", &["lif"][..]),
        ("network: {kind: cuba}, dt: -1", "seconds: 1", &["dt is -1"]),
        ("network: {kind: cuba}, speed: 3", "seconds: 1", &["speed"]),
        ("network: {kind: cuba}", "skip: 1", &["skip is 1 s of 1 s"]),
        ("network: {kind: cuba}", "skip: 0.00003", &["skip", "use 0 ms or 0.1 ms"]),
        ("network: {kind: brunel}, dt: 2", "seconds: 1", &["delay", "1.5 ms", "use 0 ms or 2 ms"]),
        ("network: {kind: cuba}, dt: 10", "seconds: 1", &["t_ref", "5 ms", "use 0 ms or 10 ms"]),
    ] {
        place.write("bad.yaml", simulation(network, simulate));
        place.refuses("sim --config bad.yaml", words);
    }
}
