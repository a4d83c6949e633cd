//! Binary cross-entropy of logits.

use super::{Op, Reduction};
use crate::backward::Backward;
use crate::{Error, Scalar, Var};
use nl_kernels::Unary;

impl<'t, S: Scalar> Var<'t, S> {
    /// loss = −t ln σ(x) − (1 − t) ln(1 − σ(x)) = max(x, 0) − x t + ln(1 + e^−|x|), reduced over all elements; targets t
    /// in \[0, 1\] are not checked. dx = (σ(x) − t) dloss, dt = −x dloss.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes differ (a loss does not broadcast).
    pub fn bce_with_logits(self, target: Self, reduction: Reduction) -> Result<Self, Error> {
        const OP: &str = "bce_with_logits";
        if self.shape() != target.shape() {
            return Err(Error::shapes(OP, self.shape(), target.shape(), "logits and targets must be equal"));
        }
        let losses = self.tape.apply(OP, Op::Bce, self.shape(), [self, target], |[x, t], y, _| {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = -x.abs();
            }
            nl_kernels::unary_in_place(Unary::Softplus, y);
            for ((y, &x), &t) in y.iter_mut().zip(x).zip(t) {
                *y += (if x > S::ZERO { x } else { S::ZERO }) - x * t;
            }
            Ok(())
        })?;
        reduction.apply(losses)
    }
}

pub(super) fn backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, t, dy) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, x.sigmoid()?.sub(t)?.mul(dy)?)?;
    }
    if rule.needs(1) {
        rule.give(1, x.mul(dy)?.neg()?)?;
    }
    Ok(())
}
