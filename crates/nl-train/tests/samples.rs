//! A network of layers on data of one's own: tables, arrays, pictures, with classes or values.

mod common;
#[path = "common/sets.rs"]
mod sets;

use std::fs;
use std::path::Path;

use common::{assert_same, named, stopped_everywhere, whole};
use nl_data::{Samples, Targets, Values};
use nl_train::models::{Asked, LayersModel, MODELS, Said};
use nl_train::{ConfigOf, DataConfig, Document, RunConfig, RunFolder, Silent, Trained};
use sets::{houses, npy, npz, pets, png};

/// The configurations of docs/own-data.md.
fn page() -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/own-data.md")).unwrap();
    page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn config(yaml: &str) -> ConfigOf<LayersModel> {
    RunConfig::of::<LayersModel>(yaml).unwrap()
}

/// The first configuration of the page, on a table in `dir`.
fn of_houses(dir: &Path, table: &str) -> String {
    fs::write(dir.join("houses.csv"), table).unwrap();
    page()[0].replace("houses.csv", &dir.join("houses.csv").to_string_lossy())
}

#[test]
fn a_table_of_values_is_learned_in_its_own_unit() {
    let place = tempfile::tempdir().unwrap();
    let config = config(&of_houses(place.path(), &houses(300, 1)));
    let data = named::<LayersModel>(&config).unwrap();
    assert_eq!((data.split.train.len(), data.split.test.len(), data.validation.len()), (240, 60, 36));
    assert_eq!(data.split.train.columns(), ["area", "rooms", "age"]);
    let one = place.path().join("one");
    let straight = whole::<LayersModel>(&config, Some(&data), &one, 1);
    // The noise has a standard deviation of 10,000, and a mean absolute value of 8,000.
    let score = |name: &str| straight.scores[name];
    assert!(score("r2") > 0.95 && (7_000.0..20_000.0).contains(&score("mae")), "{:?}", straight.scores);
    assert!(score("rmse") > score("mae") && score("interval_coverage") > 0.8, "{:?}", straight.scores);
    assert!(score("interval_width") > 20_000.0, "{:?}", straight.scores);
    assert!(!straight.scores.contains_key("accuracy"));
    for threads in [2, 3] {
        let other = whole::<LayersModel>(&config, Some(&data), &place.path().join(threads.to_string()), threads);
        assert_same(&straight, &other, &format!("{threads} threads"));
    }
    let questions = stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &one), 331);
    assert!(questions > 700, "it asked {questions} times");
    let metrics = fs::read_to_string(one.join("metrics.jsonl")).unwrap();
    let last = metrics.lines().rfind(|line| line.contains("validation_mae")).unwrap();
    assert!(last.contains("validation_loss") && last.contains("validation_rmse") && last.contains("validation_r2"));
    let report = fs::read_to_string(one.join("report.html")).unwrap();
    for words in ["Estimated beside true", "The largest errors", "mean absolute error of price", "60 test samples"] {
        assert!(report.contains(words), "{words}");
    }

    // Asked again: the same estimates, whatever the order of the columns and what stands beside them.
    let trained = Trained::<LayersModel>::open(&one).unwrap();
    let said = trained.estimate(&data.split.test).unwrap();
    let Targets::Values { values: truth, .. } = data.split.test.targets() else { panic!("classes") };
    let errors = said.iter().zip(truth).map(|(said, truth)| (said[0].value - f64::from(*truth)).abs());
    approx::assert_relative_eq!(errors.sum::<f64>() / 60.0, score("mae"), max_relative = 1e-9);
    assert!(said.iter().all(|said| said[0].name == "price" && said[0].deviation.unwrap() > 1_000.0));
    assert!(trained.predict(&data.split.test).unwrap_err().to_string().contains("names no class"));
    let turned = place.path().join("turned.csv");
    fs::write(&turned, "age,note,rooms,area\n10,x,3,100\n").unwrap();
    let plain = place.path().join("plain.csv");
    fs::write(&plain, "area,rooms,age\n100,3,10\n").unwrap();
    let kind = MODELS.iter().find(|kind| kind.kind == "layers").unwrap();
    let any = kind.open(&one).unwrap();
    let (Said::Values(a), Said::Values(b)) = (any.predict(&turned).unwrap(), any.predict(&plain).unwrap()) else {
        panic!("no values")
    };
    assert_eq!(a, b);
    // 2,000 · 100 + 10,000 · 3 − 500 · 10
    assert!((a[0][0].value - 225_000.0).abs() < 30_000.0, "{a:?}");
    fs::write(&plain, "area,rooms\n100,3\n").unwrap();
    assert!(any.predict(&plain).unwrap_err().to_string().contains("no column is called \"age\""));

    // Another table is asked about as a whole; the run's own by its fold.
    let other = place.path().join("other.csv");
    fs::write(&other, houses(50, 2)).unwrap();
    let asked = |source: &Path| {
        let data = DataConfig { source: nl_data::Choice::Dir(source.into()), ..config.data.clone().unwrap() };
        Asked::Other(data)
    };
    let evaluation = any.beside(&asked(&other), &nl_data::Lookup::default()).unwrap();
    assert!(evaluation.source().text.contains("all its 50 samples"), "{}", evaluation.source());
    let summary = evaluation.evaluate(&mut Silent).unwrap();
    assert!(summary.scores["r2"] > 0.9, "{:?}", summary.scores);
    let tried = nl_train::evaluate::Robustness::default();
    let error = evaluation.robustness(&tried, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("damage is known for images of bytes"), "{error}");
    let own = any.beside(&Asked::Own(config.data.clone().unwrap()), &nl_data::Lookup::default()).unwrap();
    assert_eq!(own.evaluate(&mut Silent).unwrap().scores, straight.scores);
    fs::write(&other, "area,rooms,age,price\n100,3,10,cheap\n90,2,10,dear\n").unwrap();
    let error = any.beside(&asked(&other), &nl_data::Lookup::default()).err().unwrap().to_string();
    assert!(error.contains("these are samples with classes, but the network learned values"), "{error}");
}

/// Without standardising, and with it, the network sees other numbers; what is answered is in the same unit.
#[test]
fn statistics_are_of_what_is_learned_from() {
    let place = tempfile::tempdir().unwrap();
    let yaml = of_houses(place.path(), &houses(60, 3));
    let run = |yaml: &str, name: &str| {
        let config = config(&yaml.replace("epochs: 60", "epochs: 1"));
        let data = named::<LayersModel>(&config).unwrap();
        whole::<LayersModel>(&config, Some(&data), &place.path().join(name), 2);
        let bytes = fs::read(place.path().join(name).join("weights.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mean = tensors.tensor("input/mean").ok().map(|tensor| {
            tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect::<Vec<f32>>()
        });
        (data, mean)
    };
    let (data, mean) = run(&yaml, "auto");
    let Values::F32(values) = data.split.train.values() else { panic!("bytes") };
    let areas = data.learn.iter().map(|&i| f64::from(values[3 * i as usize]));
    approx::assert_relative_eq!(
        f64::from(mean.unwrap()[0]),
        areas.sum::<f64>() / data.learn.len() as f64,
        max_relative = 1e-6
    );
    let (_, none) = run(&yaml.replace("target:", "normalize: none, target:"), "none");
    assert_eq!(none, None);
}

#[test]
fn folds_test_every_row_once() {
    let place = tempfile::tempdir().unwrap();
    let yaml = of_houses(place.path(), &houses(50, 4));
    let mut tested = Vec::new();
    for fold in 0..5 {
        let data = named::<LayersModel>(&config(&yaml.replace("fold: 0", &format!("fold: {fold}")))).unwrap();
        let Targets::Values { values, .. } = data.split.test.targets() else { panic!("classes") };
        assert_eq!(values.len(), 10);
        tested.extend(values.iter().map(|&x| x as i64));
    }
    let table = houses(50, 4);
    let mut all: Vec<i64> = table.lines().skip(1).map(|row| row.rsplit(',').next().unwrap().parse().unwrap()).collect();
    tested.sort_unstable();
    all.sort_unstable();
    assert_eq!(tested, all);
    let list = place.path().join("test.txt");
    fs::write(&list, "3\n1\n").unwrap();
    let listed = yaml.replace("{kind: folds, of: 5, fold: 0}", &format!("{{kind: list, file: {}}}", list.display()));
    assert_eq!(named::<LayersModel>(&config(&listed)).unwrap().split.test.len(), 2);
}

/// Rows of an archive in three classes, by quantile and by class; a run is the same on any number of threads.
#[test]
fn an_archive_of_arrays_in_classes() {
    let place = tempfile::tempdir().unwrap();
    let set = |n: usize| {
        let row = |i: usize| [(i % 3) as f32, (i % 5) as f32 * 0.1].map(f32::to_le_bytes).concat();
        let x: Vec<u8> = (0..n).flat_map(row).collect();
        let y: Vec<u8> = (0..n).map(|i| (i % 3) as u8).collect();
        (npy("<f4", &format!("({n}, 2)"), &x), npy("|u1", &format!("({n},)"), &y))
    };
    let ((x, y), (x_test, y_test)) = (set(90), set(30));
    let file = place.path().join("set.npz");
    fs::write(&file, npz(&[("x_train", x), ("y_train", y), ("x_test", x_test), ("y_test", y_test)])).unwrap();
    let yaml = format!(
        "name: rows\ndata: {{source: {}, validation: 15}}\nmodel: {{kind: layers, layers: [{{kind: linear, units: 8}}, \
         {{kind: activation, function: tanh}}]}}\nstages:\n  - kind: supervise\n    learn: {{epochs: 40, batch: 10, shard: 5, \
         optimizer: {{algorithm: {{kind: adam}}, schedule: {{kind: constant, rate: 3.0e-2}}}}}}\n",
        file.display()
    );
    let config = config(&yaml);
    let data = named::<LayersModel>(&config).unwrap();
    let straight = whole::<LayersModel>(&config, Some(&data), &place.path().join("one"), 1);
    assert_same(&straight, &whole::<LayersModel>(&config, Some(&data), &place.path().join("two"), 2), "2 threads");
    assert_eq!(straight.scores["accuracy"], 1.0, "{:?}", straight.scores);
    assert!(straight.details.contains_key("samples_per_second"), "{:?}", straight.details);
    // A table in place of pixels.
    let report = fs::read_to_string(place.path().join("one/report.html")).unwrap();
    assert!(report.contains("test samples are recognised") && !report.contains("pixels, 3 classes"));
    let asked = place.path().join("new.npy");
    fs::write(&asked, npy("<f4", "(2, 2)", &[2.0_f32, 0.1, 1.0, 0.4].map(f32::to_le_bytes).concat())).unwrap();
    let kind = MODELS.iter().find(|kind| kind.kind == "layers").unwrap();
    let Said::Classes(said) = kind.open(&place.path().join("one")).unwrap().predict(&asked).unwrap() else {
        panic!("no classes")
    };
    assert_eq!(said.iter().map(|one| one.class).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn coloured_pictures_by_folder() {
    let place = tempfile::tempdir().unwrap();
    pets(&place.path().join("pets"), 20);
    let yaml = page()[1].replace("source: pets", &format!("source: {}", place.path().join("pets").display()));
    let config = config(&yaml);
    let data = named::<LayersModel>(&config).unwrap();
    assert_eq!(data.split.train.shape(), [3, 6, 6]);
    let straight = whole::<LayersModel>(&config, Some(&data), &place.path().join("one"), 2);
    assert!(straight.scores["accuracy"] > 0.9, "{:?}", straight.scores);
    let kind = MODELS.iter().find(|kind| kind.kind == "layers").unwrap();
    let any = kind.open(&place.path().join("one")).unwrap();
    let Said::Classes(said) = any.predict(&place.path().join("pets/dog/3.png")).unwrap() else { panic!("values") };
    assert_eq!(said[0].name, "dog");
    let grey = place.path().join("small.png");
    png(&grey, png::ColorType::Grayscale, (5, 6), &[0; 30]);
    let error = any.predict(&grey).unwrap_err().to_string();
    assert!(error.contains("images of 3 × 6 × 5, but the network learned 3 × 6 × 6"), "{error}");
    // Pictures of one class alone are told by the names of all.
    let dogs = place.path().join("dogs");
    fs::create_dir_all(dogs.join("dog")).unwrap();
    fs::copy(place.path().join("pets/dog/1.png"), dogs.join("dog/1.png")).unwrap();
    let asked = |dir: &Path| {
        Asked::Other(DataConfig { source: nl_data::Choice::Dir(dir.into()), ..config.data.clone().unwrap() })
    };
    let scores = any.beside(&asked(&dogs), &nl_data::Lookup::default()).unwrap().evaluate(&mut Silent).unwrap().scores;
    assert_eq!(scores["accuracy"], 1.0);
    fs::rename(dogs.join("dog"), dogs.join("cow")).unwrap();
    let error = any.beside(&asked(&dogs), &nl_data::Lookup::default()).err().unwrap().to_string();
    assert!(error.contains("the class \"cow\" is not among those known"), "{error}");
    // Two sizes.
    png(&place.path().join("pets/cat/0.png"), png::ColorType::Rgb, (5, 6), &[0; 90]);
    let error = named::<LayersModel>(&config).unwrap_err().to_string();
    assert!(error.contains("6x6 in colour") && error.contains("6x5 in colour"), "{error}");
}

/// The angle by which a digit was turned is told better than by always saying 0, whose mean absolute error is 22.5 degrees.
#[test]
fn the_angle_of_a_digit_is_told() {
    let shipped = nl_train::shipped("rotation").unwrap();
    let mut document = Document::read("rotation", shipped).unwrap();
    for set in [
        "data={source: synthetic, validation: 60, synthetic: {train: 500, test: 100}}",
        "model.layers=[{kind: conv-block, channels: 8, kernel: 5, pool: max}, {kind: flatten}, {kind: linear, units: 32}]",
        "stages[0].learn.epochs=3",
        "stages[0].learn.min_images=0",
    ] {
        document.assign(set).unwrap();
    }
    let config = document.config::<LayersModel>().unwrap();
    let place = tempfile::tempdir().unwrap();
    let data = named::<LayersModel>(&config).unwrap();
    let one = place.path().join("one");
    let straight = whole::<LayersModel>(&config, Some(&data), &one, 1);
    assert!(straight.scores["mae"] < 18.0, "{:?}", straight.scores);
    assert_same(&straight, &whole::<LayersModel>(&config, Some(&data), &place.path().join("two"), 2), "2 threads");
    stopped_everywhere::<LayersModel>(&config, Some(&data), (&straight, &one), 23);
    let trained = Trained::<LayersModel>::open(&one).unwrap();
    // The angles of the test are those of each image, whoever asks.
    assert_eq!(trained.evaluate(&data, &mut Silent).unwrap().scores, straight.scores);
    let said = trained.estimate(&data.split.test).unwrap();
    assert!(said.iter().all(|said| said[0].name == "degrees" && said[0].value.abs() < 60.0));
}

/// A misfit is told with the line and column of the configuration, before a folder is made.
#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let place = tempfile::tempdir().unwrap();
    let houses = of_houses(place.path(), &houses(60, 5));
    let refused = |yaml: &str| {
        let document = Document::read("own.yaml", yaml).unwrap();
        let mut folder = |_: &str| -> Result<RunFolder, nl_train::Error> { panic!("a folder was made") };
        let kind = nl_train::models::Kind::of_document(&document).unwrap();
        kind.start(&document, &nl_data::Lookup::default(), &mut folder).err().unwrap().to_string()
    };
    let line = |yaml: &str, part: &str| yaml.lines().position(|line| line.contains(part)).unwrap() + 1;
    let changed = |from: &str, to: &str| {
        assert!(houses.contains(from), "{from}");
        houses.replace(from, to)
    };
    let yaml = changed("{kind: gaussian}", "{kind: cross-entropy}");
    let said = refused(&yaml);
    let place_of = format!("own.yaml:{}:11: stages[0]: ", line(&yaml, "cross-entropy"));
    assert!(said.starts_with(&place_of), "{said}");
    assert!(
        said.contains("loss `cross-entropy` takes classes, and the target is values; use `mse`, `huber`"),
        "{said}"
    );
    let yaml = changed("loss: {kind: gaussian}", "augment: {shift: 1}");
    let said = refused(&yaml.replace("learn:", "loss: {kind: mse}\n    learn:"));
    assert!(said.contains("augment changes pictures, and these are samples of 3"), "{said}");
    assert!(said.starts_with(&format!("own.yaml:{}:14: ", line(&yaml, "augment"))), "{said}");
    let said =
        refused(&changed("loss: {kind: gaussian}", "target: {kind: rotation, degrees: 45}\n    loss: {kind: mse}"));
    assert!(said.contains("target: only pictures can be turned, and these are samples of 3"), "{said}");
    let said =
        refused(&changed("loss: {kind: gaussian}", "target: {kind: rotation, degrees: 0}\n    loss: {kind: mse}"));
    assert!(said.contains("degrees is 0"), "{said}");
    let said = refused(&changed("target: [price]", "target: [prize]"));
    assert!(said.contains("no column is called \"prize\"; there are name, area"), "{said}");
    let said = refused(&changed("fold: 0", "fold: 5"));
    assert!(said.contains("fold 5 of 5; they are counted from 0"), "{said}");
    // A brain reads grey images only.
    let brain = nl_train::shipped("mnist-quick").unwrap().replace("source: auto", "source: synthetic, target: [price]");
    assert!(refused(&brain).contains("are for a model of kind `layers`"), "{}", refused(&brain));

    let table = |text: &str| {
        fs::write(place.path().join("houses.csv"), text).unwrap();
        refused(&houses)
    };
    let said = table("area,rooms,age,price\n1,2,3,4\n1,nan,3,4\n");
    assert!(said.contains("row 2 (line 3), column \"rooms\": the value is missing"), "{said}");
    assert!(table("area,rooms,age,price\n").contains("no row below the header"));
    let said = table("area,rooms,age,price\n1,2,3,4\n");
    assert!(said.contains("5 folds of 1 items"), "{said}");
    fs::write(place.path().join("houses.csv"), "area,rooms,age,price\n1,2,3,4\n2,2,3,4\n").unwrap();
    let said = refused(&changed("{kind: folds, of: 5, fold: 0}", "{kind: stratified, share: 0.5}"));
    assert!(said.contains("there is 1 training sample: none can be held out"), "{said}");
    // One class only.
    let one: String = (0..20).map(|i| format!("{i},2,3,dear\n")).collect();
    fs::write(place.path().join("houses.csv"), format!("area,rooms,age,price\n{one}")).unwrap();
    let said = refused(&changed("{kind: gaussian}", "{kind: cross-entropy}"));
    assert!(said.contains("takes 2 classes or more, and there are 1"), "{said}");
    let said = refused(&houses);
    assert!(said.contains("loss `gaussian` takes values, and the target is classes"), "{said}");
}

/// A constant column and a constant value are learned without a division by 0.
#[test]
fn what_never_varies_stays() {
    let place = tempfile::tempdir().unwrap();
    let rows: String = (0..40).map(|i| format!("{i},3,7,5\n")).collect();
    let yaml = of_houses(place.path(), &format!("area,rooms,age,price\n{rows}")).replace("epochs: 60", "epochs: 2");
    let config = config(&yaml);
    let data = named::<LayersModel>(&config).unwrap();
    let summary = whole::<LayersModel>(&config, Some(&data), &place.path().join("run"), 1);
    assert_eq!((summary.scores["mae"], summary.scores.get("r2")), (0.0, None), "{:?}", summary.scores);
}

/// Grey images of bytes are the same whether they are read as images or as samples.
#[test]
fn images_are_samples() {
    let (split, source) = common::digits(40, 10);
    let samples: nl_data::SampleSplit = split.clone().into();
    assert_eq!(samples.train, Samples::from(split.train));
    let yaml = page()[1].replace("source: pets, colour: rgb", "source: synthetic, synthetic: {train: 40, test: 10}");
    let found = named::<LayersModel>(&config(&yaml)).unwrap();
    assert_eq!((found.split, found.source.sha256), (samples, source.sha256));
}
