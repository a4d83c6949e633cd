//! Squared error of classes.

use nl_autodiff::{Reduction, Scalar, Var};
use serde::{Deserialize, Serialize};

use super::{Answer, Loss, TargetForm, Targets};
use crate::Error;
use crate::error::At;

/// Half the squared distance from the right class: each class is a corner, 1 in its own column and 0 in all others.
///
/// ℓ = ½ Σ_c (x_c − onehot(y)_c)²,  p = (1 − ε) proj(x) + ε / C
///
/// | | shape |
/// |---|---|
/// | output x | `[B, C]` |
/// | target y | B classes |
/// | answer p | `[N, C]` |
///
/// What is best in the mean are the probabilities of the classes themselves; outputs are read as the nearest distribution,
/// proj(x) = max(x − τ, 0) with the τ for which it sums to 1 (Martins & Astudillo, "From softmax to sparsemax", ICML 2016, alg. 1),
/// and ε = 0.001, so that no class is impossible. It is −ln of a Gaussian likelihood of variance 1, which makes it the energy of a
/// clamped output in [predictive coding](crate::credit::PredictiveCoding).
///
/// # Errors
/// Of the loss: targets other than classes.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{LeastSquares, LossKind, Targets};
/// let tape = Tape::new();
/// let output = tape.leaf(Tensor::new(&[1, 2], vec![0.5_f64, 0.25])?);
/// let sum = LossKind::LeastSquares(LeastSquares {}).loss("loss", output, &Targets::Classes(&[0]))?;
/// assert_eq!(sum.item()?, 0.5 * (0.25 + 0.0625));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: beside cross-entropy, Hui & Belkin, "Evaluation of neural architectures trained with square loss vs cross-entropy in
/// classification tasks", ICLR 2021.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LeastSquares {}

/// Spread evenly over all classes.
const LEFT: f32 = 1e-3;

impl LeastSquares {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(x: Var<'t, S>, y: &[u32], classes: usize) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let corners = x.tape().constant_with(x.shape().dims(), |to| {
            for (row, &y) in to.chunks_exact_mut(classes).zip(y) {
                row.fill(S::ZERO);
                row[y as usize] = S::ONE;
            }
        })?;
        x.mse(corners, Reduction::Sum)?.mul_scalar(0.5)
    }
}

/// The distribution nearest to a row, in place; `sorted` is working memory.
fn project(row: &mut [f32], sorted: &mut Vec<f64>) {
    sorted.clear();
    sorted.extend(row.iter().map(|&x| f64::from(x)));
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut threshold) = (0.0, 0.0);
    for (k, &x) in sorted.iter().enumerate() {
        sum += x;
        let candidate = (sum - 1.0) / (k + 1) as f64;
        if x > candidate {
            threshold = candidate;
        }
    }
    for x in row {
        *x = (f64::from(*x) - threshold).max(0.0) as f32;
    }
}

impl Loss for LeastSquares {
    const NAME: &'static str = "least-squares";
    const ABOUT: &'static str = "classes: squared distance from the right one";

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        target.classes(path, Self::NAME)
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        let (y, classes) = target.classes(path, Self::NAME, output, 0)?;
        Self::sum(output, y, classes).at(path)
    }

    fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error> {
        let classes = target.classes(super::PATH, Self::NAME)?;
        let (mut p, mut sorted) = (output.to_vec(), Vec::new());
        for row in p.chunks_exact_mut(classes) {
            project(row, &mut sorted);
            row.iter_mut().for_each(|p| *p = (1.0 - LEFT) * *p + LEFT / classes as f32);
        }
        Ok(Answer::Classes(p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn projected(row: &[f32]) -> Vec<f32> {
        let mut row = row.to_vec();
        project(&mut row, &mut Vec::new());
        row
    }

    #[test]
    fn a_distribution_is_its_own_and_distances_decide() {
        assert_eq!(projected(&[0.25, 0.5, 0.25]), [0.25, 0.5, 0.25]);
        assert_eq!(projected(&[5.0, 0.0, 0.0]), [1.0, 0.0, 0.0]);
        assert_eq!(projected(&[-3.0, -3.0]), [0.5, 0.5]);
        // max(x − τ, 0) with τ = −1/4 sums to 1.
        assert_eq!(projected(&[0.5, -2.0, 0.0]), [0.75, 0.0, 0.25]);
    }

    proptest! {
        /// No distribution of a fine grid is nearer, and order is kept.
        #[test]
        fn nothing_is_nearer(x in prop::collection::vec(-2.0_f32..2.0, 3)) {
            let p = projected(&x);
            let distance = |p: &[f32]| p.iter().zip(&x).map(|(p, x)| f64::from(p - x).powi(2)).sum::<f64>();
            approx::assert_relative_eq!(p.iter().sum::<f32>(), 1.0, max_relative = 1e-6);
            for i in 0..=50 {
                for j in 0..=50 - i {
                    let q = [i, j, 50 - i - j].map(|n| n as f32 / 50.0);
                    prop_assert!(distance(&p) <= distance(&q) + 1e-5, "{:?} is nearer to {:?} than {:?}", q, x, p);
                }
            }
            for (a, b) in [(0, 1), (1, 2), (0, 2)] {
                prop_assert!(x[a] <= x[b] || p[a] >= p[b]);
            }
        }
    }
}
