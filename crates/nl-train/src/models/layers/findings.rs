//! The test images, looked at once.

use std::collections::BTreeMap;

use nl_data::Images;
use nl_random::Streams;
use serde_json::json;

use super::contrast::embeddings;
use super::network::unlabelled;
use super::supervise::{log_probabilities, outputs};
use super::{LayersModel, SHARD, loss, sections, side_by_side, stage};
use crate::evaluate::{Calibration, ClassReport, ZeroDivision, top_k_accuracy};
use crate::metrics::{ConfusionMatrix, accuracy, argmax, labels, negative_log_likelihood};
use crate::models::probing::{Embedded, knn_accuracy, linear_accuracy};
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
pub(super) const PIECE: usize = 64 * SHARD;

/// What the network says about `images`.
pub(super) fn decide(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    images: &Images,
    progress: &mut Progress<'_>,
) -> Result<Outcome, Error> {
    fits(setting, images)?;
    let loss = loss(&setting).ok_or_else(unlabelled)?;
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
    let log_probs = log_probabilities(loss, &rows, classes)?;
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

/// How good the embedding was before any label: k-NN and a linear probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probed {
    pub(super) knn: f64,
    pub(super) linear: f64,
}

/// The embedding that the last stage without labels left, probed on the test images; none without such a stage.
fn probe(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    progress: &mut Progress<'_>,
) -> Result<Option<Probed>, Error> {
    let last = setting.config.stages.iter().rposition(|stage| stage.loss().is_none());
    let Some(parameters) = last.and_then(|stage| model.left.get(stage)) else { return Ok(None) };
    let data = setting.images()?;
    let embed = |images: &Images, progress: &mut Progress<'_>| {
        let all: Vec<u32> = (0..images.len() as u32).collect();
        let mut rows = Vec::with_capacity(images.len() * model.network.features());
        for samples in all.chunks(PIECE) {
            rows.extend(embeddings(&model.network, parameters, &images.select(samples))?);
            progress.check()?;
        }
        Ok::<_, Error>(rows)
    };
    progress.timed("Probes", |progress| {
        let (seen, test) = (data.learned(), &data.split.test);
        let (train, new) = (embed(&seen, progress)?, embed(test, progress)?);
        let (dim, classes) = (model.network.features(), data.split.train.classes());
        let train = Embedded { embedding: &train, labels: seen.labels(), dim, classes };
        let new = Embedded { embedding: &new, labels: test.labels(), dim, classes };
        let config = &setting.config.model.probe;
        let mut check = || progress.check();
        Ok(Some(Probed {
            knn: knn_accuracy(config.neighbours, train, new, &mut check)?,
            linear: linear_accuracy(config, Streams::new(setting.config.seed), train, new, &mut check)?,
        }))
    })
}

/// The scores on the test images of `setting`.
pub(super) fn evaluate(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    progress: &mut Progress<'_>,
) -> Result<BTreeMap<String, f64>, Error> {
    Ok(decide(model, setting, &setting.images()?.split.test, progress)?.scores)
}

pub(super) fn findings(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let data = setting.images()?;
    let (left, stages) = (model.left.len(), setting.config.stages.len());
    if left != stages {
        return Err(Error::config(format!("the model holds what {left} stages left, but {stages} are over")));
    }
    let probed = probe(model, setting, progress)?;
    let outcome = match loss(&setting) {
        Some(_) => Some(decide(model, setting, &data.split.test, progress)?),
        None => None,
    };
    let lines = model.network.lines();
    let parameters: usize = lines.iter().map(|line| line.parameters).sum();
    let macs = lines.iter().fold(0u64, |sum, line| sum.saturating_add(line.macs));
    let compared = side_by_side::compare(model, setting, story.timings, progress)?;
    let mut rates: Vec<(String, f64)> = (0..stages)
        .map(|i| (stage::key(&setting, i), story.timings.throughput(&stage::title(&setting, i)).unwrap_or(0.0)))
        .collect();
    rates.push(("infer".to_owned(), progress.timings().throughput("Evaluation").unwrap_or(0.0)));
    rates.retain(|rate| rate.1 > 0.0);
    let found = sections::Found { outcome: outcome.as_ref(), probed, compared: &compared };
    let mut said = sections::page(model, setting, story, found, progress.timings())?;
    let speeds: serde_json::Map<String, serde_json::Value> =
        rates.iter().map(|(name, rate)| (name.clone(), (*rate).into())).collect();
    let details = json!({
        "layers": lines.len(),
        "parameters": parameters,
        "multiply_accumulates": macs,
        "images_per_second": speeds,
    });
    if let serde_json::Value::Object(details) = details {
        said.details = details;
    }
    if !compared.is_empty() {
        said.details.insert("stages".to_owned(), compared.iter().map(side_by_side::Compared::json).collect());
    }
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let rate = |name: &str| rates.iter().find(|rate| rate.0 == name).map(|rate| format!("{:.0} images/s", rate.1));
    let alone = |name: &str| rate(name).filter(|_| compared.is_empty());
    let mut rows = vec![
        ("layers, numbers learned", Some(format!("{}, {parameters}", lines.len()))),
        ("multiply-accumulates an image", Some(macs.to_string())),
        ("without labels: k-NN on the embedding", probed.map(|probed| percent(probed.knn))),
        ("without labels: linear probe", probed.map(|probed| percent(probed.linear))),
        ("test accuracy", outcome.as_ref().and_then(|it| it.scores.get("accuracy")).map(|&share| percent(share))),
        ("speed: learning without labels", rate("contrast").or_else(|| rate("reconstruct"))),
    ];
    for kind in ["supervise", "predictive-coding", "feedback-alignment"] {
        rows.push(("speed: learning", alone(kind)));
    }
    rows.push(("speed: inference", rate("infer")));
    rows.push(("time in all", Some(format!("{:.1} s", progress.timings().total()))));
    said.rows = rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let place = said.rows.len().saturating_sub(1);
    said.rows.splice(place..place, compared.iter().map(side_by_side::Compared::row));
    said.subject = format!("a network of layers on {}, seed {}", page::data_name(&data.source), setting.config.seed);
    said.scores = outcome.map(|outcome| outcome.scores).unwrap_or_default();
    if let Some(Probed { knn, linear }) = probed {
        said.scores.insert("knn_probe".to_owned(), knn);
        said.scores.insert("linear_probe".to_owned(), linear);
    }
    Ok(said)
}

/// For each image the class and the probabilities.
pub(super) fn predict(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    images: &Images,
) -> Result<Vec<Prediction>, Error> {
    fits(setting, images)?;
    let loss = loss(&setting).ok_or_else(unlabelled)?;
    let classes = setting.images()?.split.train.classes();
    let names = page::class_names(&setting.images()?.source, classes);
    let rows = outputs(&model.network, &model.parameters, images)?;
    let log_probs = log_probabilities(loss, &rows, classes)?;
    Ok(Prediction::of_rows(&log_probs, &names))
}

fn fits(setting: Setting<'_, LayersModel>, images: &Images) -> Result<(), Error> {
    let own = &setting.images()?.split.train;
    data::fits(images, "network", (own.height(), own.width()), Some(own.classes()))
}
