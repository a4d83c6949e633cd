//! The end of a run: the test set, once; then weights, summary and report.

use std::collections::BTreeMap;
use std::time::Instant;

use nl_brain::{Hippocampus, RecallBatch};
use nl_data::Images;
use nl_layers::Parameters;
use nl_report::plots::MapPoint;

use crate::alarm::{Scores, alarms};
use crate::brain_run::{BrainRun, argmax, labels, mean_squared_error, through};
use crate::evaluate::{Decided, Evaluator, FeatureMaps};
use crate::gate::Fitted;
use crate::learn::stage_streams;
use crate::metrics::accuracy;
use crate::objective::{Evidence, augmented_image};
use crate::observer::{Event, Observer};
use crate::probe::{Embedded, knn_accuracy, linear_accuracy, pixels_right};
use crate::state::Stage;
use crate::summary::{SslSummary, Summary, TestAccuracy, Throughput};
use crate::{Error, Tsne, sections, write_weights};

/// Test images on the map.
const MAP_POINTS: usize = 1000;

/// What the test set showed.
pub(crate) struct Findings {
    pub(crate) hippocampus: Hippocampus,
    pub(crate) evidence: Evidence,
    pub(crate) recall: RecallBatch,
    pub(crate) decided: Decided,
    pub(crate) accuracy: TestAccuracy,
    pub(crate) ssl: SslSummary,
    /// Reconstructions of stage 1, `[N, height, width]`.
    pub(crate) drawn: Vec<f32>,
    pub(crate) gates: Vec<f32>,
    /// How the trust was chosen.
    pub(crate) fitted: Fitted,
    /// What has to be said first.
    pub(crate) alarms: Vec<String>,
    /// The answers of the regions to the first test image.
    pub(crate) features: Vec<FeatureMaps>,
    pub(crate) maps: Vec<EmbeddingMap>,
    stage_1_embedding: Vec<f32>,
}

/// Embeddings laid out in the plane.
pub(crate) struct EmbeddingMap {
    /// What is shown: `"After stage 1, before any label"`.
    pub(crate) title: &'static str,
    /// How the plane was made: `"t-SNE, perplexity 30"`.
    pub(crate) method: String,
    /// One point an image.
    pub(crate) points: Vec<MapPoint>,
}

impl BrainRun {
    /// Scores the test set and writes weights, report and summary.
    pub(crate) fn evaluate(mut self, observer: &mut dyn Observer) -> Result<Summary, Error> {
        let name = Stage::Evaluation.name().to_owned();
        let total = self.split.test.len() as u64;
        observer.on_event(&Event::StageStarted { stage: name.clone(), done: 0, total, unit: "images" });
        let stage_start = Instant::now();
        let (mut findings, infer) = self.look()?;
        for message in &findings.alarms {
            observer.on_event(&Event::Warning { message: message.clone() });
        }
        self.state.add_time("Evaluation", stage_start.elapsed().as_secs_f64(), None);

        let started = Instant::now();
        let path = self.folder.path().join("weights.safetensors");
        let values = self.parameters.values();
        let tensors = self.parameters.entries().iter().map(|e| (e.path.as_str(), &e.shape[..], &values[e.range()]));
        let weights_sha256 = write_weights(&path, tensors)?;
        findings.maps = self.maps(&findings)?;
        self.state.add_time("Maps and report", started.elapsed().as_secs_f64(), None);

        let throughput = |stage: Stage| self.state.throughput(stage.name()).unwrap_or(0.0);
        let images_per_second =
            Throughput { ssl: throughput(Stage::SelfSupervised), sup: throughput(Stage::Supervised), infer };
        let page = sections::sheet(&self, &findings, &weights_sha256, images_per_second)?;
        let report = self.folder.write_file("report.html", nl_report::render(&page)?.as_bytes())?;
        let mut seconds: BTreeMap<String, f64> =
            self.state.timings.iter().map(|t| (t.name.to_lowercase().replace([' ', '-'], "_"), t.seconds)).collect();
        seconds.insert("total".into(), self.state.seconds());
        let summary = Summary {
            dataset: self.source.clone(),
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            test_accuracy: findings.accuracy,
            ssl: findings.ssl,
            images_per_second,
            seconds,
            weights_sha256,
            report,
        };
        self.folder.write_summary(&summary)?;
        observer.on_event(&Event::StageEnded { stage: name, seconds: stage_start.elapsed().as_secs_f64() });
        Ok(summary)
    }

    /// Everything that looks at the test set, and the images per second of inference.
    fn look(&self) -> Result<(Findings, f64), Error> {
        let (brain, test, classes) = (&self.brain, &self.split.test, self.brain.config().classes);
        let mut evaluator = Evaluator::new(self.config.shard);
        let hippocampus = self.fill_hippocampus()?;
        let started = Instant::now();
        evaluator.encode(brain, &self.parameters, test)?;
        let infer = test.len() as f64 / started.elapsed().as_secs_f64();

        let (evidence, recall) = self.evidence(&mut evaluator, &hippocampus, test, None)?;
        let decided = evaluator.decide(brain, &self.parameters, &evidence)?;
        let truth = &evidence.labels;
        let score = |rows: &[f32]| accuracy(&argmax(rows, classes), truth).unwrap_or(0.0);
        let (cortex, memory) = (score(&evidence.logits), score(&evidence.memory));
        let accuracy = TestAccuracy { cortex, memory, mixed: score(&decided.log_probs) };
        let right = |rows: &[f32]| argmax(rows, classes).iter().zip(truth).map(|(a, b)| a == b).collect::<Vec<bool>>();
        let (places, pixels) = pixels_right(&self.split.train.select(&self.learn), test)?;
        let commonest = (0..classes as u32).map(|c| truth.iter().filter(|&&y| y == c).count()).max().unwrap_or(0);
        let alarms = alarms(Scores {
            cortex: &right(&evidence.logits),
            memory: &right(&evidence.memory),
            pixels: (&places, &pixels),
            commonest: commonest as f64 / truth.len() as f64,
        });
        let fitted = self.fit_gate(&mut evaluator, &hippocampus)?;
        let gates = evaluator.gates(brain, &self.parameters, test)?;

        let stage_1 = self.stage_1()?;
        let seen = self.split.train.select(&self.learn);
        let train_embedding = evaluator.encode(brain, &stage_1, &seen)?.embedding;
        let stage_1_embedding = evaluator.encode(brain, &stage_1, test)?.embedding;
        let drawn = evaluator.reconstruct(brain, &stage_1, test)?;
        let train = Embedded { embedding: &train_embedding, labels: seen.labels() };
        let new = Embedded { embedding: &stage_1_embedding, labels: test.labels() };
        let (sizes, probe) = (brain.config(), &self.config.probe);
        let streams = stage_streams(self.config.seed, Stage::Evaluation);
        let ssl = SslSummary {
            knn_accuracy: knn_accuracy(sizes, probe.neighbours, train, new)?,
            linear_probe_accuracy: linear_accuracy(sizes, probe, self.config.shard, streams, train, new)?,
            reconstruction_mse: mean_squared_error(&drawn, test),
        };
        let features = evaluator.features(brain, &self.parameters, &test.select(&[0]))?;
        let findings = Findings {
            hippocampus,
            evidence,
            recall,
            decided,
            accuracy,
            ssl,
            drawn,
            gates,
            fitted,
            alarms,
            features,
            maps: Vec::new(),
            stage_1_embedding,
        };
        Ok((findings, infer))
    }

    /// The embedding in the plane, before and after the labels.
    fn maps(&self, findings: &Findings) -> Result<Vec<EmbeddingMap>, Error> {
        let dim = self.brain.config().embedding;
        let labels = self.split.test.labels();
        let n = MAP_POINTS.min(labels.len());
        if n < 5 {
            return Ok(Vec::new());
        }
        // A perplexity must be well below the number of points.
        let tsne = Tsne { perplexity: Tsne::default().perplexity.min((n - 1) as f64 / 3.0), ..Tsne::default() };
        let map = |title: &'static str, rows: &[f32]| -> Result<EmbeddingMap, Error> {
            let places = tsne.layout(&rows[..n * dim], dim)?;
            let point =
                |(at, &class): (&[f64; 2], &u8)| MapPoint { x: at[0] as f32, y: at[1] as f32, class: u32::from(class) };
            let points = places.iter().zip(labels).map(point).collect();
            let method = format!("t-SNE of the first {n} test images, perplexity {:.0}.", tsne.perplexity);
            Ok(EmbeddingMap { title, method, points })
        };
        Ok(vec![
            map("After stage 1, before any label", &findings.stage_1_embedding)?,
            map("After stage 2, with labels", &findings.evidence.embedding)?,
        ])
    }

    /// Images as stage 1 shows them.
    pub(crate) fn distorted(&self, images: &Images) -> Result<Images, Error> {
        let config = &self.config.self_supervised;
        let augment = self.augment(&config.augment);
        let streams = stage_streams(self.config.seed, Stage::SelfSupervised);
        let (height, width) = (images.height(), images.width());
        let mut scratch = nl_data::Scratch::default();
        through(images, |i, image, view| {
            augmented_image(images, i, &augment, &streams, 0, image, &mut scratch, view)?;
            let mut rng = streams.rng("corrupt", 0, u64::from(i));
            Ok(config.corruption.apply(view, height, width, &mut scratch, &mut rng)?)
        })
    }

    /// The weights at the end of stage 1.
    pub(crate) fn stage_1(&self) -> Result<Parameters<f32>, Error> {
        let mut parameters = self.parameters.clone();
        parameters.set_values(&self.state.after_stage_1)?;
        Ok(parameters)
    }
}

/// The first two images of each class, by class, as far as there are any; at most `most`.
pub(crate) fn two_a_class(images: &Images, most: usize) -> Vec<u32> {
    let labels = labels(images);
    let of = |class: usize| (0..labels.len() as u32).filter(move |&i| labels[i as usize] as usize == class).take(2);
    let classes = images.classes();
    let mut chosen = Vec::new();
    for class in 0..classes {
        chosen.extend(of.clone()(class));
    }
    chosen.truncate(most);
    chosen
}
