//! The report of a run.

use nl_layers::competitive::CompetitiveConfig;
use nl_report::plots::{Bars, Cell, Lines, Raster, RasterGroup, Table};
use nl_report::text::{count, percent, thousands};
use nl_report::{Figure, Headline, Section, Sheet, Tile};

use super::respond::ALL_ACTIVITY;
use super::run::{Outcome, Point, StdpRun, StdpSummary};
use super::view::{self, Order};
use crate::{ConfusionMatrix, Error, page};

/// Test images whose spikes are shown.
const RASTER: usize = 6;
/// A neuron that has won fewer images has learned next to nothing.
const FEW: u64 = 5;
/// Test images shown with their responses, and mistakes.
const SHOWN: usize = 16;

pub(super) fn sheet(run: &StdpRun, summary: &StdpSummary, outcome: &Outcome, order: &Order) -> Result<Sheet, Error> {
    let CompetitiveConfig { inputs, neurons, .. } = *run.network.config();
    let (source, config) = (&run.source, &run.config);
    let accuracy = summary.test_accuracy.get(ALL_ACTIVITY).copied().unwrap_or_default();
    let n = summary.test_samples as u64;
    let names = page::class_names(source, run.split.train.classes());
    let headline = Headline {
        value: format!("{:.2}", 100.0 * accuracy),
        unit: "%".into(),
        lead: format!(
            "of {} test images are recognised by {} spiking neurons that learned without labels.",
            thousands(n),
            thousands(neurons as u64)
        ),
        hint: format!(
            "The 95 % interval is {}. Labels, of training images only, came afterwards: each neuron stands for the class that \
             it answers to most (all activity, Diehl & Cook 2015).",
            page::interval((accuracy * n as f64).round() as u64, n)
        ),
        figure: None,
    };
    Ok(Sheet {
        title: format!("{} spiking neurons on {}", thousands(neurons as u64), page::data_name(source)),
        headline,
        banner: Some(page::banner(source, &run.split, run.learn.len(), run.validation.len())),
        tiles: tiles(summary, neurons),
        sections: vec![
            learned(run, order, &names),
            learning(run),
            answers(run, outcome, order, &names),
            decisions(run, outcome, &names),
        ],
        provenance: page::provenance(page::Run {
            name: &config.name,
            started: &run.state.started,
            seed: config.seed,
            threads: summary.threads,
            command: page::command("stdp", run.folder(), Some(source)),
            repeat: page::words(Some(source), "weights"),
            facts: vec![
                ("SHA-256 of the weights", summary.weights_sha256.clone()),
                ("SHA-256 of the images", source.sha256.clone()),
                ("Learned numbers: weights and thresholds", thousands((inputs * neurons + neurons) as u64)),
            ],
            config: config.to_yaml()?,
        }),
    })
}

fn tiles(summary: &StdpSummary, neurons: usize) -> Vec<Tile> {
    let speed = summary.samples_per_second;
    let rate = |x: f64| format!("{} images/s", thousands(x.round().max(0.0) as u64));
    let mut tiles = vec![
        Tile::new("neurons", thousands(neurons as u64), "they compete for each image"),
        Tile::new("rule", summary.rule.clone(), "how the winner learns"),
        Tile::new("learned from", count(summary.train_samples, "image"), "presentations, without labels"),
        Tile::new(
            "named by",
            count(summary.label_samples as u64, "image"),
            "training images whose labels name the neurons",
        ),
        Tile::new("learning", rate(speed.train), "drawing of spikes included"),
        Tile::new("responding", rate(speed.test), "on all threads"),
    ];
    // The same spikes, read in other ways.
    for (key, meaning) in [
        ("proportion", "each vote weighed by how choosy its neuron is"),
        ("log_likelihood", "naive Bayes with Poisson counts"),
        ("bigram", "pairs of successive winners"),
    ] {
        if let Some(&accuracy) = summary.test_accuracy.get(key) {
            let name = format!("accuracy of another read-out: {}", key.replace('_', " "));
            tiles.push(Tile::new(&name, percent(accuracy, 2), meaning));
        }
    }
    tiles
}

fn learned(run: &StdpRun, order: &Order, names: &[String]) -> Section {
    let images = &run.split.train;
    let mut stand_for = Table::new(&["class", "neurons"]);
    let classes = names.iter().map(String::as_str).chain(["none: it answered to no image"]);
    for (name, size) in classes.zip(order.sizes(names.len())) {
        stand_for = stand_for.row([name.into(), Cell::number(size.to_string())]);
    }
    let wins = run.network.wins();
    let (shown, left_out) = winners(&order.neurons, wins);
    let text = format!(
        "In rows, sorted by the class each neuron stands for: how many there are of each is in the table.{left_out}"
    );
    let fields = view::fields(&run.network, &shown, (images.height(), images.width()));
    let wins: Vec<f64> = wins.iter().map(|&wins| wins as f64).collect();
    let theta: Vec<f64> = run.network.theta().map(f64::from).collect();
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

fn learning(run: &StdpRun) -> Section {
    let lines = |unit: &str, value: fn(&Point) -> f64| {
        let points = run.state.curve.iter().map(|p| (p.samples as f64, value(p))).collect();
        Lines { from_zero: unit != ACCURACY, ..Lines::new("images", unit).line("", points) }
    };
    let held_out = format!(
        "On {} held-out training images; neurons named by what they won since the point before.",
        thousands(run.validation.len() as u64)
    );
    let figures = vec![
        Figure::new("Accuracy", held_out, lines(ACCURACY, |p| 100.0 * p.validation_accuracy)),
        Figure::new(
            "Neurons used",
            "Neurons that have won at least once.",
            lines("neurons", |p| p.neurons_used as f64),
        ),
        Figure::new(
            "Thresholds",
            "Their adaptive part, the mean of all neurons.",
            lines("theta, mV", |p| p.mean_theta),
        ),
    ];
    Section::new(
        "How it learned",
        "Learning",
        "What a win adds to the threshold, and the learning rate, fall exponentially over the run: first every neuron gets its \
         turn, then each settles.",
    )
    .figures(figures.into_iter().filter(|_| !run.state.curve.is_empty()))
}

fn answers(run: &StdpRun, outcome: &Outcome, order: &Order, names: &[String]) -> Section {
    let test = &run.split.test;
    let shown: Vec<usize> = (0..SHOWN.min(outcome.spikes.len())).collect();
    let caption = |i: usize| page::verdict(names, test.labels()[i].into(), outcome.decided[i].into());
    Section::new("How it answers", "Answers", "Images it has never seen; nothing is learned any more.")
        .figure(Figure::new(
            "Test images, and what was seen in them",
            "",
            view::seen(&run.network, test, &shown, &outcome.spikes, caption),
        ))
        .figure(raster(run, outcome, order, names))
        .figure(responses(run, outcome, order, &shown, names))
}

/// The spikes of the first test images, neurons sorted by class.
fn raster(run: &StdpRun, outcome: &Outcome, order: &Order, names: &[String]) -> Figure {
    let (test, dt) = (&run.split.test, run.config.input.dt.0);
    let shown = RASTER.min(outcome.spikes.len());
    let span = run.config.input.steps as f64 * dt;
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
fn responses(run: &StdpRun, outcome: &Outcome, order: &Order, shown: &[usize], names: &[String]) -> Figure {
    let test = &run.split.test;
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

fn decisions(run: &StdpRun, outcome: &Outcome, names: &[String]) -> Section {
    let labels = run.split.test.labels();
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
        let plot = view::seen(&run.network, &run.split.test, &shown, &outcome.spikes, caption);
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
