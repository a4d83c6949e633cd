//! Convolution and its two gradients: three bilinear operations, each the derivative of the others, so that the set is
//! closed under differentiation.
//!
//! With y = x ⋆ w: `conv2d` maps (x, w) to y, `conv2d_input` maps (y, w) to x's shape (the transposed convolution), and
//! `conv2d_weight` maps (x, y) to w's shape. ⟨x ⋆ w, y⟩ = ⟨x, input(y, w)⟩ = ⟨w, weight(x, y)⟩.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Var};
use nl_kernels::{Conv2d, conv2d, conv2d_grad_input, conv2d_grad_weight};

impl<'t, S: Scalar> Var<'t, S> {
    /// y\[n, o, i, j\] = b\[o\] + Σ x\[n, c, i·s + u − p, j·s + v − p\] w\[o, c, u, v\] over c, u, v (cross-correlation,
    /// as in every deep-learning library): x `[N, C, H, W]`, w `[O, C, kh, kw]`, b `[O]` → `[N, O, H', W']`,
    /// H' = ⌊(H + 2p − kh) / s⌋ + 1.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::full(&[1, 1, 4, 4], 1.0f32)?);
    /// let w = tape.leaf(Tensor::full(&[2, 1, 3, 3], 1.0)?);
    /// let y = x.conv2d(w, None, [1, 1], [1, 1])?;
    /// assert_eq!(y.shape().dims(), [1, 2, 4, 4]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not fit; [`Error::Kernel`] if the kernel is larger than the padded image.
    pub fn conv2d(
        self,
        weight: Self,
        bias: Option<Self>,
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Result<Self, Error> {
        let shape = conv_shape("conv2d", self.shape(), weight.shape(), stride, padding)?;
        let Some(bias) = bias else { return convolve(shape, self, weight) };
        check_bias("conv2d", bias.shape(), weight.shape(), shape.out_channels)?;
        let y = self.tape.compute("conv2d", output_shape(&shape), [self, weight, bias], |[x, w, b], y, scratch| {
            conv2d(&shape, x, w, Some(b), y, scratch)
        })?;
        Ok(self.tape.record(Op::Conv2d(shape), &[self, weight, bias], y, Saved::Nothing))
    }
}

/// The convolution that fits x `[N, C, H, W]` and w `[O, C, kh, kw]`.
pub(super) fn conv_shape(
    op: &'static str,
    x: Shape,
    w: Shape,
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<Conv2d, Error> {
    let (&[batch, in_channels, height, width], &[out_channels, channels, kh, kw]) = (x.dims(), w.dims()) else {
        return Err(Error::shapes(op, x, w, "images are [N, C, H, W] and weights [O, C, kh, kw]"));
    };
    if channels != in_channels {
        return Err(Error::shapes(op, x, w, "axis 1 (channels in) of images and weights must be equal"));
    }
    let shape = Conv2d { batch, in_channels, height, width, out_channels, kernel: [kh, kw], stride, padding };
    shape.validate()?;
    Ok(shape)
}

pub(super) fn check_bias(op: &'static str, bias: Shape, weight: Shape, channels: usize) -> Result<(), Error> {
    if bias.dims() == [channels] {
        return Ok(());
    }
    Err(Error::shapes(op, bias, weight, "the bias has one axis, the channels out of the weight"))
}

pub(super) fn input_shape(s: &Conv2d) -> Shape {
    Shape::from_dims(&[s.batch, s.in_channels, s.height, s.width])
}

pub(super) fn weight_shape(s: &Conv2d) -> Shape {
    Shape::from_dims(&[s.out_channels, s.in_channels, s.kernel[0], s.kernel[1]])
}

pub(super) fn output_shape(s: &Conv2d) -> Shape {
    Shape::from_dims(&[s.batch, s.out_channels, s.out_height(), s.out_width()])
}

/// (x, w) → y.
pub(super) fn convolve<'t, S: Scalar>(s: Conv2d, x: Var<'t, S>, w: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    x.tape.apply("conv2d", Op::Conv2d(s), output_shape(&s), [x, w], |[x, w], y, scratch| {
        conv2d(&s, x, w, None, y, scratch)
    })
}

/// (y, w) → x.
pub(super) fn convolve_input<'t, S: Scalar>(s: Conv2d, y: Var<'t, S>, w: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    y.tape.apply("conv_transpose2d", Op::Conv2dInput(s), input_shape(&s), [y, w], |[y, w], x, scratch| {
        conv2d_grad_input(&s, y, w, x, scratch)
    })
}

/// (x, y) → w.
pub(super) fn convolve_weight<'t, S: Scalar>(s: Conv2d, x: Var<'t, S>, y: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    x.tape.apply("conv2d_weight", Op::Conv2dWeight(s), weight_shape(&s), [x, y], |[x, y], w, scratch| {
        conv2d_grad_weight(&s, x, y, w, scratch)
    })
}

/// Σ over batch, rows and columns: the gradient of a bias.
pub(super) fn channel_sum<S: Scalar>(dy: Var<'_, S>) -> Result<Var<'_, S>, Error> {
    let channels = dy.shape().dims()[1];
    dy.sum_to(Shape::from_dims(&[channels, 1, 1]))?.reshape(&[channels])
}

pub(super) fn backward<S: Scalar>(shape: Conv2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, w, dy) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, convolve_input(shape, dy, w)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve_weight(shape, x, dy)?)?;
    }
    if rule.inputs() == 3 && rule.needs(2) {
        rule.give(2, channel_sum(dy)?)?;
    }
    Ok(())
}

pub(super) fn input_backward<S: Scalar>(shape: Conv2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (y, w, dx) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, convolve(shape, dx, w)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve_weight(shape, dx, y)?)?;
    }
    if rule.inputs() == 3 && rule.needs(2) {
        rule.give(2, channel_sum(dx)?)?;
    }
    Ok(())
}

pub(super) fn weight_backward<S: Scalar>(shape: Conv2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, y, dw) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, convolve_input(shape, y, dw)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve(shape, x, dw)?)?;
    }
    Ok(())
}
