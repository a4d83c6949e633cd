//! The house: which packages there are, on which floor each stands, what each manifest says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) manifest: Table,
}

/// Where a crate stands, and whom on its own floor it may use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) floor: u32,
    pub(crate) stacked_on: Option<String>,
}

/// An entry of a dependency section.
pub(crate) struct Dependency {
    pub(crate) kind: Kind,
    pub(crate) package: String,
    pub(crate) features: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn table(path: &Path) -> Table {
    text(path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every member of the workspace.
pub(crate) fn packages() -> Vec<Package> {
    let workspace = table(&root().join("Cargo.toml"));
    let mut dirs = Vec::new();
    for member in strings(&workspace["workspace"]["members"]) {
        match member.strip_suffix("/*") {
            None => dirs.push(root().join(member)),
            Some(folder) => {
                let entries = fs::read_dir(root().join(folder)).expect("a folder of members");
                let all = entries.map(|entry| entry.expect("readable entry").path());
                dirs.extend(all.filter(|dir| dir.join("Cargo.toml").is_file()));
            }
        }
    }
    dirs.sort();
    let package = |dir: PathBuf| {
        let manifest = table(&dir.join("Cargo.toml"));
        let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
        Package { name, dir, manifest }
    };
    dirs.into_iter().map(package).collect()
}

/// The packages that others may depend on: all but the workshop's own tools.
pub(crate) fn crates() -> Vec<Package> {
    packages().into_iter().filter(|package| package.manifest["package"].get("publish").is_none()).collect()
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The floors as docs/architecture.md draws them: `floor N  name … (uses sibling)`.
pub(crate) fn floors(page: &str, names: &[String]) -> BTreeMap<String, Place> {
    let plan = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    let mut floor = None;
    for line in plan.expect("a plan of the floors").lines() {
        let mut words = line.split_whitespace().peekable();
        if words.next_if_eq(&"floor").is_some() {
            floor = words.next().and_then(|number| number.parse().ok());
        }
        let mut last: Option<&str> = None;
        while let Some(word) = words.next() {
            if word == "(uses" {
                let sibling = words.next().map(|name| name.trim_end_matches(')').to_owned());
                let user = last.and_then(|name| places.get_mut(name)).expect("a crate before `(uses …)`");
                user.stacked_on = sibling;
            } else if names.iter().any(|name| name == word) {
                let floor = floor.expect("a floor before the first crate");
                let twice = places.insert(word.to_owned(), Place { floor, stacked_on: None });
                assert!(twice.is_none(), "{word} stands on two floors of docs/architecture.md");
                last = Some(word);
            }
        }
    }
    places
}

/// What a manifest depends on: in every section, for every target.
pub(crate) fn dependencies(manifest: &Table) -> Vec<Dependency> {
    let mut found = Vec::new();
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    for part in std::iter::once(manifest).chain(targets.filter_map(Value::as_table)) {
        for (section, kind) in
            [("dependencies", Kind::Normal), ("dev-dependencies", Kind::Dev), ("build-dependencies", Kind::Build)]
        {
            for (key, value) in part.get(section).and_then(Value::as_table).into_iter().flatten() {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned();
                let features = value.get("features").map(strings).unwrap_or_default();
                found.push(Dependency { kind, package, features });
            }
        }
    }
    found
}

/// The arrows of `package` that do not point down.
pub(crate) fn wrong_arrows(package: &str, manifest: &Table, places: &BTreeMap<String, Place>) -> Vec<String> {
    // Who stands nowhere is told so elsewhere.
    let Some(own) = places.get(package) else { return Vec::new() };
    let mut wrong = Vec::new();
    for Dependency { kind, package: other, .. } in dependencies(manifest) {
        let Some(theirs) = places.get(&other) else { continue };
        let down = theirs.floor < own.floor;
        let stacked = theirs.floor == own.floor && own.stacked_on.as_ref() == Some(&other);
        // Itself with its features, so that `cargo test` runs what they hold.
        let itself = other == package && kind == Kind::Dev;
        if !(down || stacked || itself) {
            wrong.push(format!("{package} (floor {}) uses {other} (floor {}): {kind:?}", own.floor, theirs.floor));
        }
    }
    wrong
}

#[test]
fn every_kind_of_arrow_is_seen() {
    let page = "```text\nfloor 1  c  top   d  another (uses c)\nfloor 0  a  ground   b  ground too\n```";
    let places = floors(page, &["a", "b", "c", "d"].map(str::to_owned));
    assert_eq!(places["d"], Place { floor: 1, stacked_on: Some("c".to_owned()) });
    for (name, manifest, wrong) in [
        ("c", "[dependencies]\na.workspace = true\n[dependencies.b]\npath = \"b\"", 0),
        ("d", "dependencies = { c = \"1\" }", 0),
        ("c", "[dependencies]\nd = \"1\"", 1),
        ("a", "[dev-dependencies]\na = { path = \".\", features = [\"x\"] }", 0),
        ("a", "[dependencies]\na = \"1\"", 1),
        ("a", "[dev-dependencies]\nb.workspace = true", 1),
        ("a", "[build-dependencies]\nc.workspace = true", 1),
        ("a", "[target.'cfg(unix)'.dependencies]\nc.workspace = true", 1),
        ("a", "[dependencies]\nx = { package = \"c\", version = \"1\" }", 1),
    ] {
        let found = wrong_arrows(name, &manifest.parse().unwrap(), &places);
        assert_eq!(found.len(), wrong, "{manifest}: {found:?}");
    }
}
