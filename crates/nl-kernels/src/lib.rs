#![doc = include_str!("../README.md")]

mod attention;
mod conv;
mod dispatch;
mod distance;
mod elementwise;
mod error;
mod float;
mod gemm;
mod level;
mod math;
mod matrix;
mod parallel;
mod pool;
mod recurrent;
mod reduce;
mod scratch;
mod simd;
mod size;
mod softmax;
mod sparse;

pub use attention::{Attention, Operands, attention, attention_grad};
pub use conv::{
    Conv2d, ConvBlock, DirectConv2d, conv_block, conv_block_at, conv_block_grad, conv_block_grad_at, conv2d, conv2d_at,
    conv2d_grad_input, conv2d_grad_input_at, conv2d_grad_weight, conv2d_grad_weight_at, direct_conv2d,
    direct_conv2d_grad_input, direct_conv2d_grad_weight,
};
pub use dispatch::Vectorised;
pub use distance::{Metric, top_k, top_k_parallel};
pub use elementwise::{
    Binary, MAX_RANK, Unary, axpy, binary, binary_assign, binary_broadcast, scale, scale_add, unary, unary_grad,
    unary_in_place,
};
pub use error::ShapeError;
pub use float::Float;
pub use gemm::{batched_gemm, batched_gemm_nt, batched_gemm_tn, gemm, gemm_at, gemm_parallel};
pub use level::{Level, LevelError};
pub use math::Elementary;
pub use matrix::{MatMut, MatRef};
pub use parallel::{for_each_shard, tree_sum};
pub use pool::{Pool2d, avg_pool2d, avg_pool2d_grad, max_pool2d, max_pool2d_grad};
pub use recurrent::{Cell, Recurrent, RecurrentGrad, recurrent, recurrent_grad};
pub use reduce::{dot, max_axis, sum, sum_axis, sum_squares, sum_to};
pub use scratch::{Buffer, Scratch};
pub use softmax::{
    log_softmax, log_softmax_grad, softmax, softmax_cross_entropy, softmax_cross_entropy_grad, softmax_grad,
};
pub use sparse::{Lists, SPARSE_PAYS, count_nonzero, gather_sum, sparse_linear, sparse_linear_grad_weight, transpose};
