#![doc = include_str!("../README.md")]

mod error;

mod connection;
mod csr;
mod split;

mod delay;
mod delayed;

mod all_but_self;
mod convolution;
mod dense;
mod sparse;
mod uniform;

pub mod connectivity;
mod weights;

mod receptor;
mod short_term;

#[cfg(feature = "laws")]
pub mod laws;

pub use all_but_self::AllButSelf;
pub use connection::{Connection, RowWeights, Rows, Weights};
pub use convolution::Convolution;
pub use csr::Csr;
pub use delay::DelayLine;
pub use delayed::{Delay, DelayGroup, Delayed};
pub use dense::Dense;
pub use error::Error;
pub use nl_neuron::Real;
pub use receptor::{Conductance, Nmda, Receptor, ReceptorState};
pub use short_term::{TsodyksMarkram, TsodyksMarkramParameters, TsodyksMarkramState};
pub use sparse::Sparse;
pub use split::Share;
pub use uniform::Uniform;
pub use weights::{Bounds, Dale, Norm, Normalisation, Sign, WeightInit};
