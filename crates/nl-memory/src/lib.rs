#![forbid(unsafe_code)]
//! Episodic memory: an exact k-nearest-neighbour store with bounded capacity.
//!
//! Keys are stored with a label and an id; a query recalls its nearest keys, their distance-weighted votes as
//! log-probabilities, how far they agree and how near they are. It knows no tensor and touches no file.

mod config;
mod episodic;
mod error;
mod persist;
mod recall;

pub use config::{MemoryConfig, Metric, Replacement};
pub use episodic::EpisodicMemory;
pub use error::{Error, FormatError};
pub use nl_kernels::Scratch;
pub use recall::{Neighbour, Recall, RecallBatch};
