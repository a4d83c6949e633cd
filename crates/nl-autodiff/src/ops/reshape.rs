//! The same elements in another shape, without copying.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Var};

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
        Ok(self.tape.record(Op::Reshape, &[self], value, Saved::Nothing))
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
}

pub(super) fn backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let dx = rule.dy().reshape(rule.x(0).shape().dims())?;
    rule.give(0, dx)
}
