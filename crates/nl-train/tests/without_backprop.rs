//! Stages of layers that learn otherwise than by back-propagation, and what each stage leaves: the same bits for any number of
//! threads and after any stop, clear words for what cannot be.

mod common;
#[path = "common/sets.rs"]
mod sets;

use common::{assert_same, curve, digits, divided, named, start, stopped_everywhere, whole};
use nl_train::models::LayersModel;
use nl_train::{ConfigOf, RunConfig};
use serde_json::Value;
use sets::houses;

const MODEL: &str = r"
name: without-backprop
data: {name: mnist, source: synthetic, validation: 40}
model:
  kind: layers
  layers:
    - {kind: conv2d, channels: 3, kernel: 5, stride: 3}
    - {kind: activation, function: tanh}
    - {kind: flatten}
    - {kind: linear, units: 16}
    - {kind: activation, function: tanh}
stages:
";
const LEARN: &str = "learn: {epochs: 3, batch: 40, shard: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: constant, rate: 5.0e-3}}}";

fn parsed(stages: &[&str]) -> Result<ConfigOf<LayersModel>, nl_train::Error> {
    let stages: String = stages.iter().map(|stage| format!("  - {{{stage}, {LEARN}}}\n")).collect();
    RunConfig::of::<LayersModel>(&format!("{MODEL}{stages}"))
}

fn config(stages: &[&str]) -> ConfigOf<LayersModel> {
    parsed(stages).unwrap()
}

#[test]
fn threads_and_stops_change_nothing() {
    let config = config(&[
        "kind: supervise",
        "kind: predictive-coding, fresh: true, steps: 6, rate: 0.2, augment: {shift: 1}",
        "kind: feedback-alignment, fresh: true",
        "kind: feedback-alignment, fresh: true, direct: true, feedback: {kind: xavier-normal}",
        "kind: supervise, mixup: 0.3",
    ]);
    let data = divided::<LayersModel>(&config, digits(240, 60));
    let place = tempfile::tempdir().unwrap();
    let straight = whole::<LayersModel>(&config, Some(&data), &place.path().join("one"), 1);
    for threads in [2, 3] {
        let folder = place.path().join(threads.to_string());
        let other = whole::<LayersModel>(&config, Some(&data), &folder, threads);
        assert_same(&straight, &other, &format!("{threads} threads"));
    }
    let questions = stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &place.path().join("one")), 9);
    assert!(questions > 40, "it asked {questions} times");

    // One row a stage, the last with the run's own answer.
    let rows = straight.details["stages"].as_array().unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row["kind"].as_str().unwrap()).collect();
    let wanted = ["supervise", "predictive-coding", "feedback-alignment", "feedback-alignment", "supervise"];
    assert_eq!(kinds, wanted);
    assert_eq!(rows[4]["accuracy"].as_f64().unwrap(), straight.scores["accuracy"]);
    assert_eq!(rows[4]["title"], "Supervised 2");
    for row in rows {
        assert!(row["accuracy"].as_f64().unwrap() > 0.15 && row["images_per_second"].as_f64().unwrap() > 0.0, "{row}");
    }
    let printed: Vec<&str> =
        straight.rows.iter().map(|row| row.0.as_str()).filter(|row| row.starts_with("stage ")).collect();
    assert_eq!(printed.len(), 5, "{printed:?}");
    assert!(printed[3].starts_with("stage 4, direct feedback alignment: test accuracy"), "{printed:?}");
    let page = std::fs::read_to_string(place.path().join("one/report.html")).unwrap();
    for words in ["Side by side", "4: Direct feedback alignment", "degrees to back-propagation", "energy, of a sample"]
    {
        assert!(page.contains(words), "{words}");
    }
    // The angle to back-propagation is below 90 degrees at the end of each stage that has one.
    for name in ["Predictive coding", "Feedback alignment", "Direct feedback alignment"] {
        let lines = curve(&place.path().join("one"));
        let of: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let angles: Vec<f64> =
            of.iter().filter(|line| line["stage"] == name).filter_map(|line| line["alignment"].as_f64()).collect();
        assert!(angles.len() == 3 && angles[2] > 1.0 && angles[2] < 90.0, "{name}: {angles:?}");
    }
}

/// Values are learned as classes are: by local errors and through random weights, side by side in the unit of the data.
#[test]
fn values_are_learned_without_back_propagation() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("houses.csv"), houses(300, 1)).unwrap();
    let learn = "learn: {epochs: 40, batch: 16, shard: 8, early_stopping: {patience: 40}, optimizer: {algorithm: {kind: adam}, schedule: {kind: constant, rate: 5.0e-3}}}";
    let text = |table: &str, stages: &[&str]| {
        let stages: String = stages.iter().map(|stage| format!("  - {{{stage}, fresh: true, {learn}}}\n")).collect();
        let layers = "[{kind: linear, units: 16}, {kind: activation, function: tanh}, {kind: linear, units: 8}, {kind: activation, function: tanh}]";
        format!(
            "name: values\ndata: {{source: {}, inputs: [area, rooms, age], target: [price], validation: 40}}\n\
             model: {{kind: layers, layers: {layers}}}\nstages:\n{stages}",
            place.path().join(table).display()
        )
    };
    let stages = [
        "kind: supervise, loss: {kind: mse}",
        "kind: predictive-coding, loss: {kind: mse}, steps: 8, rate: 0.2",
        "kind: feedback-alignment, loss: {kind: huber, delta: 1.0}",
        "kind: feedback-alignment, loss: {kind: mse}, direct: true",
    ];
    let config = RunConfig::of::<LayersModel>(&text("houses.csv", &stages)).unwrap();
    let data = named::<LayersModel>(&config).unwrap();
    let path = place.path().join("one");
    let straight = whole::<LayersModel>(&config, Some(&data), &path, 1);
    assert_same(&straight, &whole::<LayersModel>(&config, Some(&data), &place.path().join("two"), 2), "2 threads");
    stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &path), 401);
    let rows = straight.details["stages"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        // Prices vary by about 110,000; the mean absolute value of the noise is 8,000.
        let error = row["mae"].as_f64().unwrap();
        assert!(error > 5_000.0 && error < 30_000.0 && row["samples_per_second"].as_f64().unwrap() > 0.0, "{rows:?}");
    }
    assert_eq!(rows[3]["mae"].as_f64().unwrap(), straight.scores["mae"]);
    assert!(straight.rows.iter().any(|row| row.0.starts_with("stage 2, predictive coding: mean absolute error")));
    let page = std::fs::read_to_string(path.join("report.html")).unwrap();
    for words in ["Side by side", "degrees to back-propagation", "samples a second", "Estimated beside true"] {
        assert!(page.contains(words), "{words}");
    }

    let refused = |stage: &str, from: &str, to: &str| {
        let yaml = text("houses.csv", &[stage]);
        assert!(yaml.contains(from), "{from}");
        let config = RunConfig::of::<LayersModel>(&yaml.replace(from, to)).unwrap();
        let data = named::<LayersModel>(&config).unwrap();
        start::<LayersModel>(&config, Some(&data), &place.path().join("refused")).map(drop).unwrap_err().to_string()
    };
    let same = ("name", "name");
    let said = refused("kind: predictive-coding", same.0, same.1);
    assert!(said.contains("stages[0]: ") && said.contains("loss `least-squares` takes classes"), "{said}");
    let said = refused("kind: feedback-alignment", same.0, same.1);
    assert!(said.contains("loss `cross-entropy` takes classes"), "{said}");
    let said = refused("kind: predictive-coding, loss: {kind: mse}, augment: {shift: 1}", same.0, same.1);
    assert!(said.contains("stages[0]: augment changes pictures, and these are samples of 3"), "{said}");
    let said =
        refused("kind: supervise, loss: {kind: mse}", "patience: 40", "patience: 4, measure: validation-accuracy");
    assert!(said.contains("stages[0]: learn.early_stopping watches validation-accuracy, and no classes"), "{said}");
    let said = refused("kind: supervise, loss: {kind: mse}", ", validation: 40", "");
    assert!(said.contains("stages[0]: learn.early_stopping watches samples held out, and there are none"), "{said}");
}

/// A fresh stage knows nothing of the stages before it, even if it does nothing; another one goes on.
#[test]
fn a_fresh_stage_begins_from_the_first_weights() {
    let data = divided::<LayersModel>(&config(&["kind: supervise"]), digits(240, 60));
    let place = tempfile::tempdir().unwrap();
    let hash = |stages: &[&str], idle: bool| {
        let mut config = config(stages);
        if let (true, Some(nl_train::models::LayersStage::Supervise(last))) = (idle, config.stages.last_mut()) {
            last.learn.epochs = 0;
        }
        let folder = place.path().join("run");
        let summary = whole::<LayersModel>(&config, Some(&data), &folder, 2);
        std::fs::remove_dir_all(folder).unwrap();
        summary.weights_sha256.unwrap()
    };
    for stage in
        ["kind: predictive-coding, steps: 3", "kind: feedback-alignment", "kind: feedback-alignment, direct: true"]
    {
        let fresh = format!("{stage}, fresh: true");
        let alone = hash(&[stage], false);
        assert_eq!(hash(&["kind: supervise", &fresh], false), alone, "{stage}");
        assert_ne!(hash(&["kind: supervise", stage], false), alone, "{stage}");
    }
    let first = hash(&["kind: supervise"], true);
    assert_eq!(hash(&["kind: supervise", "kind: supervise, fresh: true"], true), first);
    assert_ne!(hash(&["kind: supervise", "kind: supervise"], true), first);
}

#[test]
fn what_cannot_be_is_refused_with_the_place() {
    let place = tempfile::tempdir().unwrap();
    let refused = |stage: &str, from: &str, to: &str| {
        assert!(MODEL.contains(from), "{from}");
        let text =
            format!("{}  - {{kind: supervise, {LEARN}}}\n  - {{{stage}, {LEARN}}}\n", MODEL.replacen(from, to, 1));
        let said = RunConfig::of::<LayersModel>(&text).and_then(|config| {
            let data = divided::<LayersModel>(&config, digits(240, 60));
            start::<LayersModel>(&config, Some(&data), &place.path().join("refused")).map(|_| ())
        });
        std::fs::remove_dir_all(place.path().join("refused")).ok();
        said.unwrap_err().to_string()
    };
    let (layer, branch) = ("- {kind: flatten}", "- {kind: flatten}\n    - {kind: add, from: [flatten-1, flatten-1]}");
    for stage in ["kind: predictive-coding", "kind: feedback-alignment, direct: true"] {
        let said = refused(stage, layer, branch);
        assert!(said.contains("stages[1]: add-1: is given flatten-1, flatten-1, not flatten-1"), "{said}");
    }
    let gru = "- {kind: rows}\n    - {kind: gru, units: 4}\n    - {kind: linear, units: 3}\n    - {kind: flatten}";
    let network = "- {kind: conv2d, channels: 3, kernel: 5, stride: 3}\n    - {kind: activation, function: tanh}\n    - {kind: flatten}";
    let said = refused("kind: feedback-alignment", network, gru);
    assert!(
        said.contains("stages[1]: layers: gru-1 (gru) has weights that feedback alignment has no way back for"),
        "{said}"
    );
    let said = refused("kind: feedback-alignment, direct: true", network, gru);
    assert!(
        said.contains("stages[1]: layers: gru-1 gives 28 steps of 4; direct feedback alignment takes areas"),
        "{said}"
    );
    let conv = "- {kind: conv2d, channels: 3, kernel: 5, stride: 3}";
    let said =
        refused("kind: feedback-alignment", conv, "- {kind: conv2d, channels: 3, kernel: 5, stride: 3, dilation: 2}");
    assert!(said.contains("layers: conv2d-1 (conv2d) has weights"), "{said}");
    let same = ("name: without-backprop", "name: without-backprop");
    for (stage, wanted) in [
        ("kind: predictive-coding, rate: 2.5", "rate"),
        ("kind: predictive-coding, steps: -1", "steps"),
        ("kind: predictive-coding, loss: {kind: mse}", "loss `mse` takes values"),
        ("kind: feedback-alignment, loss: {kind: ordinal}", "loss wants 9 numbers of the read-out"),
        ("kind: feedback-alignment, feedbck: {kind: zeros}", "did you mean \"feedback\"?"),
        ("kind: supervise, mixup: 0.0", "mixup"),
        (
            "kind: supervise, mixup: 0.2, loss: {kind: focal}",
            "mixup mixes the classes of cross-entropy, and loss is focal",
        ),
    ] {
        let said = refused(stage, same.0, same.1);
        assert!(said.contains("stages[1]") && said.contains(wanted), "{said}");
    }
}

/// Learning ends with the weights that were best, wherever it was stopped.
#[test]
fn early_stopping_goes_back_to_the_best_weights() {
    // So fast that it becomes worse again.
    let learn = "learn: {epochs: 12, batch: 40, shard: 8, early_stopping: {patience: 2, measure: validation-accuracy}, max_norm: 0.8, \
                 optimizer: {algorithm: {kind: adam}, l1: 1.0e-4, l2: 1.0e-4, schedule: {kind: constant, rate: 3.0e-2}}}";
    let config = RunConfig::of::<LayersModel>(&format!("{MODEL}  - {{kind: supervise, {learn}}}\n")).unwrap();
    let data = divided::<LayersModel>(&config, digits(240, 60));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("one");
    let straight = whole::<LayersModel>(&config, Some(&data), &path, 1);
    assert_same(&straight, &whole::<LayersModel>(&config, Some(&data), &place.path().join("two"), 2), "2 threads");
    stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &path), 6);

    let lines: Vec<Value> = curve(&path).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen: Vec<f64> = lines.iter().filter_map(|line| line["validation_accuracy"].as_f64()).collect();
    assert!(seen.len() < 12, "it was never stopped: {seen:?}");
    let best = seen.iter().copied().fold(0.0, f64::max);
    assert_eq!(seen[seen.len() - 3], best, "two epochs after the best: {seen:?}");
    // What was kept is what was measured then.
    let trained = nl_train::Trained::<LayersModel>::open(&path).unwrap();
    let held = data.held_out();
    let (said, truth) = (trained.predict(&held).unwrap(), held.labels().unwrap());
    let right = said.iter().zip(truth).filter(|(p, y)| p.class == **y as usize).count();
    assert_eq!(right as f64 / held.len() as f64, best);

    // No unit's incoming weights are longer than they may be; biases and the number of units are as they were.
    let weights = nl_train::read_weights(&path.join("weights.safetensors")).unwrap();
    let mut bounded = 0;
    for (name, (shape, values)) in weights.iter().filter(|(name, _)| name.ends_with("weight")) {
        for row in values.chunks(values.len() / shape[0]) {
            let norm = row.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
            assert!(norm <= 0.8 * (1.0 + 1e-6), "{name}: {norm}");
            bounded += usize::from(norm > 0.79);
        }
    }
    assert!(bounded > 0, "no row ever reached the bound");

    let nothing = RunConfig::of::<LayersModel>(
        &format!("{MODEL}  - {{kind: supervise, {learn}}}\n").replace("patience: 2", "patience: 0"),
    );
    assert!(nothing.unwrap_err().to_string().contains("patience"));
}
