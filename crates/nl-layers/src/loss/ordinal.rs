//! Classes that have an order.

use nl_autodiff::{Reduction, Scalar, Var};
use serde::{Deserialize, Serialize};

use super::answer::{sigmoid, softplus};
use super::{Answer, Loss, TargetForm, Targets};
use crate::Error;
use crate::error::At;

/// Ordinal regression: one question for each step of a ladder, "having come this far, does it go further?"
///
/// P(y > k | y ≥ k) = σ(x_k),  k = 0 … C − 2;  ℓ = −Σ_{k<y} ln σ(x_k) − \[y < C − 1\] ln (1 − σ(x_y)) = −ln P(y)
///
/// | | shape |
/// |---|---|
/// | output x (logits) | `[B, C − 1]` |
/// | target y | B classes, the order of their numbers being that of the classes |
/// | answer P(y = k) = (1 − σ(x_k)) Π_{j<k} σ(x_j) | `[N, C]` |
///
/// Of the forms with C − 1 binary tasks it is the one whose tasks are conditional (CORN). Niu et al. 2016 and CORAL (Cao,
/// Mirjalili & Raschka 2020) ask "y > k?" of every sample, and their answers may contradict each other unless all tasks share
/// their weights; here any outputs are a distribution, and the loss is its likelihood (the continuation-ratio model). The
/// paper divides by the number of questions in a batch; here the sum over samples is not divided.
///
/// # Errors
/// Of the loss: targets other than classes.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{LossKind, Ordinal, TargetForm, Targets};
/// let loss = LossKind::Ordinal(Ordinal {});
/// assert_eq!(loss.outputs(&TargetForm::Classes(4))?, 3);
/// let tape = Tape::new();
/// let logits = tape.leaf(Tensor::new(&[1, 3], vec![0.0_f64; 3])?);
/// let sum = loss.loss("loss", logits, &Targets::Classes(&[1]))?;
/// assert!((sum.item()? - 4f64.ln()).abs() < 1e-12); // beyond 0: ½, not beyond 1: ½
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Shi, Cao & Raschka, "Deep neural networks for rank-consistent ordinal regression based on conditional
/// probabilities", 2021 (arXiv:2111.08851), sec. 3; the tasks: Niu et al., "Ordinal regression with multiple output CNN for
/// age estimation", 2016.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ordinal {}

impl Ordinal {
    /// The equation of the type: binary cross-entropy of the questions that a sample is asked.
    fn sum<'t, S: Scalar>(x: Var<'t, S>, y: &[u32], steps: usize) -> Result<Var<'t, S>, nl_autodiff::Error> {
        // 1 where `holds` for the step k and the class y.
        let indicator = |holds: fn(usize, usize) -> bool| {
            x.tape().constant_with(x.shape().dims(), |mask| {
                for (mask, &y) in mask.chunks_exact_mut(steps).zip(y) {
                    for (k, mask) in mask.iter_mut().enumerate() {
                        *mask = if holds(k, y as usize) { S::ONE } else { S::ZERO };
                    }
                }
            })
        };
        let (asked, further) = (indicator(|k, y| k <= y)?, indicator(|k, y| k < y)?);
        x.bce_with_logits(further, Reduction::None)?.mul(asked)?.sum()
    }
}

impl Loss for Ordinal {
    const NAME: &'static str = "ordinal";
    const ABOUT: &'static str = "classes in order: how many of them are passed";

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        Ok(target.classes(path, Self::NAME)? - 1)
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        let (y, classes) = target.classes(path, Self::NAME, output, 1)?;
        Self::sum(output, y, classes - 1).at(path)
    }

    fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error> {
        let steps = self.outputs(super::PATH, target)?;
        let mut p = Vec::with_capacity(output.len() / steps * (steps + 1));
        for x in output.chunks_exact(steps) {
            let mut log_reached = 0.0; // ln P(y ≥ k)
            for &x in x {
                let x = f64::from(x);
                p.push((f64::exp(log_reached) * sigmoid(-x)) as f32);
                log_reached -= softplus(-x);
            }
            p.push(f64::exp(log_reached) as f32);
        }
        Ok(Answer::Classes(p))
    }
}
