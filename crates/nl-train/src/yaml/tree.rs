//! A tree whose every node knows where it was written.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::nearest::nearest;

/// Where something was written: a file with line and column (from 1), or an option of the command line (line 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or `--set a.b`.
    pub origin: Arc<str>,
    /// The line, from 1; 0 where there are no lines.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// A place without lines: an option of the command line.
    #[must_use]
    pub fn option(origin: &str) -> Self {
        Self { origin: origin.into(), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.origin),
            line => write!(f, "{}:{line}:{}", self.origin, self.column),
        }
    }
}

/// What is wrong, and where: shown as `FILE:LINE:COLUMN: stages[1].learn.bach: unknown name; …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {path}{}{message}", if path.is_empty() { "" } else { ": " })]
pub struct Fault {
    /// Where it was written.
    pub place: Place,
    /// The way to it from the top, `stages[1].learn`; empty at the top.
    pub path: String,
    /// What is wrong with it, and what to do.
    pub message: String,
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn new(place: &Place, path: &str, message: impl Into<String>) -> Self {
        Self { place: place.clone(), path: path.to_owned(), message: message.into() }
    }
}

/// A value and where it was written.
///
/// ```
/// use nl_train::yaml::{Value, read};
/// let mut tree = read("a.yaml", b"seed: 1\nstages:\n  - batch: 128\n")?;
/// let batch = tree.get("stages[0].batch").expect("it is there");
/// assert_eq!((batch.place.line, batch.place.column, &batch.value), (3, 12, &Value::Int(128)));
/// tree.set("--batch", "stages[0].batch", "64")?;
/// assert_eq!(tree.get("stages[0].batch").expect("still there").place.to_string(), "--batch");
/// assert_eq!(tree.to_json()["stages"][0]["batch"], 64);
/// # Ok::<(), nl_train::yaml::Fault>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it was written.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What YAML can say.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: `null`, `~` or no text at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from −2⁶³ to 2⁶⁴ − 1.
    Int(i128),
    /// Any other number; always finite.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Names and values, in the order of the text; no name stands twice.
    Map(Vec<(Key, Node)>),
}

/// A name in a map, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Where it was written.
    pub place: Place,
}

/// One step of a path.
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

/// The steps of `a.b[2].c`; `None` if it is not a path.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if name.is_empty() {
            return None;
        }
        steps.push(Step::Name(name));
        while !rest.is_empty() {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

impl Node {
    /// What stands at `a.b[2].c`, if anything does.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Self> {
        let mut node = self;
        for step in steps(path)? {
            node = match (step, &node.value) {
                (Step::Name(name), Value::Map(entries)) => &entries.iter().find(|(key, _)| key.name == name)?.1,
                (Step::Index(i), Value::List(items)) => items.get(i)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// Puts `text`, itself YAML, at `a.b[2].c`, as `--set a.b[2].c=text` asks; maps that are missing on the way are made.
    /// `origin` is what messages call it: `--set a.b[2].c`.
    ///
    /// Whether a new name means anything is for [`validate`](super::schema::validate) to say, which then names this option.
    ///
    /// # Errors
    /// `path` is not one; it leads into a number or a text; a list is shorter; `text` is not YAML. Nothing has changed then.
    pub fn set(&mut self, origin: &str, path: &str, text: &str) -> Result<(), Fault> {
        let place = Place::option(origin);
        let fault = |message: String| Fault { place: place.clone(), path: String::new(), message };
        let steps = steps(path).ok_or_else(|| {
            fault("this is no path; write --set a.b=value, or --set a[2].b=value for the third of a list".to_owned())
        })?;
        let mut value = super::parse::read(&place.origin, text.as_bytes())
            .map_err(|error| fault(format!("{text:?} is not YAML: {}", error.message)))?;
        value.move_to(&place);
        // Looked at before anything is made, so that a fault changes nothing.
        self.check_way(&steps).map_err(fault)?;
        let mut node = self;
        for step in steps {
            if let (Step::Name(_), Value::Null) = (&step, &node.value) {
                *node = Self { place: place.clone(), value: Value::Map(Vec::new()) };
            }
            node = match (step, &mut node.value) {
                (Step::Name(name), Value::Map(entries)) => {
                    let at = entries.iter().position(|(key, _)| key.name == name).unwrap_or_else(|| {
                        let key = Key { name: name.to_owned(), place: place.clone() };
                        entries.push((key, Self { place: place.clone(), value: Value::Null }));
                        entries.len() - 1
                    });
                    &mut entries[at].1
                }
                (Step::Index(i), Value::List(items)) => &mut items[i],
                _ => return Err(Fault::new(&place, "", "this leads nowhere")),
            };
        }
        *node = value;
        Ok(())
    }

    /// `Ok` if the steps can be gone, missing maps being made; else why not.
    fn check_way(&self, steps: &[Step<'_>]) -> Result<(), String> {
        let (mut node, mut way) = (self, String::new());
        for (i, step) in steps.iter().enumerate() {
            match (step, &node.value) {
                (Step::Name(name), Value::Map(entries)) => match entries.iter().find(|(key, _)| key.name == *name) {
                    Some((_, next)) => node = next,
                    None => return made(&way, name, entries, &steps[i + 1..]),
                },
                (Step::Name(name), Value::Null) => return made(&way, name, &[], &steps[i + 1..]),
                (Step::Index(at), Value::List(items)) => match items.get(*at) {
                    Some(next) => node = next,
                    None if items.is_empty() => {
                        return Err(format!("{way} is an empty list, so there is no {way}[{at}]"));
                    }
                    None => return Err(format!("there is no {way}[{at}]; the last is {way}[{}]", items.len() - 1)),
                },
                (Step::Name(name), Value::List(items)) => {
                    return Err(match items.len() {
                        0 => format!("{way} is an empty list, which has no {name:?}"),
                        n => format!("{way} is a list; write {way}[0].{name} to {way}[{}].{name}", n - 1),
                    });
                }
                (_, value) => return Err(format!("{} is {}, which holds nothing else", named(&way), value.shown())),
            }
            match step {
                Step::Name(name) if way.is_empty() => way.push_str(name),
                Step::Name(name) => way.push_str(&format!(".{name}")),
                Step::Index(at) => way.push_str(&format!("[{at}]")),
            }
        }
        Ok(())
    }

    /// Gives the whole tree another place.
    fn move_to(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_to(place)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    key.place = place.clone();
                    value.move_to(place);
                }
            }
            _ => {}
        }
    }

    /// This node as a value of a type, which is read from JSON.
    ///
    /// [`validate`](super::schema::validate) first: it names the place of each fault, this only where the node begins.
    ///
    /// # Errors
    /// What the type refuses, at the place of this node.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_value(self.to_json()).map_err(|error| Fault::new(&self.place, "", error.to_string()))
    }

    /// The same as JSON, for a typed reader. Names keep their text: `400: {…}` becomes `"400": {…}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(it) => (*it).into(),
            Value::Int(it) => match (u64::try_from(*it), i64::try_from(*it)) {
                (Ok(it), _) => it.into(),
                (_, Ok(it)) => it.into(),
                _ => (*it as f64).into(),
            },
            Value::Float(it) => (*it).into(),
            Value::Text(it) => it.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect(),
        }
    }
}

/// `Ok` if `name` and what follows it can be made of maps alone; names that are near an existing one are not made.
fn made(way: &str, name: &str, entries: &[(Key, Node)], rest: &[Step<'_>]) -> Result<(), String> {
    let known = entries.iter().map(|(key, _)| key.name.as_str());
    if let Some(Step::Index(at)) = rest.first() {
        let hint = nearest(name, known).map_or(String::new(), |it| format!("; did you mean {it:?}?"));
        return Err(format!("{} has no list {name:?} whose [{at}] could be set{hint}", named(way)));
    }
    if rest.iter().any(|step| matches!(step, Step::Index(_))) {
        return Err(format!("{} has no {name:?} with a list in it", named(way)));
    }
    Ok(())
}

/// A way for people: that of the top is empty.
fn named(way: &str) -> &str {
    if way.is_empty() { "the configuration" } else { way }
}

impl Value {
    /// A few words for a message: `"abc"`, `1.5`, `a list`, `nothing`.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(it) => it.to_string(),
            Self::Int(it) => it.to_string(),
            Self::Float(it) => format!("{it:?}"),
            Self::Text(it) if it.chars().count() > 40 => format!("{:?} …", it.chars().take(40).collect::<String>()),
            Self::Text(it) => format!("{it:?}"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "names with values".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn tree(text: &str) -> Node {
        read("a.yaml", text.as_bytes()).unwrap()
    }

    #[test]
    fn what_stands_at_a_path() {
        let tree = tree("a: {b: [1, 2, {c: x}]}\n4: y\n");
        assert_eq!(tree.get("a.b[2].c").unwrap().value, Value::Text("x".into()));
        assert_eq!(tree.get("4").unwrap().value, Value::Text("y".into()));
        for nowhere in ["", ".", "a.", "a..b", "a.b[3]", "a.b[-1]", "a.b[x]", "a.b[1", "a.b[0].c", "a[0]", "b", "[0]"] {
            assert_eq!(tree.get(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_value_is_set_and_says_whence() {
        let mut tree = tree("a: {b: [1, {c: 2}]}\nempty:\n");
        for (path, text) in [("a.b[1].c", "[3, 4]"), ("a.new.deep", "x"), ("empty.it", "1.5"), ("top", "{k: true}")] {
            tree.set(&format!("--set {path}"), path, text).unwrap();
            assert_eq!(tree.get(path).unwrap().place.to_string(), format!("--set {path}"));
        }
        let want = serde_json::json!({
            "a": {"b": [1, {"c": [3, 4]}], "new": {"deep": "x"}}, "empty": {"it": 1.5}, "top": {"k": true}
        });
        assert_eq!(tree.to_json(), want);
        assert_eq!(tree.get("top.k").unwrap().place, Place::option("--set top"));
        assert_eq!(tree.get("a.b[0]").unwrap().place.to_string(), "a.yaml:1:9", "what was not set stays");
    }

    #[test]
    fn a_value_that_cannot_be_set_changes_nothing() {
        let before = tree("stages: [{kind: x}, {kind: y}]\nname: it\nnone: []\n");
        let mut tree = before.clone();
        for (path, text, words) in [
            ("stages[2].kind", "z", "there is no stages[2]; the last is stages[1]"),
            ("stages.kind", "z", "stages is a list; write stages[0].kind to stages[1].kind"),
            ("none[0]", "z", "none is an empty list"),
            ("name.first", "z", "name is \"it\", which holds nothing else"),
            ("stage[0].kind", "z", "did you mean \"stages\"?"),
            ("", "z", "this is no path"),
            ("a..b", "z", "this is no path"),
            ("name", "[1", "is not YAML"),
            ("name", "{a: 1, a: 2}", "second time"),
        ] {
            let fault = tree.set(&format!("--set {path}"), path, text).unwrap_err().to_string();
            assert!(fault.starts_with(&format!("--set {path}: ")) && fault.contains(words), "{fault}");
            assert_eq!(tree, before, "{path}");
        }
    }

    #[test]
    fn a_node_is_read_as_a_type_or_refused_at_its_place() {
        let tree = tree("a: 1\nb: [1.5, 2]\n");
        assert_eq!(tree.get("b").unwrap().typed::<[f32; 2]>(), Ok([1.5, 2.0]));
        let fault = tree.get("b").unwrap().typed::<String>().unwrap_err().to_string();
        assert!(fault.starts_with("a.yaml:2:4: ") && fault.contains("expected a string"), "{fault}");
    }

    #[test]
    fn whole_numbers_keep_their_value_in_json() {
        let tree = tree("[18446744073709551615, -9223372036854775808, 0.1, 1e3, 18446744073709551616]");
        let json = tree.to_json();
        assert_eq!(json[0].as_u64(), Some(u64::MAX));
        assert_eq!(json[1].as_i64(), Some(i64::MIN));
        assert_eq!((json[2].as_f64(), json[3].as_f64()), (Some(0.1), Some(1000.0)));
        assert_eq!(json[4].as_f64(), Some(18_446_744_073_709_551_616.0));
    }
}
