//! Nothing that looks like a test is left out of the gate: `.ci/run` runs `cargo test --workspace`, and that runs all of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::house::{Kind, dependencies, packages, root, strings, text};
use crate::source::{Token, at, contains, files, reached, read, tokens};

/// What a manifest keeps from `cargo test --workspace`.
fn left_out(manifest: &Table) -> Vec<String> {
    let mut wrong = Vec::new();
    let package = manifest.get("package").and_then(Value::as_table);
    for key in ["autolib", "autobins", "autotests", "autoexamples", "autobenches"] {
        if package.and_then(|package| package.get(key)).and_then(Value::as_bool) == Some(false) {
            wrong.push(format!("{key} = false: a file may be forgotten"));
        }
    }
    for kind in ["lib", "bin", "test", "example", "bench"] {
        let targets: Vec<&Value> = match manifest.get(kind) {
            Some(Value::Array(targets)) => targets.iter().collect(),
            other => other.into_iter().collect(),
        };
        for target in targets {
            let name = target.get("name").and_then(Value::as_str).unwrap_or("");
            if target.get("required-features").is_some() {
                wrong.push(format!("{kind} {name} has required-features: cargo skips it without a word"));
            }
            for key in ["test", "doctest", "harness"] {
                if target.get(key).and_then(Value::as_bool) == Some(false) {
                    wrong.push(format!("{kind} {name} has {key} = false"));
                }
            }
            if kind == "bench" {
                wrong.push(format!("bench {name}: benches live in benches/, a workspace of its own"));
            }
        }
    }
    wrong
}

/// Features that code asks for, and that neither the defaults nor a dependency on itself turn on in tests.
fn turned_off(name: &str, manifest: &Table, asked: &BTreeSet<String>) -> Vec<String> {
    let features = manifest.get("features").and_then(Value::as_table);
    let mut on: Vec<String> = vec!["default".to_owned()];
    let itself = dependencies(manifest).into_iter().filter(|other| other.package == name && other.kind == Kind::Dev);
    on.extend(itself.flat_map(|other| other.features));
    let mut i = 0;
    while i < on.len() {
        let more = features.and_then(|features| features.get(&on[i])).map(strings).unwrap_or_default();
        on.extend(more.into_iter().filter(|feature| !feature.contains([':', '/'])).collect::<Vec<_>>());
        i += 1;
    }
    asked.iter().filter(|feature| !on.contains(feature)).cloned().collect()
}

/// The features that sources name: `feature = "name"` in a `cfg`.
fn asked_for(tokens: &[Token]) -> BTreeSet<String> {
    let named = |i: usize| match tokens.get(i + 2) {
        Some(Token::Text(name)) if at(tokens, i, &["feature", "="]) => Some(name.clone()),
        _ => None,
    };
    (0..tokens.len()).filter_map(named).collect()
}

/// Whether there are tests in an example: they run only if its manifest says `test = true`.
fn has_tests(tokens: &[Token]) -> bool {
    let laws = |token: &Token| matches!(token, Token::Word(word) if word.ends_with("_laws"));
    contains(tokens, &["#", "[", "test", "]"])
        || (0..tokens.len()).any(|i| laws(&tokens[i]) && at(tokens, i + 1, &["!", "("]))
}

/// Files that cargo starts from.
fn starts(dir: &Path, manifest: &Table) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["src/lib.rs", "src/main.rs", "build.rs"]
        .map(|name| dir.join(name))
        .into_iter()
        .filter(|f| f.is_file())
        .collect();
    for folder in ["src/bin", "tests", "examples"] {
        for entry in std::fs::read_dir(dir.join(folder)).into_iter().flatten() {
            let path = entry.expect("readable entry").path();
            if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            } else if path.join("main.rs").is_file() {
                found.push(path.join("main.rs"));
            }
        }
    }
    for kind in ["test", "example", "bin"] {
        let targets = manifest.get(kind).and_then(Value::as_array).into_iter().flatten();
        found.extend(targets.filter_map(|target| Some(dir.join(target.get("path")?.as_str()?))));
    }
    found
}

#[test]
fn the_gate_runs_every_target() {
    let mut wrong = Vec::new();
    for package in packages() {
        let (name, mut asked) = (&package.name, BTreeSet::new());
        wrong.extend(left_out(&package.manifest).into_iter().map(|complaint| format!("{name}: {complaint}")));
        if package.dir.join("benches").exists() {
            wrong.push(format!("{name}: benches/ is a workspace of its own, at the root"));
        }
        let all: Vec<PathBuf> = ["src", "tests", "examples"].iter().flat_map(|d| files(&package.dir.join(d))).collect();
        let mut known = BTreeSet::new();
        starts(&package.dir, &package.manifest).iter().for_each(|start| known.extend(reached(start)));
        for file in all {
            let tokens = read(&file);
            asked.extend(asked_for(&tokens));
            if !known.contains(&file) {
                wrong.push(format!("{}: no target and no module brings it in", file.display()));
            }
            if contains(&tokens, &["#", "[", "ignore"]) {
                wrong.push(format!("{}: an ignored test is one that nobody runs", file.display()));
            }
            if contains(&tokens, &["cfg", "(", "any", "(", ")", ")"]) {
                wrong.push(format!("{}: cfg(any()) is never compiled", file.display()));
            }
        }
        for feature in turned_off(name, &package.manifest, &asked) {
            wrong.push(format!(
                "{name}: nothing turns on the feature {feature} in tests; add itself with it to [dev-dependencies]"
            ));
        }
        let listed = package.manifest.get("example").and_then(Value::as_array).into_iter().flatten();
        let tested: Vec<&str> = listed
            .filter(|example| example.get("test").and_then(Value::as_bool) == Some(true))
            .filter_map(|example| example.get("name")?.as_str())
            .collect();
        for file in files(&package.dir.join("examples")) {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
            if has_tests(&read(&file)) && !tested.contains(&stem) {
                wrong.push(format!("{}: its tests run only with `test = true` in the manifest", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the test above would say to each kind of hole.
#[test]
fn every_kind_of_hole_is_seen() {
    for manifest in [
        "[[test]]\nname = \"laws\"\nrequired-features = [\"laws\"]",
        "[[example]]\nname = \"a\"\nrequired-features = [\"laws\"]",
        "[[test]]\nname = \"laws\"\ntest = false",
        "[[test]]\nname = \"laws\"\nharness = false",
        "[lib]\ndoctest = false",
        "[lib]\ntest = false",
        "[package]\nautotests = false",
        "[[bench]]\nname = \"a\"",
    ] {
        assert_eq!(left_out(&manifest.parse().unwrap()).len(), 1, "{manifest}");
    }
    assert!(left_out(&"[[example]]\nname = \"a\"\ntest = true".parse().unwrap()).is_empty());

    let asked = asked_for(&tokens("#[cfg(feature = \"laws\")] mod a; #[cfg(all(test, feature = \"more\"))] mod b;"));
    assert_eq!(asked, BTreeSet::from(["laws".to_owned(), "more".to_owned()]));
    for (manifest, off) in [
        ("[features]\nlaws = []", 2),
        ("[features]\ndefault = [\"laws\"]\nlaws = [\"more\", \"dep:x\"]\nmore = []", 0),
        ("[features]\nlaws = []\nmore = []\n[dev-dependencies]\nme = { path = \".\", features = [\"laws\"] }", 1),
        ("[features]\nlaws = []\nmore = []\n[dev-dependencies]\nyou = { path = \".\", features = [\"laws\"] }", 2),
    ] {
        assert_eq!(turned_off("me", &manifest.parse().unwrap(), &asked).len(), off, "{manifest}");
    }
    assert!(has_tests(&tokens("nl::stdp_laws!(mod laws, rule);")) && has_tests(&tokens("#[test] fn a() {}")));
    assert!(!has_tests(&tokens("fn main() {}")));
}

/// The script that stands before main does all that is promised of it.
#[test]
fn the_gate_has_all_its_steps() {
    let script = text(&root().join(".ci/run"));
    for step in [
        "cargo fmt --all --check",
        "cargo clippy --workspace --all-targets --locked -- -D warnings",
        "cargo doc --workspace --no-deps --locked",
        "cargo test --workspace --locked",
        "cargo build --workspace --examples --locked",
        ".ci/crates",
        ".ci/examples",
        "--manifest-path benches/Cargo.toml",
    ] {
        assert!(script.contains(step), ".ci/run has no `{step}`");
    }
    assert!(!script.contains("--exclude"), ".ci/run leaves something out");
}
