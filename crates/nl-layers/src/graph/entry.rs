//! A place of a network: a layer, its name, and what it is given.

use serde::{Deserialize, Serialize};

use super::LayerKind;

/// A layer in the list of layers: `{kind: add, name: sum, from: [stem, branch]}`.
///
/// Without `from` it is given what the layer before it gives; `input` is the network's own.
///
/// ```
/// use nl_layers::graph::LayerEntry;
/// let entry: LayerEntry = serde_json::from_str(r#"{"kind": "add", "from": ["stem", "branch"]}"#)?;
/// assert_eq!(entry.from, ["stem", "branch"]);
/// let entry: LayerEntry = serde_json::from_str(r#"{"kind": "linear", "units": 3, "name": "head", "from": "input"}"#)?;
/// assert_eq!((entry.name.as_deref(), &entry.from[..]), (Some("head"), &["input".to_owned()][..]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerEntry {
    /// Its name: what `from` of later layers may say, and the beginning of its parameters' paths. Without one, its kind and a
    /// number: `conv2d-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The layers that it is given, by name; empty: the one before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "names")]
    pub from: Vec<String>,
    /// The layer.
    #[serde(flatten)]
    pub layer: LayerKind,
}

impl From<LayerKind> for LayerEntry {
    fn from(layer: LayerKind) -> Self {
        Self { name: None, from: Vec::new(), layer }
    }
}

/// One name, or a list of them.
mod names {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Several(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(names: &[String], to: S) -> Result<S::Ok, S::Error> {
        match names {
            [one] => one.serialize(to),
            several => several.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        Ok(match Names::deserialize(from)? {
            Names::One(name) => vec![name],
            Names::Several(names) => names,
        })
    }
}

/// The kinds of layers, each with `name` and `from` among its fields.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for LayerEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LayerEntry".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = LayerKind::json_schema(generator);
        let name = schemars::json_schema!({
            "type": "string",
            "description": "Its name: what `from` of later layers may say. Without one, its kind and a number: conv2d-1.",
        });
        let from = schemars::json_schema!({
            "description": "The layers that it is given, by name; without it, the one before it; `input` is the network's own.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        });
        let kinds = schema.get_mut("oneOf").and_then(|kinds| kinds.as_array_mut());
        for kind in kinds.into_iter().flatten() {
            if let Some(properties) = kind.get_mut("properties").and_then(|fields| fields.as_object_mut()) {
                properties.insert("name".to_owned(), name.clone().to_value());
                properties.insert("from".to_owned(), from.clone().to_value());
            }
        }
        schema
    }
}
