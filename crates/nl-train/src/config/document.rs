//! A configuration as it was read, before anybody knows which model it is of.

use serde_json::Value;

use super::RunConfig;
use crate::Error;
use crate::run::{ConfigOf, Model};

/// A configuration that was read but not yet understood: options of the command line change it, then a model takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it is called in messages: the file.
    origin: String,
    value: Value,
}

impl Document {
    /// Reads YAML; `origin` is what messages call it.
    ///
    /// # Errors
    /// [`Error::Config`] with the place.
    pub fn read(origin: &str, text: &str) -> Result<Self, Error> {
        let value = serde_saphyr::from_str(text).map_err(|e| Error::config(format!("{origin}: {e}")))?;
        Ok(Self { origin: origin.to_owned(), value })
    }

    /// Reads JSON that this program wrote.
    ///
    /// # Errors
    /// [`Error::Config`] if it is none.
    pub(crate) fn json(origin: &str, text: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(text).map_err(|e| Error::config(format!("{origin}: {e}")))?;
        Ok(Self { origin: origin.to_owned(), value })
    }

    /// The value at a path of keys.
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.value, |value, key| value.get(key))
    }

    /// The kind of its model.
    ///
    /// # Errors
    /// [`Error::Config`] if it names none.
    pub fn kind(&self) -> Result<&str, Error> {
        self.get(&["model", "kind"]).and_then(Value::as_str).ok_or_else(|| {
            Error::config(format!(
                "{}: it names no model; write `model: {{kind: …}}` (cargo xtask list models shows the kinds)",
                self.origin
            ))
        })
    }

    /// The configuration of a model.
    ///
    /// # Errors
    /// [`Error::Config`] if it is of another model, or a value is wrong.
    pub fn config<M: Model>(&self) -> Result<ConfigOf<M>, Error> {
        let kind = self.kind()?;
        if kind != M::KIND {
            let text = format!("{}: model.kind is {kind:?}, but {:?} is asked for", self.origin, M::KIND);
            return Err(Error::config(text));
        }
        let mut value = self.value.clone();
        if let Some(model) = value.get_mut("model").and_then(Value::as_object_mut) {
            model.remove("kind");
        }
        let config: ConfigOf<M> = serde_json::from_value::<RunConfig<_, _>>(value)
            .map_err(|e| Error::config(format!("{}: {e}", self.origin)))?;
        let config = if M::IMAGES && config.data.is_none() {
            RunConfig { data: Some(super::DataConfig::default()), ..config }
        } else {
            config
        };
        config.check().map_err(|e| e.under(&self.origin))?;
        Ok(config)
    }

    /// Changes the value at a path such as `stages[0].seconds`; what is missing on the way is made.
    ///
    /// # Errors
    /// [`Error::Config`] if the path is none, or leads through a value that has no parts.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), Error> {
        let mut place = &mut self.value;
        for step in steps(path)? {
            let fail = |found: &Value| Error::config(format!("{path}: {found} has no part `{step}`"));
            place = match step.parse::<usize>() {
                Ok(index) if place.is_array() => {
                    let found = place.clone();
                    place.get_mut(index).ok_or_else(|| fail(&found))?
                }
                _ => {
                    if place.is_null() {
                        *place = Value::Object(serde_json::Map::new());
                    }
                    let found = place.clone();
                    let map = place.as_object_mut().ok_or_else(|| fail(&found))?;
                    map.entry(step).or_insert(Value::Null)
                }
            };
        }
        *place = value.into();
        Ok(())
    }

    /// As [`set`](Self::set), of a text `path=value` whose value is YAML.
    ///
    /// # Errors
    /// [`Error::Config`] also if there is no `=`, or the value is no YAML.
    pub fn assign(&mut self, text: &str) -> Result<(), Error> {
        let Some((path, value)) = text.split_once('=') else {
            return Err(Error::config(format!("--set {text}: write --set path=value, such as --set seed=2")));
        };
        let origin = format!("--set {path}");
        let value = Self::read(&origin, value)?.value;
        self.set(path.trim(), value).map_err(|e| e.under(&origin))
    }
}

/// `a.b[2].c` as a, b, 2, c.
fn steps(path: &str) -> Result<Vec<String>, Error> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut rest = part;
        let name = rest.find('[').unwrap_or(rest.len());
        steps.push(rest[..name].to_owned());
        rest = &rest[name..];
        while let Some(inside) = rest.strip_prefix('[') {
            let Some((index, after)) = inside.split_once(']') else { break };
            steps.push(index.to_owned());
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Error::config(format!("{path:?} is no path; write names and numbers, such as stages[0].kind")));
        }
    }
    if steps.iter().any(String::is_empty) {
        return Err(Error::config(format!("{path:?} is no path; write names and numbers, such as stages[0].kind")));
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_values() {
        let mut document = Document::read("a file", "seed: 1\nstages: [{kind: simulate}]").unwrap();
        document.assign("stages[0].seconds=2.5").unwrap();
        document.assign("model.network.neurons=400").unwrap();
        document.assign("data={name: mnist}").unwrap();
        let expected = serde_json::json!({
            "seed": 1, "stages": [{"kind": "simulate", "seconds": 2.5}],
            "model": {"network": {"neurons": 400}}, "data": {"name": "mnist"}
        });
        assert_eq!(document.value, expected);
        for (text, part) in [
            ("seed", "--set path=value"),
            ("stages[1].seconds=1", "has no part `1`"),
            ("seed.a=1", "has no part `a`"),
            ("a..b=1", "is no path"),
            ("a[1=1", "is no path"),
            ("seed=[1", "--set seed"),
        ] {
            let error = document.assign(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
