//! Scores as figures of a page.

use nl_report::plots::{BarGroup, Bars, Cell, Line, LineStyle, Lines, Strip, StripItem, Table};
use nl_report::text::{number, percent, thousands};
use nl_report::{Figure, Picture};

use super::{Calibration, ClassReport, QuantileScore, RobustnessTable, Scores};

/// How often decisions are right that are so sure: a dot a bin, beside the line on which both agree.
///
/// ```
/// use nl_train::evaluate::{Calibration, figures};
/// let calibration = Calibration::of(&[0.9, 0.1, 0.6, 0.4], 2, &[0, 1], 15)?;
/// assert!(figures::reliability(&calibration).text.contains("35.00"));
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn reliability(calibration: &Calibration) -> Figure {
    let filled = calibration.bins.iter().filter(|bin| bin.count > 0);
    let points: Vec<(f64, f64)> = filled.map(|bin| (100.0 * bin.confidence, 100.0 * bin.accuracy)).collect();
    let low = points.iter().map(|p| p.0.min(p.1)).fold(100.0, f64::min);
    let low = (low / 10.0).floor() * 10.0;
    let diagram = Lines { x_range: Some((low, 100.0)), ..Lines::new("confidence, %", "right, %") }
        .styled("as sure as right", vec![(low, low), (100.0, 100.0)], LineStyle::Dashed)
        .styled("measured", points, LineStyle::Dots);
    let text = format!(
        "Decisions in {} bins of how sure they were; of each, the share that was right. Dots below the dashed line are too \
         sure. The gap, weighed by the number of decisions in each bin, is {} (expected calibration error), at most {}.",
        calibration.bins.len(),
        percent(calibration.ece, 2),
        percent(calibration.mce, 2)
    );
    Figure::new("Reliability", text, diagram)
}

/// How sure decisions were: how many are in each bin.
#[must_use]
pub fn confidence(calibration: &Calibration) -> Figure {
    let width = 100.0 / calibration.bins.len().max(1) as f64;
    let bar = |(b, bin): (usize, &crate::ReliabilityBin)| (b as f64 * width, bin.count as f64);
    let bars = calibration.bins.iter().enumerate().map(bar).collect();
    let groups = vec![BarGroup { name: String::new(), bars }];
    let plot = Bars { x: "confidence, %".into(), y: "decisions".into(), width, groups, left_out: 0 };
    Figure::new("How sure", "Decisions by the probability of the class that was chosen.", plot)
}

/// Precision, recall and F1 of each class, and their means; `names` beyond the classes are left out, missing ones numbered.
///
/// ```
/// use nl_train::ConfusionMatrix;
/// use nl_train::evaluate::{ClassReport, ZeroDivision, figures};
/// use nl_train::report::Plot;
/// let report = ClassReport::of(&ConfusionMatrix::of(2, [0_u32, 1], [0_u32, 1]), ZeroDivision::LeaveOut)?;
/// let Plot::Table(table) = figures::classes(&report, &["cat".into(), "dog".into()]).plot else { panic!() };
/// assert_eq!(table.rows.len(), 2 + 3);
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn classes(report: &ClassReport, names: &[String]) -> Figure {
    let share = |value: Option<f64>| Cell::number(value.map_or_else(|| "–".to_owned(), |v| percent(v, 2)));
    let total = report.support.iter().sum();
    let row = |name: &str, samples: u64, scores: &Scores| {
        let [precision, recall, f1] = [scores.precision, scores.recall, scores.f1].map(share);
        [name.into(), Cell::number(thousands(samples)), precision, recall, f1]
    };
    let mut table = Table::new(&["class", "samples", "precision", "recall", "F1"]);
    for (class, (scores, &support)) in report.classes.iter().zip(&report.support).enumerate() {
        let name = names.get(class).cloned().unwrap_or_else(|| class.to_string());
        table = table.row(row(&name, support, scores));
    }
    for (name, scores) in [
        ("mean over classes", &report.macro_mean),
        ("mean, weighted by samples", &report.weighted_mean),
        ("all decisions together", &report.micro_mean),
    ] {
        table = table.row(row(name, total, scores));
    }
    let text = "Precision: how often a decision for this class is right. Recall: how much of this class is found. F1: their \
                harmonic mean.";
    Figure::new("By class", text, table)
}

/// The score under each perturbation, over its severity; `score` is the name of the axis, with unit: `"right, %"`.
///
/// ```
/// use nl_train::evaluate::{Perturbation, RobustnessCurve, RobustnessTable, figures};
/// let scores = vec![(0, 0.9), (1, 0.5)];
/// let curves = vec![RobustnessCurve { perturbation: Perturbation::Blur, scores }];
/// let figure = figures::robustness(&RobustnessTable { clean: 0.9, curves }, "right");
/// assert_eq!(figure.title, "Robustness");
/// ```
#[must_use]
pub fn robustness(table: &RobustnessTable, score: &str) -> Figure {
    let line = |curve: &super::RobustnessCurve| Line {
        name: curve.perturbation.name().replace('-', " "),
        points: curve.scores.iter().map(|&(severity, score)| (f64::from(severity), score)).collect(),
        style: LineStyle::Dots,
        colour: None,
    };
    let lines = table.curves.iter().map(line).collect();
    let mean = table.mean().map(|mean| format!(" The mean over all of them is {}.", number(mean))).unwrap_or_default();
    let text = format!(
        "The same images, spoilt more and more; severity 0 is the images as they are, with {}.{mean}",
        number(table.clean)
    );
    Figure::new("Robustness", text, Lines { lines, ..Lines::new("severity", score) })
}

/// The share of truths below each predicted quantile, beside the line on which it is what was asked for.
///
/// ```
/// let scores = nl_train::evaluate::quantile_scores(&[1.0, 3.0], &[0.1, 0.9], &[2.0])?;
/// assert_eq!(nl_train::evaluate::figures::quantiles(&scores).title, "Coverage");
/// # Ok::<(), nl_train::evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn quantiles(scores: &[QuantileScore]) -> Figure {
    let mut points: Vec<(f64, f64)> = scores.iter().map(|s| (100.0 * s.level, 100.0 * s.coverage)).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let diagram = Lines { x_range: Some((0.0, 100.0)), ..Lines::new("quantile, %", "truths not above it, %") }
        .styled("as promised", vec![(0.0, 0.0), (100.0, 100.0)], LineStyle::Dashed)
        .styled("measured", points, LineStyle::Dots);
    let text = "Of each predicted quantile, the share of truths that are not above it. Dots below the dashed line: the truth \
                is above too often.";
    Figure::new("Coverage", text, diagram)
}

/// An image beside what its score hangs on: white pixels speak for it, black ones against, grey ones do not matter.
///
/// ```
/// use nl_train::evaluate::figures::saliency;
/// use nl_train::report::{Picture, plots::Draw};
/// let image = Picture::from_unit(2, 1, &[0.0, 1.0]);
/// assert!(saliency(image, &[-0.5, 0.25], "a bar").plot.draw("map").is_ok());
/// ```
#[must_use]
pub fn saliency(image: Picture, map: &[f32], caption: &str) -> Figure {
    let scale = map.iter().filter(|v| v.is_finite()).fold(0.0_f32, |most, v| most.max(v.abs()));
    let shown = Picture::signed(image.width, image.height, map, scale);
    let item = StripItem { pictures: vec![image, shown], caption: caption.to_owned() };
    let text = format!(
        "Below each image, how much the score falls where it is covered: white by {} and more, grey not at all, black rises.",
        number(scale.into())
    );
    Figure::new("What it looks at", text, Strip { rows: vec!["image".into(), "matters".into()], items: vec![item] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConfusionMatrix;
    use crate::evaluate::{Perturbation, RobustnessCurve, ZeroDivision};
    use nl_report::Plot;
    use nl_report::plots::Draw;

    #[test]
    fn every_figure_can_be_drawn() {
        let calibration = Calibration::of(&[0.9, 0.1, 0.6, 0.4], 2, &[0, 1], 15).unwrap();
        let matrix = ConfusionMatrix::of(3, [0_u32, 1, 1], [0_u32, 1, 0]);
        let report = ClassReport::of(&matrix, ZeroDivision::LeaveOut).unwrap();
        let curve = |perturbation| RobustnessCurve { perturbation, scores: vec![(0, 0.9), (3, 0.7)] };
        let table = RobustnessTable { clean: 0.9, curves: Perturbation::ALL.map(curve).to_vec() };
        let quantile = QuantileScore { level: 0.5, coverage: 0.6, pinball: 1.0 };
        for figure in [
            reliability(&calibration),
            confidence(&calibration),
            classes(&report, &[]),
            robustness(&table, "right"),
            quantiles(&[quantile]),
            saliency(Picture::from_unit(2, 2, &[0.0; 4]), &[0.0; 4], "nothing matters"),
        ] {
            let drawing = figure.plot.draw(&figure.title).unwrap();
            assert!(!drawing.html.is_empty() && drawing.notes.is_empty(), "{}: {:?}", figure.title, drawing.notes);
        }
    }

    #[test]
    fn what_has_no_share_is_a_dash_and_what_has_no_name_a_number() {
        let matrix = ConfusionMatrix::of(3, [0_u32, 1, 1], [0_u32, 1, 0]);
        let report = ClassReport::of(&matrix, ZeroDivision::LeaveOut).unwrap();
        let Plot::Table(table) = classes(&report, &["cat".into()]).plot else { panic!("no table") };
        assert_eq!(table.rows[0][0], Cell::Text("cat".into()));
        assert_eq!(
            table.rows[2],
            ["2".into(), Cell::number("0"), Cell::number("–"), Cell::number("–"), Cell::number("–")]
        );
        assert_eq!(table.rows[3][1], Cell::number("3"));
    }

    #[test]
    fn dots_are_what_was_measured() {
        let calibration = Calibration::of(&[0.75, 0.25, 0.75, 0.25], 2, &[0, 1], 15).unwrap();
        let Plot::Lines(lines) = reliability(&calibration).plot else { panic!("no lines") };
        assert_eq!((lines.lines[1].points.as_slice(), lines.x_range), (&[(75.0, 50.0)][..], Some((50.0, 100.0))));
    }
}
