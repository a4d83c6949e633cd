//! The test images, looked at once.

use std::collections::BTreeMap;

use nl_data::Samples;
use nl_layers::loss::LossKind;
use nl_random::Streams;
use nl_report::text::number;
use serde_json::json;

use super::aim::{Aim, labels};
use super::contrast::{embeddings, probed as labels_probed};
use super::network::unlabelled;
use super::parts::Parts;
use super::values::{self, Estimated};
use super::{LayersModel, SHARD, loss, sections, side_by_side, stage};
use crate::data::Set;
use crate::evaluate::Recognition;
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
            Self::Classes(decided) => &decided.found.scores,
            Self::Values(estimated) => &estimated.scores,
        }
    }
}

/// Classes that were decided for.
pub(super) struct Decided {
    /// Log-probabilities `[N, classes]`.
    pub(super) log_probs: Vec<f32>,
    pub(super) found: Recognition,
}

/// Stream of the angles of the test samples.
pub(super) const TEST: &str = "rotation-test";

/// Samples between two looks at Ctrl-C.
const PIECE: usize = 64 * SHARD;

/// What `rows` gives for the samples, `width` numbers each, piece by piece; `check(samples done)` is asked after each whether to go
/// on.
pub(super) fn in_pieces(
    samples: &Samples,
    width: usize,
    rows: impl Fn(&Samples) -> Result<Vec<f32>, Error>,
    check: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<Vec<f32>, Error> {
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let (mut found, mut done) = (Vec::with_capacity(samples.len() * width), 0);
    for piece in all.chunks(PIECE) {
        found.extend(rows(&samples.select(piece))?);
        done += piece.len();
        check(done)?;
    }
    Ok(found)
}

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
    let ask = model.ask();
    let mut step = |done: usize| progress.step(done as u64);
    let rows = in_pieces(&samples, model.network.outputs(), |piece| ask.outputs(piece), &mut step)?;
    progress.end(Some(samples.len() as u64));
    if aim.values() > 0 {
        let (values, spread) = aim.estimates(loss, &rows)?;
        return Ok(Outcome::Values(Estimated::new(aim, samples.into_owned(), values, &spread)?));
    }
    let log_probs = aim.log_probabilities(loss, &rows)?;
    let found = Recognition::of(&log_probs, aim.names.len(), labels(&samples)?)?;
    Ok(Outcome::Classes(Decided { log_probs, found }))
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
    let last = setting.config.stages.iter().rposition(|stage| !stage.labelled());
    let Some(parameters) = last.and_then(|stage| model.left.get(stage)) else { return Ok(None) };
    let data = setting.dataset()?;
    let (seen, test) = (data.with_labels(), &data.split.test);
    let (Some((known, classes)), Some((new_labels, _))) = (labels_probed(&seen), labels_probed(test)) else {
        return Ok(None);
    };
    let episodes = model.recall_by(parameters, data)?;
    let ask = model.ask_with(parameters).reading(episodes.as_ref());
    let embed = |samples: &Samples, progress: &mut Progress<'_>| {
        in_pieces(samples, model.network.features(), |piece| embeddings(&ask, piece), &mut |_| progress.check())
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
    let stages = setting.config.stages.len();
    model.check_over(stages)?;
    let probed = probe(model, setting, progress)?;
    let outcome = match loss(&setting) {
        Some(_) => Some(decide(model, setting, &data.split.test, progress)?),
        None => None,
    };
    let parts = match &outcome {
        Some(Outcome::Classes(decided)) => Some(Parts::of(model, setting, decided, progress)?),
        _ => None,
    };
    let lines = model.network.lines();
    let parameters: usize = lines.iter().map(|line| line.parameters).sum();
    let macs = lines.iter().fold(0u64, |sum, line| sum.saturating_add(line.macs));
    let unit = model.form.unit();
    let compared = side_by_side::compare(model, setting, story.timings, progress)?;
    let mut rates: Vec<(String, f64)> = (0..stages)
        .map(|i| (stage::key(&setting, i), story.timings.throughput(&stage::title(&setting, i)).unwrap_or(0.0)))
        .collect();
    rates.push(("infer".to_owned(), progress.timings().throughput("Evaluation").unwrap_or(0.0)));
    rates.retain(|rate| rate.1 > 0.0);
    let found = sections::Found { outcome: outcome.as_ref(), parts: parts.as_ref(), probed, compared: &compared };
    let mut said = sections::page(model, setting, story, found, progress.timings())?;
    let speeds: serde_json::Map<String, serde_json::Value> =
        rates.iter().map(|(name, rate)| (name.clone(), (*rate).into())).collect();
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
    if !compared.is_empty() {
        said.details.insert("stages".to_owned(), compared.iter().map(|it| it.json(unit)).collect());
    }
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let rate = |name: &str| rates.iter().find(|rate| rate.0 == name).map(|rate| format!("{:.0} {unit}/s", rate.1));
    let alone = |name: &str| rate(name).filter(|_| compared.is_empty());
    let score = |name: &str| outcome.as_ref().and_then(|it| it.scores().get(name)).copied();
    let mut rows = vec![
        ("layers, numbers learned", Some(format!("{}, {parameters}", lines.len()))),
        ("multiply-accumulates a sample", Some(macs.to_string())),
        ("without labels: k-NN on the embedding", probed.map(|probed| percent(probed.knn))),
        ("without labels: linear probe", probed.map(|probed| percent(probed.linear))),
        ("test accuracy", score("accuracy").map(percent)),
        ("test: mean absolute error", score("mae").map(number)),
        ("test: root mean squared error", score("rmse").map(number)),
        ("test: R²", score("r2").map(|r2| format!("{r2:.4}"))),
        ("test: share within the interval", score("interval_coverage").map(percent)),
        ("speed: learning without labels", rate("contrast").or_else(|| rate("reconstruct"))),
    ];
    for kind in ["supervise", "predictive-coding", "feedback-alignment"] {
        rows.push(("speed: learning", alone(kind)));
    }
    rows.push(("speed: inference", rate("infer")));
    rows.push(("time in all", Some(format!("{:.1} s", progress.timings().total()))));
    said.rows = rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let place = said.rows.len().saturating_sub(1);
    said.rows.splice(place..place, compared.iter().map(|it| it.row(unit)));
    said.subject = format!("a network of layers on {}, seed {}", page::data_name(&data.source), setting.config.seed);
    said.scores = outcome.map(|outcome| outcome.scores().clone()).unwrap_or_default();
    if let Some(parts) = &parts {
        parts.tell(&mut said);
    }
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
    model.ask().outputs(samples)
}
