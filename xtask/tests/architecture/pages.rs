//! What a stranger reads first: the page of each crate, and the index of examples.

use std::collections::BTreeSet;

use crate::house::{crates, root, text};
use crate::source::files;

#[test]
fn a_crate_page_is_its_readme_and_begins_with_code_that_runs() {
    let mut wrong = Vec::new();
    for package in crates() {
        let name = &package.name;
        let readme = text(&package.dir.join("README.md"));
        if !readme.starts_with(&format!("# {name}\n")) {
            wrong.push(format!("{name}: README.md does not begin with `# {name}`"));
        }
        // Of a fence that opens a block, what stands behind it; `rust` alone or nothing is what rustdoc compiles and runs.
        let first = readme.lines().find_map(|line| line.strip_prefix("```"));
        if first != Some("rust") {
            wrong.push(format!("{name}: README.md's first code block is {first:?}, not ```rust"));
        }
        for words in ["## Speed in your own program", "[profile.dev]\nopt-level = 2"] {
            if !readme.contains(words) {
                wrong.push(format!("{name}: README.md does not say {words:?}"));
            }
        }
        if !text(&package.dir.join("src/lib.rs")).contains("#![doc = include_str!(\"../README.md\")]") {
            wrong.push(format!("{name}: src/lib.rs does not take README.md as its page"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_example_stands_in_the_index_and_says_how_it_is_run() {
    let index = text(&root().join("docs/examples.md"));
    let linked: BTreeSet<String> = index
        .split("](../crates/")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|path| path.contains("/examples/"))
        .map(str::to_owned)
        .collect();
    let (mut there, mut names, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for package in crates() {
        let examples = files(&package.dir.join("examples"));
        if examples.is_empty() {
            wrong.push(format!("{} has no example", package.name));
        }
        for file in examples {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("UTF-8");
            there.insert(format!("{}/examples/{stem}.rs", package.name));
            if !names.insert(stem.to_owned()) {
                wrong.push(format!("two examples are named {stem}: one would overwrite the other"));
            }
            let source = text(&file);
            let command = format!("cargo run --release -p {} --example {stem}", package.name);
            if !source.starts_with("//!") || !source.contains(&command) {
                wrong.push(format!("{}: does not open with `//!` and `{command}`", file.display()));
            }
            if !index.contains(&format!("-p {} --example {stem}", package.name)) {
                wrong.push(format!("docs/examples.md does not say how to run {stem} of {}", package.name));
            }
        }
    }
    wrong.extend(there.difference(&linked).map(|path| format!("docs/examples.md has no link to {path}")));
    wrong.extend(linked.difference(&there).map(|path| format!("docs/examples.md links to {path}, which is not there")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
