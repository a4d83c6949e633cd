//! Connectivity, delays, receptor kinetics and short-term plasticity of spiking networks.
//!
//! A [`Connection`] delivers the spikes of one step to its targets; a [`Weights`] connection can also be changed in
//! place by a learning rule. A [`DelayLine`] keeps the last spikes of a population, so that each projection reads them as
//! late as its delay says.
//!
//! ```
//! use nl_synapse::connectivity::{Autapses, Pairs, fixed_probability};
//! use nl_synapse::{Connection, DelayLine, Sparse, WeightInit};
//!
//! let mut rng = nl_random::Streams::new(1).rng("network", 0, 0);
//! let csr = fixed_probability(Pairs::recurrent(1000, Autapses::Forbid), 0.1, &mut rng)?;
//! let weights = WeightInit::Uniform { low: 0.0, high: 0.5 }.sample::<f32>(csr.synapses(), &mut rng)?;
//! let synapses = Sparse::new(csr, weights)?;
//! let mut line = DelayLine::new(15)?; // 1.5 ms in steps of 0.1 ms
//! line.push(&[3, 42]); // these two spike in step 0
//! (1..15).for_each(|_| line.push(&[]));
//! let mut input = vec![0.0; 1000];
//! synapses.deliver(line.ago(15)?, &mut input)?; // step 15
//! assert!(input.iter().filter(|&&i| i > 0.0).count() > 100);
//! # Ok::<(), nl_synapse::Error>(())
//! ```
//!
//! | connection | synapses | memory of one, `f32` | weights change |
//! |---|---|---|---|
//! | [`Dense`] | all pairs | 4 bytes | yes |
//! | [`Sparse`] | a list ([`Csr`]) | 8 bytes, 16 with the view from post | yes |
//! | [`Uniform`] | a list, one weight | 4 bytes, 6 up to 65,536 targets | no |
//! | [`AllButSelf`] | all pairs but i → i, one weight | 0 | no |
//! | [`Convolution`] | receptive fields, shared kernels | 0 | yes, shared |
//! | [`Delayed`] | those of its groups, a delay for each group | those of its groups | as its groups |
//!
//! Lists are drawn or laid out in [`connectivity`]; [`Receptor`], [`Conductance`] and [`Nmda`] turn what is delivered into
//! currents; [`TsodyksMarkram`] is short-term plasticity; [`Bounds`], [`Dale`] and [`Normalisation`] keep weights in order.

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
