//! `model: {kind: simulation}` and its one stage.

use nl_layers::network::published::{BrunelConfig, Published, VogelsAbbottConfig, brunel, coba, cobahh, cuba};
use nl_neuron::Ms;
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::run::{Settings, Stage, StageKind};

/// A published network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Vogels & Abbott with current-based synapses (Brette et al. 2007, benchmark 2).
    Cuba,
    /// The same with conductances (benchmark 1), kept active by a bias.
    Coba,
    /// Hodgkin-Huxley neurons with conductances (benchmark 3).
    Cobahh,
    /// Brunel 2000: sparse, random, delta synapses.
    Brunel,
}

impl Network {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cuba, Self::Coba, Self::Cobahh, Self::Brunel];

    /// Its name in configurations and summaries.
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

/// Which network, how large, in which steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulationConfig {
    /// Which network.
    pub network: Network,
    /// Neurons; without it as published. Larger Vogels-Abbott networks keep 80 inputs a neuron.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neurons: Option<usize>,
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
    /// A network as published.
    ///
    /// ```
    /// use nl_random::Streams;
    /// use nl_train::models::{Network, SimulationConfig};
    ///
    /// let built = SimulationConfig { neurons: Some(500), ..SimulationConfig::new(Network::Cuba) }.build(Streams::new(1))?;
    /// assert_eq!(built.network.neurons(), 500);
    /// # Ok::<(), nl_train::Error>(())
    /// ```
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self { network, neurons: None, dt: tenth(), traces: three() }
    }

    /// The network at its start.
    ///
    /// # Errors
    /// If the network cannot be built.
    pub fn build(&self, streams: Streams) -> Result<Published, Error> {
        self.check()?;
        let neurons = self.neurons.unwrap_or(self.network.neurons());
        let vogels_abbott = VogelsAbbottConfig { neurons, dt: self.dt, traces: self.traces };
        let built = match self.network {
            Network::Cuba => cuba(&vogels_abbott, streams),
            Network::Coba => coba(&vogels_abbott, streams),
            Network::Cobahh => cobahh(&vogels_abbott, streams),
            Network::Brunel => {
                brunel(&BrunelConfig { neurons, dt: self.dt, traces: self.traces, ..BrunelConfig::default() }, streams)
            }
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
        match self.neurons {
            Some(n) if !(100..=10_000_000).contains(&n) => {
                Err(Error::config(format!("neurons is {n}; use 100 to 10000000")))
            }
            _ => Ok(()),
        }
    }
}

/// What a simulation does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SimulationStage {
    /// Lets time pass.
    Simulate(SimulateConfig),
}

/// Lets time pass in the network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
        let Self::Simulate(SimulateConfig { seconds, skip }) = *self;
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
