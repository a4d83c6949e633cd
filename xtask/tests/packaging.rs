//! What `cargo package` needs of each published crate, seen without building anything: what a source embeds lies in the
//! crate's own folder and in its package, licence texts and a README are there, and the metadata is complete.

use std::fs;
use std::path::{Component, Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

/// The folders of all crates, in alphabetical order.
fn crates() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("crates")).expect("crates/");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    folders.sort();
    assert!(folders.len() > 10);
    folders
}

/// Whether the tests of a crate stay out of its package.
fn tests_stay_here(folder: &Path) -> bool {
    fs::read_to_string(folder.join("Cargo.toml")).expect("manifest").contains("exclude = [\"/tests/\"]")
}

/// Every `.rs` file of the package under `folder`.
fn sources(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let (mut folders, tests) = (vec![top.to_path_buf()], top.join("tests"));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.extend((path != tests || !tests_stay_here(top)).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The paths in `include_str!`, `include_bytes!` and `include!` of a source.
fn embedded(text: &str) -> Vec<&str> {
    let calls = ["include_str!(", "include_bytes!(", "include!("].map(|call| text.split(call).skip(1));
    calls
        .into_iter()
        .flatten()
        .map(|rest| rest.trim_start().trim_start_matches('"').split('"').next().unwrap_or(""))
        .collect()
}

/// `path` without `.` and `..`, as it is written: what a package keeps of it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(plain.pop(), "{}", path.display()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[test]
fn what_is_embedded_lies_in_the_crate() {
    let mut seen = 0;
    for folder in crates() {
        for source in sources(&folder) {
            let text = fs::read_to_string(&source).expect("readable source");
            for path in embedded(&text) {
                let file = plain(&source.parent().expect("a folder").join(path));
                let place = format!("{} embeds {path}", source.display());
                assert!(file.starts_with(&folder), "{place}, which leaves the crate: cargo package would lose it");
                let packed = !file.starts_with(folder.join("tests")) || !tests_stay_here(&folder);
                assert!(packed, "{place}, and tests are not packaged");
                assert!(file.is_file(), "{place}, which is not there");
                seen += 1;
            }
        }
    }
    // The registry, eight configurations, three templates, thirteen pages: a reader that finds nothing tests nothing.
    assert!(seen >= 12, "{seen}");
}

#[test]
fn packages_have_licences_a_page_and_metadata() {
    for folder in crates() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("manifest");
        let name = folder.file_name().and_then(|name| name.to_str()).expect("UTF-8 crate name");
        for key in [
            "description = \"",
            "license.workspace = true",
            "readme = \"README.md\"",
            &format!("documentation = \"https://docs.rs/{name}\""),
            "categories = [",
        ] {
            assert!(manifest.contains(key), "{name}: no {key}");
        }
        let keywords = manifest.split("keywords = [").nth(1).and_then(|rest| rest.split(']').next());
        let keywords: Vec<&str> = keywords.expect("keywords").split(", ").map(|word| word.trim_matches('"')).collect();
        let fits =
            |word: &&str| (1..=20).contains(&word.len()) && word.starts_with(|c: char| c.is_ascii_alphanumeric());
        assert!(keywords.len() <= 5 && keywords.iter().all(fits), "{name}: {keywords:?}");
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let own = fs::read(folder.join(licence)).unwrap_or_default();
            assert!(
                own == fs::read(root().join(licence)).expect("licence"),
                "{name}: {licence} is not the workspace's"
            );
        }
    }
}

/// A dependency on a path without a version cannot be published; one on a crate that stays here neither.
#[test]
fn crates_depend_on_versions() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("manifest");
    for line in workspace.lines().filter(|line| line.contains("path = \"")) {
        assert!(line.contains("version = \""), "{line}");
    }
    for folder in crates() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("manifest");
        // But for a crate's dependency on itself for its tests, which a package leaves out.
        let paths = manifest.lines().filter(|line| line.contains("path = \"") && !line.contains("path = \".\""));
        let stray: Vec<&str> = paths.filter(|line| line.contains('{')).collect();
        assert!(stray.is_empty(), "{}: {stray:?}", folder.display());
    }
}

#[test]
fn a_path_out_of_the_crate_is_seen() {
    let text = "x(include_str!(\"../../../a.toml\")); include_bytes!(\n    \"b.bin\")";
    assert_eq!(embedded(text), ["../../../a.toml", "b.bin"]);
    assert_eq!(plain(Path::new("/w/crates/c/src/../../../a.toml")), Path::new("/w/a.toml"));
}
