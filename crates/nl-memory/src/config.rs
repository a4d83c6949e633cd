//! What a memory is: sizes, metric, replacement, voting.

use serde::{Deserialize, Serialize};

use crate::Error;

/// How far two keys are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Squared Euclidean distance Σ (q − x)².
    L2,
    /// 1 − q·x / (|q| |x|), in \[0, 2\]; 1 if either is the zero vector.
    Cosine,
}

impl From<Metric> for nl_kernels::Metric {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::L2 => Self::L2,
            Metric::Cosine => Self::Cosine,
        }
    }
}

/// Which memory makes room for a new one when the store is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Replacement {
    /// Class-balancing reservoir: a class that was never the largest takes the place of a random memory of the largest
    /// class; a class that was is a reservoir of its own, kept with probability (stored of the class) / (seen of it).
    ///
    /// Source: Chrysakis & Moens, "Online continual learning from imbalanced data", ICML 2020, algorithm 1.
    PerClass,
    /// The n-th key is kept with probability capacity / n, in the place of a random one: at all times the store is a
    /// uniform sample of everything seen.
    ///
    /// Source: Vitter, "Random sampling with a reservoir", 1985, algorithm R.
    Reservoir,
}

/// The parameters of an [`EpisodicMemory`](crate::EpisodicMemory).
///
/// ```
/// use nl_memory::{MemoryConfig, Metric};
/// let config = MemoryConfig { metric: Metric::L2, temperature: 0.5, ..MemoryConfig::new(128, 60_000, 10) };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// Components of a key.
    pub dim: usize,
    /// The most memories the store holds.
    pub capacity: usize,
    /// Number of labels; a label is below it.
    pub classes: usize,
    /// Distance between keys.
    pub metric: Metric,
    /// What makes room when the store is full.
    pub replacement: Replacement,
    /// T of the votes softmax(−d / T), in units of the metric: small trusts the nearest only, large counts heads.
    pub temperature: f32,
    /// ε of the votes: the share spread evenly over all classes, so that no probability is 0; in (0, 1].
    pub smoothing: f32,
    /// Seed of the draws of the replacement.
    pub seed: u64,
}

impl MemoryConfig {
    /// The most classes a memory takes: recall writes a row of that many log-probabilities per query.
    pub const MAX_CLASSES: usize = 1 << 16;

    /// Cosine distance, per-class replacement, T = 0.1, ε = 0.01, seed 0.
    #[must_use]
    pub const fn new(dim: usize, capacity: usize, classes: usize) -> Self {
        Self {
            dim,
            capacity,
            classes,
            metric: Metric::Cosine,
            replacement: Replacement::PerClass,
            temperature: 0.1,
            smoothing: 0.01,
            seed: 0,
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::Config`] with the first parameter that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let fail = |name, value: String, expected| Err(Error::Config { name, value, expected });
        if self.dim == 0 {
            return fail("dim", self.dim.to_string(), "at least 1");
        }
        if self.capacity == 0 || self.capacity >= u32::MAX as usize {
            return fail("capacity", self.capacity.to_string(), "1 to 2^32 - 2");
        }
        if self.capacity.checked_mul(self.dim).is_none_or(|n| n > isize::MAX as usize / size_of::<f32>()) {
            return fail("dim * capacity", format!("{} * {}", self.dim, self.capacity), "what memory can address");
        }
        if self.classes == 0 || self.classes > Self::MAX_CLASSES {
            return fail("classes", self.classes.to_string(), "1 to 65536");
        }
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return fail("temperature", self.temperature.to_string(), "a positive number");
        }
        if !(self.smoothing > 0.0 && self.smoothing <= 1.0) {
            return fail("smoothing", self.smoothing.to_string(), "in (0, 1]");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_parameter_is_named() {
        let good = MemoryConfig::new(4, 10, 3);
        assert_eq!(good.validate(), Ok(()));
        for (bad, name) in [
            (MemoryConfig { dim: 0, ..good.clone() }, "dim = 0"),
            (MemoryConfig { capacity: 0, ..good.clone() }, "capacity = 0"),
            (MemoryConfig { dim: usize::MAX, ..good.clone() }, "dim * capacity"),
            (MemoryConfig { classes: 0, ..good.clone() }, "classes = 0"),
            (MemoryConfig { classes: 65_537, ..good.clone() }, "classes = 65537"),
            (MemoryConfig { temperature: 0.0, ..good.clone() }, "temperature = 0"),
            (MemoryConfig { temperature: f32::NAN, ..good.clone() }, "temperature = NaN"),
            (MemoryConfig { smoothing: 0.0, ..good.clone() }, "smoothing = 0"),
            (MemoryConfig { smoothing: 1.5, ..good.clone() }, "smoothing = 1.5"),
        ] {
            let message = bad.validate().unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }
}
