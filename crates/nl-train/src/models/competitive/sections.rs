//! The report of a run.

use nl_network::competitive::CompetitiveConfig;
use nl_report::plots::{Bars, Cell, Lines, Raster, RasterGroup, Table};
use nl_report::text::{count, percent, thousands};
use nl_report::{Figure, Headline, Section, Tile};

use super::CompetitiveModel;
use super::config::CompetitiveStage;
use super::findings::Outcome;
use super::respond::ALL_ACTIVITY;
use super::view::{self, Order};
use crate::data::Dataset;
use crate::run::Findings;
use crate::{ConfusionMatrix, Error, page};

/// Test images whose spikes are shown.
const RASTER: usize = 6;
/// A neuron that has won fewer images has learned next to nothing.
const FEW: u64 = 5;
/// Test images shown with their responses, and mistakes.
const SHOWN: usize = 16;

pub(super) fn page(model: &CompetitiveModel, outcome: &Outcome<'_>, order: Option<&Order>) -> Result<Findings, Error> {
    let CompetitiveConfig { inputs, neurons, .. } = *model.network.config();
    let data = outcome.setting.images()?;
    let names = page::class_names(&data.source, data.split.train.classes());
    let view = View { model, outcome, data, names: &names };
    let n = outcome.spikes.len() as u64;
    let headline = outcome.scores.get(ALL_ACTIVITY).map_or_else(
        || Headline {
            value: thousands(model.network.wins().iter().filter(|&&wins| wins > 0).count() as u64),
            unit: "neurons".into(),
            lead: format!("of {} have won at least one image; none has been named.", thousands(neurons as u64)),
            hint: "A stage `label` names neurons by the labels of training images; then the test images can be told.".into(),
            figure: None,
        },
        |&accuracy| Headline {
            value: format!("{:.2}", 100.0 * accuracy),
            unit: "%".into(),
            lead: format!(
                "of {} test images are recognised by {} spiking neurons that learned without labels.",
                thousands(n),
                thousands(neurons as u64)
            ),
            hint: format!(
                "The 95 % interval is {}. Labels, of training images only, came afterwards: each neuron stands for the class \
                 that it answers to most (all activity, Diehl & Cook 2015).",
                page::interval((accuracy * n as f64).round() as u64, n)
            ),
            figure: None,
        },
    );
    let unnamed = Order::unnamed(neurons);
    let mut sections = vec![learned(&view, order.unwrap_or(&unnamed)), learning(&view)];
    if let Some(order) = order {
        sections.extend([answers(&view, order), decisions(&view)]);
    }
    sections.retain(|section| !section.figures.is_empty());
    Ok(Findings {
        title: format!("{} spiking neurons on {}", thousands(neurons as u64), page::data_name(&data.source)),
        headline: Some(headline),
        banner: Some(page::banner(data)),
        tiles: tiles(outcome, neurons, model.network.config().rule.name()),
        sections,
        facts: vec![("Learned numbers: weights and thresholds", thousands((inputs * neurons + neurons) as u64))],
        ..Findings::default()
    })
}

/// What the sections look at.
struct View<'a> {
    model: &'a CompetitiveModel,
    outcome: &'a Outcome<'a>,
    data: &'a Dataset,
    names: &'a [String],
}

fn tiles(outcome: &Outcome<'_>, neurons: usize, rule: &str) -> Vec<Tile> {
    let rate = |x: f64| format!("{} images/s", thousands(x.round().max(0.0) as u64));
    let mut tiles = vec![
        Tile::new("neurons", thousands(neurons as u64), "they compete for each image"),
        Tile::new("rule", rule.to_owned(), "how the winner learns"),
        Tile::new("learned from", count(outcome.learned, "image"), "presentations, without labels"),
        Tile::new("named by", count(outcome.labelled as u64, "image"), "training images whose labels name the neurons"),
        Tile::new("learning", rate(outcome.train), "drawing of spikes included"),
        Tile::new("responding", rate(outcome.test), "on all threads"),
    ];
    // The same spikes, read in other ways.
    for (key, meaning) in [
        ("proportion", "each vote weighed by how choosy its neuron is"),
        ("log_likelihood", "naive Bayes with Poisson counts"),
        ("bigram", "pairs of successive winners"),
    ] {
        if let Some(&accuracy) = outcome.scores.get(key) {
            let name = format!("accuracy of another read-out: {}", key.replace('_', " "));
            tiles.push(Tile::new(&name, percent(accuracy, 2), meaning));
        }
    }
    tiles
}

fn learned(run: &View<'_>, order: &Order) -> Section {
    let (images, names) = (&run.data.split.train, run.names);
    let mut stand_for = Table::new(&["class", "neurons"]);
    let classes = names.iter().map(String::as_str).chain(["none: it answered to no image"]);
    for (name, size) in classes.zip(order.sizes(names.len())) {
        stand_for = stand_for.row([name.into(), Cell::number(size.to_string())]);
    }
    let wins = run.model.network.wins();
    let (shown, left_out) = winners(&order.neurons, wins);
    let text = format!(
        "In rows, sorted by the class each neuron stands for: how many there are of each is in the table.{left_out}"
    );
    let fields = view::fields(&run.model.network, &shown, (images.height(), images.width()));
    let wins: Vec<f64> = wins.iter().map(|&wins| wins as f64).collect();
    let theta: Vec<f64> = run.model.network.theta().map(f64::from).collect();
    Section::new(
        "What it learned",
        "Fields",
        "Each tile is one neuron: the weights of its inputs, laid out as the image, the largest white. Nobody told it what to \
         look for.",
    )
    .figures(fields.map(|fields| Figure::new("Receptive fields", text, fields)))
    .figure(Figure::new("What the neurons stand for", "The class of training images that a neuron answers to most.", stand_for))
    .figure(Figure::new(
        "Wins",
        "How often each neuron won while learning.",
        Bars::histogram("wins", "neurons", &wins, 30),
    ))
    .figure(Figure::new(
        "Thresholds",
        "What each neuron's wins have added to its threshold.",
        Bars::histogram("theta, mV", "neurons", &theta, 30),
    ))
}

/// Those of `neurons` that have won at least [`FEW`] images, and what to say about the others, whose weights are nearly those
/// drawn at random: noise that looks as if it had been learned.
fn winners(neurons: &[usize], wins: &[u64]) -> (Vec<usize>, String) {
    let (shown, left): (Vec<usize>, Vec<usize>) = neurons.iter().partition(|&&neuron| wins[neuron] >= FEW);
    let never = left.iter().filter(|&&neuron| wins[neuron] == 0).count();
    let said = match left.len() {
        0 => String::new(),
        n => {
            let of_them = if never > 0 { format!(" ({never} of them none)") } else { String::new() };
            let all = wins.len();
            format!(
                " {n} of {all} neurons won fewer than {FEW} images{of_them} and have learned next to nothing: they are left out."
            )
        }
    };
    (shown, said)
}

/// Above chance it needs no zero; counts and thresholds do.
const ACCURACY: &str = "accuracy, %";

fn learning(run: &View<'_>) -> Section {
    let stages = &run.outcome.setting.config.stages;
    let learned = stages.iter().position(|stage| matches!(stage, CompetitiveStage::Compete(_)));
    let Some(history) = learned.and_then(|stage| run.outcome.story.history.of(stage)) else {
        return Section::default();
    };
    let lines = |unit: &str, name: &str, scale: f64| {
        let points = history.curve(name).into_iter().map(|(images, y)| (images, scale * y)).collect();
        Lines { from_zero: unit != ACCURACY, ..Lines::new("images", unit).line("", points) }
    };
    let held_out = format!(
        "On {} held-out training images; neurons named by what they won since the point before.",
        thousands(run.data.validation.len() as u64)
    );
    let figures = vec![
        Figure::new("Accuracy", held_out, lines(ACCURACY, "validation_accuracy", 100.0)),
        Figure::new("Neurons used", "Neurons that have won at least once.", lines("neurons", "neurons_used", 1.0)),
        Figure::new(
            "Thresholds",
            "Their adaptive part, the mean of all neurons.",
            lines("theta, mV", "mean_theta", 1.0),
        ),
    ];
    Section::new(
        "How it learned",
        "Learning",
        "What a win adds to the threshold, and the learning rate, fall exponentially over the run: first every neuron gets its \
         turn, then each settles.",
    )
    .figures(figures)
}

fn answers(run: &View<'_>, order: &Order) -> Section {
    let (test, outcome, names) = (&run.data.split.test, run.outcome, run.names);
    let shown: Vec<usize> = (0..SHOWN.min(outcome.spikes.len())).collect();
    let caption = |i: usize| page::verdict(names, test.labels()[i].into(), outcome.decided[i].into());
    Section::new("How it answers", "Answers", "Images it has never seen; nothing is learned any more.")
        .figure(Figure::new(
            "Test images, and what was seen in them",
            "",
            view::seen(&run.model.network, test, &shown, &outcome.spikes, caption),
        ))
        .figure(raster(run, order))
        .figure(responses(run, order, &shown))
}

/// The spikes of the first test images, neurons sorted by class.
fn raster(run: &View<'_>, order: &Order) -> Figure {
    let (test, outcome, names) = (&run.data.split.test, run.outcome, run.names);
    let input = &outcome.setting.config.model.input;
    let dt = input.dt.0;
    let shown = RASTER.min(outcome.spikes.len());
    let span = input.steps as f64 * dt;
    let ranks = order.ranks();
    let mut groups: Vec<RasterGroup> = names
        .iter()
        .map(String::as_str)
        .chain(["none"])
        .map(|name| RasterGroup { name: name.to_owned(), dots: Vec::new() })
        .collect();
    for (i, response) in outcome.spikes.iter().take(shown).enumerate() {
        for spike in response {
            let neuron = spike.neuron as usize;
            let group = order.classes[neuron].map_or(names.len(), usize::from);
            groups[group].dots.push((i as f64 * span + f64::from(spike.step) * dt, ranks[neuron]));
        }
    }
    groups.retain(|group| !group.dots.is_empty());
    let moment = |i: usize| (i as f64 * span, names.get(usize::from(test.labels()[i])).cloned().unwrap_or_default());
    let raster = Raster {
        x: "time, ms".into(),
        y: "neuron".into(),
        rows: ranks.len() as u32,
        groups,
        range: Some((0.0, (shown as f64 * span).max(dt))),
        moments: (0..shown).map(moment).collect(),
    };
    let text = format!(
        "The responses to the first test images, {span} ms each, with the class of the image above. Neurons are sorted by the \
         class they stand for, and coloured by it, so that a band of dots is a class."
    );
    Figure::new("Spikes", text, raster)
}

/// Each image's spikes by the class of the neurons.
fn responses(run: &View<'_>, order: &Order, shown: &[usize]) -> Figure {
    let (test, outcome, names) = (&run.data.split.test, run.outcome, run.names);
    let mut table = Table::new(&["test image", "class", "decided", "spikes"]);
    for &i in shown {
        let mut counts = vec![0; names.len()];
        let named = outcome.spikes[i].iter().filter_map(|spike| order.classes[spike.neuron as usize]);
        named.for_each(|class| counts[usize::from(class)] += 1);
        let mut votes: Vec<(usize, usize)> = (0..counts.len()).map(|c| (counts[c], c)).filter(|v| v.0 > 0).collect();
        votes.sort_by_key(|&(count, class)| (std::cmp::Reverse(count), class));
        let votes: Vec<String> = votes.iter().map(|(count, class)| format!("{count} for {}", names[*class])).collect();
        let name = |class: u8| page::class_name(names, class.into());
        table = table.row([
            (i + 1).to_string().into(),
            name(test.labels()[i]).into(),
            name(outcome.decided[i]).into(),
            votes.join(", ").into(),
        ]);
    }
    let text = "Spikes by the class that the neurons stand for. The class with the most spikes for each of its neurons is the \
                decision.";
    Figure::new("Their responses", text, table)
}

fn decisions(run: &View<'_>) -> Section {
    let (test, outcome, names) = (&run.data.split.test, run.outcome, run.names);
    let labels = test.labels();
    let confusion = ConfusionMatrix::of(names.len(), labels.iter().copied(), outcome.decided.iter().copied());
    let wrong: Vec<usize> = (0..outcome.decided.len()).filter(|&i| outcome.decided[i] != labels[i]).collect();
    let shown: Vec<usize> = wrong.iter().copied().take(SHOWN).collect();
    let caption = |i: usize| page::verdict(names, labels[i].into(), outcome.decided[i].into());
    let mut section = Section::new(
        "Where it errs",
        "Mistakes",
        format!(
            "{} of {} were recognised wrongly.",
            thousands(wrong.len() as u64),
            count(outcome.decided.len() as u64, "test image")
        ),
    )
    .figures(page::confusion(&confusion, names));
    if !shown.is_empty() {
        let plot = view::seen(&run.model.network, test, &shown, &outcome.spikes, caption);
        section.figures.push(Figure::new("The first mistakes", "", plot));
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_that_never_won_are_left_out_and_counted() {
        assert_eq!(winners(&[2, 0, 1], &[5, 50, 9]), (vec![2, 0, 1], String::new()));
        let (shown, said) = winners(&[3, 0, 2, 1], &[0, 7, 2, 5]);
        assert_eq!(shown, [3, 1]);
        assert!(said.contains("2 of 4 neurons won fewer than 5 images (1 of them none)"), "{said}");
    }
}
