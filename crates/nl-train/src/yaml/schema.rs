//! A tree against a JSON Schema: what is unknown, what is missing, what is of the wrong kind, each with its place.
//!
//! The part of JSON Schema that `schemars` makes from Rust types: `$ref`, `type`, `properties`, `required`,
//! `additionalProperties`, `patternProperties` of whole numbers, `enum`, `const`, `oneOf`, `anyOf`, `allOf`, `items`,
//! `prefixItems`, lengths, bounds and the formats of whole numbers. What else a schema says is not checked here; the typed
//! reader has the last word.

use serde_json::{Map, Value as Json};

use super::nearest::{nearest, renamed};
use super::tree::{Fault, Key, Node, Value};

/// The most faults that are told at once.
const MOST: usize = 10;
/// The most names that a message lists.
const MOST_NAMES: usize = 24;
/// `$ref`s in a row, so that a schema that leads in a circle ends.
const DEEPEST_REFERENCE: usize = 32;

/// What is wrong with `tree` by `schema`, in the order of the text, ten faults at most; empty if nothing is.
///
/// ```
/// use nl_train::yaml::{read, schema::validate};
/// let schema = serde_json::json!({
///     "type": "object", "additionalProperties": false, "required": ["name"],
///     "properties": {"name": {"type": "string"}, "batch": {"type": "integer", "minimum": 1}}
/// });
/// let faults = validate(&read("a.yaml", b"bach: 128")?, &schema);
/// let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
/// assert_eq!(said, [
///     "a.yaml:1:1: name is missing here",
///     "a.yaml:1:1: bach: unknown name; did you mean \"batch\"? known here: batch, name",
/// ]);
/// # Ok::<(), nl_train::yaml::Fault>(())
/// ```
#[must_use]
pub fn validate(tree: &Node, schema: &Json) -> Vec<Fault> {
    let mut faults = Vec::new();
    Validator { root: schema }.check(tree, schema, "", &mut faults);
    // Stable: of one place, the order of the checks.
    faults.sort_by_key(|fault| (fault.place.line, fault.place.column));
    faults.dedup();
    faults.truncate(MOST);
    faults
}

/// `schema` with its `$ref` followed, within `root`; itself if it has none.
pub(super) fn resolved<'a>(root: &'a Json, mut schema: &'a Json) -> &'a Json {
    for _ in 0..DEEPEST_REFERENCE {
        let Some(target) = schema.get("$ref").and_then(Json::as_str) else { break };
        let Some(next) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) else { break };
        schema = next;
    }
    schema
}

/// The alternatives of `oneOf` or `anyOf`, `$ref`s followed, but for `null`; and whether `null` is one.
pub(super) fn alternatives<'a>(root: &'a Json, schema: &'a Json) -> Option<(Vec<&'a Json>, bool)> {
    let all = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
    let all: Vec<_> = all.iter().map(|one| resolved(root, one)).collect();
    let is_null = |one: &&Json| one["type"] == "null";
    Some((all.iter().copied().filter(|one| !is_null(one)).collect(), all.iter().any(is_null)))
}

/// The words that a schema allows, if it allows nothing but words: an enum without data.
pub(super) fn words<'a>(root: &'a Json, schema: &'a Json) -> Option<Vec<&'a str>> {
    if let Some(word) = schema.get("const") {
        return word.as_str().map(|word| vec![word]);
    }
    if let Some(words) = schema.get("enum") {
        return words.as_array()?.iter().filter(|word| !word.is_null()).map(Json::as_str).collect();
    }
    let (all, _) = alternatives(root, schema)?;
    let all: Option<Vec<_>> = all.into_iter().map(|one| words(root, one)).collect();
    Some(all?.into_iter().flatten().collect()).filter(|words: &Vec<_>| !words.is_empty())
}

/// The name that tells alternatives apart (`kind`) and the value that each has for it, if there is one.
pub(super) fn tag<'a>(alternatives: &[&'a Json]) -> Option<(&'a str, Vec<&'a str>)> {
    let first = alternatives.first()?.get("properties")?.as_object()?;
    let value = |one: &'a Json, name: &str| one.get("properties")?.get(name)?.get("const")?.as_str();
    first.keys().find_map(|name| {
        let values: Option<Vec<_>> = alternatives.iter().map(|one| value(one, name)).collect();
        Some((name.as_str(), values?))
    })
}

/// The names of a list for a message.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let rest = names.len().saturating_sub(MOST_NAMES);
    let shown = names[..names.len() - rest].join(", ");
    if rest > 0 { format!("{shown} and {rest} more") } else { shown }
}

/// "did you mean …? " or "it is now …; " if that is known, else nothing.
fn hint(name: &str, known: &[&str]) -> String {
    // What is only written in another way, or nearly, is meant; a name of before is told before a mere likeness.
    match (nearest(name, known.iter().copied()), renamed(name)) {
        (_, Some(now)) => format!("it is now {now}; "),
        (Some(meant), None) => format!("did you mean {meant:?}? "),
        (None, None) => String::new(),
    }
}

/// `a.b` and `a`, `b` alike.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

struct Validator<'a> {
    root: &'a Json,
}

impl Validator<'_> {
    fn check(&self, node: &Node, schema: &Json, path: &str, faults: &mut Vec<Fault>) {
        let schema = resolved(self.root, schema);
        let Some(rules) = schema.as_object() else { return };
        let mut fault = |message: String| faults.push(Fault::new(&node.place, path, message));
        if let Some(words) = words(self.root, schema) {
            return self.word(node, schema, &words, &mut fault);
        }
        if let Some((all, nullable)) = alternatives(self.root, schema) {
            if !(nullable && node.value == Value::Null) {
                self.one_of(node, &all, path, faults);
            }
            return;
        }
        if let Some(expected) = wrong_type(&node.value, rules) {
            return fault(format!("expected {expected}, found {}", found(&node.value, rules)));
        }
        if let Some(message) = out_of_bounds(&node.value, rules) {
            fault(message);
        }
        for part in rules.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.check(node, part, path, faults);
        }
        match &node.value {
            Value::Map(entries) => self.map(node, entries, rules, path, faults),
            Value::List(items) => self.list(items, rules, path, faults),
            _ => {}
        }
    }

    fn word(&self, node: &Node, schema: &Json, words: &[&str], fault: &mut impl FnMut(String)) {
        let nullable = alternatives(self.root, schema).is_some_and(|(_, nullable)| nullable)
            || schema["enum"].as_array().is_some_and(|all| all.iter().any(Json::is_null));
        match &node.value {
            Value::Text(word) if words.contains(&word.as_str()) => {}
            Value::Null if nullable => {}
            Value::Text(word) => {
                let (shown, hint) = (node.value.shown(), hint(word, words));
                fault(format!("unknown word {shown}; {hint}known here: {}", listed(words.iter().copied())));
            }
            value => fault(format!("expected one of {}, found {}", listed(words.iter().copied()), value.shown())),
        }
    }

    fn one_of(&self, node: &Node, all: &[&Json], path: &str, faults: &mut Vec<Fault>) {
        if let [only] = all {
            return self.check(node, only, path, faults);
        }
        if let Some((name, kinds)) = tag(all) {
            return self.tagged(node, all, name, &kinds, path, faults);
        }
        // Told apart by nothing but what they are: the one with the fewest faults is meant, of its own type if there is one.
        let of_its_type = |one: &&&Json| one.as_object().is_some_and(|rules| wrong_type(&node.value, rules).is_none());
        let near: Vec<&&Json> = all.iter().filter(of_its_type).collect();
        let near = if near.is_empty() { all.iter().collect() } else { near };
        let tried = near.into_iter().map(|one| {
            let mut faults = Vec::new();
            self.check(node, one, path, &mut faults);
            faults
        });
        faults.extend(tried.min_by_key(Vec::len).unwrap_or_default());
    }

    fn tagged(&self, node: &Node, all: &[&Json], name: &str, kinds: &[&str], path: &str, faults: &mut Vec<Fault>) {
        let known = listed(kinds.iter().copied());
        let Value::Map(entries) = &node.value else {
            let message = match &node.value {
                Value::Text(word) if kinds.contains(&word.as_str()) => format!("write {{{name}: {word}}} here"),
                value => format!("expected {{{name}: …}}, found {}; {name} is one of {known}", value.shown()),
            };
            return faults.push(Fault::new(&node.place, path, message));
        };
        let Some((_, kind)) = entries.iter().find(|(key, _)| key.name == name) else {
            let names: Vec<&str> = entries.iter().map(|(key, _)| key.name.as_str()).collect();
            let hint = nearest(name, names).map_or(String::new(), |it| format!(", where {it:?} stands"));
            let message = format!("{name} is missing here{hint}; it is one of {known}");
            return faults.push(Fault::new(&node.place, path, message));
        };
        let at = match &kind.value {
            Value::Text(word) => kinds.iter().position(|kind| kind == word),
            _ => None,
        };
        match (at, &kind.value) {
            (Some(at), _) => self.check(node, all[at], path, faults),
            (None, Value::Text(word)) => {
                let message =
                    format!("unknown {name} {}; {}known here: {known}", kind.value.shown(), hint(word, kinds));
                faults.push(Fault::new(&kind.place, &join(path, name), message));
            }
            (None, value) => {
                let message = format!("expected one of {known}, found {}", value.shown());
                faults.push(Fault::new(&kind.place, &join(path, name), message));
            }
        }
    }

    fn map(
        &self,
        node: &Node,
        entries: &[(Key, Node)],
        rules: &Map<String, Json>,
        path: &str,
        faults: &mut Vec<Fault>,
    ) {
        let properties = rules.get("properties").and_then(Json::as_object);
        let known: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let patterns = rules.get("patternProperties").and_then(Json::as_object);
        let others = rules.get("additionalProperties");
        for name in rules.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|(key, _)| key.name == name) {
                faults.push(Fault::new(&node.place, path, format!("{name} is missing here")));
            }
        }
        for (key, value) in entries {
            let path = join(path, &key.name);
            let by_pattern =
                || patterns?.iter().find(|(pattern, _)| matches(pattern, &key.name)).map(|(_, schema)| schema);
            if let Some(schema) = properties.and_then(|all| all.get(&key.name)).or_else(by_pattern) {
                self.check(value, schema, &path, faults);
                continue;
            }
            match others {
                Some(Json::Bool(false)) if known.is_empty() && patterns.is_some() => {
                    faults.push(Fault::new(&key.place, &path, "a name here is a whole number"));
                }
                Some(Json::Bool(false)) => {
                    let known = if known.is_empty() { "nothing".to_owned() } else { listed(known.iter().copied()) };
                    let all: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                    let message = format!("unknown name; {}known here: {known}", hint(&key.name, &all));
                    faults.push(Fault::new(&key.place, &path, message));
                }
                Some(schema @ Json::Object(_)) => self.check(value, schema, &path, faults),
                _ => {}
            }
        }
    }

    fn list(&self, items: &[Node], rules: &Map<String, Json>, path: &str, faults: &mut Vec<Fault>) {
        let first = rules.get("prefixItems").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        for (i, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(i).or_else(|| rules.get("items")) {
                self.check(item, schema, &format!("{path}[{i}]"), faults);
            }
        }
    }
}

/// Whether a name fits one of the two patterns that maps from whole numbers have.
fn matches(pattern: &str, name: &str) -> bool {
    let digits = match pattern {
        r"^\d+$" => name,
        r"^-?\d+$" => name.strip_prefix('-').unwrap_or(name),
        _ => return false,
    };
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The least and the largest whole number of a schema, by its bounds and its format.
fn whole_bounds(rules: &Map<String, Json>) -> (Option<i128>, Option<i128>) {
    let (least, largest): (i128, i128) = match rules.get("format").and_then(Json::as_str).unwrap_or("int64") {
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint" | "uint64" | "uint128" => (0, u64::MAX.into()),
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN.into(), u64::MAX.into()),
    };
    let bound = |key: &str| -> Option<i128> {
        let number = rules.get(key)?;
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    // The ends of the format itself go without saying where they are those of all whole numbers.
    let least = bound("minimum").map_or(least, |it| it.max(least));
    let largest = bound("maximum").map_or(largest, |it| it.min(largest));
    (Some(least).filter(|it| *it > i64::MIN.into()), Some(largest).filter(|it| *it < i64::MAX.into()))
}

/// The types of a schema; empty: any.
fn types(rules: &Map<String, Json>) -> Vec<&str> {
    match rules.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// What was expected, if the value is of another type.
fn wrong_type(value: &Value, rules: &Map<String, Json>) -> Option<String> {
    let types = types(rules);
    let fits = |one: &&str| {
        matches!(
            (*one, value),
            ("null", Value::Null)
                | ("boolean", Value::Bool(_))
                | ("integer" | "number", Value::Int(_))
                | ("number", Value::Float(_))
                | ("string", Value::Text(_))
                | ("array", Value::List(_))
                | ("object", Value::Map(_))
        )
    };
    if types.is_empty() || types.iter().any(fits) {
        return None;
    }
    let wanted: Vec<String> = types.iter().filter(|one| **one != "null").map(|one| expected(one, rules)).collect();
    Some(if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(" or ") })
}

/// A type and its bounds for people: `a whole number from 0`.
pub(super) fn expected(one: &str, rules: &Map<String, Json>) -> String {
    let range = match whole_bounds(rules) {
        _ if one == "number" => real_range(rules),
        (Some(least), Some(largest)) => format!(" from {least} to {largest}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(largest)) => format!(" up to {largest}"),
        (None, None) => String::new(),
    };
    match one {
        "boolean" => "true or false".to_owned(),
        "integer" => format!("a whole number{range}"),
        "number" => format!("a number{range}"),
        "string" => "text".to_owned(),
        "array" => "a list".to_owned(),
        _ => "names with values".to_owned(),
    }
}

/// The bounds of a real number for people, with a space before them; nothing if there are none.
fn real_range(rules: &Map<String, Json>) -> String {
    let of = |key: &str, word: &str| rules.get(key).and_then(Json::as_f64).map(|it| format!(" {word} {it}"));
    let bounds = [
        of("minimum", "from"),
        of("exclusiveMinimum", "above"),
        of("maximum", "up to"),
        of("exclusiveMaximum", "below"),
    ];
    bounds.into_iter().flatten().collect()
}

/// What was found instead, with a word of help where two types look alike.
fn found(value: &Value, rules: &Map<String, Json>) -> String {
    let types = types(rules);
    let wants = |one: &str| types.contains(&one);
    let shown = value.shown();
    match value {
        Value::Float(it) if wants("integer") && it.fract() == 0.0 && it.abs() < 1e15 => {
            format!("{shown}; write it as {it:.0}")
        }
        Value::Text(it) if wants("boolean") && ["yes", "no", "on", "off"].contains(&it.to_lowercase().as_str()) => {
            format!("{shown}; write true or false")
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) if wants("string") => format!("{shown}; put it in quotes"),
        _ => shown,
    }
}

/// What is wrong with a number or a length, if anything is.
fn out_of_bounds(value: &Value, rules: &Map<String, Json>) -> Option<String> {
    let number = |key: &str| rules.get(key).and_then(Json::as_f64);
    let length = |key: &str| rules.get(key).and_then(Json::as_u64).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let real = |it: f64| {
        number("minimum").is_some_and(|least| it < least)
            || number("maximum").is_some_and(|largest| it > largest)
            || number("exclusiveMinimum").is_some_and(|below| it <= below)
            || number("exclusiveMaximum").is_some_and(|above| it >= above)
    };
    let whole = types(rules).contains(&"integer");
    match value {
        Value::Int(it) if whole => {
            let (least, largest) = whole_bounds(rules);
            let out = least.is_some_and(|least| *it < least) || largest.is_some_and(|largest| *it > largest);
            (out || real(*it as f64)).then(|| format!("expected {}, found {it}", expected("integer", rules)))
        }
        Value::Int(it) => real(*it as f64).then(|| format!("expected a number{}, found {it}", real_range(rules))),
        Value::Float(it) => real(*it).then(|| format!("expected a number{}, found {it:?}", real_range(rules))),
        Value::List(items) => {
            let (least, largest) = (length("minItems").unwrap_or(0), length("maxItems").unwrap_or(usize::MAX));
            let wanted = match (least, largest) {
                (least, largest) if (least..=largest).contains(&items.len()) => return None,
                (least, largest) if least == largest => least.to_string(),
                (least, usize::MAX) => format!("at least {least}"),
                (0, largest) => format!("at most {largest}"),
                (least, largest) => format!("{least} to {largest}"),
            };
            Some(format!("expected a list of {wanted}, found {}", items.len()))
        }
        Value::Text(it) => {
            let n = it.chars().count();
            let short = length("minLength").filter(|least| n < *least).map(|least| format!("at least {least}"));
            let long = length("maxLength").filter(|largest| n > *largest).map(|largest| format!("at most {largest}"));
            short.or(long).map(|wanted| format!("expected a text of {wanted} characters, found {n}"))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
