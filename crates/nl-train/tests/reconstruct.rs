//! Layers that learn without labels to restore what was spoilt or hidden of a picture.

mod common;
#[path = "common/sets.rs"]
mod sets;

use common::{assert_same, curve, digits, divided, named, start, stopped_everywhere, whole};
use nl_data::Samples;
use nl_train::models::LayersModel;
use nl_train::{ConfigOf, Dataset, Error, RunConfig};
use serde_json::Value;
use sets::{houses, pets};

fn parsed(stages: &[&str], epochs: u64) -> Result<ConfigOf<LayersModel>, Error> {
    let optimizer = "{algorithm: {kind: adam}, schedule: {kind: constant, rate: 2.0e-3}}";
    let learn = format!("learn: {{epochs: {epochs}, batch: 20, shard: 10, optimizer: {optimizer}}}");
    let stages: String = stages.iter().map(|stage| format!("  - {{{stage}, {learn}}}\n")).collect();
    RunConfig::of::<LayersModel>(&format!(
        "name: reconstruct
data: {{name: mnist, source: synthetic, validation: 40}}
model:
  kind: layers
  layers: [{{kind: flatten}}, {{kind: linear, units: 32}}, {{kind: activation, function: relu}}]
stages:
{stages}"
    ))
}

fn data(config: &ConfigOf<LayersModel>) -> Dataset<Samples> {
    divided::<LayersModel>(config, digits(240, 60))
}

const MASKED: &str = "kind: reconstruct, corruption: {kind: mask-patches, fraction: 0.5, size: 7, fill: 0.0}, on: masked, decoder: {hidden: 48}";
const NOISY: &str =
    "kind: reconstruct, corruption: {kind: gaussian, std: 0.3}, augment: {shift: 1}, decoder: {hidden: 48}";

#[test]
fn what_is_hidden_is_learned_and_threads_and_stops_change_nothing() {
    let config = parsed(&[NOISY, MASKED, "kind: supervise"], 6).unwrap();
    let data = data(&config);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("one");
    let straight = whole::<LayersModel>(&config, Some(&data), &path, 1);
    let other = whole::<LayersModel>(&config, Some(&data), &place.path().join("two"), 2);
    assert_same(&straight, &other, "2 threads");
    stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &path), 41);
    for score in ["accuracy", "knn_probe", "linear_probe"] {
        assert!(straight.scores[score] > 0.15, "{:?}", straight.scores);
    }
    let lines: Vec<Value> = curve(&path).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for stage in ["Reconstruct", "Reconstruct 2"] {
        let of = |name: &str| -> Vec<f64> {
            lines.iter().filter(|line| line["stage"] == stage).filter_map(|line| line[name].as_f64()).collect()
        };
        let (errors, accuracy) = (of("validation_loss"), of("validation_accuracy"));
        assert_eq!((errors.len(), accuracy.len()), (6, 6));
        assert!(errors[5] < 0.95 * errors[0] && errors[5] > 0.0, "{stage}: {errors:?}");
    }
}

/// Hidden pixels are restored better than by the mean image, which needs no look at the others.
#[test]
fn the_rest_of_an_image_tells_what_is_hidden() {
    let config = parsed(&[MASKED], 40).unwrap();
    let data = data(&config);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("one");
    let summary = whole::<LayersModel>(&config, Some(&data), &path, 2);
    assert!(!summary.scores.contains_key("accuracy") && summary.scores["knn_probe"] > 0.3, "{:?}", summary.scores);
    let (learned, held) = (data.learned(), data.held_out());
    let image = |of: &Samples, i: usize| {
        let mut pixels = vec![0.0_f32; 784];
        of.copy_to(i, &mut pixels);
        pixels
    };
    let mut mean = vec![0.0; 784];
    for i in 0..learned.len() {
        mean.iter_mut().zip(image(&learned, i)).for_each(|(m, x)| *m += f64::from(x) / learned.len() as f64);
    }
    let of_mean =
        |i: usize| image(&held, i).iter().zip(&mean).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum::<f64>() / 784.0;
    let plain = (0..held.len()).map(of_mean).sum::<f64>() / held.len() as f64;
    let lines: Vec<Value> = curve(&path).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.iter().filter_map(|line| line["validation_loss"].as_f64()).next_back().unwrap();
    assert!(last < 0.9 * plain, "{last}, by the mean image {plain}");
    let page = std::fs::read_to_string(path.join("report.html")).unwrap();
    assert!(page.contains("as it is; as it was shown; as it was restored"), "twelve pictures, three times");
}

#[test]
fn what_cannot_be_restored_is_refused() {
    let said = |stage: &str| parsed(&[stage], 1).unwrap_err().to_string();
    let noise = said("kind: reconstruct, corruption: {kind: gaussian, std: 0.3}, on: masked");
    assert!(noise.contains("stages[0]") && noise.contains("corruption hides no pixels"), "{noise}");
    assert!(said("kind: reconstruct, corruption: {kind: none}, decoder: {hidden: 0}").contains("hidden 0"));
    let corruption = said("kind: reconstruct, corruption: {kind: mask-patches, fraction: 1.5, size: 4, fill: 0.0}");
    assert!(corruption.contains("fraction"), "{corruption}");
    assert!(said("kind: reconstruct").contains("corruption"));
    let config = parsed(&[MASKED, "kind: reconstruct, corruption: {kind: none}"], 1).unwrap();
    let place = tempfile::tempdir().unwrap();
    let refused = start::<LayersModel>(&config, Some(&data(&config)), &place.path().join("refused")).map(drop);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("stages[1]: decoder is another one"), "{refused}");
}

/// Pictures in colour, in their own unit and in that of their spread: what is hidden is hidden in all channels.
#[test]
fn pictures_in_colour_are_restored() {
    let place = tempfile::tempdir().unwrap();
    pets(&place.path().join("pets"), 40);
    let learn = "learn: {epochs: 30, batch: 16, shard: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: constant, rate: 3.0e-3}}}";
    for normalize in ["none", "standard"] {
        let config = RunConfig::of::<LayersModel>(&format!(
            "name: colours
data: {{source: {}, colour: rgb, normalize: {normalize}, validation: 12, validation_share: 0.2}}
model: {{kind: layers, layers: [{{kind: flatten}}, {{kind: linear, units: 24}}, {{kind: activation, function: relu}}]}}
stages:
  - {{kind: reconstruct, corruption: {{kind: mask-patches, fraction: 0.5, size: 3, fill: 0.0}}, on: masked, augment: {{shift: 1}}, {learn}}}
  - {{kind: supervise, {learn}}}
",
            place.path().join("pets").display()
        ))
        .unwrap();
        let data = named::<LayersModel>(&config).unwrap();
        assert_eq!(data.split.train.shape(), [3, 6, 6]);
        let path = place.path().join(normalize);
        let straight = whole::<LayersModel>(&config, Some(&data), &path, 1);
        let other = whole::<LayersModel>(&config, Some(&data), &place.path().join(format!("{normalize}-2")), 2);
        assert_same(&straight, &other, normalize);
        assert!(straight.scores["accuracy"] > 0.9 && straight.scores["knn_probe"] > 0.9, "{:?}", straight.scores);
        let lines: Vec<Value> = curve(&path).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let errors: Vec<f64> = lines
            .iter()
            .filter(|line| line["stage"] == "Reconstruct")
            .filter_map(|line| line["validation_loss"].as_f64())
            .collect();
        assert!(errors.len() == 30 && errors[29] < 0.5 * errors[0], "{normalize}: {errors:?}");
        let page = std::fs::read_to_string(path.join("report.html")).unwrap();
        assert!(page.contains("as it was restored") && page.contains("the mean of their channels"), "{normalize}");
    }
}

/// A table has no pictures to restore.
#[test]
fn a_table_is_no_picture() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("houses.csv"), houses(40, 1)).unwrap();
    let learn =
        "learn: {epochs: 1, batch: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: constant, rate: 1.0e-3}}}";
    let config = RunConfig::of::<LayersModel>(&format!(
        "name: table
data: {{source: {}, inputs: [area, rooms], target: [price]}}
model: {{kind: layers, layers: [{{kind: linear, units: 4}}]}}
stages: [{{kind: reconstruct, corruption: {{kind: gaussian, std: 0.1}}, {learn}}}]
",
        place.path().join("houses.csv").display()
    ))
    .unwrap();
    let data = named::<LayersModel>(&config).unwrap();
    let said = start::<LayersModel>(&config, Some(&data), &place.path().join("refused")).map(drop).unwrap_err();
    let said = said.to_string();
    assert!(said.contains("stages[0]: reconstruct restores pictures, and these are samples of 2"), "{said}");
}
