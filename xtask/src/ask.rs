//! `cargo xtask eval` and `predict`: what a trained model says.

use std::path::Path;

use nl_data::Choice;
use nl_report::text::{number, percent};
use nl_train::evaluate::Robustness;
use nl_train::models::{AnyTrained, Asked, Kind, Said};
use nl_train::{Document, Estimate, Prediction, Robust, RunFolder};

use crate::cli::{Eval, Predict};
use crate::{place, session, train};

/// What the run in `folder` has learned.
fn open(folder: &Path) -> anyhow::Result<Box<dyn AnyTrained>> {
    let config = folder.join("config.yaml");
    let document = Document::read(&config.to_string_lossy(), &RunFolder::read_config_text(folder)?)?;
    Ok(Kind::of_document(&document)?.open(folder)?)
}

pub(crate) fn eval(options: &Eval) -> anyhow::Result<()> {
    crate::say(&format!("eval: asks the model in {} about test samples.", options.run.display()));
    let summary = session::run(options.threads, |printer| {
        let trained = open(&options.run)?;
        let mut config = trained.data().cloned().unwrap_or_default();
        // Only the test samples are looked at: none has to be held out, and all may be asked about.
        (config.train, config.validation) = (None, None);
        let asked = match &options.data.data {
            Some(data) => {
                config.source = Choice::clone(data);
                config.test = None;
                Asked::Other(config)
            }
            None => Asked::Own(config),
        };
        let evaluation = trained.beside(&asked, &place::lookup())?;
        crate::say(&format!("data: {}", evaluation.source()));
        let mut summary = evaluation.evaluate(printer)?;
        if options.robustness {
            let Robust { tables, page } = evaluation.robustness(&Robustness::default(), printer)?;
            for (name, table) in &tables {
                let mean = table.mean().unwrap_or(table.clean);
                let name = format!("{}, mean of spoilt images", name.replace('_', " "));
                summary.rows.push((name, format!("{:6.2} %", 100.0 * mean)));
            }
            summary.report = page.to_string_lossy().into_owned();
            summary.details.insert("robustness".into(), serde_json::to_value(tables)?);
        }
        Ok(summary)
    })?;
    train::show(&summary, "eval", options.json)
}

pub(crate) fn predict(options: &Predict) -> anyhow::Result<()> {
    crate::pool(options.threads)?.install(|| said(options))
}

fn said(options: &Predict) -> anyhow::Result<()> {
    let trained = open(&options.run)?;
    for file in &options.files {
        match trained.predict(file)? {
            Said::Classes(said) => {
                each(file, options.json, &said, words, |said| serde_json::to_value(said))?;
            }
            Said::Values(said) => {
                each(
                    file,
                    options.json,
                    &said,
                    |name, said| estimated(name, said),
                    |said| Ok(serde_json::json!({"values": said})),
                )?;
            }
        }
    }
    Ok(())
}

/// What is said about each sample of a file, in words or as JSON.
fn each<T>(
    file: &Path,
    json: bool,
    said: &[T],
    words: impl Fn(&str, &T) -> String,
    value: impl Fn(&T) -> serde_json::Result<serde_json::Value>,
) -> anyhow::Result<()> {
    for (i, one) in said.iter().enumerate() {
        let name = if said.len() == 1 { file.display().to_string() } else { format!("{}[{i}]", file.display()) };
        if json {
            let mut line = value(one)?;
            line["image"] = name.into();
            crate::print(&format!("{line}\n"))?;
        } else {
            crate::print(&words(&name, one))?;
        }
    }
    Ok(())
}

/// What is estimated of one sample, for people.
fn estimated(name: &str, values: &[Estimate]) -> String {
    let one = |Estimate { name, value, deviation, quantiles }: &Estimate| {
        let mut text = format!("{name} {}", number(*value));
        if let Some(deviation) = deviation {
            text += &format!(" ± {}", number(*deviation));
        }
        if let [(low, from), .., (high, to)] = quantiles[..] {
            text += &format!(" ({} of probability from {} to {})", percent(high - low, 0), number(from), number(to));
        }
        text
    };
    format!("{name}: {}\n", values.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// What is said about one image, for people.
fn words(name: &str, prediction: &Prediction) -> String {
    let Prediction { class, name: decided, probabilities, advisers, neighbours, trust } = prediction;
    let p = |class: usize| percent(probabilities.get(class).copied().unwrap_or(0.0), 1);
    let mut text = format!("{name}: {decided} ({})\n", p(*class));
    let mut others: Vec<usize> = (0..probabilities.len()).filter(|other| other != class).collect();
    others.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let others: Vec<String> = others
        .into_iter()
        .take(3)
        .filter(|&c| probabilities[c] >= 5e-4)
        .map(|c| format!("class {c} {}", p(c)))
        .collect();
    if !others.is_empty() {
        text += &format!("  then: {}\n", others.join(", "));
    }
    for (adviser, opinion) in advisers {
        text += &format!("  {adviser}: {} ({})\n", opinion.name, percent(opinion.probability, 1));
    }
    if let Some(trust) = trust {
        text += &format!("  trust in memory: {trust:.2}\n");
    }
    if !neighbours.is_empty() {
        let near: Vec<String> = neighbours
            .iter()
            .map(|near| format!("{} (training image {}, distance {:.3})", near.name, near.image, near.distance))
            .collect();
        text += &format!("  reminds it of: {}\n", near.join(", "));
    }
    text
}
