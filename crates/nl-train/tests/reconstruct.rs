//! Layers that learn without labels to restore what was spoilt or hidden of an image.

mod common;

use common::{assert_same, curve, digits, divided, stopped_everywhere, whole};
use nl_train::models::LayersModel;
use nl_train::{ConfigOf, Dataset, Error, RunConfig};
use serde_json::Value;

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

fn data(config: &ConfigOf<LayersModel>) -> Dataset {
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
    let mean: Vec<f64> = (0..784)
        .map(|p| (0..learned.len()).map(|i| f64::from(learned.image(i)[p]) / 255.0).sum::<f64>() / learned.len() as f64)
        .collect();
    let of_mean = |i: usize| {
        held.image(i).iter().zip(&mean).map(|(&x, m)| (f64::from(x) / 255.0 - m).powi(2)).sum::<f64>() / 784.0
    };
    let plain = (0..held.len()).map(of_mean).sum::<f64>() / held.len() as f64;
    let lines: Vec<Value> = curve(&path).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.iter().filter_map(|line| line["validation_loss"].as_f64()).next_back().unwrap();
    assert!(last < 0.9 * plain, "{last}, by the mean image {plain}");
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
    let refused = common::start::<LayersModel>(&config, Some(&data(&config)), &place.path().join("refused")).map(drop);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("stages[1]: decoder is another one"), "{refused}");
}
