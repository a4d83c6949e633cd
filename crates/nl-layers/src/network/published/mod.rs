//! Networks from the literature, as they were published: what a simulator is checked and measured with.

mod brunel;
mod vogels_abbott;

use nl_neuron::Ms;

use super::{Network, NetworkBuilder, NetworkError, PopulationId, StateTraceId};

pub use brunel::{BrunelConfig, brunel};
pub use vogels_abbott::{VogelsAbbottConfig, coba, cobahh, cuba};

/// A network that is ready to run, and its populations: excitatory neurons first, then inhibitory ones.
pub struct Published {
    /// The network.
    pub network: Network,
    /// Excitatory and inhibitory population; spikes of both are recorded.
    pub populations: [PopulationId; 2],
    /// Potentials of the first excitatory neurons, each millisecond (or the nearest whole number of steps), if asked for.
    pub potentials: Option<StateTraceId>,
}

/// Writes down V of the first `count` neurons each millisecond: what a report draws.
fn record_potentials(
    builder: &mut NetworkBuilder,
    population: PopulationId,
    size: usize,
    count: u32,
    dt: Ms,
) -> Result<Option<StateTraceId>, NetworkError> {
    if count == 0 {
        return Ok(None);
    }
    let neurons: Vec<u32> = (0..count.min(size as u32)).collect();
    builder.record_state(population, "v", &neurons, Ms(1.0).on_grid(dt)).map(Some)
}
