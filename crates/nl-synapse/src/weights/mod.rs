//! First values of weights, and what keeps them in order: bounds, signs, sums.

mod bounds;
mod dale;
mod init;
mod normalisation;

pub use bounds::Bounds;
pub use dale::{Dale, Sign};
pub use init::WeightInit;
pub use normalisation::{Norm, Normalisation};
