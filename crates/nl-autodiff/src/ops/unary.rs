//! Functions of one number, element by element: y = f(x), dx = dy f′(x).

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Var};
use core::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, TAU};
use nl_kernels::Unary;

#[allow(clippy::should_implement_trait, reason = "an operator could not return an error")]
impl<'t, S: Scalar> Var<'t, S> {
    /// y = f(x), element by element, for any [`Unary`] function; the named methods call it.
    ///
    /// # Errors
    /// None for the functions of this crate's table; a kernel may refuse an impossible shape.
    pub fn unary(self, f: Unary) -> Result<Self, Error> {
        self.tape.apply(name(f), Op::Unary(f), self.shape(), [self], |[x], y, _| nl_kernels::unary(f, x, y))
    }

    /// y = −x; dy/dx = −1.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn neg(self) -> Result<Self, Error> {
        self.unary(Unary::Neg)
    }

    /// y = |x|; dy/dx = sign(x), 0 at 0.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn abs(self) -> Result<Self, Error> {
        self.unary(Unary::Abs)
    }

    /// y = −1, 0 or 1; dy/dx = 0.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn sign(self) -> Result<Self, Error> {
        self.unary(Unary::Sign)
    }

    /// y = 1 where x > 0, else 0 (Heaviside's step, the spike function); dy/dx = 0. For a surrogate gradient see
    /// [`straight_through`](Self::straight_through).
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn step(self) -> Result<Self, Error> {
        self.unary(Unary::Step)
    }

    /// y = e^x; dy/dx = y.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn exp(self) -> Result<Self, Error> {
        self.unary(Unary::Exp)
    }

    /// y = ln x; dy/dx = 1/x.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn log(self) -> Result<Self, Error> {
        self.unary(Unary::Log)
    }

    /// y = √x; dy/dx = 1 / 2y.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn sqrt(self) -> Result<Self, Error> {
        self.unary(Unary::Sqrt)
    }

    /// y = x²; dy/dx = 2x.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn square(self) -> Result<Self, Error> {
        self.unary(Unary::Square)
    }

    /// y = 1/x; dy/dx = −y².
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn recip(self) -> Result<Self, Error> {
        self.unary(Unary::Recip)
    }

    /// y = max(x, 0), NaN stays NaN; dy/dx = 1 where x > 0 (or NaN), else 0.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn relu(self) -> Result<Self, Error> {
        self.unary(Unary::Relu)
    }

    /// y = 1 / (1 + e^−x); dy/dx = y (1 − y).
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn sigmoid(self) -> Result<Self, Error> {
        self.unary(Unary::Sigmoid)
    }

    /// y = tanh x; dy/dx = 1 − y².
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn tanh(self) -> Result<Self, Error> {
        self.unary(Unary::Tanh)
    }

    /// y = ln(1 + e^x); dy/dx = sigmoid(x).
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn softplus(self) -> Result<Self, Error> {
        self.unary(Unary::Softplus)
    }

    /// y = x Φ(x), Φ the normal distribution function; dy/dx = Φ(x) + x φ(x). The exact form of Hendrycks & Gimpel
    /// (2016), not their tanh approximation.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn gelu(self) -> Result<Self, Error> {
        self.unary(Unary::Gelu)
    }

    /// y = 2/√π ∫₀ˣ e^(−t²) dt; dy/dx = 2/√π e^(−x²).
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn erf(self) -> Result<Self, Error> {
        self.unary(Unary::Erf)
    }
}

const fn name(f: Unary) -> &'static str {
    match f {
        Unary::Neg => "neg",
        Unary::Abs => "abs",
        Unary::Sign => "sign",
        Unary::Step => "step",
        Unary::Exp => "exp",
        Unary::Log => "log",
        Unary::Sqrt => "sqrt",
        Unary::Square => "square",
        Unary::Recip => "recip",
        Unary::Relu => "relu",
        Unary::Sigmoid => "sigmoid",
        Unary::Tanh => "tanh",
        Unary::Softplus => "softplus",
        Unary::Gelu => "gelu",
        Unary::Erf => "erf",
        _ => "unary",
    }
}

pub(super) fn backward<S: Scalar>(f: Unary, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (x, y, dy) = (rule.x(0), rule.y(), rule.dy());
    if rule.fused() {
        let dx = rule.kernel(x.shape(), [x, y, dy], |[x, y, dy], dx, _| nl_kernels::unary_grad(f, x, y, dy, dx))?;
        return rule.give(0, dx);
    }
    let dx = match f {
        Unary::Neg => dy.neg()?,
        Unary::Abs => dy.mul(x.sign()?)?,
        Unary::Sign | Unary::Step => return Ok(()),
        Unary::Exp => dy.mul(y)?,
        Unary::Log => dy.div(x)?,
        Unary::Sqrt => dy.div(y)?.mul_scalar(0.5)?,
        Unary::Square => dy.mul(x)?.mul_scalar(2.0)?,
        Unary::Recip => dy.mul(y.square()?)?.neg()?,
        Unary::Relu => dy.mul(super::activation::slopes(x, super::activation::relu_slope)?)?,
        Unary::Sigmoid => dy.mul(y.mul(y.rsub_scalar(1.0)?)?)?,
        Unary::Tanh => dy.mul(y.square()?.rsub_scalar(1.0)?)?,
        Unary::Softplus => dy.mul(x.sigmoid()?)?,
        Unary::Gelu => {
            let cumulative = x.mul_scalar(FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)?;
            let density = x.square()?.mul_scalar(-0.5)?.exp()?.mul_scalar(TAU.sqrt().recip())?;
            dy.mul(cumulative.add(x.mul(density)?)?)?
        }
        Unary::Erf => dy.mul(x.square()?.neg()?.exp()?)?.mul_scalar(FRAC_2_SQRT_PI)?,
        _ => return Err(Error::Value { op: "grad", message: format!("{f:?} has no second derivative here") }),
    };
    rule.give(0, dx)
}

#[cfg(test)]
mod tests {
    use crate::{CreateGraph, Error, Tape, Tensor, grad};
    use nl_kernels::Unary;

    /// The fused slope of each function equals the one stated in operations.
    #[test]
    fn fused_and_recorded_slopes_agree() -> Result<(), Error> {
        for f in Unary::ALL {
            let tape = Tape::<f64>::new();
            let x = tape.leaf(Tensor::from_fn(&[7], |i| 0.3 + 0.25 * i as f64)?);
            let y = x.unary(f)?.square()?.sum()?;
            let fused = grad(y, &[x], CreateGraph::No)?[0].value();
            let recorded = grad(y, &[x], CreateGraph::Yes)?[0].value();
            for (a, b) in fused.as_slice().iter().zip(recorded.as_slice()) {
                let close = approx::relative_eq!(a, b, epsilon = 1e-14, max_relative = 1e-14);
                assert!(close, "{f:?}: {a} {b}");
            }
        }
        Ok(())
    }
}
