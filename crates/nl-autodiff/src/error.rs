//! What can go wrong: shapes that do not fit, values out of range, variables of the wrong tape.

use crate::Shape;
use nl_kernels::ShapeError;

/// Why an operation was refused. Every message names the operation, the offending shapes or value, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two shapes do not fit together.
    #[error("{op}: shapes {} and {} do not fit; {advice}", shapes[0], shapes[1])]
    Shapes {
        /// The operation.
        op: &'static str,
        /// Both shapes, left and right (boxed, to keep `Result` small).
        shapes: Box<[Shape; 2]>,
        /// What to do.
        advice: &'static str,
    },
    /// One shape is not what the operation takes.
    #[error("{op}: shape {shape} is not allowed; {advice}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// The shape.
        shape: Box<Shape>,
        /// What to do.
        advice: &'static str,
    },
    /// More axes than [`Shape::MAX_RANK`].
    #[error("{op}: {rank} axes, but a shape has at most {}; merge some axes first", Shape::MAX_RANK)]
    Rank {
        /// The operation.
        op: &'static str,
        /// Axes asked for.
        rank: usize,
    },
    /// An axis that the shape has not got, or that is named twice.
    #[error("{op}: axis {axis} does not fit shape {shape}; name each axis once, counting from 0")]
    Axis {
        /// The operation.
        op: &'static str,
        /// The axis.
        axis: usize,
        /// The shape.
        shape: Box<Shape>,
    },
    /// An index (a class, a token, a row) beyond the end.
    #[error("{op}: index {index} is out of range; it must be below {limit}")]
    Index {
        /// The operation.
        op: &'static str,
        /// The index.
        index: usize,
        /// The first index that does not exist.
        limit: usize,
    },
    /// A slice with the wrong number of elements.
    #[error("{op}: `{what}` has {got} elements, but {expected} are needed; pass exactly that many")]
    Length {
        /// The operation.
        op: &'static str,
        /// The argument.
        what: &'static str,
        /// Elements needed.
        expected: usize,
        /// Elements found.
        got: usize,
    },
    /// A hyper-parameter outside its range.
    #[error("{op}: {message}")]
    Value {
        /// The operation.
        op: &'static str,
        /// The value, and its allowed range.
        message: String,
    },
    /// The memory that a result takes is not there.
    #[error("{op}: {bytes} bytes of memory are not there; use smaller sizes or a smaller batch, or free memory")]
    Memory {
        /// The operation.
        op: &'static str,
        /// Bytes asked for; `usize::MAX` if there are more than addresses.
        bytes: usize,
    },
    /// A variable of another tape was mixed in.
    #[error("{op}: the variables belong to different tapes; make all of them on the same tape")]
    DifferentTapes {
        /// The operation.
        op: &'static str,
    },
    /// A gradient was asked with respect to something no gradient flows to.
    #[error(
        "{op}: variable {index} of `wrt` is a constant, or was made while recording was paused; \
         make it with `Tape::leaf` or `Tape::bind`"
    )]
    Constant {
        /// The operation.
        op: &'static str,
        /// Position in `wrt`.
        index: usize,
    },
    /// A gradient check found a difference.
    #[error(
        "{op}: derivative of element {element} of input {input} is {difference}; fix the backward rule, or move the \
         input away from a kink"
    )]
    Check {
        /// `gradcheck` or `gradgradcheck`.
        op: &'static str,
        /// Which input.
        input: usize,
        /// Which element of it.
        element: usize,
        /// Both derivatives, their relative error, and the tolerance.
        difference: String,
    },
    /// A kernel refused its shape.
    #[error(transparent)]
    Kernel(#[from] ShapeError),
}

impl Error {
    /// [`Error::Shapes`].
    pub(crate) fn shapes(op: &'static str, left: Shape, right: Shape, advice: &'static str) -> Self {
        Self::Shapes { op, shapes: Box::new([left, right]), advice }
    }

    /// [`Error::Shape`].
    pub(crate) fn shape(op: &'static str, shape: Shape, advice: &'static str) -> Self {
        Self::Shape { op, shape: Box::new(shape), advice }
    }

    /// [`Error::Axis`].
    pub(crate) fn axis(op: &'static str, axis: usize, shape: Shape) -> Self {
        Self::Axis { op, axis, shape: Box::new(shape) }
    }
}
