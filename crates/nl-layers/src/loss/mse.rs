//! Squared error.

use nl_autodiff::{Reduction, Scalar, Var};
use serde::{Deserialize, Serialize};

use super::{Answer, Loss, Spread, TargetForm, Targets};
use crate::Error;
use crate::error::At;

/// Mean squared error: the outputs become the mean of what the values can be.
///
/// ℓ = 1/K Σ_k (x_k − y_k)²
///
/// | | shape |
/// |---|---|
/// | output x, target y | `[B, K]` |
/// | answer x | `[N, K]` |
///
/// No ½ stands before it, as in PyTorch.
///
/// # Errors
/// Of the loss: targets other than values.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{LossKind, Mse, Targets};
/// let tape = Tape::new();
/// let output = tape.leaf(Tensor::new(&[1, 2], vec![1.0_f64, 3.0])?);
/// let target = tape.constant(Tensor::new(&[1, 2], vec![0.0, 0.0])?);
/// let sum = LossKind::Mse(Mse {}).loss("loss", output, &Targets::Values(target))?;
/// assert_eq!(sum.item()?, (1.0 + 9.0) / 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: least squares, Gauss, "Theoria motus corporum coelestium", 1809.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Mse {}

impl Mse {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(x: Var<'t, S>, y: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        x.mse(y, Reduction::Sum)?.div_scalar(y.shape().dims()[1] as f64)
    }
}

impl Loss for Mse {
    const NAME: &'static str = "mse";
    const ABOUT: &'static str = "values: squared error";

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        target.values(path, Self::NAME, 1)
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        Self::sum(output, target.values(path, Self::NAME, output, 1)?).at(path)
    }

    fn answer(&self, output: &[f32], _: &TargetForm) -> Result<Answer, Error> {
        Ok(Answer::Values { values: output.to_vec(), spread: Spread::None })
    }
}
