//! Checkpoints that were changed after they were written, with a checksum that fits: a resume ends in a run or in an error,
//! never in a panic, and asks for no memory beyond reason. `NL_MUTANTS=2000` makes so many of each kind of model.

#[path = "common/brain.rs"]
mod brain;
mod common;

use std::alloc::System;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use common::{HEADER, StopAt, checkpoints, digits, divided, resume, sealed, start, stop};
use nl_random::{Rng, Streams};
use nl_train::models::{
    AssociativeModel, BrainModel, CompetitiveModel, ConvStdpModel, LayersModel, SimulationModel, competitive_network,
};
use nl_train::{ConfigOf, Dataset, Error, Model, RunConfig};
use rand::RngExt;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts what all threads ask for.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// All that a resume and its first step may ask for together, bytes.
const MOST: usize = 200_000_000;
/// Places of a run at which its checkpoint is taken.
const PLACES: u64 = 8;

/// A folder's files.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn read(path: &Path, from: &Path, files: &mut Files) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        if entry.is_dir() {
            read(path, &entry, files);
        } else {
            files.insert(entry.strip_prefix(path).unwrap().to_owned(), fs::read(&entry).unwrap());
        }
    }
}

fn write(path: &Path, files: &Files) {
    fs::remove_dir_all(path).ok();
    for (name, bytes) in files {
        let file = path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

/// Numbers that a length, a count or an index should not be.
const NUMBERS: [u64; 8] = [0, 1, 2, 255, u32::MAX as u64, 1 << 40, i64::MAX as u64, u64::MAX];

/// `body` with one thing changed. Most of a body is weights: half of the changes are made where a small whole number of eight
/// bytes stands, which is a length or a count more often than not.
fn mutant(body: &[u8], small: &[usize], rng: &mut Rng) -> Vec<u8> {
    let mut body = body.to_vec();
    let at = if rng.random() && !small.is_empty() {
        small[rng.random_range(0..small.len())]
    } else {
        rng.random_range(0..body.len())
    };
    let mut put = |bytes: &[u8]| body[at..].iter_mut().zip(bytes).for_each(|(byte, new)| *byte = *new);
    match rng.random_range(0..8) {
        0 => put(&[rng.random()]),
        1 => put(&(0..rng.random_range(2..16)).map(|_| rng.random()).collect::<Vec<u8>>()),
        2 => put(&u64::MAX.to_le_bytes()),
        3 => put(&NUMBERS[rng.random_range(0..NUMBERS.len())].to_le_bytes()),
        4 => put(&[f32::NAN, f32::INFINITY, -1e30][rng.random_range(0..3)].to_le_bytes()),
        5 => put(&[f64::NAN, f64::NEG_INFINITY, -1.0][rng.random_range(0..3)].to_le_bytes()),
        6 => put(&[0; 24]),
        _ => body.truncate(at),
    }
    body
}

/// Where small whole numbers of eight bytes stand.
fn small(body: &[u8]) -> Vec<usize> {
    let is = |window: &[u8]| window[3..].iter().all(|&byte| byte == 0) && window[..3].iter().any(|&byte| byte > 0);
    (0..body.len().saturating_sub(8)).filter(|&at| is(&body[at..at + 8])).collect()
}

/// Resumes mutants of the checkpoints of a run, each until it is first asked whether to stop. How many were refused.
fn survives<M: Model>(config: &ConfigOf<M>, data: Option<&Dataset<M::Set>>) {
    let mutants = std::env::var("NL_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(48_u64);
    let place = tempfile::tempdir().unwrap();
    let mut count = StopAt::never();
    start::<M>(config, data, &place.path().join("count")).unwrap().run(&mut count).unwrap();
    let questions = count.asked.get();
    let (mut refused, mut taken) = (0, 0);
    for part in 0..PLACES {
        let path = place.path().join(part.to_string());
        stop(start::<M>(config, data, &path).unwrap(), 1 + (questions - 1) * part / PLACES);
        let Some(newest) = checkpoints(&path).pop() else { panic!("no checkpoint in place {part}") };
        let mut files = Files::new();
        read(&path, &path, &mut files);
        let name = newest.strip_prefix(&path).unwrap().to_owned();
        let body = files[&name][HEADER..].to_vec();
        files.retain(|other, _| *other == name || !other.starts_with("checkpoints"));
        let small = small(&body);
        for number in 0..mutants.div_ceil(PLACES) {
            let mut rng = Streams::new(7).rng(M::KIND, part, number);
            files.insert(name.clone(), sealed(&mutant(&body, &small, &mut rng)));
            write(&path, &files);
            let region = Region::new(ALLOCATOR);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                resume::<M>(data, &path).and_then(|run| run.run(&mut StopAt::question(1)).map(drop))
            }));
            let asked = region.change().bytes_allocated;
            assert!(asked < MOST, "{} mutant {number} of place {part} asked for {asked} bytes", M::KIND);
            match outcome {
                Err(_) => panic!("{} mutant {number} of place {part} ended in a panic", M::KIND),
                Ok(Ok(()) | Err(Error::Stopped { .. })) => taken += 1,
                Ok(Err(_)) => refused += 1,
            }
        }
    }
    assert!(refused > mutants / 10 && taken > mutants / 10, "{}: {refused} refused, {taken} taken", M::KIND);
}

/// One test: what is counted is what all threads ask for.
#[test]
fn a_mutant_is_refused_or_taken() {
    let config = brain::toy();
    survives::<BrainModel>(&config, Some(&brain::data(&config)));

    let text = "
name: mutant
data: {name: mnist, source: synthetic, validation: 20, validation_share: 0.5}
model: {kind: competitive, input: {rate: 6500, steps: 40, dt: 1}}
stages: [{kind: compete, epochs: 2, watch: 3}, {kind: label}]
";
    let mut config = RunConfig::of::<CompetitiveModel>(text).unwrap();
    config.model.network = competitive_network(10, None).unwrap();
    survives::<CompetitiveModel>(&config, Some(&divided::<CompetitiveModel>(&config, digits(160, 40))));

    let text = "
name: mutant
data: {name: mnist, source: synthetic, train: 100}
model:
  kind: conv-stdp
  layers:
    - {stdp: {maps: 4, kernel: 5, padding: 2, threshold: 12}, pool: 7, next: 2}
    - {stdp: {maps: 4, kernel: 3, padding: 1, threshold: 6}, pool: 7, next: 2}
stages:
  - {kind: features, layer: 1, images: 200, converged: 0.0}
  - {kind: features, layer: 2, images: 200, converged: 0.0}
  - {kind: reward, layer: {maps_per_class: 1, kernel: 2, padding: 0}, epochs: 4}
  - kind: read-out
    learn: {epochs: 2, batch: 50, optimizer: {algorithm: {kind: adam}, schedule: {kind: cosine, rate: 2.0e-3}}}
";
    let config = RunConfig::of::<ConvStdpModel>(text).unwrap();
    survives::<ConvStdpModel>(&config, Some(&divided::<ConvStdpModel>(&config, digits(100, 20))));

    let text = "
name: mutant
data: {name: mnist, source: synthetic, validation: 20, validation_share: 0.5}
model:
  kind: layers
  layers:
    - {kind: conv2d, channels: 4, kernel: 5, stride: 2}
    - {kind: flatten, name: seen}
    - {kind: linear, units: 8}
    - {kind: episodic, name: past, neighbours: 3}
    - {kind: concat, from: [seen, past]}
    - {kind: dropout, probability: 0.1}
stages:
  - {kind: supervise, learn: {epochs: 2, batch: 20, early_stopping: {patience: 9}, optimizer: {algorithm: {kind: sgd}, schedule: {kind: constant, rate: 2.0e-2}}}}
  - {kind: supervise, fresh: true, learn: {epochs: 2, batch: 20, average: 0.9, optimizer: {algorithm: {kind: adam}, schedule: {kind: cosine, rate: 2.0e-3}}}}
";
    let config = RunConfig::of::<LayersModel>(text).unwrap();
    survives::<LayersModel>(&config, Some(&divided::<LayersModel>(&config, digits(100, 20))));

    let text = "
name: mutant
model: {kind: associative, units: 30}
stages: [{kind: classical, loads: [0.1], cues: 1, networks: 3}, {kind: digits}, {kind: modern, loads: [0.5], cues: 2, networks: 3}]
";
    survives::<AssociativeModel>(&RunConfig::of::<AssociativeModel>(text).unwrap(), None);

    for model in ["coba", "brunel"] {
        let text = format!(
            "name: mutant\nmodel: {{kind: simulation, network: {{kind: {model}, neurons: 100}}}}\nstages: [{{kind: simulate, seconds: 0.6}}]"
        );
        survives::<SimulationModel>(&RunConfig::of::<SimulationModel>(&text).unwrap(), None);
    }
}
