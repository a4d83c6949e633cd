#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod units;

mod error;
pub mod grid;
pub mod rounding;

pub use error::Error;
pub use units::{Hz, Ms, Mv, Ns, Pa, Pf};
