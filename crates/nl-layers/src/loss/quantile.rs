//! Quantiles of values.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use super::{Answer, Loss, Spread, TargetForm, Targets};
use crate::Error;
use crate::error::At;

/// Pinball loss: each output becomes the number below which its share τ of the values lies.
///
/// ℓ = 1/(K Q) Σ_k Σ_q ρ_q(y_k − x_kq),  ρ_q(u) = max(τ_q u, (τ_q − 1) u) = τ_q u + max(−u, 0)
///
/// | | shape |
/// |---|---|
/// | output x | `[B, K · Q]`: the Q quantiles of the first value, then those of the second … |
/// | target y | `[B, K]` |
/// | answer | values (medians) `[N, K]`, quantiles `[N, K, Q]` |
///
/// In the answer the quantiles of a value are sorted: learned apart, they may cross, and sorting them never makes them worse
/// (Chernozhukov, Fernández-Val & Galichon, "Quantile and probability curves without crossing", 2010). The value is the
/// median: the quantile 0.5 if it is among them, else by a straight line between its neighbours, else the nearest. Where u = 0
/// the slope is that of u > 0.
///
/// # Errors
/// Of [`LossKind::check`](super::LossKind::check): no quantiles, one outside (0, 1), or not in ascending order; of the loss:
/// targets other than values.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{LossKind, Quantile, Targets};
/// let loss = LossKind::Quantile(Quantile { quantiles: vec![0.1, 0.9] });
/// let tape = Tape::new();
/// let output = tape.leaf(Tensor::new(&[1, 2], vec![0.0_f64, 0.0])?);
/// let target = tape.constant(Tensor::new(&[1, 1], vec![2.0])?);
/// let sum = loss.loss("loss", output, &Targets::Values(target))?;
/// assert_eq!(sum.item()?, (0.1 * 2.0 + 0.9 * 2.0) / 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Koenker & Bassett, "Regression quantiles", 1978.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Quantile {
    /// τ, in ascending order, each between 0 and 1.
    pub quantiles: Vec<f64>,
}

impl Default for Quantile {
    /// τ = 0.1, 0.5, 0.9
    fn default() -> Self {
        Self { quantiles: vec![0.1, 0.5, 0.9] }
    }
}

impl Quantile {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(&self, x: Var<'t, S>, y: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let (shape, count) = (y.shape(), self.quantiles.len());
        let (rows, columns) = (shape.dims()[0], shape.dims()[1]);
        let tau = x.tape().constant_with(&[count], |tau| {
            for (tau, &q) in tau.iter_mut().zip(&self.quantiles) {
                *tau = S::from_f64(q);
            }
        })?;
        let u = y.unsqueeze(2)?.sub(x.reshape(&[rows, columns, count])?)?;
        u.mul(tau)?.add(u.neg()?.relu()?)?.sum()?.div_scalar((columns * count) as f64)
    }

    /// The median of quantiles in ascending order.
    fn median(&self, sorted: &[f32]) -> f32 {
        let above = self.quantiles.partition_point(|&tau| tau < 0.5);
        let last = sorted.len() - 1;
        if above == 0 || above > last {
            return sorted[above.min(last)];
        }
        let (low, high) = (self.quantiles[above - 1], self.quantiles[above]);
        let (from, to) = (f64::from(sorted[above - 1]), f64::from(sorted[above]));
        let share = (0.5 - low) / (high - low);
        (from * (1.0 - share) + to * share) as f32
    }
}

impl Loss for Quantile {
    const NAME: &'static str = "quantile";
    const ABOUT: &'static str = "values: several quantiles of each";

    fn check(&self, path: &str) -> Result<(), Error> {
        let inside = self.quantiles.iter().all(|&tau| tau > 0.0 && tau < 1.0);
        if inside && !self.quantiles.is_empty() && self.quantiles.is_sorted_by(|a, b| a < b) {
            return Ok(());
        }
        let message = format!("quantiles {:?} must lie between 0 and 1 in ascending order", self.quantiles);
        Err(Error::hyperparameter(path, format!("{message}; [0.1, 0.5, 0.9] is usual")))
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        target.values(path, Self::NAME, self.quantiles.len())
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        self.sum(output, target.values(path, Self::NAME, output, self.quantiles.len())?).at(path)
    }

    fn answer(&self, output: &[f32], _: &TargetForm) -> Result<Answer, Error> {
        let count = self.quantiles.len();
        let mut quantiles = output.to_vec();
        quantiles.chunks_exact_mut(count).for_each(|of_value| of_value.sort_by(f32::total_cmp));
        let values = quantiles.chunks_exact(count).map(|of_value| self.median(of_value)).collect();
        let spread = Spread::Quantiles { levels: self.quantiles.clone(), values: quantiles };
        Ok(Answer::Values { values, spread })
    }
}
