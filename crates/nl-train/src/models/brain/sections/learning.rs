//! How it learned: a group of curves for each stage.

use nl_data::{Augment, Corruption};
use nl_report::{Group, Section};

use crate::models::brain::config::BrainStage;
use crate::models::brain::findings::View;
use crate::models::brain::objective::ReconstructionLoss;
use crate::models::brain::stages::{CLASSIFY, RECONSTRUCT};
use crate::page::curves::figures;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Record, StageHistory};
    use nl_report::{Draw, Plot};

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
