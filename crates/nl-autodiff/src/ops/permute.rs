//! Axes in another order.

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Shape, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// Axis i of y is axis `order[i]` of x. dx = dy in the inverse order.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from_fn(&[2, 3, 4], |i| i as f32)?);
    /// assert_eq!(x.permute(&[2, 0, 1])?.shape().dims(), [4, 2, 3]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Axis`] unless `order` names every axis once.
    pub fn permute(self, order: &[usize]) -> Result<Self, Error> {
        const OP: &str = "permute";
        let from = self.shape();
        let rank = from.rank();
        if order.len() != rank {
            return Err(Error::Length { op: OP, what: "order", expected: rank, got: order.len() });
        }
        let strides = from.broadcast_strides(from);
        let (mut axes, mut dims, mut steps) = ([0; Shape::MAX_RANK], [1; Shape::MAX_RANK], [0; Shape::MAX_RANK]);
        for (i, &axis) in order.iter().enumerate() {
            if axis >= rank || order[..i].contains(&axis) {
                return Err(Error::axis(OP, axis, from));
            }
            (axes[i], dims[i], steps[i]) = (axis as u8, from.dims()[axis], strides[axis]);
        }
        if order.iter().enumerate().all(|(i, &axis)| i == axis) {
            return Ok(self);
        }
        let shape = Shape::from_dims(&dims[..rank]);
        self.tape.apply(OP, Op::Permute { order: axes }, shape, [self], |[x], y, _| {
            copy_strided(x, &dims[..rank], &steps[..rank], y);
            Ok(())
        })
    }

    /// Two axes swapped. (A product takes transposed operands without a copy: [`matmul_with`](Self::matmul_with).)
    ///
    /// # Errors
    /// [`Error::Axis`] if one does not exist.
    pub fn transpose(self, a: usize, b: usize) -> Result<Self, Error> {
        let shape = self.shape();
        for axis in [a, b] {
            if axis >= shape.rank() {
                return Err(Error::axis("transpose", axis, shape));
            }
        }
        let mut order = [0, 1, 2, 3, 4, 5];
        order.swap(a, b);
        self.permute(&order[..shape.rank()])
    }
}

/// y, row-major of shape `dims`, from x with the given strides.
fn copy_strided<S: Scalar>(x: &[S], dims: &[usize], strides: &[usize], y: &mut [S]) {
    let (Some((&inner, outer)), Some(&step)) = (dims.split_last(), strides.last()) else { return };
    if y.is_empty() {
        return;
    }
    let mut index = [0; Shape::MAX_RANK];
    let mut start = 0;
    for row in y.chunks_exact_mut(inner) {
        if step == 1 {
            row.copy_from_slice(&x[start..start + inner]);
        } else {
            for (y, &x) in row.iter_mut().zip(x[start..].iter().step_by(step.max(1))) {
                *y = x;
            }
        }
        // The next row: count up the outer axes like an odometer.
        for axis in (0..outer.len()).rev() {
            index[axis] += 1;
            start += strides[axis];
            if index[axis] < dims[axis] {
                break;
            }
            start -= strides[axis] * dims[axis];
            index[axis] = 0;
        }
    }
}

pub(super) fn backward<S: Scalar>(order: [u8; Shape::MAX_RANK], rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let rank = rule.x(0).shape().rank();
    let mut inverse = [0; Shape::MAX_RANK];
    for (i, &axis) in order[..rank].iter().enumerate() {
        inverse[axis as usize] = i;
    }
    let dx = rule.dy().permute(&inverse[..rank])?;
    rule.give(0, dx)
}
