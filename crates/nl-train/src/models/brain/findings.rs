//! The end of a run: the test set, once.

use std::collections::BTreeMap;
use std::time::Instant;

use nl_brain::RecallBatch;
use nl_data::Images;
use nl_layers::Parameters;
use nl_report::plots::MapPoint;
use serde_json::json;

use super::alarm::{Scores, alarms};
use super::config::{BrainModelConfig, BrainStage, ReconstructConfig};
use super::evaluator::{Decided, Encoded, Evaluator, FeatureMaps};
use super::gate::{Fitted, GateConfig};
use super::objective::Evidence;
use super::recall::evidence;
use super::stages::{CLASSIFY, Purpose, RECONSTRUCT, fit, sized, streams, through};
use super::{BrainModel, SHARD, sections};
use crate::data::Dataset;
use crate::evaluate::{Ablation, Recognition, Tempered};
use crate::metrics::{accuracy, argmax, labels, log_softmax, mean_squared_error};
use crate::models::images::augmented_image;
use crate::models::probing::{Embedded, knn_accuracy, linear_accuracy, pixels_right};
use crate::models::saliency::{Look, looks, pictures as looks_pictures};
use crate::run::{self, Progress, Setting, Story};
use crate::{Error, Tsne, data};

/// Test images on the map.
const MAP_POINTS: usize = 1000;

/// What the pages' sections look at.
pub(super) struct View<'a> {
    pub(super) model: &'a BrainModel,
    pub(super) config: &'a BrainModelConfig,
    pub(super) stages: &'a [BrainStage],
    pub(super) seed: u64,
    pub(super) data: &'a Dataset,
    pub(super) story: Story<'a>,
}

/// What the test set showed.
pub(super) struct Findings {
    pub(super) evidence: Evidence,
    /// What the memory recalled, if there is a memory.
    pub(super) recall: Option<RecallBatch>,
    pub(super) decided: Decided,
    pub(super) accuracy: TestAccuracy,
    /// All scores of the three.
    pub(super) recognised: Recognised,
    /// What each region adds, if it was asked.
    pub(super) ablation: Option<Ablation>,
    /// What single decisions hang on.
    pub(super) looks: Vec<Look>,
    /// What a temperature would do to each adviser and to the mixture, if it was asked.
    pub(super) tempered: Vec<(&'static str, Tempered)>,
    /// After the last `reconstruct` stage, if there was one.
    pub(super) drawn: Option<Drawn>,
    pub(super) gates: Vec<f32>,
    /// How the trust was chosen, if it was.
    pub(super) fitted: Option<Fitted>,
    /// What has to be said first.
    pub(super) alarms: Vec<String>,
    /// The answers of the regions to the first test image.
    pub(super) features: Vec<FeatureMaps>,
    pub(super) maps: Vec<EmbeddingMap>,
}

/// Accuracy of the three ways to decide, shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct TestAccuracy {
    pub(super) cortex: f64,
    pub(super) memory: Option<f64>,
    pub(super) mixed: f64,
}

/// What each way to decide is worth.
pub(super) struct Recognised {
    pub(super) cortex: Recognition,
    pub(super) memory: Option<Recognition>,
    pub(super) mixed: Recognition,
}

impl Recognised {
    fn of(evidence: &Evidence, decided: &Decided, memory: bool, classes: usize) -> Result<Self, Error> {
        let of = |rows: &[f32]| Recognition::of(rows, classes, &evidence.labels);
        let memory = memory.then(|| of(&evidence.memory)).transpose()?;
        Ok(Self { cortex: of(&log_softmax(&evidence.logits, classes))?, memory, mixed: of(&decided.log_probs)? })
    }

    /// Each with its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Recognition)> {
        let memory = self.memory.as_ref();
        [("mixed", memory.map(|_| &self.mixed)), ("cortex", Some(&self.cortex)), ("memory", memory)]
            .into_iter()
            .filter_map(|(name, found)| Some((name, found?)))
    }

    /// Scores besides the accuracies: `cortex_macro_f1`.
    fn scores(&self) -> impl Iterator<Item = (String, f64)> {
        let one = |(name, found): (&'static str, &Recognition)| {
            let all = found.scores.clone().into_iter().filter(|score| score.0 != "accuracy");
            all.map(move |(score, value)| (format!("{name}_{score}"), value))
        };
        self.iter().flat_map(one).collect::<Vec<_>>().into_iter()
    }
}

/// What was learned without labels.
pub(super) struct Drawn {
    /// Reconstructions of the test images, `[N, height, width]`.
    pub(super) images: Vec<f32>,
    /// Mean squared error of a pixel.
    pub(super) mse: f64,
    pub(super) knn: f64,
    pub(super) linear: f64,
    embedding: Vec<f32>,
}

/// Images per second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speed {
    pub(super) reconstruct: f64,
    pub(super) classify: f64,
    pub(super) infer: f64,
}

/// Embeddings laid out in the plane.
pub(super) struct EmbeddingMap {
    /// What is shown: `"After stage 1, before any label"`.
    pub(super) title: &'static str,
    /// How the plane was made: `"t-SNE, perplexity 30"`.
    pub(super) method: String,
    /// One point an image.
    pub(super) points: Vec<MapPoint>,
}

/// Scores the test set and says what there is to say.
pub(super) fn findings(
    model: &BrainModel,
    setting: Setting<'_, BrainModel>,
    story: Story<'_>,
    progress: &mut Progress<'_>,
) -> Result<run::Findings, Error> {
    let data = setting.images()?;
    let (config, stages, seed) = (&setting.config.model, &setting.config.stages[..], setting.config.seed);
    let view = View { model, config, stages, seed, data, story };
    let total = data.split.test.len() as u64;
    progress.begin("Evaluation", 0, total, "images");
    let (mut findings, infer) = view.look(progress)?;
    progress.end(Some(total));
    findings.alarms.iter().for_each(|message| progress.warn(message.clone()));
    findings.maps = progress.timed("Maps", |progress| view.maps(&findings, progress))?;
    findings.ablation = progress.timed("Ablation", |progress| view.ablation(progress))?;
    findings.looks = progress.timed("Saliency", |progress| {
        let (test, most) = (&data.split.test, config.evaluate.saliency);
        looks(model, test, &findings.decided.log_probs, most, &mut || progress.check())
    })?;

    let speed = |name: &str| story.timings.throughput(name).unwrap_or(0.0);
    let speed = Speed { reconstruct: speed(RECONSTRUCT), classify: speed(CLASSIFY), infer };
    let mut said = sections::page(&view, &findings, speed, progress.timings())?;
    said.scores = findings.scores();
    let TestAccuracy { cortex, memory, mixed } = findings.accuracy;
    let mut details = serde_json::Map::new();
    details.insert("test_accuracy".into(), json!({"cortex": cortex, "memory": memory, "mixed": mixed}));
    if let Some(Drawn { mse, knn, linear, .. }) = &findings.drawn {
        let ssl = json!({"knn_accuracy": knn, "linear_probe_accuracy": linear, "reconstruction_mse": mse});
        details.insert("ssl".into(), ssl);
    }
    if let Some(ablation) = &findings.ablation {
        details.insert("ablation".into(), json!(ablation));
    }
    for (name, tempered) in &findings.tempered {
        let known = details.entry("temperature").or_insert_with(|| json!({}));
        known[*name] = tempered.fit.temperature.into();
    }
    said.pictures = looks_pictures(&findings.looks);
    let Speed { reconstruct, classify, infer } = speed;
    details.insert("images_per_second".into(), json!({"ssl": reconstruct, "sup": classify, "infer": infer}));
    said.details = details;
    said.rows = findings.rows(speed, progress.timings().total());
    Ok(said)
}

/// The scores on the test images of `setting`.
pub(super) fn evaluate(
    model: &BrainModel,
    setting: Setting<'_, BrainModel>,
    progress: &mut Progress<'_>,
) -> Result<BTreeMap<String, f64>, Error> {
    let test = &setting.images()?.split.test;
    model.fits(test)?;
    progress.begin("Evaluation", 0, test.len() as u64, "images");
    let (evidence, recall, decided) = decisions(model, test, progress)?;
    let classes = model.brain.config().classes;
    let mut scores = TestAccuracy::of(&evidence, &decided, recall.is_some(), classes).scores();
    scores.extend(Recognised::of(&evidence, &decided, recall.is_some(), classes)?.scores());
    progress.end(Some(test.len() as u64));
    Ok(scores)
}

/// What cortex and memory say about `images`, what was recalled, and what is decided.
fn decisions(
    model: &BrainModel,
    images: &Images,
    progress: &mut Progress<'_>,
) -> Result<(Evidence, Option<RecallBatch>, Decided), Error> {
    answers(model, &mut Evaluator::new(SHARD), images, &mut |done| progress.step(done as u64))
}

/// As [`decisions`], by an evaluator of which regions may be cut out; `step(images done)` is asked whether to go on.
pub(super) fn answers(
    model: &BrainModel,
    evaluator: &mut Evaluator,
    images: &Images,
    step: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<(Evidence, Option<RecallBatch>, Decided), Error> {
    let (brain, classes) = (&model.brain, model.brain.config().classes);
    Ok(if model.hippocampus.is_some() {
        let (evidence, recall) = evidence(model, evaluator, images, None, step)?;
        let decided = evaluator.decide(brain, &model.parameters, &evidence)?;
        (evidence, Some(recall), decided)
    } else {
        let mut evidence = Evidence { labels: labels(images), ..Evidence::default() };
        for piece in evaluator.pieces(images.len()) {
            let samples: Vec<u32> = (piece.start as u32..piece.end as u32).collect();
            let part = evaluator.encode(brain, &model.parameters, &images.select(&samples))?;
            evidence.embedding.extend(part.embedding);
            evidence.logits.extend(part.logits);
            step(piece.end)?;
        }
        // Nothing is remembered: the cortex decides alone.
        let decided = Decided { log_probs: log_softmax(&evidence.logits, classes), trust: vec![0.0; images.len()] };
        (evidence, None, decided)
    })
}

impl TestAccuracy {
    fn of(evidence: &Evidence, decided: &Decided, memory: bool, classes: usize) -> Self {
        let truth = &evidence.labels;
        let score = |rows: &[f32]| accuracy(&argmax(rows, classes), truth).unwrap_or(0.0);
        Self {
            cortex: score(&evidence.logits),
            memory: memory.then(|| score(&evidence.memory)),
            mixed: score(&decided.log_probs),
        }
    }

    fn scores(&self) -> BTreeMap<String, f64> {
        let all = [("cortex", Some(self.cortex)), ("memory", self.memory), ("mixed", Some(self.mixed))];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

impl Findings {
    fn scores(&self) -> BTreeMap<String, f64> {
        let mut scores = self.accuracy.scores();
        scores.extend(self.recognised.scores());
        for (name, tempered) in &self.tempered {
            scores.extend(tempered.scores().map(|(score, value)| (format!("{name}_{score}"), value)));
        }
        if let Some(drawn) = &self.drawn {
            scores.insert("knn_probe".into(), drawn.knn);
            scores.insert("linear_probe".into(), drawn.linear);
            scores.insert("reconstruction_mse".into(), drawn.mse);
        }
        scores
    }

    /// For a table.
    fn rows(&self, speed: Speed, seconds: f64) -> Vec<(String, String)> {
        let percent = |x: f64| Some(format!("{:6.2} %", 100.0 * x));
        let rate = |x: f64| (x > 0.0).then(|| format!("{x:6.0} images/s"));
        let drawn = self.drawn.as_ref();
        let rows = [
            ("without labels: k-NN on the embedding", drawn.and_then(|d| percent(d.knn))),
            ("without labels: linear probe", drawn.and_then(|d| percent(d.linear))),
            ("without labels: reconstruction, MSE per pixel", drawn.map(|d| format!("{:8.5}", d.mse))),
            ("with labels: cortex alone", percent(self.accuracy.cortex)),
            ("with labels: memory alone", self.accuracy.memory.and_then(percent)),
            ("with labels: cortex and memory, gated", self.accuracy.memory.and_then(|_| percent(self.accuracy.mixed))),
            ("speed: self-supervised", rate(speed.reconstruct)),
            ("speed: supervised", rate(speed.classify)),
            ("speed: inference", rate(speed.infer)),
            ("time in all", Some(format!("{seconds:6.1} s"))),
        ];
        rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

impl View<'_> {
    /// The last `reconstruct` stage: its number among those, and its configuration.
    pub(super) fn reconstruct(&self) -> Option<(u64, &ReconstructConfig)> {
        let all = self.stages.iter().filter_map(|stage| match stage {
            BrainStage::Reconstruct(config) => Some(config),
            _ => None,
        });
        (0..).zip(all).last()
    }

    /// The last `trust` stage.
    fn trust(&self) -> Option<&GateConfig> {
        self.stages.iter().rev().find_map(|stage| match stage {
            BrainStage::Trust(config) => Some(config),
            _ => None,
        })
    }

    /// Whether something simpler does better.
    fn alarms(&self, evidence: &Evidence, memory: bool, progress: &Progress<'_>) -> Result<Vec<String>, Error> {
        let learned = self.stages.iter().any(|stage| matches!(stage, BrainStage::Classify(_)));
        if !learned {
            return Ok(Vec::new());
        }
        let (classes, truth) = (self.model.brain.config().classes, &evidence.labels);
        let right = |rows: &[f32]| argmax(rows, classes).iter().zip(truth).map(|(a, b)| a == b).collect::<Vec<bool>>();
        let mut check = || progress.check();
        let (places, pixels) = pixels_right(&self.data.with_labels(), &self.data.split.test, &mut check)?;
        let commonest = (0..classes as u32).map(|c| truth.iter().filter(|&&y| y == c).count()).max().unwrap_or(0);
        let cortex = right(&evidence.logits);
        Ok(alarms(Scores {
            memory: &if memory { right(&evidence.memory) } else { cortex.clone() },
            cortex: &cortex,
            pixels: (&places, &pixels),
            commonest: commonest as f64 / truth.len().max(1) as f64,
        }))
    }

    /// Everything that looks at the test set, and the images per second of inference.
    fn look(&self, progress: &mut Progress<'_>) -> Result<(Findings, f64), Error> {
        let (model, test) = (self.model, &self.data.split.test);
        let brain = &model.brain;
        let mut evaluator = Evaluator::new(SHARD);
        let (started, mut seen) = (Instant::now(), 0);
        for piece in evaluator.pieces(test.len()) {
            let samples: Vec<u32> = (piece.start as u32..piece.end as u32).collect();
            evaluator.encode(brain, &model.parameters, &test.select(&samples))?;
            seen = piece.end;
            progress.check()?;
        }
        let infer = seen as f64 / started.elapsed().as_secs_f64();
        let (evidence, recall, decided) = decisions(model, test, progress)?;
        let (memory, classes) = (recall.is_some(), brain.config().classes);
        let accuracy = TestAccuracy::of(&evidence, &decided, memory, classes);
        let recognised = Recognised::of(&evidence, &decided, memory, classes)?;
        let tempered = if self.config.evaluate.temperature {
            self.tempered(&mut evaluator, &evidence, &decided, progress)?
        } else {
            Vec::new()
        };
        let (ablation, looks) = (None, Vec::new());
        let alarms = self.alarms(&evidence, recall.is_some(), progress)?;
        let fitted = match (self.trust(), &model.hippocampus) {
            (Some(config), Some(_)) => Some(fit(model, config, self.data, &mut evaluator, progress)?),
            _ => None,
        };
        let gates = evaluator.gates(brain, &model.parameters, test)?;
        progress.check()?;
        let drawn = self.drawn(&mut evaluator, progress)?;
        let features = evaluator.features(brain, &model.parameters, &test.select(&[0]))?;
        let maps = Vec::new();
        let findings = Findings {
            evidence,
            recall,
            decided,
            accuracy,
            recognised,
            ablation,
            looks,
            tempered,
            drawn,
            gates,
            fitted,
            alarms,
            features,
            maps,
        };
        Ok((findings, infer))
    }

    /// What the last `reconstruct` stage had learned when it ended.
    fn drawn(&self, evaluator: &mut Evaluator, progress: &mut Progress<'_>) -> Result<Option<Drawn>, Error> {
        let Some(parameters) = self.reconstructed()? else { return Ok(None) };
        let (brain, test) = (&self.model.brain, &self.data.split.test);
        let seen = self.data.with_labels();
        let mut train_embedding = Vec::with_capacity(seen.len() * brain.config().embedding);
        for piece in evaluator.pieces(seen.len()) {
            let samples: Vec<u32> = (piece.start as u32..piece.end as u32).collect();
            let Encoded { embedding, .. } = evaluator.encode(brain, &parameters, &seen.select(&samples))?;
            train_embedding.extend(embedding);
            progress.check()?;
        }
        let embedding = evaluator.encode(brain, &parameters, test)?.embedding;
        let images = evaluator.reconstruct(brain, &parameters, test)?;
        let (dim, classes) = (brain.config().embedding, brain.config().classes);
        let train = Embedded { embedding: &train_embedding, labels: seen.labels(), dim, classes };
        let new = Embedded { embedding: &embedding, labels: test.labels(), dim, classes };
        let probe = &self.config.probe;
        let streams = streams(self.seed, Purpose::Evaluation, 0);
        let mut check = || progress.check();
        Ok(Some(Drawn {
            mse: mean_squared_error(&images, test),
            knn: knn_accuracy(probe.neighbours, train, new, &mut check)?,
            linear: linear_accuracy(probe, streams, train, new, &mut check)?,
            images,
            embedding,
        }))
    }

    /// The embedding in the plane, before and after the labels.
    fn maps(&self, findings: &Findings, progress: &mut Progress<'_>) -> Result<Vec<EmbeddingMap>, Error> {
        let dim = self.model.brain.config().embedding;
        let labels = self.data.split.test.labels();
        let n = MAP_POINTS.min(labels.len());
        if n < 5 {
            return Ok(Vec::new());
        }
        // A perplexity must be well below the number of points.
        let tsne = Tsne { perplexity: Tsne::default().perplexity.min((n - 1) as f64 / 3.0), ..Tsne::default() };
        let map = |title: &'static str, rows: &[f32]| -> Result<EmbeddingMap, Error> {
            progress.check()?;
            let places = tsne.layout(&rows[..n * dim], dim)?;
            let point =
                |(at, &class): (&[f64; 2], &u8)| MapPoint { x: at[0] as f32, y: at[1] as f32, class: u32::from(class) };
            let points = places.iter().zip(labels).map(point).collect();
            let method = format!("t-SNE of the first {n} test images, perplexity {:.0}.", tsne.perplexity);
            Ok(EmbeddingMap { title, method, points })
        };
        let mut maps = Vec::new();
        if let Some(drawn) = &findings.drawn {
            maps.push(map("After stage 1, before any label", &drawn.embedding)?);
        }
        maps.push(map("After stage 2, with labels", &findings.evidence.embedding)?);
        Ok(maps)
    }

    /// Images as the last `reconstruct` stage shows them; as they are without one.
    pub(super) fn distorted(&self, images: &Images) -> Result<Images, Error> {
        let Some((occurrence, config)) = self.reconstruct() else { return Ok(images.clone()) };
        let streams = streams(self.seed, Purpose::Reconstruct, occurrence);
        let augment = sized(&config.augment, self.config.augment_side, images);
        let (height, width) = (images.height(), images.width());
        let mut scratch = nl_data::Scratch::default();
        through(images, |i, image, view| {
            augmented_image(images, i, &augment, &streams, 0, image, &mut scratch, view)?;
            let mut rng = streams.rng("corrupt", 0, u64::from(i));
            Ok(config.corruption.apply(view, height, width, &mut scratch, &mut rng)?)
        })
    }

    /// The weights at the end of the last `reconstruct` stage.
    pub(super) fn reconstructed(&self) -> Result<Option<Parameters<f32>>, Error> {
        if self.model.reconstructed.is_empty() {
            return Ok(None);
        }
        let mut parameters = self.model.parameters.clone();
        parameters.set_values(&self.model.reconstructed)?;
        Ok(Some(parameters))
    }
}

impl BrainModel {
    pub(super) fn fits(&self, images: &Images) -> Result<(), Error> {
        let sizes = self.brain.config();
        data::fits(images, "brain", (sizes.height, sizes.width), Some(sizes.classes))
    }
}

/// The first two images of each class, by class, as far as there are any; at most `most`.
pub(super) fn two_a_class(images: &Images, most: usize) -> Vec<u32> {
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
