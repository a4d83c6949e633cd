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
//! builder.poisson_input(cells, "jump", Hz(2000.0), 1.5)?; // each cell: jumps of 1.5 mV
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
//! # Time
//! All times are in milliseconds. Those that are counted in steps (delays, bins, the length of a run) lie on the grid of the
//! time step or are refused with both neighbours ([`nl_neuron::grid`]); `Ms::on_grid` rounds where you ask for it.
//!
//! # What is refused
//! What cannot be meant, when it is declared: weights outside the rule's bounds, an amplitude that is lost beside them, negative
//! conductances, spikes onto a current that is held over the step (unless [`Projection::as_current`]), a rule that looks at
//! potentials onto neurons that have none, constant input whose sum is no number. What only shows as the network runs is found by
//! [`Network::check_finite`].
//!
//! # Reward
//! A neuron hears two cues. It is rewarded when it answers the first and punished when it answers the second, 50 ms later:
//!
//! ```
//! use nl_layers::network::{NetworkBuilder, Projection};
//! use nl_neuron::{Drive, Lif, LifParameters, Ms, Mv, SpikeTrain};
//! use nl_plasticity::{DopamineStdp, DopamineStdpParameters, Modulators};
//! use nl_random::Streams;
//! use nl_synapse::Dense;
//!
//! let dt = Ms(1.0);
//! let mut cues = SpikeTrain::new(2);
//! for step in 0..20 * 500 {
//!     cues.push_step(match step % 1000 {
//!         0 => &[0],
//!         500 => &[1],
//!         _ => &[],
//!     })?;
//! }
//! let lif = LifParameters { drive: Drive::Jump, v_th: Mv(-60.0), ..LifParameters::default() };
//! let rule = DopamineStdpParameters { tau_c: Ms(200.0), tau_d: Ms(50.0), w_max: 24.0, ..DopamineStdpParameters::default() };
//! let mut builder = NetworkBuilder::new(dt, Streams::new(1))?;
//! let cues = builder.spike_list("cues", cues)?;
//! let cell = builder.population("cell", 1, Lif::new(lif, dt)?)?;
//! let both = Dense::new(2, 1, vec![12.0, 12.0])?; // mV: each enough for a spike
//! let learnt = builder.connect_plastic(Projection::new(cues, cell), both, DopamineStdp::new(rule, dt)?)?;
//! let mut network = builder.build()?;
//! for trial in 0..20 {
//!     let before = network.spike_count(cell)?;
//!     network.run(Ms(50.0))?;
//!     if network.spike_count(cell)? > before {
//!         let dopamine = if trial % 2 == 0 { 0.02 } else { -0.02 };
//!         network.release(Modulators { dopamine, ..Modulators::default() })?;
//!     }
//!     network.run(Ms(450.0))?;
//! }
//! let weights = network.weights(learnt)?;
//! assert!(weights[0] > 14.0 && weights[1] < 10.0, "{weights:?}"); // it answers the first only
//! # Ok::<(), nl_layers::network::NetworkError>(())
//! ```
//!
//! Rules that read a concentration (`Mstdp`, `Gated`, dopamine STDP with `Concentration`) want a decay of what is released:
//! [`NetworkBuilder::neuromodulation`]; [`Network::set_modulators`] holds a level until the next call.
//!
//! # Same bits on any number of threads
//! A population is cut into pieces of a fixed size, each with the synapses that reach it, so that nothing is shared while
//! a piece computes. Pieces run on their own for as many steps as the shortest delay allows, then exchange spikes in
//! order. Who computed what, when, does not reach the result.
//!
//! # Size
//! Memory and the time to build are linear in neurons and synapses: where a spike reaches few of many pieces, it is sent to
//! those, instead of each piece having a place for every neuron. A network too large for the machine is an error that says
//! what there was no memory for. Recorded spikes grow with the run; [`Network::take_spikes`] takes them out.

mod error;
mod memory;

mod projection;

mod builder;
mod checks;
mod record;

mod cells;
mod drive;
mod signals;
mod wire;

mod afferent;
mod piece;
mod route;

mod assemble;
mod runtime;

mod access;
mod finite;
mod inputs;
mod monitor;
mod trace;

mod snapshot;

pub mod published;
pub mod statistics;

pub use builder::{NetworkBuilder, PoissonInputId};
pub use error::NetworkError;
pub use monitor::{RateTrace, SpikeEvent, StateTrace, StateTraceId, WeightTrace, WeightTraceId};
pub use projection::{PopulationId, Projection, ProjectionId, Receptor};
pub use runtime::Network;
pub use snapshot::Snapshot;
