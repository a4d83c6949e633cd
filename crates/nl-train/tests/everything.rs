//! Layers of every sort in one network, and episodic memory within one: the same bits for any number of threads and after any stop.

mod common;
#[path = "common/sets.rs"]
mod sets;

use common::{assert_same, digits, divided, named, start, stopped_everywhere, whole};
use nl_train::models::{LayersModel, LayersStage};
use nl_train::{ConfigOf, Error, RunConfig};
use sets::houses;

const LEARN: &str = "learn: {epochs: 2, batch: 40, shard: 8, average: 0.9, optimizer: {algorithm: {kind: adam}, schedule: {kind: one-cycle, peak: 1.0e-2}}}";

fn parsed(layers: &str, stages: &[&str]) -> Result<ConfigOf<LayersModel>, Error> {
    let stages: String = stages.iter().map(|stage| format!("  - {{{stage}, {LEARN}}}\n")).collect();
    RunConfig::of::<LayersModel>(&format!(
        "name: everything\ndata: {{name: mnist, source: synthetic, validation: 40}}\nmodel:\n  kind: layers\n  \
         evaluate: {{ablation: 0, saliency: 0}}\n  layers:\n{layers}stages:\n{stages}"
    ))
}

/// Statistics, noise of units, of weights and of depth, recurrence, lateral connections, attention, a store.
const EVERYTHING: &str = "
    - {kind: noise, std: 0.1}
    - {kind: conv-block, channels: 4, kernel: 3, pool: max}
    - {kind: batch-norm}
    - {kind: residual, layers: [{kind: conv2d, channels: 4, kernel: 3, padding: 1}, {kind: batch-norm}, {kind: dropout, probability: 0.2, drop: depth}]}
    - {kind: cbam, hidden: 2, kernel: 3}
    - {kind: local2d, channels: 2, kernel: 4, stride: 2}
    - {kind: lateral, connections: {kind: learned, size: 3}, activation: tanh}
    - {kind: k-winners-take-all, winners: 40, boost: 0.5}
    - {kind: rows}
    - {kind: gru, units: 12, bidirectional: true}
    - {kind: positions}
    - {kind: attention, heads: 2}
    - {kind: working-memory, units: 8, output: last}
    - {kind: dropout, probability: 0.2}
    - {kind: linear, units: 10, drop_connections: 0.1, weight_noise: 0.01}
";

/// Spiking neurons of each kind: recurrent, with a refractory period, with what is learned of them; a read-out that integrates.
const SPIKING: &str = "
    - {kind: rows}
    - {kind: linear, units: 24}
    - {kind: spiking, neuron: {kind: alif, tau_a: 50}, recurrent: true, t_ref: 1, learn: [tau_m, tau_a, beta], per: neuron}
    - {kind: dropout, probability: 0.1}
    - {kind: linear, units: 20}
    - {kind: spiking, neuron: {kind: cuba-lif}, learn: [tau_syn, v_th], truncate: 10, detach_reset: true}
    - {kind: linear, units: 16}
    - {kind: spiking}
    - {kind: linear, units: 10}
    - {kind: leaky-integrator, learn: true}
    - {kind: pool-steps, take: max}
";

#[test]
fn threads_and_stops_change_nothing() {
    for layers in [EVERYTHING, SPIKING] {
        same_everywhere(layers);
    }
}

fn same_everywhere(layers: &str) {
    let config = parsed(layers, &["kind: supervise, augment: {shift: 1}"]).unwrap();
    let data = divided::<LayersModel>(&config, digits(200, 50));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("one");
    let straight = whole::<LayersModel>(&config, Some(&data), &path, 1);
    for threads in [2, 3] {
        let other = whole::<LayersModel>(&config, Some(&data), &place.path().join(threads.to_string()), threads);
        assert_same(&straight, &other, &format!("{threads} threads"));
    }
    let questions = stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &path), 3);
    assert!(questions > 10, "it asked {questions} times");
}

/// A code, what is known of those with a similar one, and both together.
const EPISODIC: &str = "
    - {kind: conv-block, channels: 4, kernel: 3, pool: max}
    - {kind: flatten}
    - {kind: linear, units: 16, name: code}
    - {kind: episodic, name: past, neighbours: 5}
    - {kind: concat, from: [code, past]}
";

/// What is remembered is filled anew for each epoch, and is part of what a checkpoint holds: stages with labels and without.
#[test]
fn episodes_are_the_same_after_any_stop() {
    let stages = ["kind: contrast", "kind: supervise, augment: {shift: 1}"];
    let config = parsed(EPISODIC, &stages).unwrap();
    let data = divided::<LayersModel>(&config, digits(200, 50));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("one");
    let straight = whole::<LayersModel>(&config, Some(&data), &path, 1);
    assert!(straight.scores["accuracy"] > 0.2, "{:?}", straight.scores);
    let other = whole::<LayersModel>(&config, Some(&data), &place.path().join("three"), 3);
    assert_same(&straight, &other, "3 threads");
    let questions = stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &path), 4);
    assert!(questions > 10, "it asked {questions} times");
}

/// Of digits that are near their like in the image already, memory alone names most: the read-out learns to pass on what it says.
#[test]
fn what_is_known_of_others_names_a_sample() {
    let place = tempfile::tempdir().unwrap();
    let layers = "
    - {kind: flatten}
    - {kind: episodic, neighbours: 3}
";
    let config = parsed(layers, &["kind: supervise"]).unwrap();
    let data = divided::<LayersModel>(&config, digits(400, 100));
    let learned = |layers: &str, folder: &str| {
        let mut config = parsed(layers, &["kind: supervise"]).unwrap();
        let LayersStage::Supervise(stage) = &mut config.stages[0] else { panic!() };
        stage.learn.epochs = 30;
        whole::<LayersModel>(&config, Some(&data), &place.path().join(folder), 2).scores["accuracy"]
    };
    let (with, few) = (learned(layers, "with"), learned(&layers.replace("3}", "3, capacity: 20}"), "few"));
    assert!(with > 0.5 && with > few + 0.1, "of all: {with}, of twenty: {few}");
}

/// Values are remembered in the unit in which they are learned.
#[test]
fn values_of_others_are_read_too() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("houses.csv"), houses(300, 1)).unwrap();
    let config = RunConfig::of::<LayersModel>(&format!(
        "name: values\ndata: {{source: {}, inputs: [area, rooms, age], target: [price], validation: 40}}\n\
         model: {{kind: layers, layers: [{{kind: episodic, kernel: {{kind: gaussian, bandwidth: 0.5}}}}]}}\nstages:\n  \
         - {{kind: supervise, loss: {{kind: mse}}, learn: {{epochs: 60, batch: 16, shard: 8, optimizer: {{algorithm: {{kind: adam}}, \
         schedule: {{kind: constant, rate: 2.0e-2}}}}}}}}\n",
        place.path().join("houses.csv").display()
    ))
    .unwrap();
    let data = named::<LayersModel>(&config).unwrap();
    let summary = whole::<LayersModel>(&config, Some(&data), &place.path().join("run"), 2);
    // Prices vary by about 110,000.
    assert!(summary.scores["mae"] < 50_000.0 && summary.scores["r2"] > 0.6, "{:?}", summary.scores);
}

#[test]
fn a_memory_that_cannot_be_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let refused = |layers: &str, stage: &str| {
        let config = parsed(layers, &[stage]).unwrap();
        let data = divided::<LayersModel>(&config, digits(200, 50));
        start::<LayersModel>(&config, Some(&data), &place.path().join("refused")).map(drop).unwrap_err().to_string()
    };
    let said = refused(&EPISODIC.replace("neighbours: 5", "values: 12"), "kind: supervise");
    assert!(said.contains("layers[3]: values is 12, but of each sample 10 are known"), "{said}");
    let nested = "    - {kind: flatten}\n    - {kind: residual, layers: [{kind: episodic}]}\n";
    assert!(refused(nested, "kind: supervise").contains("layers[1]: an episodic layer cannot stand within another"));
    let said = refused(EPISODIC, "kind: supervise, target: {kind: rotation, degrees: 20}, loss: {kind: mse}");
    assert!(said.contains("the angle that it is turned by is drawn anew"), "{said}");
    for stage in ["kind: predictive-coding", "kind: feedback-alignment"] {
        let plain = "    - {kind: flatten}\n    - {kind: episodic}\n";
        assert!(refused(plain, stage).contains("is an episodic layer, which learns by"), "{stage}");
    }
}
