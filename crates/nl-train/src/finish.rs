//! The end of a run: the test set, once; then weights, summary and report.

use std::collections::BTreeMap;
use std::time::Instant;

use nl_brain::{Brain, Hippocampus, RecallBatch};
use nl_data::{Corruption, Images, SourceKind};
use nl_layers::Parameters;

use crate::brain_run::{BrainRun, argmax, labels, log_softmax, mean_squared_error, through};
use crate::evaluate::{Decided, Evaluator};
use crate::learn::stage_streams;
use crate::metrics::{ConfusionMatrix, accuracy, expected_calibration_error, reliability};
use crate::objective::{Evidence, augmented_image};
use crate::observer::{Event, Observer};
use crate::probe::{Embedded, knn_accuracy, linear_accuracy};
use crate::report::{
    self, DataInfo, EmbeddingMap, MapPoint, Mistake, Neighbour, Picture, RecallExample, Reconstruction, Region, Report,
    RunInfo, Scores, TrustSample,
};
use crate::state::Stage;
use crate::summary::{SslSummary, Summary, TestAccuracy, Throughput};
use crate::{Error, Tsne, write_weights};

/// Pictures shown of each kind.
const SHOWN: usize = 20;
/// Test images on the map.
const MAP_POINTS: usize = 1000;

/// What the test set showed.
struct Findings {
    hippocampus: Hippocampus,
    evidence: Evidence,
    recall: RecallBatch,
    decided: Decided,
    accuracy: TestAccuracy,
    ssl: SslSummary,
    /// Reconstructions of stage 1, `[N, height, width]`.
    drawn: Vec<f32>,
    gates: Vec<f32>,
    stage_1_embedding: Vec<f32>,
}

impl BrainRun {
    /// Scores the test set and writes weights, report and summary.
    pub(crate) fn evaluate(mut self, observer: &mut dyn Observer) -> Result<Summary, Error> {
        let name = Stage::Evaluation.name().to_owned();
        let total = self.split.test.len() as u64;
        observer.on_event(&Event::StageStarted { stage: name.clone(), done: 0, total, unit: "images" });
        let stage_start = Instant::now();
        let (findings, infer) = self.look()?;
        self.state.add_time("Evaluation", stage_start.elapsed().as_secs_f64(), None);

        let started = Instant::now();
        let path = self.folder.path().join("weights.safetensors");
        let values = self.parameters.values();
        let tensors = self.parameters.entries().iter().map(|e| (e.path.as_str(), &e.shape[..], &values[e.range()]));
        let weights_sha256 = write_weights(&path, tensors)?;
        let maps = self.maps(&findings)?;
        self.state.add_time("Maps and report", started.elapsed().as_secs_f64(), None);

        let throughput = |stage: Stage| self.state.throughput(stage.name()).unwrap_or(0.0);
        let images_per_second =
            Throughput { ssl: throughput(Stage::SelfSupervised), sup: throughput(Stage::Supervised), infer };
        let page = self.report(&findings, maps, &weights_sha256, images_per_second)?;
        let report = self.folder.write_file("report.html", report::render(&page)?.as_bytes())?;
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
        let findings =
            Findings { hippocampus, evidence, recall, decided, accuracy, ssl, drawn, gates, stage_1_embedding };
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
        let map = |title: &str, rows: &[f32]| -> Result<EmbeddingMap, Error> {
            let places = tsne.layout(&rows[..n * dim], dim)?;
            let point =
                |(at, &class): (&[f64; 2], &u8)| MapPoint { x: at[0] as f32, y: at[1] as f32, class: u32::from(class) };
            let points = places.iter().zip(labels).map(point).collect();
            let method = format!("t-SNE of the first {n} test images, perplexity {:.0}", tsne.perplexity);
            Ok(EmbeddingMap { title: title.into(), method, points })
        };
        Ok(vec![
            map("After stage 1, before any label", &findings.stage_1_embedding)?,
            map("After stage 2, with labels", &findings.evidence.embedding)?,
        ])
    }

    fn report(
        &self,
        findings: &Findings,
        maps: Vec<EmbeddingMap>,
        weights_sha256: &str,
        speed: Throughput,
    ) -> Result<Report, Error> {
        let (test, classes) = (&self.split.test, self.brain.config().classes);
        let truth = &findings.evidence.labels;
        let decisions = argmax(&findings.decided.log_probs, classes);
        let confidence: Vec<f32> = findings
            .decided
            .log_probs
            .chunks_exact(classes)
            .zip(&decisions)
            .map(|(row, &class)| row[class as usize].exp())
            .collect();
        let right: Vec<bool> = decisions.iter().zip(truth).map(|(a, b)| a == b).collect();
        let mut confusion = ConfusionMatrix::new(classes);
        for (&truth, &decision) in truth.iter().zip(&decisions) {
            confusion.add(truth, decision);
        }
        let config = self.config.to_yaml()?;
        let TestAccuracy { cortex, memory, mixed } = findings.accuracy;
        let some = |x: f64| (x > 0.0).then_some(x);
        let trust = findings.decided.trust.iter().zip(truth).zip(&right);
        Ok(Report {
            run: RunInfo {
                name: self.config.name.clone(),
                started: self.state.started.clone(),
                version: env!("CARGO_PKG_VERSION").into(),
                command: self.command(),
                seed: self.config.seed,
                threads: rayon::current_num_threads(),
                simd: nl_kernels::Level::current().to_string(),
                parameters: self.parameters.len() as u64,
                weights_sha256: weights_sha256.into(),
                seconds: self.state.seconds(),
            },
            data: DataInfo {
                name: self.source.name.clone(),
                synthetic: self.source.kind == SourceKind::Synthetic,
                source: format!("{}.", self.source.text),
                train: self.learn.len() as u64,
                validation: self.validation.len() as u64,
                test: test.len() as u64,
                height: test.height(),
                width: test.width(),
                classes: (0..classes).map(|c| c.to_string()).collect(),
            },
            scores: Scores {
                mixed,
                cortex,
                memory,
                ssl_knn: Some(findings.ssl.knn_accuracy),
                ssl_linear_probe: Some(findings.ssl.linear_probe_accuracy),
                reconstruction_mse: Some(findings.ssl.reconstruction_mse),
                calibration_error: expected_calibration_error(&reliability(&confidence, &right, 15)),
                ssl_images_per_second: some(speed.ssl),
                sup_images_per_second: some(speed.sup),
                infer_images_per_second: some(speed.infer),
            },
            regions: self.regions(findings),
            stages: self.state.curves.clone(),
            confusion: (0..classes).map(|t| (0..classes).map(|d| confusion.count(t, d)).collect()).collect(),
            reconstructions: self.reconstructions(findings)?,
            gates: class_means(&findings.gates, truth, classes),
            trust: trust.map(|((&trust, &class), &right)| TrustSample { trust, class, right }).collect(),
            recalls: self.recalls(findings),
            mistakes: self.mistakes(findings, &decisions, &confidence),
            maps,
            timings: self.state.timings.clone(),
            config,
        })
    }

    /// The command that repeats the run.
    fn command(&self) -> String {
        let config = self.folder.path().join("config.yaml");
        match &self.source.path {
            Some(dir) => format!("cargo xtask mnist --config {} --data {}", config.display(), dir.display()),
            None => format!("cargo xtask mnist --config {} --data synthetic", config.display()),
        }
    }

    fn regions(&self, findings: &Findings) -> Vec<Region> {
        let c = self.brain.config();
        let [[h, w], [h2, w2], [h4, w4]] = c.pyramid();
        let count = |prefix: &str| {
            self.parameters.entries().iter().filter(|e| e.is_under(prefix)).map(|e| e.len() as u64).sum()
        };
        let region = |id: &str, name: &str, role: String, output: String, prefix: Option<&str>| Region {
            id: id.into(),
            name: name.into(),
            role,
            output,
            parameters: prefix.map_or(0, count),
        };
        let conv3 = |pool: &str| format!("3 × 3 convolution, ReLU{pool}");
        let k = c.retina_kernel;
        let stored = findings.hippocampus.memory().len();
        let neighbours = self.config.hippocampus.neighbours;
        vec![
            region(
                "retina",
                "Retina",
                format!("{k} × {k} convolution, ReLU"),
                format!("{} × {h} × {w}", c.retina),
                Some("cortex/retina"),
            ),
            region(
                "thalamus",
                "Thalamus",
                "gates each channel by attention".into(),
                format!("{} gates", c.retina),
                Some("cortex/thalamus"),
            ),
            region("v1", "V1", conv3(", 2 × 2 max-pool"), format!("{} × {h2} × {w2}", c.v1), Some("cortex/v1")),
            region("v2", "V2", conv3(", 2 × 2 max-pool"), format!("{} × {h4} × {w4}", c.v2), Some("cortex/v2")),
            region("v4", "V4", conv3(""), format!("{} × {h4} × {w4}", c.v4), Some("cortex/v4")),
            region(
                "it",
                "Inferotemporal cortex",
                "compact embedding".into(),
                format!("{} units", c.embedding),
                Some("cortex/it"),
            ),
            region(
                "pfc",
                "Prefrontal cortex",
                "names the class".into(),
                format!("{} classes", c.classes),
                Some(Brain::PREFRONTAL),
            ),
            region(
                "hippocampus",
                "Hippocampus",
                format!("recalls the {neighbours} nearest of {stored} episodes"),
                format!("{} classes", c.classes),
                None,
            ),
            region(
                "basal_ganglia",
                "Basal ganglia",
                "trust in memory against cortex".into(),
                "1 gate".into(),
                Some(Brain::BASAL_GANGLIA),
            ),
            region(
                "cerebellum",
                "Cerebellum",
                "draws the image from the embedding".into(),
                format!("{} × {h} × {w}", c.channels),
                Some(Brain::CEREBELLUM),
            ),
        ]
    }

    /// Two images a class, what stage 1 made of each (if it distorts), and what the cerebellum then drew from that.
    fn reconstructions(&self, findings: &Findings) -> Result<Vec<Reconstruction>, Error> {
        let (test, config) = (&self.split.test, &self.config.self_supervised);
        let (h, w, area) = (test.height(), test.width(), test.area());
        let chosen = two_a_class(test);
        let originals = test.select(&chosen);
        let distorts = config.augment != nl_data::Augment::default() || config.corruption != Corruption::None;
        let shown = if distorts { Some(self.distorted(&originals)?) } else { None };
        let drawn = match &shown {
            Some(shown) => Evaluator::new(self.config.shard).reconstruct(&self.brain, &self.stage_1()?, shown)?,
            None => chosen.iter().flat_map(|&i| &findings.drawn[i as usize * area..][..area]).copied().collect(),
        };
        let row = |i: usize| Reconstruction {
            original: picture(&originals, i),
            shown: shown.as_ref().map(|shown| picture(shown, i)),
            drawn: Picture::from_unit(w, h, &drawn[i * area..][..area]),
            class: u32::from(originals.labels()[i]),
        };
        Ok((0..originals.len()).map(row).collect())
    }

    /// Images as stage 1 shows them.
    fn distorted(&self, images: &Images) -> Result<Images, Error> {
        let config = &self.config.self_supervised;
        let streams = stage_streams(self.config.seed, Stage::SelfSupervised);
        let (height, width) = (images.height(), images.width());
        let mut scratch = nl_data::Scratch::default();
        through(images, |i, image, view| {
            augmented_image(images, i, &config.augment, &streams, 0, image, &mut scratch, view)?;
            let mut rng = streams.rng("corrupt", 0, u64::from(i));
            Ok(config.corruption.apply(view, height, width, &mut scratch, &mut rng)?)
        })
    }

    /// The weights at the end of stage 1.
    fn stage_1(&self) -> Result<Parameters<f32>, Error> {
        let mut parameters = self.parameters.clone();
        parameters.set_values(&self.state.after_stage_1)?;
        Ok(parameters)
    }

    fn recalls(&self, findings: &Findings) -> Vec<RecallExample> {
        let (test, train, recall) = (&self.split.test, &self.split.train, &findings.recall);
        let k = recall.k;
        let example = |i: u32| {
            let row = i as usize * k..(i as usize + 1) * k;
            let found = recall.slots[row.clone()].iter().take_while(|&&slot| slot != u32::MAX).count().min(8);
            let neighbour = |j: usize| Neighbour {
                picture: picture(train, recall.ids[row.start + j] as usize),
                class: recall.labels[row.start + j],
                distance: recall.distances[row.start + j],
            };
            RecallExample {
                query: picture(test, i as usize),
                class: findings.evidence.labels[i as usize],
                neighbours: (0..found).map(neighbour).collect(),
            }
        };
        // One a class, and then those on which the memories disagree most.
        let mut wanted: Vec<u32> = two_a_class(test).into_iter().step_by(2).collect();
        let mut torn: Vec<u32> = (0..test.len() as u32).collect();
        torn.sort_by(|&a, &b| recall.agreement[a as usize].total_cmp(&recall.agreement[b as usize]));
        wanted.extend(torn.into_iter().take(4));
        wanted.into_iter().map(example).collect()
    }

    /// Wrong decisions, the most confident first.
    fn mistakes(&self, findings: &Findings, decisions: &[u32], confidence: &[f32]) -> Vec<Mistake> {
        let classes = self.brain.config().classes;
        let truth = &findings.evidence.labels;
        let mut wrong: Vec<usize> = (0..truth.len()).filter(|&i| decisions[i] != truth[i]).collect();
        wrong.sort_by(|&a, &b| confidence[b].total_cmp(&confidence[a]));
        let cortex = log_softmax(&findings.evidence.logits, classes);
        let best = |rows: &[f32], i: usize| {
            let row = &rows[i * classes..][..classes];
            let class = argmax(row, classes)[0];
            (class, row[class as usize].exp())
        };
        let mistake = |&i: &usize| Mistake {
            picture: picture(&self.split.test, i),
            truth: truth[i],
            decision: decisions[i],
            confidence: confidence[i],
            cortex: best(&cortex, i),
            memory: best(&findings.evidence.memory, i),
            trust: findings.decided.trust[i],
        };
        wrong.iter().take(SHOWN + 4).map(mistake).collect()
    }
}

/// An image of a set.
fn picture(images: &Images, index: usize) -> Picture {
    Picture { width: images.width(), height: images.height(), pixels: images.image(index).to_vec() }
}

/// The first two images of each class, by class, as far as there are any; at most [`SHOWN`].
fn two_a_class(images: &Images) -> Vec<u32> {
    let labels = labels(images);
    let of = |class: usize| (0..labels.len() as u32).filter(move |&i| labels[i as usize] as usize == class).take(2);
    let classes = images.classes();
    let mut chosen = Vec::new();
    for class in 0..classes {
        chosen.extend(of.clone()(class));
    }
    chosen.truncate(SHOWN);
    chosen
}

/// The mean row of each class.
fn class_means(rows: &[f32], truth: &[u32], classes: usize) -> Vec<Vec<f32>> {
    let width = rows.len() / truth.len().max(1);
    let mut sums = vec![vec![0.0_f64; width]; classes];
    let mut counts = vec![0_u64; classes];
    for (row, &class) in rows.chunks_exact(width.max(1)).zip(truth) {
        counts[class as usize] += 1;
        for (sum, &x) in sums[class as usize].iter_mut().zip(row) {
            *sum += f64::from(x);
        }
    }
    let mean = |(sum, &n): (&Vec<f64>, &u64)| sum.iter().map(|s| (s / n.max(1) as f64) as f32).collect();
    sums.iter().zip(&counts).map(mean).collect()
}
