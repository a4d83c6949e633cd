//! An operation of somebody else: a kernel forward, a kernel back, and the same stated in operations.

use std::sync::Arc;

use nl_kernels::Scratch;

use super::{Op, recompute_if};
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Tensor, Var};

/// What an operation is given.
#[derive(Clone, Copy)]
pub struct Operand<'a, S> {
    /// Its shape.
    pub shape: Shape,
    /// Its elements, row-major.
    pub values: &'a [S],
}

/// An operation that is not in this crate: kernels of your own on a tape.
///
/// ```
/// use std::sync::Arc;
/// use nl_autodiff::{CustomOp, Error, Operand, Scalar, Shape, Tape, Tensor, Var, gradcheck, gradgradcheck};
/// use nl_kernels::Scratch;
///
/// /// y = x³
/// struct Cube;
/// impl<S: Scalar> CustomOp<S> for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
///         Ok(inputs[0])
///     }
///     fn forward(&self, x: &[Operand<'_, S>], y: &mut [S], _: &mut Scratch) -> Result<(), Error> {
///         y.iter_mut().zip(x[0].values).for_each(|(y, &x)| *y = x * x * x);
///         Ok(())
///     }
///     fn backward(
///         &self,
///         x: &[Operand<'_, S>],
///         _: &[S],
///         dy: &[S],
///         gradients: &mut [Option<&mut [S]>],
///         _: &mut Scratch,
///     ) -> Result<(), Error> {
///         if let Some(dx) = &mut gradients[0] {
///             dx.iter_mut().zip(x[0].values).zip(dy).for_each(|((dx, &x), &dy)| *dx = S::from_f64(3.0) * x * x * dy);
///         }
///         Ok(())
///     }
///     fn composed<'t>(&self, x: &[Var<'t, S>]) -> Option<Result<Var<'t, S>, Error>> {
///         Some(x[0].square().and_then(|square| square.mul(x[0])))
///     }
/// }
///
/// let x = [Tensor::new(&[2], vec![0.5, -2.0])?];
/// gradcheck(|x| x[0].custom(Arc::new(Cube), &[]), &x)?;
/// gradgradcheck(|x| x[0].custom(Arc::new(Cube), &[]), &x)?;
/// # Ok::<(), Error>(())
/// ```
pub trait CustomOp<S: Scalar>: Send + Sync {
    /// What it is called in messages.
    fn name(&self) -> &'static str;

    /// The shape of its output for inputs of these shapes.
    ///
    /// # Errors
    /// If they do not fit.
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error>;

    /// Whether most elements of its output are 0, as of spikes; see [`Var::sparse`].
    fn sparse(&self) -> bool {
        false
    }

    /// Writes all of the output.
    ///
    /// # Errors
    /// Whatever may be wrong.
    fn forward(&self, inputs: &[Operand<'_, S>], y: &mut [S], scratch: &mut Scratch) -> Result<(), Error>;

    /// Writes all of the gradient of each input that somebody needs.
    ///
    /// # Errors
    /// Whatever may be wrong.
    fn backward(
        &self,
        inputs: &[Operand<'_, S>],
        y: &[S],
        dy: &[S],
        gradients: &mut [Option<&mut [S]>],
        scratch: &mut Scratch,
    ) -> Result<(), Error>;

    /// The same, stated in operations: what is differentiated where gradients are differentiated again. None: its gradients are
    /// numbers, and to differentiate them is an error.
    fn composed<'t>(&self, inputs: &[Var<'t, S>]) -> Option<Result<Var<'t, S>, Error>> {
        let _ = inputs;
        None
    }
}

/// Inputs that an operation may have.
const MOST: usize = 16;

/// `f` with the operands, which stand in an array: nothing is allocated.
fn with_operands<S: Scalar, R>(values: &[Option<Tensor<S>>; MOST], f: impl FnOnce(&[Operand<'_, S>]) -> R) -> R {
    let n = values.iter().take_while(|value| value.is_some()).count();
    let operands = values.each_ref().map(|value| match value {
        Some(value) => Operand { shape: value.shape(), values: value.as_slice() },
        None => Operand { shape: Shape::from_dims(&[0]), values: &[] },
    });
    f(&operands[..n])
}

impl<'t, S: Scalar> Var<'t, S> {
    /// The output of `op` for this variable and `others`.
    ///
    /// # Errors
    /// Those of the operation; [`Error::Value`] for more than 16 inputs; [`Error::DifferentTapes`].
    pub fn custom(self, op: Arc<dyn CustomOp<S>>, others: &[Self]) -> Result<Self, Error> {
        let name = op.name();
        if others.len() >= MOST {
            let message = format!("{} inputs, but at most {MOST} are taken; join some", others.len() + 1);
            return Err(Error::Value { op: name, message });
        }
        let n = others.len() + 1;
        let inputs: [Self; MOST] =
            core::array::from_fn(|i| if i == 0 { self } else { *others.get(i - 1).unwrap_or(&self) });
        let inputs = &inputs[..n];
        self.tape.check_same(name, inputs)?;
        let shapes: [Shape; MOST] =
            core::array::from_fn(|i| inputs.get(i).map_or(Shape::from_dims(&[0]), |v| v.shape()));
        let mut y = self.tape.take(name, op.shape(&shapes[..n])?)?;
        let values: [Option<Tensor<S>>; MOST] = core::array::from_fn(|i| inputs.get(i).map(|v| v.value()));
        if let Some(y) = y.as_unique_mut() {
            with_operands(&values, |x| op.forward(x, y, &mut self.tape.scratch.borrow_mut()))?;
        }
        drop(values);
        let sparse = op.sparse();
        let y = self.tape.record(Op::Custom, inputs, y, Saved::Custom(op));
        Ok(if sparse { y.sparse() } else { y })
    }

    /// Says that most elements are 0, as of spikes: a product with it ([`linear`](Self::linear)) then counts those that are not,
    /// and does the work of those only where that is faster. Sums are in another order then, so that the last digits may differ.
    #[must_use]
    pub fn sparse(self) -> Self {
        self.tape.mark_sparse(self.id);
        self
    }
}

pub(super) fn backward<S: Scalar>(rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let Some(op) = rule.saved_custom() else { return Ok(()) };
    if !rule.fused() && recompute_if(rule, |v| op.composed(v))? {
        return Ok(());
    }
    let (tape, n) = (rule.tape(), rule.inputs());
    let values: [Option<Tensor<S>>; MOST] = core::array::from_fn(|i| (i < n).then(|| rule.x(i).value()));
    let mut gradients: [Option<Tensor<S>>; MOST] = [const { None }; MOST];
    for (i, gradient) in gradients.iter_mut().enumerate().take(n) {
        if rule.needs(i) {
            *gradient = Some(tape.take(op.name(), rule.x(i).shape())?);
        }
    }
    let (y, dy) = (rule.y().value(), rule.dy().value());
    let mut slices = gradients.each_mut().map(|gradient| gradient.as_mut().and_then(Tensor::as_unique_mut));
    with_operands(&values, |x| {
        op.backward(x, y.as_slice(), dy.as_slice(), &mut slices[..n], &mut tape.scratch.borrow_mut())
    })?;
    for (i, gradient) in gradients.into_iter().enumerate() {
        if let Some(gradient) = gradient {
            let gradient = if rule.fused() {
                tape.record_constant(gradient)
            } else {
                // Of the inputs and of dy, but nobody knows how.
                tape.record(Op::Once, &[rule.x(i), rule.dy()], gradient, Saved::Nothing)
            };
            rule.give(i, gradient)?;
        }
    }
    Ok(())
}

/// The gradient of an operation that can be differentiated once.
pub(super) fn once_backward<S: Scalar>(_: &Backward<'_, '_, S>) -> Result<(), Error> {
    Err(Error::once("custom"))
}

impl Error {
    /// An operation has no second derivatives.
    fn once(op: &'static str) -> Self {
        let message =
            "it has no second derivatives; use gradients of it with CreateGraph::No, or an operation that has them";
        Self::Value { op, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    struct Two;

    impl<S: Scalar> CustomOp<S> for Two {
        fn name(&self) -> &'static str {
            "two"
        }

        fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
            Ok(inputs[0])
        }

        fn sparse(&self) -> bool {
            true
        }

        fn forward(&self, x: &[Operand<'_, S>], y: &mut [S], _: &mut Scratch) -> Result<(), Error> {
            for ((y, &a), &b) in y.iter_mut().zip(x[0].values).zip(x[1].values) {
                *y = a * b;
            }
            Ok(())
        }

        fn backward(
            &self,
            x: &[Operand<'_, S>],
            y: &[S],
            dy: &[S],
            gradients: &mut [Option<&mut [S]>],
            _: &mut Scratch,
        ) -> Result<(), Error> {
            assert!(y.len() == dy.len() && gradients.len() == 2 && gradients[1].is_none(), "nobody needs the second");
            if let Some(da) = &mut gradients[0] {
                for ((da, &b), &dy) in da.iter_mut().zip(x[1].values).zip(dy) {
                    *da = b * dy;
                }
            }
            Ok(())
        }
    }

    #[test]
    fn gradients_that_nobody_needs_are_not_asked_for() -> Result<(), Error> {
        let tape = Tape::<f64>::new();
        let (a, b) = (tape.leaf(Tensor::full(&[2], 3.0)?), tape.constant(Tensor::full(&[2], 5.0)?));
        let y = a.custom(Arc::new(Two), &[b])?;
        assert!(y.is_sparse() && !a.is_sparse());
        let da = crate::grad(y.sum()?, &[a], crate::CreateGraph::No)?[0].value();
        assert_eq!(da.as_slice(), [5.0, 5.0]);
        // Its gradient is a number: to differentiate it again is refused.
        let da = crate::grad(y.sum()?, &[a], crate::CreateGraph::Yes)?[0];
        assert_eq!(da.value().as_slice(), [5.0, 5.0]);
        let again = crate::grad(da.sum()?, &[a], crate::CreateGraph::No);
        assert!(again.unwrap_err().to_string().contains("no second derivatives"));
        let many = vec![a; MOST];
        assert!(a.custom(Arc::new(Two), &many).unwrap_err().to_string().contains("at most 16"));
        Ok(())
    }
}
