//! Values cut off from their history, or joined to another one.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// The same value as a constant: no gradient flows back. Shares the buffer.
    #[must_use]
    pub fn detach(self) -> Self {
        self.tape.constant(self.value())
    }

    /// The value of `value` with the gradient of `self`: dself = dy, dvalue = 0 (the straight-through estimator of
    /// Bengio et al., 2013). Shares the buffer of `value`.
    ///
    /// With `self` a smooth primitive of the spike function and `value` the spikes it is a surrogate gradient:
    ///
    /// ```
    /// use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
    /// let tape = Tape::<f64>::new();
    /// let v = tape.leaf(Tensor::new(&[2], vec![-0.5, 0.5])?);
    /// let spikes = v.mul_scalar(4.0)?.sigmoid()?.straight_through(v.step()?)?;
    /// assert_eq!(spikes.value().as_slice(), [0.0, 1.0]);
    /// let slope = grad(spikes.sum()?, &[v], CreateGraph::No)?[0].value();
    /// assert!(slope.as_slice().iter().all(|&s| s > 0.4));
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes differ; [`Error::DifferentTapes`].
    pub fn straight_through(self, value: Self) -> Result<Self, Error> {
        const OP: &str = "straight_through";
        self.tape.check_same(OP, &[value])?;
        if self.shape() != value.shape() {
            return Err(Error::shapes(OP, self.shape(), value.shape(), "both must be equal"));
        }
        Ok(self.tape.record(Op::StraightThrough, &[self], value.value(), Saved::Nothing))
    }

    /// y = f(x).0 with the slope f(x).1, element by element and in one pass: a function of your own, or a spike function
    /// with a surrogate slope. dx = dy · slope. The slope counts as a constant: second derivatives see it as fixed.
    ///
    /// # Errors
    /// None today; part of the common signature of operations.
    pub fn with_slope(self, f: impl Fn(S) -> (S, S)) -> Result<Self, Error> {
        let mut slopes = self.tape.take("with_slope", self.shape())?;
        let y = self.tape.compute("with_slope", self.shape(), [self], |[x], y, _| {
            let Some(slopes) = slopes.as_unique_mut() else { return Ok(()) };
            for ((y, slope), &x) in y.iter_mut().zip(slopes).zip(x) {
                (*y, *slope) = f(x);
            }
            Ok(())
        })?;
        Ok(self.tape.record(Op::WithSlope, &[self], y, Saved::Values(slopes)))
    }
}

pub(super) fn straight_through_backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let dy = rule.dy();
    rule.give(0, dy)
}

pub(super) fn with_slope_backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let Some(slopes) = rule.saved_values() else { return Ok(()) };
    let dx = rule.dy().mul(slopes)?;
    rule.give(0, dx)
}
