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
  evaluate: {ablation: 0, saliency: 0}
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

/// What is looked at besides the scores: in the summary, on the page, for TensorBoard. Nothing of it changes what was learned.
#[test]
fn parts_decisions_and_confidence_are_looked_at() {
    let few = "ablation: 0, saliency: 0";
    assert!(NETWORK.contains(few));
    let looked = config(&NETWORK.replace(few, "ablation: 30, saliency: 3, temperature: true"));
    let blind = config(NETWORK);
    let data = divided::<LayersModel>(&looked, digits(240, 60));
    let place = tempfile::tempdir().unwrap();
    let summary = whole::<LayersModel>(&looked, Some(&data), &place.path().join("looked"), 2);
    let other = whole::<LayersModel>(&blind, Some(&data), &place.path().join("blind"), 1);
    assert_eq!(summary.weights_sha256, other.weights_sha256);
    let again = whole::<LayersModel>(&looked, Some(&data), &place.path().join("again"), 3);
    assert_eq!((&summary.scores, &summary.details["ablation"]), (&again.scores, &again.details["ablation"]));

    let ablation = &summary.details["ablation"];
    assert_eq!((&ablation["images"], &ablation["mean_of"]), (&30.into(), &data.learn.len().into()), "{ablation}");
    let cuts = ablation["cuts"].as_array().unwrap();
    assert_eq!(cuts.len(), 2 * 8, "{ablation}");
    // Nothing reaches the read-out past the last layers: without them all images are one class.
    let classes = |cut: &serde_json::Value| cut["accuracy"].as_f64().unwrap();
    let last = |part: &str| cuts.iter().filter(|cut| cut["part"] == part).map(classes).collect::<Vec<_>>();
    assert!(
        last("flatten-1") == last("max-pool2d-1") && last("flatten-1").iter().all(|&share| share < 0.35),
        "{ablation}"
    );
    assert!(summary.details["temperature"].is_number() && other.details.get("ablation").is_none());
    for score in ["calibrated_expected_calibration_error", "calibrated_negative_log_likelihood", "top_3_accuracy"] {
        assert!(summary.scores[score].is_finite(), "{:?}", summary.scores);
    }
    let page = |run: &str| std::fs::read_to_string(place.path().join(run).join("report.html")).unwrap();
    for words in ["What each part adds", "gradient × input", "With a temperature"] {
        assert!(page("looked").contains(words), "{words}");
    }
    assert!(!page("blind").contains("What each part adds") && !page("blind").contains("gradient × input"));

    let written = |folder: &str| {
        let files = std::fs::read_dir(place.path().join("looked/tensorboard").join(folder)).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<u8>>()
    };
    let holds = |bytes: &[u8], tag: &str| bytes.windows(tag.len()).any(|window| window == tag.as_bytes());
    let (first, test) = (written("1-supervise"), written("test"));
    for tag in
        ["activations/stem", "activations/flatten-1", "filters/stem/weight", "stem/weight", "validation_accuracy"]
    {
        assert!(holds(&first, tag), "{tag}");
    }
    for tag in ["saliency/gradient-times-input", "saliency/occlusion", "saliency/image", "accuracy"] {
        assert!(holds(&test, tag), "{tag}");
    }
    assert!(holds(&first, "PNG\r\n") && holds(&test, "PNG\r\n"));

    let none = RunConfig {
        data: Some(serde_json::from_value(serde_json::json!({"name": "mnist", "source": "synthetic"})).unwrap()),
        ..looked
    };
    let all = divided::<LayersModel>(&none, digits(240, 60));
    let refused = common::start::<LayersModel>(&none, Some(&all), &place.path().join("refused")).map(|_| ());
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("model.evaluate.temperature is fitted on images that nothing has learned from"), "{said}");
}
