#![forbid(unsafe_code)]
//! Optimisers, schedules, penalties and clipping as composable transforms of a gradient slice.
//!
//! A [`Transform`] turns a gradient into an update; transforms [`chain`], and [`apply_updates`] subtracts the result.
//! [`Optimizer`] is the usual chain, built from a validated [`OptimizerConfig`]. Everything works on flat `f32` slices
//! and allocates only in `init`.

mod lanes;

mod error;
mod mask;
mod transform;

mod adam;
mod clip;
mod momentum;
mod penalty;
mod rmsprop;
mod sgd;

mod plateau;
mod schedule;

mod average;
mod optimizer;

pub use adam::{Adam, AdamState, AdamW};
pub use average::WeightAverage;
pub use clip::{ClipNorm, ClipValue, global_norm};
pub use error::Error;
pub use mask::Mask;
pub use momentum::{Momentum, Nesterov};
pub use optimizer::{Algorithm, AlgorithmState, Optimizer, OptimizerConfig, OptimizerState};
pub use penalty::{DecoupledDecay, L1, L2};
pub use plateau::{Plateau, PlateauState};
pub use rmsprop::{RmsProp, RmsPropState};
pub use schedule::Schedule;
pub use sgd::Sgd;
pub use transform::{Chain, Scale, Transform, apply_updates, chain};
