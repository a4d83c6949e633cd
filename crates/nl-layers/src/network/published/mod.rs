//! Networks from the literature, as they were published: what a simulator is checked and measured with.

mod brunel;
mod vogels_abbott;

use super::{Network, PopulationId};

pub use brunel::{BrunelConfig, brunel};
pub use vogels_abbott::{VogelsAbbottConfig, coba, cobahh, cuba};

/// A network that is ready to run, and its populations: excitatory neurons first, then inhibitory ones.
pub struct Published {
    /// The network.
    pub network: Network,
    /// Excitatory and inhibitory population; spikes of both are recorded.
    pub populations: [PopulationId; 2],
}
