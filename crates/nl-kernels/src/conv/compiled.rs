//! Where convolutions of a generic scalar become code: for f32 once, here; for f64, in which gradients are checked and
//! little is trained, in the crates that ask for it.

use super::vector::run_at;
use super::{im2col, winograd};
use crate::{Level, ShapeError};

/// The passes of a convolution, each compiled for every level.
///
/// A crate that trains in f32 would otherwise compile all of them anew, and so would every crate above it.
pub trait Compiled: Sized {
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "the trait is reachable only as a bound of the sealed `Float`")]
    fn winograd_forward(level: Level, pass: winograd::Forward<'_, Self>) -> Result<(), ShapeError>;
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "as above")]
    fn winograd_backward(level: Level, pass: winograd::Backward<'_, Self>) -> Result<(), ShapeError>;
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "as above")]
    fn im2col_forward(level: Level, pass: im2col::Forward<'_, Self>) -> Result<(), ShapeError>;
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "as above")]
    fn im2col_backward(level: Level, pass: im2col::Backward<'_, Self>) -> Result<(), ShapeError>;
}

// Neither generic nor `inline`: compiled with this crate.
#[allow(private_interfaces, reason = "as above")]
impl Compiled for f32 {
    #[inline(never)]
    fn winograd_forward(level: Level, pass: winograd::Forward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
    #[inline(never)]
    fn winograd_backward(level: Level, pass: winograd::Backward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
    #[inline(never)]
    fn im2col_forward(level: Level, pass: im2col::Forward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
    #[inline(never)]
    fn im2col_backward(level: Level, pass: im2col::Backward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
}

// `inline`: compiled by whoever calls it, and not at all if nobody does.
#[allow(private_interfaces, reason = "as above")]
impl Compiled for f64 {
    #[inline]
    fn winograd_forward(level: Level, pass: winograd::Forward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
    #[inline]
    fn winograd_backward(level: Level, pass: winograd::Backward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
    #[inline]
    fn im2col_forward(level: Level, pass: im2col::Forward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
    #[inline]
    fn im2col_backward(level: Level, pass: im2col::Backward<'_, Self>) -> Result<(), ShapeError> {
        run_at(level, pass)
    }
}
