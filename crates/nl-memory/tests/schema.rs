//! The JSON Schema of a memory's configuration.

use nl_memory::MemoryConfig;
use serde_json::Value;

#[test]
fn fields_and_words_are_described() {
    let schema = serde_json::to_value(schemars::schema_for!(MemoryConfig)).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let words = |name: &str| -> Vec<&Value> {
        let all = schema["$defs"][name]["oneOf"].as_array().unwrap_or_else(|| panic!("{name}: {schema:#}"));
        all.iter().map(|one| &one["const"]).collect()
    };
    assert_eq!(words("Metric"), ["l2", "cosine"]);
    assert_eq!(words("Replacement"), ["per-class", "reservoir"]);
}
