//! The page of a brain's run: what its findings say, as sections of a sheet.

mod answers;
mod learning;
mod looking;
mod memory;
mod wiring;

use nl_report::plots::{Cell, Interval, Intervals, Table};
use nl_report::text::{count, duration, percent, thousands};
use nl_report::{Banner, Figure, Headline, Section, Tile};

use super::findings::{Findings, Speed, View};
use crate::metrics::{argmax, wilson_interval};
use crate::models::saliency;
use crate::run::Timings;
use crate::{Error, page, run};

/// Pictures shown of each kind.
const SHOWN: usize = 20;

/// What was decided on the test images, and how sure of it the brain was.
struct Decisions<'a> {
    truth: &'a [u32],
    decided: Vec<u32>,
    /// Probability of the decision.
    confidence: Vec<f32>,
    right: Vec<bool>,
    names: Vec<String>,
}

impl<'a> Decisions<'a> {
    fn new(run: &View<'_>, findings: &'a Findings) -> Self {
        let classes = run.model.brain.config().classes;
        let truth = &findings.evidence.labels;
        let decided = argmax(&findings.decided.log_probs, classes);
        let rows = findings.decided.log_probs.chunks_exact(classes);
        let confidence = rows.zip(&decided).map(|(row, &class)| row[class as usize].exp()).collect();
        let right = decided.iter().zip(truth).map(|(a, b)| a == b).collect();
        Self { truth, decided, confidence, right, names: page::class_names(&run.data.source, classes) }
    }

    fn name(&self, class: u32) -> &str {
        page::class_name(&self.names, class as usize)
    }
}

/// The whole page.
pub(super) fn page(
    run: &View<'_>,
    findings: &Findings,
    speed: Speed,
    timings: &Timings,
) -> Result<run::Findings, Error> {
    let decisions = Decisions::new(run, findings);
    let data = run.data;
    let mut sections = vec![
        wiring::section(run),
        learning::section(run),
        looking::section(run, findings),
        looking::map(findings, &decisions),
        looking::reconstructions(run, findings, &decisions)?,
        answers::confusion(findings, &decisions),
        answers::calibration(findings, &decisions),
        answers::ablation(findings),
        saliency::section(&findings.looks, &decisions.names),
        looking::gates(findings, &decisions),
        memory::trust(findings, &decisions),
        memory::recalls(run, findings, &decisions),
        memory::overruled(run, findings, &decisions),
        answers::mistakes(run, findings, &decisions),
        times(timings),
    ];
    sections.retain(|section| !(section.figures.is_empty() && section.groups.is_empty()));
    Ok(run::Findings {
        subject: format!("a brain on {}, seed {}", page::data_name(&data.source), run.seed),
        title: format!("A brain on {}", page::data_name(&data.source)),
        headline: Some(headline(run, findings, &decisions)),
        banner: Some(alarmed(page::banner(data), &findings.alarms)),
        tiles: tiles(findings, speed, timings.total()),
        sections,
        facts: vec![("Trained parameters", thousands(run.model.parameters.len() as u64))],
        ..run::Findings::default()
    })
}

/// The banner with what has to be said before any number is read.
fn alarmed(mut banner: Banner, alarms: &[String]) -> Banner {
    if !alarms.is_empty() {
        banner.warning = true;
        banner.text = format!("{} {}", alarms.join(" "), banner.text);
    }
    banner
}

fn headline(run: &View<'_>, findings: &Findings, decisions: &Decisions<'_>) -> Headline {
    let total = run.data.split.test.len() as u64;
    let right = decisions.right.iter().filter(|&&right| right).count() as u64;
    Headline {
        value: format!("{:.2}", 100.0 * findings.accuracy.mixed),
        unit: "%".into(),
        lead: format!(
            "of the test images are recognised: {} of {}, with {}.",
            thousands(right),
            thousands(total),
            count(total - right, "mistake")
        ),
        hint: format!(
            "The share it would reach on all images of this kind lies in the 95 % interval of {}. The test images were \
             looked at once, after all learning.",
            page::interval(right, total)
        ),
        figure: Some(scores(findings, total)),
    }
}

fn scores(findings: &Findings, total: u64) -> Figure {
    let row = |name: &str, value: f64, colour| {
        let (low, high) = wilson_interval((value * total as f64).round() as u64, total);
        let near = (100.0 * low, 100.0 * high);
        Interval { name: name.into(), value: 100.0 * value, text: percent(value, 2), near, far: None, colour }
    };
    let (accuracy, drawn) = (findings.accuracy, findings.drawn.as_ref());
    let rows = [
        ("Cortex and memory, mixed", accuracy.memory.map(|_| accuracy.mixed), 0),
        ("Cortex alone", Some(accuracy.cortex), 2),
        ("Memory alone", accuracy.memory, 6),
        ("Before labels: nearest neighbours", drawn.map(|drawn| drawn.knn), 1),
        ("Before labels: linear probe", drawn.map(|drawn| drawn.linear), 1),
    ];
    let rows = rows.into_iter().filter_map(|(name, value, colour)| Some(row(name, value?, colour))).collect();
    Figure::new(
        "Who knows how much",
        "Each dot is a share of test images recognised, each bar its 95 % interval: where bars overlap widely, the \
         difference may be luck.",
        Intervals { x: "test accuracy, %".into(), rows, range: None },
    )
}

fn tiles(findings: &Findings, speed: Speed, seconds: f64) -> Vec<Tile> {
    let calibration = findings.recognised.mixed.calibration.ece;
    let rate = |name, value: f64, note| {
        (value > 0.0).then(|| Tile::new(name, format!("{} images/s", thousands(value.round() as u64)), note))
    };
    [
        findings.drawn.as_ref().map(|drawn| {
            let mse = format!("{:.4} MSE", drawn.mse);
            Tile::new("reconstruction error", mse, "mean squared error of a pixel, black 0 to white 1")
        }),
        Some(Tile::new(
            "calibration error",
            percent(calibration, 2),
            "gap between how sure it is and how often it is right",
        )),
        rate("self-supervised", speed.reconstruct, "training without labels"),
        rate("supervised", speed.classify, "training with labels"),
        rate("inference", speed.infer, "from image to embedding and class"),
        Some(Tile::new("wall time", duration(seconds), "from the first image to this page")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Where the time went.
fn times(timings: &Timings) -> Section {
    let total = timings.total().max(1e-9);
    let mut table = Table::new(&["part", "time", "share", "images/s"]);
    for part in &timings.parts {
        let rate =
            part.units.filter(|_| part.seconds > 0.0).map(|n| thousands((n as f64 / part.seconds).round() as u64));
        table = table.row([
            part.name.as_str().into(),
            Cell::number(duration(part.seconds)),
            Cell::Share(part.seconds / total),
            Cell::number(rate.unwrap_or_else(|| "–".to_owned())),
        ]);
    }
    if timings.parts.is_empty() {
        return Section::default();
    }
    let whole = format!("Wall time of the parts of the run; {} in all.", duration(total));
    Section::new("Where the time went", "Time", whole).figure(Figure::new("", "", table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Timing;

    #[test]
    fn times_are_shares_of_the_whole() {
        let part = |name: &str, seconds, units| Timing { name: name.into(), seconds, units };
        let section = times(&Timings { parts: vec![part("learn", 3.0, Some(600)), part("look", 1.0, None)] });
        let nl_report::Plot::Table(table) = &section.figures[0].plot else { panic!("no table") };
        assert_eq!(table.rows[0], ["learn".into(), Cell::number("3.0 s"), Cell::Share(0.75), Cell::number("200")]);
        assert_eq!(table.rows[1][3], Cell::number("–"));
        assert!(times(&Timings::default()).figures.is_empty());
    }
}
