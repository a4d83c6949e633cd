//! What it decides: what is confused with what, how well it knows what it knows, and where it errs.

use nl_report::plots::{Card, Cards, LineStyle, Lines};
use nl_report::text::{count, percent};
use nl_report::{Figure, Section};

use super::{Decisions, SHOWN};
use crate::metrics::{ConfusionMatrix, ReliabilityBin, argmax, expected_calibration_error, log_softmax, reliability};
use crate::models::brain::findings::{Findings, View};
use crate::page::{self, picture};

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

pub(super) fn confusion(decisions: &Decisions<'_>) -> Section {
    let (truth, decided) = (decisions.truth.iter().copied(), decisions.decided.iter().copied());
    let matrix = ConfusionMatrix::of(decisions.names.len(), truth, decided);
    Section::new("What it confuses with what", "Confusion", "The test images by their true class and by the decision.")
        .figures(page::confusion(&matrix, &decisions.names))
}

/// Decisions sorted by how sure they were.
pub(super) fn bins(decisions: &Decisions<'_>) -> Vec<ReliabilityBin> {
    reliability(&decisions.confidence, &decisions.right, 15)
}

/// How often it is right when it is so sure.
pub(super) fn calibration(decisions: &Decisions<'_>) -> Section {
    let bins = bins(decisions);
    let Some(error) = expected_calibration_error(&bins) else { return Section::default() };
    let points: Vec<(f64, f64)> =
        bins.iter().filter(|bin| bin.count > 0).map(|bin| (100.0 * bin.confidence, 100.0 * bin.accuracy)).collect();
    let low = points.iter().map(|p| p.0.min(p.1)).fold(100.0, f64::min);
    let low = (low / 10.0).floor() * 10.0;
    let diagram = Lines { x_range: Some((low, 100.0)), ..Lines::new("confidence, %", "right, %") }
        .styled("as sure as right", vec![(low, low), (100.0, 100.0)], LineStyle::Dashed)
        .styled("measured", points, LineStyle::Dots);
    // Most dots are then far from most images.
    let sure = decisions.confidence.iter().filter(|&&p| p > 0.99).count();
    let few = if 2 * sure > decisions.confidence.len() {
        format!(" {} are more than 99 % sure, so that the other dots stand for few.", count(sure as u64, "image"))
    } else {
        String::new()
    };
    Section::new(
        "Does it know what it knows?",
        "Reliability",
        format!(
            "Decisions are sorted by how sure they were into 15 bins; of each, the share that was right. Dots below the dashed \
             line are too sure, dots above it not sure enough. The gap, weighed by the number of images in each bin, is {}.{few}",
            percent(error, 2)
        ),
    )
    .figure(Figure::new("Reliability", "", diagram))
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
    use nl_report::Plot;

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
    fn reliability_is_drawn_as_it_was_measured() {
        let section = calibration(&decisions([0.995, 0.55, 0.995, 0.995]));
        let Plot::Lines(lines) = &section.figures[0].plot else { panic!("no lines") };
        let points = &lines.lines[1].points;
        assert_eq!(points.len(), 2);
        assert!((points[0].0 - 55.0).abs() < 1e-4 && points[0].1 == 0.0 && points[1].1 == 100.0, "{points:?}");
        assert_eq!(lines.x_range, Some((0.0, 100.0)));
        // A quarter of the images is 55 % too sure, the others half a percent not sure enough.
        assert!(section.text.contains("is 14.1") && section.text.contains("3 images are more than 99 % sure"));
        assert!(!calibration(&decisions([0.6; 4])).text.contains("99 %"));
    }

    #[test]
    fn what_was_confused_is_named() {
        let section = confusion(&decisions([0.9; 4]));
        let Plot::Confusion(plot) = &section.figures[0].plot else { panic!("no matrix") };
        assert_eq!(plot.counts, [[1, 1], [0, 2]]);
        assert_eq!(verdict(&decisions([0.9; 4]), 1), "cat taken for dog");
    }
}
