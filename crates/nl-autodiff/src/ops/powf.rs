//! y = x^p with a fixed exponent.

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = x^p; dy/dx = p x^(p − 1). NaN for negative x, unless p is an integer.
    ///
    /// # Errors
    /// None today; part of the common signature of operations.
    pub fn powf(self, p: f64) -> Result<Self, Error> {
        self.tape.apply("powf", Op::Powf { p }, self.shape(), [self], |[x], y, _| {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = S::from_f64(x.to_f64().powf(p));
            }
            Ok(())
        })
    }
}

pub(super) fn backward<S: Scalar>(p: f64, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    if p == 0.0 {
        return Ok(()); // x⁰ = 1: without this, 0 · x^(−1) at x = 0 would be NaN
    }
    let slope = rule.x(0).powf(p - 1.0)?.mul_scalar(p)?;
    let dx = rule.dy().mul(slope)?;
    rule.give(0, dx)
}
