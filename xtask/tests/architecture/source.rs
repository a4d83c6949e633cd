//! Rust sources as tokens: without comments, with text apart from code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

/// What code is made of, as far as the invariants care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

use Token::{Sign, Text, Word};

/// Every `.rs` file under `dir`.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The tokens of a file; each is read once, whoever asks.
pub(crate) fn read(path: &Path) -> Arc<[Token]> {
    static READ: LazyLock<Mutex<BTreeMap<PathBuf, Arc<[Token]>>>> = LazyLock::new(Mutex::default);
    if let Some(known) = READ.lock().expect("no panic while reading").get(path) {
        return Arc::clone(known);
    }
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tokens: Arc<[Token]> = tokens(&text).into();
    READ.lock().expect("no panic while reading").insert(path.to_owned(), Arc::clone(&tokens));
    tokens
}

/// The tokens of `source`; comments are dropped, numbers are words.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let text: Vec<char> = source.chars().collect();
    let starts = |i: usize, with: &str| with.chars().enumerate().all(|(j, c)| text.get(i + j) == Some(&c));
    let (mut tokens, mut i) = (Vec::new(), 0);
    while i < text.len() {
        let c = text[i];
        if starts(i, "//") {
            while i < text.len() && text[i] != '\n' {
                i += 1;
            }
        } else if starts(i, "/*") {
            let mut depth = 0;
            while i < text.len() {
                let (opens, closes) = (starts(i, "/*"), starts(i, "*/"));
                depth += i32::from(opens) - i32::from(closes);
                i += if opens || closes { 2 } else { 1 };
                if depth == 0 {
                    break;
                }
            }
        } else if c == '"' {
            let mut content = String::new();
            i += 1;
            while i < text.len() && text[i] != '"' {
                if text[i] == '\\' {
                    i += 1;
                }
                content.extend(text.get(i));
                i += 1;
            }
            i += 1;
            tokens.push(Text(content));
        } else if c == '\'' {
            // A lifetime has no second quote; a character has one after one character or an escape.
            let closed = if text.get(i + 1) == Some(&'\\') {
                (i + 3..text.len().min(i + 12)).find(|&j| text[j] == '\'')
            } else {
                (text.get(i + 2) == Some(&'\'')).then_some(i + 2)
            };
            if closed.is_none() {
                tokens.push(Sign(c));
            }
            i = closed.map_or(i + 1, |end| end + 1);
        } else if c.is_alphanumeric() || c == '_' {
            let from = i;
            while i < text.len() && (text[i].is_alphanumeric() || text[i] == '_') {
                i += 1;
            }
            let word: String = text[from..i].iter().collect();
            let hashes = text[i..].iter().take_while(|&&c| c == '#').count();
            if ["r", "br", "cr"].contains(&word.as_str()) && text.get(i + hashes) == Some(&'"') {
                let end = format!("\"{}", "#".repeat(hashes));
                let from = i + hashes + 1;
                i = (from..text.len()).find(|&j| starts(j, &end)).unwrap_or(text.len());
                tokens.push(Text(text[from..i].iter().collect()));
                i += hashes + 1;
            } else {
                tokens.push(Word(word));
            }
        } else {
            if !c.is_whitespace() {
                tokens.push(Sign(c));
            }
            i += 1;
        }
    }
    tokens
}

/// Whether `tokens` go on with `words` at `i`: words and single signs, as they are written.
pub(crate) fn at(tokens: &[Token], i: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(j, &expected)| match tokens.get(i + j) {
        Some(Word(word)) => word == expected,
        Some(Sign(sign)) => expected.chars().eq([*sign]),
        _ => false,
    })
}

pub(crate) fn contains(tokens: &[Token], words: &[&str]) -> bool {
    (0..tokens.len()).any(|i| at(tokens, i, words))
}

/// Code without what is compiled for tests only: the item after each `#[cfg(test)]` or `#[test]`.
pub(crate) fn shipped(tokens: &[Token]) -> Vec<Token> {
    const TESTS: [&[&str]; 2] = [&["#", "[", "cfg", "(", "test", ")", "]"], &["#", "[", "test", "]"]];
    let (mut kept, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        let Some(attribute) = TESTS.into_iter().find(|words| at(tokens, i, words)) else {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        };
        i += attribute.len();
        // To the end of the item: a semicolon outside of brackets, or the brace that closes its body.
        let mut depth = 0_usize;
        while let Some(token) = tokens.get(i) {
            i += 1;
            match token {
                Sign('(' | '[' | '{') => depth += 1,
                Sign(')' | ']') => depth -= 1,
                Sign('}') => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                Sign(';') if depth == 0 => break,
                _ => {}
            }
        }
    }
    kept
}

/// Every path that is imported or written out: `std::fs`, `std::fs::File`, `File::open` …
pub(crate) fn paths(tokens: &[Token]) -> BTreeSet<String> {
    let (mut found, mut i) = (BTreeSet::new(), 0);
    while i < tokens.len() {
        let Word(word) = &tokens[i] else {
            i += 1;
            continue;
        };
        i += 1;
        let is_import = word == "use";
        if is_import {
            imported(tokens, &mut i, "", &mut found);
        } else if at(tokens, i, &[":", ":"]) {
            i -= 1;
            imported(tokens, &mut i, "", &mut found);
        }
    }
    found
}

/// One branch of an import tree from `i` on.
fn imported(tokens: &[Token], i: &mut usize, above: &str, found: &mut BTreeSet<String>) {
    let mut path = above.to_owned();
    loop {
        while at(tokens, *i, &[":"]) {
            *i += 1;
        }
        match tokens.get(*i) {
            Some(Word(word)) => {
                *i += 1;
                path = if path.is_empty() { word.clone() } else { format!("{path}::{word}") };
                found.insert(path.clone());
                if !at(tokens, *i, &[":", ":"]) {
                    return;
                }
            }
            Some(Sign('{')) => {
                *i += 1;
                while *i < tokens.len() && !at(tokens, *i, &["}"]) {
                    let before = *i;
                    imported(tokens, i, &path, found);
                    // `as name`, `,`, or something that is no import after all.
                    while *i < tokens.len() && !at(tokens, *i, &[","]) && !at(tokens, *i, &["}"]) {
                        *i += 1;
                    }
                    if at(tokens, *i, &[","]) || *i == before {
                        *i += 1;
                    }
                }
                *i += 1;
                return;
            }
            _ => return,
        }
    }
}

/// The files that `root` brings with it by `mod name;`, itself included.
pub(crate) fn reached(root: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![(root.to_path_buf(), true)]);
    while let Some((file, is_root)) = waiting.pop() {
        if !file.is_file() || !found.insert(file.clone()) {
            continue;
        }
        let parent = file.parent().expect("a file lies in a folder").to_path_buf();
        let stem = file.file_stem().expect("a file has a name");
        let own = if is_root || stem == "mod" { parent.clone() } else { parent.join(stem) };
        let tokens = read(&file);
        // Braces that are open, and whether one opened an inline module.
        let mut open: Vec<Option<String>> = Vec::new();
        for i in 0..tokens.len() {
            match &tokens[i] {
                Sign('{') => {
                    let module = match i.checked_sub(2).map(|j| &tokens[j..i]) {
                        Some([Word(word), Word(name)]) if word == "mod" => Some(name.clone()),
                        _ => None,
                    };
                    open.push(module);
                }
                Sign('}') => {
                    open.pop();
                }
                Word(word) if word == "mod" => {
                    let (Some(Word(name)), Some(Sign(';'))) = (tokens.get(i + 1), tokens.get(i + 2)) else { continue };
                    let inside: PathBuf = open.iter().flatten().collect();
                    match said_path(&tokens[..i]) {
                        Some(path) => waiting.push((normal(&parent.join(inside).join(path)), true)),
                        None => {
                            let folder = own.join(inside);
                            waiting.push((folder.join(name).with_extension("rs"), false));
                            waiting.push((folder.join(name).join("mod.rs"), false));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// The `#[path = "…"]` just before an item, other attributes and `pub(…)` between them.
fn said_path(before: &[Token]) -> Option<String> {
    let start = before.iter().rposition(|token| matches!(token, Sign(';' | '{' | '}'))).map_or(0, |i| i + 1);
    let item = &before[start..];
    let path = (0..item.len()).find(|&i| at(item, i, &["path", "="]))?;
    match item.get(path + 2) {
        Some(Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// `a/b/../c` as `a/c`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            out.pop();
        } else {
            out.push(part);
        }
    }
    out
}

#[test]
fn comments_and_text_are_no_code() {
    let source = r##"
        // unsafe { }
        /* unsafe /* nested */ { } */
        const A: &str = "unsafe { \" }"; const B: &str = r#"unsafe " "#; const C: (char, char) = ('"', '\'');
        fn f<'a>(x: &'a u8) {}
    "##;
    let tokens = tokens(source);
    assert!(!contains(&tokens, &["unsafe"]), "{tokens:?}");
    assert!(contains(&tokens, &["fn", "f", "<"]) && contains(&tokens, &["u8", ")", "{", "}"]), "{tokens:?}");
}

#[test]
fn code_after_a_test_module_is_seen() {
    let source = "fn a() {} #[cfg(test)] mod tests { fn b() { c() } } fn d() {} #[cfg(test)] use e; #[test] fn g() { c() } fn f() {}";
    let kept = shipped(&tokens(source));
    for (word, there) in [("a", true), ("b", false), ("c", false), ("d", true), ("e", false), ("g", false), ("f", true)]
    {
        assert_eq!(contains(&kept, &[word]), there, "{word}");
    }
}

#[test]
fn imports_are_seen_however_they_are_written() {
    for source in [
        "use std::fs;",
        "use std::{io, fs};",
        "use std::{io::{self, Write as W}, fs::{self, File as F}};",
        "fn f() { let x = std::fs::read(p); }",
        "use ::std::fs as files;",
    ] {
        assert!(paths(&tokens(source)).contains("std::fs"), "{source}");
    }
    let harmless = paths(&tokens("use std::{io, net_of::fs}; fn f() { a::fs::g() }"));
    assert!(!harmless.contains("std::fs"), "{harmless:?}");
}
