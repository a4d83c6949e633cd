//! The block of the visual stream, fused: convolution, bias, ReLU, and perhaps a 2×2 max-pool.

use super::Op;
use super::activation::{relu_slope, slopes};
use super::conv2d::{channel_sum, check_bias, conv_shape, convolve_input, convolve_weight, output_shape};
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Var};
use nl_kernels::{ConvBlock, conv_block, conv_block_grad};

/// Whether a block ends in a max-pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockPool {
    /// No pooling.
    None,
    /// Maximum over 2×2 windows, stride 2; an odd last row or column is left out.
    Max2x2,
}

impl<'t, S: Scalar> Var<'t, S> {
    /// y = maxpool?(relu(x ⋆ w + b)) in one pass over the images: x `[N, C, H, W]`, w `[O, C, kh, kw]`,
    /// b `[O]`. Equals [`conv2d`](Self::conv2d), [`relu`](Self::relu) and [`max_pool2d`](Self::max_pool2d) one after
    /// another, but what lies between never leaves the cache.
    ///
    /// # Errors
    /// As [`conv2d`](Self::conv2d).
    pub fn conv_block(
        self,
        weight: Self,
        bias: Self,
        stride: [usize; 2],
        padding: [usize; 2],
        pool: BlockPool,
    ) -> Result<Self, Error> {
        let conv = conv_shape("conv_block", self.shape(), weight.shape(), stride, padding)?;
        check_bias("conv_block", bias.shape(), weight.shape(), conv.out_channels)?;
        let shape = ConvBlock { conv, pool: pool == BlockPool::Max2x2 };
        shape.validate()?;
        let out = Shape::from_dims(&[conv.batch, conv.out_channels, shape.out_height(), shape.out_width()]);
        let inputs = [self, weight, bias];
        if !shape.pool {
            return self.tape.apply("conv_block", Op::ConvBlock(shape), out, inputs, |[x, w, b], y, scratch| {
                conv_block(&shape, x, w, b, y, None, scratch)
            });
        }
        let (argmax, y) = self.tape.bytes("conv_block", out.len(), |argmax| {
            self.tape.compute("conv_block", out, inputs, |[x, w, b], y, scratch| {
                conv_block(&shape, x, w, b, y, Some(argmax), scratch)
            })
        })?;
        Ok(self.tape.record(Op::ConvBlock(shape), &inputs, y?, Saved::Bytes(argmax)))
    }
}

pub(super) fn backward<S: Scalar>(shape: ConvBlock, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, w, b, y, dy) = (rule.x(0), rule.x(1), rule.x(2), rule.y(), rule.dy());
    let argmax = rule.saved_bytes();
    if rule.fused() {
        let tape = rule.tape();
        // Three results of one kernel: dw and db are buffers beside the one that `compute` makes for dx.
        let (mut dw, mut db) = (tape.take("conv_block", w.shape())?, tape.take("conv_block", b.shape())?);
        let needs_dx = rule.needs(0);
        let dx_shape = if needs_dx { x.shape() } else { Shape::from_dims(&[0]) };
        let dx = match (dw.as_unique_mut(), db.as_unique_mut()) {
            (Some(dw), Some(db)) => {
                tape.compute("conv_block", dx_shape, [x, w, y, dy], |[x, w, y, dy], dx, scratch| {
                    let argmax = argmax.as_ref().map(crate::tape::Pooled::as_slice);
                    conv_block_grad(&shape, x, w, y, argmax, dy, needs_dx.then_some(dx), dw, db, scratch)
                })?
            }
            _ => {
                debug_assert!(false, "conv_block: somebody holds a fresh buffer");
                return Ok(());
            }
        };
        let (dx, dw, db) = (tape.record_constant(dx), tape.record_constant(dw), tape.record_constant(db));
        if needs_dx {
            rule.give(0, dx)?;
        }
        rule.give(1, dw)?;
        return rule.give(2, db);
    }
    // Between its kinks the block is a convolution followed by a fixed selection: undo the selection, then differentiate
    // the convolution.
    let conv = shape.conv;
    let mut dz = dy.mul(slopes(y, relu_slope)?)?;
    if let Some(argmax) = argmax {
        dz = dz.scatter_rows(&places(&shape, argmax.as_slice()), output_shape(&conv), 1)?;
    }
    if rule.needs(0) {
        rule.give(0, convolve_input(conv, dz, w)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve_weight(conv, x, dz)?)?;
    }
    if rule.needs(2) {
        rule.give(2, channel_sum(dz)?)?;
    }
    Ok(())
}

/// For each cell after pooling, the cell of the convolution's output that it came from.
fn places(shape: &ConvBlock, argmax: &[u8]) -> Vec<u32> {
    let (h, w) = (shape.out_height(), shape.out_width());
    let (ch, cw) = (shape.conv.out_height(), shape.conv.out_width());
    let place = |(at, &arg): (usize, &u8)| {
        let (plane, i, j) = (at / (h * w), at / w % h, at % w);
        ((plane * ch + 2 * i + usize::from(arg / 2)) * cw + 2 * j + usize::from(arg % 2)) as u32
    };
    argmax.iter().enumerate().map(place).collect()
}
