//! Image transforms: to floats, random geometry, erasing, and corruption for denoising.
//!
//! The usual order for one training image: [`Normalize::unit`] → [`Augment`] → (target of reconstruction) →
//! [`Corruption`] → network. Every transform draws from the generator it is given and nowhere else.

mod augment;
mod corrupt;
mod elastic;
mod erase;
mod normalize;
mod warp;

use thiserror::Error;

pub use augment::Augment;
pub use corrupt::Corruption;
pub use erase::Erase;
pub use normalize::Normalize;
pub use warp::{Affine, Scratch};

/// Why a transform was refused.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TransformError {
    /// A parameter outside its range.
    #[error("{operation}: {parameter} = {value}, expected {expected}")]
    Parameter {
        /// The transform.
        operation: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f32,
        /// What is allowed.
        expected: &'static str,
    },
    /// A slice that is not an image of the stated size.
    #[error("{operation}: a slice of {found} values for a {height}x{width} image; pass height*width values")]
    Length {
        /// The transform.
        operation: &'static str,
        /// Length found.
        found: usize,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
    },
    /// An image too large for the resampler's arithmetic.
    #[error("{operation}: a {height}x{width} image; at most 8 million pixels can be resampled, cut it into tiles")]
    Size {
        /// The transform.
        operation: &'static str,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
    },
}

/// Refuses a parameter for which `ok` does not hold (NaN never does).
fn check(
    operation: &'static str,
    parameter: &'static str,
    value: f32,
    ok: bool,
    expected: &'static str,
) -> Result<(), TransformError> {
    if ok { Ok(()) } else { Err(TransformError::Parameter { operation, parameter, value, expected }) }
}

/// Refuses a slice that is not `height · width` long.
fn check_len(operation: &'static str, found: usize, height: usize, width: usize) -> Result<(), TransformError> {
    if height.checked_mul(width) == Some(found) {
        Ok(())
    } else {
        Err(TransformError::Length { operation, found, height, width })
    }
}
