//! What it decides: what is confused with what, how well it knows what it knows, and where it errs.

use nl_report::plots::{Card, Cards, Cell, Table};
use nl_report::text::{count, percent};
use nl_report::{Figure, Section};

use super::{Decisions, SHOWN};
use crate::evaluate::{Recognition, Tempered, figures};
use crate::metrics::{argmax, log_softmax};
use crate::models::brain::findings::{Findings, View};
use crate::page::{self, picture};
use crate::run::score_text;

/// What cortex and memory each said about an image.
pub(super) struct Opinions {
    classes: usize,
    /// Log-probabilities.
    cortex: Vec<f32>,
}

impl Opinions {
    pub(super) fn new(findings: &Findings, classes: usize) -> Self {
        Self { classes, cortex: log_softmax(&findings.evidence.logits, classes) }
    }

    fn best(&self, rows: &[f32], image: usize) -> (u32, f64) {
        let row = &rows[image * self.classes..][..self.classes];
        let class = argmax(row, self.classes)[0];
        (class, f64::from(row[class as usize]).exp())
    }

    /// The cortex's class and its probability.
    pub(super) fn cortex(&self, image: usize) -> (u32, f64) {
        self.best(&self.cortex, image)
    }

    /// The memory's class and its probability, if there is a memory.
    pub(super) fn memory(&self, findings: &Findings, image: usize) -> Option<(u32, f64)> {
        findings.recall.as_ref().map(|_| self.best(&findings.evidence.memory, image))
    }
}

/// An image with what was said about it.
pub(super) fn card(
    run: &View<'_>,
    findings: &Findings,
    decisions: &Decisions<'_>,
    opinions: &Opinions,
    i: usize,
    title: String,
) -> Card {
    let opinion = |(class, p): (u32, f64)| format!("{} ({})", decisions.name(class), percent(p, 0));
    let mut facts = vec![
        ("confidence".into(), percent(f64::from(decisions.confidence[i]), 0)),
        ("cortex".into(), opinion(opinions.cortex(i))),
    ];
    if let Some(memory) = opinions.memory(findings, i) {
        facts.push(("memory".into(), opinion(memory)));
        facts.push(("trust".into(), format!("{:.2}", findings.decided.trust[i])));
    }
    Card { picture: picture(&run.data.split.test, i), title, facts }
}

/// `"4 taken for 9"`.
pub(super) fn verdict(decisions: &Decisions<'_>, i: usize) -> String {
    page::verdict(&decisions.names, decisions.truth[i] as usize, decisions.decided[i] as usize)
}

pub(super) fn confusion(findings: &Findings, decisions: &Decisions<'_>) -> Section {
    let found = &findings.recognised.mixed;
    Section::new("What it confuses with what", "Confusion", "The test images by their true class and by the decision.")
        .figures(page::confused(&found.confusion, &decisions.names))
        .figure(figures::classes(&found.report, &decisions.names))
        .figure(guesses(findings))
}

/// All scores of cortex, memory and mixture side by side.
fn guesses(findings: &Findings) -> Figure {
    let mut table = Table::new(&["score", "mixed", "cortex", "memory"]);
    let all: Vec<(&str, &Recognition)> = findings.recognised.iter().collect();
    for name in findings.recognised.cortex.scores.keys() {
        let score = |who: &str| {
            let value = all.iter().find(|it| it.0 == who).and_then(|it| it.1.scores.get(name));
            Cell::number(value.map_or_else(|| "–".to_owned(), |&value| score_text(name, value).trim().to_owned()))
        };
        table = table.row([name.replace('_', " ").into(), score("mixed"), score("cortex"), score("memory")]);
    }
    let text = "Of the cortex alone, of the memory alone, and of what is decided. The likelihood is in nats an image, the \
                smaller the better.";
    Figure::new("All scores", text, table)
}

/// How often it is right when it is so sure.
pub(super) fn calibration(findings: &Findings, decisions: &Decisions<'_>) -> Section {
    // Most dots are then far from most images.
    let sure = decisions.confidence.iter().filter(|&&p| p > 0.99).count();
    let few = if 2 * sure > decisions.confidence.len() {
        format!(" {} are more than 99 % sure, so that the other dots stand for few.", count(sure as u64, "image"))
    } else {
        String::new()
    };
    let text = format!("Of the decisions that are nine tenths sure, nine tenths should be right.{few}");
    let mut section = Section::new("Does it know what it knows?", "Reliability", text);
    for (name, found) in findings.recognised.iter() {
        let figure = figures::reliability(&found.calibration);
        section.figures.push(Figure { title: format!("{}: {name}", figure.title), ..figure });
    }
    section = section.figure(figures::confidence(&findings.recognised.mixed.calibration));
    if !findings.tempered.is_empty() {
        let all: Vec<(&str, &Tempered)> = findings.tempered.iter().map(|(name, it)| (*name, it)).collect();
        section = section.figure(Tempered::figure(&all));
    }
    section
}

/// What is left without each region.
pub(super) fn ablation(findings: &Findings) -> Section {
    let Some(ablation) = &findings.ablation else { return Section::default() };
    let text = "One region at a time is cut out of the trained brain, and nothing learns anew. What another region can stand in \
                for costs little: the results do not add up. The gains of the thalamus at their mean are a thalamus that does \
                not attend; memories stay those of the whole brain.";
    Section::new("What each region adds", "Ablation", text).figure(ablation.figure())
}

/// Wrong decisions, the most confident first.
pub(super) fn mistakes(run: &View<'_>, findings: &Findings, decisions: &Decisions<'_>) -> Section {
    let mut wrong: Vec<usize> = (0..decisions.truth.len()).filter(|&i| !decisions.right[i]).collect();
    if wrong.is_empty() {
        return Section::default();
    }
    wrong.sort_by(|&a, &b| decisions.confidence[b].total_cmp(&decisions.confidence[a]));
    let opinions = Opinions::new(findings, decisions.names.len());
    let shown = wrong.iter().take(SHOWN + 4);
    let cards = shown.map(|&i| card(run, findings, decisions, &opinions, i, verdict(decisions, i))).collect();
    Section::new(
        "Its worst mistakes",
        "Mistakes",
        "The images it was surest about and wrong. Would you have decided otherwise? Trust is the weight given to memory.",
    )
    .figure(Figure::new("", "", Cards { cards }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(confidence: [f32; 4]) -> Decisions<'static> {
        Decisions {
            truth: &[0, 0, 1, 1],
            decided: vec![0, 1, 1, 1],
            confidence: confidence.to_vec(),
            right: vec![true, false, true, true],
            names: vec!["cat".into(), "dog".into()],
        }
    }

    #[test]
    fn what_was_confused_is_named() {
        assert_eq!(verdict(&decisions([0.9; 4]), 1), "cat taken for dog");
    }
}
