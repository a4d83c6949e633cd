//! The test images, looked at once.

use std::collections::BTreeMap;

use nl_data::Images;
use nl_random::Streams;
use serde_json::json;

use super::contrast::{NAME as CONTRAST, embeddings};
use super::network::unlabelled;
use super::parts::Parts;
use super::supervise::{NAME, log_probabilities, outputs};
use super::{LayersModel, SHARD, loss, sections};
use crate::evaluate::Recognition;
use crate::metrics::labels;
use crate::models::probing::{Embedded, knn_accuracy, linear_accuracy};
use crate::run::{Findings, Prediction, Progress, Setting, Story};
use crate::{Error, data, page};

/// What the test showed.
pub(super) struct Outcome {
    /// Log-probabilities `[N, classes]`.
    pub(super) log_probs: Vec<f32>,
    pub(super) found: Recognition,
}

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
    let found = Recognition::of(&log_probs, classes, &labels(images))?;
    Ok(Outcome { log_probs, found })
}

/// How good the embedding was before any label: k-NN and a linear probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probed {
    pub(super) knn: f64,
    pub(super) linear: f64,
}

/// The embedding at the end of the last `contrast` stage, probed on the test images; none without such a stage.
fn probe(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    progress: &mut Progress<'_>,
) -> Result<Option<Probed>, Error> {
    if model.contrasted.is_empty() {
        return Ok(None);
    }
    let data = setting.images()?;
    let mut parameters = model.parameters.clone();
    parameters.set_values(&model.contrasted)?;
    let embed = |images: &Images, progress: &mut Progress<'_>| {
        let all: Vec<u32> = (0..images.len() as u32).collect();
        let mut rows = Vec::with_capacity(images.len() * model.network.features());
        for samples in all.chunks(PIECE) {
            rows.extend(embeddings(&model.network, &parameters, &images.select(samples))?);
            progress.check()?;
        }
        Ok::<_, Error>(rows)
    };
    progress.timed("Probes", |progress| {
        let (seen, test) = (data.with_labels(), &data.split.test);
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
    Ok(decide(model, setting, &setting.images()?.split.test, progress)?.found.scores)
}

pub(super) fn findings(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let data = setting.images()?;
    let probed = probe(model, setting, progress)?;
    let outcome = match loss(&setting) {
        Some(_) => Some(decide(model, setting, &data.split.test, progress)?),
        None => None,
    };
    let parts = match &outcome {
        Some(outcome) => Some(Parts::of(model, setting, outcome, progress)?),
        None => None,
    };
    let lines = model.network.lines();
    let parameters: usize = lines.iter().map(|line| line.parameters).sum();
    let macs = lines.iter().fold(0u64, |sum, line| sum.saturating_add(line.macs));
    let speed = |name: &str| progress.timings().throughput(name).unwrap_or(0.0);
    let rates = [("contrast", speed(CONTRAST)), ("supervise", speed(NAME)), ("infer", speed("Evaluation"))];
    let mut said =
        sections::page(model, setting, story, (outcome.as_ref(), parts.as_ref(), probed), progress.timings())?;
    let speeds: serde_json::Map<String, serde_json::Value> =
        rates.iter().filter(|rate| rate.1 > 0.0).map(|&(name, rate)| (name.to_owned(), rate.into())).collect();
    let details = json!({
        "layers": lines.len(),
        "parameters": parameters,
        "multiply_accumulates": macs,
        "images_per_second": speeds,
    });
    if let serde_json::Value::Object(details) = details {
        said.details = details;
    }
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let rate = |name: usize| (rates[name].1 > 0.0).then(|| format!("{:.0} images/s", rates[name].1));
    let rows = [
        ("layers, numbers learned", Some(format!("{}, {parameters}", lines.len()))),
        ("multiply-accumulates an image", Some(macs.to_string())),
        ("without labels: k-NN on the embedding", probed.map(|probed| percent(probed.knn))),
        ("without labels: linear probe", probed.map(|probed| percent(probed.linear))),
        ("test accuracy", outcome.as_ref().and_then(|it| it.found.scores.get("accuracy")).map(|&share| percent(share))),
        ("speed: learning without labels", rate(0)),
        ("speed: learning", rate(1)),
        ("speed: inference", rate(2)),
        ("time in all", Some(format!("{:.1} s", progress.timings().total()))),
    ];
    said.rows = rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    said.subject = format!("a network of layers on {}, seed {}", page::data_name(&data.source), setting.config.seed);
    said.scores = outcome.map(|outcome| outcome.found.scores).unwrap_or_default();
    if let Some(parts) = &parts {
        parts.tell(&mut said, &data.split.test);
    }
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
