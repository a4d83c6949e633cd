//! The largest element along axes; dy goes to where it was found (the first of equals).

use super::gather::check_rows;
use super::{KeepDims, Op};
use crate::tape::Saved;
use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = max x over some axes; dx = dy at the first largest element, else 0.
    ///
    /// ```
    /// use nl_autodiff::{KeepDims, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::new(&[2, 2], vec![1.0f32, 3.0, 5.0, 2.0])?);
    /// assert_eq!(x.max_axes(&[1], KeepDims::No)?.value().as_slice(), [3.0, 5.0]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`] if an axis does not exist or is named twice; [`Error::Kernel`] if it is empty.
    pub fn max_axes(self, axes: &[usize], keep: KeepDims) -> Result<Self, Error> {
        let (_, dropped) = super::sum::reduced("max_axes", self.shape(), axes)?;
        let y = axes.iter().try_fold(self, |x, &axis| max_axis(x, axis))?;
        if keep == KeepDims::Yes { Ok(y) } else { y.reshape(dropped.dims()) }
    }

    /// y = the largest of all elements, a scalar.
    ///
    /// # Errors
    /// As [`max_axes`](Self::max_axes).
    pub fn max(self) -> Result<Self, Error> {
        max_axis(self.reshape(&[self.shape().len()])?, 0)?.reshape(&[])
    }

    /// y = min x over some axes, as [`max_axes`](Self::max_axes).
    ///
    /// # Errors
    /// As [`max_axes`](Self::max_axes).
    pub fn min_axes(self, axes: &[usize], keep: KeepDims) -> Result<Self, Error> {
        self.neg()?.max_axes(axes, keep)?.neg()
    }
}

/// Maximum over one axis, which stays with length 1: picks cells, so its gradient is that of a gather.
fn max_axis<S: Scalar>(x: Var<'_, S>, axis: usize) -> Result<Var<'_, S>, Error> {
    let from = x.shape();
    let (outer, len, inner) = from.split_at(axis);
    check_rows("max_axes", from.len())?;
    let (cells, y) = x.tape.indices(outer * inner, |cells| {
        let y = x.tape.compute("max_axes", from.with_dim(axis, 1), [x], |[x], y, _| {
            nl_kernels::max_axis(outer, len, inner, x, y, Some(cells))
        });
        if y.is_ok() {
            for (at, cell) in cells.iter_mut().enumerate() {
                *cell = ((at / inner * len + *cell as usize) * inner + at % inner) as u32;
            }
        }
        y
    });
    Ok(x.tape.record(Op::GatherRows { width: 1 }, &[x], y?, Saved::Indices(cells)))
}
