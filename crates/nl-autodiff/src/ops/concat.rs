//! Tensors joined along an axis.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// The parts one after another along `axis`; all other axes are equal. Each part's gradient is its slice of dy.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// let a = tape.leaf(Tensor::full(&[2, 1], 1.0f32)?);
    /// let b = tape.leaf(Tensor::full(&[2, 2], 2.0)?);
    /// assert_eq!(Var::concat(&[a, b], 1)?.value().as_slice(), [1.0, 2.0, 2.0, 1.0, 2.0, 2.0]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] without parts; [`Error::Axis`], [`Error::Shapes`] or [`Error::DifferentTapes`].
    pub fn concat(parts: &[Self], axis: usize) -> Result<Self, Error> {
        const OP: &str = "concat";
        let Some(&first) = parts.first() else {
            return Err(Error::Length { op: OP, what: "parts", expected: 1, got: 0 });
        };
        let tape = first.tape;
        tape.check_same(OP, parts)?;
        let shape = first.shape();
        if axis >= shape.rank() {
            return Err(Error::axis(OP, axis, shape));
        }
        let mut total = 0usize;
        for part in parts {
            let other = part.shape();
            if other.rank() != shape.rank() || other.with_dim(axis, 1) != shape.with_dim(axis, 1) {
                return Err(Error::shapes(OP, shape, other, "all axes but the joined one must be equal"));
            }
            total = total.saturating_add(other.dims()[axis]);
        }
        let shape = Shape::new(shape.with_dim(axis, total).dims())?;
        let (_, _, inner) = shape.split_at(axis);
        let mut value = tape.take(OP, shape)?;
        if let Some(y) = value.as_unique_mut() {
            let graph = tape.graph.borrow();
            let mut start = 0;
            for part in parts {
                let part = &graph.nodes[part.id as usize].value;
                let block = part.shape.dims()[axis] * inner;
                if block > 0 {
                    for (x, y) in part.as_slice().chunks_exact(block).zip(y.chunks_exact_mut(total * inner)) {
                        y[start..start + block].copy_from_slice(x);
                    }
                }
                start += block;
            }
        }
        Ok(tape.record(Op::Concat { axis }, parts, value, Saved::Nothing))
    }

    /// Equal shapes joined along a new axis.
    ///
    /// # Errors
    /// As [`concat`](Self::concat); [`Error::Rank`] beyond six axes.
    pub fn stack(parts: &[Self], axis: usize) -> Result<Self, Error> {
        // `unsqueeze` is a view; the list of views is the only thing allocated.
        let parts = parts.iter().map(|part| part.unsqueeze(axis)).collect::<Result<Vec<_>, _>>()?;
        Self::concat(&parts, axis)
    }
}

pub(super) fn backward<S: Scalar>(axis: usize, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let mut start = 0;
    for i in 0..rule.inputs() {
        let end = start + rule.x(i).shape().dims()[axis];
        if rule.needs(i) {
            let dx = rule.dy().slice(axis, start..end)?;
            rule.give(i, dx)?;
        }
        start = end;
    }
    Ok(())
}
