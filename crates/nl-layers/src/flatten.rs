//! Rows of features from images.

use nl_autodiff::{Scalar, Var};

use crate::error::At;
use crate::{Context, Error, Layer};

/// All axes but the first become one: `[N, A, B, …]` to `[N, A · B · …]`, without copying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flatten;

impl<S: Scalar> Layer<S> for Flatten {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let [rows, rest @ ..] = shape.dims() else {
            return Err(Error::input("flatten", "[N, …]", shape.dims(), "give each sample a row"));
        };
        x.reshape(&[*rows, rest.iter().product()]).at("flatten")
    }
}
