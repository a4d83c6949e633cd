//! A sample that stays: the same at every step.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::{Builder, Context, Error, Layer};

/// A sample as a sequence of so many steps, the same at each, in a configuration: `{kind: repeat, steps: 25}`. Place products before
/// it: they are then computed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RepeatConfig {
    /// T
    pub steps: usize,
}

impl LayerConfig for RepeatConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        if self.steps == 0 {
            return Err(Error::hyperparameter(at.path(), "steps is 0; use one or more"));
        }
        if form.steps.is_some() {
            let help = "this is a sequence already; place `repeat` where a sample is one row or one image";
            return Err(Error::input(at.path(), "[B, F] or [B, C, H, W]", &form.batched(1), help));
        }
        let layer = Repeat { path: at.path().to_owned(), steps: self.steps, dims: form.dims.clone() };
        Ok(Built::layer(layer, Form { steps: Some(self.steps), dims: form.dims.clone() }, 0))
    }
}

struct Repeat {
    path: String,
    steps: usize,
    dims: Vec<usize>,
}

impl<S: Scalar> Layer<S> for Repeat {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if shape.dims().get(1..) != Some(&self.dims[..]) {
            let expected = format!("[B, {:?}]", self.dims);
            return Err(Error::input(&self.path, expected, shape.dims(), "pass samples of the form it was built for"));
        }
        let mut dims = [self.steps; nl_autodiff::Shape::MAX_RANK];
        let rank = shape.dims().len() + 1;
        dims[1..rank].copy_from_slice(shape.dims());
        x.unsqueeze(0).and_then(|x| x.broadcast_to(&dims[..rank])).at(&self.path)
    }
}
