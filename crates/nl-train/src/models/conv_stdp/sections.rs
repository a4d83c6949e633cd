//! The report of a run.

use nl_report::plots::Lines;
use nl_report::text::{duration, percent, thousands};
use nl_report::{Figure, Headline, Section, Tile};

use super::config::ConvStdpStage;
use super::features::STDP;
use super::findings::Outcome;
use super::network::FEATURES;
use super::read_out::READ_OUT;
use super::{ConvStdpModel, view};
use crate::data::Dataset;
use crate::metrics::ConfusionMatrix;
use crate::run::{Findings, Setting, Story, Timings};
use crate::{Error, page};

/// Mistakes shown.
const SHOWN: usize = 30;

pub(super) fn page(
    model: &ConvStdpModel,
    setting: Setting<'_, ConvStdpModel>,
    story: Story<'_>,
    outcome: &Outcome,
    timings: &Timings,
) -> Result<Findings, Error> {
    let (network, data) = (&model.network, setting.images()?);
    let (test, names) = (&data.split.test, page::class_names(&data.source, data.split.train.classes()));
    let stages = &setting.config.stages;
    let mut sections = vec![
        Section::new(
            "What it has learned",
            "Kernels",
            "Nobody told the first layer what to look for: its maps compete, and each becomes what no other is.",
        )
        .figure(Figure::new(
            "Kernels of the first layer",
            "White: the map waits for a spike of an ON cell (brighter than around) there; black: of an OFF cell; grey: of \
             neither, or of both.",
            view::kernels(&network.layers[0].layer),
        ))
        .figure(convergence(stages, story))
        .figure(wins(model)),
        Section::new("An image as spikes", "Spikes", "Strong edges spike early. Time runs from left to right, then down.")
            .figures(waves(model, data)?),
    ];
    let rewarded = stages.iter().position(|stage| matches!(stage, ConvStdpStage::Reward(_)));
    if let Some(history) = rewarded.and_then(|stage| story.history.of(stage)) {
        let points = history.curve("right_while_learning").into_iter().map(|(pass, share)| (pass, 100.0 * share));
        let lines = Lines::new("pass", "right, %").line("", points.collect());
        sections.push(
            Section::new(
                "Learning from right and wrong",
                "Reward",
                "A last layer whose maps stand for classes learns by reward-modulated STDP.",
            )
            .figure(Figure::new("Right while learning", "Share of right decisions in each pass.", lines)),
        );
    }
    let mut headline = Headline {
        value: network.layers.iter().map(|stacked| stacked.layer.config().maps).sum::<usize>().to_string(),
        unit: "maps".into(),
        lead: "learned by STDP, without labels; nothing reads them yet.".into(),
        hint: "A stage `read-out` makes classes of their features.".into(),
        figure: None,
    };
    if model.read_out.is_learned() {
        let truth = test.labels().iter().copied();
        let confusion = ConfusionMatrix::of(names.len(), truth, outcome.decided.iter().copied());
        headline = Headline {
            value: format!("{:.2}", 100.0 * outcome.scores.get("linear").copied().unwrap_or(0.0)),
            unit: "%".into(),
            lead: format!(
                "of {} test images are recognised by a linear read-out of features learned without labels.",
                thousands(confusion.total())
            ),
            hint: format!("The 95 % interval is {}.", page::interval(confusion.right(), confusion.total())),
            figure: None,
        };
        sections.push(decisions(data, outcome, &confusion, &names));
    }
    Ok(Findings {
        title: format!("Features by STDP on {}", page::data_name(&data.source)),
        headline: Some(headline),
        banner: Some(page::banner(data)),
        tiles: tiles(model, outcome, timings),
        sections,
        ..Findings::default()
    })
}

fn tiles(model: &ConvStdpModel, outcome: &Outcome, timings: &Timings) -> Vec<Tile> {
    let layers = &model.network.layers;
    let maps: Vec<usize> = layers.iter().map(|stacked| stacked.layer.config().maps).collect();
    let seen: Vec<String> = layers.iter().map(|stacked| thousands(stacked.layer.seen())).collect();
    let mut tiles = vec![
        Tile::new("layers", layers.len().to_string(), "each learned when those below it had learned"),
        Tile::new("maps", list(&maps), "feature maps of each layer"),
        Tile::new("images learned from", list(&seen), "by each layer, without labels"),
        Tile::new("learning features", duration(timings.seconds(STDP)), "STDP of all layers"),
        Tile::new("computing features", duration(timings.seconds(FEATURES)), "of training and test images"),
        Tile::new("read-out", duration(timings.seconds(READ_OUT)), "logistic regression"),
    ];
    if let Some(&reward) = outcome.scores.get("reward") {
        let note = "another read-out: reward-modulated STDP, without the linear one";
        tiles.push(Tile::new("accuracy of the rewarded layer", percent(reward, 2), note));
    }
    tiles
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

fn convergence(stages: &[ConvStdpStage], story: Story<'_>) -> Figure {
    let layers = stages.iter().enumerate().filter_map(|(i, stage)| match stage {
        ConvStdpStage::Features(config) => Some((config.layer, story.history.of(i)?)),
        _ => None,
    });
    let lines = layers.fold(Lines::new("images", "mean w (1 − w)"), |lines, (layer, history)| {
        lines.line(&format!("layer {layer}"), history.curve("convergence"))
    });
    let lines = Lines { from_zero: true, ..lines };
    Figure::new("Convergence", "Mean of w (1 − w): 0 when every weight is 0 or 1.", lines)
}

fn wins(model: &ConvStdpModel) -> Figure {
    let lines = model.network.layers.iter().enumerate().fold(Lines::new("map", "wins"), |lines, (i, stacked)| {
        let mut wins = stacked.layer.wins().to_vec();
        wins.sort_unstable_by(|a, b| b.cmp(a));
        let points = wins.iter().enumerate().map(|(m, &n)| (m as f64 + 1.0, n as f64)).collect();
        lines.line(&format!("layer {}", i + 1), points)
    });
    let lines = Lines { from_zero: true, ..lines };
    Figure::new("Wins", "How often each map won and learned, the most successful first.", lines)
}

fn waves(model: &ConvStdpModel, data: &Dataset) -> Result<Vec<Figure>, Error> {
    let pictures = view::wave(&model.network, data.split.test.image(0))?;
    let figure = |(i, picture)| {
        if i == 0 {
            Figure::new("The eye", "Spikes of ON and OFF cells bin by bin: white now, grey before.", picture)
        } else {
            Figure::new(&format!("Layer {i}"), "How many maps have spiked at each place so far.", picture)
        }
    };
    Ok(pictures.into_iter().enumerate().map(figure).collect())
}

fn decisions(data: &Dataset, outcome: &Outcome, confusion: &ConfusionMatrix, names: &[String]) -> Section {
    let text = "The test images by their true class and by the decision of the read-out.";
    Section::new("What it decides", "Decisions", text)
        .figures(page::confusion(confusion, names))
        .figures(page::mistakes(&data.split.test, &outcome.logits, &outcome.decided, names, SHOWN))
}
