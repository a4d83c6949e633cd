//! The report of a run.

use nl_data::SourceKind;

use super::run::{ConvStdpRun, ConvStdpSummary, Outcome};
use super::view;
use crate::Error;
use crate::metrics::{ConfusionMatrix, wilson_interval};
use crate::report::{Figure, Plot, RunInfo, Section, Sheet};

/// Mistakes shown.
const SHOWN: usize = 30;

pub(super) fn sheet(run: &ConvStdpRun, summary: &ConvStdpSummary, outcome: &Outcome) -> Result<Sheet, Error> {
    let (config, network, test) = (&run.config, &run.network, &run.split.test);
    let labels = test.labels();
    let mut confusion = ConfusionMatrix::new(test.classes());
    for (&truth, &decided) in labels.iter().zip(&outcome.decided) {
        confusion.add(truth.into(), decided);
    }
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let (low, high) = wilson_interval(confusion.right(), confusion.total());
    let seconds = &summary.seconds;
    let time = |s: f64| format!("{s:.1} s");
    let mut tiles = vec![
        ("layers", summary.layers.to_string(), "each learned when those below it had learned"),
        ("maps", list(&summary.maps), "feature maps of each layer"),
        ("images learned from", list(&summary.stdp_samples), "by each layer, without labels"),
        ("95 % interval", format!("{:.2}–{:.2} %", 100.0 * low, 100.0 * high), "of the accuracy (Wilson)"),
        ("time: features learned", time(seconds.stdp), "STDP of all layers"),
        ("time: features computed", time(seconds.features), "of training and test images"),
        ("time: read-out", time(seconds.read_out), "logistic regression"),
    ];
    if let Some(reward) = summary.test_accuracy.reward {
        tiles.push(("reward-modulated layer", percent(reward), "test accuracy without the linear read-out"));
    }
    let mut sections = vec![
        Section {
            title: "What it has learned".into(),
            text: "Nobody told the first layer what to look for: its maps compete, and each becomes what no other is."
                .into(),
            figures: vec![
                Figure {
                    title: "Kernels of the first layer".into(),
                    text: "White: the map waits for a spike of an ON cell (brighter than around) there; black: of an \
                           OFF cell; grey: of neither, or of both."
                        .into(),
                    plot: Plot::Image(view::kernels(&network.layers[0].layer)),
                },
                convergence(run),
                wins(run),
            ],
        },
        Section {
            title: "A digit as spikes".into(),
            text: "Strong edges spike early. Time runs from left to right, then down.".into(),
            figures: waves(run)?,
        },
        Section { title: "What it decides".into(), text: String::new(), figures: decisions(run, outcome, &confusion) },
    ];
    if !run.state.rewarded.is_empty() {
        let points = run.state.rewarded.iter().enumerate().map(|(i, &share)| ((i + 1) as f64, share));
        let lines = vec![("right".into(), points.collect())];
        sections.push(Section {
            title: "Learning from right and wrong".into(),
            text: "A last layer whose maps stand for classes learns by reward-modulated STDP.".into(),
            figures: vec![Figure {
                title: "Right while learning".into(),
                text: "Share of right decisions in each pass.".into(),
                plot: Plot::Lines { x: "pass".into(), y: "share right".into(), lines },
            }],
        });
    }
    Ok(Sheet {
        run: RunInfo {
            name: config.name.clone(),
            started: run.state.started.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            command: "cargo xtask conv-stdp --config config.yaml".into(),
            seed: config.seed,
            threads: summary.threads,
            simd: nl_kernels::Level::current().to_string(),
            weights_sha256: summary.weights_sha256.clone(),
            seconds: seconds.total,
            ..RunInfo::default()
        },
        headline: (format!("{:.2}", 100.0 * summary.test_accuracy.linear), "%".into()),
        lead: format!(
            "of {} test images are recognised by a linear read-out of features learned without labels.",
            labels.len()
        ),
        data: (run.source.kind == SourceKind::Synthetic, format!("{}.", run.source.text)),
        tiles: tiles.into_iter().map(|(n, v, m)| (n.to_owned(), v, m.to_owned())).collect(),
        sections,
        config: config.to_yaml()?,
    })
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

fn convergence(run: &ConvStdpRun) -> Figure {
    let line = |(i, curve): (usize, &Vec<(u64, f64)>)| {
        (format!("layer {}", i + 1), curve.iter().map(|&(images, c)| (images as f64, c)).collect())
    };
    Figure {
        title: "Convergence".into(),
        text: "Mean of w (1 − w): 0 when every weight is 0 or 1.".into(),
        plot: Plot::Lines {
            x: "images".into(),
            y: "mean w (1 - w)".into(),
            lines: run.state.curves.iter().enumerate().map(line).collect(),
        },
    }
}

fn wins(run: &ConvStdpRun) -> Figure {
    let line = |(i, stacked): (usize, &super::network::Stacked)| {
        let mut wins = stacked.layer.wins().to_vec();
        wins.sort_unstable_by(|a, b| b.cmp(a));
        (format!("layer {}", i + 1), wins.iter().enumerate().map(|(m, &n)| (m as f64 + 1.0, n as f64)).collect())
    };
    Figure {
        title: "Wins".into(),
        text: "How often each map won and learned, the most successful first.".into(),
        plot: Plot::Lines {
            x: "map".into(),
            y: "wins".into(),
            lines: run.network.layers.iter().enumerate().map(line).collect(),
        },
    }
}

fn waves(run: &ConvStdpRun) -> Result<Vec<Figure>, Error> {
    let pictures = view::wave(&run.network, run.split.test.image(0))?;
    let figure = |(i, picture)| {
        let (title, text) = if i == 0 {
            ("The eye".to_owned(), "Spikes of ON and OFF cells bin by bin: white now, grey before.".to_owned())
        } else {
            let text = "How many maps have spiked at each place so far.";
            (format!("Layer {i}"), text.to_owned())
        };
        Figure { title, text, plot: Plot::Image(picture) }
    };
    Ok(pictures.into_iter().enumerate().map(figure).collect())
}

fn decisions(run: &ConvStdpRun, outcome: &Outcome, confusion: &ConfusionMatrix) -> Vec<Figure> {
    let test = &run.split.test;
    let classes = test.classes();
    let mut head = vec!["true \\ decided".to_owned()];
    head.extend((0..classes).map(|class| class.to_string()));
    head.push("right".into());
    let row = |(truth, counts): (usize, Vec<u64>)| {
        let total: u64 = counts.iter().sum();
        let mut row = vec![truth.to_string()];
        row.extend(counts.iter().map(|&n| if n == 0 { "·".to_owned() } else { n.to_string() }));
        row.push(format!("{:.1} %", 100.0 * counts[truth] as f64 / total.max(1) as f64));
        row
    };
    let rows = confusion.rows().into_iter().enumerate().map(row).collect();
    let mut figures = vec![Figure {
        title: "Decisions".into(),
        text: "Test images by true class and decision.".into(),
        plot: Plot::Table(head, rows),
    }];
    // The surest first: the margin to the true class.
    let margin = |i: usize| {
        let logits = &outcome.logits[i * classes..(i + 1) * classes];
        logits[outcome.decided[i] as usize] - logits[usize::from(test.labels()[i])]
    };
    let mut wrong: Vec<usize> =
        (0..test.len()).filter(|&i| outcome.decided[i] != u32::from(test.labels()[i])).collect();
    wrong.sort_by(|&a, &b| margin(b).total_cmp(&margin(a)).then(a.cmp(&b)));
    wrong.truncate(SHOWN);
    if !wrong.is_empty() {
        let told = |&i: &usize| format!("{} → {}", test.labels()[i], outcome.decided[i]);
        let rows: Vec<Vec<String>> = wrong.chunks(view::ACROSS).map(|row| row.iter().map(told).collect()).collect();
        figures.push(Figure {
            title: "Mistakes".into(),
            text: "The surest first.".into(),
            plot: Plot::Image(view::images(test, &wrong)),
        });
        figures.push(Figure {
            title: "What they were taken for".into(),
            text: "True class → decision, in the same order.".into(),
            plot: Plot::Table(Vec::new(), rows),
        });
    }
    figures
}
