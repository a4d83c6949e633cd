//! Tensors, a tape, and reverse-mode gradients that can be differentiated again.
//!
//! Make a [`Tape`], put [`Tensor`]s on it as [`Var`]s, compute with the methods of [`Var`] (listed in [`ops`]), and ask
//! for gradients with [`grad`] or, without allocating, with [`Tape::backward`].
//!
//! A small regression, y = 2x − 1, by gradient descent:
//!
//! ```
//! use nl_autodiff::{Reduction, Tape, Tensor};
//!
//! let x = Tensor::from_fn(&[16, 1], |i| i as f64 / 16.0)?;
//! let y = Tensor::from_fn(&[16, 1], |i| 2.0 * i as f64 / 16.0 - 1.0)?;
//! let mut parameters = [0.0, 0.0]; // slope, offset
//! let mut tape = Tape::new();
//! let mut loss = f64::INFINITY;
//! for _ in 0..200 {
//!     tape.reset();
//!     let slope = tape.leaf(Tensor::new(&[1, 1], vec![parameters[0]])?);
//!     let offset = tape.leaf(Tensor::new(&[1], vec![parameters[1]])?);
//!     let prediction = tape.constant(x.clone()).linear(slope, Some(offset))?;
//!     let error = prediction.mse(tape.constant(y.clone()), Reduction::Mean)?;
//!     loss = error.item()?;
//!     tape.backward(error, &[slope, offset], &mut |i, gradient| parameters[i] -= 0.5 * gradient[0])?;
//! }
//! assert!(loss < 1e-6 && (parameters[0] - 2.0).abs() < 0.01, "{loss} {parameters:?}");
//! # Ok::<(), nl_autodiff::Error>(())
//! ```

mod backward;
mod check;
mod error;
pub mod ops;
mod pool;
mod shape;
mod tape;
mod tensor;
mod var;

pub use backward::{CreateGraph, grad};
pub use check::{Function, Tolerance, gradcheck, gradcheck_with, gradgradcheck, gradgradcheck_with};
pub use error::Error;
pub use nl_kernels::Float as Scalar;
pub use ops::{BlockPool, KeepDims, Reduction, Transpose};
pub use shape::Shape;
pub use tape::{Pause, Tape};
pub use tensor::Tensor;
pub use var::Var;
