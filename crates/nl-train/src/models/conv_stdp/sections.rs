//! The report of a run.

use nl_report::plots::Lines;
use nl_report::text::{duration, percent, thousands};
use nl_report::{Figure, Headline, Section, Sheet, Tile};

use super::run::{ConvStdpRun, ConvStdpSummary, Outcome};
use super::view;
use crate::metrics::ConfusionMatrix;
use crate::{Error, page};

/// Mistakes shown.
const SHOWN: usize = 30;

pub(super) fn sheet(run: &ConvStdpRun, summary: &ConvStdpSummary, outcome: &Outcome) -> Result<Sheet, Error> {
    let (config, network, source) = (&run.config, &run.network, &run.source);
    let names = page::class_names(source, run.split.train.classes());
    let truth = run.split.test.labels().iter().copied();
    let confusion = ConfusionMatrix::of(names.len(), truth, outcome.decided.iter().copied());
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
        .figure(convergence(run))
        .figure(wins(run)),
        Section::new("An image as spikes", "Spikes", "Strong edges spike early. Time runs from left to right, then down.")
            .figures(waves(run)?),
    ];
    if !run.state.rewarded.is_empty() {
        let points = run.state.rewarded.iter().enumerate().map(|(i, &share)| ((i + 1) as f64, 100.0 * share));
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
    sections.push(decisions(run, outcome, &confusion, &names));
    Ok(Sheet {
        title: format!("Features by STDP on {}", page::data_name(source)),
        headline: Headline {
            value: format!("{:.2}", 100.0 * summary.test_accuracy.linear),
            unit: "%".into(),
            lead: format!(
                "of {} test images are recognised by a linear read-out of features learned without labels.",
                thousands(confusion.total())
            ),
            hint: format!("The 95 % interval is {}.", page::interval(confusion.right(), confusion.total())),
            figure: None,
        },
        banner: Some(page::banner(source, &run.split, run.split.train.len(), 0)),
        tiles: tiles(summary),
        sections,
        provenance: page::provenance(page::Run {
            name: &config.name,
            started: &run.state.started,
            seed: config.seed,
            threads: summary.threads,
            command: page::command("conv-stdp", run.folder(), Some(source)),
            repeat: page::words(Some(source), "weights"),
            facts: vec![
                ("SHA-256 of the weights", summary.weights_sha256.clone()),
                ("SHA-256 of the images", source.sha256.clone()),
            ],
            config: config.to_yaml()?,
        }),
    })
}

fn tiles(summary: &ConvStdpSummary) -> Vec<Tile> {
    let seconds = &summary.seconds;
    let mut tiles = vec![
        Tile::new("layers", summary.layers.to_string(), "each learned when those below it had learned"),
        Tile::new("maps", list(&summary.maps), "feature maps of each layer"),
        Tile::new(
            "images learned from",
            list(&summary.stdp_samples.iter().map(|&n| thousands(n)).collect::<Vec<_>>()),
            "by each layer, without labels",
        ),
        Tile::new("learning features", duration(seconds.stdp), "STDP of all layers"),
        Tile::new("computing features", duration(seconds.features), "of training and test images"),
        Tile::new("read-out", duration(seconds.read_out), "logistic regression"),
    ];
    if let Some(reward) = summary.test_accuracy.reward {
        let note = "another read-out: reward-modulated STDP, without the linear one";
        tiles.push(Tile::new("accuracy of the rewarded layer", percent(reward, 2), note));
    }
    tiles
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

fn convergence(run: &ConvStdpRun) -> Figure {
    let lines =
        run.state.curves.iter().enumerate().fold(Lines::new("images", "mean w (1 − w)"), |lines, (i, curve)| {
            lines.line(&format!("layer {}", i + 1), curve.iter().map(|&(images, c)| (images as f64, c)).collect())
        });
    let lines = Lines { from_zero: true, ..lines };
    Figure::new("Convergence", "Mean of w (1 − w): 0 when every weight is 0 or 1.", lines)
}

fn wins(run: &ConvStdpRun) -> Figure {
    let lines = run.network.layers.iter().enumerate().fold(Lines::new("map", "wins"), |lines, (i, stacked)| {
        let mut wins = stacked.layer.wins().to_vec();
        wins.sort_unstable_by(|a, b| b.cmp(a));
        let points = wins.iter().enumerate().map(|(m, &n)| (m as f64 + 1.0, n as f64)).collect();
        lines.line(&format!("layer {}", i + 1), points)
    });
    let lines = Lines { from_zero: true, ..lines };
    Figure::new("Wins", "How often each map won and learned, the most successful first.", lines)
}

fn waves(run: &ConvStdpRun) -> Result<Vec<Figure>, Error> {
    let pictures = view::wave(&run.network, run.split.test.image(0))?;
    let figure = |(i, picture)| {
        if i == 0 {
            Figure::new("The eye", "Spikes of ON and OFF cells bin by bin: white now, grey before.", picture)
        } else {
            Figure::new(&format!("Layer {i}"), "How many maps have spiked at each place so far.", picture)
        }
    };
    Ok(pictures.into_iter().enumerate().map(figure).collect())
}

fn decisions(run: &ConvStdpRun, outcome: &Outcome, confusion: &ConfusionMatrix, names: &[String]) -> Section {
    let (test, classes) = (&run.split.test, names.len());
    // The surest first: the margin to the true class.
    let margin = |i: usize| {
        let logits = &outcome.logits[i * classes..(i + 1) * classes];
        logits[outcome.decided[i] as usize] - logits[usize::from(test.labels()[i])]
    };
    let mut wrong: Vec<usize> =
        (0..test.len()).filter(|&i| outcome.decided[i] != u32::from(test.labels()[i])).collect();
    wrong.sort_by(|&a, &b| margin(b).total_cmp(&margin(a)).then(a.cmp(&b)));
    wrong.truncate(SHOWN);
    let mut section = Section::new(
        "What it decides",
        "Decisions",
        "The test images by their true class and by the decision of the read-out.",
    )
    .figures(page::confusion(confusion, names));
    if !wrong.is_empty() {
        let caption = |i: usize| page::verdict(names, test.labels()[i].into(), outcome.decided[i] as usize);
        let plot = page::strip(test, &wrong, "the image", caption);
        section.figures.push(Figure::new("Mistakes", "The surest first.", plot));
    }
    section
}
