use std::fmt::Write as _;

use super::*;

fn fault(bytes: &[u8]) -> Fault {
    match read("a.yaml", bytes) {
        Err(fault) => fault,
        Ok(node) => panic!("{} was read as {node:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)])),
    }
}

fn value(text: &str) -> Value {
    read("a.yaml", text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}")).value
}

#[test]
fn scalars_are_those_of_yaml_1_2() {
    for (text, want) in [
        ("", Value::Null),
        ("# only a comment", Value::Null),
        ("~", Value::Null),
        ("Null", Value::Null),
        ("true", Value::Bool(true)),
        ("FALSE", Value::Bool(false)),
        ("12", Value::Int(12)),
        ("-12", Value::Int(-12)),
        ("+12", Value::Int(12)),
        ("0", Value::Int(0)),
        ("0x1F", Value::Int(31)),
        ("0o17", Value::Int(15)),
        ("18446744073709551615", Value::Int(u64::MAX.into())),
        ("-9223372036854775808", Value::Int(i64::MIN.into())),
        ("18446744073709551616", Value::Float(18_446_744_073_709_551_616.0)),
        ("1.0e6", Value::Float(1e6)),
        ("1e-8", Value::Float(1e-8)),
        ("-.5", Value::Float(-0.5)),
        ("5.", Value::Float(5.0)),
        ("!!float 1", Value::Float(1.0)),
        ("!!int 7", Value::Int(7)),
        ("!!str 7", Value::Text("7".into())),
        ("! 7", Value::Text("7".into())),
        ("'7'", Value::Text("7".into())),
        ("\"null\"", Value::Text("null".into())),
    ] {
        assert_eq!(value(text), want, "{text}");
    }
    // Text, whatever other readers take them for.
    for text in [
        "yes", "no", "on", "off", "007", "1_000", "1:30", "1.2.3", "inf", "nan", "Infinity", "+", ".", "0x", "1e", "e5",
    ] {
        assert_eq!(value(&format!("[{text}]")), value(&format!("['{text}']")), "{text}");
    }
}

#[test]
fn every_value_and_name_knows_its_place() {
    for text in [
        "a: 1\nb:\n  - x\n  - {c: y}\n",
        "a: 1\r\nb:\r\n  - x\r\n  - {c: y}\r\n",
        "\u{feff}a: 1\nb:\n  - x\n  - {c: y}\n",
    ] {
        let tree = read("a.yaml", text.as_bytes()).unwrap();
        let at = |path: &str| tree.get(path).map(|node| (node.place.line, node.place.column)).unwrap();
        assert_eq!((at("a"), at("b[0]"), at("b[1]"), at("b[1].c")), ((1, 4), (3, 5), (4, 5), (4, 9)), "{text:?}");
        let Value::Map(entries) = &tree.value else { panic!("{tree:?}") };
        let names: Vec<_> =
            entries.iter().map(|(key, _)| (key.name.as_str(), key.place.line, key.place.column)).collect();
        assert_eq!(names, [("a", 1, 1), ("b", 2, 1)], "{text:?}");
    }
    let folded = value("a: >\n  one\n  two\nb: |\n  x\n  y\n");
    let Value::Map(entries) = folded else { panic!("{folded:?}") };
    assert_eq!(
        (&entries[0].1.value, &entries[1].1.value),
        (&Value::Text("one two\n".into()), &Value::Text("x\ny\n".into()))
    );
}

#[test]
fn aliases_and_merges_are_written_out() {
    let tree = read("a.yaml", b"one: &it {x: 1, y: 2}\ntwo: *it\nthree: {<<: *it, y: 3}\nfour: {<<: [*it, {z: 4}]}\n")
        .unwrap();
    let want = serde_json::json!({
        "one": {"x": 1, "y": 2}, "two": {"x": 1, "y": 2}, "three": {"x": 1, "y": 3}, "four": {"x": 1, "y": 2, "z": 4}
    });
    assert_eq!(tree.to_json(), want);
    assert_eq!(tree.get("two").unwrap().place.line, 2);
    assert_eq!(tree.get("three.x").unwrap().place.line, 1, "where it was written");
}

#[test]
fn what_cannot_be_read_is_refused_at_its_place_in_plain_words() {
    for (text, line, column, words) in [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "\"a\" stands here a second time, after line 1 column 1"),
        ("a: {b: 1, 'b': 2}", 1, 11, "second time"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document begins here"),
        ("a: *b\n", 1, 4, "no `&anchor` of this name"),
        ("a: &b [*b]\n", 1, 8, "inside of what it stands for"),
        ("a: !include b.yaml\n", 1, 13, "the tag !include means nothing here"),
        ("a: !!int x\n", 1, 10, "is not what its tag !!int says"),
        ("a: !!set {x}\n", 1, 10, "the tag !!set means nothing here"),
        ("a: .inf\n", 1, 4, "not a finite number"),
        ("a: -.NaN\n", 1, 4, "not a finite number"),
        ("a: 1e999\n", 1, 4, "larger than any number"),
        ("a: [1, 2\n", 1, 4, "has no end"),
        ("a: {x: 1\n", 1, 4, "has no end"),
        ("a: \"x\n", 2, 1, "has no end"),
        ("a: 'x\nb: 1\n", 2, 1, "has no end"),
        ("a: ]\n", 1, 4, "closes nothing"),
        ("a:\n\tb: 1\n", 2, 2, "tab"),
        ("a: 1\n  b: 2\n", 2, 4, "put quotes around"),
        ("a:\n    b: 1\n  c: 2\n", 3, 3, "indented"),
        ("a: @x\n", 1, 4, "put quotes around it"),
        ("a: \"\\q\"\n", 1, 4, "escape"),
        ("%YAML 1.2\n---\na: 1\n", 1, 1, "directive"),
        ("? [a]\n: 1\n", 1, 3, "a name must be plain text"),
        (": 1\n", 1, 1, "a name is missing"),
        ("a: {<<: 1}\n", 1, 5, "merges a map"),
    ] {
        let fault = fault(text.as_bytes());
        let found = (fault.place.line, fault.place.column);
        assert!(fault.message.contains(words), "{text:?}: {fault}");
        assert!(found == (line, column), "{text:?}: {fault}, wanted at {line}:{column}");
        for library in
            ["DuplicateKey", "from_str", "serde", "granit", "saphyr", "flow", "block", "mapping", "simple key"]
        {
            assert!(!fault.message.contains(library), "{fault}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_at_their_place() {
    for (bytes, line, column, words) in [
        (&b"a: 1\nb: \xff\n"[..], 2, 4, "0xff is not UTF-8"),
        (&b"a: \xc3\xa9\xc3"[..], 1, 5, "0xc3 is not UTF-8"),
        (&b"a: 1\r\nb: x\0y\n"[..], 2, 5, "U+0000"),
        (&b"a: \x1b[0m\n"[..], 1, 4, "U+001B"),
        (&b"\xff\xfea\0:\0"[..], 1, 1, "UTF-16"),
        ("a: 1\nb: \u{feff}x\n".as_bytes(), 2, 4, "U+FEFF"),
    ] {
        let fault = fault(bytes);
        assert_eq!((fault.place.line, fault.place.column), (line, column), "{fault}");
        assert!(fault.message.contains(words), "{fault}");
    }
}

/// Ten levels of nine aliases each: a thousand million values.
#[test]
fn what_grows_without_end_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..10 {
        let of = format!("*a{}", i - 1);
        let _ = writeln!(bomb, "a{i}: &a{i} [{}]", vec![of; 9].join(", "));
    }
    assert!(fault(bomb.as_bytes()).message.contains("`*alias`"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), vec!["*a"; 1000].join(", "));
    assert!(fault(long.as_bytes()).message.contains("bytes of text"));
    let many = format!("[{}1]", "1,".repeat(200_000));
    assert!(fault(many.as_bytes()).message.contains("100000 values"));
    let large = vec![b'a'; 10 << 20];
    assert!(fault(&large).message.contains("10485760 bytes long"));
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        for depth in [DEEPEST + 5, 5_000] {
            let deep = fault(format!("{}1{}", open.repeat(depth), close.repeat(depth)).as_bytes());
            assert!(deep.message.contains("64 deep") && deep.place.line == 1, "{open}: {deep}");
        }
        assert!(read("a.yaml", format!("{}1{}", open.repeat(60), close.repeat(60)).as_bytes()).is_ok(), "{open}");
    }
    let mut block = String::new();
    for depth in 0..300 {
        let _ = writeln!(block, "{:depth$}a:", "");
    }
    assert!(fault(block.as_bytes()).message.contains("64 deep"));
}
