//! Scaled dot-product attention of several heads, as one operation that keeps nothing but its weights.

use super::{Op, recompute};
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Tensor, Transpose, Var};
use nl_kernels::{Attention, Operands};

/// Which steps a step attends to, in self-attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mask {
    /// None that comes after it.
    pub causal: bool,
    /// None that is further away than so many steps.
    pub window: Option<usize>,
}

impl<'t, S: Scalar> Var<'t, S> {
    /// Self-attention: x `[T, B, 3 · D]` holds each step's query, key and value behind one another (as one linear map makes them);
    /// y `[T, B, D]`, y_t = Σ_s softmax_s(q_t · k_s / √w) v_s for each of `heads` heads of w = D / heads features.
    ///
    /// Source: Vaswani et al., "Attention is all you need", 2017, eq. 1 and section 3.2.2.
    ///
    /// ```
    /// use nl_autodiff::{Mask, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::new(&[2, 1, 3], vec![0.0f64, 0.0, 1.0, 0.0, 0.0, 3.0])?);
    /// assert_eq!(x.self_attention(1, Mask::default())?.value().as_slice(), [2.0, 2.0]); // the mean of the values
    /// assert_eq!(x.self_attention(1, Mask { causal: true, window: None })?.value().as_slice(), [1.0, 2.0]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for other axes; [`Error::Value`] if the heads do not divide the features.
    pub fn self_attention(self, heads: usize, mask: Mask) -> Result<Self, Error> {
        const OP: &str = "self_attention";
        let x = self.shape();
        let &[steps, batch, wide] = x.dims() else {
            return Err(Error::shape(OP, x, "queries, keys and values have three axes, [T, B, 3 · D]"));
        };
        if wide % 3 != 0 {
            return Err(Error::shape(OP, x, "the last axis holds query, key and value, each as long as the others"));
        }
        let window = mask.window.unwrap_or(usize::MAX);
        let width = width(OP, wide / 3, heads)?;
        let shape = Attention { batch, heads, width, queries: steps, keys: steps, causal: mask.causal, window };
        let y = Shape::new(&[steps, batch, wide / 3])?;
        let mut weights = self.tape.take(OP, Shape::new(&[batch, heads, steps, steps])?)?;
        let value = self.tape.compute(OP, y, [self], |[x], y, scratch| {
            let Some(weights) = weights.as_unique_mut() else { return Ok(()) };
            nl_kernels::attention(&shape, Operands::Packed(x), y, weights, scratch)
        })?;
        Ok(self.tape.record(Op::Attention(shape), &[self], value, Saved::Values(weights)))
    }

    /// Attention to another sequence: queries q `[T, B, D]`; keys and values of the other behind one another, `[S, B, 2 · D]`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not fit; [`Error::Value`] if the heads do not divide the features;
    /// [`Error::DifferentTapes`].
    pub fn attention(self, keys_values: Self, heads: usize) -> Result<Self, Error> {
        const OP: &str = "attention";
        let (q, kv) = (self.shape(), keys_values.shape());
        let (&[queries, batch, features], &[keys, rows, wide]) = (q.dims(), kv.dims()) else {
            return Err(Error::shapes(OP, q, kv, "queries are [T, B, D], keys and values [S, B, 2 · D]"));
        };
        if rows != batch || features.checked_mul(2) != Some(wide) {
            return Err(Error::shapes(OP, q, kv, "queries are [T, B, D], keys and values [S, B, 2 · D]"));
        }
        let width = width(OP, features, heads)?;
        let shape = Attention { batch, heads, width, queries, keys, causal: false, window: usize::MAX };
        let mut weights = self.tape.take(OP, Shape::new(&[batch, heads, queries, keys])?)?;
        let value = self.tape.compute(OP, q, [self, keys_values], |[q, kv], y, scratch| {
            let Some(weights) = weights.as_unique_mut() else { return Ok(()) };
            nl_kernels::attention(&shape, Operands::Apart(q, kv), y, weights, scratch)
        })?;
        Ok(self.tape.record(Op::Attention(shape), &[self, keys_values], value, Saved::Values(weights)))
    }
}

/// Features of a head.
fn width(op: &'static str, features: usize, heads: usize) -> Result<usize, Error> {
    if heads == 0 || !features.is_multiple_of(heads) {
        let message = format!("{heads} heads do not divide {features} features; choose a divisor");
        return Err(Error::Value { op, message });
    }
    Ok(features / heads)
}

/// The same, stated in operations: what is differentiated again.
fn composed<'t, S: Scalar>(shape: &Attention, v: &[Var<'t, S>]) -> Result<Var<'t, S>, Error> {
    let Attention { batch, heads, width, queries, keys, .. } = *shape;
    let features = heads * width;
    let part = |x: Var<'t, S>, which: usize, steps: usize| {
        let x = x.slice(2, which * features..(which + 1) * features)?.reshape(&[steps, batch, heads, width])?;
        x.permute(&[1, 2, 0, 3])
    };
    let (q, k, v) = match *v {
        [qkv] => (part(qkv, 0, queries)?, part(qkv, 1, keys)?, part(qkv, 2, keys)?),
        _ => (part(v[0], 0, queries)?, part(v[1], 0, keys)?, part(v[1], 1, keys)?),
    };
    // What is not seen: so far below that its weight is 0.
    let hidden = Tensor::from_fn(&[queries, keys], |i| {
        S::from_f64(if shape.seen(i / keys).contains(&(i % keys)) { 0.0 } else { -1e30 })
    })?;
    let scores = q.matmul_with(Transpose::No, k, Transpose::Yes)?.mul_scalar(1.0 / (width as f64).sqrt())?;
    let y = scores.add(q.tape.constant(hidden))?.softmax()?.matmul(v)?;
    y.permute(&[2, 0, 1, 3])?.reshape(&[queries, batch, features])
}

pub(super) fn backward<S: Scalar>(shape: Attention, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    const OP: &str = "attention";
    if !rule.fused() {
        return recompute(rule, |v| composed(&shape, v));
    }
    let Some(weights) = rule.saved_values() else { return Ok(()) };
    let (tape, x, dy) = (rule.tape(), rule.x(0), rule.dy());
    if rule.inputs() == 1 {
        let dx = rule.kernel(x.shape(), [x, weights, dy], |[x, weights, dy], dx, scratch| {
            nl_kernels::attention_grad(&shape, Operands::Packed(x), weights, dy, Operands::Packed(dx), scratch)
        })?;
        return rule.give(0, dx);
    }
    let kv = rule.x(1);
    let mut dkv = tape.take(OP, kv.shape())?;
    let dq = rule.kernel(x.shape(), [x, kv, weights, dy], |[x, kv, weights, dy], dq, scratch| {
        let Some(dkv) = dkv.as_unique_mut() else { return Ok(()) };
        nl_kernels::attention_grad(&shape, Operands::Apart(x, kv), weights, dy, Operands::Apart(dq, dkv), scratch)
    })?;
    let dkv = tape.record_constant(dkv);
    rule.give(0, dq)?;
    rule.give(1, dkv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateGraph, Tape, grad, gradcheck, gradgradcheck};

    fn numbers(dims: &[usize], salt: usize) -> Tensor<f64> {
        Tensor::from_fn(dims, |i| 2.0 * (0.618_033_988_749_894_9 * (i + 1 + 101 * salt) as f64).fract() - 1.0).unwrap()
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composition() -> Result<(), Error> {
        for (causal, window) in [(false, None), (true, None), (true, Some(1)), (false, Some(2))] {
            let tape = Tape::new();
            let x = tape.leaf(numbers(&[5, 2, 12], 1));
            let weights = tape.constant(numbers(&[5, 2, 4], 2));
            let window_or = window.unwrap_or(usize::MAX);
            let shape = Attention { batch: 2, heads: 2, width: 2, queries: 5, keys: 5, causal, window: window_or };
            let [(y, dx), (want, dwant)] = [x.self_attention(2, Mask { causal, window })?, composed(&shape, &[x])?]
                .map(|y| (y.value(), grad(y.mul(weights).unwrap().sum().unwrap(), &[x], CreateGraph::No).unwrap()));
            approx::assert_abs_diff_eq!(y.as_slice(), want.as_slice(), epsilon = 1e-14);
            approx::assert_abs_diff_eq!(dx[0].value().as_slice(), dwant[0].value().as_slice(), epsilon = 1e-14);
        }
        Ok(())
    }

    #[test]
    fn first_and_second_derivatives() -> Result<(), Error> {
        let x = [numbers(&[3, 2, 12], 1)];
        for (causal, window) in [(false, None), (true, None), (true, Some(1))] {
            let mask = Mask { causal, window };
            gradcheck(move |v| v[0].self_attention(2, mask), &x)?;
            gradgradcheck(move |v| v[0].self_attention(2, mask), &x)?;
        }
        let (q, kv) = (numbers(&[2, 2, 4], 1), numbers(&[3, 2, 8], 2));
        gradcheck(|v| v[0].attention(v[1], 2), &[q.clone(), kv.clone()])?;
        gradgradcheck(|v| v[0].attention(v[1], 2), &[q, kv])?;
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() -> Result<(), Error> {
        let tape = Tape::<f64>::new();
        let of = |dims: &[usize]| tape.leaf(Tensor::zeros(dims).unwrap());
        let mask = Mask::default();
        assert!(of(&[2, 3, 12]).self_attention(2, mask).is_ok());
        assert!(of(&[2, 3, 12]).self_attention(3, mask).is_err());
        assert!(of(&[2, 3, 12]).self_attention(0, mask).is_err());
        assert!(of(&[2, 3, 10]).self_attention(1, mask).is_err());
        assert!(of(&[2, 12]).self_attention(1, mask).is_err());
        assert!(of(&[2, 3, 4]).attention(of(&[5, 3, 8]), 2).is_ok());
        assert!(of(&[2, 3, 4]).attention(of(&[5, 2, 8]), 2).is_err());
        assert!(of(&[2, 3, 4]).attention(of(&[5, 3, 4]), 2).is_err());
        // No steps, no samples: nothing comes of them, also on the way back.
        for dims in [[0, 3, 12], [2, 0, 12], [2, 3, 0]] {
            let x = of(&dims);
            let dx = grad(x.self_attention(2, mask)?.sum()?, &[x], CreateGraph::No)?[0];
            assert_eq!(dx.shape().dims(), dims);
        }
        Ok(())
    }
}
