//! The dense layer's product: y = x Wᵀ + b in one pass.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Transpose, Var};
use nl_kernels::{MatMut, MatRef, gemm};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = x Wᵀ + b: x `[…, in]`, W `[out, in]`, b `[out]` → `[…, out]`. dx = dy W, dW = dyᵀ x, db = Σ dy.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::new(&[1, 2], vec![1.0, 2.0])?);
    /// let w = tape.leaf(Tensor::new(&[1, 2], vec![3.0, 4.0])?);
    /// let b = tape.leaf(Tensor::new(&[1], vec![0.5])?);
    /// assert_eq!(x.linear(w, Some(b))?.item()?, 11.5);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not fit; [`Error::DifferentTapes`].
    pub fn linear(self, weight: Self, bias: Option<Self>) -> Result<Self, Error> {
        let (x, w) = (self.shape(), weight.shape());
        let &[outputs, inputs] = w.dims() else {
            return Err(Error::shape("linear", w, "a weight has two axes, [out, in]"));
        };
        if x.dims().last() != Some(&inputs) {
            return Err(Error::shapes("linear", x, w, "the last axis of x must equal the last axis of W [out, in]"));
        }
        if x.rank() != 2 {
            let rows = x.dims()[..x.rank() - 1].iter().product();
            let y = self.reshape(&[rows, inputs])?.linear(weight, bias)?;
            return y.reshape(x.with_dim(x.rank() - 1, outputs).dims());
        }
        let Some(bias) = bias else { return self.matmul_with(Transpose::No, weight, Transpose::Yes) };
        if bias.shape().dims() != [outputs] {
            return Err(Error::shapes("linear", bias.shape(), w, "the bias must be [out] for W [out, in]"));
        }
        let rows = x.dims()[0];
        let shape = Shape::new(&[rows, outputs])?;
        let y = self.tape.compute("linear", shape, [self, weight, bias], |[x, w, b], y, scratch| {
            if outputs == 0 {
                return Ok(());
            }
            for row in y.chunks_exact_mut(outputs) {
                row.copy_from_slice(b);
            }
            let (x, w) = (MatRef::new(x, rows, inputs)?, MatRef::new(w, outputs, inputs)?.t());
            gemm(S::ONE, x, w, S::ONE, MatMut::new(y, rows, outputs)?, scratch)
        })?;
        Ok(self.tape.record(Op::Linear, &[self, weight, bias], y, Saved::Nothing))
    }
}

pub(super) fn backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, w, b, dy) = (rule.x(0), rule.x(1), rule.x(2), rule.dy());
    if rule.needs(0) {
        rule.give(0, dy.matmul(w)?)?;
    }
    if rule.needs(1) {
        rule.give(1, dy.matmul_with(Transpose::Yes, x, Transpose::No)?)?;
    }
    if rule.needs(2) {
        rule.give(2, dy.sum_to(b.shape())?)?;
    }
    Ok(())
}
