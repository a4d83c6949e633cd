//! What is learned, from which images, by which rule.

use std::collections::BTreeMap;

use nl_data::Choice;
use nl_data::encode::{Encoder, SuperposedPoisson};
use nl_layers::competitive::CompetitiveConfig;
use serde::{Deserialize, Serialize};

use crate::{Error, Preset};

/// A run of [`StdpRun`](super::StdpRun): `config.yaml` of its folder.
///
/// ```
/// use nl_train::{Preset, StdpConfig};
/// let config = StdpConfig::preset(Preset::Quick, 400, None)?;
/// assert_eq!((config.network.neurons, config.network.rule.name()), (400, "diehl-cook"));
/// assert_eq!(StdpConfig::from_yaml(&config.to_yaml()?)?, config);
/// # Ok::<(), nl_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StdpConfig {
    /// Name of the run's folder.
    pub name: String,
    /// The seed of everything random.
    pub seed: u64,
    /// Which images.
    #[serde(default)]
    pub data: Choice,
    /// Passes over the images learned from.
    pub epochs: u64,
    /// Training images not learned from, to watch the learning with: a stratified draw.
    pub validation: usize,
    /// How often the accuracy on the held-out images is looked at, the last time at the end; 0: never. Neurons are then
    /// named by their wins since the last look: what is learned does not depend on it.
    pub watch: u64,
    /// Images learned from, at most; without it all but those of `validation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Training images whose labels the neurons are named by, at most; without it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<usize>,
    /// Test images, at most; without it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Seconds between two checkpoints.
    pub checkpoint: f64,
    /// How an image becomes spikes.
    #[serde(default)]
    pub input: SuperposedPoisson,
    /// The network; `inputs` follows the images.
    #[serde(default)]
    pub network: CompetitiveConfig,
}

/// A file of `configs/`: what all networks share, and for each rule and size what differs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetFile {
    run: StdpConfig,
    /// The rule if none is asked for.
    rule: String,
    /// By rule and number of neurons.
    networks: BTreeMap<String, BTreeMap<usize, CompetitiveConfig>>,
}

impl StdpConfig {
    /// A prepared configuration for this many neurons and the rule of this name (without one: Diehl & Cook's).
    ///
    /// Between the sizes for which values were chosen, those of the nearest one are taken.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no such rule, or the number of neurons is out of range.
    pub fn preset(preset: Preset, neurons: usize, rule: Option<&str>) -> Result<Self, Error> {
        let file: PresetFile = read(match preset {
            Preset::Quick => include_str!("../../configs/stdp-quick.yaml"),
            Preset::Full => include_str!("../../configs/stdp-full.yaml"),
        })?;
        let rule = rule.unwrap_or(&file.rule);
        let Some(sizes) = file.networks.get(rule) else {
            let known: Vec<&str> = file.networks.keys().map(String::as_str).collect();
            return Err(Error::config(format!("rule {rule:?} is unknown; use one of {}", known.join(", "))));
        };
        let far = |size: usize| (size as f64 / neurons.max(1) as f64).ln().abs();
        let Some((_, network)) = sizes.iter().min_by(|a, b| far(*a.0).total_cmp(&far(*b.0))) else {
            return Err(Error::config(format!("rule {rule:?} has no sizes")));
        };
        let config = Self { network: CompetitiveConfig { neurons, ..*network }, ..file.run };
        config.validate()?;
        Ok(config)
    }

    /// A configuration as written in a run's folder.
    ///
    /// # Errors
    /// [`Error::Config`] if it is no such configuration, naming line and key.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        read(text)
    }

    /// Writes YAML.
    ///
    /// # Errors
    /// [`Error::Config`] if a value has no YAML form.
    pub fn to_yaml(&self) -> Result<String, Error> {
        serde_saphyr::to_string(self).map_err(|e| Error::config(e.to_string()))
    }

    /// `Ok` if every value that can be checked without the images can be used.
    ///
    /// # Errors
    /// [`Error::Config`] or the network's or the input's error, naming the value.
    pub fn validate(&self) -> Result<(), Error> {
        self.network.validate()?;
        self.input.validate()?;
        if self.input.dt != self.network.dt {
            let (input, network) = (self.input.dt, self.network.dt);
            return Err(Error::config(format!("input.dt is {input}, network.dt {network}; use the same")));
        }
        if !(1..=1_000_000).contains(&self.epochs) {
            return Err(Error::config(format!("epochs is {}; use 1 to 1000000", self.epochs)));
        }
        if self.watch > 10_000 {
            return Err(Error::config(format!("watch is {}; use 0 to 10000 looks", self.watch)));
        }
        for (name, count) in
            [("validation", Some(self.validation)), ("train", self.train), ("label", self.label), ("test", self.test)]
        {
            if count == Some(0) {
                return Err(Error::config(format!("{name} is 0; use at least 1 image")));
            }
        }
        if !(self.checkpoint.is_finite() && self.checkpoint >= 0.0) {
            let found = self.checkpoint;
            return Err(Error::config(format!("checkpoint is {found}; use a number of seconds, 0 or above")));
        }
        let name = &self.name;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(Error::config(format!("name is {name:?}, but must be letters, digits, '-' and '_'")));
        }
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_saphyr::from_str(text).map_err(|e| Error::config(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_are_valid_and_named_by_their_rule() {
        for preset in [Preset::Quick, Preset::Full] {
            for rule in ["diehl-cook", "normalised"] {
                for neurons in [1, 100, 400, 1600, 6400, 10_000] {
                    let config = StdpConfig::preset(preset, neurons, Some(rule)).unwrap();
                    assert_eq!((config.network.neurons, config.network.rule.name()), (neurons, rule));
                }
            }
        }
        let error = StdpConfig::preset(Preset::Full, 400, Some("oja")).unwrap_err().to_string();
        assert!(error.contains("\"oja\"") && error.contains("diehl-cook, normalised"), "{error}");
        assert!(StdpConfig::preset(Preset::Full, 0, None).unwrap_err().to_string().contains("neurons"));
    }

    #[test]
    fn nonsense_is_named() {
        let good = StdpConfig::preset(Preset::Quick, 100, None).unwrap();
        let broken = |change: fn(&mut StdpConfig)| {
            let mut config = good.clone();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        for (error, part) in [
            (broken(|c| c.name = "../x".into()), "name is \"../x\""),
            (broken(|c| c.epochs = 0), "epochs is 0"),
            (broken(|c| c.label = Some(0)), "label is 0"),
            (broken(|c| c.checkpoint = f64::NAN), "checkpoint is NaN"),
            (broken(|c| c.input.dt.0 = 0.5), "input.dt is 0.5 ms, network.dt 1 ms"),
            (broken(|c| c.input.rate.0 = f64::NAN), "rate"),
            (broken(|c| c.network.tau_m.0 = -1.0), "tau_m"),
            (broken(|c| c.network.eta.to = f64::INFINITY), "eta"),
            (broken(|c| c.network.loser.0 = 20.0), "loser"),
        ] {
            assert!(error.contains(part), "{error}");
        }
        let text = good.to_yaml().unwrap();
        for (from, to, part) in [("epochs:", "epoch:", "epoch"), ("tau_m:", "tau:", "tau"), ("seed: 1", "seed: -1", "")]
        {
            assert!(text.contains(from), "{from}");
            let error = StdpConfig::from_yaml(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
