//! A simulation's folder: checkpoints whose cost does not grow with the run, a file of spikes that survives a kill, a run that
//! may be made longer, and what its statistics leave out.

mod common;

use std::fs;
use std::path::Path;

use common::{StopAt, assert_same, edited, resume, start, stop, stopped_everywhere, whole};
use nl_train::models::{SimulationModel, SimulationStage};
use nl_train::{ConfigOf, Error, Event, Every, Observer, Run, RunConfig, Silent, Summary};

type Config = ConfigOf<SimulationModel>;

/// A network of so many neurons, simulated once for each of `seconds`.
fn config(name: &str, neurons: usize, seconds: &[f64]) -> Config {
    let stages: Vec<String> = seconds.iter().map(|s| format!("{{kind: simulate, seconds: {s:?}}}")).collect();
    let stages = stages.join(", ");
    let model = format!("{{kind: simulation, network: {{kind: {name}, neurons: {neurons}}}}}");
    RunConfig::of::<SimulationModel>(&format!("name: {name}\nmodel: {model}\nstages: [{stages}]\n")).unwrap()
}

fn cuba(seconds: &[f64]) -> Config {
    config("cuba", 500, seconds)
}

fn straight(config: &Config, folder: &Path) -> Summary {
    whole::<SimulationModel>(config, None, folder, 1)
}

fn begin(config: &Config, folder: &Path) -> Run<SimulationModel> {
    start(config, None, folder).unwrap()
}

fn go_on(folder: &Path) -> Result<Run<SimulationModel>, Error> {
    resume(None, folder)
}

fn number(summary: &Summary, name: &str) -> f64 {
    summary.details[name].as_f64().unwrap()
}

/// Sizes of the checkpoints, in order.
#[derive(Default)]
struct Sizes(Vec<u64>);

impl Observer for Sizes {
    fn on_event(&mut self, event: &Event) {
        if let Event::CheckpointWritten { path } = event {
            self.0.push(fs::metadata(path).unwrap().len());
        }
    }
}

#[test]
fn a_checkpoint_does_not_grow_with_the_run() {
    let place = tempfile::tempdir().unwrap();
    let mut config = cuba(&[2.0]);
    // After each piece of 50 ms.
    config.checkpoint.every = Every::new(0.0).unwrap();
    let mut sizes = Sizes::default();
    let summary = begin(&config, &place.path().join("run")).run(&mut sizes).unwrap();
    assert!(number(&summary, "spikes") > 5000.0 && sizes.0.len() == 40, "{:?}, {:?}", summary.details, sizes.0);
    // The last 300 ms of potentials are there from the sixth on.
    let (early, late) = (sizes.0[9], sizes.0[39]);
    assert!(late < early + early / 50, "{:?}", sizes.0);
}

#[test]
fn threads_and_stops_anywhere_change_nothing() {
    let place = tempfile::tempdir().unwrap();
    let config = config("brunel", 400, &[0.2, 0.1]);
    let path = place.path().join("straight");
    let one = straight(&config, &path);
    for threads in [2, 3] {
        let more = whole::<SimulationModel>(&config, None, &place.path().join(threads.to_string()), threads);
        assert_same(&one, &more, &format!("{threads} threads"));
    }
    let questions = stopped_everywhere::<SimulationModel>(&config, None, (&one, &path), 1);
    assert!(questions > 6, "{questions}");
}

/// Stopped again and again, with what a killed process may leave behind in the file of spikes.
#[test]
fn stopped_and_resumed_it_ends_on_the_same_spikes_and_page() {
    let place = tempfile::tempdir().unwrap();
    let config = cuba(&[1.0]);
    let straight = straight(&config, &place.path().join("straight"));
    let path = place.path().join("cut");
    let mut stops = 0;
    let mut run = begin(&config, &path);
    let cut = loop {
        match run.run(&mut StopAt::question(4)) {
            Err(Error::Stopped { .. }) => stops += 1,
            other => break other.unwrap(),
        }
        let file = path.join("spikes.bin");
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend_from_slice(&[7; 61]);
        fs::write(&file, bytes).unwrap();
        run = go_on(&path).unwrap();
    };
    assert!(stops > 2, "{stops}");
    assert_same(&straight, &cut, "cut");
    assert!(straight.details["spikes_sha256"].as_str().is_some_and(|hash| hash.len() == 64));
    let potentials = |report: &str| {
        let page = fs::read_to_string(report).unwrap();
        page.split("Potentials").nth(1).unwrap().split("How they differ").next().unwrap().to_owned()
    };
    assert!(potentials(&straight.report) == potentials(&cut.report));
}

#[test]
fn a_damaged_file_of_spikes_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    stop(begin(&cuba(&[1.0]), &path), 4);
    let file = path.join("spikes.bin");
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    changed[100] ^= 1;
    for damaged in [&changed[..], &bytes[..bytes.len() - 1], &[]] {
        fs::write(&file, damaged).unwrap();
        let error = go_on(&path).map(drop).unwrap_err().to_string();
        assert!(error.contains("spikes.bin") && error.contains("start a new run"), "{error}");
    }
    fs::write(&file, &bytes).unwrap();
    go_on(&path).unwrap();
}

/// `seconds` of the simulation under way may grow: the spikes are those of a run that was as long from the beginning.
#[test]
fn a_simulation_under_way_may_become_longer_but_not_shorter_than_it_is() {
    let place = tempfile::tempdir().unwrap();
    let long = straight(&cuba(&[0.6]), &place.path().join("long"));
    let path = place.path().join("run");
    stop(begin(&cuba(&[0.3]), &path), 4);
    let seconds = |to: f64| {
        move |config: &mut Config| {
            let SimulationStage::Simulate(stage) = &mut config.stages[0];
            stage.seconds = to;
        }
    };
    let grown = edited::<SimulationModel>(None, &path, seconds(0.6)).unwrap().run(&mut Silent).unwrap();
    assert_same(&long, &grown, "made longer on the way");
    // Another network is another run.
    let path = place.path().join("other");
    stop(begin(&cuba(&[0.3]), &path), 4);
    let error = edited::<SimulationModel>(None, &path, |config| {
        config.model.network = config.model.network.with_neurons(400);
    })
    .map(drop);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("model.network.neurons was 500") && error.contains("is 400 now"), "{error}");
}

/// Time goes on from stage to stage.
#[test]
fn two_simulations_in_a_row_are_one() {
    let place = tempfile::tempdir().unwrap();
    let one = straight(&cuba(&[0.5]), &place.path().join("one"));
    let two = straight(&cuba(&[0.3, 0.2]), &place.path().join("two"));
    assert_eq!(one.details["spikes_sha256"], two.details["spikes_sha256"]);
    assert_eq!(number(&two, "bio_seconds"), 0.5);
}

/// What the page says about a network is true of that network.
#[test]
fn each_network_has_words_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let page = |network: &str| {
        let summary = straight(&config(network, 500, &[0.4]), &place.path().join(network));
        (fs::read_to_string(&summary.report).unwrap(), summary)
    };
    let (cobahh, _) = page("cobahh");
    assert!(cobahh.contains("no reset") && !cobahh.contains("a drop is the reset"));
    let (cuba, _) = page("cuba");
    assert!(cuba.contains("a drop is the reset") && cuba.contains("current"));
    let (coba, _) = page("coba");
    assert!(coba.contains("as a variant") && coba.contains("Brian2 gives about 21 Hz for this variant"));
    let (brunel, summary) = page("brunel");
    let cv = number(&summary, "cv_isi");
    assert!(brunel.contains(&format!("CV {cv:.2}")) || cv >= 0.5);
    assert!(brunel.contains("reset to 0 mV; the paper resets to 10 mV") && !brunel.contains("in docs"));
    for page in [&cobahh, &cuba, &coba, &brunel] {
        // Time is written once, from its first to its last tick.
        assert!(page.contains("time, ms") && !page.contains("time from") && !page.contains("ms, ms"));
        assert!(page.contains(">100</text>") && page.contains(">400</text>"));
        assert!(page.contains("times faster") || page.contains("times slower"));
        assert!(!page.contains(&place.path().display().to_string()), "an absolute path stands on the page");
    }
}

/// The network starts from potentials drawn at random, and its first answer to them is one great wave.
#[test]
fn statistics_leave_out_the_start() {
    let place = tempfile::tempdir().unwrap();
    let run = |name: &str, skip| {
        let mut config = config("brunel", 2500, &[0.5]);
        let SimulationStage::Simulate(stage) = &mut config.stages[0];
        stage.skip = skip;
        straight(&config, &place.path().join(name))
    };
    let (all, late, same) = (run("all", Some(0.0)), run("late", None), run("same", Some(0.2)));
    assert_eq!((number(&all, "skipped_seconds"), number(&late, "skipped_seconds")), (0.0, 0.2));
    assert_eq!(all.details["spikes_sha256"], late.details["spikes_sha256"]);
    let (before, after) = (number(&all, "synchrony"), number(&late, "synchrony"));
    assert!(before > 1.2 * after, "{before}, {after}");
    assert_same(&late, &same, "0.2 s is what is left out unless the configuration says otherwise");
    let page = fs::read_to_string(&late.report).unwrap();
    assert!(page.contains("from 0.2 s to 0.5 s") && page.contains("left out</dt><dd>0.2 s"));
    // Half of a run that is short.
    let short = straight(&cuba(&[0.1]), &place.path().join("short"));
    assert_eq!(number(&short, "skipped_seconds"), 0.05);
}

#[test]
fn what_no_network_can_do_is_refused_without_a_trace() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    for (seconds, part) in [(0.000_01, "stages[0]"), (0.000_15, "stages[0]")] {
        let error = start::<SimulationModel>(&cuba(&[seconds]), None, &path).map(drop).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(!path.exists());
}
