//! Configurations with one slip each: every one is refused at a place, or is still a configuration; none panics.

use nl_train::models::MODELS;
use nl_train::yaml::schema::validate;
use nl_train::yaml::{Fault, help, read};
use serde_json::Value as Json;

const TEXT: &str = include_str!("../configs/mnist-quick.yaml");

/// The next of a fixed sequence of numbers (xorshift64*, Vigna 2016).
fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

/// The schema of the brain's configurations.
fn schema() -> Json {
    MODELS[0].schema().unwrap()
}

/// One slip of a pen, at a place that the numbers choose.
fn slip(text: &str, state: &mut u64) -> Vec<u8> {
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty()).collect();
    let (at, kind) = ((next(state) % lines.len() as u64) as usize, next(state) % 15);
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    let choose = |n: usize, state: &mut u64| (next(state) % n.max(1) as u64) as usize;
    let line = lines[at].clone();
    let char_at = |n: usize| line.char_indices().nth(n).map_or(line.len(), |(at, _)| at);
    let n = choose(line.chars().count(), state);
    match kind {
        0 => lines[at] = line.replacen(':', "", 1),
        1 => lines[at] = format!("{}{}", &line[..char_at(n)], &line[char_at(n + 1)..]),
        2 => lines[at] = format!(" {line}"),
        3 => lines[at] = format!("\t{line}"),
        4 => lines.insert(at, line),
        5 => lines[at].push_str(["]", "}", "\"", "'", " *x", " &x", " !x y", ": z"][choose(8, state)]),
        6 => lines[at] = line.replace('}', ""),
        7 => lines[at] = line.replace('{', "["),
        8 => lines[at] = line.replace(|c: char| c.is_ascii_digit(), "x"),
        9 => lines[at] = line.replace('_', "-").replace('-', "_"),
        10 => lines[at] = format!("{}\u{0}{}", &line[..char_at(n)], &line[char_at(n)..]),
        11 => lines.truncate(at),
        12 => lines.insert(at, "---".into()),
        13 => lines[at] = line.replace(": ", ": -"),
        _ => {
            let mut bytes = lines.join("\n").into_bytes();
            let at = choose(bytes.len(), state);
            bytes[at] = (next(state) & 0xff) as u8;
            return bytes;
        }
    }
    lines.join("\n").into_bytes()
}

#[test]
fn three_hundred_slips_are_refused_at_a_place_or_are_none() {
    let whole = read("good.yaml", TEXT.as_bytes()).unwrap();
    let schema = schema();
    assert_eq!(validate(&whole, &schema), []);
    let (mut refused, mut state) = (0, 20_261);
    for _ in 0..300 {
        let bytes = slip(TEXT, &mut state);
        let lines = bytes.iter().filter(|b| **b == b'\n').count() as u32 + 2;
        let faults: Vec<Fault> = match read("a.yaml", &bytes) {
            Ok(tree) => validate(&tree, &schema),
            Err(fault) => vec![fault],
        };
        for fault in &faults {
            let text = String::from_utf8_lossy(&bytes);
            assert!((1..=lines).contains(&fault.place.line) && fault.place.column > 0, "{fault}\n{text}");
            assert!(!fault.message.is_empty() && fault.message.len() < 1000, "{fault}\n{text}");
            assert!(fault.to_string().starts_with("a.yaml:"), "{fault}");
        }
        refused += usize::from(!faults.is_empty());
    }
    // A changed digit or letter of a text is no slip that anyone could see.
    assert!(refused > 200, "only {refused} of 300 were refused");
}

/// Every configuration that ships is read as its typed reader reads it.
#[test]
fn the_configurations_of_the_crate_are_read() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let Some("yaml") = path.extension().and_then(|e| e.to_str()) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        let tree = read("it", text.as_bytes()).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        let typed: Json = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(tree.to_json(), typed, "{}", path.display());
        count += 1;
    }
    assert!(count > 0, "there are no configurations");
    for model in MODELS {
        let page = help::render(&model.schema().unwrap());
        assert!(read("help", page.as_bytes()).is_ok(), "{}", model.kind);
    }
}
