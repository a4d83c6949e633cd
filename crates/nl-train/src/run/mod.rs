//! The only driver: start, resume, stages, clock, checkpoints, stop, summary, report.

mod atomic;
mod board;
mod checkpoint;
mod dry;
mod folder;
mod history;
mod measures;
mod model;
mod observer;
pub(crate) mod order;
mod progress;
mod robust;
mod same;
mod summary;
mod trained;

use std::path::Path;
use std::time::{Instant, SystemTime};

use nl_data::Source;
use serde::{Deserialize, Serialize};

pub use atomic::FileError;
pub(crate) use atomic::{read_capped, write_atomic};
pub(crate) use checkpoint::sha256_hex;
pub use checkpoint::{CheckpointError, CheckpointStore, Latest, load_checkpoint, pack, save_checkpoint, unpack};
pub use dry::DryRun;
pub(crate) use folder::utc_text;
pub use folder::{RunFolder, RunFolderError};
pub use history::{History, Record, StageHistory, Timing, Timings};
pub use measures::Measures;
pub use model::{
    Advance, ConfigOf, Findings, Learner, Model, Moment, Plan, Setting, Settings, Stage, StageKind, Story, Tensor,
};
pub use observer::{Event, Observer, Silent};
pub use progress::Progress;
pub use robust::Robust;
pub(crate) use summary::score_text;
pub use summary::{Estimate, Neighbour, Opinion, Prediction, Summary};
pub use trained::Trained;

use crate::data::{Dataset, SampleForm, Set};
use crate::{Error, config, page, write_weights};
use board::Board;
use checkpoint::Bytes;

/// One run of one model, new or resumed, in a folder of its own: its stages in order, then what it found.
///
/// Uses the threads of the rayon pool it is called in; the result does not depend on their number, nor on how often the
/// run was killed and resumed. Whoever does not know the kind of the model before reading a file takes
/// [`models`](crate::models).
///
/// ```no_run
/// use nl_data::Lookup;
/// use nl_train::models::BrainModel;
/// use nl_train::{Dataset, Run, RunConfig, RunFolder, Silent, shipped};
///
/// let config = RunConfig::of::<BrainModel>(shipped("mnist-quick").expect("a shipped name"))?;
/// let data = Dataset::find(&config.data.clone().unwrap_or_default(), config.seed, &Lookup::from_env())?;
/// let folder = RunFolder::create("experiments/first".as_ref())?;
/// let summary = Run::<BrainModel>::start(config, Some(data), folder)?.run(&mut Silent)?;
/// assert!(summary.scores["mixed"] > 0.98);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Run<M: Model> {
    config: ConfigOf<M>,
    data: Option<Dataset<M::Set>>,
    model: M,
    folder: RunFolder,
    store: CheckpointStore,
    at: At,
    warnings: Vec<String>,
}

/// Where a run stands, but for the model itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct At {
    /// The configuration it was begun with, as JSON.
    config: String,
    /// The SIMD level its numbers were computed at.
    level: String,
    /// What the data are like; none for a model without.
    data: Option<Known>,
    /// When the run was started, as text.
    started: String,
    /// Stages that are over.
    stage: u64,
    /// What the learner of the stage under way gave; none before its first step.
    learner: Option<Bytes>,
    /// Checkpoints written: the number of the next one.
    saves: u64,
    /// Bytes of metrics.jsonl.
    metrics_len: u64,
    history: History,
    timings: Timings,
}

/// What is known of the data.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    #[serde(with = "as_json")]
    form: SampleForm,
    #[serde(with = "as_json")]
    source: Source,
}

/// A value whose fields may be missing, as JSON inside a checkpoint: bincode counts on every field being there.
mod as_json {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned, ser};

    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(value).map_err(ser::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        serde_json::from_str(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Known {
    fn of<S: Set>(data: &Dataset<S>) -> Self {
        Self { form: data.split.train.form(), source: data.source.clone() }
    }
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct Checkpoint<S> {
    at: At,
    model: S,
}

impl<M: Model> Run<M> {
    /// A new run; writes its configuration to the folder.
    ///
    /// # Errors
    /// A configuration that does not fit itself or the data, or a folder that cannot be written.
    pub fn start(config: ConfigOf<M>, data: Option<Dataset<M::Set>>, folder: RunFolder) -> Result<Self, Error> {
        Self::start_in(config, data, |_| Ok(folder))
    }

    /// A new run in the folder that `folder` makes for its name; it is asked for one when all else is right.
    pub(crate) fn start_in(
        config: ConfigOf<M>,
        data: Option<Dataset<M::Set>>,
        folder: impl FnOnce(&str) -> Result<RunFolder, Error>,
    ) -> Result<Self, Error> {
        let at = At {
            config: config::json::<M>(&config)?.to_string(),
            level: nl_kernels::Level::current().to_string(),
            data: data.as_ref().map(Known::of),
            started: utc_text(SystemTime::now()),
            ..At::default()
        };
        let mut timings = Timings::default();
        let mut warnings = Vec::new();
        let model = Self::build(&config, data.as_ref(), &mut timings, &mut warnings)?;
        let folder = folder(&config.name)?;
        folder.write_config(&config::Written::of::<M>(&config))?;
        let store = folder.checkpoints();
        Ok(Self { config, data, model, folder, store, at: At { timings, ..at }, warnings })
    }

    /// The run in `folder`, from its newest good checkpoint; from its beginning if it was killed before the first one.
    ///
    /// # Errors
    /// [`Error::OtherData`] if the data are not those it was started with, [`Error::OtherConfig`] if the configuration in
    /// the folder was changed in what must not change, [`Error::OtherLevel`] at another SIMD level; a folder or checkpoints
    /// that cannot be read.
    pub fn resume(config: ConfigOf<M>, data: Option<Dataset<M::Set>>, folder: RunFolder) -> Result<Self, Error> {
        let store = folder.checkpoints();
        let latest = match store.latest::<Checkpoint<M::State>>() {
            Err(CheckpointError::NoneFound { .. }) => {
                let mut run = Self::start(config, data, folder)?;
                run.folder.truncate_metrics(0)?;
                return Ok(run);
            }
            other => other?,
        };
        let Checkpoint { mut at, model: state } = latest.value;
        if at.saves != latest.step {
            let (name, saves) = (latest.step, at.saves);
            return Err(Error::config(format!("the checkpoint is number {saves}, but its name says {name}")));
        }
        let found = data.as_ref().map_or("", |data| data.source.sha256.as_str());
        let expected = at.data.as_ref().map_or("", |data| data.source.sha256.as_str());
        if expected != found {
            return Err(Error::OtherData { expected: expected.to_owned(), found: found.to_owned() });
        }
        let level = nl_kernels::Level::current().to_string();
        if at.level != level {
            return Err(Error::OtherLevel { expected: at.level, found: level });
        }
        at.config = same::check::<M>(&at.config, &config, at.stage, at.learner.is_some())?;
        let mut warnings = latest.warnings;
        let mut timings = std::mem::take(&mut at.timings);
        // What is done otherwise was said when the run was started.
        let mut model = Self::build(&config, data.as_ref(), &mut timings, &mut Vec::new())?;
        at.timings = timings;
        if at.stage > config.stages.len() as u64 {
            let (stage, stages) = (at.stage, config.stages.len());
            return Err(Error::config(format!("the checkpoint has {stage} stages behind it, of {stages}")));
        }
        model.restore(state, folder.path())?;
        folder.write_config(&config::Written::of::<M>(&config))?;
        let mut run = Self { config, data, model, folder, store, at, warnings: Vec::new() };
        warnings.extend(run.folder.cut_metrics(run.at.metrics_len)?);
        run.warnings = warnings;
        Ok(run)
    }

    fn build(
        config: &ConfigOf<M>,
        data: Option<&Dataset<M::Set>>,
        timings: &mut Timings,
        warnings: &mut Vec<String>,
    ) -> Result<M, Error> {
        config.check()?;
        order::check::<M>(config)?;
        // No value can be handed to a model that learns from nothing.
        if let (Some(what), None) = (M::Set::WHAT, data) {
            let kind = M::KIND;
            return Err(Error::config(format!("data: a model of kind {kind} learns from {what}, and there are none")));
        }
        let started = Instant::now();
        warnings.extend(M::check_images(Setting { config, data })?);
        let model = M::build(Setting { config, data })?;
        timings.add("Build", started.elapsed().as_secs_f64(), None);
        Ok(model)
    }

    /// The folder of the run.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs to the end and returns the result, which also stands in the folder.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the observer asked for it (a checkpoint is written); else whatever failed.
    pub fn run(mut self, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error> {
        for message in std::mem::take(&mut self.warnings) {
            observer.on_event(&Event::Warning { message });
        }
        while (self.at.stage as usize) < self.config.stages.len() {
            self.stage(self.at.stage as usize, observer)?;
        }
        self.finish(observer)
    }

    /// One stage, from wherever it stands.
    fn stage(&mut self, stage: usize, observer: &mut (dyn Observer + Send)) -> Result<(), Error> {
        let setting = Setting { config: &self.config, data: self.data.as_ref() };
        let mut learner = self.model.learner(stage, setting)?;
        if let Some(state) = self.at.learner.take() {
            learner.restore(&mut self.model, &state.0)?;
        }
        let plan = learner.plan();
        let path = self.folder.path().to_owned();
        let mut timings = std::mem::take(&mut self.at.timings);
        let mut progress = Progress::new(&mut *observer, &mut timings, &path);
        let began = Instant::now();
        let mut done = learner.done(&self.model);
        let total = plan.total;
        progress.tell(&Event::StageStarted { stage: plan.name.clone(), done, total, unit: plan.unit });
        let kind = self.config.stages[stage].kind();
        let logs = self.config.log.tensorboard;
        let board = logs.then(|| Board::open(&path, &Board::folder(stage, kind), done));
        let mut board = board.transpose()?;
        let (mut saved, every) = (Instant::now(), self.config.checkpoint.every.seconds());
        let mut over = done >= total;
        while !over {
            let started = Instant::now();
            let advance = learner.advance(&mut self.model, &mut progress)?;
            let seconds = started.elapsed().as_secs_f64();
            let units = advance.done.saturating_sub(done);
            let (part, counted) =
                if advance.part.is_empty() { (plan.name.as_str(), Some(units)) } else { (advance.part, None) };
            progress.timings_mut().add(part, seconds, counted);
            done = advance.done;
            if let Some(moment) = &advance.record {
                keep(&mut self.folder, &mut self.at.history, &plan.name, stage, moment)?;
                if let Some(board) = &mut board {
                    board.moment(done, moment)?;
                    if moment.told.is_some() {
                        board.weights(done, &self.model.tensors())?;
                    }
                }
                if let Some(place) = &moment.told {
                    progress.tell(&Event::Milestone { place: place.clone(), measures: moment.measures });
                }
            }
            let per_second = units as f64 / seconds.max(1e-9);
            progress.tell(&Event::Step { done, total, measures: advance.measures, per_second });
            over = advance.finished;
            let stop = progress.stop_requested();
            if !over && (stop || saved.elapsed().as_secs_f64() >= every) {
                let place = format!("stage {}, after {done} {}", plan.name, plan.unit);
                self.at.learner = Some(Bytes(learner.state()?));
                board.as_mut().map_or(Ok(()), Board::sync)?;
                save(&mut self.model, &mut self.at, &mut self.folder, &self.store, &mut progress, &place)?;
                saved = Instant::now();
                if stop {
                    return Err(Error::Stopped { folder: path });
                }
            }
        }
        learner.finish(&mut self.model)?;
        drop(learner);
        (self.at.stage, self.at.learner) = (self.at.stage + 1, None);
        if let Some(board) = &mut board {
            board.weights(done, &self.model.tensors())?;
            board.sync()?;
        }
        let place = format!("stage {}, at its end", plan.name);
        save(&mut self.model, &mut self.at, &mut self.folder, &self.store, &mut progress, &place)?;
        progress.tell(&Event::StageEnded { stage: plan.name, seconds: began.elapsed().as_secs_f64() });
        let stopped = progress.check();
        self.at.timings = timings;
        stopped
    }

    /// Findings, weights, report, summary.
    fn finish(mut self, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error> {
        let path = self.folder.path().to_owned();
        let mut timings = std::mem::take(&mut self.at.timings);
        // What is measured now is not part of what a resume goes on from.
        let before = timings.clone();
        let story = Story { history: &self.at.history, timings: &before };
        let setting = Setting { config: &self.config, data: self.data.as_ref() };
        let mut progress = Progress::new(observer, &mut timings, &path);
        let findings = self.model.findings(setting, story, &mut progress)?;
        progress.check()?;
        let started = Instant::now();
        self.model.write_files(setting, &self.folder)?;
        let tensors = self.model.tensors();
        let weights_sha256 = if tensors.is_empty() {
            None
        } else {
            let all = tensors.iter().map(|t| (t.name.as_str(), &t.shape[..], &t.values[..]));
            Some(write_weights(&path.join("weights.safetensors"), all)?)
        };
        let source = self.data.as_ref().map(|data| &data.source);
        let yaml = config::yaml::<M>(&self.config)?;
        let sheet = page::sheet(
            &findings,
            page::Run {
                name: &self.config.name,
                started: &self.at.started,
                seed: self.config.seed,
                threads: rayon::current_num_threads(),
                folder: &path,
                source,
                weights_sha256: weights_sha256.as_deref(),
                config: yaml,
                asked: None,
            },
        );
        if self.config.log.tensorboard {
            Board::open(&path, "test", 0)?
                .scores(findings.scores.iter().map(|(name, &score)| (name.as_str(), score)))?;
        }
        let report = self.folder.write_file("report.html", nl_report::render(&sheet)?.as_bytes())?;
        timings.add("Report", started.elapsed().as_secs_f64(), None);
        let summary = Summary {
            model: M::KIND.to_owned(),
            preset: self.config.name.clone(),
            dataset: source.cloned(),
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            scores: findings.scores,
            seconds: timings.by_key(),
            weights_sha256,
            report: report.to_string_lossy().into_owned(),
            details: findings.details,
            rows: findings.rows,
            subject: findings.subject,
        };
        self.folder.write_summary(&summary)?;
        Ok(summary)
    }

    /// Which data.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        self.data.as_ref().map(|data| &data.source)
    }
}

/// A line of metrics.jsonl, and the same in the history.
fn keep(folder: &mut RunFolder, history: &mut History, name: &str, stage: usize, moment: &Moment) -> Result<(), Error> {
    let mut line = serde_json::Map::new();
    line.insert("stage".into(), name.into());
    line.insert(moment.unit.into(), moment.at.into());
    for (measure, value) in moment.measures.iter() {
        if !value.is_finite() {
            let place = format!("stage {name}, {} {}", moment.unit, moment.at);
            return Err(Error::NotFinite { what: format!("the {}", measure.replace('_', " ")), value, place });
        }
        line.insert(measure.into(), value.into());
    }
    folder.append_metrics(&line)?;
    history.add(stage, moment.at, &moment.measures);
    Ok(())
}

/// Writes the next checkpoint, unless a number in the model is none.
fn save<M: Model>(
    model: &mut M,
    at: &mut At,
    folder: &mut RunFolder,
    store: &CheckpointStore,
    progress: &mut Progress<'_>,
    place: &str,
) -> Result<(), Error> {
    let started = Instant::now();
    model.check_finite(place)?;
    folder.sync_metrics()?;
    at.metrics_len = folder.metrics_len();
    at.saves += 1;
    at.timings.clone_from(progress.timings());
    let state = model.state(folder.path())?;
    let path = store.save(at.saves, &CheckpointRef { at, model: &state })?;
    // A field that is not written (`skip_serializing_if`) would be missed only by whoever resumes.
    #[cfg(debug_assertions)]
    drop(load_checkpoint::<Checkpoint<M::State>>(&path)?);
    progress.timings_mut().add("Checkpoints", started.elapsed().as_secs_f64(), None);
    progress.tell(&Event::CheckpointWritten { path });
    Ok(())
}

/// [`Checkpoint`], borrowed.
#[derive(Serialize)]
struct CheckpointRef<'a, S> {
    at: &'a At,
    model: &'a S,
}
