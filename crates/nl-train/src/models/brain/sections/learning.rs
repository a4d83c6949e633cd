//! How it learned: a group of curves for each stage.

use nl_data::{Augment, Corruption};
use nl_report::plots::{Line, LineStyle, Lines};
use nl_report::{Figure, Group, Section};

use crate::models::brain::config::BrainStage;
use crate::models::brain::findings::View;
use crate::models::brain::objective::ReconstructionLoss;
use crate::models::brain::stages::{CLASSIFY, RECONSTRUCT};
use crate::run::StageHistory;

pub(super) fn section(run: &View<'_>) -> Section {
    let group = |(i, stage): (usize, &BrainStage)| {
        let words = words(stage)?;
        let figures = figures(run.story.history.of(i)?, words.loss, &apart(stage));
        let (over, title, text) = (format!("Stage {}", i + 1), words.title.into(), words.text.into());
        (!figures.is_empty()).then_some(Group { over, title, text, figures })
    };
    Section {
        groups: run.stages.iter().enumerate().filter_map(group).collect(),
        ..Section::new(
            "How it learned",
            "Learning",
            "The loss says how wrong the brain still is, on the images it trains on and on validation images it does not; \
             accuracy is the share recognised. The learning rate is how large a step each update may take: large steps \
             explore, small ones settle.",
        )
    }
}

struct Words {
    title: &'static str,
    /// One sentence on what is learned.
    text: &'static str,
    /// The loss, with its unit.
    loss: &'static str,
}

/// What is said of a stage that has curves.
fn words(stage: &BrainStage) -> Option<Words> {
    Some(match stage {
        BrainStage::Reconstruct(config) => Words {
            title: RECONSTRUCT,
            text: "No label is used: from the embedding, the cerebellum has to draw the image again.",
            loss: match config.loss {
                ReconstructionLoss::Mse => "mean squared error of a pixel",
                ReconstructionLoss::Bce => "cross-entropy of a pixel, nats",
            },
        },
        BrainStage::Classify(_) => Words {
            title: CLASSIFY,
            text: "Now with labels: the prefrontal cortex learns to name the class, and the cortex below it to help.",
            loss: "cross-entropy, nats",
        },
        BrainStage::Remember(_) | BrainStage::Trust(_) => return None,
    })
}

/// Why the training loss of a stage lies above its validation loss: what they ask is not the same.
fn apart(stage: &BrainStage) -> String {
    let distorted = |augment: &Augment| *augment != Augment::default();
    match stage {
        BrainStage::Reconstruct(own) if distorted(&own.augment) || own.corruption != Corruption::None => {
            "Training shows distorted images, validation shows them as they are, which is easier.".into()
        }
        BrainStage::Classify(own) => {
            let mut why = Vec::new();
            if distorted(&own.augment) {
                why.push("its images are distorted");
            }
            if own.label_smoothing > 0.0 {
                why.push("label smoothing forbids it to be entirely sure");
            }
            if why.is_empty() {
                return String::new();
            }
            format!("The training loss lies above the validation loss because {}.", why.join(" and "))
        }
        _ => String::new(),
    }
}

fn figures(stage: &StageHistory, loss: &str, apart: &str) -> Vec<Figure> {
    let losses = stage.curve("loss");
    let line = |name: &str, points, style, colour| Line { name: name.into(), points, style, colour: Some(colour) };
    let mut figures = Vec::new();
    let mut lines = Vec::new();
    if !losses.is_empty() {
        lines.push(line("", bins(&losses, 300), LineStyle::Faint, 0));
        lines.push(line("training", bins(&losses, 40), LineStyle::Solid, 0));
    }
    let held_back = stage.curve("validation_loss");
    if !held_back.is_empty() {
        lines.push(line("validation", held_back, LineStyle::Dots, 1));
    }
    if !lines.is_empty() {
        let values = lines.iter().flat_map(|line| &line.points).map(|p| p.1).filter(|v| *v > 0.0 && v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        // On a linear axis, what has fallen to an eighth lies on the ground.
        let log_y = high > 8.0 * low;
        let apart = if above(&lines) { apart } else { "" };
        figures.push(Figure::new("Loss", apart, Lines { lines, log_y, ..Lines::new("epochs", loss) }));
    }
    let accuracy: Vec<_> = stage.curve("validation_accuracy").into_iter().map(|(x, a)| (x, 100.0 * a)).collect();
    if !accuracy.is_empty() {
        let lines = vec![line("validation", accuracy, LineStyle::Dots, 1)];
        let plot = Lines { lines, ..Lines::new("epochs", "validation accuracy, %") };
        figures.push(Figure::new("Accuracy", "On images held back from training, at the end of each epoch.", plot));
    }
    let rates = stage.curve("learning_rate");
    if !rates.is_empty() {
        let lines = vec![line("learning rate", thin(&rates, 300), LineStyle::Solid, 2)];
        let plot = Lines { lines, from_zero: true, ..Lines::new("epochs", "learning rate") };
        figures.push(Figure::new("Learning rate", "The size of a step.", plot));
    }
    figures
}

/// Whether training ends above validation.
fn above(lines: &[Line]) -> bool {
    let last = |name: &str| Some(lines.iter().find(|line| line.name == name)?.points.last()?.1);
    last("training").zip(last("validation")).is_some_and(|(training, validation)| training > validation)
}

/// Means over at most `count` equal runs of points.
fn bins(points: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(count).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let n = chunk.len() as f64;
        (chunk.iter().map(|p| p.0).sum::<f64>() / n, chunk.iter().map(|p| p.1).sum::<f64>() / n)
    };
    points.chunks(size).map(mean).collect()
}

/// At most about `count` of the points, the last among them.
fn thin(points: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(count).max(1);
    let last = points.last().filter(|_| !points.len().saturating_sub(1).is_multiple_of(step));
    points.iter().step_by(step).chain(last).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Record;
    use nl_report::{Draw, Plot};

    #[test]
    fn thinning_keeps_means_and_ends() {
        let points: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), f64::from(i))).collect();
        assert_eq!(bins(&points, 5), [(0.5, 0.5), (2.5, 2.5), (4.5, 4.5), (6.5, 6.5), (8.5, 8.5)]);
        assert_eq!(thin(&points, 3), [(0.0, 0.0), (4.0, 4.0), (8.0, 8.0), (9.0, 9.0)]);
        assert_eq!(thin(&points, 100), points);
        assert!(bins(&[], 5).is_empty() && thin(&[], 5).is_empty());
    }

    #[test]
    fn a_stage_has_its_curves_and_a_word_on_why_they_part() {
        let record = |at: f64, measures: &[(&str, f64)]| Record {
            at,
            measures: measures.iter().map(|m| (m.0.to_owned(), m.1)).collect(),
        };
        let step = |i: u32| record(f64::from(i) / 10.0, &[("loss", 1.0 / f64::from(i + 1)), ("learning_rate", 1e-3)]);
        let mut records: Vec<Record> = (0..20).map(step).collect();
        records.push(record(1.0, &[("validation_loss", 0.008), ("validation_accuracy", 0.99)]));
        let curve = StageHistory { stage: 0, records };
        let yaml = "{kind: classify, augment: {shift: 3}, learn: {epochs: 1, batch: 8, optimizer: {algorithm: {kind: adam}, \
                    schedule: {kind: cosine, rate: 0.003}}}}";
        let stage: BrainStage = serde_saphyr::from_str(yaml).unwrap();
        let why = apart(&stage);
        let shown = figures(&curve, words(&stage).unwrap().loss, &why);
        let titles: Vec<&str> = shown.iter().map(|figure| figure.title.as_str()).collect();
        assert_eq!(titles, ["Loss", "Accuracy", "Learning rate"]);
        assert!(
            shown[0].text.contains("above the validation loss because its images are distorted"),
            "{}",
            shown[0].text
        );
        let Plot::Lines(lines) = &shown[0].plot else { panic!("no lines") };
        assert!(lines.log_y && lines.lines[2].points == [(1.0, 0.008)]);
        assert!(shown.iter().all(|figure| figure.plot.draw("t").unwrap().notes.is_empty()));
        // Nothing is explained that is not to be seen.
        let mut other = curve.clone();
        other.records[20] = record(1.0, &[("validation_loss", 3.0)]);
        assert_eq!(figures(&other, "", &why)[0].text, "");
        let plain: BrainStage = serde_saphyr::from_str(&yaml.replace("shift: 3", "shift: 0")).unwrap();
        assert_eq!(apart(&plain), "");
        assert!(figures(&StageHistory::default(), "", "").is_empty());
    }
}
