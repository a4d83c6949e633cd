#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

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

pub mod competitive;

pub mod conv_stdp;

pub use builder::{NetworkBuilder, PoissonInputId};
pub use error::NetworkError;
pub use monitor::{RateTrace, SpikeEvent, StateTrace, StateTraceId, WeightTrace, WeightTraceId};
pub use projection::{PopulationId, Projection, ProjectionId, Receptor};
pub use runtime::Network;
pub use snapshot::Snapshot;
