//! A range of one axis, and its adjoint: padding with zeros.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Tensor, Var};
use core::ops::Range;

impl<'t, S: Scalar> Var<'t, S> {
    /// Entries `range` of `axis`. Along the outermost axis (or behind axes of length 1) it shares the buffer.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from_fn(&[2, 3], |i| i as f32)?);
    /// assert_eq!(x.slice(1, 1..3)?.value().as_slice(), [1.0, 2.0, 4.0, 5.0]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`] if there is no such axis; [`Error::Index`] if the range does not lie in it.
    pub fn slice(self, axis: usize, range: Range<usize>) -> Result<Self, Error> {
        const OP: &str = "slice";
        let from = self.shape();
        if axis >= from.rank() {
            return Err(Error::axis(OP, axis, from));
        }
        let (outer, len, inner) = from.split_at(axis);
        if range.start > range.end || range.end > len {
            return Err(Error::Index { op: OP, index: range.start.max(range.end), limit: len + 1 });
        }
        if range == (0..len) {
            return Ok(self);
        }
        let shape = from.with_dim(axis, range.len());
        let op = Op::Slice { axis, start: range.start };
        if outer == 1 {
            let Tensor { buffer, offset, .. } = self.value();
            let view = Tensor::view(buffer, offset + range.start * inner, shape)?;
            return Ok(self.tape.record(op, &[self], view, Saved::Nothing));
        }
        self.tape.apply(OP, op, shape, [self], |[x], y, _| {
            let block = range.len() * inner;
            if block > 0 {
                for (x, y) in x.chunks_exact(len * inner).zip(y.chunks_exact_mut(block)) {
                    y.copy_from_slice(&x[range.start * inner..][..block]);
                }
            }
            Ok(())
        })
    }

    /// The tensor with `before` and `after` zeros around `axis`; dx is the middle of dy.
    ///
    /// # Errors
    /// [`Error::Axis`] if there is no such axis.
    pub fn pad(self, axis: usize, before: usize, after: usize) -> Result<Self, Error> {
        const OP: &str = "pad";
        let from = self.shape();
        if axis >= from.rank() {
            return Err(Error::axis(OP, axis, from));
        }
        let (_, len, inner) = from.split_at(axis);
        let shape = Shape::new(from.with_dim(axis, before.saturating_add(len).saturating_add(after)).dims())?;
        self.tape.apply(OP, Op::Pad { axis, before }, shape, [self], |[x], y, _| {
            y.fill(S::ZERO);
            add_padded(x, len * inner, before * inner, (before + len + after) * inner, y);
            Ok(())
        })
    }
}

/// Adds each block of x to y, `before` elements into each of y's blocks.
fn add_padded<S: Scalar>(x: &[S], block: usize, before: usize, out_block: usize, y: &mut [S]) {
    if block > 0 {
        for (x, y) in x.chunks_exact(block).zip(y.chunks_exact_mut(out_block)) {
            super::add_assign(x, &mut y[before..before + block]);
        }
    }
}

pub(super) fn slice_backward<S: Scalar>(
    axis: usize,
    start: usize,
    rule: &mut Backward<'_, '_, S>,
) -> Result<(), Error> {
    let (_, len, inner) = rule.x(0).shape().split_at(axis);
    let taken = rule.y().shape().dims()[axis];
    if rule.fused() {
        // In place: a sequence cut into steps sums its gradients in one buffer.
        return rule.give_part(0, |dy, dx| add_padded(dy, taken * inner, start * inner, len * inner, dx));
    }
    let dx = rule.dy().pad(axis, start, len - start - taken)?;
    rule.give(0, dx)
}

pub(super) fn pad_backward<S: Scalar>(axis: usize, before: usize, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let len = rule.x(0).shape().dims()[axis];
    let dx = rule.dy().slice(axis, before..before + len)?;
    rule.give(0, dx)
}
