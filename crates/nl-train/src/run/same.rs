//! Whether a run that goes on is the run that was stopped: its configuration, value by value.

use serde_json::Value;

use super::{ConfigOf, Model, Stage};
use crate::{Error, config};

/// The JSON of `now`, if it differs from `before` (the JSON of the checkpoint) only in what may change: the interval of
/// checkpoints, stages that have not begun, and what the stage under way allows to grow.
///
/// # Errors
/// [`Error::OtherConfig`] with the first other difference.
pub(super) fn check<M: Model>(before: &str, now: &ConfigOf<M>, stage: u64, begun: bool) -> Result<String, Error> {
    let old: Value = serde_json::from_str(before)
        .map_err(|e| Error::config(format!("the checkpoint's configuration cannot be read: {e}")))?;
    let new = config::json::<M>(now)?;
    let stage = stage as usize;
    let may_grow = now.stages.get(stage).filter(|_| begun).map(Stage::may_grow).unwrap_or_default();
    let first = if begun { stage.saturating_add(1) } else { stage };
    let mut differences = Vec::new();
    compare("", &old, &new, &mut differences);
    let free = |path: &str| {
        path.starts_with("checkpoint.")
            || path == "log"
            || path.starts_with("log.")
            // Whether they are the same images is seen by their hash.
            || path == "data.source"
            || numbered(path).is_some_and(|(i, field)| {
                i >= first || (i == stage && may_grow.iter().any(|may| field.strip_prefix('.') == Some(*may)))
            })
    };
    match differences.into_iter().find(|(path, ..)| !free(path)) {
        Some((field, old, new)) => Err(Error::OtherConfig { field, old, new }),
        None => Ok(new.to_string()),
    }
}

/// `stages[2].learn.epochs` as (2, ".learn.epochs").
fn numbered(path: &str) -> Option<(usize, &str)> {
    let (number, field) = path.strip_prefix("stages[")?.split_once(']')?;
    Some((number.parse().ok()?, field))
}

/// Every place at which two values differ: path, old, new.
fn compare(path: &str, old: &Value, new: &Value, out: &mut Vec<(String, String, String)>) {
    let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            let mut keys: Vec<&String> = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).collect();
            keys.sort();
            for key in keys {
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => compare(&below(key), a, b, out),
                    (a, b) => out.push((below(key), text(a), text(b))),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for i in 0..a.len().max(b.len()) {
                match (a.get(i), b.get(i)) {
                    (Some(a), Some(b)) => compare(&format!("{path}[{i}]"), a, b, out),
                    (a, b) => out.push((format!("{path}[{i}]"), text(a), text(b))),
                }
            }
        }
        (a, b) if a == b => {}
        (a, b) => out.push((path.to_owned(), text(Some(a)), text(Some(b)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_by_their_path() {
        let old = serde_json::json!({"seed": 1, "stages": [{"epochs": 1, "rate": 0.5}], "gone": true});
        let new = serde_json::json!({"seed": 2, "stages": [{"epochs": 1, "rate": 0.25}, {"epochs": 3}]});
        let mut found = Vec::new();
        compare("", &old, &new, &mut found);
        let paths: Vec<&str> = found.iter().map(|d| d.0.as_str()).collect();
        assert_eq!(paths, ["gone", "seed", "stages[0].rate", "stages[1]"]);
        assert_eq!((found[1].1.as_str(), found[1].2.as_str()), ("1", "2"));
        assert_eq!((found[0].2.as_str(), found[3].1.as_str()), ("nothing", "nothing"));
    }

    #[test]
    fn stages_are_found_by_their_number() {
        assert_eq!(numbered("stages[2].learn.epochs"), Some((2, ".learn.epochs")));
        assert_eq!(numbered("stages[3]"), Some((3, "")));
        assert_eq!(numbered("model.stages"), None);
    }
}
