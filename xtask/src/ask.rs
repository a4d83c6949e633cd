//! `cargo xtask eval` and `predict`: what a trained model says.

use std::path::Path;

use nl_data::Choice;
use nl_report::text::percent;
use nl_train::evaluate::Robustness;
use nl_train::models::{AnyTrained, Kind};
use nl_train::{Dataset, Document, Prediction, Robust, RunFolder};

use crate::cli::{Eval, Predict};
use crate::{place, session, train};

/// What the run in `folder` has learned.
fn open(folder: &Path) -> anyhow::Result<Box<dyn AnyTrained>> {
    let config = folder.join("config.yaml");
    let document = Document::read(&config.to_string_lossy(), &RunFolder::read_config_text(folder)?)?;
    Ok(Kind::of_document(&document)?.open(folder)?)
}

pub(crate) fn eval(options: &Eval) -> anyhow::Result<()> {
    crate::say(&format!("eval: asks the model in {} about test images.", options.run.display()));
    let summary = session::run(options.threads, |printer| {
        let trained = open(&options.run)?;
        let mut config = trained.data().cloned().unwrap_or_default();
        // Only the test images are looked at: none has to be held out, and all may be asked about.
        (config.train, config.validation) = (None, None);
        if let Some(data) = &options.data.data {
            config.source = Choice::clone(data);
            config.test = None;
        }
        let data = Dataset::find(&config, 0, &place::lookup())?;
        crate::say(&format!("data: {}", data.source));
        let mut summary = trained.evaluate(&data, printer)?;
        if options.robustness {
            let Robust { tables, page } = trained.robustness(&data, &Robustness::default(), printer)?;
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
    let (height, width, classes) = trained.shape();
    for file in &options.files {
        let images = nl_train::read_pictures(file, (height, width), classes)?;
        let predictions = trained.predict(&images)?;
        for (i, prediction) in predictions.iter().enumerate() {
            let name =
                if predictions.len() == 1 { file.display().to_string() } else { format!("{}[{i}]", file.display()) };
            if options.json {
                let mut line = serde_json::to_value(prediction)?;
                line["image"] = name.into();
                crate::print(&format!("{line}\n"))?;
            } else {
                crate::print(&words(&name, prediction))?;
            }
        }
    }
    Ok(())
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
