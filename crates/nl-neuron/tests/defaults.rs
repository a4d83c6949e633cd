//! `docs/neurons.md` lists the default parameters of every model: written from the code, so that they cannot part.

use nl_neuron::*;
use serde::Serialize;
use serde_json::Value;

/// A model's row: its name and its parameters with their defaults, by name.
fn row<P: Default + Serialize>(model: &str) -> String {
    let parameters = serde_json::to_value(P::default()).unwrap();
    let number = |value: &Value| match value {
        Value::String(choice) => choice.clone(),
        Value::Number(number) => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    };
    let parameters = parameters.as_object().unwrap().iter();
    let mut list: Vec<_> = parameters.map(|(name, value)| format!("`{name}` {}", number(value))).collect();
    list.sort();
    format!("| `{model}` | {} |\n", list.join(", "))
}

#[test]
fn the_document_lists_the_defaults_of_the_code() {
    let table = [
        row::<IntegrateAndFireParameters>("IntegrateAndFire"),
        row::<LifParameters>("Lif"),
        row::<CubaExpParameters>("CubaExp"),
        row::<CubaAlphaParameters>("CubaAlpha"),
        row::<CobaParameters>("Coba"),
        row::<AlifParameters>("Alif"),
        row::<Mat2Parameters>("Mat2"),
        row::<Srm0Parameters>("Srm0"),
        row::<GifParameters>("Gif"),
        row::<DiehlCookParameters>("DiehlCook"),
        row::<QifParameters>("Qif"),
        row::<EifParameters>("Eif"),
        row::<AdExParameters>("AdEx"),
        row::<IzhikevichParameters>("Izhikevich"),
        row::<HodgkinHuxleyParameters>("HodgkinHuxley"),
        row::<TraubMilesParameters>("TraubMiles"),
        row::<MorrisLecarParameters>("MorrisLecar"),
    ]
    .concat();
    let document = include_str!("../../../docs/neurons.md");
    assert!(document.contains(&table), "docs/neurons.md has another table of defaults than the code:\n{table}");
}
