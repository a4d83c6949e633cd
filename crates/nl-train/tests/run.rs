//! The pipeline as a whole, at toy size: the same bits for any number of threads and however often it is interrupted.

use std::path::Path;

use nl_brain::BrainConfig;
use nl_data::{Images, Source, SourceKind, Split, synthetic};
use nl_train::{BrainRun, Error, Event, Observer, Preset, RunConfig, RunFolder, Silent, Summary};

/// 140 images for training and 40 for testing, and a brain of a few units a region.
fn toy() -> (RunConfig, Split, Source) {
    let split = synthetic::digits(140, 40, 3);
    let mut config = RunConfig::preset(Preset::Quick).unwrap();
    config.validation = 20;
    config.shard = 8;
    config.brain = BrainConfig {
        retina: 4,
        thalamus_hidden: 2,
        v1: 4,
        v2: 6,
        v4: 6,
        embedding: 12,
        cerebellum: [6, 4],
        ..BrainConfig::default()
    };
    for learn in [&mut config.self_supervised.learn, &mut config.supervised.learn] {
        (learn.epochs, learn.batch, learn.min_images, learn.min_batches) = (2, 20, 0, 0);
    }
    (config.probe.epochs, config.probe.batch) = (3, 20);
    let source = Source {
        kind: SourceKind::Synthetic,
        name: "synthetic".into(),
        path: None,
        sha256: "toy".into(),
        text: "toy digits".into(),
        class_names: Vec::new(),
    };
    (config, split, source)
}

fn run(threads: usize, folder: &Path) -> Summary {
    let (config, split, source) = toy();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let folder = RunFolder::create(folder).unwrap();
        BrainRun::start(config, split, source, folder).unwrap().run(&mut Silent).unwrap()
    })
}

/// What of a summary must not depend on threads or interruptions.
fn result(summary: &Summary) -> (String, [f64; 6]) {
    let (test, ssl) = (&summary.test_accuracy, &summary.ssl);
    let scores =
        [test.cortex, test.memory, test.mixed, ssl.knn_accuracy, ssl.linear_probe_accuracy, ssl.reconstruction_mse];
    (summary.weights_sha256.clone(), scores)
}

/// Asks to stop after a number of steps.
struct StopAfter(usize);

impl Observer for StopAfter {
    fn on_event(&mut self, event: &Event) {
        if matches!(event, Event::Step { .. }) {
            self.0 = self.0.saturating_sub(1);
        }
    }

    fn stop_requested(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let one = run(1, &dir.path().join("one"));
    for threads in [2, 3] {
        let more = run(threads, &dir.path().join(threads.to_string()));
        assert_eq!(result(&one), result(&more), "{threads} threads");
    }
    let metrics = |name: &str| std::fs::read_to_string(dir.path().join(name).join("metrics.jsonl")).unwrap();
    assert_eq!(metrics("one"), metrics("3"));
    assert!(metrics("one").lines().count() > 6);
    for file in ["config.yaml", "summary.json", "weights.safetensors", "report.html"] {
        assert!(dir.path().join("one").join(file).is_file(), "{file}");
    }
}

#[test]
fn the_same_bits_after_interruptions() {
    let dir = tempfile::tempdir().unwrap();
    let whole = run(1, &dir.path().join("whole"));
    let path = dir.path().join("broken");
    let (config, split, source) = toy();
    let folder = RunFolder::create(&path).unwrap();
    // 6 steps an epoch, 2 epochs a stage: in the first stage, at its very end, in the second.
    let stops = [4, 8, 3];
    let mut outcome = BrainRun::start(config, split, source, folder).unwrap().run(&mut StopAfter(stops[0]));
    for steps in &stops[1..] {
        assert!(matches!(outcome, Err(Error::Stopped { .. })), "{outcome:?}");
        let (_, split, source) = toy();
        outcome =
            BrainRun::resume(RunFolder::resume(&path).unwrap(), split, source).unwrap().run(&mut StopAfter(*steps));
    }
    assert!(matches!(outcome, Err(Error::Stopped { .. })), "{outcome:?}");
    let (_, split, source) = toy();
    let summary = BrainRun::resume(RunFolder::resume(&path).unwrap(), split, source).unwrap().run(&mut Silent).unwrap();
    assert_eq!(result(&whole), result(&summary));
    let metrics = |name: &str| std::fs::read_to_string(dir.path().join(name).join("metrics.jsonl")).unwrap();
    assert_eq!(metrics("whole"), metrics("broken"));
}

#[test]
fn the_page_shows_all_that_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let (config, split, mut source) = toy();
    let names = ["naught", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    source.class_names = names.map(str::to_owned).to_vec();
    (source.kind, source.name, source.path) =
        (SourceKind::Dir, "unknown".into(), Some("/home/ada/digits of mine".into()));
    let folder = RunFolder::create(&dir.path().join("my run")).unwrap();
    let summary = BrainRun::start(config, split, source, folder).unwrap().run(&mut Silent).unwrap();
    let page = std::fs::read_to_string(&summary.report).unwrap();
    for id in [
        "result",
        "wiring",
        "learning",
        "filters",
        "map",
        "reconstructions",
        "confusion",
        "reliability",
        "gates",
        "trust",
        "memories",
        "mistakes",
        "time",
        "repeat",
    ] {
        assert_eq!(page.matches(&format!("<section id=\"{id}\"")).count(), 1, "section {id}");
    }
    for words in [
        "A brain on the images in digits of mine",
        "Data of your own.",
        "Filters of the retina",
        "Filters of V1",
        "4 maps of 14 × 14",
        "Stage 2",
        "How it was chosen",
        "Most frequent mistakes",
        "naught",
        "Where memory is torn",
        "By class",
        "After stage 1, before any label",
        "SHA-256 of the weights",
        "SHA-256 of the images",
        summary.weights_sha256.as_str(),
    ] {
        assert!(page.contains(words), "{words}");
    }
    // Nobody else's business, and no longer true when the page is mailed.
    assert!(!page.contains("/home/ada"), "an absolute path stands on the page");
    assert!(!page.contains("UNKNOWN") && !page.contains("unknown"));
}

#[test]
fn a_tampered_checkpoint_is_passed_over_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let whole = run(1, &dir.path().join("whole"));
    let path = dir.path().join("run");
    let (config, split, source) = toy();
    let folder = RunFolder::create(&path).unwrap();
    let stopped = BrainRun::start(config, split, source, folder).unwrap().run(&mut StopAfter(9));
    assert!(matches!(stopped, Err(Error::Stopped { .. })));
    let mut files: Vec<_> =
        std::fs::read_dir(path.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let newest = files.last().unwrap();
    let mut bytes = std::fs::read(newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(newest, bytes).unwrap();

    let (_, split, source) = toy();
    let mut warnings = Vec::new();
    let mut collect = |event: &Event| {
        if let Event::Warning { message } = event {
            warnings.push(message.clone());
        }
    };
    let resumed = BrainRun::resume(RunFolder::resume(&path).unwrap(), split, source).unwrap();
    let summary = resumed.run(&mut collect).unwrap();
    assert_eq!(result(&whole), result(&summary), "the checkpoint before leads to the same end");
    // What else is said is about what a toy has learned.
    let of_checkpoints = warnings.iter().filter(|warning| warning.starts_with("checkpoint `")).count();
    assert_eq!(of_checkpoints, 1, "{warnings:?}");

    // With none left, nothing is guessed.
    for entry in std::fs::read_dir(path.join("checkpoints")).unwrap() {
        std::fs::write(entry.unwrap().path(), b"not a checkpoint").unwrap();
    }
    let (_, split, source) = toy();
    assert!(BrainRun::resume(RunFolder::resume(&path).unwrap(), split, source).is_err());
}

#[test]
fn other_images_are_refused_on_resume() {
    let dir = tempfile::tempdir().unwrap();
    let (config, split, source) = toy();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let stopped = BrainRun::start(config, split.clone(), source.clone(), folder).unwrap().run(&mut StopAfter(2));
    assert!(matches!(stopped, Err(Error::Stopped { .. })));
    let other = Source { sha256: "other".into(), ..source };
    let error = BrainRun::resume(RunFolder::resume(&dir.path().join("run")).unwrap(), split, other).err().unwrap();
    assert!(error.to_string().contains("the same --data"), "{error}");
}

/// 9 x 14 images of three classes: nothing is tied to MNIST's sizes.
#[test]
fn other_sizes_and_classes_run_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (config, _, source) = toy();
    let images = |n: usize, offset: usize| {
        let labels: Vec<u8> = (0..n).map(|i| (i % 3) as u8).collect();
        let pixel = |i: usize| {
            let (image, x) = (i / (9 * 14), i % 14);
            if x / 5 == image % 3 { 200 + ((i + offset) % 50) as u8 } else { ((i * 7 + offset) % 40) as u8 }
        };
        Images::new((0..n * 9 * 14).map(pixel).collect(), labels, 9, 14, 3).unwrap()
    };
    let split = Split { train: images(140, 0), test: images(40, 5) };
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let summary = BrainRun::start(config, split, source, folder).unwrap().run(&mut Silent).unwrap();
    // A bar at one of three places: far above the third that guessing gets.
    assert!(summary.ssl.knn_accuracy > 0.6, "{:?}", summary.ssl);
}

/// Starts a toy run with a changed configuration; its error, and the folder, which must still be good to go on from.
fn failing(change: impl Fn(&mut RunConfig)) -> (String, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let (mut config, split, source) = toy();
    change(&mut config);
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let error = BrainRun::start(config, split, source, folder).unwrap().run(&mut Silent).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    (error.to_string(), dir)
}

/// RMSprop's first step is ten times the rate: weights that no `f32` can hold, after a loss that was finite.
fn one_step(learn: &mut nl_train::LearnConfig, batch: usize, rate: f64) {
    (learn.epochs, learn.batch, learn.average) = (1, batch, None);
    learn.algorithm = nl_optim::Algorithm::RmsProp(nl_optim::RmsProp::default());
    learn.rate = nl_train::Pace::Constant { rate };
    learn.weight_decay = 0.0;
}

/// No later loss would have shown it: the last step of a stage.
#[test]
fn weights_that_are_no_numbers_end_the_run_and_leave_the_checkpoints() {
    let (error, dir) = failing(|config| one_step(&mut config.supervised.learn, 120, 3e38));
    assert!(error.contains("parameter cortex/") && error.contains("inf in stage Supervised"), "{error}");
    assert!(error.contains("epoch 1, after step 1"), "{error}");
    assert!(!dir.path().join("run/summary.json").exists() && !dir.path().join("run/weights.safetensors").exists());
    // The newest checkpoint is the end of stage 1: resumed, the run fails at the same place and nowhere else.
    let (_, split, source) = toy();
    let folder = RunFolder::resume(&dir.path().join("run")).unwrap();
    let again = BrainRun::resume(folder, split, source).unwrap().run(&mut Silent).unwrap_err().to_string();
    assert_eq!(again, error);
}

/// Weights that are numbers, and make images of none.
#[test]
fn a_validation_loss_that_is_no_number_ends_the_run() {
    let (error, _dir) = failing(|config| one_step(&mut config.supervised.learn, 120, 1e37));
    assert!(error.contains("the validation loss became NaN in stage Supervised, after epoch 1"), "{error}");
}

/// Nine classes, of which one has a single image and one has two, 8 x 12 pixels, 45 images: fewer than a batch, than the
/// validation images and than the neighbours of the presets.
#[test]
fn a_small_set_runs_and_says_what_it_did_otherwise() {
    let (mut config, _, source) = toy();
    let preset = RunConfig::preset(Preset::Quick).unwrap();
    (config.validation, config.shard) = (preset.validation, preset.shard);
    (config.self_supervised.learn, config.supervised.learn) = (preset.self_supervised.learn, preset.supervised.learn);
    for learn in [&mut config.self_supervised.learn, &mut config.supervised.learn] {
        learn.min_images = 4_000;
    }
    config.hippocampus.neighbours = 50;
    let class = |i: usize| match i {
        0 => 7,
        1 | 2 => 8,
        _ => i % 7,
    };
    let images = |n: usize, shift: usize| {
        // A bright column: its place is the class.
        let pixel = |p: usize| if p % 12 == class(p / 96) + shift { 220 } else { 20 + (p * 7 % 40) as u8 };
        let labels = (0..n).map(|i| class(i) as u8).collect();
        Images::new((0..n * 96).map(pixel).collect(), labels, 8, 12, 9).unwrap()
    };
    let split = Split { train: images(45, 1), test: images(30, 1) };
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let mut warnings = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Warning { message } = event {
            warnings.push(message.clone());
        }
    };
    let summary = BrainRun::start(config, split, source, folder).unwrap().run(&mut observer).unwrap();
    for part in ["supervised.learn.batch is 128, too many for 39 images", "min_images", "neighbours is 50"] {
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:?}");
    }
    // Guessing gets a seventh.
    assert!(summary.test_accuracy.mixed > 0.8, "{:?} {warnings:?}", summary.test_accuracy);
    assert!(!warnings.iter().any(|warning| warning.contains("next to nothing")), "{warnings:?}");
}

/// Labels that nothing in the images tells: it is said, in the terminal and above the page.
#[test]
fn a_brain_that_learned_nothing_says_so() {
    let (config, split, source) = toy();
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let other = |images: &Images, factor: usize| {
        let labels = (0..images.len()).map(|i| (i * factor % 11 % 10) as u8).collect();
        Images::new(images.pixels().to_vec(), labels, images.height(), images.width(), 10).unwrap()
    };
    let split = Split { train: other(&split.train, 7), test: other(&split.test, 5) };
    let mut warnings = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Warning { message } = event {
            warnings.push(message.clone());
        }
    };
    let summary = BrainRun::start(config, split, source, folder).unwrap().run(&mut observer).unwrap();
    assert!(warnings.iter().any(|warning| warning.contains("learned next to nothing")), "{warnings:?}");
    let page = std::fs::read_to_string(summary.report).unwrap();
    assert!(page.contains("learned next to nothing"));
}
