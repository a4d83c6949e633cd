//! Stages in other orders, configurations edited between a stop and a resume, and what a resume does not stumble over.

#[path = "common/brain.rs"]
mod brain;
mod common;

use std::path::Path;

use brain::{data, learn, toy};
use common::{
    HEADER, Warnings, assert_same, checkpoints, edited, restaged, resume, sealed, start, stop, stopped_everywhere,
    whole,
};
use nl_train::models::{BrainModel, brain::BrainStage};
use nl_train::{ConfigOf, Dataset, Every, Silent};

type Config = ConfigOf<BrainModel>;

const RECONSTRUCT: usize = 0;
const CLASSIFY: usize = 1;
const REMEMBER: usize = 2;
const TRUST: usize = 3;

/// Sections that a page can only have after one of these stages.
const SECTIONS: [(&str, usize); 3] = [("reconstructions", RECONSTRUCT), ("trust", REMEMBER), ("memories", REMEMBER)];

#[test]
fn stages_in_other_orders_run_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (toy, data) = (toy(), data(&toy()));
    for (i, stages) in [
        &[CLASSIFY, CLASSIFY][..],
        &[RECONSTRUCT],
        &[REMEMBER],
        &[CLASSIFY],
        &[REMEMBER, TRUST],
        &[CLASSIFY, RECONSTRUCT],
        &[CLASSIFY, REMEMBER, TRUST, RECONSTRUCT, CLASSIFY, REMEMBER, TRUST],
    ]
    .into_iter()
    .enumerate()
    {
        let config = restaged::<BrainModel>(&toy, stages);
        let summary = whole::<BrainModel>(&config, Some(&data), &dir.path().join(i.to_string()), 2);
        let page = std::fs::read_to_string(&summary.report).unwrap();
        for id in ["result", "wiring", "filters", "map", "confusion", "time", "repeat"] {
            assert_eq!(page.matches(&format!("<section id=\"{id}\"")).count(), 1, "{stages:?}: section {id}");
        }
        for (id, stage) in SECTIONS {
            let there = page.contains(&format!("<section id=\"{id}\""));
            assert_eq!(there, stages.contains(&stage), "{stages:?}: section {id}");
        }
        assert_eq!(summary.scores.contains_key("memory"), stages.contains(&REMEMBER), "{stages:?}");
        assert_eq!(summary.scores.contains_key("knn_probe"), stages.contains(&RECONSTRUCT), "{stages:?}");
        assert!(summary.scores.contains_key("cortex"), "{stages:?}");
    }
}

/// The second pass draws numbers of its own, and stops anywhere change nothing there either.
#[test]
fn a_stage_repeated_is_not_the_same_stage() {
    let dir = tempfile::tempdir().unwrap();
    let (mut config, data) = (restaged::<BrainModel>(&toy(), &[CLASSIFY, CLASSIFY]), data(&toy()));
    (learn(&mut config, 0).epochs, learn(&mut config, 1).epochs) = (1, 1);
    let path = dir.path().join("twice");
    let twice = whole::<BrainModel>(&config, Some(&data), &path, 2);
    stopped_everywhere::<BrainModel>(&config, Some(&data), (&twice, &path), 3);
    let once = whole::<BrainModel>(&restaged::<BrainModel>(&config, &[0]), Some(&data), &dir.path().join("once"), 2);
    assert_ne!(twice.weights_sha256, once.weights_sha256);
}

/// Weights as they were drawn, whatever the order of the stages that do nothing.
#[test]
fn zero_epochs_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut config, data) = (toy(), data(&toy()));
    for stage in [RECONSTRUCT, CLASSIFY] {
        learn(&mut config, stage).epochs = 0;
    }
    let none = whole::<BrainModel>(&config, Some(&data), &dir.path().join("none"), 2);
    let only = restaged::<BrainModel>(&config, &[REMEMBER, TRUST]);
    let drawn = whole::<BrainModel>(&only, Some(&data), &dir.path().join("drawn"), 1);
    assert_eq!(none.weights_sha256, drawn.weights_sha256);
    assert_eq!(none.scores["cortex"], drawn.scores["cortex"]);
}

#[test]
fn a_stage_whose_need_is_not_given_is_refused_before_anything_is_trained() {
    let dir = tempfile::tempdir().unwrap();
    let (path, data) = (dir.path().join("run"), data(&toy()));
    for stages in [&[TRUST][..], &[CLASSIFY, TRUST, REMEMBER]] {
        let config = restaged::<BrainModel>(&toy(), stages);
        let error = start::<BrainModel>(&config, Some(&data), &path).map(drop).unwrap_err().to_string();
        let place = stages.iter().position(|&stage| stage == TRUST).unwrap();
        let words = format!("stages[{place}]: `trust` needs a filled hippocampus; put a stage `remember` before it");
        assert!(error.contains(&words), "{error}");
        assert!(!path.exists());
    }
}

/// A run stopped in its second stage.
fn stopped(dir: &Path) -> (std::path::PathBuf, Dataset) {
    let (config, data) = (toy(), data(&toy()));
    let path = dir.join("run");
    stop(start::<BrainModel>(&config, Some(&data), &path).unwrap(), 20);
    (path, data)
}

type Edit = fn(&mut Config);

#[test]
fn an_edited_configuration_is_refused_with_what_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, data) = stopped(dir.path());
    let before = std::fs::read_to_string(path.join("config.yaml")).unwrap();
    let edits: [(Edit, [&str; 3]); 6] = [
        (|c| c.seed = 2, ["seed", "1", "2"]),
        (|c| c.name = "other".into(), ["name", "\"toy\"", "\"other\""]),
        (|c| c.model.regions.v1 = 5, ["model.regions.v1", "4", "5"]),
        (|c| c.data.as_mut().unwrap().validation = Some(30), ["data.validation", "20", "30"]),
        // The stage that is over, and the one under way.
        (|c| learn(c, 0).epochs = 3, ["stages[0].learn.epochs", "2", "3"]),
        (|c| learn(c, 1).epochs = 3, ["stages[1].learn.epochs", "2", "3"]),
    ];
    for (edit, [field, old, new]) in edits {
        let error = edited::<BrainModel>(Some(&data), &path, edit).map(drop).unwrap_err().to_string();
        assert!(error.contains(&format!("{field} was {old} when the run was started, and is {new} now")), "{error}");
        assert_eq!(std::fs::read_to_string(path.join("config.yaml")).unwrap(), before);
    }
}

#[test]
fn what_may_be_edited_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (path, data) = stopped(dir.path());
    let edit = |config: &mut Config| {
        config.checkpoint.every = Every::new(0.0).unwrap();
        // Stages that have not begun: one is changed, one is new.
        let BrainStage::Trust(trust) = &mut config.stages[TRUST] else { panic!("the last stage is `trust`") };
        trust.lead = 0.5;
        config.stages.push(config.stages[CLASSIFY].clone());
    };
    let run = edited::<BrainModel>(Some(&data), &path, edit).unwrap();
    assert!(std::fs::read_to_string(path.join("config.yaml")).unwrap().contains("0 s"));
    let changed = run.run(&mut Silent).unwrap();
    let mut config = toy();
    edit(&mut config);
    let straight = whole::<BrainModel>(&config, Some(&data), &dir.path().join("straight"), 1);
    assert_same(&straight, &changed, "as if it had been so from the beginning");
    // What is over, or under way, cannot be taken out.
    let path = dir.path().join("again");
    stop(start::<BrainModel>(&toy(), Some(&data), &path).unwrap(), 20);
    let error = edited::<BrainModel>(Some(&data), &path, |config| config.stages.truncate(1)).map(drop).unwrap_err();
    assert!(error.to_string().contains("stages[1]"), "{error}");
}

/// Numbers of two levels differ in the last bits: a run of both would be repeated by nobody.
#[test]
fn another_simd_level_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, data) = stopped(dir.path());
    let level = nl_kernels::Level::current().to_string();
    let other = "x".repeat(level.len());
    for file in checkpoints(&path) {
        let bytes = std::fs::read(&file).unwrap();
        let mut body = bytes[HEADER..].to_vec();
        let place = body.windows(level.len()).position(|window| window == level.as_bytes()).unwrap();
        body[place..place + level.len()].copy_from_slice(other.as_bytes());
        std::fs::write(file, sealed(&body)).unwrap();
    }
    let error = resume::<BrainModel>(Some(&data), &path).map(drop).unwrap_err().to_string();
    let words = format!("started at SIMD level {other}, this is {level}");
    assert!(error.contains(&words) && error.contains(&format!("set NL_SIMD={other}")), "{error}");
}

/// Its numbers are in the checkpoint as well: the page is whole, the file is not, and somebody says so.
#[test]
fn metrics_that_are_short_do_not_lose_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let straight = whole::<BrainModel>(&toy(), Some(&data(&toy())), &dir.path().join("straight"), 1);
    for keep in [0.0, 0.5] {
        let (path, data) = stopped(&dir.path().join(keep.to_string()));
        let file = path.join("metrics.jsonl");
        let text = std::fs::read(&file).unwrap();
        std::fs::write(&file, &text[..(text.len() as f64 * keep) as usize]).unwrap();
        let mut warnings = Warnings::default();
        let summary = resume::<BrainModel>(Some(&data), &path).unwrap().run(&mut warnings).unwrap();
        assert_same(&straight, &summary, "short metrics");
        // What else is said is about what a toy has learned.
        let lost = warnings.0.iter().filter(|warning| warning.contains("metrics.jsonl has lost")).count();
        assert_eq!(lost, 1, "{:?}", warnings.0);
        for line in std::fs::read_to_string(file).unwrap().lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
    }
}
