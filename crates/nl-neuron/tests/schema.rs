//! The JSON Schema of neurons' parameters: numbers with their units, and the surrogates by name.

use nl_neuron::{Hz, LifParameters, Ms, Mv, Surrogate, SurrogateKind};
use serde_json::Value;

fn schema<T: schemars::JsonSchema>() -> Value {
    serde_json::to_value(schemars::schema_for!(T)).unwrap()
}

#[test]
fn units_are_numbers_that_say_their_unit() {
    for (described, unit, word) in
        [(schema::<Ms>(), "ms", "milliseconds"), (schema::<Mv>(), "mV", "millivolts"), (schema::<Hz>(), "Hz", "hertz")]
    {
        assert_eq!((&described["type"], &described["x-unit"]), (&"number".into(), &unit.into()));
        assert!(described["description"].as_str().unwrap().contains(word), "{described}");
    }
    let lif = schema::<LifParameters>();
    assert_eq!(lif["properties"]["tau_m"]["$ref"], "#/$defs/Ms");
    assert_eq!(lif["properties"]["tau_m"]["default"], LifParameters::default().tau_m.0);
}

#[test]
fn every_surrogate_is_described() {
    let described = schema::<SurrogateKind>();
    let all = described["oneOf"].as_array().expect("alternatives");
    let kinds: Vec<&str> = all.iter().filter_map(|one| one["properties"]["kind"]["const"].as_str()).collect();
    assert_eq!(kinds, SurrogateKind::all().map(|kind| kind.name()));
}
