//! The JSON Schemas of what stands in a configuration of this crate.

use nl_network::competitive::CompetitiveConfig;
use nl_network::conv_stdp::{ConvStdpConfig, RewardConfig};
use nl_network::published::{BrunelConfig, CobaConfig, CobahhConfig, CubaConfig};
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
    described::<CompetitiveConfig>();
    described::<ConvStdpConfig>();
    described::<RewardConfig>();
    described::<BrunelConfig>();
    described::<CubaConfig>();
    described::<CobaConfig>();
    described::<CobahhConfig>();
}
