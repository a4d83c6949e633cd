//! Scores beside those of scikit-learn and SciPy: `tests/reference/scores.py` made the values.

use approx::assert_relative_eq;
use nl_data::Scratch;
use nl_random::Streams;
use nl_train::ConfusionMatrix;
use nl_train::evaluate::{
    Calibration, ClassReport, MultiLabelScores, Perturbation, RegressionScores, Scores, Temperature, ZeroDivision,
    quantile_scores, top_k_accuracy,
};
use serde_json::Value;

/// What either side may round: sums of a hundred terms in f64.
const ROUNDING: f64 = 1e-12;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/scores.json")).unwrap()
}

fn doubles(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn singles(value: &Value) -> Vec<f32> {
    doubles(value).into_iter().map(|x| x as f32).collect()
}

fn labels(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect()
}

fn close(found: f64, expected: &Value) {
    assert_relative_eq!(found, expected.as_f64().unwrap(), max_relative = ROUNDING, epsilon = ROUNDING);
}

/// The most probable class of each row.
fn argmax(rows: &[f32], classes: usize) -> Vec<u32> {
    let best = |row: &[f32]| (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32;
    rows.chunks_exact(classes).map(best).collect()
}

fn same(found: &[&Scores], expected: &Value) {
    let columns: [Vec<Option<f64>>; 3] = [
        found.iter().map(|s| s.precision).collect(),
        found.iter().map(|s| s.recall).collect(),
        found.iter().map(|s| s.f1).collect(),
    ];
    for (found, expected) in columns.iter().zip(expected.as_array().unwrap()) {
        let expected: Vec<Value> = expected.as_array().cloned().unwrap_or_else(|| vec![expected.clone()]);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            match found {
                Some(found) => close(*found, expected),
                None => assert!(expected.is_null(), "{expected} was left out"),
            }
        }
    }
}

#[test]
fn classes_and_top_k() {
    let all = reference();
    let expected = &all["classification"];
    let (logits, truth) = (singles(&expected["logits"]), labels(&expected["truth"]));
    for (k, value) in expected["top_k"].as_array().unwrap().iter().enumerate() {
        close(top_k_accuracy(&logits, 5, &truth, k + 1).unwrap(), value);
    }
    let matrix = ConfusionMatrix::of(5, truth.iter().copied(), argmax(&logits, 5));
    for (name, zero) in
        [("zero", ZeroDivision::Zero), ("one", ZeroDivision::One), ("leave-out", ZeroDivision::LeaveOut)]
    {
        let report = ClassReport::of(&matrix, zero).unwrap();
        let expected = &expected["scores"][name];
        same(&report.classes.iter().collect::<Vec<_>>(), &expected["classes"]);
        same(&[&report.macro_mean], &expected["macro"]);
        same(&[&report.micro_mean], &expected["micro"]);
        same(&[&report.weighted_mean], &expected["weighted"]);
    }
    let report = ClassReport::of(&matrix, ZeroDivision::Zero).unwrap();
    assert_eq!(report.support.iter().map(|&n| n as u32).collect::<Vec<_>>(), labels(&expected["support"]));
}

#[test]
fn calibration() {
    let all = reference();
    let (expected, truth) = (&all["calibration"], labels(&all["classification"]["truth"]));
    let found = Calibration::of(&singles(&expected["probabilities"]), 5, &truth, 15).unwrap();
    close(found.ece, &expected["ece"]);
    close(found.mce, &expected["mce"]);
    close(found.nll, &expected["nll"]);
    // Rows of single precision sum to 1 within 1e-7; scikit-learn wants them exact.
    assert_relative_eq!(found.brier, expected["brier"].as_f64().unwrap(), max_relative = 1e-6);
    let filled = found.bins.iter().filter(|bin| bin.count > 0);
    let expected = expected["bins"].as_array().unwrap();
    assert_eq!(filled.clone().count(), expected.len());
    for (bin, expected) in filled.zip(expected) {
        close(bin.confidence, &expected[0]);
        close(bin.accuracy, &expected[1]);
    }
}

#[test]
fn temperature() {
    let all = reference();
    let (data, expected) = (&all["classification"], &all["temperature"]);
    let found = Temperature::fit(&singles(&data["logits"]), 5, &labels(&data["truth"])).unwrap();
    close(found.temperature, &expected["temperature"]);
    close(found.nll_before, &expected["before"]);
    close(found.nll_after, &expected["after"]);
    assert!(found.temperature > 1.0 && !found.at_bound);
}

#[test]
fn regression_plain_and_circular() {
    let all = reference();
    for (name, period) in [("regression", None), ("circular", all["period"].as_f64())] {
        let expected = &all[name];
        let found = RegressionScores::of(&doubles(&expected["predicted"]), &doubles(&expected["truth"]), period);
        let found = found.unwrap();
        close(found.mean_absolute_error, &expected["mean_absolute_error"]);
        close(found.root_mean_squared_error, &expected["root_mean_squared_error"]);
        close(found.median_absolute_error, &expected["median_absolute_error"]);
        close(found.r2.unwrap(), &expected["r2"]);
        close(found.correlation.unwrap(), &expected["correlation"]);
    }
}

#[test]
fn sets_of_labels() {
    let all = reference();
    let expected = &all["multi_label"];
    let flags = |name: &str| labels(&expected[name]).iter().map(|&x| x == 1).collect::<Vec<_>>();
    let found = MultiLabelScores::of(&flags("predicted"), &flags("truth"), 4, ZeroDivision::Zero).unwrap();
    close(found.subset_accuracy, &expected["subset_accuracy"]);
    close(found.hamming_loss, &expected["hamming_loss"]);
    same(&[&found.labels.micro_mean], &expected["micro"]);
    same(&[&found.labels.macro_mean], &expected["macro"]);
    same(&[&found.labels.weighted_mean], &expected["weighted"]);
}

#[test]
fn quantiles() {
    let all = reference();
    let expected = &all["quantiles"];
    let [predicted, levels, truth] = ["predicted", "levels", "truth"].map(|name| doubles(&expected[name]));
    for (k, found) in quantile_scores(&predicted, &levels, &truth).unwrap().iter().enumerate() {
        close(found.coverage, &expected["coverage"][k]);
        close(found.pinball, &expected["pinball"][k]);
    }
}

#[test]
fn blur() {
    let all = reference();
    let expected = &all["blur"];
    let [height, width] = ["height", "width"].map(|name| expected[name].as_u64().unwrap() as usize);
    let image = singles(&expected["image"]);
    for (severity, expected) in labels(&expected["severities"]).iter().zip(expected["blurred"].as_array().unwrap()) {
        let (mut out, mut scratch, streams) = (vec![0.0; image.len()], Scratch::new(), Streams::new(1));
        let severity = *severity as u8;
        Perturbation::Blur.apply(severity, &image, height, width, &mut out, &mut scratch, streams, 0).unwrap();
        for (found, expected) in out.iter().zip(doubles(expected)) {
            // Rounded to f32 after each direction.
            assert_relative_eq!(f64::from(*found), expected, epsilon = 2e-7);
        }
    }
}
