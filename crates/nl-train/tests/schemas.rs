//! The schemas in configs/schema are those of the types, and the shipped configurations are valid by them.
//!
//! After a change of a type: `NL_WRITE_SCHEMAS=1 cargo test -p nl-train --test schemas` writes them anew.

use std::path::PathBuf;

use nl_train::models::{
    AssociativeModel, BrainModel, CompetitiveModel, ConvStdpModel, LayersModel, MODELS, SimulationModel,
};
use nl_train::yaml::{help, read, schema::validate};
use nl_train::{Document, Model, RunConfig, SHIPPED};
use schemars::JsonSchema;
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("configs")
}

/// The schema of the configurations of `M`: that of the types, with the model's kind.
fn schema<M: Model>() -> Value
where
    M::Config: JsonSchema,
    M::Stage: JsonSchema,
{
    let mut schema = serde_json::to_value(schemars::schema_for!(RunConfig<M::Config, M::Stage>)).unwrap();
    schema["title"] = json!(format!("A run of a model of kind {}", M::KIND));
    schema["description"] = json!(format!("A run of a model of kind {}: {}.", M::KIND, M::ABOUT));
    let model = schema["properties"]["model"]["$ref"].as_str().unwrap().strip_prefix('#').unwrap().to_owned();
    let model = schema.pointer_mut(&model).unwrap();
    if model["properties"].is_null() {
        model["properties"] = json!({});
    }
    model["properties"]["kind"] = json!({"const": M::KIND, "description": "Which kind of model."});
    let required = model.as_object_mut().unwrap().entry("required").or_insert_with(|| json!([]));
    required.as_array_mut().unwrap().insert(0, json!("kind"));
    // An editor sees the name of a file where the program sees the model in it.
    let inline = schema["properties"]["model"].take();
    let file = json!({"type": "string", "description": "A file beside this one that holds the model."});
    schema["properties"]["model"] = json!({"anyOf": [inline, file]});
    short(&mut schema);
    schema
}

/// Numbers of single precision as they were written: 0.3, not 0.30000001192092896.
fn short(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let wide = number.as_f64().unwrap();
            let single = wide as f32;
            if number.is_f64() && f64::from(single).to_bits() == wide.to_bits() {
                *value = json!(single.to_string().parse::<f64>().unwrap());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(short),
        Value::Object(map) => map.values_mut().for_each(short),
        _ => {}
    }
}

fn all() -> [(&'static str, Value); 6] {
    [
        (BrainModel::KIND, schema::<BrainModel>()),
        (LayersModel::KIND, schema::<LayersModel>()),
        (CompetitiveModel::KIND, schema::<CompetitiveModel>()),
        (ConvStdpModel::KIND, schema::<ConvStdpModel>()),
        (SimulationModel::KIND, schema::<SimulationModel>()),
        (AssociativeModel::KIND, schema::<AssociativeModel>()),
    ]
}

#[test]
fn the_schemas_are_fresh() {
    assert_eq!(all().map(|(kind, _)| kind), MODELS.map(|model| model.kind));
    for (kind, schema) in all() {
        let path = folder().join(format!("schema/{kind}.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("NL_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == text,
            "configs/schema/{kind}.json is not that of the types: NL_WRITE_SCHEMAS=1 cargo test -p nl-train --test schemas"
        );
    }
}

/// The documented pair: the model in a file of its own.
#[test]
fn the_pair_to_start_from_is_valid() {
    let document = Document::open(&folder().join("train_config.yaml")).unwrap();
    let config = document.config::<BrainModel>().unwrap();
    assert_eq!((config.stages.len(), config.model.augment_side), (4, Some(28)));
}

#[test]
fn shipped_configurations_are_valid_and_name_their_schema() {
    for shipped in SHIPPED {
        let tree = read(shipped.name, shipped.text.as_bytes()).unwrap();
        let kind = Document::read(shipped.name, shipped.text).unwrap().kind().unwrap().to_owned();
        let first = format!("# yaml-language-server: $schema=schema/{kind}.json\n");
        assert!(shipped.text.starts_with(&first), "{}", shipped.name);
        let (_, schema) = all().into_iter().find(|(known, _)| *known == kind).unwrap();
        let mut schema = schema;
        schema["properties"]["model"] = schema["properties"]["model"]["anyOf"][0].take();
        assert_eq!(validate(&tree, &schema), [], "{}", shipped.name);
    }
}

/// Every name of a page of help is one that a configuration may have, and every stage stands in it.
#[test]
fn the_page_of_help_has_every_stage() {
    for model in MODELS {
        let text = help::render(&model.schema().unwrap());
        for stage in model.stages {
            assert!(text.contains(&format!("kind: {}", stage.kind)), "{}: {} in\n{text}", model.kind, stage.kind);
        }
        for name in ["name:", "seed:", "checkpoint:", "stages:"] {
            assert!(text.contains(name), "{}: {name}", model.kind);
        }
        let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 180).collect();
        assert!(long.is_empty(), "{}: {long:#?}", model.kind);
    }
}
