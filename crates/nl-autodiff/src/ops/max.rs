//! The largest element along axes; dy goes to where it was found: the first of equals, a NaN being larger than every
//! number.

use super::gather::check_rows;
use super::{KeepDims, Op};
use crate::tape::Saved;
use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = max x over some axes, in whatever order they are named; dx = dy at the largest element, the first in row-major
    /// order if there are several, else 0. A NaN is larger than every number.
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
        // From the inside out: the first of the outermost axis wins last, which is the first in row-major order.
        let shape = self.shape();
        let y = (0..shape.rank()).rev().filter(|axis| axes.contains(axis)).try_fold(self, max_axis)?;
        if keep == KeepDims::Yes { Ok(y) } else { y.reshape(dropped.dims()) }
    }

    /// y = the largest of all elements, a scalar.
    ///
    /// # Errors
    /// As [`max_axes`](Self::max_axes).
    pub fn max(self) -> Result<Self, Error> {
        max_axis(self.reshape(&[self.shape().len()])?, 0)?.reshape(&[])
    }

    /// y = min x over some axes, as [`max_axes`](Self::max_axes): the first of equals, a NaN before every number.
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
    let (cells, y) = x.tape.indices("max_axes", outer * inner, |cells| {
        let y = x.tape.compute("max_axes", from.with_dim(axis, 1), [x], |[x], y, _| {
            nl_kernels::max_axis(outer, len, inner, x, y, Some(cells))
        });
        if y.is_ok() {
            for (at, cell) in cells.iter_mut().enumerate() {
                *cell = ((at / inner * len + *cell as usize) * inner + at % inner) as u32;
            }
        }
        y
    })?;
    Ok(x.tape.record(Op::GatherRows { width: 1 }, &[x], y?, Saved::Indices(cells)))
}

#[cfg(test)]
mod tests {
    use crate::{CreateGraph, Error, KeepDims, Tape, Tensor, grad};

    /// Ties over several axes go to the first in row-major order, however the axes are ordered; the same for minima, and
    /// for a NaN among numbers.
    #[test]
    fn the_first_of_equals_has_the_gradient() -> Result<(), Error> {
        const NAN: f64 = f64::NAN;
        // [2, 3]: the first axis alone would choose row 1 of column 0.
        let cases = [
            ([0.0, 5.0, 5.0, 5.0, 1.0, 5.0], 1),
            ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 0),
            ([1.0, 9.0, NAN, NAN, 1.0, 9.0], 2),
            ([1.0, 0.0, 2.0, 4.0, 4.0, 2.0], 3),
        ];
        for (x, at) in cases {
            for create_graph in [CreateGraph::No, CreateGraph::Yes] {
                for axes in [[0, 1], [1, 0]] {
                    let tape = Tape::new();
                    let max = tape.leaf(Tensor::new(&[2, 3], x.to_vec())?);
                    let min = tape.leaf(Tensor::new(&[2, 3], x.map(|x| -x).to_vec())?);
                    let sum = max.max_axes(&axes, KeepDims::No)?.sub(min.min_axes(&axes, KeepDims::No)?)?;
                    let slopes = grad(sum, &[max, min], create_graph)?;
                    let want: Vec<f64> = (0..6).map(|i| f64::from(u8::from(i == at))).collect();
                    assert_eq!(slopes[0].value().as_slice(), want, "max of {x:?} over {axes:?}");
                    let want: Vec<f64> = want.iter().map(|w| -w).collect();
                    assert_eq!(slopes[1].value().as_slice(), want, "min of {x:?} over {axes:?}");
                    let all = grad(max.max()?, &[max], create_graph)?[0].value();
                    assert_eq!(all.as_slice()[at], 1.0, "max of all");
                }
            }
        }
        Ok(())
    }

    /// Axes that stay between those that go.
    #[test]
    fn the_first_of_equals_beside_a_kept_axis() -> Result<(), Error> {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::new(&[2, 2, 2], vec![1.0, 7.0, 3.0, 3.0, 7.0, 0.0, 3.0, 3.0])?);
        let y = x.max_axes(&[0, 2], KeepDims::No)?;
        assert_eq!(y.value().as_slice(), [7.0, 3.0]);
        let dx = grad(y.sum()?, &[x], CreateGraph::No)?[0].value();
        assert_eq!(dx.as_slice(), [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        Ok(())
    }
}
