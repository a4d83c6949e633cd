//! The one error of this crate: a shape that does not fit, or memory that is not there.

/// What is wrong with the arguments of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A slice is shorter or longer than the shape says.
    #[error("{op}: `{what}` has {got} elements, but the shape needs {expected}; pass a slice of that length")]
    Length {
        /// The kernel that was called.
        op: &'static str,
        /// The argument.
        what: &'static str,
        /// Elements the shape needs.
        expected: usize,
        /// Elements found.
        got: usize,
    },
    /// The shape itself is impossible (a zero stride, a kernel larger than its padded input, an overflow …).
    #[error("{op}: {message}")]
    Invalid {
        /// The kernel that was called.
        op: &'static str,
        /// What is wrong, with the offending values, and what to do.
        message: String,
    },
    /// The shape is possible, but the memory that it takes is not there.
    #[error("{op}: {bytes} bytes of memory are not there; use smaller sizes or a smaller batch, or free memory")]
    Memory {
        /// The kernel that was called.
        op: &'static str,
        /// Bytes asked for; `usize::MAX` if there are more than addresses.
        bytes: usize,
    },
}

/// `Ok` if `got == expected`, else [`ShapeError::Length`].
pub(crate) fn check_len(op: &'static str, what: &'static str, got: usize, expected: usize) -> Result<(), ShapeError> {
    if got == expected { Ok(()) } else { Err(ShapeError::Length { op, what, expected, got }) }
}
