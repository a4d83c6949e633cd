//! The invariants of docs/architecture.md that a test can check, read from the manifests and the sources.

#[path = "architecture/gate.rs"]
mod gate;
#[path = "architecture/house.rs"]
mod house;
#[path = "architecture/pages.rs"]
mod pages;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/vocabulary.rs"]
mod vocabulary;

use std::collections::BTreeMap;

use toml::{Table, Value};

use house::{Kind, Place, dependencies, floors, packages, root, table, text, wrong_arrows};
use source::{Token, at, contains, files, paths, read, shipped};

fn places() -> BTreeMap<String, Place> {
    let names: Vec<String> = packages().into_iter().map(|package| package.name).collect();
    floors(&text(&root().join("docs/architecture.md")), &names)
}

/// What `wrong` says about the code that ships of every package but `allowed`.
fn offenders(allowed: &[&str], wrong: impl Fn(&[Token]) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages().into_iter().filter(|package| !allowed.contains(&package.name.as_str())) {
        for path in files(&package.dir.join("src")) {
            found.extend(wrong(&shipped(&read(&path))).map(|what| format!("{}: {what}", path.display())));
        }
    }
    found
}

/// The first of `prefixes` that a path of the code begins with.
fn path_to(tokens: &[Token], prefixes: &[&str]) -> Option<String> {
    let begins = |path: &&String| prefixes.iter().any(|p| path.as_str() == *p || path.starts_with(&format!("{p}::")));
    paths(tokens).iter().find(begins).cloned()
}

#[test]
fn every_package_has_its_floor() {
    let places = places();
    for package in packages() {
        assert!(places.contains_key(&package.name), "{} stands on no floor of docs/architecture.md", package.name);
    }
    // The list of the workspace is in the same order, under the same headings.
    let mut floor = None;
    for line in text(&root().join("Cargo.toml")).lines() {
        if let Some(number) = line.strip_prefix("# floor ") {
            floor = number.parse().ok();
        }
        let name = line.split([' ', '.', '=']).next().unwrap_or("");
        if let (true, Some(place)) = (line.contains("path = \"crates/"), places.get(name)) {
            assert_eq!(
                Some(place.floor),
                floor,
                "{name}: Cargo.toml and docs/architecture.md disagree about its floor"
            );
        }
    }
}

#[test]
fn arrows_point_down() {
    let places = places();
    let wrong: Vec<String> = packages().iter().flat_map(|p| wrong_arrows(&p.name, &p.manifest, &places)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // A crate that is said to stand on its neighbour does.
    for package in packages() {
        if let Some(below) = places.get(&package.name).and_then(|place| place.stacked_on.as_ref()) {
            let uses = dependencies(&package.manifest).iter().any(|d| d.kind == Kind::Normal && d.package == *below);
            assert!(uses, "docs/architecture.md says that {} uses {below}", package.name);
        }
    }
}

#[test]
fn unsafe_lives_in_kernels_only() {
    let found = offenders(&["nl-kernels"], |tokens| contains(tokens, &["unsafe"]).then(|| "unsafe".to_owned()));
    assert!(found.is_empty(), "{found:#?}");
    for package in packages().iter().filter(|package| package.name != "nl-kernels") {
        let lints = package.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints, Some(&Value::Boolean(true)), "{} does not take the workspace's lints", package.name);
    }
}

/// Its manifest cannot inherit with an exception, so it repeats the lints: all of them, and the exception.
#[test]
fn the_lints_of_kernels_are_the_workspaces_but_for_unsafe() {
    let lints = |manifest: &Table, key: &str| -> Table {
        manifest.get("lints").and_then(|lints| lints.get(key)).and_then(Value::as_table).cloned().unwrap_or_default()
    };
    let root = table(&root().join("Cargo.toml"));
    let workspace = root["workspace"].as_table().expect("a workspace");
    let kernels = packages().into_iter().find(|package| package.name == "nl-kernels").expect("nl-kernels").manifest;
    let (mut rust, mut clippy) = (lints(workspace, "rust"), lints(workspace, "clippy"));
    let deny = || Value::String("deny".to_owned());
    assert_eq!(rust.remove("unsafe_code"), Some(Value::String("forbid".to_owned())));
    rust.insert("unsafe_op_in_unsafe_fn".to_owned(), deny());
    clippy.insert("undocumented_unsafe_blocks".to_owned(), deny());
    clippy.insert("missing_safety_doc".to_owned(), deny());
    assert_eq!(lints(&kernels, "rust"), rust);
    assert_eq!(lints(&kernels, "clippy"), clippy);
}

#[test]
fn files_are_touched_by_data_train_and_the_workshop_only() {
    let found = offenders(&["nl-data", "nl-train", "xtask", "xtask-fetch"], |tokens| {
        path_to(tokens, &["std::fs", "File", "OpenOptions", "tempfile"])
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn sockets_are_opened_by_data_only() {
    let found = offenders(&["nl-data"], |tokens| path_to(tokens, &["std::net", "core::net", "ureq", "rustls"]));
    assert!(found.is_empty(), "{found:#?}");
    for package in packages().iter().filter(|package| package.name != "nl-data") {
        let ships = dependencies(&package.manifest).into_iter().filter(|d| d.kind != Kind::Dev);
        let net: Vec<String> = ships.map(|d| d.package).filter(|name| name == "ureq" || name == "rustls").collect();
        assert!(net.is_empty(), "{}: {net:?}", package.name);
    }
}

#[test]
fn only_the_workshop_prints() {
    let found = offenders(&["xtask", "xtask-fetch"], |tokens| {
        let printed = ["println", "print", "eprintln", "eprint", "dbg"];
        let by_macro = printed.iter().find(|name| (0..tokens.len()).any(|i| at(tokens, i, &[name, "!"])));
        by_macro
            .map(|name| format!("{name}!"))
            .or_else(|| path_to(tokens, &["std::io::stdout", "std::io::stderr", "io::stdout", "io::stderr"]))
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_biological_half_knows_no_gradient() {
    for package in packages() {
        let half = ["nl-memory", "nl-neuron", "nl-synapse", "nl-plasticity", "nl-encoding", "nl-network"];
        if half.contains(&package.name.as_str()) {
            let all = dependencies(&package.manifest);
            let gradient = all.iter().any(|d| d.package == "nl-autodiff");
            assert!(!gradient, "{} takes a tensor framework with it", package.name);
        }
    }
}

/// Statics that change are asked once: the CPU's level, in nl-kernels.
#[test]
fn there_is_no_global_state() {
    let shared = ["Mutex", "RwLock", "OnceLock", "LazyLock", "OnceCell", "LazyCell", "Cell", "RefCell"];
    let found = offenders(&["nl-kernels"], |tokens| {
        let changes = |token: &Token| match token {
            Token::Word(word) => shared.contains(&word.as_str()) || word.starts_with("Atomic") || word == "mut",
            _ => false,
        };
        let is_static = |i: usize| at(tokens, i, &["static"]) && (i == 0 || !at(tokens, i - 1, &["'"]));
        let wrong = |&i: &usize| tokens[i..].iter().take_while(|token| !matches!(token, Token::Sign('='))).any(changes);
        let changing = (0..tokens.len()).filter(|&i| is_static(i)).find(wrong);
        let local = contains(tokens, &["thread_local", "!"]).then(|| "thread_local!".to_owned());
        changing.map(|_| "a static that changes".to_owned()).or(local)
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// Every random number comes from a named stream.
#[test]
fn there_is_no_hidden_randomness() {
    for package in packages().iter().filter(|package| package.name != "nl-random") {
        let ships = dependencies(&package.manifest).into_iter().filter(|d| d.kind != Kind::Dev);
        let hidden: Vec<String> = ships
            .map(|d| d.package)
            .filter(|name| ["rand_chacha", "getrandom", "fastrand"].contains(&name.as_str()))
            .collect();
        assert!(hidden.is_empty(), "{}: {hidden:?}", package.name);
    }
    let found = offenders(&[], |tokens| {
        let sources =
            ["thread_rng", "from_os_rng", "from_entropy", "OsRng", "SysRng", "ThreadRng", "StdRng", "SmallRng"];
        let named = sources.iter().find(|name| contains(tokens, &[name])).map(|name| (*name).to_owned());
        named.or_else(|| path_to(tokens, &["rand::rng", "rand::random"]))
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// Errors can grow without breaking whoever matches on them.
#[test]
fn errors_can_grow() {
    let found = offenders(&["xtask", "xtask-fetch"], |tokens| {
        let is_error = |i: usize| matches!(tokens.get(i), Some(Token::Word(name)) if name.ends_with("Error"));
        let errors = (0..tokens.len()).filter(|&i| at(tokens, i, &["pub", "enum"]) && is_error(i + 2));
        let open = |&i: &usize| {
            let from = tokens[..i].iter().rposition(|t| matches!(t, Token::Sign(';' | '{' | '}'))).unwrap_or(0);
            !contains(&tokens[from..i], &["non_exhaustive"])
        };
        errors.into_iter().find(open).map(|i| format!("{:?} is not #[non_exhaustive]", tokens[i + 2]))
    });
    assert!(found.is_empty(), "{found:#?}");
}
