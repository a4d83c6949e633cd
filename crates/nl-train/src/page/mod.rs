//! What the pages of all runs have in common: where the images come from, how a run is repeated, what is confused with what.

pub(crate) mod curves;
mod repeat;

use std::path::Path;

use nl_data::{Images, Samples, Source, SourceKind};
use nl_report::plots::{Cell, Confusion, Strip, StripItem, Table};
use nl_report::text::{percent, thousands};
use nl_report::{Banner, Figure, Picture, Provenance, Sheet};

use crate::data::{Dataset, Set, TargetKind};
use crate::metrics::{ConfusionMatrix, wilson_interval};
use crate::run::Findings;

/// What of a page every run knows.
pub(crate) struct Run<'a> {
    pub(crate) name: &'a str,
    pub(crate) started: &'a str,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) folder: &'a Path,
    pub(crate) source: Option<&'a Source>,
    pub(crate) weights_sha256: Option<&'a str>,
    pub(crate) config: String,
    /// For a page about a run that is over: the command, before the run's folder.
    pub(crate) asked: Option<&'static str>,
}

/// The page of a run: what its model found, and where it comes from.
pub(crate) fn sheet(findings: &Findings, run: Run<'_>) -> Sheet {
    let level = nl_kernels::Level::current();
    let hash = |name: &str, value: Option<&str>| value.map(|value| (name.to_owned(), value.to_owned()));
    let facts = [
        hash("SHA-256 of the weights", run.weights_sha256),
        hash("SHA-256 of the images", run.source.map(|source| source.sha256.as_str())),
    ];
    let own = findings.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let same = if run.weights_sha256.is_some() { "weights" } else { "spikes" };
    Sheet {
        title: findings.title.clone(),
        headline: findings.headline.clone().unwrap_or_default(),
        banner: findings.banner.clone(),
        tiles: findings.tiles.clone(),
        sections: findings.sections.clone(),
        provenance: Provenance {
            name: run.name.to_owned(),
            started: run.started.to_owned(),
            program: format!("NeuraLearn {}", env!("CARGO_PKG_VERSION")),
            seed: run.seed,
            threads: run.threads,
            computed: format!("SIMD level {level}"),
            command: repeat::command(run.asked, run.folder, run.source),
            repeat: repeat::words(run.asked, run.source, same),
            facts: facts.into_iter().flatten().chain(own).collect(),
            config: run.config,
        },
    }
}

/// The data in a word or two, for a title: `"MNIST"`, `"procedural digits"`, `"the data in my-digits"`.
pub(crate) fn data_name(source: &Source) -> String {
    match (source.kind, source.name.as_str()) {
        (SourceKind::Synthetic, _) => "procedural digits".to_owned(),
        (_, "unknown") => {
            let folder = source.path.as_deref().and_then(Path::file_name);
            folder.map_or("data of your own".to_owned(), |name| format!("the data in {}", name.to_string_lossy()))
        }
        // The title of a known set begins with its name as it is written: "MNIST database of …".
        (_, name) => match source.text.get(..name.len()) {
            Some(written) if written.eq_ignore_ascii_case(name) => written.to_owned(),
            _ => name.to_owned(),
        },
    }
}

/// Which images, loudly; without the folder they lie in, which is nobody's business but the owner's.
pub(crate) fn banner<S: Set>(data: &Dataset<S>) -> Banner {
    let Dataset { split, source, learn, validation } = data;
    let (learned, held_out) = (learn.len(), validation.len());
    let form = split.train.form();
    let (size, unit) = (form.size(), form.unit());
    let pixels = if form.picture().is_some() { " pixels" } else { "" };
    let what = match &form.targets {
        TargetKind::Classes { classes, .. } => format!("{classes} classes"),
        values @ TargetKind::Values { .. } => format!("to learn {}", values.names().join(", ")),
    };
    let n = |n: usize| thousands(n as u64);
    let validation = if held_out > 0 { format!(", {} validation", n(held_out)) } else { String::new() };
    let counts = format!(
        "{} training{validation} and {} test {unit} of {size}{pixels}, {what}.",
        n(learned),
        n(split.test.len())
    );
    let (strong, text) = match (source.kind, source.name.as_str()) {
        (SourceKind::Synthetic, _) => {
            let mut made = source.text.clone();
            if let Some(first) = made.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let warning = "These images were drawn by a program: do not compare the accuracies below with results on \
                           photographed or scanned images.";
            ("Synthetic data.".to_owned(), format!("{made}. {warning} {counts}"))
        }
        (_, "unknown") => (
            "Data of your own.".to_owned(),
            format!("{}, which is no data set that this program knows: {counts}", capital(&data_name(source))),
        ),
        _ => (format!("{}.", data_name(source)), format!("The images as published, bit for bit: {counts}")),
    };
    Banner { warning: source.kind == SourceKind::Synthetic, strong, text }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A name for each class: that of the folder's `classes.txt`, or its number.
pub(crate) fn class_names(source: &Source, classes: usize) -> Vec<String> {
    let name = |class: usize| source.class_names.get(class).cloned().unwrap_or_else(|| class.to_string());
    (0..classes).map(name).collect()
}

/// The name of a class; `"?"` if it has none.
pub(crate) fn class_name(names: &[String], class: usize) -> &str {
    names.get(class).map_or("?", String::as_str)
}

/// `"4"`, or `"4 taken for 9"`.
pub(crate) fn verdict(names: &[String], truth: usize, decided: usize) -> String {
    let name = |class| class_name(names, class);
    if truth == decided { name(truth).to_owned() } else { format!("{} taken for {}", name(truth), name(decided)) }
}

/// An image of a set.
pub(crate) fn picture(images: &Images, index: usize) -> Picture {
    Picture { width: images.width(), height: images.height(), pixels: images.image(index).to_vec() }
}

/// Images of a set in a strip, a line below each.
pub(crate) fn strip(images: &Images, shown: &[usize], what: &str, caption: impl Fn(usize) -> String) -> Strip {
    let item = |&i: &usize| StripItem { pictures: vec![picture(images, i)], caption: caption(i) };
    Strip { rows: vec![what.to_owned()], items: shown.iter().map(item).collect() }
}

/// "the 95 % interval is 99.1 to 99.5 %", of `right` in `total`.
pub(crate) fn interval(right: u64, total: u64) -> String {
    let (low, high) = wilson_interval(right, total);
    format!("{:.2} to {:.2}\u{a0}%", 100.0 * low, 100.0 * high)
}

/// Wrong decisions on a set of images, at most `most`, the surest first: those with the largest margin of the decision over the
/// truth in `rows`, `[N, classes]`. None without a mistake.
pub(crate) fn mistakes(
    images: &Images,
    rows: &[f32],
    decided: &[u32],
    names: &[String],
    most: usize,
) -> Option<Figure> {
    let truth = |i: usize| usize::from(images.labels()[i]);
    let wrong = surest(truth, rows, decided, names.len(), most);
    let caption = |i: usize| verdict(names, truth(i), decided[i] as usize);
    let plot = || strip(images, &wrong, "the image", caption);
    (!wrong.is_empty()).then(|| Figure::new("Mistakes", "The surest first.", plot()))
}

/// The same on samples: pictures in a strip, others in a table.
pub(crate) fn sample_mistakes(
    samples: &Samples,
    rows: &[f32],
    decided: &[u32],
    names: &[String],
    most: usize,
) -> Option<Figure> {
    let labels = samples.labels()?;
    let truth = |i: usize| labels[i] as usize;
    let wrong = surest(truth, rows, decided, names.len(), most);
    if wrong.is_empty() {
        return None;
    }
    let pictures: Option<Vec<Picture>> = wrong.iter().map(|&i| sample_picture(samples, i)).collect();
    Some(match pictures {
        Some(pictures) => {
            let caption = |i: usize| verdict(names, truth(i), decided[i] as usize);
            let item = |(picture, &i)| StripItem { pictures: vec![picture], caption: caption(i) };
            let items = pictures.into_iter().zip(&wrong).map(item).collect();
            Figure::new("Mistakes", "The surest first.", Strip { rows: vec!["the image".to_owned()], items })
        }
        None => {
            let mut table = Table::new(&["sample", "truth", "decision"]);
            for &i in &wrong {
                let (truth, decision) = (class_name(names, truth(i)), class_name(names, decided[i] as usize));
                table = table.row([Cell::number(i.to_string()), truth.into(), decision.into()]);
            }
            Figure::new("Mistakes", "The surest first; test samples are counted from 0.", table)
        }
    })
}

/// Wrong decisions, at most `most`, those with the largest margin of the decision over the truth first.
fn surest(truth: impl Fn(usize) -> usize, rows: &[f32], decided: &[u32], classes: usize, most: usize) -> Vec<usize> {
    let margin = |i: usize| {
        let row = &rows[i * classes..][..classes];
        row[decided[i] as usize] - row[truth(i)]
    };
    let mut wrong: Vec<usize> = (0..decided.len()).filter(|&i| decided[i] as usize != truth(i)).collect();
    wrong.sort_by(|&a, &b| margin(b).total_cmp(&margin(a)).then(a.cmp(&b)));
    wrong.truncate(most);
    wrong
}

/// A sample as a picture, colours as their luminance (ITU-R BT.601); none for samples that are no pictures.
pub(crate) fn sample_picture(samples: &Samples, index: usize) -> Option<Picture> {
    let [channels, height, width] = samples.form().picture()?;
    let mut values = vec![0.0; samples.width()];
    samples.copy_to(index, &mut values);
    let area = height * width;
    let grey: Vec<f32> = match channels {
        3 => (0..area).map(|i| 0.299 * values[i] + 0.587 * values[area + i] + 0.114 * values[2 * area + i]).collect(),
        _ => values,
    };
    Some(Picture::from_unit(width, height, &grey))
}

/// What is confused with what: the matrix, its most frequent mistakes, and how well each class is found.
pub(crate) fn confusion(matrix: &ConfusionMatrix, names: &[String]) -> Vec<Figure> {
    let mut figures = confused(matrix, names);
    figures.push(by_class(matrix, names));
    figures
}

/// What is confused with what: the matrix and its most frequent mistakes.
pub(crate) fn confused(matrix: &ConfusionMatrix, names: &[String]) -> Vec<Figure> {
    let plot = Confusion { classes: names.to_vec(), counts: matrix.rows() };
    let mut pairs = Table::new(&["truth", "decision", "images"]);
    for (truth, decision, n) in plot.pairs(8) {
        pairs = pairs.row([names[truth].as_str().into(), names[decision].as_str().into(), Cell::number(thousands(n))]);
    }
    let mut figures = vec![Figure::new(
        "Decisions",
        "Rows are the truth, columns the decision: blue on the diagonal is right, and the redder a cell beside it, the more \
         often that mistake is made.",
        plot,
    )];
    if !pairs.rows.is_empty() {
        figures.push(Figure::new("Most frequent mistakes", "What was taken for what, and how often.", pairs));
    }
    figures
}

/// How well each class is found.
fn by_class(matrix: &ConfusionMatrix, names: &[String]) -> Figure {
    let share = |value: Option<f64>| Cell::number(value.map_or_else(|| "–".to_owned(), |v| percent(v, 2)));
    let mut classes = Table::new(&["class", "images", "precision", "recall"]);
    for (name, score) in names.iter().zip(matrix.per_class()) {
        let (support, name) = (Cell::number(thousands(score.support)), name.as_str().into());
        classes = classes.row([name, support, share(score.precision), share(score.recall)]);
    }
    let text = "Precision: how often a decision for this class is right. Recall: how much of this class is found.";
    Figure::new("By class", text, classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_data::synthetic;

    fn source(kind: SourceKind, name: &str, path: Option<&str>, text: &str) -> Source {
        let (name, text, sha256) = (name.into(), text.into(), String::new());
        Source { kind, name, path: path.map(Into::into), sha256, text, class_names: Vec::new() }
    }

    #[test]
    fn images_are_called_what_they_are() {
        let split = synthetic::digits(20, 10, 1);
        let banner = |source: &Source, learned: u32, held_out: u32| {
            let (learn, validation) = ((0..learned).collect(), (0..held_out).collect());
            banner(&Dataset { split: split.clone(), source: source.clone(), learn, validation })
        };
        let made = source(SourceKind::Synthetic, "synthetic", None, "procedural digits, seed 1");
        assert_eq!(data_name(&made), "procedural digits");
        let shown = banner(&made, 16, 4);
        assert!(
            shown.warning && shown.strong == "Synthetic data." && shown.text.starts_with("Procedural digits, seed 1. ")
        );
        let known =
            source(SourceKind::Datasets, "mnist", Some("/home/a/mnist"), "MNIST database of digits (content verified)");
        assert_eq!(data_name(&known), "MNIST");
        let own = source(
            SourceKind::Dir,
            "unknown",
            Some("/home/ada/my digits"),
            "IDX files of unknown origin from /home/ada",
        );
        assert_eq!(data_name(&own), "the data in my digits");
        let shown = banner(&own, 16, 4);
        assert_eq!(shown.strong, "Data of your own.");
        assert!(shown.text.contains("16 training, 4 validation and 10 test images of 28 × 28 pixels, 10 classes"));
        assert!(banner(&own, 20, 0).text.contains("20 training and 10 test images"));
        for shown in [banner(&known, 1, 1), shown] {
            assert!(!shown.text.contains("/home") && !shown.text.contains("unknown") && !shown.warning, "{shown:?}");
        }
    }

    #[test]
    fn classes_have_their_names_or_numbers() {
        let mut source = source(SourceKind::Dir, "unknown", None, "");
        assert_eq!(class_names(&source, 2), ["0", "1"]);
        source.class_names = vec!["cat".into(), "dog".into()];
        assert_eq!(class_names(&source, 2), ["cat", "dog"]);
    }

    #[test]
    fn a_caption_says_what_was_taken_for_what() {
        let names = ["cat", "dog"].map(str::to_owned);
        assert_eq!((verdict(&names, 0, 0), verdict(&names, 0, 1)), ("cat".into(), "cat taken for dog".into()));
    }

    #[test]
    fn nothing_wrong_needs_no_table_of_mistakes() {
        let mut matrix = ConfusionMatrix::new(2);
        matrix.add(0, 0);
        let names = ["a", "b"].map(str::to_owned);
        assert_eq!(confusion(&matrix, &names).len(), 2);
        matrix.add(0, 1);
        assert_eq!(confusion(&matrix, &names).len(), 3);
    }
}
