//! A run in a folder of its own, resumable bit for bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use nl_data::{Source, Split};
use nl_layers::conv_stdp::{Activity, ConvStdpState, RewardStdp, RewardStdpState, spikes};
use nl_neuron::SpikeTrain;
use nl_random::Streams;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::config::ConvStdpConfig;
use super::network::Network;
use super::page;
use super::read_out::{Features, ReadOut, ReadOutState, Scale};
use crate::brain_run::argmax;
use crate::observer::{Event, Observer};
use crate::run_folder::utc_text;
use crate::{CheckpointError, Error, RunFolder, write_weights};

/// Images between two looks at Ctrl-C.
const PIECE: u64 = 100;
/// Images between two looks at the convergence, and between two checkpoints of a layer.
const LOOK: u64 = 1000;
/// The same for features.
const ROWS: usize = 2000;

/// Learns features layer by layer, computes them for all images, and reads them out.
///
/// ```no_run
/// use nl_data::{Choice, Lookup, resolve};
/// use nl_train::{ConvStdpConfig, ConvStdpRun, Preset, RunFolder, Silent};
///
/// let config = ConvStdpConfig::preset(Preset::Quick, 1)?;
/// let (split, source) = resolve("mnist", &Choice::Auto, &Lookup::from_env()).expect("images");
/// let folder = RunFolder::create("experiments/conv-stdp".as_ref())?;
/// let summary = ConvStdpRun::start(config, split, source, folder)?.run(&mut Silent)?;
/// assert!(summary.test_accuracy.linear > 0.9);
/// # Ok::<(), nl_train::Error>(())
/// ```
pub struct ConvStdpRun {
    pub(super) config: ConvStdpConfig,
    pub(super) split: Split,
    pub(super) source: Source,
    pub(super) network: Network,
    pub(super) state: State,
    folder: RunFolder,
    warnings: Vec<String>,
}

/// What a checkpoint holds. Features are not: they are computed again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    data_sha256: String,
    pub(super) started: String,
    /// Checkpoints written.
    saves: u64,
    metrics_len: u64,
    layers: Vec<ConvStdpState>,
    /// Layers that have learned.
    learned: usize,
    /// (images, C) of each layer.
    pub(super) curves: Vec<Vec<(u64, f64)>>,
    read_out: Option<ReadOutState>,
    /// Mean loss of each pass.
    pub(super) losses: Vec<f64>,
    /// Passes, and the layer.
    reward: Option<(u64, RewardStdpState)>,
    /// Share of right decisions in each pass, before learning from each.
    pub(super) rewarded: Vec<f64>,
    pub(super) seconds: ConvStdpSeconds,
}

/// The result of a run, as `--json` prints it and `summary.json` keeps it; accuracies are shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConvStdpSummary {
    /// Which images.
    pub dataset: Source,
    /// Maps of each layer.
    pub maps: Vec<usize>,
    /// Number of layers.
    pub layers: usize,
    /// The seed.
    pub seed: u64,
    /// Worker threads; the result is the same for any number.
    pub threads: usize,
    /// Training images that the read-out learned from.
    pub train_samples: usize,
    /// Images that each layer learned from, without labels.
    pub stdp_samples: Vec<u64>,
    /// mean w (1 − w) of each layer.
    pub convergence: Vec<f64>,
    /// On the test images, looked at once.
    pub test_accuracy: ConvStdpAccuracy,
    /// Throughput.
    pub samples_per_second: ConvStdpSpeed,
    /// Wall time of the parts.
    pub seconds: ConvStdpSeconds,
    /// SHA-256 of weights.safetensors: the same for the same configuration, images and SIMD level.
    pub weights_sha256: String,
    /// The report.
    pub report: PathBuf,
}

/// Accuracies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConvStdpAccuracy {
    /// Logistic regression on all layers' features.
    pub linear: f64,
    /// The reward-modulated layer, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<f64>,
}

/// Images per second of wall time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConvStdpSpeed {
    /// Learning, the layers below included.
    pub train: f64,
    /// From pixels to features.
    pub features: f64,
}

/// Wall time, seconds, over all processes of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ConvStdpSeconds {
    /// Learning of the layers.
    pub stdp: f64,
    /// Features of training and test images.
    pub features: f64,
    /// The linear read-out.
    pub read_out: f64,
    /// The reward-modulated layer.
    pub reward: f64,
    /// All of it, and the report.
    pub total: f64,
}

/// Everything the report is made of.
pub(super) struct Outcome {
    /// Logits of the test images.
    pub(super) logits: Vec<f32>,
    pub(super) decided: Vec<u32>,
}

/// Features of all images.
struct Rows {
    train: Vec<u8>,
    test: Vec<u8>,
}

impl ConvStdpRun {
    /// A new run; writes its configuration to the folder.
    ///
    /// # Errors
    /// A faulty configuration, images that do not fit it, or a folder that cannot be written.
    pub fn start(config: ConvStdpConfig, split: Split, source: Source, folder: RunFolder) -> Result<Self, Error> {
        let started = utc_text(SystemTime::now());
        let state = State { started, data_sha256: source.sha256.clone(), ..State::default() };
        let run = Self::build(config, split, source, folder, state)?;
        run.folder.write_config(&run.config)?;
        Ok(run)
    }

    /// The run in `folder`, from its newest good checkpoint; from its beginning if there is none.
    ///
    /// # Errors
    /// [`Error::OtherData`] if the images are not those it was started with; a folder or checkpoints that cannot be
    /// read, or a checkpoint of another network.
    pub fn resume(folder: RunFolder, split: Split, source: Source) -> Result<Self, Error> {
        let config: ConvStdpConfig = folder.read_config()?;
        let latest = match folder.checkpoints().latest::<State>() {
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
        for (stacked, state) in run.network.layers.iter_mut().zip(&run.state.layers) {
            stacked.layer.restore(state)?;
        }
        run.warnings = latest.warnings;
        run.folder.truncate_metrics(run.state.metrics_len)?;
        Ok(run)
    }

    fn build(
        config: ConvStdpConfig,
        mut split: Split,
        source: Source,
        folder: RunFolder,
        state: State,
    ) -> Result<Self, Error> {
        let network = Network::new(&config, split.train.height(), split.train.width())?;
        let shapes = [&split.train, &split.test].map(|images| (images.height(), images.width()));
        if split.train.is_empty() || split.test.is_empty() || shapes[0] != shapes[1] {
            return Err(Error::config("training and test images must be there, and of one size"));
        }
        for (images, most) in [(&mut split.train, config.train), (&mut split.test, config.test)] {
            if let Some(most) = most.filter(|&most| most < images.len()) {
                *images = images.select(&(0..most as u32).collect::<Vec<u32>>());
            }
        }
        Ok(Self { config, split, source, network, state, folder, warnings: Vec::new() })
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Learns to the end and writes weights, summary and report.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the observer asked for it (a checkpoint is written), or a folder that cannot be written.
    pub fn run(mut self, observer: &mut dyn Observer) -> Result<ConvStdpSummary, Error> {
        for message in core::mem::take(&mut self.warnings) {
            observer.on_event(&Event::Warning { message });
        }
        while self.state.learned < self.network.layers.len() {
            self.learn(observer)?;
        }
        let rows = self.rows(observer)?;
        let reward = self.reward(&rows, observer)?;
        self.read_out(&rows, reward, observer)
    }

    /// One layer, from wherever it stands.
    fn learn(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        let l = self.state.learned;
        let config = self.config.layers[l].clone();
        let n = self.split.train.len() as u64;
        if self.state.curves.len() == l {
            self.state.curves.push(vec![(0, self.network.layers[l].layer.convergence())]);
        }
        let stage = format!("STDP, layer {}", l + 1);
        let seen = self.network.layers[l].layer.seen();
        observer.on_event(&Event::StageStarted {
            stage: stage.clone(),
            done: seen,
            total: config.images,
            unit: "images",
        });
        let (mut order, mut activity) = (Vec::new(), Activity::default());
        let started = Instant::now();
        let mut clock = Instant::now();
        loop {
            let seen = self.network.layers[l].layer.seen();
            let look = seen.is_multiple_of(LOOK) && seen > 0;
            if seen >= config.images || (look && self.network.layers[l].layer.convergence() < config.converged) {
                break;
            }
            let (pass, at) = (seen / n, seen % n);
            if order.is_empty() || at == 0 {
                order = shuffled(n as u32, &Streams::new(self.config.seed), &format!("order/{}", l + 1), pass);
            }
            let most = (PIECE - seen % PIECE).min(n - at).min(config.images - seen);
            let samples = &order[at as usize..(at + most) as usize];
            let trains = self.network.trains(&self.split.train, samples, l)?;
            let layer = &mut self.network.layers[l].layer;
            for train in &trains {
                layer.learn(train, &mut activity)?;
            }
            let (seen, c) = (layer.seen(), layer.convergence());
            let seconds = clock.elapsed().as_secs_f64();
            (clock, self.state.seconds.stdp) = (Instant::now(), self.state.seconds.stdp + seconds);
            let images_per_second = most as f64 / seconds.max(1e-9);
            observer.on_event(&Event::Step { done: seen, total: config.images, loss: f64::NAN, images_per_second });
            if seen.is_multiple_of(PIECE) || seen == config.images {
                self.state.curves[l].push((seen, c));
                let line = [("layer", (l + 1) as f64), ("images", seen as f64), ("convergence", c)];
                self.folder.append_metrics(&BTreeMap::from(line))?;
            }
            let stop = observer.stop_requested();
            if stop || seen.is_multiple_of(LOOK) {
                self.save(observer)?;
            }
            if stop {
                return Err(Error::Stopped { folder: self.folder.path().to_owned() });
            }
        }
        self.state.learned += 1;
        self.save(observer)?;
        observer.on_event(&Event::StageEnded { stage, seconds: started.elapsed().as_secs_f64() });
        Ok(())
    }

    fn save(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        for (l, stacked) in self.network.layers.iter().enumerate() {
            let stage = || format!("STDP, layer {}, after {} images", l + 1, stacked.layer.seen());
            stacked.layer.check_finite().map_err(|error| Error::Spiking { stage: stage(), what: error.to_string() })?;
        }
        self.folder.sync_metrics()?;
        self.state.metrics_len = self.folder.metrics_len();
        self.state.saves += 1;
        self.state.layers = self.network.layers.iter().map(|stacked| stacked.layer.state()).collect();
        let path = self.folder.checkpoints().save(self.state.saves, &self.state)?;
        observer.on_event(&Event::CheckpointWritten { path });
        Ok(())
    }

    /// Features of all images.
    fn rows(&mut self, observer: &mut dyn Observer) -> Result<Rows, Error> {
        let (stage, width) = ("Features".to_owned(), self.network.width());
        let total = (self.split.train.len() + self.split.test.len()) as u64;
        observer.on_event(&Event::StageStarted { stage: stage.clone(), done: 0, total, unit: "images" });
        let started = Instant::now();
        let mut rows = Rows { train: Vec::new(), test: Vec::new() };
        let sets = [(&self.split.train, &mut rows.train), (&self.split.test, &mut rows.test)];
        let (mut done, mut stop) = (0, false);
        for (images, out) in sets {
            out.resize(images.len() * width, 0);
            for (i, piece) in out.chunks_mut(ROWS * width).enumerate() {
                if stop {
                    break;
                }
                let clock = Instant::now();
                self.network.features_of(images, i * ROWS, piece)?;
                let n = (piece.len() / width) as u64;
                done += n;
                let images_per_second = n as f64 / clock.elapsed().as_secs_f64().max(1e-9);
                observer.on_event(&Event::Step { done, total, loss: f64::NAN, images_per_second });
                stop = observer.stop_requested();
            }
        }
        if stop {
            self.save(observer)?;
            return Err(Error::Stopped { folder: self.folder.path().to_owned() });
        }
        let seconds = started.elapsed().as_secs_f64();
        // Of the whole, however often it was begun.
        self.state.seconds.features = seconds;
        observer.on_event(&Event::StageEnded { stage, seconds });
        Ok(rows)
    }

    /// The reward-modulated layer, if there is one; its accuracy on the test images.
    fn reward(&mut self, rows: &Rows, observer: &mut dyn Observer) -> Result<Option<(RewardStdp, f64)>, Error> {
        let Some(config) = self.config.reward.clone() else { return Ok(None) };
        let streams = Streams::new(self.config.seed);
        let (grid, width) = (self.network.grid(self.network.layers.len() - 1), self.network.width());
        let classes = self.split.train.classes();
        let mut layer = RewardStdp::new(config.layer, grid, classes, &mut streams.rng("init/reward", 0, 0))?;
        let mut epoch = 0;
        if let Some((epochs, state)) = &self.state.reward {
            layer.restore(state)?;
            epoch = *epochs;
        }
        let (stage, n) = ("Reward-modulated STDP".to_owned(), self.split.train.len());
        let total = config.epochs * n as u64;
        let done = epoch * n as u64;
        observer.on_event(&Event::StageStarted { stage: stage.clone(), done, total, unit: "images" });
        let started = Instant::now();
        // The features of the last layer stand last; which neurons spiked at all is what counts.
        let show = |row: &[u8], train: &mut SpikeTrain, active: &mut Vec<u8>| {
            active.clear();
            active.extend(row[width - grid.len()..].iter().map(|&early| u8::from(early > 0)));
            spikes(active, 1, train)
        };
        let (mut train, mut active, mut activity) = (SpikeTrain::new(grid.len()), Vec::new(), Activity::default());
        while epoch < config.epochs {
            let clock = Instant::now();
            let mut right = 0_u64;
            for &i in &shuffled(n as u32, &streams, "order/reward", epoch) {
                let label = u32::from(self.split.train.labels()[i as usize]);
                show(&rows.train[i as usize * width..][..width], &mut train, &mut active)?;
                right += u64::from(layer.learn(&train, label, &mut activity)? == Some(label));
            }
            epoch += 1;
            let stage = || format!("reward-modulated STDP, after pass {epoch}");
            layer.check_finite().map_err(|error| Error::Spiking { stage: stage(), what: error.to_string() })?;
            self.state.rewarded.push(right as f64 / n as f64);
            self.state.reward = Some((epoch, layer.state()));
            self.state.seconds.reward += clock.elapsed().as_secs_f64();
            let share = right as f64 / n as f64;
            self.folder.append_metrics(&BTreeMap::from([("reward_epoch", epoch as f64), ("right", share)]))?;
            let metrics = vec![("right while learning".to_owned(), share)];
            observer.on_event(&Event::EpochEnded { epoch, epochs: config.epochs, metrics });
            self.save(observer)?;
            if observer.stop_requested() {
                return Err(Error::Stopped { folder: self.folder.path().to_owned() });
            }
        }
        let decide = |(train, active, activity): &mut (SpikeTrain, Vec<u8>, Activity), (row, &label): (&[u8], &u8)| {
            show(row, train, active)?;
            Ok(usize::from(layer.decide(train, activity)? == Some(u32::from(label))))
        };
        let labels = self.split.test.labels();
        let right: Vec<usize> = rows
            .test
            .par_chunks_exact(width)
            .zip(labels)
            .map_init(|| (SpikeTrain::new(grid.len()), Vec::new(), Activity::default()), decide)
            .collect::<Result<_, nl_neuron::Error>>()?;
        observer.on_event(&Event::StageEnded { stage, seconds: started.elapsed().as_secs_f64() });
        let accuracy = right.iter().sum::<usize>() as f64 / labels.len() as f64;
        Ok(Some((layer, accuracy)))
    }

    /// The read-out, the test set, and what is written.
    fn read_out(
        mut self,
        rows: &Rows,
        reward: Option<(RewardStdp, f64)>,
        observer: &mut dyn Observer,
    ) -> Result<ConvStdpSummary, Error> {
        let (stage, epochs) = ("Read-out".to_owned(), self.config.read_out.epochs);
        let (n, width, classes) = (self.split.train.len() as u64, self.network.width(), self.split.train.classes());
        let labels = self.split.train.labels().to_vec();
        let train = Features { values: &rows.train, labels: &labels, width };
        let config = self.config.read_out.clone();
        let started = Instant::now();
        let scale = Scale::of(train, config.epsilon);
        let from = self.state.read_out.take();
        let mut read_out = ReadOut::new(&config, train, &scale, classes, self.config.seed, from.as_ref())?;
        let done = read_out.epoch * n;
        observer.on_event(&Event::StageStarted { stage: stage.clone(), done, total: epochs * n, unit: "images" });
        let mut clock = Instant::now();
        while read_out.epoch < epochs {
            let loss = read_out.pass()?;
            let epoch = read_out.epoch;
            self.state.losses.push(loss);
            self.folder.append_metrics(&BTreeMap::from([("read_out_epoch", epoch as f64), ("loss", loss)]))?;
            let seconds = clock.elapsed().as_secs_f64();
            (clock, self.state.seconds.read_out) = (Instant::now(), self.state.seconds.read_out + seconds);
            let images_per_second = n as f64 / seconds.max(1e-9);
            observer.on_event(&Event::Step { done: epoch * n, total: epochs * n, loss, images_per_second });
            let stop = observer.stop_requested();
            if epoch < epochs {
                self.state.read_out = Some(read_out.state());
                self.save(observer)?;
            }
            if stop && epoch < epochs {
                return Err(Error::Stopped { folder: self.folder.path().to_owned() });
            }
        }
        let test = Features { values: &rows.test, labels: self.split.test.labels(), width };
        let logits = read_out.logits(test, &scale, classes)?;
        let decided = argmax(&logits, classes);
        let truth = self.split.test.labels().iter();
        let right = truth.zip(&decided).filter(|(truth, decided)| u32::from(**truth) == **decided).count();
        let linear = right as f64 / decided.len() as f64;
        observer.on_event(&Event::StageEnded { stage, seconds: started.elapsed().as_secs_f64() });
        let weights_sha256 = self.write(&read_out, &scale, reward.as_ref().map(|r| &r.0))?;

        let layers = &self.network.layers;
        let mut seconds = self.state.seconds;
        seconds.total = seconds.stdp + seconds.features + seconds.read_out + seconds.reward;
        let stdp_samples: Vec<u64> = layers.iter().map(|stacked| stacked.layer.seen()).collect();
        let images = (self.split.train.len() + self.split.test.len()) as f64;
        let mut summary = ConvStdpSummary {
            dataset: self.source.clone(),
            maps: layers.iter().map(|stacked| stacked.layer.config().maps).collect(),
            layers: layers.len(),
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            train_samples: self.split.train.len(),
            convergence: layers.iter().map(|stacked| stacked.layer.convergence()).collect(),
            test_accuracy: ConvStdpAccuracy { linear, reward: reward.map(|r| r.1) },
            samples_per_second: ConvStdpSpeed {
                train: stdp_samples.iter().sum::<u64>() as f64 / seconds.stdp.max(1e-9),
                features: images / seconds.features.max(1e-9),
            },
            stdp_samples,
            seconds,
            weights_sha256,
            report: self.folder.path().join("report.html"),
        };
        let sheet = page::sheet(&self, &summary, &Outcome { logits, decided })?;
        summary.report = self.folder.write_file("report.html", nl_report::render(&sheet)?.as_bytes())?;
        self.folder.write_summary(&summary)?;
        Ok(summary)
    }

    /// weights.safetensors; its SHA-256.
    fn write(&self, read_out: &ReadOut<'_>, scale: &Scale, reward: Option<&RewardStdp>) -> Result<String, Error> {
        let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
        for (i, stacked) in self.network.layers.iter().enumerate() {
            let (config, channels) = (stacked.layer.config(), stacked.layer.input().channels);
            let shape = vec![config.maps, channels, config.kernel, config.kernel];
            tensors.push((format!("layer{}.weight", i + 1), shape, stacked.layer.state().weights));
        }
        for entry in read_out.parameters.entries() {
            let values = read_out.parameters.values()[entry.range()].to_vec();
            tensors.push((format!("read_out.{}", entry.path), entry.shape.clone(), values));
        }
        let (mean, factor) = scale.parts();
        tensors.push(("read_out.mean".into(), vec![mean.len()], mean.to_vec()));
        tensors.push(("read_out.factor".into(), vec![factor.len()], factor.to_vec()));
        if let Some(layer) = reward {
            let weights = layer.state().weights;
            tensors.push(("reward.weight".into(), vec![weights.len()], weights));
        }
        let path = self.folder.path().join("weights.safetensors");
        Ok(write_weights(&path, tensors.iter().map(|(name, shape, values)| (&name[..], &shape[..], &values[..])))?)
    }
}

/// 0 to `n` - 1 in the order of a pass (Fisher & Yates).
fn shuffled(n: u32, streams: &Streams, name: &str, pass: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    let mut rng = streams.rng(name, pass, 0);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}
