//! What is simulated.

use nl_layers::network::published::{BrunelConfig, Published, VogelsAbbottConfig, brunel, coba, cobahh, cuba};
use nl_neuron::Ms;
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use crate::Error;

/// A published network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SimModel {
    /// Vogels & Abbott with current-based synapses (Brette et al. 2007, benchmark 2).
    Cuba,
    /// The same with conductances (benchmark 1), kept active by a bias.
    Coba,
    /// Hodgkin-Huxley neurons with conductances (benchmark 3).
    Cobahh,
    /// Brunel 2000: sparse, random, delta synapses.
    Brunel,
}

impl SimModel {
    /// Its name on the command line and in the summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cuba => "cuba",
            Self::Coba => "coba",
            Self::Cobahh => "cobahh",
            Self::Brunel => "brunel",
        }
    }

    /// Neurons, as published.
    #[must_use]
    pub const fn neurons(self) -> usize {
        match self {
            Self::Cuba | Self::Coba | Self::Cobahh => 4000,
            Self::Brunel => 12_500,
        }
    }
}

/// A simulation: `config.yaml` of its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimConfig {
    /// Which network.
    pub model: SimModel,
    /// Biological time, seconds.
    #[serde(default = "one")]
    pub seconds: f64,
    /// The seed of connectivity, initial state and input.
    #[serde(default = "first")]
    pub seed: u64,
    /// Neurons; without it as published. Larger Vogels-Abbott networks keep 80 inputs a neuron.
    #[serde(default)]
    pub neurons: Option<usize>,
    /// Time step, ms.
    #[serde(default = "tenth")]
    pub dt: Ms,
    /// Excitatory neurons whose potential is written down each millisecond, for the report.
    #[serde(default = "three")]
    pub traces: u32,
    /// Biological seconds between two checkpoints.
    #[serde(default = "ten")]
    pub checkpoint: f64,
    /// Biological seconds at the start that rate, irregularity and synchrony leave out: a network starts from potentials
    /// drawn at random, and its first answer to them says nothing about what it settles to. Without it 0.2 s, or half of a
    /// run shorter than 0.4 s. The hash is of all spikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<f64>,
}

/// What is left out at the start unless the configuration says otherwise, seconds.
const SKIP: f64 = 0.2;

fn one() -> f64 {
    1.0
}

fn ten() -> f64 {
    10.0
}

fn three() -> u32 {
    3
}

fn first() -> u64 {
    1
}

fn tenth() -> Ms {
    Ms(0.1)
}

impl SimConfig {
    /// One second of `model`, as published.
    ///
    /// ```
    /// use nl_train::{SimConfig, SimModel};
    /// assert!(SimConfig::new(SimModel::Cuba).validate().is_ok());
    /// let endless = SimConfig { seconds: f64::INFINITY, ..SimConfig::new(SimModel::Cuba) };
    /// assert!(endless.validate().unwrap_err().to_string().contains("seconds"));
    /// ```
    #[must_use]
    pub fn new(model: SimModel) -> Self {
        Self {
            model,
            seconds: one(),
            seed: first(),
            neurons: None,
            dt: tenth(),
            traces: three(),
            checkpoint: ten(),
            skip: None,
        }
    }

    /// A configuration as written in a run's folder; what is left out has its default.
    ///
    /// ```
    /// let config = nl_train::SimConfig::from_yaml("model: brunel\nseconds: 2")?;
    /// assert_eq!((config.seconds, config.seed), (2.0, 1));
    /// assert!(nl_train::SimConfig::from_yaml("model: brunel\nsecond: 2").is_err());
    /// # Ok::<(), nl_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if it is no such configuration, naming line and key.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        let config: Self = serde_saphyr::from_str(text).map_err(|e| Error::config(e.to_string()))?;
        config.validate()?;
        Ok(config)
    }

    /// `Ok` if every value can be used.
    ///
    /// # Errors
    /// [`Error::Config`], naming the value.
    pub fn validate(&self) -> Result<(), Error> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if value.is_finite() && value > low && value <= high {
                return Ok(());
            }
            Err(Error::config(format!("{name} is {value}; use a number above {low}, at most {high}")))
        };
        within("seconds", self.seconds, 0.0, 1e6)?;
        within("dt", self.dt.0, 0.0, 10.0)?;
        within("checkpoint", self.checkpoint, 0.0, f64::MAX)?;
        self.steps()?;
        self.skipped_steps()?;
        if let Some(skip) = self.skip.filter(|&skip| skip >= self.seconds) {
            let seconds = self.seconds;
            return Err(Error::config(format!("skip is {skip} s of {seconds} s; leave out less than the whole run")));
        }
        if self.traces > 100 {
            return Err(Error::config(format!("traces is {}; use at most 100", self.traces)));
        }
        match self.neurons {
            Some(n) if !(100..=10_000_000).contains(&n) => {
                Err(Error::config(format!("neurons is {n}; use 100 to 10000000")))
            }
            _ => Ok(()),
        }
    }

    /// The length of the run in steps; a whole number of them, at least one.
    pub(super) fn steps(&self) -> Result<u64, Error> {
        match Ms(self.seconds * 1000.0).steps_u64("sim", "seconds (in ms)", self.dt)? {
            0 => Err(Error::config(format!("seconds is {}, less than one step of {}", self.seconds, self.dt))),
            steps => Ok(steps),
        }
    }

    /// Steps at the start that statistics leave out.
    pub(super) fn skipped_steps(&self) -> Result<u64, Error> {
        match self.skip {
            Some(skip) => Ok(Ms(skip * 1000.0).steps_u64("sim", "skip (in ms)", self.dt)?),
            None => Ok((self.steps()? / 2).min((SKIP * 1000.0 / self.dt.0) as u64)),
        }
    }

    /// The network at its start.
    ///
    /// # Errors
    /// If the network cannot be built.
    pub fn build(&self) -> Result<Published, Error> {
        self.validate()?;
        let streams = Streams::new(self.seed);
        let neurons = self.neurons.unwrap_or(self.model.neurons());
        let vogels_abbott = VogelsAbbottConfig { neurons, dt: self.dt, traces: self.traces };
        let built = match self.model {
            SimModel::Cuba => cuba(&vogels_abbott, streams),
            SimModel::Coba => coba(&vogels_abbott, streams),
            SimModel::Cobahh => cobahh(&vogels_abbott, streams),
            SimModel::Brunel => {
                brunel(&BrunelConfig { neurons, dt: self.dt, traces: self.traces, ..BrunelConfig::default() }, streams)
            }
        };
        Ok(built?)
    }
}
