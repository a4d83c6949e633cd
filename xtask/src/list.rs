//! `cargo xtask list`: what there is.

use nl_layers::loss::{JointEmbeddingKind, LossKind};
use nl_train::SHIPPED;
use nl_train::models::MODELS;
use serde_json::{Value, json};

use crate::cli::{List, Topic};

/// Spiking neurons of nl-neuron, by the names of their types.
const NEURONS: &[(&str, &str)] = &[
    ("IntegrateAndFire", "perfect integrator with a threshold"),
    ("Lif", "leaky integrate-and-fire, current or delta input"),
    ("CubaExp", "leaky, currents that decay exponentially"),
    ("CubaAlpha", "leaky, currents shaped as alpha functions"),
    ("Coba", "leaky, conductances that decay exponentially"),
    ("Alif", "leaky, with a threshold that adapts"),
    ("Mat2", "leaky, with a threshold of two time scales"),
    ("Srm0", "spike response model, after-potential and kernel"),
    ("Gif", "generalised integrate-and-fire, with escape noise"),
    ("DiehlCook", "leaky, conductances and an adaptive threshold, for learning digits"),
    ("Qif", "quadratic integrate-and-fire"),
    ("Eif", "exponential integrate-and-fire"),
    ("AdEx", "exponential, with adaptation"),
    ("Izhikevich", "two variables, twenty kinds of firing"),
    ("HodgkinHuxley", "the squid's axon"),
    ("TraubMiles", "Hodgkin-Huxley's equations of a hippocampal neuron"),
    ("MorrisLecar", "the barnacle's muscle fibre, two variables"),
];

/// Encoders of nl-data, by the names of their types.
const ENCODERS: &[(&str, &str)] = &[
    ("Burst", "a burst whose length and intervals follow the value"),
    ("Delta", "a spike for each change by a threshold"),
    ("Latency", "one spike, the earlier the larger the value"),
    ("WeightedPhase", "the bits of the value, by phase"),
    ("Poisson", "a Poisson process whose rate follows the value"),
    ("Population", "tuning curves of a population"),
    ("RankOrder", "bins of equally many spikes, by rank"),
    ("Regular", "evenly spaced spikes whose rate follows the value"),
    ("SuperposedPoisson", "Poisson processes whose total rate is fixed"),
    ("TimeToFirstSpike", "one spike, when a threshold that decays is crossed"),
];

/// Algorithms of nl-optim, by `kind`.
const OPTIMIZERS: &[(&str, &str)] = &[
    ("sgd", "plain gradient descent"),
    ("momentum", "with a velocity"),
    ("nesterov", "with a velocity, the gradient taken ahead"),
    ("rms-prop", "divided by a running root mean square"),
    ("adam", "moments of first and second order; AMSGrad on request"),
    ("adam-w", "Adam with decoupled weight decay"),
];

pub(crate) fn run(options: &List) -> anyhow::Result<()> {
    let all = [
        Topic::Models,
        Topic::Stages,
        Topic::Layers,
        Topic::Losses,
        Topic::Neurons,
        Topic::Rules,
        Topic::Encoders,
        Topic::Optimizers,
        Topic::Presets,
        Topic::Datasets,
    ];
    let wanted: Vec<Topic> = options.topic.map_or_else(|| all.to_vec(), |topic| vec![topic]);
    let mut lists = serde_json::Map::new();
    for topic in wanted {
        let (title, items) = items(topic)?;
        if !options.json {
            crate::print(&text(title, &items))?;
        }
        let items = items.into_iter().map(|(name, about)| json!({"name": name, "about": about}));
        lists.insert(title.into(), Value::Array(items.collect()));
    }
    if options.json {
        crate::print(&format!("{}\n", Value::Object(lists)))?;
    }
    Ok(())
}

/// Names and one sentence each.
fn items(topic: Topic) -> anyhow::Result<(&'static str, Vec<(String, String)>)> {
    let owned = |list: &[(&str, &str)]| list.iter().map(|(name, about)| ((*name).into(), (*about).into())).collect();
    Ok(match topic {
        Topic::Models => ("models", MODELS.iter().map(|model| (model.kind.into(), model.about.into())).collect()),
        Topic::Stages => {
            let stages = MODELS.iter().flat_map(|model| model.stages.iter().map(move |stage| (model, stage)));
            let about = |needs: &[&str]| {
                if needs.is_empty() { String::new() } else { format!("; needs {}", needs.join(" and ")) }
            };
            let line = |(model, stage): (&nl_train::models::Kind, &nl_train::StageKind)| {
                (format!("{}: {}", model.kind, stage.kind), format!("{}{}", stage.about, about(stage.needs)))
            };
            ("stages", stages.map(line).collect())
        }
        Topic::Layers => ("layers", owned(nl_layers::graph::LayerKind::KINDS)),
        Topic::Losses => {
            let labelled = LossKind::all().into_iter().map(|loss| (loss.name(), loss.about()));
            let views = JointEmbeddingKind::all().into_iter().map(|loss| (loss.name(), loss.about()));
            ("losses", labelled.chain(views).map(|(name, about)| (name.into(), about.into())).collect())
        }
        Topic::Neurons => ("neurons", owned(NEURONS)),
        Topic::Rules => {
            let spikes = nl_plasticity::RuleKind::NAMES.iter().map(|name| (name, "on spikes"));
            let rates = ["hebb", "oja", "sanger", "bcm"].iter().map(|name| (name, "on rates"));
            ("rules", spikes.chain(rates).map(|(name, about)| ((*name).into(), about.into())).collect())
        }
        Topic::Encoders => ("encoders", owned(ENCODERS)),
        Topic::Optimizers => ("optimizers", owned(OPTIMIZERS)),
        Topic::Presets => ("presets", SHIPPED.iter().map(|preset| (preset.name.into(), preset.about.into())).collect()),
        Topic::Datasets => {
            let registry = nl_data::Registry::builtin()?;
            ("datasets", registry.datasets.into_iter().map(|set| (set.name, set.title)).collect())
        }
    })
}

fn text(title: &str, items: &[(String, String)]) -> String {
    let width = items.iter().map(|item| item.0.chars().count()).max().unwrap_or(0);
    let columns = crate::text::stdout_columns();
    let mut text = format!("{title}\n");
    for (name, about) in items {
        let line = format!("  {name:width$}  {about}");
        let fits = line.chars().count() <= columns;
        text += &if fits { line + "\n" } else { crate::text::wrap(&format!("  {name}: {about}"), columns) + "\n" };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Names that a module of another crate gives to the world, as far as they are types with an `…Of` of this pattern.
    fn source(path: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
    }

    /// Every name of a list is in the crate, and every neuron and encoder of the crate is in the list.
    #[test]
    fn the_lists_are_those_of_the_crates() {
        let neurons = source("crates/nl-neuron/src/models/mod.rs");
        let states = |text: &str| text.matches("State}").count() + text.matches("State,").count();
        assert_eq!(NEURONS.len(), states(&neurons), "a model has one state");
        for (name, _) in NEURONS {
            assert!(neurons.contains(&format!("{name}State")), "{name}");
        }
        let encoders = source("crates/nl-encoding/src/encode/mod.rs");
        let modules = encoders.lines().filter(|line| line.starts_with("pub use ")).count();
        assert_eq!(ENCODERS.len(), modules, "an encoder has one file");
        for (name, _) in ENCODERS {
            assert!(encoders.contains(name), "{name}");
        }
        let unknown = serde_json::from_value::<nl_optim::Algorithm>(json!({"kind": "none"})).unwrap_err().to_string();
        assert_eq!(OPTIMIZERS.len(), unknown.matches('`').count() / 2 - 1, "{unknown}");
        for (name, _) in OPTIMIZERS {
            assert!(serde_json::from_value::<nl_optim::Algorithm>(json!({"kind": name})).is_ok(), "{name}");
        }
    }
}
