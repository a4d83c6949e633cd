//! The operations: methods of [`Var`], one file each, joined in one table.
//!
//! A file holds the equation, the forward pass (a kernel) and the backward rule, stated in operations; `Op` names
//! the operation on the tape, and `backward` is the table from name to rule. A new operation is a file, a line in
//! each of the two, and a row in `tests/table`.

use crate::backward::Backward;
use crate::{CreateGraph, Error, Scalar, Shape, Var, grad};
use nl_kernels::{Attention, Conv2d, ConvBlock, DirectConv2d, Pool2d, Recurrent, Unary};

mod activation;
mod affine;
mod attention;
mod bce;
mod binary;
mod concat;
mod conv2d;
mod conv_block;
mod conv_transpose2d;
mod cross_entropy;
mod custom;
mod detach;
mod direct_conv2d;
mod feedback;
mod gather;
mod linear;
mod mask;
mod matmul;
mod max;
mod mse;
mod norm;
mod permute;
mod pool2d;
mod powf;
mod recurrent;
mod reduction;
mod reshape;
mod slice;
mod softmax;
mod sum;
mod unary;

pub use attention::Mask;
pub use conv_block::BlockPool;
pub use custom::{CustomOp, Operand};
pub use matmul::Transpose;
pub use recurrent::{Scan, Unit};
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
    /// Of an input of which so many elements are not 0.
    SparseLinear {
        some: usize,
    },
    LinearFeedback,
    Conv2d(Conv2d),
    Conv2dFeedback(Conv2d),
    Conv2dInput(Conv2d),
    Conv2dWeight(Conv2d),
    ConvBlock(ConvBlock),
    DirectConv2d(DirectConv2d),
    DirectConv2dInput(DirectConv2d),
    DirectConv2dWeight(DirectConv2d),
    GatherRows {
        width: usize,
    },
    ScatterRows {
        width: usize,
    },
    LeakyRelu {
        slope: f64,
    },
    Clamp {
        low: f64,
        high: f64,
    },
    Powf {
        p: f64,
    },
    Permute {
        order: [u8; Shape::MAX_RANK],
    },
    Concat {
        axis: usize,
    },
    Slice {
        axis: usize,
        start: usize,
    },
    Pad {
        axis: usize,
        before: usize,
    },
    Softmax,
    LogSoftmax,
    CrossEntropy {
        label_smoothing: f64,
    },
    Bce,
    Normalize {
        len: usize,
        epsilon: f64,
    },
    MaxPool2d(Pool2d),
    AvgPool2d(Pool2d),
    AvgPool2dGrad(Pool2d),
    Recurrent(Recurrent),
    Attention(Attention),
    StraightThrough,
    WithSlope,
    /// Of somebody else.
    Custom,
    /// The gradient of one that can be differentiated once.
    Once,
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
        Op::Linear => linear::backward(None, rule),
        Op::SparseLinear { some } => linear::backward(Some(some), rule),
        Op::LinearFeedback => feedback::linear_backward(rule),
        Op::Conv2d(shape) => conv2d::backward(shape, rule),
        Op::Conv2dFeedback(shape) => feedback::conv2d_backward(shape, rule),
        Op::Conv2dInput(shape) => conv2d::input_backward(shape, rule),
        Op::Conv2dWeight(shape) => conv2d::weight_backward(shape, rule),
        Op::ConvBlock(shape) => conv_block::backward(shape, rule),
        Op::DirectConv2d(shape) => direct_conv2d::backward(shape, rule),
        Op::DirectConv2dInput(shape) => direct_conv2d::input_backward(shape, rule),
        Op::DirectConv2dWeight(shape) => direct_conv2d::weight_backward(shape, rule),
        Op::GatherRows { width } => gather::gather_backward(width, rule),
        Op::ScatterRows { width } => gather::scatter_backward(width, rule),
        Op::LeakyRelu { slope } => activation::leaky_relu_backward(slope, rule),
        Op::Clamp { low, high } => activation::clamp_backward(low, high, rule),
        Op::Powf { p } => powf::backward(p, rule),
        Op::Permute { order } => permute::backward(order, rule),
        Op::Concat { axis } => concat::backward(axis, rule),
        Op::Slice { axis, start } => slice::slice_backward(axis, start, rule),
        Op::Pad { axis, before } => slice::pad_backward(axis, before, rule),
        Op::Softmax => softmax::backward(rule),
        Op::LogSoftmax => softmax::log_backward(rule),
        Op::CrossEntropy { label_smoothing } => cross_entropy::backward(label_smoothing, rule),
        Op::Bce => bce::backward(rule),
        Op::Normalize { len, epsilon } => norm::backward(len, epsilon, rule),
        Op::MaxPool2d(shape) => pool2d::max_backward(shape, rule),
        Op::AvgPool2d(shape) => pool2d::avg_backward(shape, rule),
        Op::AvgPool2dGrad(shape) => pool2d::avg_grad_backward(shape, rule),
        Op::Recurrent(shape) => recurrent::backward(shape, rule),
        Op::Attention(shape) => attention::backward(shape, rule),
        Op::StraightThrough => detach::straight_through_backward(rule),
        Op::WithSlope => detach::with_slope_backward(rule),
        Op::Custom => custom::backward(rule),
        Op::Once => custom::once_backward(rule),
    }
}

/// The backward rule of a fused operation whose gradient will be differentiated again: `f` states the operation in operations, and
/// is computed and differentiated in its place.
///
/// It is given copies of the inputs: where one input was made of another, what flows through the first is not counted for the
/// second.
fn recompute<'t, S: Scalar>(
    rule: &mut Backward<'t, '_, S>,
    f: impl FnOnce(&[Var<'t, S>]) -> Result<Var<'t, S>, Error>,
) -> Result<(), Error> {
    recompute_if(rule, |v| Some(f(v))).map(drop)
}

/// As [`recompute`], if `f` can state the operation; whether it could.
fn recompute_if<'t, S: Scalar>(
    rule: &mut Backward<'t, '_, S>,
    f: impl FnOnce(&[Var<'t, S>]) -> Option<Result<Var<'t, S>, Error>>,
) -> Result<bool, Error> {
    let copies: Vec<Var<'t, S>> = (0..rule.inputs()).map(|i| reshape::alias(rule.x(i))).collect();
    let wanted: Vec<usize> = (0..rule.inputs()).filter(|&i| rule.needs(i)).collect();
    let of: Vec<Var<'t, S>> = wanted.iter().map(|&i| copies[i]).collect();
    let Some(value) = f(&copies) else { return Ok(false) };
    let loss = value?.mul(rule.dy())?.sum()?;
    for (i, gradient) in wanted.into_iter().zip(grad(loss, &of, CreateGraph::Yes)?) {
        rule.give(i, gradient)?;
    }
    Ok(true)
}

/// sum += x, elementwise.
pub(crate) fn add_assign<S: Scalar>(x: &[S], sum: &mut [S]) {
    debug_assert_eq!(x.len(), sum.len());
    // Lengths are equal: gradients have the shape of what they are gradients of.
    let _ = nl_kernels::axpy(S::ONE, x, sum);
}
