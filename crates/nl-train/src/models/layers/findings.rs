//! The test images, looked at once.

use std::collections::BTreeMap;

use nl_data::Images;
use serde_json::json;

use super::supervise::{NAME, log_probabilities, outputs};
use super::{LayersModel, SHARD, loss, sections};
use crate::evaluate::{Calibration, ClassReport, ZeroDivision, top_k_accuracy};
use crate::metrics::{ConfusionMatrix, accuracy, argmax, labels, negative_log_likelihood};
use crate::run::{Findings, Prediction, Progress, Setting, Story};
use crate::{Error, data, page};

/// What the test showed.
pub(super) struct Outcome {
    /// Log-probabilities `[N, classes]`.
    pub(super) log_probs: Vec<f32>,
    /// Decisions.
    pub(super) decided: Vec<u32>,
    pub(super) scores: BTreeMap<String, f64>,
    /// How far confidence can be trusted.
    pub(super) calibration: Calibration,
    /// Precision, recall and F1.
    pub(super) report: ClassReport,
    pub(super) confusion: ConfusionMatrix,
}

/// Bins of the reliability diagram: Guo et al. 2017.
const BINS: usize = 15;
/// Guesses of which one has to be right, in the second accuracy.
const GUESSES: usize = 3;

/// Images between two looks at Ctrl-C.
const PIECE: usize = 64 * SHARD;

/// What the network says about `images`.
pub(super) fn decide(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    images: &Images,
    progress: &mut Progress<'_>,
) -> Result<Outcome, Error> {
    fits(setting, images)?;
    let classes = setting.images()?.split.train.classes();
    progress.begin("Evaluation", 0, images.len() as u64, "images");
    let all: Vec<u32> = (0..images.len() as u32).collect();
    let (mut rows, mut done) = (Vec::with_capacity(images.len() * model.network.outputs()), 0);
    for samples in all.chunks(PIECE) {
        rows.extend(outputs(&model.network, &model.parameters, &images.select(samples))?);
        done += samples.len();
        progress.step(done as u64)?;
    }
    progress.end(Some(done as u64));
    let log_probs = log_probabilities(loss(&setting)?, &rows, classes)?;
    let (decided, truth) = (argmax(&log_probs, classes), labels(images));
    let confusion = ConfusionMatrix::of(classes, truth.iter().copied(), decided.iter().copied());
    let report = ClassReport::of(&confusion, ZeroDivision::Zero)?;
    let probabilities: Vec<f32> = log_probs.iter().map(|p| p.exp()).collect();
    let calibration = Calibration::of(&probabilities, classes, &truth, BINS)?;
    let mut scores: BTreeMap<String, f64> = [
        ("accuracy", accuracy(&decided, &truth)),
        ("macro_f1", report.macro_mean.f1),
        ("expected_calibration_error", Some(calibration.ece)),
        ("negative_log_likelihood", negative_log_likelihood(&log_probs, classes, &truth)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect();
    if classes > GUESSES {
        let share = top_k_accuracy(&log_probs, classes, &truth, GUESSES)?;
        scores.insert(format!("top_{GUESSES}_accuracy"), share);
    }
    Ok(Outcome { log_probs, decided, scores, calibration, report, confusion })
}

pub(super) fn findings(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let data = setting.images()?;
    let outcome = decide(model, setting, &data.split.test, progress)?;
    let lines = model.network.lines();
    let parameters: usize = lines.iter().map(|line| line.parameters).sum();
    let macs = lines.iter().fold(0u64, |sum, line| sum.saturating_add(line.macs));
    let speed = |name: &str| progress.timings().throughput(name).unwrap_or(0.0);
    let (learning, evaluation) = (speed(NAME), speed("Evaluation"));
    let mut said = sections::page(model, setting, story, &outcome, progress.timings())?;
    let details = json!({
        "layers": lines.len(),
        "parameters": parameters,
        "multiply_accumulates": macs,
        "images_per_second": {"supervise": learning, "infer": evaluation},
    });
    if let serde_json::Value::Object(details) = details {
        said.details = details;
    }
    let share = outcome.scores.get("accuracy").copied().unwrap_or(0.0);
    said.rows = vec![
        ("layers, numbers learned".to_owned(), format!("{}, {parameters}", lines.len())),
        ("multiply-accumulates an image".to_owned(), macs.to_string()),
        ("test accuracy".to_owned(), format!("{:.2} %", 100.0 * share)),
        ("speed: learning".to_owned(), format!("{learning:.0} images/s")),
        ("speed: inference".to_owned(), format!("{evaluation:.0} images/s")),
        ("time in all".to_owned(), format!("{:.1} s", progress.timings().total())),
    ];
    said.subject = format!("a network of layers on {}, seed {}", page::data_name(&data.source), setting.config.seed);
    said.scores = outcome.scores;
    Ok(said)
}

/// For each image the class and the probabilities.
pub(super) fn predict(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    images: &Images,
) -> Result<Vec<Prediction>, Error> {
    fits(setting, images)?;
    let classes = setting.images()?.split.train.classes();
    let names = page::class_names(&setting.images()?.source, classes);
    let rows = outputs(&model.network, &model.parameters, images)?;
    let log_probs = log_probabilities(loss(&setting)?, &rows, classes)?;
    Ok(Prediction::of_rows(&log_probs, &names))
}

fn fits(setting: Setting<'_, LayersModel>, images: &Images) -> Result<(), Error> {
    let own = &setting.images()?.split.train;
    data::fits(images, "network", (own.height(), own.width()), Some(own.classes()))
}
