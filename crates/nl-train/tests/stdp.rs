//! A small competitive network learns procedural digits: what it reaches, and that neither threads nor stops change a bit.

mod common;

use common::{assert_same, curve, digits, divided, resume, start, stop, stopped_everywhere, whole};
use nl_train::models::{CompetitiveModel, CompetitiveStage, competitive_network};
use nl_train::{ConfigOf, RunConfig, Silent, shipped};

type Config = ConfigOf<CompetitiveModel>;

/// 30 neurons, two epochs of 200 images shown for 150 steps.
fn toy() -> Config {
    let text = "
name: toy
data: {name: mnist, source: synthetic, validation: 40, validation_share: 0.5}
model: {kind: competitive, input: {rate: 6500, steps: 150, dt: 1}}
stages:
  - {kind: compete, epochs: 2, watch: 3}
  - {kind: label}
";
    let mut config = RunConfig::of::<CompetitiveModel>(text).unwrap();
    config.model.network = competitive_network(30, None).unwrap();
    config
}

#[test]
fn threads_and_stops_change_nothing() {
    let place = tempfile::tempdir().unwrap();
    let config = toy();
    let data = divided::<CompetitiveModel>(&config, digits(240, 60));
    let path = place.path().join("1");
    let one = whole::<CompetitiveModel>(&config, Some(&data), &path, 1);
    let counts = ["train_samples", "label_samples", "test_samples"].map(|name| one.details[name].as_u64().unwrap());
    assert_eq!(counts, [400, 240, 60]);
    let names: Vec<&str> = one.scores.keys().map(String::as_str).collect();
    assert_eq!(names, ["all_activity", "bigram", "log_likelihood", "proportion"]);
    assert_eq!(curve(&path).len(), 3, "three looks");
    for threads in [2, 3] {
        let path = place.path().join(threads.to_string());
        let more = whole::<CompetitiveModel>(&config, Some(&data), &path, threads);
        assert_same(&one, &more, &format!("{threads} threads"));
        assert_eq!(curve(&path), curve(&place.path().join("1")));
    }
    // While learning, while watching, while naming the neurons (which then begins again), and in the test.
    let questions = stopped_everywhere::<CompetitiveModel>(&config, Some(&data), (&one, &path), 1);
    assert!(questions >= 12, "{questions}");
}

#[test]
fn other_images_are_no_way_to_go_on() {
    let place = tempfile::tempdir().unwrap();
    let (config, path) = (toy(), place.path().join("run"));
    let data = divided::<CompetitiveModel>(&config, digits(240, 60));
    stop(start::<CompetitiveModel>(&config, Some(&data), &path).unwrap(), 3);
    let other = divided::<CompetitiveModel>(&config, digits(250, 60));
    let error = resume::<CompetitiveModel>(Some(&other), &path).map(drop).unwrap_err().to_string();
    assert!(error.contains("the run was started on"), "{error}");
}

/// Learning goes on where the first stage left it, with draws of its own; without names nothing is decided.
#[test]
fn stages_may_be_repeated_or_left_out() {
    let place = tempfile::tempdir().unwrap();
    let config = toy();
    let data = divided::<CompetitiveModel>(&config, digits(240, 60));
    let run = |name: &str, stages: &[usize]| {
        let config = common::restaged::<CompetitiveModel>(&config, stages);
        let path = place.path().join(name);
        let summary = start::<CompetitiveModel>(&config, Some(&data), &path).unwrap().run(&mut Silent).unwrap();
        let page = std::fs::read_to_string(&summary.report).unwrap();
        (summary, page)
    };
    let (once, _) = run("once", &[0, 1]);
    let (twice, page) = run("twice", &[0, 0, 1]);
    assert_ne!(once.weights_sha256, twice.weights_sha256);
    assert_eq!(twice.details["train_samples"], 800);
    assert!(page.contains("Where it errs"));
    let (nameless, page) = run("nameless", &[0]);
    assert_eq!(nameless.weights_sha256, once.weights_sha256);
    assert!(nameless.scores.is_empty() && page.contains("Receptive fields") && !page.contains("Where it errs"));
    let (unlearned, _) = run("unlearned", &[1]);
    assert_ne!(unlearned.weights_sha256, once.weights_sha256);
    assert_eq!(unlearned.scores.len(), 4);
}

#[test]
fn every_rule_learns_digits_without_labels() {
    let place = tempfile::tempdir().unwrap();
    for (rule, least) in [("diehl-cook", 0.7), ("normalised", 0.7)] {
        let mut config = RunConfig::of::<CompetitiveModel>(shipped("stdp-quick").unwrap()).unwrap();
        config.model.network = competitive_network(100, Some(rule)).unwrap();
        let data = config.data.as_mut().unwrap();
        (data.train, data.validation) = (None, Some(100));
        for stage in &mut config.stages {
            match stage {
                CompetitiveStage::Compete(compete) => compete.watch = 0,
                CompetitiveStage::Label(label) => label.images = Some(1500),
            }
        }
        let data = divided::<CompetitiveModel>(&config, digits(3100, 300));
        let summary = whole::<CompetitiveModel>(&config, Some(&data), &place.path().join(rule), 2);
        let accuracy = &summary.scores;
        for decoder in ["all_activity", "proportion", "log_likelihood"] {
            assert!(accuracy[decoder] > least, "{rule}: {accuracy:?}");
        }
        assert!(
            summary.details["samples_per_second"]["train"].as_f64().unwrap() > 0.0 && summary.seconds["total"] > 0.0
        );

        let weights = nl_train::read_weights(&place.path().join(rule).join("weights.safetensors")).unwrap();
        assert_eq!((&weights["weights"].0[..], &weights["theta"].0[..]), (&[784, 100][..], &[100][..]));
        let page = std::fs::read_to_string(&summary.report).unwrap();
        let hash = summary.weights_sha256.as_deref().unwrap();
        for part in ["Synthetic data", "Receptive fields", "Where it errs", "Most frequent mistakes", hash] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("accuracy of another read-out").count(), 3);
        for odd in ["told right", "told wrong", "told to be", "named rightly"] {
            assert!(!page.contains(odd), "{odd}");
        }
    }
}

#[test]
fn what_does_not_fit_the_images_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let data = divided::<CompetitiveModel>(&toy(), digits(240, 60));
    let refused = |change: fn(&mut Config)| {
        let mut config = toy();
        change(&mut config);
        let run = start::<CompetitiveModel>(&config, Some(&data), &place.path().join("run"));
        run.map(drop).unwrap_err().to_string()
    };
    assert!(refused(|c| c.model.network.tau_theta.0 = f64::NAN).contains("tau_theta"));
    assert!(refused(|c| c.model.input.steps = 0).contains("steps"));
    let watch = refused(|c| {
        let CompetitiveStage::Compete(compete) = &mut c.stages[0] else { panic!("the first stage is `compete`") };
        compete.watch = u64::MAX;
    });
    assert!(watch.contains("stages[0]: watch"), "{watch}");
    assert!(!place.path().join("run").exists());
}
