//! Event-driven networks of spiking populations: clock-driven neurons, event-driven synapses.
//!
//! Declare populations, projections, inputs and monitors with a [`NetworkBuilder`], then [`Network::run`]:
//!
//! ```
//! use nl_layers::network::{NetworkBuilder, Projection};
//! use nl_neuron::{Drive, Hz, Lif, LifParameters, Ms};
//! use nl_random::Streams;
//! use nl_synapse::{Csr, Uniform};
//!
//! let lif = Lif::new(LifParameters { drive: Drive::Jump, ..LifParameters::default() }, Ms(0.1))?;
//! let mut builder = NetworkBuilder::new(Ms(0.1), Streams::new(1))?;
//! let cells = builder.population("cells", 2, lif)?;
//! builder.poisson_input(cells, 0, Hz(2000.0), 1.5)?; // each cell: jumps of 1.5 mV
//! let ring = Uniform::new(Csr::from_edges(2, 2, &[(0, 1), (1, 0)])?, -3.0)?;
//! builder.connect(Projection::new(cells, cells).delay(Ms(1.5)), ring)?;
//! builder.record_spikes(cells)?;
//! let mut network = builder.build()?;
//! network.run(Ms(200.0))?;
//! assert!(network.spikes(cells)?.len() > 5);
//! # Ok::<(), nl_layers::network::NetworkError>(())
//! ```
//!
//! # How a step goes
//! Step k: spikes that arrive are added to the input (each row of synapses once, in the order of projections) → external
//! input → the neurons' own step → the spikes leave → learning rules see the spikes that are at their synapses now. A
//! spike of step k with a delay of d ≥ 1 steps reaches the soma in step k + d, with the weight of that moment.
//!
//! # Same bits on any number of threads
//! A population is cut into pieces of a fixed size, each with the synapses that reach it, so that nothing is shared while
//! a piece computes. Pieces run on their own for as many steps as the shortest delay allows, then exchange spikes in
//! order. Who computed what, when, does not reach the result.

mod error;

mod projection;

mod builder;

mod cells;
mod drive;
mod signals;
mod wire;

mod piece;

mod assemble;
mod runtime;

mod access;
mod inputs;
mod monitor;

mod snapshot;

pub mod published;
pub mod statistics;

pub use builder::{NetworkBuilder, PoissonInputId};
pub use error::NetworkError;
pub use monitor::{RateTrace, SpikeEvent, StateTrace, WeightTrace};
pub use projection::{PopulationId, Projection, ProjectionId};
pub use runtime::Network;
pub use snapshot::Snapshot;
