//! The brain beside what anybody would try first: k-NN and logistic regression on pixels.
//!
//! `cargo run --release -p nl-train --example compare`, and behind `--`: `FOLDER… [--config FILE] [--seeds 1,2,3]`. Each
//! folder holds four IDX files, each line of the table is one run; without a folder, procedural digits. Without a
//! configuration, the quick preset; NL_SHORT=1 shows it fewer images. Sets to try it on: the example `own_sets` of nl-data.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use nl_brain::{BrainConfig, Hippocampus, HippocampusConfig, RecallBatch, Scratch};
use nl_data::{Choice, Images, Lookup, Split, resolve};
use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
use nl_random::Streams;
use nl_train::models::BrainModel;
use nl_train::models::brain::{BrainStage, ClassifyConfig, ReconstructConfig};
use nl_train::{
    Dataset, Document, Event, Gradient, LearnConfig, Probe, RowEvaluator, Run, RunFolder, accuracy, shipped,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let quick = Document::read("mnist-quick", shipped("mnist-quick").ok_or("no such configuration")?)?;
    let (mut folders, mut config, mut seeds) = (Vec::new(), quick.config::<BrainModel>()?, vec![1]);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--config" => {
                config = Document::open(Path::new(&words.next().ok_or("which file?")?))?.config::<BrainModel>()?;
            }
            "--seeds" => {
                let list = words.next().ok_or("which seeds?")?;
                seeds = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            _ => folders.push(Choice::Dir(word.into())),
        }
    }
    if folders.is_empty() {
        folders.push(Choice::Synthetic);
    }
    if std::env::var_os("NL_SHORT").is_some() {
        for stage in &mut config.stages {
            if let BrainStage::Reconstruct(ReconstructConfig { learn, .. })
            | BrainStage::Classify(ClassifyConfig { learn, .. }) = stage
            {
                (learn.epochs, learn.min_images) = (1, 2_000);
            }
        }
    }
    println!(
        "{:<24} {:>6} {:>7} {:>7} {:>4}  cortex memory  mixed  k-NN logistic seconds",
        "set", "images", "size", "classes", "seed"
    );
    for folder in folders {
        let lookup = Lookup { train: 1_000, test: 1_000, ..Lookup::default() };
        let (split, source) = resolve("own", &folder, &lookup)?;
        let knn = nearest(&split)?;
        let logistic = logistic(&split)?;
        for &seed in &seeds {
            config.seed = seed;
            let started = Instant::now();
            let place = tempfile::tempdir()?;
            let run_folder = RunFolder::create(&place.path().join("run"))?;
            let mut observer = |event: &Event| {
                if let Event::Warning { message } = event {
                    eprintln!("{message}");
                }
            };
            let images = config.data.clone().unwrap_or_default();
            let data = Dataset::new(split.clone(), source.clone(), &images, seed)?;
            let summary = Run::<BrainModel>::start(config.clone(), Some(data), run_folder)?.run(&mut observer)?;
            let name = source.path.as_deref().map_or("procedural digits".into(), name_of);
            let (n, size) = (split.train.len(), format!("{}x{}", split.train.height(), split.train.width()));
            let score = |name: &str| summary.scores.get(name).copied().unwrap_or(f64::NAN);
            let [cortex, memory, mixed, knn, logistic] =
                [score("cortex"), score("memory"), score("mixed"), knn, logistic].map(|share| 100.0 * share);
            println!(
                "{name:<24} {n:>6} {size:>7} {:>7} {seed:>4} {cortex:7.2} {memory:6.2} {mixed:6.2} {knn:6.2} {logistic:7.2} {:8.1}",
                split.train.classes(),
                started.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

/// The last part of a path.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Pixels in [0, 1].
fn rows(images: &Images) -> Vec<f32> {
    images.pixels().iter().map(|&p| f32::from(p) / 255.0).collect()
}

fn labels(images: &Images) -> Vec<u32> {
    images.labels().iter().map(|&label| u32::from(label)).collect()
}

fn share_right(scores: &[f32], test: &Images) -> f64 {
    let best = |row: &[f32]| (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as u32;
    let named: Vec<u32> = scores.chunks_exact(test.classes()).map(best).collect();
    accuracy(&named, &labels(test)).unwrap_or(0.0)
}

/// The five nearest training images, in pixels.
fn nearest(split: &Split) -> Outcome<f64> {
    let (n, classes) = (split.train.len(), split.train.classes());
    let config = BrainConfig { embedding: split.train.area(), classes, ..BrainConfig::default() };
    let mut memory =
        Hippocampus::new(&config, HippocampusConfig { capacity: n, neighbours: 5.min(n), ..Default::default() })?;
    memory.store(&rows(&split.train), &labels(&split.train), &(0..n as u64).collect::<Vec<_>>())?;
    let mut recall = RecallBatch::default();
    let mut scratches: Vec<Scratch> = (0..rayon::current_num_threads()).map(|_| Scratch::new()).collect();
    memory.recall(&rows(&split.test), None, &mut recall, &mut scratches)?;
    Ok(share_right(&recall.log_probs, &split.test))
}

/// Multinomial logistic regression on pixels: Adam, 128,000 images shown in batches of up to 128, a little weight decay.
fn logistic(split: &Split) -> Outcome<f64> {
    let (area, classes, n) = (split.train.area(), split.train.classes(), split.train.len());
    let (seen, new) = (rows(&split.train), rows(&split.test));
    let (probe, mut parameters) = Probe::new(&seen[..], split.train.labels(), area, classes)?;
    let schedule = Schedule::Cosine { rate: 3e-3, steps: 0, floor: 0.0 };
    let mut optimizer = OptimizerConfig::new(Algorithm::Adam(Adam::default()), schedule);
    optimizer.weight_decay = 0.1;
    let learn = LearnConfig { min_images: 128_000, ..LearnConfig::new(1, 128, optimizer) };
    let items = (0..n as u32).collect();
    let mut gradient = Gradient::new("logistic regression", &learn, &parameters, &[""], items, Streams::new(0))?;
    while !gradient.is_over() {
        gradient.step(&mut parameters, &probe)?;
    }
    let logits = RowEvaluator::<()>::new(256).rows(&new, area, classes, &parameters, |x, ctx| probe.logits(x, ctx))?;
    Ok(share_right(&logits, &split.test))
}
