#![doc = include_str!("../README.md")]

pub mod alarm;
pub mod budget;
pub mod gate;
pub mod objective;

mod atomic;
mod brain_run;
mod checkpoint;
mod config;
mod conv_stdp;
mod curves;
mod engine;
mod error;
mod evaluate;
mod finish;
mod learn;
mod metrics;
mod observer;
mod page;
mod pca;
mod probe;
mod run_folder;
mod sections;
mod sim;
mod state;
mod stdp;
mod summary;
mod tsne;
mod weights;

pub use atomic::FileError;
pub use brain_run::BrainRun;
pub use checkpoint::{CheckpointError, CheckpointStore, Latest, load_checkpoint, save_checkpoint};
pub use config::{Preset, ProbeConfig, RunConfig, SelfSupervised, Supervised};
pub use conv_stdp::{
    ConvStdpAccuracy, ConvStdpConfig, ConvStdpRun, ConvStdpSeconds, ConvStdpSpeed, ConvStdpSummary, EyeConfig,
    MapsConfig, ReadOutConfig, RewardStage,
};
pub use engine::{Engine, Objective, Shard};
pub use error::Error;
pub use evaluate::{Decided, Encoded, Evaluator};
pub use learn::{LearnConfig, Pace};
pub use metrics::{
    ClassScore, ConfusionMatrix, ReliabilityBin, RunningMean, accuracy, expected_calibration_error,
    negative_log_likelihood, reliability, wilson_interval,
};
/// What the pages are drawn with.
pub use nl_report as report;
pub use observer::{Event, Observer, Silent};
pub use pca::{Pca, PcaError};
pub use run_folder::{RunFolder, RunFolderError};
pub use sim::{SimConfig, SimModel, SimRun, SimSeconds, SimSummary};
pub use state::Stage;
pub use stdp::{StdpConfig, StdpRun, StdpSpeed, StdpSummary};
pub use summary::{SslSummary, Summary, TestAccuracy, Throughput};
pub use tsne::{Tsne, TsneError};
pub use weights::{NamedTensors, WeightsError, read_weights, write_weights};
