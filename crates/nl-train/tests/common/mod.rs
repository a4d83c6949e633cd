//! What the test files of runs share: images, configurations, observers, and the law that stops change nothing.

// Each test file is a crate of its own and uses a part of it.
#![allow(dead_code)]

use std::cell::Cell;
use std::path::{Path, PathBuf};

use nl_data::{Choice, Lookup, Source, Split, resolve};
use nl_train::{ConfigOf, Dataset, Error, Event, Model, Observer, Run, RunConfig, RunFolder, Silent, Summary};

/// Procedural digits.
pub(crate) fn digits(train: usize, test: usize) -> (Split, Source) {
    resolve("mnist", &Choice::Synthetic, &Lookup { train, test, ..Lookup::default() }).unwrap()
}

/// Images, divided as `config` says.
pub(crate) fn divided<M: Model>(config: &ConfigOf<M>, (split, source): (Split, Source)) -> Dataset<M::Set>
where
    Split<M::Set>: From<Split>,
{
    Dataset::new(split.into(), source, config.data.as_ref().unwrap(), config.seed).unwrap()
}

/// The data that a configuration names.
pub(crate) fn named<M: Model>(config: &ConfigOf<M>) -> Result<Dataset<M::Set>, Error> {
    Dataset::find(config.data.as_ref().unwrap(), config.seed, &Lookup::default())
}

/// A run that is about to begin in `path`.
pub(crate) fn start<M: Model>(
    config: &ConfigOf<M>,
    data: Option<&Dataset<M::Set>>,
    path: &Path,
) -> Result<Run<M>, Error> {
    Run::start(config.clone(), data.cloned(), RunFolder::create(path)?)
}

/// The run in `path`, with the configuration that lies there.
pub(crate) fn resume<M: Model>(data: Option<&Dataset<M::Set>>, path: &Path) -> Result<Run<M>, Error> {
    let folder = RunFolder::resume(path)?;
    let config = RunConfig::of::<M>(&folder.config_text()?)?;
    Run::resume(config, data.cloned(), folder)
}

/// A run from its beginning to its end.
pub(crate) fn whole<M: Model>(
    config: &ConfigOf<M>,
    data: Option<&Dataset<M::Set>>,
    path: &Path,
    threads: usize,
) -> Summary {
    pool(threads).install(|| start::<M>(config, data, path).unwrap().run(&mut Silent).unwrap())
}

pub(crate) fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Stops at the n-th question whether to, and counts the questions.
pub(crate) struct StopAt {
    pub(crate) at: u64,
    pub(crate) asked: Cell<u64>,
}

impl StopAt {
    pub(crate) fn question(at: u64) -> Self {
        Self { at, asked: Cell::new(0) }
    }

    pub(crate) fn never() -> Self {
        Self::question(u64::MAX)
    }
}

impl Observer for StopAt {
    fn on_event(&mut self, _: &Event) {}

    fn stop_requested(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.asked.get() >= self.at
    }
}

/// Collects warnings.
#[derive(Default)]
pub(crate) struct Warnings(pub(crate) Vec<String>);

impl Observer for Warnings {
    fn on_event(&mut self, event: &Event) {
        if let Event::Warning { message } = event {
            self.0.push(message.clone());
        }
    }
}

/// Runs until the n-th question.
pub(crate) fn stop<M: Model>(run: Run<M>, question: u64) {
    let outcome = run.run(&mut StopAt::question(question));
    assert!(matches!(outcome, Err(Error::Stopped { .. })), "question {question}: {outcome:?}");
}

/// Metrics.
pub(crate) fn curve(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path.join("metrics.jsonl")).unwrap().lines().map(str::to_owned).collect()
}

/// What of a summary must not depend on threads or interruptions.
pub(crate) fn assert_same(a: &Summary, b: &Summary, how: &str) {
    assert_eq!((&a.weights_sha256, &a.scores), (&b.weights_sha256, &b.scores), "{how}");
    assert_eq!(a.details.get("spikes_sha256"), b.details.get("spikes_sha256"), "{how}");
}

/// Stops a run at every `stride`-th place at which it asks whether to, each time goes on to the end, and expects the bits of
/// `straight` (in `path`). How often it asks.
pub(crate) fn stopped_everywhere<M: Model>(
    config: &ConfigOf<M>,
    data: Option<&Dataset<M::Set>>,
    (straight, path): (&Summary, &Path),
    stride: usize,
) -> u64 {
    let place = tempfile::tempdir().unwrap();
    let mut observer = StopAt::never();
    start::<M>(config, data, &place.path().join("count")).unwrap().run(&mut observer).unwrap();
    let questions = observer.asked.get();
    for question in (1..=questions).step_by(stride) {
        let folder = place.path().join(question.to_string());
        stop(start::<M>(config, data, &folder).unwrap(), question);
        let summary = resume::<M>(data, &folder).unwrap().run(&mut Silent).unwrap();
        let how = format!("stopped at question {question} of {questions}");
        assert_same(straight, &summary, &how);
        assert_eq!(curve(path), curve(&folder), "{how}");
    }
    questions
}

/// Checkpoint files, oldest first.
pub(crate) fn checkpoints(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(path.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Bytes before the body of a checkpoint.
pub(crate) const HEADER: usize = 52;

/// A checkpoint of this body whose header is right.
pub(crate) fn sealed(body: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut file = b"NLCHKPT\0".to_vec();
    file.extend_from_slice(&1_u32.to_le_bytes());
    file.extend_from_slice(&(body.len() as u64).to_le_bytes());
    let sum = Sha256::new().chain_update(&file).chain_update(body).finalize();
    file.extend_from_slice(&sum);
    file.extend_from_slice(body);
    file
}

/// The `stages` of a configuration in another order or number.
pub(crate) fn restaged<M: Model>(config: &ConfigOf<M>, stages: &[usize]) -> ConfigOf<M> {
    let stages = stages.iter().map(|&i| config.stages[i].clone()).collect();
    RunConfig { stages, ..config.clone() }
}

/// What `edit` makes of the configuration that lies in `path`.
pub(crate) fn edited<M: Model>(
    data: Option<&Dataset<M::Set>>,
    path: &Path,
    edit: impl FnOnce(&mut ConfigOf<M>),
) -> Result<Run<M>, Error> {
    let folder = RunFolder::resume(path)?;
    let mut config = RunConfig::of::<M>(&folder.config_text()?)?;
    edit(&mut config);
    Run::resume(config, data.cloned(), folder)
}
