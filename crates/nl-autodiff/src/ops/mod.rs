//! The operations: methods of [`Var`](crate::Var), one file each, joined in one table.
//!
//! A file holds the equation, the forward pass (a kernel) and the backward rule, stated in operations; [`Op`] names
//! the operation on the tape, and `backward` is the table from name to rule. A new operation is a file, a line in
//! each of the two, and a row in `tests/table`.

use crate::backward::Backward;
use crate::{Error, Scalar};
use nl_kernels::{Conv2d, ConvBlock, Unary};

mod affine;
mod binary;
mod conv2d;
mod conv_block;
mod conv_transpose2d;
mod gather;
mod linear;
mod matmul;
mod mse;
mod reduction;
mod reshape;
mod sum;
mod unary;

pub use conv_block::BlockPool;
pub use matmul::Transpose;
pub use reduction::Reduction;
pub use sum::KeepDims;

/// The operation that made a node, with its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// No operation: a leaf or a constant.
    Leaf,
    Unary(Unary),
    Affine {
        scale: f64,
    },
    Binary(nl_kernels::Binary),
    SumTo,
    BroadcastTo,
    Reshape,
    MatMul {
        a: Transpose,
        b: Transpose,
    },
    Linear,
    Conv2d(Conv2d),
    Conv2dInput(Conv2d),
    Conv2dWeight(Conv2d),
    ConvBlock(ConvBlock),
    GatherRows {
        width: usize,
    },
    ScatterRows {
        width: usize,
    },
}

/// The table of backward rules.
pub(crate) fn backward<S: Scalar>(op: Op, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    match op {
        Op::Leaf => Ok(()),
        Op::Unary(f) => unary::backward(f, rule),
        Op::Affine { scale } => affine::backward(scale, rule),
        Op::Binary(f) => binary::backward(f, rule),
        Op::SumTo => sum::sum_to_backward(rule),
        Op::BroadcastTo => sum::broadcast_to_backward(rule),
        Op::Reshape => reshape::backward(rule),
        Op::MatMul { a, b } => matmul::backward(a, b, rule),
        Op::Linear => linear::backward(rule),
        Op::Conv2d(shape) => conv2d::backward(shape, rule),
        Op::Conv2dInput(shape) => conv2d::input_backward(shape, rule),
        Op::Conv2dWeight(shape) => conv2d::weight_backward(shape, rule),
        Op::ConvBlock(shape) => conv_block::backward(shape, rule),
        Op::GatherRows { width } => gather::gather_backward(width, rule),
        Op::ScatterRows { width } => gather::scatter_backward(width, rule),
    }
}

/// sum += x, elementwise.
pub(crate) fn add_assign<S: Scalar>(x: &[S], sum: &mut [S]) {
    debug_assert_eq!(x.len(), sum.len());
    // Lengths are equal: gradients have the shape of what they are gradients of.
    let _ = nl_kernels::axpy(S::ONE, x, sum);
}
