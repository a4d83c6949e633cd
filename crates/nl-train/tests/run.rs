//! The brain's run as a whole, at toy size: the same bits for any number of threads and wherever it is interrupted; its page;
//! what ends it and what is refused.

#[path = "common/brain.rs"]
mod brain;
mod common;

use brain::{bars, data, images, learn, toy};
use common::{
    StopAt, Warnings, assert_same, checkpoints, curve, divided, resume, start, stop, stopped_everywhere, whole,
};
use nl_data::{Images, Source, SourceKind, Split};
use nl_optim::{Algorithm, RmsProp, Schedule};
use nl_train::models::BrainModel;
use nl_train::{ConfigOf, Error, LearnConfig, RunConfig, Silent, shipped};

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let (config, path) = (toy(), |name: &str| dir.path().join(name));
    let data = data(&config);
    let one = whole::<BrainModel>(&config, Some(&data), &path("one"), 1);
    for threads in [2, 3] {
        let more = whole::<BrainModel>(&config, Some(&data), &path(&threads.to_string()), threads);
        assert_same(&one, &more, &format!("{threads} threads"));
        assert_eq!(curve(&path("one")), curve(&path(&threads.to_string())));
    }
    // Two epochs of two stages, six points of each curve and a look at the end of each epoch.
    assert!(curve(&path("one")).len() > 6);
    for file in ["config.yaml", "summary.json", "weights.safetensors", "report.html", "hippocampus.nlm"] {
        assert!(path("one").join(file).is_file(), "{file}");
    }
    let names: Vec<&str> = one.scores.keys().map(String::as_str).collect();
    assert_eq!(names, ["cortex", "knn_probe", "linear_probe", "memory", "mixed", "reconstruction_mse"]);
}

/// Steps, looks at the held-out images, the hippocampus, the evidence, the evaluation and its maps: wherever a run asks.
#[test]
fn the_same_bits_after_an_interruption_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let config = toy();
    let data = data(&config);
    let path = dir.path().join("whole");
    let straight = whole::<BrainModel>(&config, Some(&data), &path, 2);
    let questions = stopped_everywhere::<BrainModel>(&config, Some(&data), (&straight, &path), 1);
    // 6 steps and a look an epoch, 2 epochs a stage, 2 stages; 8 pieces of images.
    assert!(questions > 2 * 2 * 7 + 8, "{questions}");
}

/// Again and again, as somebody with little patience would.
#[test]
fn the_same_bits_after_many_interruptions() {
    let dir = tempfile::tempdir().unwrap();
    let config = toy();
    let data = data(&config);
    let straight = whole::<BrainModel>(&config, Some(&data), &dir.path().join("whole"), 1);
    let path = dir.path().join("broken");
    let mut run = start::<BrainModel>(&config, Some(&data), &path).unwrap();
    let (mut stops, mut question) = (0, 3);
    let summary = loop {
        match run.run(&mut StopAt::question(question)) {
            Err(Error::Stopped { .. }) => stops += 1,
            other => break other.unwrap(),
        }
        run = resume::<BrainModel>(Some(&data), &path).unwrap();
        // What begins again after a stop (the hippocampus, the evaluation) must be able to end.
        question += 1;
    };
    assert!(stops >= 6, "{stops}");
    assert_same(&straight, &summary, "broken");
    assert_eq!(curve(&dir.path().join("whole")), curve(&path));
}

#[test]
fn the_page_shows_all_that_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let (config, (split, mut source)) = (toy(), images());
    let names = ["naught", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    source.class_names = names.map(str::to_owned).to_vec();
    (source.kind, source.name, source.path) =
        (SourceKind::Dir, "unknown".into(), Some("/home/ada/digits of mine".into()));
    let data = divided::<BrainModel>(&config, (split, source));
    let summary = whole::<BrainModel>(&config, Some(&data), &dir.path().join("my run"), 2);
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
        "A brain on the data in digits of mine",
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
        summary.weights_sha256.as_deref().unwrap(),
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
    let config = toy();
    let data = data(&config);
    let straight = whole::<BrainModel>(&config, Some(&data), &dir.path().join("whole"), 1);
    let path = dir.path().join("run");
    // In the second stage: the end of the first has a checkpoint too.
    stop(start::<BrainModel>(&config, Some(&data), &path).unwrap(), 20);
    let newest = checkpoints(&path).pop().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest, bytes).unwrap();

    let mut warnings = Warnings::default();
    let summary = resume::<BrainModel>(Some(&data), &path).unwrap().run(&mut warnings).unwrap();
    assert_same(&straight, &summary, "the checkpoint before leads to the same end");
    // What else is said is about what a toy has learned.
    let changed = |warning: &&String| warning.contains("was changed after it was written");
    assert_eq!(warnings.0.iter().filter(changed).count(), 1, "{:?}", warnings.0);

    // With none left, nothing is guessed.
    for file in checkpoints(&path) {
        std::fs::write(file, b"not a checkpoint").unwrap();
    }
    let error = resume::<BrainModel>(Some(&data), &path).map(drop).unwrap_err().to_string();
    assert!(error.contains("no usable checkpoint"), "{error}");
}

#[test]
fn other_images_and_another_memory_are_refused_on_resume() {
    let dir = tempfile::tempdir().unwrap();
    let config = toy();
    let known = data(&config);
    let path = dir.path().join("run");
    stop(start::<BrainModel>(&config, Some(&known), &path).unwrap(), 2);
    let (split, source) = images();
    let other = divided::<BrainModel>(&config, (split, Source { sha256: "other".into(), ..source }));
    let error = resume::<BrainModel>(Some(&other), &path).map(drop).unwrap_err().to_string();
    assert!(error.contains("the run was started on toy") && error.contains("the same --data"), "{error}");
    assert!(resume::<BrainModel>(None, &path).is_err(), "no images at all");

    // After `remember`, with a memory that is not the run's.
    let mut count = StopAt::never();
    start::<BrainModel>(&config, Some(&known), &dir.path().join("count")).unwrap().run(&mut count).unwrap();
    let path = dir.path().join("late");
    stop(start::<BrainModel>(&config, Some(&known), &path).unwrap(), count.asked.get());
    let file = path.join("hippocampus.nlm");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = resume::<BrainModel>(Some(&known), &path).map(drop).unwrap_err().to_string();
    assert!(error.contains("hippocampus.nlm") && error.contains("is not the memory"), "{error}");
}

/// Nothing is tied to MNIST's sizes.
#[test]
fn other_sizes_and_classes_run_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let config = toy();
    let data = divided::<BrainModel>(&config, (bars(), images().1));
    let summary = whole::<BrainModel>(&config, Some(&data), &dir.path().join("run"), 2);
    // A bar at one of three places: far above the third that guessing gets.
    assert!(summary.scores["knn_probe"] > 0.6, "{:?}", summary.scores);
}

/// Runs a changed toy to the number that is none; its error, and the folder, which must still be good to go on from.
fn failing(change: impl Fn(&mut ConfigOf<BrainModel>)) -> (String, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = toy();
    change(&mut config);
    let data = data(&config);
    let error =
        start::<BrainModel>(&config, Some(&data), &dir.path().join("run")).unwrap().run(&mut Silent).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    (error.to_string(), dir)
}

/// RMSprop's first step is ten times the rate: weights that no `f32` can hold, after a loss that was finite.
fn one_step(learn: &mut LearnConfig, batch: usize, rate: f64) {
    (learn.epochs, learn.batch, learn.average) = (1, batch, None);
    learn.optimizer.algorithm = Algorithm::RmsProp(RmsProp::default());
    learn.optimizer.schedule = Schedule::Constant { rate };
    learn.optimizer.weight_decay = 0.0;
}

/// No later loss would have shown it: the last step of a stage.
#[test]
fn weights_that_are_no_numbers_end_the_run_and_leave_the_checkpoints() {
    let (error, dir) = failing(|config| one_step(learn(config, 1), 120, 3e38));
    assert!(error.contains("parameter cortex/") && error.contains("inf in stage Supervised"), "{error}");
    assert!(error.contains("epoch 1, after step 1"), "{error}");
    let path = dir.path().join("run");
    assert!(!path.join("summary.json").exists() && !path.join("weights.safetensors").exists());
    // The newest checkpoint is from before that: resumed, the run fails at the same place and nowhere else.
    let data = data(&toy());
    let again = resume::<BrainModel>(Some(&data), &path).unwrap().run(&mut Silent).unwrap_err().to_string();
    assert_eq!(again, error);
}

/// Weights that are numbers, and make images of none.
#[test]
fn a_validation_loss_that_is_no_number_ends_the_run() {
    let (error, _dir) = failing(|config| one_step(learn(config, 1), 120, 1e37));
    assert!(error.contains("the validation loss became NaN in stage Supervised, epoch 1"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_at_the_start_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let known = data(&toy());
    let path = dir.path().join("run");
    let refused = |change: &dyn Fn(&mut ConfigOf<BrainModel>), part: &str| {
        let mut config = toy();
        change(&mut config);
        let error = start::<BrainModel>(&config, Some(&known), &path).map(drop).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
        assert!(!path.exists(), "{part}: no trace of a run that could not begin");
    };
    refused(&|config| learn(config, 1).batch = 0, "batch 0");
    refused(&|config| learn(config, 1).min_images = u64::MAX, "min_images is 18446744073709551615");
    refused(&|config| config.model.augment_side = Some(0), "augment_side is 0");
    refused(&|config| config.model.regions.retina_kernel = 4, "retina_kernel");
    refused(&|config| config.name = "a/b".into(), "name is \"a/b\"");
    refused(&|config| config.stages.clear(), "stages is empty");
    let error = start::<BrainModel>(&toy(), None, &path).map(drop).unwrap_err().to_string();
    assert!(error.contains("learns from images, and there are none"), "{error}");
}

/// Nine classes, of which one has a single image and one has two, 8 x 12 pixels, 45 images: fewer than a batch, than the
/// validation images and than the neighbours of the presets.
#[test]
fn a_small_set_runs_and_says_what_it_did_otherwise() {
    let mut config = toy();
    let preset = RunConfig::of::<BrainModel>(shipped("mnist-quick").unwrap()).unwrap();
    config.data = preset.data.clone();
    for stage in [0, 1] {
        *learn(&mut config, stage) = learn(&mut preset.clone(), stage).clone();
        learn(&mut config, stage).min_images = 4_000;
    }
    config.model.hippocampus.neighbours = 50;
    let class = |i: usize| match i {
        0 => 7,
        1 | 2 => 8,
        _ => i % 7,
    };
    let bright = |n: usize, shift: usize| {
        // A bright column: its place is the class.
        let pixel = |p: usize| if p % 12 == class(p / 96) + shift { 220 } else { 20 + (p * 7 % 40) as u8 };
        let labels = (0..n).map(|i| class(i) as u8).collect();
        Images::new((0..n * 96).map(pixel).collect(), labels, 8, 12, 9).unwrap()
    };
    let split = Split { train: bright(45, 1), test: bright(30, 1) };
    let data = divided::<BrainModel>(&config, (split, images().1));
    let dir = tempfile::tempdir().unwrap();
    let mut warnings = Warnings::default();
    let run = start::<BrainModel>(&config, Some(&data), &dir.path().join("run")).unwrap();
    let summary = run.run(&mut warnings).unwrap();
    let warnings = warnings.0;
    for part in ["stages[1].learn.batch is 128, too many for 39 samples", "min_images", "neighbours is 50"] {
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:?}");
    }
    // Guessing gets a seventh.
    assert!(summary.scores["mixed"] > 0.8, "{:?} {warnings:?}", summary.scores);
    assert!(!warnings.iter().any(|warning| warning.contains("next to nothing")), "{warnings:?}");
}

/// Labels that nothing in the images tells: it is said, in the terminal and above the page.
#[test]
fn a_brain_that_learned_nothing_says_so() {
    let config = toy();
    let (split, source) = images();
    let other = |images: &Images, factor: usize| {
        let labels = (0..images.len()).map(|i| (i * factor % 11 % 10) as u8).collect();
        Images::new(images.pixels().to_vec(), labels, images.height(), images.width(), 10).unwrap()
    };
    let split = Split { train: other(&split.train, 7), test: other(&split.test, 5) };
    let data = divided::<BrainModel>(&config, (split, source));
    let dir = tempfile::tempdir().unwrap();
    let mut warnings = Warnings::default();
    let run = start::<BrainModel>(&config, Some(&data), &dir.path().join("run")).unwrap();
    let summary = run.run(&mut warnings).unwrap();
    assert!(warnings.0.iter().any(|warning| warning.contains("learned next to nothing")), "{:?}", warnings.0);
    assert!(std::fs::read_to_string(summary.report).unwrap().contains("learned next to nothing"));
}
