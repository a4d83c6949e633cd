//! Networks from the literature, as they were published: what a simulator is checked and measured with.

mod balanced;
mod brunel;
mod coba;
mod cobahh;
mod cuba;

use nl_units::{Error, Ms, Mv};

use super::{Network, NetworkBuilder, NetworkError, PopulationId, StateTraceId};

pub use brunel::{BrunelConfig, brunel};
pub use coba::{CobaConfig, coba};
pub use cobahh::{CobahhConfig, cobahh};
pub use cuba::{CubaConfig, cuba};

/// How a published network is run: no part of what was published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup {
    /// Time step.
    pub dt: Ms,
    /// Excitatory neurons whose potential is written down each millisecond (or the nearest whole number of steps).
    pub traces: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self { dt: Ms(0.1), traces: 0 }
    }
}

/// A network that is ready to run, and its populations: excitatory neurons first, then inhibitory ones.
pub struct Published {
    /// The network.
    pub network: Network,
    /// Excitatory and inhibitory population; spikes of both are recorded.
    pub populations: [PopulationId; 2],
    /// Synapses that excitatory and inhibitory neurons make.
    pub synapses: [usize; 2],
    /// Potentials of the first excitatory neurons, each millisecond (or the nearest whole number of steps), if asked for.
    pub potentials: Option<StateTraceId>,
}

/// Excitatory and inhibitory neurons of `n`.
fn sizes(n: usize) -> [usize; 2] {
    [n * 4 / 5, n - n * 4 / 5]
}

/// `Ok` if there is a neuron of each kind.
fn enough(name: &'static str, n: usize) -> Result<(), Error> {
    Error::check(name, "neurons", n as f64, |n| n >= 5.0, "use 5 or more: 4 excite, 1 inhibits")
}

/// `Ok` if `delay` is a whole number of steps, at least one.
fn some_steps(name: &'static str, delay: Ms, dt: Ms) -> Result<(), Error> {
    match delay.steps(name, "delay", dt)? {
        0 => Error::check(name, "delay", delay.0, |_| false, "use one step (dt) or more"),
        _ => Ok(()),
    }
}

/// `Ok` if the reset lies below the threshold, also as f32, so that there is room for a start between them.
fn starts_below(name: &'static str, v_reset: Mv, v_th: Mv) -> Result<(), Error> {
    finite_f32(name, "v_th", v_th.0)?;
    let below = |v: f64| v.abs() < f64::from(f32::MAX) && (v as f32) < v_th.0 as f32;
    Error::check(name, "v_reset", v_reset.0, below, "use a potential below v_th")
}

/// `Ok` if `value` is finite as the f32 that a synapse holds.
fn finite_f32(name: &'static str, what: &'static str, value: f64) -> Result<(), Error> {
    Error::check(name, what, value, |w| (w as f32).is_finite(), "use a finite number, at most 3.4e38 in size")
}

/// Writes down V of the first `setup.traces` neurons each millisecond: what a report draws.
fn record_potentials(
    builder: &mut NetworkBuilder,
    population: PopulationId,
    size: usize,
    setup: Setup,
) -> Result<Option<StateTraceId>, NetworkError> {
    if setup.traces == 0 {
        return Ok(None);
    }
    let neurons: Vec<u32> = (0..setup.traces.min(size as u32)).collect();
    builder.record_state(population, "v", &neurons, Ms(1.0).on_grid(setup.dt)).map(Some)
}
