//! Sums and means over axes, and their adjoint: stretching.

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Shape, Var};
use nl_kernels::Binary;

/// Whether a reduced axis stays, with length 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeepDims {
    /// It stays, so that the result broadcasts against the input.
    Yes,
    /// It goes.
    No,
}

impl<'t, S: Scalar> Var<'t, S> {
    /// The sum over all axes that `shape` has not, or has with length 1: the adjoint of
    /// [`broadcast_to`](Self::broadcast_to). Returns `self` if the shapes are equal.
    ///
    /// # Errors
    /// [`Error::Shapes`] if `shape` does not broadcast to this shape.
    pub fn sum_to(self, shape: Shape) -> Result<Self, Error> {
        let from = self.shape();
        if from == shape {
            return Ok(self);
        }
        if !shape.broadcasts_to(from) {
            return Err(Error::shapes("sum_to", from, shape, "the second must broadcast to the first"));
        }
        self.tape.apply("sum_to", Op::SumTo, shape, [self], |[x], y, _| {
            nl_kernels::sum_to(x, from.dims(), &shape.broadcast_strides(from)[..from.rank()], y)
        })
    }

    /// The tensor repeated along axes of length 1 and new leading axes; dx = dy summed over them. Returns `self` if the
    /// shapes are equal.
    ///
    /// # Errors
    /// [`Error::Shapes`] if this shape does not broadcast to `dims`.
    pub fn broadcast_to(self, dims: &[usize]) -> Result<Self, Error> {
        let (from, shape) = (self.shape(), Shape::new(dims)?);
        if from == shape {
            return Ok(self);
        }
        if !from.broadcasts_to(shape) {
            return Err(Error::shapes("broadcast_to", from, shape, "the first must broadcast to the second"));
        }
        self.tape.apply("broadcast_to", Op::BroadcastTo, shape, [self], |[x], y, _| {
            let (strides, rank) = (from.broadcast_strides(shape), shape.rank());
            let none = [0; Shape::MAX_RANK];
            nl_kernels::binary_broadcast(Binary::Add, x, &strides[..rank], &[S::ZERO], &none[..rank], shape.dims(), y)
        })
    }

    /// y = Σ x over all elements, a scalar; dx = dy everywhere.
    ///
    /// # Errors
    /// None today; part of the common signature of operations.
    pub fn sum(self) -> Result<Self, Error> {
        self.sum_to(Shape::SCALAR)
    }

    /// y = the mean of all elements, a scalar; dx = dy / n. The mean of nothing is NaN.
    ///
    /// # Errors
    /// None today; part of the common signature of operations.
    pub fn mean(self) -> Result<Self, Error> {
        self.sum()?.div_scalar(self.shape().len() as f64)
    }

    /// y = Σ x over some axes.
    ///
    /// ```
    /// use nl_autodiff::{KeepDims, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from_fn(&[2, 3], |i| i as f32)?);
    /// let y = x.sum_axes(&[1], KeepDims::No)?.value();
    /// assert_eq!((y.shape().dims(), y.as_slice()), (&[2][..], &[3.0, 12.0][..]));
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`] if an axis does not exist or is named twice.
    pub fn sum_axes(self, axes: &[usize], keep: KeepDims) -> Result<Self, Error> {
        let (kept, dropped) = reduced("sum_axes", self.shape(), axes)?;
        let sum = self.sum_to(kept)?;
        if keep == KeepDims::Yes { Ok(sum) } else { sum.reshape(dropped.dims()) }
    }

    /// y = the mean over some axes; dx = dy / n.
    ///
    /// # Errors
    /// As [`sum_axes`](Self::sum_axes).
    pub fn mean_axes(self, axes: &[usize], keep: KeepDims) -> Result<Self, Error> {
        let sum = self.sum_axes(axes, keep)?;
        sum.div_scalar(self.shape().len() as f64 / sum.shape().len() as f64)
    }
}

/// The shape with `axes` set to 1, and the shape without them.
pub(super) fn reduced(op: &'static str, shape: Shape, axes: &[usize]) -> Result<(Shape, Shape), Error> {
    let mut kept = shape;
    for (i, &axis) in axes.iter().enumerate() {
        if axis >= shape.rank() || axes[..i].contains(&axis) {
            return Err(Error::axis(op, axis, shape));
        }
        kept = kept.with_dim(axis, 1);
    }
    let mut dims = [1; Shape::MAX_RANK];
    let mut rank = 0;
    for (axis, &dim) in shape.dims().iter().enumerate() {
        if !axes.contains(&axis) {
            dims[rank] = dim;
            rank += 1;
        }
    }
    Ok((kept, Shape::from_dims(&dims[..rank])))
}

pub(super) fn sum_to_backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let dx = rule.dy().broadcast_to(rule.x(0).shape().dims())?;
    rule.give(0, dx)
}

pub(super) fn broadcast_to_backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let dx = rule.dy().sum_to(rule.x(0).shape())?;
    rule.give(0, dx)
}
