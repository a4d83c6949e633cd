//! A run in a folder of its own, resumable bit for bit.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use nl_data::decode::{AllActivity, Decoder, Responses};
use nl_data::{Batches, Images, Source, Split, stratified_split};
use nl_layers::competitive::{CompetitiveConfig, CompetitiveNetwork, CompetitiveState, Presentation, Stimulus};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::config::StdpConfig;
use super::respond::{ALL_ACTIVITY, Decoders, Eye, Spikes, counts, push_counts, respond, share};
use super::{page, view};
use crate::observer::{Event, Observer};
use crate::run_folder::utc_text;
use crate::{CheckpointError, Error, RunFolder, write_weights};

/// Images between two looks at the clock and at Ctrl-C: while these are learned, the next are drawn by another thread.
const PIECE: u64 = 64;
/// The same for responses, which all threads share.
const RESPONSES: usize = 2000;

/// A competitive spiking network that learns images without labels, and is then asked what it has learned.
///
/// ```no_run
/// use nl_data::{Choice, Lookup, resolve};
/// use nl_train::{Preset, RunFolder, Silent, StdpConfig, StdpRun};
///
/// let config = StdpConfig::preset(Preset::Quick, 100, None)?;
/// let (split, source) = resolve("mnist", &Choice::Auto, &Lookup::from_env()).expect("images");
/// let folder = RunFolder::create("experiments/stdp".as_ref())?;
/// let summary = StdpRun::start(config, split, source, folder)?.run(&mut Silent)?;
/// assert!(summary.test_accuracy["all_activity"] > 0.5);
/// # Ok::<(), nl_train::Error>(())
/// ```
pub struct StdpRun {
    pub(super) config: StdpConfig,
    pub(super) split: Split,
    pub(super) source: Source,
    /// Training images learned from, and held out.
    pub(super) learn: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) network: CompetitiveNetwork,
    pub(super) state: StdpState,
    folder: RunFolder,
    warnings: Vec<String>,
}

/// What a checkpoint holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StdpState {
    data_sha256: String,
    pub(super) started: String,
    /// Images presented so far, all epochs together.
    pub(super) presented: u64,
    seconds: BTreeMap<String, f64>,
    pub(super) curve: Vec<Point>,
    /// Who won, image by image, since the network was last watched; and the images' labels.
    wins: (Responses, Vec<u8>),
    metrics_len: u64,
    network: Option<CompetitiveState>,
}

/// The network at one moment of learning: a line of metrics.jsonl.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    /// Images presented.
    pub(super) samples: u64,
    /// On the held-out training images, all activity.
    pub(super) validation_accuracy: f64,
    /// Neurons that have spiked at least once.
    pub(super) neurons_used: usize,
    pub(super) mean_theta: f64,
    pub(super) samples_per_second: f64,
}

/// The result of a run, as `--json` prints it and `summary.json` keeps it; accuracies are shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StdpSummary {
    /// Which images.
    pub dataset: Source,
    /// Neurons.
    pub neurons: usize,
    /// The learning rule.
    pub rule: String,
    /// The seed.
    pub seed: u64,
    /// Worker threads; the result is the same for any number.
    pub threads: usize,
    /// Presentations learned from.
    pub train_samples: u64,
    /// Training images by whose labels the neurons were named.
    pub label_samples: usize,
    /// Test images, looked at once.
    pub test_samples: usize,
    /// Accuracy on the test images by decoder.
    pub test_accuracy: BTreeMap<String, f64>,
    /// Throughput.
    pub samples_per_second: StdpSpeed,
    /// Wall time of the parts, and `total`.
    pub seconds: BTreeMap<String, f64>,
    /// SHA-256 of weights.safetensors: the same for the same configuration, images and SIMD level.
    pub weights_sha256: String,
    /// The report.
    pub report: PathBuf,
}

/// Images per second of wall time, drawing their spikes included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StdpSpeed {
    /// Learning.
    pub train: f64,
    /// Responding, on all threads.
    pub test: f64,
}

/// Everything the report is made of.
pub(super) struct Outcome {
    pub(super) names: AllActivity,
    /// Decisions on the test images by all activity.
    pub(super) decided: Vec<u8>,
    pub(super) spikes: Spikes,
}

impl StdpRun {
    /// A new run; writes its configuration to the folder.
    ///
    /// # Errors
    /// A configuration that does not fit itself or the images, or a folder that cannot be written.
    pub fn start(config: StdpConfig, split: Split, source: Source, folder: RunFolder) -> Result<Self, Error> {
        let state = StdpState {
            data_sha256: source.sha256.clone(),
            started: utc_text(SystemTime::now()),
            presented: 0,
            seconds: BTreeMap::new(),
            curve: Vec::new(),
            wins: (Responses::new(config.network.neurons)?, Vec::new()),
            metrics_len: 0,
            network: None,
        };
        let run = Self::build(config, split, source, folder, state)?;
        run.folder.write_config(&run.config)?;
        Ok(run)
    }

    /// The run in `folder`, from its newest good checkpoint; from its beginning if there is none.
    ///
    /// # Errors
    /// [`Error::OtherData`] if the images are not those it was started with; a folder or checkpoints that cannot be
    /// read.
    pub fn resume(folder: RunFolder, split: Split, source: Source) -> Result<Self, Error> {
        let config: StdpConfig = folder.read_config()?;
        let latest = match folder.checkpoints().latest::<StdpState>() {
            Err(CheckpointError::NoneFound { .. }) => {
                let mut run = Self::start(config, split, source, folder)?;
                run.folder.truncate_metrics(0)?;
                return Ok(run);
            }
            other => other?,
        };
        if latest.value.data_sha256 != source.sha256 {
            return Err(Error::OtherData { expected: latest.value.data_sha256, found: source.sha256 });
        }
        let mut run = Self::build(config, split, source, folder, latest.value)?;
        if let Some(network) = run.state.network.take() {
            run.network.restore(&network)?;
        }
        run.warnings = latest.warnings;
        run.folder.truncate_metrics(run.state.metrics_len)?;
        Ok(run)
    }

    fn build(
        mut config: StdpConfig,
        split: Split,
        source: Source,
        folder: RunFolder,
        state: StdpState,
    ) -> Result<Self, Error> {
        config.network = CompetitiveConfig { inputs: split.train.area(), ..config.network };
        config.validate()?;
        let streams = Streams::new(config.seed);
        let (mut learn, validation) = stratified_split(split.train.labels(), config.validation, &streams)?;
        learn.truncate(config.train.unwrap_or(usize::MAX));
        let network = CompetitiveNetwork::new(config.network, &streams)?;
        Ok(Self { config, split, source, learn, validation, network, state, folder, warnings: Vec::new() })
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Learns to the end, names the neurons, looks at the test images once, and writes weights, summary and report.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the observer asked for it (a checkpoint is written); else whatever failed.
    pub fn run(mut self, observer: &mut (dyn Observer + Send)) -> Result<StdpSummary, Error> {
        for message in std::mem::take(&mut self.warnings) {
            observer.on_event(&Event::Warning { message });
        }
        self.learn(observer)?;
        self.finish(observer)
    }

    /// Presentations in all.
    pub(super) fn total(&self) -> u64 {
        self.config.epochs * self.learn.len() as u64
    }

    fn learn(&mut self, observer: &mut (dyn Observer + Send)) -> Result<(), Error> {
        let total = self.total();
        if self.state.presented == total {
            return Ok(());
        }
        let stage = "Learning without labels".to_owned();
        let done = self.state.presented;
        observer.on_event(&Event::StageStarted { stage: stage.clone(), done, total, unit: "images" });
        let began = Instant::now();
        let mut saved = Instant::now();
        let mut presentation = Presentation::new(&self.network);
        let mut row = vec![0; self.network.config().neurons];
        let (mut now, mut next) = (Drawing::new(self)?, Drawing::new(self)?);
        next.draw(self.piece(done), &self.learn, &self.split.train)?;
        while self.state.presented < total {
            let started = Instant::now();
            std::mem::swap(&mut now, &mut next);
            let piece = self.piece(self.state.presented);
            let (before, end) = (piece.start, piece.end);
            let later = self.piece(end);
            let (network, learn, images) = (&mut self.network, &self.learn, &self.split.train);
            let (wins, watched) = (&mut self.state.wins, self.config.watch > 0);
            let (learned, drawn) = rayon::join(
                || {
                    piece.zip(now.shown()).try_for_each(|(at, (stimulus, sample))| {
                        network.learn(stimulus, at as f32 / total as f32, &mut presentation)?;
                        if watched {
                            push_counts(&mut wins.0, &mut row, presentation.spikes())?;
                            wins.1.push(images.labels()[sample as usize]);
                        }
                        Ok(())
                    })
                },
                || next.draw(later, learn, images),
            );
            learned.and(drawn)?;
            self.state.presented = end;
            let done = self.state.presented;
            let seconds = started.elapsed().as_secs_f64();
            self.add_seconds("learning", seconds);
            let images_per_second = (done - before) as f64 / seconds;
            observer.on_event(&Event::Step { done, total, loss: f64::NAN, images_per_second });
            if self.watch_point(done) == done {
                self.watch(observer)?;
            }
            let stop = observer.stop_requested();
            if stop || done == total || saved.elapsed().as_secs_f64() > self.config.checkpoint {
                self.save(observer)?;
                saved = Instant::now();
            }
            if stop {
                return Err(Error::Stopped { folder: self.folder().to_owned() });
            }
        }
        observer.on_event(&Event::StageEnded { stage, seconds: began.elapsed().as_secs_f64() });
        Ok(())
    }

    /// The presentations from `from` to the next look at the clock.
    fn piece(&self, from: u64) -> Range<u64> {
        from..(from + PIECE).min(self.total()).min(self.watch_point(from + 1))
    }

    /// The first moment to watch from `presented` on; never: after the end.
    fn watch_point(&self, presented: u64) -> u64 {
        let (points, total) = (u128::from(self.config.watch), u128::from(self.total()));
        // The smallest ceil(k · total / points) that is not below `presented`, k from 1.
        let next = (u128::from(presented.max(1)) - 1) * points / total.max(1) + 1;
        if points == 0 { u64::MAX } else { (next * total).div_ceil(points) as u64 }
    }

    fn watch(&mut self, observer: &mut (dyn Observer + Send)) -> Result<(), Error> {
        let started = Instant::now();
        let (streams, eye) = (Streams::new(self.config.seed), Eye::new(&self.config.input)?);
        let train = &self.split.train;
        let neurons = self.network.config().neurons;
        let (responses, labels) = std::mem::replace(&mut self.state.wins, (Responses::new(neurons)?, Vec::new()));
        let names = AllActivity::fit(&responses, &labels, train.classes())?;
        let held_out = respond(&self.network, &eye, &streams, "stdp/watch", train, &self.validation)?;
        let decided = names.decide_all(&counts(neurons, &held_out)?)?;
        let labels: Vec<u8> = self.validation.iter().map(|&i| train.labels()[i as usize]).collect();
        let learning = self.state.seconds.get("learning").copied().unwrap_or_default();
        let point = Point {
            samples: self.state.presented,
            validation_accuracy: share(&decided, &labels),
            neurons_used: self.network.wins().iter().filter(|&&wins| wins > 0).count(),
            mean_theta: self.network.theta().map(f64::from).sum::<f64>() / neurons as f64,
            samples_per_second: self.state.presented as f64 / learning.max(1e-9),
        };
        self.folder.append_metrics(&point)?;
        observer.on_event(&Event::Note {
            message: format!(
                "after {} images: {:.2} % of the held-out training images, {} neurons used, mean theta {:.2} mV",
                point.samples,
                100.0 * point.validation_accuracy,
                point.neurons_used,
                point.mean_theta
            ),
        });
        self.state.curve.push(point);
        self.add_seconds("watching", started.elapsed().as_secs_f64());
        Ok(())
    }

    fn save(&mut self, observer: &mut (dyn Observer + Send)) -> Result<(), Error> {
        let presented = self.state.presented;
        let stage = || format!("learning without labels, after {presented} images");
        self.network.check_finite().map_err(|error| Error::Spiking { stage: stage(), what: error.to_string() })?;
        self.folder.sync_metrics()?;
        self.state.metrics_len = self.folder.metrics_len();
        self.state.network = Some(self.network.state());
        let path = self.folder.checkpoints().save(self.state.presented, &self.state)?;
        self.state.network = None;
        observer.on_event(&Event::CheckpointWritten { path });
        Ok(())
    }

    fn add_seconds(&mut self, part: &str, seconds: f64) {
        *self.state.seconds.entry(part.to_owned()).or_default() += seconds;
    }

    /// The responses to the first `count` images, with progress; learning is over and saved; and the time.
    fn responses(
        &self,
        stage: &str,
        images: &Images,
        count: usize,
        observer: &mut (dyn Observer + Send),
    ) -> Result<(Spikes, f64), Error> {
        let (streams, eye) = (Streams::new(self.config.seed), Eye::new(&self.config.input)?);
        let total = count as u64;
        observer.on_event(&Event::StageStarted { stage: stage.into(), done: 0, total, unit: "images" });
        let began = Instant::now();
        let mut spikes = Spikes::with_capacity(count);
        let indices: Vec<u32> = (0..count as u32).collect();
        for part in indices.chunks(RESPONSES) {
            let started = Instant::now();
            spikes.extend(respond(&self.network, &eye, &streams, &format!("stdp/{stage}"), images, part)?);
            observer.on_event(&Event::Step {
                done: spikes.len() as u64,
                total,
                loss: f64::NAN,
                images_per_second: part.len() as f64 / started.elapsed().as_secs_f64(),
            });
            if observer.stop_requested() {
                return Err(Error::Stopped { folder: self.folder().to_owned() });
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        observer.on_event(&Event::StageEnded { stage: stage.into(), seconds });
        Ok((spikes, seconds))
    }

    fn finish(mut self, observer: &mut (dyn Observer + Send)) -> Result<StdpSummary, Error> {
        let CompetitiveConfig { inputs, neurons, rule, .. } = *self.network.config();
        let (train, test) = (&self.split.train, &self.split.test);
        let labelled = self.config.label.unwrap_or(usize::MAX).min(train.len());
        let tested = self.config.test.unwrap_or(usize::MAX).min(test.len());
        let (named, label_seconds) = self.responses("label", train, labelled, observer)?;
        let (spikes, test_seconds) = self.responses("test", test, tested, observer)?;

        let started = Instant::now();
        let steps = self.config.input.steps;
        let decoders = Decoders::fit(neurons, steps, &named, &train.labels()[..labelled], train.classes())?;
        let mut decided = decoders.decide(&spikes)?;
        let labels = &test.labels()[..tested];
        let test_accuracy = decided.iter().map(|(name, decided)| (name.clone(), share(decided, labels))).collect();
        let decided = decided.remove(ALL_ACTIVITY).unwrap_or_default();
        let outcome = Outcome { names: decoders.all_activity, decided, spikes };
        self.add_seconds("decoding", started.elapsed().as_secs_f64());
        self.add_seconds("label", label_seconds);
        self.add_seconds("test", test_seconds);

        let state = self.network.state();
        let weights_sha256 = write_weights(
            &self.folder.path().join("weights.safetensors"),
            [("weights", &[inputs, neurons][..], &state.weights[..]), ("theta", &[neurons], &state.theta)],
        )?;
        let learning = self.state.seconds.get("learning").copied().unwrap_or_default();
        let responses = (labelled + tested) as f64;
        let mut summary = StdpSummary {
            dataset: self.source.clone(),
            neurons,
            rule: rule.name().into(),
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            train_samples: self.total(),
            label_samples: labelled,
            test_samples: tested,
            test_accuracy,
            samples_per_second: StdpSpeed {
                train: self.total() as f64 / learning.max(1e-9),
                test: responses / (label_seconds + test_seconds).max(1e-9),
            },
            seconds: BTreeMap::new(),
            weights_sha256,
            report: self.folder.path().join("report.html"),
        };
        let started = Instant::now();
        let sheet = page::sheet(&self, &summary, &outcome, &view::Order::new(&outcome.names))?;
        summary.report = self.folder.write_file("report.html", nl_report::render(&sheet)?.as_bytes())?;
        self.add_seconds("report", started.elapsed().as_secs_f64());
        summary.seconds = self.state.seconds.clone();
        summary.seconds.insert("total".into(), self.state.seconds.values().sum());
        self.folder.write_summary(&summary)?;
        Ok(summary)
    }
}

/// Draws the spikes of one piece of images; the draw of an image depends on epoch and image only.
struct Drawing {
    streams: Streams,
    eye: Eye,
    order: (u64, Vec<u32>),
    stimuli: Vec<Stimulus>,
    /// Whose spikes these are.
    samples: Vec<u32>,
}

impl Drawing {
    fn new(run: &StdpRun) -> Result<Self, Error> {
        let stimulus = Stimulus::new(run.network.config().inputs)?;
        Ok(Self {
            streams: Streams::new(run.config.seed),
            eye: Eye::new(&run.config.input)?,
            order: (u64::MAX, Vec::new()),
            stimuli: vec![stimulus; PIECE as usize],
            samples: Vec::new(),
        })
    }

    /// What was drawn last: spikes and index of each image.
    fn shown(&self) -> impl Iterator<Item = (&Stimulus, u32)> {
        self.stimuli.iter().zip(self.samples.iter().copied())
    }

    /// Draws the presentations of `range` from `images`, of which `learn` are learned from.
    fn draw(&mut self, range: Range<u64>, learn: &[u32], images: &Images) -> Result<(), Error> {
        let n = learn.len() as u64;
        self.samples.clear();
        for (at, stimulus) in range.zip(&mut self.stimuli) {
            let epoch = at / n;
            if self.order.0 != epoch {
                let batches = Batches::over(learn.to_vec(), learn.len(), true, &self.streams, epoch)?;
                self.order = (epoch, batches.get(0).unwrap_or_default().to_vec());
            }
            let sample = self.order.1[(at % n) as usize];
            self.samples.push(sample);
            let mut rng = self.streams.rng("stdp/poisson", epoch, sample.into());
            self.eye.see(images.image(sample as usize), &mut rng, stimulus)?;
        }
        Ok(())
    }
}
