#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod knobs;

mod violation;

mod search;

pub use config::{Cases, Config};
pub use knobs::Knobs;
pub use search::{Found, Title, ensure, hold, said, search};
pub use violation::{Violation, verify};

pub use proptest;
