//! What each stage that learns what the last one does left, in one table.

use nl_data::Samples;
use nl_layers::loss::LossKind;
use nl_random::Streams;
use nl_report::plots::{Cell, Table};
use nl_report::text::{duration, number, thousands};
use nl_report::{Figure, Section};
use serde_json::{Value, json};

use super::aim::{Aim, labels, truth};
use super::findings::{TEST, in_pieces};
use super::supervise::Ask;
use super::{LayersModel, LayersStage, stage, values};
use crate::Error;
use crate::metrics::{accuracy, argmax};
use crate::page;
use crate::run::{Progress, Setting, Stage as _, Timings};

/// How well a stage did.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Score {
    /// Share of the test samples whose class is named rightly.
    Accuracy(f64),
    /// Mean absolute error of the values of the test samples, in their own unit.
    Error(f64),
}

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compared {
    /// Its place, from 1.
    stage: usize,
    /// `feedback-alignment`
    kind: &'static str,
    /// As shown to people.
    title: String,
    /// What it left, on the test samples.
    score: Score,
    /// Wall time of its learning.
    seconds: f64,
    /// Samples learned from in a second.
    speed: f64,
}

impl Compared {
    /// For the summary; samples are called `unit`.
    pub(super) fn json(&self, unit: &str) -> Value {
        let Self { stage, kind, title, score, seconds, speed } = self;
        let (name, score) = match score {
            Score::Accuracy(share) => ("accuracy", share),
            Score::Error(error) => ("mae", error),
        };
        json!({
            "stage": stage,
            "kind": kind,
            "title": title,
            (name): score,
            "seconds": seconds,
            (format!("{unit}_per_second")): speed,
        })
    }

    /// A row of the table that is printed.
    pub(super) fn row(&self, unit: &str) -> (String, String) {
        let Self { stage, title, seconds, speed, .. } = self;
        let (name, score) = match self.score {
            Score::Accuracy(share) => ("test accuracy", format!("{:.2} %", 100.0 * share)),
            Score::Error(error) => ("mean absolute error", number(error)),
        };
        let of = format!("stage {stage}, {}: {name}, time, speed", title.to_lowercase());
        (of, format!("{score}, {seconds:.1} s, {speed:.0} {unit}/s"))
    }
}

/// Every stage with labels that learns the same as the last of them, if there is more than one.
pub(super) fn compare(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    timings: &Timings,
    progress: &mut Progress<'_>,
) -> Result<Vec<Compared>, Error> {
    let Some(aim) = &model.aim else { return Ok(Vec::new()) };
    let stages = &setting.config.stages;
    if stages.iter().filter(|of| same(of, aim).is_some()).count() < 2 {
        return Ok(Vec::new());
    }
    let test = aim.set(&setting.dataset()?.split.test, &Streams::new(setting.config.seed), TEST)?;
    progress.timed("Side by side", |progress| {
        let mut rows = Vec::new();
        for (i, (of, left)) in stages.iter().zip(&model.left).enumerate() {
            let Some(loss) = same(of, aim) else { continue };
            let episodes = model.recall_by(left, setting.dataset()?)?;
            let score =
                score(&model.ask_with(left).reading(episodes.as_ref()), (aim, loss), &test, &mut || progress.check())?;
            let title = stage::title(&setting, i);
            rows.push(Compared {
                stage: i + 1,
                kind: of.kind(),
                score,
                seconds: timings.seconds(&title),
                speed: timings.throughput(&title).unwrap_or(0.0),
                title,
            });
        }
        Ok(rows)
    })
}

/// The loss of a stage that learns what `aim` says.
fn same<'s>(of: &'s LayersStage, aim: &Aim) -> Option<&'s LossKind> {
    of.loss().filter(|_| of.degrees() == aim.degrees)
}

fn score(
    ask: &Ask<'_>,
    (aim, loss): (&Aim, &LossKind),
    test: &Samples,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Score, Error> {
    let outputs = in_pieces(test, ask.network.outputs(), |piece| ask.outputs(piece), &mut |_| check())?;
    if aim.values() > 0 {
        let (said, _) = aim.estimates(loss, &outputs)?;
        return Ok(Score::Error(values::scores(&said, truth(test)?, aim.values())?.mae));
    }
    let named = argmax(&aim.log_probabilities(loss, &outputs)?, aim.names.len());
    Ok(Score::Accuracy(accuracy(&named, labels(test)?).unwrap_or(0.0)))
}

/// The table of the page; there are so many test samples, which are called so.
pub(super) fn section(compared: &[Compared], (test, unit): (u64, &str)) -> Option<Section> {
    let speed = format!("{unit} a second");
    let mut table = match compared.first()?.score {
        Score::Accuracy(_) => Table::new(&["stage", "kind", "test accuracy", "95 % interval", "time", &speed]),
        Score::Error(_) => Table::new(&["stage", "kind", "mean absolute error", "time", &speed]),
    };
    for it in compared {
        let mut row = vec![format!("{}: {}", it.stage, it.title).into(), it.kind.into()];
        match it.score {
            Score::Accuracy(share) => {
                row.push(Cell::Share(share));
                row.push(page::interval((share * test as f64).round() as u64, test).into());
            }
            Score::Error(error) => row.push(Cell::number(number(error))),
        }
        row.push(Cell::number(duration(it.seconds)));
        row.push(Cell::number(thousands(it.speed.round() as u64)));
        table = table.row(row);
    }
    let text = format!(
        "What each stage with labels left, on the same test {unit}. A stage that does not begin afresh goes on from what the one \
         before it left."
    );
    Some(Section::new("Side by side", "Side by side", &text).figure(Figure::new("Stages", "", table)))
}
