//! Layer and group normalisation, on one operation that normalises rows.

use super::{KeepDims, Op};
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = (x − mean) / √(variance + `epsilon`) · weight + bias, mean and (biased) variance over the axes from `axis` on
    /// (Ba et al., 2016, eq 3). `weight` and `bias` have the shape of those axes.
    ///
    /// # Errors
    /// [`Error::Axis`] if there is no such axis; [`Error::Shapes`] if weight or bias has another shape;
    /// [`Error::Value`] unless `epsilon` > 0.
    pub fn layer_norm(
        self,
        axis: usize,
        weight: Option<Self>,
        bias: Option<Self>,
        epsilon: f64,
    ) -> Result<Self, Error> {
        const OP: &str = "layer_norm";
        let shape = self.shape();
        let Some(row) = shape.dims().get(axis..).filter(|row| !row.is_empty()) else {
            return Err(Error::axis(OP, axis, shape));
        };
        let mut y = normalize(OP, self, row.iter().product(), epsilon)?;
        for (i, p) in [weight, bias].into_iter().enumerate() {
            let Some(p) = p else { continue };
            if p.shape().dims() != row {
                return Err(Error::shapes(
                    OP,
                    shape,
                    p.shape(),
                    "weight and bias have the shape of the normalised axes",
                ));
            }
            y = if i == 0 { y.mul(p)? } else { y.add(p)? };
        }
        Ok(y)
    }

    /// As [`layer_norm`](Self::layer_norm), but over each of `groups` equal groups of channels of x `[N, C, …]`, with
    /// weight and bias `[C]` (Wu & He, 2018, eq 7).
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two axes; [`Error::Value`] if `groups` does not divide C or `epsilon` is not
    /// positive; [`Error::Shapes`] if weight or bias is not `[C]`.
    pub fn group_norm(
        self,
        groups: usize,
        weight: Option<Self>,
        bias: Option<Self>,
        epsilon: f64,
    ) -> Result<Self, Error> {
        const OP: &str = "group_norm";
        let shape = self.shape();
        let &[_, channels, ref rest @ ..] = shape.dims() else {
            return Err(Error::shape(OP, shape, "it needs a batch and a channel axis, [N, C, …]"));
        };
        if groups == 0 || channels % groups != 0 {
            let message = format!("{channels} channels cannot be cut into {groups} equal groups; choose a divisor");
            return Err(Error::Value { op: OP, message });
        }
        let mut y = normalize(OP, self, channels / groups * rest.iter().product::<usize>(), epsilon)?;
        let mut column = [1; Shape::MAX_RANK];
        column[0] = channels;
        for (i, p) in [weight, bias].into_iter().enumerate() {
            let Some(p) = p else { continue };
            if p.shape().dims() != [channels] {
                return Err(Error::shapes(
                    OP,
                    shape,
                    p.shape(),
                    "weight and bias have one entry for each channel, [C]",
                ));
            }
            let p = p.reshape(&column[..=rest.len()])?;
            y = if i == 0 { y.mul(p)? } else { y.add(p)? };
        }
        Ok(y)
    }
}

/// Each run of `len` elements, less its mean, over √(variance + ε). Saves 1/√(variance + ε) of each.
fn normalize<'t, S: Scalar>(op: &'static str, x: Var<'t, S>, len: usize, epsilon: f64) -> Result<Var<'t, S>, Error> {
    if epsilon.is_nan() || epsilon <= 0.0 {
        return Err(Error::Value { op, message: format!("epsilon is {epsilon}; it must be positive") });
    }
    let shape = x.shape();
    let rows = shape.len().checked_div(len).unwrap_or(0);
    let mut inverse = x.tape.take(op, Shape::from_dims(&[rows]))?;
    let y = x.tape.compute(op, shape, [x], |[x], y, _| {
        let Some(inverse) = inverse.as_unique_mut().filter(|_| len > 0) else { return Ok(()) };
        let n = S::from_usize(len);
        for ((x, y), inverse) in x.chunks_exact(len).zip(y.chunks_exact_mut(len)).zip(inverse) {
            let mean = nl_kernels::sum(x) / n;
            for (y, &x) in y.iter_mut().zip(x) {
                *y = x - mean;
            }
            *inverse = S::ONE / (nl_kernels::sum_squares(y) / n + S::from_f64(epsilon)).sqrt();
            nl_kernels::scale(*inverse, y);
        }
        Ok(())
    })?;
    Ok(x.tape.record(Op::Normalize { len, epsilon }, &[x], y, Saved::Values(inverse)))
}

/// dx = (dy − mean(dy) − y mean(dy y)) / √(variance + ε).
pub(super) fn backward<'t, S: Scalar>(len: usize, epsilon: f64, rule: &mut Backward<'t, '_, S>) -> Result<(), Error> {
    let (x, y, dy) = (rule.x(0), rule.y(), rule.dy());
    let shape = x.shape();
    let Some(inverse) = rule.saved_values() else { return Ok(()) };
    if rule.fused() {
        let dx = rule.kernel(shape, [y, dy, inverse], |[y, dy, inverse], dx, _| {
            let n = S::from_usize(len.max(1));
            let rows = y.chunks_exact(len.max(1)).zip(dy.chunks_exact(len.max(1)));
            for (((y, dy), dx), &inverse) in rows.zip(dx.chunks_exact_mut(len.max(1))).zip(inverse) {
                let (mean, slope) = (nl_kernels::sum(dy) / n, nl_kernels::dot(dy, y)? / n);
                for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                    *dx = (dy - mean - y * slope) * inverse;
                }
            }
            Ok(())
        })?;
        return rule.give(0, dx);
    }
    let matrix = [shape.len().checked_div(len).unwrap_or(0), len];
    let (x, y, dy) = (x.reshape(&matrix)?, y.reshape(&matrix)?, dy.reshape(&matrix)?);
    let mean = |v: Var<'t, S>| v.mean_axes(&[1], KeepDims::Yes);
    let variance = mean(x.sub(mean(x)?)?.square()?)?;
    let inverse = variance.add_scalar(epsilon)?.sqrt()?.recip()?;
    let dx = dy.sub(mean(dy)?)?.sub(y.mul(mean(dy.mul(y)?)?)?)?.mul(inverse)?;
    rule.give(0, dx.reshape(shape.dims())?)
}
