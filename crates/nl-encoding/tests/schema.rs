//! The JSON Schema of what stands in a configuration of an encoder.

use nl_encoding::encode::Population;
use serde_json::Value;

fn schema<T: schemars::JsonSchema>() -> Value {
    serde_json::to_value(schemars::schema_for!(T)).unwrap()
}

#[test]
fn a_nested_choice_is_told_by_its_kind() {
    let population = schema::<Population>();
    let codes = population["$defs"]["PopulationCode"]["oneOf"].as_array().expect("alternatives");
    let latency = codes.iter().find(|one| one["properties"]["kind"]["const"] == "latency").expect("latency");
    assert_eq!(latency["properties"]["curve"]["$ref"], "#/$defs/LatencyCurve");
    let curves = population["$defs"]["LatencyCurve"]["oneOf"].as_array().expect("alternatives");
    let kinds: Vec<_> = curves.iter().map(|one| &one["properties"]["kind"]["const"]).collect();
    assert_eq!(kinds, ["linear", "charging", "logarithmic"]);
}
