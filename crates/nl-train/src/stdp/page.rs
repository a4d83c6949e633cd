//! The report of a run.

use nl_data::SourceKind;
use nl_layers::competitive::CompetitiveConfig;

use super::respond::ALL_ACTIVITY;
use super::run::{Outcome, StdpRun, StdpSummary};
use super::view::{self, Order};
use crate::report::{Figure, Plot, RunInfo, Section, Sheet};
use crate::{ConfusionMatrix, Error, wilson_interval};

/// Test images whose spikes are shown.
const RASTER: usize = 6;
/// Test images shown with their responses, and mistakes.
const SHOWN: usize = 16;

pub(super) fn sheet(run: &StdpRun, summary: &StdpSummary, outcome: &Outcome, order: &Order) -> Result<Sheet, Error> {
    let CompetitiveConfig { inputs, neurons, .. } = *run.network.config();
    let accuracy = summary.test_accuracy.get(ALL_ACTIVITY).copied().unwrap_or_default();
    let percent = |x: f64| format!("{:.2} %", 100.0 * x);
    let n = summary.test_samples as u64;
    let (low, high) = wilson_interval((accuracy * n as f64).round() as u64, n);
    let mut tiles = vec![
        ("neurons", neurons.to_string(), "they compete for each image"),
        ("rule", summary.rule.clone(), "how the winner learns"),
        ("learned from, images", summary.train_samples.to_string(), "presentations, without labels"),
        ("named by, images", summary.label_samples.to_string(), "training images whose labels name the neurons"),
        ("learning, images/s", format!("{:.0}", summary.samples_per_second.train), "drawing of spikes included"),
        ("responding, images/s", format!("{:.0}", summary.samples_per_second.test), "on all threads"),
    ];
    for (key, name, meaning) in [
        ("proportion", "proportion", "each vote weighed by how choosy its neuron is"),
        ("log_likelihood", "log-likelihood", "naive Bayes with Poisson counts"),
        ("bigram", "bigrams", "pairs of successive winners"),
    ] {
        tiles.push((name, percent(summary.test_accuracy.get(key).copied().unwrap_or_default()), meaning));
    }
    let config = &run.config;
    Ok(Sheet {
        run: RunInfo {
            name: config.name.clone(),
            started: run.state.started.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            command: "cargo xtask stdp --config config.yaml".into(),
            seed: config.seed,
            threads: summary.threads,
            simd: nl_kernels::Level::current().to_string(),
            parameters: (inputs * neurons + neurons) as u64,
            weights_sha256: summary.weights_sha256.clone(),
            seconds: summary.seconds.values().sum(),
        },
        headline: (format!("{:.2}", 100.0 * accuracy), "%".into()),
        lead: format!(
            "of {n} test images were told right by {neurons} spiking neurons that learned without labels \
             (95 % interval {:.2} to {:.2} %). Labels, of training images only, came afterwards: each neuron stands for \
             the class it answers to most (all activity, Diehl & Cook 2015).",
            100.0 * low,
            100.0 * high
        ),
        data: (run.source.kind == SourceKind::Synthetic, run.source.text.clone()),
        tiles: tiles.into_iter().map(|(n, v, m)| (n.to_owned(), v, m.to_owned())).collect(),
        sections: vec![learned(run, order), learning(run), answers(run, outcome, order), mistakes(run, outcome)],
        config: config.to_yaml()?,
    })
}

fn learned(run: &StdpRun, order: &Order) -> Section {
    let images = &run.split.train;
    let sizes = order.sizes(images.classes());
    let head = std::iter::once("class".to_owned()).chain((0..images.classes()).map(|c| c.to_string()));
    let row = std::iter::once("neurons".to_owned()).chain(sizes.iter().map(ToString::to_string));
    let wins: Vec<f64> = run.network.wins().iter().map(|&wins| wins as f64).collect();
    let theta: Vec<f64> = run.network.theta().map(f64::from).collect();
    Section {
        title: "What it learned".into(),
        text:
            "Each tile is one neuron: the weights of its inputs, laid out as the image, the largest white. Nobody told \
               it what to look for."
                .into(),
        figures: vec![
            Figure {
                title: "Receptive fields".into(),
                text:
                    "In rows, sorted by the class each neuron stands for: how many there are of each is in the table \
                       below."
                        .into(),
                plot: Plot::Image(view::fields(&run.network, order, (images.height(), images.width()))),
            },
            Figure {
                title: "What the neurons stand for".into(),
                text: "The class of training images to which a neuron answers most; none, if it never answered.".into(),
                plot: Plot::Table(head.chain(["none".to_owned()]).collect(), vec![row.collect()]),
            },
            histogram("Wins", "How often each neuron won while learning.", "wins", &wins),
            histogram("Thresholds", "What each neuron's wins have added to its threshold.", "theta, mV", &theta),
        ],
    }
}

fn learning(run: &StdpRun) -> Section {
    let line = |name: &str, unit: &str, value: fn(&super::run::Point) -> f64| Plot::Lines {
        x: "images".into(),
        y: unit.into(),
        lines: vec![(name.into(), run.state.curve.iter().map(|p| (p.samples as f64, value(p))).collect())],
    };
    let mut figures = Vec::new();
    if !run.state.curve.is_empty() {
        figures = vec![
            Figure {
                title: "Accuracy".into(),
                text: format!(
                    "On {} held-out training images; neurons named by what they won since the point before.",
                    run.validation.len()
                ),
                plot: line("held-out images", "accuracy, %", |p| 100.0 * p.validation_accuracy),
            },
            Figure {
                title: "Neurons used".into(),
                text: "Neurons that have won at least once.".into(),
                plot: line("used", "neurons", |p| p.neurons_used as f64),
            },
            Figure {
                title: "Thresholds".into(),
                text: "Their adaptive part, the mean of all neurons.".into(),
                plot: line("mean theta", "theta, mV", |p| p.mean_theta),
            },
        ];
    }
    Section {
        title: "How it learned".into(),
        text: "What a win adds to the threshold, and the learning rate, fall exponentially over the run: first every \
               neuron gets its turn, then each settles."
            .into(),
        figures,
    }
}

fn answers(run: &StdpRun, outcome: &Outcome, order: &Order) -> Section {
    let test = &run.split.test;
    let (n, dt) = (outcome.spikes.len(), run.config.input.dt.0);
    let span = run.config.input.steps as f64 * dt;
    let ranks = order.ranks();
    let mut groups: Vec<(String, Vec<(f64, u32)>)> =
        (0..test.classes()).map(|c| (c.to_string(), Vec::new())).chain([("none".to_owned(), Vec::new())]).collect();
    for (i, response) in outcome.spikes.iter().take(RASTER).enumerate() {
        for spike in response {
            let neuron = spike.neuron as usize;
            let group = order.classes[neuron].map_or(test.classes(), usize::from);
            groups[group].1.push((i as f64 * span + f64::from(spike.step) * dt, ranks[neuron]));
        }
    }
    groups.retain(|(_, dots)| !dots.is_empty());
    let labels: Vec<String> = test.labels().iter().take(RASTER.min(n)).map(ToString::to_string).collect();
    let shown: Vec<usize> = (0..SHOWN.min(n)).collect();
    let mut confusion = ConfusionMatrix::new(test.classes());
    for (&truth, &decided) in test.labels().iter().zip(&outcome.decided) {
        confusion.add(truth.into(), decided.into());
    }
    let head = std::iter::once("digit".to_owned()).chain((0..test.classes()).map(|c| format!("told {c}")));
    let rows =
        confusion.rows().into_iter().enumerate().map(|(truth, row)| {
            std::iter::once(truth.to_string()).chain(row.iter().map(ToString::to_string)).collect()
        });
    Section {
        title: "How it answers".into(),
        text: "Images it has never seen; nothing is learned any more.".into(),
        figures: vec![
            Figure {
                title: "Test images, and what was seen in them".into(),
                text: "Above the image; below it the weights of the neurons that answered, each as often as it spiked."
                    .into(),
                plot: Plot::Image(view::seen(&run.network, test, &shown, &outcome.spikes)),
            },
            responses(run, outcome, order, &shown),
            Figure {
                title: "Spikes".into(),
                text: format!(
                    "The responses to the first test images, {span} ms each: {}. Neurons are sorted by the class they \
                     stand for, so that a band of dots is a class.",
                    labels.join(", ")
                ),
                plot: Plot::Raster { x: "time, ms".into(), neurons: ranks.len() as u32, groups },
            },
            Figure {
                title: "Confusion matrix".into(),
                text: "Test images by digit (rows) and by what they were told to be (columns).".into(),
                plot: Plot::Table(head.collect(), rows.collect()),
            },
        ],
    }
}

/// Each image's spikes by the class of the neurons.
fn responses(run: &StdpRun, outcome: &Outcome, order: &Order, shown: &[usize]) -> Figure {
    let test = &run.split.test;
    let row = |&i: &usize| {
        let mut counts = vec![0; test.classes()];
        let named = outcome.spikes[i].iter().filter_map(|spike| order.classes[spike.neuron as usize]);
        named.for_each(|class| counts[usize::from(class)] += 1);
        let mut votes: Vec<(usize, usize)> = (0..counts.len()).map(|c| (counts[c], c)).filter(|v| v.0 > 0).collect();
        votes.sort_by_key(|&(count, class)| (std::cmp::Reverse(count), class));
        let votes: Vec<String> = votes.iter().map(|(count, class)| format!("{count} for {class}")).collect();
        vec![i.to_string(), test.labels()[i].to_string(), outcome.decided[i].to_string(), votes.join(", ")]
    };
    let head = ["test image", "digit", "told", "spikes"].map(str::to_owned).to_vec();
    Figure {
        title: "Their responses".into(),
        text: "Spikes by the class that the neurons stand for. The class with the most spikes for each of its neurons \
               wins."
            .into(),
        plot: Plot::Table(head, shown.iter().map(row).collect()),
    }
}

fn mistakes(run: &StdpRun, outcome: &Outcome) -> Section {
    let labels = run.split.test.labels();
    let wrong: Vec<usize> = (0..outcome.decided.len()).filter(|&i| outcome.decided[i] != labels[i]).collect();
    let shown: Vec<usize> = wrong.iter().copied().take(SHOWN).collect();
    let mut figures = Vec::new();
    if !shown.is_empty() {
        let told: Vec<String> = shown.iter().map(|&i| format!("{} for {}", outcome.decided[i], labels[i])).collect();
        figures.push(Figure {
            title: "The first mistakes".into(),
            text: format!("Told: {}. Below each, what was seen in it.", told.join(", ")),
            plot: Plot::Image(view::seen(&run.network, &run.split.test, &shown, &outcome.spikes)),
        });
    }
    Section {
        title: "Where it errs".into(),
        text: format!("{} of {} test images were told wrong.", wrong.len(), outcome.decided.len()),
        figures,
    }
}

fn histogram(title: &str, text: &str, x: &str, values: &[f64]) -> Figure {
    const BINS: usize = 30;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = if most > low { (most - low) / BINS as f64 } else { 1.0 };
    let mut counts = vec![0.0; BINS];
    for value in values {
        counts[(((value - low) / width) as usize).min(BINS - 1)] += 1.0;
    }
    let bars = counts.into_iter().enumerate().map(|(b, count)| (low + b as f64 * width, count)).collect();
    Figure {
        title: title.into(),
        text: text.into(),
        plot: Plot::Bars { x: x.into(), y: "neurons".into(), width, bars },
    }
}
