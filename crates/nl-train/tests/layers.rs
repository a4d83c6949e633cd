//! A network of layers: learned from a list in a file, the same bits for any number of threads and after any stop.

mod common;

use common::{assert_same, digits, divided, stopped_everywhere, whole};
use nl_train::models::LayersModel;
use nl_train::{ConfigOf, RunConfig};

/// A branch, noise, normalisation: what may depend on threads if anything does.
const NETWORK: &str = r"
name: layers
data: {name: mnist, source: synthetic, validation: 40}
log: {tensorboard: true}
model:
  kind: layers
  layers:
    - {kind: conv2d, channels: 4, kernel: 3, padding: 1, name: stem}
    - {kind: group-norm, groups: 2}
    - {kind: activation, function: relu}
    - {kind: conv2d, channels: 4, kernel: 3, padding: 1}
    - {kind: add, from: [stem, conv2d-2]}
    - {kind: max-pool2d, kernel: 4}
    - {kind: flatten}
    - {kind: dropout, probability: 0.2}
stages:
  - kind: supervise
    learn: {epochs: 2, batch: 40, shard: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: one-cycle, peak: 1.0e-2}}}
    augment: {shift: 1}
  - kind: supervise
    loss: {kind: focal}
    learn: {epochs: 1, batch: 40, shard: 8, optimizer: {algorithm: {kind: sgd}, schedule: {kind: constant, rate: 1.0e-2}}, average: 0.9}
";

fn config(yaml: &str) -> ConfigOf<LayersModel> {
    RunConfig::of::<LayersModel>(yaml).unwrap()
}

#[test]
fn threads_and_stops_change_nothing() {
    let config = config(NETWORK);
    let data = divided::<LayersModel>(&config, digits(240, 60));
    let place = tempfile::tempdir().unwrap();
    let straight = whole::<LayersModel>(&config, Some(&data), &place.path().join("one"), 1);
    assert!(straight.scores["accuracy"] > 0.15, "{:?}", straight.scores);
    for threads in [2, 3] {
        let folder = place.path().join(threads.to_string());
        assert_same(
            &straight,
            &whole::<LayersModel>(&config, Some(&data), &folder, threads),
            &format!("{threads} threads"),
        );
    }
    let questions = stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &place.path().join("one")), 5);
    assert!(questions > 15, "it asked {questions} times");
}

/// What is refused before anything is learned, and in which words.
#[test]
fn a_network_that_cannot_be_is_refused_with_the_place() {
    let place = tempfile::tempdir().unwrap();
    let refused = |from: &str, to: &str| {
        assert!(NETWORK.contains(from), "{from}");
        let said = RunConfig::of::<LayersModel>(&NETWORK.replacen(from, to, 1)).and_then(|config| {
            let data = divided::<LayersModel>(&config, digits(240, 60));
            common::start::<LayersModel>(&config, Some(&data), &place.path().join("refused")).map(|_| ())
        });
        std::fs::remove_dir_all(place.path().join("refused")).ok();
        said.unwrap_err().to_string()
    };
    let said = refused("from: [stem, conv2d-2]", "from: [stem, conv-2]");
    assert!(said.contains("from names \"conv-2\"; before it there are input, stem, group-norm-1"), "{said}");
    let said = refused("    - {kind: flatten}\n", "");
    assert!(said.contains("model: layers: dropout-1 gives 4 × 7 × 7, but the read-out takes a row"), "{said}");
    let said = refused("kind: group-norm, groups: 2", "kind: group-norm, groups: 3");
    assert!(said.contains("group-norm-1: 4 channels cannot be cut into 3 equal groups"), "{said}");
    let said = refused("kind: max-pool2d, kernel: 4", "kind: max-pool2d, kernel: 40");
    assert!(said.contains("max-pool2d-1: kernel [40, 40]"), "{said}");
    let said = refused("kind: max-pool2d", "kind: maxpool2d");
    assert!(said.contains("unknown kind \"maxpool2d\"; did you mean \"max-pool2d\"?"), "{said}");
    let said = refused("probability: 0.2", "probabilty: 0.2");
    assert!(said.contains("unknown name; did you mean \"probability\"?"), "{said}");
    let said = refused("{kind: focal}", "{kind: mse}");
    assert!(said.contains("stages[1]") && said.contains("loss `mse` takes values"), "{said}");
}

/// Learned from two views without labels, then with them; each alone is a run, too.
#[test]
fn views_are_compared_without_labels() {
    let contrast = "
  - kind: contrast
    learn: {epochs: 3, batch: 40, shard: 20, optimizer: {algorithm: {kind: adam}, schedule: {kind: constant, rate: 3.0e-3}}}
    augment: {shift: 2, rotate: 10}
    corruption: {kind: gaussian, std: 0.1}
    projector: {hidden: 16, units: 8}
";
    let (model, supervise) = NETWORK.split_once("stages:").unwrap();
    let both = config(&format!("{model}stages:{contrast}{}", supervise.trim_start_matches('\n')));
    let data = divided::<LayersModel>(&both, digits(240, 60));
    let place = tempfile::tempdir().unwrap();
    let straight = whole::<LayersModel>(&both, Some(&data), &place.path().join("both"), 2);
    let other = whole::<LayersModel>(&both, Some(&data), &place.path().join("other"), 1);
    assert_same(&straight, &other, "1 thread");
    for score in ["accuracy", "knn_probe", "linear_probe"] {
        assert!(straight.scores.contains_key(score), "{:?}", straight.scores);
    }
    stopped_everywhere::<LayersModel>(&both, Some(&data), (&straight, &place.path().join("both")), 7);

    let alone = config(&format!("{model}stages:{contrast}"));
    let summary = whole::<LayersModel>(&alone, Some(&data), &place.path().join("alone"), 2);
    assert!(summary.scores["knn_probe"] > 0.25, "{:?}", summary.scores);
    assert!(!summary.scores.contains_key("accuracy"));
    let trained = nl_train::Trained::<LayersModel>::open(&place.path().join("alone")).unwrap();
    let said = trained.predict(&data.split.test).unwrap_err().to_string();
    assert!(said.contains("no stage `supervise`"), "{said}");

    let crooked =
        RunConfig::of::<LayersModel>(&format!("{model}stages:{}", contrast.replace("shard: 20", "shard: 39")));
    assert!(crooked.unwrap_err().to_string().contains("alone in its shard"));
}
