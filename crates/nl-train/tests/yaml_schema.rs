//! The schemas that the lower crates make of their types, against what people write: the faults of the tree are those of the
//! types, and what has no fault is read as it was meant.

use nl_data::{Augment, Corruption};
use nl_encoding::encode::Population;
use nl_network::competitive::CompetitiveConfig;
use nl_optim::{Adam, Algorithm, OptimizerConfig, Schedule};
use nl_plasticity::{DiehlCookForm, Ms, RuleKind};
use nl_train::yaml::{help, read, schema::validate};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// What is wrong with `text` as a `T`, each on a line; and the `T` if nothing is.
fn look<T: JsonSchema + DeserializeOwned>(text: &str) -> Result<T, Vec<String>> {
    let schema = serde_json::to_value(schemars::schema_for!(T)).unwrap();
    let tree = read("a.yaml", text.as_bytes()).map_err(|fault| vec![fault.to_string()])?;
    let faults: Vec<String> = validate(&tree, &schema).iter().map(ToString::to_string).collect();
    let typed = tree.typed::<T>();
    // What the schema lets pass, the types read.
    assert!(!faults.is_empty() || typed.is_ok(), "{text}: {:?}", typed.err());
    if faults.is_empty() { Ok(typed.unwrap()) } else { Err(faults) }
}

#[test]
fn an_optimiser_is_read_in_its_short_form() {
    let text = "algorithm: {kind: adam}\nschedule: {kind: constant, rate: 0.001}\n";
    let want = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 0.001 });
    assert_eq!(look::<OptimizerConfig>(text).unwrap(), want);
    let text = "
algorithm: {kind: rms-prop, decay: 0.9, centered: true}
schedule: {kind: warm-up, steps: 10, then: {kind: one-cycle, peak: 1}}
plateau: {patience: 2}
clip_norm: 1
";
    let read = look::<OptimizerConfig>(text).unwrap();
    assert_eq!(read.schedule, Schedule::warm_up(10, Schedule::one_cycle(1.0, 0)));
    assert_eq!((read.clip_norm, read.clip_value), (Some(1.0), None));
}

#[test]
fn the_faults_of_an_optimiser_say_what_was_meant() {
    let with = |schedule: &str| format!("algorithm: {{kind: adam}}\nschedule: {schedule}\n");
    for (text, want) in [
        (
            with("{kind: OneCycle, peak: 1}"),
            "a.yaml:2:18: schedule.kind: unknown kind \"OneCycle\"; did you mean \"one-cycle\"?",
        ),
        (with("{kind: one-cycle}"), "a.yaml:2:11: schedule: peak is missing here"),
        (with("{kind: one-cycle, peak: 1, step: 5}"), "schedule.step: unknown name; did you mean \"steps\"?"),
        (with("{kind: cosine, rate: fast}"), "schedule.rate: expected a number from 0, found \"fast\""),
        (with("{kind: cosine, rate: 1, steps: -1}"), "schedule.steps: expected a whole number from 0, found -1"),
        (
            with("{kind: warm-up, steps: 1, then: {kind: cosin, rate: 1}}"),
            "schedule.then.kind: unknown kind \"cosin\"; did you mean \"cosine\"?",
        ),
        (with("constant"), "schedule: write {kind: constant} here"),
        (
            with("{kind: constant, rate: 1}\nWeightDecay: 1"),
            "WeightDecay: unknown name; did you mean \"weight_decay\"?",
        ),
        ("schedule: {kind: constant, rate: 1}\n".to_owned(), "a.yaml:1:1: algorithm is missing here"),
    ] {
        let faults = look::<OptimizerConfig>(&text).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains(want), "{text}: {faults:?}");
    }
}

#[test]
fn rules_networks_and_data_are_told_by_their_kinds() {
    let rule = look::<RuleKind>("{kind: diehl-cook-stdp, form: {kind: published, tau_post2: 40}}").unwrap();
    let RuleKind::DiehlCookStdp(p) = rule else { panic!("{rule:?}") };
    assert_eq!(p.form, DiehlCookForm::Published { tau_post2: Ms(40.0) });
    let faults = look::<RuleKind>("{kind: diehl_cook_stdp}").unwrap_err();
    assert!(faults[0].contains("did you mean \"diehl-cook-stdp\"?"), "{faults:?}");
    let faults = look::<RuleKind>("{kind: pair-stdp, pairing: all_to_all, dependence: {kind: PowerLaw}}").unwrap_err();
    assert!(faults[0].contains("pairing: unknown word \"all_to_all\"; did you mean \"all-to-all\"?"), "{faults:?}");
    assert!(
        faults[1].contains("dependence.kind: unknown kind \"PowerLaw\"; did you mean \"power-law\"?"),
        "{faults:?}"
    );

    let network =
        look::<CompetitiveConfig>("neurons: 100\nrule: {kind: diehl-cook, x_tar: 0.6, w_max: 0.3, mu: 1}").unwrap();
    assert_eq!((network.neurons, network.rule.name()), (100, "diehl-cook"));
    let faults = look::<CompetitiveConfig>("rule: {kind: diehl-cook, x_tar: 0.6, w_max: 0.3}").unwrap_err();
    assert!(faults[0].contains("rule: mu is missing here"), "{faults:?}");

    assert_eq!(look::<Augment>("{shift: 2, rotate: 15}").unwrap().shift, 2.0);
    assert_eq!(look::<Corruption>("kind: none").unwrap(), Corruption::None);
    // A kind without fields has none: serde alone would not say so.
    let faults = look::<Corruption>("{kind: none, std: 1}").unwrap_err();
    assert!(faults[0].contains("std: unknown name"), "{faults:?}");
    assert!(look::<Population>("code: {kind: latency, curve: {kind: charging, tau: 5}, threshold: 0.1}").is_ok());
}

#[test]
fn the_page_of_help_has_every_name_and_is_yaml() {
    let schema = serde_json::to_value(schemars::schema_for!(OptimizerConfig)).unwrap();
    let text = help::render(&schema);
    for name in
        ["algorithm:", "schedule:", "plateau:", "clip_norm:", "beta2: 0.999", "kind: warm-up", "peak:", "warm_up: 0.3"]
    {
        assert!(
            text.lines().any(|line| line.trim_start_matches(['#', ' ']).starts_with(name)),
            "{name} is not in\n{text}"
        );
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains("```") && !text.contains("](") && !text.contains("[`"), "{text}");
    let tree = read("help", text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    assert!(tree.get("algorithm.kind").is_some() && tree.get("schedule.kind").is_some(), "{text}");
}
