//! Simulations of published networks: configuration, run with checkpoints, summary, report.

mod config;
mod page;
mod run;
mod spike_log;

pub use config::{SimConfig, SimModel};
pub use run::{SimRun, SimSeconds, SimSummary};
