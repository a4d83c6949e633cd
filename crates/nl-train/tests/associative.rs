//! Hopfield networks as a run: against theory, the same bits for any number of threads and after any stop.

mod common;

use common::{assert_same, resume, start, stopped_everywhere, whole};
use nl_memory::hopfield::theory;
use nl_train::models::AssociativeModel;
use nl_train::{ConfigOf, RunConfig, Silent, shipped};

/// Small networks: theory is of large ones, and a hundredth off.
const SHORT: &str = "
name: short
model: {kind: associative, units: 400}
stages:
  - {kind: classical, loads: [0.02, 0.1], cues: 8, networks: 3}
  - {kind: modern, loads: [1], noise: 0.2, cues: 4, networks: 2}
  - {kind: digits}
";

fn config(yaml: &str) -> ConfigOf<AssociativeModel> {
    RunConfig::of::<AssociativeModel>(yaml).unwrap()
}

#[test]
fn a_short_form_is_as_theory_says_and_stops_change_nothing() {
    let config = config(SHORT);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("one");
    let one = whole::<AssociativeModel>(&config, None, &path, 1);
    for load in [0.02, 0.1] {
        let (found, expected) = (one.scores[&format!("stage_1_load_{load}_overlap")], theory::overlap(load).unwrap());
        assert!((found - expected).abs() < 0.02, "load {load}: {found}, theory {expected}");
    }
    assert!(one.scores["stage_2_load_1_overlap"] > 0.999, "{:?}", one.scores);
    assert!(one.scores["stage_3_modern_overlap"] > one.scores["stage_3_classical_overlap"], "{:?}", one.scores);
    let loads = one.details["loads"].as_array().unwrap();
    assert_eq!((loads.len(), &loads[1]["patterns"], &loads[1]["networks"]), (3, &40.into(), &3.into()));
    assert_eq!(loads[0]["theory_overlap"].as_f64(), theory::overlap(0.02));
    assert!(loads[2]["theory_overlap"].is_null(), "theory is of the classical network");

    assert_same(&one, &whole::<AssociativeModel>(&config, None, &place.path().join("three"), 3), "3 threads");
    let questions = stopped_everywhere::<AssociativeModel>(&config, None, (&one, &path), 1);
    assert!(questions > 8, "it asked {questions} times");

    let page = std::fs::read_to_string(&one.report).unwrap();
    for words in
        ["Overlap against load", "Wrong after one update", "what the modern network made of it", "the same scores"]
    {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let refused = |from: &str, to: &str| {
        assert!(SHORT.contains(from));
        RunConfig::of::<AssociativeModel>(&SHORT.replacen(from, to, 1)).unwrap_err().to_string()
    };
    let said = refused("units: 400", "units: 4");
    assert!(said.contains("model: units is 4, but must be 10 to 10000"), "{said}");
    let said = refused("loads: [0.02, 0.1]", "loads: []");
    assert!(said.contains("stages[0]") && said.contains("loads has 0 entries"), "{said}");
    let said = refused("noise: 0.2", "nose: 0.2");
    assert!(said.contains("did you mean \"noise\"?"), "{said}");
    let said = refused("{kind: digits}", "{kind: digit}");
    assert!(said.contains("did you mean \"digits\"?"), "{said}");
}

/// A stop keeps what was found, and a longer run may not be another one.
#[test]
fn the_preset_is_a_run_of_this_model() {
    let preset = config(shipped("hopfield").unwrap());
    assert_eq!((preset.model.units, preset.stages.len()), (1000, 4));
    let place = tempfile::tempdir().unwrap();
    let mut small = config(SHORT);
    small.stages.truncate(1);
    let path = place.path().join("a");
    common::stop(start::<AssociativeModel>(&small, None, &path).unwrap(), 2);
    let summary = resume::<AssociativeModel>(None, &path).unwrap().run(&mut Silent).unwrap();
    assert_eq!(summary.scores.len(), 2);
    let changed = common::edited::<AssociativeModel>(None, &path, |config| config.model.units = 500);
    assert!(changed.map(drop).unwrap_err().to_string().contains("units"));
}
