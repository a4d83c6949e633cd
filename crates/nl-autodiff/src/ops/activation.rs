//! Piecewise-linear activations with a parameter, and SiLU.

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = x where x > 0, else `slope` · x; dy/dx = 1 or `slope` (`slope` at 0).
    ///
    /// # Errors
    /// None today; part of the common signature of operations.
    pub fn leaky_relu(self, slope: f64) -> Result<Self, Error> {
        let a = S::from_f64(slope);
        self.tape.apply("leaky_relu", Op::LeakyRelu { slope }, self.shape(), [self], |[x], y, _| {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = if x > S::ZERO { x } else { a * x };
            }
            Ok(())
        })
    }

    /// y = min(max(x, low), high); dy/dx = 1 where low ≤ x ≤ high, else 0.
    ///
    /// # Errors
    /// [`Error::Value`] unless low ≤ high.
    pub fn clamp(self, low: f64, high: f64) -> Result<Self, Error> {
        if low.is_nan() || high.is_nan() || low > high {
            let message = format!("bounds {low} and {high} are not in order; the first must not be above the second");
            return Err(Error::Value { op: "clamp", message });
        }
        let (l, h) = (S::from_f64(low), S::from_f64(high));
        self.tape.apply("clamp", Op::Clamp { low, high }, self.shape(), [self], |[x], y, _| {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = if x < l { l } else { x };
                *y = if *y > h { h } else { *y };
            }
            Ok(())
        })
    }

    /// y = x sigmoid(x) (also called swish; Elfwing et al., 2018, eq 5).
    ///
    /// # Errors
    /// None today; part of the common signature of operations.
    pub fn silu(self) -> Result<Self, Error> {
        self.mul(self.sigmoid()?)
    }
}

/// 1 where a rectified x lets its gradient through: x > 0, and NaN, whose gradient is not hidden either.
pub(super) fn relu_slope<S: Scalar>(x: S) -> S {
    if x <= S::ZERO { S::ZERO } else { S::ONE }
}

/// slope(x), element by element, as a constant.
pub(super) fn slopes<S: Scalar>(x: Var<'_, S>, slope: impl Fn(S) -> S) -> Result<Var<'_, S>, Error> {
    let slopes = x.tape.compute("backward", x.shape(), [x], |[x], y, _| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = slope(x);
        }
        Ok(())
    })?;
    Ok(x.tape.record_constant(slopes))
}

/// dx = dy · slope(x); the slope is constant between the kinks, so it is not differentiated.
fn piecewise<S: Scalar>(rule: &mut Backward<'_, '_, S>, slope: impl Fn(S) -> S) -> Result<(), Error> {
    let (x, dy) = (rule.x(0), rule.dy());
    let dx = if rule.fused() {
        rule.kernel(x.shape(), [x, dy], |[x, dy], dx, _| {
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx = slope(x) * dy;
            }
            Ok(())
        })?
    } else {
        dy.mul(slopes(x, slope)?)?
    };
    rule.give(0, dx)
}

pub(super) fn leaky_relu_backward<S: Scalar>(slope: f64, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let slope = S::from_f64(slope);
    piecewise(rule, |x| if x > S::ZERO { S::ONE } else { slope })
}

pub(super) fn clamp_backward<S: Scalar>(low: f64, high: f64, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (low, high) = (S::from_f64(low), S::from_f64(high));
    piecewise(rule, |x| if x >= low && x <= high { S::ONE } else { S::ZERO })
}
