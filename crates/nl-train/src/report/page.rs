//! From the data to what the template shows: charts drawn, numbers as text, pictures as URIs.

use minijinja::Value;
use serde::Serialize;

use super::ReportError;
use super::chart::{self, Score, Series, Style};
use super::data::{DataInfo, EmbeddingMap, Picture, Report, RunInfo, StageCurve};
use super::picture::data_uri;
use super::wiring::wiring;
use crate::metrics::{ConfusionMatrix, wilson_interval};

/// The template's variables. Markup is only what the chart module made; all other text is escaped by the template.
#[derive(Serialize)]
pub(super) struct Page<'a> {
    run: &'a RunInfo,
    data: &'a DataInfo,
    config: &'a str,
    /// Images to train, validate and test with, and parameters.
    counts: [String; 4],
    headline: Headline,
    tiles: Vec<Tile>,
    score_chart: Value,
    wiring: Option<(Value, Value)>,
    regions: Vec<[String; 4]>,
    stages: Vec<Stage<'a>>,
    confusion: Option<Confusion>,
    reconstructions: Vec<Strip>,
    denoising: bool,
    gates: Option<Value>,
    trust: Option<Trust>,
    recalls: Vec<Recall>,
    mistakes: Vec<MistakeCard>,
    maps: Vec<Map<'a>>,
    legend: Vec<(usize, String)>,
    timings: Vec<[String; 4]>,
    total: String,
}

#[derive(Serialize)]
struct Headline {
    accuracy: String,
    right: String,
    wrong: String,
    total: String,
    interval: String,
}

#[derive(Serialize)]
struct Tile {
    name: &'static str,
    value: String,
    unit: &'static str,
    note: &'static str,
}

#[derive(Serialize)]
struct Stage<'a> {
    name: &'a str,
    explanation: &'a str,
    charts: Vec<Value>,
}

#[derive(Serialize)]
struct Confusion {
    chart: Value,
    classes: Vec<[String; 4]>,
    pairs: Vec<(String, String, u64)>,
}

#[derive(Serialize)]
struct Strip {
    class: String,
    original: String,
    shown: Option<String>,
    drawn: String,
}

#[derive(Serialize)]
struct Trust {
    histogram: Value,
    by_class: Value,
    mean_right: String,
    mean_wrong: Option<String>,
}

#[derive(Serialize)]
struct Recall {
    class: String,
    query: String,
    neighbours: Vec<(String, String, String, bool)>,
}

#[derive(Serialize)]
struct MistakeCard {
    picture: String,
    truth: String,
    decision: String,
    confidence: String,
    cortex: String,
    memory: String,
    trust: String,
}

#[derive(Serialize)]
struct Map<'a> {
    title: &'a str,
    method: &'a str,
    chart: Value,
}

/// Markup that this module's charts made.
fn markup(svg: String) -> Value {
    Value::from_safe_string(svg)
}

impl<'a> Page<'a> {
    pub(super) fn new(report: &'a Report) -> Result<Self, ReportError> {
        let names = class_names(report)?;
        let name = |class: u32| names.get(class as usize).cloned().unwrap_or_else(|| class.to_string());
        let strip = |r: &super::data::Reconstruction| {
            let shown = r.shown.as_ref().map(picture).transpose()?;
            Ok(Strip { class: name(r.class), original: picture(&r.original)?, shown, drawn: picture(&r.drawn)? })
        };
        let recall = |r: &super::data::RecallExample| {
            let neighbour = |n: &super::data::Neighbour| {
                Ok((picture(&n.picture)?, name(n.class), format!("{:.3}", n.distance), n.class == r.class))
            };
            let neighbours = r.neighbours.iter().map(neighbour).collect::<Result<_, ReportError>>()?;
            Ok(Recall { class: name(r.class), query: picture(&r.query)?, neighbours })
        };
        let mistake = |m: &super::data::Mistake| {
            let opinion = |(class, p): (u32, f32)| format!("{} ({})", name(class), percent(f64::from(p), 0));
            Ok(MistakeCard {
                picture: picture(&m.picture)?,
                truth: name(m.truth),
                decision: name(m.decision),
                confidence: percent(f64::from(m.confidence), 0),
                cortex: opinion(m.cortex),
                memory: opinion(m.memory),
                trust: format!("{:.2}", m.trust),
            })
        };
        Ok(Self {
            run: &report.run,
            data: &report.data,
            config: &report.config,
            counts: [report.data.train, report.data.validation, report.data.test, report.run.parameters].map(thousands),
            headline: headline(report),
            tiles: tiles(report),
            score_chart: markup(score_chart(report)),
            wiring: (!report.regions.is_empty()).then(|| {
                let (across, tall) = wiring(&report.regions);
                (markup(across), markup(tall))
            }),
            regions: report
                .regions
                .iter()
                .map(|r| [r.name.clone(), r.role.clone(), r.output.clone(), thousands(r.parameters)])
                .collect(),
            stages: report.stages.iter().map(stage).collect(),
            confusion: confusion(report, &names),
            reconstructions: report.reconstructions.iter().map(strip).collect::<Result<_, ReportError>>()?,
            denoising: report.reconstructions.iter().any(|r| r.shown.is_some()),
            gates: (!report.gates.is_empty()).then(|| {
                let label = "Heat map of the mean thalamic gate: one row a class, one column a channel of the retina.";
                markup(chart::heat_map(label, &report.gates, &names, "channel", "mean gate"))
            }),
            trust: trust(report, &names),
            recalls: report.recalls.iter().map(recall).collect::<Result<_, ReportError>>()?,
            mistakes: report.mistakes.iter().map(mistake).collect::<Result<_, ReportError>>()?,
            maps: report.maps.iter().map(|map| draw_map(map, &names)).collect(),
            legend: names.iter().enumerate().map(|(i, name)| (i % 10, name.clone())).collect(),
            timings: timings(report),
            total: duration(report.run.seconds),
        })
    }
}

/// A name for each class of the confusion matrix, the gates and the list of names, whichever is longest.
fn class_names(report: &Report) -> Result<Vec<String>, ReportError> {
    let n = report.confusion.len();
    if let Some(row) = report.confusion.iter().find(|row| row.len() != n) {
        return Err(ReportError::Shape(format!("the confusion matrix has {n} rows, but one of {} columns", row.len())));
    }
    let count = n.max(report.gates.len()).max(report.data.classes.len());
    Ok((0..count).map(|i| report.data.classes.get(i).cloned().unwrap_or_else(|| i.to_string())).collect())
}

fn picture(picture: &Picture) -> Result<String, ReportError> {
    let Picture { width, height, pixels } = picture;
    if width.checked_mul(*height) != Some(pixels.len()) || pixels.is_empty() {
        return Err(ReportError::Shape(format!("a picture of {width} × {height} has {} pixels", pixels.len())));
    }
    data_uri(picture).map_err(|error| ReportError::Picture(error.to_string()))
}

fn headline(report: &Report) -> Headline {
    let total = report.data.test;
    let right = (report.scores.mixed * total as f64).round() as u64;
    let (low, high) = wilson_interval(right, total);
    Headline {
        accuracy: format!("{:.2}", 100.0 * report.scores.mixed),
        right: thousands(right),
        wrong: thousands(total.saturating_sub(right)),
        total: thousands(total),
        interval: format!("{:.2} and {:.2}\u{a0}%", 100.0 * low, 100.0 * high),
    }
}

fn tiles(report: &Report) -> Vec<Tile> {
    let s = &report.scores;
    let rate = |value: Option<f64>, name, note| {
        let value = thousands(value.filter(|v| v.is_finite())?.round().max(0.0) as u64);
        Some(Tile { name, value, unit: "images/s", note })
    };
    let mse = s.reconstruction_mse.map(|v| Tile {
        name: "Reconstruction error",
        value: format!("{v:.4}"),
        unit: "MSE",
        note: "mean squared error of a pixel, black 0 to white 1",
    });
    let calibration = s.calibration_error.map(|v| Tile {
        name: "Calibration error",
        value: format!("{:.2}", 100.0 * v),
        unit: "%",
        note: "gap between how sure it is and how often it is right",
    });
    let wall = Tile {
        name: "Wall time",
        value: duration(report.run.seconds),
        unit: "",
        note: "from the first image to this page",
    };
    [
        mse,
        calibration,
        rate(s.ssl_images_per_second, "Self-supervised", "training without labels"),
        rate(s.sup_images_per_second, "Supervised", "training with labels"),
        rate(s.infer_images_per_second, "Inference", "from image to embedding and class"),
        Some(wall),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn score_chart(report: &Report) -> String {
    let s = &report.scores;
    let row = |name, value: Option<f64>, colour| {
        let value = value.filter(|v| v.is_finite())?;
        let (low, high) = wilson_interval((value * report.data.test as f64).round() as u64, report.data.test);
        Some(Score { name, value: 100.0 * value, low: 100.0 * low, high: 100.0 * high, colour })
    };
    let rows: Vec<Score> = [
        row("Cortex and memory, mixed", Some(s.mixed), 0),
        row("Cortex alone", Some(s.cortex), 2),
        row("Memory alone", Some(s.memory), 6),
        row("Before labels: nearest neighbours", s.ssl_knn, 1),
        row("Before labels: linear probe", s.ssl_linear_probe, 1),
    ]
    .into_iter()
    .flatten()
    .collect();
    chart::score_chart("Test accuracies with their 95 percent intervals.", "test accuracy, %", &rows)
}

fn stage(stage: &StageCurve) -> Stage<'_> {
    let losses: Vec<(f64, f64)> = stage.steps.iter().map(|s| (s.epoch, s.loss)).collect();
    let validation = |get: fn(&super::data::EpochPoint) -> Option<f64>| -> Vec<(f64, f64)> {
        stage.epochs.iter().filter_map(|e| Some((e.epoch, get(e)?))).collect()
    };
    let mut charts = Vec::new();
    let mut series = vec![
        Series { name: "", points: bins(&losses, 300), colour: 0, style: Style::Faint },
        Series { name: "training", points: bins(&losses, 40), colour: 0, style: Style::Solid },
    ];
    let held_back = validation(|e| e.validation_loss);
    if !held_back.is_empty() {
        series.push(Series { name: "validation", points: held_back, colour: 1, style: Style::Dots });
    }
    let values = || series.iter().flat_map(|s| &s.points).map(|p| p.1).filter(|v| *v > 0.0 && v.is_finite());
    let (low, high) = values().fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
    if !losses.is_empty() || series.len() > 2 {
        let label = format!("{}: loss over epochs.", stage.name);
        charts.push(markup(chart::line_chart(&label, "epochs", &stage.loss, high > 8.0 * low, &series)));
    }
    let accuracy: Vec<_> = validation(|e| e.validation_accuracy).into_iter().map(|(x, a)| (x, 100.0 * a)).collect();
    if !accuracy.is_empty() {
        let label = format!("{}: validation accuracy over epochs.", stage.name);
        let series = [Series { name: "", points: accuracy, colour: 1, style: Style::Dots }];
        charts.push(markup(chart::line_chart(&label, "epochs", "validation accuracy, %", false, &series)));
    }
    let rates: Vec<(f64, f64)> = stage.steps.iter().map(|s| (s.epoch, s.learning_rate)).collect();
    if !rates.is_empty() {
        let label = format!("{}: learning rate over epochs.", stage.name);
        let series = [Series { name: "", points: thin(&rates, 300), colour: 2, style: Style::Solid }];
        charts.push(markup(chart::line_chart(&label, "epochs", "learning rate", false, &series)));
    }
    Stage { name: &stage.name, explanation: &stage.explanation, charts }
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

fn confusion(report: &Report, names: &[String]) -> Option<Confusion> {
    let n = report.confusion.len();
    if n == 0 {
        return None;
    }
    let mut matrix = ConfusionMatrix::new(n);
    let mut pairs = Vec::new();
    for (t, row) in report.confusion.iter().enumerate() {
        for (p, &count) in row.iter().enumerate() {
            matrix.add_many(t, p, count);
            if t != p && count > 0 {
                pairs.push((names[t].clone(), names[p].clone(), count));
            }
        }
    }
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.2));
    pairs.truncate(6);
    let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{:.2}", 100.0 * v));
    let class = |(i, s): (usize, crate::ClassScore)| {
        [names[i].clone(), thousands(s.support), share(s.precision), share(s.recall)]
    };
    let label = "Confusion matrix: rows are true classes, columns are decisions; the list beside it holds the same.";
    Some(Confusion {
        chart: markup(chart::confusion_chart(label, &report.confusion, names)),
        classes: matrix.per_class().into_iter().enumerate().map(class).collect(),
        pairs,
    })
}

fn trust(report: &Report, names: &[String]) -> Option<Trust> {
    let samples = &report.trust;
    let mean = |right: bool| {
        let values = || samples.iter().filter(|s| s.right == right && s.trust.is_finite());
        let n = values().count();
        (n > 0).then(|| format!("{:.2}", values().map(|s| f64::from(s.trust)).sum::<f64>() / n as f64))
    };
    let histogram = "Distribution of the trust in memory, for images decided rightly and wrongly.";
    let by_class = "Trust in memory by class: median, middle half and middle 80 percent.";
    (!samples.is_empty()).then(|| Trust {
        histogram: markup(chart::trust_histogram(histogram, samples)),
        by_class: markup(chart::trust_by_class(by_class, samples, names)),
        mean_right: mean(true).unwrap_or_else(|| "–".to_owned()),
        mean_wrong: mean(false),
    })
}

fn draw_map<'a>(map: &'a EmbeddingMap, names: &[String]) -> Map<'a> {
    let label = format!("{}: {} images in the plane, coloured by class.", map.title, map.points.len());
    Map { title: &map.title, method: &map.method, chart: markup(chart::map_chart(&label, map, names)) }
}

/// Name, time, share of the run in percent, images per second.
fn timings(report: &Report) -> Vec<[String; 4]> {
    let total = report.run.seconds.max(report.timings.iter().map(|t| t.seconds).sum()).max(1e-9);
    let row = |t: &super::data::Timing| {
        let rate = t.images.filter(|_| t.seconds > 0.0).map(|n| thousands((n as f64 / t.seconds).round() as u64));
        let share = format!("{:.1}", 100.0 * t.seconds / total);
        [t.name.clone(), duration(t.seconds), share, rate.unwrap_or_else(|| "–".to_owned())]
    };
    report.timings.iter().map(row).collect()
}

fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}\u{a0}%", 100.0 * share)
}

/// `12,345`.
fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `420 ms`, `8.3 s`, `7 min 5 s`, `2 h 3 min`.
fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", 1000.0 * s.max(0.0)),
        s if s < 59.95 => format!("{s:.1} s"),
        _ if whole < 3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_text() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        let times = [0.42, 8.31, 425.0, 7380.0].map(duration);
        assert_eq!(times, ["420 ms", "8.3 s", "7 min 5 s", "2 h 3 min"]);
        assert_eq!(percent(0.9945, 2), "99.45\u{a0}%");
    }

    #[test]
    fn thinning_keeps_means_and_ends() {
        let points: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), f64::from(i))).collect();
        assert_eq!(bins(&points, 5), [(0.5, 0.5), (2.5, 2.5), (4.5, 4.5), (6.5, 6.5), (8.5, 8.5)]);
        assert_eq!(thin(&points, 3), [(0.0, 0.0), (4.0, 4.0), (8.0, 8.0), (9.0, 9.0)]);
        assert_eq!(thin(&points, 100), points);
        assert!(bins(&[], 5).is_empty() && thin(&[], 5).is_empty());
    }
}
