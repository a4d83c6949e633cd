#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod episodic;
mod error;
pub mod hopfield;
mod index;
mod persist;
mod recall;

pub use config::{MemoryConfig, Metric, Replacement};
pub use episodic::EpisodicMemory;
pub use error::{Error, FormatError};
pub use nl_kernels::Scratch;
pub use recall::{Neighbour, Recall, RecallBatch};
