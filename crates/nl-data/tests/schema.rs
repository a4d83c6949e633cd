//! The JSON Schema of what stands in a configuration of the data.

use nl_data::{Augment, Choice, Normalize};
use serde_json::{Value, json};

fn schema<T: schemars::JsonSchema>() -> Value {
    serde_json::to_value(schemars::schema_for!(T)).unwrap()
}

/// Types that are written otherwise than they are held are described as they are written.
#[test]
fn a_source_is_text_and_a_normalisation_two_numbers() {
    assert_eq!(schema::<Choice>()["type"], "string");
    let normalize = schema::<Normalize>();
    assert_eq!(normalize["required"], json!(["mean", "std"]));
    assert_eq!(normalize["properties"]["std"]["type"], "number");
}

#[test]
fn defaults_are_those_of_the_type() {
    let (described, default) = (schema::<Augment>(), serde_json::to_value(Augment::default()).unwrap());
    for (name, value) in default.as_object().unwrap() {
        assert_eq!(described["properties"][name]["default"], *value, "{name}");
    }
    assert_eq!(described["additionalProperties"], false);
}
