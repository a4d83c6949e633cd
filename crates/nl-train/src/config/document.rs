//! A configuration as it was read, before anybody knows which model it is of.

use std::path::Path;

use serde_json::Value as Json;

use super::RunConfig;
use crate::Error;
use crate::data::Set;
use crate::run::{ConfigOf, Model, order, read_capped};
use crate::yaml::{Fault, Node, Value, read, schema::validate};

/// A configuration larger than this is not one of ours: 1 MiB.
const CAP: u64 = 1 << 20;

/// A configuration that was read but not yet understood: options of the command line change it, then a model takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    tree: Node,
}

/// The schema of a configuration whose model stands in it, from that in configs/schema, which lets it stand in a file too.
pub(crate) fn inline(schema: &str) -> Result<Json, serde_json::Error> {
    let mut schema: Json = serde_json::from_str(schema)?;
    if let Some(model) = schema.pointer("/properties/model/anyOf/0").cloned() {
        schema["properties"]["model"] = model;
    }
    Ok(schema)
}

/// The first value called `name` in a tree.
fn named<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Map(entries) => {
            let here = entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value);
            here.or_else(|| entries.iter().find_map(|(_, value)| named(value, name)))
        }
        Value::List(items) => items.iter().find_map(|item| named(item, name)),
        _ => None,
    }
}

impl Document {
    /// Reads YAML; `origin` is what messages call it.
    ///
    /// # Errors
    /// [`Error::Faults`] with the place.
    pub fn read(origin: &str, text: &str) -> Result<Self, Error> {
        Ok(Self { tree: read(origin, text.as_bytes())? })
    }

    /// Reads a YAML file of at most 1 MiB. Where `model:` is a name of a file, the model is read from that file, which lies
    /// beside this one.
    ///
    /// # Errors
    /// [`Error::Faults`] with the place; a file that cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut tree = read(&path.to_string_lossy(), &read_capped(path, CAP)?)?;
        if let Some(Node { value: Value::Text(name), place }) = tree.get("model").cloned() {
            let file = path.parent().unwrap_or(Path::new("")).join(&name);
            let bytes = read_capped(&file, CAP).map_err(|error| {
                let advice = "`model` is a model ({kind: …}) or the name of a file that holds one";
                Error::from(Fault::new(&place, "model", format!("{error}; {advice}")))
            })?;
            let model = read(&file.to_string_lossy(), &bytes)?;
            let model = model.get("model").cloned().unwrap_or(model);
            if let Value::Map(entries) = &mut tree.value {
                entries.iter_mut().filter(|entry| entry.0.name == "model").for_each(|entry| entry.1 = model.clone());
            }
        }
        Ok(Self { tree })
    }

    /// Reads JSON that this program wrote.
    ///
    /// # Errors
    /// [`Error::Faults`] if it is none.
    pub(crate) fn json(origin: &str, text: &str) -> Result<Self, Error> {
        Self::read(origin, text)
    }

    /// The kind of its model.
    ///
    /// # Errors
    /// [`Error::Faults`] if it names none.
    pub fn kind(&self) -> Result<&str, Error> {
        let advice = "write `model: {kind: …}` (cargo xtask list models shows the kinds)";
        match self.tree.get("model.kind") {
            Some(Node { value: Value::Text(kind), .. }) => Ok(kind),
            Some(node) => {
                let message = format!("expected the kind of a model, found {}; {advice}", node.value.shown());
                Err(Fault::new(&node.place, "model.kind", message).into())
            }
            None => {
                // What it was before there was one form for all models is told apart from what is merely incomplete.
                let old = ["self_supervised", "brain", "run", "network", "layers"]
                    .iter()
                    .find(|old| self.tree.get(old).is_some());
                let hint = old.map_or(String::new(), |old| {
                    format!(
                        "; `{old}` at this place is of an older form: what it holds stands in `model` and `stages` now"
                    )
                });
                let place = self.tree.get("model").map_or(&self.tree.place, |node| &node.place);
                Err(Fault::new(place, "", format!("it names no model; {advice}{hint}")).into())
            }
        }
    }

    /// An error at the place of the model's kind.
    pub(crate) fn unknown_kind(&self, message: String) -> Error {
        let place = self.tree.get("model.kind").map_or(&self.tree.place, |node| &node.place);
        Fault::new(place, "model.kind", message).into()
    }

    /// The configuration of a model.
    ///
    /// # Errors
    /// [`Error::Faults`] if it is of another model, or a value is wrong: each with its place.
    pub fn config<M: Model>(&self) -> Result<ConfigOf<M>, Error> {
        let kind = self.kind()?;
        if kind != M::KIND {
            return Err(self.unknown_kind(format!("it is {kind:?}, but {:?} is asked for", M::KIND)));
        }
        if let Some(schema) = M::SCHEMA {
            let schema =
                inline(schema).map_err(|e| Error::config(format!("the schema of {} is none: {e}", M::KIND)))?;
            let faults = validate(&self.tree, &schema);
            if !faults.is_empty() {
                return Err(Error::Faults { faults });
            }
        }
        let mut tree = self.tree.clone();
        if let Value::Map(entries) = &mut tree.value {
            for (_, model) in entries.iter_mut().filter(|entry| entry.0.name == "model") {
                if let Value::Map(fields) = &mut model.value {
                    fields.retain(|field| field.0.name != "kind");
                }
            }
        }
        let mut config: ConfigOf<M> = tree.typed::<RunConfig<_, _>>()?;
        if M::Set::WHAT.is_some() && config.data.is_none() {
            config.data = Some(super::DataConfig::default());
        }
        config.check().and_then(|()| order::check::<M>(&config)).map_err(|e| self.located(&e))?;
        Ok(config)
    }

    /// An error of a configuration that does not fit what it is about, with its line and column; another one as it is.
    pub(crate) fn misfit(&self, error: Error) -> Error {
        match &error {
            Error::Config { .. } | Error::Under { .. } => self.located(&error),
            _ => error,
        }
    }

    /// An error with the line and column of what it is about: below its path, the value that the message names first.
    fn located(&self, error: &Error) -> Error {
        let (path, message) = match error {
            Error::Under { place, error } => (place.clone(), error.to_string()),
            other => (String::new(), other.to_string()),
        };
        let message = message.strip_prefix("config: ").unwrap_or(&message).to_owned();
        let part = self.tree.get(&path).unwrap_or(&self.tree);
        let names = message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let node = names.filter(|name| !name.is_empty()).find_map(|name| named(part, name)).unwrap_or(part);
        Fault::new(&node.place, &path, message).into()
    }

    /// Changes the value at a path such as `stages[0].seconds`; maps that are missing on the way are made. `origin` is what
    /// messages call it: `--seconds`.
    ///
    /// # Errors
    /// [`Error::Faults`] if the path is none, or leads through a value that has no parts.
    pub fn set(&mut self, origin: &str, path: &str, value: impl Into<Json>) -> Result<(), Error> {
        Ok(self.tree.set(origin, path, &value.into().to_string())?)
    }

    /// As [`set`](Self::set), of a text `path=value` whose value is YAML.
    ///
    /// ```
    /// let mut document = nl_train::Document::read("mine", "seed: 1\nmodel: {kind: brain}")?;
    /// document.assign("model.hippocampus.neighbours=5")?;
    /// assert!(document.assign("seed").unwrap_err().to_string().contains("path=value"));
    /// # Ok::<(), nl_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Faults`] or [`Error::Config`] also if there is no `=`, or the value is no YAML.
    pub fn assign(&mut self, text: &str) -> Result<(), Error> {
        let Some((path, value)) = text.split_once('=') else {
            return Err(Error::config(format!("--set {text}: write --set path=value, such as --set seed=2")));
        };
        let path = path.trim();
        Ok(self.tree.set(&format!("--set {path}"), path, value)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{BrainModel, SimulationModel};

    /// What only the types know is told with line and column too.
    #[test]
    fn values_out_of_range_have_a_place() {
        let text = "name: a\nmodel:\n  kind: simulation\n  network:\n    kind: brunel\n    delay: -1\nstages:\n  - {kind: simulate}\n";
        let document = Document::read("a.yaml", text).unwrap();
        let error = document.config::<SimulationModel>().unwrap_err().to_string();
        assert!(error.starts_with("a.yaml:6:12: model.network: ") && error.contains("delay"), "{error}");
        let brain = crate::shipped("mnist-quick").unwrap().replace("neighbours: 10", "neighbours: 5000");
        let error = Document::read("b.yaml", &brain).unwrap().config::<BrainModel>().unwrap_err().to_string();
        let line = brain.lines().position(|line| line.contains("neighbours")).unwrap() + 1;
        assert!(error.starts_with(&format!("b.yaml:{line}:")) && error.contains("5000"), "{error}");
    }

    #[test]
    fn an_option_is_named_by_its_fault() {
        let mut document = Document::read("a.yaml", crate::shipped("cuba").unwrap()).unwrap();
        document.assign("stages[0].seconds=-1").unwrap();
        let error = document.config::<SimulationModel>().unwrap_err().to_string();
        assert!(error.contains("--set stages[0].seconds"), "{error}");
        let early = crate::shipped("mnist-quick").unwrap().replace("kind: remember", "kind: trust");
        let error = Document::read("b.yaml", &early).unwrap().config::<BrainModel>().unwrap_err().to_string();
        assert!(
            error.starts_with("b.yaml:") && error.contains("stages[2]: `trust` needs a filled hippocampus"),
            "{error}"
        );
        let old = Document::read("a.yaml", "name: a\nself_supervised: {}\n").unwrap();
        assert!(old.kind().unwrap_err().to_string().contains("older form"));
    }
}
