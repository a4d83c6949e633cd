use serde_json::json;

use super::super::read;
use super::*;

fn schema() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "stages"],
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "seed": {"type": "integer", "format": "uint64", "minimum": 0},
            "small": {"type": "integer", "format": "uint8", "minimum": 0},
            "share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            "on": {"type": "boolean"},
            "clip": {"type": ["number", "null"]},
            "target": {"oneOf": [{"const": "shown"}, {"const": "original"}]},
            "loss": {"type": "string", "enum": ["mse", "bce"]},
            "sigmas": {"type": "array", "items": {
                "type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "minItems": 2, "maxItems": 2
            }},
            "sizes": {"type": "object", "additionalProperties": false,
                      "patternProperties": {"^\\d+$": {"type": "number"}}},
            "free": {"type": "object", "additionalProperties": {"type": "integer"}},
            "memory": {"anyOf": [{"$ref": "#/$defs/Memory"}, {"type": "null"}]},
            "every": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]},
            "stages": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Stage"}}
        },
        "$defs": {
            "Memory": {"type": "object", "additionalProperties": false, "required": ["capacity"],
                       "properties": {"capacity": {"type": "integer", "minimum": 1}}},
            "Stage": {"oneOf": [
                {"type": "object", "additionalProperties": false, "required": ["kind", "learn"],
                 "properties": {"kind": {"const": "one-cycle"}, "learn": {"$ref": "#/$defs/Learn"}}},
                {"type": "object", "additionalProperties": false, "required": ["kind"],
                 "properties": {"kind": {"const": "diehl-cook"}, "then": {"$ref": "#/$defs/Stage"}}}
            ]},
            "Learn": {"type": "object", "additionalProperties": false,
                      "properties": {"batch": {"type": "integer", "minimum": 1}, "epochs": {"type": "integer"}}}
        }
    })
}

fn said(text: &str) -> Vec<String> {
    let tree = read("a.yaml", text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    validate(&tree, &schema()).iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_right_is_not_complained_about() {
    let right = "
name: x
seed: 18446744073709551615
small: 255
share: 0
on: true
clip: null
target: original
loss: bce
sigmas: [[1, 2], [2.5, 1]]
sizes: {100: 1, 400: 0.5}
free: {any: 1, name: 2}
memory: null
every: 30 s
stages: [{kind: one-cycle, learn: {batch: 1}}, {kind: diehl-cook, then: {kind: diehl-cook, then: {kind: diehl-cook}}}]
";
    assert_eq!(said(right), Vec::<String>::new());
    assert_eq!(
        said("{name: x, every: 3, memory: {capacity: 1}, clip: 1, stages: [{kind: diehl-cook}]}"),
        Vec::<String>::new()
    );
}

#[test]
fn each_fault_is_told_with_its_place_and_what_to_do() {
    let with = |line: &str| said(&format!("name: x\nstages: [{{kind: diehl-cook}}]\n{line}\n"));
    for (line, want) in [
        ("sede: 1", "a.yaml:3:1: sede: unknown name; did you mean \"seed\"? known here: "),
        ("supervised: {}", "supervised: unknown name; it is now a stage of the list `stages`"),
        ("seed: abc", "a.yaml:3:7: seed: expected a whole number from 0, found \"abc\""),
        ("seed: -1", "seed: expected a whole number from 0, found -1"),
        ("seed: 1.0e3", "seed: expected a whole number from 0, found 1000.0; write it as 1000"),
        ("seed:", "a.yaml:3:5: seed: expected a whole number from 0, found nothing"),
        ("small: 256", "small: expected a whole number from 0 to 255, found 256"),
        ("share: 1", "share: expected a number from 0 below 1, found 1"),
        ("share: -0.5", "share: expected a number from 0 below 1, found -0.5"),
        ("share: [1]", "share: expected a number from 0 below 1, found a list"),
        ("on: yes", "on: expected true or false, found \"yes\"; write true or false"),
        ("clip: x", "clip: expected a number, found \"x\""),
        ("target: Shown", "target: unknown word \"Shown\"; did you mean \"shown\"? known here: shown, original"),
        ("target: 1", "target: expected one of shown, original, found 1"),
        ("loss: mae", "loss: unknown word \"mae\"; did you mean \"mse\"? known here: mse, bce"),
        ("sigmas: [[1, 2], [1]]", "a.yaml:3:18: sigmas[1]: expected a list of 2, found 1"),
        ("sigmas: [[1, x]]", "a.yaml:3:14: sigmas[0][1]: expected a number, found \"x\""),
        ("sizes: {ten: 1}", "a.yaml:3:9: sizes.ten: a name here is a whole number"),
        ("free: {any: x}", "free.any: expected a whole number, found \"x\""),
        ("memory: {capacity: 0}", "memory.capacity: expected a whole number from 1, found 0"),
        ("memory: {}", "a.yaml:3:9: memory: capacity is missing here"),
        ("every: 0", "every: expected a whole number from 1, found 0"),
    ] {
        let said = with(line);
        assert!(said.len() == 1 && said[0].contains(want), "{line}: {said:?}");
    }
    for (text, want) in [
        ("", "a.yaml:1:1: expected names with values, found nothing"),
        ("- a", "expected names with values, found a list"),
        ("name: 1\nstages: [{kind: diehl-cook}]", "name: expected text, found 1; put it in quotes"),
        ("name: x\nstages: []", "a.yaml:2:9: stages: expected a list of at least 1, found 0"),
        ("name: x\nstages: [diehl-cook]", "stages[0]: write {kind: diehl-cook} here"),
        ("name: x\nstages: [3]", "stages[0]: expected {kind: …}, found 3; kind is one of one-cycle, diehl-cook"),
        ("name: x\nstages: [{}]", "a.yaml:2:10: stages[0]: kind is missing here; it is one of one-cycle, diehl-cook"),
        ("name: x\nstages: [{kinds: one-cycle}]", "kind is missing here, where \"kinds\" stands"),
        (
            "name: x\nstages: [{kind: diehl_cook}]",
            "a.yaml:2:17: stages[0].kind: unknown kind \"diehl_cook\"; did you mean \"diehl-cook\"? known here: one-cycle, ",
        ),
        ("name: x\nstages: [{kind: 1}]", "stages[0].kind: expected one of one-cycle, diehl-cook, found 1"),
        ("name: x\nstages: [{kind: one-cycle}]", "stages[0]: learn is missing here"),
        (
            "name: x\nstages:\n  - kind: diehl-cook\n  - kind: one-cycle\n    learn: {bach: 1}",
            "a.yaml:5:13: stages[1].learn.bach: unknown name; did you mean \"batch\"? known here: batch, epochs",
        ),
        ("name: x\nstages: [{kind: diehl-cook, learn: {}}]", "stages[0].learn: unknown name; known here: kind, then"),
    ] {
        let said = said(text);
        assert!(said.len() == 1 && said[0].contains(want), "{text}: {said:?}");
    }
}

#[test]
fn all_faults_are_told_in_order_and_ten_at_most() {
    let said = said("seed: x\nstages:\n  - {kind: one-cycle, learn: {batch: 0, epoch: 1}}\non: 1\n");
    let starts = [
        "a.yaml:1:1: name is missing here",
        "a.yaml:1:7: seed: ",
        "a.yaml:3:38: stages[0].learn.batch: ",
        "a.yaml:3:41: stages[0].learn.epoch: ",
        "a.yaml:4:5: on: ",
    ];
    assert_eq!(said.len(), starts.len(), "{said:#?}");
    assert!(said.iter().zip(starts).all(|(said, start)| said.starts_with(start)), "{said:#?}");
    let many: String = (0..50).map(|i| format!("q{i}: 1\n")).collect();
    assert_eq!(self::said(&many).len(), MOST);
}

#[test]
fn what_was_set_on_the_command_line_is_named_so() {
    let mut tree = read("a.yaml", b"name: x\nstages: [{kind: diehl-cook}]\n").unwrap();
    tree.set("--set seed", "seed", "abc").unwrap();
    tree.set("--set stages[0].thn", "stages[0].thn", "1").unwrap();
    let said: Vec<String> = validate(&tree, &schema()).iter().map(ToString::to_string).collect();
    assert_eq!(said[1], "--set seed: seed: expected a whole number from 0, found \"abc\"");
    assert!(
        said[0].starts_with("--set stages[0].thn: stages[0].thn: unknown name; did you mean \"then\"?"),
        "{said:?}"
    );
}

/// A schema that leads to itself says nothing, and comes to an end.
#[test]
fn a_circle_of_references_ends() {
    let circle = json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}});
    assert_eq!(validate(&read("a.yaml", b"a: 1").unwrap(), &circle), []);
    let nowhere = json!({"$ref": "#/$defs/A"});
    assert_eq!(validate(&read("a.yaml", b"a: 1").unwrap(), &nowhere), []);
}
