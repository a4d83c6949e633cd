//! The invariants of docs/architecture.md that a test can check, read from the manifests and the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates from the ground up; a crate may depend only on crates above its own line in this list.
const FLOORS: &[&[&str]] = &[
    &["nl-kernels", "nl-random"],
    &["nl-autodiff", "nl-neuron"],
    &["nl-optim", "nl-memory", "nl-data", "nl-synapse"],
    &["nl-plasticity"],
    &["nl-layers"],
    &["nl-brain"],
    &["nl-train"],
    &["neuralearn"],
    &["xtask"],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

fn crate_dir(name: &str) -> PathBuf {
    if name == "xtask" { root().join("xtask") } else { root().join("crates").join(name) }
}

/// Every `.rs` file under `dir`, with its text.
fn sources(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("readable folder") {
            let path = entry.expect("readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("readable source");
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// The code of a file: without comment lines, and without what follows its test module.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let body = text.split("#[cfg(test)]").next().unwrap_or(text);
    body.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn offenders(crates: impl Iterator<Item = &'static str>, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for name in crates {
        for (path, text) in sources(&crate_dir(name).join("src")) {
            for line in code(&text) {
                if needles.iter().any(|needle| line.contains(needle)) {
                    found.push(format!("{}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    found
}

fn all_but(allowed: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    FLOORS.iter().flat_map(|floor| floor.iter().copied()).filter(move |name| !allowed.contains(name))
}

#[test]
fn every_crate_has_its_floor() {
    let listed: Vec<&str> = FLOORS.iter().flat_map(|f| f.iter().copied()).collect();
    for entry in fs::read_dir(root().join("crates")).expect("crates/") {
        let name = entry.expect("entry").file_name().into_string().expect("UTF-8 crate name");
        assert!(listed.contains(&name.as_str()), "{name} has no floor: add it to FLOORS and docs/architecture.md");
    }
}

#[test]
fn arrows_point_down() {
    let floor: BTreeMap<&str, usize> =
        FLOORS.iter().enumerate().flat_map(|(i, names)| names.iter().map(move |&n| (n, i))).collect();
    for (&name, &own) in &floor {
        let manifest = fs::read_to_string(crate_dir(name).join("Cargo.toml")).expect("manifest");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or("");
        let dependencies = dependencies.split("\n[").next().unwrap_or("");
        for line in dependencies.lines() {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
            if let Some(&theirs) = floor.get(dependency) {
                assert!(theirs < own, "{name} (floor {own}) depends on {dependency} (floor {theirs})");
            }
        }
    }
}

#[test]
fn unsafe_lives_in_kernels_only() {
    let found = offenders(all_but(&["nl-kernels"]), &["unsafe {", "unsafe fn", "unsafe impl"]);
    assert!(found.is_empty(), "{found:#?}");
    for name in all_but(&["nl-kernels"]) {
        let manifest = fs::read_to_string(crate_dir(name).join("Cargo.toml")).expect("manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} does not take the workspace's lints");
    }
}

#[test]
fn files_are_touched_by_data_train_and_xtask_only() {
    let found = offenders(all_but(&["nl-data", "nl-train", "xtask"]), &["std::fs", "File::open", "File::create"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn sockets_are_opened_by_data_only() {
    let found = offenders(all_but(&["nl-data"]), &["std::net", "TcpStream", "ureq"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_xtask_prints() {
    let found = offenders(all_but(&["xtask"]), &["println!", "print!(", "dbg!("]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_biological_half_knows_no_gradient() {
    for name in ["nl-memory", "nl-neuron", "nl-synapse", "nl-plasticity"] {
        let manifest = fs::read_to_string(crate_dir(name).join("Cargo.toml")).expect("manifest");
        assert!(!manifest.contains("nl-autodiff"), "{name} takes a tensor framework with it");
    }
}

#[test]
fn crate_pages_say_what_and_when_not() {
    for name in all_but(&["xtask"]) {
        let readme = crate_dir(name).join("README.md");
        assert!(readme.exists(), "{name} has no README.md");
    }
}
