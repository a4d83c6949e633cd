//! One value of all steps.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::{Builder, Context, Error, Layer};

/// What is made of the steps of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OverSteps {
    /// Their sum: of spikes, their number.
    Sum,
    /// Their mean: of spikes, the rate.
    Mean,
    /// The largest: of a membrane, its maximum.
    Max,
}

/// One value of all steps in a configuration: `{kind: pool-steps, take: sum}`; `[T, B, …]` to `[B, …]`. Cross-entropy behind the sum of
/// spikes is the loss on counts, behind the mean that on rates, behind the maximum of a leaky integrator that on its membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PoolStepsConfig {
    /// What.
    pub take: OverSteps,
}

impl LayerConfig for PoolStepsConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        if form.steps.is_none() {
            let help = "this layer takes sequences; leave it out, or place it behind one";
            return Err(Error::input(at.path(), "[T, B, …]", &form.batched(1), help));
        }
        let layer = PoolSteps { path: at.path().to_owned(), take: self.take, form: form.clone() };
        Ok(Built::layer(layer, Form { steps: None, dims: form.dims.clone() }, 0))
    }
}

struct PoolSteps {
    path: String,
    take: OverSteps,
    form: Form,
}

impl<S: Scalar> Layer<S> for PoolSteps {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if shape.dims().get(2..) != Some(&self.form.dims[..]) || shape.dims()[0] == 0 {
            let help = "pass sequences of one step or more, time first";
            return Err(Error::input(&self.path, self.form.named(), shape.dims(), help));
        }
        let pooled = match self.take {
            OverSteps::Sum => x.sum_axes(&[0], KeepDims::No),
            OverSteps::Mean => x.mean_axes(&[0], KeepDims::No),
            OverSteps::Max => x.max_axes(&[0], KeepDims::No),
        };
        pooled.at(&self.path)
    }
}
