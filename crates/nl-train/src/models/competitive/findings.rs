//! The test images, looked at once, and what each decoder makes of the responses.

use std::collections::BTreeMap;

use nl_data::Images;
use nl_encoding::decode::Decoder;
use nl_network::competitive::CompetitiveConfig;
use nl_random::Streams;
use serde_json::json;

use super::compete::LEARNING;
use super::config::CompetitiveStage;
use super::respond::{ALL_ACTIVITY, Eye, RESPONSES, Spikes, counts, respond, share};
use super::view::Order;
use super::{CompetitiveModel, sections};
use crate::run::{Findings, Opinion, Prediction, Progress, Setting, Story};
use crate::{Error, page};

/// Everything the page is made of.
pub(super) struct Outcome<'a> {
    pub(super) setting: Setting<'a, CompetitiveModel>,
    pub(super) story: Story<'a>,
    pub(super) scores: BTreeMap<String, f64>,
    /// Decisions on the test images by all activity.
    pub(super) decided: Vec<u8>,
    pub(super) spikes: Spikes,
    /// Presentations learned from.
    pub(super) learned: u64,
    /// Training images that the neurons were named by.
    pub(super) labelled: usize,
    /// Images a second, learning.
    pub(super) train: f64,
    /// Images a second, responding.
    pub(super) test: f64,
}

const NOT_NAMED: &str = "no neuron has a name yet: a stage `label` has to come first";

/// Decisions by decoder, the accuracy of each, and the responses.
type Told = (BTreeMap<String, Vec<u8>>, BTreeMap<String, f64>, Spikes);

/// What is said about `images`.
pub(super) fn told(
    model: &CompetitiveModel,
    setting: Setting<'_, CompetitiveModel>,
    images: &Images,
    progress: &mut Progress<'_>,
) -> Result<Told, Error> {
    let Some(decoders) = &model.decoders else { return Err(Error::config(NOT_NAMED)) };
    fits(model, images)?;
    let (streams, eye) = (Streams::new(setting.config.seed), Eye::new(&setting.config.model.input)?);
    let mut spikes = Spikes::with_capacity(images.len());
    progress.begin("Test", 0, images.len() as u64, "images");
    let indices: Vec<u32> = (0..images.len() as u32).collect();
    for part in indices.chunks(RESPONSES) {
        spikes.extend(respond(&model.network, &eye, &streams, "stdp/test", images, part)?);
        progress.step(spikes.len() as u64)?;
    }
    progress.end(Some(images.len() as u64));
    let decided = progress.timed("Decoding", |_| decoders.decide(&spikes))?;
    let scores = decided.iter().map(|(name, decided)| (name.clone(), share(decided, images.labels()))).collect();
    Ok((decided, scores, spikes))
}

fn fits(model: &CompetitiveModel, images: &Images) -> Result<(), Error> {
    let (inputs, area) = (model.network.config().inputs, images.area());
    if inputs == area {
        return Ok(());
    }
    Err(Error::config(format!("images of {area} pixels, but the network learned {inputs}")))
}

pub(super) fn findings(
    model: &CompetitiveModel,
    setting: Setting<'_, CompetitiveModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let data = setting.images()?;
    let CompetitiveConfig { neurons, rule, .. } = *model.network.config();
    let (mut decided, scores, spikes) = match &model.decoders {
        Some(_) => told(model, setting, &data.split.test, progress)?,
        None => (BTreeMap::new(), BTreeMap::new(), Vec::new()),
    };
    let decided = decided.remove(ALL_ACTIVITY).unwrap_or_default();
    let learn = data.learn.len() as u64;
    let (mut learned, mut labelled) = (0, 0);
    for stage in &setting.config.stages {
        match stage {
            CompetitiveStage::Compete(config) => learned += config.epochs * learn,
            CompetitiveStage::Label(config) => {
                labelled = config.images.unwrap_or(usize::MAX).min(data.split.train.len());
            }
        }
    }
    let seconds = |part: &str| progress.timings().seconds(part);
    let test = (labelled + spikes.len()) as f64 / (seconds("Label") + seconds("Test")).max(1e-9);
    let train = learned as f64 / seconds(LEARNING).max(1e-9);
    let outcome = Outcome { setting, story, scores, decided, spikes, learned, labelled, train, test };
    let order = model.decoders.as_ref().map(|decoders| Order::new(&decoders.all_activity));
    let mut said = sections::page(model, &outcome, order.as_ref())?;
    let details = json!({
        "neurons": neurons,
        "rule": rule.name(),
        "train_samples": learned,
        "label_samples": labelled,
        "test_samples": outcome.spikes.len(),
        "test_accuracy": outcome.scores,
        "samples_per_second": {"train": train, "test": test},
    });
    said.details = match details {
        serde_json::Value::Object(details) => details,
        _ => serde_json::Map::new(),
    };
    said.rows = outcome.rows(seconds(LEARNING), progress.timings().total());
    said.subject = format!(
        "{neurons} neurons on {}, {}, seed {}",
        page::data_name(&data.source),
        rule.name(),
        setting.config.seed
    );
    said.scores = outcome.scores;
    Ok(said)
}

impl Outcome<'_> {
    fn rows(&self, learning: f64, total: f64) -> Vec<(String, String)> {
        let percent = |name: &str| self.scores.get(name).map(|share| format!("{:6.2} %", 100.0 * share));
        let rows = [
            ("test images, all activity", percent(ALL_ACTIVITY)),
            ("test images, proportion weighting", percent("proportion")),
            ("test images, log-likelihood", percent("log_likelihood")),
            ("test images, bigrams", percent("bigram")),
            ("learned from (no labels)", Some(format!("{} images", self.learned))),
            ("neurons named by (training labels)", Some(format!("{} images", self.labelled))),
            ("speed: learning", Some(format!("{:6.0} images/s", self.train))),
            ("speed: responding", Some(format!("{:6.0} images/s", self.test))),
            ("time to learn", Some(format!("{learning:6.1} s"))),
            ("time in all", Some(format!("{total:6.1} s"))),
        ];
        rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// For each image the class of all activity, and the shares of the votes.
pub(super) fn predict(
    model: &CompetitiveModel,
    setting: Setting<'_, CompetitiveModel>,
    images: &Images,
) -> Result<Vec<Prediction>, Error> {
    let Some(decoders) = &model.decoders else { return Err(Error::config(NOT_NAMED)) };
    fits(model, images)?;
    let (streams, eye) = (Streams::new(setting.config.seed), Eye::new(&setting.config.model.input)?);
    let all: Vec<u32> = (0..images.len() as u32).collect();
    let spikes = respond(&model.network, &eye, &streams, "stdp/predict", images, &all)?;
    let decided = decoders.decide(&spikes)?;
    let responses = counts(model.network.config().neurons, &spikes)?;
    let classes = decoders.all_activity.classes();
    let names = page::class_names(&setting.images()?.source, classes);
    let name = |class: usize| page::class_name(&names, class).to_owned();
    let one = |(i, response): (usize, nl_encoding::decode::Response<'_>)| {
        let mut votes = vec![0.0; classes];
        decoders.all_activity.score(response, &mut votes);
        let sum: f64 = votes.iter().sum();
        let probabilities: Vec<f64> =
            votes.iter().map(|v| if sum > 0.0 { v / sum } else { 1.0 / classes as f64 }).collect();
        let class = decided.get(ALL_ACTIVITY).map_or(0, |decided| usize::from(decided[i]));
        let advisers =
            decided.iter().filter(|(decoder, _)| decoder.as_str() != ALL_ACTIVITY).map(|(decoder, decided)| {
                let class = usize::from(decided[i]);
                (decoder.clone(), Opinion { class, name: name(class), probability: probabilities[class] })
            });
        Prediction {
            class,
            name: name(class),
            advisers: advisers.collect(),
            probabilities,
            neighbours: Vec::new(),
            trust: None,
        }
    };
    Ok(responses.iter().enumerate().map(one).collect())
}
