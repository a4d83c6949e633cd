//! The JSON Schema of an optimiser's configuration says what its reader accepts.

use nl_optim::{Adam, Algorithm, OptimizerConfig};
use serde_json::{Value, json};

/// The alternative of `union` whose kind is `kind`.
fn alternative<'a>(schema: &'a Value, union: &str, kind: &str) -> &'a Value {
    let all = schema["$defs"][union]["oneOf"].as_array().expect("alternatives");
    all.iter().find(|one| one["properties"]["kind"]["const"] == kind).unwrap_or_else(|| panic!("no {kind} in {all:#?}"))
}

#[test]
fn kinds_fields_defaults_and_descriptions_are_those_of_the_types() {
    let schema = serde_json::to_value(schemars::schema_for!(OptimizerConfig)).unwrap();
    assert_eq!(schema["required"], json!(["algorithm", "schedule"]));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["clip_norm"]["type"], json!(["number", "null"]));
    let kinds = |union: &str| -> Vec<&Value> {
        let all = schema["$defs"][union]["oneOf"].as_array().expect("alternatives");
        all.iter().map(|one| &one["properties"]["kind"]["const"]).collect()
    };
    assert_eq!(kinds("Algorithm"), ["sgd", "momentum", "nesterov", "rms-prop", "adam", "adam-w"]);
    assert_eq!(kinds("Schedule")[4..], ["cosine", "cosine-restarts", "one-cycle", "warm-up"]);

    let adam = alternative(&schema, "Algorithm", "adam");
    assert_eq!(adam["required"], json!(["kind"]));
    assert_eq!(adam["additionalProperties"], false);
    assert_eq!(adam["properties"]["beta2"]["default"], Adam::default().beta2);
    assert!(adam["properties"]["beta2"]["description"].as_str().unwrap().contains("[0, 1)"));

    let cycle = alternative(&schema, "Schedule", "one-cycle");
    assert_eq!(cycle["required"], json!(["kind", "peak"]), "the length may be left open");
    assert_eq!(cycle["properties"]["steps"]["minimum"], 0);
    assert_eq!(cycle["properties"]["warm_up"]["default"], 0.3);
    let warm_up = alternative(&schema, "Schedule", "warm-up");
    assert_eq!(warm_up["properties"]["then"]["$ref"], "#/$defs/Schedule");
    assert_eq!(warm_up["required"], json!(["kind", "steps", "then"]));
}

/// Every field that is written is described, and nothing else is.
#[test]
fn what_is_written_is_described() {
    let schema = serde_json::to_value(schemars::schema_for!(Algorithm)).unwrap();
    for text in ["sgd", "momentum", "nesterov", "rms-prop", "adam", "adam-w"] {
        let algorithm: Algorithm = serde_json::from_value(json!({"kind": text})).unwrap();
        let written = serde_json::to_value(algorithm).unwrap();
        let all = schema["oneOf"].as_array().unwrap();
        let described = all.iter().find(|one| one["properties"]["kind"]["const"] == text).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&written), keys(&described["properties"]), "{text}");
    }
}

/// Every bound that the schema tells is one that `validate` has: on it or just inside all is well, outside nothing is.
#[test]
fn bounds_are_those_of_validate() {
    let schema = serde_json::to_value(schemars::schema_for!(OptimizerConfig)).unwrap();
    let plain = json!({"algorithm": {"kind": "sgd"}, "schedule": {"kind": "constant", "rate": 0.5}});
    let valid = |config: &Value| {
        let config: OptimizerConfig =
            serde_json::from_value(config.clone()).unwrap_or_else(|e| panic!("{config}: {e}"));
        config.validate()
    };
    let mut bounds = 0;
    let mut look = |config: &Value, at: &str, properties: &Value| {
        for (name, field) in properties.as_object().unwrap() {
            for (key, inside, outside) in [
                ("minimum", 0.0, -1.0),
                ("exclusiveMinimum", 1e-9, 0.0),
                ("maximum", 0.0, 1.0),
                ("exclusiveMaximum", -1e-9, 0.0),
            ] {
                let Some(bound) = field[key].as_f64() else { continue };
                let whole = field["type"] == "integer";
                if whole && bound == 0.0 {
                    continue; // what an unsigned number cannot be anyway
                }
                for (change, right) in [(inside, true), (outside, false)] {
                    let value = if whole { json!((bound + change) as u64) } else { json!(bound + change) };
                    let mut changed = config.clone();
                    changed.pointer_mut(at).unwrap().as_object_mut().unwrap().insert(name.clone(), value);
                    assert_eq!(valid(&changed).is_ok(), right, "{at}/{name} {key}: {changed}: {:?}", valid(&changed));
                    bounds += 1;
                }
            }
        }
    };
    look(&plain, "", &schema["properties"]);
    let mut patient = plain.clone();
    patient["plateau"] = json!({});
    look(&patient, "/plateau", &schema["$defs"]["Plateau"]["properties"]);
    for (union, key) in [("Algorithm", "algorithm"), ("Schedule", "schedule")] {
        for one in schema["$defs"][union]["oneOf"].as_array().unwrap() {
            let mut config = plain.clone();
            let mut kind = json!({"kind": one["properties"]["kind"]["const"]});
            for name in one["required"].as_array().unwrap().iter().filter_map(Value::as_str).filter(|it| *it != "kind")
            {
                kind[name] = match name {
                    "milestones" => json!([1]),
                    "then" => json!({"kind": "constant", "rate": 0.5}),
                    "every" | "period" | "steps" => json!(4),
                    _ => json!(0.5),
                };
            }
            if one["properties"].get("steps").is_some() {
                kind["steps"] = json!(4);
            }
            config[key] = kind;
            assert_eq!(valid(&config), Ok(()), "{config}");
            look(&config, &format!("/{key}"), &one["properties"]);
        }
    }
    assert!(bounds > 60, "only {bounds} bounds were looked at");
}
