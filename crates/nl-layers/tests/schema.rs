//! The JSON Schemas of what stands in a configuration of this crate.

use nl_layers::graph::{LayerEntry, LayerKind};
use nl_layers::loss::{BarlowTwins, CrossEntropy, Focal, Gaussian, Huber, NtXent, Quantile, VicReg};
use nl_layers::{Activation, Initializer};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What a default writes is what its schema describes, with these defaults.
fn described<T: JsonSchema + Default + Serialize>() {
    let schema = serde_json::to_value(schemars::schema_for!(T)).unwrap();
    let written = serde_json::to_value(T::default()).unwrap();
    let properties = schema["properties"].as_object().unwrap_or_else(|| panic!("{schema:#}"));
    let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(properties), keys(written.as_object().unwrap()), "{}", schema["title"]);
    for (name, field) in properties {
        assert_eq!(field["default"], written[name], "{}.{name}", schema["title"]);
        let target = field["$ref"].as_str().and_then(|at| schema.pointer(at.trim_start_matches('#')));
        let says = |it: &Value| it["description"].is_string();
        assert!(says(field) || target.is_some_and(says), "{}.{name} is not described", schema["title"]);
    }
    assert_eq!(schema["additionalProperties"], false, "{}", schema["title"]);
}

#[test]
fn defaults_are_described() {
    described::<CrossEntropy>();
    described::<Focal>();
    described::<Huber>();
    described::<Quantile>();
    described::<Gaussian>();
    described::<NtXent>();
    described::<VicReg>();
    described::<BarlowTwins>();
}

#[test]
fn names_are_kebab_case() {
    let initialisers = serde_json::to_value(schemars::schema_for!(Initializer)).unwrap();
    let all = initialisers["oneOf"].as_array().unwrap();
    let kinds: Vec<&Value> = all.iter().map(|one| &one["properties"]["kind"]["const"]).collect();
    assert_eq!(kinds[..4], ["zeros", "constant", "he-normal", "he-uniform"]);
    let activations = serde_json::to_value(schemars::schema_for!(Activation)).unwrap();
    assert!(activations.to_string().contains("\"softplus\""), "{activations}");
}

/// Layers within layers: the schema refers to itself, and each kind says what it and its fields are.
#[test]
fn layers_are_described_within_each_other() {
    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is asked for")]
    struct Network {
        layers: Vec<LayerEntry>,
    }
    let schema = serde_json::to_value(schemars::schema_for!(Network)).unwrap();
    let entry = &schema["$defs"]["LayerEntry"];
    let kinds = entry["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), LayerKind::KINDS.len());
    for (one, (name, about)) in kinds.iter().zip(LayerKind::KINDS) {
        assert_eq!(
            (&one["properties"]["kind"]["const"], &one["description"]),
            (&Value::from(*name), &Value::from(*about))
        );
        for (field, rules) in one["properties"].as_object().unwrap().iter().filter(|(field, _)| *field != "kind") {
            let target = rules["$ref"].as_str().and_then(|at| schema.pointer(at.trim_start_matches('#')));
            let says = |it: &Value| it["description"].is_string();
            assert!(says(rules) || target.is_some_and(says), "{name}.{field} is not described");
        }
    }
    let residual = kinds.iter().find(|one| one["properties"]["kind"]["const"] == "residual").unwrap();
    assert_eq!(residual["properties"]["layers"]["items"]["$ref"], "#/$defs/LayerEntry");
    let own = serde_json::to_value(schemars::schema_for!(LayerEntry)).unwrap();
    assert!(own.to_string().contains("\"$ref\""), "{own:#}");
}
