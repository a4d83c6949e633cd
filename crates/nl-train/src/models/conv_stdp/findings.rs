//! The test images, looked at once.

use std::collections::BTreeMap;

use nl_data::Images;
use nl_network::conv_stdp::Activity;
use nl_neuron::SpikeTrain;
use rayon::prelude::*;
use serde_json::json;

use super::features::STDP;
use super::network::FEATURES;
use super::read_out::READ_OUT;
use super::reward::{REWARD, show};
use super::{ConvStdpModel, ROWS, sections};
use crate::metrics::{accuracy, argmax, labels, log_softmax};
use crate::run::{Findings, Prediction, Progress, Setting, Story};
use crate::{Error, data, page};

/// What the test showed.
pub(super) struct Outcome {
    /// Logits of the read-out, if there is one; and decisions.
    pub(super) logits: Vec<f32>,
    pub(super) decided: Vec<u32>,
    pub(super) scores: BTreeMap<String, f64>,
}

/// Features of `images`, and what the read-out and the rewarded layer say about them.
pub(super) fn decide(
    model: &ConvStdpModel,
    setting: Setting<'_, ConvStdpModel>,
    images: &Images,
    progress: &mut Progress<'_>,
) -> Result<Outcome, Error> {
    model.fits(images)?;
    let classes = setting.images()?.split.train.classes();
    let width = model.network.width();
    let mut rows = vec![0; images.len() * width];
    progress.begin(FEATURES, 0, images.len() as u64, "images");
    let all: Vec<u32> = (0..images.len() as u32).collect();
    let mut done = 0;
    for (samples, out) in all.chunks(ROWS).zip(rows.chunks_mut(ROWS * width)) {
        model.network.features_of(images, samples, out)?;
        done += samples.len();
        progress.step(done as u64)?;
    }
    progress.end(None);
    let truth = labels(images);
    let mut outcome = Outcome { logits: Vec::new(), decided: Vec::new(), scores: BTreeMap::new() };
    if model.read_out.is_learned() {
        outcome.logits = model.read_out.logits(&rows)?;
        outcome.decided = argmax(&outcome.logits, classes);
        outcome.scores.insert("linear".into(), accuracy(&outcome.decided, &truth).unwrap_or(0.0));
    }
    if let Some((layer, true)) = &model.reward {
        let size = layer.input().len();
        let decide = |(train, active, activity): &mut (SpikeTrain, Vec<u8>, Activity), (row, &label): (&[u8], &u32)| {
            show(row, size, train, active)?;
            Ok(usize::from(layer.decide(train, activity)? == Some(label)))
        };
        let right: Vec<usize> = rows
            .par_chunks_exact(width)
            .zip(&truth)
            .map_init(|| (SpikeTrain::new(size), Vec::new(), Activity::default()), decide)
            .collect::<Result<_, Error>>()?;
        outcome.scores.insert("reward".into(), right.iter().sum::<usize>() as f64 / truth.len().max(1) as f64);
    }
    Ok(outcome)
}

pub(super) fn findings(
    model: &ConvStdpModel,
    setting: Setting<'_, ConvStdpModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let data = setting.images()?;
    let outcome = decide(model, setting, &data.split.test, progress)?;
    let layers = &model.network.layers;
    let seconds = |part: &str| progress.timings().seconds(part);
    let stdp_samples: Vec<u64> = layers.iter().map(|stacked| stacked.layer.seen()).collect();
    let images = (data.labelled.len() + data.split.test.len()) as f64;
    let maps: Vec<usize> = layers.iter().map(|stacked| stacked.layer.config().maps).collect();
    let train = stdp_samples.iter().sum::<u64>() as f64 / seconds(STDP).max(1e-9);
    let features = images / seconds(FEATURES).max(1e-9);
    let details = json!({
        "maps": maps,
        "layers": layers.len(),
        "train_samples": data.learn.len(),
        "stdp_samples": stdp_samples,
        "convergence": layers.iter().map(|stacked| stacked.layer.convergence()).collect::<Vec<_>>(),
        "test_accuracy": outcome.scores,
        "samples_per_second": {"train": train, "features": features},
    });
    let list = |items: Vec<String>| items.join(" + ");
    let percent = |name: &str| outcome.scores.get(name).map(|share| format!("{:.2} %", 100.0 * share));
    let rows = [
        ("maps", Some(list(maps.iter().map(ToString::to_string).collect()))),
        ("images learned from, without labels", Some(list(stdp_samples.iter().map(ToString::to_string).collect()))),
        ("test accuracy, linear read-out", percent("linear")),
        ("test accuracy, reward-modulated layer", percent("reward")),
        ("speed: learning", Some(format!("{train:.0} images/s"))),
        ("speed: features", Some(format!("{features:.0} images/s"))),
        ("time: learning", Some(format!("{:.1} s", seconds(STDP)))),
        ("time: features", Some(format!("{:.1} s", seconds(FEATURES)))),
        ("time: read-out", Some(format!("{:.1} s", seconds(READ_OUT)))),
        ("time: reward", (seconds(REWARD) > 0.0).then(|| format!("{:.1} s", seconds(REWARD)))),
        ("time in all", Some(format!("{:.1} s", progress.timings().total()))),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let mut said = sections::page(model, setting, story, &outcome, progress.timings())?;
    said.details = match details {
        serde_json::Value::Object(details) => details,
        _ => serde_json::Map::new(),
    };
    said.rows = rows;
    said.subject = format!("maps by STDP on {}, seed {}", page::data_name(&data.source), setting.config.seed);
    said.scores = outcome.scores;
    Ok(said)
}

/// For each image the class and the probabilities of the read-out.
pub(super) fn predict(
    model: &ConvStdpModel,
    setting: Setting<'_, ConvStdpModel>,
    images: &Images,
) -> Result<Vec<Prediction>, Error> {
    model.fits(images)?;
    let classes = setting.images()?.split.train.classes();
    let names = page::class_names(&setting.images()?.source, classes);
    let mut rows = vec![0; images.len() * model.network.width()];
    let all: Vec<u32> = (0..images.len() as u32).collect();
    model.network.features_of(images, &all, &mut rows)?;
    let log_probs = log_softmax(&model.read_out.logits(&rows)?, classes);
    Ok(Prediction::of_rows(&log_probs, &names))
}

impl ConvStdpModel {
    fn fits(&self, images: &Images) -> Result<(), Error> {
        data::fits(images, "maps", self.network.size(), None)
    }
}
