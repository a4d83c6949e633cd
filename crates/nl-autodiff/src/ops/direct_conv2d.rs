//! Convolution in groups of channels, with holes in the kernel, or with weights of its own at each position; and its two
//! gradients: three bilinear operations, each the derivative of the others, as those of [`conv2d`](super::conv2d).

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Shape, Var};
use nl_kernels::{Conv2d, DirectConv2d, direct_conv2d, direct_conv2d_grad_input, direct_conv2d_grad_weight};

impl<'t, S: Scalar> Var<'t, S> {
    /// y\[n, o, i, j\] = Σ x\[n, c, i·s + u·d − p, j·s + v·d − p\] w\[o, c, u, v\] over u, v and the channels c of o's group:
    /// x `[N, C, H, W]`, w `[O, C / groups, kh, kw]` → `[N, O, H', W']`, H' = ⌊(H + 2p − d (kh − 1) − 1) / s⌋ + 1.
    ///
    /// With as many groups as channels it is depth-wise; `dilation` d puts d − 1 holes between taps (Yu & Koltun, 2016).
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::full(&[1, 2, 5, 5], 1.0f32)?);
    /// let w = tape.leaf(Tensor::full(&[4, 1, 3, 3], 1.0)?);
    /// let y = x.grouped_conv2d(w, [1, 1], [0, 0], [2, 2], 2)?;
    /// assert_eq!((y.shape().dims(), y.value().as_slice()), (&[1, 4, 1, 1][..], &[9.0; 4][..]));
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not fit; [`Error::Kernel`] if the groups do not divide the channels, or the kernel with
    /// its holes is larger than the padded image.
    pub fn grouped_conv2d(
        self,
        weight: Self,
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        groups: usize,
    ) -> Result<Self, Error> {
        const OP: &str = "grouped_conv2d";
        let (x, w) = (self.shape(), weight.shape());
        let (&[batch, in_channels, height, width], &[out_channels, inputs, kh, kw]) = (x.dims(), w.dims()) else {
            return Err(Error::shapes(OP, x, w, "images are [N, C, H, W] and weights [O, C / groups, kh, kw]"));
        };
        if inputs.checked_mul(groups) != Some(in_channels) {
            return Err(Error::shapes(
                OP,
                x,
                w,
                "axis 1 of the weights must be the channels of the images over groups",
            ));
        }
        let conv = Conv2d { batch, in_channels, height, width, out_channels, kernel: [kh, kw], stride, padding };
        let shape = DirectConv2d { conv, dilation, groups, local: false };
        shape.validate()?;
        convolve(shape, self, weight)
    }

    /// y\[n, o, i, j\] = Σ x\[n, c, i·s + u − p, j·s + v − p\] w\[i, j, o, c, u, v\] over c, u, v: local connections, whose
    /// weights are not shared between positions. x `[N, C, H, W]`, w `[H', W', O, C, kh, kw]` → `[N, O, H', W']`,
    /// H' = ⌊(H + 2p − kh) / s⌋ + 1.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::new(&[1, 1, 1, 3], vec![1.0, 2.0, 3.0])?);
    /// let w = tape.leaf(Tensor::new(&[1, 2, 1, 1, 1, 2], vec![1.0, 10.0, 2.0, 20.0])?);
    /// assert_eq!(x.local2d(w, [1, 1], [0, 0])?.value().as_slice(), [21.0, 64.0]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not fit; [`Error::Kernel`] if the kernel is larger than the padded image.
    pub fn local2d(self, weight: Self, stride: [usize; 2], padding: [usize; 2]) -> Result<Self, Error> {
        const OP: &str = "local2d";
        let (x, w) = (self.shape(), weight.shape());
        let (&[batch, in_channels, height, width], &[down, across, out_channels, inputs, kh, kw]) =
            (x.dims(), w.dims())
        else {
            return Err(Error::shapes(OP, x, w, "images are [N, C, H, W] and weights [H', W', O, C, kh, kw]"));
        };
        if inputs != in_channels {
            return Err(Error::shapes(
                OP,
                x,
                w,
                "axis 1 of the images and axis 3 of the weights (channels) must be equal",
            ));
        }
        let conv = Conv2d { batch, in_channels, height, width, out_channels, kernel: [kh, kw], stride, padding };
        let shape = DirectConv2d { conv, dilation: [1, 1], groups: 1, local: true };
        shape.validate()?;
        if [shape.out_height(), shape.out_width()] != [down, across] {
            return Err(Error::shapes(
                OP,
                x,
                w,
                "axes 0 and 1 of the weights must be the height and width of the output",
            ));
        }
        convolve(shape, self, weight)
    }
}

fn input_shape(s: &DirectConv2d) -> Shape {
    Shape::from_dims(&[s.conv.batch, s.conv.in_channels, s.conv.height, s.conv.width])
}

fn weight_shape(s: &DirectConv2d) -> Shape {
    let [kh, kw] = s.conv.kernel;
    // Groups are at least 1: the shape is valid.
    let shared = [s.conv.out_channels, s.conv.in_channels / s.groups, kh, kw];
    if s.local {
        let [o, c, ..] = shared;
        Shape::from_dims(&[s.out_height(), s.out_width(), o, c, kh, kw])
    } else {
        Shape::from_dims(&shared)
    }
}

fn output_shape(s: &DirectConv2d) -> Shape {
    Shape::from_dims(&[s.conv.batch, s.conv.out_channels, s.out_height(), s.out_width()])
}

/// (x, w) → y.
fn convolve<'t, S: Scalar>(s: DirectConv2d, x: Var<'t, S>, w: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    x.tape.apply("direct_conv2d", Op::DirectConv2d(s), output_shape(&s), [x, w], |[x, w], y, scratch| {
        direct_conv2d(&s, x, w, y, scratch)
    })
}

/// (y, w) → x.
fn convolve_input<'t, S: Scalar>(s: DirectConv2d, y: Var<'t, S>, w: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    y.tape.apply("direct_conv2d_input", Op::DirectConv2dInput(s), input_shape(&s), [y, w], |[y, w], x, scratch| {
        direct_conv2d_grad_input(&s, y, w, x, scratch)
    })
}

/// (x, y) → w.
fn convolve_weight<'t, S: Scalar>(s: DirectConv2d, x: Var<'t, S>, y: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    x.tape.apply("direct_conv2d_weight", Op::DirectConv2dWeight(s), weight_shape(&s), [x, y], |[x, y], w, scratch| {
        direct_conv2d_grad_weight(&s, x, y, w, scratch)
    })
}

pub(super) fn backward<S: Scalar>(s: DirectConv2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, w, dy) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, convolve_input(s, dy, w)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve_weight(s, x, dy)?)?;
    }
    Ok(())
}

pub(super) fn input_backward<S: Scalar>(s: DirectConv2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (y, w, dx) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, convolve(s, dx, w)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve_weight(s, dx, y)?)?;
    }
    Ok(())
}

pub(super) fn weight_backward<S: Scalar>(s: DirectConv2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, y, dw) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, convolve_input(s, y, dw)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve(s, x, dw)?)?;
    }
    Ok(())
}
