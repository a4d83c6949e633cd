//! The table: a name, shared with `tests/reference/ops.py`, and the operation.

use nl_autodiff::{BlockPool, Error, KeepDims, Reduction, Scalar, Transpose, Var};

/// An operation on some inputs.
type Function<S> = for<'t> fn(&[Var<'t, S>]) -> Result<Var<'t, S>, Error>;

/// The dropout mask of `ops.py`.
fn mask<'t, S: Scalar>(v: &[Var<'t, S>]) -> Result<Var<'t, S>, Error> {
    let kept = [true, false, true, false, true, true];
    v[0].tape().constant_with(&[2, 3], |m| {
        for (m, kept) in m.iter_mut().zip(kept) {
            *m = if kept { S::from_f64(2.0) } else { S::ZERO };
        }
    })
}

/// All operations, for either precision.
pub(crate) const fn table<S: Scalar>() -> [(&'static str, Function<S>); 88] {
    [
        ("neg", |v| v[0].neg()),
        ("abs", |v| v[0].abs()),
        ("exp", |v| v[0].exp()),
        ("log", |v| v[0].log()),
        ("sqrt", |v| v[0].sqrt()),
        ("square", |v| v[0].square()),
        ("recip", |v| v[0].recip()),
        ("relu", |v| v[0].relu()),
        ("leaky_relu", |v| v[0].leaky_relu(0.1)),
        ("sigmoid", |v| v[0].sigmoid()),
        ("tanh", |v| v[0].tanh()),
        ("softplus", |v| v[0].softplus()),
        ("gelu", |v| v[0].gelu()),
        ("erf", |v| v[0].erf()),
        ("silu", |v| v[0].silu()),
        ("clamp", |v| v[0].clamp(-1.0, 0.75)),
        ("powf", |v| v[0].powf(1.7)),
        ("powf_integer", |v| v[0].powf(3.0)),
        ("affine", |v| v[0].affine(-1.5, 0.25)),
        ("scalar_forms", |v| v[0].add_scalar(1.0)?.rsub_scalar(3.0)?.mul_scalar(2.0)?.div_scalar(0.8)?.sub_scalar(0.5)),
        ("add", |v| v[0].add(v[1])),
        ("add_row", |v| v[0].add(v[1])),
        ("sub_column", |v| v[0].sub(v[1])),
        ("mul", |v| v[0].mul(v[1])),
        ("mul_channel", |v| v[0].mul(v[1])),
        ("mul_scalar_tensor", |v| v[0].mul(v[1])),
        ("div", |v| v[0].div(v[1])),
        ("div_outer", |v| v[0].div(v[1])),
        ("maximum", |v| v[0].maximum(v[1])),
        ("minimum", |v| v[0].minimum(v[1])),
        ("sum", |v| v[0].sum()),
        ("sum_axes", |v| v[0].sum_axes(&[0, 2], KeepDims::No)),
        ("sum_axes_keep", |v| v[0].sum_axes(&[1], KeepDims::Yes)),
        ("mean", |v| v[0].mean()),
        ("mean_axes", |v| v[0].mean_axes(&[1, 2], KeepDims::No)),
        ("max", |v| v[0].max()),
        ("max_axes", |v| v[0].max_axes(&[0, 2], KeepDims::No)),
        ("max_axes_keep", |v| v[0].max_axes(&[1], KeepDims::Yes)),
        ("min_axes", |v| v[0].min_axes(&[1], KeepDims::No)),
        ("broadcast_to", |v| v[0].broadcast_to(&[2, 2, 3])),
        ("reshape", |v| v[0].reshape(&[3, 2])),
        ("flatten_from", |v| v[0].flatten_from(1)),
        ("unsqueeze", |v| v[0].unsqueeze(1)?.mul(v[0].unsqueeze(2)?)),
        ("permute", |v| v[0].permute(&[2, 0, 1])),
        ("transpose", |v| v[0].transpose(0, 1)),
        ("concat", |v| Var::concat(v, 1)),
        ("stack", |v| Var::stack(v, 1)),
        ("slice_rows", |v| v[0].slice(0, 1..3)),
        ("slice_columns", |v| v[0].slice(1, 1..3)?.mul(v[0].slice(1, 0..2)?)),
        ("pad", |v| v[0].pad(1, 1, 2)),
        ("index_select", |v| v[0].index_select(1, &[2, 0, 2])),
        ("embedding", |v| v[0].embedding(&[2, 2], &[1, 0, 3, 1])),
        ("pick", |v| v[0].pick(1, &[2, 0])),
        ("matmul", |v| v[0].matmul(v[1])),
        ("matmul_nt", |v| v[0].matmul_with(Transpose::No, v[1], Transpose::Yes)),
        ("matmul_tn", |v| v[0].matmul_with(Transpose::Yes, v[1], Transpose::No)),
        ("matmul_tt", |v| v[0].matmul_with(Transpose::Yes, v[1], Transpose::Yes)),
        ("matmul_batch", |v| v[0].matmul(v[1])),
        ("matmul_batch_nt", |v| v[0].matmul_with(Transpose::No, v[1], Transpose::Yes)),
        ("matmul_shared", |v| v[0].matmul(v[1])),
        ("linear", |v| v[0].linear(v[1], Some(v[2]))),
        ("linear_sequence", |v| v[0].linear(v[1], None)),
        ("conv2d", |v| v[0].conv2d(v[1], None, [1, 1], [0, 0])),
        ("conv2d_bias", |v| v[0].conv2d(v[1], Some(v[2]), [2, 1], [1, 2])),
        ("conv_transpose2d", |v| v[0].conv_transpose2d(v[1], None, [1, 1], [0, 0], [0, 0])),
        ("conv_transpose2d_bias", |v| v[0].conv_transpose2d(v[1], Some(v[2]), [2, 2], [1, 1], [1, 0])),
        ("conv_block", |v| v[0].conv_block(v[1], v[2], [1, 1], [1, 1], BlockPool::None)),
        ("conv_block_pool", |v| v[0].conv_block(v[1], v[2], [1, 1], [1, 1], BlockPool::Max2x2)),
        ("conv_block_stride", |v| v[0].conv_block(v[1], v[2], [2, 2], [1, 1], BlockPool::Max2x2)),
        ("grouped_conv2d", |v| v[0].grouped_conv2d(v[1], [2, 1], [1, 2], [1, 2], 2)),
        ("depthwise_conv2d", |v| v[0].grouped_conv2d(v[1], [1, 1], [1, 1], [1, 1], 2)),
        ("local2d", |v| v[0].local2d(v[1], [2, 1], [1, 0])),
        ("max_pool2d", |v| v[0].max_pool2d([2, 2], [2, 2], [0, 0])),
        ("max_pool2d_overlap", |v| v[0].max_pool2d([3, 3], [1, 2], [1, 1])),
        ("avg_pool2d", |v| v[0].avg_pool2d([2, 2], [2, 2], [0, 0])),
        ("avg_pool2d_overlap", |v| v[0].avg_pool2d([3, 3], [1, 2], [1, 1])),
        ("softmax", |v| v[0].softmax()),
        ("log_softmax", |v| v[0].log_softmax()),
        ("cross_entropy", |v| v[0].cross_entropy(&[2, 0], 0.0, Reduction::Mean)),
        ("cross_entropy_smooth", |v| v[0].cross_entropy(&[2, 0], 0.1, Reduction::Sum)),
        ("cross_entropy_none", |v| v[0].cross_entropy(&[2, 0], 0.2, Reduction::None)),
        ("nll", |v| v[0].log_softmax()?.nll(&[1, 2], Reduction::Mean)),
        ("mse", |v| v[0].mse(v[1], Reduction::Mean)),
        ("mse_sum", |v| v[0].mse(v[1], Reduction::Sum)),
        ("bce_with_logits", |v| v[0].bce_with_logits(v[1], Reduction::Mean)),
        ("layer_norm", |v| v[0].layer_norm(1, Some(v[1]), Some(v[2]), 1e-5)),
        ("group_norm", |v| v[0].group_norm(2, Some(v[1]), Some(v[2]), 1e-5)),
        ("mask_mul", |v| v[0].mask_mul(mask(v)?)),
    ]
}
