//! The same elements in another shape, without copying.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// The same elements, in the same order, in another shape; shares the buffer. dx = dy in the old shape.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the number of elements differs.
    pub fn reshape(self, dims: &[usize]) -> Result<Self, Error> {
        if self.shape().dims() == dims {
            return Ok(self);
        }
        let value = self.value().reshape(dims)?;
        let y = self.tape.record(Op::Reshape, &[self], value, Saved::Nothing);
        Ok(if self.is_sparse() { y.sparse() } else { y })
    }

    /// All axes from `axis` on merged into one: `[N, C, H, W]` flattened from 1 is `[N, C·H·W]`.
    ///
    /// # Errors
    /// [`Error::Axis`] if there is no such axis.
    pub fn flatten_from(self, axis: usize) -> Result<Self, Error> {
        let shape = self.shape();
        let dims = shape.dims();
        if axis >= dims.len() {
            return Err(Error::axis("flatten_from", axis, shape));
        }
        let merged = shape.with_dim(axis, dims[axis..].iter().product());
        self.reshape(&merged.dims()[..=axis])
    }

    /// A new axis of length 1 before `axis` (or at the end).
    ///
    /// # Errors
    /// [`Error::Axis`] if `axis` is beyond the rank; [`Error::Rank`] beyond six axes.
    pub fn unsqueeze(self, axis: usize) -> Result<Self, Error> {
        let shape = self.shape();
        let rank = shape.rank();
        if axis > rank {
            return Err(Error::axis("unsqueeze", axis, shape));
        }
        if rank == Shape::MAX_RANK {
            return Err(Error::Rank { op: "unsqueeze", rank: rank + 1 });
        }
        let mut dims = [1; Shape::MAX_RANK];
        dims[..axis].copy_from_slice(&shape.dims()[..axis]);
        dims[axis + 1..=rank].copy_from_slice(&shape.dims()[axis..]);
        self.reshape(&dims[..=rank])
    }
}

/// The same value as another variable, which gradients flow through.
pub(super) fn alias<S: Scalar>(x: Var<'_, S>) -> Var<'_, S> {
    x.tape.record(Op::Reshape, &[x], x.value(), Saved::Nothing)
}

pub(super) fn backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let dx = rule.dy().reshape(rule.x(0).shape().dims())?;
    rule.give(0, dx)
}
