//! Mean and variance of values.

use core::f64::consts::TAU;

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use super::answer::softplus;
use super::{Answer, Loss, Spread, TargetForm, Targets, checks};
use crate::Error;
use crate::error::At;

/// Gaussian negative log-likelihood: the network says a mean and how far from it the values may lie.
///
/// ℓ = 1/K Σ_k ½ (ln σ_k² + (y_k − μ_k)² / σ_k² + ln 2π),  σ_k² = f + e^{s_k},  f the floor
///
/// | | shape |
/// |---|---|
/// | output (μ, s) | `[B, 2 K]`: the K means, then the K s |
/// | target y | `[B, K]` |
/// | answer | values μ `[N, K]`, standard deviations σ `[N, K]` |
///
/// Computed with ln σ² = ln f + softplus(s − ln f), which no s overflows. The floor is added; PyTorch's `GaussianNLLLoss` cuts
/// the variance off at it, which leaves a variance below without a gradient, and leaves ln 2π out (without `full`).
///
/// # Errors
/// Of [`LossKind::check`](super::LossKind::check): a floor outside \[1e-12, 1e12\]; of the loss: targets other than values.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{Gaussian, LossKind, Targets};
/// let tape = Tape::new();
/// let output = tape.leaf(Tensor::new(&[1, 2], vec![3.0_f64, 0.0])?); // mean 3, variance 1 (and the floor)
/// let target = tape.constant(Tensor::new(&[1, 1], vec![5.0])?);
/// let sum = LossKind::Gaussian(Gaussian { floor: 1e-6 }).loss("loss", output, &Targets::Values(target))?;
/// assert!((sum.item()? - 0.5 * (4.0 + core::f64::consts::TAU.ln())).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Nix & Weigend, "Estimating the mean and variance of the target probability distribution", 1994, whose variance is
/// e^s alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Gaussian {
    /// f from 1e-12 to 1e12: the least variance, in squared units of the values.
    #[cfg_attr(feature = "schema", schemars(range(min = 1e-12, max = 1e12)))]
    pub floor: f64,
}

impl Default for Gaussian {
    /// f = 1e-6
    fn default() -> Self {
        Self { floor: 1e-6 }
    }
}

impl Gaussian {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(&self, x: Var<'t, S>, y: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let columns = y.shape().dims()[1];
        let (mean, s) = (x.slice(1, 0..columns)?, x.slice(1, columns..2 * columns)?);
        let floor = self.floor.ln();
        let log_variance = s.sub_scalar(floor)?.softplus()?.add_scalar(floor)?;
        let distance = y.sub(mean)?.square()?.mul(log_variance.neg()?.exp()?)?;
        let constant = TAU.ln() * y.shape().len() as f64;
        log_variance.add(distance)?.sum()?.add_scalar(constant)?.div_scalar(2.0 * columns as f64)
    }
}

impl Loss for Gaussian {
    const NAME: &'static str = "gaussian";
    const ABOUT: &'static str = "values: mean and variance of each";

    fn check(&self, path: &str) -> Result<(), Error> {
        checks::within(path, "floor", self.floor, 1e-12..=1e12, "1e-6 (for standardised values)")
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        target.values(path, Self::NAME, 2)
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        self.sum(output, target.values(path, Self::NAME, output, 2)?).at(path)
    }

    fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error> {
        let width = self.outputs(super::PATH, target)?;
        let floor = self.floor.ln();
        let deviation = |s: f32| {
            let log_variance = floor + softplus(f64::from(s) - floor);
            (0.5 * log_variance).exp().min(f64::from(f32::MAX)) as f32
        };
        let (mut values, mut deviations) = (Vec::new(), Vec::new());
        for row in output.chunks_exact(width) {
            let (mean, s) = row.split_at(width / 2);
            values.extend_from_slice(mean);
            deviations.extend(s.iter().map(|&s| deviation(s)));
        }
        Ok(Answer::Values { values, spread: Spread::Deviations(deviations) })
    }
}
