//! What each stage that learns classes left, in one table.

use nl_report::plots::{Cell, Table};
use nl_report::text::{duration, thousands};
use nl_report::{Figure, Section};
use serde_json::{Value, json};

use super::findings::PIECE;
use super::supervise::{log_probabilities, outputs};
use super::{LayersModel, stage};
use crate::Error;
use crate::metrics::{accuracy, argmax, labels};
use crate::page;
use crate::run::{Progress, Setting, Stage as _, Timings};

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compared {
    /// Its place, from 1.
    stage: usize,
    /// `feedback-alignment`
    kind: &'static str,
    /// As shown to people.
    title: String,
    /// Share of the test images that what it left names rightly.
    accuracy: f64,
    /// Wall time of its learning.
    seconds: f64,
    /// Images learned from in a second.
    images_per_second: f64,
}

impl Compared {
    /// For the summary.
    pub(super) fn json(&self) -> Value {
        let Self { stage, kind, title, accuracy, seconds, images_per_second } = self;
        json!({
            "stage": stage,
            "kind": kind,
            "title": title,
            "accuracy": accuracy,
            "seconds": seconds,
            "images_per_second": images_per_second,
        })
    }

    /// A row of the table that is printed.
    pub(super) fn row(&self) -> (String, String) {
        let Self { stage, title, accuracy, seconds, images_per_second, .. } = self;
        let of = format!("stage {stage}, {}: test accuracy, time, speed", title.to_lowercase());
        (of, format!("{:.2} %, {seconds:.1} s, {images_per_second:.0} images/s", 100.0 * accuracy))
    }
}

/// Every stage that learns classes, if there is more than one of them.
pub(super) fn compare(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    timings: &Timings,
    progress: &mut Progress<'_>,
) -> Result<Vec<Compared>, Error> {
    let stages = &setting.config.stages;
    if stages.iter().filter(|stage| stage.loss().is_some()).count() < 2 {
        return Ok(Vec::new());
    }
    let test = &setting.images()?.split.test;
    let (classes, truth) = (setting.images()?.split.train.classes(), labels(test));
    let all: Vec<u32> = (0..test.len() as u32).collect();
    progress.timed("Side by side", |progress| {
        let mut rows = Vec::new();
        for (i, (of, left)) in stages.iter().zip(&model.left).enumerate() {
            let Some(loss) = of.loss() else { continue };
            let mut named = Vec::with_capacity(test.len());
            for samples in all.chunks(PIECE) {
                let outputs = outputs(&model.network, left, &test.select(samples))?;
                named.extend(argmax(&log_probabilities(loss, &outputs, classes)?, classes));
                progress.check()?;
            }
            let title = stage::title(&setting, i);
            rows.push(Compared {
                stage: i + 1,
                kind: of.kind(),
                accuracy: accuracy(&named, &truth).unwrap_or(0.0),
                seconds: timings.seconds(&title),
                images_per_second: timings.throughput(&title).unwrap_or(0.0),
                title,
            });
        }
        Ok(rows)
    })
}

/// The table of the page.
pub(super) fn section(compared: &[Compared], test: u64) -> Option<Section> {
    if compared.is_empty() {
        return None;
    }
    let mut table = Table::new(&["stage", "kind", "test accuracy", "95 % interval", "time", "images a second"]);
    for it in compared {
        table = table.row([
            format!("{}: {}", it.stage, it.title).into(),
            it.kind.into(),
            Cell::Share(it.accuracy),
            page::interval((it.accuracy * test as f64).round() as u64, test).into(),
            Cell::number(duration(it.seconds)),
            Cell::number(thousands(it.images_per_second.round() as u64)),
        ]);
    }
    let text = "What each stage with labels left, on the same test images. A stage that does not begin afresh goes on from what \
                the one before it left.";
    Some(Section::new("Side by side", "Side by side", text).figure(Figure::new("Stages", "", table)))
}
