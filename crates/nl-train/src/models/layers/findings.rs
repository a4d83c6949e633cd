//! The test images, looked at once.

use std::collections::BTreeMap;

use nl_data::Samples;
use nl_layers::loss::LossKind;
use nl_random::Streams;
use nl_report::text::number;
use serde_json::json;

use super::aim::{Aim, labels};
use super::contrast::{NAME as CONTRAST, embeddings, probed as labels_probed};
use super::network::unlabelled;
use super::supervise::{Ask, NAME};
use super::values::{self, Estimated};
use super::{LayersModel, SHARD, loss, sections};
use crate::data::Set;
use crate::evaluate::{Calibration, ClassReport, ZeroDivision, top_k_accuracy};
use crate::metrics::{ConfusionMatrix, accuracy, argmax, negative_log_likelihood};
use crate::models::probing::{Embedded, knn_accuracy, linear_accuracy};
use crate::run::{Estimate, Findings, Prediction, Progress, Setting, Story};
use crate::{Error, page};

/// What the test showed.
pub(super) enum Outcome {
    /// Of classes.
    Classes(Decided),
    /// Of values.
    Values(Estimated),
}

impl Outcome {
    pub(super) fn scores(&self) -> &BTreeMap<String, f64> {
        match self {
            Self::Classes(decided) => &decided.scores,
            Self::Values(estimated) => &estimated.scores,
        }
    }
}

/// Classes that were decided for.
pub(super) struct Decided {
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

/// Stream of the angles of the test samples.
const TEST: &str = "rotation-test";

/// Samples between two looks at Ctrl-C.
const PIECE: usize = 64 * SHARD;

/// What the network says about `samples`.
pub(super) fn decide(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    samples: &Samples,
    progress: &mut Progress<'_>,
) -> Result<Outcome, Error> {
    let (aim, loss) = asked(model, setting, samples)?;
    let samples = aim.set(samples, &Streams::new(setting.config.seed), TEST)?;
    progress.begin("Evaluation", 0, samples.len() as u64, model.form.unit());
    let ask = Ask { network: &model.network, parameters: &model.parameters, inputs: &model.inputs };
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let (mut rows, mut done) = (Vec::with_capacity(samples.len() * model.network.outputs()), 0);
    for piece in all.chunks(PIECE) {
        rows.extend(ask.outputs(&samples.select(piece))?);
        done += piece.len();
        progress.step(done as u64)?;
    }
    progress.end(Some(done as u64));
    if aim.values() > 0 {
        let (values, spread) = aim.estimates(loss, &rows)?;
        return Ok(Outcome::Values(Estimated::new(aim, samples.into_owned(), values, &spread)?));
    }
    Ok(Outcome::Classes(classes(&aim.log_probabilities(loss, &rows)?, aim.names.len(), labels(&samples)?)?))
}

/// What the network learned last and by which loss, if it can be asked about `samples`.
fn asked<'a>(
    model: &'a LayersModel,
    setting: Setting<'a, LayersModel>,
    samples: &Samples,
) -> Result<(&'a Aim, &'a LossKind), Error> {
    let (aim, loss) = model.aim.as_ref().zip(loss(&setting)).ok_or_else(unlabelled)?;
    let mut found = samples.form();
    if aim.degrees.is_some() {
        // What they were to be told by is not looked at.
        found.targets = model.form.targets.clone();
    }
    model.form.check(&found)?;
    Ok((aim, loss))
}

/// Decisions, and their scores.
fn classes(log_probs: &[f32], classes: usize, truth: &[u32]) -> Result<Decided, Error> {
    let decided = argmax(log_probs, classes);
    let confusion = ConfusionMatrix::of(classes, truth.iter().copied(), decided.iter().copied());
    let report = ClassReport::of(&confusion, ZeroDivision::Zero)?;
    let probabilities: Vec<f32> = log_probs.iter().map(|p| p.exp()).collect();
    let calibration = Calibration::of(&probabilities, classes, truth, BINS)?;
    let mut scores: BTreeMap<String, f64> = [
        ("accuracy", accuracy(&decided, truth)),
        ("macro_f1", report.macro_mean.f1),
        ("expected_calibration_error", Some(calibration.ece)),
        ("negative_log_likelihood", negative_log_likelihood(log_probs, classes, truth)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect();
    if classes > GUESSES {
        let share = top_k_accuracy(log_probs, classes, truth, GUESSES)?;
        scores.insert(format!("top_{GUESSES}_accuracy"), share);
    }
    Ok(Decided { log_probs: log_probs.to_vec(), decided, scores, calibration, report, confusion })
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
    let data = setting.dataset()?;
    let (seen, test) = (data.learned(), &data.split.test);
    let (Some((known, classes)), Some((new_labels, _))) = (labels_probed(&seen), labels_probed(test)) else {
        return Ok(None);
    };
    let mut parameters = model.parameters.clone();
    parameters.set_values(&model.contrasted)?;
    let ask = Ask { network: &model.network, parameters: &parameters, inputs: &model.inputs };
    let embed = |samples: &Samples, progress: &mut Progress<'_>| {
        let all: Vec<u32> = (0..samples.len() as u32).collect();
        let mut rows = Vec::with_capacity(samples.len() * model.network.features());
        for piece in all.chunks(PIECE) {
            rows.extend(embeddings(&ask, &samples.select(piece))?);
            progress.check()?;
        }
        Ok::<_, Error>(rows)
    };
    progress.timed("Probes", |progress| {
        let (train, new) = (embed(&seen, progress)?, embed(test, progress)?);
        let dim = model.network.features();
        let train = Embedded { embedding: &train, labels: &known, dim, classes };
        let new = Embedded { embedding: &new, labels: &new_labels, dim, classes };
        let config = &setting.config.model.probe;
        let mut check = || progress.check();
        Ok(Some(Probed {
            knn: knn_accuracy(config.neighbours, train, new, &mut check)?,
            linear: linear_accuracy(config, Streams::new(setting.config.seed), train, new, &mut check)?,
        }))
    })
}

/// The scores on the test samples of `setting`.
pub(super) fn evaluate(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    progress: &mut Progress<'_>,
) -> Result<BTreeMap<String, f64>, Error> {
    Ok(decide(model, setting, &setting.dataset()?.split.test, progress)?.scores().clone())
}

pub(super) fn findings(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let data = setting.dataset()?;
    let probed = probe(model, setting, progress)?;
    let outcome = match loss(&setting) {
        Some(_) => Some(decide(model, setting, &data.split.test, progress)?),
        None => None,
    };
    let lines = model.network.lines();
    let parameters: usize = lines.iter().map(|line| line.parameters).sum();
    let macs = lines.iter().fold(0u64, |sum, line| sum.saturating_add(line.macs));
    let speed = |name: &str| progress.timings().throughput(name).unwrap_or(0.0);
    let rates = [("contrast", speed(CONTRAST)), ("supervise", speed(NAME)), ("infer", speed("Evaluation"))];
    let mut said = sections::page(model, setting, story, (outcome.as_ref(), probed), progress.timings())?;
    let speeds: serde_json::Map<String, serde_json::Value> =
        rates.iter().filter(|rate| rate.1 > 0.0).map(|&(name, rate)| (name.to_owned(), rate.into())).collect();
    let unit = model.form.unit();
    let details = json!({
        "layers": lines.len(),
        "parameters": parameters,
        "multiply_accumulates": macs,
        (format!("{unit}_per_second")): speeds,
    });
    if let serde_json::Value::Object(details) = details {
        said.details = details;
    }
    let by_name = match &outcome {
        Some(Outcome::Values(estimated)) => estimated.by_name(),
        _ => serde_json::Map::new(),
    };
    if !by_name.is_empty() {
        said.details.insert("values".to_owned(), by_name.into());
    }
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let rate = |name: usize| (rates[name].1 > 0.0).then(|| format!("{:.0} {unit}/s", rates[name].1));
    let score = |name: &str| outcome.as_ref().and_then(|it| it.scores().get(name)).copied();
    let rows = [
        ("layers, numbers learned", Some(format!("{}, {parameters}", lines.len()))),
        ("multiply-accumulates a sample", Some(macs.to_string())),
        ("without labels: k-NN on the embedding", probed.map(|probed| percent(probed.knn))),
        ("without labels: linear probe", probed.map(|probed| percent(probed.linear))),
        ("test accuracy", score("accuracy").map(percent)),
        ("test: mean absolute error", score("mae").map(number)),
        ("test: root mean squared error", score("rmse").map(number)),
        ("test: R²", score("r2").map(|r2| format!("{r2:.4}"))),
        ("test: share within the interval", score("interval_coverage").map(percent)),
        ("speed: learning without labels", rate(0)),
        ("speed: learning", rate(1)),
        ("speed: inference", rate(2)),
        ("time in all", Some(format!("{:.1} s", progress.timings().total()))),
    ];
    said.rows = rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    said.subject = format!("a network of layers on {}, seed {}", page::data_name(&data.source), setting.config.seed);
    said.scores = outcome.map(|outcome| outcome.scores().clone()).unwrap_or_default();
    if let Some(Probed { knn, linear }) = probed {
        said.scores.insert("knn_probe".to_owned(), knn);
        said.scores.insert("linear_probe".to_owned(), linear);
    }
    Ok(said)
}

/// For each sample the class and the probabilities.
pub(super) fn predict(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    samples: &Samples,
) -> Result<Vec<Prediction>, Error> {
    let (aim, loss) = asked(model, setting, samples)?;
    if aim.values() > 0 {
        return Err(Error::config("the network learned values and names no class; ask for its estimate"));
    }
    let names = page::class_names(&setting.dataset()?.source, aim.names.len());
    Ok(Prediction::of_rows(&aim.log_probabilities(loss, &outputs(model, samples)?)?, &names))
}

/// For each sample the values, in the unit of the data.
pub(super) fn estimate(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    samples: &Samples,
) -> Result<Vec<Vec<Estimate>>, Error> {
    let (aim, loss) = asked(model, setting, samples)?;
    let (values, spread) = aim.estimates(loss, &outputs(model, samples)?)?;
    Ok(values::estimates(&aim.names, &values, &spread))
}

fn outputs(model: &LayersModel, samples: &Samples) -> Result<Vec<f32>, Error> {
    Ask { network: &model.network, parameters: &model.parameters, inputs: &model.inputs }.outputs(samples)
}
