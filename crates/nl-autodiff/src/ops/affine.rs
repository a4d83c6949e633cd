//! y = a x + b with fixed numbers a, b; dx = a dy.

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = scale · x + offset; dy/dx = scale.
    ///
    /// # Errors
    /// None today; part of the common signature of operations.
    pub fn affine(self, scale: f64, offset: f64) -> Result<Self, Error> {
        let (a, b) = (S::from_f64(scale), S::from_f64(offset));
        self.tape.apply("affine", Op::Affine { scale }, self.shape(), [self], |[x], y, _| {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = a * x + b;
            }
            Ok(())
        })
    }

    /// y = x + c.
    ///
    /// # Errors
    /// As [`affine`](Self::affine).
    pub fn add_scalar(self, c: f64) -> Result<Self, Error> {
        self.affine(1.0, c)
    }

    /// y = x − c.
    ///
    /// # Errors
    /// As [`affine`](Self::affine).
    pub fn sub_scalar(self, c: f64) -> Result<Self, Error> {
        self.affine(1.0, -c)
    }

    /// y = c − x.
    ///
    /// # Errors
    /// As [`affine`](Self::affine).
    pub fn rsub_scalar(self, c: f64) -> Result<Self, Error> {
        self.affine(-1.0, c)
    }

    /// y = c x.
    ///
    /// # Errors
    /// As [`affine`](Self::affine).
    pub fn mul_scalar(self, c: f64) -> Result<Self, Error> {
        self.affine(c, 0.0)
    }

    /// y = x / c, computed as x · (1/c).
    ///
    /// # Errors
    /// As [`affine`](Self::affine).
    pub fn div_scalar(self, c: f64) -> Result<Self, Error> {
        self.affine(1.0 / c, 0.0)
    }
}

pub(super) fn backward<S: Scalar>(scale: f64, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let dy = rule.dy();
    // The exact comparison picks the case in which nothing is to do.
    rule.give(0, if scale == 1.0 { dy } else { dy.mul_scalar(scale)? })
}
