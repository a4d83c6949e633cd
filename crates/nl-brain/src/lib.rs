#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod error;

mod retina;
mod thalamus;
mod visual_cortex;

mod inferotemporal;
mod prefrontal;

mod cerebellum;
mod hippocampus;

mod basal_ganglia;

mod brain;
mod plan;

pub use basal_ganglia::{BasalGanglia, Decision, Gate, Recalled};
pub use brain::Brain;
pub use cerebellum::Cerebellum;
pub use config::BrainConfig;
pub use error::Error;
pub use hippocampus::{Hippocampus, HippocampusConfig};
pub use inferotemporal::InferotemporalCortex;
pub use prefrontal::PrefrontalCortex;
pub use retina::Retina;
pub use thalamus::Thalamus;
pub use visual_cortex::VisualCortex;

pub use nl_memory::{EpisodicMemory, Metric, RecallBatch, Replacement, Scratch};
