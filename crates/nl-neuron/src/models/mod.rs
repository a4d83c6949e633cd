//! One model, one file; each opens with its equation.

mod lif;

pub use lif::{Drive, Lif, LifParameters, LifState, Reset};
