//! The dense layer's product: y = x Wᵀ + b in one pass.

use super::Op;
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Transpose, Var};
use nl_kernels::{MatMut, MatRef, SPARSE_PAYS, Scratch, count_nonzero, gemm, sparse_linear, sparse_linear_grad_weight};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = x Wᵀ + b: x `[…, in]`, W `[out, in]`, b `[out]` → `[…, out]`. dx = dy W, dW = dyᵀ x, db = Σ dy.
    ///
    /// Of an x that is [`sparse`](Self::sparse) the elements that are not 0 are counted, and if they are few, y and dW are summed over
    /// those only.
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
        let few = few(self);
        let Some(bias) = bias else {
            let Some(some) = few else { return self.matmul_with(Transpose::No, weight, Transpose::Yes) };
            let (rows, shape) = (x.dims()[0], x.with_dim(1, outputs));
            let y = self.tape.compute("linear", shape, [self, weight], |[x, w], y, scratch| {
                sparse_linear((rows, inputs, outputs), (x, some), w, &[], y, scratch)
            })?;
            return Ok(self.tape.record(Op::SparseLinear { some }, &[self, weight], y, Saved::Nothing));
        };
        if bias.shape().dims() != [outputs] {
            return Err(Error::shapes("linear", bias.shape(), w, "the bias must be [out] for W [out, in]"));
        }
        let rows = x.dims()[0];
        let shape = Shape::new(&[rows, outputs])?;
        let y = self.tape.compute("linear", shape, [self, weight, bias], |[x, w, b], y, scratch| {
            if outputs == 0 {
                return Ok(());
            }
            if let Some(some) = few {
                return sparse_linear((rows, inputs, outputs), (x, some), w, b, y, scratch);
            }
            for row in y.chunks_exact_mut(outputs) {
                row.copy_from_slice(b);
            }
            let (x, w) = (MatRef::new(x, rows, inputs)?, MatRef::new(w, outputs, inputs)?.t());
            gemm(S::ONE, x, w, S::ONE, MatMut::new(y, rows, outputs)?, scratch)
        })?;
        let op = few.map_or(Op::Linear, |some| Op::SparseLinear { some });
        Ok(self.tape.record(op, &[self, weight, bias], y, Saved::Nothing))
    }
}

/// `few`: how many elements of x are not 0, if the product was over those only.
pub(super) fn backward<S: Scalar>(few: Option<usize>, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, w, dy) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        rule.give(0, dy.matmul(w)?)?;
    }
    if rule.needs(1) {
        let dw = if let (true, Some(some)) = (rule.fused(), few) {
            let size = (x.shape().dims()[0], w.shape().dims()[1], w.shape().dims()[0]);
            let kernel = |[x, dy]: [&[S]; 2], dw: &mut [S], scratch: &mut Scratch| {
                sparse_linear_grad_weight(size, (x, some), dy, dw, scratch)
            };
            rule.kernel(w.shape(), [x, dy], kernel)?
        } else {
            dy.matmul_with(Transpose::Yes, x, Transpose::No)?
        };
        rule.give(1, dw)?;
    }
    if rule.inputs() == 3 && rule.needs(2) {
        rule.give(2, dy.sum_to(rule.x(2).shape())?)?;
    }
    Ok(())
}

/// How many elements of x are not 0, if they are few enough for a sum over those only.
fn few<S: Scalar>(x: Var<'_, S>) -> Option<usize> {
    if !x.is_sparse() {
        return None;
    }
    let x = x.value();
    let some = count_nonzero(x.as_slice());
    ((some as f64) < SPARSE_PAYS * x.as_slice().len() as f64).then_some(some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateGraph, Tape, Tensor, grad, gradcheck, gradgradcheck};

    /// One of seven inputs is there.
    fn spikes(dims: &[usize]) -> Tensor<f64> {
        Tensor::from_fn(dims, |i| f64::from(u8::from(i % 7 == 3))).unwrap()
    }

    fn numbers(dims: &[usize], salt: usize) -> Tensor<f64> {
        Tensor::from_fn(dims, |i| 2.0 * (0.618_033_988_749_894_9 * (i + 1 + 101 * salt) as f64).fract() - 1.0).unwrap()
    }

    /// Values and gradients are those of the dense product, with a bias and without.
    #[test]
    fn sparse_is_dense() {
        let tape = Tape::new();
        let x = tape.leaf(spikes(&[5, 2, 14]));
        let (w, b) = (tape.leaf(numbers(&[3, 14], 1)), tape.leaf(numbers(&[3], 2)));
        let weights = tape.constant(numbers(&[5, 2, 3], 3));
        for bias in [None, Some(b)] {
            let of = |x: Var<'_, f64>| {
                let y = x.linear(w, bias).unwrap();
                let all: Vec<_> = [x, w].into_iter().chain(bias).collect();
                let loss = y.mul(weights).unwrap().sum().unwrap();
                let gradients = grad(loss, &all, CreateGraph::No).unwrap();
                let gradients: Vec<_> = gradients.iter().map(|g| g.value().as_slice().to_vec()).collect();
                (y.value().as_slice().to_vec(), gradients)
            };
            let (y, gradients) = of(x);
            let (same, like) = of(tape.leaf(x.value()).sparse());
            approx::assert_abs_diff_eq!(&y[..], &same[..], epsilon = 1e-14);
            for (a, b) in gradients.iter().zip(&like) {
                approx::assert_abs_diff_eq!(&a[..], &b[..], epsilon = 1e-14);
            }
        }
    }

    #[test]
    fn derivatives_of_a_sparse_product() -> Result<(), Error> {
        fn f<'t>(v: &[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {
            v[0].mul_scalar(1.0)?.sparse().linear(v[1], Some(v[2]))?.square()
        }
        let inputs = [spikes(&[2, 14]), numbers(&[3, 14], 1), numbers(&[3], 2)];
        gradcheck(f, &inputs)?;
        gradgradcheck(f, &inputs)?;
        Ok(())
    }
}
