#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod huge;
mod lanes;

mod error;
mod mask;
mod transform;

mod adam;
mod clip;
mod max_norm;
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
pub use max_norm::MaxNorm;
pub use momentum::{Momentum, Nesterov};
pub use optimizer::{Algorithm, AlgorithmState, Optimizer, OptimizerConfig, OptimizerState};
pub use penalty::{DecoupledDecay, L1, L2};
pub use plateau::{Plateau, PlateauState};
pub use rmsprop::{RmsProp, RmsPropState};
pub use schedule::Schedule;
pub use sgd::Sgd;
pub use transform::{Chain, Scale, Transform, apply_updates, chain};
