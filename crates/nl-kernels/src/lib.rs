//! SIMD kernels over slices: matrix product, convolution, pooling, reductions, nearest neighbours.
//!
//! The ground floor of the workspace and its only crate with `unsafe`; it knows no tensor and no neuron. Every kernel
//! checks its slices against its shape before it touches them, and runs at the [`Level`] of the CPU.

mod error;
mod float;
mod level;
mod scratch;

pub use error::ShapeError;
pub use float::Float;
pub use level::{Level, LevelError};
pub use scratch::{Buffer, Scratch};
