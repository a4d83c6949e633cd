//! A yes or no for each label.

use nl_autodiff::{Reduction, Scalar, Var};
use serde::{Deserialize, Serialize};

use super::answer::{self, softplus};
use super::{Answer, Loss, TargetForm, Targets, target};
use crate::Error;
use crate::error::At;

/// Binary cross-entropy of each column: labels of which any number may hold; also for classes, one against the rest.
///
/// ℓ = −1/K Σ_k (t_k ln σ(x_k) + (1 − t_k) ln (1 − σ(x_k)))
///
/// | | labels | classes |
/// |---|---|---|
/// | output x (logits) | `[B, K]` | `[B, C]` |
/// | target | t `[B, K]` | y, B classes, with t = onehot(y) |
/// | answer | σ(x) `[N, K]` | σ(x_c) / Σ σ(x) `[N, C]` |
///
/// The mean over columns is PyTorch's `mean`. A label between 0 and 1 is a degree of belief; others are not refused.
///
/// # Errors
/// Of the loss: values as targets.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{LossKind, Sigmoid, Targets};
/// let tape = Tape::new();
/// let logits = tape.leaf(Tensor::new(&[1, 2], vec![0.0_f64; 2])?);
/// let labels = tape.constant(Tensor::new(&[1, 2], vec![1.0, 1.0])?);
/// let sum = LossKind::Sigmoid(Sigmoid {}).loss("loss", logits, &Targets::Labels(labels))?;
/// assert!((sum.item()? - 2f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: logistic regression, Cox, "The regression analysis of binary sequences", 1958.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {}

impl Sigmoid {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(x: Var<'t, S>, t: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        x.bce_with_logits(t, Reduction::Sum)?.div_scalar(x.shape().dims()[1] as f64)
    }

    /// 1 in the column of each row's class, else 0.
    fn one_hot<'t, S: Scalar>(x: Var<'t, S>, y: &[u32], classes: usize) -> Result<Var<'t, S>, nl_autodiff::Error> {
        x.tape().constant_with(&[y.len(), classes], |t| {
            t.fill(S::ZERO);
            for (t, &y) in t.chunks_exact_mut(classes).zip(y) {
                t[y as usize] = S::ONE;
            }
        })
    }
}

impl Loss for Sigmoid {
    const NAME: &'static str = "sigmoid";
    const ABOUT: &'static str = "labels, each a yes or no; or classes";

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        match target {
            TargetForm::Labels(_) => target.labels(path, Self::NAME),
            TargetForm::Classes(_) => target.classes(path, Self::NAME),
            TargetForm::Values(_) => Err(target::refused(path, Self::NAME, "labels or classes", target.name())),
        }
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        let t = match target {
            Targets::Labels(_) => target.labels(path, Self::NAME, output)?,
            Targets::Classes(_) => {
                let (y, classes) = target.classes(path, Self::NAME, output, 0)?;
                Self::one_hot(output, y, classes).at(path)?
            }
            Targets::Values(_) => return Err(target::refused(path, Self::NAME, "labels or classes", target.name())),
        };
        Self::sum(output, t).at(path)
    }

    fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error> {
        let columns = self.outputs(super::PATH, target)?;
        if let TargetForm::Labels(_) = target {
            return Ok(Answer::Labels(output.iter().map(|&x| answer::sigmoid(f64::from(x)) as f32).collect()));
        }
        // σ / Σ σ as the softmax of ln σ: right also where every σ is 0 in floating point.
        let log_p: Vec<f32> = output.iter().map(|&x| -softplus(-f64::from(x)) as f32).collect();
        Ok(Answer::Classes(answer::softmax(&log_p, columns)?))
    }
}
