//! Which samples a run gets, from each kind of source.

use std::fs;
use std::path::{Path, PathBuf};

use nl_data::read::{Options, Task};
use nl_data::{
    Choice, Division, Lookup, SourceKind, Targets, resolve, resolve_samples, resolve_test, save_idx_dir, synthetic,
};
use tempfile::tempdir;

fn nowhere() -> Lookup {
    Lookup { cache: "does/not/exist".into(), train: 20, test: 10, ..Lookup::default() }
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

#[test]
fn a_file_is_known_by_its_ending_and_divided_as_said() {
    let choice = Choice::Dir(reference("coloured.npz"));
    let (split, source) = resolve_samples("pets", &choice, &nowhere(), &Options::default()).unwrap();
    assert_eq!((split.train.len(), split.test.len(), &source.name[..]), (3, 1, "unknown"));
    for words in ["arrays of unknown origin", "3 training and 1 test samples of 3x2x4, 2 classes", "not used: note"] {
        assert!(source.text.contains(words), "{words:?} is not in: {source}");
    }
    let dir = tempdir().unwrap();
    let file = dir.path().join("houses.CSV");
    let rows: String = (0..10).map(|i| format!("{i},{},{}\n", i * i, i % 2)).collect();
    fs::write(&file, format!("rooms,area,price\n{rows}")).unwrap();
    let choice = Choice::Dir(file);
    let options = Options { target: vec!["price".into()], ..Options::default() };
    let (split, source) = resolve_samples("houses", &choice, &nowhere(), &options).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (8, 2));
    for words in ["a table of unknown origin", "1 value a sample", "the test set is a stratified draw of 0.2, seed 1"] {
        assert!(source.text.contains(words), "{words:?} is not in: {source}");
    }
    let options = Options { task: Task::Classes, split: Division::Folds { of: 5, fold: 1 }, ..options };
    let (folds, other) = resolve_samples("houses", &choice, &nowhere(), &options).unwrap();
    assert_eq!((folds.test.labels().unwrap(), &other.class_names[..]), (&[0, 1][..], &["0".into(), "1".into()][..]));
    assert_ne!(source.sha256, other.sha256);
    assert!(source.sha256.len() == 64 && other.text.contains("fold 1 of 5"), "{other}");
}

#[test]
fn a_folder_is_known_by_what_it_holds() {
    let dir = tempdir().unwrap();
    let table = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let kind = |path: &Path| resolve_samples("x", &Choice::Dir(path.into()), &nowhere(), &Options::default());
    let error = kind(dir.path()).unwrap_err().to_string();
    assert!(error.contains("nothing to read here: pass a .npz or .csv file"), "{error}");
    assert!(kind(&dir.path().join("absent")).unwrap_err().to_string().contains("absent: no such file or folder"));

    for class in ["cat", "dog"] {
        fs::create_dir_all(dir.path().join("train").join(class)).unwrap();
        for name in ["1.png", "2.png"] {
            fs::copy(reference("grey.png"), dir.path().join("train").join(class).join(name)).unwrap();
        }
    }
    // Without a test folder, the folder of training pictures is a set by itself.
    let (_, pictures) = kind(&dir.path().join("train")).unwrap();
    assert_eq!(pictures.class_names, ["cat", "dog"]);
    assert!(pictures.text.contains("pictures of unknown origin"), "{pictures}");

    fs::copy(reference("c_f4.npy"), dir.path().join("x.npy")).unwrap();
    fs::copy(reference("c_f4.npy"), dir.path().join("y.npy")).unwrap();
    let (arrays, _) = kind(dir.path()).unwrap();
    assert!(matches!(arrays.train.targets(), Targets::Values { width: 6, .. }));

    table("train.csv", "a,target\n1,2\n");
    table("test.csv", "a,target\n1,2\n");
    assert_eq!(kind(dir.path()).unwrap().0.train.shape(), [1]);

    save_idx_dir(&synthetic::digits(20, 10, 1), dir.path()).unwrap();
    assert_eq!(kind(dir.path()).unwrap().0.train.shape(), [28, 28]);
}

#[test]
fn grey_images_are_those_of_resolve() {
    let dir = tempdir().unwrap();
    save_idx_dir(&synthetic::digits(20, 10, 1), dir.path()).unwrap();
    let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    fs::write(dir.path().join("classes.txt"), names.join("\n")).unwrap();
    let choice = Choice::Dir(dir.path().into());
    let (images, known) = resolve("mnist", &choice, &nowhere()).unwrap();
    let (samples, source) = resolve_samples("mnist", &choice, &nowhere(), &Options::default()).unwrap();
    assert_eq!((source.sha256, &source.class_names), (known.sha256, &known.class_names));
    assert_eq!(samples.train.targets().names(), names);
    assert_eq!(nl_data::Images::try_from(samples.train), Ok(images.train));
}

#[test]
fn datasets_then_cache_then_digits_for_known_names_only() {
    let (datasets, cache) = (tempdir().unwrap(), tempdir().unwrap());
    let lookup = Lookup { datasets: Some(datasets.path().into()), cache: cache.path().into(), ..nowhere() };
    let found = |name: &str| resolve_samples(name, &Choice::Auto, &lookup, &Options::default());
    let (_, digits) = found("fashion-mnist").unwrap();
    assert_eq!(digits.kind, SourceKind::Synthetic);
    assert!(digits.text.contains("fashion-mnist was not found"), "{digits}");
    let error = found("houses").unwrap_err().to_string();
    assert!(error.contains("houses was not found") && error.contains("houses.csv"), "{error}");
    let table = "a,target\n1,2\n2,3\n3,4\n";
    fs::create_dir(cache.path().join("houses")).unwrap();
    for name in ["train.csv", "test.csv"] {
        fs::write(cache.path().join("houses").join(name), table).unwrap();
    }
    assert_eq!(found("houses").unwrap().1.kind, SourceKind::Cache);
    fs::write(datasets.path().join("houses.csv"), table).unwrap();
    assert_eq!(found("houses").unwrap().1.path, Some(datasets.path().join("houses.csv")));
    fs::create_dir(datasets.path().join("houses")).unwrap();
    fs::write(datasets.path().join("houses/houses.csv"), table).unwrap();
    let (_, source) = found("houses").unwrap();
    assert_eq!((source.kind, source.path), (SourceKind::Datasets, Some(datasets.path().join("houses/houses.csv"))));
    let lost = Lookup { datasets: Some(datasets.path().join("absent")), ..nowhere() };
    let error = resolve_samples("houses", &Choice::Auto, &lost, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("NL_DATASETS"), "{error}");
}

/// Real Fashion-MNIST, where `$NL_DATASETS` has it: verified by its content, with names for its classes.
#[test]
fn fashion_mnist_is_known_and_named() {
    let lookup = Lookup { cache: "does/not/exist".into(), ..Lookup::from_env() };
    let Some(dir) = lookup.datasets.as_ref().map(|dir| dir.join("fashion-mnist")).filter(|dir| dir.is_dir()) else {
        // Said aloud with `--nocapture`; there is nothing to read.
        eprintln!("NL_DATASETS has no fashion-mnist");
        return;
    };
    let (images, found) = resolve("fashion-mnist", &Choice::Auto, &lookup).unwrap();
    assert_eq!((&found.name[..], found.kind), ("fashion-mnist", SourceKind::Datasets));
    assert!(found.text.contains("content verified"), "{found}");
    assert_eq!((images.train.len(), images.test.len(), images.train.classes()), (60_000, 10_000, 10));
    assert_eq!([0, 8, 9].map(|class| &found.class_names[class][..]), ["T-shirt/top", "Bag", "Ankle boot"]);
    // Found by its folder, it is as well known.
    let (samples, source) = resolve_samples("mnist", &Choice::Dir(dir), &lookup, &Options::default()).unwrap();
    assert_eq!((&source.name[..], source.kind, source.sha256), ("fashion-mnist", SourceKind::Dir, found.sha256));
    assert_eq!(
        (samples.train.targets().names(), source.class_names),
        (&found.class_names[..], found.class_names.clone())
    );
    // The published mean and standard deviation of the training pixels.
    let fitted = nl_data::Normalize::fit(images.train.pixels());
    assert!((fitted.mean() - 0.2860).abs() < 1e-4 && (fitted.std() - 0.3530).abs() < 1e-4, "{fitted:?}");
}

/// Real arrays of another shape, where `$NL_DATASETS` has them: spikes of an electrocardiogram, with a class for each step.
#[test]
fn a_set_of_arrays_is_found_by_its_name() {
    let lookup = Lookup { cache: "does/not/exist".into(), ..Lookup::from_env() };
    if !lookup.datasets.as_ref().is_some_and(|dir| dir.join("qtdb/qtdb.npz").is_file()) {
        eprintln!("NL_DATASETS has no qtdb");
        return;
    }
    let (split, source) = resolve_samples("qtdb", &Choice::Auto, &lookup, &Options::default()).unwrap();
    assert_eq!((split.train.len(), split.test.len(), split.train.shape()), (618, 141, &[1300, 4][..]));
    assert!(matches!(split.train.targets(), Targets::Values { width: 1300, .. }));
    assert!(source.text.contains("not used: "), "{source}");
}

#[test]
fn a_trained_model_is_asked_about_the_test_set_or_about_all() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("houses.csv");
    let rows: String = (0..10).map(|i| format!("{i},{},{}\n", i * i, i % 2)).collect();
    fs::write(&file, format!("rooms,area,target\n{rows}")).unwrap();
    let (all, source) = resolve_test("x", &Choice::Dir(file), &nowhere(), &Options::default()).unwrap();
    assert_eq!((all.len(), all.columns()), (10, &["rooms".to_owned(), "area".to_owned()][..]));
    assert!(source.text.contains("all its 10 samples of 2") && !source.text.contains("drawn"), "{source}");
    let digits = resolve_test("mnist", &Choice::Synthetic, &nowhere(), &Options::default()).unwrap().0;
    assert_eq!(digits.len(), 10);
}

/// One file of what a model is asked about: a picture, an array, a table.
#[test]
fn inputs_of_one_file() {
    use nl_data::read::{Colour, inputs};
    use nl_data::{Limits, Values};
    let read = |path: &Path, options: &Options| inputs(path, options, &Limits::default());
    let rgb = Options { colour: Colour::Rgb, ..Options::default() };
    let picture = read(&reference("grey.png"), &rgb).unwrap();
    assert_eq!((picture.len(), picture.shape()[0], picture.shape().len()), (1, 3, 3));
    let array = read(&reference("c_f4.npy"), &Options::default()).unwrap();
    assert!(matches!(array.values(), Values::F32(_)) && array.labels().unwrap().iter().all(|&label| label == 0));
    let dir = tempdir().unwrap();
    let table = dir.path().join("rows.CSV");
    fs::write(&table, "b,name,a\n1,x,2\n").unwrap();
    let options = Options { inputs: vec!["a".into(), "b".into()], ..Options::default() };
    assert_eq!(read(&table, &options).unwrap().values(), &Values::F32(vec![2.0, 1.0]));
    assert!(read(&table, &Options::default()).unwrap_err().to_string().contains("\"x\" is no number"));
    let other = dir.path().join("rows.txt");
    fs::write(&other, "1").unwrap();
    assert!(read(&other, &options).unwrap_err().to_string().contains("pass a .png, .jpg, .npy or .csv file"));
    assert!(read(&dir.path().join("none.csv"), &options).unwrap_err().to_string().contains("no such file"));
    fs::write(dir.path().join("bad.png"), "no picture").unwrap();
    assert!(read(&dir.path().join("bad.png"), &options).unwrap_err().to_string().contains("neither PNG nor JPEG"));
}
