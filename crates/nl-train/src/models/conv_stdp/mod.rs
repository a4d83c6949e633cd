//! A convolutional network that learns its features by STDP, without labels, and is read out linearly: configuration,
//! run with checkpoints, summary, report.

mod config;
mod network;
mod page;
mod read_out;
mod run;
mod view;

pub use config::{ConvStdpConfig, EyeConfig, MapsConfig, ReadOutConfig, RewardStage};
pub use run::{ConvStdpAccuracy, ConvStdpRun, ConvStdpSeconds, ConvStdpSpeed, ConvStdpSummary};
