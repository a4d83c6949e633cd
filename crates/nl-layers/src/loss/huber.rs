//! Squared error that outliers cannot seize.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use super::{Answer, Loss, Spread, TargetForm, Targets, checks};
use crate::Error;
use crate::error::At;

/// Huber's loss: squared error near the target, absolute error far from it, so that an outlier pulls with δ and no more.
///
/// ℓ = 1/K Σ_k h(x_k − y_k),  h(e) = ½ e² if |e| ≤ δ, else δ (|e| − ½ δ)
///
/// | | shape |
/// |---|---|
/// | output x, target y | `[B, K]` |
/// | answer x | `[N, K]` |
///
/// Computed as h(e) = c (e − ½ c) with c = e cut to \[−δ, δ\]. For large δ it is half of [`Mse`](super::Mse); PyTorch's
/// `SmoothL1Loss` is this divided by δ.
///
/// # Errors
/// Of [`LossKind::check`](super::LossKind::check): δ outside \[1e-9, 1e9\]; of the loss: targets other than values.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{Huber, LossKind, Targets};
/// let tape = Tape::new();
/// let output = tape.leaf(Tensor::new(&[2, 1], vec![0.5_f64, 10.0])?);
/// let target = tape.constant(Tensor::new(&[2, 1], vec![0.0, 0.0])?);
/// let sum = LossKind::Huber(Huber { delta: 1.0 }).loss("loss", output, &Targets::Values(target))?;
/// assert_eq!(sum.item()?, 0.125 + 9.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Huber, "Robust estimation of a location parameter", 1964.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Huber {
    /// δ from 1e-9 to 1e9: the error beyond which the pull grows no more, in units of the values.
    #[cfg_attr(feature = "schema", schemars(range(min = 1e-9, max = 1e9)))]
    pub delta: f64,
}

impl Default for Huber {
    /// δ = 1
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

impl Huber {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(&self, x: Var<'t, S>, y: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let e = x.sub(y)?;
        let c = e.clamp(-self.delta, self.delta)?;
        c.mul(e.sub(c.mul_scalar(0.5)?)?)?.sum()?.div_scalar(y.shape().dims()[1] as f64)
    }
}

impl Loss for Huber {
    const NAME: &'static str = "huber";
    const ABOUT: &'static str = "values: squared error near the target, absolute error far from it";

    fn check(&self, path: &str) -> Result<(), Error> {
        checks::within(path, "delta", self.delta, 1e-9..=checks::MOST, "1 (for standardised values)")
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
        self.sum(output, target.values(path, Self::NAME, output, 1)?).at(path)
    }

    fn answer(&self, output: &[f32], _: &TargetForm) -> Result<Answer, Error> {
        Ok(Answer::Values { values: output.to_vec(), spread: Spread::None })
    }
}
