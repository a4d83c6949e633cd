//! What each stage minimises: one objective, one file.

mod classify;
mod reconstruct;
mod trust;

pub use classify::Classify;
pub use reconstruct::{Reconstruct, ReconstructionLoss, ReconstructionTarget};
pub use trust::Evidence;
pub(crate) use trust::Rows;
