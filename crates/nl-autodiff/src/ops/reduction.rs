//! How the losses of single elements become one.

use crate::{Error, Scalar, Var};

/// What a loss does with the losses of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Their mean: a scalar.
    Mean,
    /// Their sum: a scalar.
    Sum,
    /// Nothing: one loss each.
    None,
}

impl Reduction {
    pub(super) fn apply<S: Scalar>(self, losses: Var<'_, S>) -> Result<Var<'_, S>, Error> {
        match self {
            Self::Mean => losses.mean(),
            Self::Sum => losses.sum(),
            Self::None => Ok(losses),
        }
    }
}
