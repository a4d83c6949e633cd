//! Learning without labels by competition and STDP: configuration, run with checkpoints, summary, report.

mod config;
mod page;
mod respond;
mod run;
mod view;

pub use config::StdpConfig;
pub use run::{StdpRun, StdpSpeed, StdpSummary};
