//! Products whose errors go back through other weights than those that values come through.
//!
//! The value is that of `linear` or `conv2d`, and so are the gradients of weight and bias. Only dx takes another way: through B,
//! which need not be W. With B = W they are `linear` and `conv2d`. No gradient flows to B.
//!
//! Source: Lillicrap, Cownden, Tweed & Akerman, "Random synaptic feedback weights support error backpropagation for deep
//! learning", Nature Communications 7:13276, 2016, eq. 3 (Δh = B e).

use super::Op;
use super::conv2d::{channel_sum, conv_shape, convolve_input, convolve_weight};
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Transpose, Var};
use nl_kernels::Conv2d;

impl<'t, S: Scalar> Var<'t, S> {
    /// y = x Wᵀ + b as [`linear`](Self::linear), with dx = dy B in place of dy W: x `[…, in]`, W and B `[out, in]`, b `[out]`.
    ///
    /// ```
    /// use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::new(&[1, 2], vec![1.0, 2.0])?);
    /// let w = tape.leaf(Tensor::new(&[1, 2], vec![3.0, 4.0])?);
    /// let b = tape.constant(Tensor::new(&[1, 2], vec![-1.0, 0.5])?);
    /// let y = x.linear_with_feedback(w, None, b)?;
    /// let [dx, dw] = grad(y.sum()?, &[x, w], CreateGraph::No)?[..] else { unreachable!() };
    /// assert_eq!((y.item()?, dx.value().as_slice(), dw.value().as_slice()), (11.0, &[-1.0, 0.5][..], &[1.0, 2.0][..]));
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`linear`](Self::linear); [`Error::Shapes`] if B has not the shape of W.
    pub fn linear_with_feedback(self, weight: Self, bias: Option<Self>, feedback: Self) -> Result<Self, Error> {
        same_shape("linear_with_feedback", weight, feedback)?;
        let (x, w) = (self.shape(), weight.shape());
        if let (&[outputs, inputs], true) = (w.dims(), x.rank() != 2 && x.rank() > 0) {
            let rows = x.dims()[..x.rank() - 1].iter().product::<usize>();
            if x.dims().last() == Some(&inputs) {
                let y = self.reshape(&[rows, inputs])?.linear_with_feedback(weight, bias, feedback)?;
                return y.reshape(x.with_dim(x.rank() - 1, outputs).dims());
            }
        }
        let y = value_of(self, |x| x.linear(weight, bias))?;
        Ok(record(Op::LinearFeedback, [self, weight, feedback], bias, y))
    }

    /// The convolution [`conv2d`](Self::conv2d) of x with W, with dx through B in place of W: both `[O, C, kh, kw]`.
    ///
    /// # Errors
    /// As [`conv2d`](Self::conv2d); [`Error::Shapes`] if B has not the shape of W.
    pub fn conv2d_with_feedback(
        self,
        weight: Self,
        bias: Option<Self>,
        stride: [usize; 2],
        padding: [usize; 2],
        feedback: Self,
    ) -> Result<Self, Error> {
        const OP: &str = "conv2d_with_feedback";
        same_shape(OP, weight, feedback)?;
        let shape = conv_shape(OP, self.shape(), weight.shape(), stride, padding)?;
        let y = value_of(self, |x| x.conv2d(weight, bias, stride, padding))?;
        Ok(record(Op::Conv2dFeedback(shape), [self, weight, feedback], bias, y))
    }
}

fn same_shape<S: Scalar>(op: &'static str, weight: Var<'_, S>, feedback: Var<'_, S>) -> Result<(), Error> {
    weight.tape.check_same(op, &[feedback])?;
    if weight.shape() == feedback.shape() {
        return Ok(());
    }
    Err(Error::shapes(op, feedback.shape(), weight.shape(), "the weights of the way back have the shape of W"))
}

/// The value alone.
fn value_of<'t, S: Scalar>(
    x: Var<'t, S>,
    f: impl FnOnce(Var<'t, S>) -> Result<Var<'t, S>, Error>,
) -> Result<Var<'t, S>, Error> {
    let _pause = x.tape.stop_recording();
    f(x)
}

/// Shares the buffer of `y`.
fn record<'t, S: Scalar>(op: Op, inputs: [Var<'t, S>; 3], bias: Option<Var<'t, S>>, y: Var<'t, S>) -> Var<'t, S> {
    let [x, weight, feedback] = inputs;
    match bias {
        None => x.tape.record(op, &inputs, y.value(), Saved::Nothing),
        Some(bias) => x.tape.record(op, &[x, weight, feedback, bias], y.value(), Saved::Nothing),
    }
}

pub(super) fn linear_backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, feedback, dy) = (rule.x(0), rule.x(2), rule.dy());
    if rule.needs(0) {
        rule.give(0, dy.matmul(feedback)?)?;
    }
    if rule.needs(1) {
        rule.give(1, dy.matmul_with(Transpose::Yes, x, Transpose::No)?)?;
    }
    if rule.inputs() == 4 && rule.needs(3) {
        rule.give(3, dy.sum_to(rule.x(3).shape())?)?;
    }
    Ok(())
}

pub(super) fn conv2d_backward<S: Scalar>(shape: Conv2d, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, feedback, dy) = (rule.x(0), rule.x(2), rule.dy());
    if rule.needs(0) {
        rule.give(0, convolve_input(shape, dy, feedback)?)?;
    }
    if rule.needs(1) {
        rule.give(1, convolve_weight(shape, x, dy)?)?;
    }
    if rule.inputs() == 4 && rule.needs(3) {
        rule.give(3, channel_sum(dy)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateGraph, Tape, Tensor, grad};

    type Product = for<'t> fn(&[Var<'t, f64>], Option<Var<'t, f64>>) -> Result<Var<'t, f64>, Error>;

    fn filled(dims: &[usize], from: f64) -> Tensor<f64> {
        Tensor::from_fn(dims, |i| (from + 1.7 * i as f64).sin()).unwrap()
    }

    /// Σ y² / 2 and its gradients with respect to x, W, b.
    fn gradients(
        dims: [&[usize]; 3],
        feedback: Option<&Tensor<f64>>,
        create_graph: CreateGraph,
        f: Product,
    ) -> Vec<Tensor<f64>> {
        let tape = Tape::new();
        let leaves: Vec<_> = dims.iter().zip([0.1, 0.7, 1.9]).map(|(dims, at)| tape.leaf(filled(dims, at))).collect();
        let y = f(&leaves, feedback.map(|b| tape.constant(b.clone()))).unwrap();
        let loss = y.square().unwrap().sum().unwrap().mul_scalar(0.5).unwrap();
        let mut all = vec![y.value()];
        all.extend(grad(loss, &leaves, create_graph).unwrap().iter().map(|g| g.value()));
        all
    }

    fn linear<'t>(v: &[Var<'t, f64>], feedback: Option<Var<'t, f64>>) -> Result<Var<'t, f64>, Error> {
        match feedback {
            None => v[0].linear(v[1], Some(v[2])),
            Some(b) => v[0].linear_with_feedback(v[1], Some(v[2]), b),
        }
    }

    fn conv<'t>(v: &[Var<'t, f64>], feedback: Option<Var<'t, f64>>) -> Result<Var<'t, f64>, Error> {
        match feedback {
            None => v[0].conv2d(v[1], Some(v[2]), [2, 1], [1, 1]),
            Some(b) => v[0].conv2d_with_feedback(v[1], Some(v[2]), [2, 1], [1, 1], b),
        }
    }

    /// With B = W they are back-propagation; with another B only dx is another one, and it is linear in B.
    #[test]
    fn only_the_way_back_is_another_one() {
        const LINEAR: [&[usize]; 3] = [&[2, 3, 4], &[5, 4], &[5]];
        const CONV: [&[usize]; 3] = [&[2, 3, 5, 4], &[2, 3, 3, 2], &[2]];
        for create_graph in [CreateGraph::No, CreateGraph::Yes] {
            for (dims, f) in [(LINEAR, linear as Product), (CONV, conv)] {
                let w = filled(dims[1], 0.7);
                let plain = gradients(dims, None, create_graph, f);
                assert_eq!(gradients(dims, Some(&w), create_graph, f), plain, "B = W");
                let other = filled(dims[1], 2.3);
                let through = gradients(dims, Some(&other), create_graph, f);
                assert_eq!((&through[0], &through[2..]), (&plain[0], &plain[2..]), "y, dW, db");
                // dx(B) by the definition: what back-propagation through B would send, for the same dy.
                let dx = plain_backward(dims, &plain[0], &other, f);
                for (a, b) in through[1].as_slice().iter().zip(dx.as_slice()) {
                    approx::assert_relative_eq!(a, b, max_relative = 1e-13, epsilon = 1e-13);
                }
            }
        }
    }

    /// dx of ⟨f(x; B), dy⟩, which is linear in x.
    fn plain_backward(dims: [&[usize]; 3], dy: &Tensor<f64>, b: &Tensor<f64>, f: Product) -> Tensor<f64> {
        let tape = Tape::new();
        let v =
            [tape.leaf(filled(dims[0], 0.1)), tape.constant(b.clone()), tape.constant(Tensor::zeros(dims[2]).unwrap())];
        let loss = f(&v, None).unwrap().mul(tape.constant(dy.clone())).unwrap().sum().unwrap();
        grad(loss, &v[..1], CreateGraph::No).unwrap()[0].value()
    }

    #[test]
    fn weights_of_another_shape_are_refused() {
        let tape = Tape::<f32>::new();
        let leaf = |dims: &[usize]| tape.leaf(Tensor::zeros(dims).unwrap());
        let error = leaf(&[1, 2]).linear_with_feedback(leaf(&[3, 2]), None, leaf(&[2, 3])).map(drop).unwrap_err();
        assert!(error.to_string().contains("the weights of the way back have the shape of W"), "{error}");
        assert!(leaf(&[1, 4]).linear_with_feedback(leaf(&[3, 2]), None, leaf(&[3, 2])).is_err());
        assert!(leaf(&[]).linear_with_feedback(leaf(&[3, 2]), None, leaf(&[3, 2])).is_err());
        let image = leaf(&[1, 1, 4, 4]);
        let (w, b) = (leaf(&[2, 1, 3, 3]), leaf(&[2, 1, 2, 3]));
        assert!(image.conv2d_with_feedback(w, None, [1, 1], [0, 0], b).is_err());
        let other = Tape::new();
        let far = other.leaf(Tensor::zeros(&[3, 2]).unwrap());
        let error = leaf(&[1, 2]).linear_with_feedback(leaf(&[3, 2]), None, far).map(drop).unwrap_err();
        assert_eq!(error, Error::DifferentTapes { op: "linear_with_feedback" });
    }
}
