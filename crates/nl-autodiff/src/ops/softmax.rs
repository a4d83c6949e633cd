//! Softmax and its logarithm over the last axis.

use super::{KeepDims, Op};
use crate::backward::Backward;
use crate::{Error, Scalar, Shape, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = e^x / Σ e^x over the last axis; dx = y (dy − Σ dy y).
    ///
    /// # Errors
    /// [`Error::Shape`] for a scalar.
    pub fn softmax(self) -> Result<Self, Error> {
        let (rows, classes) = rows("softmax", self.shape())?;
        self.tape
            .apply("softmax", Op::Softmax, self.shape(), [self], |[x], y, _| nl_kernels::softmax(rows, classes, x, y))
    }

    /// y = x − ln Σ e^x over the last axis; dx = dy − e^y Σ dy.
    ///
    /// # Errors
    /// As [`softmax`](Self::softmax).
    pub fn log_softmax(self) -> Result<Self, Error> {
        let (rows, classes) = rows("log_softmax", self.shape())?;
        self.tape.apply("log_softmax", Op::LogSoftmax, self.shape(), [self], |[x], y, _| {
            nl_kernels::log_softmax(rows, classes, x, y)
        })
    }
}

/// Product of all axes but the last, and the last.
pub(super) fn rows(op: &'static str, shape: Shape) -> Result<(usize, usize), Error> {
    match shape.dims() {
        [outer @ .., classes] => Ok((outer.iter().product(), *classes)),
        [] => Err(Error::shape(op, shape, "it works over the last axis, so there must be one")),
    }
}

pub(super) fn backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (y, dy) = (rule.y(), rule.dy());
    let (rows, classes) = rows("softmax", y.shape())?;
    let dx = if rule.fused() {
        rule.kernel(y.shape(), [y, dy], |[y, dy], dx, _| nl_kernels::softmax_grad(rows, classes, y, dy, dx))?
    } else {
        let mean = dy.mul(y)?.sum_axes(&[y.shape().rank() - 1], KeepDims::Yes)?;
        y.mul(dy.sub(mean)?)?
    };
    rule.give(0, dx)
}

pub(super) fn log_backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (y, dy) = (rule.y(), rule.dy());
    let (rows, classes) = rows("log_softmax", y.shape())?;
    let dx = if rule.fused() {
        rule.kernel(y.shape(), [y, dy], |[y, dy], dx, _| nl_kernels::log_softmax_grad(rows, classes, y, dy, dx))?
    } else {
        let total = dy.sum_axes(&[y.shape().rank() - 1], KeepDims::Yes)?;
        dy.sub(y.exp()?.mul(total)?)?
    };
    rule.give(0, dx)
}
