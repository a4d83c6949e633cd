//! The main job: a brain learns images without labels, then with them, then whom to trust.

use std::time::{Instant, SystemTime};

use nl_brain::{BasalGanglia, Brain, Hippocampus, HippocampusConfig, RecallBatch, Scratch};
use nl_data::{Augment, Images, Source, Split};
use nl_layers::Parameters;
use nl_random::Streams;

use crate::budget::{Budget, hold_out};
use crate::config::RunConfig;
use crate::evaluate::{Encoded, Evaluator};
use crate::gate::{self, Fitted};
use crate::learn::{Sinks, StagePlan, Validation, check_finite, run_stage, save_state, stage_streams};
use crate::metrics::{accuracy, negative_log_likelihood};
use crate::objective::{Classify, Evidence, Reconstruct, ReconstructionLoss};
use crate::observer::{Event, Observer};
use crate::run_folder::utc_text;
use crate::state::{RunState, Stage};
use crate::summary::Summary;
use crate::{CheckpointError, CheckpointStore, Error, RunFolder};

/// One run of the pipeline, new or resumed: retina to decision, stage by stage, in a folder of its own.
///
/// Uses the threads of the rayon pool it is called in; the result does not depend on their number, nor on how often the
/// run was killed and resumed.
///
/// ```no_run
/// use nl_data::{Choice, Lookup, resolve};
/// use nl_train::{BrainRun, Preset, RunConfig, RunFolder, Silent};
///
/// let config = RunConfig::preset(Preset::Quick)?;
/// let (split, source) = resolve("mnist", &Choice::Auto, &Lookup::from_env())?;
/// let folder = RunFolder::create("experiments/first".as_ref())?;
/// let summary = BrainRun::start(config, split, source, folder)?.run(&mut Silent)?;
/// assert!(summary.test_accuracy.mixed > 0.98);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BrainRun {
    pub(crate) config: RunConfig,
    pub(crate) split: Split,
    pub(crate) source: Source,
    /// Indices of the training set that are learned from, and those held out.
    pub(crate) learn: Vec<u32>,
    pub(crate) validation: Vec<u32>,
    pub(crate) brain: Brain,
    pub(crate) parameters: Parameters<f32>,
    pub(crate) state: RunState,
    pub(crate) folder: RunFolder,
    store: CheckpointStore,
    warnings: Vec<String>,
}

/// What follows from a configuration and images alone.
struct Built {
    config: RunConfig,
    brain: Brain,
    parameters: Parameters<f32>,
    learn: Vec<u32>,
    validation: Vec<u32>,
    warnings: Vec<String>,
}

/// Fits the configuration to the images and builds the brain.
fn build(mut config: RunConfig, split: &Split) -> Result<Built, Error> {
    config.brain.height = split.train.height();
    config.brain.width = split.train.width();
    config.brain.classes = split.train.classes();
    config.validate()?;
    let streams = Streams::new(config.seed);
    let (brain, parameters) = Brain::new(config.brain, streams)?;
    let (learn, validation) = hold_out(split.train.labels(), config.validation, config.validation_share, &streams)?;
    let mut warnings = Vec::new();
    for (stage, learns) in
        [("self_supervised", &config.self_supervised.learn), ("supervised", &config.supervised.learn)]
    {
        let wanted = learns.wanted(config.shard);
        warnings.extend(Budget::new(learn.len(), wanted)?.differs(stage, learn.len(), &wanted));
    }
    let neighbours = config.hippocampus.neighbours;
    if neighbours > learn.len() {
        warnings.push(format!(
            "hippocampus.neighbours is {neighbours}, but there are {} images to remember: all of them are asked",
            learn.len()
        ));
    }
    Ok(Built { config, brain, parameters, learn, validation, warnings })
}

impl BrainRun {
    /// A new run; writes its configuration to the folder.
    ///
    /// # Errors
    /// A configuration that does not fit itself or the images, or a folder that cannot be written.
    pub fn start(config: RunConfig, split: Split, source: Source, folder: RunFolder) -> Result<Self, Error> {
        let Built { config, brain, parameters, learn, validation, warnings } = build(config, &split)?;
        folder.write_config(&config)?;
        let state = RunState {
            data_sha256: source.sha256.clone(),
            stage: Stage::SelfSupervised,
            epoch: 0,
            step: 0,
            steps: 0,
            parameters: Vec::new(),
            after_stage_1: Vec::new(),
            optimizer: None,
            average: None,
            pending: (0.0, 0),
            curves: Vec::new(),
            timings: Vec::new(),
            metrics_len: 0,
            started: utc_text(SystemTime::now()),
        };
        let store = folder.checkpoints();
        Ok(Self { config, split, source, learn, validation, brain, parameters, state, folder, store, warnings })
    }

    /// The run in `folder`, from its newest good checkpoint; from its beginning if it was killed before the first one.
    ///
    /// # Errors
    /// [`Error::OtherData`] if the images are not those it was started with; a folder or checkpoints that cannot be
    /// read.
    pub fn resume(folder: RunFolder, split: Split, source: Source) -> Result<Self, Error> {
        let config: RunConfig = folder.read_config()?;
        let store = folder.checkpoints();
        let latest = match store.latest::<RunState>() {
            Err(CheckpointError::NoneFound { .. }) => {
                let mut run = Self::start(config, split, source, folder)?;
                run.folder.truncate_metrics(0)?;
                return Ok(run);
            }
            other => other?,
        };
        let state = latest.value;
        if state.data_sha256 != source.sha256 {
            return Err(Error::OtherData { expected: state.data_sha256, found: source.sha256 });
        }
        let Built { config, brain, mut parameters, learn, validation, .. } = build(config, &split)?;
        parameters.set_values(&state.parameters)?;
        let mut run = Self {
            config,
            split,
            source,
            learn,
            validation,
            brain,
            parameters,
            state,
            folder,
            store,
            warnings: latest.warnings,
        };
        run.folder.truncate_metrics(run.state.metrics_len)?;
        Ok(run)
    }

    /// The folder of the run.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
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
        while self.state.stage != Stage::Evaluation {
            match self.state.stage {
                Stage::SelfSupervised => self.self_supervised(observer)?,
                Stage::Supervised => self.supervised(observer)?,
                _ => self.basal_ganglia(observer)?,
            }
            (self.state.stage, self.state.epoch, self.state.step) = (self.state.stage.next(), 0, 0);
            self.state.steps += 1;
            let mut sinks = Sinks { folder: &mut self.folder, store: &self.store, observer: &mut *observer };
            save_state(&self.parameters, &mut self.state, &mut sinks)?;
        }
        self.evaluate(observer)
    }

    fn self_supervised(&mut self, observer: &mut (dyn Observer + Send)) -> Result<(), Error> {
        let config = &self.config.self_supervised;
        let images = &self.split.train;
        let objective = Reconstruct {
            brain: &self.brain,
            images,
            streams: stage_streams(self.config.seed, Stage::SelfSupervised),
            augment: self.augment(&config.augment),
            corruption: config.corruption,
            target: config.target,
            loss: config.loss,
        };
        let plan = StagePlan {
            stage: Stage::SelfSupervised,
            learn: &config.learn,
            learns: &[Brain::CORTEX, Brain::CEREBELLUM],
            items: &self.learn,
            shard: self.config.shard,
            seed: self.config.seed,
            loss: match config.loss {
                ReconstructionLoss::Mse => "mean squared error of a pixel",
                ReconstructionLoss::Bce => "cross-entropy of a pixel, nats",
            },
            explanation: "No label is used: from the embedding, the cerebellum has to draw the image again.",
        };
        let held_out = images.select(&self.validation);
        let (brain, mut evaluator) = (&self.brain, Evaluator::new(self.config.shard));
        let validate = |parameters: &Parameters<f32>| {
            let drawn = evaluator.reconstruct(brain, parameters, &held_out)?;
            let loss = match config.loss {
                ReconstructionLoss::Mse => mean_squared_error(&drawn, &held_out),
                ReconstructionLoss::Bce => cross_entropy(&drawn, &held_out),
            };
            Ok(Validation { loss: Some(loss), accuracy: None })
        };
        let mut sinks = Sinks { folder: &mut self.folder, store: &self.store, observer };
        run_stage(&plan, &objective, &mut self.parameters, &mut self.state, &mut sinks, validate)?;
        self.state.after_stage_1 = self.parameters.values().to_vec();
        Ok(())
    }

    fn supervised(&mut self, observer: &mut (dyn Observer + Send)) -> Result<(), Error> {
        let config = &self.config.supervised;
        let images = &self.split.train;
        let objective = Classify {
            brain: &self.brain,
            images,
            streams: stage_streams(self.config.seed, Stage::Supervised),
            augment: self.augment(&config.augment),
            label_smoothing: config.label_smoothing,
        };
        let plan = StagePlan {
            stage: Stage::Supervised,
            learn: &config.learn,
            learns: &[Brain::CORTEX, Brain::PREFRONTAL],
            items: &self.learn,
            shard: self.config.shard,
            seed: self.config.seed,
            loss: "cross-entropy, nats",
            explanation: "Now with labels: the prefrontal cortex learns to name the class, and the cortex below it to help.",
        };
        let held_out = images.select(&self.validation);
        let labels = labels(&held_out);
        let (brain, mut evaluator) = (&self.brain, Evaluator::new(self.config.shard));
        let validate = |parameters: &Parameters<f32>| {
            let encoded = evaluator.encode(brain, parameters, &held_out)?;
            let log_probs = log_softmax(&encoded.logits, brain.config().classes);
            Ok(scores(&log_probs, brain.config().classes, &labels))
        };
        let mut sinks = Sinks { folder: &mut self.folder, store: &self.store, observer };
        run_stage(&plan, &objective, &mut self.parameters, &mut self.state, &mut sinks, validate)
    }

    fn basal_ganglia(&mut self, observer: &mut (dyn Observer + Send)) -> Result<(), Error> {
        let started = Instant::now();
        // What is embedded: to be stored, and to be asked about.
        let total = (self.learn.len() + self.validation.len()) as u64;
        let name = Stage::BasalGanglia.name().to_owned();
        observer.on_event(&Event::StageStarted { stage: name.clone(), done: 0, total, unit: "images" });
        let hippocampus = self.fill_hippocampus()?;
        let fitted = self.fit_gate(&mut Evaluator::new(self.config.shard), &hippocampus)?;
        BasalGanglia::set(&mut self.parameters, &fitted.gate)?;
        check_finite(&self.parameters, || format!("stage {name}"))?;
        observer.on_event(&Event::Note { message: fitted.sentence() });
        let seconds = started.elapsed().as_secs_f64();
        self.state.add_time(&name, seconds, None);
        observer.on_event(&Event::StageEnded { stage: name, seconds });
        Ok(())
    }

    /// The gate, from the images split off, which neither cortex nor memory has seen.
    pub(crate) fn fit_gate(&self, evaluator: &mut Evaluator, hippocampus: &Hippocampus) -> Result<Fitted, Error> {
        let held_out = self.split.train.select(&self.validation);
        let evidence = self.evidence(evaluator, hippocampus, &held_out, None)?.0;
        Ok(gate::fit(&evidence, &self.config.basal_ganglia))
    }

    /// Geometry for images of this size.
    pub(crate) fn augment(&self, augment: &Augment) -> Augment {
        let images = &self.split.train;
        let side = images.height().min(images.width());
        self.config.augment_side.map_or(*augment, |meant| augment.scaled(side as f32 / meant as f32))
    }

    /// The hippocampus, filled with the embeddings of the images learned from; ids are indices of the training set.
    pub(crate) fn fill_hippocampus(&self) -> Result<Hippocampus, Error> {
        let seen = self.split.train.select(&self.learn);
        let encoded = Evaluator::new(self.config.shard).encode(&self.brain, &self.parameters, &seen)?;
        let ids: Vec<u64> = self.learn.iter().map(|&i| u64::from(i)).collect();
        let seed = self.config.hippocampus.seed ^ self.config.seed;
        let neighbours = self.config.hippocampus.neighbours.min(self.learn.len());
        let config = HippocampusConfig { seed, neighbours, ..self.config.hippocampus };
        let mut hippocampus = Hippocampus::new(self.brain.config(), config)?;
        hippocampus.store(&encoded.embedding, &labels(&seen), &ids)?;
        Ok(hippocampus)
    }

    /// What cortex and memory say about `images`, and the recall it is made from.
    pub(crate) fn evidence(
        &self,
        evaluator: &mut Evaluator,
        hippocampus: &Hippocampus,
        images: &Images,
        exclude: Option<&[u64]>,
    ) -> Result<(Evidence, RecallBatch), Error> {
        let Encoded { embedding, logits } = evaluator.encode(&self.brain, &self.parameters, images)?;
        let mut recall = RecallBatch::default();
        let mut scratches: Vec<Scratch> = (0..rayon::current_num_threads()).map(|_| Scratch::new()).collect();
        hippocampus.recall(&embedding, exclude, &mut recall, &mut scratches)?;
        let evidence = Evidence {
            embedding,
            logits,
            memory: recall.log_probs.clone(),
            agreement: recall.agreement.clone(),
            distance: recall.mean_distance.clone(),
            labels: labels(images),
        };
        Ok((evidence, recall))
    }
}

/// Every image through `f(index, working memory, view)`, back to bytes.
pub(crate) fn through(
    images: &Images,
    mut f: impl FnMut(u32, &mut Vec<f32>, &mut [f32]) -> Result<(), Error>,
) -> Result<Images, Error> {
    let (mut image, mut view) = (Vec::new(), vec![0.0; images.area()]);
    let mut pixels = Vec::with_capacity(images.pixels().len());
    for i in 0..images.len() as u32 {
        f(i, &mut image, &mut view)?;
        pixels.extend(view.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8));
    }
    let (height, width) = (images.height(), images.width());
    Images::new(pixels, images.labels().to_vec(), height, width, images.classes())
        .map_err(|e| Error::config(e.to_string()))
}

/// Labels as numbers.
pub(crate) fn labels(images: &Images) -> Vec<u32> {
    images.labels().iter().map(|&label| u32::from(label)).collect()
}

/// (1/NP) Σ (drawn − image)²
pub(crate) fn mean_squared_error(drawn: &[f32], images: &Images) -> f64 {
    let squared = |(&d, &byte): (&f32, &u8)| (f64::from(d) - f64::from(byte) / 255.0).powi(2);
    drawn.iter().zip(images.pixels()).map(squared).sum::<f64>() / drawn.len() as f64
}

/// −(1/NP) Σ x log drawn + (1 − x) log(1 − drawn)
fn cross_entropy(drawn: &[f32], images: &Images) -> f64 {
    let term = |(&d, &byte): (&f32, &u8)| {
        // A sigmoid that has saturated in f32 still has a logarithm.
        let (d, x) = (f64::from(d).clamp(1e-7, 1.0 - 1e-7), f64::from(byte) / 255.0);
        x * d.ln() + (1.0 - x) * (1.0 - d).ln()
    };
    -drawn.iter().zip(images.pixels()).map(term).sum::<f64>() / drawn.len() as f64
}

/// log softmax of each row.
pub(crate) fn log_softmax(logits: &[f32], classes: usize) -> Vec<f32> {
    let mut out = vec![0.0; logits.len()];
    for (row, out) in logits.chunks_exact(classes).zip(out.chunks_exact_mut(classes)) {
        let most = row.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(f64::from(x)));
        let sum = row.iter().map(|&x| (f64::from(x) - most).exp()).sum::<f64>().ln();
        for (to, &x) in out.iter_mut().zip(row) {
            *to = (f64::from(x) - most - sum) as f32;
        }
    }
    out
}

/// The most probable class of each row; the first, if there are several.
pub(crate) fn argmax(rows: &[f32], classes: usize) -> Vec<u32> {
    let best = |row: &[f32]| (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as u32;
    rows.chunks_exact(classes).map(best).collect()
}

fn scores(log_probs: &[f32], classes: usize, labels: &[u32]) -> Validation {
    Validation {
        loss: negative_log_likelihood(log_probs, classes, labels),
        accuracy: accuracy(&argmax(log_probs, classes), labels),
    }
}
