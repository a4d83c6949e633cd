//! Data of one's own: trained on, asked about, refused.

use crate::place::{Place, fails, json};

const HOUSES: &str = "\
name: houses
data: {source: houses.csv, target: [price], validation: 10}
model: {kind: layers, layers: [{kind: linear, units: 8}, {kind: activation, function: tanh}]}
stages:
  - kind: supervise
    loss: {kind: quantile, quantiles: [0.1, 0.5, 0.9]}
    learn: {epochs: 30, batch: 8, optimizer: {algorithm: {kind: adam}, schedule: {kind: constant, rate: 1.0e-2}}}
";

fn with_houses() -> Place {
    let place = Place::new();
    let row = |i: u32| format!("{},{},{}\n", 30 + i, i % 5, 1_000 * (30 + i) + 5_000 * (i % 5));
    place.write("houses.csv", "area,rooms,price\n".to_owned() + &(0..80).map(row).collect::<String>());
    place.write("houses.yaml", HOUSES);
    place
}

#[test]
fn a_table_is_learned_asked_and_told() {
    let place = with_houses();
    let (summary, said) = json(&mut place.command("train --config houses.yaml --out run --json"));
    assert!(said.contains("a table of unknown origin from houses.csv: 64 training and 16 test samples"), "{said}");
    assert!(summary["scores"]["r2"].as_f64().unwrap() > 0.5, "{summary}");
    assert!(summary["scores"]["interval_coverage"].as_f64().is_some(), "{summary}");
    let (asked, _) = json(&mut place.command("eval --run run --json"));
    assert_eq!(asked["scores"], summary["scores"]);
    place.write("new.csv", "rooms,area\n3,60\n");
    let (told, _) = json(&mut place.command("predict run new.csv --json"));
    let value = &told["values"][0];
    assert!(value["name"] == "price" && value["quantiles"].as_array().unwrap().len() == 3, "{told}");
    assert!((value["value"].as_f64().unwrap() - 75_000.0).abs() < 20_000.0, "{told}");
    let words = place.command("predict run new.csv").output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.starts_with("new.csv: price ") && words.contains("(80\u{a0}% of probability from "), "{words}");
    fails(&mut place.command("eval --run run --robustness"), &["damage is known for images of bytes"]);
    place.write("other.csv", "area,rooms,cost\n1,2,3\n");
    fails(&mut place.command("eval --run run --data other.csv"), &["no column is called \"price\""]);
}

#[test]
fn a_table_that_does_not_fit_leaves_no_folder() {
    let place = with_houses();
    place.write("houses.yaml", HOUSES.replace("kind: quantile, quantiles: [0.1, 0.5, 0.9]", "kind: focal"));
    place.refuses(
        "train --config houses.yaml --out run",
        &["houses.yaml:6:11: stages[0]: ", "loss `focal` takes classes, and the target is values"],
    );
    place.refuses("train --config houses.yaml --dry-run", &["houses.yaml:6:11: stages[0]: "]);
    place.refuses("mnist --data houses.csv --out run", &["houses.csv: no such folder"]);
    place.change("houses.csv", |bytes| bytes.truncate(bytes.len() - 3));
    place.write("houses.yaml", HOUSES);
    place.change("houses.csv", |bytes| bytes.extend(b"\n1,two,3\n"));
    place.refuses(
        "train --config houses.yaml --out run",
        &["row 81 (line 82), column \"rooms\"", "\"two\" is no number"],
    );
}
