//! `train`, `eval`, `predict` and `list`: whatever a configuration describes, and what a trained model says.

use std::fs;

use serde_json::Value;

use crate::place::{Place, TINY, fails, json};
use crate::{conv_stdp, sim, stdp};

/// A competitive network that learns in a moment.
fn short_stdp() -> String {
    stdp::TINY.replace("epochs: 40", "epochs: 1").replace("neurons: 60", "neurons: 20")
}

/// A network of layers that learns in a moment.
const LAYERS: &str = "
name: tiny
data: {name: mnist, source: images, validation: 20, validation_share: 0.5}
model:
  kind: layers
  layers: [{kind: conv2d, channels: 4, kernel: 5, stride: 2}, {kind: activation, function: relu}, {kind: flatten}]
stages:
  - {kind: supervise, learn: {epochs: 2, batch: 20, optimizer: {algorithm: {kind: adam}, schedule: {kind: cosine, rate: 2.0e-3}}}}
";

#[test]
fn a_network_of_layers_is_shown_without_being_trained_and_asked_when_it_is() {
    let place = Place::with_images();
    place.write("layers.yaml", LAYERS);
    let said = place.command("train --config layers.yaml --dry-run").output().unwrap();
    let stdout = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    for words in ["conv2d-1", "[B, 4, 12, 12]", "in all", "stage: Supervised, "] {
        assert!(stdout.contains(words), "no {words} in {stdout}");
    }
    assert!(!place.path("experiments").exists());
    let (plan, _) = json(&mut place.command("train --config layers.yaml --dry-run --json"));
    assert_eq!((&plan["layers"][0]["parameters"], &plan["layers"][0]["macs"]), (&104.into(), &14_400.into()), "{plan}");

    json(&mut place.command("train --config layers.yaml --set log.tensorboard=true --out net --json"));
    assert!(place.path("net/tensorboard/1-supervise").is_dir() && place.path("net/tensorboard/test").is_dir());
    let (summary, _) = json(&mut place.command("eval --run net --robustness --json"));
    assert!(
        summary["robustness"]["accuracy"]["curves"].as_array().is_some_and(|curves| curves.len() == 6),
        "{summary}"
    );
    assert!(summary["scores"]["top_3_accuracy"].is_number(), "{summary}");
    let page = fs::read_to_string(place.path("net/robustness.html")).unwrap();
    assert!(page.contains("cargo xtask eval --robustness --run net"));
}

/// The regions of a brain with their costs; parameters add up to those that are trained.
#[test]
fn a_dry_run_of_a_brain_shows_its_regions() {
    let place = Place::with_images();
    place.write("brain.yaml", TINY);
    let (plan, _) = json(&mut place.command("train --config brain.yaml --dry-run --json"));
    let layers = plan["layers"].as_array().unwrap();
    let names: Vec<&str> = layers.iter().map(|line| line["layer"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[0], names[9]), (10, "cortex/retina", "cerebellum"), "{plan}");
    assert!(layers.iter().all(|line| line["macs"].as_u64().is_some_and(|macs| macs > 0)), "{plan}");
    let said = place.command("train --config brain.yaml --dry-run").output().unwrap();
    let stdout = String::from_utf8_lossy(&said.stdout).into_owned();
    for words in ["hippocampus", "basal_ganglia", "in all", "stage: Self-supervised, "] {
        assert!(stdout.contains(words), "no {words} in {stdout}");
    }
    assert!(!place.path("experiments").exists());
}

#[test]
fn every_kind_of_model_is_trained_by_one_command() {
    let place = Place::with_images();
    place.write("brain.yaml", TINY);
    place.write("stdp.yaml", short_stdp());
    place.write("conv.yaml", conv_stdp::TINY);
    place.write("sim.yaml", sim::simulation("network: {kind: cuba, neurons: 500}", "seconds: 0.2"));
    place.write("layers.yaml", LAYERS);
    let all = [
        ("brain", "brain"),
        ("layers", "layers"),
        ("stdp", "competitive"),
        ("conv", "conv-stdp"),
        ("sim", "simulation"),
    ];
    for (file, model) in all {
        let (summary, stderr) = json(&mut place.command(&format!("train --config {file}.yaml --out {file} --json")));
        for key in ["model", "preset", "dataset", "seed", "threads", "scores", "seconds", "weights_sha256", "report"] {
            assert!(summary.get(key).is_some(), "{model}: no {key} in {summary}");
        }
        assert_eq!((&summary["model"], &summary["preset"]), (&model.into(), &"tiny".into()));
        assert_eq!(summary["weights_sha256"].is_null(), model == "simulation", "{summary}");
        assert_eq!(summary["dataset"].is_null(), model == "simulation", "{summary}");
        assert!(summary["scores"].as_object().is_some_and(|scores| !scores.is_empty()), "{summary}");
        assert!(stderr.contains(&format!("folder: {file}")), "{stderr}");
        let kept: Value = serde_json::from_slice(&fs::read(place.path(file).join("summary.json")).unwrap()).unwrap();
        assert_eq!(kept, summary);
    }
}

/// The short name and the long one are the same run; and a finished run says the same again.
#[test]
fn a_short_name_is_train_with_a_preset() {
    let place = Place::new();
    let sizes = "--set model.network.neurons=20 --set data.synthetic.train=80 --set data.synthetic.test=20 --set data.train=60 \
                 --set data.validation=20 --set stages[1].images=40 --data synthetic --seed 7 --json";
    let (long, _) = json(&mut place.command(&format!("train --preset stdp-quick --out long {sizes}")));
    let (short, _) = json(&mut place.command(&format!("stdp --preset quick --out short {sizes}")));
    assert_eq!((&long["preset"], &long["neurons"], &long["seed"]), (&"stdp-quick".into(), &20.into(), &7.into()));
    assert_eq!(long["train_samples"], 60);
    for key in ["weights_sha256", "test_accuracy", "train_samples", "label_samples"] {
        assert_eq!(long[key], short[key], "{key}");
    }
    let (again, _) = json(&mut place.command("train --resume long --json"));
    assert_eq!((&again["weights_sha256"], &again["scores"]), (&long["weights_sha256"], &long["scores"]));
}

#[test]
fn set_changes_what_the_file_says_and_nonsense_is_refused() {
    let place = Place::new();
    place.write("sim.yaml", sim::simulation("network: {kind: cuba, neurons: 500}", "seconds: 0.2"));
    let line = "train --config sim.yaml --out run";
    for (set, words) in [
        ("seed", &["seed"][..]),
        ("=3", &["--set"]),
        ("seed=[1", &["seed"]),
        ("stages[7].seconds=1", &["stages[7]"]),
        ("model.network.neurons=many", &["neurons"]),
        ("model.network.nuerons=500", &["nuerons"]),
        ("stages[0].seconds=-1", &["seconds"]),
        ("model.kind=brian", &["brian", "brain"]),
    ] {
        place.refuses(&format!("{line} --set {set}"), words);
    }
    let (summary, _) =
        json(&mut place.command(&format!("{line} --set stages[0].seconds=0.1 --set model.network.neurons=400 --json")));
    assert_eq!((&summary["bio_seconds"], &summary["neurons"]), (&0.1.into(), &400.into()));
    // Stopped or over, a simulation can be made longer; another network is another run.
    fails(
        &mut place.command("train --resume run --set model.network.neurons=300"),
        &["model.network.neurons was 400", "is 300 now"],
    );
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let place = Place::with_images();
    place.refuses("train", &["--config FILE or --preset NAME", "list presets"]);
    place.refuses("train --preset mnist-quik", &["mnist-quik", "mnist-quick", "stdp-full", "brunel"]);
    place.refuses("train --preset mnist-quick --config tiny.yaml", &["--preset", "--config", "cannot be used with"]);
    place.refuses("train --resume images", &["holds no run to resume"]);
    place.write("none.yaml", "name: a\nseed: 1\n");
    place.refuses("train --config none.yaml", &["it names no model", "model: {kind: …}", "list models"]);
    place.refuses(
        "stdp --config tiny.yaml",
        &["for models of kind competitive", "one of kind brain", "cargo xtask train"],
    );
    place.write("bad.yaml", TINY.replace("  - {kind: remember}\n", ""));
    place.refuses("train --config bad.yaml --out run", &["`trust` needs a filled hippocampus", "`remember` before it"]);
}

/// 28 x 28 bytes as a grey PNG.
fn png(pixels: &[u8], side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

/// `[n, 28, 28]` bytes as NPY, version 1.
fn npy(pixels: &[u8], n: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({n}, 28, 28), }}");
    header += &" ".repeat((64 - (10 + header.len() + 1) % 64) % 64);
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(pixels);
    bytes
}

#[test]
fn a_trained_model_is_asked_about_images() {
    let place = Place::with_images();
    let (run, _) = json(&mut place.command("train --config tiny.yaml --out run --json"));
    let before = place.listing();
    let (eval, _) = json(&mut place.command("eval --run run --json"));
    for way in ["cortex", "memory", "mixed"] {
        assert_eq!(eval["scores"][way], run["scores"][way], "{way}: {eval}");
    }
    assert_eq!((&eval["weights_sha256"], &eval["model"]), (&run["weights_sha256"], &"brain".into()));
    assert!(place.listing() == before, "nothing is written");
    let (other, _) = json(&mut place.command("eval --run run --data synthetic --json"));
    assert_eq!(other["dataset"]["kind"], "synthetic");

    let images = nl_data::synthetic::digits(300, 60, 3).test;
    place.write("x.png", png(images.image(0), 28));
    let three: Vec<u8> = (0..3).flat_map(|i| images.image(i).to_vec()).collect();
    place.write("y.npy", npy(&three, 3));
    let before = place.listing();
    let output = place.command("predict run x.png y.npy --json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line["image"].as_str().unwrap()).collect();
    assert_eq!(names, ["x.png", "y.npy[0]", "y.npy[1]", "y.npy[2]"]);
    for line in &lines {
        let probabilities: Vec<f64> =
            line["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        let sum: f64 = probabilities.iter().sum();
        assert!(probabilities.len() == 10 && (sum - 1.0).abs() < 1e-5, "{line}");
        let class = line["class"].as_u64().unwrap() as usize;
        assert!(probabilities.iter().all(|&p| p <= probabilities[class]), "{line}");
        assert!(!line["neighbours"].as_array().unwrap().is_empty(), "{line}");
    }
    assert_eq!(lines[0]["probabilities"], lines[1]["probabilities"], "the same image in two forms");
    assert!(place.listing() == before, "nothing is written");
    let said = place.command("predict run x.png").output().unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).starts_with("x.png: "));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let place = Place::with_images();
    json(&mut place.command("train --config tiny.yaml --out run --json"));
    place.write("small.png", png(&[0; 64], 8));
    place.refuses("predict run small.png", &["small.png", "8", "28"]);
    place.write("no.png", "PNG");
    place.refuses("predict run no.png", &["no.png"]);
    place.refuses("predict run nowhere.png", &["nowhere.png"]);
    place.refuses("predict images small.png", &["config.yaml"]);
    place.refuses("eval --run nowhere", &["nowhere"]);
    place.refuses("eval --run run --data nowhere", &["nowhere: no such folder"]);

    place.write("sim.yaml", sim::simulation("network: {kind: cuba, neurons: 500}", "seconds: 0.1"));
    json(&mut place.command("train --config sim.yaml --out sim --json"));
    place.refuses("eval --run sim", &["simulation", "names no classes"]);
    place.refuses("predict sim small.png", &["simulation", "names no classes"]);

    // Stopped before its end: the newest checkpoint is one of an earlier stage.
    let newest = place.names("run/checkpoints").into_iter().rfind(|name| name.starts_with("checkpoint-")).unwrap();
    fs::remove_file(place.path("run/checkpoints").join(newest)).unwrap();
    place.write("x.png", png(&[0; 784], 28));
    for line in ["eval --run run", "predict run x.png"] {
        place.refuses(line, &["is not finished", "--resume"]);
    }
}

#[test]
fn what_there_is_is_listed() {
    let place = Place::new();
    let topics =
        ["models", "stages", "layers", "losses", "neurons", "rules", "encoders", "optimizers", "presets", "datasets"];
    let (all, _) = json(&mut place.command("list --json"));
    for (topic, word) in topics.iter().zip([
        "conv-stdp",
        "reconstruct",
        "conv2d",
        "cross-entropy",
        "Lif",
        "stdp",
        "poisson",
        "adam",
        "mnist-quick",
        "mnist",
    ]) {
        let (one, _) = json(&mut place.command(&format!("list {topic} --json")));
        assert!(one.to_string().to_lowercase().contains(&word.to_lowercase()), "{topic}: {one}");
        assert_eq!(one[topic], all[topic], "{topic}");
        assert!(one[topic].as_array().is_some_and(|items| !items.is_empty()), "{topic}: {one}");
        let words = place.command(&format!("list {topic}")).output().unwrap();
        let text = String::from_utf8_lossy(&words.stdout).to_lowercase();
        assert!(words.status.success() && text.contains(&word.to_lowercase()), "{topic}: {text}");
    }
    place.refuses("list everything", &["'everything'", "models"]);
}

/// In a folder of the workspace, what is kept lies where it lies when the command is given at the root.
#[test]
fn below_the_workspace_its_folders_are_used() {
    let place = Place::new();
    place.write("datasets/registry.toml", "");
    place.write("xtask/src/deep/x", "");
    nl_data::save_idx_dir(&nl_data::synthetic::digits(60, 20, 3), place.path("datasets/cache/mnist")).unwrap();
    place.write(
        "xtask/src/deep/stdp.yaml",
        short_stdp().replace("source: images", "source: auto").replace("40}", "10}"),
    );
    let mut command = place.command("train --config stdp.yaml --json");
    let (summary, stderr) = json(command.current_dir(place.path("xtask/src/deep")));
    assert_eq!(summary["dataset"]["kind"], "cache", "{summary}");
    assert!(stderr.contains("folder: ../../../experiments/tiny-"), "{stderr}");
    let [run] = place.names("experiments").try_into().unwrap();
    assert!(place.path("experiments").join(run).join("report.html").is_file());
    assert!(!place.path("xtask/src/deep/experiments").exists());
}
