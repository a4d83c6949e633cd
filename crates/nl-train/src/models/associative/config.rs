//! `model: {kind: associative}` and its stages.

use nl_memory::hopfield::Update;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::run::{Settings, Stage, StageKind};

/// Units of the networks that store random patterns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AssociativeConfig {
    /// N, from 10 to 10,000: theory is of many.
    pub units: usize,
}

impl Default for AssociativeConfig {
    fn default() -> Self {
        Self { units: 1000 }
    }
}

impl AssociativeConfig {
    const LEAST: usize = 10;
    /// A classical network of these has weights of 400 MB.
    const MOST: usize = 10_000;
}

impl Settings for AssociativeConfig {
    fn check(&self) -> Result<(), Error> {
        let (units, least, most) = (self.units, Self::LEAST, Self::MOST);
        if !(least..=most).contains(&units) {
            return Err(Error::config(format!("units is {units}, but must be {least} to {most}")));
        }
        Ok(())
    }
}

/// What is stored, and how it is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AssociativeStage {
    /// Random patterns in classical networks, against theory.
    Classical(ClassicalConfig),
    /// Random patterns in modern networks.
    Modern(ModernConfig),
    /// Drawn digits in one network of each kind.
    Digits(DigitsConfig),
}

/// Random patterns of ±1 in classical Hopfield networks of several loads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ClassicalConfig {
    /// Patterns per unit, P / N; above 0.138, theory says, they are lost.
    pub loads: Vec<f64>,
    /// Share of a cue's units that are wrong, below 0.5.
    pub noise: f64,
    /// Patterns that are asked for, of each network.
    pub cues: usize,
    /// Networks of each load, each with patterns of its own.
    pub networks: usize,
    /// Which units are updated at a time.
    pub update: Update,
    /// Sweeps over all units, at most.
    pub sweeps: usize,
}

impl Default for ClassicalConfig {
    fn default() -> Self {
        Self {
            loads: vec![0.01, 0.02, 0.05, 0.1, 0.14],
            noise: 0.0,
            cues: 10,
            networks: 5,
            update: Update::Asynchronous { seed: 1 },
            sweeps: 100,
        }
    }
}

/// Random patterns of ±1 in modern Hopfield networks of several loads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ModernConfig {
    /// Patterns per unit, P / N.
    pub loads: Vec<f64>,
    /// Share of a cue's units that are wrong, below 0.5.
    pub noise: f64,
    /// Patterns that are asked for, of each network.
    pub cues: usize,
    /// Networks of each load, each with patterns of its own.
    pub networks: usize,
    /// β; without it, 1 / √N.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// Updates of the state, at most.
    pub updates: usize,
}

impl Default for ModernConfig {
    fn default() -> Self {
        Self { loads: vec![0.1, 0.5, 1.0, 2.0], noise: 0.2, cues: 10, networks: 5, beta: None, updates: 20 }
    }
}

/// One drawn digit of each class, black and white, in a classical and in a modern network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DigitsConfig {
    /// Share of a cue's pixels that are wrong, below 0.5.
    pub noise: f64,
    /// β of the modern network; without it, 1 / √784.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
}

impl Default for DigitsConfig {
    fn default() -> Self {
        Self { noise: 0.2, beta: None }
    }
}

/// The most patterns per unit: twenty times what is interesting, and a gigabyte at 10,000 units.
const MOST_LOAD: f64 = 3.0;
const MOST: usize = 1000;

/// P of a load, at least one.
pub(super) fn patterns(load: f64, units: usize) -> usize {
    ((load * units as f64).round() as usize).max(1)
}

fn loads(loads: &[f64]) -> Result<(), Error> {
    if loads.is_empty() || loads.len() > MOST {
        return Err(Error::config(format!("loads has {} entries; name 1 to {MOST}", loads.len())));
    }
    match loads.iter().find(|&&load| !(load > 0.0 && load <= MOST_LOAD)) {
        Some(load) => Err(Error::config(format!(
            "loads has {load}, but a load is above 0 and at most {MOST_LOAD}: patterns per unit"
        ))),
        None => Ok(()),
    }
}

fn noise(noise: f64) -> Result<(), Error> {
    if (0.0..0.5).contains(&noise) {
        return Ok(());
    }
    Err(Error::config(format!("noise is {noise}, but must be at least 0 and below 0.5, where a cue says nothing")))
}

fn beta(beta: Option<f64>) -> Result<(), Error> {
    match beta.filter(|beta| !(*beta > 0.0 && beta.is_finite())) {
        Some(beta) => Err(Error::config(format!("beta is {beta}, but must be positive and finite"))),
        None => Ok(()),
    }
}

fn count(name: &str, value: usize) -> Result<(), Error> {
    if (1..=MOST).contains(&value) {
        return Ok(());
    }
    Err(Error::config(format!("{name} is {value}, but must be 1 to {MOST}")))
}

impl Settings for AssociativeStage {
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::Classical(it) => {
                loads(&it.loads)?;
                noise(it.noise)?;
                count("cues", it.cues)?;
                count("networks", it.networks)?;
                count("sweeps", it.sweeps)
            }
            Self::Modern(it) => {
                loads(&it.loads)?;
                noise(it.noise)?;
                count("cues", it.cues)?;
                count("networks", it.networks)?;
                count("updates", it.updates)?;
                beta(it.beta)
            }
            Self::Digits(it) => {
                noise(it.noise)?;
                beta(it.beta)
            }
        }
    }
}

impl Stage for AssociativeStage {
    const KINDS: &'static [StageKind] = &[
        StageKind {
            kind: "classical",
            about: "random patterns are stored in classical Hopfield networks and asked for, against theory",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "modern",
            about: "random patterns are stored in modern Hopfield networks and asked for",
            needs: &[],
            gives: &[],
        },
        StageKind {
            kind: "digits",
            about: "drawn digits are stored in a network of each kind, and asked for by noisy ones",
            needs: &[],
            gives: &[],
        },
    ];

    fn kind(&self) -> &'static str {
        match self {
            Self::Classical(_) => "classical",
            Self::Modern(_) => "modern",
            Self::Digits(_) => "digits",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_checked_and_named() {
        let classical = |change: fn(&mut ClassicalConfig)| {
            let mut config = ClassicalConfig::default();
            change(&mut config);
            AssociativeStage::Classical(config).check().unwrap_err().to_string()
        };
        assert!(classical(|c| c.loads.clear()).contains("loads has 0 entries"));
        assert!(classical(|c| c.loads[0] = 0.0).contains("loads has 0, but a load is above 0"));
        assert!(classical(|c| c.loads[1] = f64::NAN).contains("loads has NaN"));
        assert!(classical(|c| c.noise = 0.5).contains("noise is 0.5"));
        assert!(classical(|c| c.cues = 0).contains("cues is 0, but must be 1 to 1000"));
        assert!(classical(|c| c.networks = 0).contains("networks is 0"));
        assert!(classical(|c| c.sweeps = 5000).contains("sweeps is 5000"));
        let modern = AssociativeStage::Modern(ModernConfig { beta: Some(-1.0), ..ModernConfig::default() });
        assert!(modern.check().unwrap_err().to_string().contains("beta is -1"));
        let digits = AssociativeStage::Digits(DigitsConfig { noise: -0.1, ..DigitsConfig::default() });
        assert!(digits.check().unwrap_err().to_string().contains("noise is -0.1"));
        for units in [0, 9, 10_001, usize::MAX] {
            let said = AssociativeConfig { units }.check().unwrap_err().to_string();
            assert!(said.contains(&format!("units is {units}")), "{said}");
        }
        assert_eq!((patterns(0.1, 1000), patterns(0.001, 100)), (100, 1));
    }
}
