//! `cargo xtask train`: whatever a configuration describes, from images to report.

use std::path::Path;

use anyhow::Context;
use nl_data::Choice;
use nl_layers::graph::Line;
use nl_train::models::{Kind, MODELS};
use nl_train::yaml::help;
use nl_train::{Document, RunFolder, SHIPPED, Summary, shipped};
use serde_json::json;

use crate::cli::{Common, Train};
use crate::text::thousands;
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
    if let Some(document) = document.as_ref().filter(|_| options.dry_run) {
        return dry_run(document.clone(), options);
    }
    let (what, time) = ("trains what the configuration describes, and writes a report", "as long as the preset says");
    let order = Order { command: "train", what, time, document, data: options.data.data.as_ref(), kind: None };
    order.run(common, |summary| summary)
}

/// What would be run, as a table or as one JSON object.
fn dry_run(mut document: Document, options: &Train) -> anyhow::Result<()> {
    let common = &options.common;
    change(&mut document, common, options.data.data.as_ref())?;
    let plan = Kind::of_document(&document)?.dry_run(&document, &place::lookup())?;
    if common.json {
        let parts = plan.parts.iter().map(|part| {
            let Line { name, kind, from, output, parameters, macs } = part;
            json!({
                "layer": name, "kind": kind, "from": from, "output": output.named(), "parameters": parameters, "macs": macs,
                "bytes": part.bytes(),
            })
        });
        let stages = plan.stages.iter().map(|(name, unit, total)| json!({"name": name, "unit": unit, "total": total}));
        let (parts, stages): (Vec<_>, Vec<_>) = (parts.collect(), stages.collect());
        let all =
            json!({"model": plan.kind, "dataset": plan.source, "layers": parts, "stages": stages, "notes": plan.notes});
        return crate::print(&format!("{all}\n"));
    }
    let mut said = String::new();
    if let Some(source) = &plan.source {
        said += &format!("data: {source}\n");
    }
    if !plan.parts.is_empty() {
        said += &layers(&plan.parts);
    }
    for (name, unit, total) in &plan.stages {
        said += &if unit.is_empty() {
            format!("stage: {name}\n")
        } else {
            format!("stage: {name}, {} {unit}\n", thousands(*total))
        };
    }
    plan.notes.iter().for_each(|note| said += &format!("note: {note}\n"));
    crate::print(&said)
}

/// A line for each part of a model, and their sums.
fn layers(parts: &[Line]) -> String {
    let head =
        ["layer", "kind", "given", "gives", "parameters", "multiply-accumulates", "bytes a sample"].map(str::to_owned);
    let n = |n: u64| thousands(n);
    let row = |part: &Line| {
        let (given, gives) = (part.from.join(", "), part.output.named());
        [part.name.clone(), part.kind.into(), given, gives, n(part.parameters as u64), n(part.macs), n(part.bytes())]
    };
    let sum = |of: fn(&Line) -> u64| n(parts.iter().fold(0, |sum, part| of(part).saturating_add(sum)));
    let sums = [sum(|part| part.parameters as u64), sum(|part| part.macs), sum(Line::bytes)];
    let [parameters, macs, bytes] = sums;
    let last = ["in all".to_owned(), String::new(), String::new(), String::new(), parameters, macs, bytes];
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(parts.iter().map(row)).chain([last]).collect();
    let widths: Vec<usize> = (0..7).map(|c| rows.iter().map(|row| text::width(&row[c])).max().unwrap_or(0)).collect();
    let mut said = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(c, (cell, &width))| if c < 4 { format!("{cell:width$}") } else { format!("{cell:>width$}") });
        said += cells.collect::<Vec<_>>().join("  ").trim_end();
        said.push('\n');
    }
    said
}

/// What the options say, in the document.
fn change(document: &mut Document, common: &Common, data: Option<&Choice>) -> anyhow::Result<()> {
    if let Some(seed) = common.seed {
        document.set("--seed", "seed", seed)?;
    }
    if let Some(data) = data {
        document.set("--data", "data.source", String::from(data.clone()))?;
    }
    Ok(common.set.iter().try_for_each(|text| document.assign(text))?)
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
            change(&mut document, common, self.data)?;
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
