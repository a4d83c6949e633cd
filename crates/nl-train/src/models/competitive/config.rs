//! `model: {kind: competitive}` and its stages.

use std::collections::BTreeMap;

use nl_encoding::encode::{Encoder, SuperposedPoisson};
use nl_network::competitive::CompetitiveConfig;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::run::{Settings, Stage, StageKind};

/// How an image becomes spikes, and the network that receives them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CompetitiveModelConfig {
    /// How an image becomes spikes.
    pub input: SuperposedPoisson,
    /// The network; its inputs follow the images.
    pub network: CompetitiveConfig,
}

impl Settings for CompetitiveModelConfig {
    fn check(&self) -> Result<(), Error> {
        self.network.validate()?;
        self.input.validate()?;
        if self.input.dt != self.network.dt {
            let (input, network) = (self.input.dt, self.network.dt);
            return Err(Error::config(format!("input.dt is {input}, network.dt {network}; use the same")));
        }
        Ok(())
    }
}

/// Settings of the network for this many neurons and the rule of this name (without one: Diehl & Cook's).
///
/// Between the sizes for which values were chosen, those of the nearest one are taken.
///
/// ```
/// let network = nl_train::models::competitive_network(400, None)?;
/// assert_eq!((network.neurons, network.rule.name()), (400, "diehl-cook"));
/// # Ok::<(), nl_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`] if there is no such rule, or the number of neurons is out of range.
pub fn competitive_network(neurons: usize, rule: Option<&str>) -> Result<CompetitiveConfig, Error> {
    type Networks = BTreeMap<String, BTreeMap<usize, CompetitiveConfig>>;
    let text = include_str!("../../../configs/networks.yaml");
    let networks: Networks = serde_saphyr::from_str(text).map_err(|e| Error::config(e.to_string()))?;
    let rule = rule.unwrap_or("diehl-cook");
    let Some(sizes) = networks.get(rule) else {
        let known: Vec<&str> = networks.keys().map(String::as_str).collect();
        return Err(Error::config(format!("rule {rule:?} is unknown; use one of {}", known.join(", "))));
    };
    let far = |size: usize| (size as f64 / neurons.max(1) as f64).ln().abs();
    let Some((_, network)) = sizes.iter().min_by(|a, b| far(*a.0).total_cmp(&far(*b.0))) else {
        return Err(Error::config(format!("rule {rule:?} has no sizes")));
    };
    let network = CompetitiveConfig { neurons, ..*network };
    network.validate()?;
    Ok(network)
}

/// What a competitive network does, stage by stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CompetitiveStage {
    /// Learns by competition and STDP, without labels.
    Compete(CompeteConfig),
    /// Names each neuron by the class it answers to most.
    Label(LabelConfig),
}

/// Learns by competition and STDP, without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CompeteConfig {
    /// Passes over the images learned from.
    #[serde(default = "one")]
    pub epochs: u64,
    /// How often the accuracy on the held-out images is looked at, the last time at the end; 0: never. Neurons are then
    /// named by their wins since the last look: what is learned does not depend on it.
    #[serde(default)]
    pub watch: u64,
}

fn one() -> u64 {
    1
}

/// Names each neuron by the class of training images that it answers to most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LabelConfig {
    /// Training images whose labels the neurons are named by, at most; without it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
}

impl Settings for CompetitiveStage {
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::Compete(CompeteConfig { epochs, watch }) => {
                if !(1..=1_000_000).contains(epochs) {
                    return Err(Error::config(format!("epochs is {epochs}; use 1 to 1000000")));
                }
                if *watch > 10_000 {
                    return Err(Error::config(format!("watch is {watch}; use 0 to 10000 looks")));
                }
            }
            Self::Label(LabelConfig { images: Some(0) }) => {
                return Err(Error::config("images is 0; use at least 1 image"));
            }
            Self::Label(_) => {}
        }
        Ok(())
    }
}

impl Stage for CompetitiveStage {
    const KINDS: &'static [StageKind] = &[
        StageKind {
            kind: "compete",
            about: "neurons compete for images and learn by STDP, without labels",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "label",
            about: "each neuron is named by the class of training images that it answers to most",
            needs: &[],
            gives: &["named neurons"],
        },
    ];

    fn kind(&self) -> &'static str {
        match self {
            Self::Compete(_) => "compete",
            Self::Label(_) => "label",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_settings_for_every_size() {
        for rule in ["diehl-cook", "normalised"] {
            for neurons in [1, 100, 400, 1600, 6400, 10_000] {
                let network = competitive_network(neurons, Some(rule)).unwrap();
                assert_eq!((network.neurons, network.rule.name()), (neurons, rule));
            }
        }
        let error = competitive_network(400, Some("oja")).unwrap_err().to_string();
        assert!(error.contains("\"oja\"") && error.contains("diehl-cook, normalised"), "{error}");
        assert!(competitive_network(0, None).unwrap_err().to_string().contains("neurons"));
    }
}
