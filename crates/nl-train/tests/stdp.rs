//! A small competitive network learns procedural digits: what it reaches, and that neither threads nor stops change a bit.

use std::path::Path;

use nl_data::{Choice, Lookup, Source, Split, resolve};
use nl_train::{Event, Observer, Preset, RunFolder, Silent, StdpConfig, StdpRun, StdpSummary};

fn data(train: usize, test: usize) -> (Split, Source) {
    resolve("mnist", &Choice::Synthetic, &Lookup { train, test, ..Lookup::default() }).unwrap()
}

/// 30 neurons, two epochs of 200 images shown for 100 steps.
fn toy() -> StdpConfig {
    let mut config = StdpConfig::preset(Preset::Quick, 30, None).unwrap();
    (config.epochs, config.validation, config.train, config.label) = (2, 40, None, None);
    config.input.steps = 100;
    config.watch = 3;
    config
}

fn start(config: StdpConfig, folder: &Path) -> StdpRun {
    let (split, source) = data(240, 60);
    StdpRun::start(config, split, source, RunFolder::create(folder).unwrap()).unwrap()
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Stops once this many images are learned or told.
struct Impatient(u64, bool);

impl Observer for Impatient {
    fn on_event(&mut self, event: &Event) {
        if let Event::Step { done, .. } = event {
            self.1 = *done >= self.0;
        }
    }

    fn stop_requested(&self) -> bool {
        self.1
    }
}

fn assert_same(a: &StdpSummary, b: &StdpSummary) {
    assert_eq!(a.weights_sha256, b.weights_sha256);
    assert_eq!(a.test_accuracy, b.test_accuracy);
    assert_eq!((a.train_samples, a.label_samples, a.test_samples), (b.train_samples, b.label_samples, b.test_samples));
}

/// Metrics without what the clock says.
fn curve(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| line.split(",\"samples_per_second\"").next().unwrap().to_owned()).collect()
}

#[test]
fn threads_and_stops_change_nothing() {
    let place = tempfile::tempdir().unwrap();
    let whole = pool(1).install(|| start(toy(), &place.path().join("1")).run(&mut Silent)).unwrap();
    assert_eq!((whole.train_samples, whole.label_samples, whole.test_samples), (400, 240, 60));
    assert_eq!(curve(&place.path().join("1")).len(), 3);
    for threads in [2, 3] {
        let path = place.path().join(threads.to_string());
        let other = pool(threads).install(|| start(toy(), &path).run(&mut Silent)).unwrap();
        assert_same(&whole, &other);
        assert_eq!(curve(&path), curve(&place.path().join("1")));
    }

    // Stopped four times: while learning, at its end, and while naming the neurons (which then begins again).
    let path = place.path().join("stopped");
    let mut run = start(toy(), &path);
    for images in [64, 200, 400, 1] {
        let error = pool(2).install(|| run.run(&mut Impatient(images, false))).unwrap_err().to_string();
        assert!(error.contains("stopped as asked; a checkpoint is in"), "{error}");
        let (split, source) = data(240, 60);
        run = StdpRun::resume(RunFolder::resume(&path).unwrap(), split, source).unwrap();
    }
    assert_same(&whole, &run.run(&mut Silent).unwrap());
    assert_eq!(curve(&path), curve(&place.path().join("1")));

    // Other images are no way to go on.
    let (split, source) = data(250, 60);
    let error = StdpRun::resume(RunFolder::resume(&path).unwrap(), split, source).err().unwrap().to_string();
    assert!(error.contains("the run was started on"), "{error}");
}

#[test]
fn every_rule_learns_digits_without_labels() {
    let place = tempfile::tempdir().unwrap();
    for (rule, least) in [("diehl-cook", 0.7), ("normalised", 0.7)] {
        let mut config = StdpConfig::preset(Preset::Quick, 100, Some(rule)).unwrap();
        (config.validation, config.train, config.label) = (100, None, Some(1500));
        config.watch = 0;
        let (split, source) = data(3100, 300);
        let folder = RunFolder::create(&place.path().join(rule)).unwrap();
        let summary = StdpRun::start(config, split, source, folder).unwrap().run(&mut Silent).unwrap();
        let accuracy = &summary.test_accuracy;
        for decoder in ["all_activity", "proportion", "log_likelihood"] {
            assert!(accuracy[decoder] > least, "{rule}: {accuracy:?}");
        }
        assert!(summary.samples_per_second.train > 0.0 && summary.seconds["total"] > 0.0);

        let weights = nl_train::read_weights(&place.path().join(rule).join("weights.safetensors")).unwrap();
        assert_eq!((&weights["weights"].0[..], &weights["theta"].0[..]), (&[784, 100][..], &[100][..]));
        let page = std::fs::read_to_string(&summary.report).unwrap();
        for part in
            ["Synthetic data", "Receptive fields", "Where it errs", "Most frequent mistakes", &summary.weights_sha256]
        {
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
    let refused = |change: fn(&mut StdpConfig)| {
        let mut config = toy();
        change(&mut config);
        let (split, source) = data(240, 60);
        let folder = RunFolder::create(&place.path().join("run")).unwrap();
        StdpRun::start(config, split, source, folder).err().unwrap().to_string()
    };
    assert!(refused(|c| c.validation = 240).contains("240"));
    assert!(refused(|c| c.network.tau_theta.0 = f64::NAN).contains("tau_theta"));
    assert!(refused(|c| c.input.steps = 0).contains("steps"));
    assert!(refused(|c| c.watch = u64::MAX).contains("watch"));
    assert!(!place.path().join("run").exists());
}
