//! Maximum and mean over windows of an image.

use super::Op;
use super::gather::check_rows;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Var};
use nl_kernels::Pool2d;

impl<'t, S: Scalar> Var<'t, S> {
    /// The largest element of each window: x `[N, C, H, W]` → `[N, C, H', W']`, H' = ⌊(H + 2p − k) / s⌋ + 1. Padding
    /// counts as −∞. dy goes to the first largest element; a NaN is larger than every number.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are four axes; [`Error::Kernel`] if the windows do not fit.
    pub fn max_pool2d(self, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Self, Error> {
        const OP: &str = "max_pool2d";
        let shape = pool_shape(OP, self.shape(), kernel, stride, padding)?;
        check_rows(OP, self.shape().len())?;
        let out = output_shape(&shape);
        let (argmax, y) = self.tape.indices(OP, out.len(), |argmax| {
            self.tape.compute(OP, out, [self], |[x], y, _| nl_kernels::max_pool2d(&shape, x, y, argmax))
        })?;
        Ok(self.tape.record(Op::MaxPool2d(shape), &[self], y?, Saved::Indices(argmax)))
    }

    /// The mean of each window, shaped as [`max_pool2d`](Self::max_pool2d). Padding counts as zeros, and in the divisor
    /// (PyTorch's `count_include_pad`). Each element of a window gets dy / window size.
    ///
    /// # Errors
    /// As [`max_pool2d`](Self::max_pool2d).
    pub fn avg_pool2d(self, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Self, Error> {
        average(pool_shape("avg_pool2d", self.shape(), kernel, stride, padding)?, self)
    }
}

fn pool_shape(
    op: &'static str,
    x: Shape,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<Pool2d, Error> {
    let &[batch, channels, height, width] = x.dims() else {
        return Err(Error::shape(op, x, "images are [N, C, H, W]"));
    };
    let shape = Pool2d { batch, channels, height, width, kernel, stride, padding };
    shape.validate()?;
    Ok(shape)
}

fn output_shape(s: &Pool2d) -> Shape {
    Shape::from_dims(&[s.batch, s.channels, s.out_height(), s.out_width()])
}

fn average<S: Scalar>(s: Pool2d, x: Var<'_, S>) -> Result<Var<'_, S>, Error> {
    x.tape.apply("avg_pool2d", Op::AvgPool2d(s), output_shape(&s), [x], |[x], y, _| nl_kernels::avg_pool2d(&s, x, y))
}

/// The adjoint of [`average`].
fn spread<S: Scalar>(s: Pool2d, dy: Var<'_, S>) -> Result<Var<'_, S>, Error> {
    let shape = Shape::from_dims(&[s.batch, s.channels, s.height, s.width]);
    dy.tape.apply("avg_pool2d_grad", Op::AvgPool2dGrad(s), shape, [dy], |[dy], dx, _| {
        nl_kernels::avg_pool2d_grad(&s, dy, dx)
    })
}

pub(super) fn max_backward<S: Scalar>(s: Pool2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, dy) = (rule.x(0), rule.dy());
    let Some(argmax) = rule.saved_indices() else { return Ok(()) };
    let argmax = argmax.as_slice();
    let dx = if rule.fused() {
        rule.kernel(x.shape(), [dy], |[dy], dx, _| nl_kernels::max_pool2d_grad(&s, argmax, dy, dx))?
    } else {
        // Between its kinks a max-pool picks fixed cells: its gradient is that of a gather.
        let (plane, out_plane) = (s.height * s.width, s.out_height() * s.out_width());
        let cells: Vec<u32> = argmax.iter().enumerate().map(|(i, &a)| (i / out_plane * plane) as u32 + a).collect();
        dy.scatter_rows(&cells, x.shape(), 1)?
    };
    rule.give(0, dx)
}

pub(super) fn avg_backward<S: Scalar>(s: Pool2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let dx = spread(s, rule.dy())?;
    rule.give(0, dx)
}

pub(super) fn avg_grad_backward<S: Scalar>(s: Pool2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let ddy = average(s, rule.dy())?;
    rule.give(0, ddy)
}
