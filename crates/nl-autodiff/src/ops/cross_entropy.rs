//! Cross-entropy of logits, and negative log-likelihood of log-probabilities, against integer targets.

use super::gather::check_indices;
use super::softmax::rows;
use super::{Op, Reduction};
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// loss = −Σ_c q_c ln p_c, p = softmax(x) over the last axis, q = (1 − ε) onehot(target) + ε / classes:
    /// x `[…, classes]`, one target for each row, ε = `label_smoothing` in \[0, 1\] (Szegedy et al., 2016, §7, with the
    /// target taking part in the smoothing, as in PyTorch). dx = (p − q) dloss.
    ///
    /// ```
    /// use nl_autodiff::{Reduction, Tape, Tensor};
    /// let tape = Tape::new();
    /// let logits = tape.leaf(Tensor::new(&[1, 2], vec![0.0f64, 0.0])?);
    /// let loss = logits.cross_entropy(&[1], 0.0, Reduction::Mean)?;
    /// assert!((loss.item()? - 2f64.ln()).abs() < 1e-15);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Index`] for wrong targets; [`Error::Value`] for ε outside \[0, 1\].
    pub fn cross_entropy(self, targets: &[u32], label_smoothing: f64, reduction: Reduction) -> Result<Self, Error> {
        const OP: &str = "cross_entropy";
        let shape = self.shape();
        let (rows, classes) = rows(OP, shape)?;
        check_targets(OP, targets, rows, classes)?;
        if !(0.0..=1.0).contains(&label_smoothing) {
            let message = format!("label_smoothing is {label_smoothing}; it must lie in [0, 1]");
            return Err(Error::Value { op: OP, message });
        }
        let targets = self.tape.copy_indices(OP, targets)?;
        let mut log_probs = self.tape.take(OP, shape)?;
        let losses = Shape::from_dims(&shape.dims()[..shape.rank() - 1]);
        let losses = self.tape.compute(OP, losses, [self], |[x], losses, _| {
            let Some(log_probs) = log_probs.as_unique_mut() else { return Ok(()) };
            let smoothing = S::from_f64(label_smoothing);
            nl_kernels::softmax_cross_entropy(rows, classes, x, targets.as_slice(), smoothing, log_probs, losses)
        })?;
        let saved = Saved::Both(targets, log_probs);
        reduction.apply(self.tape.record(Op::CrossEntropy { label_smoothing }, &[self], losses, saved))
    }

    /// loss = −x\[target\] over the last axis, x being log-probabilities `[…, classes]`.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Index`] for wrong targets.
    pub fn nll(self, targets: &[u32], reduction: Reduction) -> Result<Self, Error> {
        let shape = self.shape();
        let (rows, classes) = rows("nll", shape)?;
        check_targets("nll", targets, rows, classes)?;
        reduction.apply(self.pick(shape.rank() - 1, targets)?.neg()?)
    }
}

fn check_targets(op: &'static str, targets: &[u32], rows: usize, classes: usize) -> Result<(), Error> {
    if targets.len() != rows {
        return Err(Error::Length { op, what: "targets", expected: rows, got: targets.len() });
    }
    check_indices(op, targets, classes)
}

pub(super) fn backward<S: Scalar>(label_smoothing: f64, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, dy) = (rule.x(0), rule.dy());
    let (Some(targets), Some(log_probs)) = (rule.saved_indices(), rule.saved_values()) else { return Ok(()) };
    let targets = targets.as_slice();
    let (rows, classes) = rows("cross_entropy", x.shape())?;
    let dx = if rule.fused() {
        let smoothing = S::from_f64(label_smoothing);
        rule.kernel(x.shape(), [log_probs, dy], |[log_probs, dy], dx, _| {
            nl_kernels::softmax_cross_entropy_grad(rows, classes, log_probs, targets, smoothing, dy, dx)
        })?
    } else {
        let (others, target) = (label_smoothing / classes as f64, 1.0 - label_smoothing);
        let q = x.tape.constant_with(x.shape().dims(), |q| {
            q.fill(S::from_f64(others));
            for (q, &t) in q.chunks_exact_mut(classes).zip(targets) {
                q[t as usize] += S::from_f64(target);
            }
        })?;
        x.softmax()?.sub(q)?.mul(dy.unsqueeze(dy.shape().rank())?)?
    };
    rule.give(0, dx)
}
