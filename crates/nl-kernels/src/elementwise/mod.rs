//! Elementwise kernels: one input, two inputs, two inputs with broadcasting, linear combinations.
//!
//! All run at [`Level::current()`](crate::Level::current) and give the same bits at every level: no fused
//! multiply-add is used, and no element depends on another.

mod binary;
mod broadcast;
mod linear;
mod unary;

pub use binary::{Binary, binary, binary_assign};
pub use broadcast::{MAX_RANK, binary_broadcast};
pub use linear::{axpy, scale, scale_add};
pub use unary::{Unary, unary, unary_grad, unary_in_place};

pub(crate) use broadcast::Walk;
