//! The report of a run.

use nl_report::plots::{Cell, Table};
use nl_report::text::{duration, thousands};
use nl_report::{Figure, Group, Headline, Section, Tile};

use super::findings::Outcome;
use super::supervise::NAME;
use super::{LayersModel, LayersStage};
use crate::Error;
use crate::evaluate::figures;
use crate::page::{self, curves};
use crate::run::{Findings, Setting, Story, Timings};

/// Mistakes shown.
const SHOWN: usize = 30;

pub(super) fn page(
    model: &LayersModel,
    setting: Setting<'_, LayersModel>,
    story: Story<'_>,
    outcome: &Outcome,
    timings: &Timings,
) -> Result<Findings, Error> {
    let data = setting.images()?;
    let names = page::class_names(&data.source, data.split.train.classes());
    let confusion = &outcome.confusion;
    let share = outcome.scores.get("accuracy").copied().unwrap_or(0.0);
    let headline = Headline {
        value: format!("{:.2}", 100.0 * share),
        unit: "%".into(),
        lead: format!("of {} test images are recognised.", thousands(confusion.total())),
        hint: format!("The 95 % interval is {}.", page::interval(confusion.right(), confusion.total())),
        figure: None,
    };
    let lines = model.network.lines();
    let parameters: usize = lines.iter().map(|line| line.parameters).sum();
    let macs = lines.iter().fold(0u64, |sum, line| sum.saturating_add(line.macs));
    let tiles = vec![
        Tile::new("layers", lines.len().to_string(), "the read-out among them"),
        Tile::new("numbers learned", thousands(parameters as u64), "weights, biases, scales, statistics"),
        Tile::new("multiply-accumulates", thousands(macs), "for one image"),
        Tile::new("learning", duration(timings.seconds(NAME)), "all stages"),
    ];
    Ok(Findings {
        title: format!("A network of layers on {}", page::data_name(&data.source)),
        headline: Some(headline),
        banner: Some(page::banner(data)),
        tiles,
        sections: vec![
            network(model),
            learning(setting, story),
            decisions(setting, outcome, &names)?,
            confidence(outcome),
        ],
        ..Findings::default()
    })
}

/// The layers, and what each costs.
fn network(model: &LayersModel) -> Section {
    let mut table =
        Table::new(&["layer", "kind", "given", "gives", "numbers", "multiply-accumulates", "bytes an image"]);
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
        "From the image to the answer: each layer is given what the layers named give.",
    )
    .figure(Figure::new(
        "Layers",
        "What each layer gives for one image, what it learned, and what it costs.",
        table,
    ))
}

/// Curves of each stage.
fn learning(setting: Setting<'_, LayersModel>, story: Story<'_>) -> Section {
    let group = |(i, stage): (usize, &LayersStage)| {
        let LayersStage::Supervise(config) = stage;
        let loss = format!("{}, of a sample", config.loss.name());
        let apart = "What is shown while learning may be distorted and noisy; validation shows images as they are.";
        let figures = curves::figures(story.history.of(i)?, &loss, apart);
        let (over, title, text) = (format!("Stage {}", i + 1), NAME.into(), String::new());
        (!figures.is_empty()).then_some(Group { over, title, text, figures })
    };
    Section {
        groups: setting.config.stages.iter().enumerate().filter_map(group).collect(),
        ..Section::new("How it learned", "Learning", "The loss on what it learns from, and on images held back.")
    }
}

fn decisions(setting: Setting<'_, LayersModel>, outcome: &Outcome, names: &[String]) -> Result<Section, Error> {
    let test = &setting.images()?.split.test;
    let text = "The test images by their true class and by the decision of the network.";
    Ok(Section::new("What it decides", "Decisions", text)
        .figures(page::confused(&outcome.confusion, names))
        .figure(figures::classes(&outcome.report, names))
        .figures(page::mistakes(test, &outcome.log_probs, &outcome.decided, names, SHOWN)))
}

/// How far its confidence can be trusted.
fn confidence(outcome: &Outcome) -> Section {
    let text =
        "Each answer comes with a probability: of the answers that are nine tenths sure, nine tenths should be right.";
    Section::new("How sure it is", "Confidence", text)
        .figure(figures::reliability(&outcome.calibration))
        .figure(figures::confidence(&outcome.calibration))
}
