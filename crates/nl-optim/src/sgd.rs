//! Stochastic gradient descent.

use serde::{Deserialize, Serialize};

use crate::{Error, Transform, lanes};

/// u = g.
///
/// Source: Robbins & Monro, "A stochastic approximation method", 1951, eq 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sgd {}

impl Transform for Sgd {
    type State = ();
    fn init(&self, _params: &[f32]) -> Result<(), Error> {
        Ok(())
    }
    fn update(&self, grads: &mut [f32], _state: &mut (), _params: &[f32], _step: u64) -> Result<(), Error> {
        lanes::finite("sgd", "the gradient", grads).map(|_| ())
    }
}
