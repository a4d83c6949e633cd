use serde_json::json;

use super::super::{Value, read};
use super::*;

fn schema() -> Json {
    json!({
        "description": "A run.\n\n```\nlet code = 1;\n```",
        "type": "object",
        "required": ["name", "stages"],
        "properties": {
            "batch": {"type": "integer", "minimum": 1, "default": 128, "description": "Images of a step, see [`Step`](crate::Step)."},
            "clip": {"type": ["number", "null"], "description": "Bound in \\[0, 1)"},
            "eye": {"$ref": "#/$defs/Eye", "default": {"radius": 8}},
            "name": {"type": "string", "description": "Names the run."},
            "plateau": {"anyOf": [{"$ref": "#/$defs/Eye"}, {"type": "null"}], "description": "Seldom."},
            "sizes": {"type": "array", "items": {"type": "integer"}, "default": [1, 2]},
            "stages": {"type": "array", "items": {"$ref": "#/$defs/Stage"}, "description": "One after the other."},
            "target": {"oneOf": [{"const": "shown", "description": "As it is."}, {"const": "original"}], "default": "shown"}
        },
        "$defs": {
            "Eye": {"type": "object", "description": "Cells.", "properties": {
                "radius": {"type": "integer", "default": 3},
                "tau": {"$ref": "#/$defs/Ms", "default": 5.0}
            }},
            "Ms": {"type": "number", "description": "A time.", "x-unit": "ms"},
            "Stage": {"oneOf": [
                {"type": "object", "description": "Learns.", "required": ["kind", "rate"],
                 "properties": {"kind": {"const": "learn"}, "rate": {"type": "number", "description": "How fast."}}},
                {"type": "object", "description": "Warms up.", "required": ["kind", "then"],
                 "properties": {"kind": {"const": "warm-up"}, "then": {"$ref": "#/$defs/Stage"}}}
            ]}
        }
    })
}

#[test]
fn the_page_is_as_it_should_be() {
    let want = "\
# A run.

# Names the run. Text; required.
name:
# One after the other. A list; required.
stages:
  -
    # Learns.
    kind: learn
    # How fast. A number; required.
    rate:
  -
    # Warms up.
    kind: warm-up
    # Kind is one of learn, warm-up; required; its names are described above.
    then:
# Images of a step, see Step. A whole number from 1; default: 128.
batch: 128
# Bound in [0, 1). A number; left out unless given.
# clip:
# Cells.
eye:
  # A whole number; default: 8.
  radius: 8
  # A time. A number in ms; default: 5.0.
  tau: 5.0
# Seldom. Left out unless given; its names are described above.
# plateau:
# A list.
sizes: [1,2]
# One of shown, original; default: shown.
# - shown: As it is.
target: shown
";
    assert_eq!(render(&schema()), want);
}

#[test]
fn kinds_but_the_first_are_comments() {
    let schema = json!({
        "type": "object",
        "properties": {"rule": {"description": "What is done.", "oneOf": [
            {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "number", "default": 1.0}}},
            {"type": "object", "description": "The other.", "properties": {"kind": {"const": "b"}, "y": {"type": "number"}}}
        ]}}
    });
    let want = "\
# What is done. Kind is one of a, b.
# - b: The other.
rule:
  kind: a
  # A number; default: 1.0.
  x: 1.0
  # Or kind b:
  # kind: b
  # # A number.
  # # y:
";
    assert_eq!(render(&schema), want);
    // With a default, its kind is shown.
    let mut usual = schema;
    usual["properties"]["rule"]["default"] = json!({"kind": "b", "y": 2.0});
    assert!(render(&usual).contains("rule:\n  kind: b\n  # A number; default: 2.0.\n  y: 2.0\n"), "{}", render(&usual));
}

#[test]
fn the_page_is_yaml_within_its_width() {
    let mut schema = schema();
    schema["properties"]["eye"]["description"] = "word ".repeat(100).into();
    schema["properties"]["sizes"] = json!({"type": "object", "additionalProperties": {"$ref": "#/$defs/Eye"}});
    let text = render(&schema);
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    let tree = read("help", text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    assert_eq!(tree.get("batch").unwrap().value, Value::Int(128));
    assert_eq!(tree.get("stages[1].kind").unwrap().value, Value::Text("warm-up".into()));
    assert_eq!(tree.get("sizes").unwrap().value, Value::Map(Vec::new()));
}

#[test]
fn links_and_escapes_are_plain_text() {
    for (text, plain) in [
        ("see [`A`](crate::A) and [`B::c`]", "see A and B::c"),
        (r"in \[0, 1)", "in [0, 1)"),
        ("`[pre]` and [x] and [`open", "`[pre]` and [x] and [`open"),
        (r"a \ b \", r"a \ b \"),
        ("[`A`](never closed", "A(never closed"),
    ] {
        assert_eq!(unlinked(text), plain);
    }
}

/// Layers of layers: a list that may hold itself is described once, and the page ends.
#[test]
fn a_list_within_itself_is_described_once() {
    let schema = json!({
        "type": "object",
        "properties": {"layers": {"type": "array", "items": {"$ref": "#/$defs/Layer"}, "description": "In order."}},
        "$defs": {"Layer": {"oneOf": [
            {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "flatten"}}},
            {"type": "object", "required": ["kind", "layers"], "description": "A branch.", "properties": {
                "kind": {"const": "residual"},
                "layers": {"type": "array", "items": {"$ref": "#/$defs/Layer"}, "description": "Of the branch."}
            }}
        ]}}
    });
    let text = render(&schema);
    assert_eq!(text.matches("kind: residual").count(), 1, "{text}");
    assert!(text.contains("# Of the branch. A list; required; its names are described above."), "{text}");
}
