//! Simulations of published networks whose parameters stand in the configuration, and their spikes in files.

use std::path::Path;

use nl_train::models::SimulationModel;
use nl_train::{Document, Error, Run, RunFolder, Silent, Summary};

/// A configuration of the network of `model` (YAML in braces) and of `stages`.
fn yaml(model: &str, stages: &str) -> String {
    format!("name: test\nseed: 1\nmodel: {{kind: simulation, network: {model}}}\nstages: {stages}\n")
}

fn run(text: &str, folder: &Path) -> Result<Summary, Error> {
    let config = Document::read("test.yaml", text)?.config::<SimulationModel>()?;
    Run::<SimulationModel>::start(config, None, RunFolder::create(folder)?)?.run(&mut Silent)
}

fn refused(model: &str, stages: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    let error = run(&yaml(model, stages), &folder).unwrap_err().to_string();
    assert!(!folder.exists(), "something is left of a run that never began");
    error
}

/// Inhibition and input from outside do what the paper says: excitation wins below g = 4.
#[test]
fn parameters_are_those_of_the_configuration() {
    let place = tempfile::tempdir().unwrap();
    let rate = |name: &str, parameters: &str| {
        let model = format!("{{kind: brunel, neurons: 500, j: 0.5, {parameters}}}");
        run(&yaml(&model, "[{kind: simulate, seconds: 0.4}]"), &place.path().join(name)).unwrap().scores["rate_hz"]
    };
    let (excited, inhibited) = (rate("a", "g: 3"), rate("b", "g: 6"));
    assert!(excited > 1.5 * inhibited && inhibited > 1.0, "{excited} {inhibited}");
    assert!(rate("c", "g: 6, eta: 0.9") < inhibited);
    // What is left out is as published: g = 5, η = 2.
    assert_eq!(rate("d", "g: 5, eta: 2"), rate("e", "delay: 1.5"));
}

#[test]
fn a_parameter_is_set_by_its_path() {
    let mut document = Document::read("test.yaml", &yaml("{kind: cuba}", "[{kind: simulate}]")).unwrap();
    document.set("test", "model.network.neurons", 500).unwrap();
    document.set("test", "model.network.w_in", -4.5).unwrap();
    let config = document.config::<SimulationModel>().unwrap();
    assert_eq!((config.model.network.neurons(), config.model.network.weights()), (500, ([1.62, -4.5], "mV")));
}

#[test]
fn a_wrong_parameter_is_named() {
    let stage = "[{kind: simulate, seconds: 0.1}]";
    for (model, words) in [
        ("brunel", &["network", "write {kind: brunel} here"][..]),
        ("{kind: brunell}", &["network.kind", "did you mean \"brunel\""]),
        ("{kind: brunel, gg: 5}", &["network.gg", "unknown name"]),
        ("{kind: cuba, g: 5}", &["network.g", "unknown name"]),
        ("{kind: brunel, g: -5}", &["network", "g", "-5"]),
        ("{kind: brunel, epsilon: 1.5}", &["network", "epsilon", "1.5"]),
        ("{kind: brunel, j: 0}", &["model.network", "j = 0 is not usable"]),
        ("{kind: brunel, delay: 0.25}", &["model.network", "delay = 0.25 ms", "0.2 ms or 0.3"]),
        ("{kind: cuba, neurons: 10}", &["model.network", "neurons is 10", "100 to 10000000"]),
        ("{kind: coba, w_in: -67}", &["model.network", "w_in = -67"]),
        ("{kind: cobahh, tau_syn_ex: 0}", &["model.network", "tau_syn_ex = 0"]),
    ] {
        let error = refused(model, stage);
        assert!(words.iter().all(|word| error.contains(word)), "{model}: {error}");
    }
    let error = refused("{kind: cuba, neurons: 500}", "[{kind: simulate, spikes: cvs}]");
    assert!(error.contains("stages[0].spikes") && error.contains("csv") && error.contains("npz"), "{error}");
}

/// The files hold each spike of the stages that asked for them, and nothing else; without a wish there are none.
#[test]
fn spikes_stand_in_files() {
    let place = tempfile::tempdir().unwrap();
    let network = "{kind: cuba, neurons: 500}";
    let at = |name: &str| place.path().join(name);
    let both = run(&yaml(network, "[{kind: simulate, seconds: 0.2, spikes: [csv, npz]}]"), &at("both")).unwrap();
    let text = std::fs::read_to_string(at("both").join("spikes.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time_ms,population,neuron"));
    let rows: Vec<(f64, usize, usize)> = lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let population = ["E", "I"].iter().position(|name| *name == cells[1]).unwrap();
            (cells[0].parse().unwrap(), population, cells[2].parse().unwrap())
        })
        .collect();
    assert_eq!(rows.len() as u64, both.details["spikes"].as_u64().unwrap());
    assert!(rows.len() > 100 && rows.is_sorted());
    assert!(rows.iter().all(|row| row.0 > 0.0 && row.0 <= 200.0 && row.2 < [400, 100][row.1]));
    assert!(at("both").join("spikes.npz").is_file());

    // Two stages are the same run; the file has those of the second, and asking for it changes no spike.
    let stages = "[{kind: simulate, seconds: 0.1}, {kind: simulate, seconds: 0.1, spikes: csv}]";
    let late = run(&yaml(network, stages), &at("late")).unwrap();
    assert_eq!(late.details["spikes_sha256"], both.details["spikes_sha256"]);
    let after: String = text
        .lines()
        .skip(1)
        .zip(&rows)
        .filter(|(_, row)| row.0 > 100.05)
        .map(|(line, _)| format!("{line}\n"))
        .collect();
    assert_eq!(
        std::fs::read_to_string(at("late").join("spikes.csv")).unwrap(),
        format!("time_ms,population,neuron\n{after}")
    );
    assert!(!at("late").join("spikes.npz").exists());

    let none = run(&yaml(network, "[{kind: simulate, seconds: 0.2}]"), &at("none")).unwrap();
    assert_eq!(none.details["spikes_sha256"], both.details["spikes_sha256"]);
    assert!(!at("none").join("spikes.csv").exists() && !at("none").join("spikes.npz").exists());
}

/// The page says what was simulated and what it is compared with.
#[test]
fn the_page_describes_the_network() {
    let place = tempfile::tempdir().unwrap();
    let page = |name: &str, model: &str| {
        let folder = place.path().join(name);
        run(&yaml(model, "[{kind: simulate, seconds: 0.3, spikes: npz}]"), &folder).unwrap();
        std::fs::read_to_string(folder.join("report.html")).unwrap()
    };
    let cuba = page("cuba", "{kind: cuba, neurons: 500}");
    for words in [
        "Model summary",
        "Connectivity",
        "w_e (w_ex)",
        "1.62",
        "threshold",
        "excitatory",
        "inhibitory",
        "Pairwise correlations",
        "Weights",
        "spikes.npz",
        "Brian2 2.9.0 gives about 5.6 Hz",
        "here neurons is 500 (published: 4000)",
    ] {
        assert!(cuba.contains(words), "{words}");
    }
    let cobahh = page("cobahh", "{kind: cobahh, neurons: 500}");
    assert!(cobahh.contains("38.3 Hz (4 networks of 2 to 5 s, standard deviation 3.5)") && cobahh.contains("35.9 Hz"));
    let brunel = page("brunel", "{kind: brunel, neurons: 500, g: 3, v_reset: 10}");
    assert!(brunel.contains("g is 3 (published: 5)") && brunel.contains("v_reset is 10 (published: 0)"));
    assert!(brunel.contains("inhibitory ones -0.3 mV"), "the weight of inhibition is g J");
}
