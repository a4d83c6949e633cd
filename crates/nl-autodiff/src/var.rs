//! A handle to one value on a tape.

use crate::{Error, Scalar, Shape, Tape, Tensor};

/// A variable: a value on a [`Tape`]. `Copy`, and cheap; the operations are its methods (see [`crate::ops`]).
#[derive(Clone, Copy)]
pub struct Var<'t, S> {
    pub(crate) tape: &'t Tape<S>,
    pub(crate) id: u32,
}

impl<'t, S: Scalar> Var<'t, S> {
    /// The shape.
    #[must_use]
    pub fn shape(self) -> Shape {
        self.tape.graph.borrow().nodes[self.id as usize].value.shape
    }

    /// The value; shares the buffer. (Drop it before [`Tape::reset`], or the tape cannot reuse the buffer.)
    #[must_use]
    pub fn value(self) -> Tensor<S> {
        self.tape.graph.borrow().nodes[self.id as usize].value.clone()
    }

    /// The value of a variable with one element.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has more or fewer.
    pub fn item(self) -> Result<S, Error> {
        let value = self.value();
        match value.as_slice() {
            [x] => Ok(*x),
            _ => Err(Error::shape("item", value.shape, "exactly one element is needed; use value() for all of them")),
        }
    }

    /// Whether gradients flow to or through this variable.
    #[must_use]
    pub fn needs_grad(self) -> bool {
        self.tape.graph.borrow().nodes[self.id as usize].needs_grad
    }

    /// Whether it was said that most elements are 0; see [`sparse`](Self::sparse).
    #[must_use]
    pub fn is_sparse(self) -> bool {
        self.tape.graph.borrow().nodes[self.id as usize].sparse
    }

    /// The tape it is on.
    #[must_use]
    pub const fn tape(self) -> &'t Tape<S> {
        self.tape
    }
}

impl<S: Scalar> core::fmt::Debug for Var<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Var#{} {:?}", self.id, self.value())
    }
}
