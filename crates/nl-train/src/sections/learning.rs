//! How it learned: a group of curves for each stage.

use nl_data::{Augment, Corruption};
use nl_report::plots::{Line, LineStyle, Lines};
use nl_report::{Figure, Group, Section};

use crate::config::RunConfig;
use crate::curves::{EpochPoint, StageCurve};
use crate::state::Stage;

pub(super) fn section(config: &RunConfig, curves: &[StageCurve]) -> Section {
    let group = |(i, curve): (usize, &StageCurve)| Group {
        over: format!("Stage {}", i + 1),
        title: curve.name.clone(),
        text: curve.explanation.clone(),
        figures: figures(curve, &apart(config, &curve.name)),
    };
    Section {
        groups: curves.iter().enumerate().map(group).collect(),
        ..Section::new(
            "How it learned",
            "Learning",
            "The loss says how wrong the brain still is, on the images it trains on and on validation images it does not; \
             accuracy is the share recognised. The learning rate is how large a step each update may take: large steps \
             explore, small ones settle.",
        )
    }
}

/// Why the training loss of a stage lies above its validation loss: what they ask is not the same.
fn apart(config: &RunConfig, stage: &str) -> String {
    let distorted = |augment: &Augment| *augment != Augment::default();
    if stage == Stage::SelfSupervised.name() {
        let own = &config.self_supervised;
        if distorted(&own.augment) || own.corruption != Corruption::None {
            return "Training shows distorted images, validation shows them as they are, which is easier.".into();
        }
    } else if stage == Stage::Supervised.name() {
        let mut why = Vec::new();
        if distorted(&config.supervised.augment) {
            why.push("its images are distorted");
        }
        if config.supervised.label_smoothing > 0.0 {
            why.push("label smoothing forbids it to be entirely sure");
        }
        if !why.is_empty() {
            return format!("The training loss lies above the validation loss because {}.", why.join(" and "));
        }
    }
    String::new()
}

fn figures(stage: &StageCurve, apart: &str) -> Vec<Figure> {
    let losses: Vec<(f64, f64)> = stage.steps.iter().map(|step| (step.epoch, step.loss)).collect();
    let validation = |get: fn(&EpochPoint) -> Option<f64>| -> Vec<(f64, f64)> {
        stage.epochs.iter().filter_map(|epoch| Some((epoch.epoch, get(epoch)?))).collect()
    };
    let line = |name: &str, points, style, colour| Line { name: name.into(), points, style, colour: Some(colour) };
    let mut figures = Vec::new();
    let mut lines = Vec::new();
    if !losses.is_empty() {
        lines.push(line("", bins(&losses, 300), LineStyle::Faint, 0));
        lines.push(line("training", bins(&losses, 40), LineStyle::Solid, 0));
    }
    let held_back = validation(|epoch| epoch.validation_loss);
    if !held_back.is_empty() {
        lines.push(line("validation", held_back, LineStyle::Dots, 1));
    }
    if !lines.is_empty() {
        let values = lines.iter().flat_map(|line| &line.points).map(|p| p.1).filter(|v| *v > 0.0 && v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        // On a linear axis, what has fallen to an eighth lies on the ground.
        let log_y = high > 8.0 * low;
        let apart = if above(&lines) { apart } else { "" };
        figures.push(Figure::new("Loss", apart, Lines { lines, log_y, ..Lines::new("epochs", &stage.loss) }));
    }
    let accuracy: Vec<_> =
        validation(|epoch| epoch.validation_accuracy).into_iter().map(|(x, a)| (x, 100.0 * a)).collect();
    if !accuracy.is_empty() {
        let lines = vec![line("validation", accuracy, LineStyle::Dots, 1)];
        let plot = Lines { lines, ..Lines::new("epochs", "validation accuracy, %") };
        figures.push(Figure::new("Accuracy", "On images held back from training, at the end of each epoch.", plot));
    }
    let rates: Vec<(f64, f64)> = stage.steps.iter().map(|step| (step.epoch, step.learning_rate)).collect();
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
    use crate::Preset;
    use crate::curves::StepPoint;
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
        let step = |i: u32| StepPoint { epoch: f64::from(i) / 10.0, loss: 1.0 / f64::from(i + 1), learning_rate: 1e-3 };
        let curve = StageCurve {
            name: Stage::Supervised.name().into(),
            loss: "cross-entropy, nats".into(),
            explanation: "Why.".into(),
            steps: (0..20).map(step).collect(),
            epochs: vec![EpochPoint { epoch: 1.0, validation_loss: Some(0.008), validation_accuracy: Some(0.99) }],
        };
        let mut config = RunConfig::preset(Preset::Quick).unwrap();
        let figures = |config: &RunConfig| section(config, std::slice::from_ref(&curve)).groups[0].figures.clone();
        let shown = figures(&config);
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
        let other = StageCurve {
            epochs: vec![EpochPoint { epoch: 1.0, validation_loss: Some(3.0), validation_accuracy: None }],
            ..curve.clone()
        };
        assert_eq!(section(&config, &[other]).groups[0].figures[0].text, "");
        config.supervised.augment = Augment::default();
        assert_eq!(figures(&config)[0].text, "");
        let empty = StageCurve::default();
        assert!(super::figures(&empty, "").is_empty());
    }
}
