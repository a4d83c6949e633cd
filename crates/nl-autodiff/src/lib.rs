#![doc = include_str!("../README.md")]

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
pub use ops::{BlockPool, CustomOp, KeepDims, Mask, Operand, Reduction, Scan, Transpose, Unit};
pub use shape::Shape;
pub use tape::{Pause, Tape};
pub use tensor::Tensor;
pub use var::Var;
