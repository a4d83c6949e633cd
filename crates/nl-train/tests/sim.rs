//! A simulation's folder: checkpoints whose cost does not grow with the run, a file of spikes that survives a kill, and what
//! its statistics leave out.

use std::fs;
use std::path::Path;

use nl_train::{Error, Event, Observer, RunFolder, Silent, SimConfig, SimModel, SimRun, SimSummary};

fn config(seconds: f64, checkpoint: f64) -> SimConfig {
    SimConfig { neurons: Some(500), seconds, checkpoint, ..SimConfig::new(SimModel::Cuba) }
}

fn whole(config: SimConfig, folder: &Path) -> SimSummary {
    SimRun::start(config, RunFolder::create(folder).unwrap()).unwrap().run(&mut Silent).unwrap()
}

/// Sizes of the checkpoints, in order; stops after so many.
struct Checkpoints {
    sizes: Vec<u64>,
    stop_after: usize,
}

impl Observer for Checkpoints {
    fn on_event(&mut self, event: &Event) {
        if let Event::CheckpointWritten { path } = event {
            self.sizes.push(fs::metadata(path).unwrap().len());
        }
    }

    fn stop_requested(&self) -> bool {
        self.sizes.len() >= self.stop_after
    }
}

#[test]
fn a_checkpoint_does_not_grow_with_the_run() {
    let place = tempfile::tempdir().unwrap();
    let mut seen = Checkpoints { sizes: Vec::new(), stop_after: usize::MAX };
    let folder = RunFolder::create(&place.path().join("run")).unwrap();
    let summary = SimRun::start(config(2.0, 0.1), folder).unwrap().run(&mut seen).unwrap();
    assert!(summary.spikes > 5000 && seen.sizes.len() == 19, "{} spikes, {:?}", summary.spikes, seen.sizes);
    let (early, late) = (seen.sizes[4], seen.sizes[18]); // the last 300 ms of potentials are there from the fourth on
    assert!(late < early + early / 50, "{:?}", seen.sizes);
}

/// Stopped again and again, with what a killed process may leave behind in the file of spikes.
#[test]
fn stopped_and_resumed_it_ends_on_the_same_spikes_and_page() {
    let place = tempfile::tempdir().unwrap();
    let straight = whole(config(1.0, 0.2), &place.path().join("straight"));
    let path = place.path().join("cut");
    let mut stops = 0;
    let mut run = SimRun::start(config(1.0, 0.2), RunFolder::create(&path).unwrap()).unwrap();
    let cut = loop {
        match run.run(&mut Checkpoints { sizes: Vec::new(), stop_after: 1 }) {
            Err(Error::Stopped { .. }) => stops += 1,
            other => break other.unwrap(),
        }
        let file = path.join("spikes.bin");
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend_from_slice(&[7; 61]);
        fs::write(&file, bytes).unwrap();
        run = SimRun::resume(RunFolder::resume(&path).unwrap()).unwrap();
    };
    assert!(stops > 2, "{stops}");
    assert_eq!(straight.spikes_sha256, cut.spikes_sha256);
    assert_eq!((straight.rate_hz, straight.cv_isi, straight.synchrony), (cut.rate_hz, cut.cv_isi, cut.synchrony));
    let potentials = |report: &Path| {
        let page = fs::read_to_string(report).unwrap();
        page.split("Potentials").nth(1).unwrap().split("How they differ").next().unwrap().to_owned()
    };
    assert!(potentials(&straight.report) == potentials(&cut.report));
}

#[test]
fn a_damaged_file_of_spikes_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let run = SimRun::start(config(1.0, 0.2), RunFolder::create(&path).unwrap()).unwrap();
    assert!(matches!(run.run(&mut Checkpoints { sizes: Vec::new(), stop_after: 1 }), Err(Error::Stopped { .. })));
    let file = path.join("spikes.bin");
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    changed[100] ^= 1;
    for damaged in [&changed[..], &bytes[..bytes.len() - 1], &[]] {
        fs::write(&file, damaged).unwrap();
        let error = SimRun::resume(RunFolder::resume(&path).unwrap()).map(drop).unwrap_err().to_string();
        assert!(error.contains("spikes.bin") && error.contains("start a new run"), "{error}");
    }
    fs::write(&file, &bytes).unwrap();
    SimRun::resume(RunFolder::resume(&path).unwrap()).unwrap();
}

/// What the page says about a network is true of that network.
#[test]
fn each_network_has_words_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let page = |model: SimModel| {
        let config = SimConfig { neurons: Some(500), seconds: 0.4, ..SimConfig::new(model) };
        let summary = whole(config, &place.path().join(model.name()));
        (fs::read_to_string(&summary.report).unwrap(), summary)
    };
    let (cobahh, _) = page(SimModel::Cobahh);
    assert!(cobahh.contains("no reset") && !cobahh.contains("a drop is the reset"));
    let (cuba, _) = page(SimModel::Cuba);
    assert!(cuba.contains("a drop is the reset") && cuba.contains("current"));
    let (coba, _) = page(SimModel::Coba);
    assert!(coba.contains("as a variant") && coba.contains("Brian2 gives about 21 Hz for this variant"));
    let (brunel, summary) = page(SimModel::Brunel);
    assert!(brunel.contains(&format!("CV {:.2}", summary.cv_isi.unwrap())) || summary.cv_isi.unwrap() >= 0.5);
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
        let config = SimConfig { neurons: Some(2500), skip, ..SimConfig::new(SimModel::Brunel) };
        whole(SimConfig { seconds: 0.5, ..config }, &place.path().join(name))
    };
    let (all, late, same) = (run("all", Some(0.0)), run("late", None), run("same", Some(0.2)));
    assert_eq!((all.skipped_seconds, late.skipped_seconds), (0.0, 0.2));
    assert_eq!(all.spikes_sha256, late.spikes_sha256);
    assert!(all.synchrony.unwrap() > 1.2 * late.synchrony.unwrap(), "{:?}, {:?}", all.synchrony, late.synchrony);
    assert_eq!((late.synchrony, late.rate_hz, late.cv_isi), (same.synchrony, same.rate_hz, same.cv_isi));
    let page = fs::read_to_string(&late.report).unwrap();
    assert!(page.contains("from 0.2 s to 0.5 s") && page.contains("left out</dt><dd>0.2 s"));
    // Half of a run that is short.
    let short = SimConfig { neurons: Some(500), seconds: 0.1, ..SimConfig::new(SimModel::Cuba) };
    assert_eq!(whole(short, &place.path().join("short")).skipped_seconds, 0.05);
}
