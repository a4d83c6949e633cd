//! `cargo xtask train`: whatever a configuration describes, from images to report.

use std::path::Path;

use anyhow::Context;
use nl_data::Choice;
use nl_train::models::{Kind, MODELS};
use nl_train::yaml::help;
use nl_train::{Document, RunFolder, SHIPPED, Summary, shipped};

use crate::cli::{Common, Train};
use crate::{place, session, text};

pub(crate) fn run(options: &Train) -> anyhow::Result<()> {
    let common = &options.common;
    if options.help_config {
        return help_config(options);
    }
    let document = match (&common.resume, &common.config, &options.preset) {
        (Some(_), ..) => None,
        (None, Some(file), _) => Some(read(file)?),
        (None, None, Some(name)) => Some(preset(name)?),
        (None, None, None) => {
            anyhow::bail!("what is to be trained? --config FILE or --preset NAME (cargo xtask list presets)")
        }
    };
    let (what, time) = ("trains what the configuration describes, and writes a report", "as long as the preset says");
    let order = Order { command: "train", what, time, document, data: options.data.data.as_ref(), kind: None };
    order.run(common, |summary| summary)
}

/// The whole configuration with all its keys: of the model that is asked about, or of all.
fn help_config(options: &Train) -> anyhow::Result<()> {
    let document = match (&options.common.config, &options.preset) {
        (Some(file), _) => Some(read(file)?),
        (None, Some(name)) => Some(preset(name)?),
        (None, None) => None,
    };
    let kinds = match &document {
        Some(document) => vec![*Kind::of_document(document)?],
        None => MODELS.to_vec(),
    };
    for kind in kinds {
        let schema = kind.schema().unwrap_or_default();
        crate::print(&format!("# ---- model: {}: {} ----\n{}\n", kind.kind, kind.about, help::render(&schema)))?;
    }
    Ok(())
}

/// What is to be run.
pub(crate) struct Order<'a> {
    pub(crate) command: &'a str,
    pub(crate) what: &'a str,
    pub(crate) time: &'a str,
    /// None: a run that goes on.
    pub(crate) document: Option<Document>,
    pub(crate) data: Option<&'a Choice>,
    /// The kind of model that the command is for; none: any.
    pub(crate) kind: Option<&'static str>,
}

impl Order<'_> {
    /// Runs it to the end and shows the result, as `shape` wants it.
    pub(crate) fn run(self, common: &Common, shape: impl FnOnce(Summary) -> Summary) -> anyhow::Result<()> {
        session::open(common.resume.as_deref(), common.config.as_deref(), self.command, self.what, self.time);
        let summary = session::run(common.threads, |printer| {
            let (folder, mut document) = match (&common.resume, self.document) {
                (Some(dir), _) => {
                    let folder = RunFolder::resume(dir)?;
                    let config = dir.join("config.yaml");
                    let document = Document::read(&config.to_string_lossy(), &folder.config_text()?)?;
                    (Some(folder), document)
                }
                (None, Some(document)) => (None, document),
                (None, None) => anyhow::bail!("nothing to run"),
            };
            if let Some(seed) = common.seed {
                document.set("--seed", "seed", seed)?;
            }
            if let Some(data) = self.data {
                document.set("--data", "data.source", String::from(data.clone()))?;
            }
            common.set.iter().try_for_each(|text| document.assign(text))?;
            let kind = Kind::of_document(&document)?;
            if let Some(wanted) = self.kind.filter(|wanted| *wanted != kind.kind) {
                anyhow::bail!(
                    "`cargo xtask {}` is for models of kind {wanted}, this configuration has one of kind {}; `cargo xtask \
                     train` takes any",
                    self.command,
                    kind.kind
                );
            }
            let run = match folder {
                Some(folder) => kind.resume(&document, &place::lookup(), folder)?,
                None => {
                    kind.start(&document, &place::lookup(), &mut |name| place::folder(common.out.as_deref(), name))?
                }
            };
            if let Some(source) = run.source() {
                crate::say(&format!("data: {source}"));
            }
            crate::say(&format!("folder: {}", run.folder().display()));
            Ok(run.run(printer)?)
        })?;
        show(&shape(summary), self.command, common.json)
    }
}

/// The result: a table for people, or one JSON object on stdout with the table on stderr.
pub(crate) fn show(summary: &Summary, command: &str, json: bool) -> anyhow::Result<()> {
    let rows: Vec<(&str, String)> = summary.rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let title = format!("{command}: {}", summary.subject);
    let mut below = Vec::new();
    if let Some(hash) = &summary.weights_sha256 {
        below.push(("weights", hash.clone()));
    }
    if let Some(hash) = summary.details.get("spikes_sha256").and_then(|hash| hash.as_str()) {
        below.push(("spikes", hash.to_owned()));
    }
    below.push(("report", summary.report.clone()));
    session::show(summary, &text::table(&title, &rows, &below, text::stdout_columns()), json)
}

/// A configuration of one's own.
pub(crate) fn read(file: &Path) -> anyhow::Result<Document> {
    Ok(Document::open(file)?)
}

/// A shipped configuration.
pub(crate) fn preset(name: &str) -> anyhow::Result<Document> {
    let text = shipped(name).with_context(|| {
        let names: Vec<&str> = SHIPPED.iter().map(|shipped| shipped.name).collect();
        format!("--preset {name}: there is none of that name; there are {}", names.join(", "))
    })?;
    Ok(Document::read(name, text)?)
}
