//! `model: {kind: simulation}` and its one stage.

use nl_network::published::{
    BrunelConfig, CobaConfig, CobahhConfig, CubaConfig, Published, Setup, brunel, coba, cobahh, cuba,
};
use nl_random::Streams;
use nl_units::{Ms, Mv};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::run::{Settings, Stage, StageKind};

/// A published network and its parameters; those left out are as published.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Network {
    /// Vogels & Abbott with current-based synapses (Brette et al. 2007, benchmark 2).
    Cuba(CubaConfig),
    /// The same with conductances (benchmark 1), kept active by a bias.
    Coba(CobaConfig),
    /// Hodgkin-Huxley neurons with conductances (benchmark 3).
    Cobahh(CobahhConfig),
    /// Brunel 2000: sparse, random, delta synapses.
    Brunel(BrunelConfig),
}

impl Network {
    /// All of them, as published.
    #[must_use]
    pub fn all() -> [Self; 4] {
        [
            Self::Cuba(CubaConfig::default()),
            Self::Coba(CobaConfig::default()),
            Self::Cobahh(CobahhConfig::default()),
            Self::Brunel(BrunelConfig::default()),
        ]
    }

    /// The same network with all parameters as published.
    #[must_use]
    pub fn published(&self) -> Self {
        match self {
            Self::Cuba(_) => Self::Cuba(CubaConfig::default()),
            Self::Coba(_) => Self::Coba(CobaConfig::default()),
            Self::Cobahh(_) => Self::Cobahh(CobahhConfig::default()),
            Self::Brunel(_) => Self::Brunel(BrunelConfig::default()),
        }
    }

    /// The same with `neurons`.
    #[must_use]
    pub fn with_neurons(self, neurons: usize) -> Self {
        match self {
            Self::Cuba(config) => Self::Cuba(CubaConfig { neurons, ..config }),
            Self::Coba(config) => Self::Coba(CobaConfig { neurons, ..config }),
            Self::Cobahh(config) => Self::Cobahh(CobahhConfig { neurons, ..config }),
            Self::Brunel(config) => Self::Brunel(BrunelConfig { neurons, ..config }),
        }
    }

    /// Its name in configurations and summaries.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cuba(_) => "cuba",
            Self::Coba(_) => "coba",
            Self::Cobahh(_) => "cobahh",
            Self::Brunel(_) => "brunel",
        }
    }

    /// Neurons.
    #[must_use]
    pub const fn neurons(&self) -> usize {
        match self {
            Self::Cuba(CubaConfig { neurons, .. })
            | Self::Coba(CobaConfig { neurons, .. })
            | Self::Cobahh(CobahhConfig { neurons, .. })
            | Self::Brunel(BrunelConfig { neurons, .. }) => *neurons,
        }
    }

    /// Threshold of its neurons.
    #[must_use]
    pub const fn threshold(&self) -> Mv {
        match self {
            Self::Cuba(CubaConfig { v_th, .. })
            | Self::Coba(CobaConfig { v_th, .. })
            | Self::Cobahh(CobahhConfig { v_th, .. })
            | Self::Brunel(BrunelConfig { v_th, .. }) => *v_th,
        }
    }

    /// What an excitatory and an inhibitory spike add, and the unit.
    #[must_use]
    pub fn weights(&self) -> ([f64; 2], &'static str) {
        match self {
            Self::Cuba(CubaConfig { w_ex, w_in, .. }) => ([w_ex.0, w_in.0], "mV"),
            Self::Coba(CobaConfig { w_ex, w_in, .. }) | Self::Cobahh(CobahhConfig { w_ex, w_in, .. }) => {
                ([w_ex.0, w_in.0], "nS")
            }
            Self::Brunel(BrunelConfig { j, g, .. }) => ([j.0, -g * j.0], "mV"),
        }
    }
}

/// Which network, in which steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulationConfig {
    /// Which network, and its parameters.
    pub network: Network,
    /// Time step, ms.
    #[serde(default = "tenth")]
    pub dt: Ms,
    /// Excitatory neurons whose potential is written down each millisecond, for the report.
    #[serde(default = "three")]
    pub traces: u32,
}

fn three() -> u32 {
    3
}

fn tenth() -> Ms {
    Ms(0.1)
}

impl SimulationConfig {
    /// A network in steps of 0.1 ms.
    ///
    /// ```
    /// use nl_network::published::CubaConfig;
    /// use nl_random::Streams;
    /// use nl_train::models::{Network, SimulationConfig};
    ///
    /// let network = Network::Cuba(CubaConfig { neurons: 500, ..CubaConfig::default() });
    /// let built = SimulationConfig::new(network).build(Streams::new(1))?;
    /// assert_eq!(built.network.neurons(), 500);
    /// # Ok::<(), nl_train::Error>(())
    /// ```
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self { network, dt: tenth(), traces: three() }
    }

    /// The network at its start.
    ///
    /// # Errors
    /// If the network cannot be built.
    pub fn build(&self, streams: Streams) -> Result<Published, Error> {
        self.check()?;
        let setup = Setup { dt: self.dt, traces: self.traces };
        let built = match &self.network {
            Network::Cuba(config) => cuba(config, setup, streams),
            Network::Coba(config) => coba(config, setup, streams),
            Network::Cobahh(config) => cobahh(config, setup, streams),
            Network::Brunel(config) => brunel(config, setup, streams),
        };
        Ok(built?)
    }
}

impl Settings for SimulationConfig {
    fn check(&self) -> Result<(), Error> {
        let dt = self.dt.0;
        if !(dt.is_finite() && dt > 0.0 && dt <= 10.0) {
            return Err(Error::config(format!("dt is {dt}; use a number above 0, at most 10")));
        }
        if self.traces > 100 {
            return Err(Error::config(format!("traces is {}; use at most 100", self.traces)));
        }
        let n = self.network.neurons();
        if !(100..=10_000_000).contains(&n) {
            return Err(Error::config(format!("neurons is {n}; use 100 to 10000000")).under("network"));
        }
        let usable = match &self.network {
            Network::Cuba(config) => config.validate(self.dt),
            Network::Coba(config) => config.validate(self.dt),
            Network::Cobahh(config) => config.validate(self.dt),
            Network::Brunel(config) => config.validate(self.dt),
        };
        usable.map_err(|error| Error::from(error).under("network"))
    }
}

/// What a simulation does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SimulationStage {
    /// Lets time pass.
    Simulate(SimulateConfig),
}

/// Lets time pass in the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulateConfig {
    /// Biological time, seconds.
    #[serde(default = "one")]
    pub seconds: f64,
    /// Biological seconds at the start that rate, irregularity and synchrony leave out: a network starts from potentials
    /// drawn at random, and its first answer to them says nothing about what it settles to. Without it 0.2 s, or half of a
    /// run shorter than 0.4 s. The hash is of all spikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<f64>,
    /// Files in the run's folder, written at its end, that hold the spikes of this stage: one format or a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spikes: Option<SpikeFiles>,
}

/// A format of spikes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SpikeFormat {
    /// spikes.csv: a line a spike with its time in ms, its population (E or I) and its neuron's number in it.
    Csv,
    /// spikes.npz, for numpy.load: times_ms (f64), neurons (u32, excitatory ones first), populations (0: excitatory,
    /// 1: inhibitory), sizes of the two, dt_ms.
    Npz,
}

/// One format of spikes, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SpikeFiles {
    /// One format.
    One(SpikeFormat),
    /// Some.
    Several(Vec<SpikeFormat>),
}

impl SpikeFiles {
    /// Whether `format` is among them.
    #[must_use]
    pub fn has(&self, format: SpikeFormat) -> bool {
        match self {
            Self::One(one) => *one == format,
            Self::Several(several) => several.contains(&format),
        }
    }
}

/// What is left out at the start unless the configuration says otherwise, seconds.
const SKIP: f64 = 0.2;

fn one() -> f64 {
    1.0
}

impl SimulateConfig {
    /// Its length in steps; a whole number of them, at least one.
    pub(super) fn steps(&self, dt: Ms) -> Result<u64, Error> {
        match Ms(self.seconds * 1000.0).steps_u64("simulate", "seconds (in ms)", dt)? {
            0 => Err(Error::config(format!("seconds is {}, less than one step of {dt}", self.seconds))),
            steps => Ok(steps),
        }
    }

    /// Steps at the start that statistics leave out.
    pub(super) fn skipped_steps(&self, dt: Ms) -> Result<u64, Error> {
        match self.skip {
            Some(skip) => Ok(Ms(skip * 1000.0).steps_u64("simulate", "skip (in ms)", dt)?),
            None => Ok((self.steps(dt)? / 2).min((SKIP * 1000.0 / dt.0) as u64)),
        }
    }
}

impl Settings for SimulationStage {
    fn check(&self) -> Result<(), Error> {
        let &Self::Simulate(SimulateConfig { seconds, skip, .. }) = self;
        if !(seconds.is_finite() && seconds > 0.0 && seconds <= 1e6) {
            return Err(Error::config(format!("seconds is {seconds}; use a number above 0, at most 1000000")));
        }
        if let Some(skip) = skip.filter(|&skip| !(0.0..seconds).contains(&skip)) {
            return Err(Error::config(format!("skip is {skip} s of {seconds} s; leave out less than the whole run")));
        }
        Ok(())
    }
}

impl Stage for SimulationStage {
    const KINDS: &'static [StageKind] =
        &[StageKind { kind: "simulate", about: "time passes in the network", needs: &[], gives: &[] }];

    fn kind(&self) -> &'static str {
        "simulate"
    }

    fn may_grow(&self) -> &'static [&'static str] {
        &["seconds"]
    }
}
