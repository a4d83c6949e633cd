//! Cross-entropy that looks away from what is easy.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use super::{Answer, Loss, TargetForm, Targets, answer, checks};
use crate::Error;
use crate::error::At;

/// Focal loss: cross-entropy, less for samples that are right already; for classes of very unequal size.
///
/// ℓ = −w_y (1 − p_y)^γ ln p_y,  p = softmax(x)
///
/// | | shape |
/// |---|---|
/// | output x (logits) | `[B, C]` |
/// | target y | B classes |
/// | answer p | `[N, C]` |
///
/// Computed from the log-odds d = x_y − ln Σ_{c≠y} e^{x_c} of the right class, ln p_y = −softplus(−d) and ln (1 − p_y) =
/// −softplus(d), so that 1 − p_y keeps its digits where p_y is nearly 1. w is the paper's α, one for each class; it weighs
/// a whole sample, and the sum is divided by samples, not by weights (see [`CrossEntropy`](super::CrossEntropy)). γ = 0 is
/// cross-entropy. With γ > 0 the answer is less sure than the data warrant: the loss is not a proper score.
///
/// # Errors
/// Of [`LossKind::check`](super::LossKind::check): γ outside \[0, 100\], weights outside \[0, 1e9\] or all 0; of
/// the loss: targets other than classes, another number of weights than classes.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{Focal, LossKind, Targets};
/// let loss = LossKind::Focal(Focal { gamma: 2.0, class_weights: None });
/// let tape = Tape::new();
/// let logits = tape.leaf(Tensor::new(&[1, 2], vec![0.0_f64; 2])?);
/// let sum = loss.loss("loss", logits, &Targets::Classes(&[0]))?;
/// assert!((sum.item()? - 0.25 * 2f64.ln()).abs() < 1e-12); // (1 − ½)² ln 2
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Lin, Goyal, Girshick, He & Dollár, "Focal loss for dense object detection", 2017, eq. 5, with a softmax in place of
/// their sigmoid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Focal {
    /// γ from 0 to 100: how fast a sample fades as it becomes right.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 100.0)))]
    pub gamma: f64,
    /// w (the paper's α), one for each class; without it all are 1.
    pub class_weights: Option<Vec<f64>>,
}

impl Default for Focal {
    /// γ = 2, no weights
    fn default() -> Self {
        Self { gamma: 2.0, class_weights: None }
    }
}

impl Focal {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(&self, x: Var<'t, S>, y: &[u32], classes: usize) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let tape = x.tape();
        let only_others = tape.constant_with(x.shape().dims(), |mask| {
            mask.fill(S::ZERO);
            for (mask, &y) in mask.chunks_exact_mut(classes).zip(y) {
                mask[y as usize] = S::from_f64(-1e30);
            }
        })?;
        let others = x.add(only_others)?;
        let largest = others.max_axes(&[1], KeepDims::Yes)?.detach(); // ln Σ e^x does not depend on it
        let total = others.sub(largest)?.exp()?.sum_axes(&[1], KeepDims::Yes)?.log()?.add(largest)?;
        let d = x.pick(1, y)?.sub(total.reshape(&[y.len()])?)?;
        let surprise = d.neg()?.softplus()?;
        let losses = surprise.mul(d.softplus()?.mul_scalar(-self.gamma)?.exp()?)?;
        let Some(weights) = &self.class_weights else { return losses.sum() };
        let weights = tape.constant_with(&[y.len()], |w| {
            for (w, &y) in w.iter_mut().zip(y) {
                *w = S::from_f64(weights[y as usize]);
            }
        })?;
        losses.mul(weights)?.sum()
    }
}

impl Loss for Focal {
    const NAME: &'static str = "focal";
    const ABOUT: &'static str = "classes: softmax, in which what is easy counts less";

    fn check(&self, path: &str) -> Result<(), Error> {
        checks::within(path, "gamma", self.gamma, 0.0..=100.0, "2")?;
        checks::class_weights(path, self.class_weights.as_deref())
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        let classes = target.classes(path, Self::NAME)?;
        checks::weight_for_each(path, self.class_weights.as_deref(), classes)?;
        Ok(classes)
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        let (y, classes) = target.classes(path, Self::NAME, output, 0)?;
        checks::weight_for_each(path, self.class_weights.as_deref(), classes)?;
        self.sum(output, y, classes).at(path)
    }

    fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error> {
        let classes = target.classes(super::PATH, Self::NAME)?;
        Ok(Answer::Classes(answer::softmax(output, classes)?))
    }
}
