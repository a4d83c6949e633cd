//! Squared error.

use super::Reduction;
use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// loss = (x − target)², reduced over all elements; dx = 2 (x − target) dloss.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes differ (a loss does not broadcast).
    pub fn mse(self, target: Self, reduction: Reduction) -> Result<Self, Error> {
        if self.shape() != target.shape() {
            return Err(Error::shapes("mse", self.shape(), target.shape(), "prediction and target must be equal"));
        }
        reduction.apply(self.sub(target)?.square()?)
    }
}
