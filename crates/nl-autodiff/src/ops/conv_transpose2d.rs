//! Transposed convolution: the decoder's way up in size.

use super::Op;
use super::conv2d::{check_bias, convolve_input, input_shape};
use crate::tape::Saved;
use crate::{Error, Scalar, Var};
use nl_kernels::{Conv2d, conv2d_grad_input};

impl<'t, S: Scalar> Var<'t, S> {
    /// The adjoint of [`conv2d`](Self::conv2d) as a layer: x `[N, C, H, W]`, w `[C, O, kh, kw]`, b `[O]` →
    /// `[N, O, H', W']`, H' = (H − 1) s − 2p + kh + `output_padding`.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::full(&[1, 1, 7, 7], 1.0f32)?);
    /// let w = tape.leaf(Tensor::full(&[1, 2, 3, 3], 1.0)?);
    /// let y = x.conv_transpose2d(w, None, [2, 2], [1, 1], [1, 1])?;
    /// assert_eq!(y.shape().dims(), [1, 2, 14, 14]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not fit; [`Error::Value`] if `output_padding` is not below the stride or the
    /// padding leaves nothing.
    pub fn conv_transpose2d(
        self,
        weight: Self,
        bias: Option<Self>,
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
    ) -> Result<Self, Error> {
        const OP: &str = "conv_transpose2d";
        let (x, w) = (self.shape(), weight.shape());
        let (&[batch, channels, height, width], &[inputs, outputs, kh, kw]) = (x.dims(), w.dims()) else {
            return Err(Error::shapes(OP, x, w, "images are [N, C, H, W] and weights [C, O, kh, kw]"));
        };
        if channels != inputs {
            return Err(Error::shapes(
                OP,
                x,
                w,
                "channels of the images (axis 1) and of the weights (axis 0) must be equal",
            ));
        }
        let size = |axis: usize, n: usize, k: usize| {
            let (s, p, extra) = (stride[axis], padding[axis], output_padding[axis]);
            if extra >= s {
                let message = format!("output_padding {extra} must be below the stride {s}");
                return Err(Error::Value { op: OP, message });
            }
            let error = |what: &str| {
                let message = format!("input size {n}, kernel {k}, stride {s} and padding {p} {what}");
                Error::Value { op: OP, message }
            };
            let Some(last) = n.checked_sub(1) else { return Err(error("leave no output; the input is empty")) };
            let full = last.checked_mul(s).and_then(|at| at.checked_add(k)).and_then(|end| end.checked_add(extra));
            let full =
                full.ok_or_else(|| error("give an output of more cells than can be counted; use a smaller stride"))?;
            let both = p.checked_mul(2).filter(|&both| both < full);
            Ok(full - both.ok_or_else(|| error("leave no output; pad less"))?)
        };
        let shape = Conv2d {
            batch,
            in_channels: outputs,
            height: size(0, height, kh)?,
            width: size(1, width, kw)?,
            out_channels: channels,
            kernel: [kh, kw],
            stride,
            padding,
        };
        shape.validate()?;
        let Some(bias) = bias else { return convolve_input(shape, self, weight) };
        check_bias(OP, bias.shape(), w, outputs)?;
        let y = self.tape.compute(OP, input_shape(&shape), [self, weight, bias], |[x, w, b], y, scratch| {
            conv2d_grad_input(&shape, x, w, y, scratch)?;
            for image in y.chunks_exact_mut(outputs * shape.height * shape.width) {
                for (plane, &b) in image.chunks_exact_mut(shape.height * shape.width).zip(b) {
                    for y in plane {
                        *y += b;
                    }
                }
            }
            Ok(())
        })?;
        Ok(self.tape.record(Op::Conv2dInput(shape), &[self, weight, bias], y, Saved::Nothing))
    }
}
