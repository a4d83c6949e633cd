//! Memory of single episodes: the reading of a store, and the layer that does so within a network.

mod layer;
mod read;

pub use layer::{Episodes, EpisodicConfig};
pub use read::{EpisodicKernel, EpisodicRead};
