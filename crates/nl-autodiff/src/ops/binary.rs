//! Arithmetic of two tensors with broadcasting; gradients are summed back over stretched axes.

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Var};
use nl_kernels::Binary;

#[allow(clippy::should_implement_trait, reason = "an operator could not return an error")]
impl<'t, S: Scalar> Var<'t, S> {
    /// y = f(a, b), element by element; shapes are aligned at the last axis and axes of length 1 stretch. The named
    /// methods call it.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not broadcast; [`Error::DifferentTapes`].
    pub fn binary(self, f: Binary, other: Self) -> Result<Self, Error> {
        let (a, b) = (self.shape(), other.shape());
        let shape = a.broadcast_for(name(f), b)?;
        self.tape.apply(name(f), Op::Binary(f), shape, [self, other], |[x, z], y, _| {
            if a == b {
                return nl_kernels::binary(f, x, z, y);
            }
            let (p, q, rank) = (a.broadcast_strides(shape), b.broadcast_strides(shape), shape.rank());
            nl_kernels::binary_broadcast(f, x, &p[..rank], z, &q[..rank], shape.dims(), y)
        })
    }

    /// y = a + b.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let images = tape.constant(Tensor::full(&[2, 3], 1.0f32)?);
    /// let bias = tape.leaf(Tensor::new(&[3], vec![1.0, 2.0, 3.0])?);
    /// assert_eq!(images.add(bias)?.value().as_slice(), [2.0, 3.0, 4.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`binary`](Self::binary).
    pub fn add(self, other: Self) -> Result<Self, Error> {
        self.binary(Binary::Add, other)
    }

    /// y = a − b.
    ///
    /// # Errors
    /// As [`binary`](Self::binary).
    pub fn sub(self, other: Self) -> Result<Self, Error> {
        self.binary(Binary::Sub, other)
    }

    /// y = a b; da = dy b, db = dy a.
    ///
    /// # Errors
    /// As [`binary`](Self::binary).
    pub fn mul(self, other: Self) -> Result<Self, Error> {
        self.binary(Binary::Mul, other)
    }

    /// y = a / b; da = dy / b, db = −dy y / b.
    ///
    /// # Errors
    /// As [`binary`](Self::binary).
    pub fn div(self, other: Self) -> Result<Self, Error> {
        self.binary(Binary::Div, other)
    }

    /// y = max(a, b); dy goes to the larger one, half to each where they are equal.
    ///
    /// # Errors
    /// As [`binary`](Self::binary).
    pub fn maximum(self, other: Self) -> Result<Self, Error> {
        self.binary(Binary::Max, other)
    }

    /// y = min(a, b); dy goes to the smaller one, half to each where they are equal.
    ///
    /// # Errors
    /// As [`binary`](Self::binary).
    pub fn minimum(self, other: Self) -> Result<Self, Error> {
        self.binary(Binary::Min, other)
    }
}

const fn name(f: Binary) -> &'static str {
    match f {
        Binary::Add => "add",
        Binary::Sub => "sub",
        Binary::Mul => "mul",
        Binary::Div => "div",
        Binary::Max => "maximum",
        Binary::Min => "minimum",
        #[allow(unreachable_patterns, reason = "the enum may grow")]
        _ => "binary",
    }
}

pub(super) fn backward<S: Scalar>(f: Binary, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (a, b, dy) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        let da = match f {
            Binary::Add | Binary::Sub => dy,
            Binary::Mul => return mul_backward(rule),
            Binary::Div => dy.div(b)?,
            _ => dy.mul(share(f, a, b)?)?,
        };
        rule.give(0, da.sum_to(a.shape())?)?;
    }
    if rule.needs(1) {
        let db = match f {
            Binary::Add => dy.sum_to(b.shape())?,
            Binary::Sub => dy.sum_to(b.shape())?.neg()?,
            Binary::Mul => return mul_backward(rule),
            Binary::Div => dy.mul(rule.y())?.div(b)?.neg()?.sum_to(b.shape())?,
            _ => dy.mul(share(f, b, a)?)?.sum_to(b.shape())?,
        };
        rule.give(1, db)?;
    }
    Ok(())
}

fn mul_backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (a, b, dy) = (rule.x(0), rule.x(1), rule.dy());
    for (i, x, other) in [(0, a, b), (1, b, a)] {
        if rule.needs(i) {
            rule.give(i, dy.mul(other)?.sum_to(x.shape())?)?;
        }
    }
    Ok(())
}

/// The share of dy that goes to `x` under f(x, other): 1 where it was chosen, 1/2 where both are equal, else 0. Constant
/// between the kinks, so it is not differentiated.
fn share<'t, S: Scalar>(f: Binary, x: Var<'t, S>, other: Var<'t, S>) -> Result<Var<'t, S>, Error> {
    let pause = x.tape.stop_recording();
    let difference = if f == Binary::Max { x.sub(other)? } else { other.sub(x)? };
    let share = difference.sign()?.affine(0.5, 0.5);
    drop(pause);
    share
}
