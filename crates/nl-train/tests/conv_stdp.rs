//! The convolutional STDP run: it learns, ends on the same bits however often it was stopped and with any number of
//! threads, and says what is wrong with data and configuration.

mod common;

use common::{assert_same, curve, digits, divided, edited, resume, start, stop, stopped_everywhere, whole};
use nl_train::models::{ConvStdpModel, ConvStdpStage};
use nl_train::{ConfigOf, Error, RunConfig};

type Config = ConfigOf<ConvStdpModel>;

const CONFIG: &str = "
name: tiny
seed: 3
data: {name: mnist, source: synthetic, train: 1500, test: 300}
model:
  kind: conv-stdp
  layers:
    - {stdp: {maps: 16, kernel: 5, padding: 2, threshold: 12, keep: 2, double_every: 80}, pool: 4, next: 2}
    - {stdp: {maps: 24, kernel: 3, padding: 1, threshold: 6, winners: 3, radius: 1, double_every: 60}, pool: 4, next: 2}
stages:
  - {kind: features, layer: 1, images: 900, converged: 0.0}
  - {kind: features, layer: 2, images: 400, converged: 0.0}
  - kind: read-out
    learn:
      epochs: 6
      batch: 50
      shard: 64
      optimizer: {algorithm: {kind: adam}, schedule: {kind: cosine, rate: 2.0e-3}, l2: 3.0e-3}
    epsilon: 0.1
  - {kind: reward, layer: {maps_per_class: 2, kernel: 4, padding: 0}, epochs: 2}
";

fn config() -> Config {
    RunConfig::of::<ConvStdpModel>(CONFIG).unwrap()
}

/// A quarter of a minute of it would be too much to stop at each place.
fn short() -> Config {
    let mut config = config();
    (config.data.as_mut().unwrap().train, config.data.as_mut().unwrap().test) = (Some(300), Some(60));
    for stage in &mut config.stages {
        match stage {
            ConvStdpStage::Features(features) => features.images = 200,
            ConvStdpStage::ReadOut(read_out) => read_out.learn.epochs = 2,
            ConvStdpStage::Reward(_) => {}
        }
    }
    config
}

#[test]
fn it_learns_and_the_number_of_threads_changes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let config = config();
    let data = divided::<ConvStdpModel>(&config, digits(1600, 320));
    let one = whole::<ConvStdpModel>(&config, Some(&data), &parent.path().join("1"), 1);
    assert!(one.scores["linear"] > 0.9 && one.scores["reward"] > 0.15, "{:?}", one.scores);
    let details = serde_json::json!({"maps": [16, 24], "layers": 2, "train_samples": 1500, "stdp_samples": [900, 400]});
    for (name, value) in details.as_object().unwrap() {
        assert_eq!(&one.details[name], value, "{name}");
    }
    let page = std::fs::read_to_string(&one.report).unwrap();
    assert!(page.contains("Kernels of the first layer") && page.contains(one.weights_sha256.as_deref().unwrap()));
    for threads in [2, 3] {
        let path = parent.path().join(threads.to_string());
        let more = whole::<ConvStdpModel>(&config, Some(&data), &path, threads);
        assert_same(&one, &more, &format!("{threads} threads"));
        assert_eq!(curve(&path), curve(&parent.path().join("1")));
    }
}

/// In every stage: in both layers, while features are computed, in the read-out, its look, while it is rewarded, in the test.
#[test]
fn the_same_bits_after_an_interruption_anywhere() {
    let parent = tempfile::tempdir().unwrap();
    let (config, path) = (short(), parent.path().join("straight"));
    let data = divided::<ConvStdpModel>(&config, digits(320, 60));
    let straight = whole::<ConvStdpModel>(&config, Some(&data), &path, 2);
    let questions = stopped_everywhere::<ConvStdpModel>(&config, Some(&data), (&straight, &path), 1);
    assert!(questions >= 20, "{questions}");
}

#[test]
fn stages_in_other_orders_run_to_the_end() {
    let parent = tempfile::tempdir().unwrap();
    let config = short();
    let data = divided::<ConvStdpModel>(&config, digits(320, 60));
    let run = |name: &str, stages: &[usize]| {
        let config = common::restaged::<ConvStdpModel>(&config, stages);
        let summary = whole::<ConvStdpModel>(&config, Some(&data), &parent.path().join(name), 2);
        let names: Vec<String> = summary.scores.keys().cloned().collect();
        (names, std::fs::read_to_string(&summary.report).unwrap(), summary)
    };
    let (scores, page, _) = run("features", &[0, 1]);
    assert!(scores.is_empty() && page.contains("Kernels of the first layer") && !page.contains("What it decides"));
    let (scores, page, _) = run("rewarded", &[0, 1, 3]);
    assert!(scores == ["reward"] && page.contains("Learning from right and wrong"));
    let (scores, _, before) = run("rewarded before", &[0, 1, 3, 2]);
    let (_, _, after) = run("rewarded after", &[0, 1, 2, 3]);
    assert_eq!(scores, ["linear", "reward"]);
    assert_eq!(before.scores, after.scores, "neither looks at the other");
    assert_eq!(run("first layer", &[0, 2]).0, ["linear"]);

    let refused = |stages: &[usize]| {
        let config = common::restaged::<ConvStdpModel>(&config, stages);
        start::<ConvStdpModel>(&config, Some(&data), &parent.path().join("no")).map(drop).unwrap_err().to_string()
    };
    assert!(refused(&[1, 2]).contains("stages[0]: layer 2 needs layer 1 to have learned before"));
    assert!(refused(&[0, 2, 2]).contains("stages[2]: there is a stage `read-out` already"));
    assert!(refused(&[0, 3, 3]).contains("stages[2]: there is a stage `reward` already"));
    assert!(!parent.path().join("no").exists());
}

#[test]
fn other_images_and_other_networks_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (config, path) = (short(), parent.path().join("a"));
    let data = divided::<ConvStdpModel>(&config, digits(320, 60));
    stop(start::<ConvStdpModel>(&config, Some(&data), &path).unwrap(), 2);
    let other = divided::<ConvStdpModel>(&config, digits(330, 60));
    let resumed = resume::<ConvStdpModel>(Some(&other), &path);
    assert!(matches!(resumed, Err(Error::OtherData { .. })));
    let error = edited::<ConvStdpModel>(Some(&data), &path, |config| config.model.layers[0].stdp.maps = 17).map(drop);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("model.layers[0].stdp.maps was 16") && error.contains("is 17 now"), "{error}");

    let mut wide = config;
    wide.model.layers[1].stdp.kernel = 40;
    let folder = parent.path().join("b");
    let error = start::<ConvStdpModel>(&wide, Some(&data), &folder).map(drop).unwrap_err();
    assert!(error.to_string().contains("kernel"), "{error}");
    assert!(!folder.exists(), "no trace of a run that could not begin");
}
