//! The report of a run.

use nl_report::plots::{Cell, Line, LineStyle, Lines, Table};
use nl_report::text::{duration, number, percent, thousands};
use nl_report::{Figure, Group, Headline, Section, Tile};

use super::findings::{Decided, Outcome, Probed};
use super::parts::Parts;
use super::side_by_side::{self, Compared};
use super::{LayersModel, LayersStage, restored, stage};
use crate::Error;
use crate::data::Set;
use crate::evaluate::{Tempered, figures};
use crate::page::{self, curves};
use crate::run::{Findings, Setting, Story, Timings};

/// Mistakes shown.
const SHOWN: usize = 30;

/// What the test samples showed.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) outcome: Option<&'a Outcome>,
    /// What is known besides, of classes.
    pub(super) parts: Option<&'a Parts>,
    pub(super) probed: Option<Probed>,
    /// Stages with labels, if there are several.
    pub(super) compared: &'a [Compared],
}

pub(super) fn page(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    story: Story<'_>,
    Found { outcome, parts, probed, compared }: Found<'_>,
    timings: &Timings,
) -> Result<Findings, Error> {
    let data = setting.dataset()?;
    let names = page::class_names(&data.source, data.split.train.form().targets.classes());
    let unit = model.form.unit();
    let n = data.split.test.len() as u64;
    let share = |share: f64, lead: String| Headline {
        value: format!("{:.2}", 100.0 * share),
        unit: "%".into(),
        lead,
        hint: format!("The 95 % interval is {}.", page::interval((share * n as f64).round() as u64, n)),
        figure: None,
    };
    let images = thousands(n);
    let headline = match (outcome, probed) {
        (Some(Outcome::Classes(decided)), _) => {
            let accuracy = decided.found.scores.get("accuracy").copied().unwrap_or(0.0);
            share(accuracy, format!("of {images} test {unit} are recognised."))
        }
        (Some(Outcome::Values(estimated)), _) => {
            let score = |name: &str| estimated.scores.get(name).copied();
            let r2 = score("r2").map(|r2| format!(" R² is {r2:.4}.")).unwrap_or_default();
            let (mae, rmse) = (score("mae").unwrap_or(0.0), score("rmse").unwrap_or(0.0));
            let names = estimated.names.join(", ");
            Headline {
                value: number(mae),
                unit: String::new(),
                lead: format!("is the mean absolute error of {names}, on {images} test {unit}."),
                hint: format!("The root mean squared error is {}.{r2}", number(rmse)),
                figure: None,
            }
        }
        (None, Some(probed)) => {
            let lead = "are named by the nearest training samples: the embedding was learned without labels.";
            share(probed.knn, format!("of {images} test {unit} {lead}"))
        }
        (None, None) => Headline::default(),
    };
    let lines = model.network.lines();
    let parameters: usize = lines.iter().map(|line| line.parameters).sum();
    let macs = lines.iter().fold(0u64, |sum, line| sum.saturating_add(line.macs));
    let seconds = (0..setting.config.stages.len()).map(|i| timings.seconds(&stage::title(&setting, i))).sum();
    let mut tiles = vec![
        Tile::new("layers", lines.len().to_string(), "what stands behind the last among them"),
        Tile::new("numbers learned", thousands(parameters as u64), "weights, biases, scales, statistics"),
        Tile::new("multiply-accumulates", thousands(macs), "for one sample"),
        Tile::new("learning", duration(seconds), "all stages"),
    ];
    if let Some(Probed { knn, linear }) = probed {
        tiles.push(Tile::new("k-NN, without labels", percent(knn, 2), "nearest training samples in the embedding"));
        tiles.push(Tile::new(
            "linear probe, without labels",
            percent(linear, 2),
            "logistic regression on the embedding",
        ));
    }
    let mut sections = vec![network(model), learning(setting, story)];
    sections.extend(restored::section(model, setting)?);
    sections.extend(side_by_side::section(compared, (n, unit)));
    match outcome {
        Some(Outcome::Classes(decided)) => {
            let tempered = parts.and_then(|parts| parts.tempered.as_ref());
            sections.extend([decisions(setting, decided, &names)?, confidence(decided, tempered)]);
        }
        Some(Outcome::Values(estimated)) => sections.extend(estimated.sections()?),
        None => {}
    }
    sections.extend(parts.into_iter().flat_map(|parts| parts.sections(&names)));
    Ok(Findings {
        title: format!("A network of layers on {}", page::data_name(&data.source)),
        headline: Some(headline),
        banner: Some(page::banner(data)),
        tiles,
        sections,
        ..Findings::default()
    })
}

/// The layers, and what each costs.
fn network(model: &LayersModel) -> Section {
    let mut table =
        Table::new(&["layer", "kind", "given", "gives", "numbers", "multiply-accumulates", "bytes a sample"]);
    for line in model.network.lines() {
        table = table.row([
            line.name.as_str().into(),
            line.kind.into(),
            line.from.join(", ").into(),
            line.output.to_string().into(),
            Cell::number(thousands(line.parameters as u64)),
            Cell::number(thousands(line.macs)),
            Cell::number(thousands(line.bytes())),
        ]);
    }
    Section::new(
        "The network",
        "Network",
        "From the sample to the answer: each layer is given what the layers named give.",
    )
    .figure(Figure::new(
        "Layers",
        "What each layer gives for one sample, what it learned, and what it costs.",
        table,
    ))
}

/// Curves of each stage.
fn learning(setting: Setting<'_, LayersModel>, story: Story<'_>) -> Section {
    let group = |(i, of): (usize, &LayersStage)| {
        let apart = "What is shown while learning may be distorted and noisy; validation shows samples as they are.";
        let history = story.history.of(i)?;
        let mut figures = curves::figures(history, &of.curve(), apart);
        figures.extend(alignment(history.curve("alignment")));
        let (over, title, text) = (format!("Stage {}", i + 1), stage::title(&setting, i), String::new());
        (!figures.is_empty()).then_some(Group { over, title, text, figures })
    };
    Section {
        groups: setting.config.stages.iter().enumerate().filter_map(group).collect(),
        ..Section::new("How it learned", "Learning", "The loss on what it learns from, and on samples held back.")
    }
}

/// How far from back-propagation a stage goes.
fn alignment(degrees: Vec<(f64, f64)>) -> Option<Figure> {
    if degrees.is_empty() {
        return None;
    }
    let line = Line { name: "angle".into(), points: degrees, style: LineStyle::Dots, colour: Some(1) };
    let plot = Lines { lines: vec![line], from_zero: true, ..Lines::new("epochs", "degrees to back-propagation") };
    let text = "The angle between its change of the weights below the read-out and that of back-propagation: below 90 degrees it \
                makes the loss smaller.";
    Some(Figure::new("Alignment", text, plot))
}

fn decisions(setting: Setting<'_, LayersModel>, outcome: &Decided, names: &[String]) -> Result<Section, Error> {
    let test = &setting.dataset()?.split.test;
    let text = "The test samples by their true class and by the decision of the network.";
    Ok(Section::new("What it decides", "Decisions", text)
        .figures(page::confused(&outcome.found.confusion, names))
        .figure(figures::classes(&outcome.found.report, names))
        .figures(page::sample_mistakes(test, &outcome.log_probs, &outcome.found.decided, names, SHOWN)))
}

/// How far its confidence can be trusted.
fn confidence(outcome: &Decided, tempered: Option<&Tempered>) -> Section {
    let text =
        "Each answer comes with a probability: of the answers that are nine tenths sure, nine tenths should be right.";
    Section::new("How sure it is", "Confidence", text)
        .figure(figures::reliability(&outcome.found.calibration))
        .figure(figures::confidence(&outcome.found.calibration))
        .figures(tempered.map(|tempered| Tempered::figure(&[("the network", tempered)])))
}
