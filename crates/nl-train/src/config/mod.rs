//! The configuration of a run: what every model's has in common, how it is read, and how it is written.
//!
//! A value's way: YAML text → [`Document`] → (`--set` and other options change the document) → [`RunConfig`] of the model
//! that `model.kind` names → the model and the stages, which use it → `config.yaml` of the run's folder.

mod data;
mod document;
mod every;
mod log;
mod shipped;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use data::{DataConfig, Digits, Normalization};
pub use document::Document;
pub(crate) use document::inline;
pub use every::{CheckpointConfig, Every};
pub use log::LogConfig;
pub use shipped::{SHIPPED, Shipped, shipped};

use crate::Error;
use crate::run::{ConfigOf, Model, Settings};

/// A run of a model with configuration `C` and stages `S`.
///
/// ```
/// use nl_train::models::BrainModel;
/// use nl_train::{RunConfig, shipped};
///
/// let config = RunConfig::of::<BrainModel>(shipped("mnist-quick").expect("a shipped name"))?;
/// assert_eq!((config.seed, config.stages.len()), (1, 4));
/// # Ok::<(), nl_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunConfig<C, S> {
    /// Name of the run's folder: letters, digits, `-` and `_`.
    pub name: String,
    /// The seed of everything random.
    #[serde(default = "one")]
    pub seed: u64,
    /// Which images or other samples, for a model that learns from any; without it MNIST.
    #[serde(default)]
    pub data: Option<DataConfig>,
    /// How often the run is saved.
    #[serde(default)]
    pub checkpoint: CheckpointConfig,
    /// What is written besides metrics.jsonl.
    #[serde(default)]
    pub log: LogConfig,
    /// The model.
    pub model: C,
    /// What is done with it, in this order.
    pub stages: Vec<S>,
}

fn one() -> u64 {
    1
}

impl RunConfig<(), ()> {
    /// The configuration of a run of `M` in a YAML text.
    ///
    /// # Errors
    /// [`Error::Config`]: no such configuration, or one of another model; where and why.
    pub fn of<M: Model>(yaml: &str) -> Result<ConfigOf<M>, Error> {
        Document::read("the configuration", yaml)?.config::<M>()
    }
}

impl<C: Settings, S: Settings> RunConfig<C, S> {
    /// `Ok` if every value that can be checked without the images can be used.
    ///
    /// # Errors
    /// [`Error::Config`], or the error of a region, layer or rule, with the place in the configuration.
    pub fn check(&self) -> Result<(), Error> {
        let name = &self.name;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(Error::config(format!("name is {name:?}, but must be letters, digits, '-' and '_'")));
        }
        if let Some(data) = &self.data {
            data.check()?;
        }
        self.model.check().map_err(|e| e.under("model"))?;
        if self.stages.is_empty() {
            return Err(Error::config("stages is empty: there is nothing to do"));
        }
        for (i, stage) in self.stages.iter().enumerate() {
            stage.check().map_err(|e| e.under(&format!("stages[{i}]")))?;
        }
        Ok(())
    }
}

/// A configuration as it is written: `model` begins with its kind.
#[derive(Serialize)]
pub(crate) struct Written<'a, C, S> {
    name: &'a str,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a DataConfig>,
    checkpoint: &'a CheckpointConfig,
    #[serde(skip_serializing_if = "is_silent")]
    log: &'a LogConfig,
    model: Named<'a, C>,
    stages: &'a [S],
}

// By reference to a reference, as serde asks.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_silent(log: &&LogConfig) -> bool {
    log.is_default()
}

#[derive(Serialize)]
struct Named<'a, C> {
    kind: &'static str,
    #[serde(flatten)]
    config: &'a C,
}

impl<'a, C, S> Written<'a, C, S> {
    pub(crate) fn of<M: Model<Config = C, Stage = S>>(config: &'a RunConfig<C, S>) -> Self {
        Self {
            name: &config.name,
            seed: config.seed,
            data: config.data.as_ref(),
            checkpoint: &config.checkpoint,
            log: &config.log,
            model: Named { kind: M::KIND, config: &config.model },
            stages: &config.stages,
        }
    }
}

/// The configuration as YAML.
pub(crate) fn yaml<M: Model>(config: &ConfigOf<M>) -> Result<String, Error> {
    serde_saphyr::to_string(&Written::of::<M>(config)).map_err(|e| Error::config(e.to_string()))
}

/// The configuration as JSON.
pub(crate) fn json<M: Model>(config: &ConfigOf<M>) -> Result<Value, Error> {
    serde_json::to_value(Written::of::<M>(config)).map_err(|e| Error::config(e.to_string()))
}
