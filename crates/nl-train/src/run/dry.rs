//! What a run would be of.

use nl_data::Source;
use nl_layers::graph::Line;

use super::{ConfigOf, Model, Setting, Stage};
use crate::Error;
use crate::data::Dataset;

/// A run that was looked at and not begun: its images, its model's parts, its stages.
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// The model's kind.
    pub kind: &'static str,
    /// Which images.
    pub source: Option<Source>,
    /// The model's parts; empty for a model that cannot say.
    pub parts: Vec<Line>,
    /// What each stage is about to do: name, unit, units in all.
    pub stages: Vec<(String, &'static str, u64)>,
    /// What will be done otherwise than the configuration says, as sentences.
    pub notes: Vec<String>,
}

impl DryRun {
    /// What is refused before a run of `config` begins is refused here.
    pub(crate) fn of<M: Model>(config: &ConfigOf<M>, data: Option<&Dataset<M::Set>>) -> Result<Self, Error> {
        let setting = Setting { config, data };
        let notes = M::check_images(setting)?;
        let model = M::build(setting)?;
        let needs =
            |stage: &M::Stage| <M::Stage as Stage>::KINDS.iter().any(|k| k.kind == stage.kind() && !k.needs.is_empty());
        let plan = |(i, stage): (usize, &M::Stage)| match model.learner(i, setting) {
            Ok(learner) => Ok((learner.plan().name, learner.plan().unit, learner.plan().total)),
            // What works on what an earlier stage leaves cannot be begun yet.
            Err(_) if needs(stage) => Ok((stage.kind().to_owned(), "", 0)),
            Err(error) => Err(error.under(&format!("stages[{i}]"))),
        };
        Ok(Self {
            kind: M::KIND,
            source: data.map(|data| data.source.clone()),
            parts: model.parts(),
            stages: config.stages.iter().enumerate().map(plan).collect::<Result<_, _>>()?,
            notes,
        })
    }
}
