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

    /// Changes the value at a path; what is missing on the way is made.
    pub fn set(&mut self, path: &[&str], value: impl Into<Value>) {
        let mut place = &mut self.value;
        for key in path {
            if !place.is_object() {
                *place = Value::Object(serde_json::Map::new());
            }
            place = &mut place[*key];
        }
        *place = value.into();
    }
}
